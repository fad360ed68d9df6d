"""
What every list and page of the admin is made of.

`OfficeAdmin` is quick on big tables and records what is done in it, `ClosedAdmin` shows a table
that only services write, and `HistoryAdmin` keeps what reference data was before. The columns write
money, states and times in words.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.db.models.deletion import PROTECT
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin

from travel.common import acts
from travel.common.errors import NotAllowed, NotFound
from travel.common.ids import normal_email, normal_locator, normal_text, search_key
from travel.common.money import Money
from travel.common.templatetags.look import icon, moment_text, money, tone_icon

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _TabularInline = admin.TabularInline
    _Paginator = Paginator

# Lists end here; a search or a filter finds the rest.
MOST_ROWS = 10_000
# So many rows of another table may lead to the rows searched for; more typing makes them fewer.
MOST_RELATED = 500
# So many are shown at once to choose from, as completing shows them.
MOST_FOUND = 20
# A number and a code that no row has.
NOBODY = "0"
BIGGEST_ID = 2**63 - 1
EMPTY = "-"
AMOUNT = _("amount")
STATE = _("state")
# The tone of a state by its word, whatever table it stands in; a word that is not here has none.
STATE_TONES = {
    "scheduled": "good",
    "held": "info",
    "open": "info",
    "started": "info",
    "pending": "info",
    "waiting": "info",
    "queued": "info",
    "In Progress": "info",
    "paid": "good",
    "used": "good",
    "captured": "good",
    "done": "good",
    "Reviewed": "good",
    "cancelled": "warn",
    "no_show": "warn",
    "pendingApproval": "warn",
    "rejected": "warn",
    "Pending": "warn",
    "failed": "bad",
    "declined": "bad",
}

Reading = Callable[[str], Any]
Label = str | Promise


# --- pages of the office's own --------------------------------------------------------------------


@contextmanager
def refusals_as_answers() -> Iterator[None]:
    """Tell the browser what a service refuses: 404 for what is not there, 403 for who may not."""
    try:
        yield
    except NotFound as missing:
        raise Http404 from missing
    except NotAllowed as refused:
        raise PermissionDenied from refused


# --- searching by what is indexed -----------------------------------------------------------------


def whole_number(text: str) -> int | None:
    """Read an id; anything else cannot be one."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= BIGGEST_ID else None


def locator(text: str) -> str | None:
    """Read a booking code, however it was typed."""
    code = normal_locator(text)
    return code if len(code) == 6 else None


def email(text: str) -> str | None:
    """Read an e-mail address, or the beginning of one."""
    return normal_email(text) or None


def phone(text: str) -> str | None:
    """Read a phone number in international notation, with or without blanks."""
    digits = "".join(c for c in text if c.isdigit())
    return f"+{digits}" if text.startswith(("+", "00")) and len(digits) >= 6 else None


def place(text: str) -> str | None:
    """Read a place's name as searching compares it."""
    return search_key(text) or None


def as_typed(text: str) -> str:
    """Take the text as it is."""
    return text


def upper(text: str) -> str:
    """Take the text in capitals, as codes of stations and carriers are written."""
    return text.upper()


def capitalised(text: str) -> str:
    """Take the text with capitals as names have them: columns of names may compare bytes."""
    return text.title()


# --- lists ----------------------------------------------------------------------------------------


class BoundedPaginator(_Paginator):
    """
    Pages of at most 10,000 rows in all.

    It counts no further than that, so that a list of millions opens like a short one.
    """

    @cached_property
    def _rows(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: MOST_ROWS + 1].count()

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        return min(self._rows, MOST_ROWS)

    @property
    def is_cut_off(self) -> bool:
        """Whether there are more rows than the list shows."""
        return self._rows > MOST_ROWS


class LinkedField(helpers.AdminReadonlyField):
    """
    A value that is only shown; another row's name leads to that row for whoever may see it.

    Django makes a link of every such name, and most colleagues may not open every table.
    """

    def get_admin_url(self, remote_field: Any, remote_obj: Any) -> str:
        request = getattr(self.form, "request", None)
        if request is None or not _may_see(self.model_admin.admin_site, request, remote_obj):
            return str(remote_obj)
        return super().get_admin_url(remote_field, remote_obj)


