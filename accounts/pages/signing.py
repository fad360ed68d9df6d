"""Signing up, in and out on the pages, by Django's session and the rules of the API."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import auth, messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import lockout, services
from accounts.errors import TotpRequired
from accounts.pages.appearance import way_back
from accounts.pages.forms import SignInForm, SignUpForm
from travel.common import clock, limits
from travel.common.address import client_network
from travel.common.errors import Refusal

BACKEND = "accounts.backends.ContactBackend"


@never_cache
@sensitive_post_parameters("password", "totp")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in and go on to where one wanted to go. Whoever is signed in already just goes on."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(onward(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    needs_totp = bool(form.data.get("totp"))
    if request.method == "POST" and form.is_valid():
        try:
            return _sign_in(request, form)
        except TotpRequired as refusal:
            needs_totp = True
            tell(form, refusal, field="totp")
        except Refusal as refusal:
            tell(form, refusal)
    context = {"form": form, "next": way_back(request, otherwise=""), "needs_totp": needs_totp}
    return render(request, "accounts/sign_in.html", context, status=form_status(form))


def _sign_in(request: HttpRequest, form: SignInForm) -> HttpResponse:
    details = form.cleaned_data
    address = client_network(request)
    lockout.count_attempt(email=details["email"], address=address)
    user = services.log_in(
        email=details["email"],
        password=details["password"],
        totp="".join(details["totp"].split()),
        now=clock.now(),
    )
    lockout.forgive(email=details["email"], address=address)
    return welcome(request, user, gettext("You are signed in."))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Open a passenger's account and sign in to it."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(onward(request))
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            # Counted with the sign-ups of the API.
            limits.count(scope="signup", who=f"address:{client_network(request)}")
            user = services.sign_up(
                **form.cleaned_data, language=get_language() or "en", now=clock.now()
            )
        except Refusal as refusal:
            tell(form, refusal, field="email" if refusal.code == "email_taken" else None)
        else:
            return welcome(request, user, gettext("Welcome on board."))
    context = {"form": form, "next": way_back(request, otherwise="")}
    return render(request, "accounts/sign_up.html", context, status=form_status(form))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and forget with it what guests booked in this browser."""
    auth.logout(request)
    messages.info(request, gettext("You are signed out."))
    return HttpResponseRedirect(resolve_url(settings.LOGOUT_REDIRECT_URL))


def welcome(request: HttpRequest, user: Any, text: str) -> HttpResponse:
    """Begin a session for the user and go on to where one wanted to go."""
    # The session's key is changed by this; what a guest booked in it stays.
    auth.login(request, user, backend=BACKEND)
    messages.success(request, text)
    return HttpResponseRedirect(onward(request))


def onward(request: HttpRequest) -> str:
    """Answer where somebody goes who has signed in."""
    return way_back(request, otherwise=resolve_url(settings.LOGIN_REDIRECT_URL))


def tell(form: Form, refusal: Refusal, *, field: str | None = None) -> None:
    """Write a refusal into the form, at the fields that it names."""
    named = {name: texts for name, texts in refusal.errors.items() if name in form.fields}
    for name, texts in named.items():
        for text in texts:
            form.add_error(name, text)
    if not named:
        form.add_error(field, str(refusal.detail))


def form_status(form: Form) -> int:
    """Answer the status of a page that shows a form, filled in wrongly or not at all."""
    return HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
