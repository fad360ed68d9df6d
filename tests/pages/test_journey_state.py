"""What an address says of a journey, whatever somebody typed into it."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from bookings.pages.journey import ChosenSeat, Journey, Party, seats_in_words


class TestParty:
    @pytest.mark.parametrize(
        ("query", "kinds"),
        [
            ("", ("adult",)),
            ("adult=2&infant=1&child=1", ("adult", "adult", "child", "infant")),
            ("young=9", ("young",) * 9),
            ("adult=10", ("adult",)),
            ("adult=-1&child=1", ("child",)),
            ("adult=99999999999999999999", ("adult",)),
            ("adult=%D9%A3", ("adult",)),
        ],
    )
    def test_is_read_or_one_adult(self, query: str, kinds: tuple[str, ...]) -> None:
        assert Party.of(QueryDict(query)).kinds == kinds

    def test_an_infant_needs_no_seat(self) -> None:
        assert Party(adult=2, child=1, infant=2).seats == 3

    def test_is_told_in_words(self) -> None:
        assert Party(adult=2, young=1, infant=1).words == "2 adults, 1 young person, 1 infant"


class TestChosenSeat:
    @pytest.mark.parametrize("seat", ["12:7:41", "12:Upper deck:3A", "12:a:b:c"])
    def test_is_written_as_it_was_read(self, seat: str) -> None:
        assert str(ChosenSeat.read(seat)) == seat

    @pytest.mark.parametrize(
        "seat", ["", "12", "12:7", "12:7:", "x:7:41", "-1:7:41", "²:7:1", ":::"]
    )
    def test_is_none_in_odd_text(self, seat: str) -> None:
        assert ChosenSeat.read(seat) is None

    def test_is_named_with_its_coach(self) -> None:
        seats = [ChosenSeat(1, "7", "41"), ChosenSeat(1, "7", "42"), ChosenSeat(1, "Cabin", "2A")]

        assert seats_in_words(seats) == "Coach 7, seats 41, 42; Cabin, seat 2A"


class TestJourney:
    def test_carries_what_it_knows_and_no_more(self) -> None:
        journey = Journey(QueryDict("origin=Hamburg&evil=1&page=3&seat=1:1:1A&adult=2&date="))

        assert journey.string() == "?origin=Hamburg&adult=2&seat=1:1:1A"

    def test_drops_values_that_nobody_types(self) -> None:
        many = "&".join(f"seat=1:1:{number}" for number in range(100))
        journey = Journey(QueryDict(f"origin={'x' * 201}&{many}"))

        assert journey.query.get("origin") is None
        assert len(journey.seats) == 40

    def test_names_each_ticket_once(self) -> None:
        journey = Journey(
            QueryDict("ticket=5&ticket=5&ticket=x&ticket=-7&ticket=6&ticket=" + "9" * 17)
        )

        assert journey.tickets == [5, 6]

    def test_a_way_out_counts_for_a_return_only(self) -> None:
        assert Journey(QueryDict("out=5")).out is None
        assert Journey(QueryDict("out=5&way=return")).out == 5

    def test_seats_of_other_tickets_are_left_behind(self) -> None:
        journey = Journey(QueryDict("way=return&out=5&seat=5:1:1A&seat=9:1:2B"))

        assert journey.after(6, [ChosenSeat(6, "1", "3C")]) == (
            "/checkout/?way=return&seat=5:1:1A&seat=6:1:3C&ticket=5&ticket=6"
        )
