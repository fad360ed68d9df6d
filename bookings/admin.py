"""Reservations in the admin: each tells its story on one page, and none is written here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from bookings.models import (
    Claim,
    Coupon,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
    SeatStock,
)
from inventory.models.departures import MAX_CALLS
from payments.models import Cancellation, Payment, Refund
from travel.common import clock
from travel.common.admin_bases import (
    EMPTY,
    STATE_TONES,
    BareInline,
    ClosedAdmin,
    email,
    json_column,
    locator,
    money_column,
    percent,
    state_column,
    tagged,
    whole_number,
)
from travel.common.money import Money, total
from travel.common.templatetags.look import money, tone_icon

# A story is read by a person; what is longer is read in the list of events.
MOST_EVENTS = 200


# --- the story ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """A state's word with its tone and sign."""

    text: str
    tone: str

    @property
    def sign(self) -> str:
        return tone_icon(self.tone)


@dataclass(frozen=True)
class CouponLine:
    """A coupon as staff read it: who travels where, on which seats, for how much."""

    coupon: Coupon
    passenger: Passenger
    state: Word
    seats: list[str]
    lines: list[tuple[str, Money]]
    price: Money


@dataclass(frozen=True)
class Story:
    """All that happened to a reservation."""

    coupons: list[CouponLine]
    price: Money
    payments: list[tuple[Payment, Word, Money]]
    refunds: list[tuple[Refund, Word, Money]]
    cancellations: list[tuple[Cancellation, list[tuple[int, Money, Money, str]]]]
    events: list[ReservationEvent]


def tell(reservation: Reservation) -> Story:
    """Read a reservation's whole story in a fixed number of statements."""
    currency = reservation.currency_id
    coupons = [
        _coupon_line(coupon, passenger, currency)
        for passenger in _passengers(reservation)
        for coupon in passenger.coupons.all()
    ]
    payments = list(reservation.payments.order_by("created_at", "id"))
    refunds = Refund.objects.filter(payment__in=payments).order_by("created_at", "id")
    return Story(
        coupons=coupons,
        price=total((line.price for line in coupons), currency=currency),
        payments=[
            (
                payment,
                _word(payment),
                Money(payment.amount_minor, payment.currency_id),
            )
            for payment in payments
        ],
        refunds=[
            (refund, _word(refund), Money(refund.amount_minor, currency)) for refund in refunds
        ],
        cancellations=_cancellations(reservation),
        events=list(reservation.events.select_related("actor").order_by("at", "id")[:MOST_EVENTS]),
    )


def _passengers(reservation: Reservation) -> Iterable[Passenger]:
    coupons = Coupon.objects.select_related(
        "ticket__departure__service",
        "ticket__from_call__station",
        "ticket__to_call__station",
        "ticket__fare",
    ).prefetch_related(
        "price_lines",
        Prefetch("claims", Claim.objects.select_related("stock__seat__coach")),
    )
    return reservation.passengers.prefetch_related(Prefetch("coupons", coupons))


def _coupon_line(coupon: Coupon, passenger: Passenger, currency: str) -> CouponLine:
    lines = [
        (f"{line.get_kind_display()}: {line.label}", Money(line.amount_minor, currency))
        for line in coupon.price_lines.all()
    ]
    return CouponLine(
        coupon=coupon,
        passenger=passenger,
        state=_word(coupon),
        seats=[seat_of(claim) for claim in coupon.claims.all()],
        lines=lines,
        price=total((amount for _label, amount in lines), currency=currency),
    )


def _cancellations(
    reservation: Reservation,
) -> list[tuple[Cancellation, list[tuple[int, Money, Money, str]]]]:
    currency = reservation.currency_id
    rows = reservation.cancellations.select_related("actor").prefetch_related("coupons")
    return [
        (
            cancellation,
            [
                (
                    line.coupon_id,
                    Money(line.penalty_minor, currency),
                    Money(line.refund_minor, currency),
                    percent(line.penalty_basis_points),
                )
                for line in cancellation.coupons.all()
            ],
        )
        for cancellation in rows.order_by("at", "id")
    ]


def seat_of(claim: Claim) -> str:
    """Say which seat a claim is on: coach and label, or that seating is free."""
    seat = claim.stock.seat
    if not seat.label:
        return str(_("free seating"))
    return f"{seat.coach.label} / {seat.label}"


def _word(row: Any) -> Word:
    return Word(text=str(row.get_state_display()), tone=STATE_TONES.get(row.state, ""))


# --- reservations ---------------------------------------------------------------------------------


