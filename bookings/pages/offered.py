"""How rides, fares and their prices are put into words and figures for the pages that sell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bookings.pages.shown import people_text
from bookings.search import Found
from inventory import places
from inventory.places import CityFacts, Place
from inventory.pricing import Line as PriceLine
from inventory.pricing import price_lines
from inventory.search import Stretch
from inventory.selectors import CallFacts, Offer
from inventory.selectors import Line as BusyLine
from payments import penalties
from travel.common.locales import in_a_row
from travel.common.money import Money
from travel.common.templatetags.look import clock_text, day_and_month

FEW_SEATS = 9
# Just after an instant: a tier still holds at its own.
A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Remark:
    """A small label on a ride, or a line of a fare's rules."""

    tone: str
    text: str
    icon_name: str = ""


@dataclass(frozen=True, slots=True)
class Trip:
    """A ride as components/trip.html and trip_times.html want it, in its stations' zones."""

    mode: str
    service: str
    carrier: str
    departs_at: datetime
    arrives_at: datetime
    origin: str
    destination: str
    duration_minutes: int
    stops: int
    facilities: Sequence[str] = ()
    price: Money | None = None
    price_for: str = ""
    price_each: Money | None = None
    seats_left: int | None = None
    notes: Sequence[Remark] = ()
    seats: str = ""
    # Of a connection: the mode after each change, and where one changes.
    changes: Sequence[str] = ()
    change_words: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill."""

    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Bill:
    """What a party pays, line by line."""

    lines: list[Line]
    total: Money


@dataclass(frozen=True, slots=True)
class Step:
    """A time in which cancelling costs the same; `until` is None for what comes last."""

    until: datetime | None
    refund: Money
    fee: Money
    percent: int


@dataclass(frozen=True, slots=True)
class Call:
    """A stop on the way, as components/calls.html wants it."""

    at: datetime
    station: str
    role: str
    remark: str


def hold_minutes(*, by_phone: bool = False) -> int:
    """Answer for how many minutes seats are held without being paid."""
    span = settings.PHONE_HOLD_DURATION if by_phone else settings.HOLD_DURATION
    return int(span // timedelta(minutes=1))


# --- places ---------------------------------------------------------------------------------------


def place_name(place: Place) -> str:
    """Name a place in the reader's language: a city by its name there, a station by its own."""
    return city_name(place.city) if place.is_city else place.stations[0].name


def city_name(city: CityFacts) -> str:
    return city.name_in(get_language() or "en")


# --- rides ----------------------------------------------------------------------------------------


def trip_of_found(
    found: Found, *, price_for: str = "", notes: Sequence[Remark] = (), for_several: bool = False
) -> Trip:
    """
    Show a ride that a search found, at the price of this ticket; to several people, also per adult.
    """
    stretch = found.stretch
    start = places.station(stretch.from_station_id)
    end = places.station(stretch.to_station_id)
    notes = [*_late(stretch, start.tz, end.tz), *notes]
    return Trip(
        mode=stretch.mode,
        service=stretch.number,
        carrier=stretch.carrier_name,
        departs_at=stretch.departs_at.astimezone(ZoneInfo(start.tz)),
        arrives_at=stretch.arrives_at.astimezone(ZoneInfo(end.tz)),
        origin=start.name,
        destination=end.name,
        duration_minutes=stretch.duration // timedelta(minutes=1),
        stops=stretch.stops,
        facilities=found.facilities,
        price=found.price,
        price_for=price_for,
        price_each=found.adult_price if for_several else None,
        seats_left=None if found.needs_seat_change else found.seats_left,
        notes=(
            [*notes, Remark("warn", _("Change seats on the way"), "seat")]
            if found.needs_seat_change
            else notes
        ),
    )


def _late(stretch: Stretch, start_tz: str, end_tz: str) -> list[Remark]:
    """Say when a ride leaves or arrives after all, where it does not run as planned."""
    pairs = [
        (stretch.departs_at, stretch.expected_departs_at, start_tz, _("Leaves at %(time)s")),
        (stretch.arrives_at, stretch.expected_arrives_at, end_tz, _("Arrives at %(time)s")),
    ]
    return [
        Remark("warn", text % {"time": clock_text(expected, zone)}, "clock")
        for planned, expected, zone, text in pairs
        if expected is not None and expected != planned
    ]


