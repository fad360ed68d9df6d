"""Reads of the ledger: an account's statement, and what a carrier's settlement consists of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice

from django.db.models import Q, QuerySet, Sum

from bookings.models import Coupon
from payments.fees import split, unsplit
from payments.models import (
    Account,
    CancelledCoupon,
    CarrierTerms,
    Entry,
    Settlement,
    Transfer,
)
from travel.common.errors import NotFound
from travel.common.money import Money

# So many entries of a settlement are read at a time.
BATCH = 200


# --- an account -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """An entry of an account: what it gained or gave, and its balance from then on."""

    entry_id: int
    at: datetime
    kind: str
    reference: str
    memo: str
    amount: Money
    balance: Money


def account_statement(
    *, account_id: int, offset: int = 0, limit: int = 20
) -> tuple[int, list[Move]]:
    """Answer how many entries an account has, and a page of them, the newest first."""
    rows = Entry.objects.filter(account_id=account_id)
    return rows.count(), _page(rows, offset, limit)


def wallet_statement(
    *, user_id: int, currency: str | None = None, offset: int = 0, limit: int = 20
) -> tuple[int, list[Move]]:
    """Answer how many entries a user's wallets have, and a page of them, the newest first."""
    rows = Entry.objects.filter(account__kind=Account.Kind.WALLET, account__user_id=user_id)
    if currency is not None:
        rows = rows.filter(account__currency_id=currency)
    return rows.count(), _page(rows, offset, limit)


def whole_statement(*, account_id: int) -> Iterator[Move]:
    """
    Answer every entry of an account, the oldest first, in one read: for a file.

    :raises NotFound: there is no such account.
    """
    currency = Account.objects.filter(id=account_id).values_list("currency_id", flat=True).first()
    if currency is None:
        raise NotFound()
    return _whole(account_id, currency)


def _whole(account_id: int, currency: str) -> Iterator[Move]:
    balance = 0
    rows = Entry.objects.filter(account_id=account_id).order_by("id").values_list(*_COLUMNS)
    for entry_id, at, kind, reference, memo, minor, _account, _currency in rows.iterator():
        balance += minor
        yield Move(
            entry_id,
            at,
            kind,
            reference,
            memo,
            Money(minor, currency),
            Money(balance, currency),
        )


_COLUMNS = (
    "id",
    "transfer__at",
    "transfer__kind",
    "transfer__reference",
    "transfer__memo",
    "amount_minor",
    "account_id",
    "account__currency_id",
)


def _page(rows: QuerySet[Entry], offset: int, limit: int) -> list[Move]:
    """
    Read a page, the newest first, with the balance after each entry.

    A balance is reckoned from the account's entries up to the page's newest, then down the page.
    """
    page = list(rows.order_by("-id").values_list(*_COLUMNS)[offset : offset + limit])
    if not page:
        return []
    balances = _balances_at(page[0][0], {row[6] for row in page})
    moves = []
    for entry_id, at, kind, reference, memo, minor, account_id, currency in page:
        after = Money(balances[account_id], currency)
        balances[account_id] -= minor
        moves.append(Move(entry_id, at, kind, reference, memo, Money(minor, currency), after))
    return moves


def _balances_at(entry_id: int, account_ids: set[int]) -> dict[int, int]:
    """Answer what each account held once the entry was written."""
    rows = (
        Entry.objects.filter(account_id__in=account_ids, id__lte=entry_id)
        .values("account_id")
        .annotate(sum=Sum("amount_minor"))
        .order_by("account_id")
    )
    return {row["account_id"]: row["sum"] for row in rows}


# --- a settlement ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettledLine:
    """
    A coupon of a settlement, sold or given back; the three parts sum to the total.

    `price` is what was paid for it, or less what went back; `fee` what the office kept of it, or
    gave back; `penalty` what the office kept of a cancelled price beside its fee. What the office
    has is negative here: the total is the carrier's.
    """

    at: datetime
    kind: str
    locator: str
    service: str
    ticket_id: int
    coupon_id: int
    price: Money
    fee: Money
    penalty: Money

    @property
    def total(self) -> Money:
        return self.price + self.fee + self.penalty


@dataclass(frozen=True, slots=True)
class SettledSums:
    """What the lines of a settlement sum to, column by column."""

    lines: int
    price: Money
    fee: Money
    penalty: Money
    total: Money


def settlement_lines(settlement: Settlement) -> Iterator[SettledLine]:
    """
    Answer what a settlement consists of, in the order of the entries, coupon by coupon.

    :raises Unexplained: an entry is not the sum of its coupons' parts.
    """
    rows = (
        Entry.objects.filter(
            account_id=settlement.account_id,
            id__gt=_previous_entry(settlement),
            id__lte=settlement.last_entry_id,
        )
        .exclude(transfer__kind=Transfer.Kind.SETTLEMENT)
        .select_related("transfer__payment")
        .order_by("id")
    )
    entries = iter(rows.iterator(chunk_size=BATCH))
    account = settlement.account
    terms = _Terms(account.carrier_id or 0)
    while batch := list(islice(entries, BATCH)):
        yield from _explain(batch, account, terms)


class Unexplained(AssertionError):
    """An entry of a carrier's account that its coupons do not sum to: a defect of who booked it."""


