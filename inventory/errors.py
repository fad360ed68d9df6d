"""Refusals of the timetable."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from travel.common.errors import Refusal


class DepartureClosed(Refusal):
    """The departure has left the boarding call, is cancelled, replaced, or no longer on sale."""

    code = "departure_closed"
    status = 409
    title = _("This departure is no longer on sale.")


class MixedCurrencies(Refusal):
    """The tickets are priced in different currencies; nothing is converted."""

    code = "mixed_currencies"
    status = 409
    title = _("These tickets are sold in different currencies. Please book them one by one.")
