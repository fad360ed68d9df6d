"""Searching tickets, reserving them, and reading one's reservations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.viewers import Viewer
from bookings import search, selectors, services
from bookings.api.connections import ConnectionSerializer, connections_body
from bookings.api.serializers import (
    CLASSES,
    KINDS,
    MODES,
    STATUSES,
    WISHES,
    ReservationSerializer,
    TicketDetailSerializer,
    TicketSerializer,
    found_body,
    offer_body,
    overview_body,
)
from bookings.errors import (
    AlreadyCancelled,
    AlreadyPaid,
    HoldExpired,
    InfantWithoutAdult,
    NotExtendable,
    PriceChanged,
    SeatTaken,
    SoldOut,
    TooManyHolds,
    TooManyPassengers,
)
from bookings.search import SORTS, Filters, Found, Query
from bookings.selectors import PlannedSeat
from inventory import places
from inventory.errors import DepartureClosed, MixedCurrencies
from inventory.places import Place
from inventory.pricing import ADULT
from payments import selectors as payments
from travel.api.fields import (
    AmountField,
    DayField,
    IDField,
    InstantField,
    MoneyField,
    SafeTextField,
    Serializer,
)
from travel.api.idempotency import idempotent
from travel.api.pagination import page_body, read_page
from travel.api.views import ApiView
from travel.common.errors import InvalidInput, NotFound
from travel.common.ids import normal_email


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 1, "maximum": settings.MAX_PASSENGERS},
            {
                "type": "array",
                "items": {"enum": ["adult", "young", "child", "infant"]},
                "minItems": 1,
                "maxItems": settings.MAX_PASSENGERS,
            },
        ]
    }
)
class PartyField(serializers.Field[Any, Any, Any, Any]):
    """Who travels: a number of adults, or a list of types."""

    default_error_messages = {
        "party": _("Write a number of adults, or a list of adult, young, child and infant."),
    }

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        if isinstance(data, int) and not isinstance(data, bool):
            if data < 1:
                self.fail("party")
            if data > settings.MAX_PASSENGERS:
                raise TooManyPassengers
            return (ADULT,) * data
        if not isinstance(data, list) or not data or not all(kind in KINDS for kind in data):
            self.fail("party")
        if len(data) > settings.MAX_PASSENGERS:
            raise TooManyPassengers
        if data.count("infant") > data.count("adult"):
            raise InfantWithoutAdult
        return tuple(data)

    def to_representation(self, value: Any) -> Any:
        return value


class WordsField(serializers.ListField):
    """One word, or a list of words."""

    def to_internal_value(self, data: Any) -> list[Any]:
        return list(super().to_internal_value([data] if isinstance(data, str) else data))


class FiltersInput(Serializer):
    """What narrows a search. Times are the origin's local ones."""

    vehicle_type = WordsField(
        child=serializers.ChoiceField(choices=MODES), required=False, max_length=3
    )
    travel_class = serializers.ChoiceField(choices=CLASSES, required=False)
    price_min = AmountField(required=False)
    price_max = AmountField(required=False)
    depart_after = serializers.TimeField(required=False)
    depart_before = serializers.TimeField(required=False)
    carrier = WordsField(child=SafeTextField(max_length=40), required=False, max_length=20)
    max_stops = serializers.IntegerField(required=False, min_value=0, max_value=64)
    max_changes = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2,
        help_text=(
            "With 1 or 2, connections that are clearly faster than any direct ticket are looked "
            "for; with 0 none are. Without it they are looked for where no direct ticket is found."
        ),
    )
    facilities = WordsField(child=SafeTextField(max_length=30), required=False, max_length=20)


