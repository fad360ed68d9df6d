"""Where travellers search, book and look after their bookings."""

from django.urls import path

from bookings.pages import (
    checkout_views,
    connection_views,
    document_urls,
    door_urls,
    manage_urls,
    ticket_views,
    views,
)

app_name = "bookings"
urlpatterns = [
    path("search/", views.search, name="search"),
    path("search/forget/", views.forget_searches, name="forget-searches"),
    path("trip/<int:ticket_id>/", ticket_views.ticket, name="ticket"),
    path("trip/<int:ticket_id>/seats/", ticket_views.seats, name="seats"),
    path("connection/", connection_views.connection, name="connection"),
    path("checkout/", checkout_views.checkout, name="checkout"),
    *manage_urls.urlpatterns,
    *door_urls.urlpatterns,
    *document_urls.urlpatterns,
]
