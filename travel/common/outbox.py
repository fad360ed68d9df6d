"""
Messages to people, written in the transaction of what they tell and delivered afterwards.

Delivery is at least once: a worker that dies between sending and noting it sends again. A kind
begins with the name of the app that writes it and whose task drains it (`bookings.hold_notice`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from travel.common import messaging
from travel.common.contacts import Contact
from travel.common.messaging import Extras
from travel.common.models import OutboxMessage
from travel.common.transactions import in_transaction

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MAX_ATTEMPTS = 10
# From this attempt on a message whose HTML and files cannot be made goes out as text.
PLAIN_AFTER = 3

# Makes what belongs to a message, of what it tells (`reservation:7`) and its language, now.
Dresser = Callable[[str, str, datetime], Extras | None]


@in_transaction
def write(
    *,
    kind: str,
    channel: str,
    recipient: str,
    subject: str,
    body: str,
    language: str,
    now: datetime,
    reference: str | None = None,
    about: str = "",
) -> None:
    """
    Write a message that is due at once; with a `reference` that was used before, write nothing.

    `channel` is `email` or `sms`, `recipient` an address or an E.164 number, `about` what the
    message tells of, as in `reservation:7`.
    """
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                kind=kind,
                channel=channel,
                recipient=recipient,
                subject=subject[:200],
                body=body,
                language=language,
                reference=reference,
                about=about,
                created_at=now,
                due_at=now,
            )
        ],
        ignore_conflicts=reference is not None,
    )


@in_transaction
def readdress(
    *,
    about: str,
    old: Contact,
    new: Contact | None,
    dropped: Collection[str],
    kept: str,
    now: datetime,
) -> None:
    """
    Send what waits for one contact, and tells of this thing, to another contact instead.

    Messages of the `dropped` kinds are deleted, for newer ones take their place; so is everything
    where there is no new contact of the same channel. Kinds that begin with `kept` stay as they
    are. What a worker is sending at this moment
    cannot be called back; if it fails, the next attempt goes to the new contact.
    """
    waiting = OutboxMessage.objects.filter(
        about=about, recipient=old.address, sent_at__isnull=True, given_up_at__isnull=True
    ).exclude(kind__startswith=kept)
    resting = waiting.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now))
    if new is None or new.channel != old.channel:
        resting.delete()
        return
    resting.filter(kind__in=list(dropped)).delete()
    waiting.update(recipient=new.address)


def deliver_due(
    *,
    prefix: str,
    now: datetime,
    limit: int = 100,
    dressers: Mapping[str, Dresser] | None = None,
) -> int:
    """
    Deliver the messages of these kinds that are due, oldest first; answer how many went out.

    One that fails is tried again after a growing pause, and given up after ten attempts. A dresser
    makes what an e-mail of its kind has besides the text that is stored; one that fails twice is
    left out, so that the text arrives.
    """
    due = _due(prefix, now).order_by("due_at", "id").values_list("pk", flat=True)[:limit]
    return sum(_deliver(pk, prefix, now, dressers or {}) for pk in list(due))


def _due(prefix: str, now: datetime) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(
        Q(lease_until__isnull=True) | Q(lease_until__lte=now),
        sent_at__isnull=True,
        given_up_at__isnull=True,
        due_at__lte=now,
        kind__startswith=prefix,
    )


def _deliver(pk: int, prefix: str, now: datetime, dressers: Mapping[str, Dresser]) -> bool:
    # Whoever sets the lease has the message; another worker's update finds no row.
    if not _due(prefix, now).filter(pk=pk).update(lease_until=now + LEASE):
        return False
    message = OutboxMessage.objects.get(pk=pk)
    message.attempts += 1
    message.lease_until = None
    try:
        _send(message, dressers, now)
    except Exception as failure:  # noqa: BLE001 - one bad message must not hold up the others
        _put_off(message, failure, now)
        sent = False
    else:
        message.sent_at, message.last_error = now, ""
        sent = True
    message.save(
        update_fields=[
            *("attempts", "lease_until", "sent_at", "given_up_at", "due_at", "last_error")
        ]
    )
    return sent


def _send(message: OutboxMessage, dressers: Mapping[str, Dresser], now: datetime) -> None:
    if settings.MAIL_DELIVERY == "outbox":
        # The demo shows the rows themselves.
        return
    if message.channel == OutboxMessage.Channel.SMS:
        messaging.send_sms(recipient=message.recipient, body=message.body)
    else:
        messaging.send_email(
            recipient=message.recipient,
            subject=message.subject,
            body=message.body,
            extras=_dressed(message, dressers, now),
        )


def _dressed(
    message: OutboxMessage, dressers: Mapping[str, Dresser], now: datetime
) -> Extras | None:
    dress = dressers.get(message.kind)
    if dress is None:
        return None
    try:
        return dress(message.about, message.language, now)
    except Exception:
        if message.attempts < PLAIN_AFTER:
            raise
        logger.exception("message %s goes out without what belongs to it", message.pk)
        return None


def _put_off(message: OutboxMessage, failure: Exception, now: datetime) -> None:
    # The failure's own words often hold the recipient's address; its kind tells enough.
    message.last_error = type(failure).__name__
    logger.warning("message %s was not delivered: %s", message.pk, message.last_error)
    if message.attempts >= MAX_ATTEMPTS:
        message.given_up_at = now
    else:
        pause = FIRST_PAUSE * 2 ** (message.attempts - 1)
        message.due_at = now + min(pause, LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was written."""

    channel: str
    recipient: str
    language: str
    subject: str
    body: str
    created_at: datetime
    sent_at: datetime | None


def list_messages(*, offset: int = 0, limit: int = 20) -> tuple[int, list[Message]]:
    """Answer how many messages there are, and a page of them, the newest first."""
    rows = OutboxMessage.objects.order_by("-id").values_list(
        "channel", "recipient", "language", "subject", "body", "created_at", "sent_at"
    )
    return OutboxMessage.objects.count(), [Message(*row) for row in rows[offset : offset + limit]]
