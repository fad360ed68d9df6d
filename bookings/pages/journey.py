"""
What a traveller has chosen so far. All of it stands in the address, so that every page can be kept,
sent to somebody, and walked back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.pages.forms import PEOPLE, SEAT_WISHES
from travel.common.locales import in_a_row, in_groups

# What is carried from page to page, in the order in which addresses show it.
SEARCH_KEYS = ("mode", "way", "origin", "destination", "date", "return_date")
FILTER_KEYS = ("class", "time", "stops", "carrier", "facility", "price_min", "price_max", "sort")
CHOICE_KEYS = ("out", "leg", "ticket", "seat", "wish")
KEYS = (*SEARCH_KEYS, *PEOPLE, *FILTER_KEYS, *CHOICE_KEYS)
# No address carries more values than this under one key.
MOST_VALUES = 40
# Nobody types a longer value into a search.
LONGEST_VALUE = 200
RETURN = "return"
MOST_PEOPLE: int = settings.MAX_PASSENGERS


@dataclass(frozen=True, slots=True)
class Party:
    """How many of each kind travel together."""

    adult: int = 1
    young: int = 0
    child: int = 0
    infant: int = 0

    @classmethod
    def of(cls, query: QueryDict) -> Party:
        """Read the party from an address; one adult where it says nothing that can be."""
        counts = {kind: _count(query.get(kind, "")) for kind in PEOPLE}
        return cls(**counts) if 0 < sum(counts.values()) <= MOST_PEOPLE else cls()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each passenger, adults first."""
        return tuple(kind for kind in PEOPLE for _n in range(getattr(self, kind)))

    @property
    def total(self) -> int:
        return len(self.kinds)

    @property
    def seats(self) -> int:
        """How many seats they need: an infant travels on a lap."""
        return self.total - self.infant

    @property
    def words(self) -> str:
        """The party in words: `2 adults, 1 child`."""
        return in_a_row(
            kind_words(kind, getattr(self, kind)) for kind in PEOPLE if kind in self.kinds
        )


def kind_words(kind: str, count: int) -> str:
    """Say how many of a kind: `1 infant`, `3 young people`."""
    said = {
        "adult": ngettext("%(count)s adult", "%(count)s adults", count),
        "young": ngettext("%(count)s young person", "%(count)s young people", count),
        "child": ngettext("%(count)s child", "%(count)s children", count),
        "infant": ngettext("%(count)s infant", "%(count)s infants", count),
    }
    return said[kind] % {"count": count}


@dataclass(frozen=True, slots=True)
class ChosenSeat:
    """A seat that was chosen on a ticket, as an address writes it: `ticket:coach:seat`."""

    ticket_id: int
    coach: str
    label: str

    @classmethod
    def read(cls, text: str) -> ChosenSeat | None:
        """Read what an address says, or None when it is no seat."""
        ticket_id, _colon, rest = text.partition(":")
        coach, colon, label = rest.rpartition(":")
        if not (colon and label and ticket_id.isascii() and ticket_id.isdigit()):
            return None
        return cls(int(ticket_id[:20]), coach, label)

    def __str__(self) -> str:
        return f"{self.ticket_id}:{self.coach}:{self.label}"


