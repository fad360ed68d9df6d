"""The pages about a person in Chromium: what axe finds, both widths, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import SavedPassenger, User
from tests.accounts.codes import newest_code
from tests.factories import PASSWORD, make_user
from tests.pages.conftest import faults, open_page, scrolls_sideways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["open_page"]


def check(page: Any) -> None:
    assert faults(page) == []
    assert not scrolls_sideways(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_newcomer_signs_in_by_a_code_and_changes_the_account(
    open_page: Any, scripts: bool
) -> None:
    page = open_page("/account/sign-in/", width=390, scripts=scripts)
    page.get_by_role("link", name="Sign in with a code").click()
    page.get_by_label("E-mail or phone").fill("ada@example.org")
    page.get_by_role("button", name="Send me a code").click()
    code = newest_code("ada@example.org")

    page.get_by_label("Six digits").fill("12")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    # As somebody pastes it.
    page.get_by_label("Six digits").fill(f"{code[:3]} {code[3:]}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/my-trips/")

    page.goto(page.url.replace("/my-trips/", "/account/"))
    page.locator("#about-first_name").fill("Ada")
    page.locator("#about-last_name").fill("Lovelace")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Your account is saved.").wait_for()
    page.get_by_text("Change password").click()
    page.get_by_label("New password").fill("nanoseconds-are-short")
    page.get_by_role("button", name="Set password").click()
    page.get_by_text("Your password is changed.").wait_for()

    user = User.objects.get()
    assert (user.full_name, user.check_password("nanoseconds-are-short")) == ("Ada Lovelace", True)


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(320, "light", "en"), (1280, "dark", "en"), (320, "dark", "fa")],
)
def test_axe_finds_nothing_on_the_pages_of_ones_data(
    open_page: Any, noon: Any, width: int, scheme: str, language: str
) -> None:
    make_user(email="ada@example.org")
    page = open_page("/account/sign-in/", width=width, scheme=scheme)
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/my-trips/")
    page.context.add_cookies([{"name": "django_language", "value": language, "url": page.url}])
    for name in ("", "data/", "data/erase/"):
        page.goto(
            page.url.partition("/my-trips/")[0].partition("/account/")[0] + f"/account/{name}"
        )
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        check(page)
    # The form comes back with its mistakes.
    page.locator("button.button-danger").click()
    page.get_by_role("alert").wait_for()
    check(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing(open_page: Any, noon: Any, width: int, scheme: str) -> None:
    user = make_user(email="sam@office.example", is_staff=True, pending_email="sam@new.example")
    SavedPassenger.objects.create(
        user=user,
        first_name="Maximiliane",
        last_name="Freifrau von Hohenstein-Waldenburg",
        date_of_birth=noon.date(),
        created_at=noon,
    )

    page = open_page("/account/code/", width=width, scheme=scheme)
    check(page)
    page.get_by_label("E-mail or phone").fill("a-rather-long-address@subdomain.example.org")
    page.get_by_role("button", name="Send me a code").click()
    page.wait_for_url("**/account/code/enter/")
    check(page)
    page.get_by_label("Six digits").fill("1")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    check(page)

    page.goto(page.url.replace("/code/enter/", "/sign-in/"))
    page.get_by_label("E-mail").fill("sam@office.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/my-trips/")
    page.goto(page.url.replace("/my-trips/", "/account/"))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    check(page)
    page.get_by_role("button", name="Set password").click()
    page.goto(page.url.replace("/account/", "/account/second-factor/"))
    page.get_by_role("img").first.wait_for()
    check(page)
