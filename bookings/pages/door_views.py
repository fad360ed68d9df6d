"""Staff at the door: the departures to board, scanning, and who sits where."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import viewers
from bookings import barcodes, manifest, services
from bookings.engine.contract import Actor
from bookings.manifest import Door, Keeper, Rider, StopCount
from bookings.pages import door_lists, door_words
from bookings.services import Answer, Showing
from bookings.verdicts import Word
from inventory.selectors import CallFacts
from payments import selectors as money
from travel.common import clock
from travel.common.errors import InvalidInput, NotFound, Refusal
from travel.common.ids import keyed_digest
from travel.common.sheets import csv_file
from travel.common.templatetags.look import clock_text

P = ParamSpec("P")
# A device sends what it scanned offline in parts of this size.
MOST_AT_ONCE = 50
MOST_BYTES = 200_000
# More people than this are listed coach by coach.
MOST_LISTED = 80


# --- who comes in ---------------------------------------------------------------------------------


def at_the_door(
    view: Callable[Concatenate[HttpRequest, Keeper, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """
    Let staff in who board, signed in as the back office asks for it; others are sent to sign in.

    Who is no staff finds nothing here, nor who asks for a departure of others. A script is told by
    401 that the session is over.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user: Any = request.user
        if user.is_authenticated and not user.is_staff:
            raise Http404
        if not viewers.of_user(user).is_support:
            return _sign_in_first(request)
        keeper = manifest.keeper_of(user_id=user.pk)
        if not keeper.may_board:
            raise PermissionDenied
        try:
            return view(request, keeper, *args, **kwargs)
        except NotFound as error:
            raise Http404 from error

    return answer


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        query = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{reverse('admin:login')}?{query}")
    return JsonResponse({"code": "signed_out"}, status=HTTPStatus.UNAUTHORIZED)


# --- departures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DoorRow:
    """A departure in the list of those to board."""

    id: int
    mode: str
    number: str
    carrier: str
    origin: str
    destination: str
    leaves_at: datetime
    is_late: bool
    is_running: bool
    is_under_way: bool


@never_cache
@require_safe
@at_the_door
def doors(request: HttpRequest, keeper: Keeper) -> HttpResponse:
    """List the departures that are boarded about now."""
    now = clock.now()
    text = request.GET.get("q", "").strip()[:40]
    found = [_row(door, now) for door in manifest.list_doors(keeper=keeper, now=now, text=text)]
    return render(request, "door/doors.html", {"found": found, "q": text})


def _row(door: Door, now: datetime) -> DoorRow:
    first, last = door.calls[0], door.calls[-1]
    return DoorRow(
        id=door.id,
        mode=door.departure.service.mode,
        number=door.departure.service.number,
        carrier=door.departure.service.carrier_name,
        origin=first.station.name,
        destination=last.station.name,
        leaves_at=door.starts_at.astimezone(ZoneInfo(first.station.tz)),
        is_late=first.departs_at is not None and door.starts_at > first.departs_at,
        is_running=door.is_running,
        is_under_way=door.starts_at <= now,
    )


# --- scanning -------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@at_the_door
def door(request: HttpRequest, keeper: Keeper, departure_id: int) -> HttpResponse:
    """
    Show the scan page of a departure; without a script what is typed comes here.

    With `shell` it has no names: that is what a device keeps for when it is offline.
    """
    now = clock.now()
    found = manifest.get_door(keeper=keeper, departure_id=departure_id)
    device = _device(request)
    card, choices, stop = None, [], _stop_asked(request, found, now)
    if request.method == "POST":
        showing = _typed(request, device, stop, now)
        try:
            answer = services.scan(
                keeper=keeper, departure_id=departure_id, showing=showing, now=now
            )
        except InvalidInput:
            raise Http404 from None
        card, choices = _card(answer, showing.code), answer.choices
    is_shell = "shell" in request.GET
    people = [] if is_shell else manifest.riders(departure_id)
    coach = (request.POST or request.GET).get("coach", "")[:20]
    known = door_lists.coaches(people)
    view = _view(request, coach, known, people)
    context = _head(found, people, stop, now) | {
        "is_shell": is_shell,
        "card": card,
        "choices": _choices(choices, found, stop),
        "code": request.POST.get("code", "")[:40] if choices else "",
        "client_id": uuid.uuid4(),
        "device": device,
        "coach": coach,
        "coaches": known,
        "tabs": [(label, name, label == view) for label, name in known] if view else [],
        "lists": door_lists.by_coach(people, found, stop=stop, only=view),
        "conflicts": [] if is_shell else _conflicts(found),
        "blanks": door_words.blank_cards(),
    }
    return render(request, "door/door.html", context)


