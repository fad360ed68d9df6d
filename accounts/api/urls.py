"""Where the API's doors to accounts stand."""

from django.urls import path

from accounts.api import codes, profile, views

urlpatterns = [
    path("otp/request-otp", codes.RequestOtp.as_view()),
    path("otp/verify-otp", codes.VerifyOtp.as_view()),
    path("users/signup", views.SignUp.as_view()),
    path("users/login", views.LogIn.as_view()),
    path("users/refresh", views.Refresh.as_view()),
    path("users/logout", views.LogOut.as_view()),
    path("users/me", views.Me.as_view()),
    path("users/update-profile", profile.UpdateProfile.as_view()),
    path("users/confirm-contact", profile.ConfirmContact.as_view()),
    path("users/change-password", profile.ChangePassword.as_view()),
    path("users/passengers", profile.Passengers.as_view()),
    path("users/passengers/<int:passenger_id>", profile.RemovePassenger.as_view()),
]
