"""
The stream of operations: drawn from the seed, done by the engine, foretold by the oracle.

Operation n is drawn from the seed and n alone, as an intent: what it acts on is chosen from what
there is when its turn comes. So any prefix replays, and so does what is left of a prefix when some
operations are dropped.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from bench.simulator import comparison
from bench.simulator.comparison import rows, stretch
from bench.simulator.oracle import (
    EXPIRED,
    HELD,
    OPEN,
    PAID,
    USED,
    Asked,
    Booking,
    Difference,
    FareFacts,
    Given,
    Holder,
    Leg,
    Oracle,
    Request,
    Trip,
    check_offer,
    is_quota_used_up,
    may_change,
)
from bench.simulator.world import CURRENCY, World, purge
from bookings.engine.contract import (
    SYSTEM,
    Actor,
    CouponRow,
    Engine,
    HolderRow,
    LegRow,
    PassengerRow,
    PriceLineRow,
    ReserveCommand,
    Result,
)
from bookings.models import Coupon as CouponRecord
from inventory.models import Call, Departure

# After so many operations everything is compared, audited and cleared away.
ERA = 10_000
# How often everything is compared.
FULL = 1_000
# What a failure says of its operation when it was found by looking at everything at the end.
AT_THE_END = "all of an era"
ON_SALE = 6
HOLD = timedelta(minutes=10)
TICK = timedelta(microseconds=1)
BEGINNING = datetime(2030, 1, 7, 6, 0, tzinfo=UTC)
WISHES = ["", "", "", "", "window", "aisle", "quiet", "accessible"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A difference, and after which operation it was seen; `step` says what that one was."""

    index: int
    step: str
    says: str


