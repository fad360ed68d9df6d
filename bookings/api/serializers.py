"""Tickets and reservations as the API shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.search import Found
from bookings.selectors import CouponDetail, ReservationDetail, SeatPlace
from inventory import places
from inventory.pricing import ADULT, price
from inventory.search import Stretch
from inventory.selectors import CallFacts, Offer, TicketFacts
from payments.selectors import Overview
from travel.api.fields import IDField, InstantField, MoneyField, Serializer, instant
from travel.common.money import Money

MODES = ["Plane", "Train", "Bus"]
CLASSES = ["Economy", "Business", "VIP"]
KINDS = ["adult", "young", "child", "infant"]
WISHES = ["window", "aisle", "quiet", "accessible"]
STATUSES = ["Reserved", "Paid", "Cancelled", "Expired"]


@extend_schema_field({"type": "string", "format": "date-time"})
class WrittenInstantField(serializers.CharField):
    """An instant that was written with its station's offset already."""


class StopSerializer(Serializer):
    """One end of a ticket."""

    city = serializers.CharField()
    station = serializers.CharField()
    code = serializers.CharField()


class ServiceSerializer(Serializer):
    """What runs: its number, what its mode has to say, and what is on board."""

    number = serializers.CharField()
    aircraft = serializers.CharField(required=False)
    origin_terminal = serializers.CharField(required=False)
    destination_terminal = serializers.CharField(required=False)
    checked_bags = serializers.IntegerField(required=False)
    category = serializers.CharField(required=False)
    stars = serializers.IntegerField(required=False, allow_null=True)
    compartments = serializers.BooleanField(required=False)
    kind = serializers.CharField(required=False)
    seats_per_row = serializers.IntegerField(required=False)
    facilities = serializers.ListField(child=serializers.CharField())


class TicketSerializer(Serializer):
    """A ticket: a ride from one station to another at a fare."""

    ticket_id = IDField()
    departure_id = IDField()
    vehicle_type = serializers.ChoiceField(choices=MODES)
    trip_type = serializers.ChoiceField(choices=["OneWay", "RoundTrip"])
    origin = StopSerializer()
    destination = StopSerializer()
    departure_time = WrittenInstantField(help_text="With the station's own offset.")
    arrival_time = WrittenInstantField(help_text="With the station's own offset.")
    duration_minutes = serializers.IntegerField()
    stops = serializers.IntegerField(help_text="Calls between.")
    carrier = serializers.CharField()
    service = ServiceSerializer()
    travel_class = serializers.ChoiceField(choices=CLASSES)
    class_name = serializers.CharField(help_text="The carrier's own word for the class.")
    fare = serializers.CharField()
    price = MoneyField(help_text="For the whole party searched for, else for one adult.")
    price_per_adult = MoneyField()
    seats_left = serializers.IntegerField()
    needs_seat_change = serializers.BooleanField(
        required=False,
        help_text="Too few seats are free all the way; reserve with acceptSeatChange.",
    )


class CallSerializer(Serializer):
    """A stop on the way."""

    position = serializers.IntegerField()
    city = serializers.CharField()
    station = serializers.CharField()
    code = serializers.CharField()
    arrival_time = WrittenInstantField(allow_null=True)
    departure_time = WrittenInstantField(allow_null=True)
    platform = serializers.CharField()


class TierSerializer(Serializer):
    """What cancelling costs from so many minutes before departure on."""

    minutes_before = serializers.IntegerField()
    penalty_percentage = serializers.FloatField()
    minimum_penalty = MoneyField()


class FareRulesSerializer(Serializer):
    """What comes with a fare."""

    name = serializers.CharField()
    conditions = serializers.CharField()
    young_percentage = serializers.IntegerField()
    child_percentage = serializers.IntegerField()
    infant_percentage = serializers.IntegerField()
    return_discount_percentage = serializers.FloatField()
    sales_close_at = InstantField()


class TicketDetailSerializer(TicketSerializer):
    """A ticket with its calls and its rules."""

    on_sale = serializers.BooleanField()
    calls = CallSerializer(many=True)
    fare_rules = FareRulesSerializer()
    penalty_tiers = TierSerializer(many=True)


class SoldTicketSerializer(Serializer):
    """A ticket of a reservation."""

    ticket_id = IDField()
    departure_id = IDField()
    vehicle_type = serializers.ChoiceField(choices=MODES)
    trip_type = serializers.ChoiceField(choices=["OneWay", "RoundTrip"])
    origin = StopSerializer()
    destination = StopSerializer()
    departure_time = WrittenInstantField()
    arrival_time = WrittenInstantField()
    duration_minutes = serializers.IntegerField()
    stops = serializers.IntegerField()
    carrier = serializers.CharField()
    service = ServiceSerializer()
    travel_class = serializers.ChoiceField(choices=CLASSES)
    class_name = serializers.CharField()
    fare = serializers.CharField()
    departure_status = serializers.CharField()


