"""Checkout: from the passengers' names to the hold, and every refusal on the way."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import SavedPassenger, User
from bookings.models import Passenger, PriceLine, Reservation
from bookings.services import SeatChoice
from inventory.models import Departure, FareVersion
from tests.conftest import Clock
from tests.factories import Timetable, Trip
from tests.pages.reading import text_of, where
from tests.selling import adults, everything, reserve, row_counts, seats_of

pytestmark = pytest.mark.usefixtures("clock")
ADA = {"p1-first_name": "Ada", "p1-last_name": "Lovelace"}
BOB = {"p2-first_name": "Bob", "p2-last_name": "Roe"}
CONTACT = {"email": "Ada@Example.org"}


def address(*ticket_ids: int, **query: Any) -> str:
    """Answer the address of the checkout of these tickets."""
    pairs = [("ticket", one) for one in ticket_ids]
    for key, value in query.items():
        pairs += [(key, one) for one in (value if isinstance(value, list) else [value])]
    return "/checkout/?" + "&".join(f"{key}={value}" for key, value in pairs)


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


def order(client: Client, path: str, **typed: str) -> HttpResponse:
    """Open the page, fill it in as one adult with a contact (and `typed`), and send it."""
    html = client.get(path).content.decode()
    fields = {name: hidden(html, name) for name in ("form_key", "expected")}
    return client.post(path, {**fields, **ADA, **CONTACT, **typed})


class TestPage:
    def test_asks_for_everybody_by_name(self, client: Client, train: Trip) -> None:
        html = client.get(address(train.ticket_id(), adult=2, child=1)).content.decode()

        assert re.findall(r"<legend[^>]*>(.*?)</legend>", html) == [
            "Adult 1", "Adult 2", "Child", "Contact",
        ]  # fmt: skip
        assert "Total €112.50" in text_of(html)

    def test_fills_in_a_saved_passenger_and_keeps_what_was_typed(
        self, client: Client, train: Trip, traveller: User, stranger: User, noon: datetime
    ) -> None:
        client.force_login(traveller)
        saved = SavedPassenger.objects.create(
            user=traveller,
            first_name="Grace",
            last_name="Hopper",
            date_of_birth=date(1906, 12, 9),
            created_at=noon,
        )
        theirs = SavedPassenger.objects.create(
            user=stranger, first_name="Eve", last_name="Grey", created_at=noon
        )
        path = address(train.ticket_id(), adult=2)
        before = row_counts()

        html = client.post(path, {**ADA, **CONTACT, "fill": f"1:{saved.pk}"}).content.decode()
        foreign = client.post(path, {**ADA, "fill": f"1:{theirs.pk}"}).content.decode()

        for name, value in (
            ("p1-first_name", "Ada"),
            ("p2-first_name", "Grace"),
            ("p2-last_name", "Hopper"),
            ("p2-date_of_birth", "1906-12-09"),
            ("email", "Ada@Example.org"),
        ):
            assert re.search(rf'name="{name}"[^>]*value="{value}"', html), name
        assert "Eve" not in foreign
        assert row_counts() == before

    @pytest.mark.parametrize("fill", ["", ":", "x:y", "9:1", "1:", "1:" + "9" * 21, "²:1"])
    def test_fills_in_nothing_for_a_button_that_is_none(
        self, client: Client, train: Trip, traveller: User, fill: str
    ) -> None:
        client.force_login(traveller)

        answer = client.post(address(train.ticket_id()), {**ADA, "fill": fill})

        assert answer.status_code == 200
        assert Reservation.objects.count() == 0

    def test_knows_who_is_signed_in(self, client: Client, train: Trip, traveller: User) -> None:
        client.force_login(traveller)

        html = client.get(address(train.ticket_id(), adult=2)).content.decode()

        assert 'name="p1-first_name" value="Ada"' in html
        assert 'name="email" value="ada@example.org"' in html
        assert 'name="p2-first_name" value=' not in html

    def test_names_the_seats_that_were_chosen(self, client: Client, train: Trip) -> None:
        ticket = train.ticket_id()
        seats = [f"{ticket}:1:1A", f"{ticket}:1:2D"]

        html = client.get(address(ticket, adult=3, seat=seats)).content.decode()

        assert "Coach 1, seats 1A, 2D" in html
        # Whoever has a seat needs no wish.
        assert re.findall(r'name="(p\d)-seat_wish"', html) == ["p3"]

    def test_reckons_a_round_trip(self, client: Client, timetable: Timetable) -> None:
        FareVersion.objects.filter(fare=timetable.coach.fares[0]).update(
            return_discount_basis_points=1_000
        )
        there, back = timetable.coach.ticket_id(0, 1), timetable.coach.ticket_id(1, 2)

        html = client.get(address(there, back, way="return", adult=2)).content.decode()

        # 300 km at 3 c and 5.00 are 14.00, 600 km are 23.00; a tenth of each comes off.
        seen = text_of(html)
        assert "2 adults, Standard, N 42 €28.00" in seen
        assert "2 adults, Standard, N 42 €46.00" in seen
        assert "Return discount −€7.40" in seen
        assert "Total €66.60" in seen

    def test_without_a_ticket_leads_to_the_search(self, client: Client, db: None) -> None:
        assert where(client.get("/checkout/")) == ("/", {})

    def test_tickets_of_two_currencies_are_refused(
        self, client: Client, timetable: Timetable
    ) -> None:
        carrier = timetable.coach.departure.service.carrier
        carrier.currency_id = "GBP"
        carrier.save()

        answer = client.get(address(timetable.train.ticket_id(), timetable.coach.ticket_id()))

        assert answer.status_code == 409
        assert "Please book them one by one." in answer.content.decode()

    def test_is_not_kept_by_browsers(self, client: Client, train: Trip) -> None:
        assert "no-store" in client.get(address(train.ticket_id()))["Cache-Control"]

    def test_is_few_statements(
        self,
        client: Client,
        timetable: Timetable,
        traveller: User,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(traveller)
        client.get("/")
        path = address(timetable.train.ticket_id(), timetable.coach.ticket_id(), adult=2)

        with django_assert_max_num_queries(12):
            client.get(path)


class TestHold:
    def test_holds_seats_for_a_guest(self, client: Client, train: Trip, noon: datetime) -> None:
        answer = order(client, address(train.ticket_id()))

        held = Reservation.objects.get()
        assert where(answer)[0] == f"/checkout/{held.locator}/payment/"
        assert (held.state, held.user_id, held.contact_email) == ("held", None, "ada@example.org")
        assert held.hold_until == noon + timedelta(minutes=10)

    def test_this_browser_alone_may_see_it(self, client: Client, train: Trip) -> None:
        path = order(client, address(train.ticket_id()))["Location"]

        assert client.get(path).status_code == 200
        assert Client().get(path).status_code == 404

    def test_holds_seats_for_an_account(self, client: Client, train: Trip, traveller: User) -> None:
        client.force_login(traveller)

        order(client, address(train.ticket_id()))

        held = Reservation.objects.get()
        assert (held.user_id, held.guest_digest) == (traveller.pk, None)

    def test_writes_down_what_was_typed(self, client: Client, train: Trip) -> None:
        order(
            client,
            address(train.ticket_id(), child=1, adult=1),
            **{
                "p1-seat_wish": "window",
                "p2-first_name": "  Amélie ",
                "p2-last_name": "Nguyễn",
                "p2-date_of_birth": "2017-11-20",
                "phone": "+49 30 1234567",
            },
        )

        rows = list(
            Passenger.objects.order_by("position").values_list(
                "first_name", "kind", "seat_wish", "date_of_birth__year"
            )
        )
        assert rows == [("Ada", "adult", "window", None), ("Amélie", "child", "", 2017)]
        assert Reservation.objects.get().contact_phone == "+49301234567"

    def test_gives_everybody_the_chosen_seat(
        self, client: Client, train: Trip, traveller: User
    ) -> None:
        ticket = train.ticket_id()
        client.force_login(traveller)

        order(client, address(ticket, adult=2, seat=[f"{ticket}:1:2D", f"{ticket}:1:1A"]), **BOB)

        assert seats_of_only() == [("1", "2D"), ("1", "1A")]

    def test_holds_a_round_trip_at_its_price(self, client: Client, train: Trip, back: Trip) -> None:
        FareVersion.objects.filter(fare=train.fares[0]).update(return_discount_basis_points=1_000)

        order(client, address(train.ticket_id(), back.ticket_id(), way="return"))

        # 45.00 each way, a tenth less.
        assert sum(PriceLine.objects.values_list("amount_minor", flat=True)) == 8_100

    def test_a_way_back_has_to_lead_back(self, client: Client, timetable: Timetable) -> None:
        # Berlin lies on the way, so the second ticket leads on.
        there, on = timetable.coach.ticket_id(0, 1), timetable.coach.ticket_id(1, 2)

        answer = order(client, address(there, on, way="return"))

        assert answer.status_code == 409
        assert "This ticket does not lead back from the first one." in answer.content.decode()

    def test_sent_twice_holds_once(self, client: Client, train: Trip) -> None:
        path = address(train.ticket_id())
        html = client.get(path).content.decode()
        typed = {"form_key": hidden(html, "form_key"), **ADA, **CONTACT}

        first = client.post(path, typed)
        before = row_counts()
        second = client.post(path, typed)

        assert second["Location"] == first["Location"]
        assert row_counts() == before
        assert "Your seats are held already" in client.get(second["Location"]).content.decode()

    def test_another_form_is_another_hold(self, client: Client, train: Trip) -> None:
        path = address(train.ticket_id())

        assert order(client, path)["Location"] != order(client, path)["Location"]


def seats_of_only() -> list[tuple[str, str]]:
    """Answer the seats of the only reservation."""
    from accounts.viewers import Viewer
    from bookings import selectors

    row = Reservation.objects.get()
    return seats_of(
        selectors.get_reservation(
            viewer=Viewer(is_support=True), reservation_id=row.pk, now=row.created_at
        )
    )


class TestRefusals:
    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"p1-first_name": ""}, "Adult, First names, as in the passport: This field is"),
            ({"p1-last_name": " "}, "Adult, Last name: This field is required."),
            ({"p1-first_name": "A\u202eda"}, "There is a character in it that no name has."),
            ({"p1-first_name": "x" * 81}, "at most 80 characters"),
            ({"p1-date_of_birth": "2027-01-01"}, "This day is yet to come."),
            ({"p1-date_of_birth": "0001-01-01"}, "Nobody alive was born that early."),
            ({"p1-date_of_birth": "yesterday"}, "Enter a valid date."),
            ({"p1-date_of_birth": "2020-06-01"}, "Somebody born on this day pays another price"),
            ({"p1-seat_wish": "roof"}, "Select a valid choice."),
            ({"email": "ada.example.org"}, "Enter a valid email address."),
            ({"email": ""}, "Contact, E-mail: This field is required."),
            ({"phone": "12"}, "Write the number with its country code"),
        ],
    )
    def test_are_told_at_the_field(
        self, client: Client, train: Trip, typed: dict[str, str], said: str
    ) -> None:
        answer = order(client, address(train.ticket_id()), **typed)

        html = answer.content.decode()
        assert said in html
        assert 'aria-invalid="true"' in html
        # What was typed elsewhere stays.
        kept = "p1-first_name" if "p1-last_name" in typed else "p1-last_name"
        assert f'name="{kept}" value="{ADA[kept]}"' in html
        assert not Reservation.objects.exists()

    def test_a_child_has_to_say_when_born(self, client: Client, train: Trip) -> None:
        answer = order(client, address(train.ticket_id(), adult=1, child=1), **BOB)

        assert "Child, Date of birth: This field is required." in answer.content.decode()

    def test_of_a_taken_seat_offer_other_ones(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        ticket = train.ticket_id()
        path = address(ticket, seat=f"{ticket}:1:1A")
        reserve(traveller, ticket, now=noon, passengers=7)
        before = everything()
        taken = next(seat for seat in ("1A", "1B") if is_taken(train, seat))

        path = address(ticket, seat=f"{ticket}:1:{taken}")
        answer = order(client, path)

        html = answer.content.decode()
        assert answer.status_code == 409
        assert "This seat has just been taken." in html
        assert f'href="/trip/{ticket}/seats/' in html
        assert everything() == before
        # The same form, sent with the other button, takes any seat.
        again = order(client, path, anywhere="1")
        assert again.status_code == 302

    def test_of_too_few_seats_lead_to_other_trips(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        reserve(traveller, train.ticket_id(), now=noon, passengers=8)
        before = everything()

        answer = order(client, address(train.ticket_id(), origin="Hamburg", destination="Munich"))

        assert answer.status_code == 409
        assert "There are not enough free seats." in answer.content.decode()
        assert 'href="/search/?origin=Hamburg' in answer.content.decode()
        assert everything() == before

    def test_of_no_seat_all_the_way_ask_for_a_change_of_seats(
        self, client: Client, train: Trip, traveller: User, noon: datetime
    ) -> None:
        for row, (start, end) in ((1, (0, 2)), (2, (2, 4))):
            ticket = train.ticket_id(start, end)
            seats = [SeatChoice(ticket, n, "1", f"{row}{name}") for n, name in enumerate("ABCD")]
            reserve(traveller, ticket, now=noon, passengers=4, seats=seats)
        before = everything()
        results = client.get("/search/?origin=Hamburg&destination=Munich&date=2026-06-02")
        assert "Change seats on the way" in results.content.decode()
        page = client.get(f"/trip/{train.ticket_id()}/").content.decode()
        assert "With a change of seat on the way; you are asked first." in page

        path = address(train.ticket_id())
        answer = order(client, path)

        assert answer.status_code == 409
        html = text_of(answer.content.decode())
        assert "there is room with a change of seat on the way" in html
        way = "Coach 1, seat 2A to Göttingen Hbf, then Coach 1, seat 1A to München Hbf"
        assert f"Adult: {way}." in html
        assert everything() == before
        again = order(client, path, changing="1")
        assert again.status_code == 302
        held = Reservation.objects.latest("id")
        shown = client.get(f"/booking/{held.locator}/").content.decode()
        assert way in text_of(shown)

    def test_of_a_changed_price_show_the_new_one(
        self, client: Client, train: Trip, noon: datetime
    ) -> None:
        path = address(train.ticket_id())
        html = client.get(path).content.decode()
        FareVersion.objects.filter(fare=train.fares[0]).update(base_minor=1_500)

        seen = {"form_key": hidden(html, "form_key"), "expected": hidden(html, "expected")}
        answer = client.post(path, {**seen, **ADA, **CONTACT})

        html = answer.content.decode()
        assert answer.status_code == 409
        assert "The price has changed since you looked." in html
        assert "Total €55.00" in text_of(html)
        assert not Reservation.objects.exists()
        # Sent again, the new price is agreed to.
        seen["expected"] = hidden(html, "expected")
        assert client.post(path, {**seen, **ADA, **CONTACT}).status_code == 302

    def test_of_infants_without_adults(self, client: Client, train: Trip) -> None:
        answer = order(
            client,
            address(train.ticket_id(), young=1, infant=1),
            **BOB,
            **{"p1-date_of_birth": "2008-01-01", "p2-date_of_birth": "2026-01-01"},
        )

        assert "Each infant needs an adult of its own." in answer.content.decode()

    def test_of_too_many_holds_lead_to_my_trips(
        self, client: Client, train: Trip, traveller: User, noon: datetime, settings: Any
    ) -> None:
        settings.MAX_LIVE_HOLDS = 1
        reserve(traveller, train.ticket_id(), now=noon)
        client.force_login(traveller)

        answer = order(client, address(train.ticket_id()))

        assert "You have too many unpaid reservations." in answer.content.decode()
        assert 'href="/my-trips/"' in answer.content.decode()

    def test_of_a_closed_departure(self, client: Client, train: Trip, clock: Clock) -> None:
        path = address(train.ticket_id(), origin="Hamburg")
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")

        answer = client.post(path, {**ADA, **CONTACT})

        assert answer.status_code == 409
        assert "This departure is no longer on sale." in answer.content.decode()

    def test_of_a_forged_token(self, train: Trip) -> None:
        strict = Client(enforce_csrf_checks=True)

        assert strict.post(address(train.ticket_id()), {**ADA, **CONTACT}).status_code == 403
        assert not Reservation.objects.exists()


def is_taken(trip: Trip, label: str) -> bool:
    """Say whether somebody claims the seat of coach 1."""
    from tests.selling import bits_of

    return bits_of(trip)[f"1/{label}"] > 0


class TestKeys:
    """A guest's link opens the reservation, and the secret leaves the address at once."""

    @pytest.fixture
    def link(self, client: Client, train: Trip, noon: datetime) -> tuple[str, str]:
        from bookings import services
        from bookings.services import Holder

        made = services.reserve(
            holder=Holder(email="guest@example.org"),
            ticket_ids=[train.ticket_id()],
            passengers=adults(1),
            now=noon,
        )
        assert made.guest_secret is not None
        return f"/booking/{made.reservation.locator}/", made.guest_secret

    def test_open_the_reservation(self, link: tuple[str, str]) -> None:
        path, secret = link
        browser = Client()

        assert browser.get(path).status_code == 404
        answer = browser.get(f"{path}?key={secret}&tab=1")
        assert answer["Location"] == f"{path}?tab=1"
        assert browser.get(path).status_code == 200

    def test_that_are_wrong_open_nothing(self, link: tuple[str, str]) -> None:
        path, _secret = link

        assert Client().get(f"{path}?key=wrong").status_code == 404

    def test_of_twenty_reservations_are_kept(self, rf: Any) -> None:
        from bookings.pages.access import remember, viewer_of

        request = rf.get("/")
        request.session, request.user = {}, AnonymousUser()
        for number in range(25):
            remember(request, f"LOC{number:03}", f"secret {number}")

        assert len(viewer_of(request).guest_digests) == 20
        assert list(request.session["guest_secrets"]) == [f"LOC{n:03}" for n in range(5, 25)]
