"""What the portable engine does when what it read is no longer so."""

from __future__ import annotations

import pytest

from accounts.viewers import Viewer
from bookings import services
from bookings.engine import holds, stock
from bookings.engine.contract import SYSTEM
from bookings.engine.stock import StockMismatch
from bookings.errors import SoldOut
from bookings.models import Reservation, SeatStock
from tests.selling import HOLD, audit, everything, reserve


@pytest.fixture(autouse=True)
def portable(settings) -> None:
    settings.SEAT_ENGINE = "portable"


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch):
    """Between the reading of the free seats and the taking somebody else takes the first one."""
    read = stock.free_seats

    def read_and_lose(leg, mask):
        free = read(leg, mask)
        SeatStock.objects.filter(id=free[0].stock_id).update(taken=0b10)
        return free

    monkeypatch.setattr(stock, "free_seats", read_and_lose)


class TestGuard:
    @pytest.mark.usefixtures("overtaken")
    @pytest.mark.parametrize("size", [1, 3])
    def test_stands_in_the_statement_that_takes_the_seats(self, train, traveller, noon, size):
        before = everything()
        with pytest.raises(SoldOut):
            # Segments 1 and 2, of which the other one has taken the first.
            reserve(traveller, train.ticket_id(1, 3), now=noon, passengers=size)
        assert everything() == before

    @pytest.mark.usefixtures("overtaken")
    def test_a_seat_lost_on_another_part_of_the_way_is_no_loss(self, train, traveller, noon):
        reserve(traveller, train.ticket_id(2, 4), now=noon)
        assert sorted(SeatStock.objects.values_list("taken", flat=True))[-1] == 0b1110

    def test_bits_that_nobody_set_are_not_given_back(self, train, traveller, noon):
        """A defect elsewhere must not spread: the release fails and leaves everything as it is."""
        held = reserve(traveller, train.ticket_id(), now=noon)
        audit()
        SeatStock.objects.filter(taken__gt=0).update(taken=0b0111)
        before = everything()
        with pytest.raises(StockMismatch):
            services.release(
                viewer=Viewer(is_support=True), reservation_id=held.id, now=noon, actor=SYSTEM
            )
        assert everything() == before


class TestCheckedAgainUnderTheLock:
    """Between the reading of the holds that ended and the locks, one of them moves."""

    @pytest.fixture
    def meanwhile(self, monkeypatch: pytest.MonkeyPatch):
        """`meanwhile(act)` does it once, when the next act has read and is about to lock."""
        lock = holds.lock_departures

        def arrange(act) -> None:
            def act_and_lock(departure_ids):
                monkeypatch.setattr(holds, "lock_departures", lock)
                act()
                return lock(departure_ids)

            monkeypatch.setattr(holds, "lock_departures", act_and_lock)

        return arrange

    def paid_in_time(self, reservation_id: int) -> None:
        Reservation.objects.filter(id=reservation_id).update(state="paid")

    def test_a_hold_that_was_paid_is_not_swept(self, train, traveller, noon, meanwhile):
        held = reserve(traveller, train.ticket_id(), now=noon)
        meanwhile(lambda: self.paid_in_time(held.id))

        assert services.expire_holds(now=noon + HOLD) == 0
        assert Reservation.objects.get(id=held.id).state == "paid"
        audit()

    def test_a_hold_that_was_extended_is_not_swept(self, train, traveller, noon, meanwhile):
        held = reserve(traveller, train.ticket_id(), now=noon)
        longer = Reservation.objects.filter(id=held.id)
        meanwhile(lambda: longer.update(hold_until=noon + 2 * HOLD))

        assert services.expire_holds(now=noon + HOLD) == 0
        assert longer.get().state == "held"
        audit()

    def test_nor_does_a_buyer_get_its_seat(self, flight, traveller, stranger, noon, meanwhile):
        held = reserve(traveller, flight.ticket_id(), now=noon, passengers=6)
        meanwhile(lambda: self.paid_in_time(held.id))

        with pytest.raises(SoldOut):
            reserve(stranger, flight.ticket_id(), now=noon + HOLD)
        audit()
