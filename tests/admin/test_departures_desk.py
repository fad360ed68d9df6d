"""The pages of the departures desk: asked, told in numbers, confirmed, done once."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import SYSTEM
from bookings.models import Coupon, Reservation, SeatBlock, Unseated
from inventory.models import Call, Departure, Feed, Membership, PendingChange, Seat, Vehicle
from payments import services as paying
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from support.tasks import work_on_disruptions
from tests import factories
from tests.conftest import Clock
from tests.selling import adults, reserve
from travel.common.errors import NotFound
from travel.common.models import OutboxMessage
from travel.common.money import Money

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited", "clock")]

MOST_STATEMENTS = 25


@pytest.fixture
def clerk(db: None) -> User:
    """A member of staff of operations."""
    return factories.make_user(email="olga@office.example", is_staff=True, roles=["operations"])


@pytest.fixture
def browser(clerk: User, settings, client: Client) -> Client:
    settings.STAFF_2FA = "optional"
    client.force_login(clerk)
    return client


@pytest.fixture
def sold(train: factories.Trip, traveller: User, noon: datetime) -> list[User]:
    """Ada with two adults, and a stranger with one, on the train; all paid."""
    buyers = [(traveller, 2), (factories.make_user(email="grace@example.org"), 1)]
    for user, people in buyers:
        sell(train, user, people, noon)
    return [user for user, _ in buyers]


def sell(trip: factories.Trip, user: User, people: int, now: datetime, **way: int) -> None:
    held = reserve(user, trip.ticket_id(**way), now=now, passengers=adults(people))
    paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=now)
    paying.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=now,
    )


def page_of(trip: factories.Trip) -> str:
    return reverse("admin:desk_departure", args=[trip.departure.pk])


def act_page(trip: factories.Trip, name: str) -> str:
    return reverse("admin:desk_act", args=[trip.departure.pk, name])


def hidden(page: str) -> dict[str, list[str]]:
    """Read the hidden fields of a page's form, as a browser would send them."""
    fields: dict[str, list[str]] = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', page):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and name[1] != "csrfmiddlewaretoken":
            fields.setdefault(name[1], []).append(value[1] if value else "")
    return fields


def ask(browser: Client, trip: factories.Trip, name: str, **data: Any) -> str:
    """Fill in an act's form; answer the page that says what it means."""
    page = act_page(trip, name)
    fields = hidden(browser.get(page).content.decode())
    answer = browser.post(page, {**fields, **data})
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def confirm(browser: Client, trip: factories.Trip, name: str, meant: str) -> Any:
    return browser.post(act_page(trip, name), hidden(meant))


class TestList:
    def test_shows_the_departures_of_a_day(self, browser, timetable, sold):
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
        text = answer.content.decode()
        assert "3 departures" in text
        assert [row.departure.service.number for row in answer.context["rows"]] == [
            "ICE 585",
            "QX 2024",
            "N 42",
        ]
        assert [row.people for row in answer.context["rows"]] == [3, 0, 0]

    def test_finds_by_number_and_by_trouble(self, browser, timetable):
        Call.objects.filter(departure=timetable.coach.departure, position=1).update(is_skipped=True)
        found = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "number": "qx"})
        assert [row.departure.service.number for row in found.context["rows"]] == ["QX 2024"]
        found = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "disrupted": "on"})
        assert [row.departure.service.number for row in found.context["rows"]] == ["N 42"]
        assert "1 call left out" in found.content.decode()

    @pytest.mark.parametrize(
        ("place", "found"),
        [
            ("hamburg", ["ICE 585", "QX 2024", "N 42"]),
            ("HAM", ["QX 2024"]),
            ("Munich", ["ICE 585", "QX 2024", "N 42"]),
            ("goettingen", ["ICE 585"]),
        ],
    )
    def test_finds_by_a_place_as_travellers_type_it(self, browser, timetable, place, found):
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "place": place})
        assert [row.departure.service.number for row in answer.context["rows"]] == found

    def test_a_place_that_is_none_is_told_and_finds_nothing(self, browser, timetable):
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "place": "Atlantis"})
        assert answer.status_code == 400
        assert "No city, station or code is called this." in answer.content.decode()
        assert "ICE 585" not in answer.content.decode()

    def test_finds_by_carrier_and_by_passengers(self, browser, timetable, sold):
        def found(**asked: Any) -> list[str]:
            answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02", **asked})
            return [row.departure.service.number for row in answer.context["rows"]]

        air = timetable.flight.departure.service.carrier_id
        rail = timetable.train.departure.service.carrier_id
        assert found(carrier=air) == ["QX 2024"]
        assert found(booked="on") == ["ICE 585"]
        assert found(booked="on", carrier=rail, place="Hannover") == ["ICE 585"]
        assert found(booked="on", carrier=air) == []

    @pytest.mark.parametrize("language", ["en", "de", "fa"])
    def test_the_day_stands_in_the_calendar_in_every_language(self, browser, timetable, language):
        browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        answer = browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert str(answer.context["form"]["day"]).count('value="2026-06-02"') == 1
        again = browser.get(reverse("admin:desk"), {"day": "2026-06-02", "place": "Atlantis"})
        assert str(again.context["form"]["day"]).count('value="2026-06-02"') == 1

    def test_the_next_day_is_asked_for_in_the_same_way(self, browser, timetable):
        asked = {"day": "2026-06-02", "place": "Hamburg", "booked": "on", "p": "1"}
        text = html.unescape(browser.get(reverse("admin:desk"), asked).content.decode())
        assert '"?day=2026-06-03&place=Hamburg&booked=on"' in text
        assert '"?day=2026-06-01&place=Hamburg&booked=on"' in text

    def test_carriers_staff_choose_among_their_own(self, client, timetable, settings):
        """Of one carrier there is no choice; another one's number is no answer."""
        settings.STAFF_2FA = "optional"
        own = timetable.train.departure.service.carrier
        air = timetable.flight.departure.service.carrier
        user = factories.make_user(is_staff=True)
        Membership.objects.create(user=user, carrier=own, role="viewer")
        client.force_login(user)
        one = client.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert "carrier" not in one.context["form"].fields
        Membership.objects.create(
            user=user, carrier=timetable.coach.departure.service.carrier, role="viewer"
        )
        two = client.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert "Test Air" not in two.content.decode()
        refused = client.get(reverse("admin:desk"), {"day": "2026-06-02", "carrier": air.pk})
        assert refused.status_code == 400
        assert "QX 2024" not in refused.content.decode()

    def test_takes_as_many_statements_for_many_as_for_few(self, browser, timetable, noon):
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
            return len(queries)

        few = count()
        service = timetable.train.departure.service
        for number in range(5):
            factories.make_trip(
                service,
                timetable.train.departure.vehicle,
                starts_at=timetable.train.calls[0].departs_at,
                stops=[
                    factories.Stop(timetable.train.calls[0].station, 0),
                    factories.Stop(timetable.train.calls[1].station, 60),
                ],
                run=str(number),
            )
        assert count() == few <= MOST_STATEMENTS

    @pytest.mark.parametrize("day", ["x", "2026-02-30", "0001-01-01", "9999-12-31"])
    def test_a_day_that_is_none_is_told(self, browser, timetable, day):
        answer = browser.get(reverse("admin:desk"), {"day": day})
        assert answer.status_code == 400
        assert answer.context["form"].errors.keys() == {"day"}
        assert answer.context["rows"] == []

    @pytest.mark.parametrize("query", [{"p": "9" * 30}, {"p": "-1"}, {"day": ""}])
    def test_odd_addresses(self, browser, timetable, query):
        assert browser.get(reverse("admin:desk"), query).status_code == 200


