"""With Redis away the office sells as before; only guessing passwords is not possible."""

from __future__ import annotations

import pytest

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_redis(settings, tmp_path, empty_cache):
    settings.THROTTLES = "on"
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"unix://{tmp_path}/nobody.sock?db=0",
            "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},
        }
    }


class TestWithoutRedis:
    def test_one_searches_and_reserves(self, api, traveller, train):
        client = api.by(traveller)
        body = {"origin": "Hamburg", "destination": "München", "date": "2026-06-02"}
        party = [{"firstName": "Ada", "lastName": "Lovelace", "type": "adult"}]

        assert client.post("/tickets/search", body).json()["count"] == 5
        for key in ("a", "b"):
            held = client.post(
                "/reservations/reserve",
                {"ticketID": train.ticket_id(), "passengers": party},
                HTTP_IDEMPOTENCY_KEY=key,
            )
            assert held.status_code == 201, held.content
        # Sold by now, so that the seats left are no longer those of the whole vehicle.
        assert client.post("/tickets/search", body).json()["results"][0]["seatsLeft"] == 6

    def test_nobody_guesses_passwords(self, api, traveller):
        answer = api.post("/users/login", {"email": "ada@example.org", "password": PASSWORD})

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
