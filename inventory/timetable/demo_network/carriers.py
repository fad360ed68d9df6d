"""The invented carriers of the demo network, and what they call their classes."""

from __future__ import annotations

from inventory.timetable.draft import CarrierClassDraft, CarrierDraft, TravelClass

#: Two letters before the number of each airline's flights.
DESIGNATORS = {
    "argan-air": "AG",
    "bracken-air": "BK",
    "corvina-airlines": "CV",
    "fjordwing": "FW",
    "papilio": "PP",
    "seven-hills-airlines": "SH",
    "silvretta-air": "SV",
}

_AIR: dict[TravelClass, str] = {"Economy": "Economy", "Business": "Business", "VIP": "First"}
_NIGHT: dict[TravelClass, str] = {
    "Economy": "Seat or couchette",
    "Business": "Sleeper for two",
    "VIP": "Deluxe single",
}
_COACH: dict[TravelClass, str] = {"Economy": "Standard", "Business": "Lounge"}


def _rail(second: str, first: str, **others: str) -> dict[TravelClass, str]:
    words: dict[TravelClass, str] = {"Economy": second, "Business": first}
    if deluxe := others.get("deluxe"):
        words["VIP"] = deluxe
    return words


def _carrier(
    code: str, name: str, currency: str, tz: str, country: str, words: dict[TravelClass, str]
) -> CarrierDraft:
    classes = tuple(CarrierClassDraft(travel_class, word) for travel_class, word in words.items())
    return CarrierDraft(code, name, currency, tz, country, classes)


CARRIERS: dict[str, CarrierDraft] = {
    carrier.code: carrier
    for carrier in (
        _carrier("argan-air", "Argan Air", "EUR", "Africa/Casablanca", "MA", _AIR),
        _carrier("bracken-air", "Bracken Air", "GBP", "Europe/London", "GB", _AIR),
        _carrier("corvina-airlines", "Corvina Airlines", "EUR", "Europe/Berlin", "DE", _AIR),
        _carrier("fjordwing", "Fjordwing", "EUR", "Europe/Oslo", "NO", _AIR),
        _carrier("papilio", "Papilio", "EUR", "Europe/Budapest", "HU", {"Economy": "Economy"}),
        _carrier(
            "seven-hills-airlines", "Seven Hills Airlines", "EUR", "Europe/Istanbul", "TR", _AIR
        ),
        _carrier("silvretta-air", "Silvretta Air", "CHF", "Europe/Zurich", "CH", _AIR),
        _carrier(
            "albion-rail", "Albion Rail", "GBP", "Europe/London", "GB", _rail("Standard", "First")
        ),
        _carrier(
            "balkania-rail",
            "Balkania Rail",
            "EUR",
            "Europe/Sofia",
            "BG",
            _rail("2nd class", "1st class", deluxe="Deluxe single"),
        ),
        _carrier(
            "bozkir-rail",
            "Bozkir Rail",
            "EUR",
            "Europe/Istanbul",
            "TR",
            _rail("Standard", "Business", deluxe="Deluxe single"),
        ),
        _carrier(
            "danuvia-rail",
            "Danuvia Rail",
            "EUR",
            "Europe/Vienna",
            "AT",
            _rail("2nd class", "1st class"),
        ),
        _carrier(
            "helvia-rail",
            "Helvia Rail",
            "CHF",
            "Europe/Zurich",
            "CH",
            _rail("2nd class", "1st class"),
        ),
        _carrier("hexarail", "Hexarail", "EUR", "Europe/Paris", "FR", _rail("Seconde", "Première")),
        _carrier(
            "kattegat-rail",
            "Kattegat Rail",
            "EUR",
            "Europe/Stockholm",
            "SE",
            _rail("2nd class", "1st class"),
        ),
        _carrier(
            "northline-rail",
            "Northline Rail",
            "EUR",
            "Europe/Berlin",
            "DE",
            _rail("2nd class", "1st class"),
        ),
        _carrier("owl-night-trains", "Owl Night Trains", "EUR", "Europe/Vienna", "AT", _NIGHT),
        _carrier(
            "peninsula-rail",
            "Peninsula Rail",
            "EUR",
            "Europe/Madrid",
            "ES",
            _rail("Turista", "Preferente"),
        ),
        _carrier(
            "stivale-rail", "Stivale Rail", "EUR", "Europe/Rome", "IT", _rail("Seconda", "Prima")
        ),
        _carrier(
            "tingis-rail",
            "Tingis Rail",
            "EUR",
            "Africa/Casablanca",
            "MA",
            _rail("2nd class", "1st class"),
        ),
        _carrier(
            "vistulana-rail",
            "Vistulana Rail",
            "EUR",
            "Europe/Warsaw",
            "PL",
            _rail("2nd class", "1st class"),
        ),
        _carrier("adriana-coaches", "Adriana Coaches", "EUR", "Europe/Zagreb", "HR", _COACH),
        _carrier("bocian-coaches", "Bocian Coaches", "EUR", "Europe/Warsaw", "PL", _COACH),
        _carrier("karavan-lines", "Karavan Lines", "EUR", "Europe/Istanbul", "TR", _COACH),
        _carrier("kite-coaches", "Kite Coaches", "GBP", "Europe/London", "GB", _COACH),
        _carrier("medina-coaches", "Medina Coaches", "EUR", "Africa/Casablanca", "MA", _COACH),
        _carrier(
            "northern-light-coaches",
            "Northern Light Coaches",
            "EUR",
            "Europe/Stockholm",
            "SE",
            _COACH,
        ),
        _carrier(
            "seven-league-coaches", "Seven League Coaches", "EUR", "Europe/Berlin", "DE", _COACH
        ),
        _carrier("solana-bus", "Solana Bus", "EUR", "Europe/Madrid", "ES", _COACH),
        _carrier("vagabond-coaches", "Vagabond Coaches", "EUR", "Europe/Paris", "FR", _COACH),
    )
}