def settlement_sums(lines: Iterable[SettledLine], *, currency: str) -> SettledSums:
    """Sum the lines of a settlement."""
    count = price = fee = penalty = 0
    for line in lines:
        count += 1
        price += line.price.minor
        fee += line.fee.minor
        penalty += line.penalty.minor
    return SettledSums(
        count,
        *(Money(minor, currency) for minor in (price, fee, penalty, price + fee + penalty)),
    )


def _previous_entry(settlement: Settlement) -> int:
    before = Settlement.objects.filter(
        account_id=settlement.account_id, number=settlement.number - 1
    )
    return before.values_list("last_entry_id", flat=True).first() or 0


def fee_basis_points(carrier_ids: Iterable[int], *, sold_on: date) -> dict[int, int]:
    """Answer the office's share of each carrier's prices on a day (UTC); none where none agreed."""
    wanted = list(carrier_ids)
    found = dict.fromkeys(wanted, 0)
    found.update(
        CarrierTerms.objects.filter(carrier_id__in=wanted, valid_from__lte=sold_on)
        .order_by("carrier_id", "valid_from")
        .values_list("carrier_id", "fee_basis_points")
    )
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A coupon as it was sold."""

    coupon_id: int
    reservation_id: int
    locator: str
    ticket_id: int
    service: str
    price_minor: int


class _Terms:
    """What the office keeps of a carrier's prices, read once for each day of sale."""

    def __init__(self, carrier_id: int) -> None:
        self.carrier_id = carrier_id
        self._by_day: dict[date, int] = {}

    def on(self, sold_at: datetime) -> int:
        day = sold_at.astimezone(UTC).date()
        if day not in self._by_day:
            found = fee_basis_points([self.carrier_id], sold_on=day)
            self._by_day[day] = found[self.carrier_id]
        return self._by_day[day]


def _explain(entries: Sequence[Entry], account: Account, terms: _Terms) -> Iterator[SettledLine]:
    sold = _coupons(
        account,
        Q(
            passenger__reservation_id__in={
                one.transfer.payment.reservation_id
                for one in entries
                if one.transfer.kind == Transfer.Kind.PAYMENT and one.transfer.payment
            }
        ),
    )
    cancelled = _refunds({one.transfer.cancellation_id for one in entries} - {None})
    given_back = _coupons(
        account, Q(id__in={coupon for coupons in cancelled.values() for coupon in coupons})
    )
    for entry in entries:
        transfer = entry.transfer
        if transfer.payment is None or transfer.payment.finished_at is None:
            raise Unexplained(transfer.reference)
        share = terms.on(transfer.payment.finished_at)
        if transfer.kind == Transfer.Kind.PAYMENT:
            of = transfer.payment.reservation_id
            lines = [
                _sold_line(entry, part, account.currency_id, share)
                for part in sold
                if part.reservation_id == of
            ]
        else:
            refunds = cancelled.get(transfer.cancellation_id or 0, {})
            lines = [
                _cancelled_line(entry, part, account.currency_id, share, refunds[part.coupon_id])
                for part in given_back
                if part.coupon_id in refunds
            ]
        if sum(line.total.minor for line in lines) != entry.amount_minor:
            raise Unexplained(transfer.reference)
        yield from lines


def _coupons(account: Account, condition: Q) -> list[_Part]:
    rows = (
        Coupon.objects.filter(
            condition,
            ticket__departure__service__carrier=account.carrier,
            # What was exchanged has left its price to the coupon in its place.
            exchanged_for__isnull=True,
        )
        .annotate(price=Sum("price_lines__amount_minor"))
        .order_by("id")
        .values_list(
            "id",
            "passenger__reservation_id",
            "passenger__reservation__locator",
            "ticket_id",
            "ticket__departure__service__number",
            "price",
        )
    )
    return [
        _Part(coupon_id, reservation_id, locator, ticket_id, service, price or 0)
        for coupon_id, reservation_id, locator, ticket_id, service, price in rows
    ]


def _refunds(cancellation_ids: Iterable[int | None]) -> dict[int, dict[int, int]]:
    """Answer what each coupon of each cancellation gave back."""
    found: dict[int, dict[int, int]] = {}
    rows = CancelledCoupon.objects.filter(cancellation_id__in=list(cancellation_ids)).order_by("id")
    for cancellation_id, coupon_id, minor in rows.values_list(
        "cancellation_id", "coupon_id", "refund_minor"
    ):
        found.setdefault(cancellation_id, {})[coupon_id] = minor
    return found


def _sold_line(entry: Entry, part: _Part, currency: str, basis_points: int) -> SettledLine:
    price = Money(part.price_minor, currency)
    sold = split(price, basis_points=basis_points)
    return _line(entry, part, price=price, fee=-sold.fee, penalty=Money(0, currency))


def _cancelled_line(
    entry: Entry, part: _Part, currency: str, basis_points: int, refund_minor: int
) -> SettledLine:
    refund = Money(refund_minor, currency)
    taken = unsplit(Money(part.price_minor, currency), basis_points=basis_points, refund=refund)
    return _line(entry, part, price=-refund, fee=taken.fee, penalty=-taken.penalty)


def _line(entry: Entry, part: _Part, *, price: Money, fee: Money, penalty: Money) -> SettledLine:
    return SettledLine(
        at=entry.transfer.at,
        kind=entry.transfer.kind,
        locator=part.locator,
        service=part.service,
        ticket_id=part.ticket_id,
        coupon_id=part.coupon_id,
        price=price,
        fee=fee,
        penalty=penalty,
    )
