"""Drafts, published: what the tables hold afterwards, and what they must never lose."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import (
    Bus,
    Call,
    CarrierClass,
    City,
    CityName,
    Departure,
    Fare,
    FareVersion,
    ImportRun,
    MinimumChange,
    PendingChange,
    Seat,
    SeatMap,
    Service,
    Station,
    StationCode,
    Tariff,
    Train,
    Vehicle,
)
from inventory.timetable.draft import (
    BusFacts,
    CallDraft,
    CarrierClassDraft,
    CarrierDraft,
    CityDraft,
    CodeDraft,
    DepartureDraft,
    FareDraft,
    FareVersionDraft,
    MinimumChangeDraft,
    NameDraft,
    PenaltyTierDraft,
    SeatMapDraft,
    ServiceDraft,
    StationDraft,
    TariffDraft,
    TimetableDraft,
    TrainFacts,
    VehicleDraft,
)
from inventory.timetable.publish import DraftRefused, publish
from inventory.timetable.publish import departures as writing
from inventory.timetable.seating import lay_out_coach

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FIRST = date(2026, 6, 1)

ONBOARD = ("wifi", "power")
VERSION = FareVersionDraft(
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    base_minor=790,
    per_km_micro=8_500_000,
    minimum_minor=1290,
    rounding_minor=10,
    tax_basis_points=700,
    penalty_tiers=(PenaltyTierDraft(1440, 0), PenaltyTierDraft(0, 5000, 500)),
)


def station(code: str, city: str, latitude: float) -> StationDraft:
    return StationDraft(
        code=code,
        city=city,
        kind="railStation",
        name=f"Station {code}",
        tz="Europe/Berlin",
        latitude=latitude,
        longitude=10.0,
        codes=(CodeDraft("gtfs:test", code),),
    )


def departure(
    service: str = "X/1", day: int = 0, *, hour: int = 8, run: str = "", vehicle: str = "V",
    stops: tuple[str, ...] = ("AA", "BB", "CC"), platform: str = "",
) -> DepartureDraft:  # fmt: skip
    """A departure that takes an hour from stop to stop and waits nowhere."""
    start = datetime(2026, 6, 1, hour, tzinfo=UTC) + timedelta(days=day)
    last = len(stops) - 1
    calls = tuple(
        CallDraft(
            station=code,
            arrives_at=start + timedelta(hours=n) if n > 0 else None,
            departs_at=start + timedelta(hours=n) if n < last else None,
            may_board=n < last,
            may_alight=n > 0,
            platform=platform,
            distance_m=n * 100_000,
        )
        for n, code in enumerate(stops)
    )
    return DepartureDraft(service, FIRST + timedelta(days=day), vehicle, calls, run)


def draft(*departures: DepartureDraft, days: int = 3, **changes) -> TimetableDraft:
    ordered = sorted(departures, key=lambda found: (found.travel_date, found.service))
    values = {
        "feed": "test",
        "first_date": FIRST,
        "last_date": FIRST + timedelta(days=days - 1),
        "cities": (
            CityDraft("de-a", "Ä", "DE", (NameDraft("de", "Ä"), NameDraft("", "Ae"))),
            CityDraft("de-b", "Bé", "DE"),
        ),
        "stations": (
            station("AA", "de-a", 50),
            station("BB", "de-a", 51),
            station("CC", "de-b", 52),
        ),
        "minimum_changes": (
            MinimumChangeDraft("AA", "AA", 7),
            MinimumChangeDraft("AA", "BB", 20),
            MinimumChangeDraft("BB", "AA", None),
        ),
        "carriers": (
            CarrierDraft(
                "X", "X Rail", "EUR", "Europe/Berlin", "DE", (CarrierClassDraft("Economy", "2nd"),)
            ),
        ),
        "tariffs": (TariffDraft("X", "t", "T", (FareDraft(3, "Economy", "Saver", (VERSION,)),)),),
        "seat_maps": (seat_map(),),
        "vehicles": (
            VehicleDraft("V", "X", "Train", "one"),
            VehicleDraft("W", "X", "Spare", "one"),
        ),
        "services": (
            ServiceDraft("X/1", "X", "Train", "ICE 1", "t", TrainFacts("ICE", 4), ONBOARD),
            ServiceDraft("X/2", "X", "Train", "ICE 2", "t", TrainFacts("ICE", 4)),
            ServiceDraft("X/3", "X", "Bus", "N 3", "t", BusFacts("Coach")),
        ),
        "departures": lambda: iter(ordered),
        **changes,
    }  # fmt: skip
    return TimetableDraft(**values)


def seat_map(rows: int = 3) -> SeatMapDraft:
    coaches = (
        lay_out_coach(label="1", travel_class="Business", layout="A|CD", rows=rows, tables=[1]),
        lay_out_coach(label="2", travel_class="Economy", layout="AB|CD", rows=rows),
    )
    return SeatMapDraft("one", "One", coaches)


def standing() -> list[Departure]:
    return list(
        Departure.objects.filter(state="scheduled").order_by("travel_date", "service", "run")
    )


def freeze(row: Departure) -> None:
    Departure.objects.filter(pk=row.pk).update(frozen_at=NOW, stock_version=1)


def snapshot() -> list[tuple]:
    """Everything that is in the tables of departures, with ids."""
    return [
        *Departure.objects.order_by("id").values_list(),
        *Call.objects.order_by("id").values_list(),
        *PendingChange.objects.order_by("id").values_list(
            "departure", "kind", "digest", "settled_at"
        ),
    ]


class TestReference:
    def test_places_with_names_codes_and_times_to_change(self):
        publish(draft(), now=NOW)
        a = City.objects.get(code="de-a")
        assert set(CityName.objects.filter(city=a).values_list("language", "key")) == {
            ("de", "a"), ("", "ae"),
        }  # fmt: skip
        row = Station.objects.get(code="AA")
        assert (row.city, row.tz, row.minimum_change_minutes) == (a, "Europe/Berlin", 7)
        assert StationCode.objects.get(scheme="gtfs:test", code="AA").station == row
        [change] = MinimumChange.objects.all()
        assert (change.from_station.code, change.to_station.code, change.minutes) == (
            "AA",
            "BB",
            20,
        )

    def test_a_change_that_became_impossible_goes(self):
        publish(draft(), now=NOW)
        publish(draft(minimum_changes=(MinimumChangeDraft("AA", "BB", None),)), now=LATER)
        assert not MinimumChange.objects.exists()

    def test_a_station_moves_with_its_feed_and_its_history_tells(self):
        publish(draft(), now=NOW)
        moved = (replace(station("AA", "de-b", 50.5), name="Renamed"), *draft().stations[1:])
        publish(draft(stations=moved), now=LATER)
        row = Station.objects.get(code="AA")
        assert (row.city.code, row.name, float(row.latitude)) == ("de-b", "Renamed", 50.5)
        assert row.history.count() == 1

    def test_corrections_of_people_stay(self):
        publish(draft(), now=NOW)
        City.objects.filter(code="de-a").update(name="Corrected")
        CarrierClass.objects.update(name="Second")
        publish(draft(), now=LATER)
        assert City.objects.get(code="de-a").name == "Corrected"
        assert CarrierClass.objects.get().name == "Second"

    def test_services_with_facts_and_facilities(self):
        publish(draft(), now=NOW)
        train, bus = Service.objects.get(number="ICE 1"), Service.objects.get(number="N 3")
        assert (train.train.category, train.train.stars) == ("ICE", 4)
        assert sorted(train.facilities.values_list("code", flat=True)) == ["power", "wifi"]
        assert (bus.mode, bus.bus.kind, Train.objects.count(), Bus.objects.count()) == (
            "Bus", "Coach", 2, 1,
        )  # fmt: skip

    def test_facts_and_facilities_follow_the_draft(self):
        publish(draft(), now=NOW)
        first, *others = draft().services
        first = replace(first, facts=TrainFacts("ICE", 5), facilities=("wifi", "bistro"))
        publish(draft(services=(first, *others)), now=LATER)
        row = Service.objects.get(number="ICE 1")
        assert row.train.stars == 5
        assert sorted(row.facilities.values_list("code", flat=True)) == ["bistro", "wifi"]

    def test_the_tariff_of_a_service_stays(self):
        publish(draft(), now=NOW)
        tariffs = (*draft().tariffs, TariffDraft("X", "u", "U", draft().tariffs[0].fares))
        first, *others = draft().services
        changed = draft(tariffs=tariffs, services=(replace(first, tariff="u"), *others))
        publish(changed, now=LATER)
        assert Service.objects.get(number="ICE 1").tariff.code == "t"
        [run] = ImportRun.objects.filter(started_at=LATER)
        assert run.report["kept"] == ["X/1: its tariff is not u, and stays"]

    def test_fares_have_ids_that_speak(self):
        publish(draft(), now=NOW)
        fare = Fare.objects.get()
        assert fare.pk == Tariff.objects.get().pk * 64 + 3
        [version] = fare.versions.all()
        assert (version.base_minor, version.per_km_micro) == (790, 8_500_000)
        assert list(version.penalty_tiers.values_list("minutes_before", "basis_points")) == [
            (1440, 0), (0, 5000),
        ]  # fmt: skip

    def test_a_new_price_is_a_new_version(self):
        publish(draft(), now=NOW)
        dearer = replace(VERSION, base_minor=990)
        tariffs = (TariffDraft("X", "t", "T", (FareDraft(3, "Economy", "Saver", (dearer,)),)),)
        publish(draft(tariffs=tariffs), now=LATER)
        publish(draft(tariffs=tariffs), now=LATER + timedelta(days=1))
        versions = FareVersion.objects.order_by("valid_from").values_list(
            "valid_from", "base_minor"
        )
        assert list(versions) == [(VERSION.valid_from, 790), (LATER, 990)]

    def test_a_number_is_never_given_to_a_fare_of_another_class(self):
        publish(draft(), now=NOW)
        tariffs = (TariffDraft("X", "t", "T", (FareDraft(3, "VIP", "Sleeper", (VERSION,)),)),)
        with pytest.raises(DraftRefused, match="number 3"):
            publish(draft(tariffs=tariffs), now=LATER)

    def test_seats_of_a_map(self):
        publish(draft(), now=NOW)
        assert Seat.objects.count() == 3 * 3 + 3 * 4
        seat = Seat.objects.get(coach__label="1", label="1A")
        assert (seat.travel_class, seat.is_window, seat.is_aisle, seat.has_table) == (
            "Business", True, True, True,
        )  # fmt: skip

    def test_a_changed_map_is_a_new_edition_for_departures_that_have_not_sold(self):
        publish(draft(departure(day=0), departure(day=1)), now=NOW)
        sold, unsold = standing()
        freeze(sold)
        changed = draft(departure(day=0), departure(day=1), seat_maps=(seat_map(rows=5),))
        publish(changed, now=LATER)
        publish(changed, now=LATER)
        assert sorted(SeatMap.objects.values_list("code", flat=True)) == ["one", "one~2"]
        assert sorted(Vehicle.objects.values_list("code", flat=True)) == ["V", "V~2", "W", "W~2"]
        sold.refresh_from_db()
        unsold.refresh_from_db()
        assert (sold.state, sold.vehicle.seat_map.code) == ("scheduled", "one")
        assert unsold.state == "replaced"
        assert PendingChange.objects.get().kind == "vehicle"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"stations": (station("AA", "de-nowhere", 50),)},
            {"stations": (station("AA", "de-a", 50),) * 2},
            {"carriers": ()},
            {"seat_maps": ()},
            {"tariffs": ()},
            {"minimum_changes": (MinimumChangeDraft("AA", "ZZ", 5),)},
            {"services": (ServiceDraft("X/1", "X", "Plane", "1", "t", TrainFacts("ICE")),)},
            {"carriers": (CarrierDraft("X", "X", "XXX", "UTC", "DE"),)},
        ],
    )
    def test_a_draft_that_contradicts_itself_writes_nothing(self, wrong):
        with pytest.raises(DraftRefused):
            publish(draft(**wrong), now=NOW)
        assert not City.objects.exists()
        assert not Station.objects.exists()


class TestDepartures:
    def test_a_departure_with_its_calls(self):
        counts = publish(draft(departure(platform="7")), now=NOW)
        assert (counts.added, counts.calls, counts.unchanged) == (1, 3, 0)
        [row] = standing()
        assert (row.travel_date, row.run, row.generation, row.feed.code) == (FIRST, "", 1, "test")
        calls = list(row.calls.order_by("position"))
        assert [call.pk for call in calls] == [row.pk * 64, row.pk * 64 + 1, row.pk * 64 + 2]
        assert [call.station.code for call in calls] == ["AA", "BB", "CC"]
        assert calls[0].arrives_at is None
        assert calls[0].departs_at == datetime(2026, 6, 1, 8, tzinfo=UTC)
        assert calls[2].arrives_at == datetime(2026, 6, 1, 10, tzinfo=UTC)
        assert [(c.may_board, c.may_alight, c.platform, c.distance_m) for c in calls] == [
            (True, False, "7", 0), (True, True, "7", 100_000), (False, True, "7", 200_000),
        ]  # fmt: skip

    def test_once_more_writes_nothing(self):
        edition = draft(departure(), departure(day=1), departure("X/2"))
        publish(edition, now=NOW)
        before = snapshot()
        counts = publish(edition, now=LATER)
        assert (counts.unchanged, counts.added, counts.calls) == (3, 0, 0)
        assert snapshot() == before

    def test_once_more_asks_little(self):
        edition = draft(*(departure(day=day) for day in range(3)))
        publish(edition, now=NOW)
        with CaptureQueriesContext(connection) as queries:
            publish(edition, now=LATER)
        writes = [
            query["sql"].split()[0] + " " + query["sql"].split()[2]
            for query in queries
            if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))
        ]
        # The import's own row, opened and closed, is all that is written.
        assert len(writes) == 2

    def test_a_change_of_an_unsold_departure_replaces_it_under_a_new_id(self):
        publish(draft(departure()), now=NOW)
        [old] = standing()
        counts = publish(draft(departure(hour=9)), now=LATER)
        assert (counts.replaced, counts.added) == (1, 0)
        [new] = standing()
        old.refresh_from_db()
        assert (old.state, old.calls.count()) == ("replaced", 0)
        assert (new.generation, new.calls.count()) == (2, 3)
        assert new.pk > old.pk

    def test_a_departure_that_vanished_is_withdrawn(self):
        publish(draft(departure(), departure(day=1), departure("X/2", day=1)), now=NOW)
        counts = publish(draft(departure(), departure("X/2", day=1)), now=LATER)
        assert (counts.withdrawn, counts.unchanged) == (1, 2)
        [gone] = Departure.objects.filter(state="withdrawn")
        assert (gone.travel_date, gone.service.number) == (FIRST + timedelta(days=1), "ICE 1")
        assert gone.calls.count() == 0

    def test_days_without_any_departure_are_withdrawn_too(self):
        publish(draft(departure(day=0), departure(day=1), departure(day=2)), now=NOW)
        publish(draft(departure(day=1)), now=LATER)
        assert [row.travel_date.day for row in standing()] == [2]

    def test_days_outside_the_window_are_left_alone(self):
        publish(draft(departure(day=0), departure(day=2)), now=NOW)
        publish(draft(departure(day=0), days=1), now=LATER)
        assert len(standing()) == 2

    def test_other_feeds_are_left_alone(self):
        publish(draft(departure()), now=NOW)
        publish(draft(departure("X/2"), feed="other"), now=LATER)
        assert len(standing()) == 2

    def test_a_departure_that_comes_back_has_a_new_id(self):
        for edition in (draft(departure()), draft(), draft(departure())):
            publish(edition, now=NOW)
        rows = Departure.objects.order_by("id").values_list("state", "generation")
        assert list(rows) == [("withdrawn", 1), ("scheduled", 2)]

    def test_what_the_desk_cancelled_stays_cancelled(self):
        publish(draft(departure(), departure(day=1)), now=NOW)
        Departure.objects.update(state="cancelled")
        publish(draft(departure(hour=9)), now=LATER)
        assert set(Departure.objects.values_list("state", flat=True)) == {"cancelled"}
        assert Call.objects.count() == 6

    def test_a_run_that_only_moved_up_is_no_change(self):
        runs = [departure(hour=hour, run=f"AA-CC-{n}") for n, hour in enumerate((8, 10, 12))]
        publish(draft(*runs), now=NOW)
        left = [departure(hour=10, run="AA-CC-0"), departure(hour=12, run="AA-CC-1")]
        counts = publish(draft(*left), now=LATER)
        assert (counts.unchanged, counts.withdrawn, counts.added) == (2, 1, 0)
        more = [departure(hour=h, run=f"AA-CC-{n}") for n, h in enumerate((9, 10, 12))]
        counts = publish(draft(*more), now=LATER)
        assert (counts.unchanged, counts.added) == (2, 1)

    def test_the_only_one_left_on_either_side_is_the_same_train(self):
        publish(draft(departure(run="")), now=NOW)
        [old] = standing()
        freeze(old)
        publish(draft(departure(run="AA-CC", hour=9)), now=LATER)
        assert PendingChange.objects.get().departure == old
        assert Departure.objects.count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"departures": lambda: iter([departure(day=1), departure(day=0)])},
            {"departures": lambda: iter([departure(day=5)])},
            {
                "departures": lambda: iter(
                    [departure("X/1"), departure("X/2"), departure("X/1", hour=9)]
                )
            },
            {"departures": lambda: iter([departure("X/9")])},
            {"departures": lambda: iter([departure(vehicle="Z")])},
            {"departures": lambda: iter([departure(stops=("AA", "ZZ"))])},
            {"departures": lambda: iter([departure(stops=("AA",))])},
        ],
    )
    def test_refuses_departures_that_do_not_fit(self, wrong):
        with pytest.raises(DraftRefused):
            publish(draft(**wrong), now=NOW)


class TestDeparturesThatHaveSold:
    @pytest.fixture
    def sold(self) -> Departure:
        publish(draft(departure(), departure(day=1)), now=NOW)
        row = standing()[0]
        freeze(row)
        return row

    def test_other_times_wait_for_the_desk(self, sold):
        before = list(sold.calls.order_by("id").values_list())
        counts = publish(draft(departure(hour=9), departure(day=1)), now=LATER)
        assert (counts.pending, counts.replaced, counts.added) == (1, 0, 0)
        [change] = PendingChange.objects.all()
        assert (change.departure_id, change.kind, change.created_at) == (sold.pk, "calls", LATER)
        assert change.proposal["calls"][0]["departsAt"] == "2026-06-01T09:00:00+00:00"
        assert change.proposal["vehicle"] == "V"
        sold.refresh_from_db()
        assert sold.state == "scheduled"
        assert list(sold.calls.order_by("id").values_list()) == before

    def test_another_vehicle_waits_for_the_desk(self, sold):
        publish(draft(departure(vehicle="W"), departure(day=1)), now=LATER)
        assert PendingChange.objects.get().kind == "vehicle"

    def test_a_vanished_one_waits_for_the_desk(self, sold):
        counts = publish(draft(departure(day=1)), now=LATER)
        assert (counts.pending, counts.withdrawn) == (1, 0)
        assert PendingChange.objects.get().kind == "withdrawn"
        sold.refresh_from_db()
        assert sold.state == "scheduled"

    def test_the_same_change_is_filed_once(self, sold):
        edition = draft(departure(hour=9), departure(day=1))
        publish(edition, now=LATER)
        counts = publish(edition, now=LATER + timedelta(days=1))
        assert counts.pending == 0
        assert PendingChange.objects.count() == 1

    def test_a_newer_change_takes_the_place_of_an_older(self, sold):
        publish(draft(departure(hour=9), departure(day=1)), now=LATER)
        publish(draft(departure(hour=10), departure(day=1)), now=LATER)
        assert PendingChange.objects.filter(settled_at__isnull=True).count() == 1
        assert (
            PendingChange.objects.filter(decision="Superseded by a newer timetable.").count() == 1
        )

    def test_a_change_taken_back_settles_itself(self, sold):
        publish(draft(departure(hour=9), departure(day=1)), now=LATER)
        publish(draft(departure(), departure(day=1)), now=LATER)
        assert PendingChange.objects.get().settled_at == LATER

    def test_a_change_that_comes_again_is_asked_again(self, sold):
        for hour in (9, 10, 9):
            publish(draft(departure(hour=hour), departure(day=1)), now=LATER)
        [change] = PendingChange.objects.filter(settled_at__isnull=True)
        assert change.proposal["calls"][0]["departsAt"] == "2026-06-01T09:00:00+00:00"
        assert change.decision == ""

    def test_what_the_desk_settled_is_not_asked_again(self, sold):
        edition = draft(departure(hour=9), departure(day=1))
        publish(edition, now=LATER)
        PendingChange.objects.update(settled_at=LATER, decision="Kept.")
        publish(edition, now=LATER + timedelta(days=1))
        assert PendingChange.objects.get().decision == "Kept."

    def test_a_sale_between_reading_and_writing_is_seen(self, sold, monkeypatch):
        unsold = standing()[1]
        original = writing.DeparturePublisher._lock

        def sell_first(self, batch):
            freeze(unsold)
            return original(self, batch)

        monkeypatch.setattr(writing.DeparturePublisher, "_lock", sell_first)
        publish(draft(departure(), departure(day=1, hour=9)), now=LATER)
        unsold.refresh_from_db()
        assert (unsold.state, unsold.calls.count()) == ("scheduled", 3)
        assert PendingChange.objects.get().departure == unsold
        assert Departure.objects.count() == 2

    def test_a_sale_before_a_withdrawal_is_seen(self, sold, monkeypatch):
        unsold = standing()[1]
        original = writing.DeparturePublisher._lock
        monkeypatch.setattr(
            writing.DeparturePublisher,
            "_lock",
            lambda self, batch: (freeze(unsold), original(self, batch))[1],
        )
        publish(draft(departure()), now=LATER)
        unsold.refresh_from_db()
        assert (unsold.state, unsold.calls.count()) == ("scheduled", 3)


class Crash(Exception):
    """The process died."""


class TestRestart:
    def many(self) -> TimetableDraft:
        return draft(
            *(departure(f"X/{n}", day=day, hour=8 + day) for n in (1, 2, 3) for day in range(10)),
            days=10,
        )

    @pytest.mark.parametrize("batches", range(1, 9))
    def test_killed_anywhere_and_run_again(self, monkeypatch, batches):
        monkeypatch.setattr(writing, "MOST_ROWS", 30)
        original = writing.DeparturePublisher._write
        written = []

        def write(self, batch):
            if len(written) == batches:
                raise Crash
            written.append(batch)
            return original(self, batch)

        monkeypatch.setattr(writing.DeparturePublisher, "_write", write)
        with pytest.raises(Crash):
            publish(self.many(), now=NOW)
        assert 0 < len(standing()) < 30
        assert ImportRun.objects.filter(finished_at__isnull=True).count() == 1

        monkeypatch.setattr(writing.DeparturePublisher, "_write", original)
        counts = publish(self.many(), now=LATER)
        assert len(standing()) == 30
        assert Call.objects.count() == 90
        assert counts.added + counts.unchanged == 30
        assert ImportRun.objects.filter(finished_at__isnull=False).count() == 1

    def test_no_transaction_writes_more_rows_than_it_may(self, monkeypatch):
        monkeypatch.setattr(writing, "MOST_ROWS", 50)
        sizes = []
        original = writing.DeparturePublisher._write

        def write(self, batch):
            before = Departure.objects.count() + Call.objects.count()
            result = original(self, batch)
            sizes.append(Departure.objects.count() + Call.objects.count() - before)
            return result

        monkeypatch.setattr(writing.DeparturePublisher, "_write", write)
        publish(self.many(), now=NOW)
        assert sum(sizes) == 120
        assert max(sizes) <= 50


class TestAnySequenceOfEditions:
    """Random editions, with sales between them, against the rules in their plainest form."""

    @pytest.mark.parametrize("seed", range(6))
    def test_the_rules_hold(self, seed, monkeypatch):
        monkeypatch.setattr(writing, "MOST_ROWS", 40)
        dice = random.Random(seed)
        meanings: dict[int, list[tuple]] = {}
        sold: set[int] = set()
        for edition in range(8):
            chosen = self.edition(dice)
            moment = NOW + timedelta(days=edition)
            publish(draft(*chosen), now=moment)
            before = snapshot()
            publish(draft(*chosen), now=moment)
            assert snapshot() == before, "the same edition once more changed something"
            self.check_unsold(chosen, sold)
            self.check_meanings(meanings)
            for row in standing():
                if dice.random() < 0.15:
                    freeze(row)
                    sold.add(row.pk)

    def edition(self, dice: random.Random) -> list[DepartureDraft]:
        chosen = []
        for service in ("X/1", "X/2"):
            for day in range(3):
                count = dice.choice([0, 1, 1, 1, 2, 3])
                hours = sorted(dice.sample(range(6, 12), count))
                for number, hour in enumerate(hours):
                    run = "" if count == 1 else f"AA-CC-{number}"
                    stops = dice.choice([("AA", "BB", "CC"), ("AA", "CC")])
                    chosen.append(departure(service, day, hour=hour, run=run, stops=stops))
        return chosen

    def check_unsold(self, chosen: list[DepartureDraft], sold: set[int]) -> None:
        """Each wanted departure stands once, as itself or as a sold one whose change is pending."""
        wanted = Counter(self.meaning_of(found) for found in chosen)
        pending = Counter(
            PendingChange.objects.filter(settled_at__isnull=True).values_list(
                "departure_id", flat=True
            )
        )
        assert all(count == 1 for count in pending.values())
        have = Counter()
        for row in standing():
            meaning = self.meaning(row)
            if row.pk not in pending:
                have[meaning] += 1
                assert wanted[meaning] >= have[meaning]
            else:
                assert row.pk in sold
        waiting = PendingChange.objects.filter(settled_at__isnull=True, kind="calls").count()
        assert sum(wanted.values()) == sum(have.values()) + waiting
        assert sold <= set(Departure.objects.filter(state="scheduled").values_list("pk", flat=True))

    def check_meanings(self, meanings: dict[int, list[tuple]]) -> None:
        """An id means the same for ever, or nothing any more."""
        for row in Departure.objects.all():
            calls = list(row.calls.order_by("id").values_list("station__code", "departs_at"))
            if row.state == "scheduled":
                assert meanings.setdefault(row.pk, calls) == calls
            else:
                assert calls == []

    def meaning(self, row: Departure) -> tuple:
        calls = row.calls.order_by("position").values_list("station__code", "departs_at")
        return row.service.number, row.travel_date, *calls

    def meaning_of(self, found: DepartureDraft) -> tuple:
        number = {"X/1": "ICE 1", "X/2": "ICE 2"}[found.service]
        return number, found.travel_date, *((c.station, c.departs_at) for c in found.calls)
