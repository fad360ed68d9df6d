"""What the search card takes and refuses."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.pages.forms import SearchForm


def form(**changes: Any) -> SearchForm:
    data = {
        "mode": ["Train"],
        "way": "one",
        "origin": "Hamburg",
        "destination": "München",
        "date": "2027-02-12",
        "adult": "2",
    }
    return SearchForm({**data, **changes})


class TestSearchForm:
    def test_takes_a_plain_search(self) -> None:
        search = form()

        assert search.is_valid()
        assert search.cleaned_data["adult"] == 2
        assert search.cleaned_data["infant"] == 0
        assert search.people == 2

    def test_a_return_needs_its_day(self) -> None:
        assert "return_date" in form(way="return").errors

    def test_nobody_returns_before_leaving(self) -> None:
        assert "return_date" in form(way="return", return_date="2027-02-11").errors
        assert form(way="return", return_date="2027-02-12").is_valid()

    def test_a_day_of_return_is_not_looked_at_on_the_way_out_alone(self) -> None:
        assert form(return_date="2027-02-11").is_valid()

    @pytest.mark.parametrize(
        "people",
        [
            {"adult": "0"},
            {"adult": "10"},
            {"adult": "1000"},
            {"adult": "5", "child": "5"},
            {"adult": "-1"},
            {"adult": "two"},
            {"adult": "1" * 400},
        ],
    )
    def test_refuses_too_few_or_too_many(self, people: dict[str, str]) -> None:
        search = form(**people)

        assert not search.is_valid()
        assert search.has_people_errors

    def test_odd_letters_neither_break_it_nor_pass_for_numbers(self) -> None:
        search = form(origin="\u202eHamburg", adult="²")

        assert not search.is_valid()
        assert search.people == 0

    def test_an_unknown_mode_is_refused(self) -> None:
        assert "mode" in form(mode=["Rocket"]).errors
