"""Where every door of the house stands."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from bookings.pages import views
from travel import health, refused

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
    path("", include("travel.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("inventory.api.urls")),
    path("", include("bookings.api.urls")),
    path("", include("payments.api.urls")),
    path("", include("support.api.urls")),
    path("", include("bookings.pages.urls")),
    path("", include("accounts.pages.urls")),
    path("", include("payments.pages.urls")),
    path("", include("support.pages.urls")),
]

handler403 = refused.not_allowed
handler404 = refused.not_found
