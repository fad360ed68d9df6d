"""
What a door says to a ticket that is shown there, and by which rules.

Plain sums over plain values: static/js/door.js judges by the same rules, in the same order, from
the list that a device has taken along (tests/bookings/verdicts.json tries both).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Word(StrEnum):
    """What is told of a ticket, in the order in which it is asked."""

    UNKNOWN = "unknown"
    FORGED = "forged"
    NOT_LISTED = "not_listed"
    WRONG_DEPARTURE = "wrong_departure"
    WRONG_DAY = "wrong_day"
    NOT_RUNNING = "not_running"
    NOT_PAID = "not_paid"
    EXCHANGED = "exchanged"
    CANCELLED = "cancelled"
    ALREADY_USED = "already_used"
    ENDED = "ended"
    BOARDS_LATER = "boards_later"
    TOO_EARLY = "too_early"
    NEEDS_ADULT = "needs_adult"
    ADMITTED = "admitted"
    # Of taking a scan back.
    UNDONE = "undone"
    UNDO_REFUSED = "undo_refused"


class Hint(StrEnum):
    """What staff should know of somebody whom the door lets in."""

    JOINED_LATER = "joined_later"
    OTHER_COACH = "other_coach"
    SEAT_CHANGED = "seat_changed"
    OLD_ISSUE = "old_issue"
    NO_SEAT = "no_seat"
    WITH_INFANT = "with_infant"
    WHEELCHAIR = "wheelchair"


# The ticket is good, only not quite here and now: whoever stands at the door may know better.
MAY_INSIST = frozenset({Word.BOARDS_LATER, Word.TOO_EARLY, Word.NEEDS_ADULT})
# So long before it leaves one may board.
OPENS_BEFORE = {
    "Plane": timedelta(minutes=90),
    "Train": timedelta(minutes=45),
    "Bus": timedelta(minutes=45),
}
# A device takes back what it let in by mistake within this time.
UNDO_WITHIN = timedelta(minutes=10)

OPEN, USED, NO_SHOW, CANCELLED = "open", "used", "no_show", "cancelled"


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A ticket at a door.

    Stops are positions of calls: where the ticket begins and ends, and where the door is now.
    `opens_at` is when boarding begins at that stop. `adult_is_in` says of an infant whether its
    adult was let in, and is None for everybody else.
    """

    state: str
    is_paid: bool
    is_running: bool
    was_exchanged: bool
    from_stop: int
    to_stop: int
    stop: int
    opens_at: datetime
    at: datetime
    adult_is_in: bool | None = None


def judge(shown: Shown) -> Word:
    """Answer what the door says to a ticket of its own departure."""
    if not shown.is_running:
        return Word.NOT_RUNNING
    if not shown.is_paid:
        return Word.NOT_PAID
    if shown.state == CANCELLED:
        return Word.EXCHANGED if shown.was_exchanged else Word.CANCELLED
    if shown.state == USED:
        return Word.ALREADY_USED
    if shown.stop >= shown.to_stop:
        return Word.ENDED
    if shown.stop < shown.from_stop:
        return Word.BOARDS_LATER
    if shown.at < shown.opens_at:
        return Word.TOO_EARLY
    if shown.adult_is_in is False:
        return Word.NEEDS_ADULT
    return Word.ADMITTED


Seats = Sequence[tuple[str, str]]


def hints(
    *,
    shown: Shown,
    kind: str,
    seats: Seats,
    coach: str = "",
    infants_to_come: int = 0,
    needs_wheelchair: bool = False,
    issued_seats: Seats | None = None,
    is_old_issue: bool = False,
) -> list[Hint]:
    """
    Answer what else staff should know, in the order in which it is told.

    `coach` is where the door is in the vehicle, empty where it is for all. `issued_seats` are those
    that the ticket was issued with, None where it was not read.
    """
    coaches = {coach for coach, _label in seats}
    labelled = [(one, label) for one, label in seats if label]
    moved = issued_seats is not None and [one for one in issued_seats if one[1]] != labelled
    told = [
        (Hint.JOINED_LATER, shown.stop > shown.from_stop),
        (Hint.OTHER_COACH, bool(coach and labelled) and coach not in coaches),
        (Hint.SEAT_CHANGED, moved),
        (Hint.OLD_ISSUE, is_old_issue and not moved),
        (Hint.NO_SEAT, not seats and kind != "infant"),
        (Hint.WITH_INFANT, infants_to_come > 0),
        (Hint.WHEELCHAIR, needs_wheelchair),
    ]
    return [hint for hint, holds in told if holds]
