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
from travel.api.fields import IDField, InstantField, Serializer


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

    internal = serializers.BooleanField(source="is_internal")


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
