"""
Keys that make a request safe to repeat: the first answer is kept and given again.

For seats and wallet the key's row commits together with the effect, so there is never one without
the other. Around a call to somebody else's system no transaction may be open: there the row commits
first, with a lease, and is finished afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from travel.common.errors import KeyReused, RequestInProgress
from travel.common.models import IdempotencyKey
from travel.common.transactions import in_repeatable_transaction, in_transaction

# How long a twin waits for the first request's answer.
PATIENCE_SECONDS = 5
LEASE = timedelta(seconds=60)
KEEP_BODIES = timedelta(hours=72)
KEEP_KEYS = timedelta(days=30)
_LOCK_WAIT_TIMEOUT = 1205


@dataclass(frozen=True)
class Asked:
    """A request as its key knows it: who asked what, and the digest of its body."""

    scope: str
    method: str
    path: str
    key: str
    fingerprint: str

    @property
    def name(self) -> dict[str, Any]:
        return {
            "scope": self.scope,
            "method": self.method,
            "path": self.path,
            "key": self.key,
        }


@dataclass(frozen=True)
class Answer:
    """An answer as it is kept and given again."""

    status: int
    body: str
    content_type: str
    location: str = ""


@dataclass(frozen=True)
class Lease:
    """The right to work on a request. `taken_over`: somebody began, and did not come back."""

    taken_over: bool


def find(asked: Asked) -> Answer | None:
    """
    Answer what is kept under the key; None when there is nothing, or nothing yet.

    :raises KeyReused: the key was used for another body, or its answer is no longer kept.
    """
    row = IdempotencyKey.objects.filter(**asked.name).first()
    return None if row is None else _answer_in(row, asked)


def claim(asked: Asked, *, now: datetime) -> Answer | None:
    """
    Take the key within the caller's transaction; None says that it is the caller's.

    A twin waits here until the first commits, and is given its answer.

    :raises KeyReused: the key was used for another body.
    :raises RequestInProgress: the first did not finish in time.
    """
    row = IdempotencyKey(**asked.name, fingerprint=asked.fingerprint, created_at=now)
    try:
        with _patience():
            IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
    except OperationalError as error:
        if error.args and error.args[0] == _LOCK_WAIT_TIMEOUT:
            raise RequestInProgress(retry_after=1) from error
        raise
    stored = IdempotencyKey.objects.get(**asked.name)
    answer = _answer_in(stored, asked)
    if answer is None and stored.lease_until is not None:
        raise RequestInProgress(retry_after=1)
    return answer


def finish(asked: Asked, answer: Answer, *, now: datetime) -> None:
    """Keep the answer under a key that is the caller's."""
    IdempotencyKey.objects.filter(**asked.name, finished_at__isnull=True).update(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        location=answer.location,
        finished_at=now,
        lease_until=None,
    )


@in_repeatable_transaction
def keep(asked: Asked, answer: Answer, *, now: datetime) -> Answer:
    """
    Keep an answer whose transaction was rolled back: a refusal that is final.

    Answers what is kept now, which is a twin's answer when that was faster.
    """
    stored = claim(asked, now=now)
    if stored is not None:
        return stored
    finish(asked, answer, now=now)
    return answer


@in_transaction
def lease(asked: Asked, *, now: datetime) -> Lease | Answer | None:
    """
    Take the key in a transaction of its own; None says that somebody is at work on it.

    :raises KeyReused: the key was used for another body.
    """
    until = now + LEASE
    row = IdempotencyKey.objects.select_for_update().filter(**asked.name).first()
    if row is None:
        try:
            with transaction.atomic():
                IdempotencyKey.objects.create(
                    **asked.name,
                    fingerprint=asked.fingerprint,
                    created_at=now,
                    lease_until=until,
                )
        except IntegrityError:
            row = IdempotencyKey.objects.select_for_update().get(**asked.name)
        else:
            return Lease(taken_over=False)
    answer = _answer_in(row, asked)
    if answer is not None:
        return answer
    if row.lease_until is not None and row.lease_until > now:
        return None
    IdempotencyKey.objects.filter(pk=row.pk).update(lease_until=until)
    return Lease(taken_over=True)


@in_repeatable_transaction
def end_lease(asked: Asked, *, now: datetime) -> None:
    """Let the next one take over at once: whether there was an effect is not known."""
    unfinished = IdempotencyKey.objects.filter(**asked.name, finished_at__isnull=True)
    unfinished.update(lease_until=now)


@in_repeatable_transaction
def drop(asked: Asked) -> None:
    """Forget a key that had no effect, so that the same request may be tried again."""
    IdempotencyKey.objects.filter(**asked.name, finished_at__isnull=True).delete()


@in_repeatable_transaction
def finish_leased(asked: Asked, answer: Answer, *, now: datetime) -> None:
    """Keep the answer of a request that was worked on under a lease."""
    finish(asked, answer, now=now)


@in_transaction
def forget_old(*, now: datetime, limit: int = 5_000) -> int:
    """
    Delete bodies after 72 hours and keys after 30 days, oldest first; answer how many rows.

    A key outlives its body, so that a very late repeat is refused and not done again.
    """
    with_body = IdempotencyKey.objects.filter(
        created_at__lt=now - KEEP_BODIES, body__isnull=False
    ).order_by("created_at", "id")
    blanked = IdempotencyKey.objects.filter(
        pk__in=list(with_body.values_list("pk", flat=True)[:limit])
    ).update(body=None)
    old = IdempotencyKey.objects.filter(created_at__lt=now - KEEP_KEYS)
    ids = list(old.order_by("created_at", "id").values_list("pk", flat=True)[:limit])
    deleted, _rows = IdempotencyKey.objects.filter(pk__in=ids).delete()
    return blanked + deleted


def _answer_in(row: IdempotencyKey, asked: Asked) -> Answer | None:
    if row.fingerprint != asked.fingerprint:
        raise KeyReused
    if row.finished_at is None:
        return None
    if row.status is None or row.body is None:
        raise KeyReused(_("The answer to this key is no longer kept."))
    return Answer(row.status, row.body, row.content_type, row.location)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Wait at most five seconds for another transaction's row, where the server can be told so."""
    if connection.vendor != "mysql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SET @patience = @@SESSION.innodb_lock_wait_timeout,"
            " SESSION innodb_lock_wait_timeout = %s",
            [PATIENCE_SECONDS],
        )
    raw: Any = connection.connection
    try:
        yield
    finally:
        # After a failure Django lets no statement pass until the rollback; a lost connection takes
        # its settings with it.
        with contextlib.suppress(raw.Error):
            raw.query("SET SESSION innodb_lock_wait_timeout = @patience")
