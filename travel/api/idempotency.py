"""
The Idempotency-Key header: sent again, a request brings the first answer again, bit for bit.

Kept are successes and refusals that are final. Not kept, so that the same key may be tried again,
are invalid input, conflicts that may pass, throttling and faults.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from travel.api import problems
from travel.api.throttles import counted_as
from travel.common import clock, idempotency
from travel.common.errors import InvalidInput, Refusal, RequestInProgress
from travel.common.idempotency import Answer, Asked, Lease
from travel.common.ids import digest
from travel.common.transactions import in_repeatable_transaction

HEADER = "Idempotency-Key"
MAX_KEY = 200
MAX_PATH = 200
MEDIA_TYPE = "application/json"
# Conflicts that may be gone in a moment, or after the traveller has changed something.
MAY_PASS = frozenset(
    {
        *("sold_out", "seat_taken", "too_many_holds", "price_changed", "request_in_progress"),
        "payment_in_progress",
    }
)
FINAL_STATUSES = frozenset({402, 403, 404, 409, 410})
POLL_SECONDS = 0.2
_ANSWERED = (Refusal, APIException, Http404, PermissionDenied)

Door = Callable[..., HttpResponseBase]
NeedsLease = bool | Callable[[Any], bool]


def idempotent(door: Door | None = None, *, lease: NeedsLease = False) -> Any:
    """
    Make a view's method honour the Idempotency-Key header; without one it is as it was.

    The method runs within one transaction, together with the key's row: the service it calls joins,
    and is retried with it. Where the answer to COMMIT is lost, the key tells what became of it.
    With `lease` (or where `lease(request.data)` says so) the row commits first and the method runs
    without a transaction: for calls to a gateway. `request.taken_over` then says that an earlier
    try with this key began and did not come back.
    """

    def decorate(method: Door) -> Door:
        @functools.wraps(method)
        def run(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            asked = asked_by(view, request)
            call = functools.partial(method, view, request, *args, **kwargs)
            request.taken_over = False  # type: ignore[attr-defined]
            if asked is None:
                return call()
            if lease(request.data) if callable(lease) else lease:
                return _under_lease(asked, call, request)
            return _with_effect(asked, call, request)

        run.is_idempotent = True  # type: ignore[attr-defined]
        return run

    return decorate(door) if door is not None else decorate


def asked_by(view: Any, request: Request) -> Asked | None:
    """
    Read the key of a request; None when it has none.

    :raises InvalidInput: the key is empty, too long or not plain ASCII.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise InvalidInput(
            errors={
                HEADER: [_("Write 1 to %(most)d printable ASCII characters.") % {"most": MAX_KEY}]
            }
        )
    whole = json.dumps(
        [request.META.get("QUERY_STRING", ""), request.data], sort_keys=True, default=str
    )
    # The scope's digest fits its column whoever asks: a user, a guest's secret, an address.
    scope = getattr(view, "idempotency_scope", counted_as)(request)
    return Asked(
        scope=digest(scope),
        method=str(request.method),
        path=request.path[:MAX_PATH],
        key=key,
        fingerprint=digest(whole),
    )


def _with_effect(asked: Asked, call: Door, request: Request) -> HttpResponse:
    if (known := idempotency.find(asked)) is not None:
        return _write(known, replayed=True)

    @in_repeatable_transaction
    def once() -> tuple[Answer, bool]:
        stored = idempotency.claim(asked, now=clock.now())
        if stored is not None:
            return stored, True
        answer = _read(call())
        idempotency.finish(asked, answer, now=clock.now())
        return answer, False

    try:
        answer, replayed = once()
    except _ANSWERED as error:
        refused = _final(error, request)
        if refused is None:
            raise
        answer, replayed = idempotency.keep(asked, refused, now=clock.now()), False
    return _write(answer, replayed=replayed)


def _under_lease(asked: Asked, call: Door, request: Request) -> HttpResponse:
    taken = _take(asked)
    if isinstance(taken, Answer):
        return _write(taken, replayed=True)
    request.taken_over = taken.taken_over  # type: ignore[attr-defined]
    try:
        answer = _read(call())
    except _ANSWERED as error:
        refused = _final(error, request)
        if refused is None:
            _give_back(asked, error)
            raise
        answer = refused
    idempotency.finish_leased(asked, answer, now=clock.now())
    return _write(answer, replayed=False)


def _take(asked: Asked) -> Lease | Answer:
    deadline = time.monotonic() + idempotency.PATIENCE_SECONDS
    while True:
        taken = idempotency.lease(asked, now=clock.now())
        if taken is not None:
            return taken
        if time.monotonic() >= deadline:
            raise RequestInProgress(retry_after=2)
        time.sleep(POLL_SECONDS)


def _give_back(asked: Asked, error: Exception) -> None:
    refusal = problems.refusal_for(error)
    if refusal is None or refusal.status >= 500:
        # The gateway may have heard the request: the next one takes over and is told so.
        idempotency.end_lease(asked, now=clock.now())
    else:
        idempotency.drop(asked)


def _final(error: Exception, request: Request) -> Answer | None:
    """Answer the problem to keep, or None for one that may pass or was never a request."""
    refusal = problems.refusal_for(error)
    if refusal is None or refusal.status not in FINAL_STATUSES or refusal.code in MAY_PASS:
        return None
    body = problems.body_of(refusal, request_id=problems.request_id_of(request))
    return Answer(refusal.status, _text(body), problems.MEDIA_TYPE)


def _read(response: HttpResponseBase) -> Answer:
    if isinstance(response, Response):
        body = _text(response.data)
    elif isinstance(response, HttpResponse):
        body = response.content.decode()
    else:
        raise TypeError("a stream cannot be kept")
    return Answer(
        response.status_code, body, MEDIA_TYPE, location=response.headers.get("Location", "")
    )


def _write(answer: Answer, *, replayed: bool) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    if answer.location:
        response.headers["Location"] = answer.location
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _text(data: Any) -> str:
    written: bytes = JSONRenderer().render(data)
    return written.decode()