class Era:
    """
    One stretch of a run, from an empty timetable on.

    Eras share nothing, so that one that fails can be run again alone.
    """

    def __init__(
        self,
        *,
        seed: int,
        number: int,
        engine: Engine,
        world: World,
        at_the_counter: bool = False,
    ) -> None:
        """`at_the_counter` says that the engine is the services, which check more beforehand."""
        self.seed = seed
        self.number = number
        self.engine = engine
        self.world = world
        self.at_the_counter = at_the_counter
        self.oracle = Oracle(closed_first=at_the_counter)
        self.outcomes: Counter[str] = Counter()
        self.features: Counter[str] = Counter()
        self.now = BEGINNING + timedelta(days=number % 3650)
        self._names = count(1)
        self._on_sale: list[Trip] = []
        self._gone: deque[Trip] = deque(maxlen=4)
        self._recent: deque[Booking] = deque(maxlen=80)
        self._touched: dict[int, Trip] = {}
        self._met: dict[int, Booking] = {}
        self._said = ""

    def run(self, indexes: Iterable[int], *, full_from: int | None = None) -> Failure | None:
        """
        Do these operations; answer the first difference.

        Everything is compared after each thousandth, and from `full_from` on after each.
        """
        purge()
        cache.clear()
        done = -1
        for done in indexes:
            full = done % FULL == FULL - 1 or (full_from is not None and done >= full_from)
            try:
                self._step(done, full=full)
            except Difference as difference:
                return Failure(done, self._said, str(difference))
            except Exception as error:  # noqa: BLE001 - whatever it raises is what is looked for
                return Failure(done, self._said, f"{type(error).__name__}: {error}")
        try:
            comparison.compare_all(self.oracle, rng=Random(self.seed), now=self.now)
            comparison.audit_seats()
        except Difference as difference:
            return Failure(done, AT_THE_END, str(difference))
        return None

    def _step(self, index: int, *, full: bool) -> None:
        rng = Random(f"{self.seed}/{index}")
        self._touched, self._met = {}, {}
        self._pass_time(rng)
        self._keep_selling(rng)
        act = rng.choices(_ACTS, _WEIGHTS)[0]
        if act is Era._expire and self._beat_is_dead(index):
            act = Era._search
        self._said = act.__name__.strip("_")
        word = act(self, rng)
        self.outcomes[word] += 1
        if full:
            comparison.compare_all(self.oracle, rng=rng, now=self.now)
        elif self._touched:
            comparison.compare(
                list(self._touched.values()), self._met.values(), rng=rng, now=self.now
            )

    # --- the world

    def _beat_is_dead(self, index: int) -> bool:
        """For long stretches nobody sweeps but the buyers."""
        return Random(f"{self.seed}/beat/{index // 300}").random() < 0.4

    def _pass_time(self, rng: Random) -> None:
        luck = rng.random()
        if luck < 0.7:
            self.now += timedelta(microseconds=rng.randrange(7_000_000))
        elif luck < 0.8:
            self.now += timedelta(seconds=rng.randrange(30))
        elif luck > 0.995:
            self.now += timedelta(seconds=rng.randrange(120, 900))

    def _keep_selling(self, rng: Random) -> None:
        """Take departures off the list that have gone, and open new ones in their place."""
        for trip in list(self._on_sale):
            if self.now > trip.closes_at[-1] + timedelta(minutes=1):
                self._retire(trip)
        while len(self._on_sale) < ON_SALE:
            trip = self.world.open(rng, number=len(self.oracle.trips), now=self.now)
            self.oracle.trips[trip.departure_id] = trip
            self._on_sale.append(trip)

    def _retire(self, trip: Trip) -> None:
        self._on_sale.remove(trip)
        self._gone.append(trip)

    def _say(self, text: str) -> None:
        self._said = f"{self._said} {text}"

    def _touch(self, bookings: Iterable[Booking], trips: Iterable[Trip] = ()) -> None:
        """Note what an act may have changed, to be compared after it."""
        for booking in bookings:
            self._met[booking.reservation_id] = booking
            for trip in booking.trips:
                self._touched[trip.departure_id] = trip
        for trip in trips:
            self._touched[trip.departure_id] = trip

    # --- looking

    def _search(self, rng: Random) -> str:
        trips = rng.sample(self._on_sale, rng.randrange(1, 4))
        self._say(f"departures {[trip.number for trip in trips]}")
        comparison.search(trips, rng=rng, now=self.now)
        return "searched"

    # --- reserving

    def _reserve(self, rng: Random) -> str:
        request = self._draw_request(rng)
        infants = _draw_infants(rng, request)
        request = _with_infants(request, infants)
        self._say(_describe(request))
        refusals = self.oracle.refusals(request, self.now)
        command = self._command(request)
        result = self._do(
            lambda: self.engine.reserve(
                command, now=self.now, actor=Actor("holder", request.holder.user_id)
            )
        )
        trips = [leg.trip for leg in request.legs if leg.trip.departure_id in self.oracle.trips]
        fresh = sum(not trip.version for trip in trips)
        if not result.done:
            self._touch([], trips)
            _check_refusal(result, refusals)
            self.features["quota used up"] += any(
                leg.ticket_id == result.ticket_id and is_quota_used_up(leg, self.now)
                for leg in request.legs
            )
            if result.outcome == "sold_out" and not self.at_the_counter:
                self._check_offer(request, result)
            return str(result.outcome)
        if refusals:
            raise Difference(f"done, though it must be refused: {dict(refusals)}")
        assert result.reservation_id is not None
        given, coupon_ids = _read_given(result.reservation_id)
        _check_coupons(given, request)
        swept = self.oracle.reserve(
            request,
            given,
            reservation_id=result.reservation_id,
            coupon_ids=coupon_ids,
            now=self.now,
        )
        booking = self.oracle.bookings[result.reservation_id]
        self._recent.append(booking)
        self._touch([booking, *swept], trips)
        self.features["swept before a sale"] += len(swept)
        self.features["sold for the first time"] += fresh
        self.features["changed seats on the way"] += any(
            len(coupon.claims) > 1 for coupon in booking.coupons
        )
        return "reserved"

    def _check_offer(self, request: Request, result: Result) -> None:
        offered: Given = {}
        parts = result.details.get("seat_changes") or []
        assert isinstance(parts, list)
        for part in parts:
            key = (part.passenger, part.ticket_id)
            seat = (part.seat_id, part.first_segment, part.last_segment)
            offered[key] = (*offered.get(key, ()), seat)
        [leg] = [one for one in request.legs if one.ticket_id == result.ticket_id]
        check_offer(leg, offered, self.now)
        self.features["offered a change of seats"] += bool(offered)

    def _draw_request(self, rng: Random) -> Request:
        size = rng.choices(range(1, 10), [46, 24, 10, 6, 4, 3, 2, 2, 3])[0]
        wishes = [rng.choice(WISHES) for _ in range(size)]
        chooses = rng.random() < 0.3
        meets = _meet_on_the_way if self.at_the_counter else _overlap
        legs: list[Leg] = []
        for _ in range(rng.choices([1, 2, 3], [70, 20, 10])[0]):
            leg = self._draw_leg(rng, wishes, chooses=chooses)
            if not any(meets(leg, other) for other in legs):
                legs.append(leg)
        rng.shuffle(legs)
        luck = rng.random()
        return Request(
            holder=self._draw_holder(rng),
            legs=legs,
            hold_until=self.now + (HOLD if luck < 0.95 else rng.choice([TICK, HOLD / 60])),
            max_holds=rng.choices([10, 3, 1], [80, 12, 8])[0],
            max_holds_there=rng.choices([None, 3, 1], [50, 38, 12])[0],
            accepts_change=rng.random() < 0.5,
        )

    def _draw_leg(self, rng: Random, wishes: Sequence[str], *, chooses: bool) -> Leg:
        trip = rng.choice(self._on_sale)
        if self._gone and rng.random() < 0.02:
            trip = rng.choice(self._gone)
        elif rng.random() < 0.004 and not self.at_the_counter:
            # Nobody knows such a departure.
            trip = replace(trip, departure_id=2**34, is_scheduled=False, owners={}, held={})
        fare = rng.choice(trip.fares)
        seats: list[int | None] = [None] * len(wishes)
        if chooses and (trip.has_labels or not self.at_the_counter):
            seats = _draw_seats(rng, trip, fare, len(wishes), only_fitting=self.at_the_counter)
        party = [Asked(True, wish, seat) for wish, seat in zip(wishes, seats, strict=True)]
        first, last = self._draw_way(rng, trip)
        if rng.random() < 0.45:
            first, last = self._draw_broken_way(rng, Leg(trip, first, last, fare, party))
        return Leg(trip, first, last, fare, party)

    def _draw_way(self, rng: Random, trip: Trip) -> tuple[int, int]:
        """Draw a stretch, most times one that may still be boarded."""
        first, last = stretch(trip, rng)
        if self.now >= trip.closes_at[first] and rng.random() < 0.95:
            ahead = [n for n, closes in enumerate(trip.closes_at) if self.now < closes]
            if ahead:
                first = rng.choice(ahead)
                last = rng.randrange(first, trip.segments)
        return first, last

    def _draw_broken_way(self, rng: Random, leg: Leg) -> tuple[int, int]:
        """Look for a stretch on which the party finds seats only with a change on the way."""
        trip, travel_class = leg.trip, leg.fare.travel_class
        for _ in range(8):
            first, last = self._draw_way(rng, trip)
            broken = replace(leg, first=first, last=last)
            free = trip.free(travel_class, first, last, self.now)
            if len(free) < len(leg.party) and may_change(broken, self.now):
                return first, last
        return leg.first, leg.last

    def _draw_holder(self, rng: Random) -> Holder:
        number = rng.randrange(6)
        luck = rng.random()
        if luck < 0.5:
            return Holder(user_id=self.world.user_ids[number])
        return Holder(
            email=f"guest{number}@example.org" if luck < 0.9 else None,
            phone=f"+4930000{rng.randrange(6)}" if luck > 0.8 else None,
        )

    def _command(self, request: Request) -> ReserveCommand:
        party = request.legs[0].party
        name = f"{self.number:x}-{next(self._names):x}"
        holder = request.holder
        guest = None if holder.user_id else f"guest-{self.seed}-{name}"
        adults = [number for number, asked in enumerate(party) if asked.needs_seat]
        return ReserveCommand(
            locator=_locator(next(self._names)),
            holder=HolderRow(holder.user_id, guest, holder.email, holder.phone, "en"),
            currency=CURRENCY,
            hold_until=request.hold_until,
            passengers=[
                PassengerRow(
                    position=number,
                    first_name="Ada",
                    last_name="Roe",
                    kind="adult" if asked.needs_seat else "infant",
                    seat_wish=asked.wish,
                    accompanied_by=None if asked.needs_seat else adults[number % len(adults)],
                )
                for number, asked in enumerate(party)
            ],
            legs=[_leg_row(leg, f"{name}-{number}") for number, leg in enumerate(request.legs)],
            max_live_holds=request.max_holds,
            max_live_holds_there=request.max_holds_there,
            accept_seat_change=request.accepts_change,
        )

    # --- what happens to a hold

    def _pay(self, rng: Random) -> str:
        return self._pay_it(self._draw_booking(rng, HELD))

    def _pay_at_the_end(self, rng: Random) -> str:
        """Pay at the very second at which the hold ends, or just before or after."""
        booking = self._draw_booking(rng, HELD)
        if booking is not None:
            self.now = max(self.now, booking.hold_until + rng.choice([-TICK, 0 * TICK, TICK]))
        return self._pay_it(booking)

    def _pay_it(self, booking: Booking | None) -> str:
        is_due = booking is not None and self.oracle.refusal_of_hold(booking, self.now) is None
        if booking is not None and is_due and self.at_the_counter:
            # A payment that begins has time to end.
            self.oracle.extend(booking, self.now + settings.HOLD_WHILE_PAYING, "lengthened_at")
        word = self._settle(
            booking, lambda key: self.engine.confirm(key, now=self.now, actor=SYSTEM)
        )
        if word == "done":
            assert booking is not None
            self.oracle.pay(booking)
            return "paid"
        return word

    def _release(self, rng: Random) -> str:
        booking = self._draw_booking(rng, HELD)
        word = self._settle(
            booking, lambda key: self.engine.release(key, now=self.now, actor=SYSTEM)
        )
        if word == "done":
            assert booking is not None
            self.oracle.release(booking)
            return "released"
        return word

    def _extend(self, rng: Random) -> str:
        booking = self._draw_booking(rng, HELD)
        mark = rng.choice(["extended_at", "lengthened_at"])
        until = self.now + rng.choice([HOLD, HOLD, HOLD / 2, TICK])
        changed: list[object] = []

        def act(key: int) -> Result:
            result = self.engine.extend(key, until=until, mark=mark, now=self.now, actor=SYSTEM)
            changed.append(result.details.get("changed"))
            return result

        word = self._settle(booking, act)
        if word != "done":
            return word
        assert booking is not None
        lengthened = self.oracle.extend(booking, until, mark)
        if changed != [lengthened]:
            raise Difference(f"extended says changed {changed}, must be {lengthened}")
        return "extended" if lengthened else "not_extended"

    def _reclaim(self, rng: Random) -> str:
        """Take the seats of a hold that ended again, as for a payment that came late."""
        booking = self._draw_booking(rng, EXPIRED if rng.random() < 0.85 else HELD)
        other_seats = rng.random() < 0.5
        until = self.now + HOLD / 2
        key = booking.reservation_id if booking else 2**40
        self._say(f"reservation {booking.state if booking else 'unknown'} {key}, {other_seats}")
        refusals = self.oracle.refusals_of_reclaiming(booking, self.now, other_seats=other_seats)
        result = self._do(
            lambda: self.engine.reclaim(
                key, until=until, other_seats=other_seats, now=self.now, actor=SYSTEM
            )
        )
        if booking is not None:
            self._touch([booking])
        if not result.done:
            _check_refusal(result, refusals, names_the_ticket=not self.at_the_counter)
            return str(result.outcome)
        if refusals or booking is None:
            raise Difference(f"done, though it must be refused: {dict(refusals)}")
        lived = booking.lives(self.now)
        given, _ = _read_given(key)
        swept = self.oracle.reclaim(booking, given, until, self.now, other_seats=other_seats)
        self._touch(swept)
        return "not_reclaimed" if lived else "reclaimed"

    def _settle(self, booking: Booking | None, act: Callable[[int], Result]) -> str:
        """Act on a hold and see that the outcome is the foretold one."""
        key = booking.reservation_id if booking else 2**40
        self._say(f"reservation {booking.state if booking else 'unknown'} {key}")
        wanted = self.oracle.refusal_of_hold(booking, self.now) or "done"
        result = self._do(lambda: act(key))
        if booking is not None:
            self._touch([booking])
        if result.outcome != wanted:
            raise Difference(f"{result.outcome}, must be {wanted}")
        return wanted

    def _expire(self, rng: Random) -> str:
        limit = rng.choice([1, 2, 5, 200])
        ended = self.oracle.ended(self.now)
        self._say(f"at most {limit} of {len(ended)}")
        number: list[int] = []
        with transaction.atomic():
            number.append(self.engine.expire(now=self.now, limit=limit))
        swept = self.oracle.expire(ended[:limit])
        self._touch(swept)
        if number != [len(swept)]:
            raise Difference(f"{number} holds were expired, must be {len(swept)}")
        return "expired" if swept else "nothing_to_expire"

    # --- what happens to a paid reservation

    def _cancel(self, rng: Random) -> str:
        booking = self._draw_booking(rng, rng.choices([PAID, HELD], [12, 1])[0])
        left = [one for one in booking.coupons if one.state == OPEN] if booking else []
        return self._cancel_these(booking, [one.coupon_id for one in left] or [2**40])

    def _cancel_a_part(self, rng: Random) -> str:
        booking = self._draw_booking(rng, PAID)
        any_state = rng.random() < 0.2
        every = [
            one.coupon_id
            for one in (booking.coupons if booking else [])
            if any_state or one.state == OPEN
        ]
        chosen = rng.sample(every, rng.randrange(1, len(every) + 1)) if every else []
        if self._recent and rng.random() < 0.1:
            chosen.append(rng.choice(rng.choice(self._recent).coupons).coupon_id)
        return self._cancel_these(booking, list(dict.fromkeys(chosen)) or [2**40])

    def _cancel_these(self, booking: Booking | None, coupon_ids: Sequence[int]) -> str:
        key = booking.reservation_id if booking else 2**40
        self._say(f"reservation {booking.state if booking else 'unknown'} {key} {coupon_ids}")
        wanted = self.oracle.refusal_of_cancelling(booking, coupon_ids) or "done"
        result = self._do(
            lambda: self.engine.cancel_coupons(key, coupon_ids, now=self.now, actor=SYSTEM)
        )
        if booking is not None:
            self._touch([booking])
        if result.outcome != wanted:
            raise Difference(f"{result.outcome}, must be {wanted}")
        if booking is None or wanted != "done":
            return wanted
        whole = self.oracle.cancel(booking, coupon_ids)
        if result.details.get("whole") is not whole:
            raise Difference(f"cancelled says {result.details}, must be whole: {whole}")
        return "cancelled" if whole else "part_cancelled"

    def _scan(self, rng: Random) -> str:
        """Somebody travels: a coupon that is used keeps its seat and is not cancelled any more."""
        booking = self._draw_booking(rng, PAID)
        left = [one for one in booking.coupons if one.state == OPEN] if booking else []
        if booking is None or booking.state != PAID or not left:
            return "nothing_to_scan"
        coupon = rng.choice(left)
        self._say(f"coupon {coupon.coupon_id}")
        CouponRecord.objects.filter(id=coupon.coupon_id).update(state=USED)
        coupon.state = USED
        self._touch([booking])
        return "scanned"

    # --- what the carrier does

    def _change_departure(self, rng: Random) -> str:
        trip = rng.choice([one for one in self._on_sale if not one.is_open] or self._on_sale)
        change = rng.choices([_delay, _cancel_departure, _close_sales], [6, 2, 4])[0]
        if not trip.is_open and rng.random() < 0.7:
            change = _reopen_sales
        self._say(f"{change.__name__} of departure {trip.number}")
        change(trip, rng, self.now)
        if not trip.is_scheduled and rng.random() < 0.8:
            self._retire(trip)
        return "departure_changed"

    # --- doing

    def _draw_booking(self, rng: Random, state: str) -> Booking | None:
        """
        Draw a reservation, most times a live one in this state; now and then one there never was.
        """
        luck = rng.random()
        fitting = [
            one
            for one in self._recent
            if one.state == state and (luck > 0.8 or one.lives(self.now))
        ]
        if luck < 0.9 and fitting:
            return rng.choice(fitting)
        return rng.choice(self._recent) if self._recent and luck < 0.98 else None

    def _do(self, act: Callable[[], Result]) -> Result:
        """Act in a transaction that a refusal rolls back; services have their own."""
        if self.at_the_counter:
            return act()
        with transaction.atomic():
            result = act()
            if not result.done:
                transaction.set_rollback(True)
        return result


