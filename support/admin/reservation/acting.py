"""
Acts of staff for a traveller: a form each, where it matters what it means, then the service.

Who may is asked of support.acts, as the list of buttons does; what stands in the way is told on the
reservation's own page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.errors import AlreadyCancelled
from support import acts
from support.admin.reservation.act_pages import PAGES, ActPage, Asked
from support.admin.reservation.cancelling import row_of
from support.admin.reservation.desk import Hand, overview_of, shown
from support.selectors import CHANGE
from travel.common import acts as record
from travel.common import clock
from travel.common.errors import NotFound, Refusal, Throttled
from travel.common.limits import LIMITS
from travel.common.templatetags.look import clock_text

KEPT_OUT = ("csrfmiddlewaretoken", "confirm")


def act_view(
    site: Any, request: HttpRequest, hand: Hand, *, object_id: int, name: str
) -> HttpResponse:
    """Answer an act's page, or the reservation's own where the act is not to be had (any more)."""
    now = clock.now()
    page = PAGES.get(name)
    if page is None:
        raise NotFound()
    overview, reservation = overview_of(hand, object_id, now=now)
    if not hand.may(CHANGE):
        raise PermissionDenied
    known = {one.name: one for one in acts.acts_on(overview, powers=hand.powers)}[page.act]
    if not known.is_allowed:
        messages.error(request, known.why_not)
        return HttpResponseRedirect(_home(object_id))
    asked = Asked(reservation, request.POST if request.method == "POST" else request.GET, now)
    try:
        return _acted(site, request, hand, page, asked)
    except (NotFound, AlreadyCancelled):
        # The reservation is there, so it is a ticket that is gone: exchanged or cancelled elsewhere
        # since the page was made.
        messages.error(request, _("The tickets have changed meanwhile; look again."))
        return HttpResponseRedirect(_home(object_id))


def _acted(
    site: Any, request: HttpRequest, hand: Hand, page: ActPage, asked: Asked
) -> HttpResponse:
    """
    Ask for an act, say what it means, or do it.

    :raises NotFound, AlreadyCancelled: a ticket or a passenger that was chosen is gone.
    """
    home = _home(asked.reservation.id)
    if request.method != "POST":
        return _asked(site, request, page, asked, page.form(asked, is_sent=False))
    form = page.form(asked, is_sent=True)
    if page.is_looking_on(asked) or not form.is_valid():
        return _asked(site, request, page, asked, form)
    try:
        meaning = page.meaning(asked, form)
        if meaning and "confirm" not in request.POST:
            return _meant(site, request, page, asked, form, meaning)
        said = page.run(hand.viewer, asked, form)
    except (NotFound, AlreadyCancelled):
        raise
    except Refusal as refusal:
        _tell(form, refusal, asked)
        return _asked(site, request, page, asked, form)
    if not said:
        messages.info(request, _("That stands there already: nothing was changed."))
        return HttpResponseRedirect(home)
    record.record(request, row_of(asked.reservation), said, why=form.cleaned_data["reason"])
    messages.success(request, said)
    return HttpResponseRedirect(home)


def _asked(site: Any, request: HttpRequest, page: ActPage, asked: Asked, form: Any) -> HttpResponse:
    # Who only looks on, at another coach, say, has made no mistake yet.
    wrong = form.is_bound and not page.is_looking_on(asked)
    return shown(
        site,
        request,
        "act",
        status=HTTPStatus.BAD_REQUEST if wrong and not form.is_valid() else HTTPStatus.OK,
        title=page.label,
        reservation=asked.reservation,
        page=page,
        form=form,
        **page.context(asked, form),
    )


def _meant(
    site: Any, request: HttpRequest, page: ActPage, asked: Asked, form: Any, meaning: list[str]
) -> HttpResponse:
    return shown(
        site,
        request,
        "confirm",
        title=page.label,
        reservation=asked.reservation,
        page=page,
        meaning=meaning,
        reason=form.cleaned_data["reason"],
        sent=list(_sent(request)),
        back=f"{request.path}?{page.back(asked)}" if page.back(asked) else request.path,
    )


def _sent(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Answer what was sent, to be sent again with the confirmation."""
    for name, values in request.POST.lists():
        if name not in KEPT_OUT:
            for value in values:
                yield name, str(value)


def _tell(form: Any, refusal: Refusal, asked: Asked) -> None:
    """Write a refusal beside the fields that it is about, or above all."""
    if isinstance(refusal, Throttled) and refusal.retry_after:
        form.add_error(None, _again_at(asked, refusal.retry_after))
        return
    names = {"firstName": "first_name", "lastName": "last_name"}
    for name, texts in refusal.errors.items():
        field = names.get(name, name)
        form.add_error(field if field in form.fields else None, texts)
    if not refusal.errors:
        form.add_error(None, str(refusal.detail))


def _again_at(asked: Asked, seconds: int) -> str:
    """Say when it may be sent again, to the next full minute, by the first station's clock."""
    station = asked.reservation.journey[0].origin.station
    at = asked.now + timedelta(seconds=seconds + 59)
    times = LIMITS["resend"].times
    said = ngettext(
        "It was sent %(n)s time within the hour, which is the most. Again at %(time)s, by the "
        "clock of %(station)s.",
        "It was sent %(n)s times within the hour, which is the most. Again at %(time)s, by the "
        "clock of %(station)s.",
        times,
    )
    return said % {"n": times, "time": clock_text(at, station.tz), "station": station.name}


def _home(object_id: int) -> str:
    return reverse("admin:bookings_reservation_change", args=[object_id])
