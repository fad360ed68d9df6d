"""The story of a reservation over the API, for the support desk's tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ApiClient, Clock
from tests.factories import Trip
from tests.support import long_story
from tests.support.long_story import People

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]


@pytest.fixture
def who(settings: Any) -> People:
    settings.STAFF_2FA = "optional"
    return long_story.people()


@pytest.fixture
def address(train: Trip, who: People, clock: Clock, settings: Any) -> str:
    return f"/support/reservations/{long_story.live(train, who, clock, settings)}/story"


def test_tells_each_entry_in_order(address: str, who: People, api: ApiClient) -> None:
    desk = api.by(who.agent)

    first = desk.get(address, {"pageSize": 5}).json()
    every = desk.get(address, {"pageSize": 100}).json()

    assert len(first["results"]) == 5
    assert first["count"] == every["count"] == len(every["results"])
    assert every["results"][:5] == first["results"]
    moments = [one["at"] for one in every["results"]]
    assert moments == sorted(moments)
    cancelled = next(one for one in every["results"] if one["source"] == "cancellation")
    assert cancelled == {
        "at": "2026-06-01T12:25:00+00:00",
        "source": "cancellation",
        "kind": "strike",
        "title": "What the cancellation costs: Strike",
        "notes": [
            "Bob Roe, ICE 585: 50 % by the fare, €9.00 waived, €13.50 kept, €31.50 back",
        ],
        "text": "",
        "about": ["money", "staff"],
        "amount": {"amount": "31.50", "currency": "EUR"},
        "actorKind": "staff",
        "actor": "Sam Porter",
        "reason": "Bob could not reach Hamburg",
        "public": False,
    }


def test_is_narrowed_to_what_is_asked_for(address: str, who: People, api: ApiClient) -> None:
    desk = api.by(who.agent)
    for family in ("money", "journey", "messages", "staff"):
        found = desk.get(address, {"show": family, "pageSize": 100}).json()["results"]
        assert found
        assert all(family in one["about"] for one in found), family

    assert desk.get(address, {"show": "secrets"}).status_code == 400


def test_letters_are_for_who_answers_them(address: str, who: People, api: ApiClient) -> None:
    ours = api.by(who.agent).get(address, {"pageSize": 100}).json()["results"]
    theirs = api.by(who.finance).get(address, {"pageSize": 100}).json()["results"]

    assert "Late again, and Bob could not come." in [one["text"] for one in ours]
    assert {one["text"] for one in theirs} == {""}
    assert "secret" not in str(ours)


def test_is_staffs_alone(address: str, who: People, api: ApiClient) -> None:
    assert api.get(address).status_code == 401
    assert api.by(who.ada).get(address).status_code == 403
    assert api.by(who.agent).get("/support/reservations/999999/story").status_code == 404


def test_what_may_be_done_follows_the_role(address: str, who: People, api: ApiClient) -> None:
    def actions(user: Any) -> list[str]:
        return api.by(user).get("/support/reservations").json()["results"][0]["availableActions"]

    # Ada has travelled, and what was Bob's is cancelled: goodwill is left, and how to reach her.
    assert actions(who.agent) == ["correctContact", "goodwill"]
    assert actions(who.finance) == ["goodwill"]
    assert api.by(who.operations).get("/support/reservations").status_code == 403