_WEIGHED: list[tuple[Callable[[Era, Random], str], int]] = [
    (Era._search, 26),
    (Era._reserve, 28),
    (Era._pay, 14),
    (Era._pay_at_the_end, 2),
    (Era._release, 5),
    (Era._extend, 5),
    (Era._reclaim, 5),
    (Era._expire, 4),
    (Era._cancel, 3),
    (Era._cancel_a_part, 6),
    (Era._scan, 1),
    (Era._change_departure, 2),
]
_ACTS = [act for act, _ in _WEIGHED]
_WEIGHTS = [weight for _, weight in _WEIGHED]

# What else a run must have met.
FEATURES = (
    "swept before a sale",
    "changed seats on the way",
    "offered a change of seats",
    "quota used up",
    "sold for the first time",
)

# Every way in which an operation may end; a run says which it did not see.
WORDS = (
    "searched",
    "reserved",
    "paid",
    "released",
    "extended",
    "not_extended",
    "expired",
    "nothing_to_expire",
    "reclaimed",
    "not_reclaimed",
    "cancelled",
    "part_cancelled",
    "scanned",
    "nothing_to_scan",
    "departure_changed",
    "not_found",
    "too_many_holds",
    "departure_closed",
    "seat_taken",
    "sold_out",
    "hold_expired",
    "already_paid",
    "already_cancelled",
    "not_cancellable",
)


