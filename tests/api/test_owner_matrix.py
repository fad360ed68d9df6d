"""
Who may do what: every operation of the schema, asked for by every kind of person.

What belongs to another answers exactly as what does not exist, and a refusal writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from support.analytics.catalogue import REPORTS
from support.analytics.rights import HELP, MONEY, PEOPLE, TRAFFIC
from tests import factories
from tests.api import world as worlds
from tests.api.world import NOBODYS_ID, REQUESTS, Undone, World
from tests.conftest import ApiClient, Clock

pytestmark = pytest.mark.django_db

# finance reads at the desk and does nothing; no_factor has a role and no second factor, no_role the
# other way round.
ROLES = ("anonymous", "owner", "stranger", "agent", "finance", "no_role", "no_factor")


@dataclass(frozen=True)
class Expected:
    """The status for each role, in the order of ROLES, and whether it shows the owner's things."""

    statuses: tuple[int, ...]
    shows: bool = False


def everybody(status: int) -> Expected:
    return Expected((status,) * len(ROLES))


def signed_in(status: int, *, shows: bool = False) -> Expected:
    return Expected((401, *(status,) * 6), shows)


def owner_only(status: int, *, shows: bool = False) -> Expected:
    return Expected((401, status, 404, 404, 404, 404, 404), shows)


def desk(status: int, *, finance: int, shows: bool = False) -> Expected:
    return Expected((401, 403, 403, status, finance, 403, 403), shows)


EXPECTED: dict[str, Expected] = {
    "GET /api/problems": everybody(200),
    "POST /otp/request-otp": everybody(200),
    "POST /otp/verify-otp": everybody(200),
    "POST /users/signup": everybody(201),
    "POST /users/login": everybody(200),
    "POST /users/refresh": everybody(200),
    "POST /users/logout": signed_in(200),
    "GET /users/me": signed_in(200, shows=True),
    "PUT /users/update-profile": signed_in(200, shows=True),
    # The code is wrong for everybody: whose it is, is told by the tests of codes.
    "POST /users/confirm-contact": signed_in(401),
    "POST /users/change-password": signed_in(200),
    "GET /users/passengers": signed_in(200, shows=True),
    "POST /users/passengers": signed_in(201),
    "DELETE /users/passengers/{passenger_id}": owner_only(200),
    "GET /tickets/cities": everybody(200),
    "POST /tickets/search": everybody(200),
    "GET /tickets/{ticket_id}": everybody(200),
    "GET /tickets/{ticket_id}/seats": everybody(200),
    "POST /reservations/reserve": signed_in(201),
    "GET /reservations/my": signed_in(200, shows=True),
    "GET /reservations/{reservation_id}": owner_only(200, shows=True),
    "GET /reservations/{reservation_id}/documents": owner_only(200, shows=True),
    "GET /reservations/{reservation_id}/alternatives": owner_only(200),
    "POST /reservations/extend-hold": owner_only(200),
    "POST /reservations/change-seats": owner_only(200, shows=True),
    "POST /reservations/correct-name": owner_only(200, shows=True),
    "POST /reservations/rebook": owner_only(200, shows=True),
    "POST /reservations/pay": owner_only(200, shows=True),
    "GET /reservations/purchased": signed_in(200, shows=True),
    "GET /reservations/penalty/{reservation_id}": owner_only(200),
    "POST /reservations/cancel": owner_only(200),
    "GET /reservations/{reservation_id}/receipts": owner_only(200),
    "GET /reservations/receipts/{receipt_id}": owner_only(200, shows=True),
    "GET /wallet": signed_in(200, shows=True),
    "POST /wallet/top-up": signed_in(200),
    "POST /reports/submit": owner_only(201, shows=True),
    "GET /reports/my": signed_in(200, shows=True),
    "GET /reports/{report_id}": owner_only(200, shows=True),
    "POST /reports/{report_id}/messages": owner_only(201, shows=True),
    "POST /reports/{report_id}/close": owner_only(200, shows=True),
    "GET /support/admin/reports": desk(200, finance=200, shows=True),
    "POST /support/admin/reports/respond": desk(200, finance=403, shows=True),
    "GET /support/reservations": desk(200, finance=200, shows=True),
    "GET /support/reservations/{reservation_id}/story": desk(200, finance=200, shows=True),
    "POST /support/reservations/cancel": desk(200, finance=403),
    "GET /support/payments/cancelled": desk(200, finance=200),
    **{
        f"GET /support/analytics/{name}": desk(
            200 if report.room in (HELP, PEOPLE) else 403,
            finance=200 if report.room in (MONEY, TRAFFIC) else 403,
        )
        for name, report in REPORTS.items()
    },
    # Look-ups are about people, but for the one that counts tickets.
    **{
        f"GET /support/analytics/look-ups/{name}": desk(
            403 if name == "tickets-by-mode" else 200,
            finance=200 if name == "tickets-by-mode" else 403,
        )
        for name in worlds.LOOK_UPS
    },
}


