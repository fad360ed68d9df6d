"""Where travellers pay, and where the sandbox plays their bank."""

from django.urls import path

from payments.pages import sandbox, views

app_name = "payments"
urlpatterns = [
    path("checkout/<str:locator>/payment/", views.payment, name="payment"),
    path("wallet/", views.wallet, name="wallet"),
    path("pay/sandbox/<str:key>/", sandbox.ask, name="sandbox"),
]
