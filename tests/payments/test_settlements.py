"""Terms, statements to carriers, and the money that goes to their banks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from inventory.models import Carrier
from payments import services, statements
from payments.errors import NothingToSettle, SettlementPaid
from payments.models import Account, CarrierTerms, Settlement, Transfer
from payments.penalties import Waiver
from payments.services import settlements
from tests import factories
from tests.conftest import Clock
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money

from .conftest import Hold

MONDAY = date(2026, 6, 1)
TUESDAY_NOON = timedelta(days=1)


@pytest.fixture
def terms(train: factories.Trip, noon: datetime) -> Carrier:
    """The train's carrier leaves the office 12.5 %, since Monday."""
    carrier = train.departure.service.carrier
    settlements.agree_terms(
        carrier_id=carrier.pk,
        valid_from=MONDAY,
        fee_basis_points=1_250,
        now=noon - timedelta(days=1),
    )
    return carrier


def draw(carrier: Carrier, until: date, now: datetime, **details: Any) -> Settlement:
    return settlements.draw(carrier_id=carrier.pk, currency="EUR", until=until, now=now, **details)


def balances() -> dict[str, int]:
    return dict(Account.objects.exclude(balance_minor=0).values_list("code", "balance_minor"))


def parts(settlement: Settlement) -> list[tuple[str, int, int, int, int]]:
    return [
        (one.kind, one.price.minor, one.fee.minor, one.penalty.minor, one.total.minor)
        for one in statements.settlement_lines(settlement)
    ]


class TestFee:
    def test_is_taken_from_the_carriers_share(
        self, terms: Carrier, paid: Hold, traveller: User
    ) -> None:
        paid(2)

        # 12.5 % of 45.00 is 5.625, so 5.63 of each of the two.
        assert balances() == {
            "equity:EUR": -50_000,
            f"wallet:{traveller.pk}:EUR": 41_000,
            f"carrier:{terms.pk}:EUR": 2 * 3_937,
            f"fee:{terms.pk}:EUR": 2 * 563,
        }

    def test_goes_back_as_the_refund_does(
        self, terms: Carrier, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(2)

        # Less than a day before the train: half is kept.
        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            passenger_ids=[reservation.passengers[0].id],
            actor=Actor("holder", me.user_id),
            now=noon,
        )

        # Of the fee of 5.63 goes back 2.82; of the penalty of 22.50 is 2.81 the fee that is kept.
        assert balances() == {
            "equity:EUR": -50_000,
            f"wallet:{me.user_id}:EUR": 41_000 + 2_250,
            f"carrier:{terms.pk}:EUR": 3_937,
            f"fee:{terms.pk}:EUR": 563 + 281,
            f"penalty:{terms.pk}:EUR": 1_969,
        }

    def test_goes_back_whole_with_a_full_refund(
        self, terms: Carrier, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(1)

        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            actor=Actor("staff", None),
            waiver=Waiver("goodwill"),
            now=noon,
        )

        assert balances() == {"equity:EUR": -50_000, f"wallet:{me.user_id}:EUR": 50_000}

    def test_is_that_of_the_day_of_the_sale(
        self, terms: Carrier, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(1)
        settlements.agree_terms(
            carrier_id=terms.pk,
            valid_from=MONDAY + timedelta(days=1),
            fee_basis_points=5_000,
            now=noon,
        )

        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            actor=Actor("staff", None),
            waiver=Waiver("goodwill"),
            now=noon + timedelta(hours=13),
        )

        assert balances() == {"equity:EUR": -50_000, f"wallet:{me.user_id}:EUR": 50_000}


