"""Payments that came to nothing, over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from payments.models import Payment
from tests.conftest import ApiClient

from ..conftest import Buy


class TestCancelledPayments:
    def test_shows_what_failed_and_what_came_back(
        self, desk: ApiClient, traveller: User, buy: Buy, hold: Buy, noon: datetime
    ) -> None:
        buy()
        refunded = buy()
        desk.post("/support/reservations/cancel", {"ReservationID": refunded.id})
        failed = hold()
        failed_payment = Payment.objects.create(
            reservation_id=failed.id,
            method="Bank Card",
            gateway="sandbox",
            state="failed",
            failure="expired_card",
            currency_id="EUR",
            amount_minor=4_500,
            created_at=noon + timedelta(days=1),
            finished_at=noon + timedelta(days=1),
        )

        def found(**query: Any) -> list[tuple[str, str]]:
            body = desk.get("/support/payments/cancelled", query).json()
            assert body["count"] == len(body["results"])
            return [(one["locator"], one["status"]) for one in body["results"]]

        assert found() == [(failed.locator, "failed"), (refunded.locator, "refunded")]
        assert found(status="failed") == [(failed.locator, "failed")]
        assert found(status="refunded") == [(refunded.locator, "refunded")]
        assert found(status="voided") == []
        assert found(paymentMethod="Wallet") == [(refunded.locator, "refunded")]
        assert found(locator=failed.locator) == [(failed.locator, "failed")]
        assert found(reservationID=refunded.id) == [(refunded.locator, "refunded")]
        assert found(userID=traveller.pk, createdFrom="2026-06-02") == [(failed.locator, "failed")]
        assert found(createdTo="2026-06-01") == [(refunded.locator, "refunded")]

        for page, locator in ((1, failed.locator), (2, refunded.locator)):
            query = {"page": page, "pageSize": 1}
            body = desk.get("/support/payments/cancelled", query).json()
            assert [one["locator"] for one in body["results"]] == [locator]
            assert body["count"] == 2

        one, other = desk.get("/support/payments/cancelled").json()["results"]
        assert (one["paymentID"], one["failure"]) == (failed_payment.pk, "expired_card")
        assert other["amount"] == {"amount": "45.00", "currency": "EUR"}
        # Half of 45.00 is kept eighteen hours before.
        assert other["refunds"][0]["amount"] == {"amount": "22.50", "currency": "EUR"}

    def test_asks_no_more_for_more_payments(self, desk: ApiClient, buy: Buy) -> None:
        def cancel_one() -> None:
            desk.post("/support/reservations/cancel", {"ReservationID": buy().id})

        cancel_one()
        with CaptureQueriesContext(connection) as few:
            desk.get("/support/payments/cancelled")
        for _ in range(3):
            cancel_one()
        with CaptureQueriesContext(connection) as many:
            assert desk.get("/support/payments/cancelled").json()["count"] == 4

        assert len(many) == len(few)
