"""What is kept of closed days: the same numbers before and after, once, all of it or nothing."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.models import Reservation
from support import audit
from support.analytics import catalogue, people, trends
from support.analytics.days import Span
from support.analytics.rights import ROOMS, Rights
from support.models import ClosedDay, DayCustomer, DayHolds, DaySales
from support.services import closing_days
from support.services.closing_days import close_day, days_to_close, open_again
from tests import factories, selling
from tests.support.analytics.conftest import Sales, at

pytestmark = pytest.mark.django_db

SUMMER = Span(date(2026, 5, 20), date(2026, 7, 31))
LATER = at(20, 12, month=8)


@pytest.fixture
def busy(sales: Sales) -> Sales:
    """Besides the sales: a hold that was given up, and one that expired on the next day."""
    held = selling.reserve(sales.ada, sales.timetable.train.ticket_id(fare=1), now=at(1, 15))
    booking.release(
        viewer=Viewer(user_id=sales.ada.pk),
        reservation_id=held.id,
        actor=Actor("holder", sales.ada.pk, ""),
        now=at(1, 15, 5),
    )
    selling.reserve(sales.ada, sales.timetable.train.ticket_id(fare=1), now=at(1, 21, 55))
    booking.expire_holds(now=at(1, 22, 40), limit=10)
    return sales


def every_report() -> dict[tuple[str, str], Any]:
    """Answer the rows of every report by each of its words."""
    found = {}
    for report in catalogue.REPORTS.values():
        span: dict[str, Any] = (
            {"first": SUMMER.first, "last": SUMMER.last} if report.has_span else {}
        )
        for by in report.by or [""]:
            asked = catalogue.ask(report, rights=Rights(ROOMS), now=LATER, by=by, **span)
            found[report.name, by] = report.run(asked).rows
    return found


class TestEveryReport:
    def test_says_the_same_however_many_days_are_closed(self, busy: Sales) -> None:
        before = every_report()
        days = days_to_close(now=LATER, limit=400)

        for number, day in enumerate(days):
            assert close_day(day=day, now=LATER)
            if number < 3 or day in (date(2026, 6, 30), date(2026, 7, 1), days[-1]):
                assert every_report() == before, day
        assert not days_to_close(now=LATER, limit=400)
        assert audit.findings([one for one in audit.FACTS if one.code.startswith("closed")]) == []

    def test_whichever_days_are_closed(self, busy: Sales) -> None:
        """The job was away, or a day was opened again: what is closed is no beginning of all."""
        before = every_report()
        days = days_to_close(now=LATER, limit=400)
        luck = random.Random(7)

        for _ in range(4):
            for day in luck.sample(days[:4] + days[-52:], 12):
                if not close_day(day=day, now=LATER):
                    open_again(day=day)
            assert every_report() == before
        assert ClosedDay.objects.exists()

    def test_in_another_zone_before_and_after_they_are_closed_anew(
        self, busy: Sales, settings: Any
    ) -> None:
        settings.REPORT_TIME_ZONE = "Asia/Kathmandu"
        expected = every_report()
        settings.REPORT_TIME_ZONE = "Europe/Berlin"
        assert every_report() != expected, "the zone makes no difference"
        for day in days_to_close(now=LATER, limit=400):
            close_day(day=day, now=LATER)

        settings.REPORT_TIME_ZONE = "Asia/Kathmandu"

        assert every_report() == expected
        days = days_to_close(now=LATER, limit=400)
        for day in days[:3]:
            assert close_day(day=day, now=LATER)
            assert every_report() == expected, day
        for day in days[3:]:
            close_day(day=day, now=LATER)
        assert every_report() == expected
        assert audit.findings([one for one in audit.FACTS if one.code.startswith("closed")]) == []


class TestClosing:
    def test_holds_alone_are_reason_to_close_a_day(self, traveller: User) -> None:
        trip = factories.make_timetable().train
        selling.reserve(traveller, trip.ticket_id(), now=at(1, 12))

        assert days_to_close(now=at(3, 0), limit=10) == [date(2026, 6, 1), date(2026, 6, 2)]

    def test_is_all_or_nothing(self, busy: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
        """The last of its statements breaks off: nothing was kept, and the next time all is."""
        before = trends.trends(over=SUMMER)
        monkeypatch.setattr(closing_days, "_HOLDS", "INSERT INTO nowhere SELECT * FROM ({holds}) x")
        with pytest.raises(Exception, match="nowhere"):
            close_day(day=date(2026, 6, 1), now=LATER)
        assert not ClosedDay.objects.exists()
        assert not DaySales.objects.exists()
        assert trends.trends(over=SUMMER) == before
        monkeypatch.undo()

        assert close_day(day=date(2026, 6, 1), now=LATER)
        assert not close_day(day=date(2026, 6, 1), now=LATER)
        kept = dict(DayHolds.objects.values_list("kind", "number"))
        assert kept == {"reserved": 6, "paid": 4, "released": 1}
        assert trends.trends(over=SUMMER) == before

    def test_what_is_kept_is_what_is_read(self, busy: Sales) -> None:
        close_day(day=date(2026, 6, 1), now=LATER)
        DayHolds.objects.filter(kind="paid").update(number=40)
        DayCustomer.objects.update(sold=90)

        holds = {one.key: one.paid for one in trends.trends(over=SUMMER)}
        assert (holds["2026-06-01"], holds["2026-06-02"]) == (40, 1)
        assert {one.tickets for one in people.top_customers(over=SUMMER)} >= {90, 180}

    def test_a_day_that_opens_again_is_reckoned(self, busy: Sales) -> None:
        before = trends.trends(over=SUMMER)
        close_day(day=date(2026, 6, 1), now=LATER)
        DayHolds.objects.update(number=40)
        open_again(day=date(2026, 6, 1))

        assert not DayHolds.objects.exists()
        assert trends.trends(over=SUMMER) == before


class TestAudit:
    """Each fact about closed days names what was changed by hand."""

    @pytest.fixture(autouse=True)
    def _closed(self, busy: Sales) -> None:
        for day in (date(2026, 6, 1), date(2026, 6, 2)):
            close_day(day=day, now=at(4, 0))

    def broken(self) -> dict[str, list[Any]]:
        facts = [one for one in audit.FACTS if one.code.startswith("closed")]
        return {
            one.fact.code: [tuple(str(cell) for cell in row) for row in one.rows]
            for one in audit.findings(facts)
        }

    def test_nothing_differs(self) -> None:
        assert self.broken() == {}

    def test_a_cent_too_much(self) -> None:
        row = DaySales.objects.filter(mode="Bus").get()
        DaySales.objects.filter(pk=row.pk).update(amount_minor=row.amount_minor + 1)
        assert self.broken() == {"closed_day_differs": [("2026-06-02", "EUR", "1")]}

    def test_a_hold_too_few_and_one_that_is_missing(self) -> None:
        DayHolds.objects.filter(day=date(2026, 6, 1), kind="reserved").update(number=5)
        DayHolds.objects.filter(day=date(2026, 6, 2), kind="expired").delete()
        assert sorted(self.broken()["closed_day_holds_differ"]) == [
            ("2026-06-01", "reserved", "-1"),
            ("2026-06-02", "expired", "-1"),
        ]

    def test_an_account_that_bought_more_than_was_sold(self) -> None:
        DayCustomer.objects.filter(mode="Bus").update(sold=2)
        assert self.broken() == {
            "closed_day_customers_differ": [("2026-06-02", "Bus", "EUR", "1", "2")]
        }


class TestUsersByMonth:
    """Against what a program finds that looks at every reservation by itself."""

    @pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/St_Johns"])
    @pytest.mark.parametrize(
        "over",
        [
            Span(date(2026, 3, 1), date(2026, 7, 31)),
            Span(date(2026, 3, 17), date(2026, 5, 4)),
            Span(date(2026, 4, 9), date(2026, 4, 9)),
            Span(date(2025, 7, 1), date(2026, 6, 30)),
        ],
    )
    def test_is_what_a_brute_force_finds(self, over: Span, zone: str, settings: Any) -> None:
        settings.REPORT_TIME_ZONE = zone
        luck = random.Random(f"{over}{zone}")
        people_ = [
            factories.make_user(joined_at=_sometime(luck, ZoneInfo(zone))) for _ in range(12)
        ]
        rows = [
            Reservation(
                locator=f"R{n:05}",
                user=luck.choice(people_),
                contact_email="someone@example.org",
                currency_id="EUR",
                state="expired",
                created_at=(made := _sometime(luck, ZoneInfo(zone))),
                hold_until=made + timedelta(minutes=10),
            )
            for n in range(60)
        ]
        Reservation.objects.bulk_create(rows)
        told = people.users_by_month(over=over)

        assert [(one.key, one.active, one.new, one.joined) for one in told] == _by_hand(
            rows, people_, over, ZoneInfo(zone)
        )
        assert any(one.active for one in told) or over.first == over.last


def _sometime(luck: random.Random, zone: ZoneInfo) -> datetime:
    """Answer an instant of spring 2026, often at the turn of a month or close to it."""
    moment = datetime(2026, luck.choice([3, 4, 5, 6, 7]), 1, tzinfo=zone).astimezone(UTC)
    if luck.random() < 0.3:
        return moment
    if luck.random() < 0.5:
        return moment + timedelta(minutes=luck.randrange(-240, 240))
    return moment + timedelta(minutes=luck.randrange(60 * 24 * 30))


def _by_hand(
    rows: list[Reservation], users: list[User], over: Span, zone: ZoneInfo
) -> list[tuple[str, int, int, int]]:
    days: dict[int, set[date]] = {}
    for row in rows:
        assert row.user_id is not None
        days.setdefault(row.user_id, set()).add(row.created_at.astimezone(zone).date())
    joined = [user.joined_at.astimezone(zone).date() for user in users]
    months = sorted({f"{day:%Y-%m}" for day in over.days})

    def within(day: date, month: str) -> bool:
        return over.first <= day <= over.last and f"{day:%Y-%m}" == month

    return [
        (
            month,
            sum(any(within(day, month) for day in theirs) for theirs in days.values()),
            sum(within(min(theirs), month) for theirs in days.values()),
            sum(within(day, month) for day in joined),
        )
        for month in months
    ]
