"""
Boarding: each ticket is let in once, on any number of devices, online or merged later.

What a device decided while it was offline has happened: it is written down as it was. The office
judges it again, the first scan by time counts, and what does not agree is a conflict for people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from django.utils.translation import gettext as _

from bookings import barcodes, manifest
from bookings.barcodes import BarcodeFacts
from bookings.engine import holds
from bookings.engine.contract import SYSTEM, Actor
from bookings.errors import BadBarcode
from bookings.manifest import Admission, Door, Keeper, Rider
from bookings.models import Coupon, ManifestCopy, Reservation, ReservationEvent, Scan
from bookings.services.keeping import note
from bookings.verdicts import MAY_INSIST, UNDO_WITHIN, Hint, Word, judge
from inventory import selectors as inventory
from inventory.models import Departure
from inventory.selectors import DepartureFacts
from travel.common.errors import InvalidInput, NotFound
from travel.common.ids import LOCATOR_LENGTH, normal_locator
from travel.common.models import Job
from travel.common.transactions import in_transaction

# What is told of a booking code with several tickets: whose is it?
CHOOSE = "choose"
NO_SHOW_KIND = "bookings.no_show"
# Devices have so long after the end of the way to send what they scanned.
NO_SHOW_AFTER = timedelta(hours=6)
MOST_CODE = 1_200
_ID = re.compile(r"[A-Za-z0-9-]{8,36}")
# The same showing, which the office refused and the device, offline by then, let in.
_LET_IN_ANYWAY = "+in"
State = Coupon.State


@dataclass(frozen=True, slots=True)
class Showing:
    """
    A ticket shown at a door, as a device tells of it.

    `code` is what was read or typed, `coupon_id` what was chosen from a list. `let_in` is what the
    device decided by itself while it was offline, with the word that it `said`; None asks the
    office. `insists` lets in somebody whose ticket is good, only not quite here and now. `undoes`
    is the `client_id` of the showing that this one takes back.
    """

    client_id: str
    device: str
    at: datetime
    stop: int
    how: str = Scan.How.TYPED
    coach: str = ""
    code: str = ""
    coupon_id: int | None = None
    insists: bool = False
    let_in: bool | None = None
    said: str = ""
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the office says to a showing.

    `word` is one of bookings.verdicts, or `choose` with the riders of a booking code in `choices`.
    `rider` is told where the ticket is of this departure, `elsewhere` where it is of another one
    that the keeper boards. A conflict was let in by the device and ought not to have been.
    """

    client_id: str
    word: str
    door: Door
    stop: int
    let_in: bool = False
    is_conflict: bool = False
    rider: Rider | None = None
    mates: list[Rider] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    elsewhere: DepartureFacts | None = None
    starts: int = 0
    choices: list[Rider] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a code stands for: a coupon of some departure, several to choose from, or a word."""

    coupon_id: int | None = None
    word: Word | None = None
    facts: BarcodeFacts | None = None
    several: int | None = None


@in_transaction
def scan(*, keeper: Keeper, departure_id: int, showing: Showing, now: datetime) -> Answer:
    """
    Let in whoever shows a good ticket, once; write down what was shown and what was said.

    Sending the same showing again answers the same and changes nothing. One that a device decided
    offline keeps its own time, and the first by time counts.

    :raises NotFound: the departure is none of the keeper's.
    :raises InvalidInput: a device of the office would not send this.
    """
    door = manifest.get_door(keeper=keeper, departure_id=departure_id)
    _check(showing, door)
    if showing.undoes:
        return _undo(keeper, door, showing, now)
    found = _look_up(showing, departure_id)
    if found.several is not None:
        choices = manifest.riders_of(found.several, departure_id)
        return Answer(showing.client_id, CHOOSE, door, showing.stop, choices=choices)
    door = _lock(door, found.coupon_id)
    known = _known(showing, departure_id)
    if known is not None:
        return _told_before(keeper, door, known)
    return _judge(keeper, door, found, showing, now)


@in_transaction
def note_copy(
    *, keeper: Keeper, departure_id: int, kind: str, device: str = "", now: datetime
) -> list[Rider]:
    """
    Answer the passenger list of a departure to be taken along, and write down by whom.

    :raises NotFound: the departure is none of the keeper's.
    """
    door = manifest.get_door(keeper=keeper, departure_id=departure_id)
    people = manifest.riders(departure_id)
    ManifestCopy.objects.create(
        departure_id=departure_id,
        staff_id=keeper.user_id,
        kind=kind,
        device=device[:36],
        at=now,
        expires_at=max(door.expires_at, now) if kind == ManifestCopy.Kind.DEVICE else None,
        people=sum(one.is_expected for one in people),
    )
    return people


@in_transaction
def reopen(*, reservation_id: int, coupon_ids: Collection[int], actor: Actor, now: datetime) -> int:
    """
    Open used or missed tickets again, so that staff may cancel or exchange them; answer how many.

    What the doors wrote down stays. The caller may do this.
    """
    holds.lock_departures(holds.departures_of([reservation_id]))
    holds.lock_reservation(reservation_id)
    rows = Coupon.objects.filter(
        id__in=list(coupon_ids),
        passenger__reservation_id=reservation_id,
        passenger__reservation__state=Reservation.State.PAID,
        state__in=[State.USED, State.NO_SHOW],
    )
    ids = sorted(rows.values_list("id", flat=True))
    for coupon_id in ids:
        Coupon.objects.filter(id=coupon_id).update(state=State.OPEN)
    if ids:
        note(
            reservation_id=reservation_id,
            kind=ReservationEvent.Kind.REOPENED,
            now=now,
            reason=actor.reason,
            details={"coupons": ids},
            actor=actor,
        )
    return len(ids)


# --- what was shown -------------------------------------------------------------------------------


def _check(showing: Showing, door: Door) -> None:
    stop = door.departure.way.get(showing.stop)
    faults = {
        "id": not _ID.fullmatch(showing.client_id),
        "device": not _ID.fullmatch(showing.device),
        "how": showing.how not in Scan.How.values,
        "stop": stop is None,
        "coach": len(showing.coach) > 20,
        "code": len(showing.code) > MOST_CODE,
    }
    wrong = {
        name: [_("A device of the office does not send this.")] for name in faults if faults[name]
    }
    if wrong:
        raise InvalidInput(errors=wrong)


def _look_up(showing: Showing, departure_id: int) -> _Found:
    """Find the coupon that is meant; a code that is none of the office's has a word instead."""
    if showing.coupon_id is not None:
        facts = _facts(showing.code)
        known = Coupon.objects.filter(id=showing.coupon_id).exists()
        return _Found(showing.coupon_id, facts=facts) if known else _Found(word=Word.UNKNOWN)
    try:
        facts = barcodes.read(showing.code)
    except BadBarcode as bad:
        if bad.reason != "unreadable":
            return _Found(word=Word.FORGED)
        return _by_locator(showing.code, departure_id)
    coupon = Coupon.objects.filter(barcode=facts.barcode).values_list("id", flat=True).first()
    # It was signed by the office, and is no ticket any more: it was drawn anew.
    return _Found(coupon, facts=facts) if coupon else _Found(word=Word.UNKNOWN)


