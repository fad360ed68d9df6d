"""
BTCPay Server, by its Greenfield API: invoices that are paid in bitcoin.

An invoice has an address and an amount, waits for confirmations, and may be paid too little, too
much or too late. A webhook only says which invoice to look at; what is true is asked for. The
invoice of a key is found by its `orderId`, so that no answer that gets lost makes a second one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from django.conf import settings

from payments.gateways import http
from payments.gateways.contract import (
    About,
    Answer,
    Event,
    Forged,
    GatewayReply,
    Invoice,
    Order,
    StatementLine,
    Unreadable,
)
from payments.gateways.reading import record, seconds, text
from payments.gateways.signatures import check_plain
from travel.common.money import MAX_MINOR, Money, known_currency, minor_digits, parse_amount

SIGNATURE = "btcpay-sig"
# BTCPay signs no time, and sends again for days what was not taken; older than this is a recording.
OLDEST = timedelta(days=7)
# `MediumSpeed` is one confirmation.
SPEED, CONFIRMATIONS_NEEDED = "MediumSpeed", 1
PAGE, MOST_PAGES = 100, 100


class BTCPayGateway:
    """See payments.gateways.contract.Gateway."""

    code = "btcpay"
    version = "greenfield-1"

    def start(self, order: Order, *, now: datetime) -> GatewayReply:
        found = self._of_key(order.key)
        if found is None:
            minutes = max(1, int((order.expires_at - now).total_seconds() // 60))
            found = self._call(
                "POST",
                "/invoices",
                body={
                    "amount": order.amount.amount,
                    "currency": order.amount.currency,
                    "metadata": {"orderId": order.key, "booking": order.booking},
                    "checkout": {
                        "speedPolicy": SPEED,
                        "expirationMinutes": minutes,
                        "redirectURL": order.return_url,
                    },
                },
            )
        return self._reply(found)

    def capture(self, *, key: str, reference: str, amount: Money, now: datetime) -> GatewayReply:
        """Nothing is ever only set aside on a chain: answer what there is."""
        return self.find(key=key, reference=reference, now=now)

    def find(self, *, key: str, reference: str, now: datetime) -> GatewayReply:
        found = self._of_key(key)
        return GatewayReply(Answer.NOT_FOUND) if found is None else self._reply(found)

    def refund(
        self, *, key: str, charge: str, reference: str, amount: Money, now: datetime
    ) -> GatewayReply:
        """Give the payer a link by which the amount can be claimed to any address."""
        for claim in self._rows("/pull-payments", {"includeArchived": "true"}):
            if claim.get("name") == key:
                return _claim(claim)
        try:
            claim = self._call(
                "POST",
                f"/invoices/{reference}/refund",
                body={
                    "name": key,
                    "payoutMethodId": "BTC-CHAIN",
                    "refundVariant": "Custom",
                    "customAmount": amount.amount,
                    "customCurrency": amount.currency,
                },
            )
        except http.Refused:
            return GatewayReply(Answer.DECLINED, reason="refused")
        return _claim(claim)

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        check_plain(headers.get(SIGNATURE, ""), settings.BTCPAY_WEBHOOK_SECRET, body)
        event = self.parse_event(body.decode("utf-8", "replace"))
        if event.occurred_at is None or abs(now - event.occurred_at) > OLDEST:
            raise Forged("too old")
        return event

    def parse_event(self, body: str) -> Event:
        told = record(body)
        facts = told.get("metadata")
        kind = text(told, "type", 60)
        store = text(told, "storeId", 80)
        return Event(
            # A repeated delivery names the first one.
            id=text(told, "originalDeliveryId", 120) or text(told, "deliveryId", 120),
            kind=kind,
            about=About.CHARGE if kind.startswith("Invoice") else About.OTHER,
            key=text(facts, "orderId", 80) if isinstance(facts, dict) else "",
            reference=text(told, "invoiceId", 120),
            booking=text(facts, "booking", 12) if isinstance(facts, dict) else "",
            reply=None,
            occurred_at=seconds(told.get("timestamp")),
            contradiction="" if store == settings.BTCPAY_STORE else "account",
        )

    def statement(self, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        lines = []
        span = {
            "startDate": str(int(since.timestamp())),
            "endDate": str(int(until.timestamp())),
        }
        for invoice in self._rows("/invoices", span):
            reply, at = self._reply(invoice), seconds(invoice.get("createdTime"))
            if reply.answer is Answer.CAPTURED and reply.amount is not None and at is not None:
                lines.append(StatementLine(_key(invoice), reply.reference, reply.amount, at))
        for claim in self._rows("/pull-payments", {"includeArchived": "true"}):
            at = seconds(claim.get("startsAt"))
            if at is not None and since <= at < until:
                name, reference = str(claim.get("name", "")), str(claim.get("id", ""))
                amount = _money(claim.get("amount"), claim.get("currency"))
                lines.append(StatementLine(name, reference, -amount, at))
        return sorted(lines, key=lambda line: (line.at, line.key))

    # --- the store --------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        return http.call(
            method,
            settings.BTCPAY_URL,
            f"/api/v1/stores/{settings.BTCPAY_STORE}{path}",
            headers={"Authorization": f"token {settings.BTCPAY_API_KEY}"},
            query=query,
            body=body,
        )

    def _rows(self, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(MOST_PAGES):
            found = self._call(
                "GET", path, query={**query, "skip": str(page * PAGE), "take": str(PAGE)}
            )
            if not isinstance(found, list):
                raise Unreadable("no list")
            rows += found
            if len(found) < PAGE:
                return rows
        raise Unreadable("too many rows")

    def _of_key(self, key: str) -> dict[str, Any] | None:
        found = self._call("GET", "/invoices", query={"orderId": key})
        if not isinstance(found, list):
            raise Unreadable("no list")
        mine: list[dict[str, Any]] = [one for one in found if _key(one) == key]
        return min(mine, key=lambda one: int(one.get("createdTime") or 0)) if mine else None

    def _reply(self, invoice: Mapping[str, Any]) -> GatewayReply:
        """Read what became of an invoice."""
        reference, status = str(invoice.get("id", "")), invoice.get("status")
        price = _money(invoice.get("amount"), invoice.get("currency"))
        told = self._payment(reference)
        asked = _asked(told, invoice)
        if status == "New":
            page = str(invoice.get("checkoutLink") or "")
            return GatewayReply(
                Answer.REDIRECT, reference=reference, redirect_url=page, invoice=asked
            )
        extra = invoice.get("additionalStatus")
        paid = price if extra in (None, "None", "Marked") else _worth(told, price.currency)
        if status == "Settled" or (status == "Expired" and extra in ("PaidPartial", "PaidLate")):
            return GatewayReply(
                Answer.CAPTURED, reference=reference, amount=paid, counted=True, invoice=asked
            )
        if status == "Expired":
            return GatewayReply(
                Answer.DECLINED, reference=reference, reason="expired", invoice=asked
            )
        # Being confirmed, or not confirmed in time: the chain has the last word.
        return GatewayReply(Answer.WAITING, reference=reference, invoice=asked)

    def _payment(self, reference: str) -> dict[str, Any]:
        ways = self._call("GET", f"/invoices/{reference}/payment-methods")
        if not isinstance(ways, list) or not ways:
            raise Unreadable("no way of paying")
        on_chain = [way for way in ways if str(way.get("paymentMethodId", "")).endswith("CHAIN")]
        found: dict[str, Any] = (on_chain or ways)[0]
        return found


def _key(invoice: Mapping[str, Any]) -> str:
    facts = invoice.get("metadata")
    return str(facts.get("orderId", "")) if isinstance(facts, Mapping) else ""


def _claim(claim: Mapping[str, Any]) -> GatewayReply:
    return GatewayReply(
        Answer.DONE,
        reference=str(claim.get("id", "")),
        redirect_url=str(claim.get("viewLink") or ""),
    )


def _money(amount: object, currency: object) -> Money:
    if not isinstance(currency, str) or not known_currency(currency):
        raise Unreadable("currency")
    try:
        return parse_amount(str(amount), currency)
    except ValueError as error:
        raise Unreadable("amount") from error


def _decimal(value: object) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise Unreadable("number") from error
    if not found.is_finite() or not 0 <= found < Decimal(10) ** 17:
        raise Unreadable("number")
    return found


def _worth(told: Mapping[str, Any], currency: str) -> Money:
    """Answer what was paid, at the invoice's rate, without a broken minor unit."""
    worth = _decimal(told.get("totalPaid")) * _decimal(told.get("rate"))
    minor = int(worth.scaleb(minor_digits(currency)).to_integral_value(ROUND_DOWN))
    return Money(min(minor, MAX_MINOR), currency)


def _asked(told: Mapping[str, Any], invoice: Mapping[str, Any]) -> Invoice:
    ends = seconds(invoice.get("expirationTime"))
    settled = invoice.get("status") == "Settled"
    return Invoice(
        asset=str(told.get("paymentMethodId", "")).partition("-")[0][:12],
        address=str(told.get("destination") or "")[:120],
        amount=_decimal(told.get("amount")),
        rate=_decimal(told.get("rate")),
        received=_decimal(told.get("totalPaid")),
        confirmations=CONFIRMATIONS_NEEDED if settled else 0,
        confirmations_needed=CONFIRMATIONS_NEEDED,
        expires_at=ends or datetime.fromtimestamp(0, UTC),
    )
