"""
Passengers' reports and the answers of staff.

From the first message of a passenger that has no answer the office owes one, within the time of the
report's category: further messages do not put it off, notes of staff do not either. An answer that
the passenger can read settles it, and so does closing.

What is answered waits for the passenger, and is closed by itself when nobody has written for a time
(REPORT_CLOSES_AFTER). Who comes back then opens it again, as if a person had closed it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from inventory.ticket_ids import MAX_TICKET_ID
from support import notifications, reports, selectors
from support.errors import (
    MoveNotAllowed,
    ReportChanged,
    ReportClosed,
    ReportMerged,
    ReportTaken,
    TooManyMessages,
    TooManyReports,
)
from support.models import Report, ReportMessage
from support.selectors import ANSWER_WITHIN, MOVES, ReportDetail, State
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.transactions import in_transaction

Event = ReportMessage.Event
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
        waiting_since=now,
        due_at=now + ANSWER_WITHIN[category],
    )
    _write(row, viewer, text, now)
    report = selectors.get_report(viewer=mine, report_id=row.pk)
    notifications.report_received(report=report, now=now)
    return report


@in_transaction
def add_message(*, viewer: Viewer, report_id: int, text: str, now: datetime) -> ReportDetail:
    """
    Write to staff about one's own report; one that was answered or closed waits again.

    What is written to a report that was merged goes to the one it was merged into, whatever page or
    client it comes from: nothing that somebody wrote is lost. The answer is that report.

    :raises InvalidInput: the text is empty or too long.
    :raises NotFound: there is no such report of the viewer.
    :raises ReportClosed: it was closed more than thirty days ago.
    :raises TooManyMessages: ten messages have no answer yet.
    """
    _check_text("text", text)
    mine = Viewer(user_id=viewer.user_id)
    row = _locked_end(mine, report_id)
    if row.closed_at is not None and now >= row.closed_at + selectors.REOPEN_WITHIN:
        raise ReportClosed()
    if _unanswered(row) >= MAX_UNANSWERED:
        raise TooManyMessages()

    _write(row, viewer, text, now)
    if row.state in (State.REVIEWED, State.CLOSED):
        row.state, row.closed_at = State.PENDING, None
    _owe(row, now)
    _save(row, "state", "closed_at", now=now)
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
        _owe_nothing(row)
        _save(row, "state", "closed_at", now=now)
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
    seen: int | None = None,
    once: str | None = None,
) -> ReportDetail:
    """
    Answer a report, or note something for colleagues alone, and take the report to a state.

    An answer is sent to the passenger; a note is not. Whoever answers first has the report from
    then on. A move of the state stands in the thread, with who made it. `seen` is the number of the
    latest message that the writer has read, `once` the token of the page: sent twice, done once.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises InvalidInput: the answer is empty or too long, or there is no such state.
    :raises NotFound: there is no such report.
    :raises ReportMerged: it was merged into another one.
    :raises ReportChanged: somebody else has written after what was seen; an answer waits for that.
    :raises MoveNotAllowed: the report does not go from its state to that one.
    """
    check_staff(viewer)
    _check_text("Answer", answer)
    row = _locked(viewer, report_id)
    _check_not_own(viewer, row)
    if _is_written(once):
        return selectors.get_report(viewer=viewer, report_id=row.pk)
    _check_not_merged(row)
    if seen is not None and not is_internal:
        _check_seen(viewer, row, seen)
    was_closed = row.state == State.CLOSED
    move = _move(row, state, now)

    message = _write(
        row, viewer, answer, now, is_from_staff=True, is_internal=is_internal, once=once
    )
    if not is_internal:
        row.answered_at = now
    if not is_internal or row.state == State.CLOSED:
        _owe_nothing(row)
    elif was_closed:
        _owe(row, now)
    if row.assigned_to_id is None:
        row.assigned_to_id = viewer.user_id
    _save(row, "state", "closed_at", "answered_at", "assigned_to", now=now, is_said=True)
    if move:
        _tell(row, viewer, Event.MOVED, move, now)
    report = selectors.get_report(viewer=viewer, report_id=row.pk)
    if not is_internal:
        notifications.report_answered(report=report, message_id=message.pk, text=answer, now=now)
    return report


@in_transaction
def take(*, viewer: Viewer, report_id: int, now: datetime) -> ReportDetail:
    """
    Take a report that nobody has, to work on it. Who has it already keeps it.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises NotFound: there is no such report.
    :raises ReportMerged: it was merged into another one.
    :raises MoveNotAllowed: it is closed.
    :raises ReportTaken: a colleague has it; the message says who.
    """
    row = _on_the_desk(viewer, report_id)
    if row.assigned_to_id == viewer.user_id:
        return selectors.get_report(viewer=viewer, report_id=row.pk)
    _check_open(row)
    _check_holder(row, None)

    _hand_to(row, _known(viewer))
    _save(row, "state", "assigned_to", now=now)
    _tell(row, viewer, Event.TAKEN, _holder(row), now)
    return selectors.get_report(viewer=viewer, report_id=row.pk)


@in_transaction
def give(
    *,
    viewer: Viewer,
    report_id: int,
    colleague_id: int,
    held_by: int | None,
    now: datetime,
    note: str = "",
    once: str | None = None,
) -> ReportDetail:
    """
    Give a report to somebody who may answer it, oneself included, with a note where there is one.

    `held_by` is who had it when that was decided: two who give it away at once do not undo each
    other. `once` is the token of the page.

    :raises NotAllowed: the viewer is no staff, or the report is the viewer's or the colleague's.
    :raises InvalidInput: the colleague does not answer reports, or the note is too long.
    :raises NotFound: there is no such report.
    :raises ReportMerged: it was merged into another one.
    :raises MoveNotAllowed: it is closed.
    :raises ReportTaken: somebody else has it meanwhile; the message says who.
    """
    if note:
        _check_text("note", note)
    row = _on_the_desk(viewer, report_id)
    colleague = next((one for one in reports.answering_staff() if one.id == colleague_id), None)
    if colleague is None:
        raise InvalidInput(errors={"colleague": [_("This person does not answer reports.")]})
    if row.user_id == colleague.id:
        raise NotAllowed(_("Nobody answers their own reports."))
    if _is_written(once):
        return selectors.get_report(viewer=viewer, report_id=row.pk)
    _check_open(row)
    if row.assigned_to_id != colleague.id:
        _check_holder(row, held_by)
        _hand_to(row, colleague.id)
        _save(row, "state", "assigned_to", now=now)
        _tell(row, viewer, Event.GIVEN, colleague.name, now)
    if note:
        _write(row, viewer, note, now, is_from_staff=True, is_internal=True, once=once)
        _save(row, now=now, is_said=True)
    return selectors.get_report(viewer=viewer, report_id=row.pk)


@in_transaction
def give_back(
    *, viewer: Viewer, report_id: int, held_by: int | None, now: datetime
) -> ReportDetail:
    """
    Give a report back to the queue. One that nobody has stays as it is.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises NotFound: there is no such report.
    :raises ReportMerged: it was merged into another one.
    :raises MoveNotAllowed: it is closed.
    :raises ReportTaken: somebody else has it meanwhile; the message says who.
    """
    row = _on_the_desk(viewer, report_id)
    if row.assigned_to_id is None:
        return selectors.get_report(viewer=viewer, report_id=row.pk)
    _check_open(row)
    _check_holder(row, held_by)

    had = _holder(row)
    row.assigned_to = None
    if row.state == State.IN_PROGRESS and row.waiting_since is not None:
        row.state = State.PENDING
    _save(row, "state", "assigned_to", now=now)
    _tell(row, viewer, Event.RETURNED, had, now)
    return selectors.get_report(viewer=viewer, report_id=row.pk)


@in_transaction
def refile(*, viewer: Viewer, report_id: int, category: str, now: datetime) -> ReportDetail:
    """
    File a report under another category; what is owed is due by that category's time.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises InvalidInput: the category is unknown.
    :raises NotFound: there is no such report.
    :raises ReportMerged: it was merged into another one.
    """
    if category not in selectors.CATEGORIES:
        raise InvalidInput(errors={"category": [_("There is no such category.")]})
    row = _on_the_desk(viewer, report_id)
    if row.category != category:
        old, row.category = row.category, category
        if row.waiting_since is not None:
            row.due_at = row.waiting_since + ANSWER_WITHIN[category]
        _save(row, "category", now=now)
        _tell(row, viewer, Event.FILED, f"{old} → {category}", now)
    return selectors.get_report(viewer=viewer, report_id=row.pk)


@in_transaction
def merge(*, viewer: Viewer, report_id: int, into_id: int, now: datetime) -> ReportDetail:
    """
    Merge a report into another open one of the same passenger; answer that one.

    The first is closed, its messages stay where they are and are read in the thread of the other,
    and so are those of reports that had been merged into it: whatever was merged leads to a report
    that was not. An answer that was owed is owed there, no later than it was. Sent twice, it is
    done once.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises InvalidInput: it is the same report, or another passenger's.
    :raises NotFound: there is no such report.
    :raises ReportMerged: one of them was merged into another one already.
    :raises MoveNotAllowed: the other one is closed.
    """
    check_staff(viewer)
    if report_id == into_id:
        raise InvalidInput(errors={"into": [_("A report is not merged into itself.")]})
    row, other = _locked_pair(viewer, report_id, into_id)
    _check_not_own(viewer, row)
    if row.merged_into_id == other.pk:
        return selectors.get_report(viewer=viewer, report_id=other.pk)
    _check_not_merged(row)
    _check_not_merged(other)
    if row.user_id != other.user_id:
        raise InvalidInput(errors={"into": [_("That report is another passenger's.")]})
    _check_open(other)

    _take_over(other, row)
    _save(other, "state", "assigned_to", now=now)
    Report.objects.filter(merged_into=row).update(merged_into=other)
    row.merged_into = other
    if row.state != State.CLOSED:
        row.state, row.closed_at = State.CLOSED, now
    _owe_nothing(row)
    _save(row, "merged_into", "state", "closed_at", now=now)
    _tell(row, viewer, Event.MERGED, f"#{other.pk}", now)
    _tell(other, viewer, Event.JOINED, f"#{row.pk}", now)
    return selectors.get_report(viewer=viewer, report_id=other.pk)


@in_transaction
def close(*, viewer: Viewer, report_id: int, now: datetime) -> ReportDetail:
    """
    Close a report without a word to the passenger. One that is closed stays as it is.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises NotFound: there is no such report.
    :raises ReportMerged: it was merged into another one.
    """
    row = _on_the_desk(viewer, report_id)
    if row.state != State.CLOSED:
        move = _move(row, State.CLOSED, now)
        _owe_nothing(row)
        _save(row, "state", "closed_at", now=now)
        _tell(row, viewer, Event.MOVED, move, now)
    return selectors.get_report(viewer=viewer, report_id=row.pk)


@in_transaction
def reopen(*, viewer: Viewer, report_id: int, now: datetime) -> ReportDetail:
    """
    Open a closed report again: from now on an answer is owed. One that is open stays as it is.

    One that was merged is taken out again and stands on its own.

    :raises NotAllowed: the viewer is no staff, or it is their own report.
    :raises NotFound: there is no such report.
    """
    check_staff(viewer)
    row = _locked(viewer, report_id)
    _check_not_own(viewer, row)
    if row.state != State.CLOSED:
        return selectors.get_report(viewer=viewer, report_id=row.pk)
    parted_from, row.merged_into = row.merged_into_id, None
    move = _move(row, State.IN_PROGRESS, now)
    _owe(row, now)
    _save(row, "merged_into", "state", "closed_at", now=now)
    if parted_from is not None:
        _tell(row, viewer, Event.PARTED, f"#{parted_from}", now)
    _tell(row, viewer, Event.MOVED, move, now)
    return selectors.get_report(viewer=viewer, report_id=row.pk)


# --- what happens by itself -----------------------------------------------------------------------


def due_to_close(*, now: datetime, limit: int) -> list[int]:
    """Answer the answered reports on which nobody has written for long, the longest first."""
    due = Report.objects.filter(closes_at__lte=now).order_by("closes_at", "id")
    return list(due.values_list("id", flat=True)[:limit])


@in_transaction
def close_lapsed(*, report_id: int, now: datetime) -> bool:
    """
    Close an answered report whose time is over, and tell the passenger once; say whether it was.

    One that somebody wrote on or closed meanwhile, another worker too, is left as it is. The thread
    says that it closed by itself, and the passenger comes back as to any closed report.
    """
    row = Report.objects.select_for_update().filter(pk=report_id, closes_at__lte=now).first()
    if row is None:
        return False
    move = _move(row, State.CLOSED, now)
    _save(row, "state", "closed_at", now=now)
    event = _tell(row, None, Event.LAPSED, move, now)
    report = selectors.get_report(viewer=Viewer(user_id=row.user_id), report_id=row.pk)
    notifications.report_lapsed(report=report, event_id=event.pk, now=now)
    return True


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


def _on_the_desk(viewer: Viewer, report_id: int) -> Report:
    """Answer the report's row, locked, for staff who may work on it."""
    check_staff(viewer)
    row = _locked(viewer, report_id)
    _check_not_own(viewer, row)
    _check_not_merged(row)
    return row


