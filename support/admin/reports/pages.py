"""
The pages of the reports desk: the queue, and a report with its reservation beside it.

A page carries who had the report, the last message that was on it and a token: two agents at once
do not undo each other, nothing is answered that was not read, and a button pressed twice acts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import selectors as people
from accounts import viewers
from accounts.viewers import Viewer
from inventory.selectors import carrier_choices
from support import reports, selectors
from support.admin.reports import acts, showing
from support.admin.reports.acts import Act
from support.admin.reports.forms import FindForm, QueueForm
from support.models import Report
from support.reports import MOST_ROWS, PER_PAGE, Narrow
from support.selectors import ANSWER, ReportDetail
from travel.common import acts as record
from travel.common import clock
from travel.common.admin_bases import refusals_as_answers
from travel.common.errors import NotAllowed, NotFound, Refusal
from travel.common.ids import new_secret
from travel.common.paging import page_number

MOST_PAGES = MOST_ROWS // PER_PAGE
SEES = "support.view_report"


@dataclass(frozen=True)
class Hand:
    """A member of staff who may read reports, and what the roles allow beyond that."""

    user: Any
    viewer: Viewer

    @cached_property
    def powers(self) -> frozenset[str]:
        roles = [] if self.user.is_superuser else people.role_names(user=self.user)
        return selectors.powers(roles=roles, is_superuser=self.user.is_superuser)

    @property
    def may_answer(self) -> bool:
        return ANSWER in self.powers


def urls(site: Any) -> list[URLPattern]:
    """Answer the pages of the desk, for the staff's site."""

    def at(route: str, view: Any, name: str) -> URLPattern:
        return path(f"reports-desk/{route}", site.admin_view(_bound(site, view)), name=name)

    return [
        at("", queue_view, "reports_desk"),
        at("<int:pk>/", report_view, "reports_desk_report"),
    ]