def _facts(code: str) -> BarcodeFacts | None:
    try:
        return barcodes.read(code)
    except BadBarcode:
        return None


def _by_locator(code: str, departure_id: int) -> _Found:
    typed = normal_locator(code)
    if len(typed) != LOCATOR_LENGTH:
        return _Found(word=Word.UNKNOWN)
    rows = list(
        Coupon.objects.filter(passenger__reservation__locator=typed)
        .order_by("ticket__from_call__departs_at", "id")
        .values_list("id", "ticket__departure_id", "state", "passenger__reservation_id")[:200]
    )
    here = [row for row in rows if row[1] == departure_id]
    good = [row for row in here if row[2] != State.CANCELLED]
    several = good or here
    if len(several) > 1:
        return _Found(several=several[0][3])
    first = several or [row for row in rows if row[2] == State.OPEN] or rows
    return _Found(first[0][0]) if first else _Found(word=Word.UNKNOWN)


def _lock(door: Door, coupon_id: int | None) -> Door:
    """Lock the departure, and the coupon's where it is another one; answer its state now."""
    coupon = Coupon.objects.filter(id=coupon_id or 0)
    elsewhere = coupon.values_list("ticket__departure_id", flat=True)
    locked = holds.lock_departures({door.id, *elsewhere})
    return Door(replace(door.departure, state=locked[door.id].state))


