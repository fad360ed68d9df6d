"""Where the pages of the top storey live."""

from django.urls import include, path

from support.pages import outbox

urlpatterns = [
    path("outbox/", outbox.messages, name="outbox"),
    path("account/data/", include("support.pages.privacy_urls")),
    path("help/", include("support.pages.help_urls")),
]
