"""A reservation's money in one breath: what it costs, what came in, went back and stayed."""

from __future__ import annotations

from dataclasses import dataclass

from bookings.selectors import ReservationDetail
from payments.models import Goodwill, Refund
from support.story.books import CANCELLATION, GOODWILL, PAYMENT, REFUND, Books, of_source
from travel.common.money import Money

State = Refund.State


@dataclass(frozen=True, slots=True)
class Sums:
    """
    What was sold and cancelled, received, kept, given back and still to be; goodwill aside.

    `differs` is what came in beyond all that is accounted for: nothing, unless a book is wrong.
    """

    sold: Money
    valid: Money
    to_pay: Money
    received: Money
    kept: Money
    waived: Money
    back: Money
    on_its_way: Money
    waits: Money
    failed: Money
    goodwill: Money
    differs: Money

    @property
    def owed(self) -> Money:
        """What the office still owes: on its way, waiting for a second person, or failed."""
        return self.on_its_way + self.waits + self.failed

    @property
    def adds_up(self) -> bool:
        return not self.differs


def sums_of(reservation: ReservationDetail, books: Books) -> Sums:
    """
    Add up what the books say.

    What came in is what the valid and used tickets cost, what was kept of the cancelled ones, and
    what went back or is to: all of it.
    """
    currency = reservation.currency
    refunds = [one.details for one in of_source(books.entries, REFUND)]
    parts = [
        part
        for one in of_source(books.entries, CANCELLATION)
        for part in one.details["parts"]  # type: ignore[attr-defined]
    ]

    def refunded(*states: str) -> Money:
        return _sum([one["amount"] for one in refunds if one["state"] in states], currency)

    is_paid_for = any(one.details["settles"] for one in of_source(books.entries, PAYMENT))
    valid = _sum([one.price for one in reservation.coupons if one.state != "cancelled"], currency)
    received = _sum(
        [one.details["received"] for one in of_source(books.entries, PAYMENT)], currency
    )
    kept = _sum([part["penalty"] for part in parts], currency)
    back, on_its_way = refunded(State.DONE), refunded(State.QUEUED)
    waits, failed = refunded(State.PENDING_APPROVAL), refunded(State.FAILED)
    stays = (valid if is_paid_for else Money(0, currency)) + kept
    return Sums(
        sold=reservation.price,
        valid=valid,
        to_pay=reservation.price if reservation.is_live_hold else Money(0, currency),
        received=received,
        kept=kept,
        waived=_sum([part["waived"] for part in parts], currency),
        back=back,
        on_its_way=on_its_way,
        waits=waits,
        failed=failed,
        goodwill=_sum(
            [
                one.details["amount"]
                for one in of_source(books.entries, GOODWILL)
                if one.details["state"] == Goodwill.State.DONE
                and one.details["amount"].currency == currency  # type: ignore[attr-defined]
            ],
            currency,
        ),
        differs=received - stays - back - on_its_way - waits - failed,
    )


def _sum(amounts: list[object], currency: str) -> Money:
    return Money(sum(one.minor for one in amounts if isinstance(one, Money)), currency)
