"""Where people get their data, and erase their account; support.pages.urls includes these."""

from django.urls import path

from support.pages import privacy_views

app_name = "privacy"
urlpatterns = [
    path("", privacy_views.data, name="data"),
    path("export/", privacy_views.export, name="export"),
    path("export/<int:export_id>/", privacy_views.download, name="download"),
    path("erase/", privacy_views.erase, name="erase"),
]
