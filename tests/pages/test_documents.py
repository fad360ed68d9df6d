"""The pages and files of tickets: who gets them, and that nobody keeps a copy on the way."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.viewers import Viewer
from bookings import barcodes
from bookings.documents import passes
from bookings.engine.contract import Actor
from bookings.models import Reservation
from bookings.pages.access import LOOKED_UP, PROVED
from payments import services as money
from tests import selling
from tests.bookings.test_documents import make_pem
from tests.pages.cast import hold_as_guest, paid, signed_in, text_of
from travel.common import clock
from travel.common.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

FILES = {
    "tickets-pdf": "application/pdf",
    "calendar": "text/calendar; charset=utf-8",
}


@pytest.fixture
def booked(traveller, train, noon):
    """The traveller's two seats on the train, paid."""
    return paid(traveller, train.ticket_id(), now=noon, adults=2)


def at(name, booked, *more):
    return reverse(f"bookings:{name}", args=[booked.locator, *more])


def every_address(booked):
    """Answer the address of each document of a reservation on one ticket."""
    coupon, ticket = booked.coupons[0].id, booked.coupons[0].ticket_id
    return [
        at("tickets", booked),
        at("tickets-pdf", booked),
        at("ticket-pdf", booked, coupon),
        at("wallet-pass", booked, coupon),
        at("calendar", booked),
        at("calendar-trip", booked, ticket),
    ]


@pytest.fixture
def certified(settings, tmp_path):
    settings.WALLET_PASS_PEM = make_pem(tmp_path / "pass.pem")


@pytest.mark.usefixtures("certified")
class TestWhoGetsThem:
    def test_the_holder_and_nobody_keeps_a_copy_on_the_way(self, booked, traveller):
        mine = signed_in(traveller)

        for address in every_address(booked):
            answer = mine.get(address)
            assert answer.status_code == 200, address
            assert set(answer["Cache-Control"].split(", ")) == {"private", "no-store"}, address

    def test_a_stranger_and_somebody_who_is_not_signed_in_find_nothing(self, booked, stranger):
        for client in (Client(), signed_in(stranger)):
            for address in every_address(booked):
                assert client.get(address).status_code == 404, address
            assert client.post(at("tickets-send", booked)).status_code == 404
        assert not OutboxMessage.objects.filter(kind="bookings.tickets").exists()

    def test_staff_see_them_and_others_of_the_office_do_not(self, booked, staff, settings):
        settings.STAFF_2FA = "optional"
        for address in every_address(booked):
            assert signed_in(staff).get(address).status_code == 200, address
        # Without the second factor that the office asks for they are travellers like others.
        settings.STAFF_2FA = "required"
        for address in every_address(booked):
            assert signed_in(staff).get(address).status_code == 404, address

    def test_a_guest_has_them_by_the_secret_of_the_link(self, train, noon):
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        money.pay(
            viewer=Viewer.guest([secret]),
            reservation_id=held.id,
            method="Bank Card",
            token=None,
            now=noon,
        )
        guest = Client()
        assert guest.get(at("tickets", held)).status_code == 404
        guest.get(f"{at('reservation', held)}?key={secret}")

        assert guest.get(at("tickets", held)).status_code == 200
        assert guest.get(at("tickets-pdf", held)).status_code == 200

    def test_the_link_of_a_guests_message_asks_for_the_name_where_nothing_is_known(
        self, train, noon
    ):
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        link = f"{reverse('bookings:find')}?code={held.locator}"
        guest = Client()

        assert f'value="{held.locator}"' in text_of(guest.get(link))
        guest.get(f"{at('reservation', held)}?key={secret}")
        assert guest.get(link)["Location"] == at("reservation", held)
        assert Client().get(f"{reverse('bookings:find')}?code=%00<b>").status_code == 200

    def test_whoever_knows_code_and_name_proves_that_it_is_theirs_first(self, booked):
        finder = Client()
        session = finder.session
        session[LOOKED_UP] = {str(booked.id): clock.now().timestamp()}
        session.save()
        assert finder.get(at("reservation", booked)).status_code == 200

        for address in every_address(booked):
            answer = finder.get(address)
            assert answer.status_code == 302, address
            assert answer["Location"] == (
                f"{at('prove', booked)}?next={quote(at('tickets', booked), safe='')}"
            )
        assert finder.post(at("tickets-send", booked)).status_code == 302
        assert not OutboxMessage.objects.filter(kind="bookings.tickets").exists()

        session[PROVED] = session[LOOKED_UP]
        session.save()
        assert finder.get(at("tickets", booked)).status_code == 200

    def test_files_have_names_and_kinds(self, booked, traveller):
        for name, kind in FILES.items():
            answer = signed_in(traveller).get(at(name, booked))
            assert answer["Content-Type"] == kind
            assert booked.locator in answer["Content-Disposition"]
        answer = signed_in(traveller).get(at("wallet-pass", booked, booked.coupons[0].id))
        assert answer["Content-Type"] == "application/vnd.apple.pkpass"


