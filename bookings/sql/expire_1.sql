-- Expire holds that ended by p_now: those on p_departures (a JSON list of ids, sorted), or where that
-- is null the p_limit whose end is the longest ago. Locks: departures by id, reservations, seats.
--
-- A reservation may have tickets on further departures: those are locked with the others, and what
-- was read before the locks is read again under them. Answers one row: outcome, expired.
CREATE PROCEDURE bookings_expire_1(
    IN p_now DATETIME(6),
    IN p_limit INT,
    IN p_departures LONGTEXT CHARACTER SET utf8mb4
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_dead, v_still, v_departures LONGTEXT CHARACTER SET utf8mb4;
    DECLARE v_i, v_count, v_expired INT DEFAULT 0;
    DECLARE v_lock, v_departure BIGINT;

    SET SESSION group_concat_max_len = 1048576;
    IF p_departures IS NULL THEN
        SELECT CONCAT('[', IFNULL(GROUP_CONCAT(ended.id SEPARATOR ','), ''), ']') INTO v_dead
        FROM (
            SELECT id FROM bookings_reservation
            WHERE state = 'held' AND hold_until <= p_now
            ORDER BY hold_until, id
            LIMIT p_limit
        ) ended;
    ELSE
        SELECT STRAIGHT_JOIN CONCAT('[', IFNULL(GROUP_CONCAT(DISTINCT ended.id SEPARATOR ','), ''), ']')
        INTO v_dead
        FROM JSON_TABLE(p_departures, '$[*]' COLUMNS (id BIGINT PATH '$')) wanted
        JOIN inventory_departure departure
            ON departure.id = wanted.id AND departure.earliest_hold_end <= p_now
        JOIN inventory_ticket ticket ON ticket.departure_id = departure.id
        JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id
        JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
        JOIN bookings_reservation ended ON ended.id = passenger.reservation_id
        WHERE ended.state = 'held' AND ended.hold_until <= p_now;
    END IF;

    SELECT CONCAT('[', IFNULL(GROUP_CONCAT(touched.id ORDER BY touched.id SEPARATOR ','), ''), ']')
    INTO v_departures
    FROM (
        SELECT STRAIGHT_JOIN ticket.departure_id AS id
        FROM JSON_TABLE(v_dead, '$[*]' COLUMNS (id BIGINT PATH '$')) dead
        JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        UNION
        SELECT wanted.id
        FROM JSON_TABLE(
            IFNULL(p_departures, '[]'), '$[*]' COLUMNS (id BIGINT PATH '$')
        ) wanted
    ) touched;
    WHILE v_i < JSON_LENGTH(v_departures) DO
        SET v_departure = JSON_EXTRACT(v_departures, CONCAT('$[', v_i, ']'));
        SET v_lock = (SELECT id FROM inventory_departure WHERE id = v_departure FOR UPDATE);
        SET v_i = v_i + 1;
    END WHILE;

    -- Between the reading of the ids and the locks somebody may have paid or extended one. Whoever
    -- moves a reservation holds the locks of its departures, so that nobody does so now.
    SELECT STRAIGHT_JOIN CONCAT('[', IFNULL(GROUP_CONCAT(held.id SEPARATOR ','), ''), ']'), COUNT(*)
    INTO v_still, v_expired
    FROM JSON_TABLE(v_dead, '$[*]' COLUMNS (id BIGINT PATH '$')) dead
    JOIN bookings_reservation held ON held.id = dead.id
    WHERE held.state = 'held' AND held.hold_until <= p_now;

    IF v_expired > 0 THEN
        INSERT INTO bookings_reservationevent (
            reservation_id, at, kind, from_state, to_state, actor_kind, actor_id, reason, details
        )
        SELECT STRAIGHT_JOIN dead.id, p_now, 'expired', 'held', 'expired', 'system', NULL, '',
            CONCAT('{"seats": [', IFNULL(GROUP_CONCAT(
                JSON_ARRAY(coupon.id, stock.departure_id, coach.label, seat.label,
                           claim.first_segment, claim.last_segment)
                ORDER BY coupon.id, claim.first_segment SEPARATOR ','
            ), ''), ']}')
        FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) dead
        JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN bookings_claim claim ON claim.coupon_id = coupon.id
        JOIN bookings_seatstock stock ON stock.id = claim.stock_id
        JOIN inventory_seat seat ON seat.id = stock.seat_id
        JOIN inventory_coach coach ON coach.id = seat.coach_id
        GROUP BY dead.id
        ORDER BY dead.id;
        IF ROW_COUNT() <> v_expired THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stock mismatch';
        END IF;

        SELECT STRAIGHT_JOIN COUNT(DISTINCT claim.stock_id) INTO v_count
        FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) dead
        JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN bookings_claim claim ON claim.coupon_id = coupon.id;
        UPDATE (
            SELECT STRAIGHT_JOIN claim.stock_id,
                BIT_OR((1 << (claim.last_segment + 1)) - (1 << claim.first_segment)) AS mask
            FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) dead
            JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
            JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
            JOIN bookings_claim claim ON claim.coupon_id = coupon.id
            GROUP BY claim.stock_id
        ) own
        STRAIGHT_JOIN bookings_seatstock stock ON own.stock_id = stock.id
        SET stock.taken = stock.taken - own.mask
        WHERE stock.taken & own.mask = own.mask;
        IF ROW_COUNT() <> v_count THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stock mismatch';
        END IF;
        DELETE claim FROM (
            SELECT one.id FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) one
        ) dead
        STRAIGHT_JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
        STRAIGHT_JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        STRAIGHT_JOIN bookings_claim claim ON claim.coupon_id = coupon.id;

        UPDATE (
            SELECT one.id FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) one
        ) dead
        STRAIGHT_JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
        STRAIGHT_JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        SET coupon.state = 'cancelled';
        UPDATE (
            SELECT STRAIGHT_JOIN DISTINCT ticket.departure_id
            FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) dead
            JOIN bookings_passenger passenger ON passenger.reservation_id = dead.id
            JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
            JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        ) own
        STRAIGHT_JOIN inventory_departure departure ON own.departure_id = departure.id
        SET departure.stock_version = departure.stock_version + 1;
        UPDATE (
            SELECT one.id FROM JSON_TABLE(v_still, '$[*]' COLUMNS (id BIGINT PATH '$')) one
        ) dead
        STRAIGHT_JOIN bookings_reservation reservation ON dead.id = reservation.id
        SET reservation.state = 'expired'
        WHERE reservation.state = 'held' AND reservation.hold_until <= p_now;
        IF ROW_COUNT() <> v_expired THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stock mismatch';
        END IF;
    END IF;
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
    WHERE departure.earliest_hold_end <= p_now;
    SELECT 'done' AS outcome, v_expired AS expired;
END
