"""Pressing the buttons of the departures desk: pages asked, told in numbers, confirmed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from inventory.models import Seat
from payments import services as paying
from tests import factories
from tests.selling import adults, reserve
from travel.common.money import Money


def sell(trip: factories.Trip, user: User, people: int, now: datetime, **way: int) -> None:
    held = reserve(user, trip.ticket_id(**way), now=now, passengers=adults(people))
    paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=now)
    paying.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=now,
    )


def page_of(trip: factories.Trip) -> str:
    return reverse("admin:desk_departure", args=[trip.departure.pk])


def act_page(trip: factories.Trip, name: str) -> str:
    return reverse("admin:desk_act", args=[trip.departure.pk, name])


def hidden(page: str) -> dict[str, list[str]]:
    """Read the hidden fields of a page's form, as a browser would send them."""
    fields: dict[str, list[str]] = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', page):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and name[1] != "csrfmiddlewaretoken":
            fields.setdefault(name[1], []).append(value[1] if value else "")
    return fields


def ask(browser: Client, trip: factories.Trip, name: str, **data: Any) -> str:
    """Fill in an act's form; answer the page that says what it means."""
    page = act_page(trip, name)
    fields = hidden(browser.get(page).content.decode())
    answer = browser.post(page, {**fields, **data})
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def confirm(browser: Client, trip: factories.Trip, name: str, meant: str) -> Any:
    return browser.post(act_page(trip, name), hidden(meant))


def post_block(browser: Client, trip: factories.Trip, seats: list[str], **data: Any) -> Any:
    """Ask for seats of coach 1 to be kept back; answer what comes back."""
    page = act_page(trip, "block")
    own = Seat.objects.filter(coach__seat_map=trip.departure.vehicle.seat_map, coach__label="1")
    asked = {
        "seats": [own.get(label=label).pk for label in seats],
        "from_call": 0,
        "to_call": 4,
        "reason": "Wet",
        **data,
    }
    return browser.post(page, {**hidden(browser.get(page).content.decode()), **asked})


def plan_extra(browser: Client, trip: factories.Trip, **data: Any) -> Any:
    """Ask for an extra departure; answer what comes back."""
    page = act_page(trip, "extra")
    fields = hidden(browser.get(page).content.decode())
    asked = {"day": "2026-06-03", "vehicle": trip.departure.vehicle_id, "reason": "", **data}
    return browser.post(page, {**fields, **asked})
