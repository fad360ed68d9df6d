"""What people type, and the place that they mean."""

from __future__ import annotations

import pytest

from inventory import places
from inventory.models import StationCode
from tests.factories import make_city, make_station
from travel.common.ids import search_key

pytestmark = pytest.mark.usefixtures("timetable")


def meaning(text: str) -> str | None:
    """Answer the name of the place that a text means: of a city, or of one station."""
    place = places.resolve(text)
    return None if place is None else place.name


class TestSearchKey:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("  München   Hbf ", "munchen hbf"),
            ("Mu\u0308nchen", "munchen"),
            ("Łódź", "lodz"),
            ("Weißenfels", "weissenfels"),
            ("ŚWINOUJŚCIE", "swinoujscie"),
            ("Sankt-Peter/Ording (Bad)", "sankt peter ording bad"),
            ("İstanbul", "istanbul"),
            ("Tromsø", "tromso"),
            ("هامبورگ", "هامبورگ"),
            ("…—!", ""),
        ],
    )
    def test_keeps_letters_and_digits_only(self, text, key):
        assert search_key(text) == key


class TestResolve:
    @pytest.mark.parametrize(
        "text",
        ["München", "münchen", "MÜNCHEN", "Munchen", "Muenchen", "Munich", " munich ", "Mün", "mu"],
    )
    def test_a_city_has_many_spellings(self, text):
        assert meaning(text) == "München"

    def test_a_city_is_found_in_another_script(self):
        assert meaning("هامبورگ") == "Hamburg"

    def test_a_city_means_all_its_stations(self):
        place = places.resolve("Hamburg")
        assert place.is_city
        assert {one.code for one in place.stations} == {"HH", "HAM", "HAM-ZOB"}

    @pytest.mark.parametrize("text", ["MUC", "muc", " Muc "])
    def test_a_code_means_its_station(self, text):
        place = places.resolve(text)
        assert [one.code for one in place.stations] == ["MUC"]
        assert not place.is_city

    def test_a_code_of_another_scheme_means_its_station(self, train):
        StationCode.objects.create(station=train.calls[0].station, scheme="uic", code="8002549")
        assert [one.code for one in places.resolve("8002549").stations] == ["HH"]

    def test_a_code_wins_over_a_name(self):
        make_station(make_city("Ham"), "HAMM")
        assert [one.code for one in places.resolve("ham").stations] == ["HAM"]

    def test_the_whole_name_of_a_station_means_that_station(self):
        place = places.resolve("München Hbf")
        assert [one.code for one in place.stations] == ["MH"]
        assert place.name == "München Hbf"

    def test_a_later_word_of_a_name_is_a_beginning_too(self):
        frankfurt = make_city("Frankfurt", names=[("", "Frankfurt am Main")])
        make_station(frankfurt, "FF")
        assert meaning("am main") == "Frankfurt"

    def test_the_whole_of_a_name_wins_over_its_beginning(self):
        for name in ("Halle an der Saale", "Halle"):
            make_station(make_city(name), name[-4:])
        assert meaning("halle") == "Halle"

    def test_the_beginning_of_a_name_wins_over_a_slip(self):
        for name in ("Bonn", "Bornhausen"):
            make_station(make_city(name), name[:5])
        assert meaning("born") == "Bornhausen"

    def test_a_city_with_more_stations_comes_first(self):
        small, big = make_city("Neustadt Dosse"), make_city("Neustadt Weinstrasse")
        make_station(small, "ND")
        make_station(big, "NW")
        make_station(big, "NWB")
        assert meaning("neustadt") == "Neustadt Weinstrasse"

    @pytest.mark.parametrize("text", ["", "   ", "%", "_", "…", "🚂", "x" * 500, "\u0301", "0"])
    def test_nonsense_means_nothing(self, text):
        assert places.resolve(text) is None


def slips(word: str) -> set[str]:
    """Answer the word with a letter missing, doubled, wrong, or swapped with its neighbour."""
    cuts = range(len(word))
    return {
        *(word[:cut] + word[cut + 1 :] for cut in cuts),
        *(word[:cut] + "x" + word[cut:] for cut in [*cuts, len(word)]),
        *(word[:cut] + "x" + word[cut + 1 :] for cut in cuts),
        *(word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :] for cut in cuts[:-1]),
    }


class TestSlips:
    @pytest.mark.parametrize("name", ["hamburg", "nurnberg"])
    def test_one_is_forgiven_anywhere(self, name):
        found = {slip: meaning(slip) for slip in slips(name)}

        assert set(found.values()) == {{"hamburg": "Hamburg", "nurnberg": "Nürnberg"}[name]}, found

    def test_one_is_forgiven_while_somebody_is_still_typing(self):
        assert {meaning(text) for text in ("götig", "gotti ngn", "gotx")} >= {"Göttingen"}
        assert meaning("hanbu") == "Hamburg"

    @pytest.mark.parametrize("text", ["haxbuxg", "amburgx", "hmbrg", "xxmburg"])
    def test_two_are_too_many(self, text):
        assert meaning(text) is None

    def test_a_short_word_must_be_right(self):
        # Below four letters a slip would fit half of the country.
        assert meaning("hxm") is None


class TestSuggest:
    def test_answers_the_best_first_and_no_more_than_asked(self):
        make_station(make_city("Hamm"), "EHM")
        names = [place.name for place in places.suggest("ham", limit=3)]
        # The code's station, then cities before stations.
        assert names[0] == "Hamburg HAM"
        assert names[1:] == ["Hamburg", "Hamm"]

    def test_lists_each_city_once(self):
        assert [city.name for city in places.cities_like("hamburg")] == ["Hamburg"]

    def test_an_empty_text_means_every_city_by_name(self):
        assert [city.name for city in places.cities_like("  ")] == [
            "Berlin",
            "Göttingen",
            "Hamburg",
            "Hannover",
            "München",
            "Nürnberg",
        ]

    def test_a_city_without_a_station_is_not_served(self):
        make_city("Atlantis")
        assert meaning("Atlantis") is None
        assert "Atlantis" not in [city.name for city in places.cities_like("")]


class TestMemory:
    def test_a_name_is_told_in_the_reader_s_language(self, timetable):
        city = places.city(timetable.munich.pk)
        assert (city.name_in("en"), city.name_in("en-GB"), city.name_in("fr")) == (
            "Munich",
            "Munich",
            "München",
        )

    def test_a_new_station_is_known_by_its_id_at_once(self, timetable):
        places.resolve("Hamburg")
        late = make_station(timetable.hamburg, "HDAM")
        assert places.station(late.pk).code == "HDAM"

    def test_a_new_name_is_known_once_the_old_ones_are_forgotten(self):
        assert meaning("Kiel") is None
        make_station(make_city("Kiel"), "KIEL")
        places.forget()
        assert meaning("Kiel") == "Kiel"

    def test_a_closed_station_is_not_offered_yet_its_trains_still_tell_of_it(self, train):
        station = train.calls[2].station
        type(station).objects.filter(pk=station.pk).update(is_active=False)
        places.forget()

        assert meaning("GOE") is None
        assert meaning("Göttingen") is None
        assert places.station(station.pk).name == "Göttingen Hbf"
        assert places.city(station.city_id).name == "Göttingen"
