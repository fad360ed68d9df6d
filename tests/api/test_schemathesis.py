"""
A stranger reads the schema and asks what it allows: every answer is one that the schema describes.

The requests are drawn from the schema itself, good ones and bad ones, the same in every run. Half
of them name things that exist, so that not every answer is a 404.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import tokens
from tests.api.world import REQUESTS, Undone, World, make_world
from tests.factories import Trip

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

EXAMPLES = 15
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CASTS = ["anonymous", "owner", "agent"]
drawn = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(train: Trip, clock: Any, noon: datetime) -> World:
    return make_world(train=train, now=noon)


@pytest.fixture(scope="module")
def schema() -> Any:
    described = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    read = schemathesis.openapi.from_dict(json.loads(OpenApiJsonRenderer().render(described)))
    read.app = get_wsgi_application()
    return read


@pytest.fixture(autouse=True)
def one_connection(db: None) -> Iterator[None]:
    """A server looks after its connections at each request; the test's holds a transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def headers_of(world: World, who: str) -> dict[str, str]:
    """Answer the bearer token of one of the cast, if any."""
    user = world.people[who]
    if user is None:
        return {}
    return {"Authorization": f"Bearer {tokens.issue(user=user, now=world.now).access}"}


def name_what_exists(case: Any, operation: str, world: World) -> None:
    """Put the owner's thing where the drawn request names another."""
    thing = REQUESTS[operation].thing
    if not thing:
        return
    number = world.id_of(thing)
    for name in case.path_parameters or {}:
        case.path_parameters[name] = number
    kinds = {"held": "reservation", "paid": "reservation"}
    wanted = f"{kinds.get(thing, thing)}id"
    if isinstance(case.body, dict):
        for name in case.body:
            if name.lower() == wanted:
                case.body[name] = number


@pytest.mark.parametrize("operation", REQUESTS)
def test_every_answer_is_described(schema: Any, world: World, operation: str) -> None:
    method, path = operation.split(" ")
    described = schema[path][method]
    asked = 0

    @drawn
    @given(
        case=st.one_of(
            described.as_strategy(generation_mode=GenerationMode.POSITIVE),
            described.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ),
        who=st.sampled_from(CASTS),
        exists=st.booleans(),
    )
    def ask(case: Any, who: str, exists: bool) -> None:
        nonlocal asked
        if exists:
            name_what_exists(case, operation, world)
        for name in list(case.headers or {}):
            if name.lower() == "authorization":
                del case.headers[name]
        with Undone():
            case.call_and_validate(headers=headers_of(world, who), checks=CHECKS)
        asked += 1

    ask()

    assert asked > 0
