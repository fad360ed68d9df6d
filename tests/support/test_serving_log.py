"""The log of whom staff served, and at which pages, has an end; what was booked stays explained."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.models import Reservation
from support import tasks
from support.models import Serving, ServingEntry
from support.services import serving
from support.story import books
from tests import factories
from tests.conftest import Clock
from tests.factories import Trip
from tests.faults.racing import at_once
from tests.pages.cast import signed_in
from tests.pages.serving import REASON, begin, begin_for_guest, passenger
from travel.common.models import Act

pytestmark = pytest.mark.django_db

YEAR = timedelta(days=365)
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def browser(staff: User, settings: Any, clock: Clock) -> Client:
    settings.STAFF_2FA = "optional"
    return signed_in(staff)


def look(staff: User, now: datetime, *, pages: int = 2) -> Serving:
    """Look as somebody new, at so many pages."""
    begun = serving.begin(
        staff=staff,
        purpose="look",
        reason=REASON,
        traveller_id=factories.make_user().pk,
        address="192.0.2.1",
        now=now,
    )
    for _ in range(pages):
        serving.note(serving_id=begun.row.pk, what="accounts:profile", method="GET", now=now)
    return begun.row


def told_of(reservation: Reservation, now: datetime) -> list[books.Entry]:
    """Answer what the reservation's story tells of serving."""
    detail = bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation.pk, now=now
    )
    return books.of_source(books.read_all(detail).entries, books.SERVING)


