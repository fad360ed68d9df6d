"""Facts about states: they move along the graph, each move is told, and nothing happens twice."""

from __future__ import annotations

from support.audit.facts import Fact

FACTS: tuple[Fact, ...] = (
    # Only a live hold becomes paid, and an ended one becomes a hold again only by claiming: with
    # the chain of the moves (fact 8) nothing is paid after its end without claiming again.
    Fact(
        7,
        "paid_after_end",
        "A hold becomes paid before it ends.",
        ("reservation", "event", "paid", "end of the hold"),
        """
        SELECT event.reservation_id, event.id, event.at, reservation.hold_until
        FROM bookings_reservationevent event
        LEFT JOIN bookings_reservation reservation ON reservation.id = event.reservation_id
        WHERE event.to_state = 'paid' AND event.from_state <> 'paid'
          AND (reservation.id IS NULL OR event.at >= reservation.hold_until)
        """,
    ),
    # States are compared by their first letters, which differ: the server sorts all events, and
    # words take three times the room.
    Fact(
        8,
        "event_missing",
        "A reservation's state is where its last event left it.",
        ("reservation", "state", "last event"),
        """
        SELECT reservation.id, reservation.state, last.ended
        FROM (SELECT reservation_id, SUBSTR(to_state, 1, 1) AS ended,
                     LEAD(id) OVER (PARTITION BY reservation_id ORDER BY id) AS next_id
              FROM bookings_reservationevent) last
        LEFT JOIN bookings_reservation reservation ON reservation.id = last.reservation_id
        WHERE last.next_id IS NULL
          AND (reservation.id IS NULL OR SUBSTR(reservation.state, 1, 1) <> last.ended)
        UNION ALL
        SELECT reservation.id, reservation.state, NULL
        FROM bookings_reservation reservation
        LEFT JOIN bookings_reservationevent event ON event.reservation_id = reservation.id
        WHERE event.id IS NULL
        """,
    ),
    Fact(
        8,
        "move_not_told",
        "Each event of a reservation begins in the state in which the one before it ended.",
        ("reservation", "event", "from", "state before"),
        """
        SELECT reservation_id, id, begins, ended
        FROM (SELECT reservation_id, id, SUBSTR(from_state, 1, 1) AS begins,
                     LAG(SUBSTR(to_state, 1, 1)) OVER (PARTITION BY reservation_id ORDER BY id)
                     AS ended
              FROM bookings_reservationevent) told
        WHERE begins <> COALESCE(ended, '')
        """,
    ),
    Fact(
        8,
        "move_not_allowed",
        "States move from held to paid, cancelled or expired, from paid to cancelled; an expired "
        "hold is held again only by claiming its seats again.",
        ("event", "from", "to"),
        """
        SELECT id, from_state, to_state
        FROM bookings_reservationevent
        WHERE from_state <> to_state
          AND NOT (from_state = '' AND to_state = 'held')
          AND NOT (from_state = 'held' AND to_state IN ('paid', 'cancelled', 'expired'))
          AND NOT (from_state = 'paid' AND to_state = 'cancelled')
          AND NOT (from_state = 'expired' AND to_state = 'held' AND kind = 'reclaimed')
        """,
    ),
    # A key's row and its effect are written in one transaction, and the key itself is unique.
    Fact(
        8,
        "key_without_effect",
        "What a stored answer says was made is there.",
        ("key", "place"),
        """
        SELECT answer.id, answer.location
        FROM common_idempotencykey answer
        LEFT JOIN bookings_reservation reservation
            ON reservation.id = CAST(SUBSTR(answer.location, 15) AS SIGNED)
        WHERE answer.status = 201 AND answer.location LIKE '/reservations/%'
          AND reservation.id IS NULL
        """,
    ),
    Fact(
        8,
        "effect_of_two_keys",
        "No two stored answers say that they made the same thing.",
        ("place", "answers"),
        """
        SELECT location, COUNT(*)
        FROM common_idempotencykey
        WHERE status = 201 AND location <> ''
        GROUP BY location
        HAVING COUNT(*) > 1
        """,
    ),
    # An answer that the passenger can read settles what was asked before it; closing settles all.
    Fact(
        8,
        "answer_not_owed",
        "Whoever wrote about an open report, and has no answer since, is owed one.",
        ("report", "last message"),
        """
        SELECT report.id, MAX(message.id)
        FROM support_report report
        JOIN support_reportmessage message ON message.report_id = report.id
        WHERE report.state <> 'Closed' AND report.due_at IS NULL AND message.is_internal = FALSE
        GROUP BY report.id
        HAVING MAX(CASE WHEN message.is_from_staff THEN 0 ELSE message.id END)
             > MAX(CASE WHEN message.is_from_staff THEN message.id ELSE 0 END)
        """,
    ),
    Fact(
        8,
        "report_merged_astray",
        "A merged report leads to a report of the same passenger that was not merged itself.",
        ("report", "merged into"),
        """
        SELECT one.id, other.id
        FROM support_report one
        JOIN support_report other ON other.id = one.merged_into_id
        WHERE other.merged_into_id IS NOT NULL OR other.user_id <> one.user_id
        """,
    ),
)
