from __future__ import annotations

import pytest

from inventory.timetable.places import (
    CityFinder,
    PlacesBroken,
    StationPlace,
    load_places,
    spelt_out,
)
from inventory.timetable.profile import load_profile

PLACES = {
    "Berlin Hbf": (52.525589, 13.369549),
    "Berlin Südkreuz": (52.475043, 13.365315),
    "Berlin-Spandau": (52.53465, 13.196902),
    "Bernau(b Berlin)": (52.675655, 13.592463),
    "München Hbf": (48.140229, 11.558339),
    "München Hbf Gl.5-10": (48.140094, 11.555373),
    "München Ost": (48.127437, 11.604975),
    "Frankfurt(Main)Hbf": (50.107149, 8.663785),
    "Frankfurt(M) Flughafen Fernbf": (50.053169, 8.570181),
    "Frankfurt(Oder)": (52.33642, 14.546497),
    "Köln Hbf": (50.943029, 6.95873),
    "Köln Messe/Deutz": (50.940872, 6.975),
    "Köln/Bonn Flughafen": (50.8789, 7.119304),
    "Bonn Hbf": (50.732008, 7.097136),
    "Jena Paradies": (50.924853, 11.587464),
    "Jena-Göschwitz": (50.883943, 11.593541),
    "Bad Gastein": (47.111746, 13.132458),
    "Bad Hofgastein": (47.195714, 13.100942),
    "Linz Hbf": (48.290178, 14.292129),
    "Linz(Rhein)": (50.569339, 7.276031),
    "Wien Meidling": (48.174451, 16.333085),
    "Flughafen Wien": (48.120902, 16.563074),
    "Zell am See": (47.32052, 12.796567),
    "Zell(Mosel)": (50.03, 7.18),
    "Altstadt, Kirche": (50.0, 9.0),
    "Altstadt, Markt": (50.001, 9.001),
}


def find(names, known=()):
    finder = CityFinder(known=known, rule=load_profile().places, default_country="DE")
    stations = [StationPlace(name, name, "", *PLACES[name]) for name in names]
    cities, city_of = finder.find(stations)
    by_code = {city.code: city.name for city in cities}
    return {name: by_code[city_of[name]] for name in names}


class TestFindWithoutATable:
    def test_stations_of_a_city_are_found_by_its_name(self):
        assert find(["Berlin Hbf", "Berlin Südkreuz", "Berlin-Spandau"]) == {
            "Berlin Hbf": "Berlin",
            "Berlin Südkreuz": "Berlin",
            "Berlin-Spandau": "Berlin",
        }

    def test_a_station_word_is_no_name(self):
        assert find(["München Ost", "München Hbf Gl.5-10", "München Hbf"]) == {
            "München Ost": "München",
            "München Hbf Gl.5-10": "München",
            "München Hbf": "München",
        }

    def test_two_frankfurts_are_two(self):
        found = find(["Frankfurt(Main)Hbf", "Frankfurt(M) Flughafen Fernbf", "Frankfurt(Oder)"])
        assert found["Frankfurt(Main)Hbf"] == found["Frankfurt(M) Flughafen Fernbf"]
        assert found["Frankfurt(Oder)"] == "Frankfurt (Oder)"
        assert found["Frankfurt(Main)Hbf"] != found["Frankfurt(Oder)"]

    def test_names_with_a_slash_follow_their_first_part(self):
        found = find(["Köln Hbf", "Köln Messe/Deutz", "Köln/Bonn Flughafen", "Bonn Hbf"])
        assert set(found.values()) == {"Köln", "Bonn"}
        assert found["Bonn Hbf"] == "Bonn"

    def test_a_common_first_word_is_not_enough(self):
        found = find(["Bad Gastein", "Bad Hofgastein"])
        assert found == {"Bad Gastein": "Bad Gastein", "Bad Hofgastein": "Bad Hofgastein"}

    def test_equal_names_far_apart_are_different_towns(self):
        found = find(["Linz Hbf", "Linz(Rhein)"])
        assert found == {"Linz Hbf": "Linz", "Linz(Rhein)": "Linz (Rhein)"}

    def test_a_name_that_begins_alike_is_another_town(self):
        found = find(["Berlin Hbf", "Bernau(b Berlin)"])
        assert found["Bernau(b Berlin)"] != "Berlin"

    def test_a_town_without_a_main_station(self):
        found = find(["Jena-Göschwitz", "Jena Paradies"])
        assert len(set(found.values())) == 2
        assert find(["Altstadt, Kirche", "Altstadt, Markt"]) == {
            "Altstadt, Kirche": "Altstadt",
            "Altstadt, Markt": "Altstadt",
        }

    def test_the_order_of_the_stations_does_not_matter(self):
        names = sorted(PLACES)
        assert find(names) == find(names[::-1])


class TestFindWithTheShippedTable:
    def test_cities_are_known_by_many_names(self):
        known = load_places()
        munich = next(entry.city for entry in known if entry.city.name == "München")
        names = {(name.language, name.name) for name in munich.names}
        assert {("en", "Munich"), ("it", "Monaco di Baviera"), ("", "Muenchen")} <= names
        assert munich.code == "de-munchen"

    def test_the_table_corrects_what_names_do_not_tell(self):
        found = find(["Jena-Göschwitz", "Jena Paradies", "Flughafen Wien"], known=load_places())
        assert found == {
            "Jena-Göschwitz": "Jena",
            "Jena Paradies": "Jena",
            "Flughafen Wien": "Wien",
        }

    def test_a_known_name_far_away_is_another_town(self):
        found = find(["Linz Hbf", "Linz(Rhein)", "Frankfurt(Oder)"], known=load_places())
        assert found["Linz(Rhein)"] == "Linz (Rhein)"
        assert found["Frankfurt(Oder)"] == "Frankfurt (Oder)"


class TestLoadPlaces:
    HEADER = "name,country,latitude,longitude,names,stations\n"

    @pytest.mark.parametrize(
        "text",
        [
            "name,country\nX,DE\n",
            HEADER + "X,Germany,1,1,,\n",
            HEADER + ",DE,1,1,,\n",
            HEADER + "X,DE,north,1,,\n",
            HEADER + "X,DE,91,1,,\n",
            HEADER + "X,DE,nan,1,,\n",
            HEADER + "X,DE,1,1,Munich,\n",
            HEADER + "X,DE,1,1,,\nX,DE,2,2,,\n",
        ],
    )
    def test_refuses_a_row_that_does_not_say_what_it_must(self, tmp_path, text):
        path = tmp_path / "places.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(PlacesBroken):
            load_places(path)


class TestSpeltOut:
    def test_as_typed_without_umlauts(self):
        assert spelt_out("Würzburg") == "Wuerzburg"
        assert spelt_out("København") == "Koebenhavn"
        assert spelt_out("Berlin") is None