def trip_of_offer(offer: Offer, *, seats: str = "") -> Trip:
    """Show the ride of a ticket."""
    ticket = offer.ticket
    return Trip(
        mode=ticket.service.mode,
        service=ticket.service.number,
        carrier=ticket.service.carrier_name,
        departs_at=ticket.departs_at.astimezone(ZoneInfo(ticket.origin.station.tz)),
        arrives_at=ticket.arrives_at.astimezone(ZoneInfo(ticket.destination.station.tz)),
        origin=ticket.origin.station.name,
        destination=ticket.destination.station.name,
        duration_minutes=ticket.duration // timedelta(minutes=1),
        stops=ticket.stops,
        facilities=ticket.service.facilities,
        seats=seats,
    )


@dataclass(frozen=True, slots=True)
class BusyWay:
    """A way that many departures lead, as components/board_row.html wants it."""

    mode: str
    origin: str
    destination: str
    duration_minutes: int
    departures: int
    href: str
    price: Money | None = None


def way_of(line: BusyLine, day: date, *, price: Money | None = None) -> BusyWay:
    """Show a line, and lead to the search for it on the day."""
    start, end = places.station(line.from_station_id), places.station(line.to_station_id)
    origin = city_name(places.city(start.city_id))
    destination = city_name(places.city(end.city_id))
    asked = {"origin": origin, "destination": destination, "date": day.isoformat(), "adult": "1"}
    return BusyWay(
        mode=line.mode,
        origin=origin,
        destination=destination,
        duration_minutes=line.shortest // timedelta(minutes=1),
        departures=line.departures,
        href=f"{reverse('bookings:search')}?{urlencode(asked)}",
        price=price,
    )


def calls_of(offer: Offer) -> list[Call]:
    """Show the stops of a ride; those that the vehicle leaves out today are not among them."""
    last = len(offer.calls) - 1
    return [
        _call(call, "start" if index == 0 else "end" if index == last else "stop")
        for index, call in enumerate(offer.calls)
        if not call.is_skipped
    ]


def _call(call: CallFacts, role: str) -> Call:
    planned = call.arrives_at if role == "end" else call.departs_at or call.arrives_at
    expected = call.expected_arrives_at if role == "end" else call.expected_departs_at
    assert planned is not None
    zone = ZoneInfo(call.station.tz)
    remarks = [_("Platform %(name)s") % {"name": call.platform}] if call.platform else []
    if expected and expected != planned:
        remarks.append(_("expected at %(time)s") % {"time": clock_text(expected, zone)})
    if role == "stop" and not call.may_alight:
        remarks.append(_("no getting off"))
    elif role == "stop" and not call.may_board:
        remarks.append(_("no getting on"))
    return Call(planned.astimezone(zone), call.station.name, role, in_a_row(remarks))


def details_of(offer: Offer) -> list[str]:
    """Say what the service's mode has to tell: the aircraft, terminals, stars, bags."""
    told = offer.ticket.service.details
    category = str(told.get("category") or told.get("kind") or "")
    said = [offer.ticket.vehicle_name]
    # Most numbers begin with the category: ICE 585.
    if not offer.ticket.service.number.startswith(category):
        said.append(category)
    if told.get("aircraft") and told["aircraft"] != offer.ticket.vehicle_name:
        said.append(str(told["aircraft"]))
    if told.get("origin_terminal"):
        said.append(_("Leaves from terminal %(name)s") % {"name": told["origin_terminal"]})
    if told.get("destination_terminal"):
        said.append(_("Arrives at terminal %(name)s") % {"name": told["destination_terminal"]})
    if told.get("stars"):
        said.append(_("%(stars)s of 5 stars") % {"stars": told["stars"]})
    if told.get("compartments"):
        said.append(_("With compartments"))
    return list(dict.fromkeys(text for text in said if text))


# --- prices ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sums:
    """Minor units of a ticket's bill: fares by kind, and what comes off or on top."""

    fares: Counter[str] = field(default_factory=Counter)
    discount: int = 0
    fee: int = 0


