"""The pages of the door as a browser without scripts and a device with one use them."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as office
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import SYSTEM
from bookings.models import (
    Coupon,
    ManifestCopy,
    Passenger,
    Reservation,
    ReservationEvent,
    Scan,
)
from bookings.pages.door_lists import code_digest
from inventory.models import Membership
from payments import services as money
from payments.models import Refund
from tests import factories
from tests.bookings.boarding import code_of, coupons, outcomes, show, sold, state_of
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.cast import signed_in, text_of
from travel.common.ids import digest

OFFICE = Viewer(is_support=True)


@pytest.fixture
def early(noon: datetime, clock: Clock, settings: Any) -> datetime:
    """Half an hour before the train leaves Hamburg at 08:00; no second factor is asked for."""
    settings.STAFF_2FA = "optional"
    clock.moment = noon.replace(day=2, hour=5, minute=30)
    return clock.moment


@pytest.fixture
def door(staff: User, early: datetime) -> Client:
    """A support agent's browser."""
    return signed_in(staff)


@pytest.fixture
def page(train: Trip) -> str:
    return f"/door/{train.departure.pk}/"


def send(client: Client, page: str, *scans: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"{page}scans", {"scans": scans}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def locator_of(coupon: int) -> str:
    return Coupon.objects.values_list("passenger__reservation__locator", flat=True).get(id=coupon)


def item(number: int, **told: Any) -> dict[str, Any]:
    return {
        "id": f"item-{number:04}",
        "device": "a-phone-of-ours",
        "how": "typed",
        "stop": 0,
    } | told


class TestWhoComesIn:
    def test_nobody_without_signing_in(self, client: Client, page: str, train: Trip) -> None:
        answer = client.get(page)

        assert (answer.status_code, answer["Location"]) == (
            302,
            f"/admin/login/?next={page.replace('/', '%2F')}",
        )
        sent = client.post(f"{page}scans", {"scans": []}, content_type="application/json")
        assert (sent.status_code, sent.json()) == (401, {"code": "signed_out"})

    def test_no_traveller(self, traveller: User, page: str, train: Trip, early: datetime) -> None:
        assert signed_in(traveller).get(page).status_code == 404
        assert signed_in(traveller).get("/door/").status_code == 404

    def test_no_staff_without_the_second_factor(self, staff: User, page, train, settings) -> None:
        settings.STAFF_2FA = "required"
        TOTPDevice.objects.create(user=staff, name="phone", confirmed=True)

        answer = signed_in(staff).get(page)

        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")

    def test_no_staff_who_do_not_board(self, page: str, train: Trip, early: datetime) -> None:
        clerk = factories.make_user(is_staff=True, roles=["finance"])

        assert signed_in(clerk).get(page).status_code == 403

    def test_a_carriers_staff_see_their_own_only(
        self, train, flight, traveller, noon, early
    ) -> None:
        sold(traveller, train, now=noon)
        sold(traveller, flight, now=noon)
        person = factories.make_user(is_staff=True)
        Membership.objects.create(
            user=person, carrier=flight.departure.service.carrier, role="operations"
        )
        client = signed_in(person)

        listed = text_of(client.get("/door/"))

        assert "QX 2024" in listed
        assert "ICE 585" not in listed
        assert client.get(f"/door/{flight.departure.pk}/").status_code == 200
        for path in ("", "passengers/"):
            assert client.get(f"/door/{train.departure.pk}/{path}").status_code == 404
        for path in ("scans", "list", "passengers.csv"):
            assert client.post(f"/door/{train.departure.pk}/{path}").status_code == 404

    @pytest.mark.parametrize("path", ["", "scans", "list", "passengers/", "passengers.csv"])
    def test_what_never_was(self, door: Client, path: str) -> None:
        method = door.post if path in ("scans", "list", "passengers.csv") else door.get
        assert method(f"/door/999999/{path}").status_code == 404


class TestDepartures:
    def test_those_near_in_time_with_passengers(self, door, traveller, train, coach, noon) -> None:
        assert "No departure with passengers" in text_of(door.get("/door/"))
        sold(traveller, train, now=noon)
        sold(traveller, coach, now=noon)

        # The coach leaves 14.5 hours later: it is found by its number.
        near = text_of(door.get("/door/"))
        assert "ICE 585" in near
        assert "N 42" not in near
        found = text_of(door.get("/door/?q=n42"))
        assert "N 42" in found
        assert "ICE 585" not in found

    def test_what_is_long_over_is_left_out(self, door, traveller, train, noon, clock) -> None:
        sold(traveller, train, now=noon)
        clock.moment = train.calls[-1].arrives_at + timedelta(hours=3, seconds=1)

        assert "ICE 585" not in text_of(door.get("/door/"))


class TestWithoutScripts:
    def test_type_a_code_and_type_it_again(self, door, page, traveller, train, noon) -> None:
        booked = sold(traveller, train, now=noon)

        shown = door.post(page, {"code": booked.locator, "stop": "0"})

        text = text_of(shown)
        assert 'data-word="admitted"' in text.split("<template")[0]
        assert "Ada Roe" in text
        assert "Coach 1, seat" in text
        assert "<span data-on-board>1</span> of <span data-expected>1</span>" in text
        again = text_of(door.post(page, {"code": booked.locator, "stop": "0"})).split("<template")[
            0
        ]
        assert 'data-word="already_used"' in again
        assert "Let in at <bdi>07:30</bdi>, <bdi>Hamburg Hbf</bdi>, by <bdi>Sam</bdi>." in again

    def test_reloading_lets_nobody_in_twice(self, door, page, traveller, train, noon) -> None:
        booked = sold(traveller, train, now=noon)
        form = {"code": booked.locator, "stop": "0", "client_id": "form-drawn-once"}

        pages = [text_of(door.post(page, form)).split("<template")[0] for _again in range(2)]

        assert all('data-word="admitted"' in one for one in pages)
        assert Scan.objects.count() == 1

    def test_a_party_is_let_in_one_by_one_and_taken_back(
        self, door, page, traveller, train, noon
    ) -> None:
        booked = sold(traveller, train, now=noon, kinds=["adult", "adult"])
        first, _second = coupons(booked)

        asked = text_of(door.post(page, {"code": booked.locator})).split("<template")[0]
        assert "Who is it?" in asked
        assert asked.index("Roe, Ada") < asked.index("Roe, Bob")
        door.post(page, {"coupon": first, "how": "list", "client_id": "let-in-once"})
        assert state_of(first) == "used"
        undone = text_of(door.post(page, {"undoes": "let-in-once"})).split("<template")[0]
        assert 'data-word="undone"' in undone
        assert state_of(first) == "open"

    def test_insisting(self, door, page, traveller, train, noon) -> None:
        later = coupons(sold(traveller, train, now=noon, start=2))[0]

        refused = text_of(door.post(page, {"coupon": later})).split("<template")[0]
        assert "This ticket begins at <bdi>Göttingen Hbf</bdi>, <bdi>10:05</bdi>." in refused
        assert "Let in all the same" in refused
        door.post(page, {"coupon": later, "insists": "1"})
        assert state_of(later) == "used"

    def test_what_was_refunded_says_when(self, door, page, traveller, train, noon) -> None:
        booked = sold(traveller, train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=booked.id, actor=SYSTEM, now=noon)
        before = text_of(door.post(page, {"code": booked.locator})).split("<template")[0]
        Refund.objects.update(state="done", done_at=noon)

        after = text_of(door.post(page, {"code": booked.locator})).split("<template")[0]

        assert "Not valid any more." in before
        assert "Refunded on <bdi>Mon, 1 Jun 2026</bdi>. Not valid." in after

    def test_odd_forms_are_no_fault_of_the_office(self, door, page, train) -> None:
        odd = [
            {"coupon": "9" * 30},
            {"coupon": "x"},
            {"stop": "77"},
            {"code": "\0"},
            {"client_id": "x"},
            {"code": "x" * 5_000},
        ]
        for form in odd:
            assert door.post(page, form).status_code in (200, 404), form
        assert set(outcomes()) <= {("unknown", False)}


class TestDevices:
    def test_scan_and_hear_of_the_others(self, door, page, staff, traveller, train, early, noon):
        mine, other = coupons(sold(traveller, train, now=noon, kinds=["adult", "adult"]))
        show(staff, train, now=early, coupon_id=other)

        told = send(door, page, item(1, code=code_of(mine), how="camera"))

        answer = told["answers"][0]
        assert (answer["word"], answer["let_in"], answer["coupon"]) == ("admitted", True, mine)
        assert 'data-word="admitted"' in answer["html"]
        assert 'name="undoes" value="item-0001"' in answer["html"]
        assert set(told["used"]) == {str(mine), str(other)}
        assert told["used"][str(other)] == [int(early.timestamp() * 1000), 0, "", "Sam"]
        assert told["on"]["0"] == [2, 2]

    def test_what_was_done_offline(self, door, page, traveller, train, noon, clock) -> None:
        people = coupons(sold(traveller, train, now=noon, kinds=["adult"] * 3))
        at = clock.moment.isoformat()
        clock.advance(minutes=30)
        items = [
            item(number, coupon=coupon, at=at, let_in=True, said="admitted")
            for number, coupon in enumerate(people)
        ]

        told = [send(door, page, *items) for _again in range(2)]

        assert [one["word"] for one in told[0]["answers"]] == ["admitted"] * 3
        assert told[0]["answers"] == told[1]["answers"]
        assert Scan.objects.count() == 3
        assert told[1]["conflicts"] == 0

    def test_one_that_is_wrong_does_not_hold_up_the_others(
        self, door, page, traveller, train, noon, clock
    ) -> None:
        mine = coupons(sold(traveller, train, now=noon))[0]
        good = item(2, coupon=mine, at=clock.moment.isoformat(), let_in=True)

        told = send(
            door, page, item(1, stop=99), item(3, let_in=True, at="yesterday", coupon=mine), good
        )

        words = [one["word"] for one in told["answers"]]
        assert words == ["invalid_input", "invalid_input", "admitted"]

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b'{"scans": 1}', b'{"scans": [' + b"1," * 60 + b"1]}", b"\xff"],
    )
    def test_no_device_sends_this(self, door, page, train, body: bytes) -> None:
        answer = door.post(f"{page}scans", body, content_type="application/json")
        assert answer.status_code == 404

    def test_hostile_values(self, door, page, train) -> None:
        for odd in (None, [], {}, "x" * 5_000, -1, 2**70, True, "\0"):
            for name in (
                "id",
                "device",
                "how",
                "stop",
                "coach",
                "code",
                "coupon",
                "let_in",
                "undoes",
            ):
                told = send(door, page, item(1) | {name: odd})
                assert told["answers"][0]["word"] in {"invalid_input", "unknown", "undo_refused"}

    def test_conflicts_are_shown(self, door, page, staff, traveller, train, noon, clock) -> None:
        mine = coupons(sold(traveller, train, now=noon))[0]
        at = clock.moment.isoformat()
        for number, device in enumerate(["device-of-ada", "device-of-bob"]):
            send(door, page, item(number, device=device, coupon=mine, at=at, let_in=True))

        shown = text_of(door.get(page))

        assert "To be settled" in shown
        assert "Already scanned · <time" in shown


