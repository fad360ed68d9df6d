"""One's own account over the API: what changes, what waits for a code, and what never changes."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import services, tokens
from accounts.models import SavedPassenger, User
from tests.accounts.codes import newest_code
from tests.factories import PASSWORD, make_user
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db
PUT = "/users/update-profile"
NEW_PASSWORD = "nanoseconds-are-short"


def told(recipient):
    return list(
        OutboxMessage.objects.filter(recipient=recipient)
        .order_by("id")
        .values_list("kind", flat=True)
    )


class TestUpdateProfile:
    def test_what_is_not_sent_stays(self, api, traveller):
        answer = api.by(traveller).put(PUT, {"city": "London", "dateOfBirth": "1990-12-10"})

        assert answer.status_code == 200
        assert set(answer.json()) == {"message", "user"}
        user = answer.json()["user"]
        assert (user["city"], user["dateOfBirth"]) == ("London", "1990-12-10")
        assert (user["firstName"], user["email"]) == ("Ada", "ada@example.org")
        assert api.by(traveller).put(PUT, {"dateOfBirth": None}).json()["user"]["city"] == "London"
        assert User.objects.get().date_of_birth is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("firstName", ""),
            ("firstName", "A\u202eb"),
            ("lastName", "\u200b"),
            ("lastName", None),
            ("email", ""),
            ("email", None),
            ("email", "nobody"),
            ("phone", "12"),
            ("city", "a\u202bb"),
            ("dateOfBirth", "2126-06-01"),
            ("dateOfBirth", "1990-02-30"),
            ("language", "xx"),
        ],
    )
    def test_refuses_what_nobody_is_called(self, api, traveller, field, value):
        before = User.objects.values().get()

        answer = api.by(traveller).put(PUT, {"city": "London", field: value})

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [field]
        assert User.objects.values().get() == before

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("Jose\u0301", "José"),
            ("  José ", "José"),
            ("رهسپار", "رهسپار"),
            ("می\u200cروم", "می\u200cروم"),
            ("Nguyễn", "Nguyễn"),
            ("𠮷野", "𠮷野"),
            ("O'Neill-Łoś", "O'Neill-Łoś"),
        ],
    )
    def test_keeps_every_name_composed(self, api, traveller, typed, kept):
        answer = api.by(traveller).put(PUT, {"firstName": typed})

        assert answer.json()["user"]["firstName"] == kept
        assert User.objects.get().first_name == kept


class TestPowers:
    """Every column of a user, and what else somebody may wish for, in every body."""

    MINE = frozenset(
        {"first_name", "last_name", "email", "phone", "city", "date_of_birth", "language"}
    )
    WISHES = (True, 1, "1", "2020-01-01T00:00:00Z", "mallory@example.org", "+4915123456789", [1])

    @staticmethod
    def spellings(name):
        first, *rest = name.split("_")
        return {name, first + "".join(word.title() for word in rest), name.title()}

    def columns(self):
        fields = [field for field in User._meta.get_fields() if field.name not in self.MINE]
        assert {"is_staff", "password", "email_verified_at", "groups"} <= {f.name for f in fields}
        names = {getattr(field, "attname", field.name) for field in fields}
        return sorted(names | {field.name for field in fields} | {"balance", "roles", "userType"})

    def row(self, user):
        found = User.objects.filter(pk=user.pk).values().get()
        found["groups"] = list(user.groups.values_list("name", flat=True))
        found["permissions"] = user.user_permissions.count()
        return found

    @pytest.mark.parametrize("wish", WISHES, ids=str)
    def test_no_column_changes_by_the_profile(self, api, traveller, wish):
        before = self.row(traveller)
        body = {name: wish for column in self.columns() for name in self.spellings(column)}

        answer = api.by(traveller).put(PUT, {**body, "city": "London"})

        assert answer.status_code == 200
        assert self.row(traveller) == {**before, "city": "London"}
        assert told("ada@example.org") == []

    @pytest.mark.parametrize("wish", WISHES, ids=str)
    def test_no_column_comes_in_by_signing_up(self, api, wish, noon):
        sign_up = {"firstName": "G", "lastName": "H", "password": NEW_PASSWORD}
        plain = services.sign_up(
            email="plain@example.org",
            password=NEW_PASSWORD,
            first_name="G",
            last_name="H",
            now=noon,
        )
        for number, column in enumerate(self.columns()):
            for name in self.spellings(column) - {"password"}:
                email = f"p{number}@example.org"
                answer = api.post("/users/signup", {**sign_up, name: wish, "email": email})
                assert answer.status_code in (201, 400, 403, 409), (name, answer.content)
        for user in User.objects.exclude(pk=plain.pk):
            expected = {**self.row(plain), "id": user.pk, "email": user.email}
            # Its salt is drawn for each.
            expected["password"] = user.password
            assert self.row(user) == expected
            assert user.check_password(NEW_PASSWORD)

    def test_no_column_comes_in_with_a_passenger(self, api, traveller, stranger):
        answer = api.by(traveller).post(
            "/users/passengers",
            {
                "firstName": "A",
                "lastName": "B",
                "user": stranger.pk,
                "userID": stranger.pk,
                "user_id": stranger.pk,
                "passengerID": 77,
                "id": 77,
                "pk": 77,
                "createdAt": "2020-01-01T00:00:00Z",
            },
        )

        assert answer.status_code == 201
        saved = SavedPassenger.objects.get()
        assert (saved.user, saved.pk != 77, saved.created_at.year) == (traveller, True, 2026)


class TestNewContact:
    def test_waits_for_its_code_and_the_old_one_is_told(self, api, traveller, noon):
        client = api.by(traveller)

        user = client.put(PUT, {"email": "Ada@New.Example"}).json()["user"]

        assert (user["email"], user["pendingEmail"]) == ("ada@example.org", "ada@new.example")
        assert told("ada@example.org") == ["accounts.contact_changing"]
        code = newest_code("ada@new.example")
        confirmed = client.post(
            "/users/confirm-contact", {"contact": "ada@new.example", "otp": code}
        )
        assert confirmed.status_code == 200
        user = confirmed.json()["user"]
        assert (user["email"], user["pendingEmail"]) == ("ada@new.example", None)
        assert User.objects.get().email_verified_at == noon
        assert told("ada@example.org") == ["accounts.contact_changing", "accounts.contact_changed"]
        again = client.post("/users/confirm-contact", {"contact": "ada@new.example", "otp": code})
        assert again.status_code == 401

    def test_a_phone_waits_as_well_and_can_be_removed(self, api, traveller):
        client = api.by(traveller)

        user = client.put(PUT, {"phone": "+49 151 23456789"}).json()["user"]
        assert (user["phone"], user["pendingPhone"]) == (None, "+4915123456789")
        client.post(
            "/users/confirm-contact",
            {"contact": "+49 151 23456789", "otp": newest_code("+4915123456789")},
        )
        assert client.get("/users/me").json()["phone"] == "+4915123456789"

        assert client.put(PUT, {"phone": None}).json()["user"]["phone"] is None
        assert User.objects.get().phone_verified_at is None

    def test_the_last_contact_stays(self, api, noon):
        user = make_user(phone="+4915123456789", phone_verified_at=noon)
        User.objects.update(email=None, email_verified_at=None)

        answer = api.by(user).put(PUT, {"phone": ""})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["phone"])

    def test_one_that_was_never_proved_is_proved_in_the_same_way(self, api, noon):
        user = make_user(email="ada@example.org", email_verified_at=None)
        client = api.by(user)

        client.put(PUT, {"email": "ada@example.org"})
        client.post(
            "/users/confirm-contact",
            {"contact": "ada@example.org", "otp": newest_code("ada@example.org")},
        )

        user.refresh_from_db()
        assert user.email_verified_at == noon
        assert user.check_password(PASSWORD)
        assert client.get("/users/me").status_code == 200

    def test_nobody_learns_that_it_is_somebody_elses(self, api, traveller, stranger):
        client = api.by(traveller)

        taken = client.put(PUT, {"email": "mallory@example.org"})
        free = client.put(PUT, {"email": "nobody@example.org"})

        assert (taken.status_code, taken.json()["message"]) == (200, free.json()["message"])
        letter = OutboxMessage.objects.get(recipient="mallory@example.org").body
        assert not [word for word in letter.split() if word.strip(".").isdigit()]

    def test_of_two_who_prove_it_the_second_is_told(self, api, traveller, stranger):
        for user in (traveller, stranger):
            api.by(user).put(PUT, {"email": "shared@example.org"})
            code = newest_code("shared@example.org")
            if user == traveller:
                first = code
        assert (
            api.by(traveller)
            .post("/users/confirm-contact", {"contact": "shared@example.org", "otp": first})
            .status_code
            == 200
        )

        late = api.by(stranger).post(
            "/users/confirm-contact", {"contact": "shared@example.org", "otp": code}
        )

        assert (late.status_code, late.json()["code"]) == (409, "email_taken")
        stranger.refresh_from_db()
        assert stranger.email == "mallory@example.org"

    def test_a_withdrawn_one_is_proved_no_more(self, api, traveller):
        client = api.by(traveller)
        client.put(PUT, {"email": "ada@new.example"})
        code = newest_code("ada@new.example")
        client.put(PUT, {"email": "ada@example.org"})

        answer = client.post("/users/confirm-contact", {"contact": "ada@new.example", "otp": code})

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_otp")
        assert User.objects.get().pending_email is None


class TestChangePassword:
    def test_ends_every_sign_in_but_the_new_one(self, api, traveller):
        here, elsewhere = api.by(traveller), api.by(traveller)
        browser = Client()
        assert browser.login(username="ada@example.org", password=PASSWORD)
        kept = api.post("/users/login", {"email": "ada@example.org", "password": PASSWORD}).json()

        answer = here.post(
            "/users/change-password",
            {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD},
        )

        assert answer.status_code == 200
        for client in (here, elsewhere):
            assert client.get("/users/me").status_code == 401
        assert api.post("/users/refresh", {"refreshToken": kept["refreshToken"]}).status_code == 401
        assert browser.get("/account/").status_code == 302
        here.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        assert here.get("/users/me").status_code == 200
        assert told("ada@example.org") == ["accounts.password_changed"]
        assert User.objects.get().check_password(NEW_PASSWORD)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"newPassword": NEW_PASSWORD}, "currentPassword"),
            ({"currentPassword": "wrong", "newPassword": NEW_PASSWORD}, "currentPassword"),
            ({"currentPassword": PASSWORD, "newPassword": "password1"}, "newPassword"),
            ({"currentPassword": PASSWORD, "newPassword": "ada@example"}, "newPassword"),
            ({"currentPassword": PASSWORD}, "newPassword"),
        ],
    )
    def test_refuses_a_wrong_or_a_weak_one(self, api, traveller, body, field):
        client = api.by(traveller)

        answer = client.post("/users/change-password", body)

        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
        assert User.objects.get().check_password(PASSWORD)
        assert client.get("/users/me").status_code == 200

    def test_the_present_one_is_not_guessed_for_long(self, api, traveller, settings):
        settings.THROTTLES = "on"
        client = api.by(traveller)
        body = {"currentPassword": "wrong", "newPassword": NEW_PASSWORD}

        statuses = [client.post("/users/change-password", body).status_code for _ in range(10)]
        assert statuses.count(400) == 10
        right = client.post("/users/change-password", {**body, "currentPassword": PASSWORD})
        assert right.status_code == 429

    def test_a_code_stands_for_the_present_one_for_fifteen_minutes(self, api, clock, traveller):
        api.post("/otp/request-otp", {"contact": "ada@example.org"})
        signed_in = api.post(
            "/otp/verify-otp",
            {"contact": "ada@example.org", "otp": newest_code("ada@example.org")},
        ).json()
        renewed = api.post("/users/refresh", {"refreshToken": signed_in["refreshToken"]}).json()
        client = api.by(traveller)
        body = {"newPassword": NEW_PASSWORD}

        client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['token']}")
        assert client.post("/users/change-password", body).status_code == 400
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in['token']}")
        assert client.post("/users/change-password", body).status_code == 200
        assert User.objects.get().check_password(NEW_PASSWORD)

    def test_without_any_password_a_code_is_asked_for(self, api, traveller):
        traveller.set_unusable_password()
        traveller.save()

        answer = api.by(traveller).post("/users/change-password", {"newPassword": NEW_PASSWORD})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["currentPassword"])


class TestBan:
    def test_ends_everything_at_once(self, api, traveller, noon):
        client, pair = api.by(traveller), tokens.issue(user=traveller, now=noon)
        browser = Client()
        browser.force_login(traveller)
        assert (client.get("/users/me").status_code, browser.get("/account/").status_code) == (
            200,
            200,
        )

        User.objects.update(is_active=False)

        assert client.get("/users/me").status_code == 401
        assert api.post("/users/refresh", {"refreshToken": pair.refresh}).status_code == 401
        assert browser.get("/account/").status_code == 302


class TestPassengers:
    BODY = {"firstName": "Charles", "lastName": "Babbage", "dateOfBirth": "1991-12-26"}

    def test_are_saved_listed_and_forgotten(self, api, traveller):
        client = api.by(traveller)

        saved = client.post("/users/passengers", self.BODY)

        assert saved.status_code == 201
        passenger = saved.json()
        assert passenger.pop("message")
        assert passenger == {"passengerID": SavedPassenger.objects.get().pk, **self.BODY}
        assert client.get("/users/passengers").json()["results"] == [passenger]
        gone = client.delete(f"/users/passengers/{passenger['passengerID']}")
        assert gone.status_code == 200
        assert client.get("/users/passengers").json()["count"] == 0

    def test_are_nobody_elses(self, api, traveller, stranger):
        pk = api.by(traveller).post("/users/passengers", self.BODY).json()["passengerID"]

        assert api.by(stranger).get("/users/passengers").json()["results"] == []
        theirs = api.by(stranger).delete(f"/users/passengers/{pk}")
        none = api.by(stranger).delete(f"/users/passengers/{pk + 1}")
        assert (theirs.status_code, theirs.json()["code"]) == (404, "not_found")
        assert theirs.json()["detail"] == none.json()["detail"]
        assert SavedPassenger.objects.count() == 1

    def test_have_an_end(self, api, traveller, noon):
        SavedPassenger.objects.bulk_create(
            SavedPassenger(user=traveller, first_name="A", last_name="B", created_at=noon)
            for _ in range(50)
        )

        assert api.by(traveller).post("/users/passengers", self.BODY).status_code == 400
        assert SavedPassenger.objects.count() == 50
