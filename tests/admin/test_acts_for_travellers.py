"""Staff act for a traveller: with a reason, in the story, and the traveller is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.engine.contract import Actor
from bookings.errors import NotExtendable
from bookings.models import Coupon, Passenger, Reservation, ReservationEvent
from payments import services as money
from payments.selectors import get_overview
from support import acts
from support.selectors import EVERY_POWER, READ
from support.services import acting
from tests import factories, selling
from tests.bookings import disrupted
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.conftest import scrolls_sideways
from travel.common.errors import InvalidInput, NotAllowed, Throttled
from travel.common.models import Act, OutboxMessage
from travel.common.money import Money

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

Book = Callable[..., int]
PICTURES = os.environ.get("PICTURES", "")


@pytest.fixture
def agent(settings: Any, clock: Clock) -> User:
    settings.STAFF_2FA = "optional"
    return factories.make_user(
        email="pat@office.example",
        first_name="Pat",
        last_name="Desk",
        is_staff=True,
        roles=["support agent"],
    )


@pytest.fixture
def desk(agent: User) -> Client:
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def hold(traveller: User, train: Trip, noon: datetime) -> Book:
    def make(who: User | str = traveller, **options: Any) -> int:
        return selling.reserve(who, train.ticket_id(), now=noon, **options).id

    return make


@pytest.fixture
def buy(hold: Book, traveller: User, noon: datetime) -> Book:
    def make(**options: Any) -> int:
        booked = hold(traveller, **options)
        money.open_with(user_id=traveller.pk, amount=Money(100_000, "EUR"), now=noon)
        money.pay(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=booked,
            method="Wallet",
            token=None,
            now=noon,
        )
        return booked

    return make


def act(booked: int, name: str) -> str:
    return reverse("admin:reservation_act", args=[booked, name])


def home(booked: int) -> str:
    return reverse("admin:bookings_reservation_change", args=[booked])


def seats_of(booked: int) -> dict[str, list[str]]:
    reservation = bookings.get_reservation(
        viewer=Viewer(is_support=True),
        reservation_id=booked,
        now=Reservation.objects.get(pk=booked).created_at,
    )
    return {
        reservation.passenger_of(one).first_name: [place.seat for place in one.seats]
        for one in reservation.open_coupons
    }


def last_event(kind: str) -> ReservationEvent:
    return ReservationEvent.objects.filter(kind=kind).order_by("-id")[0]


def letters(kind: str) -> list[str]:
    return list(
        OutboxMessage.objects.filter(kind=f"bookings.{kind}").values_list("recipient", flat=True)
    )


def assert_kept(agent: User, event: ReservationEvent, reason: str) -> None:
    """The story and the record of acts both say who, and why."""
    assert (event.actor_kind, event.actor, event.reason) == ("staff", agent, reason)
    row = Act.objects.get()
    assert (row.actor, row.reason) == (agent, reason)
    assert row.about == f"bookings.reservation:{event.reservation_id}"


class TestNames:
    def test_any_name_after_a_look_at_what_it_means(
        self, desk: Client, agent: User, buy: Book
    ) -> None:
        booked = buy()
        passenger = Passenger.objects.get()
        sent = {
            "passenger": passenger.pk,
            "first_name": "Augusta",
            "last_name": "King",
            "reason": "Marriage certificate seen",
        }

        assert desk.get(act(booked, "name")).context["form"]["first_name"].value() == "Ada"
        asked = desk.post(act(booked, "name"), sent)
        assert "Ada Roe becomes Augusta King." in asked.content.decode()
        assert "An e-mail tells it to ada@example.org." in asked.content.decode()
        passenger.refresh_from_db()
        assert passenger.first_name == "Ada"
        done = desk.post(act(booked, "name"), {**sent, "confirm": "1"})

        assert done["Location"] == home(booked)
        passenger.refresh_from_db()
        assert str(passenger) == "Augusta King"
        assert letters("name_corrected") == ["ada@example.org"]
        assert_kept(agent, last_event("name_corrected"), "Marriage certificate seen")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("reason", " "), ("first_name", ""), ("last_name", "\u202eKing"), ("passenger", "999")],
    )
    def test_what_is_missing_or_odd_is_refused(
        self, desk: Client, buy: Book, field: str, value: str
    ) -> None:
        booked = buy()
        sent = {
            "passenger": Passenger.objects.get().pk,
            "first_name": "Augusta",
            "last_name": "King",
            "reason": "Papers",
            "confirm": "1",
            field: value,
        }

        answer = desk.post(act(booked, "name"), sent)

        assert answer.status_code == 400
        assert answer.context["form"].errors[field]
        assert str(Passenger.objects.get()) == "Ada Roe"

    def test_a_name_on_another_booking_is_not_touched(
        self, desk: Client, buy: Book, stranger: User, hold: Book
    ) -> None:
        other = hold(stranger)
        booked = buy()
        theirs = Passenger.objects.get(reservation=other)

        answer = desk.post(
            act(booked, "name"),
            {
                "passenger": theirs.pk,
                "first_name": "X",
                "last_name": "Y",
                "reason": "Z",
                "confirm": "1",
            },
        )

        assert answer.status_code == 400
        theirs.refresh_from_db()
        assert str(theirs) == "Ada Roe"


class TestSeats:
    def test_on_the_plan_whoever_may_keep_the_seat_does(
        self, desk: Client, agent: User, buy: Book
    ) -> None:
        """Ada and Bob sit on 1A and 1B; 1B and 2D are chosen: Bob stays, Ada moves."""
        booked = buy(passengers=2)
        page = desk.get(act(booked, "seats")).content.decode()
        assert page.count('name="seat"') == 8
        wanted = [seat_id(page, label) for label in ("1B", "2D")]
        sent = {"seat": wanted, "reason": "Ada wants a window"}

        asked = desk.post(act(booked, "seats"), sent).content.decode()
        assert "Ada Roe: Coach 1, seat 1A, then Coach 1, seat 2D" in asked
        assert "Bob Roe: Coach 1, seat 1B, then Coach 1, seat 1B" in asked
        done = desk.post(act(booked, "seats"), {**sent, "confirm": "1"})

        assert done["Location"] == home(booked)
        assert seats_of(booked) == {"Ada": ["2D"], "Bob": ["1B"]}
        assert letters("seats_changed") == ["ada@example.org"]
        assert_kept(agent, last_event("seats_changed"), "Ada wants a window")

    def test_from_the_list_each_gets_the_own(self, desk: Client, buy: Book) -> None:
        booked = buy(passengers=2)
        page = desk.get(act(booked, "seats"), {"view": "list"}).content.decode()
        values = dict(re.findall(r'<option value="(\d+)"[^>]*>(\w+)', page))
        by_label = {label: value for value, label in values.items()}

        desk.post(
            act(booked, "seats"),
            {
                "seat": [by_label["1B"], by_label["1A"]],
                "in_order": "1",
                "reason": "They swap",
                "confirm": "1",
            },
        )

        assert seats_of(booked) == {"Ada": ["1B"], "Bob": ["1A"]}

    @pytest.mark.parametrize("choose", [[], ["1A"], ["1A", "1A"], ["1A", "2A", "2B"]])
    def test_as_many_seats_as_people(self, desk: Client, buy: Book, choose: list[str]) -> None:
        booked = buy(passengers=2)
        page = desk.get(act(booked, "seats")).content.decode()

        answer = desk.post(
            act(booked, "seats"),
            {"seat": [seat_id(page, one) for one in choose], "reason": "x", "confirm": "1"},
        )

        assert answer.status_code == 400
        assert answer.context["form"].non_field_errors()
        assert seats_of(booked) == {"Ada": ["1A"], "Bob": ["1B"]}

    def test_nobody_elses_seat(
        self, desk: Client, buy: Book, stranger: User, hold: Book, train: Trip
    ) -> None:
        booked = buy()
        page = desk.get(act(booked, "seats")).content.decode()
        theirs = seats_of(hold(stranger))["Ada"][0]

        answer = desk.post(
            act(booked, "seats"),
            {"seat": [seat_id(page, theirs)], "reason": "x", "confirm": "1"},
        )

        assert answer.status_code == 400
        assert seats_of(booked) == {"Ada": ["1A"]}


def seat_id(page: str, label: str) -> str:
    """The value of the seat of this name on a drawn plan."""
    found = re.search(rf'value="(\d+)"[^>]*aria-label="[^"]*\b{label}\b', page) or re.search(
        rf'aria-label="[^"]*\b{label}\b[^"]*"[^>]*value="(\d+)"', page
    )
    assert found, page[page.index('name="seat"') - 300 : page.index('name="seat"') + 300]
    return found.group(1)


class TestRebook:
    def test_also_what_runs_as_sold_free_of_charge(
        self, desk: Client, agent: User, buy: Book, train: Trip, noon: datetime
    ) -> None:
        booked = buy(passengers=2)
        later = disrupted.another(train, starts_at=noon + timedelta(days=1), run="later")
        page = desk.get(act(booked, "rebook"))
        assert [value for value, _words in page.context["form"].fields["to"].choices] == [
            later.ticket_id()
        ]
        sent = {"to": later.ticket_id(), "reason": "Fell ill"}

        asked = desk.post(act(booked, "rebook"), sent).content.decode()
        assert "Ada Roe; Bob Roe leave ICE 585, 2 Jun 2026, 08:00." in asked
        assert "Nothing is charged." in asked
        assert Coupon.objects.filter(state="cancelled").count() == 0
        done = desk.post(act(booked, "rebook"), {**sent, "confirm": "1"})

        assert done["Location"] == home(booked)
        moved = Coupon.objects.filter(state="open")
        assert {one.ticket_id for one in moved} == {later.ticket_id()}
        assert letters("rebooked") == ["ada@example.org"]
        assert_kept(agent, last_event("rebooked"), "Fell ill")

    def test_where_there_is_none_it_says_so(self, desk: Client, buy: Book) -> None:
        page = desk.get(act(buy(), "rebook"))

        assert "No other departure of the carrier has room" in page.content.decode()

    def test_all_departures_of_the_day_that_is_asked_for(
        self, desk: Client, agent: User, buy: Book, train: Trip, noon: datetime
    ) -> None:
        """Fourteen on the ticket's day, 2 June; one at 01:30 of the 9th, the 8th in UTC."""
        booked = buy()
        same_day = [
            disrupted.another(train, starts_at=noon + timedelta(hours=19 + n / 2), run=f"{n}")
            for n in range(14)
        ]
        week_after = disrupted.another(
            train, starts_at=noon + timedelta(days=7, hours=11, minutes=30), run="week after"
        )

        def offered(**given: str) -> list[int]:
            page = desk.get(act(booked, "rebook"), given)
            return [value for value, _words in page.context["form"].fields["to"].choices]

        own = [one.ticket_id() for one in same_day]
        assert offered() == offered(day="2026-06-02") == own
        assert offered(day="2026-06-08") == []
        assert offered(day="2026-06-09") == [week_after.ticket_id()]

        sent = {"to": week_after.ticket_id(), "day": "2026-06-09", "reason": "Fell ill"}
        asked = desk.post(act(booked, "rebook"), sent).content.decode()
        assert "9 Jun 2026, 01:30" in asked
        assert '<input type="hidden" name="day" value="2026-06-09">' in asked
        assert f"?ticket={train.ticket_id()}&amp;day=2026-06-09" in asked
        done = desk.post(act(booked, "rebook"), {**sent, "confirm": "1"})
        assert done["Location"] == home(booked)
        assert Coupon.objects.get(state="open").ticket_id == week_after.ticket_id()

    def test_the_days_beside_it_are_a_link_away(
        self, desk: Client, buy: Book, train: Trip, clock: Clock
    ) -> None:
        booked = buy()
        ticket = f"?ticket={train.ticket_id()}&amp;day="

        page = desk.get(act(booked, "rebook"), {"day": "2026-06-05"}).content.decode()
        assert f'href="{ticket}2026-06-04"' in page
        assert f'href="{ticket}2026-06-06"' in page
        assert '<input type="hidden" name="day" value="2026-06-05">' in page
        today = desk.get(act(booked, "rebook"), {"day": "2026-06-01"}).content.decode()
        assert f'href="{ticket}2026-06-02"' in today
        assert "The day before" not in today
        # Whoever missed the train is put on one of today.
        clock.advance(days=3)
        missed = desk.get(act(booked, "rebook"))
        assert missed.context["days"].shown.isoformat() == "2026-06-04"

    @pytest.mark.parametrize(
        ("day", "said"),
        [
            ("2026-05-31", "This day is over."),
            ("2027-06-03", "This day is too far ahead."),
            ("9999-12-31", "This day is too far ahead."),
            ("0001-01-01", "This day is over."),
            ("soon", "Enter a valid date."),
        ],
    )
    def test_a_day_that_makes_no_sense_shows_the_tickets_own(
        self, desk: Client, buy: Book, day: str, said: str
    ) -> None:
        page = desk.get(act(buy(), "rebook"), {"day": day})

        assert page.status_code == 200
        assert said in page.content.decode()
        assert page.context["days"].shown.isoformat() == "2026-06-02"

    def test_a_departure_that_is_not_offered_is_refused(
        self, desk: Client, buy: Book, train: Trip
    ) -> None:
        booked = buy()

        answer = desk.post(
            act(booked, "rebook"), {"to": train.ticket_id(1), "reason": "x", "confirm": "1"}
        )

        assert answer.status_code == 400
        assert Coupon.objects.get().state == "open"

    @pytest.mark.browser
    @pytest.mark.django_db(transaction=True)
    def test_on_a_telephone_each_choice_is_a_row(
        self, window: Any, agent: User, buy: Book, train: Trip, noon: datetime
    ) -> None:
        """At 390 px: the radio beside its text, a line between, the row is the label to its end."""
        booked = buy()
        for hours in (20, 21):
            disrupted.another(train, starts_at=noon + timedelta(hours=hours), run=f"{hours}")
        page = window(agent, 390, "light")
        page.goto(act(booked, "rebook"))
        rows = page.locator(".choice")
        expect(rows).to_have_count(2)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/rebook-390.png", full_page=True)

        for at in range(2):
            row, radio, text = (
                one.bounding_box()
                for one in (
                    rows.nth(at),
                    rows.nth(at).locator("input"),
                    rows.nth(at).locator("label"),
                )
            )
            assert row["width"] > 300
            assert row["height"] >= 44
            assert radio["x"] - row["x"] <= 8
            assert radio["width"] <= 24
            assert 0 <= text["x"] - (radio["x"] + radio["width"]) <= 12
        line = "one => getComputedStyle(one).borderBlockStartWidth"
        assert [rows.nth(at).evaluate(line) for at in range(2)] == ["0px", "1px"]
        box = rows.nth(1).bounding_box()
        page.mouse.click(box["x"] + box["width"] - 3, box["y"] + 3)
        expect(rows.nth(1).locator("input")).to_be_checked()
        assert not scrolls_sideways(page)


