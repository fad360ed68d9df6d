"""Who stands at the desk of a reservation's pages, and which reservation they see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import selectors as people
from accounts import viewers
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.selectors import ReservationDetail
from payments import selectors as money
from payments.selectors import Overview
from support import selectors
from support.story import books
from support.story.books import Books
from travel.common.admin_bases import refusals_as_answers, whole_number
from travel.common.errors import NotFound

View = Callable[..., HttpResponse]
SEES = "bookings.view_reservation"


@dataclass(frozen=True, slots=True)
class Hand:
    """A member of staff who may see reservations, and what the roles allow beyond that."""

    viewer: Viewer
    powers: frozenset[str]

    def may(self, power: str) -> bool:
        return power in self.powers


def bound(site: Any, view: View) -> View:
    """
    Let in who may see reservations, with a second factor where the office asks for one.

    The carriers' own staff have no such right: their passengers are seen at the departures desk.
    """

    def answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        viewer = viewers.of_user(user)
        if not (viewer.is_support and user.has_perm(SEES)):
            raise PermissionDenied
        # The frame of the admin asks for the roles again.
        prefetch_related_objects([user], "groups")
        roles = people.role_names(user=user)
        hand = Hand(viewer, selectors.powers(roles=roles, is_superuser=user.is_superuser))
        with refusals_as_answers():
            answered: HttpResponse = view(site, request, hand, **kwargs)
        return answered

    return answer


def reservation_of(hand: Hand, object_id: str | int, *, now: datetime) -> ReservationDetail:
    """
    Answer the reservation that an address names.

    :raises NotFound: there is none of this number.
    """
    number = object_id if isinstance(object_id, int) else whole_number(object_id)
    if number is None:
        raise NotFound()
    return bookings.get_reservation(viewer=hand.viewer, reservation_id=number, now=now)


def overview_of(
    hand: Hand, object_id: str | int, *, now: datetime
) -> tuple[Overview, ReservationDetail]:
    """Answer the reservation with what its holder may do; its payments are not read here."""
    reservation = reservation_of(hand, object_id, now=now)
    actions = money.available_actions(reservation, now=now)
    return Overview(reservation, [], actions), reservation


def read(hand: Hand, object_id: str, *, now: datetime) -> tuple[Overview, Books]:
    """Answer a reservation with its whole story: the payments are among the books."""
    reservation = reservation_of(hand, object_id, now=now)
    found = books.read_all(reservation)
    actions = money.available_actions(reservation, now=now)
    return Overview(reservation, found.payments, actions), found


def shown(
    site: Any, request: HttpRequest, name: str, *, status: int = HTTPStatus.OK, **context: Any
) -> HttpResponse:
    """Answer one of the reservation's pages."""
    return TemplateResponse(
        request,
        f"admin/support/reservation/{name}.html",
        {**site.each_context(request), **context},
        status=int(status),
    )
