"""Where a traveller looks after what is booked; bookings.pages.urls includes these."""

from django.urls import path

from bookings.pages import manage_views

urlpatterns = [
    path("my-trips/", manage_views.my_trips, name="my-trips"),
    path("booking/<str:locator>/", manage_views.reservation, name="reservation"),
    path("booking/<str:locator>/done/", manage_views.done, name="done"),
    path("booking/<str:locator>/cancel/", manage_views.cancel, name="cancel"),
    path("booking/<str:locator>/extend/", manage_views.extend, name="extend"),
]
