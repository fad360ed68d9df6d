"""A member of staff in several windows at once: one traveller is served, once, and nobody else."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bookings.models import Reservation, ReservationEvent
from support.models import Serving, ServingEntry
from support.services import serving
from tests import factories, selling
from tests.conftest import Clock
from tests.factories import Trip
from tests.faults.racing import at_once
from tests.pages.cast import signed_in
from tests.pages.serving import REASON, begin, passenger

pytestmark = pytest.mark.django_db(transaction=True)


def windows(first: Client, number: int) -> list[Client]:
    """Answer so many windows of one browser: they share its session."""
    opened = [Client() for _ in range(number)]
    for window in opened:
        window.cookies = first.cookies
    return opened


def test_beginning_many_at_once_leaves_one(staff: User, noon: datetime) -> None:
    travellers = [factories.make_user() for _ in range(12)]

    at_once(
        [
            partial(
                serving.begin,
                staff=staff,
                purpose="look",
                reason=REASON,
                traveller_id=user.pk,
                address="192.0.2.1",
                now=noon,
            )
            for user in travellers
        ]
    )

    ended = sorted(Serving.objects.values_list("ended_because", flat=True))
    assert ended == ["", *["replaced"] * 11]


def test_the_form_sent_from_eight_windows_reserves_once(
    staff: User, traveller: User, train: Trip, settings: Any, clock: Clock
) -> None:
    settings.STAFF_2FA = "optional"
    browser = signed_in(staff)
    begin(browser, purpose="book", traveller=traveller)
    address = f"/checkout/?ticket={train.ticket_id()}&adult=1"

    answers = at_once([partial(one.post, address, passenger()) for one in windows(browser, 8)])

    row = Reservation.objects.get()
    assert row.user == traveller
    # The others wait for the first, or find what it made.
    assert {one.status_code for one in answers} <= {302, 409}
    assert ServingEntry.objects.filter(what="booked").count() == 1
    selling.audit()


def test_stopped_while_the_form_is_sent_nothing_is_booked_for_staff(
    staff: User, train: Trip, settings: Any, clock: Clock
) -> None:
    settings.STAFF_2FA = "optional"
    address = f"/checkout/?ticket={train.ticket_id()}&adult=1"
    # Somebody else each time: nobody holds more than three times on one departure.
    callers = [factories.make_user() for _ in range(6)]
    for number, traveller in enumerate(callers):
        browser = signed_in(staff)
        begin(browser, purpose="book", traveller=traveller)
        sending, stopping = windows(browser, 2)
        form = passenger() | {"form_key": f"form-{number}"}

        sent, _stopped = at_once(
            [
                partial(sending.post, address, form),
                partial(stopping.post, "/admin/serving/stop/"),
            ]
        )

        # Before the end it is the traveller's. After it, the form lacks what one's own asks for.
        assert sent.status_code in (200, 302, 403)
    made = ReservationEvent.objects.filter(kind="reserved")
    owners = [one.reservation.user_id for one in made]
    assert {one.actor_kind for one in made} <= {"staff"}
    assert len(set(owners)) == len(owners)
    assert set(owners) <= {one.pk for one in callers}
    assert not Reservation.objects.filter(user=staff).exists()
    selling.audit()
