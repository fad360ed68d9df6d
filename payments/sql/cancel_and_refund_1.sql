-- Cancel open coupons of a paid reservation, free their seats, and book what it costs.
--
-- The caller owns the transaction and rolls it back after every answer but 'done'. Penalties,
-- refunds and the ledger's sides were reckoned before and sum up; what is checked here are states,
-- rows and that no more goes back than was captured. Locks: departures by id, the reservation,
-- seats, the payment, accounts by id.
--
-- Answers one row: outcome, cancellation_id, refund_id, refund_state.
CREATE PROCEDURE payments_cancel_and_refund_1(
    IN p_now DATETIME(6),
    IN p_actor_kind VARCHAR(8) CHARACTER SET utf8mb4,
    IN p_actor BIGINT,
    IN p_reason VARCHAR(300) CHARACTER SET utf8mb4,
    IN p_command LONGTEXT CHARACTER SET utf8mb4
)
SQL SECURITY INVOKER
cancel_coupons: BEGIN
    DECLARE v_departures, v_seats LONGTEXT CHARACTER SET utf8mb4;
    DECLARE v_state, v_after VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_fault VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_i, v_count INT DEFAULT 0;
    DECLARE v_reservation, v_lock, v_departure, v_account, v_amount, v_back BIGINT DEFAULT NULL;
    DECLARE v_payment, v_cancellation, v_transfer, v_refund BIGINT DEFAULT NULL;

    SET v_reservation = JSON_EXTRACT(p_command, '$.reservation');
    -- MySQL cuts the lists off at 1,024 characters where nobody says otherwise.
    SET SESSION group_concat_max_len = 1048576;
    SELECT CONCAT('[', IFNULL(GROUP_CONCAT(
        DISTINCT ticket.departure_id ORDER BY ticket.departure_id SEPARATOR ','
    ), ''), ']')
    INTO v_departures
    FROM bookings_passenger passenger
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    WHERE passenger.reservation_id = v_reservation;
    WHILE v_i < JSON_LENGTH(v_departures) DO
        SET v_departure = JSON_EXTRACT(v_departures, CONCAT('$[', v_i, ']'));
        SET v_lock = (SELECT id FROM inventory_departure WHERE id = v_departure FOR UPDATE);
        SET v_i = v_i + 1;
    END WHILE;

    SET v_lock = (SELECT id FROM bookings_reservation WHERE id = v_reservation FOR UPDATE);
    IF v_lock IS NULL THEN
        SELECT 'not_found' AS outcome, NULL AS cancellation_id, NULL AS refund_id,
            NULL AS refund_state;
        LEAVE cancel_coupons;
    END IF;
    SET v_state = (SELECT state FROM bookings_reservation WHERE id = v_reservation);
    IF v_state <> 'paid' THEN
        SELECT CASE v_state
                WHEN 'cancelled' THEN 'already_cancelled'
                WHEN 'expired' THEN 'hold_expired'
                ELSE 'not_cancellable'
            END AS outcome,
            NULL AS cancellation_id, NULL AS refund_id, NULL AS refund_state;
        LEAVE cancel_coupons;
    END IF;
    SET v_fault = (
        SELECT CASE
            WHEN passenger.id IS NULL THEN 'not_found'
            WHEN coupon.state = 'cancelled' THEN 'already_cancelled'
            ELSE 'not_cancellable'
        END
        FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (
            position FOR ORDINALITY,
            id BIGINT PATH '$.id'
        )) wanted
        LEFT JOIN bookings_coupon coupon ON coupon.id = wanted.id
        LEFT JOIN bookings_passenger passenger
            ON passenger.id = coupon.passenger_id AND passenger.reservation_id = v_reservation
        WHERE passenger.id IS NULL OR coupon.state <> 'open'
        ORDER BY wanted.position
        LIMIT 1
    );
    IF v_fault IS NOT NULL THEN
        SELECT v_fault AS outcome, NULL AS cancellation_id, NULL AS refund_id,
            NULL AS refund_state;
        LEAVE cancel_coupons;
    END IF;

    SELECT STRAIGHT_JOIN CONCAT('[', IFNULL(GROUP_CONCAT(
            JSON_ARRAY(claim.coupon_id, stock.departure_id, coach.label, seat.label,
                       claim.first_segment, claim.last_segment)
            ORDER BY claim.coupon_id, claim.first_segment SEPARATOR ','
        ), ''), ']'),
        COUNT(DISTINCT claim.stock_id)
    INTO v_seats, v_count
    FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (id BIGINT PATH '$.id')) wanted
    JOIN bookings_claim claim ON claim.coupon_id = wanted.id
    JOIN bookings_seatstock stock ON stock.id = claim.stock_id
    JOIN inventory_seat seat ON seat.id = stock.seat_id
    JOIN inventory_coach coach ON coach.id = seat.coach_id;
    UPDATE (
        SELECT STRAIGHT_JOIN claim.stock_id,
            BIT_OR((1 << (claim.last_segment + 1)) - (1 << claim.first_segment)) AS mask
        FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (id BIGINT PATH '$.id')) wanted
        JOIN bookings_claim claim ON claim.coupon_id = wanted.id
        GROUP BY claim.stock_id
    ) own
    STRAIGHT_JOIN bookings_seatstock stock ON own.stock_id = stock.id
    SET stock.taken = stock.taken - own.mask
    WHERE stock.taken & own.mask = own.mask;
    IF ROW_COUNT() <> v_count THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stock mismatch';
    END IF;
    DELETE claim FROM (
        SELECT one.id
        FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (id BIGINT PATH '$.id')) one
    ) wanted
    STRAIGHT_JOIN bookings_claim claim ON claim.coupon_id = wanted.id;
    UPDATE (
        SELECT one.id
        FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (id BIGINT PATH '$.id')) one
    ) wanted
    STRAIGHT_JOIN bookings_coupon coupon ON coupon.id = wanted.id
    SET coupon.state = 'cancelled';

    SET v_after = IF(
        EXISTS (
            SELECT 1 FROM bookings_passenger passenger
            JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
            WHERE passenger.reservation_id = v_reservation AND coupon.state <> 'cancelled'
        ),
        'paid', 'cancelled'
    );
    UPDATE bookings_reservation SET state = v_after WHERE id = v_reservation AND state = 'paid';
    UPDATE (
        SELECT DISTINCT one.id
        FROM JSON_TABLE(v_departures, '$[*]' COLUMNS (id BIGINT PATH '$')) one
    ) own
    STRAIGHT_JOIN inventory_departure departure ON own.id = departure.id
    SET departure.stock_version = departure.stock_version + 1;
    INSERT INTO bookings_reservationevent (
        reservation_id, at, kind, from_state, to_state, actor_kind, actor_id, reason, details
    )
    VALUES (
        v_reservation, p_now, IF(v_after = 'cancelled', 'cancelled', 'part_cancelled'),
        'paid', v_after, p_actor_kind, p_actor, p_reason,
        CONCAT('{"seats": ', v_seats, ', "coupons": ', JSON_EXTRACT(p_command, '$.ids'), '}')
    );

    SET v_payment = (SELECT id FROM payments_payment WHERE settles_id = v_reservation FOR UPDATE);
    SET v_i = 0;
    WHILE v_i < JSON_LENGTH(p_command, '$.accounts') DO
        SET v_account = JSON_EXTRACT(p_command, CONCAT('$.accounts[', v_i, ']'));
        SET v_lock = (SELECT id FROM payments_account WHERE id = v_account FOR UPDATE);
        SET v_i = v_i + 1;
    END WHILE;

    INSERT INTO payments_cancellation (
        reservation_id, at, actor_kind, actor_id, reason_code, reason, penalty_waived, quoted_until
    )
    SELECT v_reservation, p_now, p_actor_kind, p_actor, one.reason_code, one.reason, one.waived,
        CAST(one.until AS DATETIME(6))
    FROM JSON_TABLE(p_command, '$' COLUMNS (
        reason_code VARCHAR(20) PATH '$.reason_code',
        reason VARCHAR(300) PATH '$.reason',
        waived INT PATH '$.waived',
        until VARCHAR(32) PATH '$.until'
    )) one;
    SET v_cancellation = LAST_INSERT_ID();
    INSERT INTO payments_cancelledcoupon (
        cancellation_id, coupon_id, penalty_minor, refund_minor, waived_minor,
        penalty_basis_points, tier_minutes_before
    )
    SELECT v_cancellation, one.id, one.penalty, one.refund, one.waived, one.share, one.tier
    FROM JSON_TABLE(p_command, '$.coupons[*]' COLUMNS (
        id BIGINT PATH '$.id',
        penalty BIGINT PATH '$.penalty',
        refund BIGINT PATH '$.refund',
        waived BIGINT PATH '$.waived',
        share INT PATH '$.share',
        tier INT PATH '$.tier'
    )) one;

    INSERT INTO payments_transfer (
        kind, reference, at, memo, payment_id, refund_id, cancellation_id, top_up_id, goodwill_id,
        settlement_id
    )
    VALUES (
        'cancelled', CONCAT('cancellation:', v_cancellation), p_now, '', v_payment, NULL,
        v_cancellation, NULL, NULL, NULL
    );
    SET v_transfer = LAST_INSERT_ID();
    SET v_i = 0;
    WHILE v_i < JSON_LENGTH(p_command, '$.sides') DO
        SET v_account = JSON_EXTRACT(p_command, CONCAT('$.sides[', v_i, '].account'));
        SET v_amount = JSON_EXTRACT(p_command, CONCAT('$.sides[', v_i, '].amount'));
        UPDATE payments_account SET balance_minor = balance_minor + v_amount WHERE id = v_account;
        INSERT INTO payments_entry (transfer_id, account_id, amount_minor)
        VALUES (v_transfer, v_account, v_amount);
        SET v_i = v_i + 1;
    END WHILE;

    IF JSON_LENGTH(p_command, '$.refund.minor') IS NULL THEN
        SELECT 'done' AS outcome, v_cancellation AS cancellation_id, NULL AS refund_id,
            '' AS refund_state;
        LEAVE cancel_coupons;
    END IF;
    SET v_amount = JSON_EXTRACT(p_command, '$.refund.minor');
    SELECT COALESCE(SUM(amount_minor), 0) INTO v_back
    FROM payments_refund WHERE payment_id = v_payment AND state <> 'rejected';
    SET v_state = IF(
        JSON_EXTRACT(p_command, '$.refund.waits') = 1,
        'pendingApproval',
        IF(JSON_LENGTH(p_command, '$.landing') > 0, 'done', 'queued')
    );
    INSERT INTO payments_refund (
        payment_id, cancellation_id, cause, reason_code, destination, amount_minor, state,
        reference, gateway_reference, created_at, due_at, lease_until, attempts, done_at,
        last_error, requested_by_id, decided_by_id, decided_at, note
    )
    SELECT payment.id, v_cancellation, 'cancellation', one.reason_code, one.destination, v_amount,
        v_state, CONCAT('cancellation:', v_cancellation, ':refund'), '', p_now, p_now, NULL, 0,
        IF(v_state = 'done', p_now, NULL), '', one.requested_by, NULL, NULL, ''
    FROM payments_payment payment
    JOIN JSON_TABLE(p_command, '$.refund' COLUMNS (
        reason_code VARCHAR(20) PATH '$.reason_code',
        destination VARCHAR(8) PATH '$.destination',
        requested_by BIGINT PATH '$.requested_by'
    )) one
    WHERE payment.id = v_payment AND payment.state = 'captured'
        AND payment.received_minor >= v_back + v_amount;
    IF ROW_COUNT() <> 1 THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refund too high';
    END IF;
    SET v_refund = LAST_INSERT_ID();

    IF v_state = 'done' THEN
        INSERT INTO payments_transfer (
            kind, reference, at, memo, payment_id, refund_id, cancellation_id, top_up_id,
            goodwill_id, settlement_id
        )
        VALUES (
            'refund', CONCAT('refund:', v_refund, ':done'), p_now,
            JSON_UNQUOTE(JSON_EXTRACT(p_command, '$.locator')), v_payment, v_refund,
            v_cancellation, NULL, NULL, NULL
        );
        SET v_transfer = LAST_INSERT_ID();
        SET v_i = 0;
        WHILE v_i < JSON_LENGTH(p_command, '$.landing') DO
            SET v_account = JSON_EXTRACT(p_command, CONCAT('$.landing[', v_i, '].account'));
            SET v_amount = JSON_EXTRACT(p_command, CONCAT('$.landing[', v_i, '].amount'));
            UPDATE payments_account SET balance_minor = balance_minor + v_amount
            WHERE id = v_account;
            INSERT INTO payments_entry (transfer_id, account_id, amount_minor)
            VALUES (v_transfer, v_account, v_amount);
            SET v_i = v_i + 1;
        END WHILE;
        INSERT INTO bookings_reservationevent (
            reservation_id, at, kind, from_state, to_state, actor_kind, actor_id, reason, details
        )
        VALUES (
            v_reservation, p_now, 'refunded', v_after, v_after, 'system', NULL, '',
            CONCAT(
                '{"refund": ', v_refund,
                ', "amount": ', JSON_EXTRACT(p_command, '$.refund.amount'),
                ', "currency": ', JSON_EXTRACT(p_command, '$.refund.currency'), '}'
            )
        );
    END IF;
    SELECT 'done' AS outcome, v_cancellation AS cancellation_id, v_refund AS refund_id,
        v_state AS refund_state;
END
