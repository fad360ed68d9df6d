"""Pages by which a traveller finds, proves and changes a booking."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors
from bookings.models import Coupon, Passenger
from inventory.models import Departure
from payments import services as money
from payments.models import Refund
from support import services as support
from tests.accounts.codes import newest_code
from tests.bookings.disrupted import another, call_off, delay
from tests.factories import PASSWORD, Trip
from tests.pages.cast import hold_as_guest, paid, signed_in, text_of
from tests.selling import reserve, seats_of
from travel.common.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "audited")]
OFFICE = Viewer(is_support=True)


@pytest.fixture
def me(traveller: User) -> Client:
    return signed_in(traveller)


@pytest.fixture
def later(train: Trip) -> Trip:
    return another(train, starts_at=datetime(2026, 6, 2, 9, tzinfo=UTC), run="later")


def url(name: str, row: Any) -> str:
    return reverse(f"bookings:{name}", args=[row.locator])


def fresh(row: Any, now: datetime) -> Any:
    return selectors.get_reservation(viewer=OFFICE, reservation_id=row.id, now=now)


def found(client: Client, locator: str, name: str) -> Any:
    return client.post(reverse("bookings:find"), {"locator": locator, "last_name": name})


class TestFinding:
    @pytest.fixture
    def booked(self, train: Trip, noon: datetime) -> Any:
        return hold_as_guest(train.ticket_id(), now=noon)[0]

    def test_is_in_the_head(self, client: Client) -> None:
        assert reverse("bookings:find") in client.get("/").content.decode()
        assert client.get(reverse("bookings:find")).status_code == 200

    def test_opens_the_booking(self, client: Client, booked: Any) -> None:
        answer = found(client, booked.locator.lower(), "ROE")
        assert answer.url == url("reservation", booked)
        page = client.get(answer.url)
        assert page.status_code == 200
        # The address is for whoever has it already.
        assert "guest@example.org" not in text_of(page)
        assert "g…t@example.org" in text_of(page)
        assert client.get(reverse("bookings:my-trips")).status_code == 200

    def test_gives_the_session_another_key(self, client: Client, booked: Any) -> None:
        found(client, "AAAAAA", "Roe")
        client.session["before"] = 1
        session = client.session
        session["x"] = 1
        session.save()
        key = client.session.session_key
        found(client, booked.locator, "Roe")
        assert client.session.session_key != key

    def test_answers_alike_whatever_is_wrong(self, client: Client, booked: Any) -> None:
        pages = [
            found(client, code, name)
            for code, name in (("AAAAAA", "Roe"), (booked.locator, "Smith"))
        ]
        assert [page.status_code for page in pages] == [400, 400]
        shapes = {re.sub(r'value="[^"]*"', "", page.content.decode()) for page in pages}
        assert len(shapes) == 1
        assert client.get(url("reservation", booked)).status_code == 404

    def test_is_counted(self, client: Client, booked: Any, settings: Any) -> None:
        settings.THROTTLES = "on"
        cache.clear()
        for _ in range(5):
            assert found(client, booked.locator, "Smith").status_code == 400
        assert found(client, booked.locator, "Roe").status_code == 429
        cache.clear()

    def test_ends_after_two_hours(self, client: Client, booked: Any, clock: Any) -> None:
        found(client, booked.locator, "Roe")
        clock.advance(minutes=119)
        assert client.get(url("reservation", booked)).status_code == 200
        clock.advance(minutes=1)
        assert client.get(url("reservation", booked)).status_code == 404

    @pytest.mark.parametrize("name", ["cancel", "names", "change-seats"])
    def test_changing_asks_for_a_code(
        self, client: Client, booked: Any, clock: Any, name: str
    ) -> None:
        found(client, booked.locator, "Roe")
        answer = client.get(url(name, booked))
        assert unquote(answer.url) == f"{url('prove', booked)}?next={url(name, booked)}"
        assert client.post(url(name, booked), {"choose": "1"}).status_code == 302

        asked = client.get(answer.url)
        assert "g…t@example.org" in text_of(asked)
        assert not OutboxMessage.objects.filter(kind="bookings.proof_code").exists()
        sent = client.post(answer.url, {"send": "1", "next": url(name, booked)})
        assert sent.status_code == 200
        wrong = client.post(url("prove", booked), {"code": "12345"})
        assert (wrong.status_code, "six digits" in text_of(wrong)) == (400, True)
        code = newest_code("guest@example.org")
        right = client.post(url("prove", booked), {"code": code, "next": url(name, booked)})
        assert right.url == url(name, booked)
        assert client.get(right.url).status_code == 200
        assert "guest@example.org" in text_of(client.get(url("reservation", booked)))
        clock.advance(minutes=30)
        assert client.get(url(name, booked)).status_code == 302

    def test_the_way_back_is_our_own(self, client: Client, booked: Any) -> None:
        found(client, booked.locator, "Roe")
        client.post(url("prove", booked), {"send": "1"})
        right = client.post(
            url("prove", booked),
            {"code": newest_code("guest@example.org"), "next": "https://evil.example/"},
        )
        assert right.url == url("reservation", booked)

    def test_says_nothing_of_letters_receipts_and_reports(
        self, client: Client, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        mine = text_of(me.get(url("reservation", row)))
        assert "E-mail: Your tickets" in mine
        assert "Receipt" in mine
        found(client, row.locator, "Roe")
        page = text_of(client.get(url("reservation", row)))
        assert "E-mail:" not in page
        assert "Receipt" not in page
        assert "Show that it is yours" in page

    def test_of_somebody_else_is_not_to_be_proved(self, client: Client, booked: Any) -> None:
        assert client.get(url("prove", booked)).status_code == 404


class TestSeats:
    def test_on_the_plan(self, me: Client, traveller: User, train: Trip, noon: datetime) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        reserve("x@example.org", train.ticket_id(), now=noon)
        page = me.get(url("change-seats", row))
        body = page.content.decode()
        assert body.count("checked") == 2
        # Ada 1A, Bob 1B; the other one sits in 1C.
        assert body.count("taken") >= 1
        ticket = train.ticket_id()
        answer = me.post(
            url("change-seats", row),
            {
                "ticket": ticket,
                "at": "1",
                "seat": [f"{ticket}:1:1B", f"{ticket}:1:2D"],
                "choose": "1",
            },
        )
        assert answer.url == url("reservation", row)
        # Bob keeps his.
        assert seats_of(fresh(row, noon)) == [("1", "2D"), ("1", "1B")]
        story = text_of(me.get(answer.url))
        assert "Ada Roe: Coach 1, seat 2D" in story

    def test_from_the_list_who_sits_where(
        self, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        ticket = train.ticket_id()
        assert "Who sits where" in text_of(me.get(url("change-seats", row) + "?view=list"))
        me.post(
            url("change-seats", row),
            {
                "ticket": ticket,
                "in_order": "1",
                "seat": [f"{ticket}:1:1B", f"{ticket}:1:1A"],
                "choose": "1",
            },
        )
        assert seats_of(fresh(row, noon)) == [("1", "1B"), ("1", "1A")]

    @pytest.mark.parametrize("labels", [["2D"], ["2C", "2D", "1B"], ["2D", "2D"], ["1C", "2D"]])
    def test_too_few_too_many_twice_or_taken(
        self, me: Client, traveller: User, train: Trip, noon: datetime, labels: list[str]
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        reserve("x@example.org", train.ticket_id(), now=noon)
        ticket = train.ticket_id()
        answer = me.post(
            url("change-seats", row),
            {"ticket": ticket, "seat": [f"{ticket}:1:{one}" for one in labels], "choose": "1"},
        )
        assert answer.status_code == 409
        assert "Please look at your seats again" in text_of(answer)
        assert seats_of(fresh(row, noon)) == [("1", "1A"), ("1", "1B")]

    def test_looking_into_another_coach_keeps_what_was_chosen(
        self, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        ticket = train.ticket_id()
        page = me.post(
            url("change-seats", row),
            {"ticket": ticket, "at": "1", "view": "list", "seat": f"{ticket}:1:2C"},
        )
        assert f'value="{ticket}:1:2C" selected' in page.content.decode()
        assert seats_of(fresh(row, noon)) == [("1", "1A")]

    def test_not_after_departure_nor_where_seats_have_no_names(
        self, me: Client, traveller: User, train: Trip, coach: Trip, noon: datetime, clock: Any
    ) -> None:
        row = paid(traveller, coach.ticket_id(), now=noon)
        assert me.get(url("change-seats", row)).url == url("reservation", row)
        row = paid(traveller, train.ticket_id(), now=noon)
        clock.moment = datetime(2026, 6, 2, 6, tzinfo=UTC)
        assert me.get(url("change-seats", row)).url == url("reservation", row)

    def test_belongs_to_its_holder(
        self, client: Client, traveller: User, stranger: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        for page in ("change-seats", "names", "rebook"):
            assert client.get(url(page, row)).status_code == 404
            assert signed_in(stranger).get(url(page, row)).status_code == 404

    def test_takes_twelve_statements_at_most(
        self,
        me: Client,
        traveller: User,
        train: Trip,
        noon: datetime,
        django_assert_max_num_queries: Any,
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=8)
        with django_assert_max_num_queries(12):
            me.get(url("change-seats", row))


class TestNames:
    def send(self, client: Client, row: Any, place: int, first: str, last: str) -> Any:
        return client.post(
            url("names", row),
            {
                "passenger": row.passengers[place].id,
                f"p{place}-first_name": first,
                f"p{place}-last_name": last,
            },
        )

    def test_are_corrected_one_by_one(
        self, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        assert "2 corrections left" in text_of(me.get(url("names", row)))
        answer = self.send(me, row, 1, "Bobby", "Roe")
        assert answer.url == url("reservation", row)
        page = text_of(me.get(answer.url))
        assert "Name corrected Bobby Roe" in re.sub(r"<[^>]+>", " ", page).replace("  ", " ")
        assert Passenger.objects.get(position=1).first_name == "Bobby"

    @pytest.mark.parametrize(("first", "last"), [("", "Roe"), ("Cleo", "Smith"), ("A\u202eb", "R")])
    def test_what_is_refused_stands_at_its_field_with_what_was_typed(
        self, me: Client, traveller: User, train: Trip, noon: datetime, first: str, last: str
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        answer = self.send(me, row, 0, first, last)
        assert answer.status_code == 400
        assert "error-summary" in answer.content.decode()
        assert f'value="{last}"' in answer.content.decode()
        assert Passenger.objects.get().first_name == "Ada"

    def test_of_nobody_on_it(
        self, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        assert me.post(url("names", row), {"passenger": "999999"}).status_code == 404

    def test_not_after_the_departure(
        self, me: Client, traveller: User, train: Trip, noon: datetime, clock: Any
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        clock.moment = datetime(2026, 6, 2, 6, tzinfo=UTC)
        assert me.get(url("names", row)).url == url("reservation", row)


class TestAnotherDeparture:
    def test_all_of_it_on_one_page(
        self, me: Client, traveller: User, train: Trip, later: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        call_off(train)
        shown = text_of(me.get(url("reservation", row)))
        assert "This booking does not run as it was sold." in shown
        page = text_of(me.get(url("rebook", row)))
        assert "ICE 585 was cancelled by the carrier." in page
        assert "11:00 – 16:30" in page
        assert "Cancel and get €90.00 back, all of it" in page

        answer = me.post(
            url("rebook", row), {"ticket": train.ticket_id(), "choice": later.ticket_id()}
        )

        assert answer.url == url("reservation", row)
        after = text_of(me.get(answer.url))
        assert "Another departure: ICE 585 instead of ICE 585" in after
        assert "does not run as it was sold" not in after
        assert [one.ticket_id for one in fresh(row, noon).open_coupons] == [later.ticket_id()] * 2

    def test_the_money_instead(
        self, me: Client, traveller: User, train: Trip, later: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        call_off(train)
        wanted = {"ticket": train.ticket_id(), "choice": "money", "back": "9000"}
        assert me.post(url("rebook", row), wanted | {"back": "9001"}).status_code == 409
        assert Refund.objects.count() == 0
        me.post(url("rebook", row), wanted)
        assert fresh(row, noon).status == "Cancelled"
        assert Refund.objects.get().amount_minor == 9_000
        # Sent again, it finds nothing left to choose.
        again = me.post(url("rebook", row), wanted)
        assert again.url == url("reservation", row)
        assert Refund.objects.count() == 1

    @pytest.mark.parametrize("choice", ["", "money", "0", "99", "x", "9" * 40])
    def test_nonsense_chooses_nothing(
        self, me: Client, traveller: User, train: Trip, later: Trip, noon: datetime, choice: str
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        answer = me.post(url("rebook", row), {"choice": choice})
        assert answer.status_code == 409
        assert "error-summary" in answer.content.decode()
        assert Coupon.objects.get().state == "open"

    def test_says_when_there_is_no_other(
        self, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        call_off(train)
        assert "No other departure has room" in text_of(me.get(url("rebook", row)))

    def test_is_for_what_does_not_run_as_sold(
        self, me: Client, traveller: User, train: Trip, later: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon)
        assert me.get(url("rebook", row)).url == url("reservation", row)
        delay(train, 20)
        page = text_of(me.get(url("reservation", row)))
        assert "20 minutes late: leaves at 08:20, arrives at 13:50" in page
        delay(train, 75)
        assert "ICE 585 is very late." in text_of(me.get(url("rebook", row)))
        Departure.objects.update(state="scheduled")

    def test_takes_twelve_statements_at_most(
        self,
        me: Client,
        traveller: User,
        train: Trip,
        later: Trip,
        noon: datetime,
        django_assert_max_num_queries: Any,
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=4)
        for number in range(12):
            another(train, starts_at=datetime(2026, 6, 3, number, tzinfo=UTC), run=f"n{number}")
        call_off(train)
        me.get(url("rebook", row))
        with django_assert_max_num_queries(12):
            me.get(url("rebook", row))


class TestStory:
    def test_tells_of_letters_refunds_and_reports(
        self, me: Client, traveller: User, staff: User, train: Trip, noon: datetime
    ) -> None:
        row = paid(traveller, train.ticket_id(), now=noon, adults=2)
        report = support.submit_report(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=row.id,
            ticket_id=train.ticket_id(),
            category="Other",
            text="The door was stuck.",
            now=noon,
        )
        page = text_of(me.get(url("reservation", row)))
        assert "E-mail: Your tickets" in page
        assert "a…a@example.org" in page
        assert f'<a href="/help/{report.id}/">Problem reported</a>' in page
        assert "E-mail: We have your report" in page

    def test_keeps_what_staff_note_among_staff(
        self, me: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        from bookings.models import ReservationEvent

        row = paid(traveller, train.ticket_id(), now=noon)
        ReservationEvent.objects.create(
            reservation_id=row.id,
            at=noon,
            kind="seats_changed",
            from_state="paid",
            to_state="paid",
            actor_kind="staff",
            reason="A difficult person.",
            details={"seats": [], "before": []},
        )
        assert "difficult" not in text_of(me.get(url("reservation", row)))

    def test_a_guest_reports_after_signing_in(
        self, client: Client, stranger: User, train: Trip, noon: datetime
    ) -> None:
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        money.pay(
            viewer=OFFICE,
            reservation_id=held.id,
            method="Bank Card",
            token="tok_accepted",
            now=noon,
        )
        client.get(url("reservation", held) + f"?key={secret}")
        form = f"/help/new/?trip={held.locator}"
        assert client.get(form).status_code == 302
        client.post("/account/sign-in/", {"email": "mallory@example.org", "password": PASSWORD})
        assert held.locator in text_of(client.get(form))
        # Code and name alone are not enough for that.
        other = signed_in(stranger)
        found(other, held.locator, "Roe")
        assert other.get(form).status_code == 404
