"""
The contract of cancelling for money: every outcome, and what is left after it.

It is asked of each engine that the database in use has. A refusal is followed by a rollback here,
as the caller promises, and then nothing may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor, Outcome
from bookings.models import Claim, Coupon, Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from inventory.models import Departure
from payments import engine, ledger, services
from payments.engine.contract import CancelCommand, CouponRow, RefundRow, RefundTooHigh, Result
from payments.ledger import Side, Unbalanced
from payments.models import (
    Account,
    Cancellation,
    CancelledCoupon,
    Entry,
    Payment,
    Refund,
    Transfer,
)
from payments.services import receipts
from tests.factories import Trip
from tests.selling import audit, bits_of, everything, party, reserve, version_of
from travel.common.money import Money

ENGINES = ["portable", "procedures"] if connection.vendor == "mysql" else ["portable"]
HOLDER = Actor("holder", None, "Ill; \"so it goes\" — «gü» 'x'")
MONEY_TABLES = ["Account", "Cancellation", "CancelledCoupon"]


@pytest.fixture(autouse=True, params=ENGINES)
def engine_in_use(request: pytest.FixtureRequest, settings: Any) -> str:
    """The contract is one, whoever keeps it."""
    settings.SEAT_ENGINE = request.param
    return str(request.param)


@pytest.fixture(autouse=True)
def _audited(audited: None, noon: datetime) -> Iterator[None]:
    yield
    # Credit notes are written by the service, around the engine.
    receipts.issue_missing(now=noon, limit=100)
    audit()


@pytest.fixture
def buy(traveller: User, train: Trip, noon: datetime) -> Callable[..., ReservationDetail]:
    """Buy the train's Saver, 45.00 EUR each, for so many adults; from the wallet or by card."""

    def make(*kinds: str, method: str = "Wallet", tickets: tuple[int, ...] = ()) -> Any:
        services.open_with(user_id=traveller.pk, amount=Money(100_000, "EUR"), now=noon)
        booked = reserve(
            traveller,
            *(tickets or (train.ticket_id(),)),
            now=noon,
            passengers=party(*(kinds or ("adult",))),
        )
        services.pay(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=booked.id,
            method=method,
            token=None,
            now=noon,
        )
        return booked

    return make


def command(
    booked: ReservationDetail,
    *,
    keep: int = 1_000,
    waived: int = 0,
    coupons: list[int] | None = None,
    to: str = "wallet",
    waits: bool = False,
) -> CancelCommand:
    """Cancel these coupons (all), keep so much of each, and give the rest back."""
    chosen = [one for one in booked.coupons if coupons is None or one.id in coupons]
    carrier_id = booked.tickets[chosen[0].ticket_id].service.carrier_id
    whole = sum(one.price.minor for one in chosen)
    kept = keep * len(chosen)
    back = Money(whole - kept, "EUR")
    owner = Side(ledger.wallet(booked.user_id or 0, "EUR"), back)
    return CancelCommand(
        reservation_id=booked.id,
        locator=booked.locator,
        coupons=[
            CouponRow(one.id, keep, one.price.minor - keep, waived, 2_222, 60) for one in chosen
        ],
        sides=[
            Side(ledger.carrier(carrier_id, "EUR"), Money(-whole, "EUR")),
            Side(ledger.penalty(carrier_id, "EUR"), Money(kept, "EUR")),
            Side(ledger.returns("EUR"), back),
        ],
        refund=RefundRow(
            amount=back,
            destination=to,
            waits=waits,
            reason_code="strike",
            requested_by=None,
            landing=(
                [Side(ledger.returns("EUR"), -back), owner] if to == "wallet" and not waits else ()
            ),
        )
        if back
        else None,
        reason_code="strike",
        reason=HOLDER.reason,
        quoted_until=datetime(2026, 6, 1, 12, 10, 0, 123_456, tzinfo=UTC),
    )


def cancel(order: CancelCommand, now: datetime, actor: Actor = HOLDER) -> Result:
    """Cancel in a transaction that a refusal rolls back."""
    with transaction.atomic():
        result = engine.current().cancel_and_refund(order, now=now, actor=actor)
        if not result.done:
            transaction.set_rollback(True)
    return result


def rows_now() -> dict[str, Any]:
    money = {
        name: list(apps.get_model("payments", name).objects.order_by("pk").values_list())
        for name in MONEY_TABLES
    }
    return everything() | money


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = rows_now()
    yield
    assert rows_now() == before


