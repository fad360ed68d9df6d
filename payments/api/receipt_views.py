"""Receipts and credit notes of a reservation."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.views import viewer_of
from payments import documents, receipts
from payments.receipts import ReceiptDetail
from travel.api.fields import IDField, InstantField, MoneyField, Serializer
from travel.api.views import ApiView

KINDS = ["receipt", "credit_note"]
LINE_KINDS = ["fare", "tax", "fee", "discount", "penalty"]


class ReceiptDocuments(Serializer):
    """Where a browser that may see the reservation finds the receipt."""

    page = serializers.CharField()
    pdf = serializers.CharField()


class ReceiptsOf(ApiView):
    """List the receipts and credit notes of a reservation, the oldest first."""

    paginated = True
    tags = ("reservations",)

    class Output(Serializer):
        receipt_id = IDField()
        kind = serializers.ChoiceField(choices=KINDS)
        number = serializers.CharField()
        issued_at = InstantField()
        total = MoneyField()
        tax = MoneyField(help_text="What the total contains of it.")
        documents = ReceiptDocuments()

    def get(self, request: Request, reservation_id: int) -> Response:
        page = self.page
        count, rows = receipts.list_receipts(
            viewer=viewer_of(request),
            reservation_id=reservation_id,
            offset=page.offset,
            limit=page.limit,
            now=self.now,
        )
        return self.answer_page(count, [_head(one, request) for one in rows])


class Receipt(ApiView):
    """Show a receipt or credit note, with its lines and its PDF."""

    tags = ("reservations",)

    class Output(ReceiptsOf.Output):
        class LineOutput(Serializer):
            kind = serializers.ChoiceField(choices=LINE_KINDS)
            label = serializers.CharField()  # type: ignore[assignment]
            amount = MoneyField()

        reservation_id = IDField()
        locator = serializers.CharField()
        credits = serializers.CharField(
            help_text="Of a credit note: the number of the receipt that it changes."
        )
        issuer = serializers.CharField()
        name = serializers.CharField(help_text="Whom it was written for; empty after ten years.")
        address = serializers.CharField()
        lines = LineOutput(many=True)
        pdf = serializers.CharField(help_text="The document itself, in base64.")

    def get(self, request: Request, receipt_id: int) -> Response:
        found = receipts.get_receipt(viewer=viewer_of(request), receipt_id=receipt_id)
        return self.answer(
            _head(found, request)
            | {
                "reservation_id": found.reservation_id,
                "locator": found.locator,
                "credits": found.credits,
                "issuer": found.issuer_text,
                "name": found.name,
                "address": found.address,
                "lines": found.lines,
                "pdf": b64encode(documents.receipt_pdf(found)).decode("ascii"),
            }
        )


def _head(receipt: ReceiptDetail, request: Request) -> dict[str, Any]:
    return {
        "receipt_id": receipt.id,
        "kind": receipt.kind,
        "number": receipt.number,
        "issued_at": receipt.issued_at,
        "total": receipt.total,
        "tax": receipt.tax,
        "documents": {
            "page": request.build_absolute_uri(reverse("payments:receipt", args=[receipt.id])),
            "pdf": request.build_absolute_uri(reverse("payments:receipt-pdf", args=[receipt.id])),
        },
    }
