"""Where the API's doors to money stand."""

from django.urls import path

from payments.api import receipt_views, views, webhooks

urlpatterns = [
    path("reservations/pay", views.Pay.as_view()),
    path("reservations/purchased", views.Purchased.as_view()),
    path("reservations/penalty/<int:reservation_id>", views.PenaltyOf.as_view()),
    path("reservations/cancel", views.Cancel.as_view()),
    path("reservations/<int:reservation_id>/receipts", receipt_views.ReceiptsOf.as_view()),
    path("reservations/receipts/<int:receipt_id>", receipt_views.Receipt.as_view()),
    path("payments/webhooks/<slug:gateway>", webhooks.hear),
    path("wallet", views.Wallet.as_view()),
    path("wallet/top-up", views.TopUp.as_view()),
]
