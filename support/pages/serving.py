"""
The door of serving: pages that staff open for a traveller, and every page that stays shut.

While a member of staff serves somebody, the travellers' pages are made for whoever is served. What
may be opened stands in a list, by the pages' names; anything else is refused, a page that somebody
adds tomorrow too. Paying is in no list. The admin and the API never see the traveller: there, staff
are who they are.

What is the browser's own stays apart: the session, recent searches and messages of the member of
staff are not to be seen by such a page, and what it leaves behind does not reach them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject
from django.views.csrf import csrf_failure
from rest_framework.views import APIView

from accounts.serving import BOOK, SESSION_KEY, Serving, form_is_of, turn
from support import serving as reads
from support.services import serving as services
from support.services.serving import End
from travel.common import clock
from travel.common.calendars import CALENDAR_COOKIE
from travel.common.templatetags.look import THEME_COOKIE

SAFE = frozenset({"GET", "HEAD"})
# The pages that show what is a traveller's own.
LOOKS = frozenset(
    {
        "accounts:profile",
        "bookings:done",
        "bookings:my-trips",
        "bookings:reservation",
        "bookings:tickets",
        "payments:payment",
        "support:report",
        "support:reports",
    }
)
# And those on the way from a search to a reservation.
BOOKS = LOOKS | {
    "bookings:checkout",
    "bookings:connection",
    "bookings:search",
    "bookings:seats",
    "bookings:ticket",
    "home",
}
# The only form that staff send for a traveller: the one that reserves.
SENDS = frozenset({"bookings:checkout"})
# Pages that nobody's name is on: they answer alike whoever asks.
NOBODYS = frozenset(
    {"bookings:ticket-keys", "travel.health.healthz", "travel.health.readyz"},
)
# Whoever signs out serves nobody any more.
SIGN_OUTS = frozenset({"accounts:sign-out", "admin:logout"})
# What of the browser's own a page may read: what it looks like, and the proof of its forms.
COOKIES = frozenset(
    {
        settings.CSRF_COOKIE_NAME,
        settings.LANGUAGE_COOKIE_NAME,
        CALENDAR_COOKIE,
        THEME_COOKIE,
    }
)
log = structlog.get_logger("support")

View = Callable[..., HttpResponseBase]


def is_allowed(purpose: str, name: str, method: str) -> bool:
    """Say whether a page may be opened, or sent, by its name, by somebody who serves."""
    if method in SAFE:
        return name in (BOOKS if purpose == BOOK else LOOKS)
    return method == "POST" and purpose == BOOK and name in SENDS


class ServingMiddleware:
    """Makes the travellers' pages for whoever is served; see the module."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A page that leads nowhere says in whose place it was looked for as well.
        request.serving = SimpleLazyObject(partial(_find, request))  # type: ignore[attr-defined]
        own = _Own(request)
        try:
            response = self.get_response(request)
        finally:
            served = own.is_put_aside
            own.come_back()
        if served:
            _note_bookings(request)
            _leave_no_trace(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Let in, refuse or turn into a traveller whoever asks for a page while serving."""
        assert request.resolver_match is not None, "a view was found"
        name = request.resolver_match.view_name
        if _is_elsewhere(request, view, name):
            if name in SIGN_OUTS and request.method == "POST":
                _end(request, End.SIGNED_OUT)
            return None
        if not _secret(request):
            request.serving = None  # type: ignore[attr-defined]
            return None
        held = _find(request)
        request.serving = held  # type: ignore[attr-defined]
        if held is None:
            return _over(request)
        structlog.contextvars.bind_contextvars(serving=held.id)
        allowed = is_allowed(held.purpose, name, request.method or "")
        services.note(
            serving_id=held.id,
            what=name,
            method=request.method or "",
            reservation_id=_shown(held, kwargs),
            is_refused=not allowed,
            now=clock.now(),
        )
        _become(request, held)
        return None if allowed else _refused(request, held)


# --- who really is there --------------------------------------------------------------------------


class _Own:
    """What of a request is the browser's own, to be put back when the page is made."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.session, self.user = request.session, request.user
        self.cookies = request.COOKIES

    @property
    def is_put_aside(self) -> bool:
        return self.request.session is not self.session

    def come_back(self) -> None:
        self.request.session, self.request.user = self.session, self.user
        self.request.COOKIES = self.cookies


class BriefSession(SessionBase):
    """A session as long as one page takes: it begins empty, and is kept nowhere."""

    def exists(self, session_key: str) -> bool:
        return False

    def create(self) -> None:
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        pass

    def delete(self, session_key: str | None = None) -> None:
        pass

    def load(self) -> dict[str, Any]:
        return {}

    @classmethod
    def clear_expired(cls) -> None:
        pass


class ServingMessages(CookieStorage):
    """Messages from one page to the next of the same serving."""

    def __init__(self, request: HttpRequest, *, serving_id: int) -> None:
        super().__init__(request)
        self.cookie_name = f"serving-{serving_id}"


def _find(request: HttpRequest) -> Serving | None:
    """Answer whom the sender serves now; asked anew each time, role and second factor as well."""
    secret = _secret(request)
    if not secret or not admin.site.has_permission(request):
        return None
    return reads.find_live(secret=secret, staff=request.user, now=clock.now())


def _secret(request: HttpRequest) -> str:
    # Who has no session serves nobody; to look into one marks the answer as this browser's.
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return ""
    return str(request.session.get(SESSION_KEY, ""))


def _is_elsewhere(request: HttpRequest, view: View, name: str) -> bool:
    """Say whether this is no page of the travellers': there, staff are who they are."""
    assert request.resolver_match is not None, "a view was found"
    kind = getattr(view, "cls", None)
    is_api = isinstance(kind, type) and issubclass(kind, APIView)
    return (
        "admin" in request.resolver_match.namespaces
        or is_api
        or name in NOBODYS
        or name in SIGN_OUTS
    )


def _become(request: HttpRequest, held: Serving) -> None:
    """Make the request the traveller's, with nothing in it of the browser's own."""
    request.user = held.user or AnonymousUser()
    request.session = BriefSession()
    messages = ServingMessages(request, serving_id=held.id)
    kept = COOKIES | {messages.cookie_name}
    request.COOKIES = {name: text for name, text in request.COOKIES.items() if name in kept}
    request._messages = messages  # type: ignore[attr-defined]


def _shown(held: Serving, kwargs: dict[str, Any]) -> int | None:
    locator = kwargs.get("locator")
    return reads.shown(viewer=held.viewer, locator=locator) if locator else None


# --- afterwards -----------------------------------------------------------------------------------


def _note_bookings(request: HttpRequest) -> None:
    held: Serving = request.serving  # type: ignore[attr-defined]
    for reservation_id in held.booked:
        services.note(
            serving_id=held.id, what=reads.BOOKED, reservation_id=reservation_id, now=clock.now()
        )


def _leave_no_trace(request: HttpRequest, response: HttpResponseBase) -> None:
    """Keep the page out of every cache, and what it would remember out of the browser."""
    held: Serving = request.serving  # type: ignore[attr-defined]
    own = f"serving-{held.id}"
    for name in [name for name in response.cookies if name != own]:
        del response.cookies[name]
    add_never_cache_headers(response)


# --- refusals -------------------------------------------------------------------------------------


def _refused(request: HttpRequest, held: Serving) -> HttpResponse:
    """Say that this page stays shut while serving, and why."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    log.info("serving_refused", serving=held.id, page=name, method=request.method)
    is_money = name.partition(":")[0] == "payments"
    context = {"is_money": is_money}
    return render(request, "support/serving_refused.html", context, status=HTTPStatus.FORBIDDEN)


def _over(request: HttpRequest) -> HttpResponse:
    """Say that nobody is served any more; whatever was sent is not done under another name."""
    _end(request, End.REFUSED)
    answer = render(request, "support/serving_over.html", status=HTTPStatus.FORBIDDEN)
    add_never_cache_headers(answer)
    return answer


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """
    Answer a form without a valid proof (settings.CSRF_FAILURE_VIEW); nothing of it is done.

    Staff whose form was made while they served somebody they serve no more are told just that.
    """
    made_for = form_is_of(request) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
    over = reads.find_over(digest=made_for, staff=request.user) if made_for else None
    if over is None:
        return csrf_failure(request, reason)
    context = {
        "is_booking": over.purpose == BOOK,
        "name": reads.name_of(over),
        "begin": f"{reverse('admin:serving_begin')}?{reads.begin_query(over)}"
        if over.traveller_id or over.reservation_id
        else reverse("admin:book_by_phone"),
    }
    status = HTTPStatus.FORBIDDEN
    answer = render(request, "support/serving_form_late.html", context, status=status)
    add_never_cache_headers(answer)
    return answer


def _end(request: HttpRequest, because: str) -> None:
    secret = _secret(request)
    if not secret:
        return
    if request.user.pk is not None:
        services.end(secret=secret, staff_id=request.user.pk, because=because, now=clock.now())
    with suppress(KeyError):
        del request.session[SESSION_KEY]
    # Forms of pages that were made for the traveller do not go through any more.
    turn(request, secret=secret)
