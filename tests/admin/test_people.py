"""Who comes in at the staff's door, and who may raise whom."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import tokens
from accounts.models import User
from tests import factories

PASSWORD = factories.PASSWORD
NEW = "a-new-pass-word-1"


@pytest.fixture
def agent(staff: User) -> User:
    """A support agent who may look at people and change them, as far as staff may."""
    role = Group.objects.get(name="support agent")
    role.permissions.set(
        Permission.objects.filter(codename__in=["view_user", "change_user", "view_reservation"])
    )
    return staff


@pytest.fixture
def agents_browser(agent: User, settings, client: Client) -> Client:
    settings.STAFF_2FA = "optional"
    client.force_login(agent)
    return client


def sign_in(client: Client, user: User, *, code: str = "", password: str = PASSWORD):
    return client.post(
        reverse("admin:login"),
        {"username": user.email, "password": password, "code": code, "next": "/admin/"},
    )


def code_now(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key, device.step, device.t0, device.digits):06}"


class TestTheDoor:
    def test_without_a_second_factor_it_stays_shut(self, client: Client, chief, settings) -> None:
        settings.STAFF_2FA = "required"

        answer = sign_in(client, chief)

        assert answer.status_code == 200
        assert "no second factor yet" in answer.content.decode()
        assert client.get("/admin/").status_code == 302

    def test_a_session_of_the_pages_does_not_open_it(self, client, chief, settings) -> None:
        settings.STAFF_2FA = "required"
        client.force_login(chief)

        assert client.get("/admin/").status_code == 302
        assert client.get(reverse("admin:bookings_reservation_changelist")).status_code == 302

    def test_the_code_opens_it(self, client: Client, chief, settings) -> None:
        settings.STAFF_2FA = "required"
        device = TOTPDevice.objects.create(user=chief, name="phone")

        assert sign_in(client, chief).status_code == 200
        assert sign_in(client, chief, code="000000").status_code == 200
        assert client.get("/admin/").status_code == 302
        TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
        assert sign_in(client, chief, code=code_now(device)).status_code == 302
        assert client.get("/admin/").status_code == 200

    def test_whoever_has_a_second_factor_needs_it_even_where_it_is_optional(
        self, client: Client, chief, settings
    ) -> None:
        settings.STAFF_2FA = "optional"
        TOTPDevice.objects.create(user=chief, name="phone")

        assert sign_in(client, chief).status_code == 200
        assert client.get("/admin/").status_code == 302

    def test_a_wrong_password_is_told_before_the_code(self, client, chief, settings) -> None:
        settings.STAFF_2FA = "required"

        text = sign_in(client, chief, password="wrong").content.decode()

        assert "second factor yet" not in text
        assert "correct" in text

    def test_travellers_stay_outside(self, client: Client, traveller, settings) -> None:
        settings.STAFF_2FA = "optional"

        assert sign_in(client, traveller).status_code == 200
        client.force_login(traveller)
        assert client.get("/admin/").status_code == 302

    def test_guesses_are_counted(self, client: Client, chief, settings) -> None:
        settings.STAFF_2FA = "optional"
        settings.THROTTLES = "on"
        for _ in range(10):
            sign_in(client, chief, password="wrong")

        assert sign_in(client, chief).status_code == 200
        assert client.get("/admin/").status_code == 302


class TestPower:
    def test_nobody_raises_himself(self, agents_browser: Client, agent: User) -> None:
        page = reverse("admin:accounts_user_change", args=[agent.pk])

        answer = agents_browser.post(
            page, {"is_active": "on", "is_staff": "on", "is_superuser": "on"}
        )

        assert answer.status_code == 403
        agent.refresh_from_db()
        assert not agent.is_superuser

    def test_an_agent_raises_nobody(self, agents_browser: Client, traveller: User) -> None:
        page = reverse("admin:accounts_user_change", args=[traveller.pk])
        role = Group.objects.get(name="support agent")

        answer = agents_browser.post(
            page,
            {
                "is_active": "on",
                "is_staff": "on",
                "is_superuser": "on",
                "groups": [role.pk],
                "user_permissions": [Permission.objects.first().pk],
                "email": "other@example.org",
                "saved_passengers-TOTAL_FORMS": "0",
                "saved_passengers-INITIAL_FORMS": "0",
            },
        )

        assert answer.status_code == 302
        traveller.refresh_from_db()
        assert (traveller.is_staff, traveller.is_superuser) == (False, False)
        assert traveller.email == "ada@example.org"
        assert not traveller.groups.exists()
        assert not traveller.user_permissions.exists()

    def test_an_agent_closes_an_account(
        self, agents_browser: Client, traveller: User, clock
    ) -> None:
        page = reverse("admin:accounts_user_change", args=[traveller.pk])
        forms = {"saved_passengers-TOTAL_FORMS": "0", "saved_passengers-INITIAL_FORMS": "0"}

        tokens.issue(user=traveller, now=clock.now())

        assert agents_browser.post(page, forms).status_code == 302
        traveller.refresh_from_db()
        assert not traveller.is_active
        assert traveller.token_families.get().revoked_because == "closed"

    @pytest.mark.parametrize("whose", ["traveller", "chief", "staff"])
    def test_an_agent_sets_no_password(self, agents_browser, request, whose: str) -> None:
        user = request.getfixturevalue(whose)
        page = reverse("admin:auth_user_password_change", args=[user.pk])
        new = {"password1": NEW, "password2": NEW}

        assert agents_browser.get(page).status_code == 403
        assert agents_browser.post(page, new).status_code == 403
        user.refresh_from_db()
        assert user.check_password(PASSWORD)

    def test_an_agent_makes_no_account_and_no_role(self, agents_browser: Client) -> None:
        for page in ("accounts_user", "auth_group", "inventory_membership"):
            assert agents_browser.get(reverse(f"admin:{page}_add")).status_code == 403

    def test_an_agent_sees_only_what_the_role_shows(self, agents_browser: Client) -> None:
        shown = reverse("admin:bookings_reservation_changelist")
        hidden = reverse("admin:payments_account_changelist")

        assert agents_browser.get(shown).status_code == 200
        assert agents_browser.get(hidden).status_code == 403

    def test_a_superuser_makes_a_staff_account(self, desk: Client, clock) -> None:
        answer = desk.post(
            reverse("admin:accounts_user_add"),
            {
                "email": " Nora@Office.Example ",
                "usable_password": "true",
                "password1": NEW,
                "password2": NEW,
            },
        )

        assert answer.status_code == 302
        nora = User.objects.get(email="nora@office.example")
        assert (nora.is_staff, nora.is_superuser) == (True, False)
        assert nora.joined_at == clock.now()
        assert nora.check_password(NEW)

    def test_two_accounts_do_not_share_an_address(self, desk: Client, traveller: User) -> None:
        before = User.objects.count()
        answer = desk.post(
            reverse("admin:accounts_user_add"),
            {
                "email": "ADA@example.org",
                "usable_password": "true",
                "password1": NEW,
                "password2": NEW,
            },
        )

        assert answer.status_code == 200
        assert User.objects.count() == before

    @pytest.mark.parametrize("whose", ["own", "a colleague's"])
    def test_a_new_password_signs_clients_out(
        self, desk: Client, chief: User, staff: User, clock, whose: str
    ) -> None:
        user = chief if whose == "own" else staff
        tokens.issue(user=user, now=clock.now())
        if whose == "own":
            page = reverse("admin:password_change")
            new = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
        else:
            page = reverse("admin:auth_user_password_change", args=[user.pk])
            new = {"usable_password": "true", "password1": NEW, "password2": NEW}

        assert desk.post(page, new | {"old_password": "wrong", "password1": ""}).status_code == 200
        assert user.token_families.get().revoked_at is None
        assert desk.post(page, new).status_code == 302
        user.refresh_from_db()
        assert user.check_password(NEW)
        assert user.token_families.get().revoked_at == clock.now()

    def test_a_superuser_gives_a_role(self, desk: Client, staff: User) -> None:
        role = Group.objects.create(name="night desk")
        answer = desk.post(
            reverse("admin:accounts_user_change", args=[staff.pk]),
            {
                "is_active": "on",
                "is_staff": "on",
                "groups": [role.pk],
                "saved_passengers-TOTAL_FORMS": "0",
                "saved_passengers-INITIAL_FORMS": "0",
            },
        )

        assert answer.status_code == 302
        assert list(staff.groups.all()) == [role]
