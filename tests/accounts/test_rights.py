"""The rights of the roles: given by code, after every migrate, whatever was ticked by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.rights import RIGHTS, give_rights, rights_of
from accounts.roles import ADMINISTRATOR, FINANCE, OPERATIONS, ROLES, SUPPORT_AGENT

pytestmark = pytest.mark.django_db


def held(role: str) -> set[tuple[str, str]]:
    """What a role may do by the database: ("inventory.city", "change")."""
    rows = Permission.objects.filter(group__name=role).values_list(
        "content_type__app_label", "content_type__model", "codename"
    )
    return {(f"{app}.{model}", codename.split("_")[0]) for app, model, codename in rows}


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


class TestRoles:
    def test_are_there(self) -> None:
        assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)

    @pytest.mark.parametrize("role", ROLES)
    def test_have_their_rights_in_a_new_database_and_no_others(self, role: str) -> None:
        assert held(role) == set(rights_of(role))

    def test_a_few_by_hand(self) -> None:
        assert ("bookings.reservation", "view") in held(SUPPORT_AGENT)
        assert ("payments.account", "view") not in held(SUPPORT_AGENT)
        assert ("payments.account", "view") in held(FINANCE)
        assert ("accounts.user", "view") not in held(FINANCE)
        assert ("inventory.service", "change") in held(OPERATIONS)
        assert not [table for table, _ in held(OPERATIONS) if table.startswith("payments.")]
        assert ("accounts.user", "add") in held(ADMINISTRATOR)

    def test_the_administrator_has_whatever_another_role_has(self) -> None:
        for role in (SUPPORT_AGENT, FINANCE, OPERATIONS):
            assert held(role) <= held(ADMINISTRATOR), role

    def test_the_table_names_tables_that_there_are(self) -> None:
        assert set(RIGHTS) <= {model._meta.label_lower for model in apps.get_models()}

    def test_what_services_alone_write_is_nobodys_to_change(self, rf: Any) -> None:
        """A right to write means something: the admin's page of the table honours it."""
        for label, cells in RIGHTS.items():
            if set("".join(cells)) & set("acd"):
                table = admin.site._registry[apps.get_model(label)]
                assert "Closed" not in {base.__name__ for base in type(table).__mro__} or label in (
                    "otp_totp.totpdevice",
                    "inventory.patterncall",
                ), label


class TestMigrating:
    def test_again_changes_nothing(self) -> None:
        before = sorted(Group.permissions.through.objects.values_list())

        call_command("migrate", verbosity=0)

        assert sorted(Group.permissions.through.objects.values_list()) == before

    def test_takes_what_was_ticked_by_hand_and_says_so(self, capsys: Any) -> None:
        role = Group.objects.get(name=SUPPORT_AGENT)
        role.permissions.add(permission("view_account"), permission("delete_city"))

        call_command("migrate", verbosity=1)

        assert held(SUPPORT_AGENT) == set(rights_of(SUPPORT_AGENT))
        said = capsys.readouterr().out
        assert "Took from the role support agent: view payments.account." in said
        assert "Took from the role support agent: delete inventory.city." in said
        assert said.count("Took from") == 2

    def test_gives_back_what_was_taken_by_hand(self) -> None:
        Group.objects.get(name=FINANCE).permissions.clear()

        call_command("migrate", verbosity=0)

        assert held(FINANCE) == set(rights_of(FINANCE))

    def test_makes_a_role_that_is_gone(self) -> None:
        Group.objects.filter(name=OPERATIONS).delete()

        call_command("migrate", verbosity=0)

        assert held(OPERATIONS) == set(rights_of(OPERATIONS))

    def test_leaves_the_offices_own_groups_alone(self) -> None:
        night = Group.objects.create(name="night desk")
        night.permissions.add(permission("view_account"))

        call_command("migrate", verbosity=0)

        assert held("night desk") == {("payments.account", "view")}

    def test_a_new_table_has_its_rights_at_once(self) -> None:
        """As after a migration that adds it: its permissions are made in the same moment."""
        Permission.objects.filter(content_type__app_label="payments").delete()
        config = apps.get_app_config("payments")
        give_rights(app_config=config, verbosity=0)
        assert not [one for one in held(FINANCE) if one[0].startswith("payments.")]

        create_permissions(config, verbosity=0)
        give_rights(app_config=config, verbosity=0)

        assert held(FINANCE) == set(rights_of(FINANCE))

    def test_a_database_without_groups_is_left_alone(self) -> None:
        class Nothing:
            def get_model(self, *names: str) -> Any:
                raise LookupError(names)

        with CaptureQueriesContext(connection) as queries:
            give_rights(app_config=apps.get_app_config("payments"), apps=Nothing())
        assert len(queries) == 0