def _known(showing: Showing, departure_id: int) -> Scan | None:
    """Answer the scan that this showing was written down as, if it was."""
    rows = {
        row.client_id: row
        for row in Scan.objects.filter(
            departure_id=departure_id,
            client_id__in=[showing.client_id, showing.client_id + _LET_IN_ANYWAY],
        )
    }
    again = rows.get(showing.client_id + _LET_IN_ANYWAY)
    first = rows.get(showing.client_id)
    if first is not None and showing.let_in and not first.let_in:
        return again
    return first


def _told_before(keeper: Keeper, door: Door, known: Scan) -> Answer:
    rider, mates = _with_mates(known.coupon_id)
    return _answer(
        keeper, door, known, rider, mates, manifest_hints(door, known, rider, mates, None)
    )


# --- judging --------------------------------------------------------------------------------------


def _judge(keeper: Keeper, door: Door, found: _Found, showing: Showing, now: datetime) -> Answer:
    rider, mates = _with_mates(found.coupon_id)
    decided = showing.let_in
    # A clock that is ahead does not make a scan of tomorrow.
    at = now if decided is None else min(showing.at, now)
    word = found.word or _word(door, rider, mates, showing, at)
    insisted = False
    if decided is False:
        word = Word(showing.said) if showing.said in set(Word) else word
    elif word in MAY_INSIST and (decided or showing.insists):
        word, insisted = Word.ADMITTED, showing.insists
    elif decided and word == Word.ALREADY_USED and _is_earlier(rider, at):
        word = Word.ADMITTED
    moved = False
    if word == Word.ADMITTED and decided is not False:
        assert rider is not None, "only a ticket is let in"
        moved = _use(rider)
        if not moved and not (decided and _is_earlier(rider, at)):
            word = Word.ALREADY_USED
    let_in = rider is not None and (word == Word.ADMITTED if decided is None else decided)
    row = _write(
        keeper, door, showing, rider, now, at=at, word=word, let_in=let_in, insisted=insisted
    )
    if moved:
        assert rider is not None
        _aftermath(keeper, door, row, rider, now)
    told = manifest_hints(door, row, rider, mates, found.facts)
    return _answer(keeper, door, row, rider, mates, told)


def _with_mates(coupon_id: int | None) -> tuple[Rider | None, list[Rider]]:
    """Answer a rider and all of its reservation on the same departure."""
    at = (
        Coupon.objects.filter(id=coupon_id or 0)
        .values_list("passenger__reservation_id", "ticket__departure_id")
        .first()
    )
    if at is None:
        return None, []
    mates = manifest.riders_of(*at)
    return next(one for one in mates if one.coupon_id == coupon_id), mates


def _word(
    door: Door, rider: Rider | None, mates: Sequence[Rider], showing: Showing, at: datetime
) -> Word:
    if rider is None:
        return Word.UNKNOWN
    if rider.departure_id != door.id:
        other = inventory.describe_departures([rider.departure_id])[rider.departure_id]
        same = other.service.id == door.departure.service.id
        return Word.WRONG_DAY if same else Word.WRONG_DEPARTURE
    return judge(manifest.shown(rider, mates, door, stop=showing.stop, at=at))


def _is_earlier(rider: Rider | None, at: datetime) -> bool:
    """Say whether this was before what has counted so far, so that it counts instead."""
    return rider is not None and rider.admission is not None and at < rider.admission.at