class TestTheListOnADevice:
    def test_holds_what_the_door_needs_and_no_more(
        self, door, page, traveller, train, noon
    ) -> None:
        booked = sold(traveller, train, now=noon, kinds=["adult", "infant"])
        gone = sold("gone@example.org", train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=gone.id, actor=SYSTEM, now=noon)
        adult, infant = coupons(booked)

        answer = door.post(f"{page}list", {"device": "a-phone-of-ours"})

        raw, told = answer.content.decode(), answer.json()
        people = {one["coupon"]: one for one in told["people"]}
        secrets = Coupon.objects.values_list("barcode", flat=True)
        locators = Reservation.objects.values_list("locator", flat=True)
        for secret in [*secrets, *locators, "example.org", "+49"]:
            assert secret not in raw
        assert people[infant]["adult"] == adult
        assert people[adult]["barcode"] == digest(Coupon.objects.get(id=adult).barcode)
        assert people[adult]["code"] == code_digest(told["salt"], booked.locator)
        assert len(people[adult]["code"]) == 5
        assert people[adult]["name"] == "Ada Roe"
        # Of what is not valid only that is told.
        assert set(people[coupons(gone)[0]]) == {"coupon", "barcode", "code", "word"}
        assert people[coupons(gone)[0]]["word"] == "cancelled"
        assert told["expires"] == int(
            (train.calls[-1].arrives_at + timedelta(hours=6)).timestamp() * 1000
        )
        assert answer["Cache-Control"].count("no-store") == 1
        copy = ManifestCopy.objects.get()
        assert (copy.kind, copy.device, copy.people) == ("device", "a-phone-of-ours", 2)

    def test_the_page_that_a_device_keeps_has_no_names(
        self, door, page, traveller, train, noon
    ) -> None:
        sold(traveller, train, now=noon)

        shell = text_of(door.get(f"{page}?shell=1"))

        assert "Roe" not in shell
        assert "data-shell" in shell

    def test_the_worker_serves_below_the_door_only(self, client: Client) -> None:
        answer = client.get("/door/worker.js")

        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/javascript")
        assert "Service-Worker-Allowed" not in answer.headers


