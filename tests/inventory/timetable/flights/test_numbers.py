from __future__ import annotations

from inventory.timetable.flights.numbers import draw, number_of, number_pairs, pair_of


def pairs(count: int, flight: int = 0):
    return [(f"A{n:02d}", f"B{n:02d}", flight) for n in range(count)]


class TestNumberPairs:
    def test_each_number_is_given_once(self):
        numbers = number_pairs("AX", [*pairs(100), *pairs(100, flight=1)])
        assert len(set(numbers.values())) == 200
        assert all(number % 2 == 1 and 1 <= number <= 9997 for number in numbers.values())

    def test_the_order_of_the_file_does_not_matter(self):
        assert number_pairs("AX", pairs(50)) == number_pairs("AX", reversed(pairs(50)))

    def test_a_denser_schedule_moves_none(self):
        first = number_pairs("AX", pairs(500))
        both = number_pairs("AX", [*pairs(500, flight=1), *pairs(500)])
        assert {pair: both[pair] for pair in first} == first

    def test_more_flights_than_four_digits_hold_have_five(self):
        many = [(f"{n:04d}", "ZZZ", 0) for n in range(6_000)]
        numbers = number_pairs("AX", many)
        assert len(set(numbers.values())) == 6_000
        assert max(numbers.values()) > 9_999

    def test_airlines_number_for_themselves(self):
        assert number_pairs("AX", pairs(5)) != number_pairs("BX", pairs(5))


class TestNumberOf:
    def test_back_is_one_more_than_there(self):
        numbers = {pair_of("BBB", "AAA", 0): 11}
        assert number_of(numbers, "AAA", "BBB", 0) == 11
        assert number_of(numbers, "BBB", "AAA", 0) == 12
        assert number_of(numbers, "AAA", "CCC", 0) is None


class TestDraw:
    def test_stays_below(self):
        assert {draw("a", n, below=3) for n in range(100)} == {0, 1, 2}

    def test_is_the_same_for_the_same_names(self):
        import hashlib

        first = int(hashlib.sha256(b"AX|QQA").hexdigest()[:16], 16)
        assert draw("AX", "QQA", below=2**64) == first