@pytest.fixture
def world(train: factories.Trip, clock: Clock, settings: Any) -> World:
    settings.STAFF_2FA = "required"
    made = worlds.make_world(train=train, now=clock.now())
    # A hold that has just begun has nothing to be extended by.
    clock.advance(minutes=1)
    return made


@pytest.fixture
def clients(world: World, api: ApiClient) -> dict[str, ApiClient]:
    return {role: api.by(user) if user else api for role, user in world.people.items()}


class TestTheTable:
    def test_has_a_row_for_every_operation_and_no_other(self) -> None:
        operations = set(worlds.operations())

        missing = sorted(operations - (set(EXPECTED) & set(REQUESTS)))
        gone = sorted((set(EXPECTED) | set(REQUESTS)) - operations)

        assert not missing, (
            f"These operations have no row: {missing}. Add a good request to REQUESTS in "
            "tests/api/world.py, and what each role is answered to EXPECTED in "
            "tests/api/test_owner_matrix.py."
        )
        assert not gone, f"These rows have no operation any more: {gone}."
        assert all(len(row.statuses) == len(ROLES) for row in EXPECTED.values())

    def test_no_door_is_missing_in_the_schema(self) -> None:
        """A door that the schema leaves out would be left out here as well."""
        described = {operation.split(" ")[1] for operation in worlds.operations()}

        doors = _doors(get_resolver())

        assert len(doors) >= 36
        assert doors - described == {"/api/schema", "/api/docs"}


class TestEveryOperation:
    @pytest.mark.parametrize("operation", EXPECTED)
    def test_answers_each_role_as_the_table_says(
        self, world: World, clients: dict[str, ApiClient], operation: str
    ) -> None:
        wrong = {}
        for role, status in zip(ROLES, EXPECTED[operation].statuses, strict=True):
            with Undone():
                if problem := _judge(world, clients[role], operation, role, status):
                    wrong[role] = problem

        assert wrong == {}


def _judge(world: World, client: ApiClient, operation: str, role: str, status: int) -> str:
    """Ask once, and say what is wrong with the answer; an empty text if nothing is."""
    ask = REQUESTS[operation]
    number = world.id_of(ask.thing) if ask.thing else 0
    body = ask.body(world, number) if ask.body else None
    before = worlds.all_rows() if status >= 400 else None
    answer = worlds.send(client, operation, number=number, body=body, query=ask.query)
    text = answer.content.decode()
    told = [secret for secret in world.secrets if secret in text]

    if answer.status_code != status:
        return f"answered {answer.status_code}, not {status}: {text[:300]}"
    if before is None:
        may_see = role == "owner" or operation.split(" ")[1].startswith("/support/")
        if told and not may_see:
            return f"told {told}"
        is_asker = status < 400 and (role == "owner" or (may_see and role == "agent"))
        if EXPECTED[operation].shows and is_asker and not told:
            return "told nothing of the owner's things"
        return ""
    if told:
        return f"refused, and told {told}"
    if ask.thing:
        nobodys = ask.body(world, NOBODYS_ID) if ask.body else None
        missing = worlds.send(client, operation, number=NOBODYS_ID, body=nobodys)
        if _without_request_id(missing) != _without_request_id(answer):
            return f"another answer for what is not there: {missing.content[:300]!r}"
    if changed := [name for name, rows in worlds.all_rows().items() if rows != before[name]]:
        return f"refused, and wrote to {changed}"
    return ""


def _without_request_id(answer: Any) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json() | {"requestID": ""}


def _doors(resolver: URLResolver, prefix: str = "/") -> set[str]:
    """Answer the paths of all views of the API that the office has, written as the schema does."""
    found: set[str] = set()
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            found |= _doors(one, path)
        elif isinstance(one, URLPattern):
            view = getattr(one.callback, "cls", None) or getattr(one.callback, "view_class", None)
            if view is not None and issubclass(view, APIView):
                found.add(path.replace("<int:", "{").replace(">", "}"))
    return found
