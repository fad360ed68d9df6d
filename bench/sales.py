"""
An office with a year of sales, money included: written by INSERT ... SELECT, for the numbers.

Each of the services runs once a day with 160 seats, from 220 days ago to 29 days ahead, and each
departure has 160 reservations of one passenger: 130 were paid, ten of these cancelled with half of
the price given back, the others given up, expired, or still held. A quarter of the buyers are
guests. Carriers take turns, one in ten sells in pounds; modes, routes and payment methods as well.
25 services make a million reservations.
"""

# ruff: noqa: S608 - the statements are put together from texts of this module alone

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.generate import _execute, _fill

DAYS_BACK, DAYS_AHEAD = 220, 30
SEATS = 160
COACH, ROWS = "AB|CD", 40
PAID, CANCELLED, EXPIRED, RELEASED = 120, 130, 144, 156
USERS = 50_000
CITIES = 40
# So many departures are written by one statement and committed.
BATCH = 1_250
TABLES = ("bench_number", "bench_departure")
MODES = ("Train", "Plane", "Bus")


@dataclass(frozen=True, slots=True)
class Sold:
    """What was written."""

    departures: int
    reservations: int
    seconds: float


def generate_sales(
    *,
    services: int,
    now: datetime,
    days_back: int = DAYS_BACK,
    days_ahead: int = DAYS_AHEAD,
    users: int = USERS,
    say: Callable[[str], None] = lambda line: None,
) -> Sold:
    """
    Write the sales into an empty database; keys are trusted, not looked up.

    Everything that selling, paying and cancelling writes is there but receipts and messages.
    """
    from bookings.models import Reservation

    assert not Reservation.objects.exists(), "the database holds reservations already"
    began = time.monotonic()
    departures = _departures(services, now, days_back, days_ahead)
    _accounts()
    _people(users, now)
    _execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
    try:
        _helpers(departures)
        values = {"now": _text(now), "users": users, "seats": SEATS}
        for name, statement in STATEMENTS:
            started = time.monotonic()
            for first in range(0, len(departures), BATCH):
                _execute(statement, {**values, "first": first, "last": first + BATCH - 1})
            say(f"{name:<14}{time.monotonic() - started:8.1f} s")
        for statement in LAST:
            _execute(statement)
        _analyze()
    finally:
        for table in TABLES:
            _execute(f"DROP TABLE IF EXISTS {table}")
        _execute("SET SESSION foreign_key_checks = 1, unique_checks = 1")
    return Sold(len(departures), len(departures) * SEATS, time.monotonic() - began)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _departures(
    services: int, now: datetime, days_back: int, days_ahead: int
) -> list[tuple[Any, ...]]:
    """Make carriers, places, services and departures; answer the helper's rows of departures."""
    from inventory.models import Call, Departure
    from tests import factories

    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    kinds = {"Train": "railStation", "Plane": "airport", "Bus": "coachStop"}
    cities = [factories.make_city(f"City {n:02}") for n in range(CITIES)]
    lines = []
    for n in range(services):
        mode = MODES[n % 3]
        currency = "GBP" if n % 10 == 9 else "EUR"
        carrier = factories.make_carrier(f"carrier-{n}", currency=currency)
        tariff = factories.make_tariff(
            carrier,
            fares=[factories.FarePlan(travel_class="Business" if n % 4 == 3 else "Economy")],
        )
        plan = factories.CoachPlan(
            "1", layout=COACH, rows=ROWS, travel_class="Business" if n % 4 == 3 else "Economy"
        )
        lines.append(
            (
                factories.make_service(tariff, f"S {n}", mode=mode),
                factories.make_vehicle(carrier, coaches=[plan]),
                [
                    factories.make_station(
                        cities[place % CITIES], f"S{n}-{place}", kind=kinds[mode]
                    )
                    for place in (3 * n, 5 * n + 1)
                ],
                tariff.fares.get(),
            )
        )
    rows = []
    for day in range(-days_back, days_ahead):
        for n, (service, vehicle, stations, fare) in enumerate(lines):
            starts = today + timedelta(days=day, hours=6 + n % 12)
            rows.append((service, vehicle, stations, fare, starts, (200 + n % 9 * 50) * 1_000))
    made = Departure.objects.bulk_create(
        [
            Departure(
                service=service,
                vehicle=vehicle,
                travel_date=starts.date(),
                frozen_at=now,
                stock_version=SEATS,
            )
            for service, vehicle, _stations, _fare, starts, _m in rows
        ],
        batch_size=1_000,
    )
    ids = list(Departure.objects.order_by("travel_date", "service_id").values_list("id", flat=True))
    assert len(ids) == len(made)
    calls = []
    for departure_id, (_service, _vehicle, stations, _fare, starts, metres) in zip(
        ids, rows, strict=True
    ):
        calls.append(
            Call(
                id=departure_id * 64,
                departure_id=departure_id,
                position=0,
                station=stations[0],
                departs_at=starts,
                may_alight=False,
            )
        )
        calls.append(
            Call(
                id=departure_id * 64 + 1,
                departure_id=departure_id,
                position=1,
                station=stations[1],
                arrives_at=starts + timedelta(hours=3),
                may_board=False,
                distance_m=metres,
            )
        )
    Call.objects.bulk_create(calls, batch_size=2_000)
    first_seats = {
        vehicle.pk: vehicle.seat_map.coaches.get().seats.order_by("id").first().pk
        for _service, vehicle, _stations, _fare in lines
    }
    return [
        (
            number,
            departure_id,
            service.carrier_id,
            fare.pk,
            fare.versions.get().pk if number < services else 0,
            first_seats[vehicle.pk],
            starts.strftime("%Y-%m-%d %H:%M:%S"),
            service.carrier.currency_id,
            fare.travel_class,
        )
        for number, (departure_id, (service, vehicle, _stations, fare, starts, _m)) in enumerate(
            zip(ids, rows, strict=True)
        )
    ]


