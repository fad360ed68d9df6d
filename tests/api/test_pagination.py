"""Lists in pages."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.doors")]


class TestPages:
    def test_gives_twenty_unless_asked(self, api):
        body = api.get("/tickets/rows").json()

        assert body["count"] == 100_000
        assert body["results"] == list(range(20))
        assert body["previous"] is None
        assert body["next"] == "http://testserver/tickets/rows?page=2"

    def test_a_search_posts_to_next_with_the_same_query(self, api):
        body = api.post("/tickets/rows?pageSize=2&page=3&q=x", {}).json()

        assert body["results"] == [4, 5]
        assert body["next"] == "http://testserver/tickets/rows?page=4&pageSize=2&q=x"
        assert body["previous"] == "http://testserver/tickets/rows?page=2&pageSize=2&q=x"

    def test_ends_at_ten_thousand_rows(self, api):
        last = api.get("/tickets/rows?page=100&pageSize=100").json()
        assert (len(last["results"]), last["next"]) == (100, None)

        answer = api.get("/tickets/rows?page=101&pageSize=100")

        assert (answer.status_code, answer.json()["code"]) == (400, "page_too_deep")

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=1.5", "page"),
            ("page=٣", "page"),
            ("page=" + "9" * 5000, "page"),
            ("pageSize=0", "pageSize"),
            ("pageSize=101", "pageSize"),
            ("pageSize=x", "pageSize"),
        ],
    )
    def test_refuses_what_is_no_page(self, api, query, field):
        answer = api.get(f"/tickets/rows?{query}")

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [field]
