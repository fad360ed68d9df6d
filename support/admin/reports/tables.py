"""Reports and their messages, which services alone write, and canned replies, which staff keep."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from support import reports
from support.models import CannedReply, Report, ReportMessage
from travel.common.admin_bases import (
    BareInline,
    ClosedAdmin,
    HistoryAdmin,
    as_typed,
    email,
    locator,
    state_column,
    whole_number,
)
from travel.common.text import clean_text


class ReportMessageInline(BareInline):
    """The conversation, in order."""

    model = ReportMessage
    fields = ["created_at", "author", "is_from_staff", "is_internal", "event", "body"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("author")


@admin.register(Report)
class ReportAdmin(ClosedAdmin):
    """A passenger's complaint; its page leads to the desk, where it is answered."""

    list_display = ["id", "reservation", "category", "state_word", "user", "assigned_to"]
    list_display += ["created_at", "due_at", "answered_at"]
    fields = ["reservation", "ticket", "user", "category", "state_word", "assigned_to"]
    fields += ["merged_into", "created_at", "waiting_since", "due_at", "answered_at", "closes_at"]
    fields += ["closed_at"]
    list_select_related = ["reservation", "user", "assigned_to"]
    list_filter = ["state", "category"]
    find_by = [("pk", whole_number), ("reservation__locator", locator), ("user__email", email)]
    search_help_text = _("Number, booking code or e-mail address.")
    inlines = [ReportMessageInline]
    state_word = state_column()


@admin.register(ReportMessage)
class ReportMessageAdmin(ClosedAdmin):
    """Messages about reports, and what staff did to them."""

    list_display = ["id", "report", "author", "is_from_staff", "is_internal", "event"]
    list_display += ["created_at"]
    fields = ["report", "author", "is_from_staff", "is_internal", "event", "body", "created_at"]
    list_select_related = ["report", "author"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("report", whole_number)]
    search_help_text = _("Number of the message or of its report.")


class CannedReplyForm(forms.ModelForm):
    """A canned reply; what stands in braces must be something that the desk can fill in."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = CannedReply
        fields = ["title", "category", "language", "body"]
        widgets = {"body": forms.Textarea(attrs={"rows": 12, "dir": "auto"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" in self.fields:
            self.fields["body"].help_text = gettext("Filled in by the desk: %(words)s.") % {
                "words": "; ".join(
                    f"{{{word}}} {meaning}" for word, meaning in reports.PLACEHOLDERS.items()
                )
            }

    def clean_body(self) -> str:
        try:
            body = clean_text(self.cleaned_data["body"], lines=True)
        except ValueError as error:
            raise ValidationError(
                _("This contains a character that is not allowed here."), code="characters"
            ) from error
        if unknown := reports.unknown_placeholders(body):
            raise ValidationError(
                _("The desk cannot fill this in: %(words)s."),
                code="placeholders",
                params={"words": ", ".join(f"{{{word}}}" for word in unknown)},
            )
        return body


@admin.register(CannedReply)
class CannedReplyAdmin(HistoryAdmin):
    """Answers that staff begin with, and what they were before."""

    form = CannedReplyForm
    list_display = ["title", "category", "language"]
    list_filter = ["language", "category"]
    find_by = [("title__icontains", as_typed)]
    search_help_text = _("A word of the title.")
