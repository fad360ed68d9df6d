"""The scan page in a real Chromium: scanning, without a connection, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.viewers import Viewer
from bookings import manifest
from bookings.engine.contract import SYSTEM
from bookings.models import ManifestCopy, Passenger, Scan
from payments import services as money
from tests.bookings.boarding import code_of, coupons, show, sold, state_of
from tests.conftest import Clock
from tests.factories import Trip
from tests.pages.cast import signed_in
from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS, PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CASES = json.loads(
    (Path(__file__).parents[1] / "bookings/verdicts.json").read_text(encoding="utf-8")
)
OFFICE = Viewer(is_support=True)


@pytest.fixture
def early(train: Trip, noon: datetime, clock: Clock, settings: Any) -> datetime:
    """Half an hour before the train leaves Hamburg; no second factor is asked for."""
    settings.STAFF_2FA = "optional"
    clock.moment = noon.replace(day=2, hour=5, minute=30)
    return clock.moment


@pytest.fixture
def open_door(chromium: Browser, live_server: Any, staff: User, early: datetime) -> Iterator[Any]:
    """Answer a function that opens a path as a support agent, in a browser of its own."""
    contexts = []

    def opened(
        path: str,
        *,
        width: int = 390,
        scheme: Any = "light",
        scripts: bool = True,
        locale: str = "en-GB",
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            locale=locale,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        session = signed_in(staff).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        # The browser's clock is the office's.
        page.clock.install(time=early)
        page.goto(f"{live_server.url}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def path(train: Trip) -> str:
    return f"/door/{train.departure.pk}/"


@pytest.fixture
def people(traveller: User, train: Trip, noon: datetime) -> list[int]:
    """Five adults, each on a booking of their own."""
    return [coupons(sold(f"p{number}@example.org", train, now=noon))[0] for number in range(5)]


def check(page: Page, code: str) -> None:
    page.get_by_label("Scan, or type the booking code").fill(code)
    page.get_by_role("button", name="Check").click()


def verdict(page: Page) -> Any:
    return page.locator("[data-answer] .verdict")


def said(page: Page, word: str) -> None:
    expect(verdict(page)).to_have_attribute("data-word", word)


def take_list(page: Page) -> None:
    page.get_by_role("button", name="Take the list along").click()
    expect(page.get_by_text("is on this device")).to_be_visible()
    page.wait_for_function("navigator.serviceWorker.controller !== null")


class TestConnected:
    def test_a_ticket_is_let_in_once_and_taken_back(self, open_door, path, people) -> None:
        page = open_door(path)
        check(page, code_of(people[0]))

        said(page, "admitted")
        expect(verdict(page)).to_contain_text("Ada Roe")
        expect(page.locator("[data-on-board]")).to_have_text("1")
        expect(page.get_by_label("Scan, or type the booking code")).to_have_value("")
        page.get_by_role("button", name="Take back").click()
        said(page, "undone")
        check(page, code_of(people[0]))
        said(page, "admitted")
        check(page, code_of(people[0]))
        said(page, "already_used")
        expect(verdict(page)).to_contain_text("Let in at 07:30, Hamburg Hbf, by Sam.")
        assert Scan.objects.count() == 4

    def test_a_party_is_chosen_from(self, open_door, path, traveller, train, noon) -> None:
        booked = sold(traveller, train, now=noon, kinds=["adult", "infant"])
        adult, infant = coupons(booked)
        page = open_door(path)
        check(page, booked.locator)
        expect(page.get_by_role("heading", name="Who is it?")).to_be_visible()

        page.locator("[data-answer] li", has_text="Roe, Bob").get_by_role("button").click()
        said(page, "needs_adult")
        expect(verdict(page)).to_contain_text("An infant boards with Ada Roe.")
        page.get_by_role("button", name="Let in all the same").click()
        said(page, "admitted")
        page.locator("tr", has_text="Roe, Ada").get_by_role("button", name="Let in").click()
        said(page, "admitted")
        expect(page.locator("tr", has_text="Roe, Ada")).to_contain_text("on board")
        assert (state_of(adult), state_of(infant)) == ("used", "used")

    def test_without_scripts(self, open_door, path, people) -> None:
        page = open_door(path, scripts=False)
        check(page, code_of(people[0]))
        said(page, "admitted")
        check(page, code_of(people[0]))
        said(page, "already_used")

    def test_the_camera_is_offered_only_where_it_reads_barcodes(self, open_door, path) -> None:
        page = open_door(path)
        expect(page.locator("[data-door]")).to_have_attribute("data-ready", "")
        reads = page.evaluate(
            "(async () => 'BarcodeDetector' in window"
            " && (await BarcodeDetector.getSupportedFormats()).length > 0)()"
        )

        expect(page.locator("[data-camera-button]")).to_be_visible(visible=reads)
        without = page.get_by_text("Without a camera that reads barcodes")
        expect(without).to_be_visible(visible=not reads)

    def test_the_camera_reads_and_shows_each_once(self, open_door, path, people) -> None:
        page = open_door("/door/")
        page.add_init_script(
            f"""
            window.BarcodeDetector = class {{
              static getSupportedFormats = async () => ["aztec", "qr_code"];
              detect = async () => [{{ rawValue: {json.dumps(code_of(people[0]))} }}];
            }};
            const canvas = document.createElement("canvas");
            const pen = canvas.getContext("2d");
            setInterval(() => pen.fillRect(0, 0, Math.random() * 99, 9), 50);
            Object.defineProperty(navigator, "mediaDevices", {{
              value: {{ getUserMedia: async () => canvas.captureStream(5) }},
            }});
            """
        )
        page.goto(f"{page.url.removesuffix('/door/')}{path}")

        page.get_by_role("button", name="Use the camera").click()

        said(page, "admitted")
        expect(page.get_by_role("button", name="Close the camera")).to_be_visible()
        page.clock.run_for(3_000)
        said(page, "admitted")
        assert list(Scan.objects.values_list("how", "outcome")) == [("camera", "admitted")]


class TestWithoutAConnection:
    def test_scan_offline_reload_and_come_back(self, open_door, path, people, early) -> None:
        page = open_door(path)
        check(page, code_of(people[0]))
        said(page, "admitted")
        take_list(page)

        page.context.set_offline(True)
        expect(page.locator("[data-connection]")).to_contain_text("Offline")
        for coupon in people[1:3]:
            check(page, code_of(coupon))
            said(page, "admitted")
            expect(verdict(page)).to_contain_text("Ada Roe")
        check(page, code_of(people[0]))
        said(page, "already_used")
        check(page, code_of(people[1]))
        said(page, "already_used")
        expect(page.locator("[data-connection]")).to_contain_text("Offline, scans to send: 4")
        assert Scan.objects.count() == 1

        page.reload()
        expect(page.locator("[data-connection]")).to_contain_text("scans to send: 4")
        expect(page.locator("[data-on-board]")).to_have_text("3")
        check(page, code_of(people[3]))
        said(page, "admitted")
        check(page, code_of(people[2]))
        said(page, "already_used")
        page.locator("li", has_text="Roe, Ada").get_by_role("button", name="Let in").click()
        said(page, "admitted")
        expect(page.locator("[data-on-board]")).to_have_text("5")

        page.context.set_offline(False)
        expect(page.locator("[data-connection]")).to_contain_text("Connected, scans sent: 7")
        assert [state_of(one) for one in people] == ["used"] * 5
        assert Scan.objects.filter(let_in=True).count() == 5
        assert manifest.conflicts(Scan.objects.first().departure_id) == []
        assert ManifestCopy.objects.count() == 1

    def test_the_offline_answers(
        self, open_door, path, train, flight, traveller, noon, people, early
    ) -> None:
        party = sold(traveller, train, now=noon, kinds=["adult", "infant"])
        adult, infant = coupons(party)
        gone = sold("gone@example.org", train, now=noon)
        money.cancel_and_refund(viewer=OFFICE, reservation_id=gone.id, actor=SYSTEM, now=noon)
        elsewhere = coupons(sold(traveller, flight, now=noon))[0]
        later = coupons(sold("late@example.org", train, now=noon, start=2))[0]
        Passenger.objects.filter(coupons=people[0]).update(seat_wish="accessible")
        page = open_door(path)
        take_list(page)
        bought = coupons(sold("new@example.org", train, now=noon, start=1, end=2))[0]
        good = code_of(people[1])
        page.context.set_offline(True)
        expect(page.locator("[data-connection]")).to_contain_text("Offline")

        for code, word, text in [
            (good[:-3] + ("000" if good[-3:] != "000" else "111"), "forged", "has not signed"),
            ("QQQQQQ", "unknown", "No ticket of this departure"),
            (code_of(coupons(gone)[0]), "cancelled", "Not valid any more."),
            (gone.locator, "cancelled", "Not valid any more."),
            (code_of(elsewhere), "wrong_departure", "Not this departure"),
            (code_of(later), "boards_later", "begins at Göttingen Hbf, 10:05."),
            (code_of(infant), "needs_adult", "boards with Ada Roe"),
            (code_of(bought), "not_listed", "this device's list does not have it"),
            (code_of(people[0], seats=(("1", "9Z"),)), "admitted", "Needs the wheelchair space."),
        ]:
            check(page, code)
            expect(verdict(page)).to_contain_text(text)
            said(page, word)
        expect(verdict(page)).to_contain_text("The seat has changed since the ticket was issued")
        check(page, party.locator)
        expect(page.get_by_role("heading", name="Who is it?")).to_be_visible()
        page.locator("[data-answer] li", has_text="Roe, Ada").get_by_role("button").click()
        said(page, "admitted")
        expect(verdict(page)).to_contain_text("With an infant, still to be scanned: Bob Roe.")
        check(page, code_of(bought))
        page.get_by_role("button", name="Let in all the same").click()
        said(page, "admitted")
        check(page, people_locator(people[2]))
        said(page, "admitted")
        page.get_by_role("button", name="Take back").click()
        said(page, "undone")

        page.context.set_offline(False)
        expect(page.locator("[data-connection]")).to_contain_text("scans sent")
        expect(page.locator("[data-connection]")).not_to_contain_text("to send")
        states = {one: state_of(one) for one in (people[0], people[2], adult, infant, bought)}
        assert states == {
            people[0]: "used",
            people[2]: "open",
            adult: "used",
            infant: "open",
            bought: "used",
        }
        assert Scan.objects.filter(outcome="undone").count() == 1
        assert manifest.conflicts(train.departure.pk) == []

    def test_two_devices_let_the_same_in(
        self, open_door, path, people, train, early, clock
    ) -> None:
        pages = [open_door(path), open_door(path)]
        for page in pages:
            take_list(page)
            page.context.set_offline(True)
            check(page, code_of(people[0]))
            said(page, "admitted")
            page.clock.run_for(60_000)

        clock.advance(minutes=5)
        for page in pages:
            page.context.set_offline(False)
            expect(page.locator("[data-connection]")).to_contain_text("scans sent")

        expect(pages[1].get_by_role("heading", name="To be settled")).to_be_visible()
        pages[1].get_by_role("link", name="Show who").click()
        expect(pages[1].locator("[data-conflicts]")).to_contain_text("Ada Roe")
        assert len(manifest.conflicts(train.departure.pk)) == 1

    def test_a_server_that_does_not_answer(self, open_door, path, people) -> None:
        page = open_door(path)
        take_list(page)
        page.route("**/scans", lambda route: route.abort())

        check(page, code_of(people[0]))
        said(page, "admitted")
        expect(page.locator("[data-connection]")).to_contain_text("scans to send: 1")
        page.unroute("**/scans")
        page.clock.run_for(16_000)
        expect(page.locator("[data-connection]")).to_contain_text("scans sent: 1")
        assert state_of(people[0]) == "used"

    def test_without_a_list_it_says_so(self, open_door, path, people) -> None:
        page = open_door(path)
        expect(page.locator("[data-door]")).to_have_attribute("data-ready", "")
        page.context.set_offline(True)

        check(page, code_of(people[0]))

        said(page, "no_list")

    def test_a_session_that_is_over(self, open_door, path, people) -> None:
        page = open_door(path)
        take_list(page)
        page.context.clear_cookies(name="sessionid")

        check(page, code_of(people[0]))

        said(page, "admitted")
        expect(page.locator("[data-connection]")).to_contain_text("Signed out, scans to send: 1")

    def test_the_list_is_deleted_on_the_device(self, open_door, path, people, train, early) -> None:
        page = open_door(path)
        take_list(page)
        kept = f"localStorage.getItem('door:list:{train.departure.pk}')"
        assert "Ada Roe" in page.evaluate(kept)
        assert page.evaluate("Object.values(localStorage).join().includes('TKT1')") is False

        arrives = train.calls[-1].arrives_at
        page.clock.set_fixed_time(arrives + timedelta(hours=6, minutes=1))
        page.reload()

        expect(page.locator("[data-list-none]")).to_be_visible()
        assert page.evaluate(kept) is None

    def test_the_list_is_deleted_at_will(self, open_door, path, people, train) -> None:
        page = open_door(path)
        take_list(page)

        page.get_by_role("button", name="Delete it here").click()

        expect(page.get_by_text("is on this device")).to_be_hidden()
        assert page.evaluate(f"localStorage.getItem('door:list:{train.departure.pk}')") is None


class TestTheRules:
    def test_in_the_script_are_those_of_the_office(self, open_door, path) -> None:
        page = open_door(path)
        script = page.locator("script[src*='door.js']").get_attribute("src")

        told = page.evaluate(
            """async ([script, cases]) => {
              const { judge, hintsOf } = await import(script);
              const shown = (changes) => ({ ...cases.usual, ...changes });
              return [
                cases.judged.map(([, changes]) => judge(shown(changes))),
                cases.hinted.map(([, changes]) => hintsOf({
                  kind: "adult", seats: [["1", "1A"]], ...changes,
                  shown: shown("stop" in changes ? { stop: changes.stop } : {}),
                })),
              ];
            }""",
            [script, CASES],
        )

        assert told[0] == [word for word, _changes in CASES["judged"]]
        assert told[1] == [names for names, _changes in CASES["hinted"]]

    def test_a_barcode_is_read_as_the_office_reads_it(self, open_door, path, people) -> None:
        page = open_door(path)
        script = page.locator("script[src*='door.js']").get_attribute("src")
        good = code_of(people[0])
        swapped = good[:20] + ("A" if good[20] != "A" else "B") + good[21:]

        told = page.evaluate(
            """async ([script, codes]) => {
              const { readBarcode } = await import(script);
              const { keys } = await (await fetch("/.well-known/ticket-keys.json")).json();
              const read = [];
              for (const code of codes) {
                read.push(await readBarcode(code, keys).catch(() => "threw"));
              }
              return read;
            }""",
            [script, [good, good.lower(), swapped, good[:60], "TKT1:", "ABCDEF"]],
        )

        assert told[0]["signed"] is True
        assert (told[0]["issue"], told[0]["name"]) == (1, "ROE A")
        assert told[1] == told[0]
        assert [one and one["signed"] for one in told[2:]] == [False, None, None, None]


def people_locator(coupon: int) -> str:
    from bookings.models import Coupon

    return Coupon.objects.values_list("passenger__reservation__locator", flat=True).get(id=coupon)


@LOOKS
def test_every_page_is_accessible_and_fits(
    open_door: Any, path: str, people: list[int], staff, train, early, width: int, scheme: str
) -> None:
    show(staff, train, now=early, coupon_id=people[0])
    page = open_door("/door/", width=width, scheme=scheme)
    found = {}
    base = page.url.removesuffix("/door/")
    for address in ("/door/", "/door/?q=x", path, f"{path}?shell=1", f"{path}passengers/"):
        page.goto(f"{base}{address}", wait_until="load")
        wrong = faults(page) + (["it scrolls sideways"] if scrolls_sideways(page) else [])
        if page.locator("h1").count() != 1:
            wrong.append("it has not one h1")
        if wrong:
            found[address] = wrong
    page.goto(f"{base}{path}", wait_until="load")
    for code, word in [(code_of(people[1]), "admitted"), (code_of(people[1]), "already_used")]:
        check(page, code)
        said(page, word)
        if wrong := faults(page):
            found[word] = wrong

    assert found == {}


def test_from_right_to_left(
    open_door: Any, path: str, people: list[int], staff, train, early
) -> None:
    show(staff, train, now=early, coupon_id=people[0])
    page = open_door(path, width=320, locale="fa-IR")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.locator("#code").fill(code_of(people[1]))
    page.locator("[data-main] button[type=submit]").click()
    said(page, "admitted")

    assert faults(page) == []
    assert not scrolls_sideways(page)
    page.locator("[data-take]").click()
    expect(page.locator("[data-list-there]")).to_be_visible()
    page.context.set_offline(True)
    page.locator("#code").fill(code_of(people[0]))
    page.locator("[data-main] button[type=submit]").click()
    said(page, "already_used")
    expect(verdict(page)).to_contain_text("Hamburg Hbf")
    assert faults(page) == []
