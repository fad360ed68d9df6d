"""Cancelling by a stored procedure, for MySQL and MariaDB: one round trip for all of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.utils import OperationalError

from bookings.engine.contract import Actor, Outcome
from bookings.engine.stock import StockMismatch
from payments.engine.contract import CancelCommand, RefundRow, RefundTooHigh, Result
from payments.ledger import Side, added_up
from travel.common.procedures import call

# What SIGNAL raises; the procedure does so for a defect only, never to refuse.
_SIGNALLED = 1644
_DEFECTS: dict[str, type[AssertionError]] = {
    "refund too high": RefundTooHigh,
    "stock mismatch": StockMismatch,
}


class ProcedureEngine:
    """See payments.engine.contract.Engine."""

    def cancel_and_refund(self, command: CancelCommand, *, now: datetime, actor: Actor) -> Result:
        arguments = [now, actor.kind, actor.user_id, actor.reason, _written(command)]
        try:
            outcome, cancellation_id, refund_id, state = call(
                "payments_cancel_and_refund_1", arguments
            )
        except OperationalError as error:
            if error.args and error.args[0] == _SIGNALLED:
                raise _DEFECTS[error.args[1]](command.reservation_id) from error
            raise
        return Result(Outcome(outcome), cancellation_id, refund_id, state or "")


def _written(command: CancelCommand) -> str:
    """Write the command down for the procedure; sides come added up, in the order of the locks."""
    refund = command.refund
    landing = refund.landing if refund else ()
    accounts = {side.account.id for side in [*command.sides, *landing]}
    return json.dumps(
        {
            "reservation": command.reservation_id,
            "locator": command.locator,
            "reason_code": command.reason_code,
            "reason": command.reason,
            "waived": int(any(row.waived_minor for row in command.coupons)),
            "until": _instant(command.quoted_until),
            "coupons": [
                {
                    "id": row.coupon_id,
                    "penalty": row.penalty_minor,
                    "refund": row.refund_minor,
                    "waived": row.waived_minor,
                    "share": row.penalty_basis_points,
                    "tier": row.tier_minutes_before,
                }
                for row in command.coupons
            ],
            "ids": [row.coupon_id for row in command.coupons],
            "accounts": sorted(accounts),
            "sides": _sides(command.sides),
            "landing": _sides(landing),
            "refund": _refund(refund) if refund else None,
        },
        ensure_ascii=False,
    )


def _sides(sides: Sequence[Side]) -> list[dict[str, int]]:
    return [
        {"account": account_id, "amount": minor}
        for account_id, minor in added_up("cancellation", sides)
    ]


def _refund(refund: RefundRow) -> dict[str, Any]:
    return {
        "minor": refund.amount.minor,
        "amount": refund.amount.amount,
        "currency": refund.amount.currency,
        "destination": refund.destination,
        "waits": int(refund.waits),
        "reason_code": refund.reason_code,
        "requested_by": refund.requested_by,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else str(connection.ops.adapt_datetimefield_value(moment))
