"""Where travellers pay, and where the sandbox plays their bank."""

from django.urls import path

from payments.pages import sandbox, views

app_name = "payments"
urlpatterns = [
    path("checkout/<str:locator>/payment/", views.payment, name="payment"),
    path("wallet/", views.wallet, name="wallet"),
    path("pay/return/<str:key>/", sandbox.come_back, name="come_back"),
    path("pay/sandbox/<str:key>/", sandbox.ask, name="sandbox"),
]
