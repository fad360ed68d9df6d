"""Serving from the back office: who may, who is found, what is asked, and what is on record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from bookings.models import Reservation, ReservationEvent
from support import serving as reads
from support.errors import NotServable
from support.models import Serving
from support.services import serving as services
from support.services.serving import Guest
from tests import factories, selling
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.cast import hold_as_guest, paid, signed_in, text_of
from tests.pages.serving import REASON, begin, begin_for_guest, passenger
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.models import Act, OutboxMessage

pytestmark = pytest.mark.django_db

PHONE_PAGE = "/admin/book-by-phone/"


@pytest.fixture
def browser(staff: User, settings: Any, clock: Clock) -> Client:
    settings.STAFF_2FA = "optional"
    return signed_in(staff)


def colleague(*roles: str, **fields: Any) -> User:
    return factories.make_user(is_staff=True, roles=roles, **fields)


def find(browser: Client, said: str) -> str:
    return text_of(browser.post(PHONE_PAGE, {"find": "1", "said": said}))


class TestWhoMay:
    @pytest.mark.parametrize(
        ("roles", "may"),
        [
            (["support agent"], True),
            (["administrator"], True),
            (["finance"], False),
            (["operations"], False),
            ([], False),
            (["finance", "support agent"], True),
        ],
    )
    def test_agents_and_administrators(
        self, traveller: User, settings: Any, clock: Clock, roles: list[str], may: bool
    ) -> None:
        settings.STAFF_2FA = "optional"
        user = colleague(*roles)
        browser = signed_in(user)
        address = f"/admin/serving/begin/?purpose=look&traveller={traveller.pk}"

        assert reads.may_serve(user) is may
        for answer in (
            browser.get(PHONE_PAGE),
            browser.get(address),
            browser.post(address, {"reason": REASON}),
        ):
            assert (answer.status_code != 403) is may
        assert Serving.objects.exists() is may
        assert ("Book by phone" in browser.get("/admin/").content.decode()) is may

    def test_neither_carriers_staff_nor_travellers(
        self, traveller: User, stranger: User, train: Trip, settings: Any
    ) -> None:
        from inventory.models import Membership

        settings.STAFF_2FA = "optional"
        carriers = colleague()
        Membership.objects.create(
            user=carriers, carrier=train.departure.service.carrier, role="manager"
        )
        assert signed_in(carriers).get(PHONE_PAGE).status_code == 403
        # Who is no staff is led to the sign-in.
        assert signed_in(stranger).get(PHONE_PAGE).status_code == 302
        assert not reads.may_serve(stranger)

    def test_only_with_the_second_factor_where_it_is_asked_for(
        self, staff: User, traveller: User, settings: Any
    ) -> None:
        settings.STAFF_2FA = "required"
        browser = signed_in(staff)
        address = f"/admin/serving/begin/?purpose=look&traveller={traveller.pk}"

        assert browser.post(address, {"reason": REASON}).status_code == 302
        assert not Serving.objects.exists()

        device = TOTPDevice.objects.create(user=staff, name="phone", confirmed=True)
        session = browser.session
        session["otp_device_id"] = device.persistent_id
        session.save()
        begin(browser, traveller=traveller)
        assert "Looking as" in browser.get("/my-trips/").content.decode()
        # The device is taken away: so is what it opened.
        device.delete()
        assert browser.get("/my-trips/").status_code == 403


class TestWhoCanBeServed:
    @pytest.mark.parametrize(
        "fields",
        [
            {"is_staff": True},
            {"is_staff": True, "is_superuser": True},
            {"is_active": False},
        ],
    )
    @pytest.mark.parametrize("purpose", ["look", "book"])
    def test_no_staff_and_no_closed_account(
        self, browser: Client, staff: User, fields: dict[str, bool], purpose: str, noon: datetime
    ) -> None:
        other = factories.make_user(**fields)

        with pytest.raises(NotServable):
            services.begin(
                staff=staff,
                purpose=purpose,
                reason=REASON,
                traveller_id=other.pk,
                address="192.0.2.1",
                now=noon,
            )
        page = browser.get(f"/admin/serving/begin/?purpose={purpose}&traveller={other.pk}")
        assert 'name="reason"' not in page.content.decode()
        assert not Serving.objects.exists()

    def test_nobody_serves_oneself(self, staff: User, noon: datetime) -> None:
        with pytest.raises(NotAllowed):
            services.begin(
                staff=staff,
                purpose="look",
                reason=REASON,
                traveller_id=staff.pk,
                address="192.0.2.1",
                now=noon,
            )

    def test_nobody_books_for_staffs_own_reservation(
        self, staff: User, train: Trip, noon: datetime
    ) -> None:
        manager = colleague()
        held = selling.reserve(manager, train.ticket_id(), now=noon, passengers=1)
        with pytest.raises(NotServable):
            services.begin(
                staff=staff,
                purpose="look",
                reason=REASON,
                reservation_id=held.id,
                address="192.0.2.1",
                now=noon,
            )

    def test_what_is_booked_never_goes_to_an_address_that_nobody_confirmed(
        self, browser: Client, staff: User, noon: datetime
    ) -> None:
        squatter = factories.make_user(email="victim@example.org", email_verified_at=None)

        with pytest.raises(NotServable):
            services.begin(
                staff=staff,
                purpose="book",
                reason=REASON,
                traveller_id=squatter.pk,
                address="192.0.2.1",
                now=noon,
            )
        page = find(browser, "victim@example.org")
        assert "not confirmed" in page
        assert "Book for this customer" not in page
        assert "Look as the customer" in page

    @pytest.mark.parametrize("reason", ["", "   ", "a" * 301, "4111 1111 1111 1111", "a\u202eb"])
    def test_only_for_a_reason(
        self, browser: Client, staff: User, traveller: User, reason: str, noon: datetime
    ) -> None:
        with pytest.raises(InvalidInput):
            services.begin(
                staff=staff,
                purpose="look",
                reason=reason,
                traveller_id=traveller.pk,
                address="192.0.2.1",
                now=noon,
            )
        answer = browser.post(
            f"/admin/serving/begin/?purpose=look&traveller={traveller.pk}", {"reason": reason}
        )
        assert answer.status_code in (200, 400)
        assert not Serving.objects.exists()

    @pytest.mark.parametrize(
        "whom",
        [
            {},
            {"traveller_id": 1, "reservation_id": 1},
            {"guest": Guest()},
        ],
    )
    def test_only_for_one(self, staff: User, whom: dict[str, Any], noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            services.begin(
                staff=staff,
                purpose="book",
                reason=REASON,
                address="192.0.2.1",
                now=noon,
                **whom,
            )

    def test_a_new_guest_is_not_looked_at(self, staff: User, noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            services.begin(
                staff=staff,
                purpose="look",
                reason=REASON,
                guest=Guest(email="new@example.org"),
                address="192.0.2.1",
                now=noon,
            )

    @pytest.mark.parametrize("query", ["", "traveller=999999", "reservation=999999", "traveller=x"])
    def test_what_is_not_there_is_not_found(self, browser: Client, query: str) -> None:
        assert browser.get(f"/admin/serving/begin/?purpose=look&{query}").status_code == 404
        assert browser.get(f"/admin/serving/begin/?purpose=pay&{query}").status_code == 404

    def test_a_number_in_the_form_changes_nobody(
        self, browser: Client, traveller: User, stranger: User
    ) -> None:
        browser.post(
            f"/admin/serving/begin/?purpose=look&traveller={traveller.pk}",
            {"reason": REASON, "traveller": stranger.pk, "traveller_id": stranger.pk},
        )

        assert Serving.objects.get().traveller == traveller


class TestFinding:
    def test_by_the_whole_address_number_or_code(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        traveller.phone, traveller.phone_verified_at = "+49301234567", noon
        traveller.save()
        booked = paid(traveller, train.ticket_id(), now=noon)
        guests, _secret = hold_as_guest(train.ticket_id(), now=noon)

        for said in ("ada@example.org", " ADA@Example.org ", "+49 30 1234567", booked.locator):
            assert "Ada Lovelace" in find(browser, said)
        assert "guest@example.org" in find(browser, guests.locator.lower())

    @pytest.mark.parametrize(
        "said", ["ada", "ada@", "@example.org", "Lovelace", "%", "+4930", "ada@example.or"]
    )
    def test_nobody_by_a_part(self, browser: Client, traveller: User, said: str) -> None:
        page = find(browser, said)

        assert "Ada Lovelace" not in page
        assert "Nobody is found by that" in page

    def test_what_was_looked_for_begins_the_form_for_a_new_guest(self, browser: Client) -> None:
        assert 'value="new@example.org"' in find(browser, "New@example.org")

    def test_a_new_guest_needs_a_way_to_be_reached(self, browser: Client) -> None:
        form = {"guest": "1", "language": "en", "reason": REASON}

        for wrong in (
            {},
            {"email": "nonsense"},
            {"phone": "030 1234567"},
            {"email": "a@example.org", "language": "xx"},
        ):
            answer = browser.post(PHONE_PAGE, form | wrong)
            assert answer.status_code == 400
        assert not Serving.objects.exists()


class TestOnRecord:
    def test_an_act_says_who_began_what_and_why(
        self, browser: Client, staff: User, traveller: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)

        act = Act.objects.get()
        row = Serving.objects.get()
        assert (act.actor, act.kind, act.about) == (staff, "looked", f"support.serving:{row.pk}")
        assert (act.reason, act.at, act.address) == (REASON, clock.now(), "127.0.0.1")

    def test_the_tables_show_it_and_nobody_changes_it(
        self, browser: Client, staff: User, traveller: User
    ) -> None:
        begin(browser, traveller=traveller)
        browser.get("/my-trips/")
        row = Serving.objects.get()

        page = text_of(browser.get(f"/admin/support/serving/{row.pk}/change/"))

        assert REASON in page
        assert "bookings:my-trips" in page
        assert "Ada Lovelace" in text_of(browser.get("/admin/support/serving/"))
        assert browser.post(f"/admin/support/serving/{row.pk}/delete/").status_code == 403

    def test_a_reservation_knows_who_looked_at_it(
        self, browser: Client, staff: User, traveller: User, train: Trip, clock: Clock
    ) -> None:
        booked = paid(traveller, train.ticket_id(), now=clock.now())
        other = paid(traveller, train.ticket_id(), now=clock.now())
        begin(browser, traveller=traveller)
        clock.advance(minutes=2)
        browser.get(f"/booking/{booked.locator}/")
        browser.post("/admin/serving/stop/")

        story = text_of(browser.get(f"/admin/bookings/reservation/{booked.id}/change/"))

        assert REASON in story
        assert str(staff) in story
        other_story = text_of(browser.get(f"/admin/bookings/reservation/{other.id}/change/"))
        assert REASON not in other_story

    def test_a_booking_by_phone_says_so_in_its_story(
        self, browser: Client, staff: User, traveller: User, train: Trip, clock: Clock
    ) -> None:
        begin(browser, purpose="book", traveller=traveller)
        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())
        row = Reservation.objects.get()

        story = text_of(browser.get(f"/admin/bookings/reservation/{row.pk}/change/"))

        assert "Booked it for the traveller" in story
        assert "page opened" not in story
        browser.get(f"/booking/{row.locator}/")
        story = text_of(browser.get(f"/admin/bookings/reservation/{row.pk}/change/"))
        assert "1 page opened" in story

    def test_what_ended_by_its_time_ended_then(
        self, browser: Client, traveller: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        row = Serving.objects.get()

        assert reads.over_at(row, clock.now()) is None
        clock.advance(minutes=45)
        assert reads.over_at(row, clock.now()) == clock.now() - timedelta(minutes=15)


class TestWhatWasBooked:
    @pytest.fixture
    def made(self, browser: Client, train: Trip, clock: Clock) -> Reservation:
        begin_for_guest(browser, email="new@example.org", language="en")
        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())
        return Reservation.objects.get()

    def test_is_read_out(self, browser: Client, made: Reservation) -> None:
        page = text_of(browser.get(f"/admin/serving/booked/{made.locator}/"))

        assert made.locator in page
        assert "€45.00" in page
        # Noon and an hour.
        assert "15:00 CEST" in page
        assert "13:00 UTC" in page
        assert "new@example.org" in page
        assert "ICE 585" in page

    def test_the_link_is_sent_again_at_most_three_times_an_hour(
        self, browser: Client, staff: User, made: Reservation, settings: Any
    ) -> None:
        settings.THROTTLES = "on"
        address = f"/admin/serving/booked/{made.locator}/"

        for _ in range(5):
            assert browser.post(address).status_code == 302

        sent = OutboxMessage.objects.filter(kind="bookings.payment_link")
        assert sent.count() == 3
        assert {one.recipient for one in sent} == {"new@example.org"}
        event = ReservationEvent.objects.filter(kind="sent_again").latest("id")
        assert (event.actor_kind, event.actor) == ("staff", staff)

    def test_is_not_for_other_roles(self, made: Reservation) -> None:
        other = signed_in(colleague("finance"))
        assert other.get(f"/admin/serving/booked/{made.locator}/").status_code == 403
        assert other.post(f"/admin/serving/booked/{made.locator}/").status_code == 403

    def test_what_is_not_there_is_not_found(self, browser: Client) -> None:
        assert browser.get("/admin/serving/booked/ABC234/").status_code == 404


class TestLinks:
    def test_from_a_person_and_from_a_reservation(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        held = selling.reserve(traveller, train.ticket_id(), now=noon, passengers=1)

        person = browser.get(f"/admin/accounts/user/{traveller.pk}/change/").content.decode()
        reservation = browser.get(f"/admin/bookings/reservation/{held.id}/change/").content.decode()

        assert f"?purpose=look&amp;traveller={traveller.pk}" in person
        assert f"?purpose=book&amp;traveller={traveller.pk}" in person
        assert f"?reservation={held.id}&amp;purpose=look" in reservation
        assert f"?reservation={held.id}&amp;purpose=book" in reservation

    def test_not_for_other_roles(self, traveller: User, settings: Any, clock: Clock) -> None:
        settings.STAFF_2FA = "optional"
        chief = colleague("administrator")
        accountant = colleague("finance")
        address = f"/admin/accounts/user/{traveller.pk}/change/"

        assert "serving/begin" in signed_in(chief).get(address).content.decode()
        assert "serving/begin" not in signed_in(accountant).get(address).content.decode()


class TestTheRow:
    def test_begin_twice_at_once_leaves_one(
        self, staff: User, traveller: User, stranger: User, noon: datetime
    ) -> None:
        def start(user: User) -> services.Begun:
            return services.begin(
                staff=staff,
                purpose="look",
                reason=REASON,
                traveller_id=user.pk,
                address="192.0.2.1",
                now=noon,
            )

        first, second = start(traveller), start(stranger)

        assert reads.find_live(secret=first.secret, staff=staff, now=noon) is None
        held = reads.find_live(secret=second.secret, staff=staff, now=noon)
        assert held is not None
        assert held.user == stranger
        # Ending what is over changes nothing, and nobody ends another's.
        services.end(secret=first.secret, staff_id=staff.pk, because="stopped", now=noon)
        services.end(secret=second.secret, staff_id=traveller.pk, because="stopped", now=noon)
        assert list(Serving.objects.order_by("id").values_list("ended_because", flat=True)) == [
            "replaced",
            "",
        ]

    def test_not_found(self, staff: User, noon: datetime) -> None:
        for whom in ({"traveller_id": 999_999}, {"reservation_id": 999_999}):
            with pytest.raises(NotFound):
                services.begin(
                    staff=staff,
                    purpose="look",
                    reason=REASON,
                    address="192.0.2.1",
                    now=noon,
                    **whom,
                )
