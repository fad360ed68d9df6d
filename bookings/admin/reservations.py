"""
Reservations in a list. What happened to one, and what staff do with it, stands on a page of
support's, the top storey, which takes the place of the table's own (support.admin.reservation).
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings.models import PriceLine, Reservation
from travel.common import clock
from travel.common.admin_bases import (
    EMPTY,
    STATE_TONES,
    ClosedAdmin,
    email,
    locator,
    tagged,
    whole_number,
)
from travel.common.money import Money
from travel.common.templatetags.look import money


@admin.register(Reservation)
class ReservationAdmin(ClosedAdmin):
    """What one holder booked together."""

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