class TestDeparture:
    def test_tells_all_about_it(self, browser, train, sold):
        with CaptureQueriesContext(connection) as queries:
            text = browser.get(page_of(train)).content.decode()
        assert "3 passengers" in text
        assert "Hannover Hbf" in text
        assert "Cancel the departure" in text
        assert len(queries) <= MOST_STATEMENTS

    def test_everybody_as_a_file(self, browser, train, sold):
        answer = browser.get(reverse("admin:desk_people_csv", args=[train.departure.pk]))
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert len(lines) == 4
        assert "Ada Roe" in lines[1]
        assert "1/1A" in lines[1]

    @pytest.mark.parametrize(
        ("role", "at_carrier", "sum_", "codes"),
        [
            ("administrator", None, True, True),
            ("support agent", None, True, True),
            ("finance", None, True, None),
            ("operations", None, False, False),
            (None, "viewer", False, False),
            (None, "operations", False, False),
            (None, "manager", True, False),
        ],
    )
    def test_money_and_codes_are_shown_to_whom_they_concern(
        self, client, settings, train, sold, role, at_carrier, sum_, codes
    ):
        settings.STAFF_2FA = "optional"
        user = factories.make_user(
            email="who@office.example", is_staff=True, roles=[role] if role else []
        )
        if at_carrier:
            carrier = train.departure.service.carrier
            Membership.objects.create(user=user, carrier=carrier, role=at_carrier)
        client.force_login(user)
        page = client.get(page_of(train)).content.decode()
        assert "Paid reservations: 2, held unpaid: 0." in page
        assert ("€135.00" in page) is sum_
        made = Reservation.objects.values_list("pk", "locator")
        assert [code in page for _pk, code in made] == [bool(codes)] * 2
        file = client.get(reverse("admin:desk_people_csv", args=[train.departure.pk]))
        if codes is None:
            assert file.status_code == 403
            assert "Ada Roe" not in page
            return
        lines = b"".join(file.streaming_content).decode()
        assert "Ada Roe" in page
        assert "Ada Roe" in lines
        for pk, code in made:
            assert (code in lines) is codes
            assert (f"Reservation {pk}" in page) is (f"Reservation {pk}," in lines) is not codes

    def test_jobs_name_bookings_as_the_departure_does(self, browser, train, sold, clerk):
        confirm(browser, train, "cancel", ask(browser, train, "cancel", deed="tell", reason="Ice"))
        job = DisruptionJob.objects.get()
        agent = factories.make_user(
            email="amy@office.example", is_staff=True, roles=["support agent"]
        )
        made = list(Reservation.objects.values_list("pk", "locator"))
        for user, sees in ((clerk, False), (agent, True)):
            browser.force_login(user)
            page = browser.get(reverse("admin:desk_job", args=[job.pk])).content.decode()
            file = browser.get(reverse("admin:desk_job_csv", args=[job.pk]))
            lines = b"".join(file.streaming_content).decode()
            for pk, code in made:
                assert (code in page) is (code in lines) is sees
                assert (f"Reservation {pk}" in page) is (f"Reservation {pk}," in lines) is not sees

    def test_one_that_is_not_there(self, browser, train):
        for pk in (10**6, 10**18):
            assert browser.get(reverse("admin:desk_departure", args=[pk])).status_code == 404
        page = reverse("admin:desk_act", args=[train.departure.pk, "nonsense"])
        assert browser.get(page).status_code == 404


