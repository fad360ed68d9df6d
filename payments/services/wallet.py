"""The wallet: topped up by a gateway, opened with a balance in the demo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from payments import ledger
from payments.gateways.careful import CarefulGateway
from payments.gateways.contract import Answer, GatewayReply
from payments.ledger import Side
from payments.models import MoneyAlarm, TopUp, Transfer
from payments.services.alarms import raise_alarm
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = TopUp.State
ASK_AFTER = timedelta(seconds=30)
NEVER_ARRIVED = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=6)
# One top-up is at most ten thousand of the currency's main unit times a hundred.
MOST_MINOR = 100_000_000


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """
    What became of a top-up, and the provider's page where the payer has to consent.

    `astray` names what the provider told and the office did not believe.
    """

    top_up_id: int
    state: str
    redirect_url: str = ""
    failure: str = ""
    astray: str = ""


@in_transaction
def start_top_up(
    *, user_id: int, amount: Money, gateway: CarefulGateway, now: datetime
) -> tuple[int, str]:
    """
    Write a top-up down before anybody is asked for money; answer its id and its key.

    :raises InvalidInput: the amount is not positive or beyond a million.
    """
    if not 0 < amount.minor <= MOST_MINOR:
        raise InvalidInput(errors={"amount": [_("Choose an amount between 0.01 and 1,000,000.")]})
    row = TopUp.objects.create(
        account=ledger.wallet(user_id, amount.currency),
        gateway=gateway.code,
        gateway_version=gateway.version,
        amount_minor=amount.minor,
        created_at=now,
        check_at=now + ASK_AFTER,
    )
    key = f"top-up-{row.id}"
    TopUp.objects.filter(id=row.id).update(gateway_reference=key)
    return row.id, key


@in_transaction
def settle_top_up(*, top_up_id: int, reply: GatewayReply, now: datetime) -> ToppedUp:
    """
    Book a provider's answer to a top-up, once, whenever it comes.

    What contradicts what was asked for moves nothing, and staff are told.

    :raises NotFound: there is no such top-up.
    """
    row = TopUp.objects.select_for_update().filter(id=top_up_id).first()
    if row is None:
        raise NotFound()
    if row.state == State.CAPTURED:
        return ToppedUp(row.id, row.state)
    if reply.reference and not row.provider_reference:
        row.provider_reference = reply.reference[:120]
    asked = Money(row.amount_minor, row.account.currency_id)
    astray = ""
    never = reply.answer is Answer.NOT_FOUND and now - row.created_at > NEVER_ARRIVED
    if reply.answer is Answer.CAPTURED and reply.amount in (None, asked):
        row.state, row.finished_at, row.check_at, row.failure = State.CAPTURED, now, None, ""
        _book(row, now)
    elif reply.answer is Answer.DECLINED or never:
        row.state, row.finished_at, row.check_at = State.FAILED, now, None
        row.failure = (reply.reason or ("never_arrived" if never else "declined"))[:40]
    elif row.state == State.STARTED:
        row.asked = min(row.asked + 1, 32_767)
        row.check_at = now + max(ASK_AFTER, min((now - row.created_at) / 8, LONGEST_PAUSE))
    if reply.answer is Answer.CAPTURED and row.state != State.CAPTURED:
        astray = _disbelieve(row, asked, reply.amount, now)
    row.save()
    return ToppedUp(row.id, row.state, reply.redirect_url, row.failure, astray)


def _disbelieve(row: TopUp, asked: Money, told: Money | None, now: datetime) -> str:
    same = told is not None and told.currency == asked.currency
    astray = MoneyAlarm.Kind.AMOUNT_DIFFERS if same else MoneyAlarm.Kind.CURRENCY_DIFFERS
    raise_alarm(
        kind=astray,
        reference=f"top-up:{row.id}:{astray}",
        top_up_id=row.id,
        details={"asked": str(asked), "told": str(told)},
        now=now,
    )
    return str(astray)


def get_top_up(*, user_id: int, key: str) -> TopUp:
    """
    Answer a top-up of the user by its key at the gateway.

    :raises NotFound: there is none, or it is somebody else's.
    """
    row = (
        TopUp.objects.select_related("account")
        .filter(gateway_reference=key, account__user_id=user_id)
        .order_by("id")
        .first()
    )
    if row is None:
        raise NotFound()
    return row


def _book(row: TopUp, now: datetime) -> None:
    amount = Money(row.amount_minor, row.account.currency_id)
    ledger.post(
        kind=Transfer.Kind.TOP_UP,
        reference=f"top-up:{row.id}",
        sides=[
            Side(ledger.gateway(row.gateway, amount.currency), -amount),
            Side(row.account, amount),
        ],
        top_up_id=row.id,
        now=now,
    )


@in_transaction
def open_with(*, user_id: int, amount: Money, now: datetime) -> None:
    """
    Give a wallet an opening balance, once for each currency: what a demo or a migration brings
    along.
    """
    reference = f"opening:{user_id}:{amount.currency}"
    if Transfer.objects.filter(reference=reference).exists():
        return
    ledger.post(
        kind=Transfer.Kind.OPENING,
        reference=reference,
        sides=[
            Side(ledger.equity(amount.currency), -amount),
            Side(ledger.wallet(user_id, amount.currency), amount),
        ],
        now=now,
    )
