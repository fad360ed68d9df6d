"""At the door: each ticket is let in once, whoever shows it and whenever the office hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import manifest, services
from bookings.engine.contract import SYSTEM, Actor
from bookings.models import Coupon, ManifestCopy, Passenger, ReservationEvent, Scan
from bookings.verdicts import Hint
from inventory.models import Call, Departure, Membership
from payments import services as money
from payments.models import Refund
from payments.penalties import Waiver
from tests import factories, selling
from tests.bookings.boarding import (
    B,
    code_of,
    coupons,
    merged,
    outcomes,
    refused,
    show,
    sold,
    state_of,
)
from tests.factories import Trip
from travel.common.errors import InvalidInput, NotFound
from travel.common.models import Job

OFFICE = Viewer(is_support=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story at the door ends with the audit."""


@pytest.fixture
def early(noon: datetime) -> datetime:
    """Half an hour before the train leaves Hamburg, 2 June 2026, 05:30 UTC."""
    return noon.replace(day=2, hour=5, minute=30)


@pytest.fixture
def mine(traveller: User, train: Trip, noon: datetime) -> int:
    """The traveller's paid ticket, Hamburg to Munich."""
    return coupons(sold(traveller, train, now=noon))[0]


class TestLettingIn:
    def test_a_good_ticket_once(self, staff, train, mine, early) -> None:
        first = show(staff, train, now=early, code=code_of(mine))
        second = show(staff, train, now=early + MINUTE, code=code_of(mine), device=B)

        assert (first.word, first.let_in, first.hints) == ("admitted", True, [])
        assert (second.word, second.let_in) == ("already_used", False)
        assert second.rider.admission.at == early
        assert (second.rider.admission.staff, second.rider.admission.stop) == ("Sam", 0)
        assert state_of(mine) == "used"
        assert outcomes() == [("admitted", True), ("already_used", False)]
        told = ReservationEvent.objects.get(kind="boarded")
        assert (told.actor_kind, told.actor, told.details["coupon"]) == ("staff", staff, mine)

    def test_the_same_showing_twice_is_one(self, staff, train, mine, early) -> None:
        sent = {"code": code_of(mine), "client_id": "client-twice"}
        first = show(staff, train, now=early, **sent)
        again = show(staff, train, now=early + MINUTE, **sent)

        assert (first.word, again.word, again.let_in) == ("admitted", "admitted", True)
        assert Scan.objects.count() == 1
        assert ReservationEvent.objects.filter(kind="boarded").count() == 1

    def test_by_booking_code(self, staff, traveller, train, noon, early) -> None:
        booked = sold(traveller, train, now=noon)
        typed = f" {booked.locator[:3].lower()}-{booked.locator[3:]} "

        assert show(staff, train, now=early, code=typed).word == "admitted"
        assert show(staff, train, now=early, code=typed).word == "already_used"

    def test_a_party_is_asked_who_it_is(self, staff, traveller, train, noon, early) -> None:
        booked = sold(traveller, train, now=noon, kinds=["adult", "child"])
        asked = show(staff, train, now=early, code=booked.locator)

        assert (asked.word, asked.let_in) == ("choose", False)
        assert [one.coupon_id for one in asked.choices] == coupons(booked)
        assert outcomes() == []
        chosen = show(staff, train, now=early, coupon_id=coupons(booked)[1], how="list")
        assert (chosen.word, chosen.rider.kind) == ("admitted", "child")
        assert [state_of(one) for one in coupons(booked)] == ["open", "used"]

    def test_of_a_party_only_what_is_not_cancelled_is_asked(
        self, staff, traveller, train, noon, early
    ) -> None:
        booked = sold(traveller, train, now=noon, kinds=["adult", "adult"])
        money.cancel_and_refund(
            viewer=OFFICE,
            reservation_id=booked.id,
            passenger_ids=[booked.passengers[0].id],
            actor=SYSTEM,
            now=noon,
        )

        answer = show(staff, train, now=early, code=booked.locator)

        assert (answer.word, answer.rider.coupon_id) == ("admitted", coupons(booked)[1])

    def test_at_a_later_stop_than_booked(self, staff, train, mine, early) -> None:
        answer = show(staff, train, now=early + timedelta(hours=2), stop=1, code=code_of(mine))

        assert (answer.word, answer.hints) == ("admitted", [Hint.JOINED_LATER])

    def test_in_another_coach_and_with_a_seat_that_changed(self, staff, train, mine, early) -> None:
        code = code_of(mine, seats=(("1", "9Z"),))

        answer = show(staff, train, now=early, code=code, coach="2")

        assert answer.hints == [Hint.OTHER_COACH, Hint.SEAT_CHANGED]

    def test_an_older_issue_is_told(self, staff, train, mine, early) -> None:
        code = code_of(mine)
        Coupon.objects.filter(id=mine).update(issue=2)

        assert show(staff, train, now=early, code=code).hints == [Hint.OLD_ISSUE]

    def test_a_wheelchair_space_is_told(self, staff, train, mine, early) -> None:
        Passenger.objects.update(seat_wish="accessible")

        assert show(staff, train, now=early, code=code_of(mine)).hints == [Hint.WHEELCHAIR]