class TestTerms:
    @pytest.mark.parametrize("share", [-1, 10_001])
    def test_refuse_more_than_everything(
        self, train: factories.Trip, noon: datetime, share: int
    ) -> None:
        with pytest.raises(InvalidInput):
            settlements.agree_terms(
                carrier_id=train.departure.service.carrier_id,
                valid_from=MONDAY + timedelta(days=2),
                fee_basis_points=share,
                now=noon,
            )

        assert CarrierTerms.objects.count() == 0

    def test_refuse_a_day_that_has_begun(self, train: factories.Trip, noon: datetime) -> None:
        carrier_id = train.departure.service.carrier_id
        late = noon.replace(hour=23, minute=30)

        for now, day in [(noon, MONDAY), (late, MONDAY + timedelta(days=1))]:
            with pytest.raises(InvalidInput):
                settlements.agree_terms(
                    carrier_id=carrier_id, valid_from=day, fee_basis_points=1, now=now
                )

        assert CarrierTerms.objects.count() == 0

    def test_refuse_to_change_what_is_agreed(self, terms: Carrier, noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            settlements.agree_terms(
                carrier_id=terms.pk,
                valid_from=MONDAY,
                fee_basis_points=1_300,
                now=noon - timedelta(days=1),
            )

        assert CarrierTerms.objects.get().fee_basis_points == 1_250


class TestDraw:
    def test_sums_what_was_sold_and_given_back(
        self, terms: Carrier, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(2)
        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            passenger_ids=[reservation.passengers[0].id],
            actor=Actor("holder", me.user_id),
            now=noon,
        )

        drawn = draw(terms, MONDAY, noon + TUESDAY_NOON)

        assert (drawn.number, drawn.amount_minor, drawn.state) == (1, 3_937, "drawn")
        assert (drawn.period_start, drawn.period_end) == (MONDAY, MONDAY)
        assert parts(drawn) == [
            ("payment", 4_500, -563, 0, 3_937),
            ("payment", 4_500, -563, 0, 3_937),
            ("cancelled", -2_250, 282, -1_969, -3_937),
        ]
        sums = statements.settlement_sums(statements.settlement_lines(drawn), currency="EUR")
        assert (sums.lines, sums.total) == (3, Money(drawn.amount_minor, "EUR"))

    def test_leaves_the_next_day_to_the_next_statement(
        self, terms: Carrier, paid: Hold, noon: datetime, hold: Hold, me: Viewer
    ) -> None:
        paid(1)
        midnight = noon.replace(hour=0) + timedelta(days=1)
        reservation = hold(2, now=midnight)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Wallet", token=None, now=midnight
        )

        first = draw(terms, MONDAY, midnight)
        second = draw(terms, MONDAY + timedelta(days=1), midnight + timedelta(days=1))

        assert (first.amount_minor, second.amount_minor) == (3_937, 2 * 3_937)
        assert (second.number, second.period_start) == (2, MONDAY + timedelta(days=1))
        assert parts(second) == [("payment", 4_500, -563, 0, 3_937)] * 2

    def test_does_not_count_what_was_paid_for_the_last_one(
        self, terms: Carrier, paid: Hold, hold: Hold, me: Viewer, noon: datetime
    ) -> None:
        paid(1)
        tuesday = noon + TUESDAY_NOON
        first = draw(terms, MONDAY, tuesday)
        settlements.mark_paid(settlement_id=first.id, bank_reference="SEPA 1", now=tuesday)
        with pytest.raises(NothingToSettle):
            draw(terms, MONDAY + timedelta(days=1), tuesday + timedelta(days=1))

        assert Settlement.objects.count() == 1

    def test_refuses_a_day_that_is_not_over(
        self, terms: Carrier, paid: Hold, noon: datetime
    ) -> None:
        paid(1)

        with pytest.raises(InvalidInput):
            draw(terms, MONDAY, noon)

        assert Settlement.objects.count() == 0

    def test_refuses_a_day_twice(self, terms: Carrier, paid: Hold, noon: datetime) -> None:
        paid(1)
        draw(terms, MONDAY, noon + TUESDAY_NOON)

        with pytest.raises(InvalidInput):
            draw(terms, MONDAY, noon + TUESDAY_NOON)

        assert Settlement.objects.count() == 1

    def test_refuses_a_carrier_without_an_account(self, terms: Carrier, noon: datetime) -> None:
        with pytest.raises(NotFound):
            draw(terms, MONDAY, noon + TUESDAY_NOON)


