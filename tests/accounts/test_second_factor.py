"""Giving staff a second factor."""

from __future__ import annotations

import base64
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import services
from accounts.models import User
from travel.common.errors import NotFound


class TestGiveSecondFactor:
    def test_answers_what_an_authenticator_app_reads(self, staff: User, settings) -> None:
        settings.SITE_NAME = "Night & Day"

        address = services.give_second_factor(email="SAM@office.example ")

        parts = urlsplit(address)
        query = parse_qs(parts.query)
        device = TOTPDevice.objects.get(user=staff)
        assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
        assert base64.b32decode(query["secret"][0]) == device.bin_key
        assert query["issuer"] == ["Night & Day"]
        assert device.confirmed

    def test_an_older_one_stops_working(self, staff: User) -> None:
        services.give_second_factor(email="sam@office.example")
        first = TOTPDevice.objects.get(user=staff).key
        services.give_second_factor(email="sam@office.example")

        assert TOTPDevice.objects.get(user=staff).key != first

    @pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", ""])
    def test_is_for_staff_only(self, traveller: User, email: str) -> None:
        with pytest.raises(NotFound):
            services.give_second_factor(email=email)

        assert not TOTPDevice.objects.exists()


class TestCommand:
    def test_prints_it_once(self, staff: User) -> None:
        out = StringIO()

        call_command("second_factor", "sam@office.example", stdout=out)

        key = TOTPDevice.objects.get(user=staff).bin_key
        assert base64.b32encode(key).decode() in out.getvalue()

    def test_says_whom_it_does_not_know(self, db: None) -> None:
        with pytest.raises(CommandError, match="No staff account"):
            call_command("second_factor", "nobody@example.org")
