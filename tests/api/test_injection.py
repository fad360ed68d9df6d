"""
Text that means something to a database means nothing to the office: it is a value and no more.

Every word that a reader may send, in a query or in a body, is tried; the doors are read from the
schema. A refusal is fine, an answer must not hold more than the honest question's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from bookings.search import SORTS
from tests.api.test_hostile import fields_of, with_value
from tests.api.world import REQUESTS, Undone, World, all_rows, make_world, operations
from tests.conftest import ApiClient
from tests.factories import Trip

pytestmark = pytest.mark.django_db

CORPUS = [
    "'",
    '"',
    "`",
    "\\",
    "\\'",
    "''",
    "' OR '1'='1",
    "' OR 1=1 -- ",
    '" OR ""="',
    "1 OR 1=1",
    "1) OR (1=1",
    "') OR ('1'='1' /*",
    "1' ORDER BY 99 -- ",
    "' UNION SELECT password FROM accounts_user -- ",
    "1; DROP TABLE accounts_user; -- ",
    "'; DELETE FROM bookings_reservation; -- ",
    "1 AND SLEEP(5)",
    "' AND (SELECT 1 FROM (SELECT SLEEP(5)) x) -- ",
    "1 PROCEDURE ANALYSE()",
    "/*!50000 OR 1=1 */",
    "%' OR '%'='",
    "%",
    "_",
    "%%s%s",
    "¿' OR 1=1 -- ",
    "0x27204f522031",
    "CHAR(39)",
    "{{7*7}}${7*7}",
    "id__gt=0",
    "user__password__startswith",
    "-id",
    "(SELECT 1)",
]
# What asks and writes nothing.
READS = [operation for operation in REQUESTS if operation.startswith("GET ")]


@pytest.fixture
def world(train: Trip, clock: Any, noon: datetime) -> World:
    return make_world(train=train, now=noon)


@pytest.fixture(scope="module")
def described() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    return operations()


def path_of(operation: str, world: World) -> str:
    thing = REQUESTS[operation].thing
    path = operation.split(" ")[1]
    return "/".join(
        str(world.id_of(thing)) if step.startswith("{") else step for step in path.split("/")
    )


def size_of(answer: Any) -> int:
    """Answer how many things an answer holds, counted or listed."""
    body = answer.json()
    if isinstance(body, list):
        return len(body)
    back = body.get("return") or {}
    lists = [value for value in body.values() if isinstance(value, list)]
    return max([body.get("count", 0) + back.get("count", 0), *(len(value) for value in lists)])


def queries_of(operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            yield parameter["name"]


class TestQueries:
    @pytest.mark.slow
    @pytest.mark.parametrize("operation", READS)
    def test_no_parameter_shows_more(
        self, api: ApiClient, world: World, described: Any, operation: str
    ) -> None:
        client = api.by(world.people["agent" if "/support/" in operation else "owner"])
        path = path_of(operation, world)
        honest = client.get(path)
        assert honest.status_code == 200
        names = [*queries_of(described[operation][0]), "ordering", "order_by", "sort", "fields"]
        before = all_rows()

        for name in names:
            for text in CORPUS:
                answer = client.get(path, {name: text})
                told = (path, name, text, answer.content[:300])
                assert answer.status_code in (200, 400), told
                if answer.status_code == 200:
                    assert size_of(answer) <= size_of(honest), told
        assert all_rows() == before

    def test_a_place_is_found_by_its_letters_alone(self, api: ApiClient, world: World) -> None:
        assert size_of(api.get("/tickets/cities", {"q": "Mün"})) > 0
        for text in ("%", "_", "%%", "M%n", "M_n_h_n", "' OR '1'='1", "\\"):
            answer = api.get("/tickets/cities", {"q": text})
            assert answer.status_code == 200
            assert size_of(answer) == 0, text


class TestPaths:
    @pytest.mark.parametrize("operation", [one for one in READS if "{" in one])
    def test_a_number_is_a_number(self, api: ApiClient, world: World, operation: str) -> None:
        client = api.by(world.people["owner"])
        before, _, after = operation.split(" ")[1].partition("{")
        for text in ("1' OR '1'='1", "1 OR 1=1", "1;--", "0x1", "1%20OR%201=1", "(SELECT 1)"):
            assert client.get(before + text + after.partition("}")[2]).status_code == 404, text


class TestSearch:
    GOOD = {
        "origin": "Hamburg",
        "destination": "München",
        "date": "2026-06-02",
        "returnDate": "2026-06-03",
        "passengers": 1,
        "filters": {"vehicleType": ["Train"]},
        "sort": "price",
    }

    @pytest.mark.slow
    def test_no_field_finds_more(self, api: ApiClient, world: World, described: Any) -> None:
        honest = api.post("/tickets/search", self.GOOD)
        assert honest.json()["count"] > 0
        fields = list(fields_of(*described["POST /tickets/search"]))
        assert ("filters", "carrier", 0) in fields or ("filters", "carrier") in fields
        before = all_rows()

        for field in fields:
            for text in CORPUS:
                answer = api.post("/tickets/search", with_value(self.GOOD, field, text))
                told = (field, text, answer.content[:300])
                assert answer.status_code in (200, 400, 404), told
                if answer.status_code == 200:
                    assert size_of(answer) <= size_of(honest), told
        assert all_rows() == before

    def test_is_ordered_by_words_of_a_list_alone(self, api: ApiClient, world: World) -> None:
        for word in SORTS:
            assert api.post("/tickets/search", self.GOOD | {"sort": word}).status_code == 200
        for word in ("-price", "price;", "price ASC", "price,id", "PRICE", "id", "(SELECT 1)", "?"):
            answer = api.post("/tickets/search", self.GOOD | {"sort": word})
            assert answer.status_code == 400, word
            assert set(answer.json()["errors"]) == {"sort"}


class TestSigningIn:
    def test_nobody_gets_in_by_punctuation(self, api: ApiClient, world: World) -> None:
        for text in CORPUS:
            for body in (
                {"email": text, "password": text},
                {"email": f"ada@example.org{text}", "password": text},
                {"email": "ada@example.org", "password": text},
            ):
                with Undone():
                    answer = api.post("/users/login", body)
                assert answer.status_code in (400, 401), (body, answer.content[:200])
            with Undone():
                answer = api.post("/otp/verify-otp", {"contact": "ada@example.org", "otp": text})
            assert answer.status_code in (400, 401), (text, answer.content[:200])
            answer = api.post("/users/refresh", {"refreshToken": text})
            assert answer.status_code in (400, 401), (text, answer.content[:200])