class TestStalePages:
    """The ticket was exchanged or cancelled in another tab since the form was made."""

    SAID = "The tickets have changed meanwhile; look again."

    def assert_sent_back(self, answer: Any, booked: int) -> None:
        assert answer.redirect_chain == [(home(booked), 302)]
        assert answer.status_code == 200
        assert self.SAID in answer.content.decode()

    @pytest.mark.parametrize("confirm", [{}, {"confirm": "1"}])
    def test_an_exchanged_ticket_leads_back_to_the_booking(
        self,
        desk: Client,
        agent: User,
        buy: Book,
        train: Trip,
        noon: datetime,
        confirm: dict[str, str],
    ) -> None:
        booked = buy()
        later = disrupted.another(train, starts_at=noon + timedelta(days=1), run="later")
        third = disrupted.another(train, starts_at=noon + timedelta(hours=26), run="third")
        seat = seat_id(desk.get(act(booked, "seats")).content.decode(), "2D")
        old = {"ticket": train.ticket_id(), "reason": "The other tab", **confirm}
        acting.rebook(
            viewer=Viewer(user_id=agent.pk, is_support=True),
            reservation_id=booked,
            ticket_id=train.ticket_id(),
            to_ticket_id=later.ticket_id(),
            reason="Fell ill",
            now=noon,
        )

        rebooked = {**old, "to": third.ticket_id()}
        self.assert_sent_back(desk.post(act(booked, "rebook"), rebooked, follow=True), booked)
        reseated = {**old, "seat": seat}
        self.assert_sent_back(desk.post(act(booked, "seats"), reseated, follow=True), booked)
        asked = {"ticket": train.ticket_id()}
        self.assert_sent_back(desk.get(act(booked, "rebook"), asked, follow=True), booked)
        assert Coupon.objects.get(state="open").ticket_id == later.ticket_id()
        assert not Act.objects.exists()

    def test_a_passenger_who_was_cancelled_keeps_the_name(
        self, desk: Client, buy: Book, noon: datetime
    ) -> None:
        booked = buy(passengers=2)
        _ada, bob = Passenger.objects.order_by("id")
        money.cancel_and_refund(
            viewer=Viewer(is_support=True),
            reservation_id=booked,
            passenger_ids=[bob.pk],
            actor=Actor("staff", None, "asked for it"),
            now=noon,
        )

        sent = {
            "passenger": bob.pk,
            "first_name": "Robert",
            "last_name": "Roe",
            "reason": "The other tab",
            "confirm": "1",
        }
        self.assert_sent_back(desk.post(act(booked, "name"), sent, follow=True), booked)
        bob.refresh_from_db()
        assert bob.first_name == "Bob"
        people = desk.get(act(booked, "name")).context["form"].fields["passenger"].choices
        assert [name for _number, name in people] == ["Ada Roe"]


