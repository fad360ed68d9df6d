"""A person's own account on one page; each of its forms posts back to it under its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import selectors, services
from accounts.pages.code import has_just_proved
from accounts.pages.forms import (
    AboutForm,
    ConfirmForm,
    EmailForm,
    MessagesForm,
    PassengerForm,
    PasswordForm,
    PhoneForm,
)
from accounts.pages.signing import tell
from travel.common import clock
from travel.common.address import client_network
from travel.common.errors import NotFound, Refusal


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contact that waits for its code, and the form for it."""

    address: str
    icon_name: str
    form: Form
    resend: str


@login_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show the account, or do what one of its forms asks for and show it again."""
    if request.method != "POST":
        return _show(request, {})
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        return _show(request, {}, status=HTTPStatus.BAD_REQUEST)
    form = action.form(request.POST, auto_id=_ids(action.name))
    if form.is_valid():
        try:
            done = action.act(request, form.cleaned_data)
        except Refusal as refusal:
            tell(form, refusal)
        else:
            messages.success(request, done)
            return HttpResponseRedirect(reverse("accounts:profile"))
    return _show(request, {action.name: form}, status=HTTPStatus.BAD_REQUEST)


# --- what the forms do ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Action:
    """A form of the page, and what it does; it answers what to say afterwards."""

    name: str
    form: type[Form]
    act: Callable[[HttpRequest, dict[str, Any]], str]


def _change(request: HttpRequest, details: dict[str, Any]) -> None:
    services.update_profile(
        user=_person(request),
        changes=details,
        network=client_network(request),
        now=clock.now(),
    )


def _about(request: HttpRequest, details: dict[str, Any]) -> str:
    _change(request, details)
    return gettext("Your account is saved.")


def _email(request: HttpRequest, details: dict[str, Any]) -> str:
    _change(request, details)
    return gettext("If this address can receive mail, a code is on its way. Enter it below.")


def _phone(request: HttpRequest, details: dict[str, Any]) -> str:
    _change(request, details)
    if not details["phone"]:
        return gettext("Your phone is removed.")
    return gettext("If this phone can receive messages, a code is on its way. Enter it below.")


def _confirm(request: HttpRequest, details: dict[str, Any]) -> str:
    services.confirm_contact(
        user=_person(request),
        contact=details["contact"],
        code=details["otp"],
        network=client_network(request),
        now=clock.now(),
    )
    return gettext("This contact is confirmed.")


def _password(request: HttpRequest, details: dict[str, Any]) -> str:
    user = services.change_password(
        user=_person(request),
        is_proved=has_just_proved(request),
        network=client_network(request),
        now=clock.now(),
        **details,
    )
    # This session goes on, under a new key; all others end.
    auth.update_session_auth_hash(request, user)
    return gettext("Your password is changed. Everybody else is signed out.")


def _passenger(request: HttpRequest, details: dict[str, Any]) -> str:
    services.save_passenger(user=_person(request), now=clock.now(), **details)
    return gettext("This passenger is saved.")


def _messages(request: HttpRequest, details: dict[str, Any]) -> str:
    services.choose_messages(user=_person(request), choices=details)
    return gettext("Your choice of messages is saved.")


ACTIONS = {
    action.name: action
    for action in (
        Action("about", AboutForm, _about),
        Action("email", EmailForm, _email),
        Action("phone", PhoneForm, _phone),
        Action("confirm", ConfirmForm, _confirm),
        Action("password", PasswordForm, _password),
        Action("passenger", PassengerForm, _passenger),
        Action("messages", MessagesForm, _messages),
    )
}


@login_required
@require_http_methods(["POST"])
def remove_passenger(request: HttpRequest, passenger_id: int) -> HttpResponse:
    """Forget a saved passenger; one that is gone already is no news."""
    try:
        services.remove_passenger(user=_person(request), passenger_id=passenger_id)
    except NotFound:
        messages.info(request, gettext("This passenger was not there any more."))
    else:
        messages.success(request, gettext("This passenger is forgotten."))
    return HttpResponseRedirect(reverse("accounts:profile"))


# --- what the page shows --------------------------------------------------------------------------


def _show(
    request: HttpRequest, bound: dict[str, Form], *, status: int = HTTPStatus.OK
) -> HttpResponse:
    # Read again: what a form was refused for must not be shown as if it were so.
    user = selectors.get_user(user_id=_person(request).pk)
    passengers = selectors.saved_by(user.pk)
    forms = {
        "about": AboutForm(
            auto_id=_ids("about"),
            initial={name: getattr(user, name) for name in AboutForm.base_fields},
        ),
        **{
            name: ACTIONS[name].form(auto_id=_ids(name))
            for name in ("email", "phone", "password", "passenger")
        },
        "messages": MessagesForm(
            auto_id=_ids("messages"),
            initial={
                f"{topic}_{channel}": True
                for topic, channels in selectors.message_choices(user_id=user.pk).items()
                for channel in channels
            },
        ),
        **bound,
    }
    context = {
        "account": user,
        "passengers": passengers,
        "forms": forms,
        "bound": list(bound.values()),
        "waiting": _waiting(user, bound.get("confirm")),
        "needs_password": not has_just_proved(request),
        "offers_second_factor": user.is_staff and not selectors.has_second_factor(user=user),
    }
    return render(request, "accounts/profile.html", context, status=status)


def _waiting(user: Any, bound: Form | None) -> list[Waiting]:
    """List the contacts that a code is asked for: new ones, and a present one never proved."""
    email = user.pending_email or ("" if user.email_verified_at else user.email)
    phone = user.pending_phone or ("" if user.phone_verified_at else user.phone)
    found = []
    for address, icon_name, name in ((email, "mail", "email"), (phone, "phone", "phone")):
        if not address:
            continue
        answered = bound is not None and bound.data.get("contact") == str(address)
        form = (
            bound
            if answered
            else ConfirmForm(initial={"contact": address}, auto_id=_ids(f"confirm-{name}"))
        )
        found.append(Waiting(str(address), icon_name, form or ConfirmForm(), name))
    return found


def _ids(name: str) -> str:
    return f"{name}-%s"


def _person(request: HttpRequest) -> Any:
    return request.user
