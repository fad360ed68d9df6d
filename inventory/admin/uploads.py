"""Timetables that staff bring in: uploaded, looked at, and taken over when they are confirmed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from inventory.models import TimetableUpload, UploadPart
from inventory.reach import reach_of
from inventory.services import uploads
from travel.common import clock
from travel.common.admin_bases import STATE_TONES, ClosedAdmin, as_typed, tagged, whole_number
from travel.common.errors import InvalidInput, NotFound
from travel.common.forms import day_widget

TONES = {"checking": "info", "checked": "warn", "refused": "bad", "importing": "info"}


class UploadForm(forms.Form):
    """A file, and what it is."""

    kind = forms.ChoiceField(label=_("What it is"), choices=TimetableUpload.Kind.choices)
    file = forms.FileField(
        label=_("File"), help_text=_("A zip file of at most 64 MB."), allow_empty_file=False
    )
    feed = forms.RegexField(
        r"^[a-z0-9][a-z0-9_-]{0,29}$",
        label=_("Feed"),
        required=False,
        help_text=_("1 to 30 of a-z, 0-9, - and _; the file's name without it."),
    )
    first_day = forms.DateField(label=_("First day"), required=False, widget=day_widget())
    days = forms.IntegerField(
        label=_("Days"), required=False, min_value=1, max_value=uploads.MOST_DAYS
    )


@admin.register(TimetableUpload)
class TimetableUploadAdmin(ClosedAdmin):
    """An uploaded timetable with what it would change."""

    list_display = ["id", "file_name", "feed", "kind", "state_word", "created_at", "created_by"]
    fields = ["file_name", "feed", "kind", "size", "first_day", "days", "state_word"]
    fields += ["created_at", "created_by", "confirmed_at", "confirmed_by", "finished_at", "run"]
    list_select_related = ["created_by"]
    list_filter = ["state"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("feed", as_typed)]
    search_help_text = _("Number of the upload, or the feed's code.")
    change_list_template = "admin/inventory/uploads.html"
    change_form_template = "admin/inventory/upload.html"

    @admin.display(description=_("state"))
    def state_word(self, row: TimetableUpload) -> str:
        tone = TONES.get(row.state, STATE_TONES.get(row.state, ""))
        return tagged(row.get_state_display(), tone)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("upload/", view(self.upload_view), name="inventory_timetableupload_upload"),
            path(
                "<int:pk>/confirm/",
                view(require_POST(self.confirm_view)),
                name="inventory_timetableupload_confirm",
            ),
            path(
                "<int:pk>/drop/",
                view(require_POST(self.drop_view)),
                name="inventory_timetableupload_drop",
            ),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        may = {"may_upload": _may(request)}
        return super().changelist_view(request, {**(extra_context or {}), **may})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            states = TimetableUpload.State
            context["may_confirm"] = _may(request) and row.state == states.CHECKED
            context["may_drop"] = _may(request) and row.state in (
                states.CHECKING,
                states.CHECKED,
                states.REFUSED,
            )
            context["is_working"] = row.state in (states.CHECKING, states.IMPORTING)
        return super().render_change_form(request, context, *args, **kwargs)

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Take a file, and go to the page where its report will stand."""
        _check(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            data = form.cleaned_data
            try:
                row = uploads.upload(
                    kind=data["kind"],
                    file_name=data["file"].name,
                    content=data["file"].chunks(uploads.PART_BYTES),
                    feed=data["feed"],
                    first_day=data["first_day"],
                    days=data["days"],
                    user_id=request.user.pk or 0,
                    now=clock.now(),
                )
            except InvalidInput as refusal:
                for name, texts in refusal.errors.items():
                    form.add_error(name if name in form.fields else None, texts)
            else:
                self.log_addition(request, row, gettext("Uploaded."))
                messages.success(request, gettext("The file is being read."))
                return HttpResponseRedirect(_page(row.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Upload a timetable"),
            "opts": self.opts,
            "form": form,
        }
        status = 400 if form.is_bound else 200
        return TemplateResponse(request, "admin/inventory/upload_form.html", context, status=status)

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take the timetable over, as its report says."""
        _check(request)
        try:
            uploads.confirm(upload_id=pk, user_id=request.user.pk or 0, now=clock.now())
        except NotFound:
            messages.info(request, gettext("This was settled before."))
        else:
            self.log_change(request, TimetableUpload.objects.get(pk=pk), gettext("Confirmed."))
            messages.success(request, gettext("The timetable is being taken over."))
        return HttpResponseRedirect(_page(pk))

    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Forget the file."""
        _check(request)
        try:
            uploads.drop(upload_id=pk, now=clock.now())
        except NotFound:
            messages.info(request, gettext("This was settled before."))
        else:
            self.log_change(request, TimetableUpload.objects.get(pk=pk), gettext("Dropped."))
        return HttpResponseRedirect(_page(pk))


@admin.register(UploadPart)
class UploadPartAdmin(ClosedAdmin):
    """Parts of files that wait; what is in them is not shown."""

    list_display = ["id", "upload", "position"]
    fields = ["upload", "position"]
    list_select_related = ["upload"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("upload", whole_number)]
    search_help_text = _("Number of the part or of its upload.")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("content")


def _may(request: HttpRequest) -> bool:
    """Whoever changes every carrier's departures brings timetables in."""
    return reach_of(request.user).changes is None


def _check(request: HttpRequest) -> None:
    if not _may(request):
        raise PermissionDenied


def _page(pk: int) -> str:
    return reverse("admin:inventory_timetableupload_change", args=[pk])
