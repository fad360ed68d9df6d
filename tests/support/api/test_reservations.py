"""All reservations over HTTP, and cancelling on somebody's behalf."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings.models import Claim, ReservationEvent
from payments import selectors as money
from payments.models import Cancellation, Refund
from tests import factories, selling
from tests.conftest import ApiClient, Clock
from travel.common.money import Money

from ..conftest import Buy
from .conftest import rows


class TestAllReservations:
    def test_shows_everybodys_with_the_holder(
        self, desk: ApiClient, traveller: User, buy: Buy
    ) -> None:
        reservation = buy(2)

        body = desk.get("/support/reservations").json()

        assert body["count"] == 1
        found = body["results"][0]
        assert found["reservationID"] == reservation.id
        assert (found["userID"], found["contactEmail"]) == (traveller.pk, "ada@example.org")
        # Two Savers of 45.00.
        assert found["price"] == {"amount": "90.00", "currency": "EUR"}
        assert found["availableActions"] == [
            *("correctNames", "correctContact", "changeSeats", "rebook", "cancel", "goodwill"),
            "resendTickets",
        ]
        assert found["payments"][0]["paymentMethod"] == "Wallet"

    def test_filters(
        self,
        desk: ApiClient,
        traveller: User,
        stranger: User,
        buy: Buy,
        hold: Buy,
        coach: factories.Trip,
        train: factories.Trip,
        noon: datetime,
    ) -> None:
        paid, held = buy(), hold(who=stranger, trip=coach)
        guest = selling.reserve("zoe@example.org", train.ticket_id(), now=noon - timedelta(days=1))

        def found(**query: Any) -> set[int]:
            answer = desk.get("/support/reservations", query)
            assert answer.status_code == 200, answer.content
            return {one["reservationID"] for one in answer.json()["results"]}

        assert found() == {paid.id, held.id, guest.id}
        assert found(status="Paid") == {paid.id}
        assert found(status="Reserved") == {held.id}
        assert found(status="Expired") == {guest.id}
        assert found(locator=paid.locator.lower()) == {paid.id}
        assert found(locator="AAAAAA") == set()
        assert found(userID=stranger.pk) == {held.id}
        assert found(email="Mallory@Example.org") == {held.id}
        assert found(email="zoe@example.org") == {guest.id}
        assert found(email="nobody@example.org") == set()
        assert found(reservationID=guest.id) == {guest.id}
        assert found(ticketID=train.ticket_id()) == {paid.id, guest.id}
        assert found(departureID=coach.departure.pk) == {held.id}
        assert found(createdTo="2026-05-31") == {guest.id}
        assert found(createdFrom="2026-06-01") == {paid.id, held.id}
        assert found(createdFrom="2026-05-31", createdTo="2026-06-01", status="Paid") == {paid.id}

    def test_an_ended_hold_is_expired_without_a_worker(
        self, desk: ApiClient, staff: User, hold: Buy, clock: Clock
    ) -> None:
        held = hold()
        clock.advance(minutes=10)

        found = desk.get("/support/reservations", {"status": "Expired"}).json()["results"]

        assert [one["reservationID"] for one in found] == [held.id]
        assert (found[0]["status"], found[0]["availableActions"]) == (
            *("Expired", ["correctContact", "goodwill"]),
        )

    def test_the_newest_comes_first(self, desk: ApiClient, buy: Buy) -> None:
        ids = [buy().id for _ in range(3)]

        found = desk.get("/support/reservations").json()["results"]

        assert [one["reservationID"] for one in found] == ids[::-1]

    @pytest.mark.parametrize(
        "query",
        [
            {"status": "paid"},
            {"userID": "0"},
            {"email": "nobody"},
            {"createdFrom": "yesterday"},
            {"createdTo": "9999-12-31"},
            {"departureID": "9" * 30},
        ],
    )
    def test_refuses_filters_that_make_no_sense(
        self, desk: ApiClient, query: dict[str, str]
    ) -> None:
        answer = desk.get("/support/reservations", query)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert set(answer.json()["errors"]) == set(query)

    def test_asks_no_more_for_more_reservations(self, desk: ApiClient, buy: Buy) -> None:
        buy()
        desk.get("/support/reservations")
        with CaptureQueriesContext(connection) as few:
            desk.get("/support/reservations")
        for _ in range(4):
            buy()
        with CaptureQueriesContext(connection) as many:
            assert desk.get("/support/reservations").json()["count"] == 5

        assert len(many) == len(few)


class TestCancel:
    def test_keeps_the_penalty_and_who_and_why(
        self, desk: ApiClient, staff: User, traveller: User, buy: Buy
    ) -> None:
        reservation = buy(2)

        answer = desk.post(
            "/support/reservations/cancel",
            {"ReservationID": reservation.id, "Reason": "Asked by phone."},
        )

        # Eighteen hours before, half of 2 x 45.00 is kept.
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["status"] == "Cancelled"
        assert body["penalty"] == {"amount": "45.00", "currency": "EUR"}
        assert body["refund"] == {"amount": "45.00", "currency": "EUR"}
        assert body["refundStatus"] == "done"
        assert money.balance(traveller.pk, "EUR") == Money(100_000 - 9_000 + 4_500, "EUR")
        assert not Claim.objects.exists()
        event = ReservationEvent.objects.get(kind="cancelled")
        assert (event.actor_kind, event.actor_id) == ("staff", staff.pk)
        assert event.reason == "Asked by phone."

    def test_waives_the_penalty(self, desk: ApiClient, traveller: User, buy: Buy) -> None:
        reservation = buy()

        answer = desk.post(
            "/support/reservations/cancel",
            {"reservationID": reservation.id, "waivePenalty": True, "reason": "Strike"},
        )

        assert answer.json()["penalty"]["amount"] == "0.00"
        assert answer.json()["refund"]["amount"] == "45.00"
        assert money.balance(traveller.pk, "EUR") == Money(100_000, "EUR")
        assert Cancellation.objects.get().penalty_waived

    def test_releases_a_hold(self, desk: ApiClient, hold: Buy) -> None:
        answer = desk.post("/support/reservations/cancel", {"ReservationID": hold().id})

        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["refundStatus"]) == ("Cancelled", "")
        assert not Claim.objects.exists()

    def test_above_the_limit_the_money_waits(
        self, desk: ApiClient, traveller: User, buy: Buy, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_499
        reservation = buy()

        answer = desk.post(
            "/support/reservations/cancel",
            {"ReservationID": reservation.id, "WaivePenalty": True},
        )

        assert answer.status_code == 202
        body = answer.json()
        assert (body["status"], body["refundStatus"]) == ("Cancelled", "pendingApproval")
        assert body["refund"]["amount"] == "45.00"
        assert not Claim.objects.exists()
        assert Refund.objects.get().state == "pendingApproval"
        assert money.balance(traveller.pk, "EUR") == Money(100_000 - 4_500, "EUR")

    def test_exactly_at_the_limit_nobody_waits(
        self, desk: ApiClient, buy: Buy, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_500

        answer = desk.post(
            "/support/reservations/cancel", {"ReservationID": buy().id, "WaivePenalty": True}
        )

        assert (answer.status_code, answer.json()["refundStatus"]) == (200, "done")

    def test_a_passenger_never_waits(self, mine: ApiClient, buy: Buy, settings: Any) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0

        answer = mine.post("/reservations/cancel", {"reservationID": buy().id})

        assert (answer.status_code, answer.json()["refundStatus"]) == (200, "done")

    def test_nobody_waives_an_own_penalty(self, desk: ApiClient, staff: User, buy: Buy) -> None:
        own = buy(who=staff)
        before = rows()

        answer = desk.post(
            "/support/reservations/cancel", {"ReservationID": own.id, "WaivePenalty": True}
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert rows() == before

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 400, "invalid_input"),
            ({"ReservationID": 999_999}, 404, "not_found"),
            ({"ReservationID": 1, "Reason": "x" * 301}, 400, "invalid_input"),
            ({"ReservationID": 1, "WaivePenalty": "perhaps"}, 400, "invalid_input"),
        ],
    )
    def test_refuses_and_changes_nothing(
        self, desk: ApiClient, buy: Buy, body: dict[str, Any], status: int, code: str
    ) -> None:
        reservation = buy()
        if body.get("ReservationID") == 1:
            body = body | {"ReservationID": reservation.id}
        before = rows()

        answer = desk.post("/support/reservations/cancel", body)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert rows() == before

    def test_a_second_time_is_refused(self, desk: ApiClient, buy: Buy) -> None:
        body = {"ReservationID": buy().id}
        desk.post("/support/reservations/cancel", body)
        before = rows()

        answer = desk.post("/support/reservations/cancel", body)

        assert (answer.status_code, answer.json()["code"]) == (409, "already_cancelled")
        assert rows() == before

    def test_the_same_key_cancels_once(self, desk: ApiClient, buy: Buy) -> None:
        body = {"ReservationID": buy().id}
        key = {"HTTP_IDEMPOTENCY_KEY": "desk-1"}

        first = desk.post("/support/reservations/cancel", body, **key)
        again = desk.post("/support/reservations/cancel", body, **key)

        assert first.content == again.content
        assert Cancellation.objects.count() == 1