def _use(rider: Rider) -> bool:
    """Move a coupon to used, if nobody was quicker; its departure's lock is held."""
    done = Coupon.objects.filter(id=rider.coupon_id, state__in=[State.OPEN, State.NO_SHOW]).update(
        state=State.USED
    )
    return done == 1


def _write(
    keeper: Keeper,
    door: Door,
    showing: Showing,
    rider: Rider | None,
    now: datetime,
    *,
    at: datetime,
    word: Word,
    let_in: bool,
    insisted: bool = False,
    undoes: Scan | None = None,
) -> Scan:
    client_id = showing.client_id
    if Scan.objects.filter(departure_id=door.id, client_id=client_id).exists():
        client_id += _LET_IN_ANYWAY
    return Scan.objects.create(
        departure_id=door.id,
        coupon_id=rider.coupon_id if rider else None,
        device=showing.device,
        client_id=client_id,
        at=at,
        received_at=now,
        outcome=word.value,
        let_in=let_in,
        insisted=insisted,
        how=showing.how,
        stop=showing.stop,
        coach=showing.coach,
        staff_id=keeper.user_id,
        undoes=undoes,
    )


def _aftermath(keeper: Keeper, door: Door, row: Scan, rider: Rider, now: datetime) -> None:
    """Tell the reservation's story, and see that those who never came are looked for."""
    rider.state = State.USED
    rider.admission = Admission(row.at, row.stop, row.coach, "", row.pk, row.device)
    note(
        reservation_id=rider.reservation_id,
        kind=ReservationEvent.Kind.BOARDED,
        now=now,
        details={"coupon": rider.coupon_id, "stop": row.stop, "at": row.at.isoformat()},
        actor=Actor("staff", keeper.user_id),
    )
    reference = str(door.id)
    if not Job.objects.filter(kind=NO_SHOW_KIND, reference=reference).exists():
        Job.objects.create(
            kind=NO_SHOW_KIND,
            reference=reference,
            created_at=now,
            due_at=max(now, door.ends_at + NO_SHOW_AFTER),
        )


def manifest_hints(
    door: Door, row: Scan, rider: Rider | None, mates: Sequence[Rider], facts: BarcodeFacts | None
) -> list[Hint]:
    """Answer what staff should know beside the word, for those who come in."""
    if rider is None or row.outcome != Word.ADMITTED:
        return []
    return manifest.hints(
        rider,
        mates,
        manifest.shown(rider, mates, door, stop=row.stop, at=row.at),
        coach=row.coach,
        issued_seats=facts.seats if facts else None,
        issue=facts.issue if facts else None,
    )


def _answer(
    keeper: Keeper,
    door: Door,
    row: Scan,
    rider: Rider | None,
    mates: list[Rider],
    hints: list[Hint],
) -> Answer:
    elsewhere = None
    if rider is not None and rider.departure_id != door.id:
        other = inventory.describe_departures([rider.departure_id])[rider.departure_id]
        elsewhere = other if keeper.may_board_for(other.service.carrier_id) else None
    here = rider is not None and rider.departure_id == door.id
    return Answer(
        client_id=row.client_id.removesuffix(_LET_IN_ANYWAY),
        word=row.outcome,
        door=door,
        stop=row.stop,
        let_in=row.let_in,
        is_conflict=row.let_in and row.outcome != Word.ADMITTED,
        rider=rider if here else None,
        mates=mates if here else [],
        hints=hints,
        elsewhere=elsewhere,
        starts=rider.from_stop if rider else 0,
    )


# --- taking back ----------------------------------------------------------------------------------


