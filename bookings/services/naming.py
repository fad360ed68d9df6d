"""Correcting the name of a passenger: slips of the pen free of charge, another person never."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import notifications, selectors
from bookings.engine import holds, records
from bookings.engine.contract import Actor
from bookings.errors import (
    AlreadyCancelled,
    CorrectedOften,
    HoldExpired,
    NameTooDifferent,
    NotChangeable,
)
from bookings.models import Coupon, Passenger, Reservation, ReservationEvent
from bookings.names import is_slip
from bookings.selectors import ReservationDetail
from travel.common.errors import InvalidInput, NotFound
from travel.common.text import clean_text
from travel.common.transactions import in_transaction

# So often the holder corrects one passenger's name; staff help from then on.
CORRECTIONS = 2
LONGEST = 80
STAFF = "staff"


@in_transaction
def correct_name(
    *,
    viewer: Viewer,
    reservation_id: int,
    passenger_id: int,
    first_name: str,
    last_name: str,
    now: datetime,
    actor: Actor | None = None,
) -> ReservationDetail:
    """
    Write a passenger's name as it is on the papers, and tell the contact.

    The holder corrects slips of at most three letters, or a first and last name that were swapped,
    measured against the name that was booked, twice for each passenger. Staff, who give a reason,
    are not bound by that. Nobody changes a name once one of the passenger's tickets was used or the
    first has left. The story keeps the old name and the new one for staff.

    :raises NotFound: the reservation is not the viewer's, or has no such passenger.
    :raises ProofNeeded: the viewer has shown no more than its booking code and a name.
    :raises InvalidInput: a name is empty, too long or written with signs that no name has, or staff
        give no reason.
    :raises HoldExpired, AlreadyCancelled, NotChangeable: it is too late.
    :raises CorrectedOften: the holder has corrected this name twice.
    :raises NameTooDifferent: it would be somebody else's.
    """
    actor = actor or Actor("holder", viewer.user_id)
    wanted = (_checked("firstName", first_name), _checked("lastName", last_name))
    if actor.kind == STAFF and not actor.reason.strip():
        raise InvalidInput(errors={"reason": [_("Say why the name is changed.")]})
    reservation = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    row = holds.lock_reservation(reservation.id)
    if row is None:
        raise NotFound()
    passenger = Passenger.objects.filter(id=passenger_id, reservation_id=reservation.id).first()
    if passenger is None:
        raise NotFound()
    _check_open(row, passenger, now)
    present = (passenger.first_name, passenger.last_name)
    if wanted == present:
        return reservation
    if actor.kind != STAFF:
        _check_small(reservation.id, passenger, wanted)
    passenger.first_name, passenger.last_name = wanted
    passenger.save(update_fields=["first_name", "last_name"])
    records.issue_anew(
        Coupon.objects.filter(passenger=passenger).values_list("id", flat=True), now=now
    )
    records.record(
        reservation.id,
        ReservationEvent.Kind.NAME_CORRECTED,
        (row.state, row.state),
        now=now,
        actor=actor,
        details={"passenger": passenger.pk, "before": list(present), "after": list(wanted)},
    )
    fresh = selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation.id, now=now
    )
    notifications.name_corrected(
        reservation=fresh, before=" ".join(present), after=" ".join(wanted), now=now
    )
    return fresh


def corrections_left(reservation_id: int) -> dict[int, int]:
    """Answer how often the holder may still correct each name, by the passenger's id."""
    made = [details["passenger"] for details in _corrections(reservation_id)]
    people = Passenger.objects.filter(reservation_id=reservation_id).values_list("id", flat=True)
    return {one: max(CORRECTIONS - made.count(one), 0) for one in people}


def _checked(field: str, text: str) -> str:
    try:
        name = clean_text(text)
    except ValueError as error:
        raise InvalidInput(errors={field: [_("This has signs that no name has.")]}) from error
    if not name or len(name) > LONGEST:
        raise InvalidInput(errors={field: [_("Write a name of at most 80 letters.")]})
    return name


def _check_open(row: holds.LockedReservation, passenger: Passenger, now: datetime) -> None:
    """See that the passenger still has a journey ahead, and none behind."""
    if row.state == Reservation.State.CANCELLED:
        raise AlreadyCancelled()
    if row.state == Reservation.State.EXPIRED or (
        row.state == Reservation.State.HELD and row.hold_until <= now
    ):
        raise HoldExpired()
    coupons = list(
        Coupon.objects.filter(passenger=passenger)
        .exclude(state=Coupon.State.CANCELLED)
        .select_related("ticket__from_call")
    )
    if not coupons:
        raise AlreadyCancelled()
    for coupon in coupons:
        call = coupon.ticket.from_call
        leaves_at = call.expected_departs_at or call.departs_at
        if coupon.state != Coupon.State.OPEN or leaves_at is None or leaves_at <= now:
            raise NotChangeable()


def _check_small(reservation_id: int, passenger: Passenger, wanted: tuple[str, str]) -> None:
    """See that it is a slip of what was booked, so that no two steps lead to another person."""
    made = [one for one in _corrections(reservation_id) if one["passenger"] == passenger.pk]
    if len(made) >= CORRECTIONS:
        raise CorrectedOften()
    booked = _booked_name(reservation_id, passenger)
    if not is_slip(booked, wanted):
        raise NameTooDifferent()


def _corrections(reservation_id: int) -> list[dict[str, Any]]:
    """Answer what the holder's corrections of a reservation's names say, the oldest first."""
    return list(
        ReservationEvent.objects.filter(
            reservation_id=reservation_id,
            kind=ReservationEvent.Kind.NAME_CORRECTED,
            actor_kind=ReservationEvent.Actor.HOLDER,
        )
        .order_by("id")
        .values_list("details", flat=True)
    )


def _booked_name(reservation_id: int, passenger: Passenger) -> tuple[str, str]:
    """
    Answer the name that counts as booked: the first one, or what staff made of it since.
    """
    name: tuple[str, str] | None = None
    for actor_kind, details in (
        ReservationEvent.objects.filter(
            reservation_id=reservation_id, kind=ReservationEvent.Kind.NAME_CORRECTED
        )
        .order_by("id")
        .values_list("actor_kind", "details")
    ):
        # Of somebody who was forgotten no name is kept.
        if details["passenger"] != passenger.pk or "after" not in details:
            continue
        if actor_kind == ReservationEvent.Actor.STAFF:
            name = (details["after"][0], details["after"][1])
        elif name is None:
            name = (details["before"][0], details["before"][1])
    return name or (passenger.first_name, passenger.last_name)
