"""Connections in the list of results, and the way out that was chosen, direct or with changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from bookings import connections, search
from bookings.connections import Change, Connection
from bookings.pages import offered
from bookings.pages.journey import Journey
from bookings.pages.offered import FEW_SEATS, Call, Remark, Trip, city_name
from bookings.search import Filters, Found, Query
from inventory import places
from inventory.places import StationFacts
from travel.common.locales import in_a_row
from travel.common.money import Money
from travel.common.templatetags.look import duration

MINUTE = timedelta(minutes=1)
# So many stand open beside direct trips; the rest unfolds.
MOST_BESIDE_DIRECT = 5


@dataclass(frozen=True, slots=True)
class Leg:
    """One ride of a connection, by its sign and number."""

    mode: str
    service: str


@dataclass(frozen=True, slots=True)
class Card:
    """A connection in the list, as components/connection.html wants it, and where it leads."""

    trip: Trip
    legs: list[Leg]
    calls: list[Call]
    few_left: int
    href: str


@dataclass(frozen=True, slots=True)
class WayOut:
    """The way out, chosen already: as a trip, its fares in words, when it is over."""

    trip: Trip
    fare: str
    arrives_at: datetime


def find(
    query: Query,
    *,
    filters: Filters,
    sort: str,
    direct: Sequence[Found],
    after: WayOut | None,
    now: datetime,
) -> list[Connection]:
    """
    Answer the connections worth offering beside the direct trips that the filters let through.

    On the way back they begin after the way out has ended; `direct only` wants none.
    """
    if filters.max_stops == 0:
        return []
    asked = replace(query, filters=filters, sort=sort)
    return connections.find(
        asked, direct=direct, now=now, not_before=after.arrives_at if after else None
    )


@dataclass(frozen=True, slots=True)
class Cards:
    """The connections of a day: those that are shown, and those that unfold."""

    shown: list[Card]
    more: list[Card]

    @property
    def count(self) -> int:
        return len(self.shown) + len(self.more)


def cards(found: Sequence[Connection], journey: Journey, *, beside: bool) -> Cards | None:
    """Show connections; `beside` direct trips the shortest alone. Of none there is nothing."""
    shown = list(found)
    if beside and len(found) > MOST_BESIDE_DIRECT + 1:
        shortest = sorted(found, key=lambda one: (one.duration, one.ticket_ids))
        shown = [one for one in found if one in shortest[:MOST_BESIDE_DIRECT]]
    more = [one for one in found if one not in shown]
    return Cards(_cards(shown, journey), _cards(more, journey)) if found else None


def lowest(found: Sequence[Connection]) -> Money | None:
    """Answer the lowest price, in the currency of the first."""
    prices = [one.price for one in found if one.price.currency == found[0].price.currency]
    return min(prices, key=lambda price: price.minor, default=None)


def _cards(found: Sequence[Connection], journey: Journey) -> list[Card]:
    """Show connections at the party's price, with their rides and changes."""
    several = journey.party.total > 1
    return [
        Card(
            trip=_trip(one, for_several=several),
            legs=[Leg(each.stretch.mode, each.stretch.number) for each in one.tickets],
            calls=_calls(one),
            few_left=_few_left(one),
            href=journey.to_connection(one.ticket_ids),
        )
        for one in found
    ]


def way_out(journey: Journey, query: Query, *, now: datetime) -> WayOut | None:
    """Answer the way out that was chosen, in two statements; None when it is not on sale."""
    if len(journey.outs) == 1:
        found = search.find_ticket(journey.outs[0], query, now=now)
        if found is None:
            return None
        return WayOut(offered.trip_of_found(found), found.rule.name, found.stretch.arrives_at)
    chosen = connections.chosen(journey.outs, query, now=now)
    if chosen is None:
        return None
    fares = dict.fromkeys(one.rule.name for one in chosen.tickets)
    return WayOut(_trip(chosen), in_a_row(fares), chosen.arrives_at)


