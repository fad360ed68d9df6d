"""Tickets as PDFs to keep and to print: a sheet for each pass, tagged, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _

from bookings.documents.passes import Pass
from bookings.documents.words import figures
from travel.common.printing import pdf
from travel.common.templatetags.look import (
    clock_text,
    duration,
    long_day,
    mode_name,
    moment_text,
    money_text,
)

TEMPLATE = "bookings/tickets.typ"
# As on the pages: solid is a train, dashed a flight, dotted a coach.
DASHES = {"Train": "solid", "Plane": "dashed", "Bus": "dotted"}
# A coach's label as large as a seat's number is short.
LARGE_LETTERS = 5


def tickets_pdf(passes: Sequence[Pass]) -> bytes:
    """Answer passes as a tagged PDF, a sheet each: the same bytes for the same passes."""
    return pdf(
        TEMPLATE,
        {
            "title": _("Tickets %(locator)s") % {"locator": passes[0].locator},
            "site": settings.SITE_NAME,
            "mark": _mark(),
            "language": (get_language() or "en").split("-")[0],
            "rtl": get_language_bidi(),
            "sheets": [_sheet(one) for one in passes],
        },
    )


@cache
def _mark() -> str:
    return (settings.BASE_DIR / "static" / "favicon.svg").read_text(encoding="utf-8")


def file_name(passes: Sequence[Pass]) -> str:
    """Answer what the file is called: by the booking code, and by the ticket where it is one."""
    name = f"tickets-{passes[0].locator}"
    return f"{name}-{passes[0].coupon_id}.pdf" if len(passes) == 1 else f"{name}.pdf"


def _sheet(one: Pass) -> dict[str, Any]:
    return {
        "heading": _("%(mode)s %(service)s")
        % {"mode": mode_name(one.mode), "service": one.service},
        "offer": f"{one.fare} · {one.travel_class}",
        "carrier": one.carrier,
        "count": _count(one),
        "passenger": {"label": _("Passenger"), "name": one.passenger, "kind": one.kind},
        "day": long_day(one.departs_at),
        "from": {"time": clock_text(one.departs_at), "name": one.origin},
        "to": {
            "time": clock_text(one.arrives_at),
            "later": figures(f"+{one.days_later}") if one.days_later > 0 else "",
            "name": one.destination,
        },
        "run": {
            "duration": duration(one.duration_minutes),
            "stops": one.stops_text,
            "dash": DASHES[one.mode],
        },
        "facts": _facts(one),
        "notes": _notes(one),
        "code": None if one.is_void else {"svg": one.picture.svg, "alt": code_text(one)},
        "state": one.state,
        "locator": {"label": _("Booking code"), "value": one.locator},
        "price": _("Price %(price)s") % {"price": money_text(one.price)},
        "parts": _parts(one),
        "small": _small(one),
    }


def _count(one: Pass) -> str:
    if one.is_void:
        return one.state
    return _("Ticket %(number)s of %(count)s") % {
        "number": figures(one.number),
        "count": figures(one.count),
    }


def code_text(one: Pass) -> str:
    """Say what a barcode is, for whoever does not see it."""
    return _("%(symbol)s barcode of %(name)s for %(service)s") % {
        "symbol": one.symbol,
        "name": one.passenger,
        "service": one.service,
    }


def _facts(one: Pass) -> list[dict[str, Any]]:
    facts = []
    if one.platform:
        facts.append((one.platform_word, one.platform, False))
    if one.seat:
        if one.coach:
            facts.append((one.coach_word, one.coach, len(one.coach) <= LARGE_LETTERS))
        facts.append((_("Seat"), one.seat, True))
    else:
        facts.append((_("Seat"), one.seating, False))
    return [{"label": label, "value": value, "big": big} for label, value, big in facts]


def _notes(one: Pass) -> list[str]:
    if one.expected_at is None or one.is_void:
        return []
    return [
        _("Now expected to leave at %(time)s.") % {"time": clock_text(one.expected_at)},
    ]


def _parts(one: Pass) -> list[dict[str, Any]]:
    if one.is_void:
        return [
            {"title": one.state, "lines": [_("This ticket is not valid, so it has no barcode.")]}
        ]
    return [
        {
            "title": _("On the way"),
            "lines": [
                _(
                    "The code is signed and valid without a network. Show it on your phone or on "
                    "paper, and have proof of your name with you."
                )
            ],
        },
        {
            "title": _("If plans change"),
            "lines": [*one.rules, _("If the carrier cancels, everything comes back.")],
        },
    ]


def _small(one: Pass) -> list[str]:
    lines = []
    if one.tax:
        lines.append(_("The price contains %(tax)s tax.") % {"tax": money_text(one.tax)})
    lines.append(
        _("Issued %(moment)s. Times are local to each station.")
        % {"moment": moment_text(one.issued_at)}
    )
    return lines
