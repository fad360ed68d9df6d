"""
Refusals: one word from the engine to the reader.

A refusal has a code that the engine, the exception, the API's problem, the page's message and the
test share. Each app names its own in its errors.py; those that no storey owns stand here.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """
    A rule said no; nothing was changed.

    `code` is the published word, `status` its HTTP status, `title` a short sentence for people,
    `errors` maps fields to messages, `retry_after` are seconds, `details` joins the API's problem
    as it is.
    """

    code = "invalid_input"
    status = 400
    title: str | Promise = _("The request is not valid.")

    def __init__(
        self,
        detail: str | Promise | None = None,
        *,
        errors: dict[str, list[str]] | None = None,
        retry_after: int | None = None,
        **details: Any,
    ) -> None:
        self.detail = detail if detail is not None else self.title
        self.errors = errors or {}
        self.retry_after = retry_after
        self.details = details
        super().__init__(str(self.detail))


class InvalidInput(Refusal):
    """What was sent cannot be understood; `errors` tells where."""


class NotFound(Refusal):
    """It does not exist, or it is not this reader's to see."""

    code = "not_found"
    status = 404
    title = _("There is nothing here under this name.")


class NotAllowed(Refusal):
    """The reader is known, and may not do this."""

    code = "not_allowed"
    status = 403
    title = _("You may not do this.")


class Unavailable(Refusal):
    """Something the office needs is out of order for the moment; trying again may help."""

    code = "unavailable"
    status = 503
    title = _("This is not available at the moment. Please try again shortly.")


class OutcomeUnknown(Unavailable):
    """
    The answer of the database to a COMMIT was lost: the change was made, or it was not.

    The same request under its idempotency key finds out.
    """

    title = _("It is not known whether this was done. Please look before you try again.")


class PageTooDeep(Refusal):
    """Lists end at 10,000 rows; narrower filters find the rest."""

    code = "page_too_deep"
    title = _("The list cannot be read this far. Please narrow the search.")


class KeyReused(Refusal):
    """The same idempotency key came with another request."""

    code = "key_reused"
    status = 422
    title = _("This idempotency key was used for another request.")


class RequestInProgress(Refusal):
    """The first request with this idempotency key is still being worked on."""

    code = "request_in_progress"
    status = 409
    title = _("The first request with this key is still being worked on.")


class Throttled(Refusal):
    """Too many requests in too short a time."""

    code = "throttled"
    status = 429
    title = _("Too many requests. Please wait a moment.")
