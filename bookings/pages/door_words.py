"""What a door says, in words: cards of an answer, and the same with blanks for a device offline."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.manifest import Door, Rider, infants_to_come
from bookings.pages.shown import kind_name
from bookings.services import Answer
from bookings.verdicts import MAY_INSIST, Hint, Word
from inventory.selectors import CallFacts
from travel.common.locales import in_a_row, one_after_another
from travel.common.templatetags.look import clock_text, short_day

Text = str | Promise
REFUNDED = "refunded"
# Of a device that has neither a connection nor a list.
NO_LIST = "no_list"


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a card. `needs` are its blanks: where one is empty the sentence is left out."""

    html: SafeString
    needs: str = ""
    hint: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown after a ticket was, with what one may do then."""

    word: str
    tone: str
    icon: str
    title: str
    name: Line | None = None
    lines: list[Line] = field(default_factory=list)
    hints: list[Line] = field(default_factory=list)
    may_insist: bool = False
    may_undo: bool = False
    coupon_id: int | None = None
    client_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    tone: str
    title: Text
    lines: tuple[Text, ...] = ()
    icon: str = ""
    names: bool = True


WORDS: dict[str, _Words] = {
    Word.ADMITTED: _Words(
        "good", _("Valid"), (_("%(seat)s · %(kind)s"), _("%(kind)s"), _("To %(to)s"))
    ),
    Word.ALREADY_USED: _Words(
        "warn",
        _("Already scanned"),
        (
            _("Let in at %(time)s, %(stop)s, by %(staff)s."),
            _("Let in at %(time)s, %(stop)s."),
            _("Ask for identification."),
        ),
    ),
    Word.WRONG_DEPARTURE: _Words(
        "bad",
        _("Not this departure"),
        (_("Valid on %(number)s, %(day)s, %(time)s from %(stop)s."),),
    ),
    Word.WRONG_DAY: _Words(
        "bad",
        _("Another day"),
        (_("Valid on %(number)s, %(day)s, %(time)s from %(stop)s."),),
        "calendar",
    ),
    Word.NOT_RUNNING: _Words("bad", _("Not running"), (_("This departure is cancelled."),)),
    Word.NOT_PAID: _Words(
        "bad", _("Not paid"), (_("This booking was only held, never paid. Not valid."),), "card"
    ),
    Word.EXCHANGED: _Words(
        "bad",
        _("Exchanged"),
        (_("This ticket was exchanged for another one, which is valid in its place."),),
        "change",
        names=False,
    ),
    Word.CANCELLED: _Words("bad", _("Cancelled"), (_("Not valid any more."),), names=False),
    REFUNDED: _Words(
        "bad", _("Cancelled"), (_("Refunded on %(day)s. Not valid."),), "refund", names=False
    ),
    Word.FORGED: _Words(
        "bad", _("Not genuine"), (_("The office has not signed this. Not valid."),), "shield"
    ),
    Word.UNKNOWN: _Words(
        "bad", _("Not found"), (_("No ticket of this departure goes by this code."),), "search"
    ),
    Word.NOT_LISTED: _Words(
        "warn",
        _("Not on the list"),
        (
            _(
                "The office has signed it, but this device's list does not have it: it was bought "
                "or changed since."
            ),
        ),
    ),
    NO_LIST: _Words(
        "warn",
        _("No connection"),
        (_("There is no list of this departure on this device to look it up in."),),
        "offline",
    ),
    Word.ENDED: _Words(
        "bad", _("Way is over"), (_("This ticket was valid to %(to)s only."),), "pin"
    ),
    Word.BOARDS_LATER: _Words(
        "warn", _("Boards later"), (_("This ticket begins at %(stop)s, %(time)s."),), "pin"
    ),
    Word.TOO_EARLY: _Words(
        "warn", _("Not boarding yet"), (_("Boarding begins at %(time)s."),), "clock"
    ),
    Word.NEEDS_ADULT: _Words(
        "warn", _("Scan the adult first"), (_("An infant boards with %(adult)s."),), "child"
    ),
    Word.UNDONE: _Words("info", _("Taken back"), (_("The ticket is open again."),), "return"),
    Word.UNDO_REFUSED: _Words(
        "warn",
        _("Not taken back"),
        (_("Only the device that let somebody in can, and within ten minutes."),),
    ),
}
HINTS: dict[str, tuple[str, Text]] = {
    Hint.JOINED_LATER: ("pin", _("Joins later than booked: the ticket begins at %(from)s.")),
    Hint.OTHER_COACH: ("seat", _("The seat is elsewhere: %(seat)s.")),
    Hint.SEAT_CHANGED: (
        "change",
        _("The seat has changed since the ticket was issued: now %(seat)s."),
    ),
    Hint.OLD_ISSUE: ("info", _("A newer issue of this ticket exists; compare the name.")),
    Hint.NO_SEAT: ("warning", _("Has no seat at the moment: send them to the desk.")),
    Hint.WITH_INFANT: ("child", _("With an infant, still to be scanned: %(infants)s.")),
    Hint.WHEELCHAIR: ("wheelchair", _("Needs the wheelchair space.")),
}
NAME = "%(name)s"
_BLANKS = re.compile(r"%\((\w+)\)s")
_TONES = {"good": "good", "warn": "warning", "bad": "bad", "info": "info"}


# --- cards ----------------------------------------------------------------------------------------


def card_of(answer: Answer, *, code: str, refunded_at: datetime | None = None) -> Card:
    """Write an answer as a card; `refunded_at` is when the money of what is cancelled went back."""
    word = REFUNDED if answer.word == Word.CANCELLED and refunded_at else answer.word
    words = WORDS[word]
    blanks = _blanks(answer, refunded_at)
    with_name = words.names and answer.rider is not None
    return Card(
        word=word,
        tone=words.tone,
        icon=words.icon or _TONES[words.tone],
        title=str(words.title),
        name=_line(NAME, blanks) if with_name else None,
        lines=_first_of_kind(words, blanks),
        hints=[line for hint in answer.hints if (line := _hint(hint, blanks))],
        may_insist=word in MAY_INSIST,
        may_undo=answer.let_in and word == Word.ADMITTED,
        coupon_id=answer.rider.coupon_id if answer.rider else None,
        client_id=answer.client_id,
        code=code,
    )


def blank_cards() -> list[Card]:
    """Answer a card for each word with blanks, which a device fills in while it is offline."""
    blanks: Mapping[str, SafeString] = _Slots()
    return [
        Card(
            word=str(word),
            tone=words.tone,
            icon=words.icon or _TONES[words.tone],
            title=str(words.title),
            name=_with_needs(NAME, blanks),
            lines=[_with_needs(text, blanks) for text in words.lines],
            hints=[
                Line(one.html, one.needs, str(hint), icon)
                for hint, (icon, text) in (HINTS if word == Word.ADMITTED else {}).items()
                for one in [_with_needs(text, blanks)]
            ],
            may_insist=word in MAY_INSIST or word == Word.NOT_LISTED,
            may_undo=word == Word.ADMITTED,
        )
        for word, words in WORDS.items()
    ]


class _Slots(dict[str, SafeString]):
    """Every blank as a place that a script fills in."""

    def __missing__(self, name: str) -> SafeString:
        return format_html('<bdi data-slot="{}"></bdi>', name)


def _with_needs(text: Text, blanks: Mapping[str, SafeString]) -> Line:
    said = str(text)
    needs = " ".join(dict.fromkeys(_BLANKS.findall(said)))
    return Line(_filled(said, {name: blanks[name] for name in needs.split()}), needs)


def _line(text: Text, blanks: Mapping[str, str]) -> Line | None:
    said = str(text)
    names = _BLANKS.findall(said)
    if not all(blanks.get(name) for name in names):
        return None
    return Line(_filled(said, {name: format_html("<bdi>{}</bdi>", blanks[name]) for name in names}))


def _filled(said: str, blanks: Mapping[str, SafeString]) -> SafeString:
    return mark_safe(conditional_escape(said) % blanks)  # noqa: S308 - each part is escaped


def _first_of_kind(words: _Words, blanks: Mapping[str, str]) -> list[Line]:
    """Answer the sentences that can be said; a shorter one only where the longer could not."""
    told: list[Line] = []
    said: set[str] = set()
    for text in words.lines:
        names = set(_BLANKS.findall(str(text)))
        if names and names <= said:
            continue
        line = _line(text, blanks)
        if line is not None:
            told.append(line)
            said |= names
    return told


def _hint(hint: Hint, blanks: Mapping[str, str]) -> Line | None:
    icon, text = HINTS[hint]
    line = _line(text, blanks)
    return line and Line(line.html, hint=hint, icon=icon)


# --- blanks ---------------------------------------------------------------------------------------


def _blanks(answer: Answer, refunded_at: datetime | None) -> dict[str, str]:
    rider, door = answer.rider, answer.door
    found: dict[str, str] = {}
    if rider is not None:
        way = door.departure.way
        found |= {
            "name": rider.name,
            "kind": kind_name(rider.kind),
            "seat": seat_text(rider, door, stop=answer.stop),
            "from": way[rider.from_stop].station.name,
            "to": way[rider.to_stop].station.name,
            "infants": names(infants_to_come(rider, answer.mates)),
            "adult": names([one for one in answer.mates if one.passenger_id == rider.adult_id]),
        }
    if moment := _MOMENTS.get(answer.word):
        found |= moment(answer)
    if refunded_at is not None:
        zone = ZoneInfo(door.calls[0].station.tz)
        found["day"] = short_day(refunded_at.astimezone(zone))
    return found


def _first_use(answer: Answer) -> dict[str, str]:
    rider = answer.rider
    if rider is None or rider.admission is None:
        return {}
    call = answer.door.departure.way[rider.admission.stop]
    return {
        "time": clock_text(rider.admission.at, call.station.tz),
        "stop": _where(call, rider.admission.coach),
        "staff": rider.admission.staff,
    }


def _where(call: CallFacts, coach: str) -> str:
    if not coach:
        return call.station.name
    return gettext("%(station)s, coach %(coach)s") % {"station": call.station.name, "coach": coach}


def _elsewhere(answer: Answer) -> dict[str, str]:
    if answer.elsewhere is None:
        return {}
    call = answer.elsewhere.way[answer.starts]
    return {"number": answer.elsewhere.service.number, **_leaving(call)}


def _leaving(call: CallFacts) -> dict[str, str]:
    if call.leaves_at is None:
        return {"stop": call.station.name}
    local = call.leaves_at.astimezone(ZoneInfo(call.station.tz))
    return {"stop": call.station.name, "time": clock_text(local), "day": short_day(local)}


def _beginning(answer: Answer) -> dict[str, str]:
    if answer.rider is None:
        return {}
    return _leaving(answer.door.departure.way[answer.rider.from_stop])


def _opening(answer: Answer) -> dict[str, str]:
    zone = answer.door.departure.way[answer.stop].station.tz
    return {"time": clock_text(answer.door.opens_at(answer.stop), zone)}


_MOMENTS: dict[str, Callable[[Answer], dict[str, str]]] = {
    Word.ALREADY_USED: _first_use,
    Word.WRONG_DEPARTURE: _elsewhere,
    Word.WRONG_DAY: _elsewhere,
    Word.BOARDS_LATER: _beginning,
    Word.TOO_EARLY: _opening,
}


# --- people and seats -----------------------------------------------------------------------------


def names(people: list[Rider]) -> str:
    """List people by their names."""
    return get_text_list([one.name for one in people], gettext("and"))


def seat_text(rider: Rider, door: Door, *, stop: int = 0) -> str:
    """Write where somebody sits from a stop on, and where the seat changes on the way."""
    places = [place for place in rider.seats if place.last_segment >= stop] or rider.seats
    if places and not any(place.seat for place in places):
        return gettext("Free seating")
    told = [one_seat(place.coach, place.seat) for place in places]
    if len(places) < 2:
        return in_a_row(told)
    changes = [
        gettext("%(seat)s to %(station)s")
        % {"seat": text, "station": door.departure.way[place.last_segment + 1].station.name}
        for text, place in zip(told, places, strict=True)
    ]
    return one_after_another(changes)


def one_seat(coach: str, label: str) -> str:
    """Write a seat by its coach: `Coach 7, seat 41`."""
    seat = gettext("seat %(seats)s") % {"seats": label}
    if coach.isdigit():
        return gettext("Coach %(coach)s, %(seats)s") % {"coach": coach, "seats": seat}
    return in_a_row([coach, seat]) if coach else seat
