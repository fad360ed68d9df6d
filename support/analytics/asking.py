"""
The eight look-ups by name: what each asks for, its columns, and who may use it.

The pages and the API show these; the functions are in `support.analytics.lookups`. All but one
answer rows about people, so they are for those who may know who the passengers are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.models import Coupon
from inventory.models import CityName, Mode
from support.analytics import lookups
from support.analytics.catalogue import ACCOUNT, AMOUNT, MOMENT, TEXT, Column, Label
from support.analytics.days import Span
from support.analytics.rights import PEOPLE, TRAFFIC, Rights
from travel.common.contacts import parse_contact
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.ids import search_key

# What a look-up may ask for: a text, a day of the numbers' zone, or a category of reports.
WORDS, DAY, CATEGORY = "words", "day", "category"
# The look-ups answer so many rows at most, the first in their own order.
MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that a look-up asks for; what may be left out has a usual value of its own."""

    name: str
    title: Label
    kind: str = WORDS
    may_be_left_out: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """A look-up: what it is called, what it asks for, and how it is answered."""

    name: str
    title: Label
    says: Label
    room: str
    wants: Sequence[Wanted]
    columns: Sequence[Column]
    run: Callable[[Mapping[str, Any]], Sequence[Any]]

    @property
    def has_money(self) -> bool:
        return any(column.kind == AMOUNT for column in self.columns)


def get_look_up(*, name: str, rights: Rights) -> LookUp:
    """
    Answer the look-up of this name.

    :raises NotFound: there is none.
    :raises NotAllowed: the asker may not use it.
    """
    found = LOOK_UPS.get(name)
    if found is None:
        raise NotFound()
    if found.room not in rights.everywhere:
        raise NotAllowed()
    return found


def look_ups_for(rights: Rights) -> list[LookUp]:
    """List the look-ups that somebody may use."""
    return [one for one in LOOK_UPS.values() if one.room in rights.everywhere]


def answer(look_up: LookUp, said: Mapping[str, Any]) -> Sequence[Any]:
    """
    Answer the rows of a look-up.

    :raises InvalidInput: the last day is before the first.
    """
    since, until = said.get("since"), said.get("until")
    if since and until and until < since:
        raise InvalidInput(errors={"until": [gettext("The last day is before the first.")]})
    return look_up.run(said)


def in_words(look_up: LookUp, said: Mapping[str, Any]) -> str:
    """
    Tell a look in a line, for the record: the look-up, and whom or what it was asked for.

    Whom staff looked for is known to whoever reads the record, and what they saw is not.
    """
    asked = [str(said[one.name]) for one in look_up.wants if said.get(one.name)]
    return f"{look_up.title}: {', '.join(asked)}" if asked else str(look_up.title)


def _begin(day: date) -> datetime:
    return Span(day, day).begins_at


def _end(day: date) -> datetime:
    return Span(day, day).ends_at


def _contact(typed: str) -> str:
    """Write a contact as it is stored, however it is typed; what is none is found nowhere."""
    try:
        return parse_contact(typed).address
    except ValueError:
        return typed


def _city(typed: str) -> str:
    """Write a city as it is stored, however its name is typed; an unknown one as it is."""
    named = CityName.objects.filter(key=search_key(typed)).order_by("id")
    names = list(named.values_list("name", flat=True))
    return names[0] if names and typed not in names else typed


_CONTACT = Wanted("contact", _("E-mail address or telephone number"))
_CITY = Wanted("city", _("City"))
_SINCE = Wanted("since", _("Since"), DAY)
_MODE = Column("mode", _("Mode"), TEXT, dict(Mode.choices))
_TICKET = [
    Column("locator", _("Booking"), TEXT),
    Column("first_name", _("First name"), TEXT),
    Column("last_name", _("Last name"), TEXT),
    _MODE,
    Column("number", _("Number"), TEXT),
    Column("origin", _("From"), TEXT),
    Column("destination", _("To"), TEXT),
    Column("departs_at", _("Leaves"), MOMENT),
    Column("state", _("State"), TEXT, dict(Coupon.State.choices)),
    Column("price", _("Price"), AMOUNT),
]


def _users(number: Label) -> list[Column]:
    return [
        Column("user_id", _("Account"), ACCOUNT),
        Column("first_name", _("First name"), TEXT),
        Column("last_name", _("Last name"), TEXT),
        Column("email", _("E-mail"), TEXT),
        Column("phone", _("Phone"), TEXT),
        Column("city", _("City"), TEXT),
        Column("number", number),
    ]


LOOK_UPS: dict[str, LookUp] = {
    one.name: one
    for one in (
        LookUp(
            "tickets-of-contact",
            _("Tickets of a contact"),
            _("What was booked with an e-mail address or a telephone number, the newest first."),
            PEOPLE,
            [_CONTACT],
            _TICKET,
            lambda said: lookups.tickets_of_contact(
                contact=_contact(said["contact"]), limit=MOST_ROWS
            ),
        ),
        LookUp(
            "cancellers-of-city",
            _("Who cancels in a city"),
            _("Travellers who live in a city and cancelled tickets themselves, and how many."),
            PEOPLE,
            [_CITY],
            _users(_("Tickets cancelled")),
            lambda said: lookups.cancellers_of_city(city=said["city"], limit=MOST_ROWS),
        ),
        LookUp(
            "tickets-by-city",
            _("Tickets of a city"),
            _("Tickets that begin or end in a city, by any of its names, the latest first."),
            PEOPLE,
            [_CITY],
            _TICKET,
            lambda said: lookups.tickets_by_city(city=_city(said["city"]), limit=MOST_ROWS),
        ),
        LookUp(
            "tickets-by-phrase",
            _("Tickets by a phrase"),
            _("Tickets reserved since a day with a phrase in passenger's name, number or city."),
            PEOPLE,
            [Wanted("phrase", _("Phrase")), _SINCE],
            _TICKET,
            lambda said: lookups.tickets_by_phrase(
                phrase=said["phrase"], since=_begin(said["since"]), limit=MOST_ROWS
            ),
        ),
        LookUp(
            "users-of-same-city",
            _("Who lives in the same city"),
            _("The other travellers of the city in which somebody lives."),
            PEOPLE,
            [_CONTACT],
            _users(_("Number"))[:-1],
            lambda said: lookups.users_of_same_city(
                contact=_contact(said["contact"]), limit=MOST_ROWS
            ),
        ),
        LookUp(
            "top-users",
            _("Who bought most tickets"),
            _("Travellers by the tickets that they bought since a day, less those cancelled."),
            PEOPLE,
            [_SINCE],
            _users(_("Tickets sold")),
            lambda said: lookups.top_users(since=_begin(said["since"]), limit=MOST_ROWS),
        ),
        LookUp(
            "tickets-by-mode",
            _("Tickets by mode"),
            _("How many tickets were sold and cancelled by plane, train and coach."),
            TRAFFIC,
            [_SINCE, Wanted("until", _("Up to"), DAY)],
            [
                _MODE,
                Column("tickets", _("Tickets sold")),
                Column("cancelled", _("Cancelled")),
            ],
            lambda said: lookups.tickets_by_mode(
                since=_begin(said["since"]), until=_end(said["until"])
            ),
        ),
        LookUp(
            "top-reporters",
            _("Who reports most"),
            _("Travellers by the reports that they sent, of one category or of all."),
            PEOPLE,
            [Wanted("category", _("Category"), CATEGORY, may_be_left_out=True)],
            _users(_("Reports")),
            lambda said: lookups.top_reporters(
                category=said.get("category") or "", limit=MOST_ROWS
            ),
        ),
    )
}
