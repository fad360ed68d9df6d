"""Hostile values in every field of every door of the help desk, and then a look at every list."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import User
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests.api.test_hostile import QUERY_VALUES, VALUES, fields_of, judge, with_value
from tests.conftest import ApiClient

LISTS = [
    "/reports/my",
    "/support/admin/reports",
    "/support/reservations",
    "/support/payments/cancelled",
]


@pytest.fixture(autouse=True)
def _no_second_factor(settings: Any) -> None:
    settings.STAFF_2FA = "optional"


@pytest.fixture
def doors(report: ReportDetail) -> dict[str, dict[str, Any]]:
    """A body for each door that would pass but for the number of the report or reservation."""
    return {
        "/reports/submit": {
            "reservationID": report.reservation_id,
            "ticketID": report.ticket.id,
            "category": "Other",
            "text": "Hello",
        },
        "/reports/{report_id}/messages": {"text": "Hello"},
        "/support/admin/reports/respond": {
            "ReportID": report.id,
            "Answer": "Yes.",
            "ProcessingStatus": "In Progress",
            "Internal": True,
        },
        "/support/reservations/cancel": {
            "ReservationID": 999_999,
            "WaivePenalty": True,
            "Reason": "Strike",
        },
    }


def operations() -> list[tuple[str, str, Any, Any]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return [
        (method.upper(), path, operation, schema["components"]["schemas"])
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if path.startswith(("/reports", "/support"))
    ]


def test_no_field_makes_a_fault_and_every_list_is_read_afterwards(
    api: ApiClient, traveller: User, staff: User, report: ReportDetail, doors: Any
) -> None:
    clients = {"reports": api.by(traveller), "support": api.by(staff)}
    tried = set()
    for _method, path, operation, components in operations():
        client = clients[path.split("/")[1]]
        for field in fields_of(operation, components):
            tried.add(path)
            for value in VALUES:
                body = with_value(doors[path], field, value)
                answer = client.post(path.replace("{report_id}", str(report.id)), body)
                judge(answer, (path, field, value))

    assert tried == set(doors)
    # What was taken is whole text, and every list is still told.
    assert all(1 <= len(one.body) <= 5_000 for one in ReportMessage.objects.all())
    assert Report.objects.exclude(pk=report.id).exists()
    for path in LISTS:
        client = clients[path.split("/")[1]]
        assert client.get(path, {"pageSize": 100}).status_code == 200, path


def test_no_filter_makes_a_fault(
    api: ApiClient, traveller: User, staff: User, report: ReportDetail
) -> None:
    clients = {"reports": api.by(traveller), "support": api.by(staff)}
    tried = 0
    for method, path, operation, _components in operations():
        if method != "GET" or "{" in path:
            continue
        names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        for name in names:
            for value in QUERY_VALUES:
                judge(clients[path.split("/")[1]].get(path, {name: value}), (path, name, value))
                tried += 1

    # page, pageSize and at least one filter of each of the four lists.
    assert tried >= 12 * len(QUERY_VALUES)
