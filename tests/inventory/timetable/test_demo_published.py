"""The demo network in the tables: published, published again, and a day later."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from inventory.models import (
    Call,
    Departure,
    Fare,
    FareVersion,
    PenaltyTier,
    PendingChange,
    Seat,
    Service,
    Station,
)
from inventory.timetable.demo_network import demo_timetable
from inventory.timetable.publish import Counts, publish

TODAY = date(2026, 6, 1)
A_DAY = timedelta(days=1)
#: Departures of one day, at scale 1.
DAILY = 660


def seed(first: date, last: date, *, now: datetime, scale: float = 1.0) -> Counts:
    """Publish the network for some days."""
    return publish(demo_timetable(first_date=first, last_date=last, scale=scale), now=now)


def contents() -> dict[str, list[tuple[object, ...]]]:
    """All that an edition could change, ids and prices included."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for model in (Departure, Fare, FareVersion, PenaltyTier, Service, Station, Seat)
    }


@pytest.mark.django_db
class TestPublished:
    def test_everything_is_there(self, noon: datetime) -> None:
        counts = seed(TODAY, TODAY, now=noon)

        assert counts.added == DAILY
        assert Departure.objects.filter(state="scheduled").count() == DAILY
        assert Call.objects.count() == counts.calls
        assert not Fare.objects.filter(versions=None).exists()
        assert not FareVersion.objects.filter(penalty_tiers=None).exists()
        for mode, row in (("Plane", "flight"), ("Train", "train"), ("Bus", "bus")):
            services = Service.objects.filter(mode=mode)
            assert services.exists()
            assert not services.filter(**{row: None}).exists()

    def test_a_second_time_changes_nothing(self, noon: datetime) -> None:
        seed(TODAY, TODAY, now=noon)
        before = contents()

        counts = seed(TODAY, TODAY, now=noon + timedelta(hours=3))

        assert counts == Counts(unchanged=DAILY)
        assert contents() == before

    def test_a_day_later_a_day_is_added_and_the_past_stays(self, noon: datetime) -> None:
        seed(TODAY, TODAY + A_DAY, now=noon)
        before = contents()

        counts = seed(TODAY + A_DAY, TODAY + 2 * A_DAY, now=noon + A_DAY)

        assert (counts.added, counts.unchanged) == (DAILY, DAILY)
        assert (counts.replaced, counts.withdrawn, counts.pending) == (0, 0, 0)
        after = contents()
        assert after["Departure"][: 2 * DAILY] == before["Departure"]
        assert after["FareVersion"] == before["FareVersion"]

    def test_what_has_sold_stays_when_the_network_shrinks(self, noon: datetime) -> None:
        seed(TODAY, TODAY, now=noon)
        # The third train of the day from Hamburg to Munich does not run at a tenth of the network.
        sold = Departure.objects.get(service__number="NX 504")
        Departure.objects.filter(pk=sold.pk).update(frozen_at=noon, stock_version=1)

        counts = seed(TODAY, TODAY, now=noon, scale=0.1)

        assert counts.withdrawn > 0
        sold.refresh_from_db()
        assert sold.state == "scheduled"
        assert PendingChange.objects.filter(departure=sold, kind="withdrawn").count() == 1
