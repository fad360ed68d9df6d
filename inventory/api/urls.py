"""Where the API's doors to places stand."""

from django.urls import path

from inventory.api import views

urlpatterns = [path("tickets/cities", views.Cities.as_view())]
