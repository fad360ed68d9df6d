"""What a report's page offers to choose from is what each list says by itself."""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from support import reports, services
from support.models import CannedReply
from support.selectors import ReportDetail
from tests import factories

from ..conftest import Buy, send
from .conftest import HOUR, respond


@pytest.fixture
def full(
    report: ReportDetail,
    buy: Buy,
    me: Viewer,
    agent: Viewer,
    uma: Viewer,
    stranger: User,
    noon: datetime,
) -> ReportDetail:
    """A report beside others in every state, replies in two languages, and staff of each kind."""
    other = buy()
    sent = [send(other, me, noon + HOUR * hours) for hours in range(4)]
    respond(sent[1], agent, noon, state="Closed")
    services.merge(viewer=agent, report_id=sent[2].id, into_id=report.id, now=noon)
    send(buy(who=stranger), Viewer(user_id=stranger.pk), noon)
    for title, language, category in (
        ("Zug", "de", ""),
        ("Later", "en", "Travel Delay"),
        ("Seat", "en", "Seat Or Equipment"),
        ("All", "en", ""),
    ):
        CannedReply.objects.create(title=title, language=language, category=category, body="Hello.")
    for last_name, roles, flags in (
        ("Adams", ["administrator", "support agent"], {}),
        ("Fin", ["finance"], {}),
        ("Gone", ["support agent"], {"is_active": False}),
        ("Root", [], {"is_superuser": True}),
        ("Plain", [], {}),
    ):
        factories.make_user(is_staff=True, last_name=last_name, roles=roles, **flags)
    return report


def test_one_statement_says_what_three_do(full: ReportDetail) -> None:
    found = reports.choices(full)

    assert found.others == reports.other_reports(full)
    assert found.colleagues == reports.answering_staff()
    assert [(one.pk, one.title, one.language, one.category) for one in found.replies] == [
        (one.pk, one.title, one.language, one.category) for one in reports.canned_replies(full)
    ]
    # None of the three is empty, so that the same is something.
    assert [one.state for one in found.others] == ["Pending", "Closed", "Closed", "Pending"]
    assert [one.title for one in found.replies] == ["Seat", "All", "Zug"]
    assert [one.name.split()[-1] for one in found.colleagues] == ["Adams", "Porter", "Ray", "Root"]


def test_each_list_has_its_end(full: ReportDetail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.reports.MOST_OTHERS", 2)
    monkeypatch.setattr("support.reports.MOST_REPLIES", 2)

    found = reports.choices(full)

    assert found.others == reports.other_reports(full)
    assert [one.state for one in found.others] == ["Pending", "Closed"]
    assert [one.title for one in found.replies] == ["Seat", "All"]
