"""Staff on the travellers' pages in a traveller's place: what opens, what is shut, what leaks."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, path
from django.utils.html import escape

from accounts.models import SavedPassenger, User
from accounts.viewers import Viewer
from bookings import notifications
from bookings.models import Reservation, ReservationEvent
from bookings.selectors import get_reservation
from payments import services as money
from payments.errors import PaymentLocked
from payments.models import Payment, TopUp
from support.models import Serving, ServingEntry
from tests import factories, selling
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.cast import hold_as_guest, paid, signed_in, text_of
from tests.pages.serving import REASON, begin, begin_for_guest, log_of, passenger
from travel import urls
from travel.api.middleware import is_api
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(staff: User, settings: Any, clock: Clock) -> Client:
    """Sam's, a support agent's, at noon, in an office that asks for no second factor."""
    settings.STAFF_2FA = "optional"
    return signed_in(staff)


@pytest.fixture
def booked(traveller: User, train: Trip, noon: datetime) -> Any:
    """The traveller's paid trip."""
    return paid(traveller, train.ticket_id(), now=noon)


@pytest.fixture
def held(traveller: User, coach: Trip, noon: datetime) -> Any:
    """The traveller's hold, not paid yet."""
    return selling.reserve(traveller, coach.ticket_id(), now=noon, passengers=1)


# --- every page by every method -------------------------------------------------------------------

LOOKED, BOOKED_BY, NEVER = "look and book", "book", "never"
# What GET and HEAD do while serving, by the page's name. Whoever adds a page decides here.
PAGES = {
    "home": BOOKED_BY,
    "accounts:appearance": NEVER,
    "accounts:code": NEVER,
    "accounts:enter-code": NEVER,
    "accounts:language": NEVER,
    "accounts:profile": LOOKED,
    "accounts:remove-passenger": NEVER,
    "accounts:second-factor": NEVER,
    "accounts:sign-in": NEVER,
    "accounts:sign-up": NEVER,
    "bookings:calendar": NEVER,
    "bookings:calendar-trip": NEVER,
    "bookings:cancel": NEVER,
    "bookings:change-seats": NEVER,
    "bookings:checkout": BOOKED_BY,
    "bookings:connection": BOOKED_BY,
    "bookings:done": LOOKED,
    "bookings:door": NEVER,
    "bookings:door-csv": NEVER,
    "bookings:door-list": NEVER,
    "bookings:door-passengers": NEVER,
    "bookings:door-reopen": NEVER,
    "bookings:door-scans": NEVER,
    "bookings:door-worker": NEVER,
    "bookings:doors": NEVER,
    "bookings:extend": NEVER,
    "bookings:find": NEVER,
    "bookings:forget-searches": NEVER,
    "bookings:my-trips": LOOKED,
    "bookings:names": NEVER,
    "bookings:prove": NEVER,
    "bookings:rebook": NEVER,
    "bookings:reservation": LOOKED,
    "bookings:search": BOOKED_BY,
    "bookings:seats": BOOKED_BY,
    "bookings:ticket": BOOKED_BY,
    "bookings:ticket-pdf": NEVER,
    "bookings:tickets": LOOKED,
    "bookings:tickets-pdf": NEVER,
    "bookings:tickets-send": NEVER,
    "bookings:wallet-pass": NEVER,
    "payments:come_back": NEVER,
    "payments:payment": LOOKED,
    "payments:receipt": NEVER,
    "payments:receipt-pdf": NEVER,
    "payments:sandbox": NEVER,
    "payments:wallet": NEVER,
    "privacy:data": NEVER,
    "privacy:download": NEVER,
    "privacy:erase": NEVER,
    "privacy:export": NEVER,
    "outbox": NEVER,
    "support:report": LOOKED,
    "support:reports": LOOKED,
    "support:submit": NEVER,
}
# The one form that may be sent, and only to book.
SENT = {"bookings:checkout"}
# No traveller's pages: staff are who they are there, or it is all the same who asks.
ELSEWHERE = {"accounts:sign-out", "bookings:ticket-keys"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")
# What stands in their addresses. Nobody has any of it: a page that opens answers 404.
SAMPLES = {
    "coupon_id": "1",
    "departure_id": "1",
    "export_id": "1",
    "gateway": "sandbox",
    "key": "payment-1",
    "locator": "ABC234",
    "passenger_id": "1",
    "payment_id": "1",
    "receipt_id": "1",
    "report_id": "1",
    "reservation_id": "1",
    "refund_id": "1",
    "ticket_id": "1",
}


def walk(patterns: Any, namespaces: tuple[str, ...] = (), route: str = "") -> Any:
    """Answer every view's full name and an address of it, but those of the admin and the API."""
    for one in patterns:
        here = route + str(one.pattern)
        if isinstance(one, URLResolver):
            if one.namespace == "admin":
                continue
            inner = (*namespaces, one.namespace) if one.namespace else namespaces
            yield from walk(one.url_patterns, inner, here)
        elif isinstance(one, URLPattern):
            address = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES[found[1]], here)
            if not is_api(address):
                yield ":".join((*namespaces, one.name or "")), address


