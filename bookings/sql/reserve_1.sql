-- Hold a seat for every passenger on every ticket of p_command, or answer why not.
--
-- The caller owns the transaction and rolls it back after every answer but 'done'. Prices and rules
-- were reckoned before; what is checked here are states, limits and rows. Locks: departures by id,
-- the user, seats. The legs come in that order, and parts of the way whose seats are settled come
-- as "parts"; of the others ("wants") there is one a leg, which gets the first free seat by its wish.
--
-- Answers one row: outcome, reservation_id, ticket_id (of the leg that was refused). The outcome
-- 'sweep' says that holds on these departures have ended: expire them and call again.
CREATE PROCEDURE bookings_reserve_1(
    IN p_now DATETIME(6),
    IN p_actor_kind VARCHAR(8) CHARACTER SET utf8mb4,
    IN p_actor BIGINT,
    IN p_reason VARCHAR(300) CHARACTER SET utf8mb4,
    IN p_command LONGTEXT CHARACTER SET utf8mb4
)
SQL SECURITY INVOKER
reserve: BEGIN
    DECLARE v_count, v_i, v_legs, v_settled, v_holds, v_holds_there INT DEFAULT 0;
    DECLARE v_user, v_departure, v_before, v_ticket, v_fare, v_stock, v_reservation BIGINT;
    DECLARE v_first, v_last, v_position, v_passenger, v_parts INT;
    DECLARE v_mask BIGINT UNSIGNED;
    DECLARE v_class, v_wish VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE v_locator, v_language, v_currency VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE v_guest, v_told VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE v_email, v_phone VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE v_until DATETIME(6);
    DECLARE v_leg, v_picks, v_seats LONGTEXT CHARACTER SET utf8mb4;

    SELECT STRAIGHT_JOIN COUNT(*) INTO v_count
    FROM JSON_TABLE(p_command, '$.legs[*]' COLUMNS (departure BIGINT PATH '$.departure')) leg
    JOIN inventory_departure departure ON departure.id = leg.departure
    WHERE departure.earliest_hold_end <= p_now;
    IF v_count > 0 THEN
        SELECT 'sweep' AS outcome, NULL AS reservation_id, NULL AS ticket_id;
        LEAVE reserve;
    END IF;

    SET v_legs = JSON_LENGTH(p_command, '$.legs');
    WHILE v_i < v_legs DO
        SET v_departure = JSON_EXTRACT(p_command, CONCAT('$.legs[', v_i, '].departure'));
        SET v_stock = (SELECT id FROM inventory_departure WHERE id = v_departure FOR UPDATE);
        SET v_i = v_i + 1;
    END WHILE;

    SELECT one.locator, one.user, one.guest, one.email, one.phone, one.language, one.currency,
        CAST(one.until AS DATETIME(6)), one.told, one.holds, one.holds_there
    INTO v_locator, v_user, v_guest, v_email, v_phone, v_language, v_currency,
        v_until, v_told, v_holds, v_holds_there
    FROM JSON_TABLE(p_command, '$' COLUMNS (
        locator VARCHAR(6) PATH '$.locator',
        user BIGINT PATH '$.user',
        guest VARCHAR(64) PATH '$.guest',
        email VARCHAR(254) PATH '$.email',
        phone VARCHAR(32) PATH '$.phone',
        language VARCHAR(12) PATH '$.language',
        currency VARCHAR(3) PATH '$.currency',
        until VARCHAR(32) PATH '$.until',
        told VARCHAR(40) PATH '$.until_told',
        holds INT PATH '$.holds',
        holds_there INT PATH '$.holds_there'
    )) one;
    IF v_user IS NOT NULL THEN
        -- One user's reserves come one after the other, so that the limit of holds is exact.
        SET v_stock = (SELECT id FROM accounts_user WHERE id = v_user FOR UPDATE);
        SELECT COUNT(*) INTO v_count FROM bookings_reservation
        WHERE user_id = v_user AND state = 'held' AND hold_until > p_now;
    ELSE
        -- Two look-ups by an index each: an OR over both columns would read every hold there is.
        SET v_count = 0;
        IF v_email IS NOT NULL THEN
            SELECT COUNT(*) INTO v_count FROM bookings_reservation
            WHERE contact_email = v_email AND user_id IS NULL
                AND state = 'held' AND hold_until > p_now;
        END IF;
        IF v_phone IS NOT NULL THEN
            SELECT v_count + COUNT(*) INTO v_count FROM bookings_reservation
            WHERE contact_phone = v_phone AND user_id IS NULL
                AND state = 'held' AND hold_until > p_now
                AND (v_email IS NULL OR contact_email IS NULL OR contact_email <> v_email);
        END IF;
    END IF;
    IF v_count >= v_holds THEN
        SELECT 'too_many_holds' AS outcome, NULL AS reservation_id, NULL AS ticket_id;
        LEAVE reserve;
    END IF;
    IF v_count > 0 AND v_holds_there IS NOT NULL THEN
        SELECT IFNULL(MAX(own.holds), 0) INTO v_count FROM (
            SELECT STRAIGHT_JOIN COUNT(DISTINCT held.id) AS holds
            FROM JSON_TABLE(p_command, '$.legs[*]' COLUMNS (departure BIGINT PATH '$.departure')) leg
            JOIN inventory_ticket ticket ON ticket.departure_id = leg.departure
            JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id
            JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
            JOIN bookings_reservation held ON held.id = passenger.reservation_id
            WHERE held.state = 'held' AND held.hold_until > p_now
                AND (
                    held.user_id = v_user
                    OR (v_user IS NULL AND held.user_id IS NULL
                        AND (held.contact_email = v_email OR held.contact_phone = v_phone))
                )
            GROUP BY leg.departure
        ) own;
        IF v_count >= v_holds_there THEN
            SELECT 'too_many_holds' AS outcome, NULL AS reservation_id, NULL AS ticket_id;
            LEAVE reserve;
        END IF;
    END IF;

    SET v_ticket = (
        SELECT leg.ticket
        FROM JSON_TABLE(p_command, '$.legs[*]' COLUMNS (
            position INT PATH '$.position',
            ticket BIGINT PATH '$.ticket',
            departure BIGINT PATH '$.departure',
            closes VARCHAR(32) PATH '$.closes'
        )) leg
        LEFT JOIN inventory_departure departure ON departure.id = leg.departure
        WHERE departure.id IS NULL
            OR departure.state <> 'scheduled'
            OR departure.sales_closed_at IS NOT NULL
            OR CAST(leg.closes AS DATETIME(6)) <= p_now
        ORDER BY leg.position
        LIMIT 1
    );
    IF v_ticket IS NOT NULL THEN
        SELECT 'departure_closed' AS outcome, NULL AS reservation_id, v_ticket AS ticket_id;
        LEAVE reserve;
    END IF;

    SET v_picks = '[]';
    SET v_i = 0;
    WHILE v_i < v_legs DO
        SET v_leg = JSON_EXTRACT(p_command, CONCAT('$.legs[', v_i, ']'));
        SELECT leg.position, leg.departure, leg.ticket, leg.fare, leg.first_segment,
            leg.last_segment, leg.class, leg.parts, leg.wish, leg.passenger
        INTO v_position, v_departure, v_ticket, v_fare, v_first,
            v_last, v_class, v_parts, v_wish, v_passenger
        FROM JSON_TABLE(v_leg, '$' COLUMNS (
            position INT PATH '$.position',
            departure BIGINT PATH '$.departure',
            ticket BIGINT PATH '$.ticket',
            fare BIGINT PATH '$.fare',
            first_segment INT PATH '$.first',
            last_segment INT PATH '$.last',
            class VARCHAR(12) PATH '$.class',
            parts INT PATH '$.parts',
            wish VARCHAR(12) PATH '$.wish',
            passenger INT PATH '$.passenger'
        )) leg;

        IF (SELECT frozen_at FROM inventory_departure WHERE id = v_departure) IS NULL THEN
            INSERT INTO bookings_seatstock (departure_id, seat_id, travel_class, taken)
            SELECT departure.id, seat.id, seat.travel_class, 0
            FROM inventory_departure departure
            JOIN inventory_vehicle vehicle ON vehicle.id = departure.vehicle_id
            JOIN inventory_coach coach ON coach.seat_map_id = vehicle.seat_map_id
            JOIN inventory_seat seat ON seat.coach_id = coach.id
            WHERE departure.id = v_departure
            ORDER BY seat.is_accessible, coach.position, seat.`row`, seat.`column`;
        END IF;
        -- Legs on one departure stand next to each other.
        IF v_before IS NULL OR v_departure <> v_before THEN
            UPDATE inventory_departure
            SET frozen_at = IFNULL(frozen_at, p_now), stock_version = stock_version + 1,
                earliest_hold_end = LEAST(IFNULL(earliest_hold_end, v_until), v_until)
            WHERE id = v_departure;
            SET v_before = v_departure;
        END IF;

        IF NOT EXISTS (SELECT 1 FROM inventory_ticket WHERE id = v_ticket) THEN
            INSERT INTO inventory_ticket (id, departure_id, from_call_id, to_call_id, fare_id)
            VALUES (v_ticket, v_departure, v_departure * 64 + v_first,
                    v_departure * 64 + v_last + 1, v_fare);
        END IF;

        IF v_parts > 0 THEN
            SET v_settled = v_settled + v_parts;
            UPDATE (
                SELECT part.seat,
                    BIT_OR((1 << (part.last_segment + 1)) - (1 << part.first_segment)) AS mask
                FROM JSON_TABLE(p_command, '$.parts[*]' COLUMNS (
                    leg INT PATH '$.leg',
                    seat BIGINT PATH '$.seat',
                    first_segment INT PATH '$.first',
                    last_segment INT PATH '$.last'
                )) part
                WHERE part.leg = v_position
                GROUP BY part.seat
            ) wanted
            STRAIGHT_JOIN bookings_seatstock stock ON wanted.seat = stock.seat_id
            SET stock.taken = stock.taken | wanted.mask
            WHERE stock.departure_id = v_departure AND stock.travel_class = v_class
                AND stock.taken & wanted.mask = 0;
            IF ROW_COUNT() <> v_parts THEN
                SELECT 'seat_taken' AS outcome, NULL AS reservation_id, v_ticket AS ticket_id;
                LEAVE reserve;
            END IF;
        END IF;

        IF v_wish IS NOT NULL THEN
            SET v_mask = (1 << (v_last + 1)) - (1 << v_first);
            IF v_wish = '' THEN
                SET v_stock = (
                    SELECT stock.id FROM bookings_seatstock stock FORCE INDEX (seat_stock_order)
                    WHERE stock.departure_id = v_departure AND stock.travel_class = v_class
                        AND stock.taken & v_mask = 0
                    ORDER BY stock.departure_id, stock.travel_class, stock.id
                    LIMIT 1
                );
            ELSE
                SET v_stock = (
                    SELECT stock.id FROM bookings_seatstock stock
                    JOIN inventory_seat seat ON seat.id = stock.seat_id
                    WHERE stock.departure_id = v_departure AND stock.travel_class = v_class
                        AND stock.taken & v_mask = 0
                    ORDER BY seat.is_accessible <> (v_wish = 'accessible'),
                        CASE v_wish
                            WHEN 'window' THEN seat.is_window
                            WHEN 'aisle' THEN seat.is_aisle
                            WHEN 'quiet' THEN seat.is_quiet
                            ELSE 0
                        END DESC,
                        stock.id
                    LIMIT 1
                );
            END IF;
            UPDATE bookings_seatstock SET taken = taken | v_mask
            WHERE id = v_stock AND taken & v_mask = 0;
            IF ROW_COUNT() <> 1 THEN
                SELECT 'sold_out' AS outcome, NULL AS reservation_id, v_ticket AS ticket_id;
                LEAVE reserve;
            END IF;
            SET v_picks = JSON_ARRAY_APPEND(v_picks, '$', JSON_OBJECT(
                'leg', v_position, 'passenger', v_passenger, 'stock', v_stock,
                'first', v_first, 'last', v_last
            ));
        END IF;
        SET v_i = v_i + 1;
    END WHILE;

    INSERT INTO bookings_reservation (
        locator, user_id, guest_digest, contact_email, contact_phone, language, currency_id,
        state, created_at, hold_until, extended_at, lengthened_at
    )
    VALUES (v_locator, v_user, v_guest, v_email, v_phone, v_language, v_currency,
        'held', p_now, v_until, NULL, NULL);
    SET v_reservation = LAST_INSERT_ID();

    INSERT INTO bookings_passenger (
        reservation_id, position, first_name, last_name, kind, date_of_birth, seat_wish,
        accompanied_by_id
    )
    SELECT v_reservation, one.position, one.first_name, one.last_name, one.kind, one.born, one.wish,
        NULL
    FROM JSON_TABLE(p_command, '$.passengers[*]' COLUMNS (
        position INT PATH '$.position',
        first_name VARCHAR(80) PATH '$.first_name',
        last_name VARCHAR(80) PATH '$.last_name',
        kind VARCHAR(8) PATH '$.kind',
        born DATE PATH '$.born',
        wish VARCHAR(12) PATH '$.wish',
        companion INT PATH '$.with'
    )) one
    WHERE one.companion IS NULL
    ORDER BY one.position;
    IF ROW_COUNT() < JSON_LENGTH(p_command, '$.passengers') THEN
        INSERT INTO bookings_passenger (
            reservation_id, position, first_name, last_name, kind, date_of_birth, seat_wish,
            accompanied_by_id
        )
        SELECT STRAIGHT_JOIN v_reservation, one.position, one.first_name, one.last_name, one.kind, one.born,
            one.wish, adult.id
        FROM JSON_TABLE(p_command, '$.passengers[*]' COLUMNS (
            position INT PATH '$.position',
            first_name VARCHAR(80) PATH '$.first_name',
            last_name VARCHAR(80) PATH '$.last_name',
            kind VARCHAR(8) PATH '$.kind',
            born DATE PATH '$.born',
            wish VARCHAR(12) PATH '$.wish',
            companion INT PATH '$.with'
        )) one
        JOIN bookings_passenger adult
            ON adult.reservation_id = v_reservation AND adult.position = one.companion
        ORDER BY one.position;
    END IF;

    INSERT INTO bookings_coupon (
        passenger_id, position, ticket_id, fare_version_id, state, barcode
    )
    SELECT STRAIGHT_JOIN passenger.id, one.leg, one.ticket, one.version, 'open', one.barcode
    FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (
        passenger INT PATH '$.passenger',
        leg INT PATH '$.leg',
        ticket BIGINT PATH '$.ticket',
        version BIGINT PATH '$.version',
        barcode VARCHAR(64) PATH '$.barcode'
    )) one
    JOIN bookings_passenger passenger
        ON passenger.reservation_id = v_reservation AND passenger.position = one.passenger
    ORDER BY one.leg, one.passenger;

    INSERT INTO bookings_priceline (coupon_id, position, kind, label, amount_minor)
    SELECT STRAIGHT_JOIN coupon.id, line.position, line.kind, line.label, line.amount
    FROM JSON_TABLE(p_command, '$.lines[*]' COLUMNS (
        passenger INT PATH '$.passenger',
        leg INT PATH '$.leg',
        position INT PATH '$.position',
        kind VARCHAR(10) PATH '$.kind',
        label VARCHAR(120) PATH '$.label',
        amount BIGINT PATH '$.amount'
    )) line
    JOIN bookings_passenger passenger
        ON passenger.reservation_id = v_reservation AND passenger.position = line.passenger
    JOIN bookings_coupon coupon
        ON coupon.passenger_id = passenger.id AND coupon.position = line.leg;

    INSERT INTO bookings_claim (coupon_id, stock_id, first_segment, last_segment)
    SELECT STRAIGHT_JOIN coupon.id, pick.stock, pick.first_segment, pick.last_segment
    FROM JSON_TABLE(v_picks, '$[*]' COLUMNS (
        leg INT PATH '$.leg',
        passenger INT PATH '$.passenger',
        stock BIGINT PATH '$.stock',
        first_segment INT PATH '$.first',
        last_segment INT PATH '$.last'
    )) pick
    JOIN bookings_passenger passenger
        ON passenger.reservation_id = v_reservation AND passenger.position = pick.passenger
    JOIN bookings_coupon coupon
        ON coupon.passenger_id = passenger.id AND coupon.position = pick.leg;
    IF v_settled > 0 THEN
        INSERT INTO bookings_claim (coupon_id, stock_id, first_segment, last_segment)
        SELECT STRAIGHT_JOIN coupon.id, stock.id, part.first_segment, part.last_segment
        FROM JSON_TABLE(p_command, '$.parts[*]' COLUMNS (
            leg INT PATH '$.leg',
            passenger INT PATH '$.passenger',
            departure BIGINT PATH '$.departure',
            seat BIGINT PATH '$.seat',
            first_segment INT PATH '$.first',
            last_segment INT PATH '$.last'
        )) part
        JOIN bookings_passenger passenger
            ON passenger.reservation_id = v_reservation AND passenger.position = part.passenger
        JOIN bookings_coupon coupon
            ON coupon.passenger_id = passenger.id AND coupon.position = part.leg
        JOIN bookings_seatstock stock
            ON stock.departure_id = part.departure AND stock.seat_id = part.seat;
    END IF;

    -- MySQL cuts the list off at 1,024 characters where nobody says otherwise.
    SET SESSION group_concat_max_len = 1048576;
    SELECT CONCAT('[', IFNULL(GROUP_CONCAT(
        JSON_ARRAY(coupon.id, stock.departure_id, coach.label, seat.label,
                   claim.first_segment, claim.last_segment)
        ORDER BY coupon.id, claim.first_segment SEPARATOR ','
    ), ''), ']')
    INTO v_seats
    FROM bookings_passenger passenger
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    JOIN bookings_claim claim ON claim.coupon_id = coupon.id
    JOIN bookings_seatstock stock ON stock.id = claim.stock_id
    JOIN inventory_seat seat ON seat.id = stock.seat_id
    JOIN inventory_coach coach ON coach.id = seat.coach_id
    WHERE passenger.reservation_id = v_reservation;
    INSERT INTO bookings_reservationevent (
        reservation_id, at, kind, from_state, to_state, actor_kind, actor_id, reason, details
    )
    VALUES (
        v_reservation, p_now, 'reserved', '', 'held', p_actor_kind, p_actor, p_reason,
        CONCAT('{"seats": ', v_seats, ', "until": ', JSON_QUOTE(v_told), '}')
    );
    SELECT 'done' AS outcome, v_reservation AS reservation_id, NULL AS ticket_id;
END
