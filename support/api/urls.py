"""Where the API's doors to reports and to the support desk stand."""

from django.urls import path

from support.api import lookups, views
from support.api.numbers import VIEWS

urlpatterns = [
    path("reports/submit", views.SubmitReport.as_view()),
    path("reports/my", views.MyReports.as_view()),
    path("reports/<int:report_id>", views.ReportDetail.as_view()),
    path("reports/<int:report_id>/messages", views.AddReportMessage.as_view()),
    path("reports/<int:report_id>/close", views.CloseReport.as_view()),
    path("support/admin/reports", views.AllReports.as_view()),
    path("support/admin/reports/respond", views.RespondToReport.as_view()),
    path("support/reservations", views.AllReservations.as_view()),
    path("support/reservations/<int:reservation_id>/story", views.ReservationStory.as_view()),
    path("support/reservations/cancel", views.CancelAnyReservation.as_view()),
    path("support/payments/cancelled", views.CancelledPayments.as_view()),
    *(path(f"support/analytics/{name}", view.as_view()) for name, view in VIEWS.items()),
    *(
        path(f"support/analytics/look-ups/{name}", view.as_view())
        for name, view in lookups.VIEWS.items()
    ),
]
