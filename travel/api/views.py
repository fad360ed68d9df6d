"""The form of every API view: one class per operation, its serializers nested inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar

from django.urls import reverse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from travel.api.pagination import page_body, read_page
from travel.api.problems import catalogue
from travel.common import clock
from travel.common.errors import InvalidInput, Refusal

# Strings of a query that repeat nothing; a list is written with commas.
MAX_QUERY_VALUE = 500


class ApiView(APIView):
    """
    A door of the API: parse, ask once, answer.

    A view names what it reads and writes in `Input` (the body), `Query` (the query string) and
    `Output`, its refusals in `problems`, whether it answers in pages, and its success status. The
    schema is drawn from exactly these.
    """

    Input: ClassVar[type[serializers.BaseSerializer[Any]] | None] = None
    Query: ClassVar[type[serializers.Serializer[Any]] | None] = None
    Output: ClassVar[type[serializers.BaseSerializer[Any]] | None] = None
    problems: ClassVar[Sequence[type[Refusal]]] = ()
    paginated: ClassVar[bool] = False
    # What the door itself writes on a page beside `results`: published names and their fields.
    beside_results: ClassVar[Mapping[str, serializers.Field[Any, Any, Any, Any]]] = {}
    # For answers that are pages and more, and so write their own `Output`.
    reads_pages: ClassVar[bool] = False
    success_status: ClassVar[int] = HTTPStatus.OK
    # Further successes with the same `Output`, and what they mean.
    other_successes: ClassVar[Mapping[int, str]] = {}
    tags: ClassVar[Sequence[str]] = ()
    throttle_scope: ClassVar[str | None] = "default"

    @property
    def now(self) -> datetime:
        """The present instant, the same for the whole request."""
        if not hasattr(self, "_now"):
            self._now = clock.now()
        return self._now

    def body(self) -> dict[str, Any]:
        """
        Answer the validated body under the names that `Input` declares.

        :raises InvalidInput: through the framework's ValidationError.
        """
        assert self.Input is not None
        serializer = self.Input(data=self.request.data, context={"view": self})
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def query(self) -> dict[str, Any]:
        """
        Answer the validated query string under the names that `Query` declares.

        :raises InvalidInput: a value is not valid, or holds what no text may hold.
        """
        assert self.Query is not None
        values = {name: self.request.query_params[name] for name in self.request.query_params}
        for name, value in values.items():
            if len(value) > MAX_QUERY_VALUE or "\0" in value:
                raise InvalidInput(errors={name[:50]: ["This value is not valid."]})
        serializer = self.Query(data=values, context={"view": self})
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def answer(
        self,
        data: Any,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Write the answer through `Output`, or as it is when the view has none."""
        if self.Output is not None:
            data = self.Output(data, context={"view": self, "now": self.now}).data
        return Response(
            data, status=status or self.success_status, headers=dict(headers) if headers else None
        )

    def answer_page(self, count: int, rows: Sequence[Any]) -> Response:
        """Write rows that a selector has sliced by `self.page` as a page of `count`."""
        if self.Output is not None:
            context = {"view": self, "now": self.now}
            rows = self.Output(rows, many=True, context=context).data
        return Response(page_body(self.request, self.page, count=count, results=rows))

    @property
    def page(self) -> Any:
        """Which page of the list is asked for."""
        return read_page(self.request)


class Problems(ApiView):
    """Every code that a problem may carry, with its status and its usual sentence."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    tags = ("problems",)

    def get(self, request: Any) -> Response:
        """List the codes."""
        return Response(
            {
                "problems": [
                    {
                        "code": kind.code,
                        "status": kind.status,
                        "title": str(kind.title),
                        "type": request.build_absolute_uri(f"{reverse('problems')}#{kind.code}"),
                    }
                    for kind in catalogue()
                ]
            }
        )
