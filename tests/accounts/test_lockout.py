"""Guessing passwords: who is stopped, and who is not."""

from __future__ import annotations

import pytest
import time_machine

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def limits_on(settings):
    settings.THROTTLES = "on"
    # At the beginning of a window, so that none ends during a test.
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False) as moment:
        yield moment


def log_in(api, password, *, email="ada@example.org", address=HERE):
    return api.post("/users/login", {"email": email, "password": password}, REMOTE_ADDR=address)


class TestLockout:
    def test_stops_guesses_at_one_account_from_one_address(self, api, traveller):
        assert {log_in(api, "wrong").status_code for _ in range(10)} == {401}

        stopped = log_in(api, PASSWORD)

        assert (stopped.status_code, stopped.json()["code"]) == (429, "throttled")
        assert 1 <= int(stopped.headers["Retry-After"]) <= 301

    def test_locks_nobody_out_from_elsewhere(self, api, traveller, stranger):
        for _ in range(11):
            log_in(api, "wrong")

        assert log_in(api, PASSWORD, address=ELSEWHERE).status_code == 200
        # Nor somebody else in the same house.
        assert log_in(api, PASSWORD, email="mallory@example.org").status_code == 200

    def test_stops_one_password_tried_on_every_account(self, api, traveller, limits_on):
        statuses = []
        for number in range(101):
            # Slowly enough for the limit of all doors.
            limits_on.shift(0.1)
            answer = log_in(api, "summer2026", email=f"p{number}@example.org")
            statuses.append(answer.status_code)

        assert statuses == [401] * 100 + [429]

    def test_is_the_same_for_an_address_that_nobody_has(self, api, traveller):
        statuses = [
            [log_in(api, "wrong", email=email).status_code for _ in range(11)]
            for email in ("ada@example.org", "nobody@example.org")
        ]

        assert statuses[0] == statuses[1] == [401] * 10 + [429]

    def test_a_right_password_takes_the_wrong_ones_back(self, api, traveller):
        for _ in range(3):
            assert {log_in(api, "wrong").status_code for _ in range(9)} == {401}
            assert log_in(api, PASSWORD).status_code == 200

    def test_counts_a_name_however_it_is_typed(self, api, traveller):
        for number in range(10):
            log_in(api, "wrong", email=["ADA@example.org", " ada@Example.org"][number % 2])

        assert log_in(api, PASSWORD).status_code == 429

    def test_a_forged_header_is_no_other_address(self, api, traveller):
        for number in range(10):
            api.post(
                "/users/login",
                {"email": "ada@example.org", "password": "wrong"},
                REMOTE_ADDR=HERE,
                HTTP_X_FORWARDED_FOR=f"203.0.113.{number}",
            )

        assert log_in(api, PASSWORD).status_code == 429
