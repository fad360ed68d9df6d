"""Where the API's doors to accounts stand."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("users/signup", views.SignUp.as_view()),
    path("users/login", views.LogIn.as_view()),
    path("users/refresh", views.Refresh.as_view()),
    path("users/logout", views.LogOut.as_view()),
    path("users/me", views.Me.as_view()),
]
