-- Tickets of reservations that were made from one instant to another and paid, by mode, and how many
-- of them were cancelled since.
CREATE PROCEDURE support_tickets_by_mode_1(IN p_from DATETIME(6), IN p_until DATETIME(6))
SQL SECURITY INVOKER
BEGIN
    SELECT STRAIGHT_JOIN service.mode, COUNT(*) AS tickets, COUNT(gone.id) AS cancelled
    FROM bookings_reservation reservation
    JOIN payments_payment payment ON payment.settles_id = reservation.id
    JOIN bookings_passenger passenger ON passenger.reservation_id = reservation.id
    JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id
    JOIN inventory_ticket ticket ON ticket.id = coupon.ticket_id
    JOIN inventory_departure departure ON departure.id = ticket.departure_id
    JOIN inventory_service service ON service.id = departure.service_id
    LEFT JOIN payments_cancelledcoupon gone ON gone.coupon_id = coupon.id
    WHERE reservation.created_at >= p_from AND reservation.created_at < p_until
        AND coupon.exchanged_for_id IS NULL
    GROUP BY service.mode
    ORDER BY service.mode;
END