def bill(offers: Sequence[Offer], kinds: Sequence[str], *, round_trip: bool) -> Bill:
    """
    Reckon what the party pays for tickets of one currency: a line for each kind of passenger.

    Taxes are contained in the fares; discounts and fees have lines of their own.
    """
    currency = offers[0].rule.currency
    heads = Counter(kinds)
    fares: list[Line] = []
    discount = fee = 0
    for offer in offers:
        sums = _sum_up(offer, heads, round_trip=round_trip)
        fares += [
            Line(_fare_label(offer, kind, heads[kind], len(offers) > 1), Money(minor, currency))
            for kind, minor in sums.fares.items()
        ]
        discount += sums.discount
        fee += sums.fee
    extras = [(_("Return discount"), discount), (_("Fees"), fee)]
    lines = fares + [Line(label, Money(minor, currency)) for label, minor in extras if minor]
    return Bill(lines, Money(sum(line.amount.minor for line in lines), currency))


def _sum_up(offer: Offer, heads: Counter[str], *, round_trip: bool) -> _Sums:
    sums = _Sums()
    for kind, count in heads.items():
        for line in _price_lines(offer, kind, round_trip=round_trip):
            amount = line.amount_minor * count
            if line.kind == "discount":
                sums.discount += amount
            elif line.kind == "fee":
                sums.fee += amount
            else:
                sums.fares[kind] += amount
    return sums


def _price_lines(offer: Offer, kind: str, *, round_trip: bool) -> list[PriceLine]:
    return price_lines(
        offer.rule, distance_m=offer.ticket.distance_m, kind=kind, round_trip=round_trip
    )


def _fare_label(offer: Offer, kind: str, count: int, several: bool) -> str:
    people = people_text(kind, count)
    if several:
        return in_a_row([people, offer.ticket.fare_name, offer.ticket.service.number])
    return in_a_row([people, offer.ticket.fare_name])


# --- what comes back ------------------------------------------------------------------------------


def refund_steps(
    offer: Offer, kinds: Iterable[str], *, round_trip: bool, now: datetime
) -> list[Step]:
    """
    Answer what the party gets back by the moment of cancelling, from now to after departure.

    Penalties are reckoned for each passenger and summed up, as cancelling does.
    """
    currency = offer.rule.currency
    prices = [
        Money(
            sum(line.amount_minor for line in _price_lines(offer, kind, round_trip=round_trip)),
            currency,
        )
        for kind in kinds
    ]
    leaves_at = offer.ticket.leaves_at
    zone = ZoneInfo(offer.ticket.origin.station.tz)
    moments = [one for one in penalties.steps(offer.tiers, leaves_at=leaves_at) if one > now]
    steps: list[Step] = []
    for begins, ends in zip([now, *moments], [*moments, None], strict=True):
        step = _step(prices, offer, begins + A_MOMENT, ends and ends.astimezone(zone))
        if steps and steps[-1].refund == step.refund:
            steps.pop()
        steps.append(step)
    return steps


def _step(prices: Sequence[Money], offer: Offer, at: datetime, until: datetime | None) -> Step:
    currency = offer.rule.currency
    kept = sum(
        penalties.penalty_for(
            one, offer.tiers, leaves_at=offer.ticket.leaves_at, now=at
        ).amount.minor
        for one in prices
    )
    whole = sum(one.minor for one in prices)
    return Step(
        until, Money(whole - kept, currency), Money(kept, currency), _percent(whole - kept, whole)
    )


def _percent(part: int, whole: int) -> int:
    """Round to whole per cents, but say neither all nor nothing unless it is so."""
    if part in (0, whole):
        return 100 if part else 0
    return min(max((part * 200 + whole) // (2 * whole), 1), 99)


def refund_rule(steps: Sequence[Step]) -> Remark:
    """Say in one line what a fare gives back."""
    first = steps[0]
    if first.percent == 100 and first.until:
        when = f"{day_and_month(first.until)}, {clock_text(first.until)}"
        return Remark("good", _("Full refund until %(when)s") % {"when": when})
    if any(step.refund for step in steps):
        return Remark(
            "warn", _("%(percent)s %% back today, less later") % {"percent": first.percent}
        )
    return Remark("bad", _("No refund"))
