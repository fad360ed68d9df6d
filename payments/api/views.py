"""Paying, purchases, penalties, cancelling, and the wallet."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.document_views import TicketLinks, links
from bookings.api.serializers import (
    PassengerSerializer,
    PaymentSerializer,
    PriceLineSerializer,
    SeatSerializer,
    SoldTicketSerializer,
    TierSerializer,
    is_round_trip,
    seat_body,
    ticket_body,
)
from bookings.api.views import user_id_of, viewer_of
from bookings.documents.passes import barcodes_of
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, AlreadyPaid, HoldExpired, NotCancellable
from payments import selectors, services
from payments.errors import (
    InsufficientFunds,
    PaymentDeclined,
    QuoteExpired,
    UnknownPaymentMethod,
)
from payments.selectors import WHEN, Purchase
from payments.services import Quote
from payments.statements import wallet_statement
from travel.api.fields import (
    AmountField,
    CurrencyField,
    IDField,
    InstantField,
    MoneyField,
    SafeTextField,
    Serializer,
)
from travel.api.idempotency import idempotent
from travel.api.views import ApiView
from travel.common.errors import InvalidInput, RequestInProgress
from travel.common.money import Money, parse_amount

WALLET = "Wallet"
MAX_SELECTED = 108
# Where a refund may go.
WAYS_BACK = ["source", "wallet"]


def asks_a_gateway(body: Mapping[str, Any]) -> bool:
    """Say whether paying so leaves the office; then the idempotency key commits first."""
    return not isinstance(body, Mapping) or body.get("paymentMethod") != WALLET


class IDsField(serializers.CharField):
    """Ids with commas between them, in a query string."""

    default_error_messages = {"ids": _("Write ids with commas between them.")}

    def to_internal_value(self, data: Any) -> Any:
        parts = str(data).split(",")
        if len(parts) > MAX_SELECTED:
            self.fail("ids")
        return [IDField().run_validation(part.strip()) for part in parts]


class Pay(ApiView):
    """Pay a reservation before its hold ends."""

    problems = (
        UnknownPaymentMethod,
        InsufficientFunds,
        PaymentDeclined,
        HoldExpired,
        AlreadyPaid,
        AlreadyCancelled,
        RequestInProgress,
    )
    other_successes = {HTTPStatus.ACCEPTED: "The payer has to consent at `redirectUrl`."}
    tags = ("reservations",)

    class Input(Serializer):
        reservation_id = IDField()
        payment_method = SafeTextField(
            max_length=40, help_text="`Wallet`, `Bank Card` or `Cryptocurrency`."
        )
        payment_token = SafeTextField(
            required=False,
            allow_null=True,
            max_length=80,
            help_text="The provider's token; sandbox: `tok_accepted`, `tok_declined`, `tok_3ds`. "
            "Never a card's number.",
        )
        seats_may_change = serializers.BooleanField(
            required=False,
            default=False,
            help_text="Other seats of the same class will do, should the hold run out meanwhile.",
        )

    class Output(Serializer):
        message = serializers.CharField()
        reservation_id = IDField()
        locator = serializers.CharField()
        status = serializers.CharField()
        payment = PaymentSerializer()
        tickets = SoldTicketSerializer(many=True)
        redirect_url = serializers.CharField(
            required=False, help_text="With 202: where the payer has to consent."
        )

    @idempotent(lease=asks_a_gateway)
    def post(self, request: Request) -> Response:
        body = self.body()
        viewer = viewer_of(request)
        paid = services.pay(
            viewer=viewer,
            reservation_id=body["reservation_id"],
            method=body["payment_method"],
            token=body.get("payment_token"),
            seats_may_change=body["seats_may_change"],
            now=self.now,
        )
        overview = selectors.get_overview(
            viewer=viewer, reservation_id=body["reservation_id"], now=self.now
        )
        reservation = overview.reservation
        answer: dict[str, Any] = {
            "message": _message(paid),
            "reservation_id": reservation.id,
            "locator": reservation.locator,
            "status": reservation.status,
            "payment": selectors.get_payment(paid.payment_id),
            "tickets": [
                ticket_body(ticket, round_trip=is_round_trip(reservation))
                for ticket in reservation.tickets.values()
            ],
        }
        if paid.redirect_url:
            answer["redirect_url"] = paid.redirect_url
        return self.answer(
            answer, status=HTTPStatus.OK if paid.is_captured else HTTPStatus.ACCEPTED
        )


class Purchased(ApiView):
    """List the tickets one has paid for."""

    paginated = True
    tags = ("reservations",)

    class Query(Serializer):
        when = serializers.ChoiceField(choices=WHEN, required=False)

    class Output(SoldTicketSerializer):
        class DocumentsOutput(TicketLinks):
            receipts = serializers.CharField(help_text="The API's list of the receipts.")

        reservation_id = IDField()
        locator = serializers.CharField()
        coupon_id = IDField()
        status = serializers.ChoiceField(choices=["open", "used", "no_show", "cancelled"])
        passenger = PassengerSerializer()
        seats = SeatSerializer(many=True)
        price = MoneyField()
        lines = PriceLineSerializer(many=True)
        barcode = serializers.CharField(
            help_text="What the ticket's barcode carries, signed; empty where the ticket is void."
        )
        documents = DocumentsOutput()

    def get(self, request: Request) -> Response:
        page = self.page
        count, rows = selectors.list_purchases(
            viewer=viewer_of(request),
            when=self.query().get("when"),
            offset=page.offset,
            limit=page.limit,
            now=self.now,
        )
        codes = barcodes_of(one.reservation for one in rows)
        return self.answer_page(count, [_purchase(one, codes, request) for one in rows])


class PenaltyOf(ApiView):
    """Tell what cancelling would cost now, without doing it."""

    problems = (HoldExpired, AlreadyCancelled, NotCancellable)
    tags = ("reservations",)

    class Query(Serializer):
        passenger_ids = IDsField(required=False)
        ticket_ids = IDsField(required=False)

    class Output(Serializer):
        class CouponOutput(Serializer):
            coupon_id = IDField()
            ticket_id = IDField()
            passenger_id = IDField()
            price = MoneyField()
            penalty_percentage = serializers.FloatField()
            penalty = MoneyField()
            refund = MoneyField()
            penalty_tiers = TierSerializer(many=True)

        penalty_percentage = serializers.FloatField()
        penalty = MoneyField()
        refund = MoneyField()
        quote_id = serializers.CharField()
        valid_until = InstantField()
        refund_to = serializers.ListField(
            child=serializers.ChoiceField(choices=WAYS_BACK),
            help_text="Where the money may go, the usual way first.",
        )
        coupons = CouponOutput(many=True)

    def get(self, request: Request, reservation_id: int) -> Response:
        query = self.query()
        quote = services.quote_cancellation(
            viewer=viewer_of(request),
            reservation_id=reservation_id,
            passenger_ids=query.get("passenger_ids", ()),
            ticket_ids=query.get("ticket_ids", ()),
            now=self.now,
        )
        return self.answer(_quote(quote))


class Cancel(ApiView):
    """Cancel a reservation or a part of it, or release a hold."""

    problems = (HoldExpired, AlreadyCancelled, NotCancellable, QuoteExpired)
    tags = ("reservations",)

    class Input(Serializer):
        reservation_id = IDField()
        quote_id = SafeTextField(required=False, allow_null=True, max_length=4_000)
        passenger_ids = serializers.ListField(
            child=IDField(), required=False, max_length=MAX_SELECTED
        )
        ticket_ids = serializers.ListField(child=IDField(), required=False, max_length=MAX_SELECTED)
        refund_to = serializers.ChoiceField(
            choices=WAYS_BACK,
            default="source",
            help_text="To where it came from, or at once to the account's wallet.",
        )

    class Output(Serializer):
        message = serializers.CharField()
        reservation_id = IDField()
        status = serializers.CharField()
        penalty = MoneyField()
        refund = MoneyField()
        refund_status = serializers.CharField(
            help_text="`done`, `queued`, or empty where nothing goes back."
        )
        refund_to = serializers.CharField(
            help_text="`source`, `wallet`, or empty where nothing goes back."
        )

    @idempotent
    def post(self, request: Request) -> Response:
        body = self.body()
        cancelled = services.cancel_and_refund(
            viewer=viewer_of(request),
            reservation_id=body["reservation_id"],
            quote_id=body.get("quote_id"),
            passenger_ids=body.get("passenger_ids", ()),
            ticket_ids=body.get("ticket_ids", ()),
            refund_to=body["refund_to"],
            actor=Actor("holder", user_id_of(request)),
            now=self.now,
        )
        return self.answer(
            {
                "message": _("Cancelled."),
                "reservation_id": cancelled.reservation.id,
                "status": cancelled.reservation.status,
                "penalty": cancelled.penalty,
                "refund": cancelled.refund,
                "refund_status": cancelled.refund_state,
                "refund_to": cancelled.refund_to,
            }
        )


class Wallet(ApiView):
    """Show what the wallet holds and its moves, the newest first."""

    paginated = True
    beside_results = {"balances": serializers.ListField(child=MoneyField())}
    tags = ("wallet",)

    class Query(Serializer):
        currency = CurrencyField(required=False, help_text="The wallet of that currency alone.")

    class Output(Serializer):
        at = InstantField()
        kind = serializers.CharField()
        memo = serializers.CharField(help_text="The booking it belongs to, or empty.")
        amount = MoneyField()
        balance = MoneyField(help_text="What the wallet of that currency held from then on.")

    def get(self, request: Request) -> Response:
        page = self.page
        count, lines = wallet_statement(
            user_id=user_id_of(request),
            currency=self.query().get("currency"),
            offset=page.offset,
            limit=page.limit,
        )
        response = self.answer_page(count, lines)
        response.data["balances"] = [
            MoneyField().to_representation(money)
            for money in selectors.balances(user_id_of(request))
        ]
        return response


class TopUp(ApiView):
    """Put money into the wallet."""

    problems = (PaymentDeclined, UnknownPaymentMethod)
    other_successes = {HTTPStatus.ACCEPTED: "The payer has to consent at `redirectUrl`."}
    tags = ("wallet",)

    class Input(Serializer):
        amount = AmountField()
        currency = CurrencyField()
        payment_token = SafeTextField(required=False, allow_null=True, max_length=80)

    class Output(Serializer):
        message = serializers.CharField()
        top_up_id = IDField()
        status = serializers.CharField()
        balance = MoneyField()
        redirect_url = serializers.CharField(required=False)

    @idempotent(lease=True)
    def post(self, request: Request) -> Response:
        body = self.body()
        done = services.top_up(
            user_id=user_id_of(request),
            amount=_positive(body["amount"], body["currency"]),
            token=body.get("payment_token"),
            now=self.now,
        )
        captured = done.state == "captured"
        answer: dict[str, Any] = {
            "message": _("The wallet is filled.") if captured else _("Please confirm the payment."),
            "top_up_id": done.top_up_id,
            "status": done.state,
            "balance": selectors.balance(user_id_of(request), body["currency"]),
        }
        if done.redirect_url:
            answer["redirect_url"] = done.redirect_url
        return self.answer(answer, status=HTTPStatus.OK if captured else HTTPStatus.ACCEPTED)


def _message(paid: services.Paid) -> str:
    if paid.is_captured and not paid.failure:
        return _("Paid. Have a good journey.")
    if paid.is_captured:
        return _("The payment came too late. The money is on its way back.")
    if not paid.redirect_url:
        return _("The provider has not answered yet. Ask for the reservation again in a minute.")
    return _("Please confirm the payment with your provider.")


def _positive(text: str, currency: str) -> Money:
    try:
        return parse_amount(text, currency)
    except ValueError as error:
        raise InvalidInput(errors={"amount": [str(error)]}) from error


def _purchase(purchase: Purchase, codes: dict[int, str], request: Request) -> dict[str, Any]:
    coupon, reservation = purchase.coupon, purchase.reservation
    barcode = codes.get(coupon.id, "")
    ticket = reservation.tickets[coupon.ticket_id]
    return ticket_body(ticket, round_trip=is_round_trip(reservation)) | {
        "reservation_id": reservation.id,
        "locator": reservation.locator,
        "coupon_id": coupon.id,
        "status": coupon.state,
        "passenger": reservation.passenger_of(coupon),
        "seats": [seat_body(coupon, seat, ticket) for seat in coupon.seats],
        "price": coupon.price,
        "lines": [
            {"kind": kind, "label": label, "amount": amount} for kind, label, amount in coupon.lines
        ],
        "barcode": barcode,
        "documents": links(request, reservation.locator, is_void=not barcode)
        | {
            "receipts": request.build_absolute_uri(f"/reservations/{reservation.id}/receipts"),
        },
    }


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "penalty_percentage": quote.percentage,
        "penalty": quote.penalty,
        "refund": quote.refund,
        "quote_id": quote.id,
        "valid_until": quote.valid_until,
        "refund_to": quote.ways_back,
        "coupons": [
            {
                "coupon_id": one.coupon.id,
                "ticket_id": one.coupon.ticket_id,
                "passenger_id": one.coupon.passenger_id,
                "price": one.coupon.price,
                "penalty_percentage": one.basis_points / 100,
                "penalty": one.penalty,
                "refund": one.refund,
                "penalty_tiers": [
                    {
                        "minutes_before": tier.minutes_before,
                        "penalty_percentage": tier.basis_points / 100,
                        "minimum_penalty": Money(tier.minimum_minor, one.coupon.price.currency),
                    }
                    for tier in one.tiers
                ],
            }
            for one in quote.coupons
        ],
    }
