"""
Reconciling: a provider's statement against the ledger, line by line.

Both sides are added up by the office's key for a charge or a refund. A line is known whenever it
was booked, so that a webhook that came three days late is no difference; a booking is looked for in
a statement somewhat wider than what is compared. What differs becomes a row that staff close with a
note; once both agree it closes by itself. Running twice finds the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from payments import gateways
from payments.errors import AlreadyClosed
from payments.gateways.contract import StatementLine, Unreadable
from payments.models import (
    Account,
    Difference,
    Entry,
    Payment,
    ReconciliationRun,
    Refund,
    TopUp,
)
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

T = TypeVar("T")

Kind = Difference.Kind
# Providers and the office tell apart by so much when something moved: webhooks come days late.
MARGIN = timedelta(days=4)
LONGEST = timedelta(days=100)
# So many keys go into one statement.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a comparison read and found; `problem` says why it could not be made."""

    run_id: int
    gateway: str
    lines_read: int
    found: int
    closed: int
    still_open: int
    problem: str = ""


class Row(NamedTuple):
    """A charge or a refund of the office: its key, what it belongs to, and what moved by it."""

    key: str
    payment_id: int | None
    refund_id: int | None
    top_up_id: int | None
    money: Money | None


def gateways_in_use() -> list[str]:
    """Answer the gateways that the office takes money by."""
    return sorted(set(settings.PAYMENT_GATEWAYS.values()) - {gateways.NONE})


def nightly(*, now: datetime) -> tuple[datetime, datetime]:
    """Answer what the nightly comparison covers: the last three UTC days that are over."""
    until = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return until - timedelta(days=3), until


def reconcile(*, gateway: str, since: datetime, until: datetime, now: datetime) -> Reconciled:
    """
    Compare what moved from `since` (included) until `until` (not included).

    The provider is asked with no transaction open; when it cannot be read the run says so, and
    nothing is closed or found.

    :raises InvalidInput: there is no such gateway, or the stretch is empty, too long or to come.
    """
    if gateway not in gateways_in_use() and not Payment.objects.filter(gateway=gateway).exists():
        raise InvalidInput(errors={"gateway": [_("There is no such gateway.")]})
    if not since < until <= now or until - since > LONGEST:
        raise InvalidInput(
            errors={"since": [_("Choose a stretch that is over, of 100 days at most.")]}
        )
    run_id = _begin(gateway, since, until, now)
    try:
        lines = gateways.get(gateway).statement(
            since=since - MARGIN, until=min(until + MARGIN, now)
        )
    except (Unreadable, KeyError) as error:
        return _give_up(run_id, f"{type(error).__name__}: {error}", now)
    return _compare(run_id, lines, now)


@in_transaction
def close_difference(*, difference_id: int, closer_id: int, note: str, now: datetime) -> None:
    """
    Say that somebody has looked into a difference, and what it was.

    :raises NotFound: there is no such difference.
    :raises AlreadyClosed: somebody else was quicker, or both sides agree by now.
    """
    closed = Difference.objects.filter(id=difference_id, closed_at=None).update(
        closed_at=now, closed_by_id=closer_id, note=note[:300]
    )
    if closed:
        return
    if not Difference.objects.filter(id=difference_id).exists():
        raise NotFound()
    raise AlreadyClosed()


# --- the run --------------------------------------------------------------------------------------


@in_transaction
def _begin(gateway: str, since: datetime, until: datetime, now: datetime) -> int:
    return ReconciliationRun.objects.create(
        gateway=gateway, since=since, until=until, started_at=now
    ).id


@in_transaction
def _give_up(run_id: int, problem: str, now: datetime) -> Reconciled:
    run = ReconciliationRun.objects.get(id=run_id)
    run.finished_at, run.problem = now, problem[:300]
    run.save(update_fields=["finished_at", "problem"])
    return Reconciled(run_id, run.gateway, 0, 0, 0, _open(run.gateway).count(), run.problem)


