"""What the reports desk is asked with: filters of the queue, an answer, a note, and the acts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inventory.models import Mode
from support import reports, services
from support.models import Report
from support.reports import Colleague, OtherReport, Reply
from support.selectors import CATEGORY_CHOICES, MOVES, STATES, ReportDetail
from travel.common.forms import PlainTextField

MAX_FIND = 254
ANYTHING = ("", gettext_lazy("All"))


class QueueForm(forms.Form):
    """Which reports the queue shows; an address that makes no sense shows all of the tab."""

    tab = forms.ChoiceField(
        required=False, choices=[(tab, tab) for tab in reports.TABS], widget=forms.HiddenInput
    )
    category = forms.ChoiceField(
        label=gettext_lazy("Category"), required=False, choices=[ANYTHING, *CATEGORY_CHOICES]
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Travels by"), required=False, choices=[ANYTHING, *Mode.choices]
    )
    carrier = forms.ChoiceField(label=gettext_lazy("Carrier"), required=False)

    def __init__(self, *args: Any, carriers: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["carrier"]
        choices.choices = [ANYTHING, *((str(number), name) for number, name in carriers)]


class FindForm(forms.Form):
    """What one report is found by, whatever tab it is under."""

    find = forms.CharField(
        label=gettext_lazy("Number, booking code or e-mail address"),
        required=False,
        max_length=MAX_FIND,
        widget=forms.TextInput(attrs={"type": "search", "dir": "auto"}),
    )


class LinesField(PlainTextField):
    """What staff write, in lines, without characters that deceive readers or cards' numbers."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "class": "vLargeTextField", "dir": "auto"})
        super().__init__(max_length=services.MAX_TEXT, widget=widget, lines=True, **kwargs)


class OnceForm(forms.Form):
    """A form with the token of its page: sent twice, it is done once."""

    once = forms.CharField(max_length=64, widget=forms.HiddenInput, required=False)


class AnswerForm(OnceForm):
    """An answer, where the report goes with it, and how far its writer has read."""

    reply = forms.ChoiceField(label=gettext_lazy("Canned reply"), required=False)
    answer = LinesField(label=gettext_lazy("Answer"), rows=10)
    state = forms.ChoiceField(label=gettext_lazy("And then it is"))
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, report: ReportDetail, replies: Iterable[Reply], **kwargs: Any
    ) -> None:
        super().__init__(*args, auto_id="answer_%s", **kwargs)
        words = dict(Report.State.choices)
        states: Any = self.fields["state"]
        states.choices = [
            (state, words[state])
            for state in STATES
            if state == report.state or state in MOVES[report.state]
        ]
        choices: Any = self.fields["reply"]
        choices.choices = [
            ("", _("None")),
            *((str(one.pk), f"{one.title} ({one.language})") for one in replies),
        ]


class NoteForm(OnceForm):
    """A note that no passenger reads."""

    note = LinesField(label=gettext_lazy("Note"), rows=3)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="note_%s", **kwargs)


class GiveForm(OnceForm):
    """To whom a report is given, with a note; `held_by` is who had it when the page was shown."""

    colleague = forms.TypedChoiceField(label=gettext_lazy("To"), coerce=int)
    words = LinesField(label=gettext_lazy("With a note"), rows=2, required=False)
    held_by = forms.IntegerField(min_value=1, widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, colleagues: Iterable[Colleague], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="give_%s", **kwargs)
        choices: Any = self.fields["colleague"]
        choices.choices = [("", _("Choose")), *((one.id, one.name) for one in colleagues)]


class HolderForm(forms.Form):
    """Who had the report when the page was shown."""

    held_by = forms.IntegerField(min_value=1, widget=forms.HiddenInput, required=False)


class FileForm(forms.Form):
    """Another category."""

    category = forms.ChoiceField(label=gettext_lazy("Category"), choices=CATEGORY_CHOICES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="file_%s", **kwargs)


class MergeForm(forms.Form):
    """Which report of the passenger this one is merged into."""

    into = forms.TypedChoiceField(label=gettext_lazy("Into"), coerce=int)

    def __init__(self, *args: Any, others: Iterable[OtherReport], **kwargs: Any) -> None:
        super().__init__(*args, auto_id="merge_%s", **kwargs)
        choices: Any = self.fields["into"]
        choices.choices = [
            ("", _("Choose")),
            *(
                (
                    one.id,
                    _("%(number)d: %(category)s, %(locator)s")
                    % {
                        "number": one.id,
                        "category": one.category_name,
                        "locator": one.locator,
                    },
                )
                for one in others
                if one.may_join
            ),
        ]
