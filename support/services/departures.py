"""
What the desk does to departures: each act once, by whoever may, with a line in the log.

An act and its line stand in one transaction, together with the job for the passengers where one was
asked for. The token of the page that was confirmed makes a second press of the button harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from bookings.engine.contract import Actor
from bookings.services import vehicle_swap
from bookings.services.vehicle_swap import Reseated
from inventory.errors import HasArrived
from inventory.models import Departure
from inventory.reach import reach_of
from inventory.services import running
from support import desk
from support.desk import EVERYBODY, Concern
from support.models import DeskEntry, DisruptionJob
from support.services import disruptions
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.transactions import in_transaction

Act = DeskEntry.Act
Cause = DisruptionJob.Cause
Deed = DisruptionJob.Deed
MAX_REASON = 300
# What may be done when a departure has arrived: what is owed to its passengers is done then, too.
AFTER_ARRIVAL = frozenset({Act.JOB, Act.STOP, Act.RETRY})


@dataclass(frozen=True, slots=True)
class Hand:
    """
    Whoever acts: the member of staff, from which address, why, and the token of the page.

    `revision` is that of the departure when the page was shown (None: it was not asked for).
    """

    user_id: int
    reason: str = ""
    address: str = ""
    once: str | None = None
    revision: int | None = None

    @property
    def actor(self) -> Actor:
        """How the histories of reservations name it."""
        return Actor("staff", self.user_id, self.reason[:300])


@in_transaction
def delay(
    *, hand: Hand, departure_id: int, position: int, minutes: int, tell: bool, now: datetime
) -> DeskEntry:
    """
    Expect the departure so many minutes later from a call on; with `tell` the passengers learn it.

    There is no job where nobody learns anything new (support.desk.told_of_delay).

    :raises NotAllowed: the carrier's departures are not this user's to change.
    :raises HasArrived: it has reached its last call.

    and whatever inventory.services.running.delay raises; so for the other acts.
    """

    def change() -> dict[str, Any]:
        by = timedelta(minutes=minutes)
        return running.delay(
            departure_id=departure_id, position=position, by=by, revision=hand.revision, now=now
        )

    told = tell and desk.told_of_delay(departure_id, position=position, minutes=minutes, now=now)
    wish = _Wish(Cause.DELAYED, Concern(after=position)) if told else None
    return _act(Act.DELAY, hand, departure_id, change, now, wish=wish)


@in_transaction
def cancel(*, hand: Hand, departure_id: int, deed: str, now: datetime) -> DeskEntry:
    """
    Call the departure off, and tell, refund or rebook all who are on it.

    Who is only told may choose for a week; then the money goes back by itself.
    """
    _check_reason(hand)
    return _act(
        Act.CANCEL,
        hand,
        departure_id,
        lambda: running.cancel(departure_id=departure_id, revision=hand.revision, now=now),
        now,
        wish=_Wish(Cause.CANCELLED, EVERYBODY, deed),
    )


@in_transaction
def skip(
    *, hand: Hand, departure_id: int, positions: Sequence[int], deed: str, now: datetime
) -> DeskEntry:
    """Leave out calls, and tell, refund or rebook those who board or alight there."""
    _check_reason(hand)
    return _act(
        Act.SKIP,
        hand,
        departure_id,
        lambda: running.skip(
            departure_id=departure_id, positions=positions, revision=hand.revision, now=now
        ),
        now,
        wish=_Wish(Cause.SKIPPED, Concern(only_at=tuple(sorted(positions))), deed),
    )


@in_transaction
def set_platform(
    *, hand: Hand, departure_id: int, position: int, platform: str, tell: bool, now: datetime
) -> DeskEntry:
    """Change the platform or gate of a call; with `tell` those who board there learn it."""
    wish = _Wish(Cause.PLATFORM, Concern(boarding_at=position)) if tell else None
    return _act(
        Act.PLATFORM,
        hand,
        departure_id,
        lambda: running.set_platform(
            departure_id=departure_id,
            position=position,
            platform=platform,
            revision=hand.revision,
            now=now,
        ),
        now,
        wish=wish,
    )


@in_transaction
def set_sales(*, hand: Hand, departure_id: int, is_open: bool, now: datetime) -> DeskEntry:
    """Close the sales of a departure, or open them again."""
    return _act(
        Act.REOPEN if is_open else Act.CLOSE,
        hand,
        departure_id,
        lambda: running.set_sales(
            departure_id=departure_id, is_open=is_open, revision=hand.revision, now=now
        ),
        now,
    )


@in_transaction
def swap_vehicle(
    *, hand: Hand, departure_id: int, vehicle_id: int, tell: bool, now: datetime
) -> DeskEntry:
    """Run it with another vehicle; with `tell` those who sit elsewhere, or nowhere, learn it."""
    return _reseat(
        Act.SWAP,
        hand,
        departure_id,
        lambda: vehicle_swap.swap_vehicle(
            departure_id=departure_id,
            vehicle_id=vehicle_id,
            revision=hand.revision,
            now=now,
            actor=hand.actor,
        ),
        {"vehicle": vehicle_id},
        cause=Cause.VEHICLE,
        tell=tell,
        now=now,
    )


@in_transaction
def block_seats(
    *,
    hand: Hand,
    departure_id: int,
    seat_ids: Collection[int],
    from_call: int,
    to_call: int,
    tell: bool,
    now: datetime,
) -> DeskEntry:
    """Keep seats back from a call to a call; who sits there is seated elsewhere or queued."""
    _check_reason(hand)
    return _reseat(
        Act.BLOCK,
        hand,
        departure_id,
        lambda: vehicle_swap.block_seats(
            departure_id=departure_id,
            seat_ids=seat_ids,
            first_segment=from_call,
            last_segment=to_call - 1,
            reason=hand.reason[:200],
            user_id=hand.user_id,
            revision=hand.revision,
            now=now,
            actor=hand.actor,
        ),
        {"seats": sorted(seat_ids), "from": from_call, "to": to_call},
        cause=Cause.BLOCKED,
        tell=tell,
        now=now,
    )


@in_transaction
def unblock_seats(
    *, hand: Hand, departure_id: int, block_ids: Collection[int], now: datetime
) -> DeskEntry:
    """Give seats back that were kept back; who waits for a seat gets one where there is room."""
    return _reseat(
        Act.UNBLOCK,
        hand,
        departure_id,
        lambda: vehicle_swap.unblock_seats(
            departure_id=departure_id,
            block_ids=block_ids,
            revision=hand.revision,
            now=now,
            actor=hand.actor,
        ),
        {"blocks": sorted(block_ids)},
        cause=Cause.SEATED,
        tell=True,
        now=now,
    )


@in_transaction
def seat_the_waiting(*, hand: Hand, departure_id: int, now: datetime) -> DeskEntry:
    """Seat those of the departure's queue for whom there is room by now, and tell them."""
    return _reseat(
        Act.SEAT,
        hand,
        departure_id,
        lambda: vehicle_swap.seat_the_waiting(
            departure_id=departure_id, revision=hand.revision, now=now, actor=hand.actor
        ),
        {},
        cause=Cause.SEATED,
        tell=True,
        now=now,
    )