@in_transaction
def _compare(run_id: int, lines: Sequence[StatementLine], now: datetime) -> Reconciled:
    run = ReconciliationRun.objects.get(id=run_id)
    # Comparisons of a gateway come one after the other: its first run is the lock.
    runs = ReconciliationRun.objects.select_for_update().filter(gateway=run.gateway)
    list(runs.order_by("id").values_list("id")[:1])
    told = _by_key(run.gateway, lines)
    inside = {key for key, at in _last_moves(run.gateway, lines) if run.since <= at < run.until}
    stale = list(_open(run.gateway).order_by("id"))
    doubted = {_key_of(row) for row in stale}
    booked = _booked(run.gateway, inside | doubted) | _booked_within(run)
    found = 0
    kept: set[str] = set()
    for key in sorted(inside | doubted | set(booked)):
        row = booked.get(key) or Row(key, None, None, None, None)
        provider = told.get(key, _remembered(key, stale) if key not in inside else None)
        kind = _kind(row.money, provider)
        if kind is None:
            continue
        reference = f"{run.gateway}:{key}:{kind}"
        kept.add(reference)
        found += _find(run, reference, kind, row, provider)
    closed = _close(stale, kept, now)
    run.lines_read, run.finished_at = len(lines), now
    run.save(update_fields=["lines_read", "finished_at"])
    return Reconciled(run.id, run.gateway, len(lines), found, closed, _open(run.gateway).count())


def _kind(ledger: Money | None, provider: Money | None) -> str | None:
    """Name what two sides differ in; None where they agree, or where neither knows of a move."""
    mine, theirs = bool(ledger), bool(provider)
    if not mine and not theirs:
        return None
    if not mine:
        return Kind.ONLY_PROVIDER.value
    if not theirs:
        return Kind.ONLY_LEDGER.value
    assert ledger is not None
    assert provider is not None
    if ledger.currency != provider.currency:
        return Kind.CURRENCY.value
    return None if ledger == provider else Kind.AMOUNT.value


def _find(
    run: ReconciliationRun, reference: str, kind: str, row: Row, provider: Money | None
) -> int:
    """
    Write a difference down, or remember that it is there still; answer 1 for one that is new.

    What staff have closed stays closed while the amounts are those that they saw.
    """
    ledger = row.money if row.money else None
    seen = {
        "ledger_minor": ledger.minor if ledger else None,
        "ledger_currency_id": ledger.currency if ledger else None,
        "provider_minor": provider.minor if provider else None,
        "provider_currency_id": provider.currency if provider else None,
    }
    known = Difference.objects.select_for_update().filter(reference=reference).first()
    if known is None:
        Difference.objects.create(
            reference=reference,
            kind=kind,
            first_run=run,
            last_run=run,
            payment_id=row.payment_id,
            refund_id=row.refund_id,
            top_up_id=row.top_up_id,
            **seen,
        )
        return 1
    is_another = any(getattr(known, name) != value for name, value in seen.items())
    comes_back = known.closed_at is not None and (known.closed_by_id is None or is_another)
    known.last_run = run
    for name, value in seen.items():
        setattr(known, name, value)
    if comes_back:
        known.closed_at, known.closed_by, known.note = None, None, ""
    known.save()
    return int(comes_back)


def _close(stale: Iterable[Difference], kept: Collection[str], now: datetime) -> int:
    """Close what both sides agree on by now."""
    over = [row.id for row in stale if row.reference not in kept]
    return Difference.objects.filter(id__in=over, closed_at=None).update(closed_at=now)


def _open(gateway: str) -> QuerySet[Difference]:
    return Difference.objects.filter(closed_at=None, first_run__gateway=gateway)


def _key_of(row: Difference) -> str:
    """Answer the office's key in a reference such as `sandbox:payment-7:amount`."""
    return str(row.reference).partition(":")[2].rpartition(":")[0]


def _remembered(key: str, stale: Iterable[Difference]) -> Money | None:
    """Answer what the provider told of a key when its difference was found."""
    for row in stale:
        if _key_of(row) == key and row.provider_minor is not None:
            return Money(row.provider_minor, str(row.provider_currency_id))
    return None


# --- the provider's side --------------------------------------------------------------------------


def _by_key(gateway: str, lines: Sequence[StatementLine]) -> dict[str, Money]:
    """
    Add the provider's lines up by key.

    A key with lines in several currencies counts in that of its first one: it differs either way.
    """
    sums: dict[str, Money] = {}
    for key, line in _keyed(gateway, lines):
        if key not in sums:
            sums[key] = line.amount
        elif sums[key].currency == line.amount.currency:
            sums[key] += line.amount
    return sums


def _last_moves(gateway: str, lines: Sequence[StatementLine]) -> list[tuple[str, datetime]]:
    return [(key, line.at) for key, line in _keyed(gateway, lines)]


