"""The wallet: topped up by a gateway, opened with a balance in the demo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from payments import gateways, ledger
from payments.errors import PaymentDeclined
from payments.gateways.contract import Answer, GatewayReply
from payments.gateways.sandbox import DEFAULT_TOKEN, SandboxGateway
from payments.ledger import Side
from payments.models import TopUp, Transfer
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = TopUp.State
ASK_AFTER = timedelta(seconds=30)
NEVER_ARRIVED = timedelta(minutes=10)
# One top-up is at most ten thousand of the currency's main unit times a hundred.
MOST_MINOR = 100_000_000


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """What became of a top-up, and the provider's page where the payer has to consent."""

    top_up_id: int
    state: str
    redirect_url: str = ""
    failure: str = ""


def top_up(*, user_id: int, amount: Money, token: str | None, now: datetime) -> ToppedUp:
    """
    Put money into the user's wallet.

    :raises InvalidInput: the amount is not positive or beyond a million.
    :raises PaymentDeclined: the provider said no.
    """
    if not 0 < amount.minor <= MOST_MINOR:
        raise InvalidInput(errors={"amount": [_("Choose an amount between 0.01 and 1,000,000.")]})
    top_up_id = _start(user_id=user_id, amount=amount, now=now)
    reply = gateways.get(SandboxGateway.code).charge(
        key=f"top-up-{top_up_id}", amount=amount, token=token or DEFAULT_TOKEN
    )
    done = settle_top_up(top_up_id=top_up_id, reply=reply, now=now)
    if done.state == State.FAILED:
        raise PaymentDeclined(reason=done.failure)
    return done


@in_transaction
def _start(*, user_id: int, amount: Money, now: datetime) -> int:
    row = TopUp.objects.create(
        account=ledger.wallet(user_id, amount.currency),
        gateway=SandboxGateway.code,
        amount_minor=amount.minor,
        created_at=now,
        check_at=now + ASK_AFTER,
    )
    TopUp.objects.filter(id=row.id).update(gateway_reference=f"top-up-{row.id}")
    return row.id


@in_transaction
def settle_top_up(*, top_up_id: int, reply: GatewayReply, now: datetime) -> ToppedUp:
    """Book a provider's answer to a top-up, once, whenever it comes."""
    row = TopUp.objects.select_for_update().filter(id=top_up_id).first()
    if row is None:
        raise NotFound()
    if row.state != State.STARTED:
        return ToppedUp(row.id, row.state, failure=row.failure)
    never = reply.answer is Answer.NOT_FOUND and now - row.created_at > NEVER_ARRIVED
    if reply.answer is Answer.CAPTURED:
        row.state, row.finished_at, row.check_at = State.CAPTURED, now, None
        _book(row, now)
    elif reply.answer is Answer.DECLINED or never:
        row.state, row.finished_at, row.check_at = State.FAILED, now, None
        row.failure = reply.reason or "never_arrived"
    else:
        row.check_at = now + ASK_AFTER
    row.save(update_fields=["state", "finished_at", "check_at", "failure"])
    return ToppedUp(row.id, row.state, reply.redirect_url, row.failure)


def get_top_up(*, user_id: int, key: str) -> TopUp:
    """
    Answer a top-up of the user by its key at the gateway.

    :raises NotFound: there is none, or it is somebody else's.
    """
    row = (
        TopUp.objects.select_related("account")
        .filter(gateway=SandboxGateway.code, gateway_reference=key, account__user_id=user_id)
        .first()
    )
    if row is None:
        raise NotFound()
    return row


def answer_sandbox_top_up(*, user_id: int, key: str, accepted: bool, now: datetime) -> ToppedUp:
    """
    Play the payer of a top-up on the sandbox provider's page, then book what the provider says.

    :raises NotFound: there is none, or it is somebody else's.
    """
    row = get_top_up(user_id=user_id, key=key)
    gateway = gateways.get(row.gateway)
    assert isinstance(gateway, SandboxGateway)
    gateway.answer(key=key, accepted=accepted)
    return settle_top_up(top_up_id=row.id, reply=gateway.find(key=key), now=now)


def due_top_ups(*, now: datetime, limit: int) -> list[tuple[int, str, str]]:
    """Answer id, gateway and key of the top-ups that a provider has to be asked about."""
    rows = (
        TopUp.objects.filter(state=State.STARTED, check_at__lte=now)
        .exclude(gateway_reference=None)
        .order_by("check_at", "id")
        .values_list("id", "gateway", "gateway_reference")[:limit]
    )
    return [(row_id, gateway, str(key)) for row_id, gateway, key in rows]


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
