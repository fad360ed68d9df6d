"""Changing what is booked, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.viewers import Viewer
from payments import services as money
from tests.bookings.disrupted import another, call_off
from tests.selling import reserve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]


@pytest.fixture
def paid(train, traveller, noon):
    held = reserve(traveller, train.ticket_id(), now=noon, passengers=2)
    money.pay(
        viewer=Viewer(is_support=True),
        reservation_id=held.id,
        method="Bank Card",
        token="tok_accepted",
        now=noon,
    )
    return held


@pytest.fixture
def me(api, traveller):
    return api.by(traveller)


def seat(ticket_id, passenger, label):
    return {"ticketID": ticket_id, "passenger": passenger, "coach": "1", "seat": label}


class TestChangeSeats:
    def test_answers_the_reservation_as_it_is(self, me, paid, train):
        ticket = train.ticket_id()
        body = {"reservationID": paid.id, "seats": [seat(ticket, 1, "2D")]}
        answer = me.post("/reservations/change-seats", body)
        assert answer.status_code == 200
        assert [one["seat"] for one in answer.json()["seats"]] == ["1A", "2D"]
        assert "changeSeats" in answer.json()["availableActions"]

    def test_refuses_a_taken_one(self, me, paid, train, noon):
        reserve("x@example.org", train.ticket_id(), now=noon)
        body = {"reservationID": paid.id, "seats": [seat(train.ticket_id(), 1, "1C")]}
        answer = me.post("/reservations/change-seats", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "seat_taken")
        assert answer.json()["ticketID"] == train.ticket_id()


class TestCorrectName:
    def test_corrects_a_slip_and_refuses_a_person(self, me, paid):
        person = {"reservationID": paid.id, "passengerID": paid.passengers[0].id}
        right = me.post(
            "/reservations/correct-name", person | {"firstName": "Adda", "lastName": "Roe"}
        )
        assert right.json()["passengers"][0]["firstName"] == "Adda"
        wrong = me.post(
            "/reservations/correct-name", person | {"firstName": "Cleo", "lastName": "Roe"}
        )
        assert (wrong.status_code, wrong.json()["code"]) == (409, "name_too_different")


class TestRebook:
    def test_says_what_is_wrong_and_moves_everybody(self, me, paid, train):
        later = another(train, starts_at=datetime(2026, 6, 2, 9, tzinfo=UTC), run="later")
        path = f"/reservations/{paid.id}/alternatives"
        assert me.get(path).json() == {"disrupted": []}
        call_off(train)
        (wrong,) = me.get(path).json()["disrupted"]
        assert (wrong["ticketID"], wrong["reason"]) == (train.ticket_id(), "cancelled")
        (other,) = wrong["alternatives"]
        assert other["ticketID"] == later.ticket_id()
        assert other["departureTime"] == "2026-06-02T11:00:00+02:00"
        assert (other["seatsLeft"], other["needsMore"]) == (8, False)

        body = {
            "reservationID": paid.id,
            "ticketID": train.ticket_id(),
            "newTicketID": later.ticket_id(),
        }
        headers = {"Idempotency-Key": "rebook"}
        answers = [me.post("/reservations/rebook", body, headers=headers) for _ in range(2)]

        assert [one.status_code for one in answers] == [200, 200]
        assert answers[0].content == answers[1].content
        told = answers[0].json()
        assert [one["ticketID"] for one in told["tickets"]] == [later.ticket_id()]
        assert told["price"] == {"amount": "90.00", "currency": "EUR"}
        assert me.get(path).json() == {"disrupted": []}
