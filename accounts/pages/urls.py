"""Where the pages about a person live."""

from django.urls import path

from accounts.pages import appearance

app_name = "accounts"
urlpatterns = [
    path("account/appearance/", appearance.set_appearance, name="appearance"),
    path("account/language/", appearance.set_language, name="language"),
]