class TestMarkPaid:
    def test_moves_it_from_the_carrier_to_the_bank(
        self, terms: Carrier, paid: Hold, staff: User, noon: datetime
    ) -> None:
        paid(1)
        tuesday = noon + TUESDAY_NOON
        drawn = draw(terms, MONDAY, tuesday)

        settled = settlements.mark_paid(
            settlement_id=drawn.id, bank_reference=" SEPA 1 ", actor_id=staff.pk, now=tuesday
        )

        assert (settled.state, settled.bank_reference) == ("paid", "SEPA 1")
        assert balances()["bank:EUR"] == 3_937
        assert f"carrier:{terms.pk}:EUR" not in balances()

    def test_once(self, terms: Carrier, paid: Hold, noon: datetime) -> None:
        paid(1)
        tuesday = noon + TUESDAY_NOON
        drawn = draw(terms, MONDAY, tuesday)
        settlements.mark_paid(settlement_id=drawn.id, bank_reference="SEPA 1", now=tuesday)

        with pytest.raises(SettlementPaid):
            settlements.mark_paid(settlement_id=drawn.id, bank_reference="SEPA 2", now=tuesday)

        assert balances()["bank:EUR"] == 3_937

    @pytest.mark.parametrize("reference", ["", "  ", "x" * 81])
    def test_refuses_no_reference(
        self, terms: Carrier, paid: Hold, noon: datetime, reference: str
    ) -> None:
        paid(1)
        tuesday = noon + TUESDAY_NOON
        drawn = draw(terms, MONDAY, tuesday)

        with pytest.raises(InvalidInput):
            settlements.mark_paid(settlement_id=drawn.id, bank_reference=reference, now=tuesday)

        assert "bank:EUR" not in balances()

    def test_below_zero_the_carrier_pays(
        self, terms: Carrier, paid: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = paid(1)
        tuesday = noon + timedelta(hours=13)
        draw(terms, MONDAY, tuesday)
        services.cancel_and_refund(
            viewer=me,
            reservation_id=reservation.id,
            actor=Actor("staff", None),
            waiver=Waiver("goodwill"),
            now=tuesday,
        )

        second = draw(terms, MONDAY + timedelta(days=1), tuesday + timedelta(days=1))
        settlements.mark_paid(
            settlement_id=second.id, bank_reference="IN 7", now=tuesday + timedelta(days=1)
        )

        assert second.amount_minor == -3_937
        assert balances()["bank:EUR"] == -3_937


class TestPayout:
    def test_moves_it_from_the_gateway_to_the_bank(
        self, hold: Hold, me: Viewer, noon: datetime
    ) -> None:
        reservation = hold(1)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )

        booked = settlements.book_payout(
            gateway="sandbox", amount=Money(4_000, "EUR"), bank_reference="PO 1", now=noon
        )

        assert booked.kind == "payout"
        assert balances()["gateway:sandbox:EUR"] == -500
        assert balances()["bank:EUR"] == -4_000

    @pytest.mark.parametrize(
        ("gateway", "minor", "reference"),
        [
            ("nobody", 100, "PO 2"),
            ("sandbox", 0, "PO 2"),
            ("sandbox", -1, "PO 2"),
            ("sandbox", 3_501, "PO 2"),
            ("sandbox", 100, ""),
            ("sandbox", 100, "PO 1"),
        ],
    )
    def test_refuses_what_the_gateway_does_not_hold_or_has_paid(
        self,
        hold: Hold,
        me: Viewer,
        noon: datetime,
        gateway: str,
        minor: int,
        reference: str,
    ) -> None:
        reservation = hold(1)
        services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )
        settlements.book_payout(
            gateway="sandbox", amount=Money(1_000, "EUR"), bank_reference="PO 1", now=noon
        )

        with pytest.raises(InvalidInput):
            settlements.book_payout(
                gateway=gateway, amount=Money(minor, "EUR"), bank_reference=reference, now=noon
            )

        assert Transfer.objects.filter(kind="payout").count() == 1
        assert balances()["gateway:sandbox:EUR"] == -3_500


class TestCommand:
    def test_draws_up_what_there_is_once(
        self, terms: Carrier, paid: Hold, noon: datetime, clock: Clock
    ) -> None:
        paid(1)
        clock.advance(days=1)

        first, second = StringIO(), StringIO()
        call_command("settle", stdout=first)
        call_command("settle", stdout=second)

        assert f"carrier:{terms.pk}:EUR: statement 1, 39.37 EUR" in first.getvalue()
        assert "0 statements" in second.getvalue()
        assert Settlement.objects.count() == 1

    def test_refuses_a_day_that_is_not_over(self, terms: Carrier, clock: Clock) -> None:
        with pytest.raises(CommandError):
            call_command("settle", "--until", "2026-06-01")
