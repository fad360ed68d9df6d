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


class DepartureChanged(Refusal):
    """The departure is no longer as it was shown; look at it again."""

    code = "departure_changed"
    status = 409
    title = _("The departure has changed since this page was opened. Please look at it again.")


class HasArrived(Refusal):
    """The departure has reached its last call: how it ran is not changed any more."""

    code = "has_arrived"
    status = 409
    title = _("This departure has arrived: how it ran is not changed any more.")


class NotRunning(Refusal):
    """The departure is cancelled, replaced or withdrawn: there is nothing to change about it."""

    code = "not_running"
    status = 409
    title = _("This departure does not run.")