class TestCancelling:
    def test_says_in_numbers_what_will_happen(self, browser, train, sold):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        assert "3 passengers are told." in meant
        assert "They belong to 2 reservations." in meant
        assert "2 paid reservations are refunded in full: €135.00." in meant
        assert "Storm" in meant
        assert Departure.objects.get(id=train.departure.pk).state == "scheduled"
        assert not DeskEntry.objects.exists()

    def test_is_done_after_the_second_page(self, browser, clerk, train, sold, noon):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        answer = confirm(browser, train, "cancel", meant)
        entry = DeskEntry.objects.get()
        assert answer.url == reverse("admin:desk_job", args=[entry.job_id])
        assert (entry.actor, entry.reason, entry.at) == (clerk, "Storm", noon)
        assert entry.address == "127.0.0.1"
        assert "0 of 2 reservations" in browser.get(answer.url).content.decode()
        work_on_disruptions()
        text = browser.get(answer.url).content.decode()
        assert "2 of 2 reservations" in text
        assert "Refunded" in text
        page = browser.get(page_of(train)).content.decode()
        assert "Refund or rebook all" in page
        assert "Swap the vehicle" not in page

    def test_the_button_pressed_twice(self, browser, train, sold):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        first = confirm(browser, train, "cancel", meant)
        second = confirm(browser, train, "cancel", meant)
        assert (first.status_code, second.status_code) == (302, 302)
        assert first.url == second.url
        assert (DeskEntry.objects.count(), DisruptionJob.objects.count()) == (1, 1)

    def test_what_changed_since_the_page_was_shown(self, browser, train, sold):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        Departure.objects.filter(id=train.departure.pk).update(revision=1)
        answer = confirm(browser, train, "cancel", meant)
        assert answer.url == page_of(train)
        assert "has changed since" in browser.get(answer.url).content.decode()
        assert Departure.objects.get(id=train.departure.pk).state == "scheduled"

    def test_needs_a_reason(self, browser, train):
        page = act_page(train, "cancel")
        answer = browser.post(page, {"revision": 0, "deed": "refund", "reason": " "})
        assert answer.status_code == 400
        assert "This field is required." in answer.content.decode()

    def test_the_job_as_a_file(self, browser, train, sold):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        confirm(browser, train, "cancel", meant)
        work_on_disruptions()
        job = DisruptionJob.objects.get()
        answer = browser.get(reverse("admin:desk_job_csv", args=[job.pk]))
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert [line.split(",")[1:4] for line in lines[1:]] == [["Done", "Refunded", "yes"]] * 2

    def test_is_stopped_and_goes_on(self, browser, train, sold):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        page = confirm(browser, train, "cancel", meant).url
        browser.post(page, {**hidden(browser.get(page).content.decode()), "stop": "Stop"})
        assert DisruptionJob.objects.get().state == "stopped"
        work_on_disruptions()
        assert DisruptionItem.objects.filter(state="waiting").count() == 2
        browser.post(page, {**hidden(browser.get(page).content.decode()), "retry": "Again"})
        work_on_disruptions()
        assert DisruptionItem.objects.filter(state="done").count() == 2


