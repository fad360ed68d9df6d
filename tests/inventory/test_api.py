"""GET /tickets/cities: the published list of places, and autocompletion."""

from __future__ import annotations

import pytest

from inventory import places
from tests.factories import make_city, make_station

pytestmark = pytest.mark.usefixtures("timetable")


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [city["name"] for city in answer.json()["results"]]


class TestCities:
    def test_anybody_may_list_them_by_name(self, api):
        answer = api.get("/tickets/cities")

        assert answer.json()["count"] == 6
        assert names(answer)[:2] == ["Berlin", "Göttingen"]

    def test_a_city_comes_with_its_stations(self, api):
        (hamburg,) = api.get("/tickets/cities", {"q": "hamburg"}).json()["results"]

        assert hamburg == {
            "name": "Hamburg",
            "country": "DE",
            "stations": [
                {"code": "HAM", "name": "Hamburg HAM", "kind": "airport"},
                {"code": "HAM-ZOB", "name": "Hamburg HAM-ZOB", "kind": "coachStop"},
                {"code": "HH", "name": "Hamburg Hbf", "kind": "railStation"},
            ],
        }

    @pytest.mark.parametrize("text", ["MUNICH", "münc", "muenchen", "Mnuich", "MUC", "ünchen"])
    def test_forgives_case_accents_language_and_a_slip(self, api, text):
        assert names(api.get("/tickets/cities", {"q": text}))[0] == "München"

    @pytest.mark.parametrize(
        "text", ["xyzzy", "'; DROP TABLE inventory_city; --", "%", "x" * 120, "🚂🚂🚂", "\u202f"]
    )
    def test_answers_nonsense_with_a_list(self, api, text):
        answer = api.get("/tickets/cities", {"q": text})
        assert answer.status_code == 200
        if text.strip():
            assert answer.json()["results"] == []

    def test_pages_through_all_without_gap_or_repetition(self, api):
        seen = []
        url = "/tickets/cities?pageSize=4"
        while url:
            answer = api.get(url).json()
            seen += [city["name"] for city in answer["results"]]
            url = answer["next"]
        assert seen == ["Berlin", "Göttingen", "Hamburg", "Hannover", "München", "Nürnberg"]

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("page=0", "invalid_input"),
            ("page=-1", "invalid_input"),
            ("page=two", "invalid_input"),
            ("page=99999999999999999999", "invalid_input"),
            ("pageSize=101", "invalid_input"),
            ("pageSize=0", "invalid_input"),
            ("page=101&pageSize=100", "page_too_deep"),
            ("q=" + "x" * 121, "invalid_input"),
            ("q=" + "x" * 501, "invalid_input"),
            ("q=a%00b", "invalid_input"),
            ("q=%E2%80%AEabc", "invalid_input"),
        ],
    )
    def test_refuses_what_is_no_question(self, api, query, code):
        answer = api.get(f"/tickets/cities?{query}")

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == code

    def test_bytes_that_are_no_utf8_are_no_fault_of_the_office(self, api):
        assert api.get("/tickets/cities?q=%ff%fe").status_code in (200, 400)

    def test_a_page_behind_the_last_is_empty(self, api):
        answer = api.get("/tickets/cities?page=7")
        assert (names(answer), answer.json()["next"]) == ([], None)

    def test_other_methods_are_refused_in_json(self, api):
        answer = api.post("/tickets/cities", {})
        assert answer.status_code == 405
        assert answer["Content-Type"] == "application/problem+json"

    def test_reads_the_names_once_and_then_from_memory(
        self, api, django_assert_max_num_queries, django_assert_num_queries
    ):
        with django_assert_max_num_queries(6):
            api.get("/tickets/cities", {"q": "ham"})
        with django_assert_num_queries(0):
            api.get("/tickets/cities", {"q": "ham"})

    def test_a_new_city_appears(self, api):
        make_station(make_city("Kiel"), "KIEL")
        places.forget()
        assert names(api.get("/tickets/cities", {"q": "kiel"})) == ["Kiel"]
