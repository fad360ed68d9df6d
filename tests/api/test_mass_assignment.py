"""
A body says what its door asks for, and nothing else in it has any effect.

Every column of every table, under each of three spellings, is added to every body with odd values.
What is written then is what is written without them, or the request is refused and nothing is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from django.apps import apps

from tests import factories
from tests.api import world as worlds
from tests.api.world import REQUESTS, Ask, Undone, World
from tests.conftest import ApiClient, Clock
from travel.api.naming import camel, pascal

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.slow]

OUR_APPS = {"accounts", "inventory", "bookings", "payments", "support", "common"}
ODD_VALUES: list[Any] = [True, 1, "Support", 10**6, "paid"]
# What somebody may try that is no column.
MORE_NAMES = {
    *("price", "balance", "amount", "role", "roles", "groups", "user_permissions", "permissions"),
    *("user_type", "account_type", "is_admin", "is_support", "owner", "user", "holder", "viewer"),
    *("verified", "email_verified", "refund", "penalty", "discount", "status", "kind", "is_proved"),
}
DOORS = [name for name, ask in REQUESTS.items() if ask.body or name.startswith(("POST", "PUT"))]

# Asked for a power by these names, signing up answers 403 (see the tests of signing up).
POWERS = {
    *("isstaff", "staff", "issuperuser", "superuser", "isadmin", "admin", "issupport", "type"),
    *("role", "roles", "group", "groups", "permissions", "userpermissions", "accounttype"),
    *("permission", "usertype", "balance", "wallet"),
}
REFUSED = {"POST /users/signup": POWERS}
WRITE_NOTHING = {"POST /tickets/search", "POST /users/confirm-contact"}
# What is drawn anew for each request, or carries what was.
RANDOM = {
    *("accounts.refreshtoken.digest", "accounts.user.password"),
    *("bookings.reservation.locator", "bookings.coupon.barcode"),
    *("common.outboxmessage.subject", "common.outboxmessage.body"),
}

Rows = dict[str, list[dict[str, Any]]]


def names() -> list[str]:
    """Answer the name of every column of our apps in snake_case, camelCase and PascalCase."""
    columns = {
        name
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in OUR_APPS
        for field in model._meta.concrete_fields
        for name in (field.name, field.attname)
    }
    return sorted(
        {
            spelt
            for name in columns | MORE_NAMES
            for spelt in (name, camel(name), pascal(name), camel(name).replace("ID", "Id"))
        }
    )


NAMES = names()


@pytest.fixture
def world(train: factories.Trip, clock: Clock, settings: Any) -> World:
    settings.STAFF_2FA = "required"
    made = worlds.make_world(train=train, now=clock.now())
    clock.advance(minutes=1)
    return made


class Door:
    """One operation, asked for again and again from the same state."""

    def __init__(self, operation: str, world: World, api: ApiClient) -> None:
        self.operation, self.world = operation, world
        self.ask: Ask = REQUESTS[operation]
        self.number = world.id_of(self.ask.thing) if self.ask.thing else 0
        user = world.people["agent" if "/support/" in operation else "owner"]
        stranger = world.people["stranger"]
        assert user is not None
        assert stranger is not None
        self.stranger_id = stranger.pk
        self.client = api.by(user)
        self.takes = declared(operation)

    def try_it(self, added: Sequence[str] = (), value: Any = None) -> tuple[int, Rows, Rows, str]:
        """Answer the status, all rows before and after, and what was said; take it back."""
        with Undone():
            body = self.ask.body(self.world, self.number) if self.ask.body else {}
            before = worlds.all_rows()
            answer = worlds.send(
                self.client,
                self.operation,
                number=self.number,
                body=with_more(body, added, value, self.takes),
            )
            return answer.status_code, before, worlds.all_rows(), answer.content.decode()


def declared(operation: str) -> set[str]:
    """Answer the names that a body may have anywhere, as the schema and the desk accept them."""
    content, components = worlds.operations()[operation]
    body = content.get("requestBody", {}).get("content", {}).get("application/json", {})
    found = set(_names_in(body.get("schema", {}), components))
    if "/support/" in operation:
        # The desk's PascalCase inputs are accepted in camelCase as well.
        found |= {camel(name) for name in NAMES if pascal(name) in found}
    return found


def _names_in(schema: Any, components: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[1]]
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from _names_in(field, components)
    for part in [*schema.get("allOf", []), *schema.get("oneOf", []), schema.get("items")]:
        if isinstance(part, dict):
            yield from _names_in(part, components)


def with_more(value: Any, added: Sequence[str], odd: Any, takes: set[str]) -> Any:
    """Answer a copy of a body that says more, at the top and in every object within."""
    if isinstance(value, list):
        return [with_more(one, added, odd, takes) for one in value]
    if not isinstance(value, dict):
        return value
    more = {name: odd for name in added if name not in takes and name not in value}
    return more | {name: with_more(one, added, odd, takes) for name, one in value.items()}


def random_cells(one: Rows, other: Rows) -> set[tuple[str, int, str]]:
    """Answer where two runs of the same request differ: tokens, salts, booking codes."""
    return {
        (table, place, column)
        for table in one
        for place, (left, right) in enumerate(zip(one[table], other[table], strict=True))
        for column in left
        if left[column] != right[column]
    }


def differences(rows: Rows, wanted: Rows, cells: set[tuple[str, int, str]], odd: Any) -> list[str]:
    """Say where rows are not what they should be; what is random is only never the odd value."""
    found = []
    for table, expected in wanted.items():
        if len(rows[table]) != len(expected):
            found.append(f"{table} has {len(rows[table])} rows, not {len(expected)}")
            continue
        for place, (left, right) in enumerate(zip(rows[table], expected, strict=True)):
            for column, value in left.items():
                if (table, place, column) in cells:
                    wrong = value == odd or str(value) == str(odd)
                else:
                    wrong = value != right[column]
                if wrong:
                    found.append(f"{table}[{place}].{column} is {value!r}, not {right[column]!r}")
    return found


class TestNames:
    def test_are_those_that_would_hurt(self) -> None:
        hurting = {
            *("is_staff", "is_superuser", "isStaff", "IsSuperuser", "balance_minor", "state"),
            *("user_id", "userID", "userId", "UserID", "amount_minor", "price", "hold_until"),
            *("email_verified_at", "password", "groups", "userType", "is_from_staff", "locator"),
        }

        assert hurting <= set(NAMES)
        assert len(NAMES) > 500


class TestEveryBody:
    @pytest.mark.parametrize("operation", DOORS)
    def test_says_nothing_that_it_is_not_asked(
        self, world: World, api: ApiClient, operation: str
    ) -> None:
        door = Door(operation, world, api)
        status, before, wanted, said = door.try_it()
        assert status < 300 or operation == "POST /users/confirm-contact", said
        assert wanted != before or operation in WRITE_NOTHING
        cells = random_cells(wanted, door.try_it()[2])
        assert {f"{table}.{column}" for table, _place, column in cells} <= RANDOM

        refused: set[str] = set()
        for odd in [*ODD_VALUES, door.stranger_id]:
            others = [name for name in NAMES if name not in refused]
            refused |= judge(door, others, odd, status, wanted, cells)

        may_refuse = REFUSED.get(operation, set())
        assert {_plain(name) for name in refused} <= may_refuse
        assert bool(refused) == bool(may_refuse)


def judge(
    door: Door,
    added: Sequence[str],
    odd: Any,
    status: int,
    wanted: Rows,
    cells: set[tuple[str, int, str]],
) -> set[str]:
    """Try names at once, and halves of them if they are refused; answer those that are."""
    got, before, after, said = door.try_it(added, odd)
    if got == status:
        assert differences(after, wanted, cells, odd) == [], (odd, added[:5])
        return set()
    assert got in (400, 403), (got, said, odd)
    assert after == before, (odd, added)
    if len(added) == 1:
        return set(added)
    half = len(added) // 2
    parts = (added[:half], added[half:])
    return set(
        itertools.chain.from_iterable(
            judge(door, part, odd, status, wanted, cells) for part in parts
        )
    )


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
