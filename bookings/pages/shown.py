"""How reservations, tickets and what happened to them are put into words for the pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from bookings.documents.words import far_end as far_end
from bookings.documents.words import home_zone, kind_name, seat_on_the_way, seats_text
from bookings.documents.words import way as way
from bookings.selectors import CouponDetail, EventDetail, ReservationDetail
from inventory.selectors import TicketFacts
from travel.common.money import Money, parse_amount
from travel.common.templatetags.look import money_text

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
class Ride:
    """
    A ticket of a reservation: what components/trip_times.html wants, and who sits where.

    The instants are in the zones of their stations. `seats` is empty where none are told.
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill."""

    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Happening:
    """Something on the time line; `state` is past, now or next."""

    title: str
    text: str
    at: datetime
    state: str


# --- trips ----------------------------------------------------------------------------------------


def rides(reservation: ReservationDetail, *, now: datetime) -> list[Ride]:
    """Answer the tickets in the order of travel."""
    return [
        _ride(reservation, ticket, now)
        for ticket in sorted(reservation.tickets.values(), key=lambda one: (one.departs_at, one.id))
    ]


def _ride(reservation: ReservationDetail, ticket: TicketFacts, now: datetime) -> Ride:
    coupons = [one for one in reservation.coupons if one.ticket_id == ticket.id]
    start, end = ticket.origin, ticket.destination
    return Ride(
        ticket_id=ticket.id,
        mode=ticket.service.mode,
        service=ticket.service.number,
        carrier=ticket.service.carrier_name,
        fare=f"{ticket.fare_name}, {ticket.class_name}",
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
        return f"{people}, {fare}, {ticket.service.number}"
    return f"{people}, {fare}, {ticket.class_name}"


def people_text(kind: str, count: int) -> str:
    """Write how many of a kind travel: `2 adults`."""
    return {
        "adult": ngettext("%(n)s adult", "%(n)s adults", count),
        "young": ngettext("%(n)s young person", "%(n)s young people", count),
        "child": ngettext("%(n)s child", "%(n)s children", count),
        "infant": ngettext("%(n)s infant", "%(n)s infants", count),
    }[kind] % {"n": count}


# --- the time line --------------------------------------------------------------------------------


def story(
    reservation: ReservationDetail, events: Iterable[EventDetail], *, now: datetime
) -> list[Happening]:
    """Answer what happened and what comes, oldest first, on the clock of the first station."""
    zone = home_zone(reservation)
    past = [_happening(reservation, event, zone) for event in events]
    latest = len(past) - 1
    told = [
        Happening(one.title, one.text, one.at, "now" if index == latest else "past")
        for index, one in enumerate(past)
    ]
    return told + list(_to_come(reservation, now))


def _happening(reservation: ReservationDetail, event: EventDetail, zone: ZoneInfo) -> Happening:
    title, text = _EVENTS.get(event.kind, _plain)(reservation, event, zone)
    return Happening(title, text, event.at.astimezone(zone), "past")


def _plain(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    return event.kind.replace("_", " ").capitalize(), event.reason


def _reserved(_r: ReservationDetail, event: EventDetail, zone: ZoneInfo) -> tuple[str, str]:
    count = _count(event, "seats")
    title = ngettext("%(n)s seat held", "%(n)s seats held", count) % {"n": count}
    return title, _until(event, zone)


def _extended(_r: ReservationDetail, event: EventDetail, zone: ZoneInfo) -> tuple[str, str]:
    if event.actor_kind == "system":
        return gettext("Hold lengthened while you pay"), _until(event, zone)
    return gettext("Hold extended"), _until(event, zone)


def _paying(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Payment started"), method_name(str(event.details.get("method", "")))


def _payment_failed(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    nothing = gettext("Nothing was charged. The hold went on.")
    return gettext("Payment refused"), f"{reason_text(event.reason)} {nothing}".strip()


def _paid(reservation: ReservationDetail, _e: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("%(price)s paid") % {"price": money_text(reservation.price)}, ""


def _part_cancelled(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    count = _count(event, "coupons")
    return ngettext("%(n)s ticket cancelled", "%(n)s tickets cancelled", count) % {"n": count}, (
        gettext("The rest stays booked.")
    )


def _cancelled(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Everything cancelled"), _by_whom(event)


def _released(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Seats given up"), gettext("Nothing had been paid.")


def _expired(_r: ReservationDetail, _e: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("The hold ended"), gettext("The seats went back on sale.")


def _refunded(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    amount = parse_amount(str(event.details["amount"]), str(event.details["currency"]))
    return gettext("%(amount)s paid back") % {"amount": money_text(amount)}, ""


def _refund_approved(_r: ReservationDetail, event: EventDetail, _zone: ZoneInfo) -> tuple[str, str]:
    amount = parse_amount(str(event.details["amount"]), str(event.details["currency"]))
    return gettext("Refund of %(amount)s approved") % {"amount": money_text(amount)}, ""


def _refund_rejected(
    _r: ReservationDetail, _event: EventDetail, _zone: ZoneInfo
) -> tuple[str, str]:
    # What staff noted is for colleagues.
    return gettext("Refund looked at again"), gettext("The cancellation fee of your fare stays.")


_EVENTS = {
    "reserved": _reserved,
    "extended": _extended,
    "paying": _paying,
    "payment_failed": _payment_failed,
    "paid": _paid,
    "part_cancelled": _part_cancelled,
    "cancelled": _cancelled,
    "released": _released,
    "expired": _expired,
    "refund_approved": _refund_approved,
    "refund_rejected": _refund_rejected,
    "refunded": _refunded,
}


def _count(event: EventDetail, name: str) -> int:
    listed = event.details.get(name)
    return len(listed) if isinstance(listed, list) else 0


def _until(event: EventDetail, zone: ZoneInfo) -> str:
    until = event.details.get("until")
    if not isinstance(until, str):
        return ""
    moment = datetime.fromisoformat(until).astimezone(zone)
    return gettext("Until %(time)s.") % {"time": f"{moment:%H:%M}"}


def _by_whom(event: EventDetail) -> str:
    return {
        "holder": gettext("By you."),
        "staff": gettext("By the office."),
        "system": "",
    }.get(event.actor_kind, "")


def _to_come(reservation: ReservationDetail, now: datetime) -> Iterable[Happening]:
    if reservation.status not in ("Paid", "Reserved"):
        return
    travelling = {coupon.ticket_id for coupon in reservation.open_coupons}
    for ride in rides(reservation, now=now):
        if ride.ticket_id in travelling and not ride.is_over and not ride.is_off:
            title = gettext("Departure from %(station)s") % {"station": ride.origin}
            yield Happening(title, ride.service, ride.departs_at, "next")


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
