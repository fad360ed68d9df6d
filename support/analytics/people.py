"""Who the customers are: how many, how faithful, from where, and who buys most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from inventory.models import Mode
from support.analytics.days import Span, months, stretches
from support.analytics.sources import Tally, local_day, sum_of_customers
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
    reserved, joined, values = [], [], list[Any]()
    # That index has all that is asked for; the one of the time leads to every row.
    by_user = " FORCE INDEX (reservation_of_user)" if connection.vendor == "mysql" else ""
    for stretch in stretches(over.days):
        reserved.append(
            f"SELECT {_month('created_at', stretch.minutes)} AS month, user_id, "  # noqa: S608
            f"MIN(created_at) AS earliest FROM bookings_reservation{by_user} "
            "WHERE user_id IS NOT NULL AND created_at >= %s AND created_at < %s "
            "GROUP BY month, user_id"
        )
        joined.append(
            f"SELECT {_month('joined_at', stretch.minutes)} AS month, COUNT(*) AS number "  # noqa: S608
            "FROM accounts_user WHERE joined_at >= %s AND joined_at < %s GROUP BY month"
        )
        values += [stretch.begins_at, stretch.ends_at]
    rows = sql.rows(
        "SELECT month, 'active', COUNT(*), "  # noqa: S608 - texts of this package
        "SUM(CASE WHEN earliest = began_at THEN 1 ELSE 0 END) "
        "FROM (SELECT month, user_id, MIN(earliest) AS earliest "
        f"FROM ({' UNION ALL '.join(reserved)}) parts GROUP BY month, user_id) active "
        "JOIN (SELECT user_id, MIN(created_at) AS began_at FROM bookings_reservation "
        "WHERE user_id IS NOT NULL GROUP BY user_id) began ON began.user_id = active.user_id "
        "GROUP BY month UNION ALL SELECT month, 'joined', SUM(number), 0 "
        f"FROM ({' UNION ALL '.join(joined)}) opened GROUP BY month",
        [*values, *values],
    )
    active = {month: (int(all_), int(new)) for month, kind, all_, new in rows if kind == "active"}
    opened = {month: int(number) for month, kind, number, _zero in rows if kind == "joined"}
    keys = [f"{month:%Y-%m}" for month in months(over.days)]
    return [MonthOfUsers(key, *active.get(key, (0, 0)), opened.get(key, 0)) for key in keys]


def _month(instant: str, minutes: int) -> str:
    return f"SUBSTR(CAST({local_day(instant, minutes)} AS CHAR(10)), 1, 7)"


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
    grouped = sum_of_customers(Tally(("user_id", "mode"), ("sold", "cancelled")), over)
    rows = sql.rows(
        "SELECT COUNT(*) OVER (), person.id, first_name, last_name, email, phone, "  # noqa: S608
        "city, joined_at FROM (SELECT key_0 FROM "
        f"({grouped.text}) by_mode WHERE sum_0 > sum_1 GROUP BY key_0 HAVING COUNT(*) = %s) used "
        "JOIN accounts_user person ON person.id = used.key_0 "
        "ORDER BY joined_at DESC, person.id DESC LIMIT %s",
        [*grouped.values, len(Mode.values), limit],
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
