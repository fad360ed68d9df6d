"""
The simulator: the engines stand up to it, and it finds every defect that is planted in one.

A defect is planted around the engine, by what it is asked and what is stored after it, so that each
engine there will ever be can have it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from bench.simulator import comparison
from bench.simulator.counter import Counter
from bench.simulator.running import Report, Runner, read, written
from bench.simulator.stream import HOLD, WORDS
from bench.simulator.world import World
from bookings import availability, engine
from bookings.engine.contract import Engine, LegRow, ReserveCommand, Result
from bookings.models import Claim, ReservationEvent, SeatStock
from inventory.models import Departure

OPERATIONS = 5_000
TICK = timedelta(microseconds=1)


def engines() -> list[str]:
    """The engines that the database in use can have."""
    return ["portable", "procedures"] if connection.vendor == "mysql" else ["portable"]


@pytest.fixture
def world(db: None) -> World:
    return World()


def simulate(name: str | Engine, world: World, *, operations: int, seed: int) -> Report:
    return Runner(
        seed=seed,
        engine=engine.named(name) if isinstance(name, str) else name,
        world=world,
        tell=lambda line: None,
        shrink_seconds=0,
    ).run(operations)


class TestEngines:
    @pytest.mark.parametrize("name", engines())
    def test_five_thousand_operations(self, world, name):
        report = simulate(name, world, operations=OPERATIONS, seed=20_261_122)

        assert report.failure is None, "\n".join(report.lines())
        assert sum(report.outcomes.values()) == OPERATIONS
        assert report.unseen == []

    @pytest.mark.slow
    @pytest.mark.parametrize("name", engines())
    def test_a_hundred_thousand_operations(self, transactional_db, name):
        report = simulate(name, World(), operations=100_000, seed=4)

        assert report.failure is None, "\n".join(report.lines())
        assert report.unseen == []


class TestCounter:
    def test_the_services_stand_up_to_it_as_well(self, world, settings):
        # What the acts ask for is put into the settings; the fixture puts them back.
        settings.HOLD_DURATION, settings.HOLD_WHILE_PAYING = HOLD, HOLD / 2
        settings.MAX_LIVE_HOLDS, settings.MAX_LIVE_HOLDS_THERE = 10, 3
        runner = Runner(
            seed=2, engine=Counter(), world=world, at_the_counter=True, tell=lambda line: None
        )
        report = runner.run(600)

        assert report.failure is None, "\n".join(report.lines())
        assert report.outcomes["reserved"] > 50
        assert report.outcomes["paid"] > 20


# --- planted defects ------------------------------------------------------------------------------


class Defective:
    """The engine with a defect: everything it is not told otherwise, it leaves to the sound one."""

    def __init__(self) -> None:
        self.sound = engine.current()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)


class GuardDropped(Defective):
    """Takes every seat of the departures for free, and its guard as well."""

    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        stock = SeatStock.objects.filter(departure__in=_departures(command))
        before = dict(stock.values_list("id", "taken"))
        stock.update(taken=0)
        result = self.sound.reserve(command, **given)
        for key, taken in before.items():
            row = SeatStock.objects.get(id=key)
            SeatStock.objects.filter(id=key).update(taken=row.taken | taken)
        return result


class MaskOneShort(Defective):
    """Takes a stretch without its last segment."""

    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        return self.sound.reserve(
            _with_legs(command, lambda leg: {"last_segment": max(leg.first_segment, _before(leg))}),
            **given,
        )


class BitForgotten(Defective):
    """Claims the whole stretch and leaves the bit of its last segment clear."""

    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        result = self.sound.reserve(command, **given)
        claim = Claim.objects.filter(
            coupon__passenger__reservation_id=result.reservation_id, last_segment__gt=3
        ).first()
        if result.done and claim is not None:
            SeatStock.objects.filter(id=claim.stock_id).update(
                taken=F("taken") - 2**claim.last_segment
            )
        return result


class BuyerDoesNotSweep(Defective):
    """Believes that no hold on the wanted departures has ended."""

    def reserve(self, command: ReserveCommand, *, now: datetime, **given: Any) -> Result:
        wanted = Departure.objects.filter(id__in=_departures(command))
        ends = dict(wanted.values_list("id", "earliest_hold_end"))
        wanted.update(earliest_hold_end=now + timedelta(days=1))
        result = self.sound.reserve(command, now=now, **given)
        for key, end in ends.items():
            until = min(end or command.hold_until, command.hold_until)
            Departure.objects.filter(id=key).update(earliest_hold_end=until)
        return result


class BeatDoesNotSweep(Defective):
    def expire(self, *, now: datetime, limit: int) -> int:
        return 0


class PaysAtTheVerySecond(Defective):
    """Takes a hold that ends now for one that lives."""

    def confirm(self, reservation_id: int, *, now: datetime, **given: Any) -> Result:
        return self.sound.confirm(reservation_id, now=now - TICK, **given)


class ExpiresByAFastClock(Defective):
    def expire(self, *, now: datetime, limit: int) -> int:
        return self.sound.expire(now=now + timedelta(seconds=30), limit=limit)


class HoldsAPart(Defective):
    """Leaves the last of a party without a seat."""

    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        return self.sound.reserve(
            _with_legs(
                command,
                lambda leg: {
                    "coupons": [*leg.coupons[:-1], replace(leg.coupons[-1], needs_seat=False)]
                    if len(leg.coupons) > 4
                    else leg.coupons
                },
            ),
            **given,
        )


class VersionStandsStill(Defective):
    """Gives seats back without raising the version, so that what is cached stays."""

    def release(self, reservation_id: int, **given: Any) -> Result:
        before = dict(Departure.objects.values_list("id", "stock_version"))
        result = self.sound.release(reservation_id, **given)
        for key, version in before.items():
            Departure.objects.filter(id=key).update(stock_version=version)
        return result


class ForgetsAnEnd(Defective):
    """Loses sight of the other holds on a departure when one is paid."""

    def confirm(self, reservation_id: int, **given: Any) -> Result:
        result = self.sound.confirm(reservation_id, **given)
        if result.done:
            Departure.objects.filter(
                tickets__coupons__passenger__reservation_id=reservation_id
            ).update(earliest_hold_end=None)
        return result


class QuotaIgnored(Defective):
    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        return self.sound.reserve(_with_legs(command, lambda leg: {"quota": None}), **given)


class LimitThereIgnored(Defective):
    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        return self.sound.reserve(replace(command, max_live_holds_there=None), **given)


class ChangeImposed(Defective):
    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        return self.sound.reserve(replace(command, accept_seat_change=True), **given)


class WishesUnread(Defective):
    """Seats everybody as if nobody needed a wheelchair space."""

    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        passengers = [replace(one, seat_wish="") for one in command.passengers]
        return self.sound.reserve(replace(command, passengers=passengers), **given)


class ChoiceDisregarded(Defective):
    def reserve(self, command: ReserveCommand, **given: Any) -> Result:
        return self.sound.reserve(
            _with_legs(
                command,
                lambda leg: {"coupons": [replace(one, seat_id=None) for one in leg.coupons]},
            ),
            **given,
        )


class CancelsTheWhole(Defective):
    """Frees one coupon more than it was asked to."""

    def cancel_coupons(
        self, reservation_id: int, coupon_ids: Sequence[int], **given: Any
    ) -> Result:
        result = self.sound.cancel_coupons(reservation_id, coupon_ids, **given)
        if result.done and not result.details["whole"]:
            Claim.objects.filter(coupon__passenger__reservation_id=reservation_id).delete()
        return result


class StoryForgotten(Defective):
    """Gives seats back and says nothing of it in the reservation's story."""

    def release(self, reservation_id: int, **given: Any) -> Result:
        result = self.sound.release(reservation_id, **given)
        ReservationEvent.objects.filter(reservation_id=reservation_id, kind="released").delete()
        return result