def balances() -> dict[str, int]:
    """Answer what each account holds, a carrier's number left out."""
    return {
        "-".join([code.split(":")[0], *code.split(":")[2:]]) if code.count(":") > 1 else code: minor
        for code, minor in Account.objects.values_list("code", "balance_minor")
    }


def test_the_engine_is_chosen_as_the_seats_are(engine_in_use: str) -> None:
    assert isinstance(engine.current(), type(engine.named(engine_in_use)))
    assert (
        type(engine.current()).__name__
        == {
            "portable": "PortableEngine",
            "procedures": "ProcedureEngine",
        }[engine_in_use]
    )


@pytest.mark.mariadb
def test_the_procedure_is_one_round_trip(buy: Any, engine_in_use: str, noon: datetime) -> None:
    order = command(buy("adult", "adult"))
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        engine.current().cancel_and_refund(order, now=noon, actor=HOLDER)

    calls = [one["sql"] for one in asked if "SAVEPOINT" not in one["sql"]]
    if engine_in_use == "procedures":
        assert [sql.split("(")[0] for sql in calls] == ["CALL payments_cancel_and_refund_1"]
    else:
        assert len(calls) > 20


class TestTheWhole:
    def test_writes_everything_down(self, buy, traveller, train, noon):
        booked = buy("adult", "adult")
        version = version_of(train)

        result = cancel(command(booked, waived=450), noon, Actor("staff", traveller.pk, "why"))

        row = Cancellation.objects.get()
        assert (result.outcome, result.cancellation_id) == (Outcome.DONE, row.pk)
        assert (row.reservation_id, row.at, row.actor_kind) == (booked.id, noon, "staff")
        assert (row.actor_id, row.reason_code, row.reason) == (
            traveller.pk,
            "strike",
            HOLDER.reason,
        )
        assert row.penalty_waived is True
        assert row.quoted_until == datetime(2026, 6, 1, 12, 10, 0, 123_456, tzinfo=UTC)
        assert list(
            CancelledCoupon.objects.order_by("coupon_id").values_list(
                *("coupon_id", "penalty_minor", "refund_minor", "waived_minor"),
                *("penalty_basis_points", "tier_minutes_before"),
            )
        ) == [(one.id, 1_000, 3_500, 450, 2_222, 60) for one in booked.coupons]
        assert Reservation.objects.get().state == "cancelled"
        assert set(Coupon.objects.values_list("state", flat=True)) == {"cancelled"}
        assert not Claim.objects.exists()
        assert set(bits_of(train).values()) == {0}
        assert version_of(train) == version + 1

    def test_a_wallet_has_it_at_once(self, buy, traveller, noon):
        booked = buy("adult", "adult")

        result = cancel(command(booked), noon)

        refund = Refund.objects.get()
        assert (result.refund_id, result.refund_state) == (refund.pk, "done")
        assert (refund.state, refund.done_at, refund.amount_minor) == ("done", noon, 7_000)
        assert (refund.cause, refund.destination, refund.reason_code) == (
            *("cancellation", "wallet", "strike"),
        )
        assert refund.reference == f"cancellation:{result.cancellation_id}:refund"
        assert (refund.attempts, refund.due_at, refund.lease_until) == (0, noon, None)
        assert (refund.gateway_reference, refund.last_error, refund.note) == ("", "", "")
        # 1,000.00 less 90.00, and 70.00 back; the carrier's 90.00 went to penalties and returns.
        assert balances() == {
            "equity:EUR": -100_000,
            "wallet-EUR": 98_000,
            "carrier-EUR": 0,
            "penalty-EUR": 2_000,
            "returns:EUR": 0,
        }
        first, second = Transfer.objects.order_by("id")[2:]
        assert (first.kind, first.reference) == (
            "cancelled",
            f"cancellation:{result.cancellation_id}",
        )
        assert (second.kind, second.reference) == ("refund", f"refund:{refund.pk}:done")
        assert (second.refund_id, second.memo) == (refund.pk, booked.locator)
        assert first.payment_id == second.payment_id == Payment.objects.get().pk
        assert first.cancellation_id == second.cancellation_id == result.cancellation_id
        assert sorted(first.entries.values_list("amount_minor", flat=True)) == [
            -9_000,
            2_000,
            7_000,
        ]

    def test_the_story_is_told_in_order(self, buy, train, noon):
        booked = buy("adult", "adult")
        seats = [
            [one.id, train.departure.pk, seat.coach, seat.seat, 0, 3]
            for one in booked.coupons
            for seat in one.seats
        ]

        result = cancel(command(booked), noon)

        cancelled, refunded = ReservationEvent.objects.order_by("id")[2:]
        assert (cancelled.kind, cancelled.from_state, cancelled.to_state) == (
            *("cancelled", "paid", "cancelled"),
        )
        assert (cancelled.at, cancelled.actor_kind, cancelled.actor_id) == (noon, "holder", None)
        assert cancelled.reason == HOLDER.reason
        assert cancelled.details == {"seats": seats, "coupons": [one.id for one in booked.coupons]}
        assert (refunded.kind, refunded.from_state, refunded.to_state) == (
            *("refunded", "cancelled", "cancelled"),
        )
        assert refunded.details == {
            "refund": result.refund_id,
            "amount": "70.00",
            "currency": "EUR",
        }

    def test_a_card_is_due_from_now_on(self, buy, noon):
        booked = buy(method="Bank Card")

        result = cancel(command(booked, to="source"), noon)

        refund = Refund.objects.get()
        assert (result.refund_state, refund.state, refund.done_at) == ("queued", "queued", None)
        assert balances()["returns:EUR"] == 3_500
        assert not ReservationEvent.objects.filter(kind="refunded").exists()

    @pytest.mark.parametrize("to", ["wallet", "source"])
    def test_what_needs_a_second_person_waits(self, buy, noon, to):
        booked = buy()

        result = cancel(command(booked, to=to, waits=True), noon)

        assert (result.refund_state, Refund.objects.get().state) == ("pendingApproval",) * 2
        assert balances()["returns:EUR"] == 3_500
        assert not Claim.objects.exists()

    def test_with_nothing_to_give_back_there_is_no_refund(self, buy, noon):
        booked = buy()

        result = cancel(command(booked, keep=4_500), noon)

        assert (result.done, result.refund_id, result.refund_state) == (True, None, "")
        assert not Refund.objects.exists()
        assert balances()["penalty-EUR"] == 4_500
        assert Entry.objects.filter(transfer__kind="cancelled").count() == 2


