"""Connections over the API: searched, told, reserved together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory import places
from inventory.models import MinimumChange
from tests.factories import (
    Stop,
    Trip,
    make_carrier,
    make_city,
    make_service,
    make_station,
    make_tariff,
    make_trip,
    make_vehicle,
)
from tests.selling import row_counts

SEARCH: dict[str, Any] = {"origin": "Altdorf", "destination": "Celle", "date": "2026-06-02"}


@pytest.fixture
def legs(db: None) -> tuple[Trip, Trip]:
    """08:00 Altdorf to Bergen 09:00, and from its coach stop 09:20 to Celle 10:20, each 10.00."""
    bergen = make_city("Bergen")
    start, end = make_station(make_city("Altdorf"), "ALT"), make_station(make_city("Celle"), "CEL")
    here, there = make_station(bergen, "BER"), make_station(bergen, "ZOB")
    MinimumChange.objects.create(from_station=here, to_station=there, minutes=15)
    carrier = make_carrier("railway")
    tariff, vehicle = make_tariff(carrier), make_vehicle(carrier)
    first = make_trip(
        make_service(tariff, "R 1"),
        vehicle,
        starts_at=datetime(2026, 6, 2, 6, 0, tzinfo=UTC),
        stops=[Stop(start, 0), Stop(here, 60, 100)],
    )
    second = make_trip(
        make_service(tariff, "N 2", mode="Bus"),
        vehicle,
        starts_at=datetime(2026, 6, 2, 7, 20, tzinfo=UTC),
        stops=[Stop(there, 0), Stop(end, 60, 100)],
    )
    places.forget()
    return first, second


def search(api: Any, **changes: Any) -> dict[str, Any]:
    answer = api.post("/tickets/search", SEARCH | changes)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def direct(legs: tuple[Trip, Trip], minutes: int) -> Trip:
    """A train of 08:00 that goes through, in so many minutes."""
    first, second = legs
    return make_trip(
        make_service(first.departure.service.tariff, "R 9"),
        first.departure.vehicle,
        starts_at=datetime(2026, 6, 2, 6, 0, tzinfo=UTC),
        stops=[Stop(first.calls[0].station, 0), Stop(second.calls[1].station, minutes, 200)],
    )


class TestSearch:
    def test_tells_tickets_changes_and_price(self, api, legs):
        body = search(api, passengers=2)

        assert body["results"] == []
        (one,) = body["connections"]
        assert [ticket["ticketID"] for ticket in one["tickets"]] == [
            leg.ticket_id() for leg in legs
        ]
        assert [ticket["service"]["number"] for ticket in one["tickets"]] == ["R 1", "N 2"]
        del one["tickets"]
        assert one == {
            "changes": 1,
            "changePlaces": [
                {
                    "arrival": {"city": "Bergen", "station": "Bergen BER", "code": "BER"},
                    "departure": {"city": "Bergen", "station": "Bergen ZOB", "code": "ZOB"},
                    "waitMinutes": 20,
                    "minimumMinutes": 15,
                }
            ],
            "departureTime": "2026-06-02T08:00:00+02:00",
            "arrivalTime": "2026-06-02T10:20:00+02:00",
            "durationMinutes": 140,
            "price": {"amount": "40.00", "currency": "EUR"},
        }

    @pytest.mark.parametrize(("most", "found"), [(0, 0), (1, 1), (2, 1)])
    def test_with_no_more_changes_than_asked_for(self, api, legs, most, found):
        assert len(search(api, filters={"maxChanges": most})["connections"]) == found

    @pytest.mark.parametrize(("most", "found"), [(None, 0), (0, 0), (1, 1)])
    def test_beside_direct_tickets_where_asked_for(self, api, legs, most, found):
        direct(legs, 200)
        filters = {} if most is None else {"maxChanges": most}
        body = search(api, filters=filters)

        assert len(body["results"]) == 1
        assert len(body["connections"]) == found

    def test_and_only_what_is_clearly_faster(self, api, legs):
        direct(legs, 160)
        assert search(api, filters={"maxChanges": 2})["connections"] == []

    @pytest.mark.parametrize("most", [-1, 3, "many", None])
    def test_another_number_of_changes_is_a_clear_problem(self, api, legs, most):
        answer = api.post("/tickets/search", SEARCH | {"filters": {"maxChanges": most}})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")

    def test_stand_on_the_first_page_alone(self, api, legs):
        answer = api.post("/tickets/search?page=2", SEARCH)
        assert answer.json()["connections"] == []

    def test_of_the_way_back_stand_beside_its_tickets(self, api, legs):
        body = search(
            api, origin="Celle", destination="Altdorf", date="2026-06-01", returnDate="2026-06-02"
        )
        assert body["connections"] == []
        assert len(body["return"]["connections"]) == 1

    def test_write_nothing(self, api, legs):
        before = row_counts()
        search(api)
        assert row_counts() == before

    def test_are_few_statements(self, api, legs, django_assert_max_num_queries):
        search(api)
        with django_assert_max_num_queries(12):
            search(api)


class TestReserve:
    def test_holds_all_of_it_in_one_reservation(self, api, legs, traveller, audited):
        (one,) = search(api)["connections"]
        answer = api.by(traveller).post(
            "/reservations/reserve",
            {
                "ticketIDs": [ticket["ticketID"] for ticket in one["tickets"]],
                "expectedPrice": one["price"],
            },
        )

        assert answer.status_code == 201, answer.content
        body = answer.json()
        assert body["price"] == one["price"]
        assert [ticket["service"]["number"] for ticket in body["tickets"]] == ["R 1", "N 2"]
        assert len(body["seats"]) == 2
