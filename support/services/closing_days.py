"""
Closing days: what was sold on a day that is over, and what became of holds, is added up and kept.

A day is closed some hours after it has ended, so that no transaction of it is still open. What it
holds never changes again; `manage.py audit` compares it with the ledger and the events.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from bookings.models import ReservationEvent
from payments.models import Transfer
from support.analytics.days import day_of, today, zone
from support.analytics.sources import Part, moves_of
from support.analytics.traffic import reckon_loads
from support.analytics.trends import holds_of
from support.models import ClosedDay, DayCustomer, DayHolds, DaySales, DepartureLoad
from travel.common import sql
from travel.common.transactions import in_transaction

# No transaction of the office is open for so long.
SETTLED_AFTER = timedelta(hours=2)


def days_to_close(*, now: datetime, limit: int) -> list[date]:
    """
    Answer the days that are over and not closed, the oldest first, since anything was reserved or
    booked.
    """
    began = [at for at in (_first_hold(), _first_transfer()) if at is not None]
    if not began:
        return []
    closed = set(ClosedDay.objects.filter(zone=zone()).values_list("day", flat=True))
    day, last = today(now=min(began)), today(now=now - SETTLED_AFTER)
    found: list[date] = []
    while day < last and len(found) < limit:
        if day not in closed:
            found.append(day)
        day += timedelta(days=1)
    return found


def _first_transfer() -> datetime | None:
    return Transfer.objects.order_by("at").values_list("at", flat=True).first()


def _first_hold() -> datetime | None:
    begun = ReservationEvent.objects.filter(kind=DayHolds.Kind.RESERVED)
    return begun.order_by("at").values_list("at", flat=True).first()


@in_transaction
def close_day(*, day: date, now: datetime) -> bool:
    """
    Add up the sales and the holds of a day and keep them; say whether this call did.

    A day that was closed by another zone is added up anew.

    :raises ValueError: it is not over, or has only just ended.
    """
    whole = day_of(day)
    if now < whole.ends_at + SETTLED_AFTER:
        raise ValueError(f"{day} is not over for long enough")
    before = ClosedDay.objects.select_for_update().filter(day=day).first()
    if before is not None and before.zone == zone():
        return False
    if before is not None:
        open_again(day=day)
    try:
        with transaction.atomic():
            ClosedDay.objects.create(
                day=day,
                zone=zone(),
                begins_at=whole.begins_at,
                ends_at=whole.ends_at,
                closed_at=now,
            )
    except IntegrityError:
        # Another worker closes it at this moment.
        return False
    for statement in (_SALES, _CUSTOMERS):
        moves = moves_of([day])
        part = Part(statement.replace("{moves}", moves.text), moves.values)
        sql.run(part.text, part.values)
    holds = holds_of([day])
    sql.run(_HOLDS.replace("{holds}", holds.text), holds.values)
    return True


@in_transaction
def open_again(*, day: date) -> None:
    """Forget what is kept of a day, so that it is reckoned until it is closed once more."""
    DaySales.objects.filter(day_id=day).delete()
    DayCustomer.objects.filter(day_id=day).delete()
    DayHolds.objects.filter(day_id=day).delete()
    ClosedDay.objects.filter(day=day).delete()


@in_transaction
def measure_loads(*, now: datetime, limit: int) -> int:
    """
    Keep ready how full departures are that sold since they were last measured; answer how many.

    One with a hold that has ended and was not yet swept is left for the next time. Departures of
    long ago change no more, and are measured once.
    """
    stale = [
        row[0]
        for row in sql.rows(
            "SELECT departure.id FROM inventory_departure departure "
            "LEFT JOIN support_departureload kept ON kept.departure_id = departure.id "
            "WHERE departure.stock_version > 0 AND departure.state = 'scheduled' "
            "AND (departure.earliest_hold_end IS NULL OR departure.earliest_hold_end > %s) "
            "AND (kept.departure_id IS NULL OR kept.stock_version <> departure.stock_version) "
            "ORDER BY departure.travel_date, departure.id LIMIT %s",
            [now, limit],
        )
    ]
    if not stale:
        return 0
    DepartureLoad.objects.filter(departure_id__in=stale).delete()
    loads = reckon_loads(f"departure.id IN ({sql.marks(len(stale))})", stale, now)
    # One statement sees a departure's version together with its claims.
    return sql.run(
        "INSERT INTO support_departureload (departure_id, stock_version, seats, offered_m, "  # noqa: S608
        "taken_m, taken) SELECT id, stock_version, seats, offered_m, taken_m, taken "
        f"FROM ({loads.text}) loads "
        # A hold that ended meanwhile would be kept as if it lived.
        "WHERE NOT EXISTS (SELECT 1 FROM inventory_departure again WHERE again.id = loads.id "
        "AND again.earliest_hold_end <= %s)",
        [*loads.values, now],
    )


_SALES = """
    INSERT INTO support_daysales (day_id, move, carrier_id, mode, from_station_id, to_station_id,
        travel_class, method, lead_time, currency_id,
        tickets, price_minor, amount_minor, lead_minutes)
    SELECT day, move, carrier_id, mode, from_station_id, to_station_id,
        travel_class, method, lead_time, currency_id,
        COUNT(*), SUM(price_minor), SUM(amount_minor), SUM(lead_minutes)
    FROM ({moves}) moves
    GROUP BY day, move, carrier_id, mode, from_station_id, to_station_id,
        travel_class, method, lead_time, currency_id
"""
_CUSTOMERS = """
    INSERT INTO support_daycustomer (day_id, user_id, mode, currency_id, sold, cancelled,
        amount_minor)
    SELECT day, user_id, mode, currency_id,
        SUM(CASE WHEN move = 'sold' THEN 1 ELSE 0 END),
        SUM(CASE WHEN move = 'cancelled' THEN 1 ELSE 0 END),
        SUM(amount_minor)
    FROM ({moves}) moves WHERE user_id IS NOT NULL
    GROUP BY day, user_id, mode, currency_id
"""
_HOLDS = """
    INSERT INTO support_dayholds (day_id, kind, number)
    SELECT day, kind, SUM(number) FROM ({holds}) holds GROUP BY day, kind
"""
