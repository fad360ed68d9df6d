-- Tickets that were sold from one instant to another, and those that were cancelled, by mode.
--
-- Of days that are closed what is kept of them is added up, of the time before and after the ledger's
-- transfers. Only days of one zone that follow each other without a gap count as closed.
CREATE PROCEDURE support_tickets_by_mode_2(IN p_from DATETIME(6), IN p_until DATETIME(6))
SQL SECURITY INVOKER
BEGIN
    DECLARE v_from, v_until DATETIME(6);
    DECLARE v_zone VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

    SET v_zone = (SELECT zone FROM support_closedday ORDER BY day DESC LIMIT 1);
    SELECT MIN(begins_at), MAX(ends_at) INTO v_from, v_until
    FROM support_closedday
    WHERE begins_at >= p_from AND ends_at <= p_until AND zone = v_zone
    HAVING SUM(TIMESTAMPDIFF(SECOND, begins_at, ends_at))
        = TIMESTAMPDIFF(SECOND, MIN(begins_at), MAX(ends_at));
    IF v_from IS NULL THEN
        SET v_from = p_from, v_until = p_from;
    END IF;

    SELECT counted.mode, SUM(counted.sold) AS tickets, SUM(counted.gone) AS cancelled
    FROM (
        SELECT kept.mode, SUM(CASE WHEN kept.move = 'sold' THEN kept.tickets ELSE 0 END) AS sold,
            SUM(CASE WHEN kept.move = 'cancelled' THEN kept.tickets ELSE 0 END) AS gone
        FROM support_daysales kept
        WHERE kept.day_id IN (
                SELECT closed.day FROM support_closedday closed
                WHERE closed.begins_at >= v_from AND closed.ends_at <= v_until AND closed.zone = v_zone
            )
            AND kept.move IN ('sold', 'cancelled')
        GROUP BY kept.mode
        UNION ALL
        SELECT STRAIGHT_JOIN service.mode, 1, 0
        FROM payments_transfer transfer
        JOIN payments_payment payment ON payment.id = transfer.payment_id
        JOIN bookings_passenger passenger ON passenger.reservation_id = payment.reservation_id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        JOIN inventory_departure departure ON departure.id = ticket.departure_id
        JOIN inventory_service service ON service.id = departure.service_id
        WHERE transfer.at >= p_from AND transfer.at < p_until
            AND (transfer.at < v_from OR transfer.at >= v_until)
            AND transfer.kind = 'payment' AND coupon.exchanged_for_id IS NULL
        UNION ALL
        SELECT STRAIGHT_JOIN service.mode, 0, 1
        FROM payments_transfer transfer
        JOIN payments_cancelledcoupon gone ON gone.cancellation_id = transfer.cancellation_id
        JOIN bookings_coupon coupon ON coupon.id = gone.coupon_id
        JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
        JOIN inventory_departure departure ON departure.id = ticket.departure_id
        JOIN inventory_service service ON service.id = departure.service_id
        WHERE transfer.at >= p_from AND transfer.at < p_until
            AND (transfer.at < v_from OR transfer.at >= v_until)
            AND transfer.kind = 'cancelled'
    ) counted
    GROUP BY counted.mode
    HAVING SUM(counted.sold) + SUM(counted.gone) > 0
    ORDER BY counted.mode;
END
