"""What every answer of the API has in common, whoever wrote it: JSON, an id, and no HTML."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from travel.api.problems import (
    InternalError,
    allowed_methods,
    problem_response,
    refusal_for,
    refusal_for_status,
)

logger = logging.getLogger(__name__)

ROOMS = frozenset(
    {"otp", "users", "tickets", "reservations", "payments", "reports", "support", "api"}
)
PATHS = frozenset({"/wallet", "/wallet/top-up"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def is_api(path: str) -> bool:
    """Say whether a path belongs to the published contract, known or not."""
    return path in PATHS or path.lstrip("/").partition("/")[0] in ROOMS


class ApiMiddleware:
    """
    Give each request its id, and see to it that under the API's paths every error is a problem.

    A path that leads nowhere, a method that is not there, a middleware's refusal and a fault in a
    view all answer JSON; a fault is logged with its trace and told without it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = _name(request)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        if not is_api(request.path):
            return response
        if response.status_code >= 400 and not _is_json(response):
            response = _as_problem(request, response)
        for name, value in getattr(request, "rate_limit_headers", {}).items():
            response.headers[name] = value
        # Answers differ by token, and none of them belongs into a shared cache.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Answer OPTIONS from the view's methods, without asking who wants to know."""
        kind = getattr(view, "cls", None)
        if request.method != "OPTIONS" or kind is None or not is_api(request.path):
            return None
        return HttpResponse(status=204, headers={"Allow": ", ".join(allowed_methods(kind))})

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn what a view did not handle into a problem."""
        if not is_api(request.path):
            return None
        refusal = refusal_for(error)
        if refusal is None:
            logger.error("a request failed: %s", request.path, exc_info=error)
            refusal = InternalError()
        return problem_response(request, refusal)


def _name(request: HttpRequest) -> str:
    """Take the caller's request id if it is a plain one, else draw one; logs use the same."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    request.META["HTTP_X_REQUEST_ID"] = request_id
    # The headers may have been read already, and are kept once read.
    request.__dict__.pop("headers", None)
    request.request_id = request_id  # type: ignore[attr-defined]
    return request_id


def _is_json(response: HttpResponseBase) -> bool:
    return "json" in response.headers.get("Content-Type", "")


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    problem = problem_response(request, refusal_for_status(response.status_code))
    problem.headers["X-Request-ID"] = response.headers["X-Request-ID"]
    for name in ("Allow", "Retry-After"):
        if name in response.headers:
            problem.headers[name] = response.headers[name]
    return problem
