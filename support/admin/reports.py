"""Passengers' reports in the admin: to read, and to answer by the service."""

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

from accounts import selectors as people
from accounts import viewers
from accounts.viewers import Viewer
from support import selectors, services
from support.models import Report, ReportMessage
from support.selectors import ANSWER, MOVES, STATES, ReportDetail
from travel.common import clock
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    email,
    locator,
    state_column,
    whole_number,
)
from travel.common.errors import Refusal
from travel.common.text import clean_text


class ReportMessageInline(BareInline):
    """The conversation, in order."""

    model = ReportMessage
    fields = ["created_at", "author", "is_from_staff", "is_internal", "body"]

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).select_related("author")


class AnswerForm(forms.Form):
    """What staff answer or note, and where the report goes with it."""

    answer = forms.CharField(
        label=_("Answer"),
        max_length=services.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField", "dir": "auto"}),
    )
    state = forms.ChoiceField(label=_("State"))
    is_internal = forms.BooleanField(
        label=_("A note for colleagues"),
        required=False,
        help_text=_("The passenger neither gets nor sees it."),
    )

    def __init__(self, *args: Any, report: ReportDetail, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = dict(Report.State.choices)
        self.fields["state"].choices = [
            (state, words[state])
            for state in STATES
            if state == report.state or state in MOVES[report.state]
        ]

    def clean_answer(self) -> str:
        try:
            return clean_text(self.cleaned_data["answer"], lines=True)
        except ValueError as error:
            raise forms.ValidationError(
                _("This contains a character that is not allowed here."), code="characters"
            ) from error


@admin.register(Report)
class ReportAdmin(ClosedAdmin):
    """A passenger's complaint; its page leads to the answer."""

    list_display = ["id", "reservation", "category", "state_word", "user", "assigned_to"]
    list_display += ["created_at", "answered_at"]
    fields = ["reservation", "ticket", "user", "category", "state_word", "assigned_to"]
    fields += ["created_at", "answered_at", "closed_at"]
    list_select_related = ["reservation", "user", "assigned_to"]
    list_filter = ["state", "category"]
    find_by = [("pk", whole_number), ("reservation__locator", locator), ("user__email", email)]
    search_help_text = _("Number, booking code or e-mail address.")
    inlines = [ReportMessageInline]
    state_word = state_column()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context["may_answer"] = self._may_answer(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        respond = path(
            "<path:object_id>/respond/",
            self.admin_site.admin_view(self.respond_view),
            name="support_report_respond",
        )
        return [respond, *super().get_urls()]

    # --- answering --------------------------------------------------------------------------------

    def _may_answer(self, request: HttpRequest) -> bool:
        user: Any = request.user
        roles = people.role_names(user=user)
        return ANSWER in selectors.powers(roles=roles, is_superuser=user.is_superuser)

    def respond_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the thread and take an answer or a note."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, row) or not self._may_answer(request):
            raise PermissionDenied
        viewer = viewers.of_user(request.user)
        report = selectors.get_report(viewer=viewer, report_id=row.pk)
        first = "Reviewed" if "Reviewed" in MOVES[report.state] else report.state
        form = AnswerForm(request.POST or None, report=report, initial={"state": first})
        if form.is_valid():
            try:
                self._respond(request, row, viewer, form.cleaned_data)
            except Refusal as refusal:
                # Told on the form, so that what was written is not lost.
                form.add_error(None, str(refusal.detail))
            else:
                return HttpResponseRedirect(reverse("admin:support_report_change", args=[row.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Answer report %s") % row.pk,
            "opts": self.opts,
            "original": row,
            "report": report,
            "form": form,
        }
        return TemplateResponse(request, "admin/support/report/respond.html", context)

    def _respond(
        self, request: HttpRequest, row: Report, viewer: Viewer, data: dict[str, Any]
    ) -> None:
        services.respond(
            viewer=viewer,
            report_id=row.pk,
            answer=data["answer"],
            state=data["state"],
            is_internal=data["is_internal"],
            now=clock.now(),
        )
        said = gettext("Noted.") if data["is_internal"] else gettext("The answer is sent.")
        self.log_change(request, row, said)
        self.message_user(request, said, messages.SUCCESS)


@admin.register(ReportMessage)
class ReportMessageAdmin(ClosedAdmin):
    """Messages about reports."""

    list_display = ["id", "report", "author", "is_from_staff", "is_internal", "created_at"]
    fields = ["report", "author", "is_from_staff", "is_internal", "body", "created_at"]
    list_select_related = ["report", "author"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("report", whole_number)]
    search_help_text = _("Number of the message or of its report.")
