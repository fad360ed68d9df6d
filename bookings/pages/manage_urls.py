"""Where a traveller looks after what is booked; bookings.pages.urls includes these."""

from django.urls import path

from bookings.pages import (
    cancelling_views,
    names_views,
    opening_views,
    rebooking_views,
    reservation_views,
    seats_views,
    trips_views,
)

urlpatterns = [
    path("my-trips/", trips_views.my_trips, name="my-trips"),
    path("find-booking/", opening_views.find, name="find"),
    path("booking/<str:locator>/", reservation_views.reservation, name="reservation"),
    path("booking/<str:locator>/done/", reservation_views.done, name="done"),
    path("booking/<str:locator>/extend/", reservation_views.extend, name="extend"),
    path("booking/<str:locator>/prove/", opening_views.prove, name="prove"),
    path("booking/<str:locator>/cancel/", cancelling_views.cancel, name="cancel"),
    path("booking/<str:locator>/seats/", seats_views.change_seats, name="change-seats"),
    path("booking/<str:locator>/names/", names_views.names, name="names"),
    path("booking/<str:locator>/another/", rebooking_views.rebook, name="rebook"),
]
