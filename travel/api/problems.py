"""
Every error of the API is a problem by RFC 9457.

A refusal of the domain carries its own word; what the framework raises is given one here. The body
has `type`, `title`, `status`, `detail`, `code`, `requestID`, and `errors` for invalid input.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from travel.api.naming import camel
from travel.common.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    Refusal,
    Throttled,
    Unavailable,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
CHALLENGE = "Bearer"


class NotAuthenticated(Refusal):
    """No token came, or one that is malformed, expired or revoked."""

    code = "not_authenticated"
    status = 401
    title = _("Please sign in.")


class MethodNotAllowed(Refusal):
    """The path exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    title = _("This method is not available here.")


class NotAcceptable(Refusal):
    """The client accepts nothing that the office can answer."""

    code = "not_acceptable"
    status = 406
    title = _("The answer is available as JSON only.")


class PayloadTooLarge(Refusal):
    """The body is larger than any request of the API needs."""

    code = "payload_too_large"
    status = 413
    title = _("The request is too large.")


class UnsupportedMediaType(Refusal):
    """The body is not JSON."""

    code = "unsupported_media_type"
    status = 415
    title = _("Please send JSON (Content-Type: application/json).")


class InternalError(Refusal):
    """A fault of the office, not of the request. It has been logged under the request's id."""

    code = "internal_error"
    status = 500
    title = _("Something went wrong on our side.")


_BY_STATUS: dict[int, type[Refusal]] = {
    400: InvalidInput,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    429: Throttled,
    503: Unavailable,
}


# --- from an exception to a refusal ---------------------------------------------------------------


def refusal_for(error: Exception) -> Refusal | None:
    """Answer the refusal that tells of an exception, or None when it is a fault of the office."""
    match error:
        case Refusal():
            return error
        case exceptions.ValidationError():
            return InvalidInput(errors=dict(_flatten(error.detail)))
        case DjangoValidationError():
            return InvalidInput(errors={"": [str(message) for message in error.messages]})
        case exceptions.Throttled():
            return Throttled(retry_after=math.ceil(getattr(error, "wait", None) or 1))
        case exceptions.ParseError():
            return InvalidInput(str(error.detail))
        case exceptions.APIException():
            kind = _BY_STATUS.get(error.status_code)
            return kind() if kind else None
        case Http404():
            return NotFound()
        case PermissionDenied():
            return NotAllowed()
        case OperationalError() | InterfaceError():
            # The database is away, full or busy; the same request may succeed in a moment.
            logger.warning("the database refused: %s", error)
            return Unavailable(retry_after=1)
        case DataError():
            # A value that no column can hold came from the request; a door should have caught it.
            logger.error("a value passed the door that no column can hold", exc_info=error)
            return InvalidInput()
        case UnreadablePostError():
            return InvalidInput(_("The request broke off."))
    return None


def refusal_for_status(status: int) -> Refusal:
    """Answer the refusal that tells of a bare HTTP status."""
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = InvalidInput if status < 500 else InternalError
    return kind()


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Name each field of the nested messages by its path: `passengers.0.lastName`."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, ".".join(part for part in (path, name) if part))
        return
    if isinstance(detail, Sequence) and not isinstance(detail, str):
        messages = [str(item) for item in detail if isinstance(item, str | Promise)]
        if messages:
            yield path, messages
        for index, item in enumerate(detail):
            if isinstance(item, Mapping) and item:
                yield from _flatten(item, f"{path}.{index}" if path else str(index))
        return
    yield path, [str(detail)]


# --- from a refusal to an answer ------------------------------------------------------------------


def body_of(refusal: Refusal, *, request_id: str = "") -> dict[str, Any]:
    """Write the problem's body."""
    body: dict[str, Any] = {
        "type": f"{settings.SITE_URL}/api/problems#{refusal.code}",
        "title": str(refusal.title),
        "status": refusal.status,
        "detail": str(refusal.detail),
        "code": refusal.code,
    }
    if refusal.errors:
        body["errors"] = {
            _spelt(field): [str(message) for message in messages]
            for field, messages in refusal.errors.items()
        }
    for name, value in refusal.details.items():
        body.setdefault(camel(name), value)
    if request_id:
        body["requestID"] = request_id
    return body


def headers_of(refusal: Refusal) -> dict[str, str]:
    """Answer the headers that go with the problem."""
    headers = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    elif refusal.status in (429, 503) and not isinstance(refusal, OutcomeUnknown):
        headers["Retry-After"] = "1"
    return headers


def _spelt(field: str) -> str:
    return ".".join(camel(part) for part in field.split("."))


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; None leaves the fault to ApiMiddleware."""
    refusal = refusal_for(error)
    if refusal is None:
        return None
    request = context.get("request")
    headers = headers_of(refusal)
    if isinstance(error, exceptions.MethodNotAllowed) and (view := context.get("view")):
        headers["Allow"] = ", ".join(allowed_methods(view))
    return Response(
        body_of(refusal, request_id=request_id_of(request)),
        status=refusal.status,
        headers=headers,
        content_type=MEDIA_TYPE,
    )


def problem_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Write a problem without the framework's help, for what never reached a view."""
    return HttpResponse(
        json.dumps(body_of(refusal, request_id=request_id_of(request)), ensure_ascii=False),
        status=refusal.status,
        headers=headers_of(refusal),
        content_type=MEDIA_TYPE,
    )


def request_id_of(request: Request | HttpRequest | None) -> str:
    """Answer the id under which this request stands in the logs."""
    return str(getattr(request, "request_id", ""))


def allowed_methods(view: Any) -> list[str]:
    """Answer the methods of a view (class or instance), HEAD and OPTIONS included."""
    names = [name.upper() for name in view.http_method_names if hasattr(view, name)]
    if "GET" in names and "HEAD" not in names:
        names.insert(names.index("GET") + 1, "HEAD")
    return names


# --- the catalogue --------------------------------------------------------------------------------


def catalogue() -> list[type[Refusal]]:
    """Answer every refusal that the office knows, one per code, by status and code."""
    found: dict[str, type[Refusal]] = {}

    def walk(kind: type[Refusal]) -> None:
        found.setdefault(kind.code, kind)
        for heir in kind.__subclasses__():
            walk(heir)

    walk(InvalidInput)
    walk(Refusal)
    return sorted(found.values(), key=lambda kind: (kind.status, kind.code))
