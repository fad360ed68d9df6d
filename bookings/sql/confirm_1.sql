-- Turn a live hold into a paid reservation. Locks: departures by id, the reservation.
--
-- Answers one row: outcome. The caller rolls back after every answer but 'done'.
CREATE PROCEDURE bookings_confirm_1(
    IN p_now DATETIME(6),
    IN p_actor_kind VARCHAR(8) CHARACTER SET utf8mb4,
    IN p_actor BIGINT,
    IN p_reason VARCHAR(300) CHARACTER SET utf8mb4,
    IN p_reservation BIGINT
)
SQL SECURITY INVOKER
confirm: BEGIN
    DECLARE v_departures LONGTEXT CHARACTER SET utf8mb4;
    DECLARE v_state VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_until DATETIME(6) DEFAULT NULL;
    DECLARE v_i INT DEFAULT 0;
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
        LEAVE confirm;
    END IF;
    SELECT state, hold_until INTO v_state, v_until
    FROM bookings_reservation WHERE id = p_reservation;
    IF v_state <> 'held' OR v_until <= p_now THEN
        SELECT CASE v_state
            WHEN 'paid' THEN 'already_paid'
            WHEN 'cancelled' THEN 'already_cancelled'
            ELSE 'hold_expired'
        END AS outcome;
        LEAVE confirm;
    END IF;

    UPDATE bookings_reservation SET state = 'paid' WHERE id = p_reservation AND state = 'held';
    UPDATE (
        SELECT DISTINCT one.id
        FROM JSON_TABLE(v_departures, '$[*]' COLUMNS (id BIGINT PATH '$')) one
    ) own
    STRAIGHT_JOIN inventory_departure departure ON own.id = departure.id
    SET departure.earliest_hold_end = (
        SELECT MIN(held.hold_until)
        FROM inventory_ticket ticket
        JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id
        JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
        JOIN bookings_reservation held ON held.id = passenger.reservation_id
        WHERE ticket.departure_id = departure.id AND held.state = 'held'
    )
    WHERE departure.earliest_hold_end <= v_until;
    INSERT INTO bookings_reservationevent (
        reservation_id, at, kind, from_state, to_state, actor_kind, actor_id, reason, details
    )
    VALUES (
        p_reservation, p_now, 'paid', 'held', 'paid', p_actor_kind, p_actor, p_reason, '{}'
    );
    SELECT 'done' AS outcome;
END
