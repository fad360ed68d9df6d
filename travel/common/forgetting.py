"""
Erasing people from the tables that belong to no storey, and from the admin's log.

Each answers nothing: what is not there was forgotten already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q

from travel.common.idempotency import KEEP_BODIES
from travel.common.ids import digest
from travel.common.models import Act, IdempotencyKey, OutboxMessage

# Statements name no more rows at once: SQLite takes some thousands of arguments, not more.
AT_ONCE = 500


def forget_messages(recipients: Collection[str], *, kind: str = "", mentioning: str = "") -> None:
    """
    Delete what was sent, or waits to be sent, to these addresses and numbers.

    With a beginning of kinds or a booking code only what is of them: an address that nobody has
    proved may be somebody else's.
    """
    about = Q(subject__contains=mentioning) | Q(body__contains=mentioning)
    rows = OutboxMessage.objects.filter(about, recipient__in=list(recipients))
    rows.filter(kind__startswith=kind).delete()


def forget_messages_about(things: Collection[str]) -> None:
    """Delete every message that tells of these things, such as `reservation:7`, to whomever."""
    OutboxMessage.objects.filter(about__in=list(things)).delete()


def forget_answers(*, user_id: int, mentioning: Iterable[str], now: datetime) -> None:
    """
    Forget the kept answers to a user's requests, and those that mention these booking codes.

    The keys stay without their bodies, so that a late repeat is refused and not done again.
    """
    scope = f"user:{user_id}"
    IdempotencyKey.objects.filter(scope__in=[scope, digest(scope)], body__isnull=False).update(
        body=None
    )
    # A guest's request is known by an address alone; its answer lives for days, not more.
    recent = IdempotencyKey.objects.filter(created_at__gte=now - KEEP_BODIES, body__isnull=False)
    for locator in mentioning:
        recent.filter(body__contains=locator).update(body=None)


def forget_admin_notes(model: type[Model], ids: Collection[int], *, name: str = "") -> None:
    """
    Empty what staff wrote of what they did to these rows, and why; that they did it stays.

    With `name`, such as `User %s`, the rows are called by that and their number from now on.
    """
    about = Q(content_type=ContentType.objects.get_for_model(model))
    for some in batches(ids):
        entries = LogEntry.objects.filter(about, object_id__in=[str(one) for one in some])
        entries.exclude(change_message="").update(change_message="")
        names = [f"{model._meta.label_lower}:{one}" for one in some]
        Act.objects.filter(about__in=names).exclude(reason="").update(reason="")
        if name:
            for one in some:
                entries.filter(object_id=str(one)).update(object_repr=name % one)


def batches(ids: Collection[int]) -> Iterable[list[int]]:
    """Answer the ids in order, some hundreds at a time."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


def forget_done(*, kind: str) -> int:
    """Delete the messages of a kind that were sent or given up; answer how many."""
    done = Q(sent_at__isnull=False) | Q(given_up_at__isnull=False)
    return OutboxMessage.objects.filter(done, kind=kind).delete()[0]


def messages_to(recipients: Collection[str]) -> list[dict[str, object]]:
    """
    Answer every message to these addresses and numbers, the oldest first, in plain values.

    Those with a one-time code are left out: a file that lies about must not open an account.
    """
    rows = OutboxMessage.objects.filter(recipient__in=list(recipients)).order_by("id")
    rows = rows.exclude(kind="accounts.code")
    return [
        {"at": at, "channel": channel, "to": to, "subject": subject, "text": body}
        for at, channel, to, subject, body in rows.values_list(
            "created_at", "channel", "recipient", "subject", "body"
        )
    ]
