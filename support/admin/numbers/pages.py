"""The pages of the reports: filters, chart and table, the file, and who gets it by e-mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import User
from inventory.models import Carrier, Mode
from inventory.selectors import carrier_choices
from support.admin.numbers.lookups import day_field, file_view, links, look_up_view
from support.analytics import catalogue, written
from support.analytics.catalogue import Asked, Report
from support.analytics.days import last_days, month_of, today, zone
from support.analytics.revenue import totals
from support.analytics.rights import Rights, rights_of
from support.models import Subscription
from support.services import subscriptions
from travel.common import acts, clock
from travel.common.admin_bases import refusals_as_answers
from travel.common.errors import InvalidInput
from travel.common.sheets import csv_file

# The page shows so many rows, all the days of a year among them; the file has them all.
ROWS_SHOWN = 400


class FilterForm(forms.Form):
    """What a report is asked for. What is left out is as it is usually."""

    first = day_field(label=gettext_lazy("From"), required=False)
    last = day_field(label=gettext_lazy("To"), required=False)
    by = forms.ChoiceField(label=gettext_lazy("By"), required=False)
    carrier = forms.TypedChoiceField(
        label=gettext_lazy("Carrier"), required=False, coerce=int, empty_value=None
    )
    mode = forms.ChoiceField(label=gettext_lazy("Mode"), required=False)

    def __init__(self, *args: Any, report: Report, rights: Rights, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        every = [("", _("All"))]
        if not report.has_span:
            del self.fields["first"], self.fields["last"]
        if report.by:
            self.fields["by"].choices = list(report.by.items())  # type: ignore[attr-defined]
        else:
            del self.fields["by"]
        if report.by_carrier:
            own = rights.carriers(report.room)
            self.fields["carrier"].choices = [  # type: ignore[attr-defined]
                *every,
                *carrier_choices(own),
            ]
        else:
            del self.fields["carrier"]
        if report.by_mode:
            self.fields["mode"].choices = [*every, *Mode.choices]  # type: ignore[attr-defined]
        else:
            del self.fields["mode"]


class SubscribeForm(forms.Form):
    """How often a report is sent."""

    every = forms.ChoiceField(label=gettext_lazy("How often"), choices=Subscription.Every.choices)


# --- where they stand -----------------------------------------------------------------------------


def urls(site: Any) -> list[URLPattern]:
    """Answer the pages of the numbers, for the staff's site."""
    view = site.admin_view
    return [
        path("numbers/", view(_with(site, list_view)), name="numbers"),
        path(
            "numbers/look-ups/<slug:name>/",
            view(_with(site, look_up_view)),
            name="numbers_look_up",
        ),
        path(
            "numbers/look-ups/<slug:name>.csv",
            view(_with(site, file_view)),
            name="numbers_look_up_csv",
        ),
        path("numbers/<slug:name>/", view(_with(site, report_view)), name="numbers_report"),
        path("numbers/<slug:name>.csv", view(_with(site, csv_view)), name="numbers_csv"),
        path(
            "numbers/<slug:name>/subscribe/",
            view(require_POST(_with(site, subscribe_view))),
            name="numbers_subscribe",
        ),
        path(
            "numbers/subscriptions/<int:pk>/stop/",
            view(require_POST(_with(site, stop_view))),
            name="numbers_stop",
        ),
    ]


def _with(site: Any, view: Any) -> Any:
    def bound(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with refusals_as_answers():
            answer: HttpResponse = view(site, request, **kwargs)
        return answer

    return bound


# --- pages ----------------------------------------------------------------------------------------


def list_view(site: Any, request: HttpRequest) -> HttpResponse:
    """List the reports that the reader may see, and what comes by e-mail."""
    user: Any = request.user
    found = catalogue.reports_for(rights_of(user))
    if not found:
        raise PermissionDenied
    context = {
        **site.each_context(request),
        "title": _("Numbers"),
        "reports": [
            {
                "title": report.title,
                "says": report.says,
                "href": reverse("admin:numbers_report", args=[report.name]),
            }
            for report in found
        ],
        "look_ups": links(rights_of(user)),
        "zone": zone(),
        "subscriptions": _subscriptions(user),
    }
    return TemplateResponse(request, "admin/support/numbers/list.html", context)


def _subscriptions(user: User) -> list[dict[str, Any]]:
    """Answer what comes to somebody by e-mail, each with what tells it from the others."""
    rows = subscriptions.subscriptions_of(user=user)
    carriers = subscriptions.chosen_carriers(rows)
    return [_subscription(row, carriers.get(row.pk)) for row in rows]


def _subscription(row: Subscription, carrier: Carrier | None) -> dict[str, Any]:
    shown = {"id": row.pk, "every": row.get_every_display(), "due_at": row.due_at}
    report = catalogue.REPORTS.get(row.report)
    if report is None:
        return {**shown, "title": row.report}
    chosen = {"by": row.filters["by"], "carrier": carrier, "mode": row.filters["mode"]}
    page = reverse("admin:numbers_report", args=[report.name])
    return {
        **shown,
        "title": report.title,
        "choices": written.choices_text(report, **chosen),
        "href": f"{page}?{written.choices_query(**chosen)}".rstrip("?"),
    }


def report_view(site: Any, request: HttpRequest, name: str) -> HttpResponse:
    """Show a report: its filters, a chart, and the table."""
    report, rights = _report(request, name)
    form = FilterForm(request.GET or None, report=report, rights=rights)
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": report.title,
        "report": report,
        "form": form,
        "zone": zone(),
        "csv_href": "",
    }
    try:
        asked = _asked(request, report, rights, form)
    except InvalidInput as problem:
        for text in problem.errors.values():
            form.add_error(None, text)
        asked = None
    if asked is not None:
        context |= _answer(request, report, asked)
        # What was left out is shown as it was taken.
        chosen = form.cleaned_data if form.is_bound else {}
        taken = {"first": asked.over.first, "last": asked.over.last, "by": asked.by}
        context["form"] = FilterForm(report=report, rights=rights, initial={**chosen, **taken})
    status = 200 if asked is not None else 400
    return TemplateResponse(request, "admin/support/numbers/report.html", context, status=status)


