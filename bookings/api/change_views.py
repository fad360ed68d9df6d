"""Changing what is booked: seats, names, and another departure for one that does not run."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import disruption, selectors, services
from bookings.api.serializers import (
    ReservationSerializer,
    StopSerializer,
    WrittenInstantField,
    overview_body,
    stop_body,
)
from bookings.api.views import SeatInput, viewer_of
from bookings.errors import (
    AlreadyCancelled,
    CorrectedOften,
    HoldExpired,
    NameTooDifferent,
    NotChangeable,
    NotDisrupted,
    SeatTaken,
    SoldOut,
)
from bookings.selectors import ReservationDetail
from bookings.services import Alternative
from inventory import places
from inventory.errors import DepartureClosed
from payments import selectors as payments
from travel.api.fields import IDField, SafeTextField, Serializer, instant
from travel.api.idempotency import idempotent
from travel.api.views import ApiView
from travel.common.errors import NotFound


class ChangedOutput(ReservationSerializer):
    """The reservation as it is now, and a word about it."""

    message = serializers.CharField()


class ChangeSeats(ApiView):
    """Give passengers other seats of their class, all that are named or none."""

    problems = (NotFound, SeatTaken, HoldExpired, AlreadyCancelled, NotChangeable)
    tags = ("reservations",)

    class Input(Serializer):
        reservation_id = IDField()
        seats = serializers.ListField(child=SeatInput(), min_length=1, max_length=108)

    class Output(ChangedOutput):
        pass

    @idempotent
    def post(self, request: Request) -> Response:
        body = self.body()
        changed = services.change_seats(
            viewer=viewer_of(request),
            reservation_id=body["reservation_id"],
            seats=[
                services.SeatChoice(one["ticket_id"], one["passenger"], one["coach"], one["seat"])
                for one in body["seats"]
            ],
            now=self.now,
        )
        return self.answer(_changed(self, changed, _("The seats are changed.")))


class CorrectName(ApiView):
    """Correct a slip in a passenger's name."""

    problems = (
        NotFound,
        HoldExpired,
        AlreadyCancelled,
        NotChangeable,
        CorrectedOften,
        NameTooDifferent,
    )
    tags = ("reservations",)

    class Input(Serializer):
        reservation_id = IDField()
        passenger_id = IDField()
        first_name = SafeTextField(max_length=80)
        last_name = SafeTextField(max_length=80)

    class Output(ChangedOutput):
        pass

    def post(self, request: Request) -> Response:
        body = self.body()
        changed = services.correct_name(viewer=viewer_of(request), now=self.now, **body)
        return self.answer(_changed(self, changed, _("The name is corrected.")))


class Alternatives(ApiView):
    """
    Show which tickets do not run as sold, why, and the departures that may take their places.

    `reason` is `cancelled`, `skipped`, `delayed` or `missed`.
    """

    problems = (NotFound,)
    tags = ("reservations",)

    class Output(Serializer):
        """What is wrong with each ticket, and what there is instead."""

        class DisruptedOutput(Serializer):
            class AlternativeOutput(Serializer):
                ticket_id = IDField()
                departure_id = IDField()
                vehicle_type = serializers.CharField()
                service = serializers.CharField()
                origin = StopSerializer()
                destination = StopSerializer()
                departure_time = WrittenInstantField()
                arrival_time = WrittenInstantField()
                travel_class = serializers.CharField()
                seats_left = serializers.IntegerField()
                needs_more = serializers.BooleanField(
                    help_text="The next ticket is not reached then, and has to be changed as well."
                )

            ticket_id = IDField()
            reason = serializers.ChoiceField(choices=["cancelled", "skipped", "delayed", "missed"])
            delay_minutes = serializers.IntegerField()
            alternatives = AlternativeOutput(many=True)

        disrupted = DisruptedOutput(many=True)

    def get(self, request: Request, reservation_id: int) -> Response:
        booked = selectors.get_reservation(
            viewer=viewer_of(request), reservation_id=reservation_id, now=self.now
        )
        found = disruption.disruptions(booked, now=self.now)
        return self.answer(
            {
                "disrupted": [
                    {
                        "ticket_id": ticket_id,
                        "reason": wrong.kind,
                        "delay_minutes": int(wrong.delay.total_seconds()) // 60,
                        "alternatives": [
                            _alternative(one)
                            for one in services.find_alternatives(
                                reservation=booked, ticket_id=ticket_id, now=self.now
                            )
                        ],
                    }
                    for ticket_id, wrong in found.items()
                ]
            }
        )


class Rebook(ApiView):
    """Move all who travel on a disrupted ticket to another departure, free of charge."""

    problems = (
        NotFound,
        NotDisrupted,
        AlreadyCancelled,
        HoldExpired,
        NotChangeable,
        DepartureClosed,
        SoldOut,
    )
    tags = ("reservations",)

    class Input(Serializer):
        reservation_id = IDField()
        ticket_id = IDField()
        new_ticket_id = IDField()

    class Output(ChangedOutput):
        pass

    @idempotent
    def post(self, request: Request) -> Response:
        body = self.body()
        changed = services.rebook(
            viewer=viewer_of(request),
            reservation_id=body["reservation_id"],
            ticket_id=body["ticket_id"],
            to_ticket_id=body["new_ticket_id"],
            now=self.now,
        )
        return self.answer(_changed(self, changed, _("You are rebooked, free of charge.")))


def _changed(view: ApiView, changed: ReservationDetail, message: str) -> dict[str, Any]:
    overview = payments.overviews([changed], now=view.now)[0]
    return overview_body(overview) | {"message": message}


def _alternative(one: Alternative) -> dict[str, Any]:
    start = places.station(one.stretch.from_station_id)
    end = places.station(one.stretch.to_station_id)
    return {
        "ticket_id": one.ticket_id,
        "departure_id": one.stretch.departure_id,
        "vehicle_type": one.stretch.mode,
        "service": one.stretch.number,
        "origin": stop_body(start),
        "destination": stop_body(end),
        "departure_time": instant(one.stretch.leaves_at, start.tz),
        "arrival_time": instant(one.stretch.expected_arrives_at or one.stretch.arrives_at, end.tz),
        "travel_class": one.rule.travel_class,
        "seats_left": one.seats_left,
        "needs_more": one.needs_more,
    }
