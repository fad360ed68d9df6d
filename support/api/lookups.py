"""The look-ups over the API: an operation each, drawn from their list."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from support import selectors
from support.analytics import asking, lookups
from support.analytics.asking import CATEGORY, DAY, LookUp, Wanted
from support.analytics.rights import rights_of
from support.api.numbers import MaySeeNumbers, field_of
from travel.api.fields import DayField, Serializer
from travel.api.views import ApiView
from travel.common import acts


class LookUpView(ApiView):
    """A look-up: parse, ask, put the look on record, answer."""

    permission_classes = (MaySeeNumbers,)
    tags = ("numbers",)
    look_up: LookUp

    def get(self, request: Request) -> Response:
        rights = rights_of(request.user)  # type: ignore[arg-type]
        found = asking.get_look_up(name=self.look_up.name, rights=rights)
        said = self.query()
        rows = asking.answer(found, said)
        acts.record(request, None, asking.in_words(found, said), kind=acts.Kind.LOOKED)
        return self.answer({"count": len(rows), "results": [_row(found, row) for row in rows]})


def _row(look_up: LookUp, row: Any) -> dict[str, Any]:
    cells = {column.name: getattr(row, column.name) for column in look_up.columns}
    # Whoever has no e-mail address or no telephone has an empty one here.
    return {name: "" if value is None else value for name, value in cells.items()}


def _asked(wanted: Wanted) -> serializers.Field[Any, Any, Any, Any]:
    is_needed = not wanted.may_be_left_out
    if wanted.kind == DAY:
        return DayField(required=is_needed, help_text="A day of the numbers' zone, counted in.")
    if wanted.kind == CATEGORY:
        return serializers.ChoiceField(choices=selectors.CATEGORIES, required=is_needed)
    return serializers.CharField(max_length=lookups.LONGEST, required=is_needed)


def _view(look_up: LookUp) -> type[LookUpView]:
    name = "".join(word.capitalize() for word in look_up.name.split("-"))
    fields = {column.name: field_of(column) for column in look_up.columns}
    line = type(f"{name}Row", (Serializer,), {"__doc__": str(look_up.says), **fields})
    output = type(
        f"{name}LookUp",
        (Serializer,),
        {
            "__doc__": str(look_up.says),
            "count": serializers.IntegerField(help_text="How many rows follow, 100 at most."),
            "results": line(many=True),
        },
    )
    query = {wanted.name: _asked(wanted) for wanted in look_up.wants}
    return type(
        f"{name}LookUpView",
        (LookUpView,),
        {
            "__doc__": str(look_up.says),
            "look_up": look_up,
            "Query": type(f"{name}LookUpQuery", (Serializer,), query),
            "Output": output,
        },
    )


VIEWS: dict[str, type[LookUpView]] = {
    name: _view(look_up) for name, look_up in asking.LOOK_UPS.items()
}
