"""
A process that sells until it is killed, and writes down what it was told.

    python -m tests.faults.seller prepare SELLERS        make a timetable, and people with money
    python -m tests.faults.seller sell NUMBER NOTES [ADDRESS...]
    python -m tests.faults.seller compare NOTES...       compare what was told with what is stored

It reserves, pays and cancels through the services, each under an idempotency key, as the doors do.
What a service answered is noted in a file, and the note is on the disk before the next step: what
is noted was acknowledged. When the database is away, or nobody knows what became of a COMMIT, the
same thing is asked again under the same key; of several addresses, at the first whose node says
that it is ready.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")
    django.setup()

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services
from bookings.engine.contract import SYSTEM, Actor
from bookings.models import Claim, Passenger, Reservation
from bookings.services import PassengerDetails
from inventory.models import Departure
from payments.services import cancel_and_refund, open_with, pay
from tests.factories import (
    CoachPlan,
    Stop,
    make_carrier,
    make_city,
    make_service,
    make_station,
    make_tariff,
    make_trip,
    make_user,
    make_vehicle,
)
from tests.selling import reserve
from travel.common import idempotency
from travel.common.errors import Refusal, RequestInProgress, Unavailable
from travel.common.idempotency import Answer, Asked
from travel.common.ids import digest
from travel.common.money import Money
from travel.common.transactions import in_repeatable_transaction

# The sellers' clock stands: no hold ends while they sell.
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DEPARTURES = 3
STOPS = 6
ROWS = 20
OFFICE = Viewer(is_support=True)
# Who was not answered asks again so soon.
PAUSE_SECONDS = 0.05
# Nobody sells for longer, whatever became of who began it.
SELL_SECONDS = 3_600
DATABASE_ERRORS = (OperationalError, InterfaceError, Unavailable, RequestInProgress)


# --- before ---------------------------------------------------------------------------------------


def prepare(sellers: int) -> None:
    """Make departures with seats on sale, and a passenger with a full wallet for each seller."""
    carrier = make_carrier("railway")
    vehicle = make_vehicle(carrier, coaches=[CoachPlan(rows=ROWS)])
    tariff = make_tariff(carrier)
    stations = [make_station(make_city(f"City {number}"), f"S{number}") for number in range(STOPS)]
    for number in range(DEPARTURES):
        make_trip(
            make_service(tariff, f"RE {number}"),
            vehicle,
            starts_at=NOON + timedelta(hours=12, minutes=30 * number),
            stops=[Stop(station, 30 * at, 50 * at) for at, station in enumerate(stations)],
        )
    for number in range(sellers):
        user = make_user(email=email_of(number))
        open_with(user_id=user.pk, amount=Money(100_000_000, "EUR"), now=NOON)


def email_of(seller: int) -> str:
    """Answer the address of a seller's passenger."""
    return f"seller{seller}@example.org"


# --- selling --------------------------------------------------------------------------------------