class PassengerSerializer(Serializer):
    """Somebody who travels on a reservation."""

    passenger_id = IDField(source="id")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    type = serializers.ChoiceField(choices=KINDS, source="kind")
    date_of_birth = serializers.DateField(allow_null=True)
    seat_wish = serializers.CharField()


class SeatSerializer(Serializer):
    """Where a passenger sits on a ticket."""

    ticket_id = IDField()
    passenger = serializers.IntegerField(help_text="The passenger's index.")
    coach = serializers.CharField()
    seat = serializers.CharField()
    from_code = serializers.CharField(
        help_text="Code of the station from which the seat is the passenger's: seats may change."
    )
    to_code = serializers.CharField(help_text="Code of the station to which it is.")


class PriceLineSerializer(Serializer):
    """A line of a price."""

    kind = serializers.ChoiceField(choices=["fare", "tax", "fee", "discount"])
    label = serializers.CharField()  # type: ignore[assignment]
    amount = MoneyField()


class CouponSerializer(Serializer):
    """One passenger on one ticket."""

    coupon_id = IDField()
    ticket_id = IDField()
    passenger_id = IDField()
    status = serializers.ChoiceField(choices=["open", "used", "no_show", "cancelled"])
    price = MoneyField()
    lines = PriceLineSerializer(many=True)


class RefundSerializer(Serializer):
    """Money that went back, or is on its way."""

    refund_id = IDField(source="id")
    amount = MoneyField()
    status = serializers.CharField(source="state")
    destination = serializers.CharField()
    created_at = InstantField()


class PaymentSerializer(Serializer):
    """An attempt to pay."""

    payment_id = IDField(source="id")
    payment_method = serializers.ChoiceField(
        choices=["Wallet", "Bank Card", "Cryptocurrency"], source="method"
    )
    status = serializers.CharField(source="state")
    amount = MoneyField()
    failure = serializers.CharField()
    created_at = InstantField()
    refunds = RefundSerializer(many=True)


class ReservationSerializer(Serializer):
    """A reservation with all that belongs to it."""

    reservation_id = IDField()
    locator = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    created_at = InstantField()
    expires_at = InstantField(allow_null=True)
    tickets = SoldTicketSerializer(many=True)
    passengers = PassengerSerializer(many=True)
    seats = SeatSerializer(many=True)
    coupons = CouponSerializer(many=True)
    price = MoneyField()
    payments = PaymentSerializer(many=True)
    available_actions = serializers.ListField(child=serializers.CharField())


# --- bodies ---------------------------------------------------------------------------------------


def found_body(found: Found, *, round_trip: bool) -> dict[str, Any]:
    """Write a ticket that a search found."""
    stretch: Stretch = found.stretch
    start = places.station(stretch.from_station_id)
    end = places.station(stretch.to_station_id)
    return {
        "ticket_id": found.id,
        "departure_id": stretch.departure_id,
        "vehicle_type": stretch.mode,
        "trip_type": _trip_type(round_trip),
        "origin": stop_body(start),
        "destination": stop_body(end),
        "departure_time": instant(stretch.departs_at, start.tz),
        "arrival_time": instant(stretch.arrives_at, end.tz),
        "duration_minutes": int(stretch.duration.total_seconds()) // 60,
        "stops": stretch.stops,
        "carrier": stretch.carrier_name,
        "service": {
            "number": stretch.number,
            **found.service_details,
            "facilities": found.facilities,
        },
        "travel_class": found.rule.travel_class,
        "class_name": found.class_name,
        "fare": found.rule.name,
        "price": found.price,
        "price_per_adult": found.adult_price,
        "seats_left": found.seats_left,
        "needs_seat_change": found.needs_seat_change,
    }


