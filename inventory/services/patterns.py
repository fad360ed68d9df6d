"""Recurring timetables: what publishing one would change, and its dated departures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.utils.translation import gettext as _

from inventory.models import Departure, Feed, PatternCall, TimetablePattern
from inventory.timetable.distance import great_circle_metres
from inventory.timetable.draft import CallDraft, DepartureDraft, TimetableDraft
from inventory.timetable.publish.departures import Counts, DeparturePublisher
from inventory.timetable.publish.preview import preview_departures
from inventory.timetable.publish.reference import References
from inventory.timetable.zones import instant
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction

# A season and a half; a longer timetable is a mistake of typing.
MOST_DAYS = 550
SERVICE, VEHICLE = "service", "vehicle"


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing a pattern would do: counts, and a few departures of each kind by name."""

    counts: Counts
    examples: dict[str, list[str]]


def preview_pattern(*, pattern_id: int, now: datetime) -> Plan:
    """
    Answer what publishing a pattern would change; nothing is written.

    :raises NotFound: there is no such pattern.
    :raises InvalidInput: it cannot run: too few calls, times that run backwards, too long a period.
    """
    pattern, calls = _read(pattern_id)
    feed = Feed.objects.filter(code=feed_code(pattern)).values_list("id", flat=True).first()
    counts, examples = preview_departures(
        _draft(pattern, calls, now),
        feed_id=feed or -1,
        references=_references(pattern, calls),
        now=now,
    )
    return Plan(counts, examples)


def publish_pattern(*, pattern_id: int, now: datetime) -> Counts:
    """
    Bring the departures from today on to what a pattern says, by the code that imports go through.

    Departures that have sold are left as they are; the difference waits for the departures desk.

    :raises NotFound, InvalidInput: as in preview_pattern.
    """
    pattern, calls = _read(pattern_id)
    feed = _feed(pattern)
    publisher = DeparturePublisher(
        feed_id=feed.pk,
        references=_references(pattern, calls),
        now=now,
        progress=lambda _count: None,
    )
    return publisher.publish(_draft(pattern, calls, now))


def feed_code(pattern: TimetablePattern) -> str:
    """Answer the code of the feed under which a pattern's departures stand."""
    return f"pattern-{pattern.pk}"


@in_transaction
def _feed(pattern: TimetablePattern) -> Feed:
    feed, _is_new = Feed.objects.get_or_create(
        code=feed_code(pattern), defaults={"name": str(pattern)[:120]}
    )
    return feed


def _read(pattern_id: int) -> tuple[TimetablePattern, list[PatternCall]]:
    pattern = (
        TimetablePattern.objects.select_related("service", "vehicle").filter(pk=pattern_id).first()
    )
    if pattern is None:
        raise NotFound()
    calls = list(pattern.calls.select_related("station").order_by("position"))
    check_calls(calls)
    if (pattern.last_day - pattern.first_day).days >= MOST_DAYS:
        raise InvalidInput(errors={"last_day": [_("Write a period of at most 550 days.")]})
    if pattern.vehicle.carrier_id != pattern.service.carrier_id:
        raise InvalidInput(errors={"vehicle": [_("This vehicle is another carrier's.")]})
    return pattern, calls


def check_calls(calls: list[PatternCall]) -> None:
    """
    See that these calls, in order, are a way that can be travelled.

    :raises InvalidInput: there are too few, or times are missing or run backwards.
    """
    if len(calls) < 2:
        raise InvalidInput(errors={"calls": [_("Write at least two calls.")]})
    first, *between, last = calls
    if first.departs != 0 or first.arrives is not None:
        raise InvalidInput(
            errors={"calls": [_("The first call leaves after 0 minutes, and has no arrival.")]}
        )
    if last.arrives is None or last.departs is not None:
        raise InvalidInput(errors={"calls": [_("The last call has an arrival alone.")]})
    if any(call.arrives is None or call.departs is None for call in between):
        raise InvalidInput(errors={"calls": [_("Each call between has both times.")]})
    clock = 0
    for call in calls:
        for minutes in (call.arrives, call.departs):
            if minutes is not None:
                if minutes < clock:
                    raise InvalidInput(errors={"calls": [_("The times run backwards.")]})
                clock = minutes


def _references(pattern: TimetablePattern, calls: list[PatternCall]) -> References:
    references = References()
    references.services = {SERVICE: pattern.service_id}
    references.vehicles = {VEHICLE: pattern.vehicle_id}
    references.vehicle_codes = {pattern.vehicle_id: pattern.vehicle.code}
    references.stations = {call.station.code: call.station_id for call in calls}
    references.station_codes = {call.station_id: call.station.code for call in calls}
    return references


def _draft(pattern: TimetablePattern, calls: list[PatternCall], now: datetime) -> TimetableDraft:
    """
    Make the edition from today on; it ends with the last day that was published before.

    So departures of days that the pattern no longer has are withdrawn.
    """
    zone = ZoneInfo(calls[0].station.tz)
    today = now.astimezone(zone).date()
    published = Departure.objects.filter(feed__code=feed_code(pattern)).aggregate(
        last=Max("travel_date")
    )["last"]
    first = max(today, min(pattern.first_day, today) if published else pattern.first_day)
    last = max(day for day in (pattern.last_day, published, first) if day)
    return TimetableDraft(
        feed=feed_code(pattern),
        first_date=first,
        last_date=last,
        cities=(),
        stations=(),
        carriers=(),
        tariffs=(),
        seat_maps=(),
        vehicles=(),
        services=(),
        departures=lambda: _departures(pattern, calls, zone, first, last, now),
    )


def _departures(
    pattern: TimetablePattern,
    calls: list[PatternCall],
    zone: ZoneInfo,
    first: date,
    last: date,
    now: datetime,
) -> Iterator[DepartureDraft]:
    distances = _distances(calls)
    day = max(first, pattern.first_day)
    while day <= min(last, pattern.last_day):
        start = instant(day, pattern.leaves, zone)
        if pattern.weekdays >> day.weekday() & 1:
            yield DepartureDraft(
                service=SERVICE,
                travel_date=day,
                vehicle=VEHICLE,
                run=pattern.run,
                calls=tuple(
                    CallDraft(
                        station=call.station.code,
                        arrives_at=_after(start, call.arrives),
                        departs_at=_after(start, call.departs),
                        may_board=call.departs is not None,
                        may_alight=call.arrives is not None,
                        platform=call.platform,
                        distance_m=distance,
                    )
                    for call, distance in zip(calls, distances, strict=True)
                ),
            )
        day += timedelta(days=1)


def _after(start: datetime, minutes: int | None) -> datetime | None:
    return None if minutes is None else start + timedelta(minutes=minutes)


def _distances(calls: list[PatternCall]) -> list[int]:
    """Answer the metres from the first call along the calls."""
    total, way = 0, [0]
    for before, after in pairwise(calls):
        total += great_circle_metres(
            float(before.station.latitude),
            float(before.station.longitude),
            float(after.station.latitude),
            float(after.station.longitude),
        )
        way.append(total)
    return way
