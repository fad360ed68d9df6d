"""Colours and language are remembered, and nobody is led astray by `next`."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.pages.gallery_urls")


class TestAppearance:
    def test_is_remembered_for_the_next_page(self, client: Client) -> None:
        answer = client.post("/account/appearance/", {"theme": "dark", "next": "/gallery/?a=1"})

        assert answer.url == "/gallery/?a=1"
        assert 'data-theme="dark"' in client.get("/gallery/").content.decode()

    def test_as_the_device_forgets_the_choice(self, client: Client) -> None:
        client.post("/account/appearance/", {"theme": "dark"})

        client.post("/account/appearance/", {"theme": ""})

        assert "data-theme" not in client.get("/gallery/").content.decode()

    def test_an_unknown_word_changes_nothing(self, client: Client) -> None:
        answer = client.post("/account/appearance/", {"theme": '"><script>'})

        assert not answer.cookies

    @pytest.mark.parametrize(
        "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"]
    )
    def test_goes_nowhere_else(self, client: Client, elsewhere: str) -> None:
        answer = client.post("/account/appearance/", {"theme": "dark", "next": elsewhere})

        assert answer.url == "/"

    def test_is_not_changed_by_a_link(self, client: Client) -> None:
        assert client.get("/account/appearance/").status_code == 405


class TestLanguage:
    def test_is_spoken_on_the_next_page(self, client: Client, settings: Any) -> None:
        settings.LANGUAGES = [("en", "English"), ("fa", "فارسی")]
        client.post("/account/language/", {"language": "fa"})

        page = client.get("/gallery/").content.decode()

        assert '<html lang="fa" dir="rtl"' in page

    def test_one_the_office_does_not_speak_changes_nothing(self, client: Client) -> None:
        assert not client.post("/account/language/", {"language": "tlh"}).cookies


class TestErrorPages:
    def test_a_missing_page_says_so_in_the_office_s_clothes(self, client: Client) -> None:
        answer = client.get("/nowhere/")

        assert answer.status_code == 404
        assert "There is no such stop" in answer.content.decode()

    def test_a_failure_shows_a_page_that_needs_nothing(self, client: Client) -> None:
        client.raise_request_exception = False

        answer = client.get("/broken/")

        assert answer.status_code == 500
        assert "A signal failure on our side" in answer.content.decode()
        assert "on purpose" not in answer.content.decode()

    def test_a_form_without_its_token_is_asked_for_again(self) -> None:
        answer = Client(enforce_csrf_checks=True).post("/account/appearance/", {"theme": "dark"})

        assert answer.status_code == 403
        assert "The form was too old" in answer.content.decode()