def _undo(keeper: Keeper, door: Door, showing: Showing, now: datetime) -> Answer:
    """
    Take back what the same device let in some minutes ago; the scan and this both stay written.

    A coupon that another device has let in as well stays used.
    """
    holds.lock_departures({door.id})
    known = _known(showing, door.id)
    if known is not None:
        rider, mates = _with_mates(known.coupon_id)
        return _answer(keeper, door, known, rider, mates, [])
    row = (
        Scan.objects.filter(
            departure_id=door.id,
            client_id__in=[showing.undoes, showing.undoes + _LET_IN_ANYWAY],
            let_in=True,
        )
        .order_by("id")
        .last()
    )
    at = now if showing.let_in is None else min(showing.at, now)
    if row is None or not _may_undo(row, showing, at):
        return Answer(showing.client_id, Word.UNDO_REFUSED, door, showing.stop)
    rider, mates = _with_mates(row.coupon_id)
    assert rider is not None, "only a ticket is let in"
    undone = _write(
        keeper, door, showing, rider, now, at=at, word=Word.UNDONE, let_in=False, undoes=row
    )
    if not manifest.counted().filter(coupon_id=rider.coupon_id).exists():
        _open(keeper, rider, now)
    return _answer(keeper, door, undone, rider, mates, [])


def _may_undo(row: Scan, showing: Showing, at: datetime) -> bool:
    is_taken_back = Scan.objects.filter(undoes=row).exists()
    return row.device == showing.device and not is_taken_back and at - row.at <= UNDO_WITHIN


def _open(keeper: Keeper, rider: Rider, now: datetime) -> None:
    moved = Coupon.objects.filter(id=rider.coupon_id, state=State.USED).update(state=State.OPEN)
    if not moved:
        return
    rider.state, rider.admission = State.OPEN, None
    note(
        reservation_id=rider.reservation_id,
        kind=ReservationEvent.Kind.BOARDING_UNDONE,
        now=now,
        details={"coupon": rider.coupon_id},
        actor=Actor("staff", keeper.user_id),
    )


# --- who never came -------------------------------------------------------------------------------


def due_no_shows(*, now: datetime, limit: int) -> list[int]:
    """Answer the departures at whose doors people were let in and whose way is over."""
    jobs = Job.objects.filter(kind=NO_SHOW_KIND, done_at=None, due_at__lte=now)
    return [
        int(reference)
        for reference in jobs.order_by("due_at", "id").values_list("reference", flat=True)[:limit]
    ]


@in_transaction
def mark_no_shows(*, departure_id: int, now: datetime) -> int:
    """
    Mark the open tickets of those who never came; answer how many.

    Only where somebody looked: a ticket counts as missed if between its own stops anybody was let
    in. Where no door was kept nothing is said of anybody. A departure that is late waits; one that
    the carrier cancelled, or a stop that was left out, makes nobody a no-show.
    """
    holds.lock_departures({departure_id})
    job = Job.objects.filter(kind=NO_SHOW_KIND, reference=str(departure_id))
    facts = inventory.describe_departures([departure_id]).get(departure_id)
    if facts is None:
        raise NotFound
    door = Door(facts)
    if door.is_running and now < door.ends_at + NO_SHOW_AFTER:
        job.update(due_at=door.ends_at + NO_SHOW_AFTER)
        return 0
    job.update(done_at=now)
    if facts.state != Departure.State.SCHEDULED:
        return 0
    kept = set(manifest.counted().filter(departure_id=departure_id).values_list("stop", flat=True))
    missed = [one for one in manifest.riders(departure_id) if _never_came(one, door, kept)]
    for reservation_id, group in groupby(
        sorted(missed, key=lambda one: (one.reservation_id, one.coupon_id)),
        key=lambda one: one.reservation_id,
    ):
        _mark(reservation_id, group, now)
    return len(missed)


def _never_came(rider: Rider, door: Door, kept: Collection[int]) -> bool:
    way = door.departure.way
    left_out = way[rider.from_stop].is_skipped or way[rider.to_stop].is_skipped
    return (
        rider.is_expected
        and rider.state == State.OPEN
        and not left_out
        and any(rider.from_stop <= stop < rider.to_stop for stop in kept)
    )


def _mark(reservation_id: int, missed: Iterable[Rider], now: datetime) -> None:
    ids = [one.coupon_id for one in missed]
    Coupon.objects.filter(id__in=ids, state=State.OPEN).update(state=State.NO_SHOW)
    note(
        reservation_id=reservation_id,
        kind=ReservationEvent.Kind.NO_SHOW,
        now=now,
        details={"coupons": ids},
        actor=SYSTEM,
    )