def every_page() -> dict[str, str]:
    return {name: address for name, address in walk(get_resolver().url_patterns) if name}


class TestEveryPage:
    def test_somebody_has_decided_about_each(self) -> None:
        assert every_page().keys() - ELSEWHERE == PAGES.keys()

    @pytest.mark.parametrize("purpose", ["look", "book"])
    def test_opens_or_stays_shut_as_it_is_written_here(
        self, browser: Client, staff: User, traveller: User, purpose: str
    ) -> None:
        begin(browser, purpose=purpose, traveller=traveller)
        open_for = {LOOKED, *({BOOKED_BY} if purpose == "book" else ())}
        wrong = []
        for name, address in every_page().items():
            if name in ELSEWHERE:
                continue
            for method in METHODS:
                ServingEntry.objects.all().delete()
                answer = browser.generic(method, address)
                expected = (
                    PAGES[name] in open_for
                    if method in ("GET", "HEAD")
                    else method == "POST" and name in SENT and purpose == "book"
                )
                # Written down either way, and refused by nobody else than the door itself.
                log = log_of(staff)
                if log != [(name, method, not expected)]:
                    wrong.append((method, name, answer.status_code, log))
                if not expected and answer.status_code != 403:
                    wrong.append((method, name, answer.status_code, "not refused"))
        assert not wrong

    def test_a_page_that_nobody_decided_about_stays_shut(
        self, browser: Client, traveller: User, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office = ModuleType("an_office_of_tomorrow")
        office.urlpatterns = [  # type: ignore[attr-defined]
            path("tomorrow/", lambda request: HttpResponse("new"), name="tomorrow"),
            *urls.urlpatterns,
        ]
        monkeypatch.setitem(sys.modules, office.__name__, office)
        settings.ROOT_URLCONF = office.__name__
        assert browser.get("/tomorrow/").status_code == 200
        begin(browser, traveller=traveller)

        assert browser.get("/tomorrow/").status_code == 403


# --- looking --------------------------------------------------------------------------------------


class TestLooking:
    def test_sees_what_the_traveller_sees(
        self, browser: Client, traveller: User, booked: Any
    ) -> None:
        answer = begin(browser, traveller=traveller)
        assert answer.headers["Location"] == "/my-trips/"

        trips = text_of(browser.get("/my-trips/"))
        assert booked.locator in trips
        assert "Looking as" in trips
        assert "Ada Lovelace" in trips
        assert f'Reason: <bdi dir="auto">{REASON}</bdi>' in trips
        # Noon and half an hour.
        assert "until 12:30 UTC" in trips

        page = text_of(browser.get(f"/booking/{booked.locator}/"))
        assert "Hamburg" in page
        assert "Report a problem" in page
        assert browser.get("/account/").status_code == 200
        assert browser.get("/help/").status_code == 200

    def test_begins_at_the_booking_it_is_about(
        self, browser: Client, booked: Any, traveller: User
    ) -> None:
        row = Reservation.objects.get(pk=booked.id)

        answer = begin(browser, reservation=row)

        assert answer.headers["Location"] == f"/booking/{booked.locator}/"
        assert Serving.objects.get().traveller == traveller

    def test_sees_a_guests_booking_and_nothing_else(
        self, browser: Client, train: Trip, noon: datetime
    ) -> None:
        mine, _secret = hold_as_guest(train.ticket_id(), now=noon)
        other = selling.reserve("b@example.org", train.ticket_id(), now=noon, passengers=1)
        begin(browser, reservation=Reservation.objects.get(pk=mine.id))

        page = text_of(browser.get(f"/booking/{mine.locator}/"))

        assert "guest@example.org" in page
        assert browser.get(f"/booking/{other.locator}/").status_code == 404
        # Nobody is signed in: what is an account's asks for one, and that stays shut.
        assert browser.get("/account/", follow=True).status_code == 403

    def test_sees_no_barcode_and_takes_no_ticket_along(
        self, browser: Client, traveller: User, booked: Any
    ) -> None:
        mine = text_of(signed_in(traveller).get(f"/booking/{booked.locator}/tickets/"))
        assert '<svg class="barcode"' in mine
        begin(browser, traveller=traveller)

        page = text_of(browser.get(f"/booking/{booked.locator}/tickets/"))

        assert "Barcode hidden" in page
        assert 'class="barcode"' not in page
        assert ".pdf" not in page
        assert browser.get(f"/booking/{booked.locator}/tickets.pdf").status_code == 403

    def test_has_the_bar_on_a_page_that_leads_nowhere(
        self, browser: Client, traveller: User
    ) -> None:
        begin(browser, traveller=traveller)

        answer = browser.get("/nowhere/")

        assert answer.status_code == 404
        assert "Looking as" in answer.content.decode()

    def test_a_stranger_in_the_address_is_not_found(
        self, browser: Client, traveller: User, stranger: User, train: Trip, noon: datetime
    ) -> None:
        theirs = paid(stranger, train.ticket_id(), now=noon)
        begin(browser, traveller=traveller)

        assert browser.get(f"/booking/{theirs.locator}/").status_code == 404
        entry = ServingEntry.objects.latest("id")
        assert (entry.what, entry.reservation_id) == ("bookings:reservation", None)

    def test_writes_down_each_page_before_it_is_shown(
        self, browser: Client, staff: User, traveller: User, booked: Any, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        row = Serving.objects.get()
        assert (row.staff, row.purpose, row.reason) == (staff, "look", REASON)
        assert row.address == "127.0.0.1"
        assert row.ends_at == clock.now() + timedelta(minutes=30)

        browser.get("/my-trips/")
        browser.get(f"/booking/{booked.locator}/")
        browser.post(f"/booking/{booked.locator}/cancel/")

        assert log_of(staff) == [
            ("bookings:my-trips", "GET", False),
            ("bookings:reservation", "GET", False),
            ("bookings:cancel", "POST", True),
        ]
        assert ServingEntry.objects.filter(reservation=booked.id).count() == 2

    def test_is_kept_by_no_cache(self, browser: Client, traveller: User) -> None:
        begin(browser, traveller=traveller)

        assert "no-store" in browser.get("/my-trips/").headers["Cache-Control"]

    def test_asks_few_and_as_often_however_much_there_is(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        def count() -> int:
            with CaptureQueriesContext(
                connection,
            ) as asked:
                assert browser.get("/my-trips/").status_code == 200
            return len(asked)

        begin(browser, traveller=traveller)
        paid(traveller, train.ticket_id(), now=noon)
        few = count()
        paid(traveller, train.ticket_id(), now=noon)
        paid(traveller, train.ticket_id(), now=noon)

        # Who serves, with which role, whom, and a line of the log: four more than a page takes.
        assert count() == few <= 12 + 4


# --- paying ---------------------------------------------------------------------------------------


class TestPaymentIsLocked:
    def test_shows_what_is_to_be_paid_and_no_way_to_pay(
        self, browser: Client, traveller: User, held: Any
    ) -> None:
        begin(browser, traveller=traveller)

        page = text_of(browser.get(f"/checkout/{held.locator}/payment/"))

        assert "Only the traveller pays" in page
        assert held.price.format("en") in page
        assert 'name="method"' not in page
        assert "Wallet" not in page

    @pytest.mark.parametrize("purpose", ["look", "book"])
    def test_a_form_that_was_kept_is_refused(
        self, browser: Client, traveller: User, held: Any, purpose: str, noon: datetime
    ) -> None:
        money.open_with(user_id=traveller.pk, amount=held.price, now=noon)
        begin(browser, purpose=purpose, traveller=traveller)
        before = rows_of_money()

        for address, form in [
            (f"/checkout/{held.locator}/payment/", {"method": "Wallet"}),
            (f"/checkout/{held.locator}/payment/", {"method": "Bank Card", "card": "tok_success"}),
            ("/wallet/", {"amount": "10.00", "currency": "EUR", "card": "tok_success"}),
            ("/pay/sandbox/payment-1/", {"answer": "accept"}),
        ]:
            answer = browser.post(address, form)
            assert answer.status_code == 403
            assert "Only the traveller pays" in answer.content.decode()

        assert rows_of_money() == before
        assert Reservation.objects.get(pk=held.id).state == "held"

    def test_the_service_refuses_as_well(
        self, staff: User, traveller: User, held: Any, noon: datetime
    ) -> None:
        served = Viewer(user_id=traveller.pk, served_by=staff.pk)
        before = rows_of_money()

        for method in ("Wallet", "Bank Card", "Cryptocurrency"):
            with pytest.raises(PaymentLocked):
                money.pay(
                    viewer=served, reservation_id=held.id, method=method, token=None, now=noon
                )
        with pytest.raises(PaymentLocked):
            money.answer_sandbox(viewer=served, key="payment-1", accepted=True, now=noon)
        with pytest.raises(PaymentLocked):
            money.send_sandbox_coins(viewer=served, key="payment-1", percent=100, now=noon)
        with pytest.raises(PaymentLocked):
            money.find_sandbox_block(viewer=served, key="payment-1", now=noon)

        assert rows_of_money() == before


def rows_of_money() -> list[int]:
    return [Payment.objects.count(), TopUp.objects.count(), OutboxMessage.objects.count()]


# --- what belongs to whom -------------------------------------------------------------------------


class TestNothingLeaks:
    def test_a_guests_secret_of_ones_own_browser_opens_nothing(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        mine, secret = hold_as_guest(train.ticket_id(), now=noon)
        opened = browser.get(f"/booking/{mine.locator}/?key={secret}", follow=True)
        assert opened.status_code == 200
        begin(browser, traveller=traveller)

        assert browser.get(f"/booking/{mine.locator}/").status_code == 404
        assert mine.locator not in text_of(browser.get("/my-trips/"))
        # Nor does a secret that is brought along, then or afterwards.
        assert browser.get(f"/booking/{mine.locator}/?key={secret}", follow=True).status_code == 404
        browser.post("/admin/serving/stop/")
        assert browser.get(f"/booking/{mine.locator}/").status_code == 200

    def test_a_secret_opened_while_serving_is_not_kept(
        self, browser: Client, traveller: User, train: Trip, noon: datetime
    ) -> None:
        theirs, secret = hold_as_guest(train.ticket_id(), now=noon)
        begin(browser, traveller=traveller)
        browser.get(f"/booking/{theirs.locator}/?key={secret}")
        browser.post("/admin/serving/stop/")

        assert browser.get(f"/booking/{theirs.locator}/").status_code == 404

    def test_recent_searches_stay_apart(
        self, browser: Client, traveller: User, train: Trip
    ) -> None:
        search = "/search/?origin=Hamburg&destination={}&date=2026-06-02&adult=1"
        browser.get(search.format("Munich"))
        before = browser.cookies["recent"].value
        assert "/search/forget/" in browser.get("/").content.decode()

        begin(browser, purpose="book", traveller=traveller)
        assert "/search/forget/" not in browser.get("/").content.decode()
        browser.get(search.format("Hanover"))

        assert browser.cookies["recent"].value == before

    def test_messages_stay_apart(
        self, browser: Client, traveller: User, staff: User, train: Trip
    ) -> None:
        begin(browser, traveller=traveller)
        browser.post("/admin/serving/stop/")
        # The office's own message waits for the next page of the office.
        begin(browser, traveller=traveller)

        assert "You serve nobody any more" not in browser.get("/my-trips/").content.decode()
        assert "You serve nobody any more" in browser.get("/admin/").content.decode()

    def test_a_message_reaches_the_next_page_of_the_same_serving_and_no_other(
        self, browser: Client, traveller: User, stranger: User, train: Trip, clock: Clock
    ) -> None:
        said = "Your seats are held already"
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"

        def say_it() -> None:
            begin(browser, purpose="book", traveller=traveller)
            browser.post(address, passenger())
            browser.post(address, passenger())

        say_it()
        assert said in browser.get("/my-trips/").content.decode()
        say_it()
        begin(browser, traveller=stranger)
        assert said not in browser.get("/my-trips/").content.decode()
        browser.post("/admin/serving/stop/")
        assert said not in browser.get("/my-trips/").content.decode()

    def test_language_and_appearance_are_the_readers_own(
        self, browser: Client, traveller: User
    ) -> None:
        traveller.language = "fa"
        traveller.save()
        browser.cookies["django_language"] = "de"
        browser.cookies["theme"] = "dark"
        begin(browser, traveller=traveller)

        page = browser.get("/my-trips/").content.decode()

        assert '<html lang="de"' in page
        assert 'data-theme="dark"' in page
        traveller.refresh_from_db()
        assert traveller.language == "fa"

    def test_the_admin_never_sees_the_traveller(
        self, browser: Client, traveller: User, staff: User
    ) -> None:
        begin(browser, traveller=traveller)

        answer = browser.get("/admin/")

        assert answer.wsgi_request.user == staff
        # It says that one still serves somebody.
        assert "Looking as Ada Lovelace" in answer.content.decode()

    def test_the_api_never_sees_the_traveller(
        self, browser: Client, traveller: User, booked: Any
    ) -> None:
        begin(browser, traveller=traveller)

        assert browser.get("/users/me").status_code == 401
        assert browser.get("/reservations/my").status_code == 401
        assert browser.get("/tickets/cities?query=ham").status_code == 200
        assert log_of(Serving.objects.get().staff) == []

    def test_the_session_stays_the_staffs_own(
        self, browser: Client, traveller: User, staff: User
    ) -> None:
        before = dict(browser.session.items())
        begin(browser, traveller=traveller)
        browser.get("/my-trips/")

        now = dict(browser.session.items())

        assert now.pop("serving")
        assert now == before

    def test_keys_of_barcodes_answer_as_ever(self, browser: Client, traveller: User) -> None:
        begin(browser, traveller=traveller)

        answer = browser.get("/.well-known/ticket-keys.json")

        assert answer.status_code == 200
        assert "public" in answer.headers["Cache-Control"]

    def test_a_page_without_a_session_varies_by_no_cookie(self, client: Client) -> None:
        answer = client.get("/.well-known/ticket-keys.json")

        assert "Cookie" not in answer.headers.get("Vary", "")


# --- how it ends ----------------------------------------------------------------------------------


class TestEnds:
    def test_by_its_time(self, browser: Client, traveller: User, staff: User, clock: Clock) -> None:
        begin(browser, traveller=traveller)
        clock.advance(minutes=29, seconds=59)
        assert "Looking as" in browser.get("/my-trips/").content.decode()
        clock.advance(seconds=1)

        answer = browser.get("/my-trips/")

        assert answer.status_code == 403
        assert "You serve nobody any more" in answer.content.decode()
        # From then on the pages are one's own.
        own = browser.get("/my-trips/")
        assert own.status_code == 200
        assert own.wsgi_request.user == staff
        row = Serving.objects.get()
        assert (row.ended_at, row.ended_because) == (None, "")

    def test_by_its_time_before_the_form_is_sent(
        self, browser: Client, traveller: User, train: Trip, clock: Clock
    ) -> None:
        begin(browser, purpose="book", traveller=traveller)
        clock.advance(minutes=31)

        answer = browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())

        # Not for the traveller, and not for the member of staff either.
        assert answer.status_code == 403
        assert not Reservation.objects.exists()

    def test_by_the_button(
        self, browser: Client, traveller: User, staff: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        clock.advance(minutes=5)

        answer = browser.post("/admin/serving/stop/")

        assert answer.headers["Location"] == "/admin/"
        row = Serving.objects.get()
        assert (row.ended_at, row.ended_because) == (clock.now(), "stopped")
        assert browser.get("/my-trips/").wsgi_request.user == staff

    def test_by_the_button_in_another_tab_no_kept_form_goes_through(
        self, staff: User, traveller: User, train: Trip, settings: Any, clock: Clock
    ) -> None:
        settings.STAFF_2FA = "optional"
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(staff)
        page = careful.get(f"/admin/serving/begin/?purpose=book&traveller={traveller.pk}")
        begun = careful.post(
            f"/admin/serving/begin/?purpose=book&traveller={traveller.pk}",
            {"reason": REASON, "csrfmiddlewaretoken": token_in(page)},
        )
        assert begun.status_code == 302
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        kept = token_in(careful.get(address))
        other = token_in(careful.get("/my-trips/"))
        careful.post("/admin/serving/stop/", {"csrfmiddlewaretoken": other})

        answer = careful.post(address, passenger() | {"csrfmiddlewaretoken": kept})

        assert answer.status_code == 403
        assert not Reservation.objects.exists()

    @pytest.mark.parametrize("how", ["stopped", "replaced"])
    @pytest.mark.parametrize("whom", ["account", "guest"])
    def test_a_form_kept_from_before_is_told_what_happened(
        self,
        staff: User,
        traveller: User,
        stranger: User,
        train: Trip,
        settings: Any,
        clock: Clock,
        how: str,
        whom: str,
    ) -> None:
        settings.STAFF_2FA = "optional"
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(staff)
        again, name = "/admin/book-by-phone/", "guest@example.org"
        form = {"guest": "1", "email": name, "language": "en", "reason": REASON}
        if whom == "account":
            again = f"/admin/serving/begin/?purpose=book&traveller={traveller.pk}"
            form, name = {"reason": REASON}, "Ada Lovelace"
        proof = {"csrfmiddlewaretoken": token_in(careful.get(again))}
        assert careful.post(again, form | proof).status_code == 302
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        kept = {"csrfmiddlewaretoken": token_in(careful.get(address))}
        if how == "stopped":
            careful.post("/admin/serving/stop/", kept)
        else:
            other = f"/admin/serving/begin/?purpose=book&traveller={stranger.pk}"
            proof = {"csrfmiddlewaretoken": token_in(careful.get(other))}
            assert careful.post(other, {"reason": REASON} | proof).status_code == 302

        answer = careful.post(address, passenger() | kept)

        text = text_of(answer)
        assert answer.status_code == 403
        assert f"You are not booking for <bdi>{name}</bdi> any more" in text
        assert "The form was too old" not in text
        assert f'href="{escape(again)}"' in text
        assert 'href="/admin/"' in text
        assert not Reservation.objects.exists()
        # Any other form without a valid proof is told what it was always told.
        for forged in ("x" * 64, "", "a" * 32):
            late = careful.post(address, passenger() | {"csrfmiddlewaretoken": forged})
            assert (late.status_code, "The form was too old" in text_of(late)) == (403, True)
        # Nobody else learns the name by the same form.
        thief = Client(enforce_csrf_checks=True)
        thief.force_login(stranger)
        assert "The form was too old" in text_of(thief.post(address, passenger() | kept))

    def test_by_its_time_seen_in_another_tab_no_kept_form_goes_through(
        self, staff: User, traveller: User, train: Trip, settings: Any, clock: Clock
    ) -> None:
        settings.STAFF_2FA = "optional"
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(staff)
        begin_page = f"/admin/serving/begin/?purpose=book&traveller={traveller.pk}"
        proof = token_in(careful.get(begin_page))
        careful.post(begin_page, {"reason": REASON, "csrfmiddlewaretoken": proof})
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        kept = token_in(careful.get(address))
        clock.advance(minutes=30)
        assert careful.get("/my-trips/").status_code == 403

        # Nobody is served any more, so this would be a form of one's own.
        form = passenger() | {"csrfmiddlewaretoken": kept, "email": "sam@office.example"}
        assert careful.post(address, form).status_code == 403
        assert not Reservation.objects.exists()

    def test_a_form_of_ones_own_kept_from_before_does_not_go_through(
        self, staff: User, traveller: User, train: Trip, settings: Any, clock: Clock
    ) -> None:
        settings.STAFF_2FA = "optional"
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(staff)
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        kept = token_in(careful.get(address))
        page = careful.get(f"/admin/serving/begin/?purpose=book&traveller={traveller.pk}")
        careful.post(
            f"/admin/serving/begin/?purpose=book&traveller={traveller.pk}",
            {"reason": REASON, "csrfmiddlewaretoken": token_in(page)},
        )

        answer = careful.post(address, passenger() | {"csrfmiddlewaretoken": kept})

        assert answer.status_code == 403
        assert not Reservation.objects.exists()

    @pytest.mark.parametrize("address", ["/account/sign-out/", "/admin/logout/"])
    def test_by_signing_out(
        self, browser: Client, traveller: User, clock: Clock, address: str
    ) -> None:
        begin(browser, traveller=traveller)

        browser.post(address)

        assert Serving.objects.get().ended_because == "signed_out"
        assert not browser.get("/my-trips/").wsgi_request.user.is_authenticated

    def test_by_a_role_that_is_taken_away(
        self, browser: Client, traveller: User, staff: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        staff.groups.clear()

        assert browser.get("/my-trips/").status_code == 403
        row = Serving.objects.get()
        assert (row.ended_at, row.ended_because) == (clock.now(), "refused")

    def test_by_an_account_of_staff_that_is_closed(
        self, browser: Client, traveller: User, staff: User
    ) -> None:
        begin(browser, traveller=traveller)
        staff.is_active = False
        staff.save()

        assert browser.get("/my-trips/").status_code == 403

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}])
    def test_by_a_traveller_who_cannot_be_served_any_more(
        self, browser: Client, traveller: User, change: dict[str, bool]
    ) -> None:
        begin(browser, traveller=traveller)
        User.objects.filter(pk=traveller.pk).update(**change)

        assert browser.get("/my-trips/").status_code == 403
        assert Serving.objects.get().ended_because == "refused"

    def test_by_a_second_factor_that_is_asked_for_now(
        self, browser: Client, traveller: User, settings: Any
    ) -> None:
        begin(browser, traveller=traveller)
        settings.STAFF_2FA = "required"

        assert browser.get("/my-trips/").status_code == 403

    def test_by_beginning_another(
        self, browser: Client, traveller: User, stranger: User, staff: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        elsewhere = signed_in(staff)
        begin(elsewhere, traveller=stranger)

        assert browser.get("/my-trips/").status_code == 403
        assert "Mallory Grey" in elsewhere.get("/my-trips/").content.decode()
        assert list(Serving.objects.order_by("id").values_list("ended_because", flat=True)) == [
            "replaced",
            "",
        ]


# --- who tries ------------------------------------------------------------------------------------


class TestHostile:
    def test_nothing_in_a_request_makes_anybody_a_traveller(
        self, traveller: User, stranger: User, booked: Any, clock: Clock
    ) -> None:
        client = signed_in(stranger)
        for headers in (
            {"HTTP_X_SERVING": str(traveller.pk)},
            {"HTTP_X_USER": str(traveller.pk)},
            {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
            {"HTTP_HX_REQUEST": "true"},
        ):
            address = f"/booking/{booked.locator}/?serving={traveller.pk}&traveller={traveller.pk}"
            assert client.get(address, **headers).status_code == 404

    def test_a_secret_in_a_session_of_somebody_else_is_worth_nothing(
        self, browser: Client, traveller: User, stranger: User, booked: Any, settings: Any
    ) -> None:
        begin(browser, traveller=traveller)
        secret = browser.session["serving"]
        colleague = factories.make_user(
            email="b@office.example", is_staff=True, roles=["support agent"]
        )
        for other in (stranger, colleague):
            client = signed_in(other)
            session = client.session
            session["serving"] = secret
            session.save()

            assert client.get(f"/booking/{booked.locator}/").status_code == 403

    def test_the_secret_is_not_stored(self, browser: Client, traveller: User) -> None:
        begin(browser, traveller=traveller)

        assert browser.session["serving"] not in str(Serving.objects.values().get())

    def test_a_header_does_not_turn_a_post_into_a_get(
        self, browser: Client, traveller: User, held: Any
    ) -> None:
        begin(browser, traveller=traveller)
        for headers in (
            {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
            {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "/my-trips/"},
        ):
            answer = browser.post(
                f"/booking/{held.locator}/cancel/?_method=GET", {"_method": "GET"}, **headers
            )
            assert answer.status_code == 403
        assert Reservation.objects.get(pk=held.id).state == "held"

    def test_a_reason_is_shown_as_it_is_and_never_as_code(
        self, browser: Client, traveller: User
    ) -> None:
        begin(browser, traveller=traveller, reason="<script>alert(1)</script>")

        page = browser.get("/my-trips/").content.decode()

        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page


# --- booking by phone -----------------------------------------------------------------------------


class TestBookingByPhone:
    def test_for_an_account(
        self, browser: Client, traveller: User, staff: User, train: Trip, clock: Clock
    ) -> None:
        traveller.language = "de"
        traveller.save()
        SavedPassenger.objects.create(
            user=traveller, first_name="Kim", last_name="Kin", created_at=clock.now()
        )
        begin(browser, purpose="book", traveller=traveller)
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        page = text_of(browser.get(address))
        # The caller's own contact, and nowhere to type another; companions are at hand.
        assert "ada@example.org" in page
        assert 'name="email"' not in page
        assert "Kim Kin" in page
        assert "They are held for 60 minutes" in page

        answer = browser.post(address, passenger() | {"email": "sam@office.example"})

        row = Reservation.objects.get()
        assert answer.headers["Location"] == f"/admin/serving/booked/{row.locator}/"
        assert (row.user, row.contact_email, row.language) == (traveller, "ada@example.org", "de")
        assert row.hold_until == clock.now() + timedelta(minutes=60)
        event = ReservationEvent.objects.get(kind="reserved")
        assert (event.actor_kind, event.actor) == ("staff", staff)
        letter = OutboxMessage.objects.get(kind="bookings.phone_notice")
        assert (letter.recipient, letter.language) == ("ada@example.org", "de")
        assert f"/booking/{row.locator}/" in letter.body
        assert log_of(staff)[-2:] == [("bookings:checkout", "POST", False), ("booked", "", False)]
        # It is the traveller's, who pays it as ever.
        assert row.locator in text_of(signed_in(traveller).get("/my-trips/"))

    def test_for_a_new_guest(self, browser: Client, staff: User, train: Trip, clock: Clock) -> None:
        answer = begin_for_guest(browser, email="Neu@Example.org", phone="+49 30 1234567")
        assert answer.headers["Location"] == "/"
        assert "Booking by phone for" in browser.get("/").content.decode()

        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())

        row = Reservation.objects.get()
        assert row.user is None
        assert (row.contact_email, row.contact_phone) == ("neu@example.org", "+49301234567")
        assert row.language == "de"
        letter = OutboxMessage.objects.get(kind="bookings.phone_notice")
        link = re.search(r"/booking/\S+", letter.body)
        assert link is not None
        # The guest opens it in a browser of their own.
        guest = Client()
        page = text_of(guest.get(link[0], follow=True))
        assert row.locator in page
        # The member of staff may look at it as the guest does, and has no secret of it.
        assert browser.get(f"/booking/{row.locator}/").status_code == 200
        browser.post("/admin/serving/stop/")
        assert browser.get(f"/booking/{row.locator}/").status_code == 404

    def test_for_a_guest_with_a_telephone_alone_goes_out_as_text(
        self, browser: Client, train: Trip, clock: Clock
    ) -> None:
        begin_for_guest(browser, phone="+49 30 1234567", language="en")

        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())

        row = Reservation.objects.get()
        assert row.contact_email is None
        letter = OutboxMessage.objects.get(kind="bookings.phone_notice")
        assert (letter.channel, letter.recipient) == ("sms", "+49301234567")
        assert f"/booking/{row.locator}/?key=" in letter.body
        # An hour from noon UTC, on Hamburg's clock.
        assert "held until 15:00 CEST." in letter.body

    @pytest.mark.parametrize("kind", ["hold_notice", "phone_notice", "payment_link"])
    @pytest.mark.parametrize(("language", "until"), [("en", "14:10 CEST"), ("fa", "۱۴:۱۰ CEST")])
    def test_every_letter_tells_the_time_on_the_first_stations_clock(
        self, held: Any, traveller: User, noon: datetime, kind: str, language: str, until: str
    ) -> None:
        found = get_reservation(
            viewer=Viewer(user_id=traveller.pk), reservation_id=held.id, now=noon
        )
        more = {} if kind == "payment_link" else {"guest_secret": None}
        OutboxMessage.objects.all().delete()

        getattr(notifications, kind)(
            reservation=replace(found, language=language), now=noon, **more
        )

        letter = OutboxMessage.objects.get(kind=f"bookings.{kind}")
        assert until in letter.body
        assert "UTC" not in letter.body

    def test_for_a_guest_who_has_booked_before(
        self, browser: Client, train: Trip, noon: datetime
    ) -> None:
        before, _secret = hold_as_guest(train.ticket_id(), now=noon)
        begin(browser, purpose="book", reservation=Reservation.objects.get(pk=before.id))

        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())

        made = Reservation.objects.exclude(pk=before.id).get()
        assert made.contact_email == "guest@example.org"

    def test_never_holds_beyond_the_end_of_the_sale(
        self, browser: Client, traveller: User, train: Trip, clock: Clock
    ) -> None:
        offered = get_sale_end(train, clock.now())
        clock.moment = offered - timedelta(minutes=7)
        begin(browser, purpose="book", traveller=traveller)

        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())

        assert Reservation.objects.get().hold_until == offered

    def test_counts_against_the_limits_of_the_traveller(
        self, browser: Client, traveller: User, train: Trip, settings: Any, clock: Clock
    ) -> None:
        settings.MAX_LIVE_HOLDS = 1
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        begin(browser, purpose="book", traveller=traveller)
        browser.post(address, passenger())

        answer = browser.post(address, passenger() | {"form_key": "another"})

        assert answer.status_code == 409
        assert Reservation.objects.count() == 1

    def test_sent_again_books_once(
        self, browser: Client, traveller: User, train: Trip, clock: Clock
    ) -> None:
        address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        begin(browser, purpose="book", traveller=traveller)
        first = browser.post(address, passenger())

        again = browser.post(address, passenger())

        assert again.headers["Location"] == first.headers["Location"]
        assert Reservation.objects.count() == 1
        assert ServingEntry.objects.filter(what="booked").count() == 1

    def test_a_look_reserves_nothing(
        self, browser: Client, traveller: User, train: Trip, clock: Clock
    ) -> None:
        begin(browser, purpose="look", traveller=traveller)

        answer = browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())

        assert answer.status_code == 403
        assert not Reservation.objects.exists()

    def test_the_hold_ends_like_any_other(
        self, browser: Client, traveller: User, train: Trip, clock: Clock
    ) -> None:
        begin(browser, purpose="book", traveller=traveller)
        browser.post(f"/checkout/?ticket={train.ticket_id()}&adult=1", passenger())
        row = Reservation.objects.get()
        viewer = Viewer(user_id=traveller.pk)

        def status() -> str:
            return get_reservation(viewer=viewer, reservation_id=row.pk, now=clock.now()).status

        clock.advance(minutes=59)
        assert status() == "Reserved"
        clock.advance(minutes=1)
        assert status() == "Expired"
        selling.audit()


def get_sale_end(trip: Trip, now: datetime) -> datetime:
    from inventory.selectors import get_offers

    return get_offers([trip.ticket_id()], now=now)[0].sales_close_at


def token_in(answer: Any) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.content.decode())
    assert found is not None
    return found[1]
