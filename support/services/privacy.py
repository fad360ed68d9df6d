"""
A person's data: handed out in one file, and erased.

Each app knows its own tables and has `export_person` and `erase_person`; this is the top, which
calls them in turn. docs/PRIVACY.md tells what is kept, what is erased and what stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import override

from accounts.models import User
from accounts.services import privacy as people
from accounts.viewers import Viewer
from bookings.services import privacy as reservations
from payments import selectors as payments
from payments.services import privacy as books
from support import documents, notifications
from support.errors import StillNeeded
from support.models import DataExport, Erasure, Report, ReportMessage
from support.selectors import State
from support.services import serving
from support.services.reports import close_report
from travel.common import forgetting
from travel.common.errors import NotFound
from travel.common.models import Job
from travel.common.money import Money
from travel.common.transactions import in_transaction

KIND = "support.export"
# So long a file can be fetched.
KEPT = timedelta(days=7)
# A new one is not made more often.
NOT_BEFORE = timedelta(hours=1)
PAUSE = timedelta(minutes=5)
ERASED_TEXT = "(erased)"


# --- handing out ----------------------------------------------------------------------------------


@in_transaction
def request_export(*, user_id: int, now: datetime) -> DataExport:
    """
    Have a person's data packed; one that is being made, or was made within the hour, is answered.

    The worker makes the file, see `make_export`, and the person is told when it is there.
    """
    # Locked, so that two requests at once do not make two.
    User.objects.select_for_update().get(pk=user_id)
    recent = DataExport.objects.filter(user=user_id).filter(
        Q(ready_at__isnull=True) | Q(asked_at__gt=now - NOT_BEFORE)
    )
    if (known := recent.order_by("-id").first()) is not None:
        return known
    made = DataExport.objects.create(user_id=user_id, asked_at=now)
    Job.objects.create(kind=KIND, reference=str(made.pk), created_at=now, due_at=now)
    return made


@in_transaction
def due_exports(*, now: datetime, limit: int) -> list[int]:
    """
    Answer the exports that are to be made, the oldest first.

    Each is put off by five minutes: one that cannot be made does not hold up the others.
    """
    jobs = list(
        Job.objects.select_for_update()
        .filter(kind=KIND, done_at=None, due_at__lte=now)
        .order_by("due_at", "id")[:limit]
    )
    for job in jobs:
        job.attempts += 1
        job.due_at = now + PAUSE
        job.save(update_fields=["attempts", "due_at"])
    return [int(job.reference) for job in jobs]


@in_transaction
def make_export(*, export_id: int, now: datetime) -> None:
    """Pack a person's data and tell the person; what was made, or is wanted no more, stays so."""
    made = DataExport.objects.select_for_update().filter(id=export_id, ready_at=None).first()
    if made is not None:
        user = User.objects.get(pk=made.user_id)
        with override(user.language):
            made.content = documents.pack(collect(user_id=user.pk, now=now), now=now)
        made.ready_at, made.expires_at = now, now + KEPT
        made.save(update_fields=["content", "ready_at", "expires_at"])
        notifications.export_ready(user=user, expires_at=made.expires_at, now=now)
    Job.objects.filter(kind=KIND, reference=str(export_id)).update(done_at=now)


def collect(*, user_id: int, now: datetime) -> dict[str, Any]:
    """Answer all that the office keeps about a person, app by app, in plain values."""
    email = people.proved_email(user_id=user_id)
    rows = reservations.reservations_of(user_id=user_id, email=email)
    ids = list(rows.order_by("id").values_list("id", flat=True))
    recipients = people.proved_contacts(user_id=user_id)
    return {
        **people.export_person(user_id=user_id),
        **reservations.export_person(user_id=user_id, email=email, now=now),
        **books.export_person(user_id=user_id, reservation_ids=ids),
        "reports": _reports(user_id),
        "staffInYourPlace": serving.export_person(
            user_id=user_id, reservation_ids=ids, contacts=recipients, now=now
        ),
        "messages": forgetting.messages_to(recipients),
    }


def _reports(user_id: int) -> list[dict[str, Any]]:
    rows = Report.objects.filter(user=user_id).select_related("reservation").order_by("id")
    thread: dict[int, list[dict[str, Any]]] = {}
    for report_id, at, is_from_staff, body in (
        ReportMessage.objects.filter(report__user=user_id, is_internal=False)
        .order_by("id")
        .values_list("report_id", "created_at", "is_from_staff", "body")
    ):
        thread.setdefault(report_id, []).append(
            {"at": at, "fromOffice": is_from_staff, "text": body}
        )
    return [
        {
            "category": row.category,
            "state": row.state,
            "number": row.id,
            "goesOnIn": row.merged_into_id,
            "answerOwedBy": row.due_at,
            "locator": row.reservation.locator,
            "at": row.created_at,
            "conversation": thread.get(row.id, []),
        }
        for row in rows
    ]


