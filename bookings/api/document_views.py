"""A reservation's tickets as documents, for programs."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.views import viewer_of
from bookings.documents import calendars, codes, tickets, wallet
from bookings.documents.passes import Pass, get_papers
from travel.api.fields import IDField, InstantField, Serializer
from travel.api.views import ApiView

STATES = ["open", "used", "no_show", "cancelled"]
SYMBOLS = [codes.AZTEC, codes.QR]


class TicketLinks(Serializer):
    """Where a browser that may see the reservation finds its tickets."""

    page = serializers.CharField()
    tickets = serializers.CharField(help_text="The tickets to show; empty where none is left.")
    pdf = serializers.CharField()
    calendar = serializers.CharField()


class Documents(ApiView):
    """Answer the tickets of a paid reservation: barcodes, PDF, calendar file, wallet passes."""

    tags = ("reservations",)

    class Output(Serializer):
        class TicketOutput(Serializer):
            coupon_id = IDField()
            ticket_id = IDField()
            passenger_name = serializers.CharField()
            status = serializers.ChoiceField(choices=STATES)
            barcode = serializers.CharField(
                help_text="What the barcode carries, signed; empty where the ticket is void."
            )
            symbol = serializers.ChoiceField(choices=SYMBOLS, help_text="How the barcode is drawn.")
            issue = serializers.IntegerField(
                help_text="How often it was issued; the barcodes of earlier issues are stale."
            )
            issued_at = InstantField()
            wallet_pass = serializers.CharField(
                help_text="A pass for Apple Wallet in base64; empty where there is none."
            )

        reservation_id = IDField()
        locator = serializers.CharField()
        tickets = TicketOutput(many=True)
        pdf = serializers.CharField(
            help_text="A sheet for each ticket that holds, in base64; empty where none does."
        )
        calendar = serializers.CharField(help_text="An iCalendar file.")
        documents = TicketLinks()

    def get(self, request: Request, reservation_id: int) -> Response:
        viewer = viewer_of(request)
        papers = get_papers(viewer=viewer, reservation_id=reservation_id, now=self.now)
        locator = papers.reservation.locator
        calendar = calendars.get_calendar(viewer=viewer, locator=locator, now=self.now)
        return self.answer(
            {
                "reservation_id": papers.reservation.id,
                "locator": locator,
                "tickets": [_ticket(one) for one in papers.passes],
                "pdf": _base64(tickets.tickets_pdf(papers.valid)) if papers.valid else "",
                "calendar": calendar.decode(),
                "documents": links(request, locator),
            }
        )


def links(request: Request, locator: str, *, is_void: bool = False) -> dict[str, str]:
    """Answer the addresses of `TicketLinks`; a void ticket has none but the booking's page."""

    def address(name: str) -> str:
        return str(request.build_absolute_uri(reverse(f"bookings:{name}", args=[locator])))

    return {
        "page": address("reservation"),
        "tickets": "" if is_void else address("tickets"),
        "pdf": "" if is_void else address("tickets-pdf"),
        "calendar": address("calendar"),
    }


def _ticket(one: Pass) -> dict[str, Any]:
    return {
        "coupon_id": one.coupon_id,
        "ticket_id": one.ticket_id,
        "passenger_name": one.passenger,
        "status": one.coupon_state,
        "barcode": one.barcode,
        "symbol": one.symbol,
        "issue": one.issue,
        "issued_at": one.issued_at,
        "wallet_pass": _base64(wallet.pkpass(one)) if wallet.is_offered() else "",
    }


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