class TestTurningAway:
    def test_what_nobody_signed(self, staff, train, mine, early) -> None:
        code = code_of(mine)
        forged = code[:-3] + ("000" if code[-3:] != "000" else "111")

        answer = show(staff, train, now=early, code=forged)

        assert (answer.word, answer.rider) == ("forged", None)
        assert state_of(mine) == "open"

    @pytest.mark.parametrize("code", ["", "QQQQQQ", "TKT1:", "ABC", "x" * 1_200])
    def test_what_is_no_ticket(self, staff, train, mine, early, code: str) -> None:
        assert show(staff, train, now=early, code=code).word == "unknown"

    def test_a_secret_that_was_drawn_anew(self, staff, train, mine, early) -> None:
        code = code_of(mine)
        Coupon.objects.filter(id=mine).update(barcode="another-secret")

        assert show(staff, train, now=early, code=code).word == "unknown"

    def test_another_departure_and_which(
        self, staff, traveller, train, flight, noon, early
    ) -> None:
        other = coupons(sold(traveller, flight, now=noon))[0]

        answer = show(staff, train, now=early, code=code_of(other))

        assert (answer.word, answer.rider) == ("wrong_departure", None)
        assert answer.elsewhere.service.number == "QX 2024"
        assert state_of(other) == "open"

    def test_another_day(self, staff, traveller, train, noon, early) -> None:
        stops = [
            factories.Stop(call.station, 60 * place, 200 * place)
            for place, call in enumerate(train.calls)
        ]
        tomorrow = factories.make_trip(
            train.departure.service,
            train.departure.vehicle,
            starts_at=early + timedelta(days=1),
            stops=stops,
        )
        other = coupons(sold(traveller, tomorrow, now=noon))[0]

        assert show(staff, train, now=early, code=code_of(other)).word == "wrong_day"

    def test_what_was_cancelled(self, staff, traveller, train, noon, early) -> None:
        booked = sold(traveller, train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=booked.id, actor=SYSTEM, now=noon)

        assert show(staff, train, now=early, code=code_of(coupons(booked)[0])).word == "cancelled"

    @pytest.mark.parametrize("waits", [5, 60])
    def test_what_was_never_paid(self, staff, traveller, train, early, waits: int) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=early - timedelta(minutes=20))
        now = early - timedelta(minutes=20 - waits)
        services.expire_holds(now=now)

        answer = show(staff, train, now=now, code=code_of(coupons(held)[0]))

        assert answer.word == "not_paid"

    def test_what_does_not_run(self, staff, train, mine, early) -> None:
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")

        assert show(staff, train, now=early, code=code_of(mine)).word == "not_running"
        assert state_of(mine) == "open"

    def test_behind_its_last_stop(self, staff, traveller, train, noon, early) -> None:
        short = coupons(sold(traveller, train, now=noon, end=2))[0]
        now = early + timedelta(hours=3)

        assert show(staff, train, now=now, stop=2, code=code_of(short)).word == "ended"

    def test_before_its_first_stop_unless_staff_insist(
        self, staff, traveller, train, noon, early
    ) -> None:
        later = coupons(sold(traveller, train, now=noon, start=2))[0]

        assert show(staff, train, now=early, code=code_of(later)).word == "boards_later"
        assert state_of(later) == "open"
        insisted = show(staff, train, now=early, coupon_id=later, insists=True)
        assert (insisted.word, insisted.let_in) == ("admitted", True)
        assert Scan.objects.get(let_in=True).insisted

    @pytest.mark.parametrize(("minutes", "word"), [(46, "too_early"), (45, "admitted")])
    def test_before_boarding_begins(
        self, staff, train, mine, early, minutes: int, word: str
    ) -> None:
        leaves = early + timedelta(minutes=30)
        now = leaves - timedelta(minutes=minutes)

        assert show(staff, train, now=now, code=code_of(mine)).word == word

    def test_boarding_of_a_late_train_begins_later(self, staff, train, mine, early) -> None:
        Call.objects.filter(pk=train.calls[0].pk).update(
            expected_departs_at=early + timedelta(hours=2)
        )

        assert show(staff, train, now=early, code=code_of(mine)).word == "too_early"

    def test_an_infant_before_its_adult(self, staff, traveller, train, noon, early) -> None:
        adult, infant = coupons(sold(traveller, train, now=noon, kinds=["adult", "infant"]))

        assert show(staff, train, now=early, coupon_id=infant).word == "needs_adult"
        assert show(staff, train, now=early, coupon_id=adult).hints == [Hint.WITH_INFANT]
        assert show(staff, train, now=early, coupon_id=infant).word == "admitted"
        assert show(staff, train, now=early, coupon_id=adult).word == "already_used"

    def test_nobody_insists_on_what_is_not_valid(
        self, staff, traveller, train, noon, early
    ) -> None:
        booked = sold(traveller, train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=booked.id, actor=SYSTEM, now=noon)

        answer = show(staff, train, now=early, coupon_id=coupons(booked)[0], insists=True)

        assert (answer.word, answer.let_in) == ("cancelled", False)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"stop": 9},
            {"how": "guessed"},
            {"client_id": "short"},
            {"client_id": "x" * 37},
            {"device": ""},
            {"coach": "x" * 21},
            {"code": "x" * 1_201},
        ],
    )
    def test_what_no_device_sends(self, staff, train, mine, early, wrong: dict) -> None:
        with pytest.raises(InvalidInput):
            show(staff, train, now=early, **({"coupon_id": mine} | wrong))
        assert outcomes() == []