def _device(request: HttpRequest) -> str:
    """Answer by what a browser without a name of its own is known: its session."""
    return keyed_digest("door", request.session.session_key or "")[:32]


def _view(
    request: HttpRequest, coach: str, known: Sequence[tuple[str, str]], people: Sequence[Rider]
) -> str:
    """Answer the coach whose people are listed; nothing means everybody, where they are few."""
    labels = [label for label, _name in known]
    asked = request.GET.get("view", "") or coach
    if asked in labels:
        return asked
    return labels[0] if labels and len(people) > MOST_LISTED else ""


def _typed(request: HttpRequest, device: str, stop: int, now: datetime) -> Showing:
    data = request.POST
    coupon = data.get("coupon", "")
    return Showing(
        client_id=data.get("client_id") or str(uuid.uuid4()),
        device=device,
        at=now,
        stop=stop,
        how="list" if data.get("how") == "list" else "typed",
        coach=data.get("coach", "")[:20],
        code=data.get("code", "").strip(),
        coupon_id=int(coupon) if coupon.isdecimal() and len(coupon) < 19 else None,
        insists="insists" in data,
        undoes=data.get("undoes", ""),
    )


def _stop_asked(request: HttpRequest, found: Door, now: datetime) -> int:
    asked = (request.POST or request.GET).get("stop", "")
    stops = {str(call.position): call.position for call in found.stops}
    return stops.get(asked, found.stop_at(now))


def _card(answer: Answer, code: str) -> door_words.Card | None:
    """Write an answer as a card; who is to be chosen among several has none."""
    if answer.word == services.CHOOSE:
        return None
    refunded_at = None
    if answer.word == Word.CANCELLED and answer.rider is not None:
        refunded_at = money.refunded_at(answer.rider.coupon_id)
    return door_words.card_of(answer, code=code, refunded_at=refunded_at)


def _choices(people: Sequence[Rider], found: Door, stop: int) -> list[door_lists.Row]:
    return [door_lists.row_of(one, found, stop=stop, size=len(people)) for one in people]


def _head(found: Door, people: Sequence[Rider], stop: int, now: datetime) -> dict[str, object]:
    counts = manifest.stop_counts(found, people)
    here = next((one for one in counts if one.call.position == stop), None)
    call = found.departure.way[stop]
    return {
        "door": found,
        "number": found.departure.service.number,
        "mode": found.departure.service.mode,
        "stop": stop,
        "here": call.station.name,
        "leaves": _leaves(call, now),
        "platform": call.platform,
        "stops": [(one.position, one.station.name, one.position == stop) for one in found.stops],
        "expected": here.expected_on if here else 0,
        "on_board": here.is_on if here else 0,
        "counted": _counted(here.is_on if here else 0, here.expected_on if here else 0),
        "with_help": sum(one.needs_wheelchair and one.is_expected for one in people),
    }


def _counted(on_board: int, expected: int) -> SafeString:
    """Say how many are on board; a script changes the figures."""
    said = conditional_escape(gettext("%(on_board)s of %(expected)s on board"))
    figures = {
        "on_board": format_html("<span data-on-board>{}</span>", on_board),
        "expected": format_html("<span data-expected>{}</span>", expected),
    }
    return mark_safe(said % figures)  # noqa: S308 - each part is escaped


