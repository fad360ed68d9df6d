"""Reference data is kept by hand, under rules that protect what was sold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import Reservation
from inventory import places
from inventory.models import (
    City,
    CityName,
    Fare,
    FareVersion,
    Seat,
    Service,
    Station,
    Tariff,
)
from tests import factories


def formset(name: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """The fields of an inline's rows, as the admin's page sends them."""
    fields: dict[str, Any] = {f"{name}-TOTAL_FORMS": len(rows), f"{name}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        fields |= {f"{name}-{number}-{key}": value for key, value in row.items()}
    return fields


class TestPlaces:
    def test_a_new_city_is_found_under_all_its_names(self, desk: Client) -> None:
        answer = desk.post(
            reverse("admin:inventory_city_add"),
            {"code": "pl-lodz", "name": "Łódź", "country": "PL"}
            | formset("names", {"language": "en", "name": "Lodsch"}),
        )

        assert answer.status_code == 302
        city = City.objects.get(code="pl-lodz")
        assert set(city.names.values_list("language", "key")) == {("en", "lodsch"), ("", "lodz")}
        assert city.history.get().history_user.email == "chief@office.example"

    def test_a_new_name_is_found_at_once(self, desk: Client, timetable: Any) -> None:
        assert places.suggest("monaco") == []

        answer = desk.post(
            reverse("admin:inventory_cityname_add"),
            {"city": timetable.munich.pk, "language": "it", "name": "Monaco di Baviera"},
        )

        assert answer.status_code == 302
        assert [one.name for one in places.suggest("monaco")] == ["München"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", "!!!"), ("country", "pl"), ("country", "P\n"), ("code", "")],
    )
    def test_refuses_a_bad_city(self, desk: Client, field: str, value: str) -> None:
        good = {"code": "pl-lodz", "name": "Łódź", "country": "PL"} | formset("names")

        answer = desk.post(reverse("admin:inventory_city_add"), good | {field: value})

        assert answer.status_code == 200
        assert not City.objects.exists()

    def test_refuses_one_name_twice(self, desk: Client) -> None:
        twins = [{"language": "en", "name": "Munich"}, {"language": "en", "name": "MUNICH"}]

        answer = desk.post(
            reverse("admin:inventory_city_add"),
            {"code": "m", "name": "München", "country": "DE"} | formset("names", *twins),
        )

        assert answer.status_code == 200
        assert not CityName.objects.exists()

    def test_refuses_a_time_zone_that_does_not_exist(self, desk: Client, timetable: Any) -> None:
        station = Station.objects.get(code="HH")
        fields = {
            "city": station.city_id,
            "kind": station.kind,
            "code": "HH",
            "name": "Hamburg Hbf",
            "latitude": "53.5",
            "longitude": "10",
            "minimum_change_minutes": "5",
            "is_active": "on",
            **formset("names"),
            **formset("codes"),
        }
        page = reverse("admin:inventory_station_change", args=[station.pk])

        assert desk.post(page, fields | {"tz": "Europe/Hamburg"}).status_code == 200
        assert desk.post(page, fields | {"tz": "Europe/Paris"}).status_code == 302
        station.refresh_from_db()
        assert station.tz == "Europe/Paris"

    @pytest.mark.parametrize("typed", ["munchen", "MÜN", "Muni", "de-munchen"])
    def test_finds_a_city_however_it_is_typed(self, desk, timetable: Any, typed: str) -> None:
        answer = desk.get(reverse("admin:inventory_city_changelist"), {"q": typed})

        assert [row.name for row in answer.context["cl"].result_list] == ["München"]


class TestServices:
    def test_a_new_service_gets_the_row_of_its_mode(self, desk: Client, timetable: Any) -> None:
        old = timetable.flight.departure.service
        fields = {
            "carrier": old.carrier_id,
            "mode": "Plane",
            "number": "QX 1",
            "tariff": old.tariff_id,
        }

        assert desk.post(reverse("admin:inventory_service_add"), fields).status_code == 302
        service = Service.objects.get(number="QX 1")
        assert service.flight.checked_bags == 0

    def test_refuses_another_carriers_tariff(self, desk: Client, timetable: Any) -> None:
        air = timetable.flight.departure.service
        rail = timetable.train.departure.service
        fields = {
            "carrier": air.carrier_id,
            "mode": "Plane",
            "number": "QX 1",
            "tariff": rail.tariff_id,
        }

        assert desk.post(reverse("admin:inventory_service_add"), fields).status_code == 200
        assert not Service.objects.filter(number="QX 1").exists()

    def test_a_carriers_currency_stands_fast(self, desk: Client, timetable: Any) -> None:
        carrier = timetable.train.departure.service.carrier
        answer = desk.post(
            reverse("admin:inventory_carrier_change", args=[carrier.pk]),
            {
                "code": "railway",
                "name": "Test Railways",
                "currency": "JPY",
                "tz": "Europe/Berlin",
                "country": "DE",
                **formset("classes"),
            },
        )

        assert answer.status_code == 302
        carrier.refresh_from_db()
        assert (carrier.name, carrier.currency_id) == ("Test Railways", "EUR")


VERSION = {
    "conditions": "No changes.",
    "base_minor": "12.50",
    "per_km_micro": "0.0725",
    "minimum_minor": "9.90",
    "rounding_minor": "0.10",
    "tax_basis_points": "7",
    "fee_minor": "",
    "return_discount_basis_points": "2.5",
    "young_percent": "100",
    "child_percent": "50",
    "infant_percent": "0",
    "young_until_age": "26",
    "child_until_age": "14",
    "infant_until_age": "1",
    "sales_close_minutes": "5",
    **formset(
        "penalty_tiers", {"minutes_before": "60", "basis_points": "12.5", "minimum_minor": "3"}
    ),
}


class TestFares:
    @pytest.fixture
    def saver(self, train: factories.Trip) -> Fare:
        return train.fares[0]

    def begins(self, moment: Any) -> dict[str, str]:
        return {"valid_from_0": f"{moment:%Y-%m-%d}", "valid_from_1": f"{moment:%H:%M:%S}"}

    def test_a_new_fare_takes_the_next_number(self, desk: Client, train: factories.Trip) -> None:
        tariff = train.departure.service.tariff
        answer = desk.post(
            reverse("admin:inventory_fare_add"),
            {"tariff": tariff.pk, "name": "Super", "travel_class": "VIP", "is_on_sale": "on"},
        )

        assert answer.status_code == 302
        fare = Fare.objects.get(name="Super")
        assert (fare.number, fare.pk) == (3, tariff.pk * 64 + 3)

    def test_the_65th_fare_is_refused(self, desk: Client, train: factories.Trip) -> None:
        tariff = train.departure.service.tariff
        factories.make_fare(tariff, 63, factories.FarePlan())
        before = Fare.objects.count()

        answer = desk.post(
            reverse("admin:inventory_fare_add"),
            {"tariff": tariff.pk, "name": "Super", "travel_class": "VIP"},
        )

        assert answer.status_code == 200
        assert "64 fares" in answer.content.decode()
        assert Fare.objects.count() == before

    def test_a_fare_is_not_deleted(self, desk: Client, saver: Fare) -> None:
        page = reverse("admin:inventory_fare_delete", args=[saver.pk])

        assert desk.post(page, {"post": "yes"}).status_code == 403

    def test_a_new_price_is_a_new_version(self, desk, saver: Fare, clock, noon) -> None:
        answer = desk.post(
            reverse("admin:inventory_fareversion_add"),
            VERSION | {"fare": saver.pk} | self.begins(noon + timedelta(days=1)),
        )

        assert answer.status_code == 302, answer.context["errors"]
        version = saver.versions.get(valid_from__gt=noon)
        assert (version.base_minor, version.minimum_minor, version.rounding_minor) == (
            1250,
            990,
            10,
        )
        # 7.25 cents are 7,250,000 millionths of a cent.
        assert version.per_km_micro == 7_250_000
        assert (version.tax_basis_points, version.return_discount_basis_points) == (700, 250)
        assert version.fee_minor == 0
        tier = version.penalty_tiers.get()
        assert (tier.minutes_before, tier.basis_points, tier.minimum_minor) == (60, 1250, 300)

    def test_the_page_shows_amounts_and_keeps_them(self, desk, saver, clock, noon) -> None:
        desk.post(
            reverse("admin:inventory_fareversion_add"),
            VERSION | {"fare": saver.pk} | self.begins(noon + timedelta(days=1)),
        )
        version = saver.versions.get(valid_from__gt=noon)
        page = reverse("admin:inventory_fareversion_change", args=[version.pk])
        form = desk.get(page).context["adminform"].form
        shown = {name: form[name].value() for name in ("base_minor", "per_km_micro")}
        tier = version.penalty_tiers.get()

        assert shown == {"base_minor": "12.50", "per_km_micro": "0.0725"}
        answer = desk.post(
            page,
            VERSION
            | formset(
                "penalty_tiers",
                {
                    "id": tier.pk,
                    "fare_version": version.pk,
                    "minutes_before": "60",
                    "basis_points": "12.5",
                    "minimum_minor": "3.00",
                },
                initial=1,
            )
            | {"base_minor": "13.00"}
            | self.begins(noon + timedelta(days=1)),
        )
        assert answer.status_code == 302, answer.context["errors"]
        version.refresh_from_db()
        assert (version.base_minor, version.per_km_micro) == (1300, 7_250_000)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("base_minor", "12.505"),
            ("base_minor", "-1"),
            ("base_minor", "1e3"),
            ("base_minor", "99999999999999"),
            ("per_km_micro", "0.000000001"),
            ("rounding_minor", "0"),
            ("tax_basis_points", "100.5"),
            ("child_until_age", "30"),
        ],
    )
    def test_refuses_a_bad_price(self, desk, saver, clock, noon, field: str, value: str) -> None:
        answer = desk.post(
            reverse("admin:inventory_fareversion_add"),
            VERSION | {"fare": saver.pk, field: value} | self.begins(noon + timedelta(days=1)),
        )

        assert answer.status_code == 200
        assert saver.versions.count() == 1

    def test_no_price_begins_in_the_past(self, desk, saver, clock, noon) -> None:
        answer = desk.post(
            reverse("admin:inventory_fareversion_add"),
            VERSION | {"fare": saver.pk} | self.begins(noon - timedelta(days=1)),
        )

        assert answer.status_code == 200
        assert saver.versions.count() == 1

    def test_a_version_on_sale_is_not_edited(self, desk, saver, clock, noon) -> None:
        version = saver.versions.get()
        page = reverse("admin:inventory_fareversion_change", args=[version.pk])
        fields = VERSION | self.begins(noon + timedelta(days=1))

        assert desk.get(page).status_code == 200
        assert desk.post(page, fields).status_code == 403
        delete = reverse("admin:inventory_fareversion_delete", args=[version.pk])
        assert desk.post(delete, {"post": "yes"}).status_code == 403
        version.refresh_from_db()
        assert (version.base_minor, version.penalty_tiers.count()) == (500, 2)

    def test_a_version_that_coupons_have_is_not_edited(
        self, desk, sell: Callable[[int], Reservation], saver, clock, noon
    ) -> None:
        sell(0)
        version = saver.versions.get()
        # Even where its beginning was written wrongly into the future.
        FareVersion.objects.filter(pk=version.pk).update(valid_from=noon + timedelta(days=1))
        page = reverse("admin:inventory_fareversion_change", args=[version.pk])

        assert desk.post(page, VERSION | self.begins(noon + timedelta(days=1))).status_code == 403

    def test_a_version_still_to_begin_is_deleted(self, desk, saver, clock, noon) -> None:
        version = FareVersion.objects.create(fare=saver, valid_from=noon + timedelta(days=1))
        version.penalty_tiers.create(minutes_before=60, basis_points=100)
        page = reverse("admin:inventory_fareversion_delete", args=[version.pk])

        assert desk.post(page, {"post": "yes"}).status_code == 302
        assert not FareVersion.objects.filter(pk=version.pk).exists()


class TestSeatMaps:
    def test_what_has_sold_stands_fast(
        self, desk: Client, sell: Callable[[int], Reservation], train: factories.Trip
    ) -> None:
        sell(0)
        vehicle = train.departure.vehicle
        seat = Seat.objects.filter(coach__seat_map=vehicle.seat_map).first()
        other = factories.make_vehicle(vehicle.carrier).seat_map
        seat_fields = {
            "coach": seat.coach_id,
            "row": 1,
            "column": 0,
            "label": "X",
            "travel_class": "VIP",
        }
        pages = {
            ("seat", seat.pk): seat_fields,
            ("coach", seat.coach_id): {
                "seat_map": vehicle.seat_map_id,
                "position": 0,
                "label": "9",
            },
            ("seatmap", vehicle.seat_map_id): {"name": "New", "code": "new"} | formset("coaches"),
        }
        for (name, key), fields in pages.items():
            page = reverse(f"admin:inventory_{name}_change", args=[key])
            assert desk.get(page).status_code == 200
            assert desk.post(page, fields).status_code == 403

        assert desk.post(reverse("admin:inventory_seat_add"), seat_fields).status_code == 200
        page = reverse("admin:inventory_vehicle_change", args=[vehicle.pk])
        fields = {"code": vehicle.code, "name": "Renamed", "seat_map": other.pk}
        assert desk.post(page, fields).status_code == 302
        vehicle.refresh_from_db()
        assert vehicle.name == "Renamed"
        assert vehicle.seat_map_id != other.pk
        seat.refresh_from_db()
        assert seat.label == "1A"

    def test_what_has_not_sold_may_change(self, desk: Client, train: factories.Trip) -> None:
        seat = Seat.objects.filter(coach__seat_map=train.departure.vehicle.seat_map).first()
        fields = {
            "coach": seat.coach_id,
            "row": 1,
            "column": 0,
            "label": "X",
            "travel_class": "VIP",
        }
        page = reverse("admin:inventory_seat_change", args=[seat.pk])

        assert desk.post(page, fields).status_code == 302
        seat.refresh_from_db()
        assert (seat.label, seat.travel_class) == ("X", "VIP")

    def test_a_tariff_stays_its_carriers(self, desk: Client, train: factories.Trip) -> None:
        tariff = train.departure.service.tariff
        other = factories.make_carrier("other")
        page = reverse("admin:inventory_tariff_change", args=[tariff.pk])

        answer = desk.post(
            page, {"carrier": other.pk, "code": tariff.code, "name": "Renamed"} | formset("fares")
        )

        assert answer.status_code == 302
        assert Tariff.objects.get(pk=tariff.pk).carrier_id == tariff.carrier_id