def _answer(request: HttpRequest, report: Report, asked: Asked) -> dict[str, Any]:
    found = report.run(asked)
    by_title = str(report.by.get(asked.by, _("What")))
    if not report.by:
        by_title = str({"holds": _("Day"), "users": _("Month")}.get(report.name, _("What")))
    return {
        "asked": asked,
        "sums": totals(found.rows) if report.name == "revenue" else [],
        "charts": written.charts_of(report, found.rows, _drawn(report)),
        "table": written.table(report, found.rows[:ROWS_SHOWN], by_title=by_title),
        "rows_found": found.every,
        "rows_shown": min(len(found.rows), ROWS_SHOWN),
        "query": request.GET.urlencode(),
        "usual": _usual(request, report, asked),
        "csv_href": reverse("admin:numbers_csv", args=[report.name])
        + (f"?{request.GET.urlencode()}" if request.GET else ""),
        "subscribe_form": SubscribeForm(label_suffix=""),
    }


def _drawn(report: Report) -> str:
    """Say what a report's charts show: the report, and which of its columns."""
    title = str(report.title)
    column = str(written.drawn_column(report).title) if report.drawn else title
    if column == title:
        return title
    return _("%(report)s: %(column)s") % {"report": title, "column": column}


def _usual(request: HttpRequest, report: Report, asked: Asked) -> list[dict[str, Any]]:
    """Answer links to the days that are asked for most, with the other filters as they are."""
    if not report.has_span:
        return []
    this_month = month_of(today(now=asked.now))
    spans = {
        _("This month"): this_month,
        _("Last month"): month_of(this_month.first - timedelta(days=1)),
        _("The last 12 months"): last_days(365, now=asked.now),
    }
    links = []
    for title, over in spans.items():
        query = request.GET.copy()
        query["first"], query["last"] = str(over.first), str(over.last)
        links.append(
            {"title": title, "href": f"?{query.urlencode()}", "is_shown": over == asked.over}
        )
    return links


def csv_view(site: Any, request: HttpRequest, name: str) -> Any:
    """Answer a report as a file."""
    report, rights = _report(request, name)
    form = FilterForm(request.GET or None, report=report, rights=rights)
    try:
        asked = _asked(request, report, rights, form)
    except InvalidInput:
        asked = None
    if asked is None:
        address = reverse("admin:numbers_report", args=[name])
        return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
    rows = report.run(asked).rows
    name = written.file_name(report, asked)
    acts.record(request, None, f"{report.title}: {name}", kind=acts.Kind.EXPORTED)
    return csv_file(name, written.file_head(report), written.file_rows(report, rows))


def subscribe_view(site: Any, request: HttpRequest, name: str) -> HttpResponse:
    """Send the report with these filters by e-mail from now on."""
    report, rights = _report(request, name)
    filters = FilterForm(request.GET or None, report=report, rights=rights)
    form = SubscribeForm(request.POST)
    address = reverse("admin:numbers_report", args=[name])
    if form.is_valid() and (not filters.is_bound or filters.is_valid()):
        data = filters.cleaned_data if filters.is_bound else {}
        subscriptions.subscribe(
            user=request.user,  # type: ignore[arg-type]
            report=report.name,
            by=data.get("by") or "",
            carrier_id=data.get("carrier"),
            mode=data.get("mode") or "",
            every=form.cleaned_data["every"],
            now=clock.now(),
        )
        messages.success(request, _("From now on it comes by e-mail."))
    return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")


def stop_view(site: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Stop sending a report to the reader."""
    subscriptions.stop(subscription_id=pk, user=request.user, now=clock.now())  # type: ignore[arg-type]
    messages.success(request, _("It comes no more."))
    return HttpResponseRedirect(reverse("admin:numbers"))


def _report(request: HttpRequest, name: str) -> tuple[Report, Rights]:
    rights = rights_of(request.user)  # type: ignore[arg-type]
    return catalogue.get_report(name=name, rights=rights), rights


def _asked(request: HttpRequest, report: Report, rights: Rights, form: FilterForm) -> Asked | None:
    if form.is_bound and not form.is_valid():
        return None
    data = form.cleaned_data if form.is_bound else {}
    return catalogue.ask(
        report,
        rights=rights,
        first=data.get("first"),
        last=data.get("last"),
        by=data.get("by") or "",
        carrier_id=data.get("carrier"),
        mode=data.get("mode") or "",
        now=clock.now(),
    )
