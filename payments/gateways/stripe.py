"""
Stripe, by its SDK: the payer pays on Stripe's own page (Checkout), and Stripe tells by webhooks.

No card's data ever comes to the office. A Checkout session is made once for each key; whoever has
no link to its page cannot pay it, so a session whose link was lost on the way charges nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import stripe
from django.conf import settings

from payments.gateways.contract import (
    About,
    Answer,
    Event,
    Forged,
    GatewayReply,
    Order,
    StatementLine,
    Unreadable,
)
from payments.gateways.reading import record, seconds, text
from payments.gateways.signatures import check_timed
from travel.common.money import MAX_MINOR, Money, known_currency, minor_digits

# https://docs.stripe.com/currencies: places after the point where they are not two.
DECIMALS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3)
SETTLED = {"checkout.session.completed", "checkout.session.async_payment_succeeded"}
FAILED = {"checkout.session.async_payment_failed", "checkout.session.expired"}
REFUNDS = {"refund.created", "refund.updated", "refund.failed"}
MOST_LINES = 100_000


class StripeGateway:
    """See payments.gateways.contract.Gateway."""

    code = "stripe"
    version = f"stripe-{stripe.VERSION}"[:20]

    @cached_property
    def _client(self) -> Any:
        return stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_URL},
            # To connect and then to wait, together never more than ten seconds.
            http_client=stripe.RequestsClient(timeout=(2, settings.GATEWAY_TIMEOUT_SECONDS)),
            # The office repeats by itself, when it knows that it may.
            max_network_retries=0,
        ).v1

    def start(self, order: Order, *, now: datetime) -> GatewayReply:
        facts = {"office": _office(), "key": order.key, "booking": order.booking}
        try:
            session = self._client.checkout.sessions.create(
                params={
                    "mode": "payment",
                    "client_reference_id": order.key,
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": order.amount.currency.lower(),
                                "unit_amount": to_stripe(order.amount),
                                "product_data": {"name": order.purpose},
                            },
                        }
                    ],
                    "metadata": facts,
                    "payment_intent_data": {"metadata": facts},
                    "success_url": order.return_url,
                    "cancel_url": order.return_url,
                    "expires_at": int(order.expires_at.timestamp()),
                },
                options={"idempotency_key": f"{_office()}:{order.key}"},
            )
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            return GatewayReply(Answer.DECLINED, reason=str(error.code or "refused")[:40])
        return _reply(_plain(session))

    def capture(self, *, key: str, reference: str, amount: Money, now: datetime) -> GatewayReply:
        session = self._session(reference)
        self._client.payment_intents.capture(
            _intent(session),
            params={"amount_to_capture": to_stripe(amount)},
            options={"idempotency_key": f"{_office()}:{key}:capture"},
        )
        return _reply(self._session(reference))

    def find(self, *, key: str, reference: str, now: datetime) -> GatewayReply:
        if not reference:
            return GatewayReply(Answer.NOT_FOUND)
        return _reply(self._session(reference))

    def refund(
        self, *, key: str, charge: str, reference: str, amount: Money, now: datetime
    ) -> GatewayReply:
        intent = _intent(self._session(reference))
        # Stripe forgets idempotency keys after a day; what it has refunded it does not.
        made = self._client.refunds.list(params={"payment_intent": intent, "limit": 100})
        for refund in made.data:
            if (_plain(refund).get("metadata") or {}).get("key") == key:
                return _refund_reply(_plain(refund))
        try:
            refund = self._client.refunds.create(
                params={
                    "payment_intent": intent,
                    "amount": to_stripe(amount),
                    "metadata": {"office": _office(), "key": key},
                },
                options={"idempotency_key": f"{_office()}:{key}"},
            )
        except stripe.InvalidRequestError as error:
            return GatewayReply(Answer.DECLINED, reason=str(error.code or "refused")[:40])
        return _refund_reply(_plain(refund))

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        check_timed(
            headers.get("stripe-signature", ""), settings.STRIPE_WEBHOOK_SECRET, body, now=now
        )
        return self.parse_event(body.decode("utf-8", "replace"))

    def parse_event(self, body: str) -> Event:
        told = record(body)
        data = told.get("data")
        subject = data.get("object") if isinstance(data, dict) else None
        if not isinstance(subject, dict):
            raise Forged("data")
        facts = subject.get("metadata")
        if not isinstance(facts, dict):
            facts = {}
        kind = text(told, "type", 60)
        about, reply = _about(kind, subject)
        if text(facts, "office", 200) != _office():
            # Another office, or another shop, takes money on the same account.
            about, reply = About.OTHER, None
        return Event(
            id=text(told, "id", 120),
            kind=kind,
            about=about,
            key=text(facts, "key", 80),
            reference=text(subject, "id", 120),
            booking=text(facts, "booking", 12),
            reply=reply,
            occurred_at=seconds(told.get("created")),
            contradiction=_contradiction(told) if about is not About.OTHER else "",
        )

    def statement(self, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        try:
            found = self._client.balance_transactions.list(
                params={
                    "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
                    "expand": ["data.source"],
                    "limit": 100,
                }
            )
            lines = [
                line
                for one in islice(found.auto_paging_iter(), MOST_LINES)
                if (line := _line(_plain(one)))
            ]
        except stripe.StripeError as error:
            raise Unreadable(type(error).__name__) from error
        return sorted(lines, key=lambda line: (line.at, line.key))

    def _session(self, reference: str) -> dict[str, Any]:
        return _plain(
            self._client.checkout.sessions.retrieve(
                reference, params={"expand": ["payment_intent"]}
            )
        )


def to_stripe(amount: Money) -> int:
    """
    Answer an amount in the units that Stripe counts the currency in.

    :raises ValueError: it has places that Stripe does not take.
    """
    places = DECIMALS.get(amount.currency, 2) - minor_digits(amount.currency)
    if places >= 0:
        units = amount.minor * 10**places
    else:
        units, rest = divmod(amount.minor, 10**-places)
        if rest:
            raise ValueError("more places than Stripe takes")
    if DECIMALS.get(amount.currency) == 3 and units % 10:
        raise ValueError("Stripe takes two places of a currency of three")
    return units


def from_stripe(units: object, currency: object) -> Money:
    """
    Read an amount in Stripe's units.

    :raises Forged: it is none.
    """
    if isinstance(units, bool) or not isinstance(units, int) or not 0 <= units <= MAX_MINOR:
        raise Forged("amount")
    code = currency.upper() if isinstance(currency, str) else ""
    if not known_currency(code):
        raise Forged("currency")
    places = DECIMALS.get(code, 2) - minor_digits(code)
    if places > 0 and units % 10**places:
        raise Forged("amount")
    return Money(units // 10**places if places >= 0 else units * 10**-places, code)


def _office() -> str:
    return urlsplit(settings.SITE_URL).netloc[:200]


def _plain(found: Any) -> dict[str, Any]:
    plain: dict[str, Any] = found.to_dict()
    return plain


def _intent(session: Mapping[str, Any]) -> str:
    intent = session.get("payment_intent")
    return str(intent["id"] if isinstance(intent, Mapping) else intent)


def _reply(session: Mapping[str, Any]) -> GatewayReply:
    """Read what became of a session."""
    reference = str(session.get("id", ""))
    intent = session.get("payment_intent")
    if isinstance(intent, Mapping) and intent.get("status") == "requires_capture":
        return GatewayReply(Answer.AUTHORISED, reference=reference)
    if session.get("status") == "expired":
        return GatewayReply(Answer.DECLINED, reference=reference, reason="expired")
    if session.get("payment_status") == "paid":
        return GatewayReply(
            Answer.CAPTURED,
            reference=reference,
            amount=from_stripe(session.get("amount_total"), session.get("currency")),
        )
    if session.get("status") == "complete":
        return GatewayReply(Answer.WAITING, reference=reference)
    return GatewayReply(
        Answer.REDIRECT, reference=reference, redirect_url=str(session.get("url") or "")
    )


def _refund_reply(refund: Mapping[str, Any]) -> GatewayReply:
    reference = str(refund.get("id", ""))
    if refund.get("status") in ("failed", "canceled"):
        reason = str(refund.get("failure_reason") or "refused")[:40]
        return GatewayReply(Answer.DECLINED, reference=reference, reason=reason)
    return GatewayReply(
        Answer.DONE,
        reference=reference,
        amount=from_stripe(refund.get("amount"), refund.get("currency")),
    )


def _about(kind: str, subject: Mapping[str, Any]) -> tuple[About, GatewayReply | None]:
    if kind in REFUNDS:
        return About.REFUND, _refund_reply(subject)
    if kind in SETTLED:
        return About.CHARGE, _reply(subject)
    if kind in FAILED:
        reason = "expired" if kind.endswith("expired") else "declined"
        return About.CHARGE, GatewayReply(
            Answer.DECLINED, reference=str(subject.get("id", "")), reason=reason
        )
    return About.OTHER, None


def _contradiction(told: Mapping[str, Any]) -> str:
    """Say what of an event cannot be of this office's account."""
    live = settings.STRIPE_SECRET_KEY.partition("_")[2].startswith("live")
    return "" if told.get("livemode") is live else "account"


def _line(found: Mapping[str, Any]) -> StatementLine | None:
    source, at = found.get("source"), seconds(found.get("created"))
    facts = source.get("metadata") if isinstance(source, Mapping) else None
    kind = found.get("type")
    if at is None or not isinstance(facts, Mapping) or facts.get("office") != _office():
        return None
    if kind not in ("charge", "payment", "refund", "payment_refund"):
        return None
    units = found.get("amount")
    amount = from_stripe(abs(units) if isinstance(units, int) else units, found.get("currency"))
    back = kind in ("refund", "payment_refund")
    return StatementLine(
        key=str(facts.get("key", "")),
        reference=str(found.get("id", "")),
        amount=-amount if back else amount,
        at=at.astimezone(UTC),
    )