class TestPassengers:
    def test_by_coach_and_seat(self, door, page, staff, traveller, train, noon, early) -> None:
        booked = sold(traveller, train, now=noon, kinds=["adult", "child"])
        Passenger.objects.filter(kind="adult").update(seat_wish="accessible")
        show(staff, train, now=early, coupon_id=coupons(booked)[0])

        shown = text_of(door.get(f"{page}passengers/"))

        assert "Hamburg Hbf to München Hbf · Adult · Party of 2" in shown
        assert "Wheelchair space" in shown
        assert shown.count("</svg>on board") == 1
        assert "Coach 1" in shown
        row = shown[shown.index("<bdi>Hamburg Hbf</bdi>") :].split("</tr>")[0]
        assert "<td>2</td><td>1</td><td>0</td><td>1</td>" in row

    def test_a_change_of_seat_on_the_way_stands_at_both(
        self, door, page, traveller, train, noon
    ) -> None:
        booked = coupons(sold(traveller, train, now=noon))[0]
        claim = Coupon.objects.get(id=booked).claims.get()
        other = claim.stock.departure.seat_stock.exclude(pk=claim.stock_id).first()
        claim.last_segment = 1
        claim.save()
        Coupon.objects.get(id=booked).claims.create(stock=other, first_segment=2, last_segment=3)

        shown = text_of(door.get(f"{page}passengers/"))

        assert shown.count("Roe, Ada") == 2

    def test_as_a_file_that_no_spreadsheet_runs(self, door, page, traveller, train, noon) -> None:
        sold(traveller, train, now=noon, kinds=["adult", "adult"])
        Passenger.objects.filter(position=0).update(first_name="=HYPERLINK(1)", last_name="@Roe")

        answer = door.post(f"{page}passengers.csv")

        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        assert answer["Content-Disposition"] == 'attachment; filename="ice585-2026-06-02.csv"'
        assert rows[0][:4] == ["Coach", "Seat", "Last name", "First name"]
        assert {tuple(row[2:4]) for row in rows[1:]} == {
            ("'@Roe", "'=HYPERLINK(1)"),
            ("Roe", "Bob"),
        }
        assert ManifestCopy.objects.get().kind == "csv"
        assert door.get(f"{page}passengers.csv").status_code == 405


