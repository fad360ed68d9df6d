from __future__ import annotations

import pytest

from inventory.timetable.distance import great_circle_metres


class TestGreatCircleMetres:
    def test_a_degree_of_the_equator(self):
        # 6,371,009 m * pi / 180 = 111,195.08 m.
        assert great_circle_metres(0, 0, 0, 1) == 111_195

    def test_a_quarter_of_the_globe(self):
        # 6,371,009 m * pi / 2 = 10,007,557.5 m.
        assert great_circle_metres(0, 0, 90, 0) == pytest.approx(10_007_557, abs=1)

    def test_half_round_the_globe(self):
        assert great_circle_metres(0, 0, 0, 180) == pytest.approx(20_015_115, abs=1)

    def test_nowhere_to_go(self):
        assert great_circle_metres(52.5, 13.4, 52.5, 13.4) == 0

    def test_the_same_there_and_back(self):
        there = great_circle_metres(53.552733, 10.006909, 48.140229, 11.558339)
        assert there == great_circle_metres(48.140229, 11.558339, 53.552733, 10.006909)
        # Hamburg and München are 612 km apart as the crow flies.
        assert 608_000 < there < 616_000
