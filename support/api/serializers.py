"""Reports, and what the support desk sees, as the API shows them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.api.serializers import PaymentSerializer, ReservationSerializer, overview_body
from payments.selectors import Overview
from support import selectors
from support.acts import desk_actions_on
from support.selectors import MessageDetail, ReportDetail, UndonePayment
from support.story.words import FAMILIES, Told
from travel.api.fields import IDField, InstantField, MoneyField, Serializer


class MessageSerializer(Serializer):
    """A message of a report's thread."""

    message_id = IDField(source="id")
    sender = serializers.SerializerMethodField(help_text="`passenger` or `support`.")
    author = serializers.CharField(help_text="A first name; it may be empty.")
    text = serializers.CharField(source="body")
    created_at = InstantField()

    @extend_schema_field({"type": "string", "enum": ["passenger", "support"]})
    def get_sender(self, message: MessageDetail) -> str:
        return "support" if message.is_from_staff else "passenger"


class NotedMessageSerializer(MessageSerializer):
    """A message as staff see it: some are notes that no passenger reads."""

    author = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="A first name, or the e-mail address of whoever has no name; empty for what "
        "happened by itself."
    )
    internal = serializers.BooleanField(source="is_internal")
    event = serializers.CharField(
        help_text="What staff did to the report (`moved`, `taken`, ...); empty for a message."
    )

    def get_author(self, message: MessageDetail) -> str:
        return message.author or message.known_as


class ReportSerializer(Serializer):
    """A passenger's report with its thread, the oldest message first."""

    report_id = IDField()
    reservation_id = IDField()
    locator = serializers.CharField()
    ticket_id = IDField()
    category = serializers.ChoiceField(choices=selectors.CATEGORIES)
    processing_status = serializers.ChoiceField(choices=selectors.STATES)
    text = serializers.CharField(help_text="What the passenger first wrote.")
    answer = serializers.CharField(allow_null=True, help_text="The latest answer.")
    created_at = InstantField()
    answered_at = InstantField(allow_null=True)
    closed_at = InstantField(allow_null=True)
    due_at = InstantField(
        allow_null=True, help_text="Until when an answer is owed; null while none is."
    )
    closes_at = InstantField(
        allow_null=True,
        help_text="When an answered report closes by itself unless somebody writes; else null.",
    )
    merged_into_id = IDField(
        allow_null=True, help_text="The report in which this one is gone on with, or null."
    )
    thread = MessageSerializer(many=True)
    available_actions = serializers.ListField(child=serializers.CharField())


class DeskReportSerializer(ReportSerializer):
    """A report as staff see it."""

    thread = NotedMessageSerializer(many=True)  # type: ignore[assignment]
    user_id = IDField()
    name = serializers.CharField()
    email = serializers.CharField(allow_null=True)
    assigned_to = serializers.CharField()


class DeskReservationSerializer(ReservationSerializer):
    """A reservation as staff see it: with its holder."""

    user_id = IDField(allow_null=True)
    contact_email = serializers.CharField(allow_null=True)
    contact_phone = serializers.CharField(allow_null=True)


class UndonePaymentSerializer(PaymentSerializer):
    """A payment that failed, was voided or refunded."""

    status = serializers.ChoiceField(choices=selectors.UNDONE)  # type: ignore[assignment]
    reservation_id = IDField()
    locator = serializers.CharField()
    user_id = IDField(allow_null=True)
    contact_email = serializers.CharField(allow_null=True)
    finished_at = InstantField(allow_null=True)


class StoryEntrySerializer(Serializer):
    """Something that happened to a reservation."""

    at = InstantField()
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="The book it stands in: `event`, `payment`, `refund`, `webhook`, `ledger`, "
        "`cancellation`, `goodwill`, `receipt`, `alarm`, `message`, `report`, `answer`, `letter`, "
        "`note`, `scan`, `desk`, `job`, `act` or `serving`."
    )
    kind = serializers.CharField(help_text="What it is there; the words of each book.")
    title = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())
    text = serializers.CharField(
        help_text="What was written in a report; for roles that answer reports."
    )
    about = serializers.ListField(child=serializers.ChoiceField(choices=FAMILIES))
    amount = MoneyField(allow_null=True)
    actor_kind = serializers.ChoiceField(choices=["holder", "staff", "system"])
    actor = serializers.CharField(help_text="A name; it may be empty.")
    reason = serializers.CharField(help_text="What staff noted; it may be empty.")
    public = serializers.BooleanField(help_text="Whether its holder is told it too.")


# --- bodies ---------------------------------------------------------------------------------------


def report_body(report: ReportDetail, *, now: datetime) -> dict[str, Any]:
    """Write a report with its thread."""
    return {
        "report_id": report.id,
        "reservation_id": report.reservation_id,
        "locator": report.locator,
        "ticket_id": report.ticket.id,
        "category": report.category,
        "processing_status": report.state,
        "text": report.text,
        "answer": report.answer,
        "created_at": report.created_at,
        "answered_at": report.answered_at,
        "closed_at": report.closed_at,
        "due_at": report.due_at,
        "closes_at": report.closes_at,
        "merged_into_id": report.merged_into,
        "thread": report.messages,
        "available_actions": selectors.available_actions(report, now=now),
    }


def desk_report_body(report: ReportDetail, *, now: datetime) -> dict[str, Any]:
    """Write a report with who sent it and who looks after it."""
    return report_body(report, now=now) | {
        "user_id": report.user_id,
        "name": report.name,
        "email": report.email,
        "assigned_to": report.assigned_to,
        "available_actions": selectors.desk_actions(report),
    }


def desk_reservation_body(overview: Overview, *, powers: Collection[str]) -> dict[str, Any]:
    """Write a reservation with its holder, and what staff of these powers may do with it."""
    reservation = overview.reservation
    return overview_body(overview) | {
        "user_id": reservation.user_id,
        "contact_email": reservation.contact_email,
        "contact_phone": reservation.contact_phone,
        "available_actions": desk_actions_on(overview, powers=powers),
    }


def story_body(told: Told, *, sees_letters: bool) -> dict[str, Any]:
    """Write an entry of a story; what passengers wrote is for who answers them."""
    entry = told.entry
    return {
        "at": entry.at,
        "source": entry.source,
        "kind": entry.kind,
        "title": told.title,
        "notes": told.notes,
        "text": told.text if sees_letters else "",
        "about": [one for one in FAMILIES if one in told.families],
        "amount": told.amount,
        "actor_kind": entry.actor_kind,
        "actor": entry.actor,
        "reason": entry.reason,
        "public": entry.is_public,
    }


def undone_body(undone: UndonePayment) -> dict[str, Any]:
    """Write a payment that came to nothing with whose it was."""
    payment = undone.payment
    return {
        "id": payment.id,
        "method": payment.method,
        "state": payment.state,
        "status": undone.status,
        "amount": payment.amount,
        "failure": payment.failure,
        "created_at": payment.created_at,
        "finished_at": payment.finished_at,
        "refunds": payment.refunds,
        "reservation_id": payment.reservation_id,
        "locator": undone.locator,
        "user_id": undone.user_id,
        "contact_email": undone.contact_email,
    }