@in_transaction
def begin_job(*, hand: Hand, departure_id: int, deed: str, now: datetime) -> DeskEntry:
    """
    Begin a job for everybody on a departure that is cancelled already.

    :raises InvalidInput: it is not cancelled.
    """
    _check_reason(hand)

    def change() -> dict[str, Any]:
        departure = running.lock(
            departure_id=departure_id, revision=hand.revision, is_running=False
        )
        if departure.state != Departure.State.CANCELLED:
            raise InvalidInput(errors={"deed": [_("The departure is not cancelled.")]})
        return {"deed": deed}

    wish = _Wish(Cause.CANCELLED, EVERYBODY, deed)
    return _act(Act.JOB, hand, departure_id, change, now, wish=wish)


@in_transaction
def stop_job(*, hand: Hand, job: DisruptionJob, now: datetime) -> DeskEntry:
    """Stop a running job; what is done stays."""

    def change() -> dict[str, Any]:
        disruptions.stop(job_id=job.pk, now=now)
        return {}

    return _act(Act.STOP, hand, job.departure_id, change, now, job=job)


@in_transaction
def retry_job(*, hand: Hand, job: DisruptionJob, now: datetime) -> DeskEntry:
    """Let what failed, or was left by a stop, be tried again."""
    return _act(
        Act.RETRY,
        hand,
        job.departure_id,
        lambda: {"again": disruptions.retry(job_id=job.pk, now=now)},
        now,
        job=job,
    )


