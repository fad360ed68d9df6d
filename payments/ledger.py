"""
The ledger: every move of money is a transfer whose entries sum to zero.

Accounts are named by what they are for. Positive is what the office owes or has earned, negative
what it has, is owed or has spent; docs/LEDGER.md reads each story aloud. Callers are in a
transaction; balances are changed in the order of the accounts' ids, after every other lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from payments.errors import InsufficientFunds
from payments.models import Account, Entry, Transfer
from travel.common.money import Money

Kind = Account.Kind


@dataclass(frozen=True, slots=True)
class Side:
    """An account and what it gains (positive) or gives (negative)."""

    account: Account
    amount: Money


def wallet(user_id: int, currency: str) -> Account:
    """Answer a user's wallet in a currency; it is opened by its first use."""
    return _account(f"wallet:{user_id}:{currency}", Kind.WALLET, currency, user_id=user_id)


def gateway(code: str, currency: str) -> Account:
    """Answer what a gateway has taken for the office and not yet handed over."""
    return _account(f"gateway:{code}:{currency}", Kind.GATEWAY, currency, gateway=code)


def carrier(carrier_id: int, currency: str) -> Account:
    """Answer what the office owes to a carrier."""
    return _account(
        f"carrier:{carrier_id}:{currency}", Kind.CARRIER, currency, carrier_id=carrier_id
    )


def penalty(carrier_id: int, currency: str) -> Account:
    """Answer the penalties kept from cancellations of a carrier's tickets."""
    return _account(
        f"penalty:{carrier_id}:{currency}", Kind.PENALTY, currency, carrier_id=carrier_id
    )


def fee(carrier_id: int, currency: str) -> Account:
    """Answer what the office has earned by selling a carrier's tickets."""
    return _account(f"fee:{carrier_id}:{currency}", Kind.FEE, currency, carrier_id=carrier_id)


def goodwill(currency: str) -> Account:
    """Answer what the office has given away, as a negative balance."""
    return _account(f"goodwill:{currency}", Kind.GOODWILL, currency)


def bank(currency: str) -> Account:
    """Answer what lies on the office's bank account, as a negative balance."""
    return _account(f"bank:{currency}", Kind.BANK, currency)


def returns(currency: str) -> Account:
    """Answer the money that has to be given back and is not yet on its way."""
    return _account(f"returns:{currency}", Kind.RETURNS, currency)


def equity(currency: str) -> Account:
    """Answer where opening balances come from."""
    return _account(f"equity:{currency}", Kind.EQUITY, currency)


def post(
    *,
    kind: str,
    reference: str,
    sides: Iterable[Side],
    now: datetime,
    memo: str = "",
    payment_id: int | None = None,
    refund_id: int | None = None,
    cancellation_id: int | None = None,
    top_up_id: int | None = None,
    goodwill_id: int | None = None,
    settlement_id: int | None = None,
) -> Transfer:
    """
    Book a transfer once; sides of one account are added up, those of nothing left out.

    :raises InsufficientFunds: a wallet would fall below zero.
    :raises Unbalanced: the sides do not sum to zero in each currency.
    """
    moved = added_up(reference, sides)
    transfer = Transfer.objects.create(
        kind=kind,
        reference=reference,
        at=now,
        memo=memo,
        payment_id=payment_id,
        refund_id=refund_id,
        cancellation_id=cancellation_id,
        top_up_id=top_up_id,
        goodwill_id=goodwill_id,
        settlement_id=settlement_id,
    )
    # Balances first: an entry's foreign key would take a shared lock that two transfers cannot
    # both turn into the update's.
    for account_id, minor in moved:
        _move_balance(account_id, minor)
    Entry.objects.bulk_create(
        Entry(transfer=transfer, account_id=account_id, amount_minor=minor)
        for account_id, minor in moved
    )
    return transfer


def added_up(reference: str, sides: Iterable[Side]) -> list[tuple[int, int]]:
    """
    Answer accounts and what each gains, by the accounts' ids; those that gain nothing are left out.

    :raises Unbalanced: the sides do not sum to zero in each currency.
    """
    amounts: dict[int, int] = {}
    sums: dict[str, int] = {}
    for side in sides:
        if side.account.currency_id != side.amount.currency:
            raise Unbalanced(reference)
        amounts[side.account.id] = amounts.get(side.account.id, 0) + side.amount.minor
        sums[side.amount.currency] = sums.get(side.amount.currency, 0) + side.amount.minor
    if any(sums.values()):
        raise Unbalanced(reference)
    return sorted((account_id, minor) for account_id, minor in amounts.items() if minor)


def lock(*sides: Iterable[Side]) -> None:
    """
    Lock the accounts of several transfers, in the order of their ids.

    Transfers that follow each other would take their accounts in another order than a third one.
    """
    accounts = {side.account.id for some in sides for side in some}
    list(Account.objects.select_for_update().filter(id__in=accounts).order_by("id").values("id"))


class Unbalanced(AssertionError):
    """
    A transfer that would make or lose money: a defect of the caller, refused before it writes.
    """


def _move_balance(account_id: int, minor: int) -> None:
    """Change a balance in the statement that also asks whether a wallet can bear it."""
    bearable = ~Q(kind=Kind.WALLET) | Q(balance_minor__gte=-minor)
    changed = Account.objects.filter(bearable, id=account_id).update(
        balance_minor=F("balance_minor") + minor
    )
    if changed != 1:
        raise InsufficientFunds()


def _account(
    code: str,
    kind: str,
    currency: str,
    *,
    user_id: int | None = None,
    carrier_id: int | None = None,
    gateway: str = "",
) -> Account:
    found = Account.objects.filter(code=code).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Account.objects.create(
                code=code,
                kind=kind,
                currency_id=currency,
                user_id=user_id,
                carrier_id=carrier_id,
                gateway=gateway,
            )
    except IntegrityError:
        return Account.objects.get(code=code)
