-- The users who bought most tickets since an instant, those aside that were cancelled since.
--
-- Of days that are closed what is kept of them is added up, of the time before and after the ledger's
-- transfers. Only days of one zone that follow each other without a gap count as closed.
CREATE PROCEDURE support_top_users_2(IN p_since DATETIME(6), IN p_limit INT)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_from, v_until DATETIME(6);
    DECLARE v_zone VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

    SET v_zone = (SELECT zone FROM support_closedday ORDER BY day DESC LIMIT 1);
    SELECT MIN(begins_at), MAX(ends_at) INTO v_from, v_until
    FROM support_closedday
    WHERE begins_at >= p_since AND zone = v_zone
    HAVING SUM(TIMESTAMPDIFF(SECOND, begins_at, ends_at))
        = TIMESTAMPDIFF(SECOND, MIN(begins_at), MAX(ends_at));
    IF v_from IS NULL THEN
        SET v_from = p_since, v_until = p_since;
    END IF;

    SELECT person.id AS user_id, person.first_name, person.last_name, person.email, person.phone,
        person.city, best.number
    FROM (
        SELECT counted.user_id, SUM(counted.number) AS number
        FROM (
            SELECT kept.user_id, SUM(kept.sold) - SUM(kept.cancelled) AS number
            FROM support_daycustomer kept
            WHERE kept.day_id IN (
                SELECT closed.day FROM support_closedday closed
                WHERE closed.begins_at >= v_from AND closed.ends_at <= v_until AND closed.zone = v_zone
            )
            GROUP BY kept.user_id
            UNION ALL
            SELECT STRAIGHT_JOIN reservation.user_id, 1
            FROM payments_transfer transfer
            JOIN payments_payment payment ON payment.id = transfer.payment_id
            JOIN bookings_reservation reservation ON reservation.id = payment.reservation_id
            JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
            JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
            WHERE (transfer.at >= p_since AND transfer.at < v_from OR transfer.at >= v_until)
                AND transfer.kind = 'payment' AND coupon.exchanged_for_id IS NULL
                AND reservation.user_id IS NOT NULL
            UNION ALL
            SELECT STRAIGHT_JOIN reservation.user_id, -1
            FROM payments_transfer transfer
            JOIN payments_cancelledcoupon gone ON gone.cancellation_id = transfer.cancellation_id
            JOIN bookings_coupon coupon ON coupon.id = gone.coupon_id
            JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
            JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
            WHERE (transfer.at >= p_since AND transfer.at < v_from OR transfer.at >= v_until)
                AND transfer.kind = 'cancelled' AND reservation.user_id IS NOT NULL
        ) counted
        GROUP BY counted.user_id
        HAVING SUM(counted.number) > 0
        ORDER BY number DESC, counted.user_id
        LIMIT p_limit
    ) best
    JOIN accounts_user person ON person.id = best.user_id
    ORDER BY best.number DESC, person.id;
END
