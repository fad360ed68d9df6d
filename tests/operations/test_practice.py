"""The practice's season: sales that an office could have had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from bookings.models import Reservation
from inventory.timetable.demo_network import demo_timetable
from inventory.timetable.publish import publish
from payments.models import Account, CarrierTerms, Payment, Transfer
from support import audit
from support.management.commands.seed_demo import make_people, window
from support.management.practice import season
from support.management.practice.people import DOMAIN
from support.models import CannedReply, DisruptionJob, Report
from support.reports import unknown_placeholders
from travel.common import clock
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db

SALES = 60


@pytest.fixture
def now(monkeypatch) -> datetime:
    moment = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


@pytest.fixture
def office(now, settings) -> datetime:
    """The demo as it is before anybody has bought anything: few departures, all of its people."""
    settings.DEMO = True
    first, last = window(now.date(), 5)
    publish(demo_timetable(first_date=first, last_date=last, scale=0.5), now=now, digest="practice")
    make_people(now=now)
    return now


def test_the_season_is_as_true_as_an_office(office: datetime, capsys) -> None:
    call_command("seed_sales", sales=SALES)

    assert "reserved" in capsys.readouterr().out
    assert audit.findings() == []
    made = list(Reservation.objects.all())
    assert SALES * 0.8 < len(made) <= SALES
    # Whatever was held two weeks ago has come to an end.
    assert {row.state for row in made} == {"paid", "cancelled", "expired"}
    assert all(office - timedelta(days=15) < row.created_at < office for row in made)
    assert not Transfer.objects.filter(at__gt=office).exists()
    # Some cards were refused before they were taken.
    assert Payment.objects.filter(state="failed").exists()
    assert CarrierTerms.objects.exists()
    assert all(row.balance_minor > 0 for row in Account.objects.filter(kind="fee"))
    assert Account.objects.filter(kind="fee").exists()
    # The desk has work, and words to begin with; what some wrote is late by now.
    assert Report.objects.filter(due_at__lte=office).exists()
    assert Report.objects.filter(state="Reviewed").exists()
    assert CannedReply.objects.count() == 6
    assert not any(unknown_placeholders(reply.body) for reply in CannedReply.objects.all())
    assert DisruptionJob.objects.exists()


def test_nobody_waits_for_its_messages(office: datetime) -> None:
    call_command("seed_sales", sales=SALES, verbosity=0)

    invented = OutboxMessage.objects.filter(recipient__endswith=f"@{DOMAIN}")
    assert invented.exists()
    assert not invented.filter(sent_at=None).exists()
    assert not OutboxMessage.objects.exclude(recipient__endswith=f"@{DOMAIN}").exists()


def test_it_is_played_once(office: datetime, capsys) -> None:
    call_command("seed_sales", sales=5, verbosity=0)
    before = Reservation.objects.count(), User.objects.count()

    call_command("seed_sales", sales=5)

    assert (Reservation.objects.count(), User.objects.count()) == before
    assert season.is_played()
    assert "are there" in capsys.readouterr().out


def test_it_wants_a_demo_with_its_people(now: datetime, settings) -> None:
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("seed_sales")
    settings.DEMO = True
    with pytest.raises(CommandError, match="seed_demo"):
        call_command("seed_sales")
    assert not season.is_played()