def _check_not_merged(row: Report) -> None:
    if row.merged_into_id is not None:
        raise ReportMerged(
            _("Report %(one)d is gone on with in report %(other)d.")
            % {"one": row.pk, "other": row.merged_into_id}
        )


def _check_open(row: Report) -> None:
    if row.state == State.CLOSED:
        raise MoveNotAllowed(
            _("Report %(number)d is closed. Reopen it first.") % {"number": row.pk}
        )


def _check_holder(row: Report, held_by: int | None) -> None:
    """Refuse where another one has the report than who was thought to have it."""
    if row.assigned_to_id == held_by:
        return
    if row.assigned_to_id is None:
        raise ReportTaken(_("Nobody has this report any more."))
    raise ReportTaken(_("%(name)s has this report.") % {"name": _holder(row)})


def _holder(row: Report) -> str:
    """Answer the name of who has the report, empty where nobody does."""
    return row.assigned_to.known_as if row.assigned_to else ""


def _check_seen(viewer: Viewer, row: Report, seen: int) -> None:
    """Refuse an answer where somebody else has written after the message that was seen last."""
    thread = ReportMessage.objects.filter(Q(report=row) | Q(report__merged_into=row), event="")
    if thread.filter(id__gt=seen).exclude(author_id=viewer.user_id).exists():
        raise ReportChanged()


