"""
The sandbox: a provider that lives here and moves no real money.

Its tokens are stories (STORIES, docs/PAYMENTS.md). It keeps its own books, so that it can be asked
what became of a charge, and it tells of them by webhooks: rows with a due time, which
payments.services.sandbox carries to the office's own door.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from django.conf import settings
from django.db.models import F

from payments.gateways.contract import (
    About,
    Answer,
    Event,
    Forged,
    GatewayReply,
    Invoice,
    Order,
    StatementLine,
)
from payments.gateways.reading import instant, money, record, text
from payments.gateways.signatures import check_timed
from payments.models import SandboxCharge, SandboxCoin, SandboxDelivery, SandboxRefund
from travel.common.ids import new_secret
from travel.common.money import MAX_MINOR, Money, minor_digits
from travel.common.transactions import in_transaction

State = SandboxCharge.State
DEFAULT_TOKEN = "tok_accepted"
CRYPTO_TOKEN = "tok_crypto"
SIGNATURE = "x-sandbox-signature"
COIN = "SBX"
# One coin counts for so much of any currency; it is divided into 10^8 parts.
COIN_RATE = Decimal(50_000)
COIN_PART = Decimal("0.00000001")
CONFIRMATIONS_NEEDED = 2


@dataclass(frozen=True, slots=True)
class Story:
    """
    What happens to a charge. `state` is how it begins, `lies_minor` what is taken beyond the price.

    With `ripens` it is captured so long after it began. It is told of `tells` times.
    """

    state: str
    reason: str = ""
    ripens: timedelta | None = None
    lies_minor: int = 0
    tells: int = 1


STORIES = {
    DEFAULT_TOKEN: Story(State.CAPTURED),
    "tok_3ds": Story(State.WAITING),
    CRYPTO_TOKEN: Story(State.WAITING),
    "tok_authorised": Story(State.AUTHORISED),
    # The money is taken, but the answer is lost and no webhook comes.
    "tok_timeout": Story(State.CAPTURED, tells=0),
    # Nothing arrives at the provider, which answers with an error.
    "tok_error": Story(State.DECLINED, "error"),
    "tok_late_webhook": Story(State.WAITING, ripens=timedelta(minutes=20)),
    "tok_duplicate_webhook": Story(State.CAPTURED, tells=3),
    "tok_wrong_amount": Story(State.WAITING, ripens=timedelta(seconds=5), lies_minor=100),
    "tok_declined": Story(State.DECLINED, "declined"),
    "tok_insufficient": Story(State.DECLINED, "insufficient_funds"),
    "tok_expired": Story(State.DECLINED, "expired_card"),
}
UNKNOWN_TOKEN = Story(State.DECLINED, "unknown_token")


class SandboxGateway:
    """See payments.gateways.contract.Gateway."""

    code = "sandbox"
    version = "sandbox-2"

    def start(self, order: Order, *, now: datetime) -> GatewayReply:
        if order.token == "tok_error":
            raise ConnectionError("the sandbox plays out of order")
        charge = _open(order, now)
        if order.token == "tok_timeout":
            raise TimeoutError("the sandbox plays too slow")
        return _reply(charge)

    @in_transaction
    def capture(self, *, key: str, reference: str, amount: Money, now: datetime) -> GatewayReply:
        charge = _ripe(key, now)
        if charge is None:
            return GatewayReply(Answer.NOT_FOUND)
        if charge.state == State.AUTHORISED:
            _take(charge, amount.minor, now)
            _tell(charge, "charge.captured", now)
        return _reply(charge)

    @in_transaction
    def find(self, *, key: str, reference: str, now: datetime) -> GatewayReply:
        charge = _ripe(key, now)
        return GatewayReply(Answer.NOT_FOUND) if charge is None else _reply(charge)

    @in_transaction
    def refund(
        self, *, key: str, charge: str, reference: str, amount: Money, now: datetime
    ) -> GatewayReply:
        taken = _ripe(charge, now)
        if taken is None:
            return GatewayReply(Answer.DECLINED, reason="unknown_charge")
        if SandboxRefund.objects.filter(key=key).exists():
            return GatewayReply(Answer.DONE, reference=key)
        if taken.refunded_minor + amount.minor > taken.captured_minor:
            return GatewayReply(Answer.DECLINED, reason="more_than_charged")
        SandboxCharge.objects.filter(id=taken.id).update(
            refunded_minor=F("refunded_minor") + amount.minor
        )
        SandboxRefund.objects.create(
            key=key, charge=taken, amount_minor=amount.minor, created_at=now
        )
        _tell(taken, "refund.done", now, key=key, minor=amount.minor)
        return GatewayReply(Answer.DONE, reference=key)

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        check_timed(headers.get(SIGNATURE, ""), settings.SANDBOX_WEBHOOK_SECRET, body, now=now)
        return self.parse_event(body.decode("utf-8", "replace"))

    def parse_event(self, body: str) -> Event:
        told = record(body)
        data = told.get("data")
        if not isinstance(data, dict):
            raise Forged("data")
        kind = text(told, "type", 60)
        about = {"charge": About.CHARGE, "refund": About.REFUND}.get(
            kind.partition(".")[0], About.OTHER
        )
        return Event(
            id=text(told, "id", 120),
            kind=kind,
            about=about,
            key=text(data, "key", 80),
            booking=text(data, "booking", 12),
            reply=_told(kind, data),
            occurred_at=instant(text(told, "created", 40)),
        )

    def statement(self, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        charges = SandboxCharge.objects.filter(captured_at__gte=since, captured_at__lt=until)
        refunds = SandboxRefund.objects.filter(created_at__gte=since, created_at__lt=until)
        lines = [
            StatementLine(key, key, Money(minor, currency), at)
            for key, minor, currency, at in charges.values_list(
                "key", "captured_minor", "currency_id", "captured_at"
            )
            if at is not None
        ] + [
            StatementLine(key, key, Money(-minor, currency), at)
            for key, minor, currency, at in refunds.values_list(
                "key", "amount_minor", "charge__currency_id", "created_at"
            )
            if at is not None
        ]
        return sorted(lines, key=lambda line: (line.at, line.key))

    @in_transaction
    def live(self, *, key: str, now: datetime) -> None:
        """Let time make of a charge what it makes: providers do not wait until they are asked."""
        _ripe(key, now)

    # --- the payer's part -------------------------------------------------------------------------

    @in_transaction
    def answer(self, *, key: str, accepted: bool, now: datetime) -> None:
        """Play the payer on the provider's page: consent to a waiting charge, or refuse it."""
        charge = _ripe(key, now)
        if charge is None or charge.state != State.WAITING:
            return
        if accepted:
            _send_exactly(charge)
            _take(charge, charge.amount_minor, now)
            _tell(charge, "charge.captured", now)
        else:
            charge.state, charge.reason = State.DECLINED, "refused_by_payer"
            charge.save(update_fields=["state", "reason"])
            _tell(charge, "charge.declined", now)

    @in_transaction
    def send_coins(self, *, key: str, percent: int, now: datetime) -> None:
        """Play a payer who sends so many hundredths of what is asked for."""
        charge = _ripe(key, now)
        if charge is None or charge.state != State.WAITING:
            return
        coin = charge.coin
        coin.received += (coin.amount * percent / 100).quantize(COIN_PART, ROUND_UP)
        # What comes anew has to be confirmed anew.
        coin.confirmations = 0
        coin.save(update_fields=["received", "confirmations"])
        _tell(charge, "charge.seen", now)

    @in_transaction
    def find_block(self, *, key: str, now: datetime) -> None:
        """Play the chain: one more block confirms what was sent."""
        charge = _ripe(key, now)
        if charge is None or charge.state != State.WAITING or not charge.coin.received:
            return
        charge.coin.confirmations += 1
        charge.coin.save(update_fields=["confirmations"])
        _count_coins(charge, now)
        if charge.state == State.WAITING:
            _tell(charge, "charge.seen", now)


