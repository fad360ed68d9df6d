"""Who may see a reservation, and who may change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.viewers import Viewer
from bookings.models import Reservation, ReservationEvent


def visible_to(viewer: Viewer) -> QuerySet[Reservation]:
    """Answer the reservations that the viewer may see at all."""
    if viewer.is_support:
        return Reservation.objects.all()
    mine = Q(pk__in=[])
    if viewer.user_id is not None:
        mine |= Q(user_id=viewer.user_id)
    if viewer.guest_digests:
        mine |= Q(guest_digest__in=viewer.guest_digests)
    if viewer.looked_up or viewer.proved:
        mine |= Q(pk__in=viewer.looked_up | viewer.proved)
    return Reservation.objects.filter(mine)


def may_change(viewer: Viewer, reservation_id: int) -> bool:
    """
    Say whether a viewer may change a reservation that it may see.

    Booking code and name stand on every boarding pass: who has come by them alone may only look.
    """
    if reservation_id not in viewer.looked_up or reservation_id in viewer.proved:
        return True
    otherwise = replace(viewer, looked_up=frozenset())
    return visible_to(otherwise).filter(id=reservation_id).exists()


def proofs_that_hold(proved: Mapping[int, datetime]) -> frozenset[int]:
    """
    Answer of which reservations a proof of the contact, given at these times, still counts.

    Once the contact is corrected, whoever has proved the former one has proved nothing.
    """
    if not proved:
        return frozenset()
    corrected = ReservationEvent.objects.filter(
        reservation_id__in=list(proved), kind=ReservationEvent.Kind.CONTACT_CORRECTED
    ).order_by("reservation_id", "id")
    over = {one for one, at in corrected.values_list("reservation_id", "at") if at >= proved[one]}
    return frozenset(proved.keys() - over)
