"""Where the pages about a person live."""

from django.urls import path

from accounts.pages import appearance, code, profile, second_factor, signing

app_name = "accounts"
urlpatterns = [
    path("account/appearance/", appearance.set_appearance, name="appearance"),
    path("account/language/", appearance.set_language, name="language"),
    path("account/sign-in/", signing.sign_in, name="sign-in"),
    path("account/sign-up/", signing.sign_up, name="sign-up"),
    path("account/sign-out/", signing.sign_out, name="sign-out"),
    path("account/code/", code.ask, name="code"),
    path("account/code/enter/", code.enter, name="enter-code"),
    path("account/", profile.profile, name="profile"),
    path(
        "account/passengers/<int:passenger_id>/remove/",
        profile.remove_passenger,
        name="remove-passenger",
    ),
    path("account/second-factor/", second_factor.set_up, name="second-factor"),
]