# Django's pages make their values by this name, and ask nobody which class it is.
helpers.AdminReadonlyField = LinkedField


def _may_see(site: Any, request: HttpRequest, row: Model) -> bool:
    try:
        table = site.get_model_admin(type(row))
    except NotRegistered:
        return False
    return bool(table.has_view_or_change_permission(request, row))


# --- choosing a row of another table --------------------------------------------------------------


class FindingSelect(AutocompleteSelect):
    """
    A choice that is completed while one types, and found by what was typed without JavaScript.

    A field in `<noscript>` takes what would be typed. It finds what completing finds, for whoever
    may see that, and no more: the one row whose code, address or number it is, or the only one. Of
    several the form comes back with the first to choose from.
    """

    def __init__(self, field: Any, admin_site: Any, request: HttpRequest, **options: Any) -> None:
        super().__init__(field, admin_site, **options)
        self.request = request
        self.typed = ""
        self.found: list[Model] = []

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        self.typed = normal_text(data.get(_typed(name), "").replace("\0", ""))
        self.found = []
        if not self.typed:
            return super().value_from_datadict(data, files, name)
        rows = self._rows()
        meant = [row for row in rows if self._is_exactly(row)] or rows
        if len(meant) == 1:
            self.typed = ""
            return str(getattr(meant[0], self._key))
        self.found = rows[:MOST_FOUND]
        return NOBODY

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return super().value_omitted_from_data(data, files, name) and _typed(name) not in data

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        groups = super().optgroups(name, value, attrs)
        if self.found:
            options = groups[0][1]
            told = [("", "---------"), *((getattr(one, self._key), one) for one in self.found)]
            # A person chooses: nothing is chosen by being the first.
            options[:] = [
                self.create_option(name, key, str(label), False, at)
                for at, (key, label) in enumerate(told)
            ]
        return groups

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        typed = _typed(name)
        return format_html(
            '{}<noscript><div class="finding"><label for="id_{}">{}</label> '
            '<input class="vTextField" id="id_{}" name="{}" value="{}" maxlength="200" dir="auto" '
            'autocomplete="off" aria-describedby="id_{}-help"> '
            '<span class="help" id="id_{}-help">{}</span></div></noscript>',
            super().render(name, value, attrs, renderer),
            *(typed, _("Or write what to look for"), typed, typed),
            # What found several is answered by the choice; what found nothing is written anew.
            "" if self.found else self.typed,
            *(typed, typed, self._table.search_help_text or _("Its code, or its number.")),
        )

    def _rows(self) -> list[Model]:
        """Answer what completing would show for the same words, to the same person."""
        table = self._table
        if not table.has_view_permission(self.request):
            return []
        rows = table.get_queryset(self.request).complex_filter(self.field.get_limit_choices_to())
        rows, _may_double = table.get_search_results(self.request, rows, self.typed)
        return list(rows.distinct()[:MOST_RELATED])

    def _is_exactly(self, row: Model) -> bool:
        sought = {lookup.partition("__")[0] for lookup, _read in self._table.find_by}
        plain = [one.name for one in row._meta.concrete_fields if not one.is_relation]
        held = (row.pk, *(getattr(row, name) for name in plain if name in sought))
        return self.typed.casefold() in [str(one).casefold() for one in held]

    @property
    def _table(self) -> Any:
        return self.admin_site.get_model_admin(self.field.remote_field.model)

    @property
    def _key(self) -> str:
        remote = self.field.remote_field
        key: str = remote.model._meta.get_field(remote.field_name).attname
        return key


def _typed(name: str) -> str:
    """Name the field that takes what is typed where there is no JavaScript."""
    return f"{name}-typed"


