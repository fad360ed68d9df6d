"""Signing in by a one-time code over the API."""

from __future__ import annotations

import pytest
import time_machine
from django.conf import settings as office
from django.core.cache import cache
from django.test import Client

from accounts import services, tokens
from accounts.models import TokenFamily, User
from tests.accounts.codes import another, newest_code
from tests.factories import PASSWORD, make_user
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db


def ask(api, contact, **extra):
    return api.post("/otp/request-otp", {"contact": contact}, **extra)


def show(api, contact, otp, **extra):
    return api.post("/otp/verify-otp", {"contact": contact, "otp": otp}, **extra)


def enter(api, contact):
    """Sign in by a code; answer the body."""
    assert ask(api, contact).status_code == 200
    answer = show(api, contact, newest_code(contact))
    assert answer.status_code == 200, answer.content
    return answer.json()


class TestAnAccount:
    def test_a_known_contact_comes_in(self, api, traveller, noon):
        body = enter(api, "ada@example.org")

        assert set(body) == {"message", "token", "refreshToken", "expiresIn"}
        assert tokens.read(access=body["token"], now=noon).user == traveller
        assert User.objects.get().last_login == noon

    def test_an_unknown_one_gets_a_passengers_account(self, api, noon):
        body = enter(api, "new@example.org")

        user = User.objects.get()
        assert (user.email, user.email_verified_at) == ("new@example.org", noon)
        assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (False,) * 3
        assert tokens.read(access=body["token"], now=noon).user == user

    def test_a_phone_comes_in_by_a_text_message(self, api, noon):
        enter(api, "+4915123456789")

        user = User.objects.get()
        assert (str(user.phone), user.phone_verified_at, user.email) == (
            "+4915123456789",
            noon,
            None,
        )
        assert OutboxMessage.objects.get().channel == "sms"

    @pytest.mark.parametrize("typed", [" ADA@Example.ORG ", "ada@example.org"])
    def test_a_contact_is_one_however_it_is_typed(self, api, traveller, typed):
        ask(api, typed)

        code = newest_code("ada@example.org")
        assert show(api, "Ada@example.org", f"{code[:3]} {code[3:]}").status_code == 200

    @pytest.mark.parametrize(
        "contact", ["", "ada", "@", "+49", "12345", "a\u202eb@example.org", "a@b", 7, None, {}]
    )
    def test_what_is_no_contact_is_refused(self, api, contact):
        assert ask(api, contact).status_code == 400
        assert show(api, contact, "123456").status_code == 400
        assert not OutboxMessage.objects.exists()

    @pytest.mark.parametrize("otp", ["12345", "1234567", "abcdef", "²23456", 123456, None, ""])
    def test_what_is_no_code_is_refused_and_is_no_guess(self, api, otp):
        ask(api, "ada@example.org")

        for _ in range(6):
            assert show(api, "ada@example.org", otp).status_code == 400
        assert show(api, "ada@example.org", newest_code("ada@example.org")).status_code == 200


class TestStaff:
    def test_never_come_in_by_a_code(self, api, staff, monkeypatch):
        known = []
        monkeypatch.setattr(
            "accounts.codes.secrets.randbelow", lambda bound: known.append(123456) or 123456
        )
        ask(api, "sam@office.example")

        answer = show(api, "sam@office.example", "123456")

        assert known
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_otp")
        assert not TokenFamily.objects.exists()
        assert "123456" not in OutboxMessage.objects.get().body

    def test_nor_does_whoever_became_staff_meanwhile(self, api, traveller):
        ask(api, "ada@example.org")
        User.objects.update(is_staff=True)

        assert show(api, "ada@example.org", newest_code("ada@example.org")).status_code == 401

    def test_a_closed_account_stays_closed(self, api, traveller):
        ask(api, "ada@example.org")
        User.objects.update(is_active=False)

        assert show(api, "ada@example.org", newest_code("ada@example.org")).status_code == 401
        assert not TokenFamily.objects.exists()