class TestSendingAgain:
    def test_tickets_go_to_the_bookings_own_address(
        self, desk: Client, agent: User, buy: Book
    ) -> None:
        booked = buy()

        done = desk.post(act(booked, "tickets"), {"reason": "Lost", "to": "mallory@example.org"})

        assert done["Location"] == home(booked)
        assert letters("tickets") == ["ada@example.org"]
        assert last_event("sent_again").details == {"what": "tickets"}
        assert_kept(agent, last_event("sent_again"), "Lost")

    def test_three_times_an_hour(self, desk: Client, buy: Book, settings: Any, agent: User) -> None:
        booked = buy()
        settings.THROTTLES = "on"
        for number in range(3):
            acting.resend_tickets(
                viewer=Viewer(user_id=agent.pk, is_support=True),
                reservation_id=booked,
                reason=f"Again {number}",
                now=Reservation.objects.get().created_at,
            )

        answer = desk.post(act(booked, "tickets"), {"reason": "And again"})

        assert answer.context["form"].non_field_errors()
        assert len(letters("tickets")) == 3
        with pytest.raises(Throttled):
            acting.resend_tickets(
                viewer=Viewer(user_id=agent.pk, is_support=True),
                reservation_id=booked,
                reason="x",
                now=Reservation.objects.get().created_at,
            )

    def test_too_often_says_when_it_goes_again(
        self,
        desk: Client,
        buy: Book,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        noon: datetime,
    ) -> None:
        """The limit's hour ends in 1,234 s, at 12:20:34 UTC: by 14:21 in Hamburg it is over."""
        booked = buy()
        settings.THROTTLES = "on"
        ends = 3600 * 500_000
        still = SimpleNamespace(time=lambda: ends - 1233.0)
        monkeypatch.setattr("travel.common.limits.time", still)
        sent = {"reason": "Lost"}
        for _number in range(3):
            assert desk.post(act(booked, "tickets"), sent)["Location"] == home(booked)

        refused = desk.post(act(booked, "tickets"), sent)

        assert refused.status_code == 400
        said = (
            "It was sent 3 times within the hour, which is the most. Again at 14:21, by the clock "
            "of Hamburg Hbf."
        )
        assert refused.context["form"].non_field_errors() == [said]
        assert len(letters("tickets")) == 3

    def test_the_payment_link_of_a_hold(self, desk: Client, agent: User, hold: Book) -> None:
        booked = hold()

        assert "ada@example.org" in desk.get(act(booked, "payment-link")).content.decode()
        desk.post(act(booked, "payment-link"), {"reason": "Asked by phone"})

        assert letters("payment_link") == ["ada@example.org"]
        row = OutboxMessage.objects.get(kind="bookings.payment_link")
        assert f"/booking/{Reservation.objects.get().locator}/" in row.body
        assert_kept(agent, last_event("sent_again"), "Asked by phone")

    def test_a_guests_secret_is_not_in_it(self, desk: Client, hold: Book) -> None:
        booked = hold("guest@example.org")
        desk.post(act(booked, "payment-link"), {"reason": "Asked by phone"})

        body = OutboxMessage.objects.get(kind="bookings.payment_link").body
        assert "key=" not in body
        assert "/find-booking/?code=" in body

    def test_more_time_once_and_the_traveller_is_told(
        self, desk: Client, agent: User, hold: Book, clock: Clock, noon: datetime
    ) -> None:
        booked = hold()
        clock.advance(minutes=4)

        desk.post(act(booked, "extend"), {"reason": "Looks for the card"})

        assert Reservation.objects.get().hold_until == noon + timedelta(minutes=14)
        assert letters("payment_link") == ["ada@example.org"]
        assert_kept(agent, last_event("extended"), "Looks for the card")
        again = desk.get(act(booked, "extend"), follow=True)
        assert "It was extended once already." in again.content.decode()

    def test_no_more_time_for_what_is_held_for_longer(
        self, desk: Client, agent: User, hold: Book, clock: Clock, noon: datetime
    ) -> None:
        """Held by phone until 15:00 in Berlin; ten minutes from 14:50 reach no further."""
        booked = hold()
        Reservation.objects.update(hold_until=noon + timedelta(hours=1))
        clock.advance(minutes=49)
        why_not = "It is held until 1 Jun 2026, 15:00 already, longer than an extension would give."

        def extend() -> None:
            acting.extend_hold(
                viewer=Viewer(user_id=agent.pk, is_support=True),
                reservation_id=booked,
                reason="x",
                now=clock.now(),
            )

        assert why_not in desk.get(home(booked)).content.decode()
        answer = desk.post(act(booked, "extend"), {"reason": "x"}, follow=True)
        assert answer.redirect_chain == [(home(booked), 302)]
        assert why_not in answer.content.decode()
        with pytest.raises(NotExtendable, match="for as long already"):
            extend()
        assert Reservation.objects.get().extended_at is None

        clock.advance(minutes=2)
        desk.post(act(booked, "extend"), {"reason": "Looks for the card"})
        assert Reservation.objects.get().hold_until == noon + timedelta(minutes=61)
        with pytest.raises(NotExtendable, match="extended once already"):
            extend()