def latest_export(*, user_id: int, now: datetime) -> DataExport | None:
    """Answer the export that is being made or can be fetched, without its file."""
    rows = DataExport.objects.filter(user=user_id).defer("content")
    return rows.filter(Q(ready_at=None) | Q(expires_at__gt=now)).order_by("-id").first()


def fetch_export(*, user_id: int, export_id: int, now: datetime) -> bytes:
    """
    Answer the file of a person's own export.

    :raises NotFound: there is none of this person, or its days are over.
    """
    row = DataExport.objects.filter(id=export_id, user=user_id, expires_at__gt=now).first()
    if row is None or row.content is None:
        raise NotFound()
    return bytes(row.content)


@in_transaction
def forget_exports(*, now: datetime, limit: int) -> int:
    """Delete the exports whose days are over; answer how many."""
    over = DataExport.objects.filter(expires_at__lte=now).order_by("expires_at", "id")
    ids = list(over.values_list("id", flat=True)[:limit])
    DataExport.objects.filter(id__in=ids).delete()
    Job.objects.filter(kind=KIND, reference__in=[str(one) for one in ids]).delete()
    return len(ids)


# --- erasing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What has to be settled before an account can be erased; nothing when it can be now."""

    trips: list[str]
    balances: list[Money]
    money_under_way: bool
    is_staff: bool

    def __bool__(self) -> bool:
        return bool(self.trips or self.balances or self.money_under_way or self.is_staff)


def obstacles(*, user_id: int, now: datetime) -> Obstacles:
    """Answer what stands in the way of erasing a person."""
    user = User.objects.get(pk=user_id)
    email = people.proved_email(user_id=user_id)
    rows = reservations.reservations_of(user_id=user_id, email=email)
    return Obstacles(
        trips=reservations.open_trips(user_id=user_id, email=email, now=now),
        balances=[one for one in payments.balances(user_id) if one.minor],
        money_under_way=books.has_money_under_way(
            user_id=user_id, reservation_ids=list(rows.values_list("id", flat=True))
        ),
        is_staff=user.is_staff,
    )


def erase_account(
    *, user_id: int, password: str, is_proved: bool, network: str, now: datetime
) -> None:
    """
    Erase a person, at the person's own wish, for good.

    What the books need stays without a name: amounts, dates, seats. Names on receipts stay as long
    as tax law asks. A last message tells the person that it was done, and is then deleted too.

    :raises InvalidInput: the password is wrong.
    :raises Throttled: too many wrong guesses.
    :raises StillNeeded: trips, money or a staff account stand in the way.
    """
    user = User.objects.get(pk=user_id)
    people.check_identity(user=user, password=password, is_proved=is_proved, network=network)
    _erase(user_id, now)


@in_transaction
def _erase(user_id: int, now: datetime) -> None:
    if obstacles(user_id=user_id, now=now):
        raise StillNeeded
    email = people.proved_email(user_id=user_id)
    contacts = people.proved_contacts(user_id=user_id)
    erased = reservations.erase_person(user_id=user_id, email=email, now=now)
    books.erase_person(user_id=user_id, reservation_ids=erased)
    _erase_reports(user_id, now)
    serving.erase_person(user_id=user_id, reservation_ids=erased, contacts=contacts)
    exports = DataExport.objects.filter(user=user_id)
    wanted = [str(one) for one in exports.values_list("id", flat=True)]
    Job.objects.filter(kind=KIND, reference__in=wanted).delete()
    exports.delete()
    farewell = notifications.farewell(user=User.objects.get(pk=user_id))
    # The account comes last and is locked by it. Whoever sells holds it too, so that what was sold
    # meanwhile is seen here, and nothing can be sold to it afterwards.
    people.erase_person(user_id=user_id, now=now)
    if reservations.open_trips(user_id=user_id, email=email, now=now):
        raise StillNeeded
    Erasure.objects.create(user_id=user_id, erased_at=now, reservations=len(erased))
    notifications.send_farewell(farewell, now=now)


def _erase_reports(user_id: int, now: datetime) -> None:
    rows = Report.objects.filter(user=user_id)
    ids = list(rows.values_list("id", flat=True))
    forgetting.forget_admin_notes(Report, ids)
    for some in forgetting.batches(ids):
        ReportMessage.objects.filter(report__in=some).update(body=ERASED_TEXT)
    # Closed as the person would: what else closing means stays in one place.
    for report_id in rows.exclude(state=State.CLOSED).order_by("id").values_list("id", flat=True):
        close_report(viewer=Viewer(user_id=user_id), report_id=report_id, now=now)


def forget_farewells() -> int:
    """Delete the last messages to erased people that were sent or given up; answer how many."""
    return forgetting.forget_done(kind=notifications.FAREWELL)
