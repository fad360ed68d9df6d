"""Recurring timetables become dated departures, through the code that imports go through."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from inventory.models import Call, Departure, PatternCall, PendingChange, TimetablePattern
from inventory.services.patterns import preview_pattern, publish_pattern
from tests import factories
from tests.selling import adults, reserve
from travel.common.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db

MONDAY_TO_FRIDAY = 0b001_1111


@pytest.fixture
def pattern(train: factories.Trip) -> TimetablePattern:
    """ICE 585 at 17:05 from Hamburg by Hanover to Munich, on weekdays of two weeks of June."""
    made = TimetablePattern.objects.create(
        service=train.departure.service,
        vehicle=train.departure.vehicle,
        run="evening",
        weekdays=MONDAY_TO_FRIDAY,
        first_day=date(2026, 6, 8),
        last_day=date(2026, 6, 21),
        leaves=time(17, 5),
    )
    stations = [train.calls[index].station for index in (0, 1, 4)]
    times = [(None, 0), (75, 80), (330, None)]
    for position, (station, (arrives, departs)) in enumerate(zip(stations, times, strict=True)):
        PatternCall.objects.create(
            pattern=made, position=position, station=station, arrives=arrives, departs=departs
        )
    return made


def days() -> list[str]:
    rows = Departure.objects.filter(run="evening", state="scheduled").order_by("travel_date")
    return [one.travel_date.isoformat() for one in rows]


def test_runs_on_its_days_at_local_times(pattern, noon):
    shown = preview_pattern(pattern_id=pattern.pk, now=noon).counts
    assert not Departure.objects.filter(run="evening").exists()
    done = publish_pattern(pattern_id=pattern.pk, now=noon)
    assert done == shown
    assert (done.added, done.calls) == (10, 30)
    assert days() == [f"2026-06-{day:02}" for day in (8, 9, 10, 11, 12, 15, 16, 17, 18, 19)]
    first = Departure.objects.filter(run="evening").order_by("travel_date")[0]
    calls = Call.objects.filter(departure=first).order_by("position")
    # 17:05 in Hamburg is 15:05 UTC in June.
    assert calls[0].departs_at.isoformat() == "2026-06-08T15:05:00+00:00"
    assert calls[1].arrives_at - calls[0].departs_at == timedelta(minutes=75)
    assert (calls[0].may_alight, calls[1].may_board, calls[2].may_board) == (False, True, False)


def test_is_sold_at_the_fares_of_the_service(pattern, noon):
    publish_pattern(pattern_id=pattern.pk, now=noon)
    first = Departure.objects.filter(run="evening").order_by("travel_date")[0]
    held = reserve("a@example.org", first.pk * 2**18 + 2 * 2**6, now=noon, passengers=adults(1))
    assert held.price.minor >= 500


def test_once_more_changes_nothing(pattern, noon):
    publish_pattern(pattern_id=pattern.pk, now=noon)
    again = publish_pattern(pattern_id=pattern.pk, now=noon)
    assert (again.added, again.replaced, again.withdrawn, again.unchanged) == (0, 0, 0, 10)


def test_other_days_withdraw_and_add(pattern, noon):
    publish_pattern(pattern_id=pattern.pk, now=noon)
    # Saturdays instead of Mondays, and the second week is gone.
    pattern.weekdays = 0b011_1110
    pattern.last_day = date(2026, 6, 14)
    pattern.save()
    shown = preview_pattern(pattern_id=pattern.pk, now=noon)
    done = publish_pattern(pattern_id=pattern.pk, now=noon)
    assert done == shown.counts
    assert (done.added, done.withdrawn, done.unchanged) == (1, 6, 4)
    assert days() == [f"2026-06-{day:02}" for day in (9, 10, 11, 12, 13)]


def test_what_has_sold_waits_for_the_desk(pattern, noon):
    publish_pattern(pattern_id=pattern.pk, now=noon)
    first = Departure.objects.filter(run="evening").order_by("travel_date")[0]
    reserve("a@example.org", first.pk * 2**18 + 2 * 2**6, now=noon, passengers=adults(1))
    pattern.leaves = time(18, 5)
    pattern.save()
    shown = preview_pattern(pattern_id=pattern.pk, now=noon)
    assert not PendingChange.objects.exists()
    done = publish_pattern(pattern_id=pattern.pk, now=noon)
    assert done == shown.counts
    assert (done.replaced, done.pending) == (9, 1)
    change = PendingChange.objects.get()
    assert (change.departure_id, change.kind) == (first.pk, "calls")
    assert shown.examples["pending"] == ["ICE 585, 2026-06-08"]


def test_two_patterns_do_not_know_each_other(pattern, noon):
    publish_pattern(pattern_id=pattern.pk, now=noon)
    other = TimetablePattern.objects.get(pk=pattern.pk)
    calls = list(pattern.calls.all())
    other.pk = None
    other.run = "morning"
    other.leaves = time(6, 0)
    other.save()
    for call in calls:
        call.pk, call.pattern = None, other
        call.save()
    assert publish_pattern(pattern_id=other.pk, now=noon).added == 10
    assert len(days()) == 10


def test_in_the_night_when_the_clocks_go_forward(pattern, noon):
    """22:00 on 28 March 2026 is 21:00 UTC; five hours and a half later it is 02:30 UTC, 04:30."""
    TimetablePattern.objects.filter(pk=pattern.pk).update(
        first_day=date(2027, 3, 27), last_day=date(2027, 3, 27), weekdays=127, leaves=time(22, 0)
    )
    publish_pattern(pattern_id=pattern.pk, now=noon)
    last = Call.objects.filter(departure__run="evening").order_by("-position")[0]
    assert last.arrives_at.isoformat() == "2027-03-28T02:30:00+00:00"


@pytest.mark.parametrize(
    ("position", "values"),
    [
        (0, {"departs": 5}),
        (0, {"arrives": 0, "departs": 0}),
        (1, {"departs": None}),
        (2, {"arrives": 79}),
        (2, {"departs": 400}),
    ],
)
def test_refuses_calls_that_are_no_way(pattern, noon, position, values):
    PatternCall.objects.filter(pattern=pattern, position=position).update(**values)
    with pytest.raises(InvalidInput):
        publish_pattern(pattern_id=pattern.pk, now=noon)
    assert not Departure.objects.filter(run="evening").exists()


def test_refuses_one_call_too_long_a_period_and_what_is_not_there(pattern, noon):
    TimetablePattern.objects.filter(pk=pattern.pk).update(last_day=date(2028, 6, 1))
    with pytest.raises(InvalidInput):
        preview_pattern(pattern_id=pattern.pk, now=noon)
    with pytest.raises(NotFound):
        preview_pattern(pattern_id=pattern.pk + 99, now=noon)
    pattern.calls.exclude(position=0).delete()
    TimetablePattern.objects.filter(pk=pattern.pk).update(last_day=date(2026, 6, 21))
    with pytest.raises(InvalidInput):
        preview_pattern(pattern_id=pattern.pk, now=noon)


def test_the_past_is_left_alone(pattern, noon: datetime):
    publish_pattern(pattern_id=pattern.pk, now=noon)
    later = datetime.fromisoformat("2026-06-16T12:00:00+00:00")
    pattern.weekdays = 0b000_0001
    pattern.save()
    done = publish_pattern(pattern_id=pattern.pk, now=later)
    assert (done.withdrawn, done.unchanged) == (4, 0)
    assert days()[:6] == [f"2026-06-{day:02}" for day in (8, 9, 10, 11, 12, 15)]