def _accounts() -> None:
    """Open the accounts that the sales are booked on."""
    from inventory.models import Carrier
    from payments import ledger

    for currency in ("EUR", "GBP"):
        ledger.gateway("sandbox", currency)
        ledger.returns(currency)
    for carrier in Carrier.objects.all():
        ledger.carrier(carrier.pk, carrier.currency_id)
        ledger.penalty(carrier.pk, carrier.currency_id)


def _people(users: int, now: datetime) -> None:
    _execute("CREATE TABLE bench_number (n INT PRIMARY KEY)")
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    _execute(
        "INSERT INTO bench_number SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d "
        "FROM " + ", ".join(f"({digits}) {name}" for name in "abcef")
    )
    _execute(
        "INSERT INTO accounts_user (id, password, is_superuser, email, email_verified_at, "
        "first_name, last_name, city, language, is_staff, is_active, joined_at) "
        "SELECT n + 1, '!', FALSE, CONCAT('user', n, '@example.org'), %s, 'Ada', "
        "CONCAT('Number', n), CONCAT('City ', LPAD(n %% 40, 2, '0')), 'en', FALSE, TRUE, "
        "TIMESTAMPADD(HOUR, -(n * 7919 %% 5000), CAST(%s AS DATETIME(6))) "
        "FROM bench_number WHERE n < %s",
        [_text(now), _text(now), users],
    )


def _helpers(departures: list[tuple[Any, ...]]) -> None:
    versions = {row[3]: row[4] for row in departures if row[4]}
    _fill(
        "bench_departure",
        "n INT PRIMARY KEY, id BIGINT NOT NULL, carrier BIGINT NOT NULL, fare BIGINT NOT NULL, "
        "version BIGINT NOT NULL, seat BIGINT NOT NULL, starts DATETIME(6) NOT NULL, "
        "currency VARCHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, "
        "class VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
        [(*row[:4], versions[row[3]], *row[5:]) for row in departures],
    )