class TestWhoMay:
    @pytest.mark.parametrize(
        ("role", "may"),
        [
            ("support agent", True),
            ("operations", True),
            ("administrator", True),
            ("finance", False),
            (None, False),
        ],
    )
    def test_roles(self, train, mine, early, role: str | None, may: bool) -> None:
        person = factories.make_user(is_staff=True, roles=[role] if role else [])

        if may:
            assert show(person, train, now=early, coupon_id=mine).word == "admitted"
        else:
            with pytest.raises(NotFound):
                show(person, train, now=early, coupon_id=mine)

    @pytest.mark.parametrize(
        ("role", "own", "may"),
        [
            ("operations", True, True),
            ("manager", True, True),
            ("viewer", True, False),
            ("manager", False, False),
        ],
    )
    def test_staff_of_a_carrier(self, train, flight, mine, early, role, own, may) -> None:
        person = factories.make_user(is_staff=True)
        trip = train if own else flight
        Membership.objects.create(user=person, carrier=trip.departure.service.carrier, role=role)

        assert (refused(lambda: show(person, train, now=early, coupon_id=mine)) == "done") is may

    def test_a_carriers_staff_do_not_learn_of_others_tickets(
        self, traveller, train, flight, noon, early
    ) -> None:
        person = factories.make_user(is_staff=True)
        Membership.objects.create(
            user=person, carrier=train.departure.service.carrier, role="manager"
        )
        other = sold(traveller, flight, now=noon)

        answer = show(person, train, now=early, code=other.locator)

        assert (answer.word, answer.elsewhere, answer.rider) == ("wrong_departure", None, None)

    def test_who_is_no_staff_any_more(self, staff, train, mine, early) -> None:
        User.objects.filter(pk=staff.pk).update(is_staff=False)

        with pytest.raises(NotFound):
            show(staff, train, now=early, coupon_id=mine)


