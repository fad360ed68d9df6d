"""Recurring timetables: kept by hand, and published as dated departures after a look."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.admin.guard import OfOwnCarriers, OwnCarriers
from inventory.models import PatternCall, TimetablePattern
from inventory.reach import reach_of
from inventory.services import patterns
from travel.common import clock
from travel.common.admin_bases import (
    ClosedAdmin,
    Finding,
    HistoryAdmin,
    as_typed,
    upper,
    whole_number,
)
from travel.common.errors import InvalidInput

WEEKDAYS = [
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
]
SHORT = [_("Mo"), _("Tu"), _("We"), _("Th"), _("Fr"), _("Sa"), _("Su")]


def days_of(weekdays: int) -> list[int]:
    """Answer the days whose bits are set, Monday first."""
    return [day for day in range(7) if weekdays >> day & 1]


class PatternForm(forms.ModelForm):
    """Days as boxes to tick, and a vehicle of the service's own carrier."""

    days = forms.TypedMultipleChoiceField(
        label=_("Days"), coerce=int, choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["days"] = days_of(self.instance.weekdays)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        service = data.get("service") or getattr(self.instance, "service", None)
        vehicle = data.get("vehicle")
        if service and vehicle and service.carrier_id != vehicle.carrier_id:
            self.add_error("vehicle", _("This vehicle is another carrier's."))
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and not 0 <= (last - first).days < patterns.MOST_DAYS:
            self.add_error("last_day", _("Write a period of at most 550 days."))
        return data

    def save(self, commit: bool = True) -> Any:
        self.instance.weekdays = sum(1 << day for day in self.cleaned_data["days"])
        return super().save(commit)


class CallFormSet(BaseInlineFormSet):
    """Calls that make a way: in order, with times that run forward."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        calls = [
            form.instance
            for form in self.forms
            if form.has_changed() or form.instance.pk
            if not form.cleaned_data.get("DELETE")
        ]
        try:
            patterns.check_calls(sorted(calls, key=lambda call: call.position))
        except InvalidInput as refusal:
            raise forms.ValidationError(
                [text for texts in refusal.errors.values() for text in texts]
            ) from refusal


class PatternCallInline(OfOwnCarriers, Finding, admin.TabularInline):
    """The calls, minutes counted from the first."""

    model = PatternCall
    formset = CallFormSet
    fields = ["position", "station", "arrives", "departs", "platform"]
    autocomplete_fields = ["station"]
    extra = 2


@admin.register(TimetablePattern)
class TimetablePatternAdmin(OwnCarriers, HistoryAdmin):
    """A service that runs on the same days of each week of a period."""

    form = PatternForm
    list_display = ["service", "run", "days_run", "leaves", "first_day", "last_day", "vehicle"]
    fields = ["service", "run", "vehicle", "days", "leaves", "first_day", "last_day"]
    list_select_related = ["service", "vehicle"]
    autocomplete_fields = ["service", "vehicle"]
    find_by = [("pk", whole_number), ("service__number", as_typed), ("service__number", upper)]
    search_help_text = _("Number of the pattern, or of the service as travellers read it.")
    inlines = [PatternCallInline]
    change_form_template = "admin/inventory/pattern.html"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let a pattern go with its calls, which nobody deletes one by one."""
        gone, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return gone, counts, set(lacking) - {PatternCall._meta.verbose_name}, protected

    @admin.display(description=_("days"))
    def days_run(self, pattern: TimetablePattern) -> str:
        return " ".join(str(SHORT[day]) for day in days_of(pattern.weekdays))

    def get_urls(self) -> list[URLPattern]:
        publish = path(
            "<path:object_id>/publish/",
            self.admin_site.admin_view(self.publish_view),
            name="inventory_timetablepattern_publish",
        )
        return [publish, *super().get_urls()]

    def publish_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what publishing would change, or do it."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        reach = reach_of(request.user)
        if not self.has_change_permission(request, row) or not reach.may_change(
            row.service.carrier_id
        ):
            raise PermissionDenied
        page = reverse("admin:inventory_timetablepattern_change", args=[row.pk])
        try:
            if request.method == "POST":
                done = patterns.publish_pattern(pattern_id=row.pk, now=clock.now())
                said = gettext(
                    "Added %(added)d, replaced %(replaced)d, withdrawn %(withdrawn)d; "
                    "%(pending)d wait for the departures desk."
                ) % {
                    "added": done.added,
                    "replaced": done.replaced,
                    "withdrawn": done.withdrawn,
                    "pending": done.pending,
                }
                self.log_change(request, row, said)
                messages.success(request, said)
                return HttpResponseRedirect(page)
            plan = patterns.preview_pattern(pattern_id=row.pk, now=clock.now())
        except InvalidInput as refusal:
            for texts in refusal.errors.values():
                for text in texts:
                    messages.error(request, text)
            return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Publish a timetable"),
            "opts": self.opts,
            "original": row,
            "plan": plan,
        }
        return TemplateResponse(request, "admin/inventory/publish.html", context)


@admin.register(PatternCall)
class PatternCallAdmin(ClosedAdmin):
    """Calls of patterns, to look at; they are kept on the pattern's page."""

    list_display = ["id", "pattern", "position", "station", "arrives", "departs"]
    fields = ["pattern", "position", "station", "arrives", "departs", "platform"]
    list_select_related = ["pattern__service", "station"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("pattern", whole_number)]
    search_help_text = _("Number of the call or of its pattern.")
