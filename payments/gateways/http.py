"""A small JSON client: one host, no redirects, no answer of more than a megabyte, no long wait."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from payments.gateways.contract import Unreadable

BIGGEST = 1_000_000


class NotThere(Unreadable):
    """The other side answered that it has no such thing."""


class Refused(Unreadable):
    """The other side answered that it will not do this."""


def call(
    method: str,
    base: str,
    path: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Any:
    """
    Ask a host that the office's settings name, and answer the JSON that it answers.

    :raises NotThere, Refused: it answered 404, or another 4xx.
    :raises Unreadable: it cannot be reached in time, or the answer is no JSON of a success.
    """
    url = urlsplit(base)
    target = quote(f"{url.path}{path}") + (f"?{urlencode(query)}" if query else "")
    sent = None if body is None else json.dumps(body).encode()
    connection = _connection(url.scheme, url.hostname or "", url.port)
    try:
        connection.request(
            method,
            target,
            body=sent,
            headers={**headers, "Accept": "application/json", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        text = answer.read(BIGGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        raise Unreadable(type(error).__name__) from error
    finally:
        connection.close()
    if answer.status == 404:
        raise NotThere(path)
    if 400 <= answer.status < 500 and answer.status not in (408, 425, 429):
        raise Refused(f"status {answer.status}")
    if not 200 <= answer.status < 300 or len(text) > BIGGEST:
        raise Unreadable(f"status {answer.status}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    seconds = settings.GATEWAY_TIMEOUT_SECONDS
    if scheme == "https":
        return http.client.HTTPSConnection(
            host, port, timeout=seconds, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(host, port, timeout=seconds)
