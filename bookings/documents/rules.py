"""What cancelling a ticket costs until when, in words that stay true on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from bookings.documents.words import figures
from inventory.selectors import TicketFacts, Tier
from travel.common.money import Money
from travel.common.templatetags.look import moment_text, money_text


def cancelling(
    ticket: TicketFacts, tiers: Sequence[Tier], *, currency: str, since: datetime
) -> tuple[str, ...]:
    """
    Say until when cancelling costs how much, on the clock of the ticket's own station.

    `tiers` begin with the earliest moment; those that were over at `since` are left out.
    """
    lines = []
    for tier in tiers:
        until = ticket.leaves_at - timedelta(minutes=tier.minutes_before)
        if until > since:
            moment = moment_text(until, ticket.origin.station.tz)
            lines.append(_line(tier, moment, currency))
    return (*lines, _("After that nothing comes back.") if lines else _("Nothing comes back."))


def _line(tier: Tier, moment: str, currency: str) -> str:
    percent = figures(f"{tier.basis_points / 100:g}")
    if tier.minimum_minor:
        amount = money_text(Money(tier.minimum_minor, currency))
        if not tier.basis_points:
            return _("Until %(moment)s cancelling costs %(amount)s a passenger.") % {
                "moment": moment,
                "amount": amount,
            }
        return _(
            "Until %(moment)s cancelling costs %(percent)s %% of the price, "
            "at least %(amount)s a passenger."
        ) % {"moment": moment, "percent": percent, "amount": amount}
    if not tier.basis_points:
        return _("Until %(moment)s cancelling is free.") % {"moment": moment}
    return _("Until %(moment)s cancelling costs %(percent)s %% of the price.") % {
        "moment": moment,
        "percent": percent,
    }
