"""The same key and body, sent again: one effect, one answer."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tests.conftest import ApiClient
from travel.common import idempotency
from travel.common.models import IdempotencyKey, Job

pytestmark = [pytest.mark.urls("tests.api.doors"), pytest.mark.django_db]

EFFECT, GATEWAY = "/reservations/effect", "/reservations/gateway"


def send(client, body, key="key-1", path=EFFECT):
    return client.post(path, body, HTTP_IDEMPOTENCY_KEY=key)


class TestIdempotent:
    def test_answers_the_same_again_bit_for_bit(self, api, traveller):
        client = api.by(traveller)

        first = send(client, {"name": "a"})
        again = send(client, {"name": "a"})

        assert first.status_code == again.status_code == 201
        assert first.content == again.content
        assert again.headers["Idempotency-Replayed"] == "true"
        assert Job.objects.count() == 1

    def test_without_a_key_everything_is_done_again(self, api, traveller):
        client = api.by(traveller)

        client.post(EFFECT, {"name": "a"})
        client.post(EFFECT, {"name": "a"})

        assert Job.objects.count() == 2

    def test_refuses_another_body_under_the_same_key(self, api, traveller):
        client = api.by(traveller)
        send(client, {"name": "a"})

        answer = send(client, {"name": "b"})

        assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
        assert Job.objects.count() == 1

    def test_keys_of_two_people_are_two_keys(self, api, traveller, stranger):
        send(api.by(traveller), {"name": "a"})

        answer = send(api.by(stranger), {"name": "b"})

        assert answer.status_code == 201

    def test_keeps_a_refusal_that_is_final_and_nothing_of_its_effect(self, api, traveller):
        client = api.by(traveller)
        body = {"name": "a", "refuse": "insufficient_funds"}

        first = send(client, body)
        again = send(client, body)

        assert first.status_code == 402
        assert first.content == again.content
        assert again.headers["Idempotency-Replayed"] == "true"
        assert first.headers["Content-Type"] == "application/problem+json"
        assert not Job.objects.exists()

    @pytest.mark.parametrize("code", ["sold_out", "unavailable"])
    def test_does_not_keep_what_may_pass(self, api, traveller, code):
        client = api.by(traveller)

        answer = send(client, {"name": "a", "refuse": code})

        assert answer.json()["code"] == code
        assert not Job.objects.exists()
        assert not IdempotencyKey.objects.exists()

    def test_does_not_keep_invalid_input(self, api, traveller):
        client = api.by(traveller)
        assert send(client, {"name": ""}).status_code == 400

        assert send(client, {"name": "a"}).status_code == 201

    @pytest.mark.parametrize("key", ["", "k" * 201, "schlüssel", "a\tb"])
    def test_refuses_a_key_that_is_none(self, api, traveller, key):
        answer = send(api.by(traveller), {"name": "a"}, key=key)

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["Idempotency-Key"]


class TestLease:
    def test_answers_the_same_again(self, api, traveller):
        client = api.by(traveller)

        first = send(client, {"name": "a"}, path=GATEWAY)
        again = send(client, {"name": "a"}, path=GATEWAY)

        assert first.content == again.content
        assert Job.objects.count() == 1

    def test_tells_a_twin_that_the_first_is_being_worked_on(
        self, api, traveller, noon, monkeypatch
    ):
        monkeypatch.setattr(idempotency, "PATIENCE_SECONDS", 0.3)
        client = api.by(traveller)
        send(client, {"name": "a"}, path=GATEWAY)
        IdempotencyKey.objects.update(
            finished_at=None, status=None, body=None, lease_until=noon + timedelta(seconds=60)
        )

        answer = send(client, {"name": "a"}, path=GATEWAY)

        assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
        assert answer.headers["Retry-After"] == "2"

    def test_takes_over_when_the_first_did_not_come_back(self, api, traveller, clock):
        client = api.by(traveller)
        send(client, {"name": "a"}, path=GATEWAY)
        IdempotencyKey.objects.update(
            finished_at=None, status=None, body=None, lease_until=clock.now()
        )

        answer = send(client, {"name": "a"}, path=GATEWAY)

        assert answer.json()["takenOver"] is True

    def test_lets_the_next_try_take_over_after_a_fault(self, api, traveller):
        client = api.by(traveller)
        body = {"name": "a", "refuse": "unavailable"}
        assert send(client, body, path=GATEWAY).status_code == 503
        assert IdempotencyKey.objects.get().finished_at is None

        assert send(client, body, path=GATEWAY).status_code == 503

    def test_forgets_the_key_of_a_refusal_that_may_pass(self, api, traveller):
        send(api.by(traveller), {"name": "a", "refuse": "sold_out"}, path=GATEWAY)

        assert not IdempotencyKey.objects.exists()


class TestForgetOld:
    def test_drops_bodies_after_three_days_and_keys_after_thirty(self, api, traveller, clock):
        client = api.by(traveller)
        send(client, {"name": "a"})
        assert idempotency.forget_old(now=clock.now() + timedelta(hours=72)) == 0

        assert idempotency.forget_old(now=clock.advance(hours=72, seconds=1)) == 1

        late = send(api.by(traveller), {"name": "a"})
        assert (late.status_code, late.json()["code"]) == (422, "key_reused")
        assert Job.objects.count() == 1
        assert idempotency.forget_old(now=clock.advance(days=28)) == 1
        assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTwins:
    @pytest.mark.parametrize("path", [EFFECT, GATEWAY])
    def test_of_eight_at_once_one_has_an_effect_and_all_its_answer(self, api, traveller, path):
        clients = [api.by(traveller) for _ in range(8)]
        answers = at_once(clients, {"name": "a", "slow": 0.3}, path)

        assert [answer.status_code for answer in answers] == [201] * 8
        assert len({answer.content for answer in answers}) == 1
        assert Job.objects.count() == 1

    def test_twins_of_a_final_refusal_get_the_same_answer(self, api, traveller):
        clients = [api.by(traveller) for _ in range(4)]
        answers = at_once(
            clients, {"name": "a", "slow": 0.2, "refuse": "insufficient_funds"}, EFFECT
        )

        assert [answer.status_code for answer in answers] == [402] * 4
        assert len({answer.content for answer in answers}) == 1
        assert not Job.objects.exists()

    @pytest.mark.mariadb
    @pytest.mark.skipif(connection.vendor != "mysql", reason="waits on a lock of MariaDB")
    def test_a_twin_waits_no_longer_than_its_patience(self, api, traveller, monkeypatch):
        monkeypatch.setattr(idempotency, "PATIENCE_SECONDS", 1)
        slow = threading.Thread(
            target=_send, args=(api.by(traveller), {"name": "a", "slow": 3}, EFFECT, [])
        )
        twin = api.by(traveller)
        slow.start()
        threading.Event().wait(0.7)

        answer = send(twin, {"name": "a", "slow": 3})

        slow.join()
        assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
        assert answer.headers["Retry-After"] == "1"
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@SESSION.innodb_lock_wait_timeout")
            assert cursor.fetchone()[0] > 5


def at_once(clients: list[ApiClient], body, path):
    answers: list = []
    threads = [
        threading.Thread(target=_send, args=(client, body, path, answers)) for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _send(client, body, path, answers):
    try:
        answers.append(send(client, body, path=path))
    finally:
        connection.close()