class TestOtherActs:
    def test_a_delay(self, browser, train, sold):
        meant = ask(browser, train, "delay", call=2, minutes=25, tell="on", reason="Signals")
        assert "25 minutes late" in meant
        assert "3 passengers are told." in meant
        confirm(browser, train, "delay", meant)
        text = browser.get(page_of(train)).content.decode()
        assert text.count("<s>") == 5
        listed = browser.get(reverse("admin:desk"), {"day": "2026-06-02"}).content.decode()
        assert "25 minutes late" in listed

    def test_a_delay_shows_the_times_that_are_expected_then(self, browser, train):
        confirm(browser, train, "delay", ask(browser, train, "delay", call=0, minutes=5, reason=""))
        page = act_page(train, "delay")
        asked = {"call": 3, "minutes": 40, "reason": ""}
        meant = browser.post(page, {**hidden(browser.get(page).content.decode()), **asked})
        late = [
            (new.departs_at - old.departs_at) // timedelta(minutes=1)
            for new, old in zip(meant.context["meaning"].calls[:4], train.calls, strict=False)
        ]
        assert late == [5, 5, 5, 40]
        assert meant.context["meaning"].calls[4].arrives_at == (
            train.calls[4].arrives_at + timedelta(minutes=40)
        )

    @pytest.mark.parametrize(
        ("steps", "said", "told"),
        [
            ([(0, 0)], "is on time already: nothing changes.", 0),
            ([(0, 9)], "is expected 9 minutes late.", 0),
            ([(0, 10)], "is expected 10 minutes late.", 2),
            ([(0, 25), (0, 0)], "is expected on time again.", 2),
            ([(0, 25), (0, 34)], "is expected 34 minutes late.", 0),
            # From an hour on they may choose anew: that is news.
            ([(0, 55), (0, 60)], "is expected 60 minutes late.", 2),
            ([(0, 60), (0, 65)], "is expected 65 minutes late.", 0),
            # At the last call nobody leaves, and everybody arrives.
            ([(4, 25)], "is expected 25 minutes late.", 2),
        ],
    )
    def test_a_delay_says_whom_it_tells_and_tells_them(
        self, browser, train, sold, steps, said, told
    ):
        for call, minutes in steps:
            meant = ask(
                browser, train, "delay", call=call, minutes=minutes, tell="on", reason="Ice"
            )
            before = OutboxMessage.objects.count()
            confirm(browser, train, "delay", meant)
            work_on_disruptions()
        assert said in meant
        assert ("Nobody is told: it is what they know, or nearly." in meant) is (told == 0)
        assert ("They belong to 2 reservations." in meant) is (told == 2)
        assert ("3 passengers are told." in meant) is (told == 2)
        assert OutboxMessage.objects.count() - before == told
        assert (DeskEntry.objects.latest("id").job is not None) is (told > 0)

    def test_who_has_not_paid_is_not_told_of_a_delay(self, browser, train, stranger, noon):
        reserve(stranger, train.ticket_id(), now=noon)
        meant = ask(browser, train, "delay", call=0, minutes=25, tell="on", reason="Ice")
        assert "Nobody is told" in meant

    def test_another_vehicle(self, browser, train, sold, clerk):
        smaller = factories.make_vehicle(
            train.departure.service.carrier,
            coaches=[factories.CoachPlan("1", layout="AB", rows=1)],
        )
        meant = ask(browser, train, "swap", vehicle=smaller.pk, tell="on", reason="Broken")
        assert "2 passengers keep the same seats." in meant
        assert "1 passenger finds no seat and waits" in meant
        confirm(browser, train, "swap", meant)
        assert Unseated.objects.count() == 1
        text = browser.get(reverse("admin:desk")).content.decode()
        assert "Without a seat" in text
        assert "Seat who waits" in browser.get(page_of(train)).content.decode()

    def test_no_other_vehicle(self, browser, train, flight):
        # That another carrier has one does not help.
        carrier = train.departure.service.carrier
        Vehicle.objects.filter(carrier=carrier).exclude(pk=train.departure.vehicle_id).delete()
        shown = browser.get(page_of(train))
        assert "swap" not in [act.name for act in shown.context["acts"]]
        text = shown.content.decode()
        assert act_page(train, "swap") not in text
        assert (
            f"Swap the vehicle: not possible.</span> {carrier} has no vehicle but this one." in text
        )
        answer = browser.get(act_page(train, "swap"), follow=True)
        assert answer.redirect_chain == [(page_of(train), 302)]
        assert [str(one) for one in answer.context["messages"]] == [
            f"{carrier} has no vehicle but this one."
        ]
        factories.make_vehicle(carrier)
        shown = browser.get(page_of(train))
        assert "not possible" not in shown.content.decode()
        assert browser.get(act_page(train, "swap")).status_code == 200

    def test_seats_are_kept_back_and_given_back(self, browser, train, sold):
        form = browser.get(act_page(train, "block")).content.decode()
        assert form.count('name="seats"') == 12
        seats = Seat.objects.filter(coach__seat_map=train.departure.vehicle.seat_map)
        wanted = [seats.get(coach__label="1", label=name).pk for name in ("1A", "2D")]
        meant = ask(
            browser, train, "block", seats=wanted, from_call=0, to_call=4, tell="on", reason="Wet"
        )
        assert "2 seats are kept back." in meant
        assert "1 passenger gets another seat." in meant
        confirm(browser, train, "block", meant)
        assert SeatBlock.objects.count() == 2
        assert "Wet" in browser.get(page_of(train)).content.decode()
        block = SeatBlock.objects.order_by("id")[0]
        meant = ask(browser, train, "unblock", blocks=[block.pk], reason="")
        confirm(browser, train, "unblock", meant)
        assert SeatBlock.objects.count() == 1

    @pytest.mark.parametrize(("start", "end"), [(1, 1), (3, 2)])
    def test_a_stretch_that_does_not_run_forward(self, browser, train, start, end):
        answer = post_block(browser, train, ["1A"], from_call=start, to_call=end)
        assert answer.status_code == 400
        assert answer.context["form"].errors == {"from_call": ["The stretch does not run forward."]}

    def test_the_shortest_stretch(self, browser, train):
        meant = post_block(browser, train, ["1A"], from_call=3, to_call=4).content.decode()
        confirm(browser, train, "block", meant)
        block = SeatBlock.objects.get()
        assert (block.first_segment, block.last_segment) == (3, 3)

    def test_a_seat_that_is_kept_back_already(self, browser, train):
        confirm(browser, train, "block", post_block(browser, train, ["1A"]).content.decode())
        answer = post_block(browser, train, ["1A", "1B"], from_call=1, to_call=2)
        assert answer.status_code == 400
        assert answer.context["form"].errors == {"seats": ["This seat is kept back already."]}

    def test_seats_that_are_kept_back_are_shown_by_coach_and_reason(self, browser, train):
        names = [call.station.name for call in train.calls]
        for seats, way in [
            (["1A", "1B", "2D"], {"reason": "Wet"}),
            (["2A"], {"reason": "Crew"}),
            (["2B"], {"reason": "Wet", "from_call": 1, "to_call": 2}),
        ]:
            meant = post_block(browser, train, seats, **way).content.decode()
            confirm(browser, train, "block", meant)
        shown = browser.get(page_of(train))
        found = [
            (one.coach, one.seats, one.origin, one.destination, one.reason)
            for one in shown.context["blocks"]
        ]
        assert found == [
            ("1", ["1A", "1B", "2D"], names[0], names[4], "Wet"),
            ("1", ["2A"], names[0], names[4], "Crew"),
            ("1", ["2B"], names[1], names[2], "Wet"),
        ]
        text = shown.content.decode()
        assert "3 seats<br>" in text
        assert text.count('<td dir="auto">Crew</td>') == 2  # The block, and the log.

    def test_what_a_block_makes_is_called_so(self, browser, train, sold):
        answer = confirm(
            browser, train, "block", post_block(browser, train, ["1A"], tell="on").content.decode()
        )
        text = browser.get(answer.url).content.decode()
        assert "Seats kept back: Tell them" in text
        assert "Other vehicle" not in text + browser.get(page_of(train)).content.decode()

    def test_sales_are_closed_and_reopened(self, browser, train):
        confirm(browser, train, "close", ask(browser, train, "close", reason=""))
        assert Departure.objects.get(id=train.departure.pk).sales_closed_at is not None
        # What is closed is not closed again.
        assert browser.get(act_page(train, "close")).status_code == 302
        confirm(browser, train, "reopen", ask(browser, train, "reopen", reason=""))
        assert Departure.objects.get(id=train.departure.pk).sales_closed_at is None

    @pytest.mark.parametrize("left_out", [[0, 1, 2, 3, 4], [0, 1, 2, 3]])
    def test_too_few_calls_are_refused_before_anything_is_promised(
        self, browser, train, sold, left_out
    ):
        page = act_page(train, "skip")
        asked = {"calls_left_out": left_out, "deed": "refund", "reason": "Flood"}
        answer = browser.post(page, {**hidden(browser.get(page).content.decode()), **asked})
        assert answer.status_code == 400
        assert answer.context["form"].errors == {
            "calls_left_out": ["Leave at least two calls, or cancel the departure."]
        }
        assert "refunded in full" not in answer.content.decode()

    def test_two_calls_are_enough(self, browser, train, sold):
        meant = ask(browser, train, "skip", calls_left_out=[1, 2, 3], deed="tell", reason="Flood")
        assert confirm(browser, train, "skip", meant).status_code == 302

    @pytest.mark.parametrize(("name", "state"), [("cancel", "withdrawn"), ("job", "scheduled")])
    def test_what_is_not_offered_is_not_previewed(self, browser, train, sold, name, state):
        """An import changes the state without the desk's revision."""
        Departure.objects.filter(pk=train.departure.pk).update(state=state)
        sent = {"revision": 0, "deed": "refund", "reason": "Flood"}
        answer = browser.post(act_page(train, name), sent, follow=True)
        assert answer.redirect_chain == [(page_of(train), 302)]
        assert "This cannot be done to the departure as it is now." in answer.content.decode()

    def test_a_platform_and_a_call_left_out(self, browser, train, sold):
        meant = ask(browser, train, "platform", call=0, platform="12", tell="on", reason="")
        confirm(browser, train, "platform", meant)
        meant = ask(browser, train, "skip", calls_left_out=[1], deed="refund", reason="Flood")
        assert "1 call is left out" in meant
        confirm(browser, train, "skip", meant)
        calls = Call.objects.filter(departure=train.departure).order_by("position")
        assert [call.is_skipped for call in calls] == [False, True, False, False, False]
        assert calls[0].platform == "12"
        # Nobody boards or alights at Hanover.
        assert not DisruptionItem.objects.filter(job__cause="skipped").exists()
        work_on_disruptions()
        assert Coupon.objects.filter(state="open").count() == 3

    def test_an_extra_departure(self, browser, train, noon):
        meant = ask(
            browser,
            train,
            "extra",
            day="2026-06-03",
            leaves="09:30",
            vehicle=train.departure.vehicle_id,
            reason="Football",
        )
        answer = confirm(browser, train, "extra", meant)
        extra = Departure.objects.get(run="extra-1")
        assert answer.url == reverse("admin:desk_departure", args=[extra.pk])
        first, *_, last = Call.objects.filter(departure=extra).order_by("position")
        # 09:30 in Hamburg is 07:30 UTC; the way takes five hours and a half.
        assert first.departs_at.isoformat() == "2026-06-03T07:30:00+00:00"
        assert last.arrives_at.isoformat() == "2026-06-03T13:00:00+00:00"
        held = reserve(
            "fan@example.org", extra.pk * 2**18 + 4 * 2**6, now=noon, passengers=adults(2)
        )
        assert held.price.minor == 9_000

    def test_the_page_before_an_extra_one_shows_every_call(self, browser, train, noon):
        Call.objects.filter(departure=train.departure, position=1).update(is_skipped=True)
        other = factories.make_vehicle(train.departure.service.carrier, code="T9")
        meant = plan_extra(browser, train, leaves="09:30", vehicle=other.pk).content.decode()
        assert "ICE 585 runs an extra time on Wednesday 3 June 2026." in meant
        assert "The vehicle is Vehicle T9 (T9)." in meant
        # It runs at 08:00 on the day before; from 09:30 every call is an hour and a half later.
        shown = re.findall(r"<tr><th scope=.row.><bdi>(.*?)</bdi></th>(.*?)</tr>", meant, re.S)
        times = [(name, re.findall(r"Jun 2026, (\d\d:\d\d)", cells)) for name, cells in shown]
        expected = [
            (
                call.station.name,
                [
                    (moment + timedelta(days=1, hours=1, minutes=30 + 120)).strftime("%H:%M")
                    for moment in (call.arrives_at, call.departs_at)
                    if moment
                ],
            )
            for call in train.calls
        ]
        assert times == expected
        assert times[0] == ("Hamburg Hbf", ["09:30"])
        assert "left out" in shown[1][1]
        assert "left out" not in shown[2][1]
        assert not Departure.objects.filter(run="extra-1").exists()

    @pytest.mark.parametrize(
        ("day", "leaves", "field", "said"),
        [
            ("2026-05-03", "09:30", "day", "in the past"),
            # It is 14:00 in Hamburg.
            ("2026-06-01", "13:59", "leaves", "in the past"),
            # Two years from 1 June 2026 are 731 days; anybody may search as far as 730.
            ("2028-06-01", "09:30", "day", "Nothing is on sale that far ahead."),
            ("9999-12-31", "23:59", "day", "Nothing is on sale that far ahead."),
            ("0001-01-01", "00:00", "day", "in the past"),
            # The clocks go from 02:00 to 03:00.
            ("2027-03-28", "02:30", "leaves", "No clock shows this time on the day"),
            ("2026-06-02", "08:00", "second", "leaves at this time already"),
        ],
    )
    def test_what_cannot_be_added_is_refused_on_the_first_page(
        self, browser, train, day, leaves, field, said
    ):
        answer = plan_extra(browser, train, day=day, leaves=leaves)
        assert answer.status_code == 400
        assert said in str(answer.context["form"].errors[field])
        assert "This will happen" not in answer.content.decode()

    @pytest.mark.parametrize(
        ("day", "leaves", "in_utc"),
        [
            ("2026-06-01", "14:01", "2026-06-01T12:01:00+00:00"),
            ("2028-05-31", "09:30", "2028-05-31T07:30:00+00:00"),
            ("2027-03-28", "01:59", "2027-03-28T00:59:00+00:00"),
            ("2027-03-28", "03:00", "2027-03-28T01:00:00+00:00"),
        ],
    )
    def test_what_can_just_be_added(self, browser, train, day, leaves, in_utc):
        meant = plan_extra(browser, train, day=day, leaves=leaves).content.decode()
        assert "shows the time of leaving twice" not in meant
        confirm(browser, train, "extra", meant)
        first = Call.objects.get(departure__run="extra-1", position=0)
        assert first.departs_at.isoformat() == in_utc

    def test_an_hour_that_is_twice_is_the_first(self, browser, train):
        # On 25 October 2026 the clocks go back from 03:00 to 02:00: 02:30 is 00:30 and 01:30 UTC.
        meant = plan_extra(browser, train, day="2026-10-25", leaves="02:30").content.decode()
        assert "Clocks show the time of leaving twice on that day; the first" in meant
        confirm(browser, train, "extra", meant)
        first = Call.objects.get(departure__run="extra-1", position=0)
        assert first.departs_at.isoformat() == "2026-10-25T00:30:00+00:00"

    def test_a_second_one_at_the_same_time_is_meant(self, browser, train, flight):
        meant = plan_extra(browser, train, day="2026-06-02", leaves="08:00", second="on")
        assert "1 departure of the same service leaves at this time already." in (
            meant.content.decode()
        )
        confirm(browser, train, "extra", meant.content.decode())
        assert Departure.objects.get(run="extra-1").calls.count() == 5

    def test_one_that_does_not_run_is_replaced_at_its_time(self, browser, train):
        Departure.objects.filter(pk=train.departure.pk).update(state="cancelled")
        answer = plan_extra(browser, train, day="2026-06-02", leaves="08:00")
        assert answer.status_code == 200
        assert not answer.context["meaning"].warnings

    def test_two_who_add_the_same_one(self, browser, train):
        """Both see the page before; who presses second is told of the other's."""
        first = plan_extra(browser, train, leaves="09:30").content.decode()
        second = plan_extra(browser, train, leaves="09:30").content.decode()
        assert confirm(browser, train, "extra", first).status_code == 302
        answer = confirm(browser, train, "extra", second)
        assert answer.status_code == 400
        assert "leaves at this time already" in answer.content.decode()
        assert Departure.objects.filter(run__startswith="extra").count() == 1

    def test_the_copied_one_has_changed_meanwhile(self, browser, train):
        shown = plan_extra(browser, train, leaves="09:30").content.decode()
        confirm(browser, train, "delay", ask(browser, train, "delay", call=0, minutes=5, reason=""))
        answer = confirm(browser, train, "extra", shown)
        assert answer.url == page_of(train)
        assert not Departure.objects.filter(run__startswith="extra").exists()


