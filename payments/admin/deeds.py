"""What staff do with a row that services alone write: buttons on its page, and on the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from accounts import selectors as people
from accounts.roles import ADMINISTRATOR, FINANCE
from travel.common import acts, clock
from travel.common.admin_bases import ClosedAdmin
from travel.common.errors import Refusal
from travel.common.text import clean_text

MAX_NOTE = 300
# So many rows of a list are worked on by one press of a button.
MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Deed:
    """
    A button: `run` is called with the row's id, the member of staff, a note, and the time.

    It is offered for rows in these states; one that wants a note has to be told why.
    """

    name: str
    label: str | Promise
    done: str | Promise
    run: Callable[[int, int, str, datetime], object]
    is_offered: Callable[[Any], bool]
    wants_note: bool = False


class DeedAdmin(ClosedAdmin):
    """A closed table with deeds, for the roles that handle the office's money."""

    deeds: ClassVar[Sequence[Deed]] = ()
    doers: ClassVar[frozenset[str]] = frozenset({FINANCE, ADMINISTRATOR})
    change_form_template = "admin/payments/deeds.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None and self._may(request):
            context["deeds"] = [
                (deed, reverse(f"admin:{self._address(deed)}", args=[row.pk]))
                for deed in self.deeds
                if deed.is_offered(row)
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{deed.name}/",
                self.admin_site.admin_view(require_POST(partial(self.deed_view, deed=deed))),
                name=self._address(deed),
            )
            for deed in self.deeds
        ]
        return [*own, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if IS_POPUP_VAR in request.GET or not self._may(request):
            return {}
        return {
            deed.name: (partial(_do_all, deed=deed), deed.name, deed.label)
            for deed in self.deeds
            if not deed.wants_note
        }

    def deed_view(self, request: HttpRequest, object_id: str, *, deed: Deed) -> HttpResponse:
        """Do it, and go back to the row."""
        row = self.get_object(request, object_id)
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, row) or not self._may(request):
            raise PermissionDenied
        page = reverse(f"admin:{self._name()}_change", args=[row.pk])
        note = _note(request.POST.get("note", ""))
        if deed.wants_note and not note:
            self.message_user(request, gettext("Say why, in a few words."), messages.ERROR)
            return HttpResponseRedirect(page)
        if self.do(request, row, deed, note):
            self.message_user(request, str(deed.done), messages.SUCCESS)
        return HttpResponseRedirect(page)

    def do(self, request: HttpRequest, row: Any, deed: Deed, note: str) -> bool:
        """Do it to one row; say whether it was done, and tell why not."""
        try:
            deed.run(row.pk, request.user.pk or 0, note, clock.now())
        except Refusal as refusal:
            self.message_user(request, f"{row}: {refusal.detail}", messages.ERROR)
            return False
        acts.record(request, row, str(deed.done), note)
        return True

    def _may(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return user.is_superuser or bool(self.doers & set(people.role_names(user=user)))

    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def _address(self, deed: Deed) -> str:
        return f"{self._name()}_{deed.name}"


def _do_all(table: DeedAdmin, request: HttpRequest, rows: QuerySet[Any], *, deed: Deed) -> None:
    """Do it to the rows chosen in a list, each by itself."""
    chosen = list(rows.order_by("pk")[:MOST_AT_ONCE])
    done = sum(table.do(request, row, deed, "") for row in chosen)
    if done:
        said = ngettext("%(n)d row: %(what)s", "%(n)d rows: %(what)s", done)
        table.message_user(request, said % {"n": done, "what": deed.done}, messages.SUCCESS)


def _note(text: str) -> str:
    try:
        return clean_text(text)[:MAX_NOTE]
    except ValueError:
        return ""