class TestMerging:
    def test_what_one_device_let_in_offline(self, staff, train, mine, early) -> None:
        later = early + timedelta(hours=1)
        answer = merged(staff, train, now=later, at=early, coupon_id=mine, client_id="offline-1")
        again = merged(staff, train, now=later, at=early, coupon_id=mine, client_id="offline-1")

        assert (answer.word, answer.is_conflict) == ("admitted", False)
        assert (again.word, Scan.objects.count()) == ("admitted", 1)
        row = Scan.objects.get()
        assert (row.at, row.received_at) == (early, later)
        assert state_of(mine) == "used"

    @pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
    def test_two_devices_and_one_ticket(self, staff, train, mine, early, order) -> None:
        times = {"a": early, "b": early + MINUTE}
        for name in order:
            merged(
                staff,
                train,
                now=early + timedelta(hours=1),
                at=times[name],
                device=f"device-{name}",
                coupon_id=mine,
            )

        assert Scan.objects.filter(let_in=True).count() == 2
        rider = manifest.riders(train.departure.pk)[0]
        assert rider.admission.device == "device-a"
        found = manifest.conflicts(train.departure.pk)
        assert [(one.at, one.word) for one in found] == [(early + MINUTE, "already_used")]
        assert ReservationEvent.objects.filter(kind="boarded").count() == 1

    def test_a_ticket_cancelled_meanwhile(self, staff, traveller, train, noon, early) -> None:
        booked = sold(traveller, train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=booked.id, actor=SYSTEM, now=noon)
        coupon = coupons(booked)[0]

        answer = merged(staff, train, now=early + MINUTE, at=early, coupon_id=coupon)

        assert (answer.word, answer.let_in, answer.is_conflict) == ("cancelled", True, True)
        assert state_of(coupon) == "cancelled"
        assert [one.word for one in manifest.conflicts(train.departure.pk)] == ["cancelled"]

    def test_who_was_let_in_early_is_in(self, staff, train, mine, early) -> None:
        at = early - timedelta(hours=2)

        answer = merged(staff, train, now=early, at=at, coupon_id=mine)

        assert (answer.word, answer.is_conflict, state_of(mine)) == ("admitted", False, "used")

    def test_who_was_turned_away_stays_open(self, staff, train, mine, early) -> None:
        answer = merged(
            staff, train, now=early, at=early, coupon_id=mine, let_in=False, said="needs_adult"
        )

        assert (answer.word, answer.let_in, state_of(mine)) == ("needs_adult", False, "open")

    def test_a_clock_that_is_ahead(self, staff, train, mine, early) -> None:
        merged(staff, train, now=early, at=early + timedelta(days=3), coupon_id=mine)

        assert Scan.objects.get().at == early

    def test_a_lost_answer_and_a_device_that_let_in(self, staff, train, mine, early) -> None:
        show(staff, train, now=early, coupon_id=mine)
        sent = {"coupon_id": mine, "device": B, "client_id": "unanswered"}
        show(staff, train, now=early + MINUTE, **sent)

        for _again in range(2):
            merged(staff, train, now=early + 2 * MINUTE, at=early + MINUTE, **sent)

        assert outcomes() == [("admitted", True), ("already_used", False), ("already_used", True)]
        assert len(manifest.conflicts(train.departure.pk)) == 1

    def test_a_ticket_bought_after_the_list_was_taken(self, staff, train, mine, early) -> None:
        answer = merged(
            staff, train, now=early, at=early, code=code_of(mine), said="not_listed", insists=True
        )

        assert (answer.word, answer.is_conflict) == ("admitted", False)

    def test_what_no_coupon_is_known_of_is_only_written_down(self, staff, train, early) -> None:
        answer = merged(staff, train, now=early, at=early, code="TKT1:NOTHING")

        assert (answer.word, answer.let_in) == ("unknown", False)

    def test_after_the_no_shows_were_marked(self, staff, traveller, train, noon, early) -> None:
        one = coupons(sold(traveller, train, now=noon))[0]
        two = coupons(sold("bob@example.org", train, now=noon))[0]
        show(staff, train, now=early, coupon_id=one)
        late = early + timedelta(days=1)
        services.mark_no_shows(departure_id=train.departure.pk, now=late)
        assert state_of(two) == "no_show"

        merged(staff, train, now=late, at=early, device=B, coupon_id=two)

        assert state_of(two) == "used"


