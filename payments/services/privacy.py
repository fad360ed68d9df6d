"""What the books keep about a person: handed out as it stands; the free texts are erased."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from payments import selectors
from payments.models import (
    Account,
    Cancellation,
    Goodwill,
    MoneyAlarm,
    Payment,
    Receipt,
    Refund,
    TopUp,
    WebhookEvent,
)
from payments.receipts import number_text
from travel.common import forgetting
from travel.common.money import Money
from travel.common.transactions import in_transaction

MOST_LINES = 100_000
UNDER_WAY = (Refund.State.PENDING_APPROVAL, Refund.State.QUEUED, Refund.State.FAILED)


def has_money_under_way(*, user_id: int, reservation_ids: Collection[int]) -> bool:
    """Say whether a payment, a refund, goodwill or a top-up of the person is not settled yet."""
    reservations = list(reservation_ids)
    refunds = Refund.objects.filter(payment__reservation__in=reservations, state__in=UNDER_WAY)
    payments = Payment.objects.filter(
        reservation__in=reservations, state__in=[Payment.State.STARTED, Payment.State.PENDING]
    )
    top_ups = TopUp.objects.filter(account__user=user_id, state=TopUp.State.STARTED)
    goodwill = Goodwill.objects.filter(account__user=user_id, state=Goodwill.State.PENDING_APPROVAL)
    return any(rows.exists() for rows in (refunds, payments, top_ups, goodwill))


def export_person(*, user_id: int, reservation_ids: Collection[int]) -> dict[str, Any]:
    """Answer all that the books keep about a person, in plain values."""
    payments = selectors.payments_of(reservation_ids)
    _count, lines = selectors.statement(user_id=user_id, limit=MOST_LINES)
    receipts = Receipt.objects.filter(reservation__in=list(reservation_ids)).select_related(
        "series", "written_for", "reservation"
    )
    return {
        "payments": [
            {
                "method": one.method,
                "state": one.state,
                "amount": one.amount.amount,
                "currency": one.amount.currency,
                "startedAt": one.created_at,
                "finishedAt": one.finished_at,
                "refunds": [
                    {
                        "amount": refund.amount.amount,
                        "state": refund.state,
                        "to": refund.destination,
                        "at": refund.created_at,
                    }
                    for refund in one.refunds
                ],
            }
            for attempts in payments.values()
            for one in attempts
        ],
        "wallets": [
            {"balance": one.amount, "currency": one.currency} for one in selectors.balances(user_id)
        ],
        "walletMoves": [
            {
                "at": line.at,
                "what": line.kind,
                "memo": line.memo,
                "amount": line.amount.amount,
                "currency": line.amount.currency,
            }
            for line in lines
        ],
        "receipts": [_receipt(one) for one in receipts.order_by("id")],
    }


def _receipt(one: Receipt) -> dict[str, Any]:
    name = getattr(one, "written_for", None)
    return {
        "number": number_text(one.series.issuer, one.series.year, one.number),
        "what": one.kind,
        "locator": one.reservation.locator,
        "at": one.issued_at,
        "amount": Money(one.total_minor, one.currency_id).amount,
        "currency": one.currency_id,
        "writtenFor": name.name if name else None,
        "address": name.address if name else None,
        "nameKeptUntil": name.kept_until if name else None,
    }


@in_transaction
def erase_person(*, user_id: int, reservation_ids: Collection[int]) -> None:
    """
    Erase what people wrote and providers told about a person's money.

    Amounts, dates and the ledger stay; so does the name on a receipt, until its term ends: the law
    asks for both. Nobody but the receipt itself shows that name.
    """
    for some in forgetting.batches(reservation_ids):
        payments = Payment.objects.filter(reservation__in=some)
        refunds = Refund.objects.filter(payment__in=payments)
        Cancellation.objects.filter(reservation__in=some).update(reason="")
        refunds.update(note="")
        told = Q(payment__in=payments) | Q(refund__in=refunds)
        _forget_events(told)
        MoneyAlarm.objects.filter(told).update(note="")
        forgetting.forget_admin_notes(Refund, refunds.values_list("id", flat=True))
        forgetting.forget_admin_notes(Payment, payments.values_list("id", flat=True))
    wallets = Account.objects.filter(user=user_id)
    Goodwill.objects.filter(account__in=wallets).update(note="")
    top_ups = TopUp.objects.filter(account__in=wallets)
    _forget_events(Q(top_up__in=top_ups))
    MoneyAlarm.objects.filter(top_up__in=top_ups).update(note="")
    forgetting.forget_admin_notes(Account, wallets.values_list("id", flat=True))


def _forget_events(about: Q) -> None:
    """Empty the bodies of events that are done with: providers may write a payer's name there."""
    done = WebhookEvent.objects.filter(about).exclude(state=WebhookEvent.State.STORED)
    ids = list(done.values_list("id", flat=True))
    for some in forgetting.batches(ids):
        WebhookEvent.objects.filter(id__in=some).update(body="", headers={})