class TestWhereThereAreNone:
    def test_a_hold_leads_to_its_own_page(self, traveller, train, noon):
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        mine = signed_in(traveller)

        answer = mine.get(at("tickets", held))
        assert (answer.status_code, answer["Location"]) == (302, at("reservation", held))
        for address in every_address(held)[1:]:
            assert mine.get(address).status_code == 404, address

    def test_a_cancelled_reservation_keeps_its_calendar_alone(self, booked, traveller, noon):
        money.cancel_and_refund(
            viewer=Viewer(is_support=True),
            reservation_id=booked.id,
            actor=Actor("staff", None),
            now=noon,
        )
        mine = signed_in(traveller)

        assert mine.get(at("tickets", booked)).status_code == 302
        assert mine.get(at("tickets-pdf", booked)).status_code == 404
        assert b"STATUS:CANCELLED" in mine.get(at("calendar", booked)).content

    def test_no_wallet_pass_is_offered_without_a_certificate(self, booked, traveller, settings):
        settings.WALLET_PASS_PEM = ""
        mine = signed_in(traveller)

        assert "Apple Wallet" not in text_of(mine.get(at("tickets", booked)))
        assert mine.get(at("wallet-pass", booked, booked.coupons[0].id)).status_code == 404


class TestTheTicketsPage:
    def test_shows_a_pass_with_a_barcode_for_each_passenger(self, booked, traveller, noon):
        shown = text_of(signed_in(traveller).get(at("tickets", booked)))
        found = passes.get_papers(
            viewer=Viewer(is_support=True), reservation_id=booked.id, now=noon
        ).passes

        assert shown.count('class="barcode"') == 2
        for one in found:
            assert one.picture.path in shown
            assert f'aria-label="Aztec barcode of {one.passenger} for ICE 585"' in shown
        assert "Ticket 2 of 2" in shown

    def test_a_cancelled_ticket_is_void_and_said_to_be(self, booked, traveller, noon):
        money.cancel_and_refund(
            viewer=Viewer(is_support=True),
            reservation_id=booked.id,
            passenger_ids=[booked.passengers[0].id],
            actor=Actor("staff", None),
            now=noon,
        )
        shown = text_of(signed_in(traveller).get(at("tickets", booked)))

        assert shown.count('class="barcode"') == 1
        assert "This ticket is not valid, so it has no barcode." in shown
        assert shown.count("pass-void") == 1

    def test_a_delay_is_told(self, booked, traveller, train):
        call = train.calls[0]
        call.expected_departs_at = call.departs_at + timedelta(minutes=25)
        call.save()

        shown = text_of(signed_in(traveller).get(at("tickets", booked)))
        assert "Now expected to leave at 08:25." in shown

    @pytest.mark.parametrize("adults", [1, 5])
    def test_asks_few_questions_of_the_database(self, traveller, train, noon, adults):
        several = paid(traveller, train.ticket_id(), now=noon, adults=adults)
        mine = signed_in(traveller)
        mine.get(at("tickets", several))

        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert mine.get(at("tickets", several)).status_code == 200
        assert len(asked) <= 12, "\n".join(one["sql"] for one in asked)