# --- drawing --------------------------------------------------------------------------------------


def _overlap(one: Leg, other: Leg) -> bool:
    """Say whether two legs share a segment: one traveller cannot sit there twice."""
    return one.trip is other.trip and one.first <= other.last and other.first <= one.last


def _meet_on_the_way(one: Leg, other: Leg) -> bool:
    """Say whether one leg is planned to begin before the other has ended."""
    return (
        one.trip.planned[one.first] < other.trip.planned[other.last + 1]
        and other.trip.planned[other.first] < one.trip.planned[one.last + 1]
    )


def _draw_seats(
    rng: Random, trip: Trip, fare: FareFacts, size: int, *, only_fitting: bool
) -> list[int | None]:
    """Draw chosen seats: most of them fitting ones, some of another class, vehicle, or twice."""
    fitting = [key for key, seat in trip.seats.items() if seat.travel_class == fare.travel_class]
    rng.shuffle(fitting)
    chosen: list[int | None] = []
    for _ in range(size):
        luck = rng.random()
        if luck < 0.6 and fitting:
            chosen.append(fitting.pop())
        elif luck > 0.63 or only_fitting:
            chosen.append(None)
        elif luck < 0.62:
            chosen.append(rng.choice(list(trip.seats)))
        else:
            chosen.append(max(trip.seats) + 1)
    return chosen


