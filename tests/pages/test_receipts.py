"""A receipt's page and its PDF: for whoever may see the reservation, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from payments import services as money
from payments.models import Receipt
from tests import factories
from tests.conftest import Clock
from tests.factories import Timetable
from tests.pages.cast import fill_wallet, hold_as_guest, paid, signed_in, text_of
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS

pytestmark = pytest.mark.django_db


@pytest.fixture
def bought(
    traveller: User, timetable: Timetable, clock: Clock, noon: datetime, settings: Any
) -> list[Receipt]:
    """A receipt of 45.00 from the wallet, and the credit note of its half."""
    settings.RECEIPT_ISSUER_TEXT = "Onward Ltd\n1 Station Road, London\nVAT GB 123 4567 89"
    return _buy(traveller, timetable, noon)


def _buy(traveller: User, timetable: Timetable, noon: datetime) -> list[Receipt]:
    fill_wallet(traveller, "100.00", now=noon)
    booked = paid(traveller, timetable.train.ticket_id(), now=noon, method="Wallet")
    money.cancel_and_refund(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=booked.id,
        actor=Actor("holder", traveller.pk),
        now=noon,
    )
    return list(Receipt.objects.order_by("id"))


class TestPage:
    def test_shows_what_was_paid(self, bought: list[Receipt], traveller: User) -> None:
        page = text_of(signed_in(traveller).get(f"/receipts/{bought[0].pk}/"))

        # 7/107 of 45.00 is 2.94.
        for told in ("R-2026-000001", "Ada Lovelace", "VAT GB 123", "€42.06", "€2.94", "€45.00"):
            assert told in page, told

    def test_shows_what_was_given_back(self, bought: list[Receipt], traveller: User) -> None:
        page = text_of(signed_in(traveller).get(f"/receipts/{bought[1].pk}/"))

        for told in ("Credit note", "R-2026-000002", "R-2026-000001", "−€22.50", "€22.50"):
            assert told in page, told

    def test_is_reached_from_the_booking(self, bought: list[Receipt], traveller: User) -> None:
        page = text_of(signed_in(traveller).get(f"/booking/{bought[0].reservation.locator}/"))

        for receipt in bought:
            assert f'href="/receipts/{receipt.pk}/"' in page
            assert f'href="/receipts/{receipt.pk}.pdf"' in page

    @pytest.mark.parametrize("ending", ["/", ".pdf"])
    def test_is_for_nobody_else(
        self, bought: list[Receipt], stranger: User, client: Client, ending: str
    ) -> None:
        for browser in (client, signed_in(stranger)):
            assert browser.get(f"/receipts/{bought[0].pk}{ending}").status_code == 404
        assert signed_in(stranger).get(f"/receipts/999{ending}").status_code == 404

    @pytest.mark.parametrize("ending", ["/", ".pdf"])
    def test_is_for_the_guest_whose_link_opened_the_booking(
        self, client: Client, train: factories.Trip, clock: Clock, noon: datetime, ending: str
    ) -> None:
        held, secret = hold_as_guest(train.ticket_id(), now=noon)
        money.pay(
            viewer=Viewer.guest([secret]),
            reservation_id=held.id,
            method="Bank Card",
            token="tok_accepted",
            now=noon,
        )
        address = f"/receipts/{Receipt.objects.get().pk}{ending}"
        assert client.get(address).status_code == 404

        client.get(f"/booking/{held.locator}/?key={secret}")

        assert client.get(address).status_code == 200


class TestPDF:
    def test_is_a_tagged_document_with_its_number_for_a_name(
        self, bought: list[Receipt], traveller: User
    ) -> None:
        answer = signed_in(traveller).get(f"/receipts/{bought[0].pk}.pdf")

        assert answer.headers["Content-Type"] == "application/pdf"
        assert 'filename="R-2026-000001.pdf"' in answer.headers["Content-Disposition"]
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.content.startswith(b"%PDF-1.7")
        # The marks of a tagged document and of PDF/UA-1 stand in the clear.
        assert b"/MarkInfo" in answer.content
        assert b"pdfuaid:part" in answer.content

    def test_takes_any_name_for_text(self, bought: list[Receipt], traveller: User) -> None:
        bought[0].written_for.name = '#panic("x") $a$ *b* سیدمحمد "\\'
        bought[0].written_for.save()

        answer = signed_in(traveller).get(f"/receipts/{bought[0].pk}.pdf")

        assert answer.status_code == 200


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
class TestInBrowser:
    @pytest.fixture
    def opened(self, chromium: Browser, live_server: Any, traveller: User) -> Iterator[Any]:
        contexts = []

        def make(width: int, scheme: Any) -> Any:
            context = chromium.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                locale="en-GB",
                base_url=live_server.url,
            )
            contexts.append(context)
            session = signed_in(traveller).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
            return context.new_page()

        yield make
        for context in contexts:
            context.close()

    @LOOKS
    def test_is_accessible_and_fits(
        self, opened: Any, bought: list[Receipt], width: int, scheme: str
    ) -> None:
        page = opened(width, scheme)
        for receipt in bought:
            page.goto(f"/receipts/{receipt.pk}/", wait_until="networkidle")
            assert faults(page) == []
            assert not scrolls_sideways(page)
