"""
Cancelling for money, many at once: one effect, one refund, and books that balance.

Real threads, each with a connection of its own, and commits that last; on each engine that the
database has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, AlreadyPaid
from bookings.models import Claim, Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from payments import selectors, services
from payments.errors import NotAwaitingApproval
from payments.gateways.contract import Answer, GatewayReply
from payments.models import Account, Cancellation, Payment, Refund, SandboxRefund, Transfer
from payments.services import called_off, reconciling
from payments.services.refunds import book_reply
from support import audit
from support import services as desk
from tests import factories
from tests.faults.racing import at_once, tally
from tests.selling import reserve
from travel.common.errors import Refusal
from travel.common.money import Money

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seat_engine")]


@pytest.fixture(autouse=True)
def _audited(transactional_db: None) -> Iterator[None]:
    yield
    assert [(one.fact.code, one.rows) for one in audit.findings()] == []


@pytest.fixture
def me(traveller: User, noon: datetime) -> Viewer:
    services.open_with(user_id=traveller.pk, amount=Money(100_000, "EUR"), now=noon)
    return Viewer(user_id=traveller.pk)


@pytest.fixture
def colleagues(transactional_db: None) -> list[Viewer]:
    return [
        Viewer(
            user_id=factories.make_user(is_staff=True, roles=["support agent"]).pk, is_support=True
        )
        for _ in range(8)
    ]


Buy = Callable[..., ReservationDetail]


@pytest.fixture
def buy(me: Viewer, traveller: User, train: factories.Trip, noon: datetime) -> Buy:
    """Reserve the train's Saver, 45.00 EUR each, and pay it if so wanted."""

    def make(adults: int = 1, *, method: str = "Wallet") -> ReservationDetail:
        held = reserve(traveller, train.ticket_id(), now=noon, passengers=adults)
        if method:
            pay(me, held, noon, method)()
        return held

    return make


def pay(me: Viewer, held: ReservationDetail, now: datetime, method: str) -> Callable[[], Any]:
    return lambda: services.pay(
        viewer=me, reservation_id=held.id, method=method, token=None, now=now
    )


def cancel(
    me: Viewer, booked: ReservationDetail, now: datetime, **details: Any
) -> Callable[[], Any]:
    return lambda: services.cancel_and_refund(
        viewer=me,
        reservation_id=booked.id,
        actor=Actor("holder", me.user_id),
        now=now,
        **details,
    )


def wallet(me: Viewer) -> int:
    return selectors.balance(me.user_id or 0, "EUR").minor


def done(results: list[Any]) -> list[Any]:
    return [one for one in results if not isinstance(one, Refusal)]


