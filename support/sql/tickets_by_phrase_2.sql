-- The tickets reserved since an instant in which a phrase occurs, the newest first: in the passenger's
-- name, in the service's number, or in the name of a city. Case does not matter; no character has a
-- meaning of its own.
--
-- Looked for in the names of all passengers, and among the tickets on offer, of which there are few for
-- the reservations made of them. What a row shows is read for those alone that are answered.
CREATE PROCEDURE support_tickets_by_phrase_2(
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
    FROM (
        (SELECT STRAIGHT_JOIN coupon.id, reservation.created_at
         FROM bookings_passenger passenger
         JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
         JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
         WHERE p_phrase <> '' AND reservation.created_at >= p_since
            AND LOCATE(
                LOWER(p_phrase), LOWER(CONCAT(passenger.first_name, ' ', passenger.last_name))
            ) > 0
         ORDER BY reservation.created_at DESC, coupon.id DESC
         LIMIT p_limit)
        UNION
        (SELECT STRAIGHT_JOIN coupon.id, reservation.created_at
         FROM inventory_ticket ticket
         JOIN inventory_departure departure ON departure.id = ticket.departure_id
         JOIN inventory_service service ON service.id = departure.service_id
         JOIN inventory_call board ON board.id = ticket.from_call_id
         JOIN inventory_station start ON start.id = board.station_id
         JOIN inventory_city origin ON origin.id = start.city_id
         JOIN inventory_call alight ON alight.id = ticket.to_call_id
         JOIN inventory_station finish ON finish.id = alight.station_id
         JOIN inventory_city target ON target.id = finish.city_id
         JOIN bookings_coupon coupon ON coupon.ticket_id = ticket.id
         JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
         JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
         WHERE p_phrase <> '' AND reservation.created_at >= p_since
            AND LOCATE(
                LOWER(p_phrase), LOWER(CONCAT_WS('\n', service.number, origin.name, target.name))
            ) > 0
         ORDER BY reservation.created_at DESC, coupon.id DESC
         LIMIT p_limit)
        ORDER BY created_at DESC, id DESC
        LIMIT p_limit
    ) found
    JOIN bookings_coupon coupon ON coupon.id = found.id
    JOIN bookings_passenger passenger ON passenger.id = coupon.passenger_id
    JOIN bookings_reservation reservation ON reservation.id = passenger.reservation_id
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    JOIN inventory_departure departure ON departure.id = ticket.departure_id
    JOIN inventory_service service ON service.id = departure.service_id
    JOIN inventory_call board ON board.id = ticket.from_call_id
    JOIN inventory_station start ON start.id = board.station_id
    JOIN inventory_city origin ON origin.id = start.city_id
    JOIN inventory_call alight ON alight.id = ticket.to_call_id
    JOIN inventory_station finish ON finish.id = alight.station_id
    JOIN inventory_city target ON target.id = finish.city_id
    ORDER BY found.created_at DESC, found.id DESC;
END
