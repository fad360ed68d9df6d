"""Where a traveller finds help; support.pages.urls includes these."""

from django.urls import path

from support.pages import help_views

app_name = "support"
urlpatterns = [
    path("", help_views.reports, name="reports"),
    path("new/", help_views.submit, name="submit"),
    path("<int:report_id>/", help_views.report, name="report"),
]
