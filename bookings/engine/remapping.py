"""
Who sits where when the seats have changed: a pure choice, one class at a time.

As many as there is room for keep a seat, whoever has paid before whoever has not; nobody changes
seats on the way where one will do. Within that a wheelchair space goes to whoever asked for one,
people keep the seat of the same name, parties stay together, and wishes are met.

Passengers are placed in the order in which they board. Whoever boards at a segment finds every seat
that is free there free to the end, so that any choice among them leaves room for all who follow:
the number of seats that suffices is that of the fullest segment, whatever is chosen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bookings.engine.placement import FreeSeat, Part, place_with_changes
from inventory.ticket_ids import segments_mask

ACCESSIBLE = "accessible"
# Coaches and rows between a party that sits together: side by side, or in neighbouring rows.
NEAR = (0, 1)
# On board before paid, paid before held.
ABOARD, PAID, HELD = range(3)
# What is disliked, and how much: a party apart, somebody on another seat, a wish unmet.
TORN, MOVED, UNMET = 6, 2, 1
# So often everybody is asked whether to exchange seats; mostly the second time nobody does.
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Sitter:
    """
    A coupon that needs a seat: whose party it is, its stretch, its wish, and where it sat.

    `rank` is ABOARD, PAID or HELD. Sitters come in the order in which they booked.
    """

    coupon_id: int
    party: int
    first_segment: int
    last_segment: int
    rank: int = PAID
    wish: str = ""
    had: FreeSeat | None = None

    @property
    def mask(self) -> int:
        """The bits of its segments."""
        return segments_mask(self.first_segment, self.last_segment)


def remap(
    sitters: Sequence[Sitter], seats: Sequence[tuple[FreeSeat, int]]
) -> dict[int, list[Part]]:
    """
    Answer the seats of each coupon on the way, one after another; of whoever has none, nothing.

    `seats` are all of the class in the order of the map, each with the bits that are not to be had.
    """
    riders = _as_many_as_fit(sitters, [bits for _, bits in seats])
    special = [bits for seat, bits in seats if seat.is_accessible]
    needing = _as_many_as_fit([one for one in riders if one.wish == ACCESSIBLE], special)
    board = _Board(seats, riders, {one.coupon_id for one in needing})
    for _, boarding in groupby(
        sorted(riders, key=lambda one: one.first_segment), key=lambda one: one.first_segment
    ):
        board.seat(list(boarding))
    board.seat_with_changes([one for one in riders if one.coupon_id not in board.placed])
    board.improve(riders)
    return board.placed


def _as_many_as_fit(sitters: Sequence[Sitter], bits: Sequence[int]) -> list[Sitter]:
    """
    Answer the most that there is room for, in the order given; the lower ranks are chosen first.

    Among intervals on so many like seats, taking whoever alights first, as long as no segment is
    overfull, seats as many as can be (Yannakakis and Gavril 1987).
    """
    room = {
        segment: sum(not taken >> segment & 1 for taken in bits)
        for one in sitters
        for segment in range(one.first_segment, one.last_segment + 1)
    }
    chosen: set[int] = set()
    order = sorted(
        range(len(sitters)),
        key=lambda at: (sitters[at].rank, sitters[at].last_segment, -sitters[at].first_segment, at),
    )
    for at in order:
        stretch = range(sitters[at].first_segment, sitters[at].last_segment + 1)
        if all(room[segment] > 0 for segment in stretch):
            chosen.add(at)
            for segment in stretch:
                room[segment] -= 1
    return [one for at, one in enumerate(sitters) if at in chosen]


class _Board:
    """The seats of a class while they are given out."""

    def __init__(
        self,
        seats: Sequence[tuple[FreeSeat, int]],
        riders: Sequence[Sitter],
        needing: Collection[int],
    ) -> None:
        self._seats = [seat for seat, _ in seats]
        self._taken = [bits for _, bits in seats]
        self._needing = needing
        self._at = {seat.seat_id: at for at, seat in enumerate(self._seats)}
        by_name = {
            (seat.coach_label, seat.label): at for at, seat in enumerate(self._seats) if seat.label
        }
        self._own = {
            one.coupon_id: by_name.get((one.had.coach_label, one.had.label)) if one.had else None
            for one in riders
        }
        self._waiting: dict[int, list[Sitter]] = defaultdict(list)
        for one in riders:
            own = self._own[one.coupon_id]
            if own is not None and self._may_keep(one, own):
                self._waiting[own].append(one)
        self._sitting: dict[int, list[FreeSeat]] = defaultdict(list)
        self.placed: dict[int, list[Part]] = {}

    def seat(self, boarding: Sequence[Sitter]) -> None:
        """Seat those who board at one segment, as far as a single seat is free for each."""
        for one in boarding:
            if one.coupon_id in self._needing:
                self._seat_in_a_space(one)
        parties: dict[int, list[Sitter]] = defaultdict(list)
        for one in boarding:
            if one.coupon_id not in self.placed:
                parties[one.party].append(one)
        moving = [party for party in parties.values() if not self._keep(party)]
        for party in sorted(moving, key=len, reverse=True):
            self._seat_together(party)

    def seat_with_changes(self, sitters: Iterable[Sitter]) -> None:
        """Seat who is left on one seat after another: each segment has room for all of them."""
        for one in sitters:
            found = place_with_changes(
                list(zip(self._seats, self._taken, strict=True)),
                first=one.first_segment,
                last=one.last_segment,
                size=1,
            )
            assert found is not None, "no more ride than each segment has room for"
            self._give(one, found[0])

    def improve(self, riders: Sequence[Sitter]) -> None:
        """Let people exchange seats, two at a time, as long as that pleases more than it annoys."""
        self._people = {one.coupon_id: one for one in riders}
        self._members: dict[int, list[Sitter]] = defaultdict(list)
        self._on: dict[int, set[int]] = defaultdict(set)
        for one in riders:
            if len(self.placed[one.coupon_id]) == 1:
                self._members[one.party].append(one)
                self._on[self._seat_of(one)].add(one.coupon_id)
        for _ in range(ROUNDS):
            exchanged = [self._find_better(one) for one in riders if self._dislikes(one)]
            if not any(exchanged):
                break

    def _find_better(self, one: Sitter) -> bool:
        """Exchange one's seat for that with which all concerned are better off, if there is any."""
        here = self._seat_of(one)
        best, best_gain = None, 0
        for there, seat in enumerate(self._seats):
            if there == here or seat.is_accessible != self._seats[here].is_accessible:
                continue
            other = self._who_would_leave(one, here, there)
            if other is None:
                continue
            gain = self._gain(one, here, there, other)
            if gain > best_gain:
                best, best_gain = (there, other), gain
        if best is None:
            return False
        self._exchange(one, here, *best)
        return True

    def _who_would_leave(self, one: Sitter, here: int, there: int) -> list[Sitter] | None:
        """Answer who would sit here instead: nobody or one person; None where it cannot be."""
        others = [self._people[key] for key in self._on[there] if self._people[key].mask & one.mask]
        if len(others) > 1:
            return None
        leaving = others[0].mask if others else 0
        if self._taken[there] & one.mask & ~leaving:
            return None
        if self._taken[here] & leaving & ~one.mask:
            return None
        if others and one.wish != others[0].wish and ACCESSIBLE in (one.wish, others[0].wish):
            return None
        return others

    def _gain(self, one: Sitter, here: int, there: int, other: Sequence[Sitter]) -> int:
        parties = {one.party, *(each.party for each in other)}
        before = sum(self._annoyance(party) for party in parties)
        self._exchange(one, here, there, other)
        after = sum(self._annoyance(party) for party in parties)
        back = list(other)
        self._exchange(one, there, here, back)
        return before - after

    def _exchange(self, one: Sitter, here: int, there: int, other: Sequence[Sitter]) -> None:
        self._leave(one, here)
        for each in other:
            self._leave(each, there)
        self._sit(one, there)
        for each in other:
            self._sit(each, here)

    def _leave(self, one: Sitter, at: int) -> None:
        self._taken[at] &= ~one.mask
        self._on[at].discard(one.coupon_id)

    def _sit(self, one: Sitter, at: int) -> None:
        self._taken[at] |= one.mask
        self._on[at].add(one.coupon_id)
        part = Part(self._seats[at], one.first_segment, one.last_segment)
        self.placed[one.coupon_id] = [part]

    def _seat_of(self, one: Sitter) -> int:
        return self._at[self.placed[one.coupon_id][0].seat.seat_id]

    def _dislikes(self, one: Sitter) -> bool:
        return len(self.placed[one.coupon_id]) == 1 and self._annoyance(one.party) > 0

    def _annoyance(self, party: int) -> int:
        members = self._members[party]
        seats = [self._seats[self._seat_of(one)] for one in members]
        torn = TORN if _spread(seats) > NEAR else 0
        return torn + sum(
            MOVED * (self._own[one.coupon_id] not in (None, self._seat_of(one)))
            + UNMET * (bool(one.wish) and not _likes(one, seat))
            for one, seat in zip(members, seats, strict=True)
        )

    def _seat_in_a_space(self, one: Sitter) -> None:
        spaces = [at for at in self._free(one.mask) if self._seats[at].is_accessible]
        if spaces:
            own = self._own[one.coupon_id]
            self._put(one, own if own in spaces else spaces[0])

    def _keep(self, party: Sequence[Sitter]) -> bool:
        """
        Leave a party on the seats of the same names, where all can be kept; say whether they were.

        Names that lie further apart on the new map than the seats did are no seats to keep.
        """
        own = [at for at in (self._own[one.coupon_id] for one in party) if at is not None]
        if len(set(own)) < len(party):
            return False
        for one, at in zip(party, own, strict=True):
            if not self._may_keep(one, at) or self._taken[at] & one.mask:
                return False
        before = _spread([one.had for one in party if one.had is not None])
        if _spread([self._seats[at] for at in own]) > max(before, NEAR):
            return False
        for one, at in zip(party, own, strict=True):
            self._put(one, at)
        return True

    def _may_keep(self, one: Sitter, at: int) -> bool:
        is_kept_free = self._seats[at].is_accessible and bool(self._needing)
        return not is_kept_free or one.coupon_id in self._needing

    def _seat_together(self, party: Sequence[Sitter]) -> None:
        mask = 0
        for one in party:
            mask |= one.mask
        pool = self._pool(party, mask)
        if len(pool) >= len(party):
            group = self._best_group(party, pool)
            for one, at in zip(party, self._by_wish(party, group), strict=True):
                self._put(one, at)
            return
        # Too few for all of them side by side: each where there is one.
        for one in party:
            pool = self._pool([one], one.mask)
            if pool:
                self._put(one, self._best_group([one], pool)[0])

    def _pool(self, party: Sequence[Sitter], mask: int) -> list[int]:
        """
        Answer the seats to choose from: those that nobody else waits for, or more if they must be.

        A wheelchair space is for others only when nothing else is left.
        """
        free = self._free(mask)
        ordinary = [at for at in free if not self._seats[at].is_accessible]
        coupons = {one.coupon_id for one in party}
        unwanted = [at for at in ordinary if not self._is_waited_for(at, mask, coupons)]
        for pool in (unwanted, ordinary, free):
            if len(pool) >= len(party):
                return pool
        return free

    def _is_waited_for(self, at: int, mask: int, party: Collection[int]) -> bool:
        return any(
            one.coupon_id not in self.placed and one.coupon_id not in party and one.mask & mask
            for one in self._waiting.get(at, ())
        )

    def _best_group(self, party: Sequence[Sitter], pool: Sequence[int]) -> list[int]:
        """Answer the seats of the pool that lie closest together, and of those the best liked."""
        size = len(party)
        beside = self._sitting.get(party[0].party, [])
        groups = [list(pool[at : at + size]) for at in range(len(pool) - size + 1)]
        spreads = [_spread([*beside, *(self._seats[at] for at in group)]) for group in groups]
        closest = min(spreads)
        return max(
            (group for group, spread in zip(groups, spreads, strict=True) if spread == closest),
            key=lambda group: self._liking(party, group),
        )

    def _liking(self, party: Sequence[Sitter], group: Sequence[int]) -> tuple[int, int, int]:
        """Answer how many keep their seat, how many wishes are met, and how close they sit."""
        chosen = self._by_wish(party, group)
        pairs = list(zip(party, chosen, strict=True))
        kept = sum(self._own[one.coupon_id] == at for one, at in pairs)
        met = sum(_likes(one, self._seats[at]) for one, at in pairs)
        columns = [self._seats[at].column for at in chosen]
        return kept, met, min(columns) - max(columns)

    def _by_wish(self, party: Sequence[Sitter], group: Sequence[int]) -> list[int]:
        """Give each its own seat, then what it likes, then what is left, in the order of seats."""
        left = list(group)
        chosen: dict[int, int] = {}

        def take(at: int, one: Sitter) -> None:
            chosen[one.coupon_id] = at
            left.remove(at)

        for one in party:
            own = self._own[one.coupon_id]
            if own in left:
                take(own, one)
        for strength in (2, 1, 0):
            for one in party:
                if one.coupon_id not in chosen:
                    liked = [at for at in left if _likes(one, self._seats[at]) >= strength]
                    if liked:
                        take(liked[0], one)
        return [chosen[one.coupon_id] for one in party]

    def _free(self, mask: int) -> list[int]:
        return [at for at, bits in enumerate(self._taken) if not bits & mask]

    def _put(self, one: Sitter, at: int) -> None:
        self._give(one, [Part(self._seats[at], one.first_segment, one.last_segment)])

    def _give(self, one: Sitter, parts: list[Part]) -> None:
        self.placed[one.coupon_id] = parts
        self._sitting[one.party].append(parts[0].seat)
        for part in parts:
            mask = segments_mask(part.first_segment, part.last_segment)
            self._taken[self._at[part.seat.seat_id]] |= mask


def _spread(seats: Sequence[FreeSeat]) -> tuple[int, int]:
    """Answer over how many coaches and rows beyond the first these seats are spread."""
    if not seats:
        return 0, 0
    coaches = [seat.coach for seat in seats]
    rows = [seat.row for seat in seats]
    apart = max(coaches) - min(coaches)
    return apart, max(rows) - min(rows)


def _likes(one: Sitter, seat: FreeSeat) -> int:
    """Say how well a seat pleases: 2 meets a wish, 1 is like the seat before, 0 is any seat."""
    if one.wish:
        return 2 * {
            "window": seat.is_window,
            "aisle": seat.is_aisle,
            "quiet": seat.is_quiet,
            ACCESSIBLE: seat.is_accessible,
        }.get(one.wish, False)
    if one.had is None:
        return 0
    return int(one.had.is_window == seat.is_window and one.had.is_aisle == seat.is_aisle)
