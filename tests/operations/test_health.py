"""What a load balancer and a supervisor ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


class TestHealthz:
    def test_says_that_the_process_is_up_and_asks_nobody(self, client: Client) -> None:
        # No database is allowed here.
        answer = client.get("/healthz")

        assert (answer.status_code, answer.json()) == (200, {"status": "up"})


@pytest.mark.django_db
class TestReadyz:
    def test_is_ready_with_every_table(self, client: Client) -> None:
        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})

    def test_is_not_ready_before_the_migrations(self, client: Client) -> None:
        MigrationRecorder.Migration.objects.filter(app="payments").delete()

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json() == {"status": "not_ready", "reason": "migrations_missing"}

    def test_is_not_ready_without_the_database(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("gone")

        monkeypatch.setattr("travel.health.MigrationExecutor", refuse)

        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json() == {"status": "not_ready", "reason": "database_unreachable"}
