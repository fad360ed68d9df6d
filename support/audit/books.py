"""Facts about the books: fees are exact, carriers and payers are owed what is theirs, receipts."""

from __future__ import annotations

from support.audit.facts import Fact

# What the office keeps of a carrier's prices, by the terms of the day of the sale.
_TERMS = """
    COALESCE((SELECT terms.fee_basis_points FROM payments_carrierterms terms
              WHERE terms.carrier_id = service.carrier_id
                AND terms.valid_from <= DATE(payment.finished_at)
              ORDER BY terms.valid_from DESC LIMIT 1), 0)
"""
_OF_COUPON = """
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    JOIN inventory_departure departure ON departure.id = ticket.departure_id
    JOIN inventory_service service ON service.id = departure.service_id
    JOIN bookings_priceline line ON line.coupon_id = coupon.id
"""
# Half up, in integers: (x + half) less its remainder is a multiple, which every database divides
# exactly.
_FEE = "((product + 5000 - (product + 5000) % 10000) / 10000)"
_FEE_BACK = """
    CASE WHEN price = 0 THEN 0 ELSE
    ((2 * fee * refund + price - (2 * fee * refund + price) % (2 * price)) / (2 * price)) END
"""

FACTS: tuple[Fact, ...] = (
    Fact(
        4,
        "sale_split_differs",
        "A sale's fee is exact by the terms of its day, and the rest is the carrier's.",
        ("transfer", "carrier", "fee", "booked", "share", "booked"),
        f"""
        SELECT sold.transfer_id, sold.carrier_id, sold.fee, COALESCE(kept.amount_minor, 0),
               sold.price - sold.fee, COALESCE(owed.amount_minor, 0)
        FROM (SELECT transfer_id, carrier_id, currency_id, SUM(price) AS price,
                     SUM({_FEE}) AS fee
              FROM (SELECT transfer.id AS transfer_id, service.carrier_id AS carrier_id,
                           payment.currency_id AS currency_id, coupon.id AS coupon_id,
                           SUM(line.amount_minor) AS price,
                           SUM(line.amount_minor) * {_TERMS} AS product
                    FROM payments_transfer transfer
                    JOIN payments_payment payment ON payment.id = transfer.payment_id
                    JOIN bookings_passenger passenger
                        ON passenger.reservation_id = payment.reservation_id
                    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
                    {_OF_COUPON}
                    WHERE transfer.kind = 'payment'
                    GROUP BY transfer.id, service.carrier_id, payment.currency_id, coupon.id,
                             payment.finished_at) priced
              GROUP BY transfer_id, carrier_id, currency_id) sold
        LEFT JOIN payments_account fees
            ON fees.kind = 'fee' AND fees.carrier_id = sold.carrier_id
           AND fees.currency_id = sold.currency_id
        LEFT JOIN payments_entry kept
            ON kept.transfer_id = sold.transfer_id AND kept.account_id = fees.id
        LEFT JOIN payments_account payable
            ON payable.kind = 'carrier' AND payable.carrier_id = sold.carrier_id
           AND payable.currency_id = sold.currency_id
        LEFT JOIN payments_entry owed
            ON owed.transfer_id = sold.transfer_id AND owed.account_id = payable.id
        WHERE sold.fee <> COALESCE(kept.amount_minor, 0)
           OR sold.price - sold.fee <> COALESCE(owed.amount_minor, 0)
        """,  # noqa: S608 - the pieces are those above
    ),
    Fact(
        4,
        "cancelled_fee_differs",
        "A cancellation gives back of the fee what the refund is of the price.",
        ("cancellation", "carrier", "fee given back", "booked"),
        f"""
        SELECT gone.cancellation_id, gone.carrier_id, gone.back,
               -COALESCE((SELECT SUM(entry.amount_minor)
                          FROM payments_transfer transfer
                          JOIN payments_entry entry ON entry.transfer_id = transfer.id
                          JOIN payments_account account ON account.id = entry.account_id
                          WHERE transfer.cancellation_id = gone.cancellation_id
                            AND account.kind = 'fee'
                            AND account.carrier_id = gone.carrier_id), 0) AS booked
        FROM (SELECT cancellation_id, carrier_id, SUM({_FEE_BACK}) AS back
              FROM (SELECT cancellation_id, carrier_id, price, refund, {_FEE} AS fee
                    FROM (SELECT cancelled.cancellation_id AS cancellation_id,
                                 service.carrier_id AS carrier_id, coupon.id AS coupon_id,
                                 cancelled.refund_minor AS refund,
                                 SUM(line.amount_minor) AS price,
                                 SUM(line.amount_minor) * {_TERMS} AS product
                          FROM payments_cancelledcoupon cancelled
                          JOIN bookings_coupon coupon ON coupon.id = cancelled.coupon_id
                          JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
                          JOIN payments_payment payment
                              ON payment.settles_id = passenger.reservation_id
                          {_OF_COUPON}
                          GROUP BY cancelled.cancellation_id, service.carrier_id, coupon.id,
                                   cancelled.refund_minor, payment.finished_at) priced) taken
              GROUP BY cancellation_id, carrier_id) gone
        WHERE gone.back <>
              -COALESCE((SELECT SUM(entry.amount_minor)
                         FROM payments_transfer transfer
                         JOIN payments_entry entry ON entry.transfer_id = transfer.id
                         JOIN payments_account account ON account.id = entry.account_id
                         WHERE transfer.cancellation_id = gone.cancellation_id
                           AND account.kind = 'fee'
                           AND account.carrier_id = gone.carrier_id), 0)
        """,  # noqa: S608 - the pieces are those above
    ),
    Fact(
        4,
        "returns_differ",
        "What is to be given back is the sum of the refunds that are not done.",
        ("currency", "balance", "refunds"),
        """
        SELECT account.currency_id, account.balance_minor,
               COALESCE((SELECT SUM(refund.amount_minor) FROM payments_refund refund
                         JOIN payments_payment payment ON payment.id = refund.payment_id
                         WHERE payment.currency_id = account.currency_id
                           AND refund.state NOT IN ('done', 'rejected')), 0) AS owed
        FROM payments_account account
        WHERE account.kind = 'returns' AND account.balance_minor <>
               COALESCE((SELECT SUM(refund.amount_minor) FROM payments_refund refund
                         JOIN payments_payment payment ON payment.id = refund.payment_id
                         WHERE payment.currency_id = account.currency_id
                           AND refund.state NOT IN ('done', 'rejected')), 0)
        """,
    ),
    Fact(
        4,
        "booked_differently",
        "A refund, top-up, goodwill or settlement is booked with its own amount.",
        ("transfer", "amount", "booked"),
        """
        SELECT transfer.reference, refund.amount_minor,
               SUM(CASE WHEN account.kind = 'returns' THEN -entry.amount_minor ELSE 0 END)
        FROM payments_refund refund
        JOIN payments_transfer transfer ON transfer.refund_id = refund.id
        JOIN payments_entry entry ON entry.transfer_id = transfer.id
        JOIN payments_account account ON account.id = entry.account_id
        GROUP BY transfer.reference, refund.amount_minor
        HAVING refund.amount_minor <>
               SUM(CASE WHEN account.kind = 'returns' THEN -entry.amount_minor ELSE 0 END)
        UNION ALL
        SELECT transfer.reference, topup.amount_minor,
               SUM(CASE WHEN account.kind = 'wallet' THEN entry.amount_minor ELSE 0 END)
        FROM payments_topup topup
        JOIN payments_transfer transfer ON transfer.top_up_id = topup.id
        JOIN payments_entry entry ON entry.transfer_id = transfer.id
        JOIN payments_account account ON account.id = entry.account_id
        GROUP BY transfer.reference, topup.amount_minor
        HAVING topup.amount_minor <>
               SUM(CASE WHEN account.kind = 'wallet' THEN entry.amount_minor ELSE 0 END)
        UNION ALL
        SELECT transfer.reference, goodwill.amount_minor,
               SUM(CASE WHEN account.kind = 'wallet' THEN entry.amount_minor ELSE 0 END)
        FROM payments_goodwill goodwill
        JOIN payments_transfer transfer ON transfer.goodwill_id = goodwill.id
        JOIN payments_entry entry ON entry.transfer_id = transfer.id
        JOIN payments_account account ON account.id = entry.account_id
        GROUP BY transfer.reference, goodwill.amount_minor
        HAVING goodwill.amount_minor <>
               SUM(CASE WHEN account.kind = 'wallet' THEN entry.amount_minor ELSE 0 END)
        UNION ALL
        SELECT transfer.reference, settlement.amount_minor,
               SUM(CASE WHEN account.kind = 'bank' THEN entry.amount_minor ELSE 0 END)
        FROM payments_settlement settlement
        JOIN payments_transfer transfer ON transfer.settlement_id = settlement.id
        JOIN payments_entry entry ON entry.transfer_id = transfer.id
        JOIN payments_account account ON account.id = entry.account_id
        GROUP BY transfer.reference, settlement.amount_minor
        HAVING settlement.amount_minor <>
               SUM(CASE WHEN account.kind = 'bank' THEN entry.amount_minor ELSE 0 END)
        """,
    ),
    Fact(
        4,
        "state_without_booking",
        "Goodwill that is given and settlements that are paid are booked, and no others.",
        ("kind", "id", "state"),
        """
        SELECT 'goodwill', goodwill.id, goodwill.state FROM payments_goodwill goodwill
        LEFT JOIN payments_transfer transfer ON transfer.goodwill_id = goodwill.id
        WHERE (goodwill.state = 'done' AND transfer.id IS NULL)
           OR (goodwill.state <> 'done' AND transfer.id IS NOT NULL)
        UNION ALL
        SELECT 'settlement', settlement.id, settlement.state FROM payments_settlement settlement
        LEFT JOIN payments_transfer transfer ON transfer.settlement_id = settlement.id
        WHERE (settlement.state = 'paid' AND settlement.amount_minor <> 0 AND transfer.id IS NULL)
           OR (settlement.state <> 'paid' AND transfer.id IS NOT NULL)
        """,
    ),
    Fact(
        4,
        "settlement_differs",
        "A settlement is the sum of the carrier's entries since the one before.",
        ("settlement", "amount"),
        """
        SELECT settlement.id, settlement.amount_minor
        FROM payments_settlement settlement
        WHERE settlement.amount_minor <> COALESCE(
            (SELECT SUM(entry.amount_minor) FROM payments_entry entry
             JOIN payments_transfer transfer ON transfer.id = entry.transfer_id
             WHERE entry.account_id = settlement.account_id
               AND entry.id <= settlement.last_entry_id
               AND entry.id > COALESCE(
                   (SELECT earlier.last_entry_id FROM payments_settlement earlier
                    WHERE earlier.account_id = settlement.account_id
                      AND earlier.number = settlement.number - 1), 0)
               AND transfer.kind <> 'settlement'), 0)
        """,
    ),
    Fact(
        5,
        "surplus_kept",
        "What was received beyond the price goes back.",
        ("payment", "surplus", "refunds"),
        """
        SELECT id, surplus, back
        FROM (SELECT payment.id AS id, payment.received_minor - payment.amount_minor AS surplus,
                     COALESCE(SUM(refund.amount_minor), 0) AS back
              FROM payments_payment payment
              LEFT JOIN payments_refund refund
                  ON refund.payment_id = payment.id AND refund.cause = 'surplus'
              WHERE payment.settles_id IS NOT NULL
              GROUP BY payment.id, payment.received_minor, payment.amount_minor) settled
        WHERE surplus <> back
        """,
    ),
    Fact(
        5,
        "receipt_number_missing",
        "Receipts are numbered from 1 to the last one without a gap.",
        ("series", "last number", "receipts", "highest"),
        """
        SELECT series.id, series.last_number, COUNT(receipt.id), COALESCE(MAX(receipt.number), 0)
        FROM payments_receiptseries series
        LEFT JOIN payments_receipt receipt ON receipt.series_id = series.id
        GROUP BY series.id, series.last_number
        HAVING COUNT(receipt.id) <> series.last_number
            OR COALESCE(MAX(receipt.number), 0) <> series.last_number
        """,
    ),
    Fact(
        5,
        "receipt_missing",
        "Every sale has its receipt, and every refund of it that was let go its credit note.",
        ("kind", "id"),
        """
        SELECT 'payment', payment.id FROM payments_payment payment
        LEFT JOIN payments_receipt receipt ON receipt.payment_id = payment.id
        WHERE payment.settles_id IS NOT NULL AND receipt.id IS NULL
        UNION ALL
        SELECT 'refund', refund.id FROM payments_refund refund
        JOIN payments_payment payment ON payment.id = refund.payment_id
        LEFT JOIN payments_receipt receipt ON receipt.refund_id = refund.id
        WHERE payment.settles_id IS NOT NULL AND refund.cause IN ('cancellation', 'goodwill')
          AND refund.state IN ('queued', 'done', 'failed') AND receipt.id IS NULL
        """,
    ),
    Fact(
        5,
        "receipt_differs",
        "A receipt's lines sum to its total, which is what was paid or given back.",
        ("receipt", "total", "lines", "paid or given back"),
        """
        SELECT id, total, listed, due
        FROM (SELECT receipt.id AS id, receipt.total_minor AS total,
                     COALESCE(SUM(line.amount_minor), 0) AS listed,
                     COALESCE(payment.amount_minor, refund.amount_minor) AS due
              FROM payments_receipt receipt
              LEFT JOIN payments_receiptline line ON line.receipt_id = receipt.id
              LEFT JOIN payments_payment payment ON payment.id = receipt.payment_id
              LEFT JOIN payments_refund refund ON refund.id = receipt.refund_id
              GROUP BY receipt.id, receipt.total_minor, payment.amount_minor,
                       refund.amount_minor) written
        WHERE total <> listed OR total <> due
        """,
    ),
)
