"""Who comes in at the staff's door, and who may raise whom."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import tokens
from accounts.models import User
from inventory.models import Membership
from tests import factories
from travel.common.models import Act

PASSWORD = factories.PASSWORD
NEW = "a-new-pass-word-1"


@pytest.fixture
def agent(staff: User) -> User:
    """A support agent whom a group of the office's own lets change people, as far as staff may."""
    closing = Group.objects.create(name="closing accounts")
    closing.permissions.add(Permission.objects.get(codename="change_user"))
    staff.groups.add(closing)
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
        found = answer.content.decode()
        assert "no second factor yet" in found
        assert '<a href="/account/second-factor/">Set up your second factor</a>' in found
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
        refused = sign_in(client, chief, code="000000")
        assert refused.status_code == 200
        assert "/account/second-factor/" not in refused.content.decode()
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

        answer = agents_browser.post(
            page,
            {
                "is_active": "on",
                "is_staff": "on",
                "is_superuser": "on",
                "groups": [role("support agent")],
                "user_permissions": [Permission.objects.first().pk],
                "email": "other@example.org",
                "why": "It asks",
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
        forms["why"] = "Asked for it by letter"

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
                "first_name": " Nora ",
                "last_name": "Lind",
                "usable_password": "true",
                "password1": NEW,
                "password2": NEW,
                "why": "Begins on Monday",
            },
        )

        assert answer.status_code == 302
        nora = User.objects.get(email="nora@office.example")
        assert (nora.is_staff, nora.is_superuser) == (True, False)
        assert nora.joined_at == clock.now()
        assert nora.check_password(NEW)
        assert (nora.first_name, nora.last_name) == ("Nora", "Lind")

    def test_two_accounts_do_not_share_an_address(self, desk: Client, traveller: User) -> None:
        before = User.objects.count()
        answer = desk.post(
            reverse("admin:accounts_user_add"),
            {
                "email": "ADA@example.org",
                "first_name": "Nora",
                "last_name": "Lind",
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
        group = Group.objects.create(name="night desk")
        answer = desk.post(
            reverse("admin:accounts_user_change", args=[staff.pk]),
            {
                "is_active": "on",
                "is_staff": "on",
                "first_name": staff.first_name,
                "last_name": staff.last_name,
                "groups": [group.pk],
                "why": "Works at night",
                "saved_passengers-TOTAL_FORMS": "0",
                "saved_passengers-INITIAL_FORMS": "0",
            },
        )

        assert answer.status_code == 302
        assert list(staff.groups.all()) == [group]

    def test_a_superuser_makes_another_and_does_not_touch_himself(
        self, desk: Client, chief: User, staff: User
    ) -> None:
        assert save(desk, staff, is_superuser="on", is_staff="on", is_active="on") == 302
        staff.refresh_from_db()
        assert staff.is_superuser

        assert save(desk, chief, is_active="on") == 403
        chief.refresh_from_db()
        assert (chief.is_superuser, chief.is_staff) == (True, True)

    @pytest.mark.parametrize("why", ["", "   "])
    def test_is_given_for_a_reason(self, desk: Client, staff: User, why: str) -> None:
        flags = {"is_active": "on", "is_staff": "on", "groups": [role("finance")]}

        assert save(desk, staff, **flags, why=why) == 200
        assert not staff.groups.filter(name="finance").exists()
        assert save(desk, staff, **flags, why="Moves to finance") == 302
        assert staff.groups.filter(name="finance").exists()


# --- administrators -------------------------------------------------------------------------------


def save(browser: Client, person: User, *, why: str = "Asked for it", **fields: object) -> int:
    """Send the form of a person as a browser would, with whatever else; answer the status."""
    forms = {"saved_passengers-TOTAL_FORMS": "0", "saved_passengers-INITIAL_FORMS": "0"}
    names = {"first_name": person.first_name, "last_name": person.last_name}
    page = reverse("admin:accounts_user_change", args=[person.pk])
    return browser.post(page, {**forms, **names, "why": why, **fields}).status_code


def role(name: str) -> int:
    return Group.objects.get(name=name).pk


def groups_of(person: User) -> list[str]:
    return sorted(person.groups.values_list("name", flat=True))


@pytest.fixture
def boss(db: None) -> User:
    """An administrator who is no superuser."""
    return factories.make_user(
        email="berta@office.example", first_name="Berta", is_staff=True, roles=["administrator"]
    )


@pytest.fixture
def office(boss: User, settings, clock) -> Client:
    """The administrator's browser."""
    settings.STAFF_2FA = "optional"
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def night(db: None) -> Group:
    """A group of the office's own with a right that administrators lack."""
    group = Group.objects.create(name="night desk")
    group.permissions.add(Permission.objects.get(codename="delete_user"))
    return group


@pytest.fixture
def powerful(chief: User, night: Group) -> dict[str, User]:
    """Everybody whom an administrator does not govern."""
    other = factories.make_user(is_staff=True, roles=["administrator"])
    resting = factories.make_user(is_staff=True, is_active=False, roles=["administrator"])
    watch = factories.make_user(is_staff=True)
    watch.groups.add(night)
    singular = factories.make_user(is_staff=True)
    singular.user_permissions.add(Permission.objects.get(codename="delete_user"))
    return {
        "superuser": chief,
        "administrator": other,
        "closed administrator": resting,
        "with a right that administrators lack": watch,
        "with such a right of one's own": singular,
    }


POWERFUL = pytest.mark.parametrize(
    "whom",
    [
        "superuser",
        "administrator",
        "closed administrator",
        "with a right that administrators lack",
        "with such a right of one's own",
        "oneself",
    ],
)


class TestAdministrators:
    def test_make_a_staff_account(self, office: Client, boss: User, clock) -> None:
        new = {"usable_password": "true", "password1": NEW, "password2": NEW}
        answer = office.post(
            reverse("admin:accounts_user_add"),
            {
                "email": "nora@office.example",
                "first_name": "Nora",
                "last_name": "Lind",
                **new,
                "why": "Begins on Monday",
                "is_superuser": "on",
                "groups": [role("administrator")],
            },
        )

        assert answer.status_code == 302
        nora = User.objects.get(email="nora@office.example")
        assert (nora.is_staff, nora.is_superuser, groups_of(nora)) == (True, False, [])
        act = Act.objects.get()
        assert (act.kind, act.actor, act.about) == ("added", boss, f"accounts.user:{nora.pk}")
        assert (act.reason, act.address, act.at) == ("Begins on Monday", "127.0.0.1", clock.now())

    @pytest.mark.parametrize("name", ["support agent", "finance", "operations"])
    def test_give_and_take_roles(self, office: Client, staff: User, name: str) -> None:
        staff.groups.clear()
        flags = {"is_active": "on", "is_staff": "on"}

        assert save(office, staff, **flags, groups=[role(name)], why="New desk") == 302
        assert groups_of(staff) == [name]
        assert save(office, staff, **flags, groups=[]) == 302
        assert groups_of(staff) == []
        given, taken = Act.objects.order_by("entry_id")
        assert given.entry.get_change_message() == f"Roles given: {name}."
        assert given.reason == "New desk"
        assert taken.entry.get_change_message() == f"Roles taken: {name}."

    def test_close_an_account_and_what_is_signed_in_with_it(
        self, office: Client, staff: User, clock, api
    ) -> None:
        theirs, token = Client(), api.by(staff)
        theirs.force_login(staff)
        assert theirs.get("/admin/").status_code == 200
        assert token.get("/users/me").status_code == 200

        flags = {"is_staff": "on", "groups": [role("support agent")]}
        assert save(office, staff, **flags, why="Left the office") == 302

        assert theirs.get("/admin/").status_code == 302
        assert token.get("/users/me").status_code == 401
        act = Act.objects.get()
        assert (act.entry.get_change_message(), act.reason) == (
            "Account closed.",
            "Left the office",
        )

    def test_a_role_that_is_taken_ends_what_it_allowed_at_once(
        self, office: Client, staff: User, api
    ) -> None:
        theirs, token = Client(), api.by(staff)
        theirs.force_login(staff)
        reservations = reverse("admin:bookings_reservation_changelist")
        assert theirs.get(reservations).status_code == 200
        assert token.get("/support/reservations").status_code == 200

        assert save(office, staff, is_active="on", is_staff="on", groups=[]) == 302

        assert theirs.get(reservations).status_code == 403
        assert token.get("/support/reservations").status_code == 403

    def test_make_a_traveller_staff_and_a_traveller_again(
        self, office: Client, traveller: User
    ) -> None:
        flags = {"is_active": "on", "is_staff": "on", "groups": [role("finance")]}
        assert save(office, traveller, **flags) == 302
        traveller.refresh_from_db()
        assert (traveller.is_staff, groups_of(traveller)) == (True, ["finance"])
        theirs = Client()
        theirs.force_login(traveller)
        assert theirs.get("/admin/").status_code == 200

        assert save(office, traveller, is_active="on", groups=[]) == 302
        assert theirs.get("/admin/").status_code == 302

    def test_give_no_more_than_they_have(self, office: Client, staff: User, night: Group) -> None:
        for group in (role("administrator"), night.pk):
            status = save(office, staff, is_active="on", is_staff="on", groups=[group])
            assert status == 200, "the form comes back: there is no such choice"
            assert groups_of(staff) == ["support agent"]

    def test_sent_fields_that_no_form_has_are_left(self, office: Client, staff: User) -> None:
        more = {
            "is_superuser": "on",
            "user_permissions": [Permission.objects.get(codename="delete_user").pk],
            "email": "mine@example.org",
            "password": "x",
            "groups": [role("support agent")],
        }
        assert save(office, staff, is_active="on", is_staff="on", **more) == 302
        staff.refresh_from_db()
        assert not staff.is_superuser
        assert not staff.user_permissions.exists()
        assert staff.email == "sam@office.example"
        assert staff.check_password(PASSWORD)

    @POWERFUL
    def test_do_not_touch_whoever_has_more_power_nor_themselves(
        self, office: Client, boss: User, powerful: dict[str, User], whom: str, timetable
    ) -> None:
        person = boss if whom == "oneself" else powerful[whom]
        device = TOTPDevice.objects.create(user=person, name="phone")
        carrier = timetable.train.departure.service.carrier
        own = Membership.objects.create(user=person, carrier=carrier, role="viewer")
        before = (User.objects.values().get(pk=person.pk), groups_of(person))
        elsewhere = timetable.flight.departure.service.carrier

        flags = {"is_active": "", "is_staff": "on", "groups": [role("finance")]}
        assert save(office, person, **flags) == 403
        page = reverse("admin:auth_user_password_change", args=[person.pk])
        assert office.get(page).status_code == 403
        new = {"usable_password": "true", "password1": NEW, "password2": NEW}
        assert office.post(page, new).status_code == 403
        page = reverse("admin:otp_totp_totpdevice_delete", args=[device.pk])
        assert office.post(page, {"post": "yes"}).status_code == 403
        page = reverse("admin:inventory_membership_change", args=[own.pk])
        assert office.post(page, {"role": "manager"}).status_code == 403
        page = reverse("admin:inventory_membership_delete", args=[own.pk])
        office.post(page, {"post": "yes"})
        assert Membership.objects.exists(), "nobody said why"
        assert office.post(page, {"post": "yes"}).status_code == 403
        form = {"user": person.pk, "carrier": elsewhere.pk, "role": "manager"}
        answer = office.post(reverse("admin:inventory_membership_add"), form)
        assert answer.status_code == 200
        assert "You do not give this person memberships." in answer.content.decode()

        assert (User.objects.values().get(pk=person.pk), groups_of(person)) == before
        assert TOTPDevice.objects.filter(pk=device.pk).exists()
        assert list(person.memberships.values_list("carrier", "role")) == [(carrier.pk, "viewer")]
        assert not Act.objects.exists()

    def test_look_at_whom_they_do_not_touch(self, office: Client, powerful) -> None:
        for person in powerful.values():
            page = office.get(reverse("admin:accounts_user_change", args=[person.pk]))
            assert page.status_code == 200
            assert 'name="is_active"' not in page.content.decode()

    def test_give_and_take_memberships(self, office: Client, staff: User, timetable, boss) -> None:
        carrier = timetable.train.departure.service.carrier
        form = {"user": staff.pk, "carrier": carrier.pk, "role": "viewer", "why": "On loan"}

        assert office.post(reverse("admin:inventory_membership_add"), form).status_code == 302
        own = Membership.objects.get()
        page = reverse("admin:inventory_membership_change", args=[own.pk])
        # User and carrier stand fast.
        more = {"role": "manager", "user": boss.pk}
        assert office.post(page, more).status_code == 200
        assert office.post(page, {**more, "why": "More to do"}).status_code == 302
        own.refresh_from_db()
        assert (own.user, own.carrier, own.role) == (staff, carrier, "manager")
        page = reverse("admin:inventory_membership_delete", args=[own.pk])
        office.post(page, {"post": "yes"})
        assert Membership.objects.exists(), "nobody said why"
        assert office.post(page, {"post": "yes", "why": "Went back"}).status_code == 302
        assert not Membership.objects.exists()
        acts = Act.objects.order_by("entry_id").values_list("kind", "reason")
        assert list(acts) == [
            ("added", "On loan"),
            ("changed", "More to do"),
            ("deleted", "Went back"),
        ]

    def test_set_a_colleagues_password(self, office: Client, staff: User, clock) -> None:
        tokens.issue(user=staff, now=clock.now())
        page = reverse("admin:auth_user_password_change", args=[staff.pk])
        new = {"usable_password": "true", "password1": NEW, "password2": NEW}

        assert office.post(page, new).status_code == 302
        staff.refresh_from_db()
        assert staff.check_password(NEW)
        assert staff.token_families.get().revoked_because == "password"
        assert Act.objects.get().about == f"accounts.user:{staff.pk}"

    def test_take_away_a_lost_second_factor(self, office: Client, staff: User, clock, boss) -> None:
        device = TOTPDevice.objects.create(user=staff, name="phone")
        tokens.issue(user=staff, now=clock.now())
        page = reverse("admin:otp_totp_totpdevice_delete", args=[device.pk])

        assert office.post(page, {"post": "yes", "why": "Lost the phone"}).status_code == 302
        assert not TOTPDevice.objects.exists()
        assert staff.token_families.get().revoked_because == "second factor"
        act = Act.objects.get()
        assert (act.about, act.actor, act.reason) == (
            f"accounts.user:{staff.pk}",
            boss,
            "Lost the phone",
        )
        assert act.entry.get_change_message() == "Second factor taken away."

    def test_nobody_deletes_the_own_second_factor(self, desk: Client, chief: User) -> None:
        """Whoever has stolen a session could set up another one."""
        device = TOTPDevice.objects.create(user=chief, name="phone")
        page = reverse("admin:otp_totp_totpdevice_delete", args=[device.pk])

        assert desk.post(page, {"post": "yes"}).status_code == 403
        assert TOTPDevice.objects.exists()

    def test_make_and_change_no_groups(self, office: Client, night: Group) -> None:
        every = list(Permission.objects.values_list("pk", flat=True))
        form = {"name": "all", "permissions": every}

        assert office.post(reverse("admin:auth_group_add"), form).status_code == 403
        for group in (night, Group.objects.get(name="administrator")):
            for page in ("change", "delete"):
                address = reverse(f"admin:auth_group_{page}", args=[group.pk])
                assert office.post(address, {**form, "post": "yes"}).status_code == 403
        assert set(night.permissions.values_list("codename", flat=True)) == {"delete_user"}


class TestNames:
    """Colleagues and travellers know who answers; a traveller's name is the traveller's own."""

    @pytest.mark.parametrize("missing", ["first_name", "last_name"])
    def test_a_staff_account_has_both(self, office: Client, missing: str) -> None:
        new = {"usable_password": "true", "password1": NEW, "password2": NEW}
        names = {"first_name": "Nora", "last_name": "Lind", missing: "  "}
        form = {"email": "nora@office.example", "why": "Begins", **new, **names}

        answer = office.post(reverse("admin:accounts_user_add"), form)

        assert list(answer.context["adminform"].errors) == [missing]
        assert not User.objects.filter(email="nora@office.example").exists()

    def test_an_administrator_names_a_colleague(
        self, office: Client, staff: User, boss: User
    ) -> None:
        before = staff.full_name
        flags = {"is_active": "on", "is_staff": "on", "groups": [role("support agent")]}

        assert save(office, staff, **flags, last_name="Lind\u0065\u0301", why="Married") == 302
        staff.refresh_from_db()
        assert staff.last_name == "Lind\u00e9", "composed, as names are compared"
        act = Act.objects.get()
        told = f"Named {staff.full_name}, before {before}."
        assert (act.entry.get_change_message(), act.reason) == (told, "Married")
        assert (act.actor, act.about) == (boss, f"accounts.user:{staff.pk}")

        assert save(office, staff, **flags, first_name="") == 200
        assert save(office, staff, **flags, first_name="Sa\u202em") == 200
        staff.refresh_from_db()
        assert staff.first_name == "Sam"

    def test_an_account_without_a_name_is_closed_all_the_same(
        self, office: Client, staff: User
    ) -> None:
        User.objects.filter(pk=staff.pk).update(first_name="", last_name="")
        staff.refresh_from_db()

        assert save(office, staff, is_staff="on", is_active="on") == 200
        assert save(office, staff, is_staff="on") == 302
        staff.refresh_from_db()
        assert not staff.is_active

    def test_a_travellers_name_is_the_travellers(self, office: Client, traveller: User) -> None:
        assert save(office, traveller, is_active="on", last_name="Other") == 302
        traveller.refresh_from_db()
        assert traveller.last_name == "Lovelace"

        User.objects.filter(pk=traveller.pk).update(first_name="", last_name="")
        names = {"first_name": "Ada", "last_name": "Byron"}
        assert save(office, traveller, is_active="on", **names) == 200
        traveller.refresh_from_db()
        assert traveller.full_name == ""
        # With being made staff the name is needed, and given by who does that.
        assert save(office, traveller, is_active="on", is_staff="on", **names) == 302
        traveller.refresh_from_db()
        assert traveller.full_name == "Ada Byron"
        told = Act.objects.order_by("-entry_id")[0].entry.get_change_message()
        assert told == "Named Ada Byron. Made staff."

    @POWERFUL
    def test_of_whom_one_does_not_govern_stand_fast(
        self, office: Client, boss: User, powerful: dict[str, User], whom: str
    ) -> None:
        person = boss if whom == "oneself" else powerful[whom]
        before = person.full_name
        assert save(office, person, is_active="on", is_staff="on", first_name="Eve") == 403
        person.refresh_from_db()
        assert person.full_name == before

    def test_whoever_only_closes_accounts_names_nobody(
        self, agents_browser: Client, traveller: User
    ) -> None:
        User.objects.filter(pk=traveller.pk).update(first_name="", last_name="")
        assert save(agents_browser, traveller, is_active="on", first_name="Eve") == 302
        traveller.refresh_from_db()
        assert traveller.full_name == ""


class TestRoles:
    def test_stand_fast_even_for_superusers(self, desk: Client) -> None:
        for name in ("support agent", "finance", "operations", "administrator"):
            for page in ("change", "delete"):
                address = reverse(f"admin:auth_group_{page}", args=[role(name)])
                assert desk.post(address, {"name": "x", "post": "yes"}).status_code == 403
        assert Group.objects.count() == 4

    def test_further_groups_are_the_superusers_to_make(self, desk: Client) -> None:
        right = Permission.objects.get(codename="view_account")
        form = {"name": "auditors", "permissions": [right.pk], "why": "Year's end"}

        assert desk.post(reverse("admin:auth_group_add"), form).status_code == 302
        assert Group.objects.get(name="auditors").permissions.get() == right
        assert Act.objects.get().reason == "Year's end"


class TestWithoutJavaScript:
    """A row of another table is found by what is typed, where nothing can complete it."""

    ADD = "admin:inventory_membership_add"

    @staticmethod
    def chosen(answer, name: str) -> list[str]:
        """The options of a choice on a page that came back."""
        page = answer.content.decode()
        select = re.search(rf'<select name="{name}".*?</select>', page, re.S)
        assert select
        return re.findall(r'<option value="(\w*)"', select[0])

    def test_the_form_asks_in_words(self, office: Client) -> None:
        page = office.get(reverse(self.ADD)).content.decode()

        for name in ("user", "carrier"):
            (part,) = re.findall(
                rf'<noscript>((?:(?!</noscript>).)*name="{name}-typed".*?)</noscr', page
            )
            assert f'<label for="id_{name}-typed">Or write what to look for</label>' in part
        assert "beginning of the e-mail address or surname." in page

    def test_carrier_staff_are_let_in(self, office: Client, staff: User, timetable) -> None:
        carrier = timetable.train.departure.service.carrier
        # The shorter address is the beginning of another one.
        factories.make_user(email="sam@office.example.org")
        typed = {"user-typed": " SAM@office.example ", "carrier-typed": carrier.code.lower()}
        typed["why"] = "On loan"

        answer = office.post(reverse(self.ADD), {"role": "viewer", "user": "", **typed})

        assert answer.status_code == 302
        own = Membership.objects.get()
        assert (own.user, own.carrier, own.role) == (staff, carrier, "viewer")

    def test_of_several_one_is_chosen(self, office: Client, staff: User, timetable) -> None:
        carrier = timetable.train.departure.service.carrier
        other = factories.make_user(email="sally@office.example", last_name=staff.last_name)
        form = {"role": "viewer", "user-typed": "sa", "carrier": carrier.pk, "why": "On loan"}

        answer = office.post(reverse(self.ADD), form)

        assert answer.context["errors"].as_data, "it comes back"
        assert sorted(self.chosen(answer, "user")) == sorted(["", str(staff.pk), str(other.pk)])
        assert self.chosen(answer, "carrier") == [str(carrier.pk)]
        assert 'name="user-typed" value=""' in answer.content.decode()
        assert "Choose one of what was found" in answer.content.decode()
        # The choice is sent with the empty field beside it.
        sent = {**form, "user": other.pk, "user-typed": ""}
        assert office.post(reverse(self.ADD), sent).status_code == 302
        assert Membership.objects.get().user == other

    def test_what_finds_nothing_is_said_and_kept(self, office: Client, timetable) -> None:
        form = {"role": "viewer", "user-typed": 'no"body@x', "carrier-typed": "0"}

        answer = office.post(reverse(self.ADD), form)

        page = answer.content.decode()
        assert answer.status_code == 200
        assert page.count("Choose one of what was found") == 2
        assert 'value="no&quot;body@x"' in page
        assert not Membership.objects.exists()

    def test_nothing_is_found_that_completing_would_not_show(
        self, office: Client, boss: User, staff: User, timetable
    ) -> None:
        """Fares are added by administrators; this one may not see the tariffs they stand under."""
        carrier = timetable.train.departure.service.carrier
        boss.groups.clear()
        rights = ["add_fare", "view_fare", "change_fare"]
        boss.user_permissions.set(Permission.objects.filter(codename__in=rights))
        tariff = carrier.tariffs.first()
        form = {"tariff-typed": tariff.code, "name": "Mine", "travel_class": "economy"}

        answer = office.post(reverse("admin:inventory_fare_add"), form)

        assert answer.status_code == 200
        assert "Choose one of what was found" in answer.content.decode()
        assert self.chosen(answer, "tariff") == []

    def test_rows_of_a_form_are_found_too(self, office: Client, timetable) -> None:
        page = office.get(reverse("admin:inventory_timetablepattern_add")).content.decode()

        assert 'name="calls-0-station-typed"' in page
        assert 'name="service-typed"' in page