class Seller:
    """Sells for one passenger; `notes` is the file of what was acknowledged."""

    def __init__(self, number: int, notes: Path, addresses: Sequence[str]) -> None:
        self._draw = random.Random(f"{number} {time.time_ns()}")
        self._notes: IO[str] = notes.open("a", encoding="utf-8")
        self._addresses = list(addresses)
        self._number = number
        self._user: User | None = None
        self._departures: list[int] = []
        self._begun_by = os.getppid()
        self._ends_at = time.monotonic() + SELL_SECONDS

    def sell(self) -> None:
        """Reserve, pay and cancel until it is killed, or nobody is left who waits for it."""
        self._user = self._ask_again(lambda: User.objects.get(email=email_of(self._number)))
        self._departures = self._ask_again(
            lambda: list(Departure.objects.order_by("id").values_list("id", flat=True))
        )
        for left_over in self._ask_again(self._holds):
            self._acknowledged("released", lambda held=left_over: self._release(held))  # type: ignore[misc]
        while True:
            self._serve()

    def _holds(self) -> list[int]:
        """Answer what a seller before this one reserved and did not come to pay."""
        held = Reservation.objects.filter(user=self._user, state=Reservation.State.HELD)
        return list(held.order_by("id").values_list("id", flat=True))

    def _serve(self) -> None:
        held = self._acknowledged("reserved", self._reserve())
        if held is None:
            return
        luck = self._draw.random()
        if luck < 0.2:
            self._acknowledged("cancelled", lambda: self._release(held["id"]), held)
        else:
            self._acknowledged("paid", lambda: self._pay(held["id"]), held)
            if luck < 0.7:
                self._acknowledged("cancelled", lambda: self._cancel(held["id"]), held)

    def _reserve(self) -> Callable[[], dict[str, Any]]:
        first, other = self._draw.sample(self._departures, 2)
        start, end = sorted(self._draw.sample(range(STOPS), 2))
        tickets = [_ticket(first, start, end)]
        if self._draw.random() < 0.3:
            # Any two lines meet twice: parties take them in either order.
            tickets = [_ticket(first, 0, 1), _ticket(other, STOPS - 2, STOPS - 1)]
        # Who travels bears the name of the request: it must have one reservation, whatever happens.
        request = uuid.uuid4().hex
        party = [
            PassengerDetails(first_name="Ada", last_name=request, kind="adult")
            for _ in range(self._draw.randint(1, 3))
        ]

        def act() -> dict[str, Any]:
            assert self._user is not None
            made = reserve(self._user, *tickets, now=NOON, passengers=party)
            seats = [[seat.coach, seat.seat] for one in made.coupons for seat in one.seats]
            return {"id": made.id, "locator": made.locator, "seats": seats}

        return act

    def _pay(self, reservation_id: int) -> dict[str, Any]:
        paid = pay(
            viewer=self._me,
            reservation_id=reservation_id,
            method="Wallet",
            token=None,
            now=NOON,
        )
        return {"payment": paid.payment_id}

    def _cancel(self, reservation_id: int) -> dict[str, Any]:
        assert self._user is not None
        done = cancel_and_refund(
            viewer=self._me,
            reservation_id=reservation_id,
            actor=Actor("holder", self._user.pk),
            now=NOON,
        )
        return {"cancellation": done.cancellation_id}

    def _release(self, reservation_id: int) -> dict[str, Any]:
        services.release(viewer=OFFICE, reservation_id=reservation_id, now=NOON, actor=SYSTEM)
        return {}

    @property
    def _me(self) -> Viewer:
        assert self._user is not None
        return Viewer(user_id=self._user.pk)

    def _acknowledged(
        self, what: str, act: Callable[[], dict[str, Any]], about: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Do it once, however often it must be asked; note what was answered, on the disk."""
        asked = Asked(
            scope=digest("sellers"),
            method="POST",
            path=f"/{what}",
            key=str(uuid.uuid4()),
            fingerprint=digest(what),
        )
        started = time.time()
        try:
            told = self._ask_again(lambda: once(asked, act))
        except Refusal as refusal:
            self._note({"refused": refusal.code, "what": what, **(about or {})})
            return None
        self._note({"what": what, **(about or {}), **told, "from": started, "at": time.time()})
        return told

    def _note(self, fact: dict[str, Any]) -> None:
        self._notes.write(json.dumps(fact) + "\n")
        self._notes.flush()
        os.fsync(self._notes.fileno())

    def _ask_again(self, act: Callable[[], Any]) -> Any:
        while os.getppid() == self._begun_by and time.monotonic() < self._ends_at:
            try:
                return act()
            except DATABASE_ERRORS:
                connection.close()
                self._turn_to_a_node_that_is_ready()
                time.sleep(PAUSE_SECONDS)
        raise SystemExit

    def _turn_to_a_node_that_is_ready(self) -> None:
        for address in self._addresses:
            connection.close()
            connection.settings_dict["HOST"] = address
            if _is_ready():
                return


def _is_ready() -> bool:
    """Say whether the node is one of a majority, and takes statements."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status')"
            )
            return dict(cursor.fetchall()) == {
                "wsrep_ready": "ON",
                "wsrep_cluster_status": "Primary",
            }
    except DATABASE_ERRORS:
        return False