# --- the sandbox's books --------------------------------------------------------------------------


@in_transaction
def _open(order: Order, now: datetime) -> SandboxCharge:
    """Begin a charge; a key that was used before has its charge already."""
    known = _ripe(order.key, now)
    if known is not None:
        return known
    story = STORIES.get(order.token, UNKNOWN_TOKEN)
    charge = SandboxCharge.objects.create(
        key=order.key,
        # Whatever else was typed is not kept: it might be the number of a card.
        token=order.token if order.token in STORIES else "",
        booking=order.booking,
        amount_minor=order.amount.minor,
        currency_id=order.amount.currency,
        state=State.WAITING if story.state == State.CAPTURED else story.state,
        reason=story.reason,
        created_at=now,
        expires_at=order.expires_at,
    )
    if order.token == CRYPTO_TOKEN:
        _ask_for_coins(charge)
    if story.state == State.CAPTURED:
        _take(charge, charge.amount_minor, now)
        for time in range(story.tells):
            _tell(charge, "charge.captured", now, due_at=now + timedelta(seconds=2 * time))
    elif story.ripens is not None:
        # What is told is written down when it happens; it is told when that moment has come.
        minor = charge.amount_minor + story.lies_minor
        _tell(charge, "charge.captured", now, due_at=now + story.ripens, minor=minor)
    elif story.state == State.DECLINED:
        _tell(charge, "charge.declined", now)
    return charge


def _ripe(key: str, now: datetime) -> SandboxCharge | None:
    """Answer a charge, locked, with what time has made of it."""
    charge = SandboxCharge.objects.select_for_update().filter(key=key).first()
    if charge is None or charge.state not in (State.WAITING, State.AUTHORISED):
        return charge
    story = STORIES.get(charge.token, UNKNOWN_TOKEN)
    begun, ends = charge.created_at or now, charge.expires_at or now
    if story.ripens is not None:
        if begun + story.ripens <= now:
            _take(charge, charge.amount_minor + story.lies_minor, begun + story.ripens)
    elif ends <= now:
        if charge.token == CRYPTO_TOKEN and charge.coin.received:
            _count_coins(charge, now)
        else:
            charge.state, charge.reason = State.EXPIRED, "expired"
            charge.save(update_fields=["state", "reason"])
            _tell(charge, "charge.expired", now)
    return charge


