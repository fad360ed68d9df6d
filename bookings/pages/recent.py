"""
The last searches of this browser, in a signed cookie of its own: the office keeps none of them.

A click forgets them. Nothing else is read from or written into the cookie.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict

from bookings.pages import offered
from bookings.pages.forms import PEOPLE
from bookings.pages.journey import LONGEST_VALUE, Journey
from inventory import places

COOKIE = "recent"
SALT = "bookings.recent"
KEPT_SECONDS = 90 * 24 * 3600
MOST = 4
# What of a search is worth coming back to.
KEPT_KEYS = ("mode", "way", "origin", "destination", "date", "return_date", *PEOPLE)


@dataclass(frozen=True, slots=True)
class Recent:
    """A search that was made before, and the way to make it again."""

    origin: str
    destination: str
    day: date
    return_day: date | None
    people: str
    href: str


def read(request: HttpRequest, *, now: datetime) -> list[Recent]:
    """Answer the last searches, the newest first; one whose day is over is for tomorrow."""
    found = (_recent(kept, now.date()) for kept in _kept(request))
    return [one for one in found if one is not None]


def remember(request: HttpRequest, answer: HttpResponse, journey: Journey) -> None:
    """Put this search in front of the others; one between the same places is left out."""
    search = {key: journey.query.getlist(key) for key in KEPT_KEYS if key in journey.query}
    others = [one for one in _kept(request) if _ends(one) != _ends(search)]
    answer.set_signed_cookie(
        COOKIE,
        json.dumps([search, *others][:MOST], separators=(",", ":")),
        salt=SALT,
        max_age=KEPT_SECONDS,
        secure=settings.USE_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def forget(answer: HttpResponse) -> None:
    """Drop the cookie."""
    answer.delete_cookie(COOKIE, samesite="Lax")


def _kept(request: HttpRequest) -> list[dict[str, list[str]]]:
    """Answer what the cookie says; nothing where it was not written here."""
    text = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEPT_SECONDS)
    return list(json.loads(text))[:MOST] if text else []


def _ends(search: dict[str, list[str]]) -> tuple[Any, Any]:
    return tuple(str(search.get(key)).casefold() for key in ("origin", "destination"))  # type: ignore[return-value]


def _recent(kept: dict[str, list[str]], today: date) -> Recent | None:
    query = QueryDict(mutable=True)
    for key, values in kept.items():
        query.setlist(key, [value[:LONGEST_VALUE] for value in values])
    journey = Journey(query)
    day, back = _day(journey, "date"), _day(journey, "return_date")
    if day is None:
        return None
    if day < today:
        tomorrow = today + timedelta(days=1)
        back = tomorrow + (back - day) if back else None
        day = tomorrow
    is_return = journey.is_return and back is not None
    return Recent(
        origin=_name(journey, "origin"),
        destination=_name(journey, "destination"),
        day=day,
        return_day=back if is_return else None,
        people=journey.party.words,
        href=journey.link(
            "bookings:search",
            date=day.isoformat(),
            return_date=back.isoformat() if is_return and back else None,
        ),
    )


def _name(journey: Journey, key: str) -> str:
    """Name a place in the reader's language, or as it was typed where it is no more."""
    typed = str(journey.query.get(key, ""))
    place = places.resolve(typed)
    return offered.place_name(place) if place else typed


def _day(journey: Journey, key: str) -> date | None:
    try:
        return date.fromisoformat(journey.query.get(key, ""))
    except ValueError:
        return None
