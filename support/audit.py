"""
The audit: facts about seats and money that must hold at any time, each proven by one query.

A query answers the rows that break its fact, so that an empty answer is the proof. Queries are
plain SQL that SQLite, MariaDB and MySQL read alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that must hold, and the query for what breaks it; columns are named in order."""

    code: str
    says: str
    columns: tuple[str, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that does not hold, with the first rows that show it."""

    fact: Fact
    rows: list[tuple[object, ...]]


FACTS: tuple[Fact, ...] = (
    Fact(
        "seat_claimed_twice",
        "No segment of a seat is claimed twice.",
        ("stock", "claim", "other claim"),
        """
        SELECT a.stock_id, a.id, b.id
        FROM bookings_claim a
        JOIN bookings_claim b ON b.stock_id = a.stock_id AND b.id > a.id
        WHERE a.first_segment <= b.last_segment AND b.first_segment <= a.last_segment
        """,
    ),
    Fact(
        "claim_without_reservation",
        "A claim belongs to a coupon in use of a live reservation.",
        ("claim", "coupon", "coupon state", "reservation state"),
        """
        SELECT claim.id, coupon.id, coupon.state, reservation.state
        FROM bookings_claim claim
        JOIN bookings_coupon coupon ON coupon.id = claim.coupon_id
        JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
        JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
        WHERE coupon.state NOT IN ('open', 'used', 'no_show')
           OR reservation.state NOT IN ('held', 'paid')
        """,
    ),
    Fact(
        "seat_missing",
        "Every open coupon of a live reservation has a seat all the way; infants have none.",
        ("coupon", "claimed segments", "segments"),
        """
        SELECT coupon.id,
               COALESCE(SUM(claim.last_segment - claim.first_segment + 1), 0),
               MAX(ticket.to_call_id - ticket.from_call_id)
        FROM bookings_coupon coupon
        JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
        JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
        JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        LEFT JOIN bookings_claim claim ON claim.coupon_id = coupon.id
        WHERE reservation.state IN ('held', 'paid') AND coupon.state = 'open'
          AND passenger.kind <> 'infant'
        GROUP BY coupon.id
        HAVING COALESCE(SUM(claim.last_segment - claim.first_segment + 1), 0)
            <> MAX(ticket.to_call_id - ticket.from_call_id)
        """,
    ),
    Fact(
        "claim_elsewhere",
        "A claim is on the coupon's own departure, class and stretch.",
        ("claim", "coupon"),
        """
        SELECT claim.id, claim.coupon_id
        FROM bookings_claim claim
        JOIN bookings_seatstock stock ON stock.id = claim.stock_id
        JOIN bookings_coupon coupon ON coupon.id = claim.coupon_id
        JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        WHERE ticket.departure_id <> stock.departure_id
           OR claim.first_segment < ticket.from_call_id - ticket.departure_id * 64
           OR claim.last_segment >= ticket.to_call_id - ticket.departure_id * 64
        """,
    ),
    Fact(
        "stock_differs",
        "The stock's bits are the union of the claims.",
        ("stock", "taken", "claimed"),
        """
        SELECT stock.id, stock.taken,
               COALESCE(SUM((1 << claim.last_segment) - (1 << claim.first_segment) + (1 <<
               claim.last_segment)), 0)
        FROM bookings_seatstock stock
        LEFT JOIN bookings_claim claim ON claim.stock_id = stock.id
        WHERE stock.taken <> 0 OR claim.id IS NOT NULL
        GROUP BY stock.id, stock.taken
        HAVING stock.taken
            <> COALESCE(SUM((1 << claim.last_segment) - (1 << claim.first_segment) + (1 <<
            claim.last_segment)), 0)
        """,
    ),
    Fact(
        "hold_end_unknown",
        "A departure knows of no later end than that of its first live hold.",
        ("departure", "known end", "first end"),
        """
        SELECT departure.id, departure.earliest_hold_end, MIN(reservation.hold_until)
        FROM bookings_reservation reservation
        JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        JOIN inventory_departure departure ON departure.id = ticket.departure_id
        WHERE reservation.state = 'held'
        GROUP BY departure.id, departure.earliest_hold_end
        HAVING departure.earliest_hold_end IS NULL
            OR departure.earliest_hold_end > MIN(reservation.hold_until)
        """,
    ),
    Fact(
        "transfer_unbalanced",
        "The entries of a transfer sum to zero in each currency.",
        ("transfer", "currency", "sum"),
        """
        SELECT entry.transfer_id, account.currency_id, SUM(entry.amount_minor)
        FROM payments_entry entry
        JOIN payments_account account ON account.id = entry.account_id
        GROUP BY entry.transfer_id, account.currency_id
        HAVING SUM(entry.amount_minor) <> 0
        """,
    ),
    Fact(
        "balance_differs",
        "A balance is the sum of the account's entries.",
        ("account", "balance", "entries"),
        """
        SELECT account.id, account.balance_minor, COALESCE(SUM(entry.amount_minor), 0)
        FROM payments_account account
        LEFT JOIN payments_entry entry ON entry.account_id = account.id
        GROUP BY account.id, account.balance_minor
        HAVING account.balance_minor <> COALESCE(SUM(entry.amount_minor), 0)
        """,
    ),
    Fact(
        "wallet_negative",
        "A wallet is never below zero.",
        ("account", "balance"),
        """
        SELECT id, balance_minor FROM payments_account WHERE kind = 'wallet' AND balance_minor < 0
        """,
    ),
    Fact(
        "paid_without_payment",
        "A reservation that was paid has one captured payment of exactly its price.",
        ("reservation", "price", "captured"),
        """
        SELECT reservation.id,
               (SELECT COALESCE(SUM(line.amount_minor), 0)
                FROM bookings_priceline line
                JOIN bookings_coupon coupon ON coupon.id = line.coupon_id
                JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
                WHERE passenger.reservation_id = reservation.id),
               payment.amount_minor
        FROM bookings_reservation reservation
        LEFT JOIN payments_payment payment ON payment.settles_id = reservation.id
        WHERE (reservation.state = 'paid' AND payment.id IS NULL)
           OR (payment.id IS NOT NULL AND payment.amount_minor <>
               (SELECT COALESCE(SUM(line.amount_minor), 0)
                FROM bookings_priceline line
                JOIN bookings_coupon coupon ON coupon.id = line.coupon_id
                JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
                WHERE passenger.reservation_id = reservation.id))
        """,
    ),
    Fact(
        "settled_but_not_sold",
        "A payment that settles belongs to a reservation that is paid, or was and is cancelled.",
        ("payment", "reservation", "state"),
        """
        SELECT payment.id, reservation.id, reservation.state
        FROM payments_payment payment
        JOIN bookings_reservation reservation ON reservation.id = payment.settles_id
        WHERE reservation.state NOT IN ('paid', 'cancelled')
        """,
    ),
    Fact(
        "refunds_too_high",
        "Refunds never exceed what was captured.",
        ("payment", "captured", "refunds"),
        """
        SELECT payment.id, payment.amount_minor, SUM(refund.amount_minor)
        FROM payments_payment payment
        JOIN payments_refund refund ON refund.payment_id = payment.id
        GROUP BY payment.id, payment.amount_minor, payment.state
        HAVING SUM(refund.amount_minor) > payment.amount_minor OR payment.state <> 'captured'
        """,
    ),
    Fact(
        "captured_for_nothing",
        "What was captured without a sale is given back in full, or on its way.",
        ("payment", "captured", "refunds"),
        """
        SELECT payment.id, payment.amount_minor, COALESCE(SUM(refund.amount_minor), 0)
        FROM payments_payment payment
        LEFT JOIN payments_refund refund ON refund.payment_id = payment.id
        WHERE payment.state = 'captured' AND payment.settles_id IS NULL
        GROUP BY payment.id, payment.amount_minor
        HAVING payment.amount_minor <> COALESCE(SUM(refund.amount_minor), 0)
        """,
    ),
    Fact(
        "cancelled_differs",
        "A cancelled coupon's penalty and refund sum to its price.",
        ("coupon", "price", "penalty and refund"),
        """
        SELECT cancelled.coupon_id, SUM(line.amount_minor),
               cancelled.penalty_minor + cancelled.refund_minor
        FROM payments_cancelledcoupon cancelled
        JOIN bookings_priceline line ON line.coupon_id = cancelled.coupon_id
        GROUP BY cancelled.coupon_id, cancelled.penalty_minor, cancelled.refund_minor
        HAVING SUM(line.amount_minor) <> cancelled.penalty_minor + cancelled.refund_minor
        """,
    ),
    Fact(
        "refund_differs",
        "A cancellation's refund is the sum of its coupons' refunds.",
        ("cancellation", "coupons", "refund"),
        """
        SELECT cancellation.id, SUM(cancelled.refund_minor), COALESCE(MAX(refund.amount_minor), 0)
        FROM payments_cancellation cancellation
        JOIN payments_cancelledcoupon cancelled ON cancelled.cancellation_id = cancellation.id
        LEFT JOIN payments_refund refund ON refund.cancellation_id = cancellation.id
        GROUP BY cancellation.id
        HAVING SUM(cancelled.refund_minor) <> COALESCE(MAX(refund.amount_minor), 0)
        """,
    ),
    Fact(
        "money_without_transfer",
        "Every captured payment, finished refund and captured top-up is booked.",
        ("kind", "id"),
        """
        SELECT 'payment', payment.id FROM payments_payment payment
        LEFT JOIN payments_transfer transfer
            ON transfer.payment_id = payment.id AND transfer.kind IN ('payment', 'late')
        WHERE payment.state = 'captured' AND transfer.id IS NULL
        UNION ALL
        SELECT 'refund', refund.id FROM payments_refund refund
        LEFT JOIN payments_transfer transfer ON transfer.refund_id = refund.id
        WHERE refund.state = 'done' AND transfer.id IS NULL
        UNION ALL
        SELECT 'top-up', topup.id FROM payments_topup topup
        LEFT JOIN payments_transfer transfer ON transfer.top_up_id = topup.id
        WHERE topup.state = 'captured' AND transfer.id IS NULL
        """,
    ),
    Fact(
        "event_missing",
        "A reservation's state is where its last event left it.",
        ("reservation", "state", "last event"),
        """
        SELECT reservation.id, reservation.state, event.to_state
        FROM bookings_reservation reservation
        LEFT JOIN bookings_reservationevent event ON event.id =
            (SELECT MAX(last.id) FROM bookings_reservationevent last
             WHERE last.reservation_id = reservation.id)
        WHERE event.id IS NULL OR event.to_state <> reservation.state
        """,
    ),
    Fact(
        "move_not_allowed",
        "States move only from held to paid, cancelled or expired, and from paid to cancelled.",
        ("event", "from", "to"),
        """
        SELECT id, from_state, to_state
        FROM bookings_reservationevent
        WHERE from_state <> to_state
          AND NOT (from_state = '' AND to_state = 'held')
          AND NOT (from_state = 'held' AND to_state IN ('paid', 'cancelled', 'expired'))
          AND NOT (from_state = 'paid' AND to_state = 'cancelled')
        """,
    ),
)


def findings(facts: Sequence[Fact] = FACTS) -> list[Finding]:
    """Answer the facts that do not hold, each with its first hundred rows."""
    found = []
    with connection.cursor() as cursor:
        for fact in facts:
            cursor.execute(f"{fact.sql.strip()} LIMIT {MAX_ROWS}")
            rows = cursor.fetchall()
            if rows:
                found.append(Finding(fact, [tuple(row) for row in rows]))
    return found