class TestTakingBack:
    def undo(self, staff, train, now, **told):
        return show(staff, train, now=now, undoes=told.pop("undoes", "mistaken"), **told)

    @pytest.fixture
    def let_in(self, staff, train, mine, early) -> int:
        show(staff, train, now=early, coupon_id=mine, client_id="mistaken")
        return mine

    def test_within_minutes_by_the_same_device(self, staff, train, let_in, early) -> None:
        answer = self.undo(staff, train, early + timedelta(minutes=10))

        assert (answer.word, state_of(let_in)) == ("undone", "open")
        assert outcomes() == [("admitted", True), ("undone", False)]
        assert Scan.objects.get(outcome="undone").undoes.client_id == "mistaken"
        kinds = ReservationEvent.objects.order_by("id").values_list("kind", flat=True)
        assert list(kinds)[-2:] == ["boarded", "boarding_undone"]
        assert show(staff, train, now=early + timedelta(minutes=11), coupon_id=let_in).let_in

    @pytest.mark.parametrize(
        ("after", "told"),
        [
            (timedelta(minutes=10, microseconds=1), {}),
            (MINUTE, {"device": B}),
            (MINUTE, {"undoes": "never-was"}),
        ],
    )
    def test_not_later_nor_by_others(self, staff, train, let_in, early, after, told) -> None:
        assert self.undo(staff, train, early + after, **told).word == "undo_refused"
        assert state_of(let_in) == "used"

    def test_only_once(self, staff, train, let_in, early) -> None:
        self.undo(staff, train, early + MINUTE, client_id="undo-number-1")
        again = self.undo(staff, train, early + MINUTE, client_id="undo-number-1")
        other = self.undo(staff, train, early + MINUTE, client_id="undo-number-2")

        assert (again.word, other.word) == ("undone", "undo_refused")
        assert Scan.objects.count() == 2

    def test_what_another_device_let_in_too_stays_used(self, staff, train, let_in, early) -> None:
        merged(staff, train, now=early + MINUTE, at=early + MINUTE, device=B, coupon_id=let_in)

        assert self.undo(staff, train, early + 2 * MINUTE).word == "undone"
        assert state_of(let_in) == "used"
        rider = manifest.riders(train.departure.pk)[0]
        assert rider.admission.device == B


