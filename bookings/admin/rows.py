"""What belongs to reservations: passengers, coupons, price lines, seats, claims and events."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.models import (
    Claim,
    Coupon,
    Passenger,
    PriceLine,
    ReservationEvent,
    SeatBlock,
    SeatStock,
    Unseated,
)
from inventory.models.departures import MAX_CALLS
from travel.common.admin_bases import (
    EMPTY,
    BareInline,
    ClosedAdmin,
    json_column,
    locator,
    money_column,
    state_column,
    whole_number,
)

OF_PASSENGER = "reservation__currency_id"
OF_COUPON = f"passenger__{OF_PASSENGER}"
OF_LINE = f"coupon__{OF_COUPON}"


def seat_of(claim: Claim) -> str:
    """Say which seat a claim is on: coach and label, or that seating is free."""
    seat = claim.stock.seat
    if not seat.label:
        return str(_("free seating"))
    return f"{seat.coach.label} / {seat.label}"


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
    fields = [
        *("reservation", "passenger", "position", "ticket", "fare_version"),
        *("state_word", "issue", "reissued_at"),
    ]
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


@admin.register(SeatBlock)
class SeatBlockAdmin(ClosedAdmin):
    """Seats that the departures desk keeps back."""

    list_display = ["id", "departure", "seat", "first_segment", "last_segment", "reason"]
    list_display += ["created_at", "created_by"]
    fields = ["departure", "seat", "first_segment", "last_segment", "reason", "created_at"]
    fields += ["created_by"]
    list_select_related = ["stock__seat__coach", "stock__departure__service", "created_by"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("stock__departure", whole_number)]
    search_help_text = _("Number of the block or of its departure.")

    @admin.display(description=_("departure"))
    def departure(self, block: SeatBlock) -> str:
        return str(block.stock.departure)

    @admin.display(description=_("seat"))
    def seat(self, block: SeatBlock) -> str:
        return f"{block.stock.seat.coach.label}/{block.stock.seat}"


@admin.register(Unseated)
class UnseatedAdmin(ClosedAdmin):
    """Coupons whose seat was taken away, and that had no other at once."""

    list_display = ["id", "coupon", "departure", "had", "cause", "since"]
    fields = ["coupon", "departure", "had", "cause", "since"]
    list_select_related = ["coupon", "departure__service"]
    list_filter = ["cause"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("departure", whole_number), ("coupon", whole_number)]
    search_help_text = _("Number of the row, of its departure or of its coupon.")


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
