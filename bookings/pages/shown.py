"""How reservations, tickets and what happened to them are put into words for the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from bookings.disruption import Disruption, delay_of, disruptions
from bookings.documents.words import far_end as far_end
from bookings.documents.words import home_zone, kind_name, seat_on_the_way, seats_text
from bookings.documents.words import way as way
from bookings.selectors import CouponDetail, ReservationDetail
from inventory.selectors import TicketFacts
from travel.common.locales import in_a_row
from travel.common.money import Money

OPEN = "open"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Seated:
    """A passenger on a ticket as a line of its table."""

    name: str
    kind: str
    seat: str
    price: Money
    state: str
    tone: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Late:
    """When one leaves and arrives after all, each in its station's zone, and how late that is."""

    leaves_at: datetime
    arrives_at: datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Ride:
    """
    A ticket of a reservation: what components/trip_times.html wants, and who sits where.

    The instants are in the zones of their stations. `seats` is empty where none are told. `trouble`
    is the word for what does not run as sold (see bookings.disruption), or empty.
    """

    ticket_id: int
    mode: str
    service: str
    carrier: str
    fare: str
    departs_at: datetime
    arrives_at: datetime
    origin: str
    destination: str
    duration_minutes: int
    stops: int
    seats: str
    passengers: list[Seated]
    is_over: bool
    is_off: bool
    late: Late | None = None
    trouble: str = ""
    may_reseat: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill."""

    label: str
    amount: Money


# --- trips ----------------------------------------------------------------------------------------


def rides(reservation: ReservationDetail, *, now: datetime) -> list[Ride]:
    """Answer the tickets in the order of travel, without those exchanged for others."""
    wrong = disruptions(reservation, now=now)
    return [_ride(reservation, ticket, wrong.get(ticket.id), now) for ticket in reservation.journey]


def _ride(
    reservation: ReservationDetail, ticket: TicketFacts, wrong: Disruption | None, now: datetime
) -> Ride:
    coupons = [
        one for one in reservation.coupons if one.ticket_id == ticket.id and not one.is_exchanged
    ]
    start, end = ticket.origin, ticket.destination
    return Ride(
        ticket_id=ticket.id,
        mode=ticket.service.mode,
        service=ticket.service.number,
        carrier=ticket.service.carrier_name,
        fare=in_a_row([ticket.fare_name, ticket.class_name]),
        departs_at=ticket.departs_at.astimezone(ZoneInfo(start.station.tz)),
        arrives_at=ticket.arrives_at.astimezone(ZoneInfo(end.station.tz)),
        origin=start.station.name,
        destination=end.station.name,
        duration_minutes=ticket.duration // timedelta(minutes=1),
        stops=ticket.stops,
        seats=seats_text(coupons),
        passengers=[_seated(reservation, coupon, ticket, now) for coupon in coupons],
        is_over=ticket.leaves_at <= now,
        is_off=ticket.departure_state == "cancelled",
        late=_late(ticket),
        trouble=wrong.kind if wrong else "",
        may_reseat=any(place.seat for one in coupons for place in one.seats)
        and any(one.state == OPEN for one in coupons)
        and reservation.status in ("Paid", "Reserved")
        and ticket.departure_state == "scheduled"
        and ticket.leaves_at > now,
    )


def _late(ticket: TicketFacts) -> Late | None:
    """Answer the times that are expected, where they are not those planned."""
    delay = delay_of(ticket)
    if not delay or ticket.departure_state == "cancelled":
        return None
    return Late(
        ticket.leaves_at.astimezone(ZoneInfo(ticket.origin.station.tz)),
        (ticket.destination.expected_arrives_at or ticket.arrives_at).astimezone(
            ZoneInfo(ticket.destination.station.tz)
        ),
        delay // timedelta(minutes=1),
    )


def _seated(
    reservation: ReservationDetail, coupon: CouponDetail, ticket: TicketFacts, now: datetime
) -> Seated:
    passenger = reservation.passenger_of(coupon)
    state, tone = _coupon_state(reservation, coupon, ticket, now)
    return Seated(
        name=passenger.full_name,
        kind=kind_name(passenger.kind),
        seat=seat_on_the_way(coupon, ticket),
        price=coupon.price,
        state=state,
        tone=tone,
        is_open=coupon.state == OPEN,
    )


def _coupon_state(
    reservation: ReservationDetail, coupon: CouponDetail, ticket: TicketFacts, now: datetime
) -> tuple[str, str]:
    if coupon.state == CANCELLED:
        return gettext("Cancelled"), "bad"
    if coupon.state == "used":
        return gettext("Travelled"), ""
    if coupon.state == "no_show":
        return gettext("Not used"), ""
    if reservation.status == "Paid":
        if ticket.departure_state == "cancelled":
            return gettext("Cancelled by the carrier"), "bad"
        return (gettext("Departed"), "") if ticket.leaves_at <= now else (gettext("Valid"), "good")
    return status_words(reservation)


def status_words(reservation: ReservationDetail) -> tuple[str, str]:
    """Answer what a reservation's status is called, and its tone."""
    if reservation.status == "Reserved":
        until = f"{reservation.hold_until.astimezone(home_zone(reservation)):%H:%M}"
        return gettext("Held until %(time)s, not paid") % {"time": until}, "warn"
    if reservation.status == "Paid":
        return gettext("Paid"), "good"
    if reservation.status == "Expired":
        return gettext("Hold ended, not paid"), "bad"
    return gettext("Cancelled"), "bad"