# --- in words -------------------------------------------------------------------------------------


def _trip(connection: Connection, *, for_several: bool = False) -> Trip:
    """Show a connection as one trip: a line with a ring at each change."""
    first, last = connection.tickets[0].stretch, connection.tickets[-1].stretch
    start, end = places.station(first.from_station_id), places.station(last.to_station_id)
    carriers = list(dict.fromkeys(one.stretch.carrier_name for one in connection.tickets))
    adult = sum(one.adult_price.minor for one in connection.tickets)
    return Trip(
        mode=first.mode,
        service=" + ".join(one.stretch.number for one in connection.tickets),
        carrier=get_text_list(carriers, _("and")),
        departs_at=connection.departs_at.astimezone(ZoneInfo(start.tz)),
        arrives_at=connection.arrives_at.astimezone(ZoneInfo(end.tz)),
        origin=start.name,
        destination=end.name,
        duration_minutes=connection.duration // MINUTE,
        stops=connection.stops,
        price=connection.price,
        price_for=_("All tickets from"),
        price_each=Money(adult, connection.price.currency) if for_several else None,
        notes=_notes(connection),
        changes=[one.stretch.mode for one in connection.tickets[1:]],
        change_words=change_words(connection.changes),
    )


def change_words(changes: Sequence[Change]) -> str:
    """Say where one changes: `Nürnberg Hbf, 24 min`, or of several the cities."""
    if len(changes) > 1:
        return in_a_row(city_name(places.city(one.departure.city_id)) for one in changes)
    return in_a_row(part for one in changes for part in (one.arrival.name, wait_words(one)))


def wait_words(change: Change) -> str:
    """Say how long one has to change."""
    return duration(change.wait // MINUTE)


def change_remark(change: Change) -> str:
    """Say what changing is like: how long one has, and where one goes on from."""
    if change.is_elsewhere:
        return _(
            "%(time)s to change station: you go on from %(station)s, which takes %(least)s at least"
        ) % {
            "time": wait_words(change),
            "station": change.departure.name,
            "least": duration(change.least // MINUTE),
        }
    return _("%(time)s to change") % {"time": wait_words(change)}


def _notes(connection: Connection) -> list[Remark]:
    notes = [
        Remark(
            "info",
            _("Change of station in %(city)s")
            % {"city": city_name(places.city(one.departure.city_id))},
            "route",
        )
        for one in connection.changes
        if one.is_elsewhere
    ]
    if any(one.needs_seat_change for one in connection.tickets):
        notes.append(Remark("warn", _("Change seats on the way"), "seat"))
    notes.append(Remark("good", _("Protected change"), "shield"))
    return notes


def _few_left(connection: Connection) -> int:
    """Answer for how many there is room all the way, when that is worth saying; else 0."""
    if any(one.needs_seat_change for one in connection.tickets):
        return 0
    left = min(one.seats_left for one in connection.tickets)
    return left if left <= FEW_SEATS else 0


def _calls(connection: Connection) -> list[Call]:
    """Show where one gets on, changes and gets off; the stops between are on its own page."""
    calls: list[Call] = []
    for index, one in enumerate(connection.tickets):
        stretch = one.stretch
        start, end = places.station(stretch.from_station_id), places.station(stretch.to_station_id)
        ride = _("%(service)s, %(carrier)s") % {
            "service": stretch.number,
            "carrier": stretch.carrier_name,
        }
        calls.append(Call(_local(stretch.departs_at, start), start.name, "start", ride))
        if index < len(connection.changes):
            remark = change_remark(connection.changes[index])
            calls.append(Call(_local(stretch.arrives_at, end), end.name, "wait", remark))
        else:
            calls.append(Call(_local(stretch.arrives_at, end), end.name, "end", ""))
    return calls


def _local(moment: datetime, station: StationFacts) -> datetime:
    return moment.astimezone(ZoneInfo(station.tz))
