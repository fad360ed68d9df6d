"""
The pages from which staff begin to serve a traveller, and see what they booked.

A caller is found by the whole of an address, a number or a booking code; nothing here lists people.
To begin asks for a reason. From then on the travellers' pages are made for whoever is served
(support.pages.serving), until the time is up or the button to stop is pressed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts import serving, viewers
from accounts.serving import BOOK, LOOK, SESSION_KEY
from bookings import selectors as bookings
from bookings import services as booking
from bookings.documents.words import home_zone
from bookings.engine.contract import Actor
from bookings.notifications import contact_of, seat_lines, ticket_line
from bookings.selectors import ReservationDetail
from support import customers
from support import serving as reads
from support.admin.serving.forms import BeginForm, CallerForm, GuestForm
from support.models import Serving
from support.services import serving as services
from support.services.serving import Begun
from support.serving import Caller
from travel.common import acts, clock
from travel.common.address import client_address
from travel.common.admin_bases import refusals_as_answers, whole_number
from travel.common.contacts import EMAIL
from travel.common.errors import InvalidInput, NotAllowed, NotFound, Refusal

View = Callable[..., HttpResponse]


def urls(site: Any) -> list[URLPattern]:
    """Answer the pages of serving, for the staff's site."""

    def at(route: str, view: View, name: str) -> URLPattern:
        return path(route, site.admin_view(_bound(site, view)), name=name)

    return [
        at("book-by-phone/", phone_view, "book_by_phone"),
        at("serving/begin/", begin_view, "serving_begin"),
        at("serving/booked/<str:locator>/", booked_view, "serving_booked"),
        # Whose role was taken away stops as well.
        path("serving/stop/", site.admin_view(stop_view), name="serving_stop"),
    ]


def may_serve(request: HttpRequest) -> bool:
    """Say whether the reader serves travellers: the templates of rows about them offer it then."""
    return reads.may_serve(request.user)


def button(request: HttpRequest) -> tuple[Any, str] | None:
    """Answer the overview's button to these pages, for whoever may use them."""
    if not reads.may_serve(request.user):
        return None
    return gettext_lazy("Book by phone"), reverse("admin:book_by_phone")