def _draw_infants(rng: Random, request: Request) -> int:
    """Draw how many infants come along; nine passengers are the most."""
    size = len(request.legs[0].party)
    if rng.random() > 0.15:
        return 0
    return min(rng.randrange(1, size + 1), 9 - size)


def _with_infants(request: Request, infants: int) -> Request:
    if not infants:
        return request
    lap = [Asked(needs_seat=False, wish="", seat_id=None)] * infants
    return replace(
        request,
        legs=[replace(leg, party=[*leg.party, *lap]) for leg in request.legs],
    )


def _describe(request: Request) -> str:
    legs = ", ".join(
        f"departure {leg.trip.number} {leg.first}-{leg.last} fare {leg.fare.number}"
        + (f" seats {leg.chosen}" if leg.chosen else "")
        for leg in request.legs
    )
    return f"{len(request.legs[0].party)} on {legs}"


# --- asking the engine ----------------------------------------------------------------------------


def _leg_row(leg: Leg, name: str) -> LegRow:
    return LegRow(
        ticket_id=leg.ticket_id,
        departure_id=leg.trip.departure_id,
        first_segment=leg.first,
        last_segment=leg.last,
        travel_class=leg.fare.travel_class,
        fare_id=leg.fare.fare_id,
        closes_at=leg.trip.closes_at[leg.first],
        coupons=[
            CouponRow(
                passenger=number,
                barcode=f"{name}-{number}",
                fare_version_id=leg.fare.version_id,
                price_lines=[PriceLineRow("fare", "Fare", 1_000)],
                needs_seat=asked.needs_seat,
                seat_id=asked.seat_id,
            )
            for number, asked in enumerate(leg.party)
        ],
        quota=leg.fare.quota,
    )


