"""Opening accounts and proving who one is."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import services
from accounts.errors import EmailTaken, InvalidCredentials, TotpRequired
from accounts.models import User
from tests.factories import PASSWORD
from travel.common.errors import InvalidInput, NotAllowed

pytestmark = pytest.mark.django_db

DETAILS = {
    "email": " José@EXAMPLE.org",
    "password": "a-lovely-day-for-trains",
    "first_name": " Jose\u0301 ",
    "last_name": "Álvarez",
}


class TestSignUp:
    def test_stores_what_is_compared_normalised(self, noon):
        user = services.sign_up(**DETAILS, now=noon)

        assert user.email == "josé@example.org"
        assert user.first_name == "José"
        assert (user.is_staff, user.is_superuser, user.joined_at) == (False, False, noon)
        assert user.check_password("a-lovely-day-for-trains")

    def test_refuses_staff(self, noon):
        with pytest.raises(NotAllowed):
            services.sign_up(**DETAILS, user_type="Support", now=noon)

        assert not User.objects.exists()

    def test_refuses_a_password_like_the_name(self, noon):
        with pytest.raises(InvalidInput) as refused:
            services.sign_up(**{**DETAILS, "password": "Álvarez1"}, now=noon)

        assert list(refused.value.errors) == ["password"]

    def test_refuses_an_address_that_somebody_takes_in_the_same_moment(self, noon, monkeypatch):
        services.sign_up(**DETAILS, now=noon)
        # As if the other one had committed between the look and the insert.
        monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda self: False)

        with pytest.raises(EmailTaken):
            services.sign_up(**{**DETAILS, "email": "josé@example.org"}, now=noon)

        assert User.objects.count() == 1


class TestLogIn:
    def test_writes_down_when(self, traveller, noon):
        services.log_in(email="ada@example.org", password=PASSWORD, now=noon)

        assert User.objects.get().last_login == noon

    def test_staff_with_a_second_factor_need_its_code(self, staff, noon):
        device = TOTPDevice.objects.create(user=staff, name="phone", confirmed=True)
        credentials = {"email": "sam@office.example", "password": PASSWORD, "now": noon}

        with pytest.raises(TotpRequired):
            services.log_in(**credentials)
        with pytest.raises(InvalidCredentials):
            services.log_in(**credentials, totp="000000x")
        device.refresh_from_db()
        device.throttle_reset()
        code = f"{totp(device.bin_key):06d}"
        assert services.log_in(**credentials, totp=code) == staff

    def test_the_second_factor_is_not_asked_before_the_password_is_right(self, staff, noon):
        TOTPDevice.objects.create(user=staff, name="phone", confirmed=True)

        with pytest.raises(InvalidCredentials):
            services.log_in(email="sam@office.example", password="wrong", now=noon)


class TestContactBackend:
    def test_knows_an_address_however_it_is_typed(self, traveller):
        assert authenticate(username=" ADA@example.ORG", password=PASSWORD) == traveller
        assert authenticate(email="ada@example.org", password=PASSWORD) == traveller

    @pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
    def test_hashes_once_whether_the_address_is_known_or_not(self, traveller, monkeypatch, email):
        from django.contrib.auth.hashers import MD5PasswordHasher

        hashed = []
        encode = MD5PasswordHasher.encode
        monkeypatch.setattr(
            MD5PasswordHasher,
            "encode",
            lambda self, *args: (hashed.append(1), encode(self, *args))[1],
        )

        assert authenticate(username=email, password="wrong") is None
        assert len(hashed) == 1


class TestMe:
    def test_costs_one_statement(self, api, traveller, django_assert_num_queries):
        client = api.by(traveller)

        with django_assert_num_queries(1):
            assert client.get("/users/me").status_code == 200
