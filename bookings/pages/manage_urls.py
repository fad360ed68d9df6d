"""Where a traveller looks after what is booked; bookings.pages.urls includes these."""

from django.urls import path

from bookings.pages import cancelling_views, reservation_views, trips_views

urlpatterns = [
    path("my-trips/", trips_views.my_trips, name="my-trips"),
    path("booking/<str:locator>/", reservation_views.reservation, name="reservation"),
    path("booking/<str:locator>/done/", reservation_views.done, name="done"),
    path("booking/<str:locator>/extend/", reservation_views.extend, name="extend"),
    path("booking/<str:locator>/cancel/", cancelling_views.cancel, name="cancel"),
]
