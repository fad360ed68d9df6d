"""The benchmark of claims measures what it says, and finds a seat that was sold twice."""

from __future__ import annotations

import random

import pytest
from django.db import connection

from bench.claims import Cell, Run, Wish, first_fit, hot_wishes, seats_sold_twice, table
from bench.clients import Figures, Sample, percentile, together
from bookings.models import Claim, Reservation, SeatStock
from tests.selling import reserve
from travel.common.errors import Unavailable


def run(**changes) -> Run:
    return Run(
        **{
            "cells": ["limit", "portable", "service"],
            "scenes": ["hot", "cold", "first"],
            "clients": [2],
            "rounds": 1,
            "claims": 8,
            "departures": 2,
            "seed": 1,
            "hot_seats": 80,
            "cold_seats": 80,
            **changes,
        }
    )


@pytest.fixture
def counter_dropped(transactional_db):
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_counter")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("counter_dropped")
class TestRun:
    def test_every_cell_is_measured_and_proven(self):
        small = run(cells=["limit", "portable"], scenes=["cold", "first"])
        small.go(lambda line: None)
        assert small.faults == []
        assert [(cell.scene, cell.name) for cell in small.done] == [
            ("cold", "limit"),
            ("cold", "portable"),
            ("first", "portable"),
        ]
        assert all(len(cell.figures.samples) == 8 for cell in small.done)
        assert all(set(cell.figures.words) == {"done"} for cell in small.done)
        assert Claim.objects.count() == 16
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM bench_counter")
            assert cursor.fetchone() == (8,)

    def test_a_hot_train_is_sold_as_first_fit_sells_it(self):
        small = run(cells=["service"], scenes=["hot"])
        small.go(lambda line: None)
        assert small.faults == []
        (cell,) = small.done
        assert cell.sold == sum(
            last - first + 1
            for first, last in Claim.objects.values_list("first_segment", "last_segment")
        )
        assert cell.packing >= 0.99
        assert Reservation.objects.count() == Claim.objects.count()


class TestWishes:
    def test_the_timed_ones_come_to_four_fifths_of_the_train(self):
        wishes, timed = hot_wishes(random.Random(7), 1, 80)
        lengths = [wish.last - wish.first + 1 for wish in wishes]
        # 80 seats on 11 segments are 880 seat-segments.
        assert sum(lengths[: timed - 1]) < 704 <= sum(lengths[:timed])
        assert sum(lengths[:-1]) < 1144 <= sum(lengths)

    def test_first_fit_by_hand(self):
        """Two seats: 0-2 and 1-1 fill one each, 3-4 joins the first, 0-0 the second, 2-3 nobody."""
        wishes = [Wish(1, *one) for one in [(0, 2), (1, 1), (3, 4), (0, 0), (3, 3), (2, 3)]]
        assert first_fit(wishes[:4], 2) == 3 + 1 + 2 + 1
        assert first_fit(wishes, 2) == 3 + 1 + 2 + 1 + 1


@pytest.mark.django_db
class TestProof:
    @pytest.fixture
    def sold(self, train, noon):
        reserve("ada@example.org", train.ticket_id(1, 3), now=noon)
        return {train.departure.pk}

    def test_what_the_office_sold_is_in_order(self, sold):
        assert seats_sold_twice(sold) == []

    def test_a_segment_that_is_claimed_twice(self, sold, train, noon):
        claim = Claim.objects.get()
        other = reserve("bob@example.org", train.ticket_id(2, 4), now=noon)
        Claim.objects.filter(coupon__passenger__reservation=other.id).update(stock=claim.stock)
        assert any("segment 2" in fault for fault in seats_sold_twice(sold))

    def test_a_bit_without_a_claim(self, sold):
        SeatStock.objects.filter(taken__gt=0).update(taken=0b1110)
        assert len(seats_sold_twice(sold)) == 1


@pytest.mark.django_db(transaction=True)
class TestClients:
    def test_each_act_is_done_once_by_somebody(self):
        done = together(
            lambda number: (f"act {number}", number % 2), numbers=range(3, 9), clients=3
        )
        assert [one.word for one in done.samples] == [f"act {number}" for number in range(3, 9)]
        assert sum(one.retries for one in done.samples) == 3
        assert 1 <= sum(one.is_first for one in done.samples) <= 3

    def test_an_error_that_reaches_a_client_is_noted(self):
        def act(number: int) -> tuple[str, int]:
            raise Unavailable(retry_after=1)

        (sample,) = together(act, numbers=range(1), clients=1).samples
        assert sample.word.startswith("ERROR Unavailable")


def test_the_table_tells_ratios_to_the_limit_of_as_many_clients():
    limit = Figures([Sample(n, 0.0, 0.002, "done", 0) for n in range(100)], 0.1)
    cell = Figures([Sample(n, 0.0, 0.006, "done", 1) for n in range(100)], 0.2)
    lines = table([Cell("hot", "limit", 2, limit), Cell("hot", "portable", 2, cell, 99, 100)])
    # 1000 and 500 a second; 2 and 6 ms.
    assert " ".join(lines[2].split()) == "2 hot portable 500 0.50 6.0 6.0 3.00 100 0 0.990"


def test_the_first_act_of_a_client_is_not_timed():
    slow = Sample(0, 0.0, 9.0, "done", 0, is_first=True)
    rest = [Sample(n, 0.0, 0.002, "done", 0) for n in range(1, 9)]
    assert Figures([slow, *rest], 1.0).milliseconds(0.99) == 2.0


def test_percentiles_by_the_nearest_rank():
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([3.0], 0.99) == 3.0
