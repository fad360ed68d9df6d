"""Where the pages about a person live."""

from django.urls import path

from accounts.pages import appearance, signing

app_name = "accounts"
urlpatterns = [
    path("account/appearance/", appearance.set_appearance, name="appearance"),
    path("account/language/", appearance.set_language, name="language"),
    path("account/sign-in/", signing.sign_in, name="sign-in"),
    path("account/sign-up/", signing.sign_up, name="sign-up"),
    path("account/sign-out/", signing.sign_out, name="sign-out"),
]
