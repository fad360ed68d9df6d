"""Coming to a booking by its code and a name, and proving that it is one's own."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.pages.appearance import way_back
from bookings import selectors, services
from bookings.pages.access import note_look_up, note_proof, viewer_of
from bookings.pages.manage_forms import FindForm, ProofForm
from bookings.pages.refusals import missing_is_404
from bookings.selectors import ReservationDetail
from travel.common import clock
from travel.common.address import client_network
from travel.common.contacts import Contact
from travel.common.errors import NotFound, Refusal


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Open a booking by its code and the name of somebody who travels on it."""
    code = request.GET.get("code", "")[:20]
    if request.method != "POST" and (known := _known(request, code)):
        return redirect("bookings:reservation", known)
    form = FindForm(request.POST if request.method == "POST" else None, initial={"locator": code})
    status = HTTPStatus.OK
    if request.method == "POST":
        status = HTTPStatus.BAD_REQUEST
        if form.is_valid():
            try:
                reservation_id = services.look_up(
                    locator=form.cleaned_data["locator"],
                    last_name=form.cleaned_data["last_name"],
                    network=client_network(request),
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal.detail))
                status = HTTPStatus(refusal.status)
            else:
                note_look_up(request, reservation_id)
                found = selectors.get_reservation(
                    viewer=viewer_of(request), reservation_id=reservation_id, now=clock.now()
                )
                return redirect("bookings:reservation", found.locator)
    return render(request, "bookings/find.html", {"form": form}, status=status)


def _known(request: HttpRequest, code: str) -> str | None:
    """Answer the code of a booking that this browser may see already, as links in messages ask."""
    try:
        return selectors.get_reservation(
            viewer=viewer_of(request), locator=code, now=clock.now()
        ).locator
    except NotFound:
        return None


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def prove(request: HttpRequest, locator: str) -> HttpResponse:
    """Send a code to the booking's contact, then take it back and go on."""
    viewer, now = viewer_of(request), clock.now()
    booked = selectors.get_reservation(viewer=viewer, locator=locator, now=now)
    onward = way_back(request, otherwise=reverse("bookings:reservation", args=[booked.locator]))
    if selectors.may_change(viewer, booked.id):
        return redirect(onward)
    if request.method != "POST":
        return _ask(request, booked, onward, form=None)
    if "send" in request.POST:
        return _send(request, booked, onward)
    form = ProofForm(request.POST)
    if form.is_valid():
        try:
            services.prove(
                viewer=viewer,
                reservation_id=booked.id,
                code=form.cleaned_data["code"],
                network=client_network(request),
                now=now,
            )
        except NotFound:
            raise
        except Refusal as refusal:
            form.add_error("code", str(refusal.detail))
        else:
            note_proof(request, booked.id)
            messages.success(request, gettext("Thank you. You may change the booking now."))
            return redirect(onward)
    return _ask(request, booked, onward, form=form, status=HTTPStatus.BAD_REQUEST)


def _send(request: HttpRequest, booked: ReservationDetail, onward: str) -> HttpResponse:
    try:
        services.send_proof_code(
            viewer=viewer_of(request),
            reservation_id=booked.id,
            network=client_network(request),
            now=clock.now(),
        )
    except NotFound:
        raise
    except Refusal as refusal:
        messages.warning(request, str(refusal.detail))
        return _ask(request, booked, onward, form=None, status=refusal.status)
    return _ask(request, booked, onward, form=ProofForm())


def _ask(
    request: HttpRequest,
    booked: ReservationDetail,
    onward: str,
    *,
    form: Form | None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Show where the code goes; without a form, ask whether to send it."""
    contact: Contact | None
    try:
        contact = services.proof_contact(booked)
    except Refusal:
        contact = None
    context = {"reservation": booked, "form": form, "contact": contact, "next": onward}
    return render(request, "bookings/prove.html", context, status=status)