@in_repeatable_transaction
def once(asked: Asked, act: Callable[[], dict[str, Any]]) -> Any:
    """Do it under its key, as a door does; answer what it answered the first time."""
    known = idempotency.claim(asked, now=NOON)
    if known is None:
        known = Answer(200, json.dumps(act()), "application/json")
        idempotency.finish(asked, known, now=NOON)
    return json.loads(known.body)


def _ticket(departure: int, start: int, end: int) -> int:
    return departure * 2**18 + start * 2**12 + end * 2**6


# --- after ----------------------------------------------------------------------------------------


def compare(notes: Sequence[Path]) -> dict[str, Any]:
    """
    Compare what was acknowledged with what is stored.

    `lost` is what was told and is not so; `double` is a request that made two reservations.
    """
    told: dict[str, dict[str, Any]] = {}
    refused: dict[str, int] = {}
    for note in _read(notes):
        if "refused" in note:
            refused[note["refused"]] = refused.get(note["refused"], 0) + 1
        elif "locator" in note:
            told.setdefault(note["locator"], {}).setdefault("acts", []).append(note["what"])
            told[note["locator"]]["seats"] = note["seats"]
    stored = dict(Reservation.objects.values_list("locator", "state"))
    lost = [
        {"locator": locator, "stored": stored.get(locator), **facts}
        for locator, facts in sorted(told.items())
        if not _is_kept(facts, stored.get(locator), locator)
    ]
    made = (
        Passenger.objects.values_list("last_name")
        .annotate(times=Count("reservation_id", distinct=True))
        .order_by()
        .values_list("last_name", "times")
    )
    return {
        "acknowledged": sum(len(facts["acts"]) for facts in told.values()),
        "reservations": len(told),
        "refused": refused,
        "lost": lost,
        "double": sorted(name for name, times in made if times > 1),
        "audit": _broken_facts(),
    }


def _is_kept(facts: dict[str, Any], state: str | None, locator: str) -> bool:
    """Say whether the stored state is what was told, or follows from it."""
    acts = facts["acts"]
    if "cancelled" in acts:
        return state == Reservation.State.CANCELLED
    if "paid" in acts and state == Reservation.State.HELD:
        return False
    if state == Reservation.State.CANCELLED:
        return True
    return state in (Reservation.State.HELD, Reservation.State.PAID) and sorted(
        facts["seats"]
    ) == sorted(_seats_of(locator))


def _seats_of(locator: str) -> list[list[str]]:
    claims = Claim.objects.filter(coupon__passenger__reservation__locator=locator)
    return [
        list(seat) for seat in claims.values_list("stock__seat__coach__label", "stock__seat__label")
    ]


def _broken_facts() -> list[list[Any]]:
    from support import audit

    return [[finding.fact.code, finding.rows] for finding in audit.findings()]


def _read(notes: Sequence[Path]) -> Iterator[dict[str, Any]]:
    # A seller that was killed at once has written nothing.
    for path in filter(Path.exists, notes):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            # The last line of a killed seller may be half a line: it was not acknowledged.
            if line.endswith("\n"):
                yield json.loads(line)


def main(arguments: Sequence[str]) -> int:
    match list(arguments):
        case ["prepare", sellers]:
            prepare(int(sellers))
        case ["sell", number, notes, *addresses]:
            Seller(int(number), Path(notes), addresses).sell()
        case ["compare", *notes]:
            found = compare([Path(one) for one in notes])
            print(json.dumps(found, default=str))  # noqa: T201 - this is its answer
            return 1 if found["lost"] or found["double"] or found["audit"] else 0
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
