"""
Facts about seats: none is sold twice, whoever is to sit has one, and what is shown is what is left.

The queries read whole tables, so they are written for one pass over each. Some say LEFT JOIN where
a foreign key promises a row: it keeps the order of the tables, by which a server looks rows up by
their keys alone, and names a row whose other half is lost.
"""

from __future__ import annotations

from support.audit.facts import Fact

# The bits of a claim's segments. Never shifted by 63, so that the largest fits a signed number.
_BITS = "(1 << claim.last_segment) - (1 << claim.first_segment) + (1 << claim.last_segment)"
_CLAIMED = (
    f"((SELECT COALESCE(SUM({_BITS}), 0) FROM bookings_claim claim "  # noqa: S608 - no input
    "WHERE claim.stock_id = stock.id) + "
    f"(SELECT COALESCE(SUM({_BITS}), 0) FROM bookings_seatblock claim "
    "WHERE claim.stock_id = stock.id))"
)

FACTS: tuple[Fact, ...] = (
    Fact(
        1,
        "seat_claimed_twice",
        "No segment of a seat is claimed twice.",
        ("stock", "claim", "other claim"),
        """
        SELECT stock_id, before_id, id
        FROM (SELECT stock_id, id, first_segment,
                     LAG(id) OVER seat AS before_id, LAG(last_segment) OVER seat AS taken_until
              FROM bookings_claim
              WINDOW seat AS (PARTITION BY stock_id ORDER BY first_segment, id)) claim
        WHERE first_segment <= taken_until
        """,
    ),
    Fact(
        1,
        "blocked_seat_claimed",
        "Nobody has a seat where it is kept back.",
        ("stock", "block", "claim"),
        """
        SELECT block.stock_id, block.id, claim.id
        FROM bookings_seatblock block
        JOIN bookings_claim claim ON claim.stock_id = block.stock_id
            AND claim.first_segment <= block.last_segment
            AND claim.last_segment >= block.first_segment
        """,
    ),
    # A ticket's id says where one boards (bits 12 to 17) and alights (6 to 11). The claims of a
    # coupon are links of a chain: each begins at the boarding or where another one ends, and ends
    # before the alighting or where another one begins. Two of a coupon never begin together, so
    # that the chain neither forks nor overlaps. (Nothing is subtracted: below zero MySQL's unsigned
    # numbers are an error.)
    Fact(
        2,
        "seat_missing",
        "An open coupon of a live reservation has a seat all the way, or waits for the desk.",
        ("coupon", "state", "claim"),
        """
        SELECT coupon.id, coupon.state, claim.id
        FROM bookings_coupon coupon
        LEFT JOIN bookings_claim claim ON claim.coupon_id = coupon.id
        WHERE (claim.id IS NULL AND coupon.state = 'open'
               AND NOT EXISTS
                   (SELECT 1 FROM bookings_unseated waiting WHERE waiting.coupon_id = coupon.id)
               AND EXISTS
                   (SELECT 1 FROM bookings_passenger passenger
                    JOIN bookings_reservation reservation
                        ON reservation.id = passenger.reservation_id
                    WHERE passenger.id = coupon.passenger_id AND passenger.kind <> 'infant'
                      AND reservation.state IN ('held', 'paid')))
           OR (claim.id IS NOT NULL
               AND (coupon.state = 'cancelled'
                    OR (claim.first_segment <> (coupon.ticket_id >> 12 & 63)
                        AND NOT EXISTS
                            (SELECT 1 FROM bookings_claim link
                             WHERE link.coupon_id = claim.coupon_id
                               AND link.last_segment + 1 = claim.first_segment))
                    OR (claim.last_segment + 1 <> (coupon.ticket_id >> 6 & 63)
                        AND NOT EXISTS
                            (SELECT 1 FROM bookings_claim link
                             WHERE link.coupon_id = claim.coupon_id
                               AND link.first_segment = claim.last_segment + 1))))
        """,
    ),
    Fact(
        2,
        "claim_of_the_dead",
        "No cancelled or expired reservation has a claim.",
        ("reservation", "state", "claim"),
        """
        SELECT reservation.id, reservation.state, claim.id
        FROM bookings_reservation reservation
        JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN bookings_claim claim ON claim.coupon_id = coupon.id
        WHERE reservation.state IN ('cancelled', 'expired')
        """,
    ),
    Fact(
        2,
        "claim_elsewhere",
        "A claim is on the departure and in the class of its ticket.",
        ("claim", "coupon", "stock"),
        """
        SELECT claim.id, claim.coupon_id, claim.stock_id
        FROM bookings_claim claim
        LEFT JOIN bookings_seatstock stock ON stock.id = claim.stock_id
        LEFT JOIN bookings_coupon coupon ON coupon.id = claim.coupon_id
        LEFT JOIN inventory_fareversion version ON version.id = coupon.fare_version_id
        LEFT JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        LEFT JOIN inventory_fare fare ON fare.id = ticket.fare_id
        WHERE stock.id IS NULL OR coupon.id IS NULL OR fare.id IS NULL
           OR stock.departure_id <> (coupon.ticket_id >> 18)
           OR stock.travel_class <> fare.travel_class
           OR (version.fare_id <> fare.id
               AND NOT EXISTS (SELECT 1 FROM bookings_coupon old
                               WHERE old.exchanged_for_id = coupon.id))
        """,
    ),
    Fact(
        2,
        "exchange_astray",
        "A coupon that was exchanged has left its price to a coupon of the same passenger.",
        ("coupon", "exchanged for", "price line"),
        """
        SELECT old.id, old.exchanged_for_id, line.id
        FROM bookings_coupon old
        LEFT JOIN bookings_coupon fresh ON fresh.id = old.exchanged_for_id
        LEFT JOIN bookings_priceline line ON line.coupon_id = old.id
        WHERE old.exchanged_for_id IS NOT NULL
          AND (fresh.id IS NULL OR fresh.passenger_id <> old.passenger_id
               OR line.id IS NOT NULL
               OR EXISTS (SELECT 1 FROM payments_cancelledcoupon paid_back
                          WHERE paid_back.coupon_id = old.id))
        """,
    ),
    Fact(
        2,
        "stock_differs",
        "The stock's bits are the union of the claims, and of what the desk keeps back.",
        ("stock", "taken", "claimed"),
        f"""
        SELECT stock.id, stock.taken, {_CLAIMED}
        FROM bookings_seatstock stock
        WHERE stock.taken <> {_CLAIMED}
        """,  # noqa: S608 - no input
    ),
    Fact(
        3,
        "stock_unread",
        "A departure with a taken seat is frozen and has a version: its stock is read and shown.",
        ("departure", "version", "frozen"),
        """
        SELECT departure.id, departure.stock_version, departure.frozen_at
        FROM inventory_departure departure
        WHERE (departure.stock_version = 0 OR departure.frozen_at IS NULL)
          AND EXISTS (SELECT 1 FROM bookings_seatstock stock
                      WHERE stock.departure_id = departure.id AND stock.taken <> 0)
        """,
    ),
    Fact(
        3,
        "stock_incomplete",
        "A frozen departure has as much stock as its vehicle has seats.",
        ("departure", "stock", "seats"),
        """
        SELECT departure.id, laid_out.seats, seat_map.seats
        FROM inventory_departure departure
        JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id
        LEFT JOIN (SELECT coach.seat_map_id, COUNT(*) AS seats
                   FROM inventory_coach coach
                   JOIN inventory_seat seat ON seat.coach_id = coach.id
                   GROUP BY coach.seat_map_id) seat_map
            ON seat_map.seat_map_id = vehicle.seat_map_id
        LEFT JOIN (SELECT departure_id, COUNT(*) AS seats
                   FROM bookings_seatstock
                   GROUP BY departure_id) laid_out
            ON laid_out.departure_id = departure.id
        WHERE departure.frozen_at IS NOT NULL
          AND COALESCE(laid_out.seats, 0) <> COALESCE(seat_map.seats, 0)
        """,
    ),
    Fact(
        3,
        "stock_elsewhere",
        "Stock is of a seat of the departure's own vehicle, in the seat's class.",
        ("stock", "departure", "seat"),
        """
        SELECT stock.id, stock.departure_id, stock.seat_id
        FROM bookings_seatstock stock
        LEFT JOIN inventory_departure departure ON departure.id = stock.departure_id
        LEFT JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id
        LEFT JOIN inventory_seat seat ON seat.id = stock.seat_id
        LEFT JOIN inventory_coach coach ON coach.id = seat.coach_id
        WHERE vehicle.id IS NULL OR coach.id IS NULL
           OR coach.seat_map_id <> vehicle.seat_map_id
           OR stock.travel_class <> seat.travel_class
        """,
    ),
    # Readers look for ended holds only on departures that say there is one: were the known end
    # later than the first hold's, its seats would be shown as taken when it has ended.
    Fact(
        3,
        "hold_end_unknown",
        "A departure knows of no later end than that of its first live hold.",
        ("departure", "known end", "first end"),
        """
        SELECT departure.id, departure.earliest_hold_end, MIN(reservation.hold_until)
        FROM bookings_reservation reservation
        JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN inventory_departure departure ON departure.id = (coupon.ticket_id >> 18)
        WHERE reservation.state = 'held'
        GROUP BY departure.id, departure.earliest_hold_end
        HAVING departure.earliest_hold_end IS NULL
            OR departure.earliest_hold_end > MIN(reservation.hold_until)
        """,
    ),
)