class TestAPreparedAccount:
    """Mallory signs up with Ada's address and waits for her to come."""

    @pytest.fixture
    def prepared(self, noon):
        user = services.sign_up(
            email="ada@example.org",
            password=PASSWORD,
            first_name="Mallory",
            last_name="Grey",
            now=noon,
        )
        User.objects.update(phone="+4915123456789", phone_verified_at=noon)
        return user

    def test_dies_before_its_owner_comes_in(self, api, prepared, noon):
        old_token = tokens.issue(user=prepared, now=noon)
        old_session = Client()
        assert old_session.login(username="ada@example.org", password=PASSWORD)

        enter(api, "ada@example.org")

        user = User.objects.get()
        assert not user.has_usable_password()
        assert (user.phone, user.pending_phone, user.pending_email) == (None, None, None)
        mallory = api.__class__(api.clock)
        mallory.credentials(HTTP_AUTHORIZATION=f"Bearer {old_token.access}")
        assert mallory.get("/users/me").status_code == 401
        refused = mallory.post("/users/refresh", {"refreshToken": old_token.refresh})
        assert refused.status_code == 401
        assert old_session.get("/account/").status_code == 302

    def test_a_proved_one_keeps_all_it_has(self, api, traveller, noon):
        mine = api.by(traveller)

        enter(api, "ada@example.org")

        assert User.objects.get().check_password(PASSWORD)
        assert mine.get("/users/me").status_code == 200


class TestReplay:
    def test_a_code_is_good_once_and_where_it_was_asked_for(self, api, traveller, stranger):
        ask(api, "ada@example.org")
        code = newest_code("ada@example.org")
        client = api.by(traveller)

        assert show(api, "mallory@example.org", code).status_code == 401
        confirmed = client.post(
            "/users/confirm-contact", {"contact": "ada@example.org", "otp": code}
        )
        assert (confirmed.status_code, confirmed.json()["code"]) == (401, "invalid_otp")
        assert show(api, "ada@example.org", code).status_code == 200
        assert show(api, "ada@example.org", code).status_code == 401

    def test_the_code_of_a_new_contact_signs_nobody_in(self, api, traveller, stranger):
        client = api.by(traveller)
        client.put("/users/update-profile", {"email": "ada@new.example"})
        code = newest_code("ada@new.example")

        assert show(api, "ada@new.example", code).status_code == 401
        theirs = api.by(stranger).post(
            "/users/confirm-contact", {"contact": "ada@new.example", "otp": code}
        )
        assert theirs.status_code == 401
        assert User.objects.count() == 2


class TestAlike:
    """Nobody learns from an answer who has an account."""

    CONTACTS = ("ada@example.org", "sam@office.example", "gone@example.org", "none@example.org")

    @pytest.fixture(autouse=True)
    def people(self, traveller, staff):
        make_user(email="gone@example.org", is_active=False)

    @staticmethod
    def seen(answer):
        """Answer all of an answer but the id that every request has of its own."""
        body = answer.json()
        body.pop("requestID", None)
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("X-Request-ID", "Content-Length", "RateLimit")
        }
        return answer.status_code, body, headers

    def test_asking(self, api, settings):
        settings.THROTTLES = "on"
        for _ in range(5):
            answers = [self.seen(ask(api, contact)) for contact in self.CONTACTS]
            assert answers[1:] == answers[:-1]
            assert answers[0][0] == 200
        assert [ask(api, contact).status_code for contact in self.CONTACTS] == [429] * 4

    def test_guessing(self, api):
        for _ in range(7):
            answers = [self.seen(show(api, contact, "000000")) for contact in self.CONTACTS]
            assert answers[1:] == answers[:-1]
            assert answers[0][0] == 401
        for contact in self.CONTACTS:
            ask(api, contact)
        codes = {
            contact: newest_code(contact) for contact in ("ada@example.org", "none@example.org")
        }
        wrong = next(f"{n:06}" for n in range(9) if f"{n:06}" not in codes.values())
        for _ in range(7):
            answers = [self.seen(show(api, contact, wrong)) for contact in self.CONTACTS]
            assert answers[1:] == answers[:-1]

    def test_logging_in(self, api):
        answers = [
            self.seen(api.post("/users/login", {"email": contact, "password": "wrong"}))
            for contact in self.CONTACTS
        ]

        assert answers[1:] == answers[:-1]
        assert answers[0][0] == 401


