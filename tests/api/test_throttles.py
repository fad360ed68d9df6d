"""Limits: by user, else by address; strict ones stay shut when they cannot be counted."""

from __future__ import annotations

import pytest
import time_machine
from django.core.cache import cache

from tests.factories import PASSWORD
from travel.common.address import client_address, client_network

pytestmark = [pytest.mark.django_db]
doors = pytest.mark.urls("tests.api.doors")


@pytest.fixture(autouse=True)
def limits_on(settings):
    settings.THROTTLES = "on"
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def broken_cache(monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionRefusedError("no cache")

    for name in ("add", "incr", "get", "set"):
        monkeypatch.setattr(cache, name, fail)


class TestRateThrottle:
    @doors
    def test_lets_one_user_search_twenty_times_a_second(self, api, traveller, stranger, limits_on):
        client = api.by(traveller)
        answers = [client.get("/tickets/rows") for _ in range(21)]

        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        assert answers[0].headers["RateLimit-Policy"] == '"search";q=20;w=1'
        assert answers[0].headers["RateLimit"].startswith('"search";r=19;t=')
        refused = answers[-1]
        assert refused.json()["code"] == "throttled"
        assert int(refused.headers["Retry-After"]) >= 1
        # Somebody else, and a second later the same one, may search.
        assert api.by(stranger).get("/tickets/rows").status_code == 200
        limits_on.shift(1)
        assert client.get("/tickets/rows").status_code == 200

    @doors
    def test_counts_strangers_by_address(self, api):
        here = [api.get("/tickets/rows", REMOTE_ADDR="192.0.2.1") for _ in range(21)]

        assert here[-1].status_code == 429
        assert api.get("/tickets/rows", REMOTE_ADDR="192.0.2.2").status_code == 200

    @doors
    def test_lets_everybody_search_without_a_cache(self, api, broken_cache):
        assert api.get("/tickets/rows").status_code == 200

    def test_may_be_off(self, api, settings, traveller):
        settings.THROTTLES = "off"
        body = {"email": "ada@example.org", "password": "wrong"}

        assert {api.post("/users/login", body).status_code for _ in range(15)} == {401}


class TestGuesses:
    def test_ten_guesses_at_an_account_from_an_address(self, api, traveller):
        wrong = {"email": "Ada@example.org", "password": "wrong"}
        right = {"email": "ada@example.org", "password": PASSWORD}
        answers = [api.post("/users/login", wrong).status_code for _ in range(11)]

        assert answers == [401] * 10 + [429]
        # The right password does not help any more from here, and still does from elsewhere.
        assert api.post("/users/login", right).status_code == 429
        assert api.post("/users/login", right, REMOTE_ADDR="192.0.2.9").status_code == 200

    def test_the_right_password_takes_the_wrong_ones_back(self, api, traveller):
        wrong = {"email": "ada@example.org", "password": "wrong"}
        right = {"email": "ada@example.org", "password": PASSWORD}
        for _ in range(3):
            assert {api.post("/users/login", wrong).status_code for _ in range(9)} == {401}
            assert api.post("/users/login", right).status_code == 200

    def test_without_a_cache_nobody_may_guess(self, api, traveller, broken_cache):
        answer = api.post("/users/login", {"email": "ada@example.org", "password": PASSWORD})

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "5"


class TestClientAddress:
    @pytest.mark.parametrize(
        ("proxies", "forwarded", "expected"),
        [
            (0, "198.51.100.7", "10.0.0.1"),
            (1, "198.51.100.7", "198.51.100.7"),
            (1, "1.1.1.1, 198.51.100.7", "198.51.100.7"),
            (2, "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            (2, "198.51.100.7", "10.0.0.1"),
            (1, "nonsense", "10.0.0.1"),
            (1, "", "10.0.0.1"),
        ],
    )
    def test_counts_proxies_from_the_right(self, rf, settings, proxies, forwarded, expected):
        settings.TRUSTED_PROXIES = proxies

        request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

        assert client_address(request) == expected

    def test_counts_a_subscribers_whole_network(self, rf):
        request = rf.get("/", REMOTE_ADDR="2001:db8:1:2:3:4:5:6")

        assert client_network(request) == "2001:db8:1:2::"
