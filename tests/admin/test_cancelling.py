"""Staff cancel a reservation from its page: the quote first, then exactly that."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.models import Coupon, Reservation
from bookings.selectors import ReservationDetail
from payments import selectors, services
from payments.models import Cancellation
from tests import factories
from travel.common.money import Money


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story about money ends with the audit."""


@pytest.fixture
def held(traveller: User, train: factories.Trip, noon) -> ReservationDetail:
    """One adult holds a seat on the train for 45.00 EUR."""
    return booking.reserve(
        holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
        ticket_ids=[train.ticket_id()],
        passengers=[booking.PassengerDetails("Ada", "Lovelace", "adult")],
        now=noon,
    ).reservation


@pytest.fixture
def paid(held: ReservationDetail, traveller: User, noon) -> ReservationDetail:
    """The same, paid from a wallet of 50.00 EUR."""
    services.open_with(user_id=traveller.pk, amount=Money(5_000, "EUR"), now=noon)
    services.pay(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=noon,
    )
    return held


@pytest.fixture
def party(traveller: User, train: factories.Trip, noon) -> ReservationDetail:
    """Ada and Grace, 45.00 EUR each, paid from a wallet of 90.00 EUR."""
    both = booking.reserve(
        holder=booking.Holder(user_id=traveller.pk, email="ada@example.org"),
        ticket_ids=[train.ticket_id()],
        passengers=[
            booking.PassengerDetails("Ada", "Lovelace", "adult"),
            booking.PassengerDetails("Grace", "Hopper", "adult"),
        ],
        now=noon,
    ).reservation
    services.open_with(user_id=traveller.pk, amount=Money(9_000, "EUR"), now=noon)
    services.pay(
        viewer=Viewer(user_id=traveller.pk),
        reservation_id=both.id,
        method="Wallet",
        token=None,
        now=noon,
    )
    return both


def cancel_page(reservation: ReservationDetail) -> str:
    return reverse("admin:bookings_reservation_cancel", args=[reservation.id])


def confirm(browser: Client, reservation: ReservationDetail, reason: str = "Strike"):
    quote = browser.get(cancel_page(reservation)).context["quote"]
    return browser.post(cancel_page(reservation), {"reason": reason, "quote": quote.id})


def state_of(reservation: ReservationDetail) -> str:
    return Reservation.objects.get(pk=reservation.id).state


