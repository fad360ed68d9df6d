"""What tests of the help desk's API share: who asks, what they send, and what may be written."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from payments.models import Cancellation
from support.models import Report, ReportMessage
from support.selectors import ReportDetail
from tests import selling
from tests.conftest import ApiClient


@pytest.fixture(autouse=True)
def _audited(audited: None) -> None:
    """Every story ends with the audit."""


@pytest.fixture(autouse=True)
def _no_second_factor(settings: Any) -> None:
    settings.STAFF_2FA = "optional"


@pytest.fixture
def mine(api: ApiClient, traveller: User) -> ApiClient:
    return api.by(traveller)


@pytest.fixture
def desk(api: ApiClient, staff: User) -> ApiClient:
    return api.by(staff)


def rows() -> dict[str, Any]:
    """Everything that a report or a cancellation may write."""
    reports = {
        "Report": list(Report.objects.order_by("pk").values_list()),
        "ReportMessage": list(ReportMessage.objects.order_by("pk").values_list()),
        "Cancellation": list(Cancellation.objects.order_by("pk").values_list()),
    }
    return reports | {
        name: found for name, found in selling.everything().items() if name != "IdempotencyKey"
    }


def report_on(reservation: Any, **changes: Any) -> dict[str, Any]:
    return {
        "reservationID": reservation.id,
        "ticketID": reservation.coupons[0].ticket_id,
        "category": "Travel Delay",
        "text": "Forty minutes late.\nNobody said why.",
        **changes,
    }


def answer_to(report: ReportDetail, **changes: Any) -> dict[str, Any]:
    return {
        "ReportID": report.id,
        "Answer": "We are sorry.",
        "ProcessingStatus": "Reviewed",
        **changes,
    }
