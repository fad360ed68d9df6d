"""Holding seats: what is asked is checked and priced, then the engine takes the seats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from bookings import connections, engine, notifications, selectors
from bookings.engine.contract import (
    Actor,
    CouponRow,
    HolderRow,
    LegRow,
    PassengerRow,
    PriceLineRow,
    ReserveCommand,
    Result,
    SeatPart,
)
from bookings.errors import (
    InfantWithoutAdult,
    PriceChanged,
    TooManyPassengers,
    refusal,
)
from bookings.models import Reservation
from bookings.selectors import ReservationDetail
from inventory import selectors as inventory
from inventory.errors import DepartureClosed, MixedCurrencies
from inventory.pricing import ADULT, INFANT, kind_at_age, price_lines
from inventory.selectors import CallFacts, Offer, SeatFacts, TicketFacts
from travel.common.errors import InvalidInput
from travel.common.ids import digest, new_locator, new_secret
from travel.common.money import Money
from travel.common.transactions import in_transaction


@dataclass(frozen=True, slots=True)
class Holder:
    """Who reserves: a user, or a guest with an e-mail address or a phone number."""

    user_id: int | None = None
    email: str | None = None
    phone: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PassengerDetails:
    """
    Who travels, as typed. Without a date of birth `kind` counts, else the age on each day of
    travel.
    """

    first_name: str
    last_name: str
    kind: str | None = None
    date_of_birth: date | None = None
    seat_wish: str = ""


@dataclass(frozen=True, slots=True)
class SeatChoice:
    """A seat that a passenger (by index) chose on a ticket."""

    ticket_id: int
    passenger: int
    coach: str
    seat: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """A new hold, and for a guest the secret that opens it: it is told once and stored nowhere."""

    reservation: ReservationDetail
    guest_secret: str | None


@in_transaction
def reserve(
    *,
    holder: Holder,
    ticket_ids: Sequence[int],
    passengers: Sequence[PassengerDetails],
    now: datetime,
    seats: Sequence[SeatChoice] = (),
    round_trip: bool = False,
    expected_price: Money | None = None,
    accept_seat_change: bool = False,
    booked_by: int | None = None,
) -> Reserved:
    """
    Hold a seat for every passenger on every ticket for ten minutes, or on none.

    `booked_by` is the member of staff who books for the holder by phone: the hold is longer then
    (settings.PHONE_HOLD_DURATION), though it never outlasts the sale of a ticket, the history names
    who did it, and the holder is sent the way to look and to pay. The holder's limits stay.

    `round_trip` prices the tickets, there and back, with the fares' discount for that. With
    `accept_seat_change` a passenger may get one seat after another where no single one is free all
    the way; without it that is offered in the refusal.

    :raises InvalidInput: tickets overlap or do not lead there and back, a chosen seat is not on the
        vehicle or not in the class, an age does not fit, a guest left no contact.
    :raises TooManyPassengers: more than nine.
    :raises InfantWithoutAdult: more infants than adults.
    :raises NotFound: a ticket does not exist.
    :raises DepartureClosed: sales have ended at a boarding call.
    :raises MixedCurrencies: the tickets are sold in different currencies.
    :raises PriceChanged: the price is not the expected one.
    :raises TooManyHolds: the holder has too many unpaid reservations.
    :raises SeatTaken: a chosen seat is no longer free.
    :raises SoldOut: too few seats are free over a whole stretch.
    """
    _check_counts(ticket_ids, passengers)
    offers = sorted(
        inventory.get_offers(list(ticket_ids), now=now), key=lambda one: one.ticket.departs_at
    )
    _check_offers(offers, ticket_ids=ticket_ids, round_trip=round_trip, now=now)
    kinds = [_kinds_on(offer, passengers) for offer in offers]
    rows = _passenger_rows(passengers, kinds[0])
    _check_laps(kinds)
    chosen = _chosen_seats(offers, kinds, seats)
    legs = [
        _leg(offer, kinds_there, chosen, round_trip=round_trip)
        for offer, kinds_there in zip(offers, kinds, strict=True)
    ]
    _check_price(legs, offers[0].rule.currency, expected_price)

    secret = new_secret() if holder.user_id is None else None
    result = engine.current().reserve(
        ReserveCommand(
            locator=_free_locator(),
            holder=_holder_row(holder, secret),
            currency=offers[0].rule.currency,
            hold_until=_hold_until(offers, booked_by, now),
            passengers=rows,
            legs=legs,
            max_live_holds=settings.MAX_LIVE_HOLDS,
            max_live_holds_there=settings.MAX_LIVE_HOLDS_THERE,
            accept_seat_change=accept_seat_change,
        ),
        now=now,
        actor=Actor("holder", holder.user_id) if booked_by is None else Actor("staff", booked_by),
    )
    if not result.done:
        raise refusal(result.outcome, **_told(result, offers))

    assert result.reservation_id is not None
    reservation = selectors.just_made(
        result.reservation_id, tickets={one.ticket.id: one.ticket for one in offers}, now=now
    )
    tell = notifications.hold_notice if booked_by is None else notifications.phone_notice
    tell(reservation=reservation, guest_secret=secret, now=now)
    return Reserved(reservation, secret)


def _hold_until(offers: Sequence[Offer], booked_by: int | None, now: datetime) -> datetime:
    """Answer when the hold ends: by phone, with the sale of its first ticket at the latest."""
    if booked_by is None:
        return now + settings.HOLD_DURATION
    return min(now + settings.PHONE_HOLD_DURATION, *(offer.sales_close_at for offer in offers))


# --- checks before the engine ---------------------------------------------------------------------


def _check_counts(ticket_ids: Sequence[int], passengers: Sequence[PassengerDetails]) -> None:
    if not passengers:
        raise InvalidInput(errors={"passengers": [_("Say who travels.")]})
    if len(passengers) > settings.MAX_PASSENGERS:
        raise TooManyPassengers()
    if not ticket_ids or len(ticket_ids) > settings.MAX_TICKETS:
        raise InvalidInput(errors={"ticketIDs": [_("Choose between one and twelve tickets.")]})
    if len(set(ticket_ids)) != len(ticket_ids):
        raise InvalidInput(errors={"ticketIDs": [_("A ticket is named twice.")]})


def _check_offers(
    offers: Sequence[Offer], *, ticket_ids: Sequence[int], round_trip: bool, now: datetime
) -> None:
    for offer in offers:
        if not offer.is_on_sale(now):
            raise DepartureClosed(ticketID=offer.ticket.id)
    if len({offer.rule.currency for offer in offers}) > 1:
        raise MixedCurrencies()
    for before, after in pairwise(offers):
        if after.ticket.departs_at < before.ticket.arrives_at:
            raise InvalidInput(
                errors={"ticketIDs": [_("A ticket leaves before another one has arrived.")]}
            )
    if round_trip:
        _check_round_trip(offers, ticket_ids)


def _check_round_trip(offers: Sequence[Offer], ticket_ids: Sequence[int]) -> None:
    """See that the tickets lead there and back, each way by one of them or by a connection."""
    tickets = [offer.ticket for offer in offers]
    leads_back = (
        tickets[0].id == ticket_ids[0]
        and tickets[0].origin.city.id == tickets[-1].destination.city.id
        and any(_is_turn(tickets[:turn], tickets[turn:]) for turn in range(1, len(tickets)))
    )
    if not leads_back:
        raise InvalidInput(
            errors={"returnTicketID": [_("This ticket does not lead back from the first one.")]}
        )


def _is_turn(there: Sequence[TicketFacts], back: Sequence[TicketFacts]) -> bool:
    return (
        there[-1].destination.city.id == back[0].origin.city.id
        and connections.changes_of(there) is not None
        and connections.changes_of(back) is not None
    )


def _kinds_on(offer: Offer, passengers: Sequence[PassengerDetails]) -> list[str]:
    """Answer each passenger's kind on the ticket's day of travel, at the boarding station."""
    day = offer.ticket.departs_at.astimezone(ZoneInfo(offer.ticket.origin.station.tz)).date()
    kinds = []
    for index, one in enumerate(passengers):
        if one.date_of_birth is None:
            kinds.append(one.kind or ADULT)
            continue
        if one.date_of_birth > day:
            raise InvalidInput(
                errors={f"passengers[{index}].dateOfBirth": [_("This day is yet to come.")]}
            )
        kinds.append(kind_at_age(offer.rule, born=one.date_of_birth, travelling=day))
    return kinds


def _passenger_rows(
    passengers: Sequence[PassengerDetails], kinds: Sequence[str]
) -> list[PassengerRow]:
    """Write passengers down; the first infant goes with the first adult, and so on."""
    for index, (one, kind) in enumerate(zip(passengers, kinds, strict=True)):
        if one.kind is not None and one.kind != kind:
            raise InvalidInput(
                errors={f"passengers[{index}].type": [_("The date of birth says otherwise.")]}
            )
    adults = [index for index, kind in enumerate(kinds) if kind == ADULT]
    infants = [index for index, kind in enumerate(kinds) if kind == INFANT]
    companions = dict(zip(infants, adults, strict=False))
    return [
        PassengerRow(
            position=index,
            first_name=one.first_name,
            last_name=one.last_name,
            kind=kinds[index],
            date_of_birth=one.date_of_birth,
            seat_wish=one.seat_wish,
            accompanied_by=companions.get(index),
        )
        for index, one in enumerate(passengers)
    ]


def _check_laps(kinds: Sequence[Sequence[str]]) -> None:
    """See that each infant has an adult of its own on every ticket: fares differ in their ages."""
    for kinds_there in kinds:
        if kinds_there.count(INFANT) > kinds_there.count(ADULT):
            raise InfantWithoutAdult()


def _chosen_seats(
    offers: Sequence[Offer], kinds: Sequence[Sequence[str]], seats: Sequence[SeatChoice]
) -> dict[tuple[int, int], int]:
    """Answer the seats of the map for (ticket, passenger), each checked to be one."""
    if not seats:
        return {}
    by_ticket = {offer.ticket.id: index for index, offer in enumerate(offers)}
    maps: dict[int, dict[tuple[str, str], SeatFacts]] = {}
    chosen: dict[tuple[int, int], int] = {}
    for number, choice in enumerate(seats):
        where = f"seats[{number}]"
        index = by_ticket.get(choice.ticket_id)
        if index is None:
            raise InvalidInput(errors={f"{where}.ticketID": [_("This ticket is not booked here.")]})
        ticket = offers[index].ticket
        if not 0 <= choice.passenger < len(kinds[index]):
            raise InvalidInput(errors={f"{where}.passenger": [_("There is no such passenger.")]})
        if kinds[index][choice.passenger] == INFANT:
            raise InvalidInput(
                errors={f"{where}.passenger": [_("An infant travels without a seat.")]}
            )
        if ticket.seat_map_id not in maps:
            maps[ticket.seat_map_id] = {
                (seat.coach, seat.label): seat for seat in inventory.seat_map(ticket.seat_map_id)
            }
        seat = maps[ticket.seat_map_id].get((choice.coach, choice.seat)) if choice.seat else None
        if seat is None or seat.travel_class != ticket.travel_class:
            raise InvalidInput(
                errors={f"{where}.seat": [_("There is no such seat in this class.")]}
            )
        key = (choice.ticket_id, choice.passenger)
        if key in chosen or (choice.ticket_id, seat.id) in {
            (ticket_id, seat_id) for (ticket_id, _p), seat_id in chosen.items()
        }:
            raise InvalidInput(errors={where: [_("A seat or a passenger is named twice.")]})
        chosen[key] = seat.id
    return chosen


def _leg(
    offer: Offer,
    kinds: Sequence[str],
    chosen: dict[tuple[int, int], int],
    *,
    round_trip: bool,
) -> LegRow:
    ticket = offer.ticket
    return LegRow(
        ticket_id=ticket.id,
        departure_id=ticket.parts.departure_id,
        first_segment=ticket.first_segment,
        last_segment=ticket.last_segment,
        travel_class=ticket.travel_class,
        fare_id=offer.rule.fare_id,
        closes_at=offer.sales_close_at,
        coupons=[
            CouponRow(
                passenger=index,
                barcode=new_secret(),
                fare_version_id=offer.rule.id,
                price_lines=[
                    PriceLineRow(line.kind, line.label, line.amount_minor)
                    for line in price_lines(
                        offer.rule,
                        distance_m=ticket.distance_m,
                        kind=kind,
                        round_trip=round_trip,
                    )
                ],
                needs_seat=kind != INFANT,
                seat_id=chosen.get((ticket.id, index)),
            )
            for index, kind in enumerate(kinds)
        ],
        quota=offer.rule.quota,
    )


def _check_price(legs: Sequence[LegRow], currency: str, expected: Money | None) -> None:
    if expected is None:
        return
    actual = Money(
        sum(
            line.amount_minor
            for leg in legs
            for coupon in leg.coupons
            for line in coupon.price_lines
        ),
        currency,
    )
    if actual != expected:
        raise PriceChanged(price={"amount": actual.amount, "currency": actual.currency})


def _told(result: Result, offers: Sequence[Offer]) -> dict[str, Any]:
    """
    Answer what a refusal tells: which ticket, and the offer to change seats on the way, if any.
    """
    if result.ticket_id is None:
        return {}
    told: dict[str, Any] = {"ticketID": result.ticket_id}
    parts = cast("list[SeatPart]", result.details.get("seat_changes", []))
    if parts:
        calls = {
            call.position: call
            for offer in offers
            if offer.ticket.id == result.ticket_id
            for call in offer.calls
        }
        told["seatChanges"] = [
            {
                "ticketID": part.ticket_id,
                "passenger": part.passenger,
                "coach": part.coach,
                "seat": part.seat,
                "from": _place_of(calls[part.first_segment]),
                "to": _place_of(calls[part.last_segment + 1]),
            }
            for part in parts
        ]
    return told


def _place_of(call: CallFacts) -> dict[str, str]:
    return {"station": call.station.name, "code": call.station.code}


def _holder_row(holder: Holder, secret: str | None) -> HolderRow:
    if holder.user_id is None and not (holder.email or holder.phone):
        raise InvalidInput(errors={"contact": [_("Leave an e-mail address or a phone number.")]})
    return HolderRow(
        user_id=holder.user_id,
        guest_digest=digest(secret) if secret else None,
        contact_email=holder.email,
        contact_phone=holder.phone,
        language=holder.language,
    )


def _free_locator() -> str:
    """Draw a locator that nobody has; the unique key guards the moment after."""
    while Reservation.objects.filter(locator=(locator := new_locator())).exists():
        continue
    return locator
