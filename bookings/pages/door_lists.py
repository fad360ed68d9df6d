"""Passenger lists as pages, files and devices have them: by coach and seat."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, pgettext

from bookings import manifest
from bookings.manifest import Door, Rider
from bookings.pages.door_words import seat_text
from bookings.pages.shown import kind_name
from bookings.verdicts import Word
from travel.common.ids import digest, normal_locator
from travel.common.locales import in_a_row
from travel.common.sheets import Cell
from travel.common.templatetags.look import clock_text

# A booking code is looked up on a device by so much of its salted digest: enough to tell those of a
# departure apart, too little to find out the code itself, of which 250 look the same.
CODE_LETTERS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody in a list."""

    coupon_id: int
    seat: str
    name: str
    kind: str
    way: str
    destination: str
    needs: list[tuple[str, str]]
    group: str
    state: str
    tone: str
    icon: str
    is_open: bool
    is_done: bool


@dataclass(frozen=True, slots=True)
class CoachList:
    """The people of a coach, by seat."""

    label: str
    name: str
    rows: list[Row]
    on_board: int


def row_of(rider: Rider, door: Door, *, stop: int, seat: str | None = None, size: int = 1) -> Row:
    """Put somebody into a line of a list; `size` is how many travel together."""
    way = door.departure.way
    start, end = way[rider.from_stop].station.name, way[rider.to_stop].station.name
    state, tone, icon = state_words(rider)
    return Row(
        coupon_id=rider.coupon_id,
        seat=seat_text(rider, door, stop=stop) if seat is None else seat,
        name=in_a_row([rider.last_name, rider.first_name]),
        kind=kind_name(rider.kind),
        way=gettext("%(from)s to %(to)s") % {"from": start, "to": end},
        destination=end,
        needs=needs(rider),
        group=gettext("Party of %(size)s") % {"size": size} if size > 1 else "",
        state=state,
        tone=tone,
        icon=icon,
        is_open=rider.state == "open" and rider.is_expected,
        is_done=rider.state in ("used", "no_show") and rider.is_expected,
    )


def state_words(rider: Rider) -> tuple[str, str, str]:
    """Answer what somebody's state is called, with its tone and sign."""
    if not rider.is_expected:
        return gettext("not valid"), "bad", "bad"
    if rider.state == "used":
        return gettext("on board"), "good", "good"
    if rider.state == "no_show":
        return gettext("did not travel"), "warn", "warning"
    return gettext("expected"), "", "clock"


def needs(rider: Rider) -> list[tuple[str, str]]:
    """Answer what somebody needs, each with its icon."""
    told = []
    if rider.needs_wheelchair:
        told.append(("wheelchair", gettext("Wheelchair space")))
    if rider.kind == "infant":
        told.append(("child", gettext("On an adult's lap")))
    return told


def coaches(people: Sequence[Rider]) -> list[tuple[str, str]]:
    """Answer the coaches that somebody sits in: label and name."""
    labels = {
        coach for one in people if one.is_expected for coach, label in one.seat_names if label
    }
    return [(label, coach_name(label)) for label in sorted(labels, key=natural)]


def by_coach(people: Sequence[Rider], door: Door, *, stop: int, only: str = "") -> list[CoachList]:
    """
    List those who are expected by coach and seat, on the way from a stop on.

    Who changes seats stands at each of them. An infant stands with its adult; seats without labels,
    and who has none, come last.
    """
    sizes = Counter(one.reservation_id for one in people if one.is_expected)
    by_passenger = {one.passenger_id: one for one in people}
    found: dict[str, list[tuple[Any, Row, bool]]] = {}
    for one in people:
        if not one.is_expected or one.to_stop <= stop:
            continue
        seated = one if one.seats or one.adult_id is None else by_passenger.get(one.adult_id, one)
        places = [place for place in seated.seats if place.last_segment >= stop]
        size = sizes[one.reservation_id]
        for coach, label in [(place.coach, place.seat) for place in places] or [("", "")]:
            row = row_of(one, door, stop=stop, seat=label, size=size)
            key = (natural(label), one.kind == "infant", row.name, one.coupon_id)
            found.setdefault(coach if label else "", []).append((key, row, one.is_in))
    return [
        CoachList(
            label,
            coach_name(label) if label else gettext("Without a seat number"),
            [row for _key, row, _is_in in sorted(rows, key=lambda entry: entry[0])],
            sum(is_in for _key, _row, is_in in rows),
        )
        for label, rows in sorted(
            found.items(), key=lambda entry: (not entry[0], natural(entry[0]))
        )
        if not only or label == only
    ]


def coach_name(label: str) -> str:
    """Answer what a coach is called."""
    return gettext("Coach %(coach)s") % {"coach": label} if label.isdigit() else label


