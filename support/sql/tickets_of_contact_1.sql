-- The tickets of whoever has this e-mail address or telephone number (E.164), account or guest, the
-- newest reservation first.
CREATE PROCEDURE support_tickets_of_contact_1(
    IN p_contact VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN p_limit INT
)
SQL SECURITY INVOKER
BEGIN
    SELECT
        coupon.id AS coupon_id, reservation.locator, passenger.first_name, passenger.last_name,
        service.mode, service.number, origin.name AS origin, target.name AS destination,
        board.departs_at, coupon.state,
        (SELECT COALESCE(SUM(line.amount_minor), 0) FROM bookings_priceline line
         WHERE line.coupon_id = coupon.id) AS price_minor,
        reservation.currency_id AS currency
    FROM (
        SELECT held.id FROM bookings_reservation held
        JOIN accounts_user person ON person.id = held.user_id
        WHERE person.email = p_contact
        UNION
        SELECT held.id FROM bookings_reservation held
        JOIN accounts_user person ON person.id = held.user_id
        WHERE person.phone = p_contact
        UNION
        SELECT held.id FROM bookings_reservation held WHERE held.contact_email = p_contact
        UNION
        SELECT held.id FROM bookings_reservation held WHERE held.contact_phone = p_contact
    ) theirs
    JOIN bookings_reservation reservation ON reservation.id = theirs.id
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
    ORDER BY reservation.created_at DESC, reservation.id DESC, coupon.id
    LIMIT p_limit;
END