def _keyed(gateway: str, lines: Sequence[StatementLine]) -> list[tuple[str, StatementLine]]:
    """Give each line its key: the office's, or the row's that has the provider's reference."""
    unnamed = {line.reference for line in lines if not line.key and line.reference}
    named: dict[str, str] = {}
    for some in _batches(sorted(unnamed)):
        mine = Q(gateway=gateway, provider_reference__in=some)
        for rows in (Payment.objects.filter(mine), TopUp.objects.filter(mine)):
            named |= {
                str(reference): str(key)
                for reference, key in rows.values_list("provider_reference", "gateway_reference")
            }
        for refund_id, reference in Refund.objects.filter(
            payment__gateway=gateway, gateway_reference__in=some
        ).values_list("id", "gateway_reference"):
            named[reference] = f"refund-{refund_id}"
    return [
        ((line.key or named.get(line.reference) or f"reference {line.reference}")[:120], line)
        for line in lines
    ]


# --- the office's side ----------------------------------------------------------------------------


def _booked(gateway: str, keys: Collection[str]) -> dict[str, Row]:
    """Answer what the ledger has booked for these keys, whenever that was."""
    found: dict[str, Row] = {}
    for some in _batches(sorted(keys)):
        payments = Payment.objects.filter(gateway=gateway, gateway_reference__in=some)
        top_ups = TopUp.objects.filter(gateway=gateway, gateway_reference__in=some)
        numbers = [
            int(key.removeprefix("refund-"))
            for key in some
            if key.startswith("refund-")
            and key[7:].isascii()
            and key[7:].isdigit()
            and len(key) < 26
        ]
        refunds = Refund.objects.filter(payment__gateway=gateway, id__in=numbers)
        found |= _rows_of(
            gateway,
            payments=list(payments.values_list("id", flat=True)),
            top_ups=list(top_ups.values_list("id", flat=True)),
            refunds=list(refunds.values_list("id", flat=True)),
        )
    return found


def _booked_within(run: ReconciliationRun) -> dict[str, Row]:
    """Answer what the ledger has booked in the run's stretch of time."""
    moved = Entry.objects.filter(
        _on_gateway(run.gateway), transfer__at__gte=run.since, transfer__at__lt=run.until
    )
    ids = list(
        moved.order_by("transfer_id").values_list(
            "transfer__payment_id", "transfer__refund_id", "transfer__top_up_id"
        )
    )
    found: dict[str, Row] = {}
    for some in _batches(ids):
        found |= _rows_of(
            run.gateway,
            payments=[payment for payment, refund, _top in some if payment and not refund],
            top_ups=[top_up for _payment, _refund, top_up in some if top_up],
            refunds=[refund for _payment, refund, _top in some if refund],
        )
    return found


def _rows_of(
    gateway: str, *, payments: list[int], top_ups: list[int], refunds: list[int]
) -> dict[str, Row]:
    """Answer these charges and refunds by key, with what the ledger moved for each."""
    on_gateway = Entry.objects.filter(_on_gateway(gateway)).order_by()
    charged = _sums(
        on_gateway.filter(transfer__payment_id__in=payments, transfer__refund_id__isnull=True),
        "transfer__payment_id",
    )
    filled = _sums(on_gateway.filter(transfer__top_up_id__in=top_ups), "transfer__top_up_id")
    given = _sums(on_gateway.filter(transfer__refund_id__in=refunds), "transfer__refund_id")
    rows = [
        Row(str(key), row_id, None, None, charged.get(row_id))
        for row_id, key in _keys(Payment.objects.filter(id__in=payments))
    ]
    rows += [
        Row(str(key), None, None, row_id, filled.get(row_id))
        for row_id, key in _keys(TopUp.objects.filter(id__in=top_ups))
    ]
    rows += [
        Row(f"refund-{row_id}", payment_id, row_id, None, given.get(row_id))
        for row_id, payment_id in Refund.objects.filter(id__in=refunds).values_list(
            "id", "payment_id"
        )
    ]
    return {row.key: row for row in rows}


def _keys(rows: QuerySet[Payment] | QuerySet[TopUp]) -> list[tuple[int, str]]:
    known = rows.exclude(gateway_reference=None).order_by("id")
    return [(row_id, str(key)) for row_id, key in known.values_list("id", "gateway_reference")]


def _sums(entries: QuerySet[Entry], by: str) -> dict[int, Money]:
    """Add entries up; what came in from the provider is a gateway account's loss, so it turns."""
    return {
        row_id: Money(-minor, currency)
        for row_id, currency, minor in entries.values_list(by, "account__currency_id").annotate(
            total=Sum("amount_minor")
        )
    }


def _on_gateway(gateway: str) -> Q:
    return Q(account__kind=Account.Kind.GATEWAY, account__gateway=gateway)


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