class TestWhoNeverCame:
    @pytest.fixture
    def two(self, traveller, train, noon) -> list[int]:
        return coupons(sold(traveller, train, now=noon, kinds=["adult", "adult"]))

    @pytest.fixture
    def over(self, train) -> datetime:
        """Six hours after the arrival in Munich: 11:30 UTC and six hours."""
        return train.calls[-1].arrives_at + timedelta(hours=6)

    def test_after_the_arrival_of_a_scanned_departure(self, staff, train, two, early, over) -> None:
        show(staff, train, now=early, coupon_id=two[0])
        job = Job.objects.get(kind="bookings.no_show")
        assert (job.due_at, job.reference) == (over, str(train.departure.pk))
        assert services.due_no_shows(now=over - MINUTE, limit=9) == []
        assert services.due_no_shows(now=over, limit=9) == [train.departure.pk]

        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 1
        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 0
        assert [state_of(one) for one in two] == ["used", "no_show"]
        assert services.due_no_shows(now=over, limit=9) == []
        told = ReservationEvent.objects.get(kind="no_show")
        assert (told.actor_kind, told.details) == ("system", {"coupons": [two[1]]})

    def test_never_without_a_scan(self, train, two, over) -> None:
        assert Job.objects.count() == 0
        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 0
        assert [state_of(one) for one in two] == ["open", "open"]

    def test_nor_where_all_was_taken_back_or_turned_away(self, staff, train, two, early, over):
        show(staff, train, now=early, coupon_id=two[0], client_id="mistaken")
        show(staff, train, now=early + MINUTE, undoes="mistaken")
        show(staff, train, now=early, code="QQQQQQ")

        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 0

    def test_only_where_a_door_was_kept_on_their_way(
        self, staff, traveller, train, noon, early, over
    ) -> None:
        """Scanned between calls 1 and 2 only: nobody looked for who left before or came after."""
        ways = [(0, 1), (0, 2), (1, 2), (0, 4), (2, 4)]
        people = {
            way: coupons(
                sold(f"p{way[0]}{way[1]}@example.org", train, now=noon, start=way[0], end=way[1])
            )[0]
            for way in ways
        }
        someone = coupons(sold(traveller, train, now=noon, start=1, end=4))[0]
        show(staff, train, now=early + timedelta(hours=2), stop=1, coupon_id=someone)

        services.mark_no_shows(departure_id=train.departure.pk, now=over)

        missed = {way for way, coupon in people.items() if state_of(coupon) == "no_show"}
        assert missed == {(0, 2), (1, 2), (0, 4)}

    def test_a_late_departure_waits(self, staff, train, two, early, over) -> None:
        show(staff, train, now=early, coupon_id=two[0])
        Call.objects.filter(pk=train.calls[-1].pk).update(
            expected_arrives_at=over - timedelta(hours=6) + 5 * MINUTE
        )

        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 0
        assert Job.objects.get(kind="bookings.no_show").due_at == over + 5 * MINUTE
        assert services.mark_no_shows(departure_id=train.departure.pk, now=over + 5 * MINUTE) == 1

    @pytest.mark.parametrize("what", ["departure", "first", "last"])
    def test_not_what_the_carrier_left_out(self, staff, train, two, early, over, what) -> None:
        show(staff, train, now=early, coupon_id=two[0])
        if what == "departure":
            Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")
        else:
            call = train.calls[0 if what == "first" else -1]
            Call.objects.filter(pk=call.pk).update(is_skipped=True)

        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 0
        assert state_of(two[1]) == "open"

    def test_not_what_was_cancelled_or_never_paid(self, staff, traveller, train, noon, early, over):
        seen = coupons(sold(traveller, train, now=noon))[0]
        gone = sold("bob@example.org", train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=gone.id, actor=SYSTEM, now=noon)
        held = selling.reserve("eve@example.org", train.ticket_id(), now=early)
        show(staff, train, now=early, coupon_id=seen)

        assert services.mark_no_shows(departure_id=train.departure.pk, now=over) == 0
        assert [state_of(coupons(one)[0]) for one in (gone, held)] == ["cancelled", "open"]


