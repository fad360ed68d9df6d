"""Where staff stand at the door; bookings.pages.urls includes these."""

from django.urls import path

from bookings.pages import door_views

urlpatterns = [
    path("door/", door_views.doors, name="doors"),
    path("door/worker.js", door_views.worker, name="door-worker"),
    path("door/<int:departure_id>/", door_views.door, name="door"),
    path("door/<int:departure_id>/scans", door_views.scans, name="door-scans"),
    path("door/<int:departure_id>/list", door_views.device_list, name="door-list"),
    path("door/<int:departure_id>/reopen", door_views.reopen, name="door-reopen"),
    path("door/<int:departure_id>/passengers/", door_views.passengers, name="door-passengers"),
    path("door/<int:departure_id>/passengers.csv", door_views.passengers_csv, name="door-csv"),
]
