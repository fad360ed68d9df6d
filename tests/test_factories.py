"""The standing cast is what its descriptions say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from inventory.models import Seat


@pytest.mark.django_db
class TestTimetable:
    def test_the_train_has_five_calls_and_twelve_seats(self, train):
        assert [call.distance_m for call in train.calls] == [0, 200_000, 300_000, 600_000, 800_000]
        assert train.calls[-1].arrives_at == datetime(2026, 6, 2, 11, 30, tzinfo=UTC)
        assert Seat.objects.filter(coach__seat_map=train.departure.vehicle.seat_map).count() == 12

    def test_a_ticket_id_passes_the_databases_own_check(self, train):
        ticket = train.ticket(1, 3, fare=2)

        assert ticket.pk == train.departure.pk * 262_144 + 1 * 4096 + 3 * 64 + 2
        assert ticket.from_call.station.code == "HAJ"
        assert ticket.to_call.station.code == "NUE"