class TestSendAgain:
    def test_sends_once_more_and_says_where_to(self, booked, traveller):
        mine = signed_in(traveller)
        answer = mine.post(at("tickets-send", booked), follow=True)

        assert f"Your tickets are on their way to {traveller.email}." in text_of(answer)
        message = OutboxMessage.objects.get(kind="bookings.tickets")
        assert (message.recipient, message.about) == (traveller.email, f"reservation:{booked.id}")
        assert mine.get(at("tickets-send", booked)).status_code == 405

    def test_says_so_when_it_was_often_enough(self, booked, traveller, settings):
        settings.THROTTLES = "on"
        mine = signed_in(traveller)
        for _ in range(3):
            mine.post(at("tickets-send", booked))
        answer = mine.post(at("tickets-send", booked), follow=True)

        assert "Too many requests. Please wait a moment." in text_of(answer)
        assert OutboxMessage.objects.filter(kind="bookings.tickets").count() == 3


class TestLinks:
    def test_the_booking_and_its_confirmation_lead_to_the_tickets(self, booked, traveller):
        mine = signed_in(traveller)

        for name in ("reservation", "done"):
            shown = text_of(mine.get(at(name, booked)))
            for target in ("tickets", "tickets-pdf", "calendar"):
                assert f'href="{at(target, booked)}"' in shown, (name, target)

    def test_where_there_are_none_no_link_leads_to_them(self, traveller, train, noon):
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        shown = text_of(signed_in(traveller).get(at("reservation", held)))

        assert at("tickets", held) not in shown


class TestAPI:
    def test_a_purchase_has_its_barcode_and_its_documents(self, booked, traveller, api):
        mine = api.by(traveller)
        (first, _) = mine.get("/reservations/purchased").json()["results"]

        facts = barcodes.read(first["barcode"])
        assert (facts.locator, facts.ticket_id) == (booked.locator, first["ticketID"])
        page = f"http://testserver/booking/{booked.locator}/"
        assert first["documents"] == {
            "page": page,
            "tickets": f"{page}tickets/",
            "pdf": f"{page[:-1]}/tickets.pdf",
            "calendar": f"{page}calendar.ics",
            "receipts": f"http://testserver/reservations/{booked.id}/receipts",
        }

    def test_a_cancelled_purchase_has_none(self, booked, traveller, api, noon):
        money.cancel_and_refund(
            viewer=Viewer(is_support=True),
            reservation_id=booked.id,
            actor=Actor("staff", None),
            now=noon,
        )
        mine = api.by(traveller)
        (first, _) = mine.get("/reservations/purchased?when=cancelled").json()["results"]

        assert first["barcode"] == ""
        assert (first["documents"]["tickets"], first["documents"]["pdf"]) == ("", "")
        assert mine.get(f"/reservations/{booked.id}/documents").status_code == 404

    def test_a_program_has_them_in_one_answer(self, booked, traveller, api):
        answer = api.by(traveller).get(f"/reservations/{booked.id}/documents").json()

        assert [one["passengerName"] for one in answer["tickets"]] == ["Ada Roe", "Bob Roe"]
        assert {(one["status"], one["symbol"], one["issue"]) for one in answer["tickets"]} == {
            ("open", "Aztec", 1)
        }
        assert [barcodes.read(one["barcode"]).name for one in answer["tickets"]] == [
            "Roe A",
            "Roe B",
        ]
        assert answer["pdf"].startswith("JVBERi0")
        assert answer["calendar"].startswith("BEGIN:VCALENDAR")
        assert Reservation.objects.get().locator == answer["locator"]