def post_block(browser: Client, trip: factories.Trip, seats: list[str], **data: Any) -> Any:
    """Ask for seats of coach 1 to be kept back; answer what comes back."""
    page = act_page(trip, "block")
    own = Seat.objects.filter(coach__seat_map=trip.departure.vehicle.seat_map, coach__label="1")
    asked = {
        "seats": [own.get(label=label).pk for label in seats],
        "from_call": 0,
        "to_call": 4,
        "reason": "Wet",
        **data,
    }
    return browser.post(page, {**hidden(browser.get(page).content.decode()), **asked})


class TestOneThatHasLeft:
    """The train leaves Hamburg at 06:00 UTC, and is in Munich at 11:30."""

    @pytest.fixture
    def travelled(self, sold) -> None:
        """One of Ada's two was let in; the stranger never came."""
        used, _open, missed = Coupon.objects.order_by("id")
        Coupon.objects.filter(pk=used.pk).update(state="used")
        Coupon.objects.filter(pk=missed.pk).update(state="no_show")

    def test_those_who_travelled_are_listed(self, browser, train, travelled):
        shown = browser.get(page_of(train))
        assert [one.state for one in shown.context["people"]] == ["Used", "Paid", "Not used"]
        text = shown.content.decode()
        assert "3 passengers" in text
        assert "Tickets used: 1, not used: 1." in text
        assert "Nobody has booked it." not in text
        file = browser.get(reverse("admin:desk_people_csv", args=[train.departure.pk]))
        lines = b"".join(file.streaming_content).decode().splitlines()
        assert [line.rsplit(",", 1)[1] for line in lines[1:]] == ["Used", "Paid", "Not used"]
        listed = browser.get(reverse("admin:desk"), {"day": "2026-06-02"})
        assert listed.context["rows"][0].people == 3

    def test_acts_concern_open_tickets_alone(self, browser, train, travelled):
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        assert "1 passenger is told." in meant
        assert "1 paid reservation is refunded in full: €45.00." in meant

    def test_who_cancelled_is_not_listed(self, browser, train, travelled, noon):
        zoe = factories.make_user(email="zoe@example.org")
        sell(train, zoe, 1, noon)
        paying.cancel_and_refund(
            viewer=Viewer(user_id=zoe.pk),
            reservation_id=Reservation.objects.get(user=zoe).pk,
            actor=SYSTEM,
            now=noon,
        )
        shown = browser.get(page_of(train))
        assert [one.state for one in shown.context["people"]] == ["Used", "Paid", "Not used"]

    def at(self, clock: Clock, hour: int, minute: int) -> None:
        clock.moment = datetime(2026, 6, 2, hour, minute, tzinfo=UTC)

    def test_on_its_way_it_may_be_changed(self, browser, train, sold, clock):
        self.at(clock, 11, 29)
        factories.make_vehicle(train.departure.service.carrier)
        assert not browser.get(page_of(train)).context["hindered"]
        meant = ask(browser, train, "cancel", deed="tell", reason="Broke down")
        assert confirm(browser, train, "cancel", meant).status_code == 302
        assert Departure.objects.get(pk=train.departure.pk).state == "cancelled"

    def test_when_it_has_arrived_how_it_ran_is_not_changed(self, browser, train, sold, clock):
        factories.make_vehicle(train.departure.service.carrier)
        meant = ask(browser, train, "cancel", deed="refund", reason="Storm")
        self.at(clock, 11, 30)
        shown = browser.get(page_of(train))
        assert [act.name for act in shown.context["acts"]] == ["extra"]
        why = (
            f"It arrived: {train.calls[4].station.name}, 2 Jun 2026, 13:30. "
            "How it ran is not changed any more."
        )
        acts = "Delay, Change a platform, Swap the vehicle, Block seats, Close sales, "
        acts += "Leave out calls, Cancel the departure"
        assert shown.context["hindered"] == [(acts, why)]
        assert f"{acts}: not possible.</span> {why}" in shown.content.decode()
        for answer in (
            browser.get(act_page(train, "delay"), follow=True),
            browser.post(act_page(train, "cancel"), hidden(meant), follow=True),
        ):
            assert answer.redirect_chain == [(page_of(train), 302)]
            assert [str(one) for one in answer.context["messages"]] == [why]
        assert Departure.objects.get(pk=train.departure.pk).state == "scheduled"
        assert not DeskEntry.objects.exists()

    def test_one_that_is_late_is_on_its_way_for_longer(self, browser, train, sold, clock):
        confirm(
            browser, train, "delay", ask(browser, train, "delay", call=0, minutes=20, reason="")
        )
        self.at(clock, 11, 49)
        assert browser.get(act_page(train, "delay")).status_code == 200
        self.at(clock, 11, 50)
        assert browser.get(act_page(train, "delay")).url == page_of(train)

    def test_it_ends_where_it_calls_last(self, browser, train, clock):
        """Nuremberg, at 10:00, where Munich is left out."""
        Call.objects.filter(pk=train.calls[4].pk).update(is_skipped=True)
        self.at(clock, 9, 59)
        assert browser.get(act_page(train, "delay")).status_code == 200
        self.at(clock, 10, 0)
        assert browser.get(act_page(train, "delay")).url == page_of(train)

    def test_what_is_owed_is_still_given(self, browser, train, sold, clock):
        confirm(browser, train, "cancel", ask(browser, train, "cancel", deed="tell", reason="Ice"))
        self.at(clock, 20, 0)
        meant = ask(browser, train, "job", deed="refund", reason="Ice")
        assert "2 paid reservations are refunded in full: €135.00." in meant
        confirm(browser, train, "job", meant)
        work_on_disruptions()
        assert Coupon.objects.filter(state="cancelled").count() == 3

    def test_a_change_can_only_be_left(self, browser, train, sold, noon, clock):
        change = PendingChange.objects.create(
            departure=train.departure, kind="withdrawn", digest="withdrawn", created_at=noon
        )
        page = reverse("admin:desk_change", args=[change.pk])
        self.at(clock, 11, 30)
        text = browser.get(page).content.decode()
        assert "It cannot be taken over." in text
        assert 'name="apply"' not in text
        sent = {**hidden(text), "deed": "refund", "reason": "Gone"}
        answer = browser.post(page, {**sent, "apply": "1"})
        assert answer.status_code == 400
        assert "This departure has arrived" in answer.content.decode()
        assert Departure.objects.get(pk=train.departure.pk).state == "scheduled"
        browser.post(page, {**sent, "reject": "1"})
        change.refresh_from_db()
        assert change.decision == "Left as it is. Gone"


