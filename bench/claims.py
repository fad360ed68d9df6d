"""
How many seats a second: claims by the engines and by the service, against a bare counter.

    python -m bench.claims [--clients 16,32] [--cells limit,guard,portable,procedures,service]
                           [--scenes hot,cold,first] [--rounds 3] [--claims 1600] [--seed 1]

All cells run in one go, one after the other in each round, so that noise hits all alike. *limit* is
`UPDATE ... SET n = n + 1 WHERE id = 1` and COMMIT by the same client processes over the same kind
of connection: no design that counts on one row can do more. *guard* takes the bits of a seat of the
hot train under the departure's lock and writes nothing else: what the record of a sale costs is the
difference. The other cells reserve one seat on a random stretch, each for another guest:

- *hot*: all of one 800-seat train with 11 segments until 80 % of it is sold;
- *cold*: each on one of thousands of departures, a tenth of which never sold before, so that their
  seats are laid out in the claim;
- *first*: each on a departure that never sold before.

Every round ends with a proof: each acknowledged claim is stored, no segment of a seat is claimed
twice, the bits are the claims. Hot rounds go on, untimed, until the train is full, and what was
sold is compared with what first-fit sells to the same requests in the same order.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bench.office import SEGMENTS, Line, lay_out, make_departures, make_line, own_database
from bench.servers import give_me_servers

if TYPE_CHECKING:
    from bench.clients import Act, Figures, Round

CELLS = ("limit", "guard", "portable", "procedures", "service")
SCENES = ("hot", "cold", "first")
HOT_SEATS = 800
COLD_SEATS = 400
SOLD_SHARE = 0.8
# So much more than its seats is asked of a hot train in the end, to see what is packed into it.
ASKED_SHARE = 1.3
FRESH_SHARE = 0.1

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Wish:
    """A request: one seat of a departure from the first to the last segment, both counted in."""

    departure_id: int
    first: int
    last: int


# --- what is asked for ----------------------------------------------------------------------------


def stretches(dice: random.Random) -> Iterator[Stretch]:
    """Draw stretches for ever: any two stations of the line, each pair as likely as another."""
    pairs = [
        (start, end - 1) for start in range(SEGMENTS) for end in range(start + 1, SEGMENTS + 1)
    ]
    while True:
        yield dice.choice(pairs)


def hot_wishes(dice: random.Random, departure_id: int, seats: int) -> tuple[list[Wish], int]:
    """
    Answer requests for more than a train has, and how many of them come to 80 % of it.
    """
    wishes: list[Wish] = []
    asked, until = 0, 0
    for first, last in stretches(dice):
        wishes.append(Wish(departure_id, first, last))
        asked += last - first + 1
        if not until and asked >= SOLD_SHARE * seats * SEGMENTS:
            until = len(wishes)
        if asked >= ASKED_SHARE * seats * SEGMENTS:
            return wishes, until
    raise AssertionError("stretches are drawn for ever")


def first_fit(wishes: Sequence[Wish], seats: int) -> int:
    """Answer how many seat-segments first-fit sells: the first seat that is free all the way."""
    taken = [0] * seats
    sold = 0
    for wish in wishes:
        mask = (1 << wish.last + 1) - (1 << wish.first)
        for seat in range(seats):
            if not taken[seat] & mask:
                taken[seat] |= mask
                sold += wish.last - wish.first + 1
                break
    return sold


# --- the cells ------------------------------------------------------------------------------------


def count() -> Act:
    """The limit: one row is counted up and the transaction is committed."""
    from django.db import connection, transaction

    def act(number: int) -> tuple[str, int]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE bench_counter SET n = n + 1 WHERE id = 1")
        return "done", 0

    return act


def by_engine(name: str, line: Line, wishes: Sequence[Wish]) -> Act:
    """One seat by the engine of this name, in a transaction that is retried as the office does."""
    from django.db import IntegrityError

    from bookings import engine
    from bookings.engine.contract import Actor
    from bookings.errors import refusal
    from travel.common.transactions import in_transaction

    seller = engine.named(name)
    actor = Actor("holder")

    def act(number: int) -> tuple[str, int]:
        now = datetime.now(UTC)
        tries = 0

        @in_transaction
        def claim() -> None:
            nonlocal tries
            tries += 1
            result = seller.reserve(command(line, wishes[number], now), now=now, actor=actor)
            if not result.done:
                raise refusal(result.outcome)

        try:
            claim()
        except IntegrityError:
            # Two of so many locators are alike; the office's service looks before it draws.
            claim()
        return "done", tries - 1

    return act


def command(line: Line, wish: Wish, now: datetime):  # type: ignore[no-untyped-def]
    """Write down one seat for one new guest, as the service would."""
    from bookings.engine.contract import (
        CouponRow,
        HolderRow,
        LegRow,
        PassengerRow,
        PriceLineRow,
        ReserveCommand,
    )
    from inventory.ticket_ids import pack
    from travel.common.ids import digest, new_locator, new_secret

    secret = new_secret()
    return ReserveCommand(
        locator=new_locator(),
        holder=HolderRow(None, digest(secret), f"{secret[:20]}@example.org".lower(), None, "en"),
        currency="EUR",
        hold_until=now + timedelta(minutes=30),
        passengers=[PassengerRow(0, "Ada", "Lovelace", "adult")],
        legs=[
            LegRow(
                ticket_id=pack(wish.departure_id, wish.first, wish.last + 1, 0),
                departure_id=wish.departure_id,
                first_segment=wish.first,
                last_segment=wish.last,
                travel_class="Economy",
                fare_id=line.fare_id,
                closes_at=now + timedelta(days=20),
                coupons=[
                    CouponRow(
                        passenger=0,
                        barcode=new_secret(),
                        fare_version_id=line.fare_version_id,
                        price_lines=[
                            PriceLineRow("fare", "Fare", 3_000),
                            PriceLineRow("tax", "Tax", 210),
                        ],
                    )
                ],
            )
        ],
        max_live_holds=10,
    )


def by_service(wishes: Sequence[Wish]) -> Act:
    """One seat by bookings.services.reserve, with its checks, prices and message."""
    from bookings import services
    from bookings.services import Holder, PassengerDetails
    from inventory.ticket_ids import pack
    from travel.common.ids import new_secret
    from travel.common.transactions import in_transaction

    travellers = [PassengerDetails("Ada", "Lovelace", kind="adult")]

    def act(number: int) -> tuple[str, int]:
        wish = wishes[number]
        tries = 0

        @in_transaction
        def claim() -> None:
            nonlocal tries
            tries += 1
            services.reserve(
                holder=Holder(email=f"{new_secret()[:20]}@example.org".lower()),
                ticket_ids=[pack(wish.departure_id, wish.first, wish.last + 1, 0)],
                passengers=travellers,
                now=datetime.now(UTC),
            )

        claim()
        return "done", tries - 1

    return act


GUARD = """
CREATE PROCEDURE bench_guard(IN p_departure BIGINT, IN p_mask BIGINT UNSIGNED)
BEGIN
    DECLARE v_stock BIGINT;
    SET v_stock = (SELECT id FROM inventory_departure WHERE id = p_departure FOR UPDATE);
    SET v_stock = (
        SELECT id FROM bookings_seatstock FORCE INDEX (seat_stock_order)
        WHERE departure_id = p_departure AND travel_class = 'Economy' AND taken & p_mask = 0
        ORDER BY departure_id, travel_class, id LIMIT 1
    );
    UPDATE bookings_seatstock SET taken = taken | p_mask
    WHERE id = v_stock AND taken & p_mask = 0;
    IF ROW_COUNT() = 1 THEN
        UPDATE inventory_departure SET stock_version = stock_version + 1,
            frozen_at = IFNULL(frozen_at, NOW(6))
        WHERE id = p_departure;
        SELECT 'done';
    ELSE
        SELECT 'sold_out';
    END IF;
