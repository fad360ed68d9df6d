"""
A reservation paid in a cryptocurrency: its story tells what was asked for, at which rate, and what
arrived. 45.00 EUR are 0.0009 of the sandbox's coin, which counts for 50,000.00.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.selectors import ReservationDetail
from payments import services as money
from payments.models import CryptoInvoice, Payment
from payments.tasks import settle_due
from support import story
from support.story import books, words
from support.story.words import Told
from tests.conftest import ApiClient, Clock
from tests.pages.cast import signed_in, text_of
from tests.support.conftest import Buy
from travel.common.templatetags.look import coins_text, rate_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

STAFF = Viewer(is_support=True)
# Between a number and its unit.
GAP = "\u00a0"
ASKED = "Asked for: 0.0009 SBX, at €50,000.00 for 1 SBX"


@pytest.fixture
def asked(buy: Buy, clock: Clock, settings: Any) -> ReservationDetail:
    """A reservation for 45.00 EUR whose coins are asked for, and have not been sent."""
    settings.STAFF_2FA = "optional"
    return buy(method="Cryptocurrency")


def send(me: Viewer, percent: int, now: datetime, *, blocks: int = 2) -> None:
    """Send so much of what is asked for, and let so many blocks confirm it."""
    key = Payment.objects.get().gateway_reference or ""
    money.send_sandbox_coins(viewer=me, key=key, percent=percent, now=now)
    for _block in range(blocks):
        money.find_sandbox_block(viewer=me, key=key, now=now)


def attempts(reservation_id: int, now: datetime) -> list[Told]:
    """Answer the attempts to pay in words."""
    reservation = bookings.get_reservation(viewer=STAFF, reservation_id=reservation_id, now=now)
    told = words.tell_all(reservation, books.read_all(reservation))
    return [one for one in told if one.entry.source == "payment"]


def notes_of(reservation: ReservationDetail, now: datetime) -> list[str]:
    (told,) = attempts(reservation.id, now)
    return [note.replace(GAP, " ") for note in told.notes]


class TestWhatIsTold:
    def test_before_anything_is_sent(self, asked: ReservationDetail, noon: datetime) -> None:
        notes = notes_of(asked, noon)

        assert notes[-2:] == [ASKED, "Nothing of it was seen."]

    def test_while_it_is_confirmed(
        self, asked: ReservationDetail, me: Viewer, noon: datetime
    ) -> None:
        send(me, 100, noon, blocks=1)

        assert notes_of(asked, noon)[-3:] == [
            ASKED,
            "Arrived: 0.0009 SBX, as asked for",
            "Confirmations: 1 of 2",
        ]

    def test_paid_to_the_last_digit(
        self, asked: ReservationDetail, me: Viewer, noon: datetime
    ) -> None:
        send(me, 100, noon)

        notes = notes_of(asked, noon)
        assert "Arrived: 0.0009 SBX, as asked for" in notes
        assert "Confirmations: 2 of 2" in notes
        assert not [note for note in notes if note.startswith("Received")]

    def test_too_much(
        self, asked: ReservationDetail, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        send(me, 200, noon)
        settle_due()

        notes = notes_of(asked, noon)
        assert "Arrived: 0.0018 SBX, 0.0009 SBX more than asked for" in notes
        # In money: twice the 45.00 that were asked for.
        assert "Received: €90.00" in notes

    def test_too_little(
        self, asked: ReservationDetail, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        send(me, 50, noon)
        later = clock.advance(minutes=32)
        settle_due()

        notes = notes_of(asked, later)
        assert ASKED in notes
        assert "Arrived: 0.00045 SBX, 0.00045 SBX less than asked for" in notes
        # Half of the price, which buys nothing.
        assert "Received: €22.50" in notes
        assert "It settled nothing: what it brought goes back." in notes

    def test_other_ways_of_paying_have_no_coins(self, buy: Buy, noon: datetime) -> None:
        notes = notes_of(buy(method="Bank Card"), noon)

        assert not [note for note in notes if "Asked for" in note or "Arrived" in note]

    def test_each_attempt_has_its_own(
        self, asked: ReservationDetail, me: Viewer, noon: datetime, clock: Clock
    ) -> None:
        # The first is left, a second is begun by card, and works.
        clock.advance(minutes=1)
        money.pay(
            viewer=me, reservation_id=asked.id, method="Bank Card", token=None, now=clock.now()
        )

        first, second = attempts(asked.id, clock.now())

        coins = first.entry.details["coins"]
        assert isinstance(coins, books.Coins)
        assert (coins.asset, coins.asked, coins.rate) == ("SBX", Decimal("0.0009"), 50_000)
        assert (coins.arrived, coins.beyond) == (0, Decimal("-0.0009"))
        assert second.entry.details["coins"] is None

    def test_anothers_coins_are_told_of_their_own_reservation(
        self, asked: ReservationDetail, buy: Buy, stranger: User, noon: datetime
    ) -> None:
        other = buy(who=stranger, method="Cryptocurrency")
        others = CryptoInvoice.objects.filter(payment__reservation=other.id)
        others.update(amount=Decimal("0.5"))

        assert ASKED in notes_of(asked, noon)
        assert "Asked for: 0.5 SBX, at €50,000.00 for 1 SBX" in notes_of(other, noon)

    def test_amounts_as_small_as_they_are_kept(
        self, asked: ReservationDetail, noon: datetime
    ) -> None:
        CryptoInvoice.objects.update(
            amount=Decimal("0.00000001"), received=Decimal("0.00000003"), rate=Decimal("12.345678")
        )

        notes = notes_of(asked, noon)

        assert "Asked for: 0.00000001 SBX, at EUR 12.345678 for 1 SBX" in notes
        assert "Arrived: 0.00000003 SBX, 0.00000002 SBX more than asked for" in notes

    def test_in_one_statement(self, asked: ReservationDetail, me: Viewer, noon: datetime) -> None:
        send(me, 100, noon)
        with CaptureQueriesContext(connection) as queries:
            books.read_all(asked)
        assert len(queries) == 1

    def test_the_travellers_part_has_none_of_it(
        self, asked: ReservationDetail, me: Viewer, noon: datetime
    ) -> None:
        send(me, 200, noon)

        assert "SBX" not in repr(story.read(asked.id, public=True))


class TestWhereItIsTold:
    def test_on_the_reservations_page(
        self, asked: ReservationDetail, me: Viewer, staff: User, noon: datetime
    ) -> None:
        send(me, 50, noon)

        shown = text_of(
            signed_in(staff).get(reverse("admin:bookings_reservation_change", args=[asked.id]))
        ).replace(GAP, " ")

        assert ASKED in shown
        assert "Arrived: 0.00045 SBX, 0.00045 SBX less than asked for" in shown

    def test_over_the_api(
        self, asked: ReservationDetail, me: Viewer, staff: User, noon: datetime, api: ApiClient
    ) -> None:
        send(me, 200, noon)

        answer = api.by(staff).get(
            f"/support/reservations/{asked.id}/story", {"show": "money", "pageSize": 100}
        )

        (told,) = [one for one in answer.json()["results"] if one["source"] == "payment"]
        notes = [note.replace(GAP, " ") for note in told["notes"]]
        assert ASKED in notes
        assert "Arrived: 0.0018 SBX, 0.0009 SBX more than asked for" in notes
        assert told["amount"] == {"amount": "45.00", "currency": "EUR"}


class TestFormats:
    @pytest.mark.parametrize(
        ("language", "coins", "rate"),
        [
            ("en", f"1,234.00000001{GAP}BTC", "€61,234.50"),
            ("de", f"1.234,00000001{GAP}BTC", f"61.234,50{GAP}€"),
            ("fa", f"۱٬۲۳۴٫۰۰۰۰۰۰۰۱{GAP}BTC", f"\u200e€{GAP}۶۱٬۲۳۴٫۵۰"),
        ],
    )
    def test_follow_the_readers_language(self, language: str, coins: str, rate: str) -> None:
        with override(language):
            assert coins_text(Decimal("1234.000000010"), "BTC") == coins
            assert rate_text(Decimal("61234.500000"), "EUR") == rate

    def test_a_rate_beyond_minor_units_is_written_in_full(self) -> None:
        assert rate_text(Decimal("0.000123"), "EUR") == f"EUR{GAP}0.000123"
        assert rate_text(Decimal("0.5"), "JPY") == f"JPY{GAP}0.5"
        assert rate_text(Decimal("5E+4"), "JPY") == "JP¥50,000"

    def test_of_many_digits_none_is_lost(self) -> None:
        assert coins_text(Decimal("0.123456789012345678"), "ETH") == f"0.123456789012345678{GAP}ETH"
        assert coins_text(Decimal("3E+2"), "BTC") == f"300{GAP}BTC"
