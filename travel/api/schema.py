"""The OpenAPI schema, drawn from what the views say of themselves."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.permissions import AllowAny, IsAuthenticated

from travel.api import problems
from travel.api.fields import IDField
from travel.api.pagination import MAX_SIZE, PagePagination
from travel.common.errors import (
    InvalidInput,
    KeyReused,
    NotAllowed,
    NotFound,
    PageTooDeep,
    Refusal,
    RequestInProgress,
    Throttled,
    Unavailable,
)

PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An error, by RFC 9457.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The word that programs decide by."},
        "errors": {
            "type": "object",
            "description": "What is wrong with which field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "requestID": {"type": "string"},
    },
}

IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    location=OpenApiParameter.HEADER,
    type={"type": "string", "minLength": 1, "maxLength": 200},
    description=(
        "A key of your choice for this request. Sent again with the same body it brings the first "
        "answer again, and nothing is done twice."
    ),
)


class OfficeSchema(AutoSchema):
    """Reads `Input`, `Query`, `Output`, `problems`, `paginated`, `success_status` of an ApiView."""

    def get_operation_id(self) -> str:
        name = type(self.view).__name__
        return name[0].lower() + name[1:]

    def get_tags(self) -> list[str]:
        return list(getattr(self.view, "tags", ())) or [self._tokenize_path()[0]]

    def get_summary(self) -> str | None:
        text = (type(self.view).__doc__ or "").strip()
        return text.splitlines()[0] if text else None

    def get_request_serializer(self) -> Any:
        return (
            getattr(self.view, "Input", None) if self.method in ("POST", "PUT", "PATCH") else None
        )

    def get_response_serializers(self) -> Any:
        output = getattr(self.view, "Output", None)
        status = str(int(getattr(self.view, "success_status", 200)))
        if output is None:
            return {status: {"type": "object", "additionalProperties": True}}
        if getattr(self.view, "paginated", False):
            return {status: output(many=True)}
        others = getattr(self.view, "other_successes", {})
        return {
            status: output,
            **{
                str(int(code)): OpenApiResponse(output, description=meaning)
                for code, meaning in others.items()
            },
        }

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Name a view's own serializers by the view: `SignUp.Output` is `SignUpResponse`."""
        kind = serializer if isinstance(serializer, type) else type(serializer)
        *owners, last = kind.__qualname__.split(".")
        if not owners:
            return str(super().get_serializer_name(serializer, direction))
        # The split of requests from answers adds `Request` to the first of the two by itself.
        ending = {"Input": "", "Output": "Response"}.get(last, last)
        return "".join(owners).replace("Output", "").replace("Input", "") + ending

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = []
        if query := getattr(self.view, "Query", None):
            parameters.append(query)
        if self._reads_pages():
            parameters += [
                OpenApiParameter(
                    "page",
                    {"type": "integer", "minimum": 1, "default": 1},
                    description="Which page.",
                ),
                OpenApiParameter(
                    "pageSize",
                    {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": 20},
                    description="How many results a page has.",
                ),
            ]
        if self._is_idempotent():
            parameters.append(IDEMPOTENCY_KEY)
        return parameters

    def _get_paginator(self) -> Any:
        if not getattr(self.view, "paginated", False):
            return None
        return _DescribedPages(
            {
                name: self._map_serializer_field(field, "response")
                for name, field in getattr(self.view, "beside_results", {}).items()
            }
        )

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        """Describe a serializer by its own words; the base class speaks to programmers."""
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if not type(serializer).__doc__:
            schema.pop("description", None)
        return schema

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
        for kind in self._problems():
            if kind.code not in [known.code for known in by_status[kind.status]]:
                by_status[kind.status].append(kind)
        for status, kinds in sorted(by_status.items()):
            bodies.setdefault(str(status), _problem_body(kinds))
        return bodies

    def _problems(self) -> list[type[Refusal]]:
        """Every refusal this operation may answer: its own, and those that come with its form."""
        view = self.view
        kinds: list[type[Refusal]] = [*getattr(view, "problems", ()), Unavailable]
        if getattr(view, "Input", None) or getattr(view, "Query", None):
            kinds.append(InvalidInput)
        if getattr(view, "Input", None):
            kinds += [problems.PayloadTooLarge, problems.UnsupportedMediaType]
        if self._reads_pages():
            kinds += [InvalidInput, PageTooDeep]
        if view.authentication_classes:
            kinds.append(problems.NotAuthenticated)
        if any(kind not in (AllowAny, IsAuthenticated) for kind in view.permission_classes):
            kinds.append(NotAllowed)
        if "{" in self.path or self._names_objects():
            kinds.append(NotFound)
        if getattr(view, "throttle_scope", None):
            kinds.append(Throttled)
        if self._is_idempotent():
            kinds += [InvalidInput, KeyReused, RequestInProgress]
        return kinds

    def _reads_pages(self) -> bool:
        return bool(
            getattr(self.view, "paginated", False) or getattr(self.view, "reads_pages", False)
        )

    def _names_objects(self) -> bool:
        """Say whether the body names something by its id, which may not be there."""
        declared = getattr(getattr(self.view, "Input", None), "_declared_fields", {})
        return any(isinstance(field, IDField) for field in declared.values())

    def _is_idempotent(self) -> bool:
        handler = getattr(self.view, (self.method or "").lower(), None)
        return bool(getattr(handler, "is_idempotent", False))


class _DescribedPages(PagePagination):
    """Pages that carry more beside their results."""

    def __init__(self, beside: dict[str, Any]) -> None:
        self.beside = beside

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["properties"] = page["properties"] | self.beside
        page["required"] = [*page["required"], *self.beside]
        return page


def _problem_body(kinds: list[type[Refusal]]) -> dict[str, Any]:
    codes = sorted({kind.code for kind in kinds})
    return {
        "description": " ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        PROBLEM_REF,
                        {"type": "object", "properties": {"code": {"enum": codes}}},
                    ]
                }
            }
        },
    }


def document_problems(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Add the one shape that all problems have."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes the office's access tokens."""

    target_class = "accounts.api.authentication.AccessTokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