END
"""


def by_guard(wishes: Sequence[Wish]) -> Act:
    """A seat's bits and nothing else: no traveller, no price, no story. On MySQL and MariaDB."""
    from django.db import connection, transaction

    from travel.common.procedures import call

    with connection.cursor() as cursor:
        cursor.execute("DROP PROCEDURE IF EXISTS bench_guard")
        cursor.execute(GUARD)

    def act(number: int) -> tuple[str, int]:
        wish = wishes[number]
        with transaction.atomic():
            mask = (1 << (wish.last + 1)) - (1 << wish.first)
            (word,) = call("bench_guard", [wish.departure_id, mask])
        return str(word), 0

    return act


# --- a run ----------------------------------------------------------------------------------------


@dataclass
class Cell:
    """A way to claim with so many clients in a scene, and what came of it."""

    scene: str
    name: str
    clients: int
    figures: Figures
    sold: int = 0
    sold_by_first_fit: int = 0

    @property
    def packing(self) -> float | None:
        return self.sold / self.sold_by_first_fit if self.sold_by_first_fit else None


@dataclass
class Run:
    """The rounds of all cells, on lines made once."""

    cells: Sequence[str]
    scenes: Sequence[str]
    clients: Sequence[int]
    rounds: int
    claims: int
    departures: int
    seed: int
    hot_seats: int = HOT_SEATS
    cold_seats: int = COLD_SEATS
    done: list[Cell] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.hot_line = make_line(seats=self.hot_seats, number="HOT 1")
        self.cold_line = make_line(seats=self.cold_seats, number="COLD 1")
        self.runs = 0
        _make_counter()

    def go(self, say: Callable[[str], None]) -> None:
        """Run every cell once a round, the order turned by one each time."""
        from bench.clients import Figures

        self.done = [
            Cell(scene, name, clients, Figures())
            for clients in self.clients
            for scene in self.scenes
            for name in self.cells
            if (name != "limit" or scene == self.scenes[0]) and (name != "guard" or scene == "hot")
        ]
        old = self._sold_before() if "cold" in self.scenes else []
        for turn in range(self.rounds):
            shift = turn % len(self.done)
            for cell in self.done[shift:] + self.done[:shift]:
                self._round(cell, old)
            say(f"round {turn + 1} of {self.rounds} is done")

    def _sold_before(self) -> list[int]:
        """Make the departures that sell already: their seats are laid out."""
        ids = self._departures(self.cold_line, self.departures)
        lay_out(self.cold_line, ids)
        return ids

    def _departures(self, line: Line, count: int) -> list[int]:
        ids = make_departures(line, count=count, first_run=self.runs)
        self.runs += count
        return ids

    def _round(self, cell: Cell, old: Sequence[int]) -> None:
        from bench.clients import together

        if cell.name == "limit":
            cell.figures.add(together(count(), numbers=range(self.claims), clients=cell.clients))
            return
        wishes, timed = self._wishes(cell.scene, old)
        act = self.act_of(cell, wishes)
        if cell.name == "guard":
            lay_out(self.hot_line, [wishes[0].departure_id])
            cell.figures.add(together(act, numbers=range(timed), clients=cell.clients))
            return
        before = _claims_of(wishes)
        done = together(act, numbers=range(timed), clients=cell.clients)
        cell.figures.add(done)
        rest = together(act, numbers=range(timed, len(wishes)), clients=cell.clients)
        stored = _claims_of(wishes) - before
        acknowledged = sum(one.word == "done" for one in [*done.samples, *rest.samples])
        if stored != acknowledged:
            self._fault(cell, f"{acknowledged} claims were told of, {stored} are stored")
        self._prove(cell, wishes)
        if cell.scene == "hot":
            cell.sold += _segments_sold(wishes, [done, rest])
            cell.sold_by_first_fit += first_fit(wishes, self.hot_seats)

    def act_of(self, cell: Cell, wishes: Sequence[Wish]) -> Act:
        """Answer what a client of this cell does for each request."""
        if cell.name == "service":
            return by_service(wishes)
        if cell.name == "guard":
            return by_guard(wishes)
        line = self.hot_line if cell.scene == "hot" else self.cold_line
        return by_engine(cell.name, line, wishes)

    def _wishes(self, scene: str, old: Sequence[int]) -> tuple[list[Wish], int]:
        """Answer the requests, and how many of them are timed."""
        if scene == "hot":
            (departure_id,) = self._departures(self.hot_line, 1)
            wishes, timed = hot_wishes(self.dice, departure_id, self.hot_seats)
            return wishes, timed
        drawn = stretches(self.dice)
        fresh_share = 1 if scene == "first" else FRESH_SHARE
        fresh = self._departures(self.cold_line, max(1, int(self.claims * fresh_share)))
        where = fresh + [self.dice.choice(old) for _ in range(self.claims - len(fresh))]
        self.dice.shuffle(where)
        wishes = [Wish(one, *next(drawn)) for one in where]
        return wishes, len(wishes)

    def _prove(self, cell: Cell, wishes: Sequence[Wish]) -> None:
        for fault in seats_sold_twice({wish.departure_id for wish in wishes}):
            self._fault(cell, fault)
        for word in cell.figures.words:
            if word.startswith("ERROR"):
                self._fault(cell, word)

    def verdict(self) -> list[str]:
        """Say what the proofs found."""
        if self.faults:
            return [f"FAULT  {fault}" for fault in self.faults]
        return ["Proven: every claim told of is stored, and no seat is sold twice."]

    def _fault(self, cell: Cell, text: str) -> None:
        self.faults.append(f"{cell.scene} {cell.name} {cell.clients}: {text}")