class TestAPart:
    def test_the_others_keep_their_seats(self, buy, train, noon):
        booked = buy("adult", "adult", "infant")
        first = booked.coupons[0]

        result = cancel(command(booked, coupons=[first.id]), noon)

        assert result.done
        assert Reservation.objects.get().state == "paid"
        states = list(Coupon.objects.order_by("id").values_list("state", flat=True))
        assert sorted(states) == ["cancelled", "open", "open"]
        assert Claim.objects.count() == 1
        event = ReservationEvent.objects.get(kind="part_cancelled")
        assert (event.from_state, event.to_state) == ("paid", "paid")
        assert event.details["coupons"] == [first.id]

    def test_the_last_part_cancels_the_reservation(self, buy, noon):
        booked = buy("adult", "adult")
        for one in booked.coupons:
            cancel(command(booked, coupons=[one.id]), noon)

        assert Reservation.objects.get().state == "cancelled"
        kinds = ReservationEvent.objects.order_by("id").values_list("kind", flat=True)
        assert list(kinds)[2:] == ["part_cancelled", "refunded", "cancelled", "refunded"]
        assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 7_000

    def test_a_used_coupon_keeps_the_reservation_alive(self, buy, noon):
        booked = buy("adult", "adult")
        used, other = booked.coupons
        Coupon.objects.filter(id=used.id).update(state="used")

        cancel(command(booked, coupons=[other.id]), noon)

        assert Reservation.objects.get().state == "paid"

    def test_seats_that_adjoin_on_one_departure_are_both_free(self, buy, train, noon):
        booked = buy(tickets=(train.ticket_id(0, 2), train.ticket_id(2, 4)))
        assert 0b1111 in bits_of(train).values()

        cancel(command(booked), noon)

        assert set(bits_of(train).values()) == {0}
        assert Departure.objects.get(pk=train.departure.pk).stock_version == 2


