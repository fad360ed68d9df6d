"""Who the customers are: how many, how faithful, from where, and who buys most."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from inventory.models import Mode
from support.analytics.days import Span, month_of, months
from support.analytics.sources import Tally, sum_of_customers
from travel.common import sql
from travel.common.money import Money


@dataclass(frozen=True, slots=True)
class MonthOfUsers:
    """
    Accounts of a month: those that reserved anything, of these those that did so for the first
    time, and those that were opened. The key is `2026-06`.
    """

    key: str
    active: int
    new: int
    joined: int

    @property
    def label(self) -> str:
        return self.key

    @property
    def returning(self) -> int:
        return self.active - self.new


def users_by_month(*, over: Span) -> list[MonthOfUsers]:
    """Answer active, new and returning users, and accounts opened, of every month of a span."""
    spans = [_within(over, month) for month in months(over.days)]
    # A power of two for each month: the sum of an account's different ones tells in which it was
    # active, and the least of them when it came. 1 is the time before the span.
    since = [over.begins_at, *(one.ends_at for one in spans)]
    reserved = _power("created_at", len(since))
    opened = _power("joined_at", len(since))
    rows = sql.rows(
        "SELECT 'active', active, first, COUNT(*) FROM ("  # noqa: S608 - texts of this module
        f"SELECT SUM(DISTINCT {reserved}) AS active, MIN({reserved}) AS first "
        f"FROM bookings_reservation{_in_order_of_users()} "
        "WHERE user_id IS NOT NULL AND created_at < %s GROUP BY user_id) person "
        "GROUP BY active, first UNION ALL "
        f"SELECT 'joined', {opened}, 0, COUNT(*) FROM accounts_user "
        "WHERE joined_at >= %s AND joined_at < %s GROUP BY 2",
        [*since, *since, over.ends_at, *since, over.begins_at, over.ends_at],
    )
    active, new, joined = Counter[int](), Counter[int](), Counter[int]()
    bits = [1 << n for n in range(1, len(since))]
    for kind, months_of, first, number in rows:
        if kind == "joined":
            joined[int(months_of)] += int(number)
            continue
        new[int(first)] += int(number)
        active.update({bit: int(number) for bit in bits if int(months_of) & bit})
    return [
        MonthOfUsers(f"{one.first:%Y-%m}", active[bit], new[bit], joined[bit])
        for one, bit in zip(spans, bits, strict=True)
    ]


def _within(over: Span, month: date) -> Span:
    whole = month_of(month)
    return Span(max(whole.first, over.first), min(whole.last, over.last))


def _power(instant: str, number: int) -> str:
    """Answer the expression for two to the power of the first of so many ends that is later."""
    cases = " ".join(f"WHEN {instant} < %s THEN {1 << n}" for n in range(number))
    return f"CASE {cases} END"


def _in_order_of_users() -> str:
    # That index has all that is asked for, account after account; the one of the time leads to
    # every row.
    return " FORCE INDEX (reservation_of_user)" if connection.vendor == "mysql" else ""


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with what it bought, less what it cancelled, in one currency."""

    user_id: int
    name: str
    contact: str
    city: str
    tickets: int
    cancelled: int
    net: Money


def top_customers(*, over: Span, limit: int = 20) -> list[Customer]:
    """Answer the accounts that paid most in a span, so many for each currency."""
    grouped = sum_of_customers(
        Tally(("user_id", "currency_id"), ("sold", "cancelled", "amount_minor")), over
    )
    rows = sql.rows(
        "SELECT person.id, person.first_name, person.last_name, person.email, "  # noqa: S608
        "person.phone, person.city, key_1, sum_0, sum_1, sum_2 FROM (SELECT counted_all.*, "
        "ROW_NUMBER() OVER (PARTITION BY key_1 ORDER BY sum_2 DESC, key_0) AS place "
        f"FROM ({grouped.text}) counted_all) placed "
        "JOIN accounts_user person ON person.id = key_0 WHERE place <= %s "
        "ORDER BY key_1, place",
        [*grouped.values, limit],
    )
    return [
        Customer(
            user_id=user_id,
            name=f"{first} {last}".strip(),
            contact=email or phone or "",
            city=city,
            tickets=int(sold),
            cancelled=int(cancelled),
            net=Money(int(minor), currency),
        )
        for user_id, first, last, email, phone, city, currency, sold, cancelled, minor in rows
    ]


@dataclass(frozen=True, slots=True)
class CityOfUsers:
    """Travellers of a city, as they write it, and of these those that ever reserved."""

    city: str
    users: int
    booked: int


def users_by_city(*, limit: int = 100) -> list[CityOfUsers]:
    """Answer the cities where most travellers live; an empty name stands for those who say none."""
    rows = sql.rows(
        "SELECT city, COUNT(*), SUM(CASE WHEN EXISTS (SELECT 1 FROM bookings_reservation booked "
        "WHERE booked.user_id = person.id) THEN 1 ELSE 0 END) FROM accounts_user person "
        "WHERE is_active = %s AND is_staff = %s GROUP BY city "
        "ORDER BY COUNT(*) DESC, city LIMIT %s",
        [True, False, limit],
    )
    return [CityOfUsers(city, int(users), int(booked)) for city, users, booked in rows]


@dataclass(frozen=True, slots=True)
class Person:
    """An account, in brief."""

    user_id: int
    name: str
    contact: str
    city: str
    joined_at: datetime


def never_booked(*, limit: int = 100) -> tuple[int, list[Person]]:
    """Answer how many travellers never reserved anything, and the newest of them."""
    rows = sql.rows(
        "SELECT COUNT(*) OVER (), id, first_name, last_name, email, phone, city, joined_at "
        "FROM accounts_user person WHERE is_active = %s AND is_staff = %s AND NOT EXISTS "
        "(SELECT 1 FROM bookings_reservation booked WHERE booked.user_id = person.id) "
        "ORDER BY joined_at DESC, id DESC LIMIT %s",
        [True, False, limit],
    )
    return (int(rows[0][0]) if rows else 0), [_person(*row[1:]) for row in rows]


def used_every_mode(*, over: Span, limit: int = 100) -> tuple[int, list[Person]]:
    """
    Answer how many accounts bought tickets of every mode in a span and kept some of each, and the
    newest of them.
    """
    of_mode = [
        f"CASE WHEN mode = '{mode}' THEN {what} ELSE 0 END"
        for mode in Mode.values
        for what in ("sold", "cancelled")
    ]
    grouped = sum_of_customers(Tally(("user_id",), of_mode), over)
    kept = " AND ".join(f"sum_{2 * n} > sum_{2 * n + 1}" for n in range(len(Mode.values)))
    rows = sql.rows(
        "SELECT COUNT(*) OVER (), person.id, first_name, last_name, email, phone, "  # noqa: S608
        f"city, joined_at FROM ({grouped.text}) used "
        f"JOIN accounts_user person ON person.id = used.key_0 WHERE {kept} "
        "ORDER BY joined_at DESC, person.id DESC LIMIT %s",
        [*grouped.values, limit],
    )
    return (int(rows[0][0]) if rows else 0), [_person(*row[1:]) for row in rows]


def _person(
    user_id: int,
    first: str,
    last: str,
    email: str | None,
    phone: str | None,
    city: str,
    joined: Any,
) -> Person:
    joined_at = sql.moment(joined)
    assert joined_at is not None, "every account was opened some time"
    return Person(user_id, f"{first} {last}".strip(), email or phone or "", city, joined_at)
