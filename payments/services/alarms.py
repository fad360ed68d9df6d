"""Alarms: rows that tell staff where money may be astray, each raised once."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from payments.errors import AlreadyClosed
from payments.models import MoneyAlarm
from travel.common.errors import NotFound
from travel.common.transactions import in_transaction

Kind = MoneyAlarm.Kind


@in_transaction
def raise_alarm(
    *,
    kind: str,
    reference: str,
    now: datetime,
    payment_id: int | None = None,
    top_up_id: int | None = None,
    refund_id: int | None = None,
    event_id: int | None = None,
    details: dict[str, object] | None = None,
) -> None:
    """
    Tell staff of a trouble; `reference` names it, and a trouble that was told of stays as it is.

    It commits with what the caller did, or did not do, about it.
    """
    MoneyAlarm.objects.bulk_create(
        [
            MoneyAlarm(
                kind=kind,
                reference=reference[:120],
                payment_id=payment_id,
                top_up_id=top_up_id,
                refund_id=refund_id,
                event_id=event_id,
                details=details or {},
                opened_at=now,
            )
        ],
        ignore_conflicts=True,
    )


@in_transaction
def close_alarm(*, alarm_id: int, closer_id: int, note: str, now: datetime) -> None:
    """
    Say that somebody has looked, and what was found.

    :raises NotFound: there is no such alarm.
    :raises AlreadyClosed: somebody else was quicker.
    """
    closed = MoneyAlarm.objects.filter(Q(closed_at__isnull=True), id=alarm_id).update(
        closed_at=now, closed_by_id=closer_id, note=note[:300]
    )
    if closed:
        return
    if not MoneyAlarm.objects.filter(id=alarm_id).exists():
        raise NotFound()
    raise AlreadyClosed()