class SearchTickets(ApiView):
    """Find the tickets of a day that have room for the party, priced for it."""

    permission_classes = (AllowAny,)
    throttle_scope = "search"
    problems = (TooManyPassengers, InfantWithoutAdult)
    reads_pages = True
    tags = ("tickets",)

    class Input(Serializer):
        origin = SafeTextField(max_length=120)
        destination = SafeTextField(max_length=120)
        date = DayField()
        return_date = DayField(required=False, allow_null=True)
        passengers = PartyField(required=False)
        filters = FiltersInput(required=False)
        sort = serializers.ChoiceField(choices=SORTS, required=False)

    class Output(Serializer):
        """A page of tickets; with a return date, a page of those back as well."""

        class ReturnOutput(Serializer):
            count = serializers.IntegerField()
            next = serializers.CharField(allow_null=True)
            previous = serializers.CharField(allow_null=True)
            results = TicketSerializer(many=True)
            connections = ConnectionSerializer(many=True)

        count = serializers.IntegerField()
        next = serializers.CharField(allow_null=True)
        previous = serializers.CharField(allow_null=True)
        results = TicketSerializer(many=True)
        connections = ConnectionSerializer(many=True, help_text="On the first page.")
        # Published as `return`, which is no name for an attribute.
        return_ = ReturnOutput(required=False, help_text="With `returnDate`: the tickets back.")

    def post(self, request: Request) -> Response:
        body = self.body()
        origin, destination = _places(body)
        back_on = body.get("return_date")
        _check_days(origin, body["date"], back_on, self.now)
        query = _query(body, origin, destination, round_trip=back_on is not None)
        page = self.page
        there = search.find(query, now=self.now)
        answer = page_body(
            request,
            page,
            count=len(there),
            results=_tickets(there[page.offset : page.offset + page.limit], query),
        )
        most = body.get("filters", {}).get("max_changes")
        answer["connections"] = connections_body(
            query, there, most=most, is_first=page.number == 1, now=self.now
        )
        if back_on is not None:
            answer["return"] = self._way_back(
                request, search.reversed_query(query, back_on), most=most
            )
        return Response(answer)

    def _way_back(self, request: Request, query: Query, *, most: int | None) -> dict[str, Any]:
        back = search.find(query, now=self.now)
        page = read_page(request, parameter="returnPage")
        answer = page_body(
            request,
            page,
            count=len(back),
            results=_tickets(back[page.offset : page.offset + page.limit], query),
            parameter="returnPage",
        )
        answer["connections"] = connections_body(
            query, back, most=most, is_first=page.number == 1, now=self.now
        )
        return answer


class TicketDetail(ApiView):
    """Show one ticket with its calls, fare rules and penalties."""

    permission_classes = (AllowAny,)
    throttle_scope = "search"
    problems = (DepartureClosed,)
    tags = ("tickets",)
    Output = TicketDetailSerializer

    def get(self, request: Request, ticket_id: int) -> Response:
        offer, left = selectors.get_offer_with_seats(ticket_id, now=self.now)
        return self.answer(offer_body(offer, seats_left=left, on_sale=offer.is_on_sale(self.now)))


class SeatMap(ApiView):
    """Show the seats of a ticket's vehicle, and which are free all the way."""

    permission_classes = (AllowAny,)
    throttle_scope = "search"
    problems = (DepartureClosed,)
    tags = ("tickets",)

    class Output(Serializer):
        class CoachOutput(Serializer):
            class SeatOutput(Serializer):
                seat = serializers.CharField()
                row = serializers.IntegerField()
                column = serializers.IntegerField()
                travel_class = serializers.ChoiceField(choices=CLASSES)
                free = serializers.BooleanField()
                window = serializers.BooleanField()
                aisle = serializers.BooleanField()
                table = serializers.BooleanField()
                quiet = serializers.BooleanField()
                accessible = serializers.BooleanField()

            coach = serializers.CharField()
            seats = SeatOutput(many=True)

        ticket_id = IDField()
        vehicle = serializers.CharField()
        travel_class = serializers.ChoiceField(choices=CLASSES)
        coaches = CoachOutput(many=True)

    def get(self, request: Request, ticket_id: int) -> Response:
        plan = selectors.seat_plan(ticket_id, now=self.now)
        coaches: dict[str, list[dict[str, Any]]] = {}
        for one in plan.seats:
            coaches.setdefault(one.seat.coach, []).append(
                _seat_body(one, plan.offer.ticket.travel_class)
            )
        return self.answer(
            {
                "ticket_id": ticket_id,
                "vehicle": plan.offer.ticket.vehicle_name,
                "travel_class": plan.offer.ticket.travel_class,
                "coaches": [{"coach": coach, "seats": seats} for coach, seats in coaches.items()],
            }
        )


class PassengerInput(Serializer):
    """Somebody who travels."""

    first_name = SafeTextField(max_length=80)
    last_name = SafeTextField(max_length=80)
    type = serializers.ChoiceField(choices=KINDS, required=False)
    date_of_birth = DayField(required=False, allow_null=True)
    seat_wish = serializers.ChoiceField(choices=WISHES, required=False, allow_blank=True)