class TestLimits:
    @pytest.fixture(autouse=True)
    def limits_on(self, settings):
        settings.THROTTLES = "on"
        # At the beginning of a window, so that none ends during a test.
        with time_machine.travel("2026-06-01T12:00:00Z", tick=False):
            yield

    def test_five_codes_a_contact(self, api):
        assert [
            ask(api, "ada@example.org", REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(7)
        ] == [200] * 5 + [429] * 2
        assert OutboxMessage.objects.count() == 5

    def test_ten_numbers_of_one_block_from_anywhere(self, api):
        answers = [ask(api, f"+4915123450{n:03}", REMOTE_ADDR=f"192.0.2.{n}") for n in range(15)]

        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 5
        assert "Retry-After" in answers[-1].headers
        assert OutboxMessage.objects.count() == 10

    def test_thirty_contacts_from_one_address(self, api):
        statuses = [ask(api, f"p{n}@example.org").status_code for n in range(33)]

        assert statuses == [200] * 30 + [429] * 3

    def test_one_ipv6_subscriber_is_one_address(self, api):
        statuses = [
            ask(api, f"p{n}@example.org", REMOTE_ADDR=f"2001:db8::{n:x}").status_code
            for n in range(33)
        ]

        assert statuses.count(429) == 3

    def test_a_forged_header_makes_no_new_address(self, api):
        statuses = [
            ask(api, f"p{n}@example.org", HTTP_X_FORWARDED_FOR=f"198.51.100.{n}").status_code
            for n in range(33)
        ]

        assert statuses.count(429) == 3

    def test_the_days_text_messages_have_an_end(self, api, monkeypatch):
        from travel.common import limits

        monkeypatch.setitem(limits.LIMITS, "otp-sms", limits.Limit(3, 86_400, strict=True))

        statuses = [
            ask(api, f"+49151{n:02}345678", REMOTE_ADDR=f"192.0.2.{n}").status_code
            for n in range(20, 26)
        ]

        assert statuses == [200] * 3 + [429] * 3
        # E-mails cost nothing and go on.
        assert ask(api, "ada@example.org").status_code == 200

    def test_guesses_at_many_contacts_from_one_address(self, api):
        statuses = [show(api, f"p{n}@example.org", "123456").status_code for n in range(63)]

        assert statuses == [401] * 60 + [429] * 3


class TestWithoutRedis:
    @pytest.fixture(autouse=True)
    def no_redis(self, settings, tmp_path, empty_cache):
        settings.THROTTLES = "off"
        settings.CACHES = {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"unix://{tmp_path}/nobody.sock?db=0",
                "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},
            }
        }

    @pytest.mark.parametrize("throttles", ["on", "off"])
    def test_both_doors_stay_shut(self, api, traveller, settings, throttles):
        settings.THROTTLES = throttles

        for answer in (ask(api, "ada@example.org"), show(api, "ada@example.org", "123456")):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert "Retry-After" in answer.headers
        assert not OutboxMessage.objects.exists()

    def test_the_rest_of_the_profile_still_changes(self, api, traveller):
        client = api.by(traveller)

        assert client.put("/users/update-profile", {"city": "London"}).status_code == 200
        assert client.put("/users/update-profile", {"email": "x@y.example"}).status_code == 503
        assert User.objects.get().pending_email is None


class TestMessages:
    def test_the_code_is_in_the_body_alone(self, api):
        ask(api, "ada@example.org")

        message = OutboxMessage.objects.get()
        code = newest_code("ada@example.org")
        assert code not in (message.subject + message.kind + str(message.reference))
        assert (message.kind, message.channel) == ("accounts.code", "email")
        assert office.SITE_NAME in message.subject

    def test_a_wrong_code_is_told_as_such(self, api):
        ask(api, "ada@example.org")

        answer = show(api, "ada@example.org", another(newest_code("ada@example.org")))

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_otp")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        cache.clear()