def _locator(number: int) -> str:
    return f"{number:06X}"


def _check_refusal(
    result: Result, refusals: dict[str, set[int | None]], *, names_the_ticket: bool = True
) -> None:
    word = str(result.outcome)
    if word not in refusals:
        raise Difference(f"{word}, must be {' or '.join(refusals) or 'done'}")
    if names_the_ticket and result.ticket_id not in refusals[word]:
        raise Difference(f"{word} blames {result.ticket_id}, must be one of {refusals[word]}")


def _read_given(reservation_id: int) -> tuple[Given, dict[tuple[int, int], int]]:
    """Answer the seats and the coupons that passengers (by position) have on tickets."""
    given: Given = {}
    coupon_ids: dict[tuple[int, int], int] = {}
    for position, ticket_id, coupon_id, seat_id, first, last in rows(
        "SELECT passenger.position, coupon.ticket_id, coupon.id, stock.seat_id, "
        "claim.first_segment, claim.last_segment FROM bookings_passenger passenger "
        "JOIN bookings_coupon coupon ON coupon.passenger_id = passenger.id "
        "LEFT JOIN bookings_claim claim ON claim.coupon_id = coupon.id "
        "LEFT JOIN bookings_seatstock stock ON stock.id = claim.stock_id "
        "WHERE passenger.reservation_id = %s",
        [reservation_id],
    ):
        coupon_ids[position, ticket_id] = coupon_id
        claims = given.setdefault((position, ticket_id), ())
        if seat_id is not None:
            given[position, ticket_id] = (*claims, (seat_id, first, last))
    return given, coupon_ids


