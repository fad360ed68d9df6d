"""Connections as the API shows them, beside the direct tickets of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rest_framework import serializers

from bookings import connections
from bookings.api.serializers import (
    StopSerializer,
    TicketSerializer,
    WrittenInstantField,
    found_body,
    stop_body,
)
from bookings.connections import Change, Connection
from bookings.search import Found, Query
from inventory import places
from travel.api.fields import MoneyField, Serializer, instant

MINUTE = timedelta(minutes=1)


class ChangeSerializer(Serializer):
    """Where one changes from a ticket to the next, and how long that takes."""

    arrival = StopSerializer()
    departure = StopSerializer(help_text="Another station where the change leads through the city.")
    wait_minutes = serializers.IntegerField()
    minimum_minutes = serializers.IntegerField(help_text="What changing there takes at least.")


class ConnectionSerializer(Serializer):
    """Tickets that lead to the destination together; reserve them by `ticketIDs`."""

    tickets = TicketSerializer(many=True)
    changes = serializers.IntegerField()
    change_places = ChangeSerializer(many=True)
    departure_time = WrittenInstantField(help_text="With the station's own offset.")
    arrival_time = WrittenInstantField(help_text="With the station's own offset.")
    duration_minutes = serializers.IntegerField()
    price = MoneyField(help_text="Of all tickets, for the whole party.")


def connections_body(
    query: Query, direct: Sequence[Found], *, most: int | None, is_first: bool, now: datetime
) -> Any:
    """
    Write the connections of a day, with at most so many changes.

    Where the client did not say how many (`most` is None) they are looked for only when nothing
    goes through. They stand on the first page alone.
    """
    wanted = most if most is not None else 0 if direct else connections.MOST_CHANGES
    if not (wanted and is_first):
        return []
    # What a fare takes off a return is for one ticket there and one back.
    asked = replace(query, round_trip=False)
    found = connections.find(asked, direct=direct, now=now, max_changes=wanted, detailed=True)
    return ConnectionSerializer([_connection_body(one) for one in found], many=True).data


def _connection_body(connection: Connection) -> dict[str, Any]:
    first, last = connection.tickets[0].stretch, connection.tickets[-1].stretch
    start, end = places.station(first.from_station_id), places.station(last.to_station_id)
    return {
        "tickets": [found_body(one, round_trip=False) for one in connection.tickets],
        "changes": len(connection.changes),
        "change_places": [_change_body(one) for one in connection.changes],
        "departure_time": instant(connection.departs_at, start.tz),
        "arrival_time": instant(connection.arrives_at, end.tz),
        "duration_minutes": connection.duration // MINUTE,
        "price": connection.price,
    }


def _change_body(change: Change) -> dict[str, Any]:
    return {
        "arrival": stop_body(change.arrival),
        "departure": stop_body(change.departure),
        "wait_minutes": change.wait // MINUTE,
        "minimum_minutes": change.least // MINUTE,
    }