def _bound(site: Any, view: View) -> View:
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def bound(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not reads.may_serve(request.user):
            raise PermissionDenied
        with refusals_as_answers():
            answered: HttpResponse = view(site, request, **kwargs)
        return answered

    return bound


# --- finding a caller -----------------------------------------------------------------------------


def phone_view(site: Any, request: HttpRequest) -> HttpResponse:
    """Find who calls, or take a new guest's contact, and go on to the search."""
    data = request.POST if request.method == "POST" else None
    finding = CallerForm(data if data and "find" in data else None)
    guest = GuestForm(data if data and "guest" in data else None, initial={"language": "en"})
    caller: Caller | None = None
    if finding.is_bound and finding.is_valid():
        caller = reads.find_caller(finding.cleaned_data["said"])
        guest = GuestForm(initial=_initial(caller))
    elif guest.is_bound and guest.is_valid():
        begun = _begin(request, guest, BOOK, guest=guest.guest)
        if begun is not None:
            return _go(request, begun, reverse("home"))
    is_wrong = bool(finding.errors or guest.errors)
    return _shown(
        site,
        request,
        "phone",
        status=HTTPStatus.BAD_REQUEST if is_wrong else HTTPStatus.OK,
        title=_("Book by phone"),
        finding=finding,
        guest=guest,
        caller=caller,
        ways=_ways(caller, sees=customers.may_see(request.user)) if caller else [],
        hold_minutes=_minutes(settings.PHONE_HOLD_DURATION),
    )


def _initial(caller: Caller) -> dict[str, str]:
    """Answer what the form for a new guest begins with: what was looked for."""
    contact = caller.contact
    if contact is None:
        return {"language": "en"}
    return {"language": "en", "email" if contact.channel == EMAIL else "phone": contact.address}


def _ways(caller: Caller, *, sees: bool) -> list[tuple[str, str]]:
    """Answer what may be done for a caller, each with its address."""
    about = f"traveller={caller.user.pk}" if caller.user else ""
    if caller.reservation is not None:
        about = f"reservation={caller.reservation.pk}"
    begin = reverse("admin:serving_begin")
    ways = []
    if caller.can_be_booked_for:
        ways.append((_("Book for this customer"), f"{begin}?purpose={BOOK}&{about}"))
    if caller.can_be_looked_at:
        ways.append((_("Look as the customer"), f"{begin}?purpose={LOOK}&{about}"))
    if caller.user is not None and sees:
        ways.append((_("Bookings and reports"), reverse("admin:customer", args=[caller.user.pk])))
    return ways


# --- beginning and ending -------------------------------------------------------------------------


def begin_view(site: Any, request: HttpRequest) -> HttpResponse:
    """Ask why somebody is served, then begin and go to their pages."""
    purpose = request.GET.get("purpose", LOOK)
    if purpose not in reads.PURPOSES:
        raise Http404
    traveller_id = whole_number(request.GET.get("traveller", ""))
    reservation_id = whole_number(request.GET.get("reservation", ""))
    caller = reads.get_caller(traveller_id=traveller_id, reservation_id=reservation_id)
    form = BeginForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        whom = {"traveller_id": traveller_id, "reservation_id": reservation_id}
        begun = _begin(request, form, purpose, **whom)
        if begun is not None:
            return _go(request, begun, _first_page(begun.row, reservation_id))
    titles = {LOOK: _("Look as the customer"), BOOK: _("Book for this customer")}
    return _shown(
        site,
        request,
        "begin",
        status=HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK,
        title=titles[purpose],
        is_booking=purpose == BOOK,
        form=form,
        caller=caller,
        may=caller.can_be_booked_for if purpose == BOOK else caller.can_be_looked_at,
        minutes=_minutes(settings.SERVING_DURATION),
    )


def _begin(request: HttpRequest, form: Form, purpose: str, **whom: Any) -> Begun | None:
    """Begin to serve somebody; answer None when it was refused, and the form says why."""
    try:
        begun = services.begin(
            staff=request.user,  # type: ignore[arg-type]
            purpose=purpose,
            reason=form.cleaned_data["reason"],
            address=client_address(request),
            now=clock.now(),
            **whom,
        )
    except (NotAllowed, NotFound):
        raise
    except InvalidInput as refusal:
        for field, texts in refusal.errors.items():
            form.add_error(field if field in form.fields else None, [str(text) for text in texts])
        return None
    except Refusal as refusal:
        form.add_error(None, str(refusal.detail))
        return None
    acts.record(
        request,
        begun.row,
        _("Began: %(what)s.") % {"what": begun.row.get_purpose_display()},
        why=begun.row.reason,
        kind=acts.Kind.LOOKED if purpose == LOOK else acts.Kind.ADDED,
    )
    return begun


def _go(request: HttpRequest, begun: Begun, address: str) -> HttpResponseRedirect:
    """Go to the traveller's pages; forms of pages made before do not go through any more."""
    serving.turn(request, secret=str(request.session.get(SESSION_KEY, "")))
    request.session[SESSION_KEY] = begun.secret
    return HttpResponseRedirect(address)


def _first_page(row: Serving, reservation_id: int | None) -> str:
    """Answer where serving begins: at the search, at the booking it is about, at all of them."""
    if row.purpose == BOOK:
        return reverse("home")
    if reservation_id is None:
        return reverse("bookings:my-trips")
    locator = bookings.get_reservation(
        viewer=reads.describe(row).viewer, reservation_id=reservation_id, now=clock.now()
    ).locator
    return reverse("bookings:reservation", args=[locator])


@require_POST
def stop_view(request: HttpRequest) -> HttpResponse:
    """Stop serving, and go back to where it is on record."""
    secret = str(request.session.pop(SESSION_KEY, ""))
    if secret:
        services.end(
            secret=secret,
            staff_id=request.user.pk,  # type: ignore[arg-type]
            because=Serving.End.STOPPED,
            now=clock.now(),
        )
        serving.turn(request, secret=secret)
    messages.success(request, _("You serve nobody any more."))
    return HttpResponseRedirect(reverse("admin:index"))


# --- what was booked ------------------------------------------------------------------------------


def booked_view(site: Any, request: HttpRequest, locator: str) -> HttpResponse:
    """Show what was booked by phone, to read it out; send the link once more."""
    now = clock.now()
    viewer = viewers.of_user(request.user)
    found = bookings.get_reservation(viewer=viewer, locator=locator, now=now)
    if request.method == "POST":
        _send(request, found, now)
        return HttpResponseRedirect(reverse("admin:serving_booked", args=[found.locator]))
    return _shown(
        site,
        request,
        "booked",
        title=_("Booked by phone"),
        reservation=found,
        until=found.hold_until.astimezone(home_zone(found)),
        contact=contact_of(found),
        tickets=[ticket_line(ticket) for ticket in found.journey],
        seats=seat_lines(found),
    )


def _send(request: HttpRequest, found: ReservationDetail, now: datetime) -> None:
    staff_id = request.user.pk
    try:
        booking.send_payment_link(
            viewer=viewers.of_user(request.user),
            reservation_id=found.id,
            now=now,
            actor=Actor("staff", staff_id),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, _("The link is on its way once more."))


def _minutes(span: timedelta) -> int:
    return int(span // timedelta(minutes=1))


def _shown(
    site: Any, request: HttpRequest, name: str, *, status: int = HTTPStatus.OK, **context: Any
) -> HttpResponse:
    return TemplateResponse(
        request,
        f"admin/support/serving/{name}.html",
        {**site.each_context(request), **context},
        status=status,
    )
