-- The users of a city who cancelled tickets themselves, with how many, those with most first.
CREATE PROCEDURE support_cancellers_of_city_1(
    IN p_city VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN p_limit INT
)
SQL SECURITY INVOKER
BEGIN
    SELECT person.id AS user_id, person.first_name, person.last_name, person.email, person.phone,
        person.city, COUNT(*) AS number
    FROM accounts_user person
    JOIN bookings_reservation reservation ON reservation.user_id = person.id
    JOIN payments_cancellation cancellation ON cancellation.reservation_id = reservation.id
    JOIN payments_cancelledcoupon gone ON gone.cancellation_id = cancellation.id
    WHERE person.city = p_city AND cancellation.actor_kind = 'holder'
    GROUP BY person.id, person.first_name, person.last_name, person.email, person.phone, person.city
    ORDER BY number DESC, person.id
    LIMIT p_limit;
END