class TestOpeningAgain:
    @pytest.fixture
    def mine(self, staff, traveller, train, noon, early) -> int:
        coupon = coupons(sold(traveller, train, now=noon))[0]
        show(staff, train, now=early, coupon_id=coupon)
        return coupon

    def test_for_a_reason(self, door, page, mine, traveller) -> None:
        assert "Open again" in text_of(door.get(f"{page}passengers/"))
        told = door.post(f"{page}reopen", {"coupon": mine, "reason": " "}, follow=True)
        assert "Say why" in text_of(told)
        assert state_of(mine) == "used"

        told = door.post(f"{page}reopen", {"coupon": mine, "reason": "Wrong train."}, follow=True)

        assert "The ticket of Ada Roe is open again." in text_of(told)
        assert state_of(mine) == "open"
        event = ReservationEvent.objects.get(kind="reopened")
        assert (event.reason, event.details) == ("Wrong train.", {"coupons": [mine]})
        again = door.post(f"{page}reopen", {"coupon": mine, "reason": "Again."}, follow=True)
        assert "Only a ticket that was used or missed" in text_of(again)
        # The traveller reads what happened, and nothing that staff noted.
        story = text_of(signed_in(traveller).get(f"/booking/{locator_of(mine)}/"))
        assert story.index("On board") < story.index("Valid again")
        assert "Wrong train." not in story

    def test_not_by_a_carriers_staff(self, page, train, mine) -> None:
        person = factories.make_user(is_staff=True)
        carrier = train.departure.service.carrier
        Membership.objects.create(user=person, carrier=carrier, role="manager")

        answer = signed_in(person).post(f"{page}reopen", {"coupon": mine, "reason": "Why not."})

        assert answer.status_code == 403
        assert "Open again" not in text_of(signed_in(person).get(f"{page}passengers/"))
        assert state_of(mine) == "used"

    def test_of_this_departure_only(self, door, flight, mine) -> None:
        path = f"/door/{flight.departure.pk}/reopen"
        for coupon in (mine, "", "x", "9" * 30):
            assert door.post(path, {"coupon": coupon, "reason": "Why."}).status_code == 404
        assert state_of(mine) == "used"


