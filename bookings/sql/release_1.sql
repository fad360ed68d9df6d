-- Give up a hold: its seats are free at once. Locks: departures by id, the reservation, seats.
--
-- Answers one row: outcome. The caller rolls back after every answer but 'done'.
CREATE PROCEDURE bookings_release_1(
    IN p_now DATETIME(6),
    IN p_actor_kind VARCHAR(8) CHARACTER SET utf8mb4,
    IN p_actor BIGINT,
    IN p_reason VARCHAR(300) CHARACTER SET utf8mb4,
    IN p_reservation BIGINT
)
SQL SECURITY INVOKER
release_hold: BEGIN
    DECLARE v_departures, v_seats LONGTEXT CHARACTER SET utf8mb4;
    DECLARE v_state VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_until DATETIME(6) DEFAULT NULL;
    DECLARE v_i, v_count INT DEFAULT 0;
    DECLARE v_lock, v_departure BIGINT;

    SET SESSION group_concat_max_len = 1048576;
    SELECT CONCAT('[', IFNULL(GROUP_CONCAT(
        DISTINCT ticket.departure_id ORDER BY ticket.departure_id SEPARATOR ','
    ), ''), ']')
    INTO v_departures
    FROM bookings_passenger passenger
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    WHERE passenger.reservation_id = p_reservation;
    WHILE v_i < JSON_LENGTH(v_departures) DO
        SET v_departure = JSON_EXTRACT(v_departures, CONCAT('$[', v_i, ']'));
        SET v_lock = (SELECT id FROM inventory_departure WHERE id = v_departure FOR UPDATE);
        SET v_i = v_i + 1;
    END WHILE;

    SET v_lock = (SELECT id FROM bookings_reservation WHERE id = p_reservation FOR UPDATE);
    IF v_lock IS NULL THEN
        SELECT 'not_found' AS outcome;
        LEAVE release_hold;
    END IF;
    SELECT state, hold_until INTO v_state, v_until
    FROM bookings_reservation WHERE id = p_reservation;
    IF v_state <> 'held' OR v_until <= p_now THEN
        SELECT CASE v_state
            WHEN 'paid' THEN 'already_paid'
            WHEN 'cancelled' THEN 'already_cancelled'
            ELSE 'hold_expired'
        END AS outcome;
        LEAVE release_hold;
    END IF;

    SELECT CONCAT('[', IFNULL(GROUP_CONCAT(
            JSON_ARRAY(coupon.id, stock.departure_id, coach.label, seat.label,
                       claim.first_segment, claim.last_segment)
            ORDER BY coupon.id, claim.first_segment SEPARATOR ','
        ), ''), ']'),
        COUNT(DISTINCT claim.stock_id)
    INTO v_seats, v_count
    FROM bookings_passenger passenger
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    JOIN bookings_claim claim ON claim.coupon_id = coupon.id
    JOIN bookings_seatstock stock ON stock.id = claim.stock_id
    JOIN inventory_seat seat ON seat.id = stock.seat_id
    JOIN inventory_coach coach ON coach.id = seat.coach_id
    WHERE passenger.reservation_id = p_reservation;
    UPDATE (
        SELECT claim.stock_id,
            BIT_OR((1 << (claim.last_segment + 1)) - (1 << claim.first_segment)) AS mask
        FROM bookings_passenger passenger
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN bookings_claim claim ON claim.coupon_id = coupon.id
        WHERE passenger.reservation_id = p_reservation
        GROUP BY claim.stock_id
    ) own
    STRAIGHT_JOIN bookings_seatstock stock ON own.stock_id = stock.id
    SET stock.taken = stock.taken - own.mask
    WHERE stock.taken & own.mask = own.mask;
    IF ROW_COUNT() <> v_count THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stock mismatch';
    END IF;
    DELETE claim FROM bookings_passenger passenger
    STRAIGHT_JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    STRAIGHT_JOIN bookings_claim claim ON claim.coupon_id = coupon.id
    WHERE passenger.reservation_id = p_reservation;

    UPDATE bookings_passenger passenger
    STRAIGHT_JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    SET coupon.state = 'cancelled'
    WHERE passenger.reservation_id = p_reservation;
    UPDATE bookings_reservation SET state = 'cancelled' WHERE id = p_reservation AND state = 'held';
    UPDATE (
        SELECT DISTINCT one.id
        FROM JSON_TABLE(v_departures, '$[*]' COLUMNS (id BIGINT PATH '$')) one
    ) own
    STRAIGHT_JOIN inventory_departure departure ON own.id = departure.id
    SET departure.stock_version = departure.stock_version + 1,
        departure.earliest_hold_end = IF(
            departure.earliest_hold_end <= v_until,
            (
                SELECT MIN(held.hold_until)
                FROM inventory_ticket ticket
                JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id
                JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
                JOIN bookings_reservation held ON held.id = passenger.reservation_id
                WHERE ticket.departure_id = departure.id AND held.state = 'held'
            ),
            departure.earliest_hold_end
        );
    INSERT INTO bookings_reservationevent (
        reservation_id, at, kind, from_state, to_state, actor_kind, actor_id, reason, details
    )
    VALUES (
        p_reservation, p_now, 'released', 'held', 'cancelled', p_actor_kind, p_actor, p_reason,
        CONCAT('{"seats": ', v_seats, '}')
    );
    SELECT 'done' AS outcome;
END