class Journey:
    """The choices in an address, and the addresses of the next steps."""

    def __init__(self, query: QueryDict) -> None:
        self.query = _known(query)
        self.party = Party.of(query)

    @property
    def is_return(self) -> bool:
        return self.query.get("way") == RETURN

    @property
    def out(self) -> int | None:
        """The first ticket chosen for the way out, while the way back is being chosen."""
        return next(iter(self.outs), None)

    @property
    def outs(self) -> list[int]:
        """The tickets chosen for the way out: several where it is a connection."""
        return self._tickets("out") if self.is_return else []

    @property
    def legs(self) -> list[int]:
        """The tickets of the connection that is being chosen, in the order of travel."""
        return self._tickets("leg")

    @property
    def tickets(self) -> list[int]:
        """The tickets to be bought, in the order of travel."""
        return self._tickets("ticket")

    def _tickets(self, key: str) -> list[int]:
        ids = (_ticket_id(text) for text in self.query.getlist(key))
        return list(dict.fromkeys(one for one in ids if one is not None))

    @property
    def seats(self) -> list[ChosenSeat]:
        """The seats chosen so far, each once."""
        read = (ChosenSeat.read(text) for text in self.query.getlist("seat"))
        return list(dict.fromkeys(one for one in read if one is not None))

    @property
    def wish(self) -> str:
        """How they like to sit, where the office places them; empty when they said nothing."""
        asked = self.query.get("wish", "")
        return asked if asked in dict(SEAT_WISHES) else ""

    def seats_on(self, ticket_id: int) -> list[ChosenSeat]:
        return [seat for seat in self.seats if seat.ticket_id == ticket_id]

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Answer what a form has to carry along in hidden fields."""
        left_out = set(without)
        return [
            (key, value)
            for key, values in self.query.lists()
            if key not in left_out
            for value in values
        ]

    def link(self, name: str, *args: Any, **changes: Any) -> str:
        """
        Answer the address of a page with these choices, changed: a list is several values, None
        none.
        """
        return reverse(name, args=args) + self.string(**changes)

    def string(self, **changes: Any) -> str:
        """Answer the query of such an address, with its question mark; empty when it is empty."""
        query = self.query.copy()
        _change(query, changes)
        text = query.urlencode(safe=":")
        return f"?{text}" if text else ""

    # --- the steps ---

    def to_results(self) -> str:
        """Where the traveller came from: the list in which this ride was chosen."""
        if not self.query.get("origin"):
            return reverse("home")
        return self.link("bookings:search", ticket=None, leg=None, seat=self._kept(*self.outs))

    def to_search(self) -> str:
        """The search from its beginning, with nothing chosen."""
        if not self.query.get("origin"):
            return reverse("home")
        return self.link("bookings:search", ticket=None, leg=None, seat=None, out=None)

    def to_ticket(self, ticket_id: int) -> str:
        if ticket_id in self.legs:
            return self.to_connection(self.legs)
        seats = self._kept(*self.outs, ticket_id)
        return self.link("bookings:ticket", ticket_id, ticket=None, leg=None, seat=seats)

    def to_connection(self, ticket_ids: Sequence[int]) -> str:
        seats = self._kept(*self.outs, *ticket_ids)
        return self.link("bookings:connection", ticket=None, leg=ticket_ids, seat=seats)

    def to_seats(self, ticket_id: int) -> str:
        seats = self._kept(*self.outs, *self.legs, ticket_id)
        return self.link("bookings:seats", ticket_id, ticket=None, seat=seats)

    def after(self, ticket_id: int, seats: Iterable[ChosenSeat] = ()) -> str:
        """
        Answer what follows when a ticket and its seats are chosen.

        The next ticket's seats where it is part of a connection, then the way back, or checkout.
        """
        legs = self.legs
        way = legs if ticket_id in legs else [ticket_id]
        kept = [
            *(str(seat) for seat in self.seats_elsewhere(ticket_id)),
            *map(str, seats),
        ]
        following = way[way.index(ticket_id) + 1 :]
        if following:
            return self.link("bookings:seats", following[0], ticket=None, seat=kept)
        return self._after_way(way, kept)

    def to_first_seats(self, ticket_ids: Sequence[int]) -> str:
        """Answer where the seats of a connection's first ticket are chosen."""
        seats = self._kept(*self.outs, *ticket_ids)
        return self.link("bookings:seats", ticket_ids[0], ticket=None, leg=ticket_ids, seat=seats)

    def placed(self, ticket_ids: Sequence[int]) -> str:
        """Answer what follows a connection whose seats the office is to choose."""
        return self._after_way(ticket_ids, self._kept(*self.outs), leg=ticket_ids)

    def _after_way(self, way: Sequence[int], seats: Sequence[str], **changes: Any) -> str:
        outs = self.outs
        is_way_out = not outs or set(outs) & set(way)
        if self.is_return and is_way_out:
            changes["leg"] = None
            return self.link("bookings:search", out=way, seat=seats, ticket=None, **changes)
        tickets = [*outs, *way]
        if len(way) == 1:
            changes["leg"] = None
        return self.link("bookings:checkout", out=None, ticket=tickets, seat=seats, **changes)

    def seats_elsewhere(self, ticket_id: int) -> list[ChosenSeat]:
        """Answer the seats on other tickets of the way that is chosen, and of the way out."""
        others = {*self.outs, *(self.legs if ticket_id in self.legs else [])} - {ticket_id}
        return [seat for seat in self.seats if seat.ticket_id in others]

    def _kept(self, *ticket_ids: int | None) -> list[str]:
        return [str(seat) for seat in self.seats if seat.ticket_id in ticket_ids]


def seats_in_words(seats: Iterable[ChosenSeat]) -> str:
    """Name seats coach by coach: `Coach 7, seats 41, 43`."""
    by_coach: dict[str, list[str]] = {}
    for seat in seats:
        by_coach.setdefault(seat.coach, []).append(seat.label)
    return in_groups(
        ngettext("%(coach)s, seat %(labels)s", "%(coach)s, seats %(labels)s", len(labels))
        % {"coach": coach_name(coach), "labels": in_a_row(labels)}
        for coach, labels in by_coach.items()
    )


def coach_name(label: str) -> str:
    """Name a coach of a train by its number; a cabin or a deck is named already."""
    return _("Coach %(number)s") % {"number": label} if label[:1].isdigit() else label


def _known(query: QueryDict) -> QueryDict:
    known = QueryDict(mutable=True)
    for key in KEYS:
        values = [value for value in query.getlist(key) if value and len(value) <= LONGEST_VALUE]
        if values:
            known.setlist(key, values[:MOST_VALUES])
    return known


def _change(query: QueryDict, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        values = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
        if values:
            query.setlist(key, [str(one) for one in values])
        else:
            query.pop(key, None)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _ticket_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None
