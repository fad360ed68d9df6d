"""Where every door of the house stands."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("travel.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("inventory.api.urls")),
    path("", include("bookings.api.urls")),
    path("", include("payments.api.urls")),
]