class Finding:
    """A form whose `autocomplete_fields` can be filled in without JavaScript, too."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        table: Any = super()
        if db_field.name not in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            return table.formfield_for_foreignkey(db_field, request, **options)
        site = self.admin_site  # type: ignore[attr-defined]
        options.setdefault("widget", FindingSelect(db_field, site, request))
        field = table.formfield_for_foreignkey(db_field, request, **options)
        field.error_messages["invalid_choice"] = _(
            "Choose one of what was found, or write what to look for in full."
        )
        return field


class WhyAsked:
    """A form that is not taken without a reason beside it."""

    request: HttpRequest

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if not acts.said_why(self.request):
            self.add_error(None, gettext("Say why, in a few words."))  # type: ignore[attr-defined]
        return cleaned


class Recorded(Finding, _ModelAdmin):
    """
    A table of which every addition, change and deletion is an act on record (travel.common.acts).

    The form asks why; where power is given or taken (`wants_why`) nothing is done without an
    answer. What was done to a row stands on its history page.
    """

    object_history_template = "admin/acts.html"
    wants_why: ClassVar[bool] = False

    def get_form(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        form = super().get_form(request, *args, **options)
        if self.wants_why:
            form = type(form)(form.__name__, (WhyAsked, form), {})
        # The class is this request's own; its values ask who reads them (LinkedField).
        form.request = request
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        known = {"wants_why": self.wants_why, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, known)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Delete a row; without a reason, where one is wanted, ask again."""
        row = self.get_object(request, unquote(object_id))
        may = row is not None and self.has_delete_permission(request, row)
        if request.method == "POST" and self.wants_why and may and not acts.said_why(request):
            self.message_user(request, gettext("Say why, in a few words."), messages.ERROR)
            return HttpResponseRedirect(request.path)
        known = {"wants_why": self.wants_why, **(extra_context or {})}
        return super().delete_view(request, object_id, known)

    def get_formsets_with_inlines(self, request: HttpRequest, obj: Any = None) -> Iterator[Any]:
        for formset, inline in super().get_formsets_with_inlines(request, obj):
            formset.form.request = request
            yield formset, inline

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        why = acts.said_why(request)
        return acts.record(request, obj, message, why, kind=acts.Kind.ADDED).entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return acts.record(request, obj, message, acts.said_why(request)).entry

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[LogEntry]:
        why = acts.said_why(request)
        return [
            acts.record(request, row, "", why, kind=acts.Kind.DELETED).entry for row in queryset
        ]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        name = f"{self.opts.label_lower}:{unquote(object_id)}"
        told = {
            "acts": acts.on([name]),
            # Where colleagues sit is told to whoever may see all acts.
            "shows_address": request.user.has_perm("common.view_act"),
        }
        return super().history_view(request, object_id, {**told, **(extra_context or {})})


