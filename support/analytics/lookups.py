"""
Eight look-ups that are stored procedures as well, for people who work in SQL.

`support/sql/` has their texts, of which the last of each is in use:
`CALL support_tickets_of_contact_1('ada@example.org', 20)`. On servers with our procedures these
functions call them; elsewhere, and in the tests, the twins below answer the same rows in the same
order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Concat, Lower, StrIndex

from accounts.models import User
from bookings.models import Coupon, Reservation
from inventory.models import City
from payments.models import CancelledCoupon, Transfer
from travel.common import procedures, sql
from travel.common.money import Money

Row = TypeVar("Row")
MOST = 1_000
# No text that is looked for is longer, and the procedures take no longer one.
LONGEST = 254
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket of a passenger as a look-up shows it; cities are named in their own language."""

    coupon_id: int
    locator: str
    first_name: str
    last_name: str
    mode: str
    number: str
    origin: str
    destination: str
    departs_at: datetime
    state: str
    price: Money


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user with a number: of tickets, of reports, whatever was counted."""

    user_id: int
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    city: str
    number: int


@dataclass(frozen=True, slots=True)
class FoundMode:
    """A mode with the tickets that were sold, and those that were cancelled."""

    mode: str
    tickets: int
    cancelled: int


# --- the look-ups ---------------------------------------------------------------------------------


def tickets_of_contact(*, contact: str, limit: int = 100) -> list[FoundTicket]:
    """Answer the tickets of an e-mail address or telephone number (E.164), the newest first."""
    return _ask("tickets_of_contact_1", [contact, _most(limit)], _ticket, Twins.tickets_of_contact)


def cancellers_of_city(*, city: str, limit: int = 100) -> list[FoundUser]:
    """Answer the users who live in a city and cancelled tickets themselves, and how many."""
    return _ask("cancellers_of_city_1", [city, _most(limit)], _user, Twins.cancellers_of_city)


def tickets_by_city(*, city: str, limit: int = 100) -> list[FoundTicket]:
    """Answer the tickets that begin or end in a city, by any of its names, the latest first."""
    return _ask("tickets_by_city_2", [city, _most(limit)], _ticket, Twins.tickets_by_city)


def tickets_by_phrase(*, phrase: str, since: datetime, limit: int = 100) -> list[FoundTicket]:
    """
    Answer the tickets reserved since an instant in which a phrase occurs, the newest first: in the
    passenger's name, the service's number or a city's name. An empty phrase occurs nowhere.
    """
    return _ask(
        "tickets_by_phrase_2", [phrase, since, _most(limit)], _ticket, Twins.tickets_by_phrase
    )


def users_of_same_city(*, contact: str, limit: int = 100) -> list[FoundUser]:
    """Answer the other users of the city where the one with this contact lives."""
    return _ask("users_of_same_city_1", [contact, _most(limit)], _user, Twins.users_of_same_city)


def top_users(*, since: datetime, limit: int = 100) -> list[FoundUser]:
    """Answer the users who bought most tickets since an instant, less those cancelled since."""
    return _ask("top_users_2", [since, _most(limit)], _user, Twins.top_users)


def tickets_by_mode(*, since: datetime, until: datetime) -> list[FoundMode]:
    """Answer by mode the tickets that were sold in a time, and those that were cancelled in it."""
    return _ask(
        "tickets_by_mode_2",
        [since, until],
        lambda row: FoundMode(row[0], int(row[1]), int(row[2])),
        Twins.tickets_by_mode,
    )


def top_reporters(*, category: str = "", limit: int = 100) -> list[FoundUser]:
    """Answer the users who sent most reports of a category; an empty one stands for all."""
    return _ask("top_reporters_1", [category, _most(limit)], _user, Twins.top_reporters)


def _most(limit: int) -> int:
    return max(0, min(limit, MOST))


def _ask(
    name: str,
    values: Sequence[Any],
    read: Callable[[Sequence[Any]], Row],
    twin: Callable[..., list[Row]],
) -> list[Row]:
    if any(isinstance(value, str) and len(value) > LONGEST for value in values):
        return []
    if connection.vendor == "mysql" and settings.SEAT_ENGINE != "portable":
        return [read(row) for row in procedures.call_rows(f"support_{name}", values)]
    return twin(*values)


def _ticket(row: Sequence[Any]) -> FoundTicket:
    departs_at = row[8] if isinstance(row[8], datetime) and row[8].tzinfo else sql.moment(row[8])
    assert departs_at is not None, "where one boards there is a time"
    return FoundTicket(
        coupon_id=row[0],
        locator=row[1],
        first_name=row[2],
        last_name=row[3],
        mode=row[4],
        number=row[5],
        origin=row[6],
        destination=row[7],
        departs_at=departs_at,
        state=row[9],
        price=Money(int(row[10]), row[11]),
    )


def _user(row: Sequence[Any]) -> FoundUser:
    user_id, first_name, last_name, email, phone, city, number = row
    return FoundUser(user_id, first_name, last_name, email, phone, city, int(number))


# --- the twins ------------------------------------------------------------------------------------


class Twins:
    """The same look-ups by the ORM, under the procedures' names and with their arguments."""

    @staticmethod
    def tickets_of_contact(contact: str, limit: int) -> list[FoundTicket]:
        theirs = Reservation.objects.filter(
            Q(user__email=contact)
            | Q(user__phone=contact)
            | Q(contact_email=contact)
            | Q(contact_phone=contact)
        )
        rows = Coupon.objects.filter(passenger__reservation__in=theirs.values("id"))
        return _tickets(
            rows.order_by(
                "-passenger__reservation__created_at", "-passenger__reservation_id", "id"
            ),
            limit,
        )

    @staticmethod
    def tickets_by_city(city: str, limit: int) -> list[FoundTicket]:
        places = City.objects.filter(Q(name=city) | Q(names__name=city)).values("id")
        rows = Coupon.objects.filter(
            Q(ticket__from_call__station__city__in=places)
            | Q(ticket__to_call__station__city__in=places)
        )
        return _tickets(rows.order_by("-ticket__from_call__departs_at", "-id"), limit)

    @staticmethod
    def tickets_by_phrase(phrase: str, since: datetime, limit: int) -> list[FoundTicket]:
        if not phrase:
            return []
        wanted = Lower(Value(phrase))
        rows = Coupon.objects.filter(passenger__reservation__created_at__gte=since).annotate(
            full_name=Concat("passenger__first_name", Value(" "), "passenger__last_name")
        )
        places = [
            "full_name",
            "ticket__departure__service__number",
            "ticket__from_call__station__city__name",
            "ticket__to_call__station__city__name",
        ]
        rows = rows.annotate(
            **{f"at_{n}": StrIndex(Lower(place), wanted) for n, place in enumerate(places)}
        ).filter(Q(at_0__gt=0) | Q(at_1__gt=0) | Q(at_2__gt=0) | Q(at_3__gt=0))
        return _tickets(rows.order_by("-passenger__reservation__created_at", "-id"), limit)

    @staticmethod
    def cancellers_of_city(city: str, limit: int) -> list[FoundUser]:
        gone = CancelledCoupon.objects.filter(
            cancellation__actor_kind="holder", cancellation__reservation__user__city=city
        )
        counts = (
            gone.values(user=F("cancellation__reservation__user"))
            .annotate(number=Count("id"))
            .order_by("-number", "user")
            .values_list("user", "number")
        )
        return _users(counts[:limit])

    @staticmethod
    def users_of_same_city(contact: str, limit: int) -> list[FoundUser]:
        asked = User.objects.filter(Q(email=contact) | Q(phone=contact)).first()
        if asked is None or not asked.city:
            return []
        others = User.objects.filter(city=asked.city).exclude(pk=asked.pk).order_by("id")
        return _users([(pk, 1) for pk in others.values_list("id", flat=True)[:limit]])

    @staticmethod
    def top_users(since: datetime, limit: int) -> list[FoundUser]:
        numbers = Counter[int]()
        for move, sign in ((_sold(since), 1), (_gone(since), -1)):
            theirs = move.exclude(passenger__reservation__user=None)
            for user in theirs.values_list("passenger__reservation__user", flat=True):
                numbers[user] += sign
        best = sorted((-number, user) for user, number in numbers.items() if number > 0)[:limit]
        return _users((user, -number) for number, user in best)

    @staticmethod
    def tickets_by_mode(since: datetime, until: datetime) -> list[FoundMode]:
        sold, gone = (
            dict(move.values_list("ticket__departure__service__mode").annotate(number=Count("id")))
            for move in (_sold(since, until), _gone(since, until))
        )
        return [
            FoundMode(mode, sold.get(mode, 0), gone.get(mode, 0)) for mode in sorted({*sold, *gone})
        ]

    @staticmethod
    def top_reporters(category: str, limit: int) -> list[FoundUser]:
        of_category = Q(reports__category=category) if category else Q()
        counts = (
            User.objects.filter(of_category, reports__isnull=False)
            .annotate(number=Count("reports"))
            .order_by("-number", "id")
            .values_list("id", "number")
        )
        return _users(counts[:limit])


