"""Passengers' reports and the answers of staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from inventory.ticket_ids import MAX_TICKET_ID
from support import notifications, selectors
from support.errors import MoveNotAllowed, ReportClosed, TooManyMessages, TooManyReports
from support.models import Report, ReportMessage
from support.selectors import MOVES, ReportDetail, State
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.transactions import in_transaction

MAX_TEXT = 5_000
# A passenger's reports that are not closed, at once.
MAX_OPEN_REPORTS = 20
# A passenger's messages since the last answer.
MAX_UNANSWERED = 10


# --- what passengers do ---------------------------------------------------------------------------


@in_transaction
def submit_report(
    *,
    viewer: Viewer,
    reservation_id: int,
    ticket_id: int,
    category: str,
    text: str,
    now: datetime,
) -> ReportDetail:
    """
    Report a problem with a ticket of one's own reservation; the passenger is told that it is here.

    :raises InvalidInput: the category is unknown, or the text is empty or too long.
    :raises NotFound: the reservation is not the viewer's, or the ticket is not of it.
    :raises ProofNeeded: it was only looked up by its code and a name.
    :raises TooManyReports: twenty of the passenger's reports are open.
    """
    _check_text("text", text)
    if category not in selectors.CATEGORIES:
        raise InvalidInput(errors={"category": [_("There is no such category.")]})
    mine = Viewer(user_id=_known(viewer))
    # Whoever booked as a guest and has signed in since is its holder by the link or by the proof.
    holder = replace(viewer, is_support=False)
    reservation = bookings.get_to_change(viewer=holder, reservation_id=reservation_id, now=now)
    if ticket_id not in reservation.tickets:
        raise NotFound()
    still_open = selectors.visible_to(mine).exclude(state=State.CLOSED)
    if still_open.count() >= MAX_OPEN_REPORTS:
        raise TooManyReports()

    row = Report.objects.create(
        reservation_id=reservation.id,
        ticket_id=ticket_id,
        user_id=_known(viewer),
        category=category,
        created_at=now,
    )
    _write(row, viewer, text, now)
    report = selectors.get_report(viewer=mine, report_id=row.pk)
    notifications.report_received(report=report, now=now)
    return report


@in_transaction
def add_message(*, viewer: Viewer, report_id: int, text: str, now: datetime) -> ReportDetail:
    """
    Write to staff about one's own report; one that was answered or closed waits again.

    :raises InvalidInput: the text is empty or too long.
    :raises NotFound: there is no such report of the viewer.
    :raises ReportClosed: it was closed more than thirty days ago.
    :raises TooManyMessages: ten messages have no answer yet.
    """
    _check_text("text", text)
    mine = Viewer(user_id=viewer.user_id)
    row = _locked(mine, report_id)
    if row.closed_at is not None and now >= row.closed_at + selectors.REOPEN_WITHIN:
        raise ReportClosed()
    if _unanswered(row) >= MAX_UNANSWERED:
        raise TooManyMessages()

    _write(row, viewer, text, now)
    if row.state in (State.REVIEWED, State.CLOSED):
        row.state, row.closed_at = State.PENDING, None
        row.save(update_fields=["state", "closed_at"])
    return selectors.get_report(viewer=mine, report_id=row.pk)


@in_transaction
def close_report(*, viewer: Viewer, report_id: int, now: datetime) -> ReportDetail:
    """
    Say that one's own report is settled. One that is closed stays as it is.

    :raises NotFound: there is no such report of the viewer.
    """
    mine = Viewer(user_id=viewer.user_id)
    row = _locked(mine, report_id)
    if row.state != State.CLOSED:
        row.state, row.closed_at = State.CLOSED, now
        row.save(update_fields=["state", "closed_at"])
    return selectors.get_report(viewer=mine, report_id=row.pk)


# --- what staff do --------------------------------------------------------------------------------


@in_transaction
def respond(
    *,
    viewer: Viewer,
    report_id: int,
    answer: str,
    state: str,
    now: datetime,
    is_internal: bool = False,
) -> ReportDetail:
    """
    Answer a report, or note something for colleagues alone, and take the report to a state.

    An answer is sent to the passenger; a note is not. Whoever answers first has the report from
    then on. A move of the state stands in the thread as a note, with who made it.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises InvalidInput: the answer is empty or too long, or there is no such state.
    :raises NotFound: there is no such report.
    :raises MoveNotAllowed: the report does not go from its state to that one.
    """
    check_staff(viewer)
    _check_text("Answer", answer)
    row = _locked(viewer, report_id)
    _check_not_own(viewer, row)
    move = _move(row, state, now)

    message = _write(row, viewer, answer, now, is_from_staff=True, is_internal=is_internal)
    if not is_internal:
        row.answered_at = now
    if row.assigned_to_id is None:
        row.assigned_to_id = viewer.user_id
    row.save(update_fields=["state", "closed_at", "answered_at", "assigned_to"])
    if move:
        _write(row, viewer, move, now, is_from_staff=True, is_internal=True)
    report = selectors.get_report(viewer=viewer, report_id=row.pk)
    if not is_internal:
        notifications.report_answered(report=report, message_id=message.pk, text=answer, now=now)
    return report


# --- how ------------------------------------------------------------------------------------------


def _known(viewer: Viewer) -> int:
    """Answer whose account it is: guests have none, and so no reports."""
    if viewer.user_id is None:
        raise NotFound()
    return viewer.user_id


def check_staff(viewer: Viewer) -> None:
    """Refuse whoever is no staff of the help desk."""
    if not viewer.is_support or viewer.user_id is None:
        raise NotAllowed()


def _check_not_own(viewer: Viewer, row: Report) -> None:
    if row.user_id == viewer.user_id:
        raise NotAllowed(_("A colleague answers your own reports."))


def _check_text(field: str, text: str) -> None:
    if not 1 <= len(text) <= MAX_TEXT:
        raise InvalidInput(
            errors={field: [_("Write 1 to %(most)d characters.") % {"most": MAX_TEXT}]}
        )


def _locked(viewer: Viewer, report_id: int) -> Report:
    """Answer the report's row, locked until the transaction ends, if the viewer may see it."""
    row = None
    if 0 < report_id <= MAX_TICKET_ID:
        row = selectors.visible_to(viewer).select_for_update().filter(pk=report_id).first()
    if row is None:
        raise NotFound()
    return row


def _unanswered(row: Report) -> int:
    """Count the passenger's messages since the last answer that the passenger could read."""
    thread = ReportMessage.objects.filter(report=row, is_internal=False)
    last = thread.filter(is_from_staff=True).order_by("-id").values_list("id", flat=True).first()
    return thread.filter(id__gt=last or 0).count()


def _move(row: Report, state: str, now: datetime) -> str:
    """Take the row to a state without saving it; answer the note of the move, if it is one."""
    if state not in selectors.STATES:
        raise InvalidInput(errors={"ProcessingStatus": [_("There is no such state.")]})
    if state == row.state:
        return ""
    if state not in MOVES[row.state]:
        raise MoveNotAllowed(
            _("A report does not move from %(old)s to %(new)s.") % {"old": row.state, "new": state}
        )
    note = f"{row.state} → {state}"
    row.state = state
    row.closed_at = now if state == State.CLOSED else None
    return note


def _write(
    row: Report,
    viewer: Viewer,
    body: str,
    now: datetime,
    *,
    is_from_staff: bool = False,
    is_internal: bool = False,
) -> ReportMessage:
    return ReportMessage.objects.create(
        report=row,
        author_id=_known(viewer),
        is_from_staff=is_from_staff,
        is_internal=is_internal,
        body=body,
        created_at=now,
    )
