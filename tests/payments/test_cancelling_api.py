"""Cancelling over the API: parts, ways back, waivers, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import Claim
from bookings.selectors import ReservationDetail
from payments import selectors, services
from payments.models import Cancellation, Refund
from tests import factories, selling
from tests.conftest import ApiClient, Clock
from travel.common.money import Money

from .conftest import Hold

DEPARTED = datetime.fromisoformat("2026-06-02T07:00:00+00:00")


@pytest.fixture
def mine(api: ApiClient, traveller: User) -> ApiClient:
    return api.by(traveller)


@pytest.fixture
def desk(api: ApiClient, staff: User, settings: Any) -> ApiClient:
    settings.STAFF_2FA = "optional"
    return api.by(staff)


@pytest.fixture
def card(hold: Hold, me: Viewer, noon: datetime) -> Callable[..., ReservationDetail]:
    """Hold and pay by card."""

    def make(adults: int = 1) -> ReservationDetail:
        reservation = hold(adults)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )
        return reservation

    return make


class TestQuoteAndCancel:
    def test_to_the_wallet_by_the_quote(
        self, mine: ApiClient, me: Viewer, card: Callable[..., ReservationDetail]
    ) -> None:
        reservation = card(2)
        first = reservation.passengers[0].id
        quote = mine.get(f"/reservations/penalty/{reservation.id}?passengerIDs={first}").json()
        assert quote["refundTo"] == ["source", "wallet"]
        assert (quote["penaltyPercentage"], quote["refund"]["amount"]) == (50.0, "22.50")

        answer = mine.post(
            "/reservations/cancel",
            {
                "reservationID": reservation.id,
                "quoteID": quote["quoteID"],
                "passengerIDs": [first],
                "refundTo": "wallet",
            },
        )

        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert (body["status"], body["refundStatus"], body["refundTo"]) == (
            *("Paid", "done", "wallet"),
        )
        assert selectors.balance(me.user_id or 0, "EUR") == Money(2_250, "EUR")

    def test_a_quote_that_is_over_is_409(
        self, mine: ApiClient, card: Callable[..., ReservationDetail], clock: Clock
    ) -> None:
        reservation = card()
        quote = mine.get(f"/reservations/penalty/{reservation.id}").json()["quoteID"]
        clock.advance(minutes=10)
        before = selling.everything()

        answer = mine.post(
            "/reservations/cancel", {"reservationID": reservation.id, "quoteID": quote}
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "quote_expired")
        assert selling.everything() == before

    @pytest.mark.parametrize(
        "wrong",
        [
            {"refundTo": "cash"},
            {"refundTo": 1},
            {"refundTo": ["wallet"]},
            {"refundTo": None},
            {"quoteID": "x" * 4_001},
            {"quoteID": {}},
            {"passengerIDs": [10**30]},
            {"passengerIDs": "1"},
            {"ticketIDs": [1.5]},
            {"ticketIDs": [-1]},
            {"ticketIDs": [True]},
        ],
    )
    def test_nonsense_is_400_and_moves_nothing(
        self,
        mine: ApiClient,
        card: Callable[..., ReservationDetail],
        wrong: dict[str, Any],
    ) -> None:
        reservation = card()
        before = selling.everything()

        answer = mine.post("/reservations/cancel", {"reservationID": reservation.id} | wrong)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert selling.everything() == before

    def test_no_traveller_waives_anything(
        self, mine: ApiClient, card: Callable[..., ReservationDetail]
    ) -> None:
        body = {"reservationID": card().id}
        body |= dict.fromkeys(["waivePenalty", "WaivePenalty", "waiver", "waivePercentage"], 100)
        body |= {"reason": "strike", "reasonCode": "strike"}

        answer = mine.post("/reservations/cancel", body)

        if answer.status_code == 200:
            assert answer.json()["refund"]["amount"] == "22.50"
            assert Cancellation.objects.get().reason_code == "wish"
        else:
            assert (answer.status_code, Cancellation.objects.count()) == (400, 0)


class TestTheDesk:
    def test_waives_a_share_for_a_reason(
        self, desk: ApiClient, card: Callable[..., ReservationDetail]
    ) -> None:
        answer = desk.post(
            "/support/reservations/cancel",
            {
                "ReservationID": card().id,
                "WaivePercentage": 40,
                "Reason": "missed connection: RE 1 was late",
            },
        )

        # Of the 22.50 that the tier keeps 9.00 are given back.
        body = answer.json()
        assert (body["penalty"]["amount"], body["refund"]["amount"]) == ("13.50", "31.50")
        row = Cancellation.objects.get()
        assert (row.reason_code, row.penalty_waived) == ("missed_connection", True)
        assert row.reason == "missed connection: RE 1 was late"

    def test_waives_nothing_where_it_says_so(
        self, desk: ApiClient, card: Callable[..., ReservationDetail]
    ) -> None:
        body = {"ReservationID": card().id, "WaivePenalty": False, "WaivePercentage": 40}
        assert desk.post("/support/reservations/cancel", body).json()["refund"]["amount"] == "22.50"

    def test_cancels_a_part_into_the_wallet(
        self, desk: ApiClient, card: Callable[..., ReservationDetail]
    ) -> None:
        reservation = card(3)
        answer = desk.post(
            "/support/reservations/cancel",
            {
                "ReservationID": reservation.id,
                "PassengerIDs": [reservation.passengers[1].id],
                "RefundTo": "wallet",
            },
        )

        assert (answer.json()["status"], answer.json()["refundTo"]) == ("Paid", "wallet")
        assert Refund.objects.get().amount_minor == 2_250

    def test_after_departure_for_some_reasons(
        self,
        desk: ApiClient,
        staff: User,
        card: Callable[..., ReservationDetail],
        clock: Clock,
    ) -> None:
        reservation = card()
        clock.moment = DEPARTED
        desk = desk.by(staff)
        body = {"ReservationID": reservation.id, "WaivePenalty": True, "Reason": "goodwill"}
        refused = desk.post("/support/reservations/cancel", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")

        answer = desk.post("/support/reservations/cancel", body | {"Reason": "carrier"})

        assert (answer.status_code, answer.json()["refund"]["amount"]) == (200, "45.00")

    def test_above_the_limit_the_seats_are_free_and_the_money_waits(
        self, desk: ApiClient, card: Callable[..., ReservationDetail], settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_499
        answer = desk.post(
            "/support/reservations/cancel",
            {
                "ReservationID": card().id,
                "WaivePenalty": True,
                "Reason": "death",
                "RefundTo": "wallet",
            },
        )

        assert answer.status_code == 202
        assert (answer.json()["refundStatus"], answer.json()["refundTo"]) == (
            *("pendingApproval", "wallet"),
        )
        assert not Claim.objects.exists()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"WaivePercentage": 0},
            {"WaivePercentage": 101},
            {"WaivePercentage": -5},
            {"WaivePercentage": 50.5},
            {"WaivePercentage": "NaN"},
            {"WaivePercentage": 10**30},
            {"WaivePenalty": True, "Reason": "wish"},
            {"RefundTo": "cash"},
            {"PassengerIDs": [999_999]},
            {"TicketIDs": ["x"]},
        ],
    )
    def test_nonsense_is_400_and_moves_nothing(
        self,
        desk: ApiClient,
        card: Callable[..., ReservationDetail],
        wrong: dict[str, Any],
    ) -> None:
        body = {"ReservationID": card().id} | wrong
        before = selling.everything()

        answer = desk.post("/support/reservations/cancel", body)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert selling.everything() == before


def test_a_rejected_refund_is_no_money_of_the_traveller_s(
    mine: ApiClient,
    desk: ApiClient,
    card: Callable[..., ReservationDetail],
    settings: Any,
    noon: datetime,
) -> None:
    settings.REFUND_APPROVAL_LIMIT = 0
    reservation = card()
    desk.post(
        "/support/reservations/cancel",
        {"ReservationID": reservation.id, "WaivePenalty": True, "Reason": "strike"},
    )
    second = factories.make_user(is_staff=True, roles=["finance"])
    services.reject_refund(
        refund_id=Refund.objects.get().pk, approver_id=second.pk, note="No.", now=noon
    )

    (payment,) = mine.get(f"/reservations/{reservation.id}").json()["payments"]

    assert [(one["status"], one["amount"]["amount"]) for one in payment["refunds"]] == [
        ("queued", "22.50")
    ]