def _sold(since: datetime, until: datetime = FOR_EVER) -> QuerySet[Coupon]:
    """Answer the tickets that were sold in a time: of those exchanged, the last."""
    booked = Transfer.objects.filter(kind=Transfer.Kind.PAYMENT, at__gte=since, at__lt=until)
    return Coupon.objects.filter(
        passenger__reservation__payments__in=booked.values("payment"), exchanged_for=None
    )


def _gone(since: datetime, until: datetime = FOR_EVER) -> QuerySet[Coupon]:
    """Answer the tickets that were cancelled in a time."""
    booked = Transfer.objects.filter(kind=Transfer.Kind.CANCELLED, at__gte=since, at__lt=until)
    return Coupon.objects.filter(cancelled__cancellation__in=booked.values("cancellation"))


def _tickets(rows: QuerySet[Coupon], limit: int) -> list[FoundTicket]:
    found = rows.annotate(price=Coalesce(Sum("price_lines__amount_minor"), 0)).values_list(
        "id",
        "passenger__reservation__locator",
        "passenger__first_name",
        "passenger__last_name",
        "ticket__departure__service__mode",
        "ticket__departure__service__number",
        "ticket__from_call__station__city__name",
        "ticket__to_call__station__city__name",
        "ticket__from_call__departs_at",
        "state",
        "price",
        "passenger__reservation__currency",
    )
    return [_ticket(row) for row in found[:limit]]


def _users(counts: Iterable[tuple[Any, int]]) -> list[FoundUser]:
    numbers = dict(counts)
    people = {
        row[0]: row
        for row in User.objects.filter(id__in=numbers).values_list(
            *("id", "first_name", "last_name", "email", "phone", "city")
        )
    }
    return [
        FoundUser(
            user_id=pk,
            first_name=people[pk][1],
            last_name=people[pk][2],
            email=people[pk][3],
            phone=str(people[pk][4]) if people[pk][4] else None,
            city=people[pk][5],
            number=number,
        )
        for pk, number in numbers.items()
    ]
