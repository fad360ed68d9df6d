"""Signing up, in and out over the API."""

from __future__ import annotations

import pytest

from accounts.models import RefreshToken, User
from tests.factories import PASSWORD

SIGN_UP = {
    "firstName": "Grace",
    "lastName": "Hopper",
    "email": "Grace@Example.org ",
    "password": "a-lovely-day-for-trains",
    "userType": "Passenger",
}


class TestSignUp:
    def test_opens_an_account_and_signs_in(self, api):
        answer = api.post("/users/signup", SIGN_UP)

        assert answer.status_code == 201
        body = answer.json()
        assert set(body) == {"message", "userID", "token", "refreshToken", "expiresIn"}
        user = User.objects.get()
        assert (user.pk, user.email) == (body["userID"], "grace@example.org")
        assert user.email_verified_at is None
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {body['token']}")
        assert api.get("/users/me").json()["firstName"] == "Grace"

    def test_keeps_the_phone_pending_until_it_is_proved(self, api):
        api.post("/users/signup", {**SIGN_UP, "phone": "+49 30 901820"})

        user = User.objects.get()
        assert user.phone is None
        assert str(user.pending_phone) == "+4930901820"

    def test_refuses_a_known_address_however_it_is_typed(self, api, traveller):
        answer = api.post("/users/signup", {**SIGN_UP, "email": "ADA@example.org"})

        assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        "wish",
        [
            {"userType": "Support"},
            {"userType": "support"},
            {"isStaff": True},
            {"is_superuser": 1},
            {"roles": ["administrator"]},
            {"user_type": "Admin"},
        ],
    )
    def test_refuses_any_wish_for_power(self, api, wish):
        answer = api.post("/users/signup", {**SIGN_UP, **wish})

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert not User.objects.exists()

    def test_names_every_field_that_is_wrong(self, api):
        answer = api.post(
            "/users/signup",
            {
                "firstName": "",
                "lastName": "A\u202eB",
                "email": "no",
                "password": "x",
                "phone": "12",
            },
        )

        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert set(answer.json()["errors"]) == {"firstName", "lastName", "email", "phone"}

    def test_refuses_a_password_that_everybody_has(self, api):
        answer = api.post("/users/signup", {**SIGN_UP, "password": "password1"})

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["password"]
        assert not User.objects.exists()


class TestLogIn:
    def test_answers_tokens(self, api, traveller):
        answer = api.post("/users/login", {"email": "Ada@Example.org", "password": PASSWORD})

        assert answer.status_code == 200
        assert set(answer.json()) == {"message", "token", "refreshToken", "expiresIn"}

    @pytest.mark.parametrize(
        ("email", "password"),
        [("ada@example.org", "wrong"), ("nobody@example.org", PASSWORD), ("no address", "x")],
    )
    def test_refuses_alike_whatever_is_wrong(self, api, traveller, email, password):
        answer = api.post("/users/login", {"email": email, "password": password})

        assert answer.status_code == 401
        body = answer.json()
        body.pop("requestID")
        assert body == {
            "type": "http://127.0.0.1:8000/api/problems#invalid_credentials",
            "title": "E-mail address or password is wrong.",
            "status": 401,
            "detail": "E-mail address or password is wrong.",
            "code": "invalid_credentials",
        }
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_refuses_a_closed_account(self, api, traveller):
        User.objects.update(is_active=False)

        answer = api.post("/users/login", {"email": "ada@example.org", "password": PASSWORD})

        assert answer.json()["code"] == "invalid_credentials"


class TestRefresh:
    def test_gives_a_new_pair_once_and_revokes_the_family_on_reuse(self, api, traveller):
        first = api.post("/users/login", {"email": "ada@example.org", "password": PASSWORD}).json()
        second = api.post("/users/refresh", {"refreshToken": first["refreshToken"]})
        assert second.status_code == 200

        again = api.post("/users/refresh", {"refreshToken": first["refreshToken"]})

        assert (again.status_code, again.json()["code"]) == (401, "not_authenticated")
        # Who copied the first token, or whom it was copied from: both have to sign in again.
        heir = api.post("/users/refresh", {"refreshToken": second.json()["refreshToken"]})
        assert heir.status_code == 401
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {second.json()['token']}")
        assert api.get("/users/me").status_code == 401

    def test_refuses_an_expired_token(self, api, clock, traveller):
        pair = api.post("/users/login", {"email": "ada@example.org", "password": PASSWORD}).json()
        clock.advance(days=30)

        answer = api.post("/users/refresh", {"refreshToken": pair["refreshToken"]})

        assert answer.status_code == 401
        assert RefreshToken.objects.count() == 1


class TestLogOut:
    def test_ends_this_sign_in_and_no_other(self, api, traveller):
        here, elsewhere = api.by(traveller), api.by(traveller)

        assert here.post("/users/logout").status_code == 200

        assert here.get("/users/me").status_code == 401
        assert elsewhere.get("/users/me").status_code == 200


class TestMe:
    def test_needs_a_token(self, api):
        answer = api.get("/users/me")

        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_ends_with_the_token(self, api, clock, traveller):
        client = api.by(traveller)
        clock.advance(minutes=14, seconds=59)
        assert client.get("/users/me").status_code == 200

        clock.advance(seconds=1)

        assert client.get("/users/me").status_code == 401

    def test_ends_with_the_account(self, api, traveller):
        client = api.by(traveller)
        User.objects.update(is_active=False)

        assert client.get("/users/me").status_code == 401

    def test_does_not_look_at_the_session(self, api, traveller):
        api.force_login(traveller)

        assert api.get("/users/me").status_code == 401
