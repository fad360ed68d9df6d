"""Codes, the account and the second factor on the pages."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import tokens
from accounts.models import SavedPassenger, TokenFamily, User
from tests.accounts.codes import another, newest_code
from tests.factories import PASSWORD
from tests.pages.cast import signed_in, text_of
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db
ASK, ENTER, ACCOUNT = "/account/code/", "/account/code/enter/", "/account/"
NEW_PASSWORD = "nanoseconds-are-short"


def is_signed_in(client):
    return "_auth_user_id" in client.session


class TestCode:
    def test_signs_in_and_leads_to_where_one_was_going(self, client: Client, traveller, clock):
        asked = client.post(
            f"{ASK}?next=/wallet/", {"contact": "ADA@example.org", "next": "/wallet/"}
        )
        assert asked.url == f"{ENTER}?next=%2Fwallet%2F"
        page = text_of(client.get(asked.url))
        assert 'autocomplete="one-time-code"' in page
        assert "a…a@example.org" in page
        assert "ada@example.org" not in page.split('name="contact"')[0]
        code = newest_code("ada@example.org")

        entered = client.post(asked.url, {"otp": f" {code[:3]}-{code[3:]} ", "next": "/wallet/"})

        assert entered.url == "/wallet/"
        assert is_signed_in(client)
        assert client.get(ENTER).status_code == 302

    def test_changes_the_sessions_key(self, client: Client, traveller, clock):
        client.post(ASK, {"contact": "ada@example.org"})
        before = client.session.session_key

        client.post(ENTER, {"otp": newest_code("ada@example.org")})

        assert is_signed_in(client)
        assert client.session.session_key != before

    def test_tells_what_is_wrong_and_how_often_is_too_often(self, client, traveller, clock):
        client.post(ASK, {"contact": "ada@example.org"})
        code = newest_code("ada@example.org")

        for _ in range(5):
            answer = client.post(ENTER, {"otp": another(code)})
            assert answer.status_code == 400
            assert "This code is wrong or no longer valid." in text_of(answer)
        assert "Too many wrong codes." in text_of(client.post(ENTER, {"otp": code}))
        assert "Too many wrong codes." in text_of(client.post(ASK, {"contact": "ada@example.org"}))
        assert not is_signed_in(client)

    def test_looks_alike_whoever_is_asked_for(self, traveller, staff):
        seen = set()
        for contact in ("ada@example.org", "sam@office.example", "nobody@example.org"):
            browser = Client()
            assert browser.post(ASK, {"contact": contact}).status_code == 302
            page = text_of(browser.get(ENTER))
            answer = text_of(browser.post(ENTER, {"otp": "000000"}))
            masked = f"{contact[0]}…{contact.split('@')[0][-1]}@{contact.split('@')[1]}"
            for text in (page, answer):
                assert masked in text
                assert 'name="otp"' in text
            seen.add("This code is wrong" in answer)
        assert seen == {True}

    def test_without_asking_there_is_nothing_to_enter(self, client, db):
        assert client.get(ENTER).url == ASK

    @pytest.mark.parametrize("contact", ["", "nobody", "+49 12", "a\u202eb@example.org"])
    def test_refuses_what_is_no_contact(self, client, db, contact):
        assert client.post(ASK, {"contact": contact}).status_code == 400
        assert not OutboxMessage.objects.exists()


def send(client, action, **fields):
    return client.post(ACCOUNT, {"action": action, **fields})


class TestAccount:
    def test_is_ones_own(self, client, db):
        assert client.get(ACCOUNT).url == "/account/sign-in/?next=/account/"

    def test_changes_what_one_is_called(self, traveller, clock):
        browser = signed_in(traveller)

        answer = send(
            browser, "about", first_name="Jose\u0301", last_name="L", city="", language="en"
        )

        assert (answer.status_code, answer.url) == (302, ACCOUNT)
        assert User.objects.get().first_name == "José"
        assert "Your account is saved." in text_of(browser.get(ACCOUNT))

    def test_refuses_a_deceiving_name_and_keeps_the_rest(self, traveller):
        answer = send(
            signed_in(traveller), "about", first_name="A\u202eb", last_name="L", language="en"
        )

        assert answer.status_code == 400
        assert "not allowed here" in text_of(answer)
        assert User.objects.get().last_name == "Lovelace"

    def test_a_new_address_waits_and_is_confirmed(self, traveller, clock):
        browser = signed_in(traveller)
        send(browser, "email", email="ada@new.example")
        page = text_of(browser.get(ACCOUNT))
        assert "Confirm your e-mail" in page
        assert "ada@new.example" in page
        code = newest_code("ada@new.example")

        wrong = send(browser, "confirm", contact="ada@new.example", otp=another(code))
        assert "This code is wrong" in text_of(wrong)
        right = send(browser, "confirm", contact="ada@new.example", otp=code)

        assert right.status_code == 302
        assert User.objects.get().email == "ada@new.example"

    def test_a_phone_comes_and_goes(self, traveller, clock):
        browser = signed_in(traveller)
        send(browser, "phone", phone="+49 151 23456789")
        code = newest_code("+4915123456789")
        send(browser, "confirm", contact="+4915123456789", otp=code)
        assert str(User.objects.get().phone) == "+4915123456789"

        send(browser, "phone", phone="")

        assert User.objects.get().phone is None

    def test_a_new_password_ends_all_other_sessions_and_not_this_one(self, traveller, clock):
        here, elsewhere = signed_in(traveller), signed_in(traveller)
        pair = tokens.issue(user=traveller, now=clock.now())
        before = here.session.session_key

        answer = send(here, "password", current_password=PASSWORD, new_password=NEW_PASSWORD)

        assert answer.status_code == 302
        assert here.get(ACCOUNT).status_code == 200
        assert here.session.session_key != before
        assert elsewhere.get(ACCOUNT).status_code == 302
        assert TokenFamily.objects.get().revoked_because == "password"
        assert pair.refresh

    def test_a_wrong_present_password_changes_nothing(self, traveller, clock):
        answer = send(
            signed_in(traveller), "password", current_password="no", new_password=NEW_PASSWORD
        )

        assert "This is not your present password." in text_of(answer)
        assert User.objects.get().check_password(PASSWORD)

    def test_whoever_came_by_a_code_sets_one_without_it(self, client, clock, traveller):
        client.post(ASK, {"contact": "ada@example.org"})
        client.post(ENTER, {"otp": newest_code("ada@example.org")})
        assert "Present password" not in text_of(client.get(ACCOUNT))

        clock.advance(minutes=15)
        late = send(client, "password", new_password=NEW_PASSWORD)
        assert late.status_code == 400
        clock.moment -= timedelta(minutes=1)
        assert send(client, "password", new_password=NEW_PASSWORD).status_code == 302
        assert User.objects.get().check_password(NEW_PASSWORD)

    def test_keeps_passengers(self, traveller, stranger, clock):
        browser = signed_in(traveller)
        send(
            browser,
            "passenger",
            first_name="Charles",
            last_name="<b>Babbage</b>",
            date_of_birth="1991-12-26",
        )
        passenger = SavedPassenger.objects.get()
        assert "Charles &lt;b&gt;Babbage&lt;/b&gt;" in text_of(browser.get(ACCOUNT))
        path = f"/account/passengers/{passenger.pk}/remove/"

        signed_in(stranger).post(path)
        assert SavedPassenger.objects.exists()
        assert browser.get(path).status_code == 405
        browser.post(path)
        assert not SavedPassenger.objects.exists()

    def test_knows_no_other_action(self, traveller):
        answer = send(signed_in(traveller), "is_staff", is_staff="1")

        assert answer.status_code == 400
        assert not User.objects.get().is_staff

    def test_every_form_needs_its_token(self, traveller):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(traveller)

        for path in (ACCOUNT, "/account/passengers/1/remove/"):
            assert browser.post(path, {"action": "about"}).status_code == 403
        assert Client(enforce_csrf_checks=True).post(ASK, {"contact": "a@b.org"}).status_code == 403


class TestCookies:
    def test_are_for_this_site_and_no_script(self, client, traveller, settings, clock):
        settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
        client.post(
            "/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD}, secure=True
        )

        cookie = client.cookies["sessionid"]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")

    def test_a_session_handed_to_somebody_does_not_become_theirs(self, client, traveller, clock):
        client.get("/account/sign-in/")
        session = client.session
        session["planted"] = 1
        session.save()
        planted = session.session_key
        client.cookies["sessionid"] = planted

        client.post("/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD})

        assert is_signed_in(client)
        assert client.session.session_key != planted
        thief = Client()
        thief.cookies["sessionid"] = planted
        assert thief.get(ACCOUNT).status_code == 302


def code_of(key):
    return f"{totp(base64.b32decode(key)):06}"


class TestSecondFactor:
    PATH = "/account/second-factor/"

    @pytest.fixture(autouse=True)
    def required(self, settings):
        settings.STAFF_2FA = "required"

    def key_on(self, page):
        text = text_of(page)
        return text.split('<strong><bdi dir="ltr">')[1].split("<")[0].replace(" ", "")

    def test_staff_set_one_up_and_come_in(self, staff, clock):
        pair = tokens.issue(user=staff, now=clock.now())
        browser = signed_in(staff)
        assert browser.get("/admin/").status_code == 302
        page = browser.get(self.PATH)
        assert 'src="data:image/svg+xml' in text_of(page)
        key = self.key_on(page)
        assert self.key_on(browser.get(self.PATH)) == key
        before = browser.session.session_key

        answer = browser.post(self.PATH, {"otp": code_of(key)})

        assert answer.url == "/admin/"
        assert browser.get("/admin/").status_code == 200
        assert browser.session.session_key != before
        assert TOTPDevice.objects.get().confirmed
        # What was signed in without it is over; another browser has to show it.
        assert TokenFamily.objects.get().revoked_because == "second factor"
        assert signed_in(staff).get("/admin/").status_code == 302
        assert pair.access

    def test_a_wrong_code_sets_up_nothing(self, staff, clock):
        browser = signed_in(staff)
        key = self.key_on(browser.get(self.PATH))

        answer = browser.post(self.PATH, {"otp": another(code_of(key))})

        assert answer.status_code == 400
        assert not TOTPDevice.objects.get().confirmed
        assert browser.get("/admin/").status_code == 302

    def test_the_right_code_in_the_pause_after_a_wrong_one_is_told_as_too_early(self, staff, clock):
        browser = signed_in(staff)
        key = self.key_on(browser.get(self.PATH))
        browser.post(self.PATH, {"otp": another(code_of(key))})
        # The eighth wrong code in a row, just now: 128 seconds.
        failed = {"throttling_failure_count": 8, "throttling_failure_timestamp": timezone.now()}
        TOTPDevice.objects.update(**failed)

        answer = browser.post(self.PATH, {"otp": code_of(key)})

        text = text_of(answer)
        assert answer.status_code == 400
        assert re.search(r"Too many tries: wait 1[012]\d seconds", text)
        assert "wrong or no longer valid" not in text
        assert not TOTPDevice.objects.get().confirmed
        TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(0, 129))
        assert browser.post(self.PATH, {"otp": code_of(key)}).url == "/admin/"

    @pytest.mark.parametrize("zero", ["۰", "٠"])
    def test_digits_of_other_scripts_are_digits(self, client, staff, clock, zero):
        browser = signed_in(staff)
        key = self.key_on(browser.get(self.PATH))
        written = {ord("0") + one: chr(ord(zero) + one) for one in range(10)}
        typed = "\u200f" + code_of(key).translate(written)

        assert browser.post(self.PATH, {"otp": typed}).url == "/admin/"

        # The next code, at both doors.
        TOTPDevice.objects.update(last_t=-1)
        typed = code_of(key).translate(written)
        details = {"username": "sam@office.example", "password": PASSWORD, "code": typed}
        assert client.post("/admin/login/", details).status_code == 302
        assert client.get("/admin/").status_code == 200
        TOTPDevice.objects.update(last_t=-1)
        details = {"email": "sam@office.example", "password": PASSWORD, "totp": typed}
        elsewhere = Client()
        elsewhere.post("/account/sign-in/", details)
        assert elsewhere.get("/admin/").status_code == 200

    def test_what_is_no_code_is_not_said_to_have_been_sent(self, staff, clock):
        text = text_of(signed_in(staff).post(self.PATH, {"otp": "12"}))

        assert "Write the six digits that the app shows." in text
        assert "sent" not in text.split("<main")[1].split("</main")[0]

    @pytest.mark.parametrize(
        ("door", "names"),
        [
            ("/admin/login/", ("username", "password", "code")),
            ("/account/sign-in/", ("email", "password", "totp")),
        ],
    )
    def test_doors_tell_the_pause_to_whoever_knows_the_password(
        self, client, staff, clock, door, names
    ):
        device = TOTPDevice.objects.create(
            user=staff,
            name="phone",
            throttling_failure_count=8,
            throttling_failure_timestamp=timezone.now(),
        )
        said = ("sam@office.example", PASSWORD, f"{totp(device.bin_key):06}")

        text = text_of(client.post(door, dict(zip(names, said, strict=True))))

        assert re.search(r"Too many tries: wait 1[012]\d seconds", text)
        assert not is_signed_in(client)
        wrong = dict(zip(names, (said[0], "wrong", said[2]), strict=True))
        assert "Too many tries" not in text_of(client.post(door, wrong))

    def test_whoever_has_one_gets_no_other(self, staff, clock):
        TOTPDevice.objects.create(user=staff, name="phone")

        assert signed_in(staff).get(self.PATH).url == ACCOUNT
        assert TOTPDevice.objects.count() == 1

    def test_travellers_have_no_use_for_it(self, traveller):
        assert signed_in(traveller).get(self.PATH).status_code == 404
        assert not TOTPDevice.objects.exists()

    def test_signing_in_with_it_on_the_pages_opens_the_desk(self, client, staff, clock):
        device = TOTPDevice.objects.create(user=staff, name="phone")
        details = {"email": "sam@office.example", "password": PASSWORD}

        client.post("/account/sign-in/", {**details, "totp": f"{totp(device.bin_key):06}"})

        assert client.get("/admin/").status_code == 200

    def test_without_it_staff_see_no_more_than_a_traveller(self, staff, settings, rf):
        from accounts import viewers

        assert not viewers.of_user(staff).is_support
        TOTPDevice.objects.create(user=staff, name="phone")
        assert viewers.of_user(User.objects.get()).is_support
        TOTPDevice.objects.all().delete()
        settings.STAFF_2FA = "optional"
        assert viewers.of_user(staff).is_support