def _analyze() -> None:
    from django.apps import apps
    from django.db import connection

    tables = [
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in ("accounts", "inventory", "bookings", "payments", "support")
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE TABLE {', '.join(tables)}")
        cursor.fetchall()


# --- the statements -------------------------------------------------------------------------------

# The number of a reservation, and of whatever it has one of; a cheap hash of it spreads things.
_R = "(d.n * %(seats)s + s.n + 1)"
_H = f"({_R} * 7919 %% 100003)"
_FROM = (
    "FROM bench_departure d CROSS JOIN bench_number s "
    "WHERE d.n BETWEEN %(first)s AND %(last)s AND s.n < %(seats)s"
)
_NOW = "CAST(%(now)s AS DATETIME(6))"
# Up to sixty days before the departure, and in the past.
_CREATED = (
    f"TIMESTAMPADD(SECOND, -600 - {_H} * 50, LEAST(d.starts, "
    f"TIMESTAMPADD(SECOND, -{_H} * 3, {_NOW})))"
)
_IS_HELD = f"(s.n >= {RELEASED} AND d.starts > {_NOW})"
_BORN = f"IF({_IS_HELD}, TIMESTAMPADD(SECOND, -60, {_NOW}), {_CREATED})"
_HOLD = f"TIMESTAMPADD(SECOND, IF({_IS_HELD}, 86400, 600), {_BORN})"
_STATE = (
    f"CASE WHEN s.n < {PAID} THEN 'paid' WHEN s.n < {CANCELLED} THEN 'cancelled' "
    f"WHEN s.n < {EXPIRED} THEN 'expired' WHEN s.n < {RELEASED} THEN 'cancelled' "
    f"WHEN {_IS_HELD} THEN 'held' ELSE 'expired' END"
)
_PAID_AT = f"TIMESTAMPADD(SECOND, 120, {_CREATED})"
# Half way between the sale and the departure, in the past.
_GONE_AT = (
    f"LEAST(TIMESTAMPADD(SECOND, TIMESTAMPDIFF(SECOND, {_PAID_AT}, d.starts) DIV 2, {_PAID_AT}), "
    f"{_NOW})"
)
_PRICE = f"(2000 + {_H} %% 80 * 100)"
# Whoever buys goes by every mode, and from anywhere.
_USER = f"IF({_R} * 31 %% 4 = 0, NULL, 1 + CRC32({_R}) %% %(users)s)"
_LIVE = f"(s.n < {PAID} OR {_IS_HELD})"
# Of paid ones every fifth departure's passengers came, but one in twenty.
_COUPON = (
    f"CASE WHEN s.n < {PAID} AND d.starts < {_NOW} THEN IF({_H} %% 20 = 0, 'no_show', 'used') "
    f"WHEN {_LIVE} THEN 'open' ELSE 'cancelled' END"
)
_CODE = "CONCAT('{kind}:', d.carrier, ':', d.currency)"
_CARRIER = f"(SELECT id FROM payments_account WHERE code = {_CODE.format(kind='carrier')})"
_PENALTY = f"(SELECT id FROM payments_account WHERE code = {_CODE.format(kind='penalty')})"
_GATEWAY = "(SELECT id FROM payments_account WHERE code = CONCAT('gateway:sandbox:', d.currency))"
_RETURNS = "(SELECT id FROM payments_account WHERE code = CONCAT('returns:', d.currency))"
_SOLD = f"AND s.n < {CANCELLED}"
_GONE = f"AND s.n >= {PAID} AND s.n < {CANCELLED}"
# The second half of the ids of transfers and entries are those of cancellations.
_AGAIN = 100_000_000

STATEMENTS: tuple[tuple[str, str], ...] = (
    (
        "tickets",
        """
        INSERT INTO inventory_ticket (id, departure_id, from_call_id, to_call_id, fare_id)
        SELECT d.id * 262144 + 64, d.id, d.id * 64, d.id * 64 + 1, d.fare
        FROM bench_departure d WHERE d.n BETWEEN %(first)s AND %(last)s ORDER BY d.n
        """,
    ),
    (
        "seat stock",
        f"""
        INSERT INTO bookings_seatstock (id, departure_id, seat_id, travel_class, taken)
        SELECT {_R}, d.id, d.seat + s.n, d.class, IF({_LIVE}, 1, 0) {_FROM} ORDER BY d.n, s.n
        """,
    ),
    (
        "reservations",
        f"""
        INSERT INTO bookings_reservation (id, locator, user_id, guest_digest, contact_email,
            contact_phone, language, currency_id, state, created_at, hold_until, extended_at,
            lengthened_at)
        SELECT {_R}, LPAD(CONV({_R}, 10, 32), 6, '0'), {_USER},
            IF({_USER} IS NULL, SHA2({_R}, 256), NULL), CONCAT('guest', {_R}, '@example.org'),
            NULL, 'en', d.currency, {_STATE}, {_BORN}, {_HOLD}, NULL, NULL
        {_FROM} ORDER BY d.n, s.n
        """,
    ),
    (
        "passengers",
        f"""
        INSERT INTO bookings_passenger (id, reservation_id, position, first_name, last_name, kind,
            date_of_birth, seat_wish, accompanied_by_id)
        SELECT {_R}, {_R}, 0, 'Ada', CONCAT('Roe', {_H}), 'adult', NULL, '', NULL
        {_FROM} ORDER BY d.n, s.n
        """,
    ),
    (
        "coupons",
        f"""
        INSERT INTO bookings_coupon (id, passenger_id, position, ticket_id, fare_version_id,
            state, barcode)
        SELECT {_R}, {_R}, 0, d.id * 262144 + 64, d.version, {_COUPON}, MD5({_R})
        {_FROM} ORDER BY d.n, s.n
        """,
    ),
    (
        "price lines",
        f"""
        INSERT INTO bookings_priceline (id, coupon_id, position, kind, label, amount_minor)
        SELECT {_R}, {_R}, 0, 'fare', 'Fare', {_PRICE} {_FROM} ORDER BY d.n, s.n
        """,
    ),
    (
        "claims",
        f"""
        INSERT INTO bookings_claim (id, coupon_id, stock_id, first_segment, last_segment)
        SELECT {_R}, {_R}, {_R}, 0, 0 {_FROM} AND {_LIVE} ORDER BY d.n, s.n
        """,
    ),
    (
        "events, first",
        f"""
        INSERT INTO bookings_reservationevent (id, reservation_id, at, kind, from_state, to_state,
            actor_kind, actor_id, reason, details)
        SELECT {_R} * 3 - 2, {_R}, {_BORN}, 'reserved', '', 'held', 'holder', NULL, '', '{{}}'
        {_FROM} ORDER BY d.n, s.n
        """,
    ),
    (
        "events, second",
        f"""
        INSERT INTO bookings_reservationevent (id, reservation_id, at, kind, from_state, to_state,
            actor_kind, actor_id, reason, details)
        SELECT {_R} * 3 - 1, {_R}, IF(s.n < {CANCELLED}, {_PAID_AT}, {_HOLD}),
            CASE WHEN s.n < {CANCELLED} THEN 'paid' WHEN s.n < {EXPIRED} THEN 'expired'
                WHEN s.n < {RELEASED} THEN 'released' ELSE 'expired' END,
            'held', IF(s.n < {CANCELLED}, 'paid', {_STATE}),
            IF(s.n < {CANCELLED}, 'holder', 'system'), NULL, '', '{{}}'
        {_FROM} AND NOT {_IS_HELD} ORDER BY d.n, s.n
        """,
    ),
    (
        "events, third",
        f"""
        INSERT INTO bookings_reservationevent (id, reservation_id, at, kind, from_state, to_state,
            actor_kind, actor_id, reason, details)
        SELECT {_R} * 3, {_R}, {_GONE_AT}, 'cancelled', 'paid', 'cancelled', 'holder', NULL, '',
            '{{}}'
        {_FROM} {_GONE} ORDER BY d.n, s.n
        """,
    ),
    (
        "payments",
        f"""
        INSERT INTO payments_payment (id, reservation_id, settles_id, method, gateway,
            gateway_version, gateway_reference, provider_reference, state, currency_id,
            amount_minor, received_minor, seats_may_change, failure, created_at, finished_at,
            check_at, asked)
        SELECT {_R}, {_R}, {_R}, ELT(1 + {_H} %% 5, 'Wallet', 'Cryptocurrency', 'Bank Card',
            'Bank Card', 'Bank Card'), 'sandbox', '', CONCAT('payment-', {_R}), NULL, 'captured',
            d.currency, {_PRICE}, {_PRICE}, FALSE, '', {_CREATED}, {_PAID_AT}, NULL, 0
        {_FROM} {_SOLD} ORDER BY d.n, s.n
        """,
    ),
    (
        "transfers",
        f"""
        INSERT INTO payments_transfer (id, kind, reference, at, memo, payment_id, refund_id,
            cancellation_id, top_up_id, goodwill_id, settlement_id)
        SELECT {_R}, 'payment', CONCAT('payment:', {_R}, ':captured'), {_PAID_AT}, '', {_R}, NULL,
            NULL, NULL, NULL, NULL
        {_FROM} {_SOLD} ORDER BY d.n, s.n
        """,
    ),
    (
        "entries",
        f"""
        INSERT INTO payments_entry (id, transfer_id, account_id, amount_minor)
        SELECT {_R} * 2 - side.d, {_R}, IF(side.d = 0, {_CARRIER}, {_GATEWAY}),
            IF(side.d = 0, 1, -1) * {_PRICE}
        FROM bench_departure d CROSS JOIN bench_number s
            CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1) side
        WHERE d.n BETWEEN %(first)s AND %(last)s AND s.n < %(seats)s {_SOLD}
        ORDER BY d.n, s.n
        """,
    ),
    (
        "cancellations",
        f"""
        INSERT INTO payments_cancellation (id, reservation_id, at, actor_kind, actor_id,
            reason_code, reason, penalty_waived, quoted_until)
        SELECT {_R}, {_R}, {_GONE_AT}, 'holder', NULL, 'wish', '', FALSE, NULL
        {_FROM} {_GONE} ORDER BY d.n, s.n
        """,
    ),
    (
        "cancelled",
        f"""
        INSERT INTO payments_cancelledcoupon (id, cancellation_id, coupon_id, penalty_minor,
            refund_minor, waived_minor, penalty_basis_points, tier_minutes_before)
        SELECT {_R}, {_R}, {_R}, {_PRICE} / 2, {_PRICE} / 2, 0, 5000, 60
        {_FROM} {_GONE} ORDER BY d.n, s.n
        """,
    ),
    (
        "refunds",
        f"""
        INSERT INTO payments_refund (id, payment_id, cancellation_id, cause, reason_code,
            destination, amount_minor, state, reference, gateway_reference, created_at, due_at,
            lease_until, attempts, done_at, last_error, requested_by_id, decided_by_id, decided_at,
            note)
        SELECT {_R}, {_R}, {_R}, 'cancellation', 'wish', 'source', {_PRICE} / 2, 'queued',
            CONCAT('cancellation:', {_R}), '', {_GONE_AT}, {_GONE_AT}, NULL, 0, NULL, '', NULL,
            NULL, NULL, ''
        {_FROM} {_GONE} ORDER BY d.n, s.n
        """,
    ),
    (
        "given back",
        f"""
        INSERT INTO payments_transfer (id, kind, reference, at, memo, payment_id, refund_id,
            cancellation_id, top_up_id, goodwill_id, settlement_id)
        SELECT {_AGAIN} + {_R}, 'cancelled', CONCAT('cancellation:', {_R}), {_GONE_AT}, '', {_R},
            NULL, {_R}, NULL, NULL, NULL
        {_FROM} {_GONE} ORDER BY d.n, s.n
        """,
    ),
    (
        "its entries",
        f"""
        INSERT INTO payments_entry (id, transfer_id, account_id, amount_minor)
        SELECT {_AGAIN} + {_R} * 3 - side.d, {_AGAIN} + {_R},
            CASE side.d WHEN 0 THEN {_CARRIER} WHEN 1 THEN {_PENALTY} ELSE {_RETURNS} END,
            IF(side.d = 0, -{_PRICE}, {_PRICE} / 2)
        FROM bench_departure d CROSS JOIN bench_number s
            CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2) side
        WHERE d.n BETWEEN %(first)s AND %(last)s AND s.n < %(seats)s {_GONE}
        ORDER BY d.n, s.n, side.d
        """,
    ),
    (
        "reports",
        f"""
        INSERT INTO support_report (id, reservation_id, ticket_id, user_id, category, state,
            assigned_to_id, created_at, answered_at, closed_at)
        SELECT {_R}, {_R}, d.id * 262144 + 64, {_USER}, ELT(1 + {_H} %% 5, 'Payment Issue',
            'Travel Delay', 'Seat Or Equipment', 'Accessibility', 'Other'), 'Closed', NULL,
            {_PAID_AT}, NULL, {_PAID_AT}
        {_FROM} {_SOLD} AND {_H} %% 50 = 0 AND {_USER} IS NOT NULL ORDER BY d.n, s.n
        """,
    ),
    (
        "answers",
        f"""
        INSERT INTO support_reportmessage (id, report_id, author_id, is_from_staff, is_internal,
            body, created_at)
        SELECT {_R}, {_R}, 1 + {_H} %% 20, TRUE, FALSE, 'We are sorry.',
            TIMESTAMPADD(MINUTE, {_H} %% 600, {_PAID_AT})
        {_FROM} {_SOLD} AND {_H} %% 50 = 0 AND {_USER} IS NOT NULL ORDER BY d.n, s.n
        """,
    ),
)
LAST = (
    """
    UPDATE payments_account account SET balance_minor = COALESCE(
        (SELECT SUM(entry.amount_minor) FROM payments_entry entry
         WHERE entry.account_id = account.id), 0)
    """,
    """
    UPDATE inventory_departure departure SET earliest_hold_end = (
        SELECT MIN(reservation.hold_until) FROM bookings_seatstock stock
        JOIN bookings_reservation reservation ON reservation.id = stock.id
        WHERE stock.departure_id = departure.id AND reservation.state = 'held')
    """,
)
