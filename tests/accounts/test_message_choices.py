"""Which messages people want: chosen on the page, kept to by those who write them."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import pytest
from django.test import Client

from accounts import selectors, services
from accounts.models import User
from accounts.viewers import Viewer
from bookings import notifications
from bookings.selectors import ReservationDetail
from bookings.services import Holder, reserve
from support import services as desk
from tests import selling
from tests.conftest import Clock
from tests.factories import Trip
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db
PHONE = "+4915112345678"


@pytest.fixture
def held(traveller: User, train: Trip, noon: datetime) -> ReservationDetail:
    """A reservation with an address and a number."""
    return reserve(
        holder=Holder(user_id=traveller.pk, email="ada@example.org", phone=PHONE),
        ticket_ids=[train.ticket_id()],
        passengers=selling.adults(1),
        now=noon,
    ).reservation


def told(held: ReservationDetail, now: datetime, **news: object) -> list[str]:
    """Tell of a departure and answer who was told of it."""
    OutboxMessage.objects.all().delete()
    facts = {
        "kind": "delayed",
        "ticket": held.journey[0],
        "leaves_late": 20,
        "arrives_late": 20,
        "may_choose": False,
    }
    notifications.departure_changed(
        reservation=held,
        news=SimpleNamespace(**{**facts, **news}),  # type: ignore[arg-type]
        now=now,
    )
    return list(OutboxMessage.objects.order_by("id").values_list("recipient", flat=True))


class TestDelays:
    def test_come_by_mail_where_nothing_was_chosen(
        self, held: ReservationDetail, noon: datetime
    ) -> None:
        assert told(held, noon) == ["ada@example.org"]

    @pytest.mark.parametrize(
        ("channels", "recipients"),
        [
            (["email"], ["ada@example.org"]),
            (["sms"], [PHONE]),
            (["email", "sms"], ["ada@example.org", PHONE]),
            ([], []),
        ],
    )
    def test_come_as_chosen(
        self,
        held: ReservationDetail,
        traveller: User,
        noon: datetime,
        channels: list[str],
        recipients: list[str],
    ) -> None:
        services.choose_messages(user=traveller, choices={"journey": channels})

        assert told(held, noon) == recipients

    @pytest.mark.parametrize("news", [{"kind": "called_off"}, {"may_choose": True}])
    def test_that_let_one_choose_always_come(
        self, held: ReservationDetail, traveller: User, noon: datetime, news: dict[str, object]
    ) -> None:
        services.choose_messages(user=traveller, choices={"journey": []})

        assert told(held, noon, **news) == ["ada@example.org"]


class TestAnswers:
    @pytest.mark.parametrize(("channels", "mails"), [(["email"], 1), ([], 0)])
    def test_are_mailed_to_who_wants_them(
        self,
        held: ReservationDetail,
        traveller: User,
        staff: User,
        noon: datetime,
        channels: list[str],
        mails: int,
    ) -> None:
        services.choose_messages(user=traveller, choices={"answers": channels})
        report = desk.submit_report(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=held.id,
            ticket_id=held.journey[0].id,
            category="Other",
            text="Cold.",
            now=noon,
        )
        desk.respond(
            viewer=Viewer(user_id=staff.pk, is_support=True),
            report_id=report.id,
            answer="Sorry.",
            state="Reviewed",
            now=noon,
        )

        assert OutboxMessage.objects.filter(kind="support.report_answered").count() == mails


class TestThePage:
    def test_shows_and_keeps_the_choice(
        self, traveller: User, clock: Clock, client: Client
    ) -> None:
        client.force_login(traveller)
        assert 'name="journey_email"' in client.get("/account/").content.decode()

        answer = client.post("/account/", {"action": "messages", "journey_sms": "on"})

        assert answer.status_code == 302
        assert selectors.message_choices(user_id=traveller.pk) == {
            "journey": frozenset({"sms"}),
            "answers": frozenset(),
        }
        page = client.get("/account/").content.decode()
        assert "Your choice of messages is saved." in page
        box = page[page.index('name="journey_sms"') :].split(">", 1)[0]
        assert "checked" in box

    def test_is_of_ones_own_account_alone(
        self, traveller: User, stranger: User, clock: Clock, client: Client
    ) -> None:
        client.force_login(stranger)
        client.post("/account/", {"action": "messages"})

        assert selectors.message_choices(user_id=traveller.pk) == {
            "journey": frozenset({"email"}),
            "answers": frozenset({"email"}),
        }