DEFECTS = [
    GuardDropped,
    MaskOneShort,
    BitForgotten,
    BuyerDoesNotSweep,
    BeatDoesNotSweep,
    PaysAtTheVerySecond,
    ExpiresByAFastClock,
    HoldsAPart,
    VersionStandsStill,
    ForgetsAnEnd,
    QuotaIgnored,
    LimitThereIgnored,
    ChangeImposed,
    WishesUnread,
    ChoiceDisregarded,
    CancelsTheWhole,
]


def _departures(command: ReserveCommand) -> set[int]:
    return {leg.departure_id for leg in command.legs}


def _before(leg: LegRow) -> int:
    return leg.last_segment - 1


def _with_legs(
    command: ReserveCommand, change: Callable[[LegRow], dict[str, Any]]
) -> ReserveCommand:
    return replace(command, legs=[replace(leg, **change(leg)) for leg in command.legs])


class TestPlantedDefects:
    @pytest.mark.parametrize("defect", DEFECTS)
    def test_is_found_within_five_thousand_operations(self, world, defect):
        report = simulate(defect(), world, operations=OPERATIONS, seed=7)

        assert report.failure is not None
        assert 0 < report.prefix <= OPERATIONS
        assert f"--seed 7 --operations {report.prefix}" in "\n".join(report.lines())

    @pytest.mark.parametrize("name", ["availability", "taken_seats"])
    def test_what_is_shown_by_a_slow_clock_is_found(self, world, monkeypatch, name):
        sound = getattr(availability, name)

        def slow(*asked: Any, now: datetime, **more: Any) -> Any:
            return sound(*asked, now=now - timedelta(seconds=30), **more)

        monkeypatch.setattr(comparison, name, slow)
        assert simulate("portable", world, operations=OPERATIONS, seed=7).failure is not None

    def test_what_only_the_audit_sees_is_traced_to_its_operation(self, world):
        runner = Runner(seed=7, engine=StoryForgotten(), world=world, tell=lambda line: None)
        report = runner.run(250)

        assert report.failure is not None
        assert report.failure.says.startswith("audit:")
        assert runner.run_only(range(report.prefix - 1)).failure is None
        assert runner.run_only(range(report.prefix)).failure is not None

    def test_the_prefix_is_the_shortest(self, world):
        report = simulate(HoldsAPart(), world, operations=OPERATIONS, seed=7)

        assert simulate(HoldsAPart(), world, operations=report.prefix, seed=7).failure is not None
        shorter = simulate(HoldsAPart(), world, operations=report.prefix - 1, seed=7)
        assert shorter.failure is None

    def test_what_is_left_of_the_prefix_shows_it_and_is_sound_otherwise(self, world):
        runner = Runner(seed=7, engine=BuyerDoesNotSweep(), world=world, tell=lambda line: None)
        report = runner.run(OPERATIONS)

        assert len(report.story) < report.prefix / 4
        assert runner.run_only(report.story).failure is not None
        sound = Runner(seed=7, engine=engine.current(), world=world, tell=lambda line: None)
        assert sound.run_only(report.story).failure is None


class TestReplay:
    def test_the_same_seed_tells_the_same_story(self, world):
        first, again = (simulate("portable", world, operations=250, seed=11) for _ in range(2))
        assert first.outcomes == again.outcomes
        assert simulate("portable", world, operations=250, seed=12).outcomes != first.outcomes


@pytest.mark.slow
class TestCommand:
    def run(self, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bench.simulate", *arguments],
            cwd=Path(__file__).parents[2],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def test_runs_in_a_database_of_its_own(self, outside_environment):
        ended = self.run("--operations", "200", "--workers", "2", environment=outside_environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "seed 1: 100 operations" in ended.stdout
        assert "seed 2: 100 operations" in ended.stdout


def test_a_story_is_written_as_it_is_read():
    assert written([3, 5, 6, 7, 20]) == "3,5-7,20"
    assert read("3,5-7,20") == [3, 5, 6, 7, 20]


def test_every_outcome_of_the_contract_is_counted():
    from bookings.engine.contract import Outcome

    # Seats of what is sold are changed in tests/contracts and tests/faults, not by the stream.
    assert {str(one) for one in Outcome} - {"done", "not_changeable"} <= set(WORDS)