class TestCancel:
    def test_says_what_goes_back_and_changes_nothing(self, desk: Client, paid, clock) -> None:
        page = reverse("admin:bookings_reservation_change", args=[paid.id])

        assert cancel_page(paid) in desk.get(page).content.decode()
        text = desk.get(cancel_page(paid)).content.decode()

        # 18 hours before departure half of the 45.00 EUR are kept.
        assert "€22.50" in text
        assert state_of(paid) == "paid"

    def test_cancels_refunds_and_keeps_the_reason(
        self, desk: Client, chief: User, paid, traveller, clock
    ) -> None:
        answer = confirm(desk, paid)

        assert answer.status_code == 302
        assert state_of(paid) == "cancelled"
        # 50.00 less 45.00, and 22.50 back.
        assert selectors.balance(traveller.pk, "EUR") == Money(2_750, "EUR")
        cancellation = Cancellation.objects.get()
        assert (cancellation.actor, cancellation.actor_kind) == (chief, "staff")
        assert cancellation.reason == "Strike"
        page = desk.get(answer["Location"]).content.decode()
        assert "Going back: €22.50" in page
        assert cancel_page(paid) not in page

    def test_releases_a_hold(self, desk: Client, held, clock) -> None:
        assert "no money moves" in desk.get(cancel_page(held)).content.decode()

        confirm(desk, held)

        assert state_of(held) == "cancelled"
        assert not Cancellation.objects.exists()

    def test_wants_a_reason(self, desk: Client, paid, clock) -> None:
        answer = confirm(desk, paid, reason=" ")

        assert answer.status_code == 200
        assert answer.context["form"].errors["reason"]
        assert state_of(paid) == "paid"

    def test_a_quote_that_is_over_moves_nothing(self, desk: Client, paid, clock) -> None:
        quote = desk.get(cancel_page(paid)).context["quote"]
        clock.advance(minutes=11)

        answer = desk.post(cancel_page(paid), {"reason": "Strike", "quote": quote.id})

        assert answer.status_code == 409
        assert "Nothing is cancelled yet" in answer.content.decode()
        assert state_of(paid) == "paid"
        # What was typed is kept, and the page shows what it costs now.
        again = {"reason": "Strike", "quote": answer.context["quote"].id}
        assert 'value="Strike"' in answer.content.decode()
        assert desk.post(cancel_page(paid), again).status_code == 302
        assert state_of(paid) == "cancelled"

    def test_a_second_time_is_refused(self, desk: Client, paid, traveller, clock) -> None:
        quote = desk.get(cancel_page(paid)).context["quote"]
        sent = {"reason": "Strike", "quote": quote.id}
        desk.post(cancel_page(paid), sent)

        assert desk.post(cancel_page(paid), sent).status_code == 302
        assert Cancellation.objects.count() == 1
        assert selectors.balance(traveller.pk, "EUR") == Money(2_750, "EUR")

    def test_needs_the_role(self, staff: User, client: Client, paid, settings, clock) -> None:
        settings.STAFF_2FA = "optional"
        client.force_login(staff)
        page = reverse("admin:bookings_reservation_change", args=[paid.id])

        assert cancel_page(paid) in client.get(page).content.decode()
        assert client.get(cancel_page(paid)).status_code == 200
        staff.groups.set([Group.objects.get(name="finance")])
        client.force_login(User.objects.get(pk=staff.pk))
        assert cancel_page(paid) not in client.get(page).content.decode()
        assert client.get(cancel_page(paid)).status_code == 403
        assert client.post(cancel_page(paid), {"reason": "x", "quote": "y"}).status_code == 403
        assert state_of(paid) == "paid"

    def test_the_penalty_is_waived(self, desk: Client, paid, traveller, clock) -> None:
        page = cancel_page(paid) + "?waive=100&code=staff_error"
        quote = desk.get(page).context["quote"]

        answer = desk.post(
            cancel_page(paid),
            {"reason": "Our mistake", "quote": quote.id, "waive": "100", "code": "staff_error"},
        )

        assert "Going back: €45.00" in desk.get(answer["Location"]).content.decode()
        assert selectors.balance(traveller.pk, "EUR") == Money(5_000, "EUR")
        assert Cancellation.objects.get().penalty_waived

    def test_a_quote_with_penalty_is_no_leave_to_waive_it(self, desk, paid, clock) -> None:
        quote = desk.get(cancel_page(paid)).context["quote"]

        answer = desk.post(
            cancel_page(paid),
            {"reason": "x", "quote": quote.id, "waive": "100", "code": "staff_error"},
        )

        assert answer.status_code == 409
        assert state_of(paid) == "paid"
        # 22.50 of the penalty waived: all of the 45.00 comes back.
        assert answer.context["quote"].refund == Money(4_500, "EUR")

    def test_a_choice_that_was_not_shown_cancels_nobody(self, desk, party, clock) -> None:
        """Ticked after the quote for everybody was made, and sent without looking again."""
        page = desk.get(cancel_page(party))
        first = party.passengers[0]
        sent = {"reason": "Only Ada", "passengers": [str(first.id)]}

        answer = desk.post(cancel_page(party), {**sent, "quote": page.context["quote"].id})

        assert answer.status_code == 409
        assert state_of(party) == "paid"
        assert not Cancellation.objects.exists()
        [one] = answer.context["quote"].coupons
        assert one.coupon.passenger_id == first.id

        done = desk.post(
            cancel_page(party), {**sent, "quote": answer.context["quote"].id}, follow=True
        )
        # Half of one of the two 45.00 EUR.
        said = [str(one) for one in done.context["messages"]]
        assert said == [f"Of {party.locator} is cancelled what you chose. Going back: €22.50."]
        left = Coupon.objects.filter(passenger__reservation=party.id, state=Coupon.State.OPEN)
        assert [one.passenger.first_name for one in left] == ["Grace"]

    def test_says_before_that_a_second_person_is_asked(self, desk, party, settings, clock) -> None:
        settings.REFUND_APPROVAL_LIMIT = 4_500
        assert "A second person" not in desk.get(cancel_page(party)).content.decode()
        settings.REFUND_APPROVAL_LIMIT = 4_499
        assert "A second person" in desk.get(cancel_page(party)).content.decode()

    def test_a_choice_is_shown_and_nothing_done(self, desk, party, clock) -> None:
        first = party.passengers[0]

        answer = desk.post(
            cancel_page(party),
            {"passengers": [str(first.id)], "reason": "half a note", "show": "Show what it costs"},
        )

        html = answer.content.decode()
        assert answer.status_code == 200
        assert answer.context["quote"].refund == Money(2_250, "EUR")
        assert 'value="half a note"' in html
        assert "ICE 585, Hamburg" in html
        assert state_of(party) == "paid"
        assert not Cancellation.objects.exists()

    @pytest.mark.parametrize(
        "wrong", [{"waive": "101"}, {"passengers": ["999999"]}, {"code": "x"}, {"to": "moon"}]
    )
    def test_a_choice_with_a_fault_has_no_costs(self, desk, party, clock, wrong) -> None:
        quote = desk.get(cancel_page(party)).context["quote"]

        answer = desk.post(cancel_page(party), {"reason": "x", "quote": quote.id, **wrong})

        assert answer.context["quote"] is None
        assert set(answer.context["choice"].errors) == set(wrong)
        assert state_of(party) == "paid"

    @pytest.mark.parametrize("key", ["999", "x", "9" * 30])
    def test_an_unknown_reservation_is_not_found(self, desk: Client, key: str) -> None:
        page = reverse("admin:bookings_reservation_cancel", args=[key])

        assert desk.get(page).status_code == 404
