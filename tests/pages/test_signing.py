"""Signing up, in and out on the pages: the API's rules, a fresh session, and no way astray."""

from __future__ import annotations

import pytest
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from tests.conftest import Clock
from tests.factories import PASSWORD
from tests.pages.cast import signed_in, text_of

pytestmark = pytest.mark.django_db

NEW = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "Grace@Example.org",
    "password": "nanoseconds-are-short",
}


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


class TestSignIn:
    def test_leads_to_my_trips(self, client: Client, traveller: User, clock: Clock) -> None:
        answer = client.post(
            "/account/sign-in/", {"email": " ADA@example.org ", "password": PASSWORD}
        )

        assert answer.url == "/my-trips/"
        assert is_signed_in(client)

    def test_leads_to_where_one_was_going(self, client: Client, traveller: User) -> None:
        answer = client.post(
            "/account/sign-in/?next=/wallet/",
            {"email": "ada@example.org", "password": PASSWORD, "next": "/wallet/"},
        )

        assert answer.url == "/wallet/"

    @pytest.mark.parametrize(
        "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"]
    )
    def test_leads_nowhere_else(self, client: Client, traveller: User, elsewhere: str) -> None:
        answer = client.post(
            "/account/sign-in/",
            {"email": "ada@example.org", "password": PASSWORD, "next": elsewhere},
        )

        assert answer.url == "/my-trips/"
        assert elsewhere not in text_of(
            signed_in(traveller).get("/account/sign-in/", {"next": elsewhere}, follow=True)
        )

    @pytest.mark.parametrize(
        ("email", "password"),
        [("ada@example.org", "not-hers"), ("nobody@example.org", PASSWORD), ("nobody", PASSWORD)],
    )
    def test_does_not_say_which_of_the_two_is_wrong(
        self, client: Client, traveller: User, email: str, password: str
    ) -> None:
        answer = client.post("/account/sign-in/", {"email": email, "password": password})

        assert answer.status_code == 400
        assert "E-mail address or password is wrong." in text_of(answer)
        assert password not in answer.content.decode()
        assert not is_signed_in(client)

    def test_a_closed_account_stays_closed(self, client: Client, traveller: User) -> None:
        User.objects.filter(pk=traveller.pk).update(is_active=False)

        client.post("/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD})

        assert not is_signed_in(client)

    def test_asks_staff_for_the_second_factor(self, client: Client, staff: User) -> None:
        device = TOTPDevice.objects.create(user=staff, confirmed=True)
        details = {"email": "sam@office.example", "password": PASSWORD}

        asked = client.post("/account/sign-in/", details)
        wrong = client.post("/account/sign-in/", {**details, "totp": "000000"})
        assert not is_signed_in(client)
        TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
        code = f"{totp(device.bin_key):06d}"
        client.post("/account/sign-in/", {**details, "totp": code})

        assert "Code of your authenticator app" in text_of(asked)
        assert wrong.status_code == 400
        assert is_signed_in(client)

    def test_guesses_are_counted(
        self, client: Client, traveller: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("django.conf.settings.THROTTLES", "on")
        for _ in range(10):
            client.post("/account/sign-in/", {"email": "ada@example.org", "password": "wrong"})

        answer = client.post(
            "/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD}
        )

        assert "Too many requests. Please wait a moment." in text_of(answer)
        assert not is_signed_in(client)

    def test_gives_the_session_another_key(self, client: Client, traveller: User) -> None:
        client.post("/account/language/", {"language": "en"})
        session = client.session
        session["guest_secrets"] = {}
        session.save()
        before = session.session_key

        client.post("/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD})

        assert client.session.session_key != before

    def test_needs_the_token_of_its_form(self, traveller: User) -> None:
        browser = Client(enforce_csrf_checks=True)

        answer = browser.post(
            "/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD}
        )

        assert answer.status_code == 403


class TestSignUp:
    def test_opens_a_passengers_account_and_signs_in(self, client: Client, clock: Clock) -> None:
        answer = client.post("/account/sign-up/", NEW)

        user = User.objects.get(email="grace@example.org")
        assert answer.url == "/my-trips/"
        assert (user.full_name, user.is_staff, user.email_verified_at) == (
            "Grace Hopper",
            False,
            None,
        )
        assert client.session["_auth_user_id"] == str(user.pk)

    def test_a_known_address_is_told_at_its_field(self, client: Client, traveller: User) -> None:
        answer = client.post("/account/sign-up/", {**NEW, "email": "ADA@example.org"})

        page = text_of(answer)
        assert answer.status_code == 400
        assert "An account with this e-mail address exists already." in page
        assert 'href="#id_email"' in page
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"password": "short"}, "password"),
            ({"password": "12345678901"}, "password"),
            ({"password": "grace@example.org"}, "password"),
            ({"first_name": ""}, "first_name"),
            ({"first_name": "\u202egnp"}, "first_name"),
            ({"last_name": "x" * 81}, "last_name"),
            ({"email": "no address"}, "email"),
        ],
    )
    def test_refuses_bad_input_at_its_field(
        self, client: Client, wrong: dict[str, str], field: str
    ) -> None:
        answer = client.post("/account/sign-up/", {**NEW, **wrong})

        assert answer.status_code == 400
        assert f'id="id_{field}-error"' in answer.content.decode()
        assert not User.objects.exists()

    def test_gives_no_power(self, client: Client) -> None:
        client.post(
            "/account/sign-up/",
            {**NEW, "is_staff": "1", "user_type": "Support", "is_superuser": "1"},
        )

        user = User.objects.get()
        assert (user.is_staff, user.is_superuser) == (False, False)


class TestSignOut:
    def test_ends_the_session(self, traveller: User) -> None:
        browser = signed_in(traveller)

        answer = browser.post("/account/sign-out/")

        assert answer.url == "/"
        assert not is_signed_in(browser)

    def test_is_no_link(self, traveller: User) -> None:
        browser = signed_in(traveller)

        assert browser.get("/account/sign-out/").status_code == 405
        assert is_signed_in(browser)

    def test_forgets_what_guests_booked(self, client: Client, traveller: User) -> None:
        session = client.session
        session["guest_secrets"] = {"AAAAAA": "secret"}
        session.save()
        client.post("/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD})

        client.post("/account/sign-out/")

        assert "guest_secrets" not in client.session