class TestStatements:
    @pytest.mark.parametrize("path", ["", "passengers/"])
    def test_as_many_for_one_as_for_eight(self, door, page, traveller, train, noon, path) -> None:
        counts = []
        for people in (1, 7):
            sold(f"buyer{people}@example.org", train, now=noon, kinds=["adult"] * people)
            with CaptureQueriesContext(connection) as queries:
                assert door.get(f"{page}{path}").status_code == 200
            counts.append(len(queries))

        assert counts[0] == counts[1] <= 12

    def test_the_list_of_departures(self, door, traveller, train, flight, noon) -> None:
        sold(traveller, train, now=noon)
        with CaptureQueriesContext(connection) as one:
            door.get("/door/")
        sold(traveller, flight, now=noon)
        with CaptureQueriesContext(connection) as two:
            door.get("/door/")

        assert len(one) == len(two) <= 12


def test_the_rules_in_the_script_are_tried_by_the_same_table() -> None:
    """The script names every word and hint of the table; test_door_in_browser runs it."""
    table = json.loads(
        (office.BASE_DIR / "tests/bookings/verdicts.json").read_text(encoding="utf-8")
    )
    script = (office.BASE_DIR / "static/js/door.js").read_text(encoding="utf-8")
    for word in {word for word, _case in table["judged"]}:
        assert f'"{word}"' in script
    for name in {name for names, _case in table["hinted"] for name in names}:
        assert name in script