def offer_body(offer: Offer, *, seats_left: int, on_sale: bool) -> dict[str, Any]:
    """Write a ticket in detail."""
    rule = offer.rule
    adult = Money(price(rule, distance_m=offer.ticket.distance_m, kind=ADULT), rule.currency)
    return ticket_body(offer.ticket, round_trip=False) | {
        "price": adult,
        "price_per_adult": adult,
        "seats_left": seats_left,
        "on_sale": on_sale,
        "calls": [_call(call) for call in offer.calls],
        "fare_rules": {
            "name": rule.name,
            "conditions": rule.conditions,
            "young_percentage": rule.young_percent,
            "child_percentage": rule.child_percent,
            "infant_percentage": rule.infant_percent,
            "return_discount_percentage": rule.return_discount_basis_points / 100,
            "sales_close_at": offer.sales_close_at,
        },
        "penalty_tiers": [
            {
                "minutes_before": tier.minutes_before,
                "penalty_percentage": tier.basis_points / 100,
                "minimum_penalty": Money(tier.minimum_minor, rule.currency),
            }
            for tier in offer.tiers
        ],
    }


def ticket_body(ticket: TicketFacts, *, round_trip: bool) -> dict[str, Any]:
    """Write the facts of a ticket, each end in its own zone."""
    return {
        "ticket_id": ticket.id,
        "departure_id": ticket.parts.departure_id,
        "vehicle_type": ticket.service.mode,
        "trip_type": _trip_type(round_trip),
        "origin": stop_body(ticket.origin.station),
        "destination": stop_body(ticket.destination.station),
        "departure_time": instant(ticket.departs_at, ticket.origin.station.tz),
        "arrival_time": instant(ticket.arrives_at, ticket.destination.station.tz),
        "duration_minutes": int(ticket.duration.total_seconds()) // 60,
        "stops": ticket.stops,
        "carrier": ticket.service.carrier_name,
        "service": {
            "number": ticket.service.number,
            **ticket.service.details,
            "facilities": ticket.service.facilities,
        },
        "travel_class": ticket.travel_class,
        "class_name": ticket.class_name,
        "fare": ticket.fare_name,
        "departure_status": ticket.departure_state,
    }


def overview_body(overview: Overview) -> dict[str, Any]:
    """Write a reservation with its payments and actions."""
    reservation = overview.reservation
    return {
        "reservation_id": reservation.id,
        "locator": reservation.locator,
        "status": reservation.status,
        "created_at": reservation.created_at,
        "expires_at": reservation.hold_until if reservation.state == "held" else None,
        "tickets": [
            ticket_body(ticket, round_trip=is_round_trip(reservation))
            for ticket in reservation.journey
        ],
        "passengers": reservation.passengers,
        "seats": [
            seat_body(coupon, seat, reservation.tickets[coupon.ticket_id])
            for coupon in reservation.coupons
            for seat in coupon.seats
        ],
        "coupons": [coupon_body(coupon) for coupon in reservation.coupons],
        "price": reservation.price,
        "payments": overview.payments,
        "available_actions": overview.available_actions,
    }


def seat_body(coupon: CouponDetail, seat: SeatPlace, ticket: TicketFacts) -> dict[str, Any]:
    """Write where a passenger sits, and from where to where."""
    return {
        "ticket_id": coupon.ticket_id,
        "passenger": coupon.passenger,
        "coach": seat.coach,
        "seat": seat.seat,
        "from_code": ticket.way[seat.first_segment].station.code,
        "to_code": ticket.way[seat.last_segment + 1].station.code,
    }


def coupon_body(coupon: CouponDetail) -> dict[str, Any]:
    """Write a coupon with its price."""
    return {
        "coupon_id": coupon.id,
        "ticket_id": coupon.ticket_id,
        "passenger_id": coupon.passenger_id,
        "status": coupon.state,
        "price": coupon.price,
        "lines": [
            {"kind": kind, "label": label, "amount": amount} for kind, label, amount in coupon.lines
        ],
    }


def is_round_trip(reservation: ReservationDetail) -> bool:
    """Say whether the tickets lead there and back."""
    tickets = sorted(reservation.tickets.values(), key=lambda one: one.departs_at)
    return len(tickets) > 1 and tickets[0].origin.city.id == tickets[-1].destination.city.id


def _trip_type(round_trip: bool) -> str:
    return "RoundTrip" if round_trip else "OneWay"


def stop_body(station: places.StationFacts) -> dict[str, str]:
    """Write where a ticket begins or ends."""
    return {
        "city": places.city(station.city_id).name,
        "station": station.name,
        "code": station.code,
    }


def _call(call: CallFacts) -> dict[str, Any]:
    tz = call.station.tz
    return {
        "position": call.position,
        "city": call.city.name,
        "station": call.station.name,
        "code": call.station.code,
        "arrival_time": instant(call.arrives_at, tz) if call.arrives_at else None,
        "departure_time": instant(call.departs_at, tz) if call.departs_at else None,
        "platform": call.platform,
    }