class TestMoney:
    """A used or missed ticket gives nothing back, until staff open it again."""

    def cancel(self, reservation_id: int, now: datetime, waiver: Waiver | None = None):
        return money.cancel_and_refund(
            viewer=OFFICE, reservation_id=reservation_id, actor=SYSTEM, waiver=waiver, now=now
        )

    def test_used_is_not_cancelled_and_cancelled_is_not_used(
        self, staff, traveller, train, noon, early
    ) -> None:
        booked = sold(traveller, train, now=noon)
        show(staff, train, now=early, coupon_id=coupons(booked)[0])

        assert refused(lambda: self.cancel(booked.id, early)) == "not_cancellable"
        assert Refund.objects.count() == 0

    @pytest.fixture
    def back(self, train, early) -> Trip:
        """The train home, 3 June, 10:00 in Munich: 26.5 hours after the way out is boarded."""
        stations = [call.station for call in reversed(train.calls)]
        return factories.make_trip(
            train.departure.service,
            train.departure.vehicle,
            starts_at=early + timedelta(hours=26, minutes=30),
            stops=[
                factories.Stop(station, place * 60, place * 200)
                for place, station in enumerate(stations)
            ],
            run="back",
        )

    def test_the_way_back_is_cancelled_by_its_own_tiers(
        self, staff, traveller, train, back, noon, early
    ) -> None:
        booked = selling.reserve(traveller, train.ticket_id(), back.ticket_id(), now=noon)
        money.pay(viewer=OFFICE, reservation_id=booked.id, method="Bank Card", token=None, now=noon)
        out, home = coupons(booked)
        show(staff, train, now=early, coupon_id=out)

        done = self.cancel(booked.id, early)

        # 26.5 hours before the way home leaves the Saver keeps a tenth of 45.00 EUR.
        assert (str(done.penalty.amount), str(done.refund.amount)) == ("4.50", "40.50")
        assert (state_of(out), state_of(home)) == ("used", "cancelled")

    def test_a_connection_missed_by_the_carriers_delay(
        self, staff, traveller, train, noon, early
    ) -> None:
        booked = sold(traveller, train, now=noon)
        other = coupons(sold("bob@example.org", train, now=noon))[0]
        show(staff, train, now=early, coupon_id=other)
        over = early + timedelta(days=1)
        services.mark_no_shows(departure_id=train.departure.pk, now=over)
        waiver = Waiver("missed_connection")
        assert refused(lambda: self.cancel(booked.id, over, waiver)) == "not_cancellable"

        opened = services.reopen(
            reservation_id=booked.id,
            coupon_ids=coupons(booked),
            actor=Actor("staff", staff.pk, "Came too late by our train."),
            now=over,
        )

        assert opened == 1
        event = ReservationEvent.objects.get(kind="reopened")
        assert (event.actor, event.reason) == (staff, "Came too late by our train.")
        assert str(self.cancel(booked.id, over, waiver).refund.amount) == "45.00"


class TestTheList:
    def test_who_took_it_along_is_written_down(self, staff, train, mine, early) -> None:
        keeper = manifest.keeper_of(user_id=staff.pk)
        services.note_copy(
            keeper=keeper, departure_id=train.departure.pk, kind="device", device="d", now=early
        )
        services.note_copy(keeper=keeper, departure_id=train.departure.pk, kind="csv", now=early)

        on_device, file = ManifestCopy.objects.order_by("id")
        # Munich at 11:30 UTC, and six hours for what is left to do.
        assert on_device.expires_at == early.replace(hour=17, minute=30)
        assert (on_device.staff, on_device.people, on_device.kind) == (staff, 1, "device")
        assert (file.expires_at, file.kind) == (None, "csv")

    def test_counts_of_each_stop(self, staff, traveller, train, noon, early) -> None:
        ways = [(0, 4), (0, 2), (1, 2), (2, 4)]
        people = [
            coupons(sold(f"p{n}@example.org", train, now=noon, start=a, end=b))[0]
            for n, (a, b) in enumerate(ways)
        ]
        show(staff, train, now=early, coupon_id=people[0])
        show(staff, train, now=early + timedelta(hours=2), stop=1, coupon_id=people[2])
        door = manifest.get_door(
            keeper=manifest.keeper_of(user_id=staff.pk), departure_id=train.departure.pk
        )

        counts = manifest.stop_counts(door, manifest.riders(train.departure.pk))

        told = [
            (one.boarding, one.boarded, one.leaving, one.expected_on, one.is_on) for one in counts
        ]
        assert told == [
            (2, 1, 0, 2, 1),
            (1, 1, 0, 3, 2),
            (1, 0, 2, 2, 1),
            (0, 0, 0, 2, 1),
            (0, 0, 2, 0, 0),
        ]
        assert manifest.on_board(door) == {0: (1, 2), 1: (2, 3), 2: (1, 2), 3: (1, 2)}

    def test_where_the_door_is_by_the_time(self, staff, train, early) -> None:
        """The calls are left at 08:00, 09:15+5, ... local: ten minutes before one, one is there."""
        door = manifest.get_door(
            keeper=manifest.keeper_of(user_id=staff.pk), departure_id=train.departure.pk
        )
        arrives = train.calls[1].arrives_at

        assert door.stop_at(early - timedelta(days=9)) == 0
        assert door.stop_at(arrives - timedelta(minutes=10, seconds=1)) == 0
        assert door.stop_at(arrives - timedelta(minutes=10)) == 1
        assert door.stop_at(early + timedelta(days=9)) == 3
