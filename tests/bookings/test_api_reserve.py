"""POST /reservations/reserve and the reads of one's reservations: answers, refusals, repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.engine.contract import SYSTEM
from bookings.models import Reservation
from inventory.models import Departure, FareVersion
from tests.factories import make_user
from tests.selling import audit, everything, reserve, row_counts

RESERVE = "/reservations/reserve"
ADA = {"firstName": "Ada", "lastName": "Lovelace"}


def held(answer) -> dict[str, Any]:
    assert answer.status_code == 201, answer.content
    audit()
    return answer.json()


def problem(answer, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a problem with this code, and read it."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code), body
    return body


@pytest.fixture
def me(api, traveller):
    """A client that speaks for the traveller."""
    return api.by(traveller)


class TestReserve:
    def test_a_reservation_as_the_contract_has_it(self, me, train):
        answer = me.post(
            RESERVE, {"ticketID": train.ticket_id(), "passengers": [ADA | {"type": "adult"}]}
        )
        body = held(answer)

        assert answer["Location"] == f"/reservations/{body['reservationID']}"
        coupon, passenger = body["coupons"][0], body["passengers"][0]
        assert body["message"]
        assert {key: body[key] for key in body if key not in ("message", "tickets")} == {
            "reservationID": body["reservationID"],
            "locator": body["locator"],
            "status": "Reserved",
            "createdAt": "2026-06-01T12:00:00+00:00",
            "expiresAt": "2026-06-01T12:10:00+00:00",
            "passengers": [
                {
                    "passengerID": passenger["passengerID"],
                    "firstName": "Ada",
                    "lastName": "Lovelace",
                    "type": "adult",
                    "dateOfBirth": None,
                    "seatWish": "",
                }
            ],
            "seats": [
                {
                    "ticketID": train.ticket_id(),
                    "passenger": 0,
                    "coach": "1",
                    "seat": "1A",
                    "fromCode": "HH",
                    "toCode": "MH",
                }
            ],
            "coupons": [
                {
                    "couponID": coupon["couponID"],
                    "ticketID": train.ticket_id(),
                    "passengerID": passenger["passengerID"],
                    "status": "open",
                    "price": {"amount": "45.00", "currency": "EUR"},
                    "lines": [
                        {
                            "kind": "fare",
                            "label": "Saver",
                            "amount": {"amount": "42.06", "currency": "EUR"},
                        },
                        {
                            "kind": "tax",
                            "label": "Tax",
                            "amount": {"amount": "2.94", "currency": "EUR"},
                        },
                    ],
                }
            ],
            "price": {"amount": "45.00", "currency": "EUR"},
            "payments": [],
            "availableActions": body["availableActions"],
        }
        assert body["tickets"][0]["departureTime"] == "2026-06-02T08:00:00+02:00"
        assert len(body["locator"]) == 6
        assert "pay" in body["availableActions"]

    def test_with_nothing_but_a_ticket_is_for_the_account_s_holder(self, me, train, traveller):
        (passenger,) = held(me.post(RESERVE, {"ticketID": train.ticket_id()}))["passengers"]
        assert (passenger["firstName"], passenger["lastName"], passenger["type"]) == (
            traveller.first_name,
            traveller.last_name,
            "adult",
        )

    def test_several_tickets_and_chosen_seats(self, me, train, coach):
        tickets = [train.ticket_id(0, 1), coach.ticket_id(1, 2)]
        chosen = {"ticketID": tickets[0], "passenger": 1, "coach": "1", "seat": "2D"}
        body = held(
            me.post(RESERVE, {"ticketIDs": tickets, "passengers": [ADA, ADA], "seats": [chosen]})
        )
        assert [one["ticketID"] for one in body["tickets"]] == tickets
        assert chosen | {"fromCode": "HH", "toCode": "HAJ"} in body["seats"]
        # 5.00 + 200 * 0.05 by rail, 5.00 + 600 * 0.03 by coach, for two.
        assert body["price"]["amount"] == "76.00"

    def test_text_in_any_script_is_kept_composed(self, me, train):
        odd = [("Zoe\u0308", "  O’Neill "), ("李", "小龍"), ("محمد", "علي"), ("Ana-María", "🚂")]
        people = [{"firstName": first, "lastName": last} for first, last in odd]
        body = held(me.post(RESERVE, {"ticketID": train.ticket_id(), "passengers": people}))
        names = [(one["firstName"], one["lastName"]) for one in body["passengers"]]
        assert names == [("Zoë", "O’Neill"), *odd[1:]]

    def test_who_is_young_is_told_by_the_date_of_birth(self, me, flight):
        child = {"firstName": "Bob", "lastName": "Roe", "dateOfBirth": "2016-06-03"}
        body = held(me.post(RESERVE, {"ticketID": flight.ticket_id(), "passengers": [ADA, child]}))
        assert [one["type"] for one in body["passengers"]] == ["adult", "child"]
        # 80.00 and 2.50, half of 80.00 and 2.50
        assert body["price"]["amount"] == "125.00"


class TestRefusals:
    """Each leaves every row as it was."""

    @pytest.fixture(autouse=True)
    def untouched(self, db, timetable, traveller):
        self.begin()
        yield
        assert everything() == self.before

    def begin(self) -> None:
        """From here on nothing may change."""
        self.before = everything()

    def test_without_a_token(self, api, train):
        answer = api.post(RESERVE, {"ticketID": train.ticket_id()})
        problem(answer, 401, "not_authenticated")
        assert "Bearer" in answer["WWW-Authenticate"]

    def test_of_a_ticket_that_does_not_exist(self, me, train):
        for ticket_id in (1, 2**53 - 1, train.ticket_id(4, 0), train.ticket_id(fare=9)):
            problem(me.post(RESERVE, {"ticketID": ticket_id}), 404, "not_found")

    def test_of_a_ticket_that_departed(self, api, traveller, train, clock):
        clock.moment = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
        gone = api.by(traveller).post(RESERVE, {"ticketID": train.ticket_id()})
        assert problem(gone, 409, "departure_closed")["ticketID"] == train.ticket_id()

    @pytest.mark.parametrize("state", ["cancelled", "withdrawn", "replaced"])
    def test_of_a_departure_off_sale(self, me, train, state):
        Departure.objects.filter(pk=train.departure.pk).update(state=state)
        self.begin()
        problem(me.post(RESERVE, {"ticketID": train.ticket_id()}), 409, "departure_closed")

    def test_when_too_few_seats_are_left(self, me, flight, stranger, noon):
        reserve(stranger, flight.ticket_id(), now=noon, passengers=5)
        self.begin()
        two = {"ticketID": flight.ticket_id(), "passengers": [ADA, ADA]}
        assert problem(me.post(RESERVE, two), 409, "sold_out")["ticketID"] == flight.ticket_id()

    def test_when_one_of_two_tickets_is_full(self, me, train, coach, stranger, noon):
        reserve(stranger, coach.ticket_id(), now=noon, passengers=4)
        self.begin()
        both = {"ticketIDs": [train.ticket_id(0, 1), coach.ticket_id(1, 2)]}
        assert problem(me.post(RESERVE, both), 409, "sold_out")["ticketID"] == coach.ticket_id(1, 2)

    def test_of_a_seat_that_is_taken(self, me, train, stranger, noon):
        ticket = train.ticket_id()
        seat = {"ticketID": ticket, "passenger": 0, "coach": "1", "seat": "1A"}
        reserve(stranger, ticket, now=noon)
        self.begin()
        problem(me.post(RESERVE, {"ticketID": ticket, "seats": [seat]}), 409, "seat_taken")

    def test_when_the_price_has_changed(self, me, train, noon):
        FareVersion.objects.create(fare=train.fares[0], valid_from=noon, base_minor=9_900)
        self.begin()
        body = {
            "ticketID": train.ticket_id(),
            "expectedPrice": {"amount": "45.00", "currency": "EUR"},
        }
        answer = problem(me.post(RESERVE, body), 409, "price_changed")
        assert answer["price"] == {"amount": "99.00", "currency": "EUR"}

    def test_of_an_eleventh_hold(self, me, traveller, train, noon, settings):
        settings.MAX_LIVE_HOLDS_THERE = None
        for start, fare in [(start, fare) for start in range(4) for fare in range(3)][:10]:
            reserve(traveller, train.ticket_id(start, start + 1, fare), now=noon)
        self.begin()
        problem(me.post(RESERVE, {"ticketID": train.ticket_id(3, 4)}), 409, "too_many_holds")

    def test_of_a_fourth_hold_on_one_departure(self, me, traveller, train, coach, noon):
        for start in range(3):
            reserve(traveller, train.ticket_id(start, start + 1), now=noon)
        self.begin()
        problem(me.post(RESERVE, {"ticketID": train.ticket_id(3, 4)}), 409, "too_many_holds")
        held(me.post(RESERVE, {"ticketID": coach.ticket_id()}))
        self.before = everything()

    @pytest.mark.parametrize(
        ("passengers", "code"),
        [
            ([], "invalid_input"),
            ([ADA] * 10, "too_many_passengers"),
            ([ADA] * 1_000, "too_many_passengers"),
            ([ADA | {"type": "infant"}], "infant_without_adult"),
            ([ADA, *[ADA | {"type": "infant"}] * 2], "infant_without_adult"),
            ([ADA | {"type": "dog"}], "invalid_input"),
            ([ADA | {"dateOfBirth": "2026-06-03"}], "invalid_input"),
            ([ADA | {"dateOfBirth": "1899-12-31"}], "invalid_input"),
            ([ADA | {"dateOfBirth": "2026-02-30"}], "invalid_input"),
            ([ADA | {"dateOfBirth": "1990-01-01", "type": "child"}], "invalid_input"),
            ([ADA | {"seatWish": "roof"}], "invalid_input"),
            ([{"firstName": "Ada"}], "invalid_input"),
            ([ADA | {"firstName": ""}], "invalid_input"),
            ([ADA | {"firstName": " \u3000 "}], "invalid_input"),
            ([ADA | {"firstName": "A" * 81}], "invalid_input"),
            ([ADA | {"firstName": "A\u0000da"}], "invalid_input"),
            ([ADA | {"lastName": "\u202eecalevoL"}], "invalid_input"),
            ([ADA | {"lastName": 7}], "invalid_input"),
            ([ADA | {"lastName": None}], "invalid_input"),
            (["Ada"], "invalid_input"),
            ([None], "invalid_input"),
            ([[ADA]], "invalid_input"),
            (None, "invalid_input"),
            (2, "invalid_input"),
            ({"0": ADA}, "invalid_input"),
        ],
        ids=lambda value: repr(value)[:60],
    )
    def test_of_a_party_that_is_none(self, me, train, passengers, code):
        body = {"ticketID": train.ticket_id(), "passengers": passengers}
        problem(me.post(RESERVE, body), 400, code)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"ticketID": None},
            {"ticketID": "many"},
            {"ticketID": 1.5},
            {"ticketID": True},
            {"ticketID": [1]},
            {"ticketID": {"id": 1}},
            {"ticketID": 0},
            {"ticketID": -1},
            {"ticketID": 2**53},
            {"ticketID": 2**63 - 1},
            {"ticketID": "٧"},
            {"ticketIDs": []},
            {"ticketIDs": 5},
            {"ticketIDs": [1, 1]},
            {"ticketIDs": list(range(1, 14))},
            {"returnTicketID": 1},
        ],
        ids=repr,
    )
    def test_of_what_is_no_ticket(self, me, body):
        assert problem(me.post(RESERVE, body), 400, "invalid_input")["errors"]

    @pytest.mark.parametrize(
        "seats",
        [
            [{"coach": "1", "seat": "1A", "passenger": 5}],
            [{"coach": "1", "seat": "1A", "passenger": -1}],
            [{"coach": "1", "seat": "1A", "passenger": "first"}],
            [{"coach": "1", "seat": "9Z", "passenger": 0}],
            [{"coach": "2", "seat": "1A", "passenger": 0}],  # another class
            [{"coach": "", "seat": "1A", "passenger": 0}],
            [{"coach": "1", "seat": "x" * 99, "passenger": 0}],
            [{"coach": "1", "seat": "1A", "passenger": 0}] * 2,
            [{"coach": "1", "seat": "1A", "passenger": 0}] * 109,
            ["1A"],
            "1A",
        ],
        ids=lambda value: repr(value)[:60],
    )
    def test_of_seats_that_cannot_be_had(self, me, train, seats):
        ticket = train.ticket_id()
        if isinstance(seats, list):
            seats = [one | {"ticketID": ticket} if isinstance(one, dict) else one for one in seats]
        body = {"ticketID": ticket, "seats": seats}
        assert problem(me.post(RESERVE, body), 400, "invalid_input")["errors"]

    @pytest.mark.parametrize(
        "price",
        [
            45,
            "45.00",
            {"amount": 45.0, "currency": "EUR"},
            {"amount": "45.00"},
            {"amount": "1e3", "currency": "EUR"},
            {"amount": "45.00", "currency": "QQQ"},
        ],
        ids=repr,
    )
    def test_of_an_expected_price_that_is_none(self, me, train, price):
        body = {"ticketID": train.ticket_id(), "expectedPrice": price}
        problem(me.post(RESERVE, body), 400, "invalid_input")

    def test_of_a_return_that_does_not_lead_back(self, me, train, coach):
        body = {"ticketID": train.ticket_id(0, 1), "returnTicketID": coach.ticket_id(1, 2)}
        errors = problem(me.post(RESERVE, body), 400, "invalid_input")["errors"]
        assert list(errors) == ["returnTicketID"]

    @pytest.mark.parametrize("contact", ["nobody", "a@b@c", "", 7, ["a@example.org"], "x" * 300])
    def test_of_a_contact_that_is_none(self, me, train, contact):
        body = {"ticketID": train.ticket_id(), "contact": contact}
        assert "contact" in problem(me.post(RESERVE, body), 400, "invalid_input")["errors"]

    def test_of_a_body_that_is_no_json(self, me):
        for raw in (b"{", b"\xff", b"[1]", b'{"ticketID": 1, "ticketID": 2}'):
            answer = me.generic("POST", RESERVE, raw, content_type="application/json")
            problem(answer, 400, "invalid_input")

    def test_of_a_key_that_is_none(self, me, train):
        for key in ("", "x" * 201, "ключ".encode()):
            answer = me.post(
                RESERVE, {"ticketID": train.ticket_id()}, headers={"Idempotency-Key": key}
            )
            problem(answer, 400, "invalid_input")


class TestIdempotency:
    def send(self, client, key: str, **body: Any):
        return client.post(RESERVE, body, headers={"Idempotency-Key": key})

    def test_the_same_request_twice_is_one_reservation_and_one_answer(self, me, train, clock):
        ticket = train.ticket_id()
        first = self.send(me, "k1", ticketID=ticket)
        after = row_counts()
        clock.advance(seconds=40)
        second = self.send(me, "k1", ticketID=ticket)

        assert (first.status_code, second.status_code) == (201, 201)
        assert second.content == first.content
        assert second["Location"] == first["Location"]
        assert row_counts() == after
        assert Reservation.objects.count() == 1

    def test_another_body_under_the_key_is_refused(self, me, train):
        self.send(me, "k1", ticketID=train.ticket_id())
        before = everything()
        problem(self.send(me, "k1", ticketID=train.ticket_id(0, 1)), 422, "key_reused")
        assert everything() == before

    def test_another_person_s_key_is_another_key(self, api, me, stranger, train):
        mine = held(self.send(me, "k1", ticketID=train.ticket_id()))
        theirs = held(self.send(api.by(stranger), "k1", ticketID=train.ticket_id()))
        assert mine["reservationID"] != theirs["reservationID"]

    def test_without_a_key_each_request_is_one_of_its_own(self, me, train):
        for _ in range(2):
            held(me.post(RESERVE, {"ticketID": train.ticket_id()}))
        assert Reservation.objects.count() == 2

    def test_a_refusal_that_may_pass_is_tried_again(self, me, flight, stranger, clock):
        reserve(stranger, flight.ticket_id(), now=clock.now(), passengers=6)
        problem(self.send(me, "k1", ticketID=flight.ticket_id()), 409, "sold_out")
        clock.advance(minutes=10)
        held(self.send(me, "k1", ticketID=flight.ticket_id()))

    def test_a_refusal_that_is_final_stays(self, me, train):
        first = self.send(me, "k1", ticketID=1)
        second = self.send(me, "k1", ticketID=1)
        problem(first, 404, "not_found")
        assert second.content == first.content


class TestOwnReservations:
    def test_are_listed_the_newest_first_and_by_status(self, me, traveller, train, clock):
        now = clock.now()
        paid = reserve(traveller, train.ticket_id(), now=now)
        services.confirm(reservation_id=paid.id, now=now, actor=SYSTEM)
        dead = reserve(traveller, train.ticket_id(), now=now)
        live = reserve(traveller, train.ticket_id(), now=clock.advance(minutes=10))

        def ids(**query: str) -> list[int]:
            answer = me.get("/reservations/my", query)
            assert answer.status_code == 200
            return [one["reservationID"] for one in answer.json()["results"]]

        assert ids() == [live.id, dead.id, paid.id]
        # Nobody swept the one that ended: it is Expired all the same.
        assert [ids(status=word) for word in ("Reserved", "Paid", "Expired", "Cancelled")] == [
            [live.id],
            [paid.id],
            [dead.id],
            [],
        ]
        problem(me.get("/reservations/my", {"status": "held"}), 400, "invalid_input")

    def test_of_somebody_else_do_not_exist(self, api, me, staff, stranger, train, noon):
        theirs = reserve(stranger, train.ticket_id(), now=noon)
        unknown = me.get("/reservations/999999")
        for client in (me, api.by(staff)):
            foreign = client.get(f"/reservations/{theirs.id}")
            problem(foreign, 404, "not_found")
            assert {**foreign.json(), "requestID": ""} == {**unknown.json(), "requestID": ""}
            assert client.get("/reservations/my").json()["count"] == 0

    def test_cost_as_many_statements_for_ten_as_for_one(
        self, me, traveller, train, noon, settings, django_assert_max_num_queries
    ):
        settings.MAX_LIVE_HOLDS_THERE = None
        for start, fare in [(start, fare) for start in range(4) for fare in range(3)][:10]:
            reserve(traveller, train.ticket_id(start, start + 1, fare), now=noon)
        with django_assert_max_num_queries(20):
            assert me.get("/reservations/my").json()["count"] == 10


class TestExtendHold:
    EXTEND = "/reservations/extend-hold"

    def test_gives_ten_minutes_more_once(self, me, traveller, train, clock):
        mine = reserve(traveller, train.ticket_id(), now=clock.now())
        clock.advance(minutes=9)
        answer = me.post(self.EXTEND, {"reservationID": mine.id})
        assert answer.json()["expiresAt"] == "2026-06-01T12:19:00+00:00"
        before = everything()
        problem(me.post(self.EXTEND, {"reservationID": mine.id}), 409, "not_extendable")
        assert everything() == before

    def test_refuses_one_that_ended_or_is_somebody_else_s(
        self, api, me, traveller, stranger, train, clock
    ):
        mine = reserve(traveller, train.ticket_id(), now=clock.now())
        theirs = reserve(stranger, train.ticket_id(), now=clock.now())
        problem(me.post(self.EXTEND, {"reservationID": theirs.id}), 404, "not_found")
        clock.advance(minutes=10)
        before = everything()
        problem(me.post(self.EXTEND, {"reservationID": mine.id}), 409, "hold_expired")
        assert everything() == before


class TestStatements:
    def test_a_large_party_costs_as_many_as_a_small_one(self, api, train, clock):
        def count(size: int) -> int:
            client = api.by(make_user())
            with CaptureQueriesContext(connection) as captured:
                answer = client.post(
                    RESERVE, {"ticketID": train.ticket_id(), "passengers": [ADA] * size}
                )
            held(answer)
            return len(captured)

        count(1)
        clock.advance(minutes=10)
        services.expire_holds(now=clock.now())
        assert count(1) <= count(2)
        clock.advance(minutes=10)
        services.expire_holds(now=clock.now())
        assert count(2) == count(6)


class TestSeatChange:
    def test_is_offered_and_taken_when_accepted(self, api, me, train, traveller, stranger, noon):
        for who, row, (start, end) in ((traveller, 1, (0, 2)), (stranger, 2, (2, 4))):
            ticket = train.ticket_id(start, end)
            seats = [
                services.SeatChoice(ticket, n, "1", f"{row}{one}") for n, one in enumerate("ABCD")
            ]
            reserve(who, ticket, now=noon, passengers=4, seats=seats)
        search = {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02"}
        saver = api.post("/tickets/search", search | {"filters": {"vehicleType": "Train"}}).json()
        found = {one["ticketID"]: one for one in saver["results"]}[train.ticket_id()]
        assert (found["seatsLeft"], found["needsSeatChange"]) == (0, True)

        refused = problem(me.post(RESERVE, {"ticketID": train.ticket_id()}), 409, "sold_out")
        assert [
            (one["passenger"], one["coach"], one["seat"], one["from"]["code"], one["to"]["code"])
            for one in refused["seatChanges"]
        ] == [(0, "1", "2A", "HH", "GOE"), (0, "1", "1A", "GOE", "MH")]

        body = {"ticketID": train.ticket_id(), "acceptSeatChange": True}
        seats = held(me.post(RESERVE, body))["seats"]
        assert [(one["seat"], one["fromCode"], one["toCode"]) for one in seats] == [
            ("2A", "HH", "GOE"),
            ("1A", "GOE", "MH"),
        ]