def natural(text: str) -> list[tuple[int, str]]:
    """Sort as people count: 2, 9, 10, 10A."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"(\d+)", text)
        if part
    ]


# --- files ----------------------------------------------------------------------------------------


def csv_head() -> list[str]:
    """Answer the names of the columns of a file."""
    return [
        pgettext("part of a train", "Coach"),
        gettext("Seat"),
        gettext("Last name"),
        gettext("First name"),
        gettext("Passenger"),
        gettext("From"),
        gettext("To"),
        gettext("Needs"),
        gettext("Party"),
        gettext("State"),
        gettext("Let in at"),
    ]


def csv_rows(people: Sequence[Rider], door: Door) -> Iterator[list[Cell]]:
    """Answer the lines of a file, by coach and seat; a party is known by its number."""
    way = door.departure.way
    parties: dict[int, int] = {}
    order: list[tuple[Any, list[Cell]]] = []
    for one in people:
        if not one.is_expected:
            continue
        party = parties.setdefault(one.reservation_id, len(parties) + 1)
        admission = one.admission
        place = one.place_at(0)
        coach, seat = (place.coach, place.seat) if place else ("", "")
        let_in = clock_text(admission.at, way[admission.stop].station.tz) if admission else ""
        order.append(
            (
                (natural(coach), natural(seat), one.coupon_id),
                [
                    coach,
                    seat,
                    one.last_name,
                    one.first_name,
                    kind_name(one.kind),
                    way[one.from_stop].station.name,
                    way[one.to_stop].station.name,
                    in_a_row(text for _icon, text in needs(one)),
                    party,
                    state_words(one)[0],
                    let_in,
                ],
            )
        )
    for _key, cells in sorted(order, key=lambda entry: entry[0]):
        yield cells


# --- devices --------------------------------------------------------------------------------------


def for_device(door: Door, people: Sequence[Rider]) -> dict[str, Any]:
    """
    Answer what a device needs to go on without a connection, and no more.

    Barcodes and booking codes are there as digests; what is not valid has a word instead of a name.
    Instants are in milliseconds.
    """
    salt = secrets.token_hex(16)
    sizes = Counter(one.reservation_id for one in people if one.is_expected)
    coupons = {one.passenger_id: one.coupon_id for one in people if one.is_expected}
    service = door.departure.service
    return {
        "departure": door.id,
        "number": service.number,
        "version": door.departure.stock_version,
        "running": door.is_running,
        "expires": _millis(door.expires_at),
        "salt": salt,
        "stops": [
            {
                "position": call.position,
                "name": call.station.name,
                "tz": call.station.tz,
                "leaves": _millis(call.leaves_at) if call.leaves_at else None,
                "opens": _millis(door.opens_at(call.position)) if call.leaves_at else None,
                "reached": _millis(manifest.arrival(call) - manifest.REACHED_BEFORE),
                "boards": call in door.stops,
            }
            for call in door.calls
        ],
        "people": [
            _person(one, door, salt, sizes, coupons) if one.is_expected else _not_valid(one, salt)
            for one in people
        ],
    }


def _person(
    one: Rider, door: Door, salt: str, sizes: Counter[int], coupons: dict[int, int]
) -> dict[str, Any]:
    adult = None if one.adult_id is None else coupons.get(one.adult_id, 0)
    admission = one.admission
    return {
        **_keys(one, salt),
        "name": one.name,
        "listed": in_a_row([one.last_name, one.first_name]),
        "kind": one.kind,
        "kindName": kind_name(one.kind),
        "from": one.from_stop,
        "to": one.to_stop,
        "seat": seat_text(one, door),
        "seats": [[place.coach, place.seat] for place in one.seats],
        "issue": one.issue,
        "adult": adult,
        "wheelchair": one.needs_wheelchair,
        "party": sizes[one.reservation_id],
        "state": one.state,
        "used": _use(admission) if admission else None,
    }


def _not_valid(one: Rider, salt: str) -> dict[str, Any]:
    if not one.is_paid:
        word = Word.NOT_PAID
    else:
        word = Word.EXCHANGED if one.was_exchanged else Word.CANCELLED
    return {**_keys(one, salt), "word": word.value}


def _keys(one: Rider, salt: str) -> dict[str, Any]:
    return {
        "coupon": one.coupon_id,
        "barcode": digest(one.barcode),
        "code": code_digest(salt, one.locator),
    }


def code_digest(salt: str, locator: str) -> str:
    """Answer by what a device looks a booking code up."""
    text = f"{salt}:{normal_locator(locator)}"
    return hashlib.sha256(text.encode()).hexdigest()[:CODE_LETTERS]


def _use(admission: manifest.Admission) -> list[Any]:
    return [_millis(admission.at), admission.stop, admission.coach, admission.staff]


def used(departure_id: int) -> dict[int, list[Any]]:
    """Answer who was let in, by coupon: when, at which stop and coach, by whom."""
    return {
        coupon_id: _use(admission)
        for coupon_id, admission in manifest.admissions(departure_id).items()
    }


def _millis(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
