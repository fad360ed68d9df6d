"""Statements: every entry once, and the balance from then on, whichever page is read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from payments import ledger, statements
from payments.ledger import Side
from payments.models import Transfer
from travel.common.errors import NotFound
from travel.common.money import Money

# What came and went, in the order of time: currency and minor units.
MOVES = [
    ("EUR", 5_000),
    ("JPY", 900),
    ("EUR", -1_250),
    ("KWD", 3),
    ("EUR", 1),
    ("JPY", -900),
    ("EUR", -3_751),
]
# The same by hand: what the wallet of that currency held after each.
BALANCES = [5_000, 900, 3_750, 3, 3_751, 0, 0]


@pytest.fixture
def lived(traveller: User, noon: datetime) -> User:
    for number, (currency, minor) in enumerate(MOVES):
        ledger.post(
            kind=Transfer.Kind.OPENING,
            reference=f"test:{number}",
            sides=[
                Side(ledger.equity(currency), Money(-minor, currency)),
                Side(ledger.wallet(traveller.pk, currency), Money(minor, currency)),
            ],
            now=noon + timedelta(minutes=number),
        )
    return traveller


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
def test_a_wallets_pages_join_to_the_whole(lived: User, limit: int) -> None:
    told = []
    for offset in range(0, 7, limit):
        count, page = statements.wallet_statement(user_id=lived.pk, offset=offset, limit=limit)
        assert count == 7
        told += [(move.amount, move.balance) for move in page]

    assert told == [
        (Money(minor, currency), Money(balance, currency))
        for (currency, minor), balance in reversed(list(zip(MOVES, BALANCES, strict=True)))
    ]


def test_a_wallet_of_one_currency(lived: User) -> None:
    count, page = statements.wallet_statement(user_id=lived.pk, currency="JPY")

    assert count == 2
    assert [(move.amount.minor, move.balance.minor) for move in page] == [(-900, 0), (900, 900)]


def test_is_nobody_elses(lived: User, stranger: User) -> None:
    assert statements.wallet_statement(user_id=stranger.pk) == (0, [])


def test_an_account_both_ways(lived: User) -> None:
    account = ledger.wallet(lived.pk, "EUR")

    whole = list(statements.whole_statement(account_id=account.pk))
    count, page = statements.account_statement(account_id=account.pk, limit=20)

    assert count == 4
    assert [move.balance.minor for move in whole] == [5_000, 3_750, 3_751, 0]
    assert whole == page[::-1]


def test_no_account_is_no_statement(db: None) -> None:
    with pytest.raises(NotFound):
        statements.whole_statement(account_id=1)