class TestOneEffect:
    @pytest.mark.parametrize("method", ["Wallet", "Bank Card"])
    def test_32_cancels_of_one_reservation(
        self, buy: Buy, me: Viewer, noon: datetime, method: str
    ) -> None:
        booked = buy(2, method=method)

        results = at_once([cancel(me, booked, noon)] * 32)

        assert tally(results) == {"done": 1, AlreadyCancelled.code: 31}
        assert Cancellation.objects.count() == Refund.objects.count() == 1
        assert not Claim.objects.exists()
        assert Transfer.objects.filter(kind="cancelled").count() == 1
        if method == "Wallet":
            assert wallet(me) == 100_000 - 9_000 + 4_500

    def test_32_cancels_by_one_quote(self, buy: Buy, me: Viewer, noon: datetime) -> None:
        booked = buy()
        quote = services.quote_cancellation(viewer=me, reservation_id=booked.id, now=noon)

        results = at_once([cancel(me, booked, noon, quote_id=quote.id)] * 32)

        assert tally(results) == {"done": 1, AlreadyCancelled.code: 31}
        assert wallet(me) == 100_000 - 4_500 + 2_250

    def test_each_of_eight_parts_once_though_four_ask_for_it(
        self, buy: Buy, me: Viewer, noon: datetime
    ) -> None:
        booked = buy(8)
        parts = [cancel(me, booked, noon, passenger_ids=[one.id]) for one in booked.passengers]

        results = at_once([act for act in parts for _ in range(4)])

        assert tally(results) == {"done": 8, AlreadyCancelled.code: 24}
        assert Reservation.objects.get().state == "cancelled"
        ends = ReservationEvent.objects.filter(kind__in=["part_cancelled", "cancelled"])
        assert ends.filter(kind="cancelled").count() == 1
        assert ends.count() == 8
        assert wallet(me) == 100_000 - 36_000 + 8 * 2_250

    def test_parts_and_the_whole_never_refund_a_coupon_twice(
        self, buy: Buy, me: Viewer, noon: datetime
    ) -> None:
        booked = buy(6)
        acts = [cancel(me, booked, noon, passenger_ids=[one.id]) for one in booked.passengers]

        results = at_once([*acts, *[cancel(me, booked, noon)] * 6])

        assert {one.code for one in results if isinstance(one, Refusal)} <= {AlreadyCancelled.code}
        back = sum(one.refund.minor for one in done(results))
        assert back == sum(Refund.objects.values_list("amount_minor", flat=True))
        assert wallet(me) == 100_000 - 27_000 + back
        # The whole cancels what it saw; where a part was quicker it is refused, and so is left.
        left = Reservation.objects.get().state == "paid"
        assert back == 6 * 2_250 or left

    def test_traveller_staff_and_office(
        self,
        buy: Buy,
        me: Viewer,
        colleagues: list[Viewer],
        train: factories.Trip,
        noon: datetime,
    ) -> None:
        booked = buy()
        train.departure.state = "cancelled"
        train.departure.save(update_fields=["state"])
        week = noon + timedelta(days=8)

        results = at_once(
            [
                *[cancel(me, booked, week)] * 4,
                *(
                    lambda who=who: desk.cancel_reservation(  # type: ignore[misc]
                        viewer=who,
                        reservation_id=booked.id,
                        reason="carrier",
                        waive_penalty=True,
                        now=week,
                    )
                    for who in colleagues
                ),
                *[lambda: called_off.refund_called_off(departure_id=train.departure.pk, now=week)]
                * 4,
            ]
        )

        assert Cancellation.objects.count() == Refund.objects.count() == 1
        # The office says of nobody that it was refused: it answers how many it refunded.
        acts, office = results[:12], results[12:]
        assert len(done(acts)) + sum(office) == 1
        assert wallet(me) == 100_000


class TestPayAndCancel:
    def test_a_hold_is_paid_or_given_up(self, buy: Buy, me: Viewer, noon: datetime) -> None:
        held = buy(method="")

        results = at_once([pay(me, held, noon, "Wallet"), cancel(me, held, noon)] * 4)

        state = Reservation.objects.get().state
        was_paid = Payment.objects.filter(state="captured").count()
        assert all(
            isinstance(one, AlreadyCancelled | AlreadyPaid)
            for one in results
            if isinstance(one, Refusal)
        )
        # Given up in time costs nothing; paid first and then cancelled keeps half. Whoever gave up
        # a hold that had just been paid is told so, and it stays paid.
        cancelled = Cancellation.objects.count()
        ends = {
            ("cancelled", 0, 0): 100_000,
            ("cancelled", 1, 1): 100_000 - 2_250,
            ("paid", 1, 0): 100_000 - 4_500,
        }
        assert wallet(me) == ends[state, was_paid, cancelled]
        assert Claim.objects.exists() is (state == "paid")

    def test_a_capture_that_comes_while_it_is_cancelled_goes_back_once(
        self, buy: Buy, me: Viewer, noon: datetime
    ) -> None:
        held = buy(method="")
        paid = services.pay(
            viewer=me, reservation_id=held.id, method="Bank Card", token="tok_3ds", now=noon
        )
        captured = GatewayReply(
            Answer.CAPTURED, reference=f"payment-{paid.payment_id}", amount=Money(4_500, "EUR")
        )

        at_once(
            [
                *[
                    lambda: services.settle_attempt(
                        payment_id=paid.payment_id, reply=captured, now=noon
                    )
                ]
                * 4,
                *[cancel(me, held, noon)] * 4,
            ]
        )

        payment, state = Payment.objects.get(), Reservation.objects.get().state
        back = list(Refund.objects.values_list("amount_minor", flat=True))
        assert payment.state == "captured"
        # Sold and kept, sold and cancelled, or given up first: never paid without a seat, and
        # never given back twice.
        assert (state, payment.settles_id is not None, back) in [
            ("paid", True, []),
            ("cancelled", True, [2_250]),
            ("cancelled", False, [4_500]),
        ]
        assert Claim.objects.exists() is (state == "paid")