class TestOldPages:
    """Two tabs, and the way back: nobody lands where nothing is, and nothing is done twice."""

    def test_what_was_chosen_is_gone(self, browser, train):
        confirm(browser, train, "block", post_block(browser, train, ["1A"]).content.decode())
        block = SeatBlock.objects.get()
        page = act_page(train, "unblock")
        form = hidden(browser.get(page).content.decode())
        shown = ask(browser, train, "unblock", blocks=[block.pk], reason="")
        confirm(browser, train, "unblock", ask(browser, train, "unblock", blocks=[block.pk]))
        for sent in ({**form, "blocks": [block.pk], "reason": ""}, hidden(shown)):
            answer = browser.post(page, sent, follow=True)
            assert answer.redirect_chain == [(page_of(train), 302)]
            assert "has changed since" in answer.content.decode()

    def test_what_is_gone_at_the_last_moment(self, browser, train, monkeypatch):
        """The form still offers it; the service finds it no more."""
        confirm(browser, train, "block", post_block(browser, train, ["1A"]).content.decode())
        shown = ask(browser, train, "unblock", blocks=[SeatBlock.objects.get().pk])
        monkeypatch.setattr("bookings.services.vehicle_swap.reseating.give_back_blocks", _not_found)
        answer = browser.post(act_page(train, "unblock"), hidden(shown), follow=True)
        assert answer.redirect_chain == [(page_of(train), 302)]
        assert "has changed since" in answer.content.decode()

    @pytest.mark.parametrize("name", ["unblock", "close", "extra"])
    def test_pressed_again_after_going_back(self, browser, train, name):
        confirm(browser, train, "block", post_block(browser, train, ["1A"]).content.decode())
        data = {
            "unblock": {"blocks": [SeatBlock.objects.get().pk]},
            "close": {},
            "extra": {
                "day": "2026-06-03",
                "leaves": "09:30",
                "vehicle": train.departure.vehicle_id,
            },
        }[name]
        shown = ask(browser, train, name, **data)
        first = confirm(browser, train, name, shown)
        count = DeskEntry.objects.count()
        again = browser.post(act_page(train, name), hidden(shown), follow=True)
        assert again.redirect_chain == [(first.url, 302)]
        assert "This was done already" in again.content.decode()
        assert DeskEntry.objects.count() == count

    def test_another_ones_button_is_none_of_ones_own(self, browser, train, client, settings):
        shown = ask(browser, train, "close")
        confirm(browser, train, "close", shown)
        chief = factories.make_user(email="chief@office.example", is_staff=True, is_superuser=True)
        client.force_login(chief)
        answer = client.post(act_page(train, "close"), hidden(shown), follow=True)
        assert "has changed since" in answer.content.decode()

    def test_a_settled_change_and_a_job_that_is_over(self, browser, train, sold, noon):
        meant = ask(browser, train, "cancel", deed="tell", reason="Storm")
        job_page = confirm(browser, train, "cancel", meant).url
        old = hidden(browser.get(job_page).content.decode())
        work_on_disruptions()
        DisruptionJob.objects.update(state="done", finished_at=noon)
        for button in ("stop", "retry"):
            answer = browser.post(job_page, {**old, button: "1"}, follow=True)
            assert answer.redirect_chain == [(job_page, 302)]
            assert "There is nothing to do any more." in answer.content.decode()

    @pytest.mark.parametrize("name", ["", "delay/", "people.csv"])
    def test_numbers_that_no_departure_has(self, browser, train, name):
        found = browser.get(f"{reverse('admin:desk')}{10**30}/{name}")
        assert found.status_code == 404


