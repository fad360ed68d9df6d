"""Writes the dated departures of a draft, day by day, batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain, groupby
from typing import Any

from django.db import connection
from django.db.models import Max

from inventory.models import Call, Departure, PendingChange
from inventory.timetable.draft import CallDraft, DepartureDraft, TimetableDraft
from inventory.timetable.publish.reference import DraftRefused, References
from travel.common.transactions import in_transaction

#: Rows that one transaction writes or deletes at most, departures and calls together.
MOST_ROWS = 4_000

SUPERSEDED = "Superseded by a newer timetable."
WITHDRAWN_DIGEST = "withdrawn"


@dataclass(slots=True)
class Counts:
    """What became of the departures."""

    added: int = 0
    replaced: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    pending: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """A departure as it is in the table."""

    id: int
    service_id: int
    travel_date: date
    run: str
    generation: int
    state: str
    digest: str
    feed_id: int | None

    @property
    def is_ours_to_change(self) -> bool:
        return self.state == Departure.State.SCHEDULED


@dataclass(frozen=True, slots=True)
class _New:
    """A departure of the draft, with its digest and the generation it would get."""

    draft: DepartureDraft
    digest: str
    generation: int


@dataclass(slots=True)
class _Batch:
    """What one transaction does; the rows are looked at again under their locks."""

    additions: list[_New] = field(default_factory=list)
    replacements: list[tuple[_Known, _New]] = field(default_factory=list)
    withdrawals: list[_Known] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    rows: int = 0

    def __bool__(self) -> bool:
        return bool(self.additions or self.replacements or self.withdrawals or self.settled)


class DeparturePublisher:
    """Brings the departures of one feed to what a draft says."""

    def __init__(
        self,
        *,
        feed_id: int,
        references: References,
        now: datetime,
        progress: Callable[[int], None],
    ) -> None:
        self._feed_id = feed_id
        self._references = references
        self._now = now
        self._progress = progress
        self._counts = Counts()
        self._batch = _Batch()

    def publish(self, draft: TimetableDraft) -> Counts:
        """
        Goes through the draft's days, those without departures too.

        :raises DraftRefused: departures are not in order, or name what the draft does not have.
        """
        seen = 0
        day = draft.first_date
        for travel_date, departures in groupby(draft.departures(), key=lambda d: d.travel_date):
            if not day <= travel_date <= draft.last_date:
                raise DraftRefused(f"departures of {travel_date} are out of order or of the window")
            while day < travel_date:
                self._publish_day(day, ())
                day += timedelta(days=1)
            seen += self._publish_day(travel_date, departures)
            day = travel_date + timedelta(days=1)
            self._progress(seen)
        while day <= draft.last_date:
            self._publish_day(day, ())
            day += timedelta(days=1)
        self._flush()
        return self._counts

    def _publish_day(self, day: date, departures: Iterable[DepartureDraft]) -> int:
        known = _known_of_day(day)
        pending = _open_changes(day, self._feed_id)
        seen = 0
        done: set[int] = set()
        for ref, group in groupby(departures, key=lambda departure: departure.service):
            service_id = self._service_id(ref)
            if service_id in done:
                raise DraftRefused(f"departures of {ref} on {day} do not follow each other")
            done.add(service_id)
            members = list(group)
            seen += len(members)
            self._publish_service(members, known.get(service_id, []), pending)
        for service_id, rows in known.items():
            if service_id not in done:
                self._publish_service([], rows, pending)
        return seen

    def _service_id(self, ref: str) -> int:
        try:
            return self._references.services[ref]
        except KeyError:
            raise DraftRefused(f"service {ref!r} is named, and not there") from None

    def _publish_service(
        self, drafts: list[DepartureDraft], known: list[_Known], pending: set[int]
    ) -> None:
        """
        Pairs the departures of one service and day with those in the table.

        Equal content comes first, whatever its run: a running number that moved up is no change.
        Then the same run; at last, if one is left on either side, these two.
        """
        ours = [row for row in known if row.feed_id == self._feed_id and _is_standing(row)]
        news = [(draft, self._digest(draft)) for draft in drafts]
        rest: list[tuple[DepartureDraft, str]] = []
        for draft, digest in news:
            same = next((row for row in ours if row.digest == digest), None)
            if same is None:
                rest.append((draft, digest))
                continue
            ours.remove(same)
            self._counts.unchanged += 1
            if same.id in pending:
                self._settle(same)

        pairs: list[tuple[_Known | None, tuple[DepartureDraft, str]]] = []
        for draft, digest in rest:
            row = next((row for row in ours if row.run == draft.run), None)
            if row is not None:
                ours.remove(row)
            pairs.append((row, (draft, digest)))
        lonely = [pair for pair in pairs if pair[0] is None]
        if len(lonely) == 1 and len(ours) == 1:
            pairs.remove(lonely[0])
            pairs.append((ours.pop(), lonely[0][1]))

        generations = _Generations(known)
        for row, (draft, digest) in pairs:
            if row is not None and not row.is_ours_to_change:
                # What the desk has cancelled stays cancelled.
                self._counts.unchanged += 1
                continue
            self._put(row, _New(draft, digest, generations.next(draft.run)))
        for row in ours:
            if row.is_ours_to_change:
                self._withdraw(row)

    def _put(self, row: _Known | None, new: _New) -> None:
        self._make_room(2 * len(new.draft.calls) + 2)
        if row is None:
            self._batch.additions.append(new)
        else:
            self._batch.replacements.append((row, new))

    def _withdraw(self, row: _Known) -> None:
        self._make_room(65)
        self._batch.withdrawals.append(row)

    def _settle(self, row: _Known) -> None:
        self._make_room(1)
        self._batch.settled.append(row.id)

    def _make_room(self, rows: int) -> None:
        if self._batch.rows + rows > MOST_ROWS:
            self._flush()
        self._batch.rows += rows

    def _flush(self) -> None:
        batch, self._batch = self._batch, _Batch()
        if batch:
            _add(self._counts, self._write(batch))

    @in_transaction
    def _write(self, batch: _Batch) -> Counts:
        """One transaction: lock what is there, decide for the last time, write."""
        counts = Counts()
        frozen, moved = self._lock(batch)
        additions = list(batch.additions)
        gone: list[int] = []
        for row, new in batch.replacements:
            if row.id in moved:
                continue
            if row.id in frozen:
                counts.pending += self._file_change(row, new)
                continue
            gone.append(row.id)
            additions.append(new)
            counts.replaced += 1
        withdrawn: list[int] = []
        for row in batch.withdrawals:
            if row.id in frozen:
                counts.pending += self._file_withdrawal(row)
            elif row.id not in moved:
                withdrawn.append(row.id)
        counts.withdrawn = len(withdrawn)
        counts.added = len(batch.additions)
        Departure.objects.filter(pk__in=gone).update(state=Departure.State.REPLACED)
        Departure.objects.filter(pk__in=withdrawn).update(state=Departure.State.WITHDRAWN)
        _delete_calls([*gone, *withdrawn])
        PendingChange.objects.filter(
            departure_id__in=batch.settled, settled_at__isnull=True
        ).update(settled_at=self._now, decision=SUPERSEDED)
        counts.calls = self._insert(additions)
        return counts

    def _lock(self, batch: _Batch) -> tuple[set[int], set[int]]:
        """Which of the rows have sold, and which somebody else has changed since they were read."""
        ids = [row.id for row, _ in batch.replacements] + [row.id for row in batch.withdrawals]
        found = {
            row.pk: row
            for row in Departure.objects.select_for_update()
            .filter(pk__in=ids)
            .order_by("pk")
            .only("frozen_at", "state")
        }
        frozen = {key for key, row in found.items() if row.frozen_at is not None}
        moved = {
            key for key in ids if key not in found or found[key].state != Departure.State.SCHEDULED
        }
        return frozen - moved, moved

    def _insert(self, news: list[_New]) -> int:
        """Departures, then their calls under the keys that the database gave them."""
        if not news:
            return 0
        references = self._references
        newest = Departure.objects.aggregate(newest=Max("pk"))["newest"] or 0
        Departure.objects.bulk_create(
            Departure(
                service_id=references.services[new.draft.service],
                travel_date=new.draft.travel_date,
                run=new.draft.run,
                generation=new.generation,
                vehicle_id=references.vehicles[new.draft.vehicle],
                feed_id=self._feed_id,
                content_digest=new.digest,
            )
            for new in news
        )
        ids = _ids_of(self._feed_id, {new.draft.travel_date for new in news}, after=newest)
        rows = list(
            chain.from_iterable(
                self._call_rows(
                    ids[
                        references.services[new.draft.service],
                        new.draft.travel_date,
                        new.draft.run,
                        new.generation,
                    ],
                    new.draft.calls,
                )
                for new in news
            )
        )
        with connection.cursor() as cursor:
            cursor.executemany(_insert_calls(), rows)
        return len(rows)

    def _call_rows(
        self, departure_id: int, calls: tuple[CallDraft, ...]
    ) -> Iterator[tuple[Any, ...]]:
        adapt = connection.ops.adapt_datetimefield_value
        stations = self._references.stations
        for position, call in enumerate(calls):
            yield (
                departure_id * 64 + position,
                departure_id,
                position,
                stations[call.station],
                adapt(call.arrives_at),
                adapt(call.departs_at),
                call.may_board,
                call.may_alight,
                False,
                call.platform,
                call.distance_m,
            )

    def _digest(self, draft: DepartureDraft) -> str:
        """Of all that a traveller would notice: vehicle, stops, times, platforms, distance."""
        vehicle_id = self._references.vehicles.get(draft.vehicle)
        if vehicle_id is None:
            raise DraftRefused(f"vehicle {draft.vehicle!r} is named, and not there")
        if not 2 <= len(draft.calls) <= 64:
            raise DraftRefused(f"{draft.service} on {draft.travel_date} has too few or many calls")
        digest = hashlib.sha256(self._references.vehicle_codes[vehicle_id].encode())
        for call in draft.calls:
            if call.station not in self._references.stations:
                raise DraftRefused(f"station {call.station!r} is named, and not there")
            digest.update(
                f"|{call.station}|{_epoch(call.arrives_at)}|{_epoch(call.departs_at)}"
                f"|{call.may_board:d}{call.may_alight:d}|{call.platform}|{call.distance_m}".encode()
            )
        return digest.hexdigest()

    def _file_change(self, row: _Known, new: _New) -> int:
        """Leaves a departure that has sold as it is, and says what the timetable would change."""
        proposal = self._proposal(new.draft)
        current = self._current(row.id)
        if proposal["calls"] != current["calls"]:
            kind = PendingChange.Kind.CALLS
        elif proposal["vehicle"] != current["vehicle"]:
            kind = PendingChange.Kind.VEHICLE
        else:
            # Only what is told of the way differs, which nobody who has bought would notice.
            return 0
        return self._file(row.id, kind, new.digest, proposal)

    def _file_withdrawal(self, row: _Known) -> int:
        return self._file(row.id, PendingChange.Kind.WITHDRAWN, WITHDRAWN_DIGEST, {})

    def _file(self, departure_id: int, kind: str, digest: str, proposal: dict[str, Any]) -> int:
        """
        Once for each content: what the desk has settled is not asked again.

        What an edition between had taken back is asked again.
        """
        PendingChange.objects.filter(departure_id=departure_id, settled_at__isnull=True).exclude(
            kind=kind, digest=digest
        ).update(settled_at=self._now, decision=SUPERSEDED)
        _, is_new = PendingChange.objects.get_or_create(
            departure_id=departure_id,
            kind=kind,
            digest=digest,
            defaults={"proposal": proposal, "created_at": self._now},
        )
        if is_new:
            return 1
        return PendingChange.objects.filter(
            departure_id=departure_id, kind=kind, digest=digest, decision=SUPERSEDED
        ).update(settled_at=None, decision="", created_at=self._now)

    def _proposal(self, draft: DepartureDraft) -> dict[str, Any]:
        vehicle_id = self._references.vehicles[draft.vehicle]
        return {
            "vehicle": self._references.vehicle_codes[vehicle_id],
            "calls": [
                _call_data(
                    call.station, call.arrives_at, call.departs_at,
                    call.may_board, call.may_alight, call.platform,
                )
                for call in draft.calls
            ],
        }  # fmt: skip

    def _current(self, departure_id: int) -> dict[str, Any]:
        vehicle = Departure.objects.values_list("vehicle__code", flat=True).get(pk=departure_id)
        calls = Call.objects.filter(departure_id=departure_id).order_by("position")
        return {
            "vehicle": vehicle,
            "calls": [
                _call_data(*values)
                for values in calls.values_list(
                    "station__code", "arrives_at", "departs_at",
                    "may_board", "may_alight", "platform",
                )
            ],
        }  # fmt: skip


class _Generations:
    """The next free generation of each run of a service and day, whichever feed has the others."""

    def __init__(self, known: list[_Known]) -> None:
        self._latest: dict[str, int] = {}
        for row in known:
            self._latest[row.run] = max(self._latest.get(row.run, 0), row.generation)

    def next(self, run: str) -> int:
        self._latest[run] = self._latest.get(run, 0) + 1
        return self._latest[run]


def _is_standing(row: _Known) -> bool:
    return row.state in (Departure.State.SCHEDULED, Departure.State.CANCELLED)


def _known_of_day(day: date) -> dict[int, list[_Known]]:
    """All departures of a day, of every feed and state, by service."""
    known: dict[int, list[_Known]] = {}
    rows = Departure.objects.filter(travel_date=day).order_by("id")
    for values in rows.values_list(
        "id", "service_id", "travel_date", "run", "generation", "state", "content_digest", "feed_id"
    ):
        row = _Known(*values)
        known.setdefault(row.service_id, []).append(row)
    return known


def _open_changes(day: date, feed_id: int) -> set[int]:
    """The departures of a day that wait for the desk."""
    changes = PendingChange.objects.filter(
        departure__feed_id=feed_id, departure__travel_date=day, settled_at__isnull=True
    )
    return set(changes.values_list("departure_id", flat=True))


def _ids_of(feed_id: int, days: set[date], *, after: int) -> dict[tuple[int, date, str, int], int]:
    """The keys of departures above `after`: of a large day, only what was added last is read."""
    rows = Departure.objects.filter(
        pk__gt=after, feed_id=feed_id, travel_date__in=days
    ).values_list("service_id", "travel_date", "run", "generation", "id")
    return {(service, day, run, generation): key for service, day, run, generation, key in rows}


_CALL_COLUMNS = (
    "id", "departure_id", "position", "station_id", "arrives_at", "departs_at", "may_board",
    "may_alight", "is_skipped", "platform", "distance_m",
)  # fmt: skip


def _insert_calls() -> str:
    """Plain SQL: a model instance for each of so many calls takes three times as long."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(column) for column in _CALL_COLUMNS)
    marks = ", ".join(["%s"] * len(_CALL_COLUMNS))
    table = quote(Call._meta.db_table)
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our own


def _delete_calls(departure_ids: list[int]) -> None:
    if departure_ids:
        # Nothing refers to the calls of a departure that has not sold: no cascade to look for.
        calls = Call.objects.filter(departure_id__in=departure_ids)
        calls._raw_delete(calls.db)


def _epoch(moment: datetime | None) -> str:
    return "" if moment is None else str(int(moment.timestamp()))


def _call_data(
    station: str,
    arrives_at: datetime | None,
    departs_at: datetime | None,
    may_board: bool,
    may_alight: bool,
    platform: str,
) -> dict[str, Any]:
    return {
        "station": station,
        "arrivesAt": arrives_at.isoformat() if arrives_at else None,
        "departsAt": departs_at.isoformat() if departs_at else None,
        "mayBoard": may_board,
        "mayAlight": may_alight,
        "platform": platform,
    }


def _add(total: Counts, part: Counts) -> None:
    for name in Counts.__slots__:
        setattr(total, name, getattr(total, name) + getattr(part, name))
