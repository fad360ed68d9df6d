"""The browsable documentation works in a real browser, under the office's own security headers."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestDocsPage:
    def test_shows_every_operation_from_local_files_and_breaks_no_rule(self, live_server, chromium):
        complaints: list[str] = []
        hosts: set[str] = set()
        page = chromium.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))

        page.goto(f"{live_server.url}/api/docs")
        page.wait_for_selector("#operations-users-signUp", timeout=30_000)

        assert page.locator(".opblock").count() >= 15
        assert hosts - {""} == {live_server.url.removeprefix("http://")}
        assert [text for text in complaints if "Content Security Policy" in text] == []
        page.close()
