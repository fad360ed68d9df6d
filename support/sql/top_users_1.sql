-- The users with most tickets in paid reservations that were made since an instant, cancelled tickets
-- aside.
CREATE PROCEDURE support_top_users_1(IN p_since DATETIME(6), IN p_limit INT)
SQL SECURITY INVOKER
BEGIN
    SELECT person.id AS user_id, person.first_name, person.last_name, person.email, person.phone,
        person.city, best.number
    FROM (
        SELECT STRAIGHT_JOIN reservation.user_id, COUNT(*) AS number
        FROM bookings_reservation reservation
        JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
        JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
        WHERE reservation.created_at >= p_since AND reservation.state = 'paid'
            AND reservation.user_id IS NOT NULL AND coupon.state <> 'cancelled'
        GROUP BY reservation.user_id
        ORDER BY number DESC, reservation.user_id
        LIMIT p_limit
    ) best
    JOIN accounts_user person ON person.id = best.user_id
    ORDER BY best.number DESC, person.id;
END
