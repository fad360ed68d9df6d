"""What has left, and pages that are older than what was done since."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from accounts.viewers import Viewer
from bookings.engine.contract import SYSTEM
from bookings.models import Coupon, Reservation, SeatBlock
from inventory.models import Call, Departure, PendingChange
from payments import services as paying
from support.models import DeskEntry, DisruptionJob
from support.tasks import work_on_disruptions
from tests import factories
from tests.admin.desk.pressing import (
    act_page,
    ask,
    confirm,
    hidden,
    page_of,
    post_block,
    sell,
)
from tests.conftest import Clock
from travel.common.errors import NotFound

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited", "clock")]


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
