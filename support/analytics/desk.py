"""The help desk: what passengers report, how long an answer takes, and who answers."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import known_as
from support.analytics.days import Span
from support.analytics.revenue import share
from support.analytics.sources import seconds_between
from support.models import Report
from travel.common import sql

State = Report.State


@dataclass(frozen=True, slots=True)
class Category:
    """
    Reports of a category: all, those with an answer, those still open, and the mean minutes to the
    first answer, None where there is none.
    """

    key: str
    label: str
    reports: int
    answered: int
    still_open: int
    minutes: int | None

    @property
    def answered_share(self) -> int:
        """Of the reports those that have an answer, in basis points."""
        return share(self.answered, self.reports)


def reports_by_category(*, over: Span) -> list[Category]:
    """Answer the reports that were sent in a span, by category, the most frequent first."""
    rows = sql.rows(
        "SELECT category, COUNT(*), COUNT(first_at), "  # noqa: S608 - texts of this module
        "SUM(CASE WHEN state IN ('Pending', 'In Progress') THEN 1 ELSE 0 END), "
        f"SUM({seconds_between('created_at', 'first_at')}) FROM (SELECT report.category, "
        "report.state, report.created_at, (SELECT MIN(message.created_at) "
        "FROM support_reportmessage message WHERE message.report_id = report.id "
        "AND message.is_from_staff = %s AND message.is_internal = %s) AS first_at "
        "FROM support_report report WHERE report.created_at >= %s AND report.created_at < %s"
        ") told GROUP BY category ORDER BY COUNT(*) DESC, category",
        [True, False, over.begins_at, over.ends_at],
    )
    return [
        Category(
            key=category,
            label=str(Report.Category(category).label),
            reports=int(reports),
            answered=int(answered),
            still_open=int(still_open),
            minutes=int(seconds) // 60 // int(answered) if answered else None,
        )
        for category, reports, answered, still_open, seconds in rows
    ]


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of staff: answers given, on so many reports, and the share of all answers."""

    user_id: int
    name: str
    answers: int
    reports: int
    share: int


def answers_by_staff(*, over: Span) -> list[Colleague]:
    """Answer who wrote the answers of a span; notes for colleagues are none."""
    rows = sql.rows(
        "SELECT person.id, person.first_name, person.last_name, person.email, COUNT(*), "
        "COUNT(DISTINCT message.report_id) FROM support_reportmessage message "
        "JOIN accounts_user person ON person.id = message.author_id "
        "WHERE message.is_from_staff = %s AND message.is_internal = %s "
        "AND message.created_at >= %s AND message.created_at < %s "
        "GROUP BY person.id, person.first_name, person.last_name, person.email "
        "ORDER BY COUNT(*) DESC, person.id",
        [True, False, over.begins_at, over.ends_at],
    )
    every = sum(int(row[4]) for row in rows)
    return [
        Colleague(
            user_id=user_id,
            name=known_as(first, last, email),
            answers=int(answers),
            reports=int(reports),
            share=share(int(answers), every),
        )
        for user_id, first, last, email, answers, reports in rows
    ]