# --- how ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wish:
    """The job that goes with an act."""

    cause: str
    concern: Concern
    deed: str = Deed.TELL
    reservation_ids: frozenset[int] | None = None


def _act(
    act: str,
    hand: Hand,
    departure_id: int,
    change: Callable[[], dict[str, Any]],
    now: datetime,
    *,
    wish: _Wish | None = None,
    job: DisruptionJob | None = None,
) -> DeskEntry:
    """
    Do it once, write it down, and begin the job; answer the line of the log.

    The line comes first: its token is unique, so that a twin waits here and finds it done.
    """
    check_may_change(hand.user_id, departure_id)
    if wish is not None and wish.deed not in Deed.values:
        raise InvalidInput(errors={"deed": [_("There is no such choice.")]})
    entry, is_new = log(act, hand, departure_id=departure_id, job=job, now=now)
    if not is_new:
        return entry
    if act not in AFTER_ARRIVAL:
        check_not_arrived(departure_id, now)
    entry.details = change()
    if wish is not None:
        entry.job = disruptions.begin(
            departure_id=departure_id,
            cause=wish.cause,
            deed=wish.deed,
            concern=wish.concern,
            reason=hand.reason,
            user_id=hand.user_id,
            reservation_ids=wish.reservation_ids,
            now=now,
        )
    entry.save(update_fields=["details", "job"])
    return entry


def _reseat(
    act: str,
    hand: Hand,
    departure_id: int,
    change: Callable[[], Reseated],
    details: dict[str, Any],
    *,
    cause: str,
    tell: bool,
    now: datetime,
) -> DeskEntry:
    """As _act, for what moves people: the job tells those whom it moved."""
    moved: list[int] = []

    def counted() -> dict[str, Any]:
        done = asdict(change())
        moved.extend(sorted(done.pop("reservations")))
        return details | done

    entry = _act(act, hand, departure_id, counted, now)
    if tell and moved and entry.job_id is None:
        entry.job = disruptions.begin(
            departure_id=departure_id,
            cause=cause,
            deed=Deed.TELL,
            concern=EVERYBODY,
            reason=hand.reason,
            user_id=hand.user_id,
            reservation_ids=moved,
            now=now,
        )
        entry.save(update_fields=["job"])
    return entry


def log(
    act: str,
    hand: Hand,
    *,
    now: datetime,
    departure_id: int | None = None,
    job: DisruptionJob | None = None,
    details: dict[str, Any] | None = None,
) -> tuple[DeskEntry, bool]:
    """Write a line of the log, and say whether it is new: a page's token is written once."""
    line = {
        "at": now,
        "act": act,
        "actor_id": hand.user_id,
        "address": hand.address[:45],
        "departure_id": departure_id,
        "job": job,
        "reason": hand.reason[:MAX_REASON],
        "details": details or {},
    }
    if not hand.once:
        return DeskEntry.objects.create(**line), True
    return DeskEntry.objects.get_or_create(once=hand.once, defaults=line)


def check_may_change(user_id: int, departure_id: int) -> None:
    """
    See that somebody may change a departure.

    :raises NotFound: there is none.
    :raises NotAllowed: it is not this user's carrier's, or the role does not include it.
    """
    carriers = Departure.objects.filter(pk=departure_id)
    carrier_id = carriers.values_list("service__carrier_id", flat=True).first()
    if carrier_id is None:
        raise NotFound()
    if not reach_of(User.objects.filter(pk=user_id).first()).may_change(carrier_id):
        raise NotAllowed()


def check_not_arrived(departure_id: int, now: datetime) -> None:
    """
    See that a departure has not reached its last call: till then it may be changed how it runs.

    :raises HasArrived: it has, as far as is known.
    """
    if desk.where_ended(desk.calls_of(departure_id), now) is not None:
        raise HasArrived()


def _check_reason(hand: Hand) -> None:
    if not hand.reason.strip():
        raise InvalidInput(errors={"reason": [_("Say why: the passengers read it.")]})
    if len(hand.reason) > MAX_REASON:
        raise InvalidInput(errors={"reason": [_("This text is too long.")]})