class OfficeAdmin(Recorded):
    """
    A list that stays quick however long its table grows.

    `find_by` are pairs of a lookup and how to read what was typed for it: a reading that answers
    None leaves its lookup out. Every lookup goes by an index; the whole text is one term.
    """

    find_by: ClassVar[Sequence[tuple[str, Reading]]] = ()
    show_full_result_count = False
    # Facets count every choice of every filter over the whole table.
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 100
    save_on_top = False
    view_on_site = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.search_fields = tuple(lookup for lookup, _read in cls.find_by)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_object(request, *args, **kwargs)
        except OverflowError:
            # A number that no database holds is nobody's.
            return None

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        inlines = list(super().get_inlines(request, obj))
        # What is new has no rows to look at yet.
        return inlines if obj else [one for one in inlines if not issubclass(one, Closed)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = normal_text(search_term.replace("\0", ""))
        if not term:
            return queryset, False
        found = Q(pk__in=[])
        for lookup, read in self.find_by:
            value = read(term)
            if value is not None:
                found |= self._by(lookup, value)
        return queryset.filter(found), False

    def _by(self, lookup: str, value: Any) -> Q:
        """
        Answer the condition for a lookup, on columns of this table only.

        Rows of other tables are looked up first: a condition over several tables has no index.
        """
        first, _separator, rest = lookup.partition("__")
        relation = None if first == "pk" else self.opts.get_field(first)
        other = relation.related_model if relation is not None and relation.is_relation else None
        if not rest or not isinstance(other, type):
            return Q(**{lookup: value})
        found = other._base_manager.filter(**{rest: value}).order_by("pk")
        if relation.concrete:
            return Q(**{f"{first}__in": list(found.values_list("pk", flat=True)[:MOST_RELATED])})
        back = relation.field.attname
        return Q(pk__in=set(found.values_list(back, flat=True)[:MOST_RELATED]))


class Closed:
    """No row is added, changed or deleted here, by nobody: services write this table."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ClosedAdmin(Closed, OfficeAdmin):
    """A table to look at. Its columns do not sort: most of them have no index."""

    sortable_by = ()
    actions = None


class ClosedInline(Closed, _TabularInline):
    """Rows of another table, to look at."""

    extra = 0
    show_change_link = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return self.fields or ()


class BareInline(ClosedInline):
    """Rows that need no name and no page of their own here."""

    show_change_link = False
    classes = ("bare",)


class HistoryAdmin(OfficeAdmin, SimpleHistoryAdmin):
    """
    Reference data that remembers who changed it and when.

    An old version can be looked at. Bringing one back is an edit like any other, under the rules of
    the form; the history's own way back would save without asking who may.
    """

    object_history_template = "admin/history.html"
    object_history_list_template = "admin/includes/history_list.html"

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)


# --- who depends on a row -------------------------------------------------------------------------


def is_in_use(row: Model) -> bool:
    """
    Say whether any row that must not lose it refers to this one (foreign keys with PROTECT).

    Asks the tables of higher storeys by what Django knows of them, so nothing here imports them.
    """
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: row}).exists()
        for relation in row._meta.get_fields(include_hidden=True)
        if relation.auto_created
        and not relation.concrete
        and getattr(relation, "on_delete", None) is PROTECT
    )


# --- columns --------------------------------------------------------------------------------------


def follow(row: Any, path: str) -> Any:
    """Walk a path of attributes as lookups are written: `payment__currency_id`."""
    return functools.reduce(getattr, path.split("__"), row)


def money_column(minor: str, currency: str, *, label: Label = AMOUNT) -> Callable[[Any, Any], str]:
    """A column of an amount, from the paths of its minor units and its currency's code."""

    @admin.display(description=label)
    def column(self: Any, row: Any) -> str:
        amount = follow(row, minor)
        return EMPTY if amount is None else money(Money(amount, follow(row, currency)))

    return column


def tagged(word: str | Promise, tone: str) -> SafeString:
    """Write a word of a state with its colour and, since colour alone says nothing, its sign."""
    if not tone:
        return format_html('<span class="state">{}</span>', word)
    return format_html('<span class="state tone-{}">{}{}</span>', tone, icon(tone_icon(tone)), word)


def state_column() -> Callable[[Any, Any], str]:
    """A column of a row's state in its tone."""

    @admin.display(description=STATE)
    def column(self: Any, row: Any) -> str:
        return tagged(row.get_state_display(), STATE_TONES.get(row.state, ""))

    return column


def json_column(field: str, *, label: Label) -> Callable[[Any, Any], str]:
    """A column of structured data, readable."""

    @admin.display(description=label)
    def column(self: Any, row: Any) -> str:
        value = getattr(row, field)
        if not value:
            return EMPTY
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)
        return format_html('<pre class="data">{}</pre>', text)

    return column


def text_column(path: str, *, label: Label) -> Callable[[Any, Any], str]:
    """A column of something that stands in another row."""

    @admin.display(description=label)
    def column(self: Any, row: Any) -> str:
        value = follow(row, path)
        return EMPTY if value in (None, "") else str(value)

    return column


def station_time(instant: datetime | None, zone: str) -> str:
    """Write an instant on the station's clocks with the zone's name, and in UTC beside it."""
    if instant is None:
        return EMPTY
    return format_html(
        '<time datetime="{}">{} <span class="quiet">{}</span></time> '
        '<span class="quiet utc">{} UTC</span>',
        instant.isoformat(),
        moment_text(instant, zone),
        zone,
        moment_text(instant, "UTC"),
    )


def percent(basis_points: int) -> str:
    """Write hundredths of a per cent: `7 %`, `12.5 %`."""
    whole, rest = divmod(basis_points, 100)
    decimals = f".{rest:02}".rstrip("0") if rest else ""
    return f"{whole}{decimals} %"
