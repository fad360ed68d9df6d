-- The tickets reserved since an instant in which a phrase occurs, the newest first: in the passenger's
-- name, in the service's number, or in the name of a city. Case does not matter; no character has a
-- meaning of its own.
CREATE PROCEDURE support_tickets_by_phrase_1(
    IN p_phrase VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN p_since DATETIME(6),
    IN p_limit INT
)
SQL SECURITY INVOKER
BEGIN
    SELECT STRAIGHT_JOIN
        coupon.id AS coupon_id, reservation.locator, passenger.first_name, passenger.last_name,
        service.mode, service.number, origin.name AS origin, target.name AS destination,
        board.departs_at, coupon.state,
        (SELECT COALESCE(SUM(line.amount_minor), 0) FROM bookings_priceline line
         WHERE line.coupon_id = coupon.id) AS price_minor,
        reservation.currency_id AS currency
    FROM bookings_reservation reservation
    JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    JOIN inventory_departure departure ON departure.id = ticket.departure_id
    JOIN inventory_service service ON service.id = departure.service_id
    JOIN inventory_call board ON board.id = ticket.from_call_id
    JOIN inventory_station start ON start.id = board.station_id
    JOIN inventory_city origin ON origin.id = start.city_id
    JOIN inventory_call alight ON alight.id = ticket.to_call_id
    JOIN inventory_station finish ON finish.id = alight.station_id
    JOIN inventory_city target ON target.id = finish.city_id
    WHERE reservation.created_at >= p_since AND p_phrase <> ''
        AND LOCATE(
            LOWER(p_phrase),
            LOWER(CONCAT_WS('\n', CONCAT(passenger.first_name, ' ', passenger.last_name),
                service.number, origin.name, target.name))
        ) > 0
    ORDER BY reservation.created_at DESC, coupon.id DESC
    LIMIT p_limit;
END
