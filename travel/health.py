"""For those who keep the office running: is the process up, and may it get requests?"""

from __future__ import annotations

from http import HTTPStatus

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers; nothing else is asked, so that nothing else can restart it."""
    return JsonResponse({"status": "up"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether the database answers and has every table; 503 until it does."""
    try:
        missing = _missing_migrations()
    except DatabaseError:
        return _not_ready("database_unreachable")
    if missing:
        return _not_ready("migrations_missing")
    return JsonResponse({"status": "ready"})


def _missing_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _not_ready(reason: str) -> JsonResponse:
    return JsonResponse(
        {"status": "not_ready", "reason": reason}, status=HTTPStatus.SERVICE_UNAVAILABLE
    )