# --- bills ----------------------------------------------------------------------------------------


def bill(reservation: ReservationDetail) -> list[Line]:
    """Answer the price as lines: each fare by kind of passenger, then taxes, fees, discounts."""
    sums: dict[tuple[int, str, str], int] = {}
    heads: dict[tuple[int, str, str], int] = {}
    extras: dict[tuple[str, str], int] = {}
    for coupon in reservation.coupons:
        kind = reservation.passenger_of(coupon).kind
        for line_kind, label, amount in coupon.lines:
            if line_kind == "fare":
                key = (coupon.ticket_id, kind, label)
                sums[key] = sums.get(key, 0) + amount.minor
                heads[key] = heads.get(key, 0) + 1
            else:
                extra = (line_kind, label)
                extras[extra] = extras.get(extra, 0) + amount.minor
    several = len(reservation.tickets) > 1
    fares = [
        Line(
            _fare_label(reservation.tickets[key[0]], heads[key], key[1], key[2], several=several),
            Money(minor, reservation.currency),
        )
        for key, minor in sums.items()
    ]
    order = ("discount", "tax", "fee")
    return fares + [
        Line(gettext(label), Money(minor, reservation.currency))
        for (_kind, label), minor in sorted(
            extras.items(), key=lambda one: (order.index(one[0][0]), one[0][1])
        )
    ]


def _fare_label(ticket: TicketFacts, count: int, kind: str, fare: str, *, several: bool) -> str:
    people = people_text(kind, count)
    if several:
        return in_a_row([people, fare, ticket.service.number])
    return in_a_row([people, fare, ticket.class_name])


def people_text(kind: str, count: int) -> str:
    """Write how many of a kind travel: `2 adults`."""
    return {
        "adult": ngettext("%(n)s adult", "%(n)s adults", count),
        "young": ngettext("%(n)s young person", "%(n)s young people", count),
        "child": ngettext("%(n)s child", "%(n)s children", count),
        "infant": ngettext("%(n)s infant", "%(n)s infants", count),
    }[kind] % {"n": count}


# --- words of money -------------------------------------------------------------------------------


def method_name(method: str) -> str:
    """Answer what a published payment method is called."""
    return {
        "Wallet": gettext("Wallet"),
        "Bank Card": gettext("Bank card"),
        "Cryptocurrency": gettext("Cryptocurrency"),
    }.get(method, method)


def reason_text(reason: str) -> str:
    """Say why a provider refused; a word that is not known is not repeated to people."""
    return {
        "declined": gettext("The bank declined the card."),
        "insufficient_funds": gettext("There was not enough money on the card."),
        "expired_card": gettext("The card has expired."),
        "refused_by_payer": gettext("You refused it on the provider's page."),
        "never_arrived": gettext("The provider never received it."),
        "hold_expired": gettext("The hold had ended."),
        "paid_otherwise": gettext("Another payment came first."),
        "expired": gettext("The time to pay was over."),
    }.get(reason, "")
