"""
One booking with everything in it, lived through the services as people would.

Ada books two seats to Munich for 45.00 EUR each, pays with her second card, is told of a delay and
given another seat; Bob's ticket is cancelled by staff, who waive 40 % of the penalty, and a second
person lets the money go; Ada complains, is answered and given goodwill, and boards.

By hand: 18 hours before departure half of Bob's 45.00 is kept, 22.50. Of that 40 %, 9.00, are
waived, so 13.50 are kept and 31.50 go back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.manifest import keeper_of
from bookings.models import Coupon, Scan
from bookings.services import SeatChoice, Showing
from bookings.tasks import send_messages
from payments import services as money
from payments.errors import PaymentDeclined
from payments.models import Payment, Refund, WebhookEvent
from payments.services import goodwill
from payments.tasks import settle_due
from support import services as help_desk
from support.services import acting, departures
from support.services.departures import Hand
from support.tasks import work_on_disruptions
from tests import factories, selling
from tests.conftest import Clock
from tests.factories import CoachPlan, Trip
from travel.common.money import Money

# Half past eight in Hamburg, on the day of travel: boarding has begun for a train that is late.
BOARDS = datetime(2026, 6, 2, 6, 10, tzinfo=UTC)


@dataclass(frozen=True)
class People:
    """Who takes part: the traveller, an agent, a second person of finance, operations."""

    ada: User
    agent: User
    finance: User
    operations: User


def people() -> People:
    """Make everybody; each has one role."""

    def staff(first: str, last: str, role: str) -> User:
        return factories.make_user(
            email=f"{first.lower()}@office.example",
            first_name=first,
            last_name=last,
            is_staff=True,
            roles=[role],
        )

    return People(
        ada=factories.make_user(email="ada@example.org", first_name="Ada", last_name="Roe"),
        agent=staff("Sam", "Porter", "support agent"),
        finance=staff("Fin", "Ledger", "finance"),
        operations=staff("Olga", "Novak", "operations"),
    )


def live(train: Trip, who: People, clock: Clock, settings: object) -> int:
    """Live through it all; answer the reservation's id. The clock stands at boarding then."""
    # So that the refund of 31.50 wants a second person.
    settings.REFUND_APPROVAL_LIMIT = 3_000  # type: ignore[attr-defined]
    cache.clear()
    me = Viewer(user_id=who.ada.pk)
    held = selling.reserve(who.ada, train.ticket_id(), now=clock.now(), passengers=2)

    def pay(token: str) -> None:
        money.pay(
            viewer=me, reservation_id=held.id, method="Bank Card", token=token, now=clock.now()
        )

    clock.advance(minutes=1)
    with pytest.raises(PaymentDeclined):
        pay("tok_declined")
    clock.advance(minutes=1)
    pay("tok_accepted")
    _told_by_the_provider(held.id, clock)
    send_messages()

    clock.advance(minutes=5)
    hand = Hand(who.operations.pk, "Storm damage near Hanover", address="192.0.2.7")
    departures.delay(
        hand=hand,
        departure_id=train.departure.pk,
        position=0,
        minutes=25,
        tell=True,
        now=clock.now(),
    )
    work_on_disruptions()
    clock.advance(minutes=5)
    other = factories.make_vehicle(
        train.departure.service.carrier,
        coaches=[CoachPlan("7", rows=2), CoachPlan("8", "Business", "A|B", 2)],
    )
    departures.swap_vehicle(
        hand=Hand(who.operations.pk, "Broken heating", address="192.0.2.7"),
        departure_id=train.departure.pk,
        vehicle_id=other.pk,
        tell=True,
        now=clock.now(),
    )
    work_on_disruptions()

    desk = Viewer(user_id=who.agent.pk, is_support=True)
    clock.moment = held.created_at + timedelta(minutes=25)
    bob = next(one for one in held.passengers if one.first_name == "Bob")
    help_desk.cancel_reservation(
        viewer=desk,
        reservation_id=held.id,
        reason="Bob could not reach Hamburg",
        reason_code="strike",
        waive_penalty=True,
        waive_basis_points=4_000,
        passenger_ids=[bob.id],
        now=clock.now(),
    )
    clock.advance(minutes=5)
    money.approve_refund(
        refund_id=Refund.objects.get().pk, approver_id=who.finance.pk, now=clock.now()
    )
    settle_due()
    _complain(held.id, train, who, clock)
    _board(held.id, train, who, clock)
    return held.id


def _told_by_the_provider(reservation_id: int, clock: Clock) -> None:
    """Keep an event of the provider about the attempt that worked, with a body to hide."""
    payment = Payment.objects.get(reservation_id=reservation_id, state="captured")
    WebhookEvent.objects.create(
        gateway="sandbox",
        event_id="evt-told-once",
        kind="charge.captured",
        body='{"card": "4242-secret-card"}',
        headers={"signature": "secret-signature"},
        received_at=clock.now(),
        due_at=clock.now(),
        processed_at=clock.now(),
        state="done",
        payment=payment,
    )


def _complain(reservation_id: int, train: Trip, who: People, clock: Clock) -> None:
    clock.advance(minutes=10)
    report = help_desk.submit_report(
        viewer=Viewer(user_id=who.ada.pk),
        reservation_id=reservation_id,
        ticket_id=train.ticket_id(),
        category="Travel Delay",
        text="Late again, and Bob could not come.",
        now=clock.now(),
    )
    desk = Viewer(user_id=who.agent.pk, is_support=True)
    for text, is_internal in [("Third time this month.", True), ("We are very sorry.", False)]:
        clock.advance(minutes=1)
        help_desk.respond(
            viewer=desk,
            report_id=report.id,
            answer=text,
            state="Reviewed",
            is_internal=is_internal,
            now=clock.now(),
        )
    clock.advance(minutes=1)
    goodwill.give(
        user_id=who.ada.pk,
        amount=Money(500, "EUR"),
        reason_code="goodwill",
        note="For the trouble",
        locator=_locator(reservation_id),
        actor_id=who.agent.pk,
        now=clock.now(),
    )
    clock.advance(minutes=1)
    acting.resend_tickets(
        viewer=desk, reservation_id=reservation_id, reason="Lost the mail", now=clock.now()
    )
    clock.advance(minutes=1)
    acting.change_seats(
        viewer=desk,
        reservation_id=reservation_id,
        seats=[SeatChoice(train.ticket_id(), 0, "7", "2D")],
        reason="Wants a window",
        now=clock.now(),
    )


def _locator(reservation_id: int) -> str:
    return str(
        Coupon.objects.filter(passenger__reservation_id=reservation_id).values_list(
            "passenger__reservation__locator", flat=True
        )[0]
    )


def _board(reservation_id: int, train: Trip, who: People, clock: Clock) -> None:
    """Ada shows her ticket too early, then in time; each is written down."""
    coupon = Coupon.objects.get(passenger__reservation_id=reservation_id, state="open")
    keeper = keeper_of(user_id=who.operations.pk)
    for number, moment in enumerate([BOARDS - timedelta(hours=2), BOARDS]):
        clock.moment = moment
        booking.scan(
            keeper=keeper,
            departure_id=train.departure.pk,
            showing=Showing(
                client_id=f"showing-number-{number:08}",
                device="a-phone-at-the-door",
                at=moment,
                stop=0,
                how=Scan.How.LIST,
                coupon_id=coupon.pk,
            ),
            now=moment,
        )
