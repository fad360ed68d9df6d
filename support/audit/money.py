"""Facts about money: the ledger balances, what was sold was paid, what was not is given back."""

from __future__ import annotations

from support.audit.facts import Fact

FACTS: tuple[Fact, ...] = (
    Fact(
        4,
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
        4,
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
        4,
        "wallet_negative",
        "A wallet is never below zero.",
        ("account", "balance"),
        """
        SELECT id, balance_minor FROM payments_account WHERE kind = 'wallet' AND balance_minor < 0
        """,
    ),
    Fact(
        5,
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
        5,
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
        5,
        "refunds_too_high",
        "Refunds never exceed what was captured.",
        ("payment", "captured", "refunds"),
        """
        SELECT payment.id, payment.received_minor, SUM(refund.amount_minor)
        FROM payments_payment payment
        JOIN payments_refund refund
            ON refund.payment_id = payment.id AND refund.state <> 'rejected'
        GROUP BY payment.id, payment.received_minor, payment.state
        HAVING SUM(refund.amount_minor) > payment.received_minor OR payment.state <> 'captured'
        """,
    ),
    Fact(
        6,
        "captured_for_nothing",
        "What was captured without a sale is given back in full, or on its way.",
        ("payment", "captured", "refunds"),
        """
        SELECT payment.id, payment.received_minor, COALESCE(SUM(refund.amount_minor), 0)
        FROM payments_payment payment
        LEFT JOIN payments_refund refund
            ON refund.payment_id = payment.id AND refund.state <> 'rejected'
        WHERE payment.state = 'captured' AND payment.settles_id IS NULL
        GROUP BY payment.id, payment.received_minor
        HAVING payment.received_minor <> COALESCE(SUM(refund.amount_minor), 0)
        """,
    ),
    Fact(
        5,
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
        5,
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
        4,
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
)
