"""Staff give back more than the fare does: why, how much, when, and whose word it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.errors import NotCancellable
from bookings.models import Claim, Coupon, Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from inventory.models import Departure
from payments import selectors, services
from payments.errors import NotAwaitingApproval, NothingWaived
from payments.models import (
    Account,
    Cancellation,
    CancelledCoupon,
    CarrierTerms,
    Receipt,
    Refund,
    Transfer,
)
from payments.penalties import AFTER_DEPARTURE, Waiver
from payments.tasks import settle_due
from support import services as desk
from tests import factories, selling
from tests.conftest import Clock
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.models import OutboxMessage
from travel.common.money import Money

from .conftest import Hold

DEPARTS = datetime.fromisoformat("2026-06-02T06:00:00+00:00")


@pytest.fixture
def office(staff: User) -> Viewer:
    return Viewer(user_id=staff.pk, is_support=True)


@pytest.fixture
def second(db: None) -> User:
    """A colleague of finance."""
    return factories.make_user(email="fay@office.example", is_staff=True, roles=["finance"])


Cancel = Callable[..., Any]


@pytest.fixture
def cancel(office: Viewer, noon: datetime) -> Cancel:
    """Staff cancel for a reason; without words of a waiver they keep the penalty."""

    def act(reservation: ReservationDetail, reason: str = "", **details: Any) -> Any:
        return desk.cancel_reservation(
            viewer=office,
            reservation_id=reservation.id,
            reason=reason,
            **{"now": noon} | details,
        )

    return act


def wallet(me: Viewer) -> int:
    return selectors.balance(me.user_id or 0, "EUR").minor


def balance(kind: str) -> int:
    return sum(Account.objects.filter(kind=kind).values_list("balance_minor", flat=True))


class TestWaiver:
    def test_the_whole_penalty(self, paid: Hold, me: Viewer, cancel: Cancel) -> None:
        done = cancel(paid(2), "strike: no crew", waive_penalty=True)

        row = Cancellation.objects.get()
        assert (done.penalty.minor, done.refund.minor, wallet(me)) == (0, 9_000, 50_000)
        assert (row.reason_code, row.reason, row.penalty_waived) == (
            *("strike", "strike: no crew", True),
        )
        # The tier's half of 45.00 each is remembered as waived.
        assert (
            list(CancelledCoupon.objects.values_list("waived_minor", "penalty_basis_points"))
            == [(2_250, 5_000)] * 2
        )
        assert balance("penalty") == 0

    def test_a_part_of_it(self, paid: Hold, me: Viewer, cancel: Cancel) -> None:
        done = cancel(
            paid(1),
            "goodwill",
            waive_penalty=True,
            waive_basis_points=3_333,
            reason_code="goodwill",
        )

        # 33.33 % of 22.50 are 7.499, rounded to 7.50: 15.00 stay.
        assert (done.penalty.minor, done.refund.minor) == (1_500, 3_000)
        line = CancelledCoupon.objects.get()
        assert (line.penalty_minor, line.refund_minor, line.waived_minor) == (1_500, 3_000, 750)
        assert (wallet(me), balance("penalty")) == (50_000 - 4_500 + 3_000, 1_500)

    def test_of_nothing_is_nothing(
        self, paid: Hold, cancel: Cancel, train: factories.Trip, me: Viewer
    ) -> None:
        """What the carrier called off costs nothing, so nothing is waived."""
        reservation = paid(1)
        Departure.objects.filter(id=train.departure.id).update(state="cancelled")

        cancel(reservation, "carrier", waive_penalty=True)

        row = Cancellation.objects.get()
        assert (row.reason_code, row.penalty_waived) == ("carrier", False)
        assert wallet(me) == 50_000

    @pytest.mark.parametrize(
        ("reason", "code"),
        [
            ("Strike", "strike"),
            ("missed connection", "missed_connection"),
            ("Staff-Error: wrong day", "staff_error"),
            ("DEATH", "death"),
            ("Asked by phone.", "goodwill"),
            ("strikes me as odd", "goodwill"),
            ("", "goodwill"),
        ],
    )
    def test_reads_the_reason_out_of_the_words(
        self, paid: Hold, cancel: Cancel, reason: str, code: str
    ) -> None:
        cancel(paid(1), reason, waive_penalty=True)

        row = Cancellation.objects.get()
        assert (row.reason_code, row.reason) == (code, reason)
        assert Refund.objects.get().reason_code == code

    def test_without_one_it_is_the_traveller_s_wish(self, paid: Hold, cancel: Cancel) -> None:
        cancel(paid(1), "Asked by phone.")

        assert Cancellation.objects.get().reason_code == "wish"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"waive_basis_points": 0},
            {"waive_basis_points": -1},
            {"waive_basis_points": 10_001},
            {"waive_basis_points": 10**30},
            {"reason_code": "wish"},
            {"reason_code": "because"},
        ],
    )
    def test_bad_words_and_shares_are_refused(
        self, paid: Hold, cancel: Cancel, wrong: dict[str, Any]
    ) -> None:
        reservation = paid(1)
        before = selling.everything()

        with pytest.raises(InvalidInput):
            cancel(reservation, "x", **{"waive_penalty": True} | wrong)

        assert selling.everything() == before

    def test_an_unknown_reason_without_a_waiver_is_refused(
        self, paid: Hold, cancel: Cancel
    ) -> None:
        with pytest.raises(InvalidInput):
            cancel(paid(1), "x", reason_code="because")

    def test_nobody_waives_an_own_penalty(
        self, paid: Hold, traveller: User, noon: datetime
    ) -> None:
        reservation = paid(1)
        own = Viewer(user_id=traveller.pk, is_support=True)

        with pytest.raises(NotAllowed):
            desk.cancel_reservation(
                viewer=own,
                reservation_id=reservation.id,
                reason="strike",
                waive_penalty=True,
                now=noon,
            )

        assert Reservation.objects.get().state == "paid"


class TestAfterDeparture:
    @pytest.mark.parametrize("code", sorted(AFTER_DEPARTURE))
    def test_some_reasons_reach_what_has_left(
        self, paid: Hold, me: Viewer, cancel: Cancel, code: str
    ) -> None:
        done = cancel(paid(1), code, waive_penalty=True, now=DEPARTS + timedelta(days=3))

        assert (done.refund.minor, wallet(me)) == (4_500, 50_000)
        assert done.reservation.status == "Cancelled"
        assert not Claim.objects.exists()

    def test_in_part_too(self, paid: Hold, cancel: Cancel) -> None:
        done = cancel(paid(1), "death", waive_penalty=True, waive_basis_points=5_000, now=DEPARTS)

        # After departure all 45.00 would be kept; half of it is waived.
        assert (done.penalty.minor, done.refund.minor) == (2_250, 2_250)

    @pytest.mark.parametrize(
        ("reason", "waive"), [("goodwill", True), ("", True), ("strike", False), ("", False)]
    )
    def test_others_do_not(self, paid: Hold, cancel: Cancel, reason: str, waive: bool) -> None:
        reservation = paid(1)
        before = selling.everything()

        with pytest.raises(NotCancellable):
            cancel(reservation, reason, waive_penalty=waive, now=DEPARTS)

        assert selling.everything() == before

    def test_a_used_coupon_refunds_nothing_whatever_the_reason(
        self, paid: Hold, cancel: Cancel
    ) -> None:
        reservation = paid(1)
        Coupon.objects.update(state="used")

        with pytest.raises(NotCancellable):
            cancel(reservation, "carrier", waive_penalty=True, now=DEPARTS)


class TestTheSecondPerson:
    @pytest.fixture
    def waiting(self, paid: Hold, cancel: Cancel, settings: Any) -> Refund:
        """90.00 of two coupons, of which 45.00 were waived, above a limit of 89.99."""
        settings.REFUND_APPROVAL_LIMIT = 8_999
        done = cancel(paid(2), "strike", waive_penalty=True)
        assert done.refund_state == "pendingApproval"
        return Refund.objects.get()

    def test_is_asked_above_the_limit_only(self, paid: Hold, cancel: Cancel, settings: Any) -> None:
        settings.REFUND_APPROVAL_LIMIT = 9_000
        assert cancel(paid(2), "strike", waive_penalty=True).refund_state == "done"

    def test_is_asked_when_several_refunds_of_one_payment_go_beyond_the_limit(
        self, paid: Hold, cancel: Cancel, second: User, settings: Any, noon: datetime
    ) -> None:
        """Three seats of 45.00: two go back alone (90.00), the third (135.00 in all) does not."""
        settings.REFUND_APPROVAL_LIMIT = 9_000
        reservation = paid(3)
        people = [one.id for one in reservation.passengers]

        def one(passenger_id: int) -> str:
            done = cancel(reservation, "strike", waive_penalty=True, passenger_ids=[passenger_id])
            return str(done.refund_state)

        assert [one(people[0]), one(people[1])] == ["done", "done"]
        quote = services.quote_cancellation(
            viewer=Viewer(is_support=True),
            reservation_id=reservation.id,
            waiver=Waiver("strike"),
            now=noon,
        )
        assert services.waits_for_approval(quote=quote)
        assert one(people[2]) == "pendingApproval"

    def test_counts_what_a_second_person_has_seen_no_more(
        self, paid: Hold, cancel: Cancel, second: User, settings: Any, noon: datetime
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_499
        reservation = paid(2)
        first, other = (one.id for one in reservation.passengers)
        cancel(reservation, "strike", waive_penalty=True, passenger_ids=[first])
        services.approve_refund(refund_id=Refund.objects.get().pk, approver_id=second.pk, now=noon)
        settings.REFUND_APPROVAL_LIMIT = 4_500

        done = cancel(reservation, "strike", waive_penalty=True, passenger_ids=[other])

        assert done.refund_state == "done"

    def test_what_the_holder_took_back_is_not_staffs(
        self, paid: Hold, cancel: Cancel, me: Viewer, settings: Any, noon: datetime
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_500
        reservation = paid(2)
        first, other = (one.id for one in reservation.passengers)
        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            passenger_ids=[first],
            actor=Actor("holder", me.user_id),
            now=noon,
        )

        done = cancel(reservation, "strike", waive_penalty=True, passenger_ids=[other])

        assert done.refund_state == "done"

    def test_knows_who_asked(self, waiting: Refund, staff: User) -> None:
        assert (waiting.requested_by_id, waiting.decided_by_id) == (staff.pk, None)
        assert not Receipt.objects.filter(kind="credit_note").exists()

    def test_approves(self, waiting: Refund, second: User, me: Viewer, noon: datetime) -> None:
        assert wallet(me) == 41_000

        services.approve_refund(refund_id=waiting.pk, approver_id=second.pk, now=noon)

        waiting.refresh_from_db()
        assert (waiting.state, waiting.decided_by_id, waiting.decided_at) == (
            *("done", second.pk, noon),
        )
        assert wallet(me) == 50_000
        assert Receipt.objects.get(kind="credit_note").total_minor == 9_000

    def test_rejects_and_the_rules_hold(
        self, waiting: Refund, second: User, me: Viewer, noon: datetime
    ) -> None:
        owed = services.reject_refund(
            refund_id=waiting.pk, approver_id=second.pk, note="No strike that day.", now=noon
        )

        # The tier keeps half of 90.00; the other half is owed and goes back at once.
        assert owed == Money(4_500, "EUR")
        assert (wallet(me), balance("penalty"), balance("returns")) == (45_500, 4_500, 0)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.note) == ("rejected", "No strike that day.")
        assert (waiting.amount_minor, waiting.decided_by_id) == (9_000, second.pk)
        cancellation = Cancellation.objects.get()
        assert cancellation.penalty_waived is False
        rest = cancellation.refund
        assert (rest.state, rest.amount_minor, rest.reference) == (
            *("done", 4_500, f"cancellation:{cancellation.pk}:owed"),
        )
        assert (
            list(
                CancelledCoupon.objects.values_list("penalty_minor", "refund_minor", "waived_minor")
            )
            == [(2_250, 2_250, 0)] * 2
        )
        moved = Transfer.objects.get(reference=f"refund:{waiting.pk}:rejected")
        assert sorted(moved.entries.values_list("amount_minor", flat=True)) == [-4_500, 4_500]
        assert Receipt.objects.get(kind="credit_note").total_minor == 4_500

    def test_rejecting_leaves_the_seats_free(
        self, waiting: Refund, second: User, noon: datetime
    ) -> None:
        services.reject_refund(refund_id=waiting.pk, approver_id=second.pk, note="No.", now=noon)

        assert not Claim.objects.exists()
        assert Reservation.objects.get().state == "cancelled"
        event = ReservationEvent.objects.get(kind="refund_rejected")
        assert (event.actor_kind, event.actor_id, event.reason) == ("staff", second.pk, "No.")

    def test_the_traveller_reads_of_it_and_not_the_note(
        self, waiting: Refund, second: User, traveller: User, noon: datetime, clock: Clock
    ) -> None:
        note = "He was drunk at the gate."
        services.reject_refund(refund_id=waiting.pk, approver_id=second.pk, note=note, now=noon)
        browser = Client()
        browser.force_login(traveller)

        page = browser.get(f"/booking/{waiting.payment.reservation.locator}/").content.decode()

        assert "Refund looked at again" in page
        assert "drunk" not in page

    def test_the_traveller_is_told(self, waiting: Refund, second: User, noon: datetime) -> None:
        services.reject_refund(refund_id=waiting.pk, approver_id=second.pk, note="No.", now=noon)

        message = OutboxMessage.objects.get(kind="payments.refund_rejected")
        assert message.recipient == "ada@example.org"
        assert "€45.00" in message.body
        assert "No." not in message.body

    def test_a_card_gets_what_is_owed_from_the_provider(
        self,
        hold: Hold,
        me: Viewer,
        cancel: Cancel,
        second: User,
        settings: Any,
        noon: datetime,
        clock: Clock,
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0
        reservation = hold(1)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )
        cancel(reservation, "goodwill", waive_penalty=True)
        services.reject_refund(
            refund_id=Refund.objects.get().pk, approver_id=second.pk, note="No.", now=noon
        )
        settle_due()

        states = Refund.objects.order_by("id").values_list("state", "amount_minor")
        assert list(states) == [("rejected", 4_500), ("done", 2_250)]
        assert Account.objects.get(code="gateway:sandbox:EUR").balance_minor == -2_250

    def test_what_was_all_waived_leaves_nothing_owed(
        self, paid: Hold, me: Viewer, cancel: Cancel, second: User, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0
        cancel(paid(1), "death", waive_penalty=True, now=DEPARTS)

        owed = services.reject_refund(
            refund_id=Refund.objects.get().pk, approver_id=second.pk, note="No.", now=DEPARTS
        )

        assert (owed.minor, wallet(me), balance("penalty")) == (0, 45_500, 4_500)
        assert Refund.objects.count() == 1

    def test_what_the_rules_give_nobody_rejects(
        self, paid: Hold, cancel: Cancel, second: User, settings: Any, noon: datetime
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0
        cancel(paid(1), "Asked by phone.")
        refund = Refund.objects.get()

        with pytest.raises(NothingWaived):
            services.reject_refund(refund_id=refund.pk, approver_id=second.pk, note="No.", now=noon)

        refund.refresh_from_db()
        assert refund.state == "pendingApproval"

    def test_the_first_person_does_not_reject_either(
        self, waiting: Refund, staff: User, traveller: User, noon: datetime
    ) -> None:
        for who in (staff, traveller):
            with pytest.raises(NotAllowed):
                services.reject_refund(
                    refund_id=waiting.pk, approver_id=who.pk, note="No.", now=noon
                )
        waiting.refresh_from_db()
        assert waiting.state == "pendingApproval"

    def test_decides_once(self, waiting: Refund, second: User, me: Viewer, noon: datetime) -> None:
        services.reject_refund(refund_id=waiting.pk, approver_id=second.pk, note="No.", now=noon)

        with pytest.raises(NotAwaitingApproval):
            services.approve_refund(refund_id=waiting.pk, approver_id=second.pk, now=noon)
        with pytest.raises(NotAwaitingApproval):
            services.reject_refund(
                refund_id=waiting.pk, approver_id=second.pk, note="No.", now=noon
            )
        assert wallet(me) == 45_500

    def test_an_unknown_one_is_not_there(self, second: User, noon: datetime) -> None:
        with pytest.raises(NotFound):
            services.reject_refund(refund_id=999, approver_id=second.pk, note="No.", now=noon)

    def test_the_fee_of_the_office_follows(
        self,
        train: factories.Trip,
        paid: Hold,
        me: Viewer,
        cancel: Cancel,
        second: User,
        settings: Any,
        noon: datetime,
    ) -> None:
        """The carrier leaves 10 %: the fee of what is given back is given back, and no more."""
        settings.REFUND_APPROVAL_LIMIT = 0
        CarrierTerms.objects.create(
            carrier=train.departure.service.carrier,
            valid_from=noon.date(),
            fee_basis_points=1_000,
        )
        reservation = paid(1)
        assert (balance("carrier"), balance("fee")) == (4_050, 450)
        cancel(reservation, "strike", waive_penalty=True)
        assert (balance("fee"), balance("penalty"), balance("returns")) == (0, 0, 4_500)

        services.reject_refund(
            refund_id=Refund.objects.get().pk, approver_id=second.pk, note="No.", now=noon
        )

        # Half of 45.00 stays: half of the fee's 4.50, and the rest of 22.50 is penalty.
        assert (balance("carrier"), balance("fee"), balance("penalty")) == (0, 225, 2_025)
        assert wallet(me) == 50_000 - 4_500 + 2_250
