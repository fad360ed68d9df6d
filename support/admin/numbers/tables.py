"""The tables of the numbers, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from support.models import (
    ClosedDay,
    DayCustomer,
    DayHolds,
    DaySales,
    DepartureLoad,
    Subscription,
)
from travel.common.admin_bases import (
    ClosedAdmin,
    email,
    money_column,
    whole_number,
)


@admin.register(ClosedDay)
class ClosedDayAdmin(ClosedAdmin):
    """Days that are kept ready."""

    list_display = ["day", "zone", "begins_at", "ends_at", "closed_at"]
    fields = ["day", "zone", "begins_at", "ends_at", "closed_at"]


@admin.register(DaySales)
class DaySalesAdmin(ClosedAdmin):
    """What tickets of one kind moved on a closed day."""

    list_display = ["id", "day", "move", "carrier", "mode", "tickets", "amount"]
    fields = ["day", "move", "carrier", "mode", "from_station", "to_station", "travel_class"]
    fields += ["method", "lead_time", "tickets", "price", "amount"]
    list_select_related = ["carrier", "day"]
    list_filter = ["move", "mode"]
    ordering = ["-id"]
    find_by = [("pk", whole_number)]
    amount = money_column("amount_minor", "currency_id")
    price = money_column("price_minor", "currency_id", label=_("price"))


@admin.register(DayCustomer)
class DayCustomerAdmin(ClosedAdmin):
    """What an account bought and cancelled on a closed day."""

    list_display = ["id", "day", "user", "mode", "sold", "cancelled", "amount"]
    fields = ["day", "user", "mode", "sold", "cancelled", "amount"]
    list_select_related = ["user", "day"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("user__email", email)]
    amount = money_column("amount_minor", "currency_id")


@admin.register(DayHolds)
class DayHoldsAdmin(ClosedAdmin):
    """What befell holds on a closed day."""

    list_display = ["id", "day", "kind", "number"]
    fields = ["day", "kind", "number"]
    list_select_related = ["day"]
    list_filter = ["kind"]
    ordering = ["-id"]
    find_by = [("pk", whole_number)]


@admin.register(DepartureLoad)
class DepartureLoadAdmin(ClosedAdmin):
    """How full departures are, as of a version of their stock."""

    list_display = ["departure", "stock_version", "seats", "taken", "offered_m", "taken_m"]
    fields = ["departure", "stock_version", "seats", "taken", "offered_m", "taken_m"]
    list_select_related = ["departure__service"]
    ordering = ["-departure_id"]
    find_by = [("pk", whole_number)]


@admin.register(Subscription)
class SubscriptionAdmin(ClosedAdmin):
    """Reports that somebody gets by e-mail."""

    list_display = ["id", "user", "report", "every", "due_at", "sent_at", "stopped_because"]
    fields = ["user", "report", "filters", "every", "created_at", "due_at", "sent_at"]
    fields += ["stopped_at", "stopped_because"]
    list_select_related = ["user"]
    list_filter = ["every"]
    find_by = [("pk", whole_number), ("user__email", email)]