def _bound(site: Any, view: Any) -> Any:
    """Let in who may read reports, with a second factor where the office asks for one."""

    def bound(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        viewer = viewers.of_user(user)
        if not (viewer.is_support and user.has_perm(SEES)):
            raise PermissionDenied
        # Here and in the page's frame it is asked what the roles allow: they are read once.
        prefetch_related_objects([user], "groups")
        with refusals_as_answers():
            answer: HttpResponse = view(site, request, Hand(user, viewer), **kwargs)
        return answer

    return bound


# --- the queue ------------------------------------------------------------------------------------


def queue_view(site: Any, request: HttpRequest, hand: Hand) -> HttpResponse:
    """Show a tab of the queue, or what a search finds."""
    now = clock.now()
    carriers = carrier_choices()
    asked = _asked(request, carriers)
    narrow = _narrow(asked)
    find = FindForm(request.GET)
    text = find.cleaned_data["find"] if find.is_valid() else ""
    page = page_number(request, parameter="p", last=MOST_PAGES)
    if text:
        found = reports.find(viewer=hand.viewer, text=text, now=now)
    else:
        found = reports.queue(
            viewer=hand.viewer,
            tab=asked["tab"],
            now=now,
            narrow=narrow,
            offset=(page - 1) * PER_PAGE,
            # One more than is shown says whether there is a next page.
            limit=PER_PAGE + 1,
        )
    counts = reports.counts(viewer=hand.viewer, now=now, narrow=narrow)
    return _shown(
        site,
        request,
        "queue",
        title=_("Reports desk"),
        now=now,
        form=QueueForm(initial=asked, carriers=carriers),
        find=FindForm(initial={"find": text}),
        text=text,
        tab="" if text else asked["tab"],
        tabs=showing.tabs(counts, asked),
        rows=[showing.line(row, now) for row in found[:PER_PAGE]],
        is_narrowed=bool(narrow),
        page=page,
        has_next=not text and len(found) > PER_PAGE and page < MOST_PAGES,
        query=showing.query(asked),
    )


def _asked(request: HttpRequest, carriers: list[tuple[int, str]]) -> dict[str, str]:
    """Answer tab and filters; an address that makes no sense asks for all that is open."""
    form = QueueForm(request.GET, carriers=carriers)
    asked = form.cleaned_data if form.is_valid() else {}
    return {
        "tab": asked.get("tab") or reports.OPEN,
        "category": asked.get("category", ""),
        "mode": asked.get("mode", ""),
        "carrier": asked.get("carrier", ""),
    }


def _narrow(asked: dict[str, str]) -> Narrow:
    return Narrow(
        category=asked["category"],
        mode=asked["mode"],
        carrier_id=int(asked["carrier"]) if asked["carrier"] else None,
    )


# --- a report -------------------------------------------------------------------------------------


def report_view(site: Any, request: HttpRequest, hand: Hand, *, pk: int) -> HttpResponse:
    """Show a report with its reservation, or do something about it."""
    if request.method != "POST":
        return _page_of(site, request, hand, pk, {})
    report = selectors.get_report(viewer=hand.viewer, report_id=pk)
    if not hand.may_answer:
        raise NotAllowed()
    act = acts.BY_NAME.get(request.POST.get("do", ""))
    if act is None:
        raise NotFound()
    form = act.form(request.POST, report)
    if "insert" in request.POST:
        return _inserted(site, request, hand, report)
    if not form.is_valid():
        return _page_of(site, request, hand, pk, {act.name: form}, status=HTTPStatus.BAD_REQUEST)
    try:
        done = act.run(hand.viewer, report, form.cleaned_data, clock.now())
    except (NotFound, NotAllowed):
        raise
    except Refusal as refusal:
        return _refused(site, request, hand, report, act, form, refusal)
    said = act.said(form.cleaned_data)
    why = form.cleaned_data.get("words", "")
    # What was sent twice was done once, and is on record once.
    if done != report:
        record.record(request, Report(pk=report.id), said, why=why)
    messages.success(request, said)
    return HttpResponseRedirect(_home(done.id))


def _refused(
    site: Any,
    request: HttpRequest,
    hand: Hand,
    report: ReportDetail,
    act: Act,
    form: forms.Form,
    refusal: Refusal,
) -> HttpResponse:
    """Say why not: beside what was written, so that it is not lost, or above the page."""
    if not form.visible_fields():
        messages.error(request, str(refusal.detail))
        return HttpResponseRedirect(_home(report.id))
    for name, texts in refusal.errors.items():
        form.add_error(name if name in form.fields else None, texts)
    if not refusal.errors:
        form.add_error(None, str(refusal.detail))
    # Read again: what came meanwhile is on the page that says so.
    return _page_of(site, request, hand, report.id, {act.name: form}, status=refusal.status)


def _inserted(site: Any, request: HttpRequest, hand: Hand, report: ReportDetail) -> HttpResponse:
    """Put a canned reply, filled in, below what is written already; nothing is sent."""
    replies = reports.canned_replies(report)
    chosen = request.POST.get("reply", "")
    reply = next((one for one in replies if str(one.pk) == chosen), None)
    data = request.POST.copy()
    data["reply"] = ""
    if reply is not None:
        filled = reports.fill_in(reply, report=report, agent=hand.user.first_name)
        written = data.get("answer", "").rstrip()
        data["answer"] = f"{written}\n\n{filled}" if written else filled
    form = acts.answer_form(None, report, replies)
    form.initial = {name: data.get(name, "") for name in ("answer", "state")}
    return _page_of(site, request, hand, report.id, {acts.ANSWER_IT: form})


def _page_of(
    site: Any,
    request: HttpRequest,
    hand: Hand,
    pk: int,
    bound: dict[str, forms.Form],
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    now: datetime = clock.now()
    report, found = selectors.get_report_and_reservation(viewer=hand.viewer, report_id=pk, now=now)
    may_work = hand.may_answer and report.user_id != hand.viewer.user_id
    choices = reports.choices(report)
    beside = showing.reservation(request, found, report, powers=hand.powers, now=now)
    return _shown(
        site,
        request,
        "page",
        status=status,
        title=_("Report %(number)s") % {"number": report.id},
        now=now,
        report=report,
        state=showing.state(report.state),
        due=showing.due(report.due_at, now, closes_at=report.closes_at),
        thread=showing.thread(report, zone=beside.zone),
        beside=beside,
        others=choices.others,
        is_own=report.user_id == hand.viewer.user_id,
        may_work=may_work,
        is_mine=report.assigned_to_id == hand.viewer.user_id,
        forms=acts.forms_of(report, bound, choices) if may_work else {},
        has_replies=may_work and bool(choices.replies),
        once=new_secret(),
    )


def _home(number: int) -> str:
    return reverse("admin:reports_desk_report", args=[number])


def _shown(
    site: Any, request: HttpRequest, name: str, *, status: int = HTTPStatus.OK, **shown: Any
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"admin/support/report/{name}.html",
        {**site.each_context(request), **shown},
        status=int(status),
    )


def button(request: HttpRequest) -> tuple[Any, str] | None:
    """Answer the overview's button to the desk, for whoever may read reports."""
    user: Any = request.user
    return (
        (gettext_lazy("Reports desk"), reverse("admin:reports_desk"))
        if user.has_perm(SEES)
        else None
    )