@admin.register(Reservation)
class ReservationAdmin(ClosedAdmin):
    """What one holder booked together; its page shows the story in order."""

    list_display = ["locator", "holder", "state_word", "price", "created_at", "hold_until"]
    fields = [("locator", "state_word"), ("holder", "language"), ("created_at", "hold_until")]
    list_select_related = ["user"]
    list_filter = ["state"]
    sortable_by = ["created_at"]
    find_by = [
        ("locator", locator),
        ("pk", whole_number),
        ("contact_email", email),
        ("user__email", email),
    ]
    search_help_text = _("Booking code, number, or whole e-mail address.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        rows: QuerySet[Reservation] = super().get_queryset(request)
        lines = PriceLine.objects.filter(coupon__passenger__reservation=OuterRef("pk"))
        whole = lines.values("coupon__passenger__reservation").annotate(whole=Sum("amount_minor"))
        return rows.annotate(price_minor=Subquery(whole.values("whole")))

    @admin.display(description=_("holder"))
    def holder(self, row: Reservation) -> str:
        if row.user is not None:
            return str(row.user)
        return str(_("Guest %(contact)s") % {"contact": row.contact_email or row.contact_phone})

    @admin.display(description=_("state"))
    def state_word(self, row: Reservation) -> str:
        # A hold that has ended is free already, whether or not the sweeper came by.
        if row.state == Reservation.State.HELD and row.hold_until <= clock.now():
            return tagged(_("Hold ended"), "warn")
        return tagged(row.get_state_display(), STATE_TONES.get(row.state, ""))

    @admin.display(description=_("price"))
    def price(self, row: Any) -> str:
        if row.price_minor is None:
            return EMPTY
        return money(Money(row.price_minor, row.currency_id))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context["story"] = tell(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)


# --- the rows of a reservation --------------------------------------------------------------------

OF_PASSENGER = "reservation__currency_id"
OF_COUPON = f"passenger__{OF_PASSENGER}"
OF_LINE = f"coupon__{OF_COUPON}"


@admin.register(Passenger)
class PassengerAdmin(ClosedAdmin):
    """Who travels."""

    list_display = ["id", "first_name", "last_name", "kind", "reservation"]
    fields = ["reservation", "position", "first_name", "last_name", "kind", "date_of_birth"]
    fields += ["seat_wish", "accompanied_by"]
    list_select_related = ["reservation"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the passenger, or booking code.")


class PriceLineInline(BareInline):
    """The lines that make the price."""

    model = PriceLine
    fields = ["position", "kind", "label", "amount"]
    amount = money_column("amount_minor", OF_LINE)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("coupon__passenger__reservation")


class ClaimInline(BareInline):
    """The seats that the coupon has."""

    model = Claim
    fields = ["seat", "first_segment", "last_segment"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("stock__seat__coach")

    @admin.display(description=_("seat"))
    def seat(self, claim: Claim) -> str:
        return seat_of(claim)


@admin.register(Coupon)
class CouponAdmin(ClosedAdmin):
    """
    One passenger on one ticket.

    The barcode opens the way on board, so it is shown on the traveller's ticket and not here.
    """

    list_display = ["id", "reservation", "passenger", "ticket", "state_word"]
    fields = ["reservation", "passenger", "position", "ticket", "fare_version", "state_word"]
    list_select_related = ["passenger__reservation", "ticket"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("passenger__reservation__locator", locator)]
    search_help_text = _("Number of the coupon, or booking code.")
    inlines = [PriceLineInline, ClaimInline]
    state_word = state_column()

    @admin.display(description=_("reservation"))
    def reservation(self, coupon: Coupon) -> str:
        return coupon.passenger.reservation.locator


@admin.register(PriceLine)
class PriceLineAdmin(ClosedAdmin):
    """Lines of prices, copied at the sale."""

    list_display = ["id", "reservation", "coupon", "kind", "label", "amount"]
    fields = ["coupon", "position", "kind", "label", "amount"]
    list_select_related = ["coupon__passenger__reservation"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("coupon__passenger__reservation__locator", locator)]
    search_help_text = _("Number of the line, or booking code.")
    amount = money_column("amount_minor", OF_LINE)

    @admin.display(description=_("reservation"))
    def reservation(self, line: PriceLine) -> str:
        return line.coupon.passenger.reservation.locator


def segments(bits: int) -> str:
    """Write the taken segments as runs: `0-2, 5`."""
    taken = [number for number in range(MAX_CALLS - 1) if bits >> number & 1]
    starts = [number for number in taken if number - 1 not in taken]
    ends = [number for number in taken if number + 1 not in taken]
    runs = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs) or EMPTY


@admin.register(SeatStock)
class SeatStockAdmin(ClosedAdmin):
    """The seats of departures that have sold, and the stretches that are taken."""

    list_display = ["id", "departure", "coach", "seat", "travel_class", "taken_segments"]
    fields = ["departure", "coach", "seat", "travel_class", "taken_segments"]
    list_select_related = ["departure__service", "seat__coach"]
    ordering = ["-id"]
    find_by = [("departure", whole_number)]
    search_help_text = _("Number of the departure.")

    @admin.display(description=_("coach"))
    def coach(self, row: SeatStock) -> str:
        return row.seat.coach.label

    @admin.display(description=_("taken segments"))
    def taken_segments(self, row: SeatStock) -> str:
        return segments(row.taken)


@admin.register(Claim)
class ClaimAdmin(ClosedAdmin):
    """Coupons' rights to seats."""

    list_display = ["id", "reservation", "coupon", "departure", "seat", "first_segment"]
    list_display += ["last_segment"]
    fields = ["coupon", "departure", "seat", "first_segment", "last_segment"]
    list_select_related = [
        "coupon__passenger__reservation",
        "stock__seat__coach",
        "stock__departure__service",
    ]
    ordering = ["-id"]
    find_by = [("stock__departure", whole_number)]
    find_by += [("coupon__passenger__reservation__locator", locator)]
    search_help_text = _("Number of the departure, or booking code.")

    @admin.display(description=_("reservation"))
    def reservation(self, claim: Claim) -> str:
        return claim.coupon.passenger.reservation.locator

    @admin.display(description=_("departure"))
    def departure(self, claim: Claim) -> str:
        return str(claim.stock.departure)

    @admin.display(description=_("seat"))
    def seat(self, claim: Claim) -> str:
        return seat_of(claim)


@admin.register(ReservationEvent)
class ReservationEventAdmin(ClosedAdmin):
    """What happened to reservations, and by whom."""

    list_display = ["id", "at", "reservation", "kind", "from_state", "to_state", "actor_kind"]
    list_display += ["actor", "reason"]
    fields = ["reservation", "at", "kind", "from_state", "to_state", "actor_kind", "actor"]
    fields += ["reason", "more"]
    list_select_related = ["reservation", "actor"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("reservation__locator", locator)]
    search_help_text = _("Number of the event, or booking code.")
    more = json_column("details", label=_("details"))
