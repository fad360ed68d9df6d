"""Every component on one page, with names that are hard to set, for tests that look at it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template import engines

from bookings.pages.forms import SearchForm
from inventory.seat_plan import PlannedSeat, lay_out
from travel.common.money import Money

BERLIN = ZoneInfo("Europe/Berlin")
TEHRAN = ZoneInfo("Asia/Tehran")
DAY = date(2027, 2, 12)


def at(clock: str, *, day: date = DAY, zone: ZoneInfo = BERLIN) -> datetime:
    hour, minute = (int(part) for part in clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)


class PersonForm(forms.Form):
    first_name = forms.CharField(label="First names, as in the passport")
    born = forms.DateField(label="Date of birth", widget=forms.DateInput(attrs={"type": "date"}))
    email = forms.EmailField(label="E-mail", help_text="The tickets go there.", required=False)
    kind = forms.ChoiceField(label="Seat", choices=[("", "No wish"), ("window", "Window")])
    help = forms.BooleanField(label="Needs help getting on", help_text="Free.", required=False)


def trip(**changes: Any) -> SimpleNamespace:
    facts: dict[str, Any] = {
        "mode": "Train",
        "departs_at": at("08:04"),
        "arrives_at": at("12:02"),
        "origin": "Berlin Hbf",
        "destination": "München Hbf",
        "duration_minutes": 238,
        "stops": 0,
        "changes": [],
        "service": "ICE 1005",
        "carrier": "Fernbahn",
        "facilities": ["wifi", "power", "quietZone", "bistro", "wheelchair", "toilet"],
        "price": Money(4990, "EUR"),
        "price_for": "2nd class from",
        "seats_left": 40,
        "notes": [],
        "seats": "Coach 7, seats 41 and 43",
    }
    return SimpleNamespace(**{**facts, **changes})


def context() -> dict[str, Any]:
    flight = trip(
        mode="Plane",
        service="LH 600",
        departs_at=at("22:45"),
        arrives_at=at("07:10", day=DAY + timedelta(days=1), zone=TEHRAN),
        origin="Frankfurt (Main) Flughafen FRA",
        destination="Tehran Imam Khomeini IKA",
        duration_minutes=355,
        price=Money(11800, "EUR"),
        seats_left=3,
        notes=[{"tone": "info", "icon_name": "clock", "text": "Fastest"}],
    )
    bus = trip(mode="Bus", service="N 402", changes=["Bus"], seats_left=0, duration_minutes=65)
    return {
        "trip": trip(),
        "trips": [trip(), flight, trip(stops=7, changes=["Train"]), bus],
        "trips_booked": [trip(), flight],
        "search": SearchForm(initial={"date": DAY}),
        "places": ["Berlin", "Hamburg", "تهران"],
        "until": at("14:52"),
        "dates": [
            SimpleNamespace(
                day=DAY + timedelta(days=offset),
                href="#",
                price=None if offset == 3 else Money(2990 + 100 * offset, "EUR"),
                current=offset == 0,
                lowest=offset == -3,
            )
            for offset in range(-3, 4)
        ],
        "bookings": [
            SimpleNamespace(
                locator="W3HT9C",
                title="Berlin to Praha",
                day=DAY,
                tone="warn",
                pay_href="#",
                state="Held until 14:52, not paid",
                trips=[trip()],
                price=Money(3990, "EUR"),
                passengers=1,
                remark="",
            ),
            SimpleNamespace(
                locator="K7M4QX",
                title="Berlin to München",
                day=DAY,
                tone="good",
                pay_href="",
                state="Paid",
                trips=[trip(), flight],
                price=Money(13820, "EUR"),
                passengers=3,
                remark="€9.72 of €12.96 returned to your wallet.",
            ),
        ],
        "person": PersonForm({"first_name": "سیدمحمدرضا", "email": "no.at.example.org"}),
        "steps": [
            SimpleNamespace(
                until=at("08:04", day=date(2027, 1, 30)),
                percent=100,
                refund=Money(12470, "EUR"),
                fee=Money(0, "EUR"),
            ),
            SimpleNamespace(
                until=at("08:04", day=date(2027, 2, 9)),
                percent=75,
                refund=Money(9353, "EUR"),
                fee=Money(3117, "EUR"),
            ),
            SimpleNamespace(
                until=at("08:04"), percent=50, refund=Money(6235, "EUR"), fee=Money(6235, "EUR")
            ),
            SimpleNamespace(until=None, percent=0, refund=Money(0, "EUR"), fee=Money(12470, "EUR")),
        ],
        "calls": [
            SimpleNamespace(
                at=at("08:04"), station="Berlin Hbf", role="start", remark="Platform 2"
            ),
            SimpleNamespace(at=at("10:57"), station="Nürnberg Hbf", role="stop", remark=""),
            SimpleNamespace(at=at("12:02"), station="München Hbf", role="end", remark=""),
        ],
        "events": [
            SimpleNamespace(title="Seats held", text="", at=at("14:37"), state="past"),
            SimpleNamespace(title="Paid", text="By wallet", at=at("14:44"), state="now"),
            SimpleNamespace(title="Departure", text="", at=at("18:04"), state="next"),
        ],
        "price": Money(13820, "EUR"),
        "lines": [
            SimpleNamespace(label="2 adults, Saver", amount=Money(9980, "EUR")),
            SimpleNamespace(label="Return discount", amount=Money(-1000, "EUR")),
        ],
        "page": Paginator(range(200), 20).page(5),
        "coaches": [train_coach(), cabin(), small_bus()],
    }


def train_coach() -> Any:
    return lay_out(
        mode="Train",
        name="Coach 7",
        seats=[
            PlannedSeat(
                value=f"{row}-{column}", label=f"{row}{column}", row=row, column=column,
                taken=(row * column) % 5 == 0, chosen=(row, column) == (4, 1),
                is_window=column in (1, 5), is_aisle=column in (2, 4), has_table=row in (2, 3),
                accessible=row == 1 and column < 3, faces_back=row % 4 == 2,
            )
            for row in range(1, 17) for column in (1, 2, 4, 5)
        ],
    )  # fmt: skip


def cabin() -> Any:
    return lay_out(
        mode="Plane",
        name="Economy",
        seats=[
            PlannedSeat(value=f"{row}{letter}", label=f"{row}{letter}", row=row, column=column,
                        taken=row % 3 == 0, is_window=letter in "AF", is_aisle=letter in "CD")
            for row in range(1, 24)
            for column, letter in zip((1, 2, 3, 5, 6, 7), "ABCDEF", strict=True)
        ],
    )  # fmt: skip


def small_bus() -> Any:
    return lay_out(
        mode="Bus",
        name="Deck",
        seats=[
            PlannedSeat(value=str(row * 4 + column), label=str(row * 4 + column), row=row,
                        column=column)
            for row in range(1, 13) for column in (1, 2, 4)
            if not (row == 6 and column == 4)
        ],
    )  # fmt: skip


def gallery(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Your language has been saved.")
    messages.error(request, "The card was refused; nothing was charged.")
    text = (Path(__file__).parent / "gallery.html").read_text(encoding="utf-8")
    return HttpResponse(engines["django"].from_string(text).render(context(), request))
