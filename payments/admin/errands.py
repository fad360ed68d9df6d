"""What staff begin from a list that services alone write: a form, and one call of a service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import selectors as people
from accounts.roles import ADMINISTRATOR, FINANCE
from payments.admin.deeds import DeedAdmin
from travel.common import acts, clock, idempotency
from travel.common.errors import KeyReused, Refusal
from travel.common.idempotency import Answer, Asked, Lease
from travel.common.ids import digest, new_secret
from travel.common.models import Currency
from travel.common.money import minor_digits, read_typed_amount

MONEY_DESK = frozenset({FINANCE, ADMINISTRATOR})


class ErrandForm(forms.Form):
    """A form that is worked on once, however often its button is pressed."""

    once = forms.CharField(max_length=64, widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("once", new_secret())


class AmountMixin(forms.Form):
    """An amount of a currency; `cleaned_data["money"]` is both."""

    amount = forms.CharField(
        label=_("Amount"),
        max_length=16,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 12}),
    )
    currency = forms.ChoiceField(label=_("Currency"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = list(Currency.objects.order_by("code").values_list("code", flat=True))
        field: Any = self.fields["currency"]
        field.choices = [(code, code) for code in codes]
        self.initial.setdefault("currency", "EUR" if "EUR" in codes else "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "amount" in cleaned and "currency" in cleaned:
            try:
                cleaned["money"] = read_typed_amount(cleaned["amount"], cleaned["currency"])
            except ValueError:
                self.add_error("amount", _how_to_write(cleaned["currency"]))
        return cleaned


def _how_to_write(currency: str) -> str:
    places = minor_digits(currency)
    sample = f"{2500:.{places}f}"
    return gettext(
        "Write an amount such as %(sample)s: no sign between the thousands, and no more places "
        "than the currency has."
    ) % {"sample": sample}


@dataclass(frozen=True, slots=True)
class Errand:
    """
    A button above the list, the form behind it, and what is run with the form's data, the member of
    staff and the time; it answers the row that came of it.

    What cannot be taken back is shown once more before: `confirm` writes it in sentences, or
    refuses it. `said` tells what was done with the row, `then` where to go on.
    """

    name: str
    label: str | Promise
    done: str | Promise
    form: type[ErrandForm]
    run: Callable[[dict[str, Any], int, datetime], Any]
    doers: frozenset[str] = MONEY_DESK
    confirm: Callable[[dict[str, Any]], list[str]] | None = None
    said: Callable[[Any], str] | None = None
    then: Callable[[Any], str] | None = None


class ErrandAdmin(DeedAdmin):
    """A closed table with errands above its list."""

    errands: ClassVar[Sequence[Errand]] = ()
    change_list_template = "admin/payments/errands.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        tools = [
            (errand, reverse(f"admin:{self._errand_address(errand)}"))
            for errand in self.errands
            if self._may_run(request, errand)
        ]
        return super().changelist_view(request, {**(extra_context or {}), "errands": tools})

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"{errand.name}/",
                self.admin_site.admin_view(partial(self.errand_view, errand=errand)),
                name=self._errand_address(errand),
            )
            for errand in self.errands
        ]
        return [*own, *super().get_urls()]

    def errand_view(self, request: HttpRequest, *, errand: Errand) -> HttpResponse:
        """Show the form, or run it and go to the row that came of it."""
        if not self.has_view_permission(request) or not self._may_run(request, errand):
            raise PermissionDenied
        # A link from a booking knows whom it is for; whatever else an address says is left out.
        known = {name: request.GET[name] for name in errand.form.base_fields if name in request.GET}
        known.pop("once", None)
        form = errand.form(request.POST if request.method == "POST" else None, initial=known)
        sentences = self._to_confirm(request, errand, form)
        is_meant = form.is_bound and form.is_valid() and not sentences
        if is_meant and (answer := self._run(request, errand, form)):
            return answer
        context = {
            **self.admin_site.each_context(request),
            "title": errand.label,
            "opts": self.opts,
            "form": form,
            "sentences": sentences,
        }
        has_faults = form.is_bound and not sentences
        return TemplateResponse(
            request,
            "admin/payments/errand.html",
            context,
            status=HTTPStatus.BAD_REQUEST if has_faults else HTTPStatus.OK,
        )

    def _to_confirm(self, request: HttpRequest, errand: Errand, form: ErrandForm) -> list[str]:
        """Answer what is to be read before it is done; nothing where it was, or is refused."""
        if errand.confirm is None or "confirmed" in request.POST or not form.is_bound:
            return []
        if not form.is_valid():
            return []
        try:
            return errand.confirm(form.cleaned_data)
        except Refusal as refusal:
            _tell(form, refusal)
            return []

    def _run(self, request: HttpRequest, errand: Errand, form: ErrandForm) -> HttpResponse | None:
        """Run it once; answer None when the form has to be shown again with what is wrong."""
        now = clock.now()
        token = form.cleaned_data["once"] or new_secret()
        asked = Asked(
            scope=f"user:{request.user.pk}",
            method="POST",
            path=request.path,
            key=token,
            fingerprint=digest(token),
        )
        home = reverse(f"admin:{self._name()}_changelist")
        if not _is_first(asked, now):
            self.message_user(request, gettext("This was sent before."), messages.INFO)
            return HttpResponseRedirect(home)
        try:
            row = errand.run(form.cleaned_data, request.user.pk or 0, now)
        except Refusal as refusal:
            idempotency.drop(asked)
            _tell(form, refusal)
            return None
        own = reverse(f"admin:{self._name()}_change", args=[row.pk])
        address = (errand.then(row) if errand.then else "") or own
        answer = Answer(HTTPStatus.FOUND, body="", content_type="text/html", location=address)
        idempotency.finish_leased(asked, answer, now=now)
        acts.record(request, row, str(errand.done), form.cleaned_data.get("note") or "")
        said = errand.said(row) if errand.said else str(errand.done)
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(address)

    def _may_run(self, request: HttpRequest, errand: Errand) -> bool:
        user: Any = request.user
        return user.is_superuser or bool(errand.doers & set(people.role_names(user=user)))

    def _errand_address(self, errand: Errand) -> str:
        return f"{self._name()}_{errand.name}"


def _is_first(asked: Asked, now: datetime) -> bool:
    try:
        taken = idempotency.lease(asked, now=now)
    except KeyReused:
        return False
    return isinstance(taken, Lease) and not taken.taken_over


def _tell(form: ErrandForm, refusal: Refusal) -> None:
    """Write a refusal beside the fields it is about, or above all."""
    for name, texts in refusal.errors.items():
        form.add_error(name if name in form.fields else None, texts)
    if not refusal.errors:
        form.add_error(None, str(refusal.detail))
