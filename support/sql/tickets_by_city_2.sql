-- The tickets that begin or end in a city, by any of its names as they are written, those that leave
-- last first. What a row shows is read for those alone that are answered.
CREATE PROCEDURE support_tickets_by_city_2(
    IN p_city VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
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
        SELECT STRAIGHT_JOIN coupon.id, leaves.departs_at
        FROM (
            SELECT sold.id, sold.from_call_id FROM inventory_ticket sold
            JOIN inventory_call stop ON stop.id = sold.from_call_id
            JOIN inventory_station place ON place.id = stop.station_id
            WHERE place.city_id IN (
                SELECT city.id FROM inventory_city city WHERE city.name = p_city
                UNION SELECT named.city_id FROM inventory_cityname named WHERE named.name = p_city
            )
            UNION
            SELECT sold.id, sold.from_call_id FROM inventory_ticket sold
            JOIN inventory_call stop ON stop.id = sold.to_call_id
            JOIN inventory_station place ON place.id = stop.station_id
            WHERE place.city_id IN (
                SELECT city.id FROM inventory_city city WHERE city.name = p_city
                UNION SELECT named.city_id FROM inventory_cityname named WHERE named.name = p_city
            )
        ) theirs
        JOIN inventory_call leaves ON leaves.id = theirs.from_call_id
        JOIN bookings_coupon coupon ON coupon.ticket_id = theirs.id
        ORDER BY leaves.departs_at DESC, coupon.id DESC
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
    ORDER BY found.departs_at DESC, found.id DESC;
END