def _make_counter() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_counter")
        cursor.execute("CREATE TABLE bench_counter (id INTEGER PRIMARY KEY, n BIGINT NOT NULL)")
        cursor.execute("INSERT INTO bench_counter VALUES (1, 0)")


def _claims_of(wishes: Sequence[Wish]) -> int:
    from bookings.models import Claim

    departures = {wish.departure_id for wish in wishes}
    return Claim.objects.filter(stock__departure_id__in=departures).count()


def _segments_sold(wishes: Sequence[Wish], rounds: Sequence[Round]) -> int:
    return sum(
        wishes[one.number].last - wishes[one.number].first + 1
        for done in rounds
        for one in done.samples
        if one.word == "done"
    )


def seats_sold_twice(departure_ids: set[int]) -> list[str]:
    """Compare bits and claims of these departures, seat by seat and segment by segment."""
    from bookings.models import Claim, SeatStock

    claimed: dict[int, int] = {}
    faults = []
    for stock_id, first, last in Claim.objects.filter(
        stock__departure_id__in=departure_ids
    ).values_list("stock_id", "first_segment", "last_segment"):
        for segment in range(first, last + 1):
            if claimed.get(stock_id, 0) >> segment & 1:
                faults.append(f"segment {segment} of stock {stock_id} is claimed twice")
            claimed[stock_id] = claimed.get(stock_id, 0) | 1 << segment
    for stock_id, taken in SeatStock.objects.filter(departure_id__in=departure_ids).values_list(
        "id", "taken"
    ):
        if taken != claimed.get(stock_id, 0):
            faults.append(f"the bits of stock {stock_id} are not its claims")
    return faults


