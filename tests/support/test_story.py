"""The story of a reservation: nothing missing for staff, nothing internal for the traveller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.engine.contract import Actor
from bookings.models import Coupon, PriceLine, Reservation, ReservationEvent
from inventory import selectors as inventory
from inventory.models import PenaltyTier
from payments import services as paying
from payments.models import Entry, Refund
from support import services, story
from support.services import acting
from support.story import books, words
from support.story.prices import Bill, bills
from support.story.sums import sums_of
from support.story.words import FAMILIES
from tests import factories, selling
from tests.bookings import disrupted
from tests.conftest import Clock
from tests.factories import Trip
from tests.support import long_story
from travel.common.models import OutboxMessage
from travel.common.money import Money
from travel.common.templatetags.look import money_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

STAFF = Viewer(is_support=True)
# What only staff may know of the long story.
INTERNAL = [
    "Third time this month.",
    "Sam Porter",
    "Fin Ledger",
    "Olga Novak",
    "Bob could not reach Hamburg",
    "Wants a window",
    "Lost the mail",
    "For the trouble",
    "Broken heating",
    "evt-told-once",
    "payment-",
    "secret",
]


def read(reservation_id: int, now: datetime) -> tuple[Any, books.Books]:
    reservation = bookings.get_reservation(viewer=STAFF, reservation_id=reservation_id, now=now)
    return reservation, books.read_all(reservation)


@pytest.fixture
def lived(train: Trip, clock: Clock, settings: Any) -> int:
    return long_story.live(train, long_story.people(), clock, settings)


class TestWhatTheTravellerIsTold:
    def test_is_nothing_of_what_only_staff_know(self, lived: int) -> None:
        told = story.read(lived, public=True)

        assert {one.source for one in told} == {"event", "message", "report", "answer"}
        text = repr(told)
        assert [word for word in INTERNAL if word in text] == []

    def test_of_every_kind_of_event_staffs_reason_is_left_out(self, lived: int, noon: Any) -> None:
        for kind in ReservationEvent.Kind.values:
            ReservationEvent.objects.create(
                reservation_id=lived,
                at=noon,
                kind=kind,
                from_state="paid",
                to_state="paid",
                actor_kind="staff",
                reason=f"internal {kind}",
            )
        # Whoever audits finds these moves in no order: they are told here alone.
        told = story.read(lived, public=True)
        ReservationEvent.objects.filter(reason__startswith="internal ").delete()

        kinds = {one.kind for one in told if one.source == "event"}
        assert kinds == story.PUBLIC_EVENTS
        # A payment that failed has the provider's word for the payer.
        assert [one.reason for one in told if one.reason.startswith("internal")] == [
            "internal payment_failed"
        ]

    def test_a_message_that_never_went_out_is_for_staff(self, lived: int, noon: Any) -> None:
        OutboxMessage.objects.filter(kind="bookings.rebooked").delete()
        row = OutboxMessage.objects.filter(about=f"reservation:{lived}").order_by("id")[0]
        OutboxMessage.objects.filter(pk=row.pk).update(sent_at=None, given_up_at=noon)

        told = [
            one.details["subject"]
            for one in story.read(lived, public=True)
            if one.source == "message"
        ]
        assert row.subject not in told
        assert "given_up" in [one.details.get("state") for one in read(lived, noon)[1].entries]

    def test_both_readings_agree_on_what_is_public(self, lived: int, clock: Clock) -> None:
        public = story.read(lived, public=True)
        _reservation, found = read(lived, clock.now())

        mine = [(one.at, one.source, one.kind) for one in found.entries if one.is_public]
        assert sorted(mine) == sorted((one.at, one.source, one.kind) for one in public)


class TestWhatStaffAreTold:
    def test_every_book_has_its_entries_and_words(self, lived: int, clock: Clock) -> None:
        reservation, found = read(lived, clock.now())
        told = words.tell_all(reservation, found)

        assert {one.entry.source for one in told} == {
            *("event", "payment", "refund", "webhook", "cancellation", "goodwill", "receipt"),
            *("ledger", "message", "report", "answer", "note", "scan", "desk", "job"),
        }
        assert all(one.title and one.families <= set(FAMILIES) for one in told)
        assert [one.entry.at for one in told] == sorted(one.entry.at for one in told)
        assert "secret" not in repr(told)

    def test_a_transfer_is_told_by_account_and_sums_to_nothing(
        self, lived: int, clock: Clock
    ) -> None:
        reservation, found = read(lived, clock.now())
        transfers = [one for one in words.tell_all(reservation, found) if one.parts]

        assert len(transfers) == Entry.objects.values("transfer").distinct().count()
        assert [sum(amount.minor for _name, amount in one.parts) for one in transfers] == [0] * len(
            transfers
        )
        sale = next(one for one in transfers if one.title == "Ledger: Payment")
        assert {name: money_text(amount) for name, amount in sale.parts} == {
            "Gateway clearing, sandbox": "−€90.00",
            "Carrier payable, Test Railway": "€90.00",
        }

    def test_takes_one_statement_however_long_it_is(
        self, lived: int, clock: Clock, noon: datetime
    ) -> None:
        reservation, _found = read(lived, clock.now())
        for number in range(300):
            OutboxMessage.objects.create(
                kind="bookings.tickets",
                channel="sms",
                recipient="+491711234567",
                subject=f"Note {number}",
                about=f"reservation:{lived}",
                created_at=noon,
                due_at=noon,
            )

        with CaptureQueriesContext(connection) as queries:
            found = books.read_all(reservation)

        assert len(queries) == 1
        assert sum(one.source == "message" for one in found.entries) >= 300

    def test_another_reservation_has_none_of_it(
        self, lived: int, train: Trip, clock: Clock, stranger: User
    ) -> None:
        other = selling.reserve(
            stranger,
            disrupted.another(
                train, starts_at=clock.now() + timedelta(days=3), run="later"
            ).ticket_id(),
            now=clock.now(),
        )

        _reservation, found = read(other.id, clock.now())

        assert {one.source for one in found.entries} == {"event", "message"}


class TestSums:
    def test_add_up_to_the_cent(self, lived: int, clock: Clock) -> None:
        reservation, found = read(lived, clock.now())
        sums = sums_of(reservation, found)

        assert (sums.received, sums.valid) == (Money(9_000, "EUR"), Money(4_500, "EUR"))
        assert (sums.kept, sums.back) == (Money(1_350, "EUR"), Money(3_150, "EUR"))
        assert (sums.waived, sums.goodwill) == (Money(900, "EUR"), Money(500, "EUR"))
        assert sums.adds_up
        assert not sums.owed

    def test_say_when_a_book_is_wrong(self, lived: int, clock: Clock) -> None:
        reservation, found = read(lived, clock.now())
        refund = next(one for one in found.entries if one.source == "refund")
        refund.details["amount"] = Money(3_149, "EUR")

        assert sums_of(reservation, found).differs == Money(1, "EUR")

    def test_of_a_hold_are_what_is_to_pay(
        self, train: Trip, traveller: User, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)

        sums = sums_of(*read(held.id, noon))
        assert (sums.to_pay, sums.received) == (Money(4_500, "EUR"), Money(0, "EUR"))
        assert sums.adds_up
        gone = noon + timedelta(minutes=11)
        assert sums_of(*read(held.id, gone)).to_pay == Money(0, "EUR")

    def test_count_what_waits_for_a_second_person(
        self, train: Trip, traveller: User, noon: datetime, staff: User, settings: Any
    ) -> None:
        settings.REFUND_APPROVAL_LIMIT = 0
        paid = buy(traveller, train.ticket_id(), noon)
        cancel(paid, staff, noon)

        sums = sums_of(*read(paid, noon))
        assert (sums.waits, sums.back) == (Money(2_250, "EUR"), Money(0, "EUR"))
        assert sums.adds_up

    def test_a_rejected_refund_moves_nothing(
        self, train: Trip, traveller: User, noon: datetime, staff: User, settings: Any
    ) -> None:
        """All of 22.50 was to be waived; a colleague says no, so that 22.50 go back."""
        settings.REFUND_APPROVAL_LIMIT = 0
        paid = buy(traveller, train.ticket_id(), noon)
        cancel(paid, staff, noon, waive=True)
        fin = factories.make_user(is_staff=True, roles=["finance"])
        paying.reject_refund(
            refund_id=Refund.objects.get().pk, approver_id=fin.pk, note="No", now=noon
        )

        reservation, found = read(paid, noon)
        sums = sums_of(reservation, found)
        assert (sums.kept, sums.back) == (Money(2_250, "EUR"), Money(2_250, "EUR"))
        assert sums.adds_up
        [bill] = bills_of(paid, noon)
        assert [line.label for line in bill.ending] == ["Kept by the fare", "Not waived after all"]
        assert bill.back == Money(2_250, "EUR")


def buy(who: User, ticket_id: int, now: datetime, **options: Any) -> int:
    held = selling.reserve(who, ticket_id, now=now, **options)
    paying.open_with(user_id=who.pk, amount=Money(100_000, "EUR"), now=now)
    paying.pay(
        viewer=Viewer(user_id=who.pk), reservation_id=held.id, method="Wallet", token=None, now=now
    )
    return held.id


def cancel(reservation_id: int, staff: User, now: datetime, *, waive: bool = False) -> None:
    services.cancel_reservation(
        viewer=Viewer(user_id=staff.pk, is_support=True),
        reservation_id=reservation_id,
        reason="strike: no crew",
        waive_penalty=waive,
        now=now,
    )


def bills_of(reservation_id: int, now: datetime) -> list[Bill]:
    reservation, found = read(reservation_id, now)
    versions = {one.fare_version_id for one in reservation.coupons}
    return bills(reservation, found, inventory.sold_fares(versions), now=now)


class TestBills:
    def test_each_line_has_its_rule(self, train: Trip, traveller: User, noon: datetime) -> None:
        """800 km: 5.00 + 40.00 = 45.00; a child pays half, 22.50, of which 1.47 are tax."""
        paid = buy(traveller, train.ticket_id(), noon, passengers=selling.party("adult", "child"))

        adult, child = bills_of(paid, noon)

        assert [(line.label, line.rules, money_text(line.amount)) for line in child.lines] == [
            (
                "Saver",
                [
                    "€5.00 + 800 km × €0.05 a km",
                    "makes €45.00 for an adult",
                    "Child: 50 % of €45.00, €22.50",
                    "The tax in it stands below.",
                ],
                "€21.03",
            ),
            ("Tax", ["7 %, contained in €22.50"], "€1.47"),
        ]
        assert adult.lines[0].amount == Money(4_206, "EUR")
        assert adult.version == "Saver, the version on sale since 1 Jan 2026, 01:00"

    def test_a_fee_and_a_round_trip_have_theirs(
        self, timetable: factories.Timetable, traveller: User, noon: datetime
    ) -> None:
        """The flight: 20.00 + 600 km × 0.10 = 80.00, and 2.50 a seat."""
        [bill] = bills_of(buy(traveller, timetable.flight.ticket_id(), noon), noon)

        assert [(line.label, line.rules[-1], money_text(line.amount)) for line in bill.lines] == [
            ("Light", "makes €80.00 for an adult", "€80.00"),
            ("Fee", "For each passenger with a seat", "€2.50"),
        ]

    def test_a_price_that_the_rule_does_not_give_is_called_copied(
        self, train: Trip, traveller: User, noon: datetime
    ) -> None:
        paid = buy(traveller, train.ticket_id(), noon)
        # The way is measured anew, and is longer now.
        last = train.calls[-1]
        type(last).objects.filter(pk=last.pk).update(distance_m=900_000)

        [bill] = bills_of(paid, noon)

        assert bill.lines[0].rules == ["Copied when it was sold."]
        assert PriceLine.objects.get(coupon=bill.coupon.id, kind="fare").amount_minor == 4_206

    def test_what_cancelling_costs_now_and_next(
        self, train: Trip, traveller: User, noon: datetime
    ) -> None:
        """18 hours before: half. From the last hour on, 05:00 UTC, all of it."""
        [bill] = bills_of(buy(traveller, train.ticket_id(), noon), noon)

        assert [(one.is_now, one.kept, one.back) for one in bill.steps] == [
            (True, Money(2_250, "EUR"), Money(2_250, "EUR")),
            (False, Money(4_500, "EUR"), Money(0, "EUR")),
        ]
        assert bill.steps[0].rule == "50 % of €45.00, until 1 h 00 min before departure"
        assert bill.steps[1].starts_at == noon + timedelta(hours=17)
        disrupted.call_off(train)
        [off] = bills_of(bill.coupon.id and Reservation.objects.get().pk, noon)
        assert [(one.kept, one.back) for one in off.steps] == [
            (Money(0, "EUR"), Money(4_500, "EUR"))
        ]

    @pytest.mark.parametrize(
        ("least", "share", "kept", "rule"),
        [
            (2_250, 5_000, 2_250, "50 % of €45.00"),
            (
                3_000,
                5_000,
                3_000,
                "The least that is kept, €30.00 (50 % of €45.00 would be €22.50)",
            ),
            (9_000, 5_000, 4_500, "All of €45.00: €90.00 is the least"),
            (0, 0, 0, "Free of charge"),
        ],
    )
    def test_the_least_of_a_tier_is_told_before_and_after(
        self,
        train: Trip,
        traveller: User,
        noon: datetime,
        least: int,
        share: int,
        kept: int,
        rule: str,
    ) -> None:
        PenaltyTier.objects.filter(fare_version__fare=train.fares[0]).update(
            minimum_minor=least, basis_points=share
        )
        booked = buy(traveller, train.ticket_id(), noon)

        [before] = bills_of(booked, noon)
        paying.cancel_and_refund(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=booked,
            actor=Actor("holder", traveller.pk),
            now=noon,
        )
        [after] = bills_of(booked, noon)

        told = f"{rule}, until 1 h 00 min before departure"
        assert (before.steps[0].rule, before.steps[0].kept) == (told, Money(kept, "EUR"))
        assert after.ending[0].rules == [f"{told}; it was cancelled 18 h 00 min before"]
        assert after.ending[0].amount == Money(-kept, "EUR")

    def test_of_the_long_story_it_says_why_31_50_came_back(self, lived: int, clock: Clock) -> None:
        bob = next(one for one in bills_of(lived, clock.now()) if one.ending)

        assert [(line.label, money_text(line.amount)) for line in bob.ending] == [
            ("Kept by the fare", "−€22.50"),
            ("Waived of it", "€9.00"),
        ]
        assert bob.back == Money(3_150, "EUR")
        assert bob.ending[1].rules == ["Strike", "Bob could not reach Hamburg", "by Sam Porter"]

    def test_a_rebooked_ticket_keeps_its_price_and_says_what_it_stands_for(
        self, train: Trip, traveller: User, staff: User, noon: datetime
    ) -> None:
        paid = buy(traveller, train.ticket_id(), noon)
        later = disrupted.another(train, starts_at=noon + timedelta(days=1, hours=2), run="again")
        acting.rebook(
            viewer=Viewer(user_id=staff.pk, is_support=True),
            reservation_id=paid,
            ticket_id=train.ticket_id(),
            to_ticket_id=later.ticket_id(),
            reason="Fell ill",
            now=noon,
        )

        [bill] = bills_of(paid, noon)

        assert bill.instead_of is not None
        assert bill.instead_of.id == train.ticket_id()
        assert bill.lines[0].rules[0] == "€5.00 + 800 km × €0.05 a km"
        assert Coupon.objects.filter(state="cancelled").count() == 1
        assert sums_of(*read(paid, noon)).adds_up
