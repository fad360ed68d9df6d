"""
How the office calls any gateway: outside every transaction, and ready for no answer.

A provider that is slow, down or confused leaves the outcome unknown; that is an answer too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from payments.gateways.contract import (
    Answer,
    Event,
    Gateway,
    GatewayReply,
    Order,
    StatementLine,
)
from travel.common.money import Money
from travel.common.transactions import is_open

log = structlog.get_logger("payments")


class TransactionOpen(AssertionError):
    """A defect of the caller: rows would stay locked for as long as a provider takes."""


class CarefulGateway:
    """Another gateway, called with care. See payments.gateways.contract.Gateway."""

    def __init__(self, inner: Gateway) -> None:
        self.inner = inner
        self.code = inner.code
        self.version = inner.version

    def start(self, order: Order, *, now: datetime) -> GatewayReply:
        return self._ask("start", order.key, lambda: self.inner.start(order, now=now))

    def capture(self, *, key: str, reference: str, amount: Money, now: datetime) -> GatewayReply:
        return self._ask(
            "capture",
            key,
            lambda: self.inner.capture(key=key, reference=reference, amount=amount, now=now),
        )

    def find(self, *, key: str, reference: str, now: datetime) -> GatewayReply:
        return self._ask(
            "find", key, lambda: self.inner.find(key=key, reference=reference, now=now)
        )

    def refund(
        self, *, key: str, charge: str, reference: str, amount: Money, now: datetime
    ) -> GatewayReply:
        return self._ask(
            "refund",
            key,
            lambda: self.inner.refund(
                key=key, charge=charge, reference=reference, amount=amount, now=now
            ),
        )

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        return self.inner.read_event(body, headers, now=now)

    def parse_event(self, body: str) -> Event:
        return self.inner.parse_event(body)

    def statement(self, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        self._outside_transactions("statement")
        return self.inner.statement(since=since, until=until)

    def _ask(self, act: str, key: str, call: Callable[[], GatewayReply]) -> GatewayReply:
        self._outside_transactions(act)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - whatever went wrong, money may have moved
            log.warning(
                "gateway_unknown", gateway=self.code, act=act, key=key, error=type(error).__name__
            )
            return GatewayReply(Answer.UNKNOWN, reason="no_answer")

    def _outside_transactions(self, act: str) -> None:
        if is_open():
            raise TransactionOpen(f"{self.code}.{act}")