def _check_coupons(given: Given, request: Request) -> None:
    wanted = {
        (position, leg.ticket_id) for leg in request.legs for position in range(len(leg.party))
    }
    if set(given) != wanted:
        raise Difference(f"coupons of {sorted(given)}, must be of {sorted(wanted)}")


# --- the carrier's changes ------------------------------------------------------------------------


def _close_sales(trip: Trip, rng: Random, now: datetime) -> None:
    Departure.objects.filter(id=trip.departure_id).update(sales_closed_at=now)
    trip.is_open = False


def _reopen_sales(trip: Trip, rng: Random, now: datetime) -> None:
    Departure.objects.filter(id=trip.departure_id).update(sales_closed_at=None)
    trip.is_open = True


def _cancel_departure(trip: Trip, rng: Random, now: datetime) -> None:
    state = rng.choice([Departure.State.CANCELLED, Departure.State.WITHDRAWN])
    Departure.objects.filter(id=trip.departure_id).update(state=state)
    trip.is_scheduled = False


def _delay(trip: Trip, rng: Random, now: datetime) -> None:
    """From a call on the departure is late, or catches up: sales of what is ahead close later."""
    start = rng.randrange(trip.segments)
    by = timedelta(minutes=rng.randrange(-3, 20))
    trip.closes_at[start:] = [closes + by for closes in trip.closes_at[start:]]
    calls = list(
        Call.objects.filter(departure_id=trip.departure_id, position__gte=start).order_by("id")
    )
    for call in calls:
        if call.departs_at is not None:
            call.expected_departs_at = (call.expected_departs_at or call.departs_at) + by
    Call.objects.bulk_update(calls, ["expected_departs_at"])