def _not_found(*args: Any) -> None:
    raise NotFound


def plan_extra(browser: Client, trip: factories.Trip, **data: Any) -> Any:
    """Ask for an extra departure; answer what comes back."""
    page = act_page(trip, "extra")
    fields = hidden(browser.get(page).content.decode())
    asked = {"day": "2026-06-03", "vehicle": trip.departure.vehicle_id, "reason": "", **data}
    return browser.post(page, {**fields, **asked})


class TestChanges:
    @pytest.fixture
    def change(self, train, sold, noon):
        """A feed has other calls: Hanover is left out, Göttingen is later, Erfurt is new."""
        feed = Feed.objects.create(code="db", name="DB")
        Departure.objects.filter(id=train.departure.pk).update(feed=feed)

        def call(code: str, arrives: str | None, departs: str | None) -> dict[str, Any]:
            return {
                "station": code,
                "arrivesAt": arrives and f"2026-06-02T{arrives}:00+00:00",
                "departsAt": departs and f"2026-06-02T{departs}:00+00:00",
                "mayBoard": departs is not None,
                "mayAlight": arrives is not None,
                "platform": "",
            }

        return PendingChange.objects.create(
            departure=train.departure,
            kind="calls",
            digest="new",
            created_at=noon,
            proposal={
                "vehicle": train.departure.vehicle.code,
                "calls": [
                    call("HH", None, "06:00"),
                    call("GOE", "08:30", "08:35"),
                    call("ERF", "09:00", "09:05"),
                    call("NUE", "10:00", "10:05"),
                    call("MH", "11:30", None),
                ],
            },
        )

    def page(self, change: PendingChange) -> str:
        return reverse("admin:desk_change", args=[change.pk])

    def test_shows_what_it_does(self, browser, change):
        text = browser.get(self.page(change)).content.decode()
        assert text.count("left out") == 1
        assert text.count("other times") == 1
        assert "new, not taken over" in text

    def test_is_taken_over(self, browser, change, train, clerk, stranger, noon):
        sell(train, stranger, 1, noon, start=1, end=4)
        page = self.page(change)
        fields = hidden(browser.get(page).content.decode())
        browser.post(page, {**fields, "deed": "refund", "reason": "Works", "apply": "1"})
        calls = list(Call.objects.filter(departure=train.departure).order_by("position"))
        assert [call.is_skipped for call in calls] == [False, True, False, False, False]
        assert calls[2].expected_departs_at.isoformat() == "2026-06-02T08:35:00+00:00"
        assert calls[3].expected_departs_at is None
        change.refresh_from_db()
        assert (change.settled_by, change.decision) == (clerk, "Taken over. Works")
        work_on_disruptions()
        gone = Coupon.objects.filter(state="cancelled")
        assert [one.passenger.reservation.user for one in gone] == [stranger]

    def test_is_left_as_it_is(self, browser, change, train):
        page = self.page(change)
        fields = hidden(browser.get(page).content.decode())
        sent = {**fields, "deed": "refund", "reason": "No", "reject": "1"}
        browser.post(page, sent)
        browser.post(page, sent)
        change.refresh_from_db()
        assert change.decision == "Left as it is. No"
        assert not Call.objects.filter(is_skipped=True).exists()
        assert DeskEntry.objects.count() == 1

    def test_a_withdrawn_departure_is_called_off(self, browser, train, sold, noon):
        change = PendingChange.objects.create(
            departure=train.departure, kind="withdrawn", digest="withdrawn", created_at=noon
        )
        page = self.page(change)
        text = browser.get(page).content.decode()
        assert "3 passengers can no longer travel as booked." in text
        browser.post(page, {**hidden(text), "deed": "refund", "reason": "Gone", "apply": "1"})
        work_on_disruptions()
        assert Departure.objects.get(id=train.departure.pk).state == "cancelled"
        assert Coupon.objects.filter(state="cancelled").count() == 3

    def test_another_vehicle_is_swapped_in(self, browser, train, sold, noon):
        bigger = factories.make_vehicle(
            train.departure.service.carrier, coaches=[factories.CoachPlan("1", rows=9)], code="XXL"
        )
        change = PendingChange.objects.create(
            departure=train.departure,
            kind="vehicle",
            digest="vehicle",
            created_at=noon,
            proposal={"vehicle": "XXL", "calls": []},
        )
        page = self.page(change)
        text = browser.get(page).content.decode()
        browser.post(page, {**hidden(text), "deed": "tell", "reason": "", "apply": "1"})
        assert Departure.objects.get(id=train.departure.pk).vehicle_id == bigger.pk


