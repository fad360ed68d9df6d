"""
What publishing a draft would do to the departures, counted without writing or locking anything.

It goes the publisher's own way: what it calls new, changed or gone is what publishing calls so.
What a draft names that is not in the tables yet stands under numbers below zero.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from inventory.models import Carrier, Departure, Feed, PendingChange, Service, Station, Vehicle
from inventory.timetable.draft import DepartureDraft, TimetableDraft
from inventory.timetable.publish.departures import (
    SUPERSEDED,
    Counts,
    DeparturePublisher,
    _Batch,
    _Known,
)
from inventory.timetable.publish.reference import References, check, check_currencies

#: So many departures of each kind are named in the report.
MOST_EXAMPLES = 20


def preview(
    draft: TimetableDraft,
    *,
    now: datetime,
    progress: Callable[[int], None] = lambda _count: None,
) -> tuple[Counts, dict[str, list[str]]]:
    """
    Answer what publishing would count, and a few departures of each kind by name.

    :raises DraftRefused: the draft contradicts itself or what is sold already.
    """
    check(draft)
    check_currencies(draft)
    feed = Feed.objects.filter(code=draft.feed).values_list("id", flat=True).first()
    return preview_departures(
        draft, feed_id=feed or -1, references=read_references(draft), now=now, progress=progress
    )


def preview_departures(
    draft: TimetableDraft,
    *,
    feed_id: int,
    references: References,
    now: datetime,
    progress: Callable[[int], None] = lambda _count: None,
) -> tuple[Counts, dict[str, list[str]]]:
    """As preview, for a draft whose services, vehicles and stations are known."""
    known = dict(
        Service.objects.filter(id__in=references.services.values()).values_list("id", "number")
    )
    numbers = {one.ref: one.number for one in draft.services} | {
        ref: known[key] for ref, key in references.services.items() if key in known
    }
    publisher = _Preview(
        numbers, feed_id=feed_id, references=references, now=now, progress=progress
    )
    counts = publisher.publish(draft)
    return counts, publisher.examples


def read_references(draft: TimetableDraft) -> References:
    """Answer where the draft's codes are in the tables, below zero where they are not yet."""
    unknown = count(-1, -1)
    references = References()
    stations = dict(
        Station.objects.filter(code__in=[one.code for one in draft.stations]).values_list(
            "code", "id"
        )
    )
    references.stations = {
        one.code: stations.get(one.code, next(unknown)) for one in draft.stations
    }
    references.station_codes = {key: code for code, key in references.stations.items()}
    carriers = dict(Carrier.objects.values_list("code", "id"))
    services = {
        (carrier_id, mode, number): key
        for key, carrier_id, mode, number in Service.objects.filter(
            carrier__code__in={one.carrier for one in draft.services}
        ).values_list("id", "carrier_id", "mode", "number")
    }
    references.services = {
        one.ref: services.get((carriers.get(one.carrier, 0), one.mode, one.number), next(unknown))
        for one in draft.services
    }
    vehicles = {
        (carrier_id, code): key
        for key, carrier_id, code in Vehicle.objects.filter(
            carrier__code__in={one.carrier for one in draft.vehicles}
        ).values_list("id", "carrier_id", "code")
    }
    for one in draft.vehicles:
        code = one.code or one.ref
        key = vehicles.get((carriers.get(one.carrier, 0), code), next(unknown))
        references.vehicles[one.ref] = key
        references.vehicle_codes[key] = code
    return references


class _Preview(DeparturePublisher):
    """A publisher that counts what it would write."""

    def __init__(self, numbers: dict[str, str], **given: Any) -> None:
        super().__init__(**given)
        self._numbers = numbers
        self.examples: dict[str, list[str]] = {
            "added": [],
            "replaced": [],
            "withdrawn": [],
            "pending": [],
        }

    def _write(self, batch: _Batch) -> Counts:  # type: ignore[override]
        counts = Counts()
        ids = [row.id for row, _ in batch.replacements] + [row.id for row in batch.withdrawals]
        found = {
            key: (frozen_at is not None, state)
            for key, frozen_at, state in Departure.objects.filter(pk__in=ids).values_list(
                "id", "frozen_at", "state"
            )
        }
        for new in batch.additions:
            counts.added += 1
            counts.calls += len(new.draft.calls)
            self._name("added", new.draft)
        for row, new in batch.replacements:
            has_sold, state = found.get(row.id, (False, ""))
            if state != Departure.State.SCHEDULED:
                continue
            if not has_sold:
                counts.replaced += 1
                counts.calls += len(new.draft.calls)
                self._name("replaced", new.draft)
            elif self._file_change(row, new):
                counts.pending += 1
                self._name("pending", new.draft)
        for row in batch.withdrawals:
            has_sold, state = found.get(row.id, (False, ""))
            if state != Departure.State.SCHEDULED:
                continue
            if not has_sold:
                counts.withdrawn += 1
                self._name_row("withdrawn", row)
            elif self._file_withdrawal(row):
                counts.pending += 1
                self._name_row("pending", row)
        return counts

    def _file(self, departure_id: int, kind: str, digest: str, proposal: dict[str, Any]) -> int:
        """Count what the desk would be asked: what it has settled is not asked again."""
        known = PendingChange.objects.filter(
            departure_id=departure_id, kind=kind, digest=digest
        ).exclude(decision=SUPERSEDED)
        return int(not known.exists())

    def _name(self, kind: str, draft: DepartureDraft) -> None:
        if len(self.examples[kind]) < MOST_EXAMPLES:
            number = self._numbers.get(draft.service, draft.service)
            self.examples[kind].append(f"{number}, {draft.travel_date}")

    def _name_row(self, kind: str, row: _Known) -> None:
        if len(self.examples[kind]) < MOST_EXAMPLES:
            number = Service.objects.values_list("number", flat=True).get(pk=row.service_id)
            self.examples[kind].append(f"{number}, {row.travel_date}")
