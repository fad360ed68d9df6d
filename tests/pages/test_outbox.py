"""The demo's letter box."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from travel.common import outbox

pytestmark = pytest.mark.django_db


def write(number: int, *, now: datetime, **fields: str) -> None:
    outbox.write(
        **{
            "kind": "bookings.hold_notice",
            "channel": "email",
            "recipient": "ada@example.org",
            "subject": f"Letter {number}",
            "body": "Your seats are held.\nhttp://127.0.0.1:8000/booking/AAAAAA/",
            "language": "en",
            **fields,
        },  # type: ignore[arg-type]
        now=now + timedelta(seconds=number),
    )


class TestOutbox:
    def test_is_not_there_but_in_the_demo(self, client: Client, noon: datetime) -> None:
        write(1, now=noon)

        assert client.get("/outbox/").status_code == 404

    def test_shows_the_newest_first_and_turns_pages(
        self, client: Client, settings: Any, noon: datetime
    ) -> None:
        settings.DEMO = True
        for number in range(1, 23):
            write(number, now=noon)

        first = client.get("/outbox/").content.decode()
        second = client.get("/outbox/?page=2").content.decode()

        assert first.index("Letter 22<") < first.index("Letter 21<")
        assert "Letter 2<" not in first
        assert "Letter 2<" in second

    def test_shows_text_as_text(self, client: Client, settings: Any, noon: datetime) -> None:
        settings.DEMO = True
        write(1, now=noon, subject="<b>bold</b>", body="<script>alert(1)</script> سلام")

        page = client.get("/outbox/").content.decode()

        assert "<script>alert(1)" not in page
        assert "&lt;b&gt;bold&lt;/b&gt;" in page
        assert 'dir="auto"' in page

    def test_leads_to_what_it_tells_of(self, client: Client, settings: Any, noon: datetime) -> None:
        settings.DEMO = True
        write(1, now=noon)

        assert (
            'href="http://127.0.0.1:8000/booking/AAAAAA/"'
            in client.get("/outbox/").content.decode()
        )