def _is_written(once: str | None) -> bool:
    """Say whether the page with this token was sent before; the report's lock is held."""
    return bool(once) and ReportMessage.objects.filter(once=once).exists()


def _owe(row: Report, now: datetime) -> None:
    """Owe the passenger an answer from now on, unless one is owed already."""
    if row.waiting_since is None:
        row.waiting_since, row.due_at = now, now + ANSWER_WITHIN[row.category]


def _owe_nothing(row: Report) -> None:
    row.waiting_since = row.due_at = None


def _save(row: Report, *columns: str, now: datetime, is_said: bool = False) -> None:
    """
    Save these columns, what is owed, and when the report closes by itself.

    It does if it waits for the passenger: so long after the last word, which this is if `is_said`.
    """
    if row.state != State.REVIEWED or row.due_at is not None:
        row.closes_at = None
    elif is_said or row.closes_at is None:
        row.closes_at = now + settings.REPORT_CLOSES_AFTER
    row.save(update_fields=[*columns, "waiting_since", "due_at", "closes_at"])


def _hand_to(row: Report, user_id: int) -> None:
    """Put somebody in charge; what waited is being looked at from then on."""
    row.assigned_to_id = user_id
    if row.state == State.PENDING:
        row.state = State.IN_PROGRESS


def _take_over(row: Report, merged: Report) -> None:
    """Make a report answer for another one too: by the earlier time, and by who had it."""
    if row.assigned_to_id is None:
        row.assigned_to_id = merged.assigned_to_id
    if merged.waiting_since is None or merged.due_at is None:
        return
    if row.state == State.REVIEWED:
        row.state = State.PENDING
    row.waiting_since = min(row.waiting_since or merged.waiting_since, merged.waiting_since)
    row.due_at = min(row.due_at or merged.due_at, merged.due_at)


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