class TestRefunds:
    def test_eight_decide_and_one_counts(
        self, buy: Buy, me: Viewer, colleagues: list[Viewer], settings: Any, noon: datetime
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0
        first, *others = colleagues
        desk.cancel_reservation(
            viewer=first,
            reservation_id=buy().id,
            reason="strike",
            waive_penalty=True,
            now=noon,
        )
        refund_id = Refund.objects.get().pk

        def decide(number: int, who: Viewer) -> Callable[[], Any]:
            approver = who.user_id or 0
            if number % 2:
                return lambda: services.approve_refund(
                    refund_id=refund_id, approver_id=approver, now=noon
                )
            return lambda: services.reject_refund(
                refund_id=refund_id, approver_id=approver, note="No.", now=noon
            )

        results = at_once([decide(number, who) for number, who in enumerate(others)])

        assert tally(results) == {"done": 1, NotAwaitingApproval.code: 6}
        rejected = Refund.objects.get(pk=refund_id).state == "rejected"
        assert wallet(me) == (100_000 - 2_250 if rejected else 100_000)

    def test_sixteen_push_one_refund_and_the_provider_pays_once(
        self, buy: Buy, me: Viewer, noon: datetime
    ) -> None:
        cancel(me, buy(method="Bank Card"), noon)()
        refund = Refund.objects.get()

        at_once([lambda: services.push_refund(refund_id=refund.pk, now=noon)] * 16)

        refund.refresh_from_db()
        assert (refund.state, refund.attempts) == ("done", 1)
        assert SandboxRefund.objects.count() == 1
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -2_250

    def test_the_answer_and_the_webhook_book_it_once(
        self, buy: Buy, me: Viewer, noon: datetime
    ) -> None:
        cancel(me, buy(method="Bank Card"), noon)()
        refund_id = Refund.objects.get().pk
        told = GatewayReply(Answer.DONE, reference="re_1")

        at_once(
            [lambda: book_reply(refund_id=refund_id, reply=told, now=noon)] * 8
            + [lambda: services.push_refund(refund_id=refund_id, now=noon)] * 4
        )

        assert Transfer.objects.filter(kind="refund").count() == 1
        assert ReservationEvent.objects.filter(kind="refunded").count() == 1

    def test_a_failed_one_goes_one_way_only(
        self, buy: Buy, me: Viewer, colleagues: list[Viewer], noon: datetime
    ) -> None:
        """Tried again, sent to the wallet, and told by a webhook: the money arrives once."""
        cancel(me, buy(method="Bank Card"), noon)()
        refund = Refund.objects.get()
        Refund.objects.update(state="failed")
        staff = colleagues[0].user_id or 0

        at_once(
            [
                *[lambda: services.refund_to_wallet(refund_id=refund.pk, staff_id=staff, now=noon)]
                * 4,
                *[lambda: services.retry_refund(refund_id=refund.pk, staff_id=staff, now=noon)] * 4,
                *[lambda: services.push_refund(refund_id=refund.pk, now=noon)] * 4,
            ]
        )
        services.push_refund(refund_id=refund.pk, now=noon + timedelta(hours=1))

        refund.refresh_from_db()
        assert refund.state == "done"
        assert Transfer.objects.filter(kind="refund").count() == 1
        gone = SandboxRefund.objects.count() * 2_250 + wallet(me) - 100_000
        assert gone == 2_250


def test_eight_comparisons_find_a_difference_once(buy: Buy, me: Viewer, noon: datetime) -> None:
    from payments.models import Difference, SandboxCharge

    buy(method="Bank Card")
    SandboxCharge.objects.update(captured_minor=4_400)

    results = at_once(
        [
            lambda: reconciling.reconcile(
                gateway="sandbox",
                since=noon - timedelta(days=1),
                until=noon + timedelta(days=1),
                now=noon + timedelta(days=1),
            )
        ]
        * 8
    )

    assert sum(one.found for one in results) == 1
    assert Difference.objects.count() == 1
