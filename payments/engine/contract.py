"""
What cancelling for money promises, whichever database it runs on.

The call runs inside the caller's transaction and answers with an outcome; after a refusal the
caller rolls back. Locks are taken in one order: departures by id, reservation, seats, payment,
accounts by id. Penalties, refunds and the sides of the ledger come reckoned: an engine checks
states, caps and rows, and knows no rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bookings.engine.contract import Actor, Outcome
from payments.ledger import Side
from travel.common.money import Money


@dataclass(frozen=True, slots=True)
class CouponRow:
    """What cancelling one coupon keeps, gives back and waives, and the tier that says so."""

    coupon_id: int
    penalty_minor: int
    refund_minor: int
    waived_minor: int
    penalty_basis_points: int
    tier_minutes_before: int | None


@dataclass(frozen=True, slots=True)
class RefundRow:
    """
    The refund of a cancellation. `landing` are the ledger's sides when a wallet has it at once.

    What `waits` is for a second person to let go; it has no landing.
    """

    amount: Money
    destination: str
    waits: bool
    reason_code: str
    requested_by: int | None
    landing: Sequence[Side] = ()


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """
    Everything a cancellation consists of, reckoned and checked.

    `sides` take the coupons' prices from carriers and fees, to penalties and what is to be
    returned; they sum to zero. Without a refund nothing goes back.
    """

    reservation_id: int
    locator: str
    coupons: Sequence[CouponRow]
    sides: Sequence[Side]
    refund: RefundRow | None
    reason_code: str
    reason: str
    quoted_until: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome, with the rows that were written."""

    outcome: Outcome
    cancellation_id: int | None = None
    refund_id: int | None = None
    refund_state: str = ""

    @property
    def done(self) -> bool:
        return self.outcome is Outcome.DONE


class RefundTooHigh(AssertionError):
    """A defect of the caller: it would pay back more than was taken."""


class Engine(Protocol):
    """The act of cancelling what was paid. It is all or nothing."""

    def cancel_and_refund(self, command: CancelCommand, *, now: datetime, actor: Actor) -> Result:
        """
        Cancel open coupons of a paid reservation, free their seats, and book what it costs.

        When none is left open or used the reservation itself is cancelled. Refuses with not_found,
        hold_expired, already_cancelled or not_cancellable, in the order of bookings.engine.

        :raises RefundTooHigh: refunds would exceed what was captured.
        """