class SeatInput(Serializer):
    """A chosen seat."""

    ticket_id = IDField()
    passenger = serializers.IntegerField(min_value=0, max_value=8)
    coach = SafeTextField(max_length=12)
    seat = SafeTextField(max_length=8)


@extend_schema_field({"type": "string", "format": "email"})
class ContactField(serializers.Field[Any, Any, Any, Any]):
    """Where messages about the reservation go: an e-mail address."""

    default_error_messages = {"contact": _("Write an e-mail address.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("contact")
        return str(serializers.EmailField(max_length=254).run_validation(normal_email(data)))

    def to_representation(self, value: Any) -> Any:
        return value


class Reserve(ApiView):
    """Hold seats for ten minutes: for every passenger on every ticket, or none."""

    success_status = HTTPStatus.CREATED
    problems = (
        NotFound,
        TooManyPassengers,
        InfantWithoutAdult,
        SoldOut,
        SeatTaken,
        DepartureClosed,
        PriceChanged,
        TooManyHolds,
        MixedCurrencies,
    )
    tags = ("reservations",)

    class Input(Serializer):
        ticket_id = IDField(required=False)
        return_ticket_id = IDField(required=False, allow_null=True)
        ticket_ids = serializers.ListField(
            child=IDField(), required=False, max_length=12, help_text="Instead of ticketID."
        )
        passengers = serializers.ListField(
            child=PassengerInput(),
            required=False,
            help_text="None given: the account's holder, one adult.",
        )
        seats = serializers.ListField(child=SeatInput(), required=False, max_length=108)
        expected_price = MoneyField(required=False, allow_null=True)
        contact = ContactField(required=False, allow_null=True)
        accept_seat_change = serializers.BooleanField(
            required=False,
            default=False,
            help_text=(
                "Take one seat after another where no single one is free all the way. Without it, "
                "409 sold_out offers that under seatChanges."
            ),
        )

    class Output(ReservationSerializer):
        message = serializers.CharField()

    @idempotent
    def post(self, request: Request) -> Response:
        body = self.body()
        ticket_ids = _ticket_ids(body)
        user: Any = request.user
        reserved = services.reserve(
            holder=services.Holder(
                user_id=user.pk,
                email=body.get("contact") or user.email,
                phone=str(user.phone) if user.phone else None,
                language=user.language,
            ),
            ticket_ids=ticket_ids,
            round_trip=body.get("return_ticket_id") is not None,
            passengers=_passengers(body, user),
            seats=[
                services.SeatChoice(one["ticket_id"], one["passenger"], one["coach"], one["seat"])
                for one in body.get("seats", [])
            ],
            expected_price=body.get("expected_price"),
            accept_seat_change=body["accept_seat_change"],
            now=self.now,
        )
        overview = payments.overviews([reserved.reservation], now=self.now)[0]
        return self.answer(
            overview_body(overview)
            | {"message": _("Your seats are held. Please pay before the hold ends.")},
            headers={"Location": f"/reservations/{reserved.reservation.id}"},
        )


class MyReservations(ApiView):
    """List one's reservations, the newest first."""

    paginated = True
    tags = ("reservations",)
    Output = ReservationSerializer

    class Query(Serializer):
        status = serializers.ChoiceField(choices=STATUSES, required=False)

    def get(self, request: Request) -> Response:
        page = self.page
        count, rows = selectors.list_reservations(
            viewer=viewer_of(request),
            status=self.query().get("status"),
            offset=page.offset,
            limit=page.limit,
            now=self.now,
        )
        return self.answer_page(
            count, [overview_body(one) for one in payments.overviews(rows, now=self.now)]
        )


class ReservationDetail(ApiView):
    """Show one reservation."""

    tags = ("reservations",)
    Output = ReservationSerializer

    def get(self, request: Request, reservation_id: int) -> Response:
        return self.answer(
            overview_body(
                payments.get_overview(
                    viewer=viewer_of(request), reservation_id=reservation_id, now=self.now
                )
            )
        )


class ExtendHold(ApiView):
    """Begin the ten minutes to pay again, once a reservation."""

    problems = (HoldExpired, AlreadyPaid, AlreadyCancelled, NotExtendable)
    tags = ("reservations",)

    class Input(Serializer):
        reservation_id = IDField()

    class Output(Serializer):
        message = serializers.CharField()
        reservation_id = IDField()
        expires_at = InstantField()

    @idempotent
    def post(self, request: Request) -> Response:
        extended = services.extend_hold(
            viewer=viewer_of(request),
            reservation_id=self.body()["reservation_id"],
            now=self.now,
        )
        return self.answer(
            {
                "message": _("You have ten more minutes to pay."),
                "reservation_id": extended.id,
                "expires_at": extended.hold_until,
            }
        )


def viewer_of(request: Request) -> Viewer:
    """Answer who looks: a traveller's door shows staff their own things only."""
    return Viewer(user_id=user_id_of(request))


def user_id_of(request: Request) -> int:
    """Answer whose token came with the request; the door is open to no one else."""
    user: Any = request.user
    return int(user.pk)


# --- reading the search ---------------------------------------------------------------------------


def _places(body: Mapping[str, Any]) -> tuple[Place, Place]:
    found = {name: places.resolve(body[name]) for name in ("origin", "destination")}
    unknown = {
        name: [_("No city, station or code is called this.")]
        for name, place in found.items()
        if place is None
    }
    origin, destination = found["origin"], found["destination"]
    if unknown or origin is None or destination is None:
        raise InvalidInput(errors=unknown)
    if {one.id for one in origin.stations} & {one.id for one in destination.stations}:
        raise InvalidInput(errors={"destination": [_("Origin and destination are the same.")]})
    return origin, destination


def _check_days(origin: Place, day: date, back_on: date | None, now: datetime) -> None:
    if search.is_past(origin, day, now=now):
        raise InvalidInput(errors={"date": [_("This day is over.")]})
    if back_on is not None and back_on < day:
        raise InvalidInput(errors={"returnDate": [_("The way back comes before the way out.")]})


def _query(
    body: Mapping[str, Any], origin: Place, destination: Place, *, round_trip: bool
) -> Query:
    filters = body.get("filters", {})
    return Query(
        origin=origin,
        destination=destination,
        day=body["date"],
        passengers=body.get("passengers", (ADULT,)),
        filters=Filters(
            modes=tuple(filters.get("vehicle_type", ())),
            travel_class=filters.get("travel_class"),
            price_min=_amount(filters.get("price_min")),
            price_max=_amount(filters.get("price_max")),
            depart_after=filters.get("depart_after"),
            depart_before=filters.get("depart_before"),
            carriers=tuple(filters.get("carrier", ())),
            max_stops=filters.get("max_stops"),
            facilities=tuple(filters.get("facilities", ())),
        ),
        sort=body.get("sort", "departure"),
        round_trip=round_trip,
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _tickets(found: list[Found], query: Query) -> Any:
    bodies = [found_body(one, round_trip=query.round_trip) for one in found]
    return TicketSerializer(bodies, many=True).data


def _seat_body(one: PlannedSeat, travel_class: str) -> dict[str, Any]:
    seat = one.seat
    return {
        "seat": seat.label,
        "row": seat.row,
        "column": seat.column,
        "travel_class": seat.travel_class,
        "free": one.is_free and seat.travel_class == travel_class,
        "window": seat.is_window,
        "aisle": seat.is_aisle,
        "table": seat.has_table,
        "quiet": seat.is_quiet,
        "accessible": seat.is_accessible,
    }


# --- reading the reservation ----------------------------------------------------------------------


def _ticket_ids(body: Mapping[str, Any]) -> list[int]:
    first, back = body.get("ticket_id"), body.get("return_ticket_id")
    several = list(body.get("ticket_ids") or [])
    if first is not None and first not in several:
        several.insert(0, first)
    if back is not None and (first is None or len(several) > 1):
        raise InvalidInput(errors={"returnTicketID": [_("Give one ticketID with it.")]})
    if back is not None:
        several.append(back)
    if not several:
        raise InvalidInput(errors={"ticketID": [_("Say which ticket.")]})
    return several


def _passengers(body: Mapping[str, Any], user: Any) -> list[services.PassengerDetails]:
    if "passengers" in body:
        return [
            services.PassengerDetails(
                first_name=one["first_name"],
                last_name=one["last_name"],
                kind=one.get("type"),
                date_of_birth=one.get("date_of_birth"),
                seat_wish=one.get("seat_wish", ""),
            )
            for one in body["passengers"]
        ]
    if not (user.first_name and user.last_name):
        raise InvalidInput(errors={"passengers": [_("Say who travels: the account has no name.")]})
    return [
        services.PassengerDetails(first_name=user.first_name, last_name=user.last_name, kind=ADULT)
    ]
