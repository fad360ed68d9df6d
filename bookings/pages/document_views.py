"""The ticket as documents: page, PDF, calendar, wallet pass; and the keys that prove barcodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors as people
from accounts.viewers import Viewer, of_user
from bookings import barcodes, selectors, services
from bookings.documents import calendars, tickets, wallet
from bookings.documents.passes import Papers, Pass, get_papers, get_pass, per_ticket
from bookings.errors import ProofNeeded
from bookings.pages.access import viewer_of
from bookings.pages.refusals import missing_is_404
from travel.common import clock
from travel.common.errors import NotFound, Refusal

KEYS_FRESH_SECONDS = 3600
PDF = "application/pdf"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, str, P], HttpResponse]


def for_the_holder(view: View[P]) -> View[P]:
    """
    Answer a document to the holder and to staff alone, and keep it out of every cache.

    Whoever has only looked a booking up proves that it is theirs first, and goes on to its tickets.
    """

    @wraps(view)
    def answer(
        request: HttpRequest, locator: str, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        try:
            return view(request, locator, *args, **kwargs)
        except ProofNeeded:
            onward = urlencode({"next": reverse("bookings:tickets", args=[locator])})
            return redirect(f"{reverse('bookings:prove', args=[locator])}?{onward}")

    return cache_control(private=True, no_store=True)(missing_is_404(answer))


@require_safe
@for_the_holder
def tickets_page(request: HttpRequest, locator: str) -> HttpResponse:
    """Show the tickets of a reservation, with their barcodes."""
    now = clock.now()
    try:
        papers = get_papers(viewer=_viewer(request), locator=locator, now=now)
    except NotFound:
        # What was cancelled or is not paid yet says so on its own page.
        found = selectors.get_reservation(viewer=_viewer(request), locator=locator, now=now)
        return redirect("bookings:reservation", found.locator)
    return render(request, "bookings/tickets.html", _context(papers))


@require_safe
@for_the_holder
def tickets_pdf(request: HttpRequest, locator: str) -> HttpResponse:
    """Answer the tickets that hold as one PDF."""
    papers = get_papers(viewer=_viewer(request), locator=locator, now=clock.now())
    if not papers.valid:
        raise NotFound()
    return _file(tickets.tickets_pdf(papers.valid), PDF, tickets.file_name(papers.valid))


@require_safe
@for_the_holder
def ticket_pdf(request: HttpRequest, locator: str, coupon_id: int) -> HttpResponse:
    """Answer one ticket as a PDF; one that does not hold says so in it."""
    one = get_pass(viewer=_viewer(request), locator=locator, coupon_id=coupon_id, now=clock.now())
    return _file(tickets.tickets_pdf([one]), PDF, tickets.file_name([one]))


@require_safe
@for_the_holder
def wallet_pass(request: HttpRequest, locator: str, coupon_id: int) -> HttpResponse:
    """Answer one ticket as a pass for Apple Wallet, where the office has a certificate."""
    one = get_pass(viewer=_viewer(request), locator=locator, coupon_id=coupon_id, now=clock.now())
    return _file(wallet.pkpass(one), wallet.MEDIA_TYPE, wallet.file_name(one))


@require_safe
@for_the_holder
def calendar(request: HttpRequest, locator: str, ticket_id: int | None = None) -> HttpResponse:
    """Answer the trips of a reservation, or one of them, as a calendar file."""
    made = calendars.get_calendar(
        viewer=_viewer(request), locator=locator, ticket_id=ticket_id, now=clock.now()
    )
    return _file(made, calendars.MEDIA_TYPE, calendars.file_name(locator, ticket_id))


@require_POST
@for_the_holder
def send_tickets(request: HttpRequest, locator: str) -> HttpResponse:
    """Send the tickets by e-mail again, to the reservation's own address."""
    viewer, now = _viewer(request), clock.now()
    found = selectors.get_reservation(viewer=viewer, locator=locator, now=now)
    try:
        services.resend_tickets(viewer=viewer, reservation_id=found.id, now=now)
    except (ProofNeeded, NotFound):
        raise
    except Refusal as refusal:
        messages.warning(request, str(refusal.detail))
    else:
        messages.success(
            request,
            gettext("Your tickets are on their way to %(address)s.")
            % {"address": found.contact_email},
        )
    return redirect("bookings:tickets", found.locator)


@require_safe
@cache_control(public=True, max_age=KEYS_FRESH_SECONDS)
def ticket_keys(request: HttpRequest) -> HttpResponse:
    """Publish the keys by which anybody proves a ticket's barcode, without the office."""
    answer = JsonResponse(barcodes.key_set())
    # A reader in a browser of any site may take them.
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def _viewer(request: HttpRequest) -> Viewer:
    """Answer who is looking: staff who help travellers, with their second factor, see all."""
    user: Any = request.user
    helps = of_user(user).is_support and people.helps_travellers(user=user)
    return replace(viewer_of(request), is_support=helps)


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _context(papers: Papers) -> dict[str, object]:
    locator = papers.reservation.locator
    rides = per_ticket(papers.passes)
    return {
        "reservation": papers.reservation,
        "tickets": [
            {"ticket": one, "links": _links(one, alone=len(papers.valid) == 1)}
            for one in papers.passes
        ],
        "has_pdf": bool(papers.valid),
        "sendable": bool(papers.reservation.contact_email),
        "several": len(rides) > 1,
        "rides": [
            {
                "service": passes[0].service,
                "day": passes[0].departs_at,
                "href": reverse("bookings:calendar-trip", args=[locator, ticket_id]),
            }
            for ticket_id, passes in rides.items()
        ],
        "issued": max(one.issued_at for one in papers.passes),
    }


def _links(one: Pass, *, alone: bool) -> dict[str, str]:
    """Answer where a pass's own files are; the only one's PDF stands above them all."""
    where = [one.locator, one.coupon_id]
    return {
        "pdf": "" if alone else reverse("bookings:ticket-pdf", args=where),
        "wallet": reverse("bookings:wallet-pass", args=where) if wallet.is_offered() else "",
    }
