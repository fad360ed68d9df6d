"""A form that moves money does so once, however often its button is pressed."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.http import HttpRequest

from travel.common import idempotency
from travel.common.errors import KeyReused
from travel.common.idempotency import Answer, Asked, Lease
from travel.common.ids import digest


def asked_by(request: HttpRequest, *, token: str, said: str) -> Asked:
    """Name what a form asks for: `token` was drawn with the form, `said` is what was typed."""
    return Asked(
        scope=f"user:{request.user.pk}",
        method="POST",
        path=request.path,
        key=token,
        fingerprint=digest(said),
    )


def is_first(asked: Asked, *, now: datetime) -> bool:
    """Say whether this press of the button is the first; the others change nothing."""
    try:
        taken = idempotency.lease(asked, now=now)
    except KeyReused:
        return False
    return isinstance(taken, Lease) and not taken.taken_over


def is_done(asked: Asked, way_on: str, *, now: datetime) -> None:
    """Remember that the form has been worked on."""
    answer = Answer(HTTPStatus.FOUND, body="", content_type="text/html", location=way_on)
    idempotency.finish_leased(asked, answer, now=now)


def had_no_effect(asked: Asked) -> None:
    """Let the form be sent again: it was refused."""
    idempotency.drop(asked)