def _leaves(call: CallFacts, now: datetime) -> str:
    """Say when a stop is left, and in how many minutes where that is soon."""
    if call.leaves_at is None:
        return ""
    time = clock_text(call.leaves_at, call.station.tz)
    minutes = int((call.leaves_at - now).total_seconds() // 60)
    if minutes < 0:
        return gettext("Left %(time)s") % {"time": time}
    if minutes >= 90:
        return gettext("Departs %(time)s") % {"time": time}
    said = ngettext(
        "Departs %(time)s, in %(minutes)s minute",
        "Departs %(time)s, in %(minutes)s minutes",
        minutes,
    )
    return said % {"time": time, "minutes": minutes}


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A conflict as staff read it."""

    name: str
    why: str
    at: datetime
    where: str
    staff: str


def _conflicts(found: Door) -> list[ConflictRow]:
    rows = []
    for one in manifest.conflicts(found.id):
        call = found.departure.way.get(one.stop)
        where = call.station if call else found.calls[0].station
        rows.append(
            ConflictRow(
                one.name,
                str(door_words.WORDS[one.word].title),
                one.at.astimezone(ZoneInfo(where.tz)),
                where.name,
                one.staff,
            )
        )
    return rows


# --- what a script sends --------------------------------------------------------------------------


@never_cache
@require_POST
@at_the_door
def scans(request: HttpRequest, keeper: Keeper, departure_id: int) -> JsonResponse:
    """
    Take what a device scanned, one showing or a part of what it did offline, and answer each.

    With each answer comes who has been let in anywhere, so that every device knows of the others.
    """
    now = clock.now()
    sent = _sent(request)
    answers = []
    for one in sent:
        try:
            showing = _read_showing(one, now)
            answer = services.scan(
                keeper=keeper, departure_id=departure_id, showing=showing, now=now
            )
        except NotFound:
            raise
        except Refusal as refusal:
            # One that no device of the office sends must not hold up the others.
            answers.append({"id": str(one.get("id", ""))[:40], "word": refusal.code})
        else:
            answers.append(
                _told(request, answer, showing.code, showing.coach, alone=len(sent) == 1)
            )
    return JsonResponse({"answers": answers, **_since(keeper, departure_id, now)})


def _sent(request: HttpRequest) -> list[dict[str, Any]]:
    try:
        body = json.loads(request.body[:MOST_BYTES])
        found = body["scans"]
    except (ValueError, KeyError, TypeError):
        raise Http404 from None
    if not isinstance(found, list) or len(found) > MOST_AT_ONCE:
        raise Http404
    return [one for one in found if isinstance(one, dict)]


def _read_showing(sent: dict[str, Any], now: datetime) -> Showing:
    coupon, let_in, stop = sent.get("coupon"), sent.get("let_in"), sent.get("stop")
    at = now
    if let_in is not None:
        try:
            at = datetime.fromisoformat(str(sent.get("at")))
        except ValueError:
            raise InvalidInput from None
        if at.tzinfo is None:
            raise InvalidInput
    return Showing(
        client_id=str(sent.get("id", "")),
        device=str(sent.get("device", "")),
        at=at,
        stop=stop if isinstance(stop, int) else -1,
        how=str(sent.get("how", "")),
        coach=str(sent.get("coach") or "")[:20],
        code=str(sent.get("code") or ""),
        coupon_id=coupon if isinstance(coupon, int) and 0 < coupon < 2**53 else None,
        insists=sent.get("insists") is True,
        let_in=let_in if isinstance(let_in, bool) else None,
        said=str(sent.get("said") or ""),
        undoes=str(sent.get("undoes") or ""),
    )


def _told(
    request: HttpRequest, answer: Answer, code: str, coach: str, *, alone: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": answer.client_id,
        "word": answer.word,
        "let_in": answer.let_in,
        "conflict": answer.is_conflict,
        "coupon": answer.rider.coupon_id if answer.rider else None,
    }
    if not alone:
        return told
    card = _card(answer, code)
    context = {
        "card": card,
        "choices": _choices(answer.choices, answer.door, answer.stop),
        "code": code,
        "stop": answer.stop,
        "coach": coach,
    }
    html = render_to_string("door/_answer.html", context, request)
    return told | {"html": html, "tone": card.tone if card else "info"}


def _since(keeper: Keeper, departure_id: int, now: datetime) -> dict[str, Any]:
    """Answer who is on board, as far as any device told."""
    found = manifest.get_door(keeper=keeper, departure_id=departure_id)
    return {
        "now": now.isoformat(),
        "version": found.departure.stock_version,
        "used": door_lists.used(departure_id),
        "on": manifest.on_board(found),
        "conflicts": len(manifest.conflicts(departure_id)),
    }


@never_cache
@require_POST
@at_the_door
def device_list(request: HttpRequest, keeper: Keeper, departure_id: int) -> JsonResponse:
    """Give a device the passenger list to take along; who took it is written down."""
    now = clock.now()
    people = services.note_copy(
        keeper=keeper,
        departure_id=departure_id,
        kind="device",
        device=request.POST.get("device", ""),
        now=now,
    )
    found = manifest.get_door(keeper=keeper, departure_id=departure_id)
    return JsonResponse(
        {
            "now": now.isoformat(),
            "keys": barcodes.key_set()["keys"],
            **door_lists.for_device(found, people),
        }
    )


# --- who sits where -------------------------------------------------------------------------------


@never_cache
@require_safe
@at_the_door
def passengers(request: HttpRequest, keeper: Keeper, departure_id: int) -> HttpResponse:
    """Show everybody by coach and seat, and how many board at each stop."""
    now = clock.now()
    found = manifest.get_door(keeper=keeper, departure_id=departure_id)
    people = manifest.riders(departure_id)
    stop = _stop_asked(request, found, now)
    context = _head(found, people, stop, now) | {
        "lists": door_lists.by_coach(people, found, stop=0),
        "counts": _counts(manifest.stop_counts(found, people)),
        "people": sum(one.is_expected for one in people),
        "may_reopen": keeper.everywhere,
        "printed_at": now.astimezone(ZoneInfo(found.calls[0].station.tz)),
    }
    return render(request, "door/passengers.html", context)


@never_cache
@require_POST
@at_the_door
def reopen(request: HttpRequest, keeper: Keeper, departure_id: int) -> HttpResponse:
    """Open a used or missed ticket again, for a reason: the office's own staff only."""
    manifest.get_door(keeper=keeper, departure_id=departure_id)
    if not keeper.everywhere:
        raise PermissionDenied
    asked, reason = request.POST.get("coupon", ""), request.POST.get("reason", "").strip()[:300]
    people = {str(one.coupon_id): one for one in manifest.riders(departure_id)}
    if asked not in people:
        raise Http404
    if not reason:
        messages.error(request, gettext("Say why the ticket is opened again."))
    elif services.reopen(
        reservation_id=people[asked].reservation_id,
        coupon_ids=[people[asked].coupon_id],
        actor=Actor("staff", keeper.user_id, reason),
        now=clock.now(),
    ):
        said = gettext("The ticket of %(name)s is open again.") % {"name": people[asked].name}
        messages.success(request, said)
    else:
        messages.warning(request, gettext("Only a ticket that was used or missed is opened again."))
    return redirect("bookings:door-passengers", departure_id)


@dataclass(frozen=True, slots=True)
class CountRow:
    """A stop in numbers, ready to be shown."""

    station: str
    at: datetime | None
    boarding: int
    boarded: int
    leaving: int
    is_on: int


def _counts(counts: Iterable[StopCount]) -> list[CountRow]:
    return [
        CountRow(
            one.call.station.name,
            moment.astimezone(ZoneInfo(one.call.station.tz))
            if (moment := one.call.leaves_at or one.call.arrives_at)
            else None,
            one.boarding,
            one.boarded,
            one.leaving,
            one.is_on,
        )
        for one in counts
    ]


@never_cache
@require_POST
@at_the_door
def passengers_csv(request: HttpRequest, keeper: Keeper, departure_id: int) -> HttpResponseBase:
    """Answer the passenger list as a file; who took it is written down."""
    people = services.note_copy(
        keeper=keeper, departure_id=departure_id, kind="csv", now=clock.now()
    )
    found = manifest.get_door(keeper=keeper, departure_id=departure_id)
    number = "".join(c for c in found.departure.service.number if c.isascii() and c.isalnum())
    name = f"{number.lower() or 'departure'}-{found.departure.travel_date.isoformat()}.csv"
    return csv_file(name, door_lists.csv_head(), door_lists.csv_rows(people, found))


# --- offline --------------------------------------------------------------------------------------


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Answer the service worker, which may serve the pages below this address and no others."""
    text = (Path(settings.BASE_DIR) / "static/js/door-worker.js").read_text(encoding="utf-8")
    answer = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    patch_cache_control(answer, no_cache=True)
    return answer
