"""What is generated is what selling would have left behind."""

from __future__ import annotations

import pytest
from django.db import connection

from bench.claims import seats_sold_twice
from bench.generate import CLAIMS_PER_DEPARTURE, PATTERNS, SEATS, generate
from bookings.models import Claim, Coupon, Reservation, ReservationEvent, SeatStock
from inventory.models import Call, Departure
from tests.selling import audit

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def test_the_patterns_come_to_two_claims_a_seat():
    sold = [slot for pattern in PATTERNS for slot in pattern if slot[0] in ("held", "paid")]
    assert CLAIMS_PER_DEPARTURE == len(sold) * 2 * SEATS // (2 * len(PATTERNS)) == 2 * SEATS


def test_generated_sales_are_legal(noon):
    """The keys are looked up, the audits of the tests and of the office find nothing."""
    done = generate(claims=801, now=noon)

    assert (done.departures, done.claims, done.reservations) == (2, 1_600, 880)
    assert Claim.objects.count() == 1_600
    assert Reservation.objects.count() == 880
    assert Coupon.objects.count() == 1_760
    assert SeatStock.objects.count() == 800
    assert Call.objects.count() == 24
    # 40 are held and have one event, all others have two.
    assert ReservationEvent.objects.count() == 2 * 880 - 40
    audit()
    assert seats_sold_twice(set(Departure.objects.values_list("id", flat=True))) == []
    with connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE 'bench%%'")
        assert cursor.fetchall() == ()
