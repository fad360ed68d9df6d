"""The story that docs/LEDGER.md tells is lived through, and every entry compared."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from bookings.selectors import ReservationDetail
from payments import services
from payments.models import Account, Entry, Refund, Transfer
from payments.penalties import Waiver
from payments.services import goodwill, settlements
from tests import factories
from tests.conftest import Clock
from travel.common.money import Money

from .conftest import Hold

Table = dict[str, int]


def test_the_story_is_as_the_book_tells_it(
    hold: Hold,
    me: Viewer,
    traveller: User,
    staff: User,
    train: factories.Trip,
    noon: datetime,
    clock: Clock,
) -> None:
    carrier_id = train.departure.service.carrier_id
    settlements.agree_terms(
        carrier_id=carrier_id,
        valid_from=date(2026, 6, 1),
        fee_basis_points=1_250,
        now=noon - timedelta(days=1),
    )

    services.top_up(user_id=traveller.pk, amount=euros(10_000), token="tok_accepted", now=noon)
    two = bought(hold(2), me, noon, "Wallet")
    services.cancel_and_refund(
        viewer=me,
        reservation_id=two.id,
        passenger_ids=[two.passengers[0].id],
        actor=Actor("holder", me.user_id),
        now=noon,
    )
    struck = bought(hold(1), me, noon, "Bank Card")
    services.cancel_and_refund(
        viewer=Viewer(is_support=True),
        reservation_id=struck.id,
        actor=Actor("staff", staff.pk),
        waiver=Waiver("strike"),
        reason_code="strike",
        now=noon,
    )
    services.push_refund(refund_id=newest_refund(), now=noon)
    charged_for_nothing(hold(1), me, noon)
    services.push_refund(refund_id=newest_refund(), now=noon)
    goodwill.give(
        user_id=traveller.pk,
        amount=euros(1_500),
        reason_code="strike",
        actor_id=staff.pk,
        now=noon,
    )
    tomorrow = noon + timedelta(days=1)
    drawn = settlements.draw(
        carrier_id=carrier_id, currency="EUR", until=date(2026, 6, 1), now=tomorrow
    )
    settlements.mark_paid(settlement_id=drawn.id, bank_reference="SEPA 1", now=tomorrow)
    settlements.book_payout(
        gateway="sandbox", amount=euros(10_000), bank_reference="PO 1", now=tomorrow
    )

    *told, balances = tables()
    assert booked() == told
    assert len(told) == 12
    lived = dict(Account.objects.values_list("kind", "balance_minor"))
    assert {kind: minor for kind, minor in lived.items() if kind != "equity"} == balances


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def bought(held: ReservationDetail, me: Viewer, now: datetime, method: str) -> ReservationDetail:
    services.pay(viewer=me, reservation_id=held.id, method=method, token="tok_accepted", now=now)
    return held


def charged_for_nothing(held: ReservationDetail, me: Viewer, now: datetime) -> None:
    """Begin to pay by a card that asks to confirm, give the seats up, and confirm."""
    begun = services.pay(
        viewer=me, reservation_id=held.id, method="Bank Card", token="tok_3ds", now=now
    )
    services.cancel_and_refund(
        viewer=me, reservation_id=held.id, actor=Actor("holder", me.user_id), now=now
    )
    services.answer_sandbox(viewer=me, key=f"payment-{begun.payment_id}", accepted=True, now=now)


def newest_refund() -> int:
    return Refund.objects.order_by("-id").values_list("id", flat=True)[0]


def booked() -> list[Table]:
    return [
        dict(Entry.objects.filter(transfer=transfer).values_list("account__kind", "amount_minor"))
        for transfer in Transfer.objects.order_by("id")
    ]


def tables() -> list[Table]:
    """Read the tables of the book's story: accounts with their amounts, in minor units."""
    text = (settings.BASE_DIR / "docs" / "LEDGER.md").read_text(encoding="utf-8")
    story = text.split("## A story, entry by entry")[1].split("\n## ")[0]
    found: list[Table] = []
    for line in story.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or cells[0].startswith("---"):
            continue
        if cells[0] == "account":
            found.append({})
        else:
            found[-1][cells[0]] = int(Decimal(cells[1]) * 100)
    return found
