"""
The pages of the departures desk.

An act is asked for on one page and confirmed on the next, which says in numbers what will happen.
What was shown is what is done: the page carries the departure's revision, and a token that makes a
second press of its button harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from inventory import places
from inventory.errors import DepartureChanged
from inventory.models import Call, Departure, PendingChange
from inventory.reach import Reach, reach_of
from inventory.selectors import carrier_choices
from inventory.services import pending
from support import desk
from support.admin.desk import drawing
from support.admin.desk.acts import ACTS, BY_NAME, DeskAct, has_arrived
from support.admin.desk.forms import DeskForm, deed_field
from support.analytics import rights
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from support.services import changes, departures
from support.services.departures import Hand
from travel.common import acts, clock
from travel.common.address import client_address
from travel.common.admin_bases import refusals_as_answers
from travel.common.errors import NotAllowed, NotFound, Refusal
from travel.common.forms import day_widget
from travel.common.ids import new_secret
from travel.common.locales import in_a_row
from travel.common.paging import page_number
from travel.common.sheets import csv_file

MOST_PAGES = 10_000 // desk.PER_PAGE


def urls(site: Any) -> list[URLPattern]:
    """Answer the pages of the desk, for the staff's site."""

    def at(route: str, view: Any, name: str) -> URLPattern:
        return path(f"departures-desk/{route}", site.admin_view(_bound(site, view)), name=name)

    return [
        at("", list_view, "desk"),
        at("<int:pk>/", departure_view, "desk_departure"),
        at("<int:pk>/people.csv", people_csv, "desk_people_csv"),
        at("<int:pk>/<slug:name>/", act_view, "desk_act"),
        at("jobs/<int:pk>/", job_view, "desk_job"),
        at("jobs/<int:pk>/items.csv", job_csv, "desk_job_csv"),
        at("changes/<int:pk>/", change_view, "desk_change"),
    ]


def button(request: HttpRequest) -> tuple[Any, str] | None:
    """Answer the overview's button to the desk, for whoever reaches any departures."""
    if reach_of(request.user).is_empty:
        return None
    return gettext_lazy("Departures desk"), reverse("admin:desk")


