"""What reservations keep about a person: handed out as it stands, and erased."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from bookings import selectors
from bookings.models import Coupon, Passenger, Reservation, ReservationEvent
from bookings.selectors import ERASED_NAME, ReservationDetail
from travel.common import forgetting
from travel.common.transactions import in_transaction

# What stands where a guest's address was.
ERASED_CONTACT = "erased@erased.invalid"
# A reason that a machine wrote, or the code that staff begin theirs with: `strike: his own words`.
REASON_CODE = re.compile(r"[a-z][a-z_]*(?=$|:)")


def reservations_of(*, user_id: int, email: str | None) -> QuerySet[Reservation]:
    """Answer a person's reservations: those of the account, and a guest's with a proved address."""
    mine = Q(user_id=user_id)
    if email:
        mine |= Q(user_id__isnull=True, contact_email=email)
    return Reservation.objects.filter(mine)


def open_trips(*, user_id: int, email: str | None, now: datetime) -> list[str]:
    """Answer the locators of holds that live, and of paid trips that are still to be travelled."""
    ahead = Coupon.objects.filter(
        state=Coupon.State.OPEN,
        passenger__reservation=OuterRef("pk"),
        ticket__to_call__arrives_at__gt=now,
    )
    held = Q(state=Reservation.State.HELD, hold_until__gt=now)
    rows = reservations_of(user_id=user_id, email=email).filter(
        held | Q(Exists(ahead), state=Reservation.State.PAID)
    )
    return list(rows.order_by("id").values_list("locator", flat=True))


def export_person(*, user_id: int, email: str | None, now: datetime) -> dict[str, Any]:
    """Answer all that reservations keep about a person, in plain values."""
    rows = list(reservations_of(user_id=user_id, email=email).order_by("id"))
    events: dict[int, list[dict[str, Any]]] = {}
    for reservation_id, at, kind, reason in (
        ReservationEvent.objects.filter(reservation__in=rows)
        .order_by("id")
        .values_list("reservation_id", "at", "kind", "reason")
    ):
        told = {"at": at, "what": kind, "reason": reason}
        events.setdefault(reservation_id, []).append(told)
    return {
        "reservations": [
            {**_reservation(one), "history": events.get(one.id, [])}
            for one in selectors.load(rows, now=now)
        ]
    }


def _reservation(one: ReservationDetail) -> dict[str, Any]:
    return {
        "locator": one.locator,
        "status": one.status,
        "bookedAt": one.created_at,
        "price": one.price.amount,
        "currency": one.currency,
        "contactEmail": one.contact_email,
        "contactPhone": one.contact_phone,
        "language": one.language,
        "passengers": [
            {
                "firstName": passenger.first_name,
                "lastName": passenger.last_name,
                "type": passenger.kind,
                "dateOfBirth": passenger.date_of_birth,
                "seatWish": passenger.seat_wish,
            }
            for passenger in one.passengers
        ],
        "tickets": [
            {
                "passenger": one.passenger_of(coupon).full_name,
                "service": one.tickets[coupon.ticket_id].service.number,
                "carrier": one.tickets[coupon.ticket_id].service.carrier_name,
                "from": one.tickets[coupon.ticket_id].origin.station.name,
                "to": one.tickets[coupon.ticket_id].destination.station.name,
                "departsAt": one.tickets[coupon.ticket_id].departs_at,
                "arrivesAt": one.tickets[coupon.ticket_id].arrives_at,
                "fare": one.tickets[coupon.ticket_id].fare_name,
                "state": coupon.state,
                "price": coupon.price.amount,
                "seats": [f"{seat.coach} {seat.seat}".strip() for seat in coupon.seats],
            }
            for coupon in one.coupons
        ],
    }


@in_transaction
def erase_person(*, user_id: int, email: str | None, now: datetime) -> list[int]:
    """
    Erase the people of a person's reservations, and how they were reached; answer their ids.

    What was sold, for how much and when it was used stays, under the locator: the books and the
    carriers' settlements rest on it.
    """
    rows = reservations_of(user_id=user_id, email=email).select_for_update().order_by("id")
    found = list(rows.values_list("id", "locator", "user_id", "contact_email", "contact_phone"))
    ids = [row[0] for row in found]
    for _id, locator, _user, *contacts in found:
        forgetting.forget_messages([one for one in contacts if one], mentioning=locator)
    forgetting.forget_answers(user_id=user_id, mentioning=[row[1] for row in found], now=now)
    forgetting.forget_admin_notes(Reservation, ids)
    for some in forgetting.batches(ids):
        forgetting.forget_messages_about([f"reservation:{one}" for one in some])
        kept = Reservation.objects.filter(id__in=some)
        kept.filter(user__isnull=False).update(contact_email=None, contact_phone=None)
        kept.filter(user__isnull=True).update(contact_email=ERASED_CONTACT, contact_phone=None)
        Passenger.objects.filter(reservation__in=some).update(
            first_name=ERASED_NAME[0],
            last_name=ERASED_NAME[1],
            date_of_birth=None,
            seat_wish="",
        )
        _forget_reasons(some)
    return ids


def _forget_reasons(reservation_ids: list[int]) -> None:
    """Leave of each event's reason its code, and of what was corrected only that it was."""
    rows = ReservationEvent.objects.filter(reservation__in=reservation_ids)
    spoken = list(rows.exclude(reason="").only("id", "reason"))
    for event in spoken:
        code = REASON_CODE.match(event.reason)
        event.reason = code[0] if code else ""
    ReservationEvent.objects.bulk_update(spoken, ["reason"], batch_size=forgetting.AT_ONCE)
    corrections = [ReservationEvent.Kind.NAME_CORRECTED, ReservationEvent.Kind.CONTACT_CORRECTED]
    corrected = list(rows.filter(kind__in=corrections).only("id", "details"))
    for event in corrected:
        event.details = {
            name: value for name, value in event.details.items() if isinstance(value, int)
        }
    ReservationEvent.objects.bulk_update(corrected, ["details"], batch_size=forgetting.AT_ONCE)
