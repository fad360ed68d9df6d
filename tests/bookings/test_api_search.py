"""POST /tickets/search, GET /tickets/{id} and its seats: the published answers and refusals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from inventory import places
from inventory.models import Departure, FareVersion
from tests.factories import Stop, make_city, make_service, make_station, make_trip
from tests.selling import reserve, row_counts

SEARCH: dict[str, Any] = {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02"}

# Price order: coach, Saver, flight, Flex, Business Flex.
FARES = ["Saver", "Flex", "Business Flex", "Light", "Standard"]


def search(api, path: str = "/tickets/search", **changes: Any) -> dict[str, Any]:
    answer = api.post(path, SEARCH | changes)
    assert answer.status_code == 200, answer.content
    return answer.json()


def fares(body: dict[str, Any]) -> list[str]:
    return [one["fare"] for one in body["results"]]


def problem(answer, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a problem with this code, and read it."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.usefixtures("timetable")
class TestSearch:
    def test_a_ticket_as_the_contract_has_it(self, api, train):
        found = search(api)["results"][0]

        assert found == {
            "ticketID": train.ticket_id(),
            "departureID": train.departure.pk,
            "vehicleType": "Train",
            "tripType": "OneWay",
            "origin": {"city": "Hamburg", "station": "Hamburg Hbf", "code": "HH"},
            "destination": {"city": "München", "station": "München Hbf", "code": "MH"},
            "departureTime": "2026-06-02T08:00:00+02:00",
            "arrivalTime": "2026-06-02T13:30:00+02:00",
            "durationMinutes": 330,
            "stops": 3,
            "carrier": "Test Railway",
            "service": {
                "number": "ICE 585",
                "category": "ICE",
                "stars": 4,
                "compartments": False,
                "facilities": [],
            },
            "travelClass": "Economy",
            "className": "Second class",
            "fare": "Saver",
            "price": {"amount": "45.00", "currency": "EUR"},
            "pricePerAdult": {"amount": "45.00", "currency": "EUR"},
            "seatsLeft": 8,
            "needsSeatChange": False,
        }

    def test_answers_without_a_token_and_with_one(self, api, traveller):
        assert fares(search(api)) == fares(search(api.by(traveller))) == FARES

    @pytest.mark.parametrize(
        ("origin", "destination", "found"),
        [
            ("hamburg", "MÜNCHEN", 5),
            ("HAM", "MUC", 1),
            ("HH", "munich", 3),
            ("Hambrug", "Muenchen", 5),
            ("هامبورگ", "Munchen", 5),
            ("Hamburg Hbf", "Hanover", 3),
            ("Berlin", "Hamburg", 0),
        ],
    )
    def test_places_go_by_many_names(self, api, origin, destination, found):
        assert search(api, origin=origin, destination=destination)["count"] == found

    def test_the_price_is_the_party_s(self, api):
        two = search(api, passengers=2)["results"][0]
        assert (two["price"]["amount"], two["pricePerAdult"]["amount"]) == ("90.00", "45.00")
        family = search(api, passengers=["adult", "child", "infant"])["results"][0]
        assert family["price"]["amount"] == "67.50"

    def test_seats_left_are_live(self, api, flight, traveller, clock):
        reserve(traveller, flight.ticket_id(), now=clock.now(), passengers=4)
        assert search(api, origin="HAM")["results"][0]["seatsLeft"] == 2
        assert search(api, origin="HAM", passengers=3)["count"] == 0
        clock.advance(minutes=10)
        assert search(api, origin="HAM", passengers=3)["results"][0]["seatsLeft"] == 6

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({}, FARES),
            ({"vehicleType": "Train"}, FARES[:3]),
            ({"vehicleType": ["Plane", "Bus"]}, FARES[3:]),
            ({"travelClass": "Business"}, ["Business Flex"]),
            ({"priceMin": "45.00", "priceMax": "90"}, ["Saver", "Flex", "Light"]),
            ({"priceMax": 32}, ["Standard"]),
            ({"departAfter": "09:00"}, ["Light", "Standard"]),
            ({"departBefore": "09:00:00"}, FARES[:3]),
            ({"carrier": "QX"}, ["Light"]),
            ({"maxStops": 0}, ["Light"]),
            ({"maxChanges": 0}, FARES),
            ({"facilities": ["wifi"]}, []),
            ({"vehicleType": []}, FARES),
        ],
        ids=str,
    )
    def test_filters(self, api, filters, found):
        assert fares(search(api, filters=filters)) == found

    @pytest.mark.parametrize(
        ("sort", "found"),
        [
            ("departure", FARES),
            ("arrival", ["Light", "Saver", "Flex", "Business Flex", "Standard"]),
            ("duration", ["Light", "Saver", "Flex", "Business Flex", "Standard"]),
            ("price", ["Standard", "Saver", "Light", "Flex", "Business Flex"]),
        ],
    )
    def test_sorts(self, api, sort, found):
        assert fares(search(api, sort=sort)) == found

    def test_next_is_posted_with_the_same_body_until_all_are_seen(self, api):
        body = search(api, "/tickets/search?pageSize=2")
        assert (body["count"], body["previous"]) == (5, None)
        seen = fares(body)
        while body["next"]:
            body = search(api, body["next"])
            seen += fares(body)
        assert seen == FARES
        assert body["previous"]

    def test_a_late_arrival_is_told_with_its_day(self, api):
        (coach,) = search(api, filters={"vehicleType": "Bus"})["results"]
        assert coach["departureTime"] == "2026-06-02T22:00:00+02:00"
        assert coach["arrivalTime"] == "2026-06-03T08:00:00+02:00"
        after_midnight = {"origin": "Berlin", "destination": "Munich"}
        assert search(api, **after_midnight)["count"] == 0
        (onward,) = search(api, **after_midnight, date="2026-06-03")["results"]
        assert onward["departureTime"] == "2026-06-03T01:05:00+02:00"

    def test_each_end_has_its_own_offset(self, api, train):
        london = make_station(
            make_city("London", country="GB"), "STP", name="St Pancras", tz="Europe/London"
        )
        make_trip(
            make_service(train.departure.service.tariff, "ES 1"),
            train.departure.vehicle,
            starts_at=datetime(2026, 6, 2, 9, 0, tzinfo=UTC),
            stops=[Stop(train.calls[0].station, 0), Stop(london, 360, 900)],
        )
        places.forget()
        found = search(api, destination="London")["results"][0]
        assert found["departureTime"] == "2026-06-02T11:00:00+02:00"
        assert found["arrivalTime"] == "2026-06-02T16:00:00+01:00"
        assert found["durationMinutes"] == 360

    def test_past_cancelled_and_closed_departures_never_appear(self, api, clock, train, coach):
        Departure.objects.filter(pk=coach.departure.pk).update(state="cancelled")
        assert "Standard" not in fares(search(api))
        FareVersion.objects.filter(fare=train.fares[0]).update(sales_close_minutes=30)
        clock.moment = datetime(2026, 6, 2, 5, 30, tzinfo=UTC)
        assert fares(search(api)) == ["Flex", "Business Flex", "Light"]
        clock.moment = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
        assert fares(search(api)) == ["Light"]
        # Hanover is still ahead, and its Saver closes at 06:50.
        assert fares(search(api, origin="Hannover"))[0] == "Saver"


@pytest.mark.usefixtures("timetable")
class TestRoundTrip:
    @pytest.fixture
    def back(self, train):
        calls = list(reversed(train.calls))
        return make_trip(
            make_service(train.departure.service.tariff, "ICE 586"),
            train.departure.vehicle,
            starts_at=datetime(2026, 6, 4, 6, 0, tzinfo=UTC),
            stops=[
                Stop(call.station, 80 * n, 800 - call.distance_m // 1000)
                for n, call in enumerate(calls)
            ],
        )

    def test_both_ways_come_with_the_price_of_a_round_trip(self, api, train, back):
        FareVersion.objects.filter(fare=train.fares[0]).update(return_discount_basis_points=1_000)
        body = search(api, returnDate="2026-06-04", filters={"vehicleType": "Train"})

        assert [one["price"]["amount"] for one in body["results"]] == ["40.50", "90.00", "140.00"]
        assert body["return"]["count"] == 3
        first = body["return"]["results"][0]
        assert first["ticketID"] == back.ticket_id()
        assert (first["tripType"], first["price"]["amount"]) == ("RoundTrip", "40.50")
        assert (first["origin"]["code"], first["destination"]["code"]) == ("MH", "HH")

    def test_the_way_back_has_pages_of_its_own(self, api, back):
        path = "/tickets/search?pageSize=2&returnPage=2"
        body = search(api, path, returnDate="2026-06-04")
        assert fares(body) == FARES[:2]
        assert fares(body["return"]) == ["Business Flex"]

    def test_there_and_back_on_one_day(self, api):
        assert search(api, returnDate="2026-06-02")["return"]["count"] == 0


BAD_SEARCHES: list[tuple[dict[str, Any], str, str | None]] = [
    ({"origin": None}, "invalid_input", "origin"),
    ({"origin": ""}, "invalid_input", "origin"),
    ({"origin": "Atlantis"}, "invalid_input", "origin"),
    ({"origin": "x" * 121}, "invalid_input", "origin"),
    ({"origin": 7}, "invalid_input", "origin"),
    ({"origin": ["Hamburg"]}, "invalid_input", "origin"),
    ({"origin": {"city": "Hamburg"}}, "invalid_input", "origin"),
    ({"origin": "Ham\u202eburg"}, "invalid_input", "origin"),
    ({"origin": "🚂"}, "invalid_input", "origin"),
    ({"destination": "Hamburg"}, "invalid_input", "destination"),
    ({"destination": "HAM"}, "invalid_input", "destination"),
    ({"origin": "HH", "destination": "Hamburg"}, "invalid_input", "destination"),
    ({"date": None}, "invalid_input", "date"),
    ({"date": "2026-05-31"}, "invalid_input", "date"),
    ({"date": "1900-01-01"}, "invalid_input", "date"),
    ({"date": "2026-02-30"}, "invalid_input", "date"),
    ({"date": "tomorrow"}, "invalid_input", "date"),
    ({"date": "2026-06-02T10:00:00"}, "invalid_input", "date"),
    ({"date": "9999-12-31"}, "invalid_input", "date"),
    ({"date": "0001-01-01"}, "invalid_input", "date"),
    ({"date": "٢٠٢٦-٠٦-٠٢"}, "invalid_input", "date"),
    ({"date": 20260602}, "invalid_input", "date"),
    ({"returnDate": "2026-06-01"}, "invalid_input", "returnDate"),
    ({"returnDate": "never"}, "invalid_input", "returnDate"),
    ({"passengers": 0}, "invalid_input", "passengers"),
    ({"passengers": -1}, "invalid_input", "passengers"),
    ({"passengers": 1.5}, "invalid_input", "passengers"),
    ({"passengers": "2"}, "invalid_input", "passengers"),
    ({"passengers": True}, "invalid_input", "passengers"),
    ({"passengers": []}, "invalid_input", "passengers"),
    ({"passengers": {}}, "invalid_input", "passengers"),
    ({"passengers": None}, "invalid_input", "passengers"),
    ({"passengers": ["adult", "dog"]}, "invalid_input", "passengers"),
    ({"passengers": [["adult"]]}, "invalid_input", "passengers"),
    ({"passengers": [{}]}, "invalid_input", "passengers"),
    ({"passengers": 10}, "too_many_passengers", None),
    ({"passengers": 1_000}, "too_many_passengers", None),
    ({"passengers": 2**62}, "too_many_passengers", None),
    ({"passengers": ["adult"] * 1_000}, "too_many_passengers", None),
    ({"passengers": ["infant"]}, "infant_without_adult", None),
    ({"passengers": ["adult", "infant", "infant"]}, "infant_without_adult", None),
    ({"sort": "colour"}, "invalid_input", "sort"),
    ({"sort": None}, "invalid_input", "sort"),
    ({"filters": []}, "invalid_input", "filters"),
    ({"filters": "Train"}, "invalid_input", "filters"),
    ({"filters": {"vehicleType": "Boat"}}, "invalid_input", "filters.vehicleType"),
    ({"filters": {"travelClass": "First"}}, "invalid_input", "filters.travelClass"),
    ({"filters": {"priceMin": 1.5}}, "invalid_input", "filters.priceMin"),
    ({"filters": {"priceMin": "NaN"}}, "invalid_input", "filters.priceMin"),
    ({"filters": {"priceMin": "1e9"}}, "invalid_input", "filters.priceMin"),
    ({"filters": {"priceMax": "9" * 40}}, "invalid_input", "filters.priceMax"),
    ({"filters": {"departAfter": "25:00"}}, "invalid_input", "filters.departAfter"),
    ({"filters": {"departAfter": 8}}, "invalid_input", "filters.departAfter"),
    ({"filters": {"maxStops": -1}}, "invalid_input", "filters.maxStops"),
    ({"filters": {"maxStops": "many"}}, "invalid_input", "filters.maxStops"),
    ({"filters": {"maxStops": 10**15}}, "invalid_input", "filters.maxStops"),
    ({"filters": {"facilities": ["x"] * 21}}, "invalid_input", "filters.facilities"),
    ({"filters": {"carrier": {"a": 1}}}, "invalid_input", "filters.carrier"),
]


@pytest.mark.usefixtures("timetable")
class TestBadInput:
    @pytest.mark.parametrize(("changes", "code", "field"), BAD_SEARCHES, ids=repr)
    def test_is_a_clear_problem(self, api, changes, code, field):
        before = row_counts()
        body = problem(api.post("/tickets/search", SEARCH | changes), 400, code)
        if field is not None:
            assert any(key.split("[")[0].startswith(field) for key in body["errors"]), body
        assert row_counts() == before

    @pytest.mark.parametrize("name", ["origin", "destination", "date"])
    def test_what_is_missing_is_named(self, api, name):
        body = {key: value for key, value in SEARCH.items() if key != name}
        assert name in problem(api.post("/tickets/search", body), 400, "invalid_input")["errors"]

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"Hamburg"',
            b"\xff\xfe\x00",
            b'{"origin": NaN}',
            b'{"origin": "a", "origin": "b"}',
            b'{"passengers": ' + b"9" * 400 + b"}",
            b"[" * 10_000,
            b'{"origin": "\\ud800"}',
            b'{"origin": "\\u0000"}',
        ],
        ids=lambda raw: repr(raw[:20]),
    )
    def test_a_body_that_is_no_object_of_json(self, api, raw):
        answer = api.generic("POST", "/tickets/search", raw, content_type="application/json")
        problem(answer, 400, "invalid_input")

    def test_another_type_of_body(self, api):
        answer = api.generic("POST", "/tickets/search", b"<a/>", content_type="text/xml")
        problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("?page=0", "invalid_input"),
            ("?pageSize=1000", "invalid_input"),
            ("?page=101&pageSize=100", "page_too_deep"),
        ],
    )
    def test_a_page_that_is_none(self, api, path, code):
        problem(api.post(f"/tickets/search{path}", SEARCH), 400, code)

    def test_a_return_page_that_is_none(self, api):
        answer = api.post("/tickets/search?returnPage=0", SEARCH | {"returnDate": "2026-06-04"})
        problem(answer, 400, "invalid_input")

    def test_today_is_the_station_s(self, api, clock):
        # 23:30 UTC on the 1st is 01:30 on the 2nd in Hamburg.
        clock.moment = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)
        assert (
            "date"
            in problem(
                api.post("/tickets/search", SEARCH | {"date": "2026-06-01"}), 400, "invalid_input"
            )["errors"]
        )
        assert fares(search(api)) == FARES

    def test_a_far_day_has_nothing(self, api):
        assert search(api, date="2199-12-31")["count"] == 0


class TestTicketDetail:
    def test_tells_calls_rules_and_penalties(self, api, train):
        FareVersion.objects.filter(fare=train.fares[0]).update(sales_close_minutes=15)
        answer = api.get(f"/tickets/{train.ticket_id(1, 3)}")

        assert answer.status_code == 200
        body = answer.json()
        assert (body["price"]["amount"], body["seatsLeft"], body["onSale"]) == ("25.00", 8, True)
        assert [
            (call["code"], call["arrivalTime"], call["departureTime"]) for call in body["calls"]
        ] == [
            ("HAJ", "2026-06-02T09:15:00+02:00", "2026-06-02T09:20:00+02:00"),
            ("GOE", "2026-06-02T10:00:00+02:00", "2026-06-02T10:05:00+02:00"),
            ("NUE", "2026-06-02T12:00:00+02:00", "2026-06-02T12:05:00+02:00"),
        ]
        assert body["penaltyTiers"] == [
            {
                "minutesBefore": 1440,
                "penaltyPercentage": 10.0,
                "minimumPenalty": {"amount": "0.00", "currency": "EUR"},
            },
            {
                "minutesBefore": 60,
                "penaltyPercentage": 50.0,
                "minimumPenalty": {"amount": "0.00", "currency": "EUR"},
            },
        ]
        assert body["fareRules"]["salesCloseAt"] == "2026-06-02T07:05:00+00:00"

    def test_of_a_train_that_left_says_so(self, api, train, clock):
        clock.moment = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
        assert api.get(f"/tickets/{train.ticket_id()}").json()["onSale"] is False
        assert api.get(f"/tickets/{train.ticket_id(1, 3)}").json()["onSale"] is True

    @pytest.mark.parametrize(
        "ticket_id",
        ["0", "1", "999999999", str(2**53), str(2**64), "9" * 400, "-1", "x", "1.5", "%00"],
    )
    def test_unknown_is_not_found(self, api, timetable, ticket_id):
        for path in (f"/tickets/{ticket_id}", f"/tickets/{ticket_id}/seats"):
            problem(api.get(path), 404, "not_found")

    def test_replaced_is_closed(self, api, train):
        Departure.objects.filter(pk=train.departure.pk).update(state="replaced")
        problem(api.get(f"/tickets/{train.ticket_id()}"), 409, "departure_closed")

    def test_costs_as_many_statements_however_long_the_way(
        self, api, train, django_assert_max_num_queries
    ):
        places.resolve("Hamburg")
        for end in (1, 4):
            with django_assert_max_num_queries(8):
                assert api.get(f"/tickets/{train.ticket_id(0, end)}").status_code == 200


class TestSeatMap:
    def free(self, api, ticket_id: int) -> set[str]:
        answer = api.get(f"/tickets/{ticket_id}/seats")
        assert answer.status_code == 200, answer.content
        return {
            f"{coach['coach']}/{seat['seat']}"
            for coach in answer.json()["coaches"]
            for seat in coach["seats"]
            if seat["free"]
        }

    ECONOMY = {f"1/{row}{letter}" for row in (1, 2) for letter in "ABCD"}

    def test_shows_what_is_free_all_the_way_in_the_ticket_s_class(
        self, api, train, traveller, noon
    ):
        assert self.free(api, train.ticket_id()) == self.ECONOMY
        assert self.free(api, train.ticket_id(fare=2)) == {"2/1A", "2/1B", "2/2A", "2/2B"}

        reserve(traveller, train.ticket_id(1, 2), now=noon)
        assert self.free(api, train.ticket_id()) == self.ECONOMY - {"1/1A"}
        assert self.free(api, train.ticket_id(2, 4)) == self.ECONOMY

    def test_a_seat_is_free_the_second_its_hold_ends(self, api, train, traveller, clock):
        reserve(traveller, train.ticket_id(), now=clock.now())
        clock.advance(minutes=9, seconds=59)
        assert len(self.free(api, train.ticket_id())) == 7
        clock.advance(seconds=1)
        assert len(self.free(api, train.ticket_id())) == 8


def test_no_day_is_skipped_around_the_change_of_the_clocks(api, train, clock):
    """On 25 October 2026 half past two comes twice in Hamburg, and both trains are found."""
    clock.moment = datetime(2026, 10, 1, tzinfo=UTC)
    service = make_service(train.departure.service.tariff, "NJ 1")
    ends = [train.calls[0].station, train.calls[4].station]
    for name, hour in (("summer", 0), ("winter", 1)):
        make_trip(
            service,
            train.departure.vehicle,
            starts_at=datetime(2026, 10, 25, hour, 30, tzinfo=UTC),
            travel_date=date(2026, 10, 25),
            stops=[Stop(ends[0], 0), Stop(ends[1], 300, 800)],
            run=name,
        )
    found = search(api, date="2026-10-25")["results"]
    assert sorted({one["departureTime"] for one in found}) == [
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T02:30:00+02:00",
    ]
    assert {one["durationMinutes"] for one in found} == {300}