def _bound(site: Any, view: Any) -> Any:
    def bound(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        reach = reach_of(request.user)
        if reach.is_empty:
            raise PermissionDenied
        with refusals_as_answers():
            answer: HttpResponse = view(site, request, reach, **kwargs)
        return answer

    return bound


# --- the departures of a day ----------------------------------------------------------------------


class DayForm(django_forms.Form):
    """Which departures are listed."""

    day = django_forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        validators=[MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
        widget=day_widget(),
    )
    number = django_forms.CharField(label=gettext_lazy("Number"), required=False, max_length=40)
    carrier = django_forms.TypedChoiceField(
        label=gettext_lazy("Carrier"), required=False, coerce=int, empty_value=None
    )
    place = django_forms.CharField(
        label=gettext_lazy("City or station"), required=False, max_length=120
    )
    booked = django_forms.BooleanField(label=gettext_lazy("Only with passengers"), required=False)
    disrupted = django_forms.BooleanField(
        label=gettext_lazy("Only what does not run as planned"), required=False
    )

    def __init__(self, *args: Any, reach: Reach, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        carriers = carrier_choices(reach.sees)
        if len(carriers) > 1:
            self.fields["carrier"].choices = [("", _("All")), *carriers]  # type: ignore[attr-defined]
        else:
            del self.fields["carrier"]

    def clean_place(self) -> places.Place | None:
        """Answer the city or station that was typed, as travellers may type it."""
        text: str = self.cleaned_data["place"]
        place = places.resolve(text) if text else None
        if text and place is None:
            raise django_forms.ValidationError(_("No city, station or code is called this."))
        return place

    @property
    def filters(self) -> list[django_forms.BoundField]:
        """The fields that stand under their labels."""
        return [one for one in self if not isinstance(one.field, django_forms.BooleanField)]

    @property
    def ticks(self) -> list[django_forms.BoundField]:
        """The fields that stand before their labels."""
        return [one for one in self if isinstance(one.field, django_forms.BooleanField)]


def list_view(site: Any, request: HttpRequest, reach: Reach) -> HttpResponse:
    """List the departures of a day, and what waits for somebody."""
    form = DayForm(request.GET, reach=reach)
    is_right = form.is_valid()
    asked: dict[str, Any] = form.cleaned_data
    day: date = asked.get("day") or clock.now().date()
    place: places.Place | None = asked.get("place")
    page = _page(request)
    count, rows = 0, list[desk.Row]()
    if is_right:
        count, rows = desk.departures(
            reach=reach,
            day=day,
            number=asked["number"],
            carrier_id=asked.get("carrier"),
            stations=[one.id for one in place.stations] if place else None,
            only_booked=asked["booked"],
            only_disrupted=asked["disrupted"],
            offset=(page - 1) * desk.PER_PAGE,
        )
        # What was typed is shown as it was taken.
        taken = {**asked, "day": day, "place": place.name if place else ""}
        form = DayForm(initial=taken, reach=reach)
    query = request.GET.copy()
    query.pop("p", None)

    def on(other: date) -> str:
        elsewhere = query.copy()
        elsewhere["day"] = str(other)
        return f"?{elsewhere.urlencode()}"

    return _shown(
        site,
        request,
        "list",
        title=_("Departures desk"),
        status=HTTPStatus.OK if is_right else HTTPStatus.BAD_REQUEST,
        form=form,
        day=day,
        before=on(day - timedelta(days=1)),
        after=on(day + timedelta(days=1)),
        rows=rows,
        count=count,
        page=page,
        pages=_pages(count),
        query=query.urlencode(),
        waiting=desk.waiting(reach=reach) if reach.meets_people else [],
        jobs=desk.jobs(reach=reach, only_open=True),
        changes=desk.pending_changes(reach=reach, limit=20),
    )


def departure_view(site: Any, request: HttpRequest, reach: Reach, *, pk: int) -> HttpResponse:
    """Show a departure: how it runs, who is on it, what the desk did, and what it may do."""
    departure = desk.get_departure(reach=reach, departure_id=pk)
    page = _page(request)
    found = desk.numbers(pk, past=True)
    may_change = reach.may_change(departure.service.carrier_id)
    waiting = desk.waiting(reach=reach, departure_id=pk) if reach.meets_people else []
    calls = desk.calls_of(pk)
    possible, hindered = _possible(departure, calls, is_anybody_waiting=bool(waiting))
    return _shown(
        site,
        request,
        "departure",
        title=_title(departure),
        departure=departure,
        calls=calls,
        delay=max(desk.delay_of(call) for call in calls) // timedelta(minutes=1) if calls else 0,
        skipped=sum(call.is_skipped for call in calls),
        numbers=found,
        sees_money=_sees_money(request, departure),
        acts=possible if may_change else [],
        hindered=hindered if may_change else [],
        people=(
            desk.people(pk, past=True, offset=(page - 1) * desk.PER_PAGE)
            if reach.meets_people
            else []
        ),
        page=page,
        pages=_pages(found.passengers),
        waiting=waiting,
        blocks=desk.grouped_blocks(desk.blocks(pk), calls),
        jobs=desk.jobs(reach=reach, departure_id=pk),
        entries=desk.entries(departure_id=pk),
        changes=departure.pending_changes.filter(settled_at=None).order_by("id")[:20],
    )


def _possible(
    departure: Departure, calls: Sequence[Call], *, is_anybody_waiting: bool
) -> tuple[list[DeskAct], list[tuple[str, str]]]:
    """Answer the acts that are possible, and the names of those that are not, by the reason."""
    now = clock.now()
    possible: list[DeskAct] = []
    hindered: dict[str, list[DeskAct]] = {}
    for act in ACTS:
        if not act.is_offered(departure) or (act.name == "seat" and not is_anybody_waiting):
            continue
        why = act.why_not(departure, calls, now)
        if why:
            hindered.setdefault(why, []).append(act)
        else:
            possible.append(act)
    return possible, [(in_a_row(act.label for act in acts), why) for why, acts in hindered.items()]


def people_csv(site: Any, request: HttpRequest, reach: Reach, *, pk: int) -> StreamingHttpResponse:
    """Answer everybody on a departure as a file."""
    departure = desk.get_departure(reach=reach, departure_id=pk)
    if not reach.meets_people:
        raise NotAllowed()
    called = _calling(request)
    head = [
        _("Booking"),
        _("Passenger"),
        _("Kind"),
        _("Contact"),
        _("From"),
        _("To"),
        _("Class"),
        _("Seat"),
        _("State"),
    ]
    rows = (
        [
            called(one.reservation_id, one.locator),
            one.name,
            one.kind,
            one.contact,
            one.origin,
            one.destination,
            one.travel_class,
            one.seat,
            one.state,
        ]
        for one in desk.everybody(departure.pk, past=True)
    )
    acts.record(request, departure, _("Everybody on it."), kind=acts.Kind.EXPORTED)
    return csv_file(f"departure-{departure.pk}.csv", head, rows)


# --- acts -----------------------------------------------------------------------------------------


def act_view(site: Any, request: HttpRequest, reach: Reach, *, pk: int, name: str) -> HttpResponse:
    """Ask for an act, say what it means, or do it."""
    departure = desk.get_departure(reach=reach, departure_id=pk)
    act = BY_NAME.get(name)
    if act is None:
        raise NotFound()
    if not reach.may_change(departure.service.carrier_id):
        raise NotAllowed()
    if (entry := _done_before(request)) is not None:
        messages.info(request, _("This was done already: %(act)s.") % {"act": act.label})
        return _onward(entry, departure)
    if why := act.why_not(departure, desk.calls_of(pk), clock.now()):
        messages.error(request, why)
        return HttpResponseRedirect(_home(departure))
    if request.method != "POST":
        if not act.is_offered(departure):
            return _refused(request, departure)
        form = act.form(departure=departure, initial={"revision": departure.revision})
        return _asked(site, request, departure, act, form)
    form = act.form(request.POST, departure=departure)
    is_valid = form.is_valid()
    try:
        # Before any fault of a choice: on an old page a choice may have been taken away by others.
        if form.cleaned_data.get("revision", departure.revision) != departure.revision:
            raise DepartureChanged()
        if not act.is_offered(departure):
            return _refused(request, departure)
        if not is_valid:
            return _asked(site, request, departure, act, form)
        if "confirm" in request.POST:
            return _done(request, departure, act, form)
        return _meant(site, request, departure, act, form)
    except (DepartureChanged, NotFound):
        # The departure is there: what is not found any more is something that was chosen of it.
        messages.error(request, str(DepartureChanged().detail))
        return HttpResponseRedirect(_home(departure))
    except NotAllowed:
        raise
    except Refusal as refusal:
        _tell(form, refusal)
        return _asked(site, request, departure, act, form)


def _refused(request: HttpRequest, departure: Departure) -> HttpResponse:
    messages.error(request, _("This cannot be done to the departure as it is now."))
    return HttpResponseRedirect(_home(departure))


def _done_before(request: HttpRequest) -> DeskEntry | None:
    """Answer the line of the log that a page's button wrote when it was pressed before."""
    once = request.POST.get("once", "")
    if not once or "confirm" not in request.POST:
        return None
    return DeskEntry.objects.filter(once=once, actor=request.user.pk).first()


def _asked(
    site: Any, request: HttpRequest, departure: Departure, act: DeskAct, form: DeskForm
) -> HttpResponse:
    return _shown(
        site,
        request,
        "act",
        status=HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK,
        title=str(act.label),
        departure=departure,
        act=act,
        form=form,
        coaches=drawing.coaches(departure, form) if "seats" in form.fields else None,
    )


def _meant(
    site: Any, request: HttpRequest, departure: Departure, act: DeskAct, form: DeskForm
) -> HttpResponse:
    meaning = act.means(departure, form.cleaned_data)
    return _shown(
        site,
        request,
        "confirm",
        title=str(act.label),
        departure=departure,
        act=act,
        meaning=meaning,
        reason=form.cleaned_data["reason"],
        people=(desk.people(departure.pk, meaning.concern, limit=10) if meaning.concern else []),
        sent=list(_sent(request)),
        once=new_secret(),
    )


def _sent(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Answer what was sent, to be sent again with the confirmation."""
    for name, values in request.POST.lists():
        if name not in ("csrfmiddlewaretoken", "once", "confirm"):
            for value in values:
                yield name, str(value)


def _done(request: HttpRequest, departure: Departure, act: DeskAct, form: DeskForm) -> HttpResponse:
    now = clock.now()
    entry = act.run(_hand(request, form), departure, form.cleaned_data, now)
    messages.success(request, _("Done: %(act)s.") % {"act": act.label})
    return _onward(entry, departure)


def _onward(entry: DeskEntry, departure: Departure) -> HttpResponse:
    if entry.job_id:
        return HttpResponseRedirect(reverse("admin:desk_job", args=[entry.job_id]))
    return HttpResponseRedirect(
        reverse("admin:desk_departure", args=[entry.departure_id or departure.pk])
    )


def _hand(request: HttpRequest, form: DeskForm) -> Hand:
    return Hand(
        user_id=request.user.pk or 0,
        reason=form.cleaned_data["reason"],
        address=client_address(request),
        once=form.cleaned_data["once"] or None,
        revision=form.cleaned_data["revision"],
    )


def _tell(form: DeskForm, refusal: Refusal) -> None:
    """Write a refusal beside the fields that it is about, or above all."""
    for name, texts in refusal.errors.items():
        form.add_error(name if name in form.fields else None, texts)
    if not refusal.errors:
        form.add_error(None, str(refusal.detail))


# --- changes of the timetable ---------------------------------------------------------------------


class ChangeForm(DeskForm):
    """Whether a change is taken over."""

    deed = deed_field()
    order = ("deed",)

    def prepare(self) -> None:
        self.fields["deed"].label = _("Passengers who cannot travel any more")


def change_view(site: Any, request: HttpRequest, reach: Reach, *, pk: int) -> HttpResponse:
    """Show what a change does to those who bought, and take it over or leave it."""
    change = desk.get_pending_change(reach=reach, change_id=pk)
    departure = change.departure
    if request.method == "POST" and not reach.may_change(departure.service.carrier_id):
        raise NotAllowed()
    form = ChangeForm(
        request.POST if request.method == "POST" else None,
        departure=departure,
        initial={"revision": departure.revision, "once": new_secret()},
    )
    if request.method == "POST" and form.is_valid():
        try:
            return _settled(request, change, form)
        except DepartureChanged as refusal:
            messages.error(request, str(refusal.detail))
            return HttpResponseRedirect(request.path)
        except NotFound:
            messages.info(request, _("This was settled before, or cannot be taken over."))
            return HttpResponseRedirect(_home(departure))
        except Refusal as refusal:
            _tell(form, refusal)
    rows = pending.compare(change) if change.kind == PendingChange.Kind.CALLS else []
    dropped = [row.call.position for row in rows if row.call is not None and row.is_dropped]
    moved = [row.call.position for row in rows if row.call is not None and row.has_other_times]
    is_off = change.kind == PendingChange.Kind.WITHDRAWN
    ended = desk.where_ended(desk.calls_of(departure.pk), clock.now())
    return _shown(
        site,
        request,
        "change",
        status=HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK,
        title=_("Settle a change of the timetable"),
        change=change,
        departure=departure,
        form=form,
        rows=rows,
        vehicle=change.proposal.get("vehicle", ""),
        off=_numbers(departure.pk, dropped) if not is_off else desk.numbers(departure.pk),
        moved=_numbers(departure.pk, moved),
        sees_money=_sees_money(request, departure),
        may_change=reach.may_change(departure.service.carrier_id) and not change.settled_at,
        arrived=has_arrived(*ended) if ended and not change.settled_at else "",
    )


def _numbers(departure_id: int, positions: list[int]) -> desk.Numbers | None:
    if not positions:
        return None
    return desk.numbers(departure_id, desk.Concern(only_at=tuple(positions)))


def _settled(request: HttpRequest, change: PendingChange, form: DeskForm) -> HttpResponse:
    hand, now = _hand(request, form), clock.now()
    if "reject" in request.POST:
        entry = changes.reject_change(hand=hand, change_id=change.pk, now=now)
    else:
        entry = changes.apply_change(
            hand=hand, change_id=change.pk, deed=form.cleaned_data["deed"], now=now
        )
    messages.success(request, _("The change is settled."))
    return _onward(entry, change.departure)


# --- jobs -----------------------------------------------------------------------------------------


def job_view(site: Any, request: HttpRequest, reach: Reach, *, pk: int) -> HttpResponse:
    """Show how far a job is; stop it, or let what failed be tried again."""
    progress = desk.get_job(reach=reach, job_id=pk)
    job = progress.job
    may_change = reach.may_change(job.departure.service.carrier_id)
    if request.method == "POST":
        if not may_change:
            raise NotAllowed()
        return _steered(request, job)
    state = request.GET.get("state", "")
    state = state if state in DisruptionItem.State.values else ""
    page = _page(request)
    count = progress.states.get(state, 0) if state else progress.total
    return _shown(
        site,
        request,
        "job",
        title=_("Job %(number)s") % {"number": job.pk},
        job=job,
        departure=job.departure,
        progress=progress,
        outcomes=[
            (DisruptionItem.Outcome(word).label, number)
            for word, number in sorted(progress.outcomes.items())
            if word
        ],
        states=[
            (word, label, progress.states.get(word, 0))
            for word, label in DisruptionItem.State.choices
        ],
        state=state,
        items=desk.items(pk, state=state, offset=(page - 1) * desk.PER_PAGE),
        page=page,
        pages=_pages(count),
        may_change=may_change,
        is_running=job.state == DisruptionJob.State.RUNNING,
        once=new_secret(),
    )


def _steered(request: HttpRequest, job: DisruptionJob) -> HttpResponse:
    hand = Hand(
        user_id=request.user.pk or 0,
        address=client_address(request),
        once=request.POST.get("once", "")[:64] or None,
    )
    steer = departures.stop_job if "stop" in request.POST else departures.retry_job
    try:
        steer(hand=hand, job=job, now=clock.now())
    except NotFound:
        messages.info(request, _("There is nothing to do any more."))
    return HttpResponseRedirect(reverse("admin:desk_job", args=[job.pk]))


def job_csv(site: Any, request: HttpRequest, reach: Reach, *, pk: int) -> StreamingHttpResponse:
    """Answer the reservations of a job as a file."""
    job = desk.get_job(reach=reach, job_id=pk).job
    called = _calling(request)
    head = [_("Booking"), _("State"), _("Outcome"), _("Told"), _("Problem")]
    rows = (
        [
            called(item.reservation_id, item.reservation.locator),
            str(item.get_state_display()),
            str(item.get_outcome_display()),
            _("yes") if item.is_told else _("no"),
            item.last_error,
        ]
        for item in desk.every_item(pk)
    )
    acts.record(request, job, _("Its reservations."), kind=acts.Kind.EXPORTED)
    return csv_file(f"job-{pk}.csv", head, rows)


# --- small things ---------------------------------------------------------------------------------


def _shown(
    site: Any, request: HttpRequest, name: str, *, status: int = HTTPStatus.OK, **shown: Any
) -> HttpResponse:
    context = {**site.each_context(request), **shown}
    return TemplateResponse(request, f"admin/support/desk/{name}.html", context, status=int(status))


def _sees_money(request: HttpRequest, departure: Departure) -> bool:
    """Say whether the reader learns what a departure brings: the office's money, or a manager's."""
    if request.user.has_perm("payments.view_payment"):
        return True
    assert isinstance(request.user, User), "staff are signed in"
    here = (rights.standing_of(request.user).at_carriers or {}).get(rights.MONEY, frozenset())
    return departure.service.carrier_id in here


def _calling(request: HttpRequest) -> Callable[[int, str], str]:
    """
    Answer how a file names reservations to the reader, from number and code.

    Code and surname open cancelling to anybody: the code is for whoever opens reservations anyway.
    """
    if request.user.has_perm("bookings.view_reservation"):
        return lambda _number, locator: locator
    return lambda number, _locator: _("Reservation %(number)s") % {"number": number}


def _title(departure: Departure) -> str:
    return _("%(service)s on %(day)s") % {
        "service": departure.service.number,
        "day": date_format(departure.travel_date, "j M Y"),
    }


def _home(departure: Departure) -> str:
    return reverse("admin:desk_departure", args=[departure.pk])


def _page(request: HttpRequest) -> int:
    return page_number(request, parameter="p", last=MOST_PAGES)


def _pages(count: int) -> int:
    return max(1, min(-(-count // desk.PER_PAGE), MOST_PAGES))
