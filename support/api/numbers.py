"""The numbers over the API: an operation a report, drawn from the catalogue."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import viewers
from support.analytics import catalogue
from support.analytics.catalogue import AMOUNT, MINUTES, MOMENT, SHARE, TEXT, Column, Report
from support.analytics.days import zone
from support.analytics.rights import rights_of
from travel.api.fields import DayField, IDField, InstantField, MoneyField, Serializer
from travel.api.views import ApiView
from travel.common.errors import NotAllowed


class MaySeeNumbers(BasePermission):
    """Staff; which numbers, their roles say."""

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user.is_authenticated:
            return False
        if not user.is_staff or not viewers.of_user(user).is_support:
            raise NotAllowed()
        return True


class NumbersView(ApiView):
    """A report: parse, ask, answer."""

    permission_classes = (MaySeeNumbers,)
    tags = ("numbers",)
    report: Report

    def get(self, request: Request) -> Response:
        query = self.query() if self.Query else {}
        rights = rights_of(request.user)  # type: ignore[arg-type]
        report = catalogue.get_report(name=self.report.name, rights=rights)
        asked = catalogue.ask(
            report,
            rights=rights,
            first=query.get("from"),
            last=query.get("to"),
            by=query.get("by", ""),
            carrier_id=query.get("carrier_id"),
            mode=query.get("mode", ""),
            now=self.now,
        )
        found = report.run(asked)
        return self.answer(
            {
                "zone": zone(),
                "from": asked.over.first,
                "to": asked.over.last,
                "by": asked.by,
                "count": found.every,
                "results": [_row(report, row) for row in found.rows],
            }
        )


def _row(report: Report, row: Any) -> dict[str, Any]:
    cells = {column.name: getattr(row, column.name) for column in report.columns}
    return {"key": row.key, **cells} if hasattr(row, "key") else cells


# --- drawn from the catalogue ---------------------------------------------------------------------


class ShareField(serializers.DecimalField):
    """A share as a decimal of one: `0.7143`, exact to hundredths of a per cent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_digits=12,
            decimal_places=4,
            coerce_to_string=True,
            help_text="Of one: 0.2500 is a quarter.",
            **kwargs,
        )

    def to_representation(self, value: Any) -> str:
        sign = "-" if value < 0 else ""
        whole, rest = divmod(abs(int(value)), 10_000)
        return f"{sign}{whole}.{rest:04}"


def field_of(column: Column) -> serializers.Field[Any, Any, Any, Any]:
    """Answer the field that writes a column's cells."""
    if column.kind == AMOUNT:
        return MoneyField()
    if column.kind == SHARE:
        return ShareField()
    if column.kind == MOMENT:
        return InstantField()
    if column.kind == MINUTES:
        return serializers.IntegerField(allow_null=True, help_text="Whole minutes.")
    if column.kind == TEXT:
        return serializers.CharField(allow_blank=True)
    return IDField() if column.name.endswith("_id") else serializers.IntegerField()


def _output(report: Report, name: str) -> type[Serializer]:
    fields = {column.name: field_of(column) for column in report.columns}
    if any(column.name == "label" for column in report.columns):
        fields = {
            "key": serializers.CharField(help_text="What the label stands for: a day, an id, ..."),
            **fields,
        }
    line = type(f"{name}Line", (Serializer,), {"__doc__": str(report.says), **fields})
    return type(
        f"{name}Numbers",
        (Serializer,),
        {
            "__doc__": str(report.says),
            "zone": serializers.CharField(help_text="In which the days begin and end."),
            "from": serializers.DateField(),
            "to": serializers.DateField(),
            "by": serializers.CharField(allow_blank=True),
            "count": serializers.IntegerField(
                help_text="How many were found; of long lists the first are shown."
            ),
            "results": line(many=True),
        },
    )


def _query(report: Report, name: str) -> type[Serializer] | None:
    fields: dict[str, Any] = {}
    if report.has_span:
        fields["from"] = DayField(required=False, help_text="The first day, counted in.")
        fields["to"] = DayField(required=False, help_text="The last day, counted in.")
    if report.by:
        fields["by"] = serializers.ChoiceField(choices=list(report.by), required=False)
    if report.by_carrier:
        fields["carrier_id"] = IDField(required=False)
    if report.by_mode:
        fields["mode"] = serializers.ChoiceField(choices=list(catalogue.MODES), required=False)
    return type(f"{name}Query", (Serializer,), fields) if fields else None


def _view(report: Report) -> type[NumbersView]:
    name = "".join(word.capitalize() for word in report.name.split("-"))
    return type(
        f"{name}Numbers",
        (NumbersView,),
        {
            "__doc__": str(report.says),
            "report": report,
            "Query": _query(report, name),
            "Output": _output(report, name),
        },
    )


VIEWS: dict[str, type[NumbersView]] = {
    name: _view(report) for name, report in catalogue.REPORTS.items()
}
