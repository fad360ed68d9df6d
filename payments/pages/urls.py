"""Where travellers pay, and where the sandbox plays their bank."""

from django.urls import path

from payments.pages import receipt_views, sandbox, views

app_name = "payments"
urlpatterns = [
    path("checkout/<str:locator>/payment/", views.payment, name="payment"),
    path("wallet/", views.wallet, name="wallet"),
    path("receipts/<int:receipt_id>/", receipt_views.receipt, name="receipt"),
    path("receipts/<int:receipt_id>.pdf", receipt_views.receipt_pdf, name="receipt-pdf"),
    path("pay/return/<str:key>/", sandbox.come_back, name="come_back"),
    path("pay/sandbox/<str:key>/", sandbox.ask, name="sandbox"),
]
