"""Where the API's doors to tickets and reservations stand."""

from django.urls import path

from bookings.api import document_views, views

urlpatterns = [
    path("tickets/search", views.SearchTickets.as_view()),
    path("tickets/<int:ticket_id>", views.TicketDetail.as_view()),
    path("tickets/<int:ticket_id>/seats", views.SeatMap.as_view()),
    path("reservations/reserve", views.Reserve.as_view()),
    path("reservations/my", views.MyReservations.as_view()),
    path("reservations/extend-hold", views.ExtendHold.as_view()),
    path("reservations/<int:reservation_id>", views.ReservationDetail.as_view()),
    path("reservations/<int:reservation_id>/documents", document_views.Documents.as_view()),
]
