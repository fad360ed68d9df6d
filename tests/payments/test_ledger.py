"""The ledger balances, or refuses."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from payments import ledger
from payments.errors import InsufficientFunds
from payments.ledger import Side
from payments.models import Account, Entry, Transfer
from travel.common.money import Money

EUR = "EUR"


def euros(minor: int) -> Money:
    return Money(minor, EUR)


class TestPost:
    def test_moves_what_one_gives_and_another_gains(self, traveller: User, noon: datetime) -> None:
        source, target = ledger.equity(EUR), ledger.wallet(traveller.pk, EUR)

        ledger.post(
            kind=Transfer.Kind.OPENING,
            reference="test:1",
            sides=[Side(source, euros(-700)), Side(target, euros(500)), Side(target, euros(200))],
            now=noon,
        )

        assert dict(Account.objects.values_list("code", "balance_minor")) == {
            "equity:EUR": -700,
            f"wallet:{traveller.pk}:EUR": 700,
        }
        assert sorted(Entry.objects.values_list("amount_minor", flat=True)) == [-700, 700]

    def test_refuses_sides_that_do_not_balance(self, traveller: User, noon: datetime) -> None:
        with pytest.raises(ledger.Unbalanced), transaction.atomic():
            ledger.post(
                kind=Transfer.Kind.OPENING,
                reference="test:1",
                sides=[
                    Side(ledger.equity(EUR), euros(-700)),
                    Side(ledger.wallet(traveller.pk, EUR), euros(701)),
                ],
                now=noon,
            )

        assert Transfer.objects.count() == 0

    def test_refuses_two_currencies_that_sum_to_zero(self, traveller: User, noon: datetime) -> None:
        with pytest.raises(ledger.Unbalanced), transaction.atomic():
            ledger.post(
                kind=Transfer.Kind.OPENING,
                reference="test:1",
                sides=[
                    Side(ledger.equity("GBP"), Money(-700, "GBP")),
                    Side(ledger.wallet(traveller.pk, EUR), euros(700)),
                ],
                now=noon,
            )

        assert Entry.objects.count() == 0

    def test_refuses_to_empty_a_wallet_further_than_it_goes(
        self, traveller: User, wallet: Money, noon: datetime
    ) -> None:
        mine = ledger.wallet(traveller.pk, EUR)

        with pytest.raises(InsufficientFunds), transaction.atomic():
            ledger.post(
                kind=Transfer.Kind.PAYMENT,
                reference="test:1",
                sides=[Side(mine, euros(-50_001)), Side(ledger.returns(EUR), euros(50_001))],
                now=noon,
            )

        mine.refresh_from_db()
        assert mine.balance_minor == 50_000

    def test_books_a_fact_once(self, traveller: User, noon: datetime) -> None:
        sides = [
            Side(ledger.equity(EUR), euros(-1)),
            Side(ledger.wallet(traveller.pk, EUR), euros(1)),
        ]
        ledger.post(kind=Transfer.Kind.OPENING, reference="test:1", sides=sides, now=noon)

        with pytest.raises(IntegrityError), transaction.atomic():
            ledger.post(kind=Transfer.Kind.OPENING, reference="test:1", sides=sides, now=noon)

        assert Transfer.objects.count() == 1


def test_the_database_itself_refuses_a_negative_wallet(traveller: User, wallet: Money) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(kind="wallet").update(balance_minor=-1)
