"""The gallery, an error page of each kind, and the few pages that every page links to."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from tests.pages.gallery import gallery


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def error_page(request: HttpRequest, status: str) -> HttpResponse:
    return render(request, f"{status}.html")


urlpatterns = [
    path("gallery/", gallery, name="home"),
    path("missing/", missing),
    path("broken/", broken),
    path("errors/<status>/", error_page),
    path("", include("accounts.pages.urls")),
    path("admin/", admin.site.urls),
]
