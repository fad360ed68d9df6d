"""Acts of the departures desk: asked, told in numbers, confirmed, done once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from bookings.models import Coupon, SeatBlock, Unseated
from inventory.models import Call, Departure, Seat, Vehicle
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from support.tasks import work_on_disruptions
from tests import factories
from tests.admin.desk.pressing import (
    act_page,
    ask,
    confirm,
    hidden,
    page_of,
    plan_extra,
    post_block,
)
from tests.selling import adults, reserve
from travel.common.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited", "clock")]


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
