"""Where the API's doors to tickets and reservations stand."""

from django.urls import path

from bookings.api import change_views, document_views, views

urlpatterns = [
    path("tickets/search", views.SearchTickets.as_view()),
    path("tickets/<int:ticket_id>", views.TicketDetail.as_view()),
    path("tickets/<int:ticket_id>/seats", views.SeatMap.as_view()),
    path("reservations/reserve", views.Reserve.as_view()),
    path("reservations/my", views.MyReservations.as_view()),
    path("reservations/extend-hold", views.ExtendHold.as_view()),
    path("reservations/<int:reservation_id>", views.ReservationDetail.as_view()),
    path("reservations/change-seats", change_views.ChangeSeats.as_view()),
    path("reservations/correct-name", change_views.CorrectName.as_view()),
    path("reservations/rebook", change_views.Rebook.as_view()),
    path("reservations/<int:reservation_id>/alternatives", change_views.Alternatives.as_view()),
    path("reservations/<int:reservation_id>/documents", document_views.Documents.as_view()),
]