def _take(charge: SandboxCharge, minor: int, now: datetime) -> None:
    charge.state, charge.captured_minor, charge.captured_at = State.CAPTURED, minor, now
    charge.save(update_fields=["state", "captured_minor", "captured_at"])


def _ask_for_coins(charge: SandboxCharge) -> None:
    price = Decimal(charge.amount_minor).scaleb(-minor_digits(charge.currency_id))
    SandboxCoin.objects.create(
        charge=charge,
        address=f"sbx1{new_secret()}"[:80],
        amount=(price / COIN_RATE).quantize(COIN_PART, ROUND_UP),
        rate=COIN_RATE,
    )


def _send_exactly(charge: SandboxCharge) -> None:
    """Where coins are asked for, consent is to send them all, and to wait for the blocks."""
    if charge.token == CRYPTO_TOKEN:
        charge.coin.received, charge.coin.confirmations = charge.coin.amount, CONFIRMATIONS_NEEDED
        charge.coin.save(update_fields=["received", "confirmations"])


def _count_coins(charge: SandboxCharge, now: datetime) -> None:
    """Take what was sent once it is confirmed: in full, or what there is when time is over."""
    coin = charge.coin
    enough = coin.received >= coin.amount
    over = (charge.expires_at or now) <= now
    if coin.confirmations < CONFIRMATIONS_NEEDED or not (enough or over):
        return
    worth = (coin.received * coin.rate).scaleb(minor_digits(charge.currency_id))
    _take(charge, int(min(worth.to_integral_value(ROUND_DOWN), Decimal(MAX_MINOR))), now)
    _tell(charge, "charge.captured", now)


def _tell(
    charge: SandboxCharge,
    kind: str,
    now: datetime,
    *,
    due_at: datetime | None = None,
    key: str = "",
    minor: int | None = None,
) -> None:
    """Write down a webhook. Telling the same twice is telling the same event."""
    subject = key or charge.key
    repeats = "" if kind != "charge.seen" else f":{charge.deliveries.count()}"
    event_id = f"sbx:{subject}:{kind}{repeats}"
    body = {
        "id": event_id,
        "type": kind,
        "created": now.isoformat(),
        "data": {
            "key": subject,
            "booking": charge.booking,
            "amount": charge.captured_minor if minor is None else minor,
            "currency": charge.currency_id,
            "counted": charge.token == CRYPTO_TOKEN,
            "reason": charge.reason,
        },
    }
    SandboxDelivery.objects.create(
        charge=charge,
        event_id=event_id,
        body=json.dumps(body),
        created_at=now,
        due_at=due_at or now,
    )


# --- what it answers ------------------------------------------------------------------------------


def _reply(charge: SandboxCharge) -> GatewayReply:
    key = charge.key
    if charge.state == State.CAPTURED:
        return GatewayReply(
            Answer.CAPTURED,
            reference=key,
            amount=Money(charge.captured_minor, charge.currency_id),
            counted=charge.token == CRYPTO_TOKEN,
            invoice=_invoice(charge),
        )
    if charge.state == State.AUTHORISED:
        return GatewayReply(Answer.AUTHORISED, reference=key)
    if charge.state in (State.DECLINED, State.EXPIRED):
        return GatewayReply(
            Answer.DECLINED, reference=key, reason=charge.reason, invoice=_invoice(charge)
        )
    if STORIES.get(charge.token, UNKNOWN_TOKEN).ripens is not None:
        return GatewayReply(Answer.WAITING, reference=key)
    invoice = _invoice(charge)
    # Coins that were seen are on their way, whatever becomes of the hold.
    seen = invoice is not None and invoice.received > 0
    return GatewayReply(
        Answer.WAITING if seen else Answer.REDIRECT,
        reference=key,
        redirect_url=f"{settings.SITE_URL}/pay/sandbox/{key}/",
        invoice=invoice,
    )


def _invoice(charge: SandboxCharge) -> Invoice | None:
    if charge.token != CRYPTO_TOKEN or charge.expires_at is None:
        return None
    coin = charge.coin
    return Invoice(
        asset=COIN,
        address=coin.address,
        amount=coin.amount,
        rate=coin.rate,
        received=coin.received,
        confirmations=coin.confirmations,
        confirmations_needed=CONFIRMATIONS_NEEDED,
        expires_at=charge.expires_at,
    )


def _told(kind: str, data: dict[str, object]) -> GatewayReply | None:
    """Read what an event says became of its charge or refund; None: the sandbox is to be asked."""
    amount = money(data.get("amount"), data.get("currency"))
    if kind == "charge.captured":
        return GatewayReply(
            Answer.CAPTURED,
            reference=text(data, "key", 80),
            amount=amount,
            counted=data.get("counted") is True,
        )
    if kind in ("charge.declined", "charge.expired"):
        return GatewayReply(Answer.DECLINED, reason=text(data, "reason", 40))
    if kind == "refund.done":
        return GatewayReply(Answer.DONE, reference=text(data, "key", 80), amount=amount)
    return None