class TestWhatIsAllowed:
    def names(self, booked: int, now: datetime, powers: Any = EVERY_POWER) -> list[str]:
        overview = get_overview(viewer=Viewer(is_support=True), reservation_id=booked, now=now)
        return acts.desk_actions_on(overview, powers=powers)

    def test_of_a_paid_one(self, buy: Book, noon: datetime) -> None:
        booked = buy()

        assert self.names(booked, noon) == [
            *("correctNames", "correctContact", "changeSeats", "rebook", "cancel", "goodwill"),
            "resendTickets",
        ]
        # Once the train has left there is no seat and no name to change.
        left = noon + timedelta(hours=18, minutes=1)
        assert self.names(booked, left) == [
            *("correctContact", "rebook", "cancel", "goodwill", "resendTickets")
        ]

    def test_of_a_hold(self, hold: Book, noon: datetime) -> None:
        booked = hold()
        some = ["correctNames", "correctContact", "changeSeats", "cancel", "goodwill"]

        assert self.names(booked, noon + timedelta(minutes=1)) == [
            *some,
            "sendPaymentLink",
            "extendHold",
        ]
        assert self.names(booked, noon + timedelta(minutes=10)) == ["correctContact", "goodwill"]

    def test_of_a_guest_there_is_no_wallet(self, hold: Book, noon: datetime) -> None:
        assert "goodwill" not in self.names(hold("guest@example.org"), noon)

    def test_whoever_only_reads_does_nothing(self, buy: Book, noon: datetime) -> None:
        booked = buy()

        assert self.names(booked, noon, {READ}) == []
        overview = get_overview(viewer=Viewer(is_support=True), reservation_id=booked, now=noon)
        assert {one.why_not for one in acts.acts_on(overview, powers={READ})} == {
            "Your role does not include this."
        }

    def test_what_is_not_allowed_says_why_and_does_nothing(
        self, desk: Client, hold: Book, clock: Clock
    ) -> None:
        booked = hold()
        clock.advance(minutes=10)
        for name in ("name", "seats", "rebook", "tickets", "payment-link", "extend"):
            answer = desk.post(act(booked, name), {"reason": "x", "confirm": "1"}, follow=True)
            assert answer.redirect_chain == [(home(booked), 302)], name
            assert "The time to pay is over" in answer.content.decode(), name
        assert not Act.objects.exists()

    def test_an_unknown_act_is_not_found(self, desk: Client, hold: Book) -> None:
        assert desk.get(act(hold(), "steal")).status_code == 404
        assert desk.get(act(999, "name")).status_code == 404

    def test_services_refuse_whoever_is_no_staff(
        self, buy: Book, traveller: User, noon: datetime
    ) -> None:
        booked = buy()
        me = Viewer(user_id=traveller.pk)
        passenger = Passenger.objects.get()
        for tried in (
            lambda: acting.correct_name(
                viewer=me,
                reservation_id=booked,
                passenger_id=passenger.pk,
                first_name="A",
                last_name="B",
                reason="mine",
                now=noon,
            ),
            lambda: acting.resend_tickets(
                viewer=me, reservation_id=booked, reason="mine", now=noon
            ),
        ):
            with pytest.raises(NotAllowed):
                tried()

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
    def test_services_want_a_reason(
        self, buy: Book, agent: User, noon: datetime, reason: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            acting.resend_tickets(
                viewer=Viewer(user_id=agent.pk, is_support=True),
                reservation_id=buy(),
                reason=reason,
                now=noon,
            )
        assert "reason" in refused.value.errors
        assert letters("tickets") == []