class TestWhoMay:
    PAGES = ("desk", "desk_departure", "desk_people_csv", "desk_act", "desk_job", "desk_job_csv")

    def addresses(self, trip: factories.Trip, job: DisruptionJob) -> dict[str, str]:
        pk = trip.departure.pk
        return {
            "desk": reverse("admin:desk"),
            "desk_departure": reverse("admin:desk_departure", args=[pk]),
            "desk_people_csv": reverse("admin:desk_people_csv", args=[pk]),
            "desk_act": reverse("admin:desk_act", args=[pk, "cancel"]),
            "desk_job": reverse("admin:desk_job", args=[job.pk]),
            "desk_job_csv": reverse("admin:desk_job_csv", args=[job.pk]),
        }

    @pytest.mark.parametrize(
        ("who", "expected"),
        [
            ("operations", [200, 200, 200, 200, 200, 200]),
            ("administrator", [200, 200, 200, 200, 200, 200]),
            ("support agent", [200, 200, 200, 403, 200, 200]),
            ("finance", [200, 200, 403, 403, 200, 200]),
            ("no role", [403, 403, 403, 403, 403, 403]),
            ("own viewer", [200, 200, 200, 403, 200, 200]),
            ("own operations", [200, 200, 200, 200, 200, 200]),
            ("other operations", [200, 404, 404, 404, 404, 404]),
            ("traveller", [302, 302, 302, 302, 302, 302]),
        ],
    )
    def test_each_page(
        self, client, settings, train, flight, traveller, clerk, noon, who, expected
    ):
        settings.STAFF_2FA = "optional"
        job = DisruptionJob.objects.create(
            departure=train.departure,
            cause="delayed",
            deed="tell",
            created_at=noon,
            created_by=clerk,
            due_at=noon,
        )
        user = traveller
        if who != "traveller":
            roles = (
                [who] if who in ("operations", "administrator", "support agent", "finance") else []
            )
            user = factories.make_user(is_staff=True, roles=roles)
        if who.startswith(("own", "other")):
            trip = train if who.startswith("own") else flight
            Membership.objects.create(
                user=user, carrier=trip.departure.service.carrier, role=who.split()[1]
            )
        client.force_login(user)
        addresses = self.addresses(train, job)
        assert [client.get(addresses[name]).status_code for name in self.PAGES] == expected
        if expected[3] != 200:
            answer = client.post(
                addresses["desk_act"], {"revision": 0, "deed": "tell", "reason": "x", "confirm": 1}
            )
            assert answer.status_code == expected[3]
            assert client.post(addresses["desk_job"], {"stop": "1"}).status_code in (302, 403, 404)
            assert DisruptionJob.objects.get().state == "running"
        assert Departure.objects.get(id=train.departure.pk).state == "scheduled"

    def test_carriers_own_staff_see_their_rows_in_the_tables(self, client, settings, train, flight):
        settings.STAFF_2FA = "optional"
        user = factories.make_user(is_staff=True)
        Membership.objects.create(user=user, carrier=train.departure.service.carrier, role="viewer")
        client.force_login(user)
        listed = client.get(reverse("admin:inventory_departure_changelist")).content.decode()
        assert "ICE 585" in listed
        assert "QX 2024" not in listed
        page = reverse("admin:inventory_departure_change", args=[flight.departure.pk])
        assert client.get(page).status_code == 302
        assert client.get(reverse("admin:bookings_reservation_changelist")).status_code == 403


def test_it_is_led_to_from_the_overview(browser, clock: Clock) -> None:
    assert reverse("admin:desk") in browser.get(reverse("admin:index")).content.decode()
