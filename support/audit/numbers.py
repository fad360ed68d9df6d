"""Facts about the numbers that are kept ready: they are what the ledger and the events say."""

from __future__ import annotations

from support.audit.facts import Fact

FACTS: tuple[Fact, ...] = (
    Fact(
        4,
        "closed_day_differs",
        "What is kept of a closed day is what its transfers booked for carriers, fees, penalties.",
        ("day", "currency", "kept less booked"),
        """
        SELECT day, currency_id, SUM(minor) AS difference
        FROM (SELECT sales.day_id AS day, sales.currency_id AS currency_id,
                     SUM(sales.amount_minor) AS minor
              FROM support_daysales sales GROUP BY sales.day_id, sales.currency_id
              UNION ALL
              SELECT closed.day, account.currency_id, -SUM(entry.amount_minor)
              FROM support_closedday closed
              JOIN payments_transfer transfer
                  ON transfer.at >= closed.begins_at AND transfer.at < closed.ends_at
              JOIN payments_entry entry ON entry.transfer_id = transfer.id
              JOIN payments_account account ON account.id = entry.account_id
              WHERE transfer.kind IN ('payment', 'cancelled', 'penalty')
                AND account.kind IN ('carrier', 'fee', 'penalty')
              GROUP BY closed.day, account.currency_id) compared
        GROUP BY day, currency_id
        HAVING SUM(minor) <> 0
        """,
    ),
    Fact(
        4,
        "closed_day_customers_differ",
        "What accounts bought on a closed day is of its sales, and no more than them.",
        ("day", "mode", "currency", "sold", "sold to accounts"),
        """
        SELECT bought.day_id, bought.mode, bought.currency_id, COALESCE(sold.tickets, 0),
               bought.tickets
        FROM (SELECT day_id, mode, currency_id, SUM(sold) AS tickets FROM support_daycustomer
              GROUP BY day_id, mode, currency_id) bought
        LEFT JOIN (SELECT day_id, mode, currency_id, SUM(tickets) AS tickets
                   FROM support_daysales WHERE move = 'sold'
                   GROUP BY day_id, mode, currency_id) sold
            ON sold.day_id = bought.day_id AND sold.mode = bought.mode
           AND sold.currency_id = bought.currency_id
        WHERE bought.tickets > COALESCE(sold.tickets, 0)
        """,
    ),
    Fact(
        4,
        "closed_day_holds_differ",
        "What is kept of a closed day's holds is what their events tell.",
        ("day", "kind", "kept less told"),
        """
        SELECT day, kind, SUM(number) AS difference
        FROM (SELECT kept.day_id AS day, kept.kind AS kind, SUM(kept.number) AS number
              FROM support_dayholds kept GROUP BY kept.day_id, kept.kind
              UNION ALL
              SELECT closed.day, event.kind, -COUNT(*)
              FROM support_closedday closed
              JOIN bookings_reservationevent event
                  ON event.at >= closed.begins_at AND event.at < closed.ends_at
              WHERE event.kind IN ('reserved', 'paid', 'released', 'expired')
              GROUP BY closed.day, event.kind) compared
        GROUP BY day, kind
        HAVING SUM(number) <> 0
        """,
    ),
)