class TestTheTerm:
    def test_ends_a_year_after_the_look(self, staff: User, noon: datetime) -> None:
        row = look(staff, noon)
        over = noon + HALF_HOUR + YEAR

        assert serving.forget_old(now=over - timedelta(seconds=1)) == 0
        assert ServingEntry.objects.filter(serving=row).count() == 2

        assert serving.forget_old(now=over) == 1
        assert not ServingEntry.objects.exists()
        assert not Serving.objects.exists()

    def test_is_the_offices_choice(self, staff: User, noon: datetime, settings: Any) -> None:
        settings.SERVING_LOG_KEPT = timedelta(days=30)

        assert look(staff, noon).kept_until == noon + HALF_HOUR + timedelta(days=30)

    def test_a_new_choice_leaves_the_terms_that_run(
        self, staff: User, noon: datetime, settings: Any
    ) -> None:
        look(staff, noon)
        settings.SERVING_LOG_KEPT = timedelta(days=1)

        assert serving.forget_old(now=noon + timedelta(days=9)) == 0

    def test_what_was_written_before_terms_were_gets_one(self, staff: User, noon: datetime) -> None:
        row = look(staff, noon)
        Serving.objects.update(kept_until=None)

        import_module("support.migrations.0010_serving_term").give_a_term(apps, None)

        row.refresh_from_db()
        assert row.kept_until == noon + HALF_HOUR + YEAR

    def test_leaves_newer_looks_and_their_pages(self, staff: User, noon: datetime) -> None:
        look(staff, noon)
        newer = look(staff, noon + timedelta(days=1))

        assert serving.forget_old(now=noon + HALF_HOUR + YEAR) == 1

        assert list(Serving.objects.all()) == [newer]
        assert set(ServingEntry.objects.values_list("serving", flat=True)) == {newer.pk}
        assert ServingEntry.objects.count() == 2

    def test_takes_the_reason_out_of_the_record_of_acts(
        self, browser: Client, traveller: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        act = Act.objects.get(about=f"support.serving:{Serving.objects.get().pk}")
        assert act.reason == REASON

        serving.forget_old(now=clock.now() + HALF_HOUR + YEAR)

        act.refresh_from_db()
        # That somebody looked, and when, stays.
        assert (act.reason, act.kind, act.at) == ("", Act.Kind.LOOKED, clock.now())
        assert LogEntry.objects.get(pk=act.entry_id).change_message == ""


class TestWhatWasBooked:
    @pytest.fixture
    def reservation(
        self, browser: Client, traveller: User, train: Trip, clock: Clock
    ) -> Reservation:
        """Booked by phone by Sam, and looked at before and after."""
        begin(browser, purpose="book", traveller=traveller)
        browser.get("/")
        page = f"/checkout/?ticket={train.ticket_id()}&adult=1"
        browser.get(page)
        booked = browser.post(page, passenger())
        browser.get(booked.headers["Location"])
        return Reservation.objects.get()

    def test_stays_explained(self, reservation: Reservation, clock: Clock) -> None:
        before = ServingEntry.objects.count()
        later = clock.now() + HALF_HOUR + YEAR

        assert serving.forget_old(now=later) == 1

        # The pages around it are forgotten, the booking is not.
        kept = ServingEntry.objects.get()
        assert before > 3
        assert (kept.what, kept.reservation) == ("booked", reservation)
        (told,) = told_of(reservation, later)
        assert (told.kind, told.actor, told.reason) == ("book", "Sam Porter", REASON)
        assert told.details["parts"] == [{"what": "booked", "is_refused": False}]

    def test_is_not_looked_through_again(self, reservation: Reservation, clock: Clock) -> None:
        later = clock.now() + HALF_HOUR + YEAR
        serving.forget_old(now=later)

        assert serving.forget_old(now=later + 9 * YEAR) == 0
        assert ServingEntry.objects.get().reservation == reservation

    def test_keeps_the_reason_in_the_record_of_acts(
        self, reservation: Reservation, clock: Clock
    ) -> None:
        serving.forget_old(now=clock.now() + HALF_HOUR + YEAR)

        about = f"support.serving:{Serving.objects.get().pk}"
        assert Act.objects.get(about=about).reason == REASON

    def test_a_later_look_at_it_is_forgotten(
        self, browser: Client, reservation: Reservation, traveller: User, clock: Clock
    ) -> None:
        begin(browser, traveller=traveller)
        assert browser.get(f"/booking/{reservation.locator}/").status_code == 200
        assert len(told_of(reservation, clock.now())) == 2

        later = clock.now() + HALF_HOUR + YEAR
        serving.forget_old(now=later)

        assert [one.kind for one in told_of(reservation, later)] == ["book"]

    def test_a_guest_for_whom_nothing_was_booked_is_forgotten(
        self, browser: Client, clock: Clock
    ) -> None:
        begin_for_guest(browser, email="caller@example.org")
        browser.get("/")

        serving.forget_old(now=clock.now() + HALF_HOUR + YEAR)

        assert not Serving.objects.exists()


class TestTidyingUp:
    def test_goes_on_batch_by_batch(
        self, staff: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = clock.now()
        for minute in range(5):
            look(staff, first + timedelta(minutes=minute))
        monkeypatch.setattr(tasks, "BATCH", 2)
        clock.moment = first + HALF_HOUR + YEAR + timedelta(minutes=3)

        tasks.tidy_up()

        assert [one.began_at for one in Serving.objects.all()] == [first + timedelta(minutes=4)]

    def test_takes_the_oldest_first_and_no_more_than_asked(
        self, staff: User, noon: datetime
    ) -> None:
        rows = [look(staff, noon + timedelta(minutes=minute)) for minute in (0, 2, 1)]

        assert serving.forget_old(now=noon + 2 * YEAR, limit=2) == 2

        assert list(Serving.objects.all()) == [rows[1]]

    def test_interrupted_changes_nothing_and_is_done_the_next_time(
        self, staff: User, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look(staff, noon)

        def break_off(*_args: Any) -> None:
            raise RuntimeError("the power went")

        with monkeypatch.context() as broken:
            broken.setattr(serving.forgetting, "forget_admin_notes", break_off)
            with pytest.raises(RuntimeError):
                serving.forget_old(now=noon + 2 * YEAR)
        assert (Serving.objects.count(), ServingEntry.objects.count()) == (1, 2)

        assert serving.forget_old(now=noon + 2 * YEAR) == 1
        assert (Serving.objects.count(), ServingEntry.objects.count()) == (0, 0)

    def test_asks_as_much_of_many_as_of_few(self, staff: User, noon: datetime) -> None:
        asked = []
        for number in (2, 12):
            for minute in range(number):
                look(staff, noon + timedelta(minutes=minute), pages=1)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert serving.forget_old(now=noon + 2 * YEAR) == number
            asked.append(len(queries))

        assert asked[0] == asked[1]


@pytest.mark.django_db(transaction=True)
def test_four_who_tidy_up_at_once_forget_each_look_once(staff: User, noon: datetime) -> None:
    for minute in range(12):
        look(staff, noon + timedelta(minutes=minute))
    newest = look(staff, noon + YEAR)

    done = at_once(
        [partial(serving.forget_old, now=noon + 2 * YEAR - timedelta(days=30), limit=5)] * 4
    )

    assert sum(done) == 12
    assert list(Serving.objects.all()) == [newest]
    assert ServingEntry.objects.count() == 2