# --- what is told ---------------------------------------------------------------------------------


HEAD = (
    f"{'clients':>7} {'scene':<6}{'cell':<12}{'claims/s':>9}{'of limit':>9}"
    f"{'p50 ms':>8}{'p99 ms':>8}{'of limit':>9}{'retries':>8}{'errors':>7}{'packing':>8}"
)


def table(cells: Sequence[Cell]) -> list[str]:
    """Write the cells down, each with its ratio to the limit with as many clients."""
    limits = {cell.clients: cell.figures for cell in cells if cell.name == "limit"}
    lines = [HEAD]
    for cell in cells:
        figures, limit = cell.figures, limits.get(cell.clients)
        p99 = figures.milliseconds(0.99)
        share = f"{figures.per_second / limit.per_second:9.2f}" if limit else f"{'':>9}"
        slower = f"{p99 / limit.milliseconds(0.99):9.2f}" if limit else f"{'':>9}"
        packing = f"{cell.packing:8.3f}" if cell.packing is not None else ""
        lines.append(
            f"{cell.clients:>7} {'' if cell.name == 'limit' else cell.scene:<6}{cell.name:<12}"
            f"{figures.per_second:9.0f}{share}{figures.milliseconds(0.5):8.1f}{p99:8.1f}{slower}"
            f"{figures.retries:8}{figures.errors:7}{packing}"
        )
    return lines


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", default="16,32", type=numbers)
    parser.add_argument("--cells", default=",".join(CELLS), type=words(CELLS))
    parser.add_argument("--scenes", default="hot,cold", type=words(SCENES))
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument(
        "--claims", default=1_600, type=int, help="of limit, cold and first, a round"
    )
    parser.add_argument("--departures", default=2_000, type=int, help="that sold before, for cold")
    parser.add_argument("--seed", default=1, type=int)
    return parser.parse_args(arguments)


def numbers(text: str) -> list[int]:
    """Read `16,32`."""
    return [int(one) for one in text.split(",")]


def words(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Answer a reader of words with commas between, each of them known."""

    def read(text: str) -> list[str]:
        words = text.split(",")
        if unknown := set(words) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
        return words

    return read


def main() -> int:
    asked = options()
    give_me_servers("bench.claims")
    with own_database():
        run = Run(
            cells=asked.cells,
            scenes=asked.scenes,
            clients=asked.clients,
            rounds=asked.rounds,
            claims=asked.claims,
            departures=asked.departures,
            seed=asked.seed,
        )
        run.go(lambda line: print(line, file=sys.stderr, flush=True))
        print("\n".join(table(run.done)))
        print("\n".join(run.verdict()))
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