def _locked_pair(viewer: Viewer, one_id: int, other_id: int) -> tuple[Report, Report]:
    """Answer two reports, locked in the order of their numbers."""
    found = {number: _locked(viewer, number) for number in sorted((one_id, other_id))}
    return found[one_id], found[other_id]


def _locked_end(viewer: Viewer, report_id: int) -> Report:
    """
    Answer the report, locked; of one that was merged, the report that it is gone on with in.

    Where it goes on is read before anything is locked, so that one row is locked and not two.
    """
    if not 0 < report_id <= MAX_TICKET_ID:
        raise NotFound()
    mine = selectors.visible_to(viewer).filter(pk=report_id)
    row = _locked(viewer, mine.values_list("merged_into_id", flat=True).first() or report_id)
    return row if row.merged_into_id is None else _locked(viewer, row.merged_into_id)


def _unanswered(row: Report) -> int:
    """Count the passenger's messages since the last answer that the passenger could read."""
    thread = ReportMessage.objects.filter(report=row, is_internal=False)
    last = thread.filter(is_from_staff=True).order_by("-id").values_list("id", flat=True).first()
    return thread.filter(id__gt=last or 0).count()


def _move(row: Report, state: str, now: datetime) -> str:
    """Take the row to a state without saving it; answer the words of the move, if it is one."""
    if state not in selectors.STATES:
        raise InvalidInput(errors={"ProcessingStatus": [_("There is no such state.")]})
    if state == row.state:
        return ""
    if state not in MOVES[row.state]:
        raise MoveNotAllowed(
            _("A report does not move from %(old)s to %(new)s.") % {"old": row.state, "new": state}
        )
    words = f"{row.state} → {state}"
    row.state = state
    row.closed_at = now if state == State.CLOSED else None
    return words


def _write(
    row: Report,
    viewer: Viewer,
    body: str,
    now: datetime,
    *,
    is_from_staff: bool = False,
    is_internal: bool = False,
    once: str | None = None,
) -> ReportMessage:
    return ReportMessage.objects.create(
        report=row,
        author_id=_known(viewer),
        is_from_staff=is_from_staff,
        is_internal=is_internal,
        body=body,
        once=once or None,
        created_at=now,
    )


def _tell(
    row: Report, viewer: Viewer | None, event: str, words: str, now: datetime
) -> ReportMessage:
    """Write down in the thread, for staff, what one of them did to the report, or nobody."""
    return ReportMessage.objects.create(
        report=row,
        author_id=_known(viewer) if viewer else None,
        is_from_staff=True,
        is_internal=True,
        event=event,
        body=words,
        created_at=now,
    )
