"""Reports by e-mail: when they are due, what they say, and when they stop."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives

from accounts.models import User
from inventory.models import Carrier, Membership
from support import tasks
from support.analytics.catalogue import REPORTS
from support.models import ClosedDay, Subscription
from support.services import subscriptions
from support.services.subscriptions import next_due, send_due, span_of, stop, subscribe
from tests import factories
from tests.conftest import Clock
from tests.support.analytics.conftest import Sales, at
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _optional(settings: Any) -> None:
    settings.STAFF_2FA = "optional"


@pytest.fixture
def fin(db: None) -> User:
    return factories.make_user(email="fin@office.example", is_staff=True, roles=["finance"])


@pytest.fixture
def daily(fin: User, sales: Sales) -> Subscription:
    """Finance asked on 1 June for revenue by carrier, every day; it is due at six in Berlin."""
    return subscribe(user=fin, report="revenue", by="carrier", every="day", now=at(1, 9))


class TestWhen:
    @pytest.mark.parametrize(
        ("every", "now", "due"),
        [
            ("day", at(1, 3, 59), at(1, 4)),
            ("day", at(1, 4), at(2, 4)),
            # 1 June 2026 is a Monday.
            ("week", at(1, 3), at(1, 4)),
            ("week", at(1, 9), at(8, 4)),
            ("month", at(1, 3), at(1, 4)),
            ("month", at(1, 9), at(1, 4, month=7)),
            # In winter six in Berlin is five in UTC.
            ("day", at(24, 23, month=10), at(25, 5, month=10)),
        ],
    )
    def test_is_the_next_six_oclock(self, every: str, now: Any, due: Any) -> None:
        assert next_due(every, now=now) == due

    def test_tells_of_the_days_that_are_over(self) -> None:
        def told(name: str, every: str) -> tuple[str, str]:
            over = span_of(REPORTS[name], every, now=at(1, 4))
            return str(over.first), str(over.last)

        assert told("revenue", "day") == ("2026-05-31", "2026-05-31")
        assert told("revenue", "week") == ("2026-05-25", "2026-05-31")
        assert told("revenue", "month") == ("2026-05-01", "2026-05-31")
        # What looks ahead tells of the days to come.
        assert told("occupancy", "day") == ("2026-06-01", "2026-06-14")


class TestSending:
    def test_says_what_the_page_says(self, daily: Subscription, clock: Clock) -> None:
        clock.moment = at(2, 4)

        assert tasks.send_numbers() == 1

        message = OutboxMessage.objects.get(kind="support.numbers")
        assert message.recipient == "fin@office.example"
        assert message.subject == "Revenue (By: Carrier), Mon, 1 Jun 2026"
        assert "Test Railway" in message.body
        assert "Net: €67.50" in message.body
        assert "JP¥5,000" in message.body or "¥5,000" in message.body
        assert "/admin/numbers/revenue/?by=carrier&first=2026-06-01&last=2026-06-01" in message.body
        daily.refresh_from_db()
        assert (daily.sent_at, daily.due_at) == (at(2, 4), at(3, 4))

    def test_tells_what_it_is_narrowed_to(self, sales: Sales, fin: User) -> None:
        rail = Carrier.objects.get(name="Test Railway")
        row = subscribe(
            user=fin,
            report="revenue",
            by="mode",
            carrier_id=rail.pk,
            mode="Train",
            every="week",
            now=at(1, 9),
        )

        assert send_due(subscription_id=row.pk, now=at(8, 4))

        message = OutboxMessage.objects.get(kind="support.numbers")
        narrowed = "By: Mode · Carrier: Test Railway · Mode: Train"
        assert message.subject == f"Revenue ({narrowed}), Mon, 1 Jun 2026 – Sun, 7 Jun 2026"
        days = "Mon, 1 Jun 2026 – Sun, 7 Jun 2026"
        assert message.body.startswith(f"Revenue\n{narrowed}\n{days}\n")
        filters = f"by=mode&carrier={rail.pk}&mode=Train&first=2026-06-01&last=2026-06-07"
        assert f"/admin/numbers/revenue/?{filters}\n" in message.body

    def test_the_whole_report_comes_as_a_file(
        self, daily: Subscription, clock: Clock, mailoutbox: list[EmailMultiAlternatives]
    ) -> None:
        clock.moment = at(2, 4)
        tasks.send_numbers()
        clock.moment = at(2, 4, 10)

        assert tasks.send_messages() == 1

        (mail,) = mailoutbox
        ((name, content, kind),) = mail.attachments
        assert (name, kind) == ("revenue-by-carrier-2026-06-01-2026-06-01.csv", "text/csv")
        text = content if isinstance(content, str) else content.decode()
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert [(row["label"], row["net"], row["currency"]) for row in rows] == [
            ("Test Air", "82.50", "EUR"),
            ("Test Railway", "67.50", "EUR"),
            ("Yen Air", "5000", "JPY"),
        ]
        assert "attached as a CSV file" in mail.body

    def test_no_cell_of_the_file_is_a_formula(
        self, daily: Subscription, clock: Clock, mailoutbox: list[EmailMultiAlternatives]
    ) -> None:
        Carrier.objects.filter(name="Test Air").update(name="=1+1|cmd")
        clock.moment = at(2, 4)
        tasks.send_numbers()
        tasks.send_messages()

        content = mailoutbox[0].attachments[0][1]
        text = content if isinstance(content, str) else content.decode()
        assert "\n'=1+1|cmd," in text

    def test_names_of_people_come_in_no_file(
        self, sales: Sales, clock: Clock, mailoutbox: list[EmailMultiAlternatives]
    ) -> None:
        agent = factories.make_user(
            email="sue@office.example", is_staff=True, roles=["support agent"]
        )
        subscribe(user=agent, report="top-customers", every="day", now=at(1, 9))
        clock.moment = at(2, 4)
        tasks.send_numbers()
        tasks.send_messages()

        (mail,) = mailoutbox
        assert mail.attachments == []
        assert "as a table and as a file" in mail.body

    def test_whoever_lost_the_right_before_it_goes_out_gets_no_file(
        self,
        daily: Subscription,
        fin: User,
        clock: Clock,
        mailoutbox: list[EmailMultiAlternatives],
    ) -> None:
        clock.moment = at(2, 4)
        tasks.send_numbers()
        fin.groups.clear()
        tasks.send_messages()

        assert [mail.attachments for mail in mailoutbox] == [[]]

    def test_comes_once_for_each_time(self, daily: Subscription, clock: Clock) -> None:
        clock.moment = at(2, 4)
        tasks.send_numbers()
        tasks.send_numbers()
        assert not send_due(subscription_id=daily.pk, now=at(2, 5))

        clock.moment = at(5, 12)
        assert (
            tasks.send_numbers(),
            OutboxMessage.objects.filter(kind="support.numbers").count(),
        ) == (*(1, 2),)

    @pytest.mark.parametrize("lost", ["role", "staff", "active"])
    def test_stops_with_the_right(
        self, daily: Subscription, fin: User, lost: str, clock: Clock
    ) -> None:
        if lost == "role":
            fin.groups.clear()
        else:
            User.objects.filter(pk=fin.pk).update(**{f"is_{lost}": False})
        clock.moment = at(2, 4)

        assert tasks.send_numbers() == 0

        daily.refresh_from_db()
        assert (daily.stopped_because, daily.stopped_at) == ("right_lost", at(2, 4))
        assert not OutboxMessage.objects.filter(kind="support.numbers").exists()

    def test_a_carriers_manager_gets_the_carriers_own(self, sales: Sales) -> None:
        user = factories.make_user(email="boss@rail.example", is_staff=True)
        rail = sales.timetable.train.departure.service.carrier
        member = Membership.objects.create(user=user, carrier=rail, role="manager")
        row = subscribe(user=user, report="revenue", by="carrier", every="day", now=at(1, 9))

        assert send_due(subscription_id=row.pk, now=at(2, 4))
        body = OutboxMessage.objects.get(recipient="boss@rail.example").body
        assert "Test Railway" in body
        assert "Test Air" not in body

        member.delete()
        assert not send_due(subscription_id=row.pk, now=at(3, 4))
        row.refresh_from_db()
        assert row.stopped_because == "right_lost"


class TestAsking:
    def test_twice_is_once(self, daily: Subscription, fin: User) -> None:
        again = subscribe(user=fin, report="revenue", by="carrier", every="day", now=at(1, 10))
        assert again == daily
        assert [row.pk for row in subscriptions.subscriptions_of(user=fin)] == [daily.pk]

    def test_is_stopped_by_its_reader_alone(
        self, daily: Subscription, staff: User, fin: User
    ) -> None:
        with pytest.raises(NotFound):
            stop(subscription_id=daily.pk, user=staff, now=at(1, 10))

        stop(subscription_id=daily.pk, user=fin, now=at(1, 10))

        assert subscriptions.subscriptions_of(user=fin) == []
        assert not send_due(subscription_id=daily.pk, now=at(2, 4))

    def test_needs_the_right_a_known_word_and_an_address(self, staff: User, fin: User) -> None:
        with pytest.raises(NotAllowed):
            subscribe(user=staff, report="revenue", every="day", now=at(1, 9))
        with pytest.raises(NotFound):
            subscribe(user=fin, report="secrets", every="day", now=at(1, 9))
        with pytest.raises(InvalidInput):
            subscribe(user=fin, report="revenue", every="minute", now=at(1, 9))
        by_phone = factories.make_user(phone="+493012345678", is_staff=True, roles=["finance"])
        User.objects.filter(pk=by_phone.pk).update(email=None, email_verified_at=None)
        by_phone.refresh_from_db()
        with pytest.raises(InvalidInput):
            subscribe(user=by_phone, report="revenue", every="day", now=at(1, 9))
        assert not Subscription.objects.exists()


def test_the_worker_closes_days_and_measures(sales: Sales, clock: Clock) -> None:
    clock.moment = at(4, 12)

    assert tasks.close_days() == 3
    assert tasks.measure_loads() == 4
    assert tasks.close_days() == 0
    assert list(ClosedDay.objects.order_by("day").values_list("day", flat=True)) == [
        date(2026, 6, day) for day in (1, 2, 3)
    ]
