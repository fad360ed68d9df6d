"""Every component in a real browser: nothing an eye, a keyboard or a screen reader trips over."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import faults, scrolls_sideways
from tests.plugins.browser import LOOKS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.pages.gallery_urls"),
]

CITIES = {
    "results": [
        {"name": "Hamburg", "country": "DE", "stations": [{"code": "HH", "name": "Hamburg Hbf",
                                                          "kind": "railStation"}]},
        {"name": "Hamm", "country": "DE", "stations": [
            {"code": "HAM", "name": "Hamm (Westf) Hbf", "kind": "railStation"},
            {"code": "HAZ", "name": "Hamm ZOB", "kind": "coachStop"}]},
    ]
}  # fmt: skip


class TestEveryComponent:
    @LOOKS
    def test_is_accessible_and_fits(self, open_page: Any, width: int, scheme: str) -> None:
        page = open_page("/gallery/", width=width, scheme=scheme)
        page.evaluate(
            "document.querySelectorAll('details').forEach((part) => { part.open = true })"
        )

        assert faults(page) == []
        assert not scrolls_sideways(page)

    def test_runs_without_a_word_on_the_console(self, open_page: Any) -> None:
        page = open_page("/gallery/")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.reload(wait_until="networkidle")

        assert said == []

    def test_has_nothing_inline(self, open_page: Any) -> None:
        page = open_page("/gallery/", scripts=False)

        html = page.content()

        assert " style=" not in html
        assert "<style" not in html
        assert " onclick=" not in html


class TestHold:
    def test_says_until_when_with_its_zone_and_without_a_script(self, open_page: Any) -> None:
        page = open_page("/gallery/", scripts=False)

        assert "held until 14:52 CET" in page.locator(".hold p").inner_text()
        assert page.locator(".hold").get_attribute("data-until") == "2027-02-12T14:52:00+01:00"

    def test_counts_down(self, open_page: Any) -> None:
        page = open_page("/gallery/")

        expect(page.locator("[data-left]")).to_have_text(re.compile(r"^\d+:\d\d$"))


class TestSeatPlan:
    def test_is_walked_with_the_arrow_keys(self, open_page: Any) -> None:
        page = open_page("/gallery/", width=390)
        page.locator(".cabin-train input[aria-label^='Seat 21,']").focus()

        page.keyboard.press("ArrowDown")
        below = page.evaluate("document.activeElement.dataset.name")
        page.keyboard.press("ArrowRight")
        beside = page.evaluate("document.activeElement.dataset.name")

        assert (below, beside) == ("31", "32")

    def test_lets_go_of_the_first_seat_when_one_too_many_is_chosen(self, open_page: Any) -> None:
        page = open_page("/gallery/", width=390)
        for seat in ("22", "31", "32", "61"):
            page.locator(f".cabin-train input[aria-label^='Seat {seat},']").check(force=True)

        chosen = page.locator(".cabin-train input:checked")

        assert [chosen.nth(place).get_attribute("data-name") for place in range(3)] == [
            "31", "32", "61",
        ]  # fmt: skip
        expect(page.locator("[data-chosen]")).to_have_text("31, 32, and 61")


class TestPlaces:
    def test_are_suggested_and_taken_by_keyboard(self, open_page: Any) -> None:
        page = open_page("/gallery/")
        page.route("**/tickets/cities?q=ham", lambda route: route.fulfill(json=CITIES))
        field = page.get_by_role("combobox", name="From")

        field.press_sequentially("ham")
        page.get_by_role("option").first.wait_for()
        offered = page.get_by_role("option").locator("bdi").all_inner_texts()
        field.press("ArrowDown")
        field.press("ArrowDown")
        found = faults(page)
        field.press("Enter")

        assert offered == ["Hamburg", "Hamm", "Hamm (Westf) Hbf", "Hamm ZOB"]
        assert found == []
        assert field.input_value() == "Hamm"
        assert field.get_attribute("aria-expanded") == "false"

    def test_a_failing_office_leaves_a_plain_field(self, open_page: Any) -> None:
        page = open_page("/gallery/")
        page.route("**/tickets/cities?q=*", lambda route: route.fulfill(status=503, body="no"))
        field = page.get_by_role("combobox", name="From")

        with page.expect_response("**/tickets/cities?q=*"):
            field.press_sequentially("ham", delay=1)

        assert page.locator(".suggest-list li").count() == 0
        assert field.input_value() == "ham"


class TestAppearance:
    def test_is_chosen_without_a_script(self, open_page: Any) -> None:
        page = open_page("/gallery/", scripts=False)
        by_day = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")

        page.get_by_label("Appearance").select_option("dark")
        page.get_by_role("button", name="Change appearance").click()
        by_night = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")

        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert by_day != by_night


class TestErrorPages:
    @pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503"])
    def test_are_accessible(self, open_page: Any, name: str) -> None:
        page = open_page(f"/errors/{name}/", width=390, scheme="dark")

        assert faults(page) == []
        assert not scrolls_sideways(page)
