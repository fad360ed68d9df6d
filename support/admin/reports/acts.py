"""What is done about a report from its page: the form of each act, the service, what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from support import reports, services
from support.admin.reports.forms import (
    AnswerForm,
    FileForm,
    GiveForm,
    HolderForm,
    MergeForm,
    NoteForm,
)
from support.reports import Choices, Colleague, Reply
from support.selectors import MOVES, ReportDetail, State

ANSWER_IT = "answer"
Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """An act by the name that its button sends."""

    name: str
    form: Callable[[Any, ReportDetail], forms.Form]
    run: Callable[[Viewer, ReportDetail, Data, datetime], ReportDetail]
    said: Callable[[Data], str]


# --- their forms ----------------------------------------------------------------------------------


def answer_form(data: Any, report: ReportDetail, replies: Iterable[Reply]) -> AnswerForm:
    """Answer the form of an answer; an answered report is what it becomes unless said otherwise."""
    first = State.REVIEWED if State.REVIEWED in MOVES[report.state] else report.state
    return AnswerForm(data, report=report, replies=replies, initial={"state": str(first)})


def forms_of(
    report: ReportDetail,
    bound: dict[str, forms.Form],
    choices: Choices,
) -> dict[str, forms.Form]:
    """Answer the forms of a report's page by their acts; what was sent and refused stays in it."""
    return {
        ANSWER_IT: answer_form(None, report, choices.replies),
        "note": NoteForm(),
        "give": GiveForm(colleagues=_may_get(report, choices.colleagues)),
        "refile": FileForm(initial={"category": report.category}),
        "merge": MergeForm(others=choices.others),
        **bound,
    }


def _may_get(report: ReportDetail, colleagues: Iterable[Colleague]) -> list[Colleague]:
    """List whom it may be given to: not whoever has it, nor whoever wrote it."""
    return [one for one in colleagues if one.id not in (report.assigned_to_id, report.user_id)]


# --- what they do ---------------------------------------------------------------------------------


def _answer(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
    return services.respond(
        viewer=viewer,
        report_id=report.id,
        answer=data["answer"],
        state=data["state"],
        seen=data["seen"],
        once=data["once"],
        now=now,
    )


def _note(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
    return services.respond(
        viewer=viewer,
        report_id=report.id,
        answer=data["note"],
        state=report.state,
        is_internal=True,
        once=data["once"],
        now=now,
    )


def _give(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
    return services.give(
        viewer=viewer,
        report_id=report.id,
        colleague_id=data["colleague"],
        held_by=data["held_by"],
        note=data["words"],
        once=data["once"],
        now=now,
    )


def _give_back(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
    return services.give_back(viewer=viewer, report_id=report.id, held_by=data["held_by"], now=now)


def _refile(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
    return services.refile(viewer=viewer, report_id=report.id, category=data["category"], now=now)


def _merge(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
    return services.merge(viewer=viewer, report_id=report.id, into_id=data["into"], now=now)


def _plain(service: Callable[..., ReportDetail]) -> Callable[..., ReportDetail]:
    def run(viewer: Viewer, report: ReportDetail, data: Data, now: datetime) -> ReportDetail:
        return service(viewer=viewer, report_id=report.id, now=now)

    return run


ACTS: tuple[Act, ...] = (
    Act(
        ANSWER_IT,
        lambda data, report: answer_form(data, report, reports.canned_replies(report)),
        _answer,
        lambda data: _("The answer is sent."),
    ),
    Act("note", lambda data, report: NoteForm(data), _note, lambda data: _("Noted.")),
    Act(
        "take",
        lambda data, report: forms.Form(data),
        _plain(services.take),
        lambda data: _("The report is yours."),
    ),
    Act(
        "give",
        lambda data, report: GiveForm(data, colleagues=_may_get(report, reports.answering_staff())),
        _give,
        lambda data: _("The report is given to a colleague."),
    ),
    Act(
        "give_back",
        lambda data, report: HolderForm(data),
        _give_back,
        lambda data: _("The report is back in the queue."),
    ),
    Act(
        "refile",
        lambda data, report: FileForm(data),
        _refile,
        lambda data: _("The report is filed under another category."),
    ),
    Act(
        "merge",
        lambda data, report: MergeForm(data, others=reports.other_reports(report)),
        _merge,
        lambda data: _("The report is merged into report %(number)d.") % {"number": data["into"]},
    ),
    Act(
        "close",
        lambda data, report: forms.Form(data),
        _plain(services.close),
        lambda data: _("The report is closed."),
    ),
    Act(
        "reopen",
        lambda data, report: forms.Form(data),
        _plain(services.reopen),
        lambda data: _("The report is open again."),
    ),
)
BY_NAME = {act.name: act for act in ACTS}