class TestRefusals:
    def test_an_unknown_reservation(self, buy, noon):
        order = command(buy())
        with nothing_changes():
            result = cancel(replace(order, reservation_id=999_999), noon)
        assert result.outcome is Outcome.NOT_FOUND

    def test_a_coupon_of_another_reservation(self, buy, noon):
        one, other = buy(), buy()
        order = command(one)
        foreign = replace(order.coupons[0], coupon_id=other.coupons[0].id)
        with nothing_changes():
            result = cancel(replace(order, coupons=[*order.coupons, foreign]), noon)
        assert result.outcome is Outcome.NOT_FOUND

    @pytest.mark.parametrize(
        ("state", "outcome"),
        [
            ("held", Outcome.NOT_CANCELLABLE),
            ("cancelled", Outcome.ALREADY_CANCELLED),
            ("expired", Outcome.HOLD_EXPIRED),
        ],
    )
    def test_a_reservation_that_is_not_paid(self, buy, noon, state, outcome):
        booked = buy()
        order = command(booked)
        Reservation.objects.update(state=state)
        with nothing_changes():
            assert cancel(order, noon).outcome is outcome
        Reservation.objects.update(state="paid")

    @pytest.mark.parametrize(
        ("states", "outcome"),
        [
            (("cancelled", "open"), Outcome.ALREADY_CANCELLED),
            (("open", "used"), Outcome.NOT_CANCELLABLE),
            (("open", "no_show"), Outcome.NOT_CANCELLABLE),
            # The first one that stands in the way is named.
            (("used", "cancelled"), Outcome.NOT_CANCELLABLE),
            (("cancelled", "used"), Outcome.ALREADY_CANCELLED),
        ],
    )
    def test_a_coupon_that_is_not_open(self, buy, noon, states, outcome):
        booked = buy("adult", "adult")
        order = command(booked)
        for one, state in zip(booked.coupons, states, strict=True):
            Coupon.objects.filter(id=one.id).update(state=state)
        with nothing_changes():
            assert cancel(order, noon).outcome is outcome
        Coupon.objects.update(state="open")

    def test_twice(self, buy, noon):
        order = command(buy())
        cancel(order, noon)
        with nothing_changes():
            assert cancel(order, noon).outcome is Outcome.ALREADY_CANCELLED


class TestNeverMoreThanWasTaken:
    def test_a_refund_above_what_is_left_is_a_defect(self, buy, noon):
        booked = buy("adult", "adult")
        one, other = booked.coupons
        cancel(command(booked, coupons=[one.id], keep=0), noon)
        payment = Payment.objects.get()
        # 90.00 were taken and 45.00 went back: 45.01 are too much.
        order = command(booked, coupons=[other.id], keep=-1)
        order = replace(order, coupons=[replace(order.coupons[0], penalty_minor=0)])

        with nothing_changes(), pytest.raises(RefundTooHigh):
            cancel(order, noon)
        assert payment.received_minor == 9_000

    def test_what_was_rejected_does_not_count(self, buy, staff, noon):
        booked = buy("adult", "adult")
        one, other = booked.coupons
        done = cancel(command(booked, coupons=[one.id], keep=0, waits=True), noon)
        Refund.objects.filter(id=done.refund_id).update(
            state="rejected", decided_by=staff, decided_at=noon, cancellation=None
        )
        order = command(booked, coupons=[other.id], keep=-4_500)
        order = replace(order, coupons=[replace(order.coupons[0], penalty_minor=0)])

        # Both coupons' 90.00 go back at once: nothing else has.
        with transaction.atomic():
            result = engine.current().cancel_and_refund(order, now=noon, actor=HOLDER)
            assert (result.done, Refund.objects.get(id=result.refund_id).amount_minor) == (
                True,
                9_000,
            )
            transaction.set_rollback(True)
        # The audit that follows every story wants the books as they were.
        Refund.objects.filter(id=done.refund_id).update(
            state="pendingApproval",
            decided_by=None,
            decided_at=None,
            cancellation_id=done.cancellation_id,
        )

    def test_sides_that_make_money_are_a_defect(self, buy, noon):
        order = command(buy())
        more = Side(ledger.returns("EUR"), Money(1, "EUR"))
        with nothing_changes(), pytest.raises(Unbalanced):
            cancel(replace(order, sides=[*order.sides, more]), noon)


def test_a_moment_is_kept_to_the_microsecond(buy: Any, noon: datetime) -> None:
    moment = noon + timedelta(microseconds=1)
    cancel(command(buy()), moment)
    assert Cancellation.objects.get().at == moment
    assert Refund.objects.get().done_at == moment
    assert set(Transfer.objects.order_by("-id").values_list("at", flat=True)[:2]) == {moment}
