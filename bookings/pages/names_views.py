"""Correcting the names on a booking."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import services
from bookings.pages.access import asks_for_proof, booked_to_change, viewer_of
from bookings.pages.manage_forms import NameForm
from bookings.pages.refusals import missing_is_404
from bookings.selectors import PassengerDetail, ReservationDetail
from payments.selectors import available_actions
from travel.common import clock
from travel.common.errors import InvalidInput, NotFound, Refusal

FIELDS = {"firstName": "first_name", "lastName": "last_name"}


@dataclass(frozen=True, slots=True)
class Named:
    """A passenger with the form of the name, and how often it may still be corrected."""

    passenger: PassengerDetail
    form: NameForm
    left: int


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
@asks_for_proof
def names(request: HttpRequest, locator: str) -> HttpResponse:
    """Show the names on a booking, and correct the one that is sent."""
    now = clock.now()
    booked = booked_to_change(request, locator, now=now)
    if "correctNames" not in available_actions(booked, now=now):
        messages.info(request, gettext("Names can no longer be corrected on this booking."))
        return redirect("bookings:reservation", booked.locator)
    if request.method != "POST":
        return _show(request, booked, sent=None)
    passenger = _passenger(booked, request.POST.get("passenger", ""))
    form = NameForm(request.POST, prefix=f"p{passenger.position}")
    if form.is_valid():
        try:
            services.correct_name(
                viewer=viewer_of(request),
                reservation_id=booked.id,
                passenger_id=passenger.id,
                first_name=form.cleaned_data["first_name"],
                last_name=form.cleaned_data["last_name"],
                now=now,
            )
        except NotFound:
            raise
        except InvalidInput as refusal:
            for field, texts in refusal.errors.items():
                for text in texts:
                    form.add_error(FIELDS.get(field), text)
        except Refusal as refusal:
            form.add_error(None, str(refusal.detail))
        else:
            messages.success(request, gettext("The name is written down. Your tickets carry it."))
            return redirect("bookings:reservation", booked.locator)
    return _show(request, booked, sent=(passenger.id, form), status=HTTPStatus.BAD_REQUEST)


def _passenger(booked: ReservationDetail, asked: str) -> PassengerDetail:
    found = next((one for one in booked.passengers if str(one.id) == asked), None)
    if found is None:
        raise NotFound()
    return found


def _show(
    request: HttpRequest,
    booked: ReservationDetail,
    *,
    sent: tuple[int, NameForm] | None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    left = services.corrections_left(booked.id)
    people = [
        Named(
            one,
            sent[1]
            if sent is not None and sent[0] == one.id
            else NameForm(
                prefix=f"p{one.position}",
                initial={"first_name": one.first_name, "last_name": one.last_name},
            ),
            left[one.id],
        )
        for one in booked.passengers
    ]
    context = {
        "reservation": booked,
        "people": people,
        "sent": sent[1] if sent is not None else None,
    }
    return render(request, "bookings/names.html", context, status=status)
