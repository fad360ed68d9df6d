"""
Settling with carriers: what is agreed, the statement that is drawn up, and the money that leaves.

A settlement takes the entries of a carrier's account since the last one, in the order of their
commits, up to the first that is younger than the period. What was paid for earlier statements does
not count in it, so each statement is paid by itself.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Min, Sum
from django.utils.translation import gettext as _

from payments import ledger
from payments.errors import NothingToSettle, SettlementPaid
from payments.ledger import Side
from payments.models import Account, CarrierTerms, Entry, Settlement, Transfer
from travel.common.errors import InvalidInput, NotFound
from travel.common.ids import digest
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Settlement.State
MOST_BASIS_POINTS = 10_000
MOST_REFERENCE = 80
# Terms begin on a day that no sale can have seen yet: the clocks of two hosts may differ by that.
NOTICE = timedelta(hours=1)


@in_transaction
def agree_terms(
    *, carrier_id: int, valid_from: date, fee_basis_points: int, now: datetime
) -> CarrierTerms:
    """
    Write down the share of a carrier's prices that the office keeps from a day (UTC) on.

    What was sold before keeps the terms of its day, so the day has to lie ahead.

    :raises InvalidInput: the day has begun, has terms already, or the share is not 0 to 100 %.
    """
    if not 0 <= fee_basis_points <= MOST_BASIS_POINTS:
        raise InvalidInput(errors={"fee_basis_points": [_("Choose a share of 0 to 100 %.")]})
    if valid_from <= (now + NOTICE).date():
        raise InvalidInput(errors={"valid_from": [_("Terms begin tomorrow at the earliest.")]})
    terms, is_new = CarrierTerms.objects.get_or_create(
        carrier_id=carrier_id,
        valid_from=valid_from,
        defaults={"fee_basis_points": fee_basis_points},
    )
    if not is_new and terms.fee_basis_points != fee_basis_points:
        raise InvalidInput(errors={"valid_from": [_("There are terms from that day already.")]})
    return terms


@in_transaction
def draw(
    *, carrier_id: int, currency: str, until: date, now: datetime, actor_id: int | None = None
) -> Settlement:
    """
    Draw up the next statement of a carrier in a currency, to the end of the day `until` (UTC).

    :raises InvalidInput: the day is not over, or belongs to an earlier statement.
    :raises NotFound: the carrier has no account in that currency.
    :raises NothingToSettle: nothing was sold or given back since the last one.
    """
    if until >= now.date():
        raise InvalidInput(errors={"until": [_("The period has to be over.")]})
    # Entries are written under this lock, so none with a smaller id comes after what is read here.
    account = (
        Account.objects.select_for_update()
        .filter(kind=Account.Kind.CARRIER, carrier_id=carrier_id, currency_id=currency)
        .first()
    )
    if account is None:
        raise NotFound()
    last = Settlement.objects.filter(account=account).order_by("-number").first()
    if last is not None and until <= last.period_end:
        raise InvalidInput(errors={"until": [_("This day is part of an earlier statement.")]})

    rows = Entry.objects.filter(account=account)
    if last is not None:
        rows = rows.filter(id__gt=last.last_entry_id)
    ends_at = datetime.combine(until + timedelta(days=1), time(), UTC)
    beyond = rows.filter(transfer__at__gte=ends_at).aggregate(first=Min("id"))["first"]
    if beyond is not None:
        rows = rows.filter(id__lt=beyond)
    counted = rows.exclude(transfer__kind=Transfer.Kind.SETTLEMENT)
    first = counted.order_by("id").values_list("transfer__at", flat=True).first()
    newest = rows.order_by("-id").values_list("id", flat=True).first()
    if first is None or newest is None:
        raise NothingToSettle()
    return Settlement.objects.create(
        account=account,
        number=last.number + 1 if last else 1,
        last_entry_id=newest,
        period_start=last.period_end + timedelta(days=1) if last else min(first.date(), until),
        period_end=until,
        amount_minor=counted.aggregate(sum=Sum("amount_minor"))["sum"],
        created_at=now,
        created_by_id=actor_id,
    )


@in_transaction
def mark_paid(
    *, settlement_id: int, bank_reference: str, now: datetime, actor_id: int | None = None
) -> Settlement:
    """
    Book that the bank has paid a statement, or, below zero, that the carrier has paid its debt.

    :raises NotFound: there is no such statement.
    :raises SettlementPaid: it is paid already.
    :raises InvalidInput: the bank's reference is missing or too long.
    """
    settlement = Settlement.objects.select_for_update().filter(id=settlement_id).first()
    if settlement is None:
        raise NotFound()
    if settlement.state == State.PAID:
        raise SettlementPaid()
    reference = _bank_reference(bank_reference)
    account = settlement.account
    amount = Money(settlement.amount_minor, account.currency_id)
    settlement.state, settlement.paid_at, settlement.paid_by_id = State.PAID, now, actor_id
    settlement.bank_reference = reference
    settlement.save(update_fields=["state", "paid_at", "paid_by", "bank_reference"])
    if amount:
        ledger.post(
            kind=Transfer.Kind.SETTLEMENT,
            reference=f"settlement:{settlement.id}:paid",
            sides=[Side(account, -amount), Side(ledger.bank(amount.currency), amount)],
            settlement_id=settlement.id,
            memo=reference,
            now=now,
        )
    return settlement


@in_transaction
def book_payout(*, gateway: str, amount: Money, bank_reference: str, now: datetime) -> Transfer:
    """
    Book what a gateway has paid into the bank, once for each of the bank's references.

    :raises InvalidInput: nothing came by that gateway in the currency, the amount is not positive
        or beyond what the gateway holds, or the reference is missing, too long or booked before.
    """
    memo = _bank_reference(bank_reference)
    source = (
        Account.objects.select_for_update()
        .filter(kind=Account.Kind.GATEWAY, gateway=gateway, currency_id=amount.currency)
        .first()
    )
    if source is None:
        raise InvalidInput(errors={"gateway": [_("There is no such gateway.")]})
    reference = f"payout:{source.id}:{digest(memo)[:40]}"
    if not 0 < amount.minor <= -source.balance_minor:
        raise InvalidInput(errors={"amount": [_("The gateway does not hold that much.")]})
    if Transfer.objects.filter(reference=reference).exists():
        raise InvalidInput(errors={"bank_reference": [_("This is booked already.")]})
    return ledger.post(
        kind=Transfer.Kind.PAYOUT,
        reference=reference,
        sides=[Side(source, amount), Side(ledger.bank(amount.currency), -amount)],
        memo=memo,
        now=now,
    )


def _bank_reference(text: str) -> str:
    cleaned = text.strip()
    if not 0 < len(cleaned) <= MOST_REFERENCE:
        raise InvalidInput(
            errors={"bank_reference": [_("Write the bank's reference, 80 characters at most.")]}
        )
    return cleaned
