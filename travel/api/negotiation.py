"""The API speaks JSON, whatever the client says it prefers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JSONAnyway(DefaultContentNegotiation):
    """Choose by the Accept header where there is a choice; else answer as the view does."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        choice = list(renderers)
        try:
            chosen: Any = super().select_renderer(request, choice, format_suffix)
        except NotAcceptable:
            return choice[0], choice[0].media_type or "application/json"
        return chosen  # type: ignore[no-any-return]
