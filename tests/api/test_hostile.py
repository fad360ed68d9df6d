"""
Every door, every field, every hostile value: a clear refusal each time, never a fault.

The doors and their fields are read from the schema, so that a new one is tried without being named.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 2**31, 2**53, 2**63 - 1, -(2**63)),
    *("", " ", "0", "-1", "1e999", "NaN", "null", "a" * 10_000, "9" * 5_000, "٣"),
    *("\u202eabc", "a\u200bb", "\ufeff", "\U0001f680", "e\u0301" * 50, "\ud7ff", "%00", "%s%n"),
    *("' OR 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "{{7*7}}", "\\", '"'),
    *("9999-12-31", "0001-01-01", "2026-02-30", "9999-12-31T23:59:59-12:00", "2026-06-02T08:00"),
    *([], [[]], [None], [1] * 1000, ["adult"] * 1000, [{}], [[1]], {}, {"a": {}}, {"amount": 1}),
]
QUERY_VALUES = [
    *("", "0", "-1", "1.5", "9" * 300, "99999999999999999999", "x" * 600, "%00", "٣", "\u202e"),
    *("9999-12-31T23:59:59-12:00", "1,2,3", ",,,", "1,a", "' OR 1=1 --", "_%", "\\", "🚀"),
]
PATH_VALUES = ["0", "1", "9007199254740991", "9007199254740992", "9" * 19, "9" * 60, "9" * 900]


@pytest.fixture(scope="module")
def operations():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return [
        (method.upper(), path, operation, schema["components"]["schemas"])
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.fixture
def good(train) -> dict[str, dict[str, Any]]:
    """A body for each door that would pass, so that one bad field is the only one."""
    return {
        "/users/signup": {
            "firstName": "A",
            "lastName": "B",
            "email": "new@example.org",
            "password": "a-lovely-day-for-trains",
            "userType": "Passenger",
        },
        "/users/login": {"email": "ada@example.org", "password": PASSWORD},
        "/users/refresh": {"refreshToken": "x"},
        "/users/update-profile": {},
        "/users/confirm-contact": {"contact": "ada@example.org", "otp": "000000"},
        # The present password is wrong, so that no new one ends the token of this test.
        "/users/change-password": {"currentPassword": "no", "newPassword": "a-lovely-day"},
        "/users/passengers": {"firstName": "A", "lastName": "B"},
        "/otp/request-otp": {"contact": "ada@example.org"},
        "/otp/verify-otp": {"contact": "ada@example.org", "otp": "000000"},
        "/tickets/search": {
            "origin": "Hamburg",
            "destination": "München",
            "date": "2026-06-02",
            "returnDate": "2026-06-03",
            "passengers": 1,
            "filters": {"vehicleType": ["Train"]},
            "sort": "price",
        },
        "/reservations/reserve": {
            "ticketID": train.ticket_id(),
            "passengers": [{"firstName": "A", "lastName": "B", "type": "adult"}],
        },
        "/reservations/pay": {"reservationID": 1, "paymentMethod": "Wallet"},
        "/reservations/cancel": {"reservationID": 1},
        "/reservations/extend-hold": {"reservationID": 1},
        "/wallet/top-up": {
            "amount": "10.00",
            "currency": "EUR",
            "paymentToken": "tok_accepted",
        },
    }


def fields_of(operation, components):
    """Answer the paths of all fields of a body, those of nested objects and lists too."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return list(_walk(content["schema"], components)) if content else []


def _walk(schema, components, path=()):
    if "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[1]]
    for part in schema.get("allOf", []):
        yield from _walk(part, components, path)
    for name, field in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _walk(field, components, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield (*path, 0)
        yield from _walk(schema["items"], components, (*path, 0))


def with_value(body, path, value):
    """Answer a copy of the body with one value put in, making what leads there."""
    copy = json.loads(json.dumps(body))
    place = copy
    for step, following in itertools.pairwise(path):
        if isinstance(step, int):
            while len(place) <= step:
                place.append([] if isinstance(following, int) else {})
            place = place[step]
        else:
            if not isinstance(place.get(step), list if isinstance(following, int) else dict):
                place[step] = [] if isinstance(following, int) else {}
            place = place[step]
    if isinstance(path[-1], int):
        place[:] = [value]
    else:
        place[path[-1]] = value
    return copy


def judge(answer, told):
    assert answer.status_code < 500, (told, answer.content[:500])
    assert "json" in answer.headers["Content-Type"], told
    if answer.status_code >= 400:
        body = json.loads(answer.content)
        assert {"type", "title", "status", "detail", "code"} <= set(body), told


@pytest.mark.slow
class TestEveryDoor:
    @pytest.mark.parametrize("group", ["otp", "users", "tickets", "reservations", "wallet"])
    def test_no_field_makes_a_fault(self, api, traveller, operations, good, group):
        client = api.by(traveller)
        tried = 0
        # The good body is good, so that the bad field is what is judged.
        assert client.post("/tickets/search", good["/tickets/search"]).json()["count"] == 3
        for method, path, operation, components in operations:
            if not path.startswith(f"/{group}"):
                continue
            for field in fields_of(operation, components):
                for value in VALUES:
                    body = with_value(good[path], field, value)
                    answer = getattr(client, method.lower())(path, body)
                    judge(answer, (method, path, field, value))
                    tried += 1
        assert tried >= len(VALUES)

    def test_no_query_and_no_path_makes_a_fault(self, api, traveller, operations):
        client = api.by(traveller)
        for method, path, operation, _components in operations:
            if method != "GET":
                continue
            parameters = operation.get("parameters", [])
            names = [one["name"] for one in parameters if one["in"] == "query"]
            for value in PATH_VALUES if "{" in path else [""]:
                whole = path.split("{")[0] + value + path.partition("}")[2]
                judge(client.get(whole), whole)
            whole = path.split("{")[0] + "1" * ("{" in path) + path.partition("}")[2]
            for name in names:
                for value in QUERY_VALUES:
                    judge(client.get(whole, {name: value}), (whole, name, value))

    def test_no_raw_body_makes_a_fault(self, api, traveller, operations):
        client = api.by(traveller)
        bodies = [
            b"",
            b"[]",
            b"nul",
            b"\xff\xfe",
            b'{"a": "\\ud800"}',
            b'{"a":' * 900 + b"1" + b"}" * 900,
            b"[" * 200_000,
            b'{"ticketID": 1e999}',
            b'{"ticketID": NaN}',
            b'{"ticketID": ' + b"9" * 5_000 + b"}",
            b'{"a": 1, ' + b",".join(b'"k%d": 1' % n for n in range(3_000)) + b"}",
            b'{"a": "' + b"x" * 3_000_000 + b'"}',
        ]
        for method, path, _operation, _components in operations:
            if method not in ("POST", "PUT"):
                continue
            path = "/".join("1" if step.startswith("{") else step for step in path.split("/"))
            for raw in bodies:
                answer = client.generic(method, path, raw, content_type="application/json")
                judge(answer, (path, raw[:60]))
                if path == "/users/logout":
                    client = api.by(traveller)
