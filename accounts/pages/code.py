"""Signing in by a one-time code: ask for it, then enter it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.pages.appearance import way_back
from accounts.pages.forms import AskForm, CodeForm
from accounts.pages.signing import form_status, onward, tell, welcome
from travel.common import clock
from travel.common.address import client_network
from travel.common.contacts import Contact
from travel.common.errors import Refusal

# In the session: where the code went, and when a code has last been right.
SENT_TO = "code_sent_to"
PROVED_AT = "proved_at"
# As long as an access token that came of a code lives.
PROVED_FOR = settings.ACCESS_TOKEN_LIFETIME


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Send a code to a contact. What follows looks the same, whoever it belongs to."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(onward(request))
    form = AskForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        contact: Contact = form.cleaned_data["contact"]
        try:
            services.request_code(
                contact=contact,
                network=client_network(request),
                language=get_language() or settings.LANGUAGE_CODE,
                now=clock.now(),
            )
        except Refusal as refusal:
            tell(form, refusal)
        else:
            request.session[SENT_TO] = [contact.channel, contact.address]
            return HttpResponseRedirect(_with_next("accounts:enter-code", request))
    context = {"form": form, "next": way_back(request, otherwise="")}
    return render(request, "accounts/code.html", context, status=form_status(form))


@never_cache
@sensitive_post_parameters("otp")
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Sign in with the code that was sent."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(onward(request))
    if SENT_TO not in request.session:
        return HttpResponseRedirect(_with_next("accounts:code", request))
    contact = Contact(*request.session[SENT_TO])
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return _sign_in(request, contact, form.cleaned_data["otp"])
        except Refusal as refusal:
            tell(form, refusal, field="otp")
    context = {"form": form, "contact": contact, "next": way_back(request, otherwise="")}
    return render(request, "accounts/enter_code.html", context, status=form_status(form))


def _sign_in(request: HttpRequest, contact: Contact, code: str) -> HttpResponse:
    now = clock.now()
    user = services.sign_in_by_code(
        contact=contact,
        code=code,
        network=client_network(request),
        language=get_language() or settings.LANGUAGE_CODE,
        now=now,
    )
    del request.session[SENT_TO]
    answer = welcome(request, user, gettext("You are signed in."))
    request.session[PROVED_AT] = now.timestamp()
    return answer


def has_just_proved(request: HttpRequest) -> bool:
    """Say whether this session began with a code a short while ago."""
    since = clock.now().timestamp() - float(request.session.get(PROVED_AT, 0))
    return 0 <= since < PROVED_FOR.total_seconds()


def _with_next(name: str, request: HttpRequest) -> str:
    wanted = way_back(request, otherwise="")
    address = reverse(name)
    return f"{address}?{urlencode({'next': wanted})}" if wanted else address
