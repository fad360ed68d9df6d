"""
Changes that an import found for departures that have sold, and what taking them over does.

The calls of such a departure stand fast. A new timetable is laid beside them in the order of the
way: a call that it still has gets the new times as expected ones, a call that it lacks is left out,
and a call that is new cannot be taken over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from inventory.models import Call, Departure, PendingChange, Vehicle
from inventory.services import running
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction


@dataclass(frozen=True, slots=True)
class Beside:
    """
    A call as it is, and as the timetable would have it; one of the two may be missing.

    `arrives_at` and `departs_at` are the new times.
    """

    call: Call | None
    station: str
    arrives_at: datetime | None
    departs_at: datetime | None
    platform: str

    @property
    def is_dropped(self) -> bool:
        """Whether the new timetable lacks the call."""
        return self.call is not None and self.arrives_at is None and self.departs_at is None

    @property
    def is_new(self) -> bool:
        """Whether only the new timetable has it: it cannot be taken over."""
        return self.call is None

    @property
    def has_other_times(self) -> bool:
        """Whether the call stays, at other times."""
        return (
            self.call is not None
            and not self.is_dropped
            and (self.call.arrives_at, self.call.departs_at) != (self.arrives_at, self.departs_at)
        )

    @property
    def has_other_platform(self) -> bool:
        """Whether the call stays, at another platform."""
        return self.call is not None and not self.is_dropped and self.call.platform != self.platform


def compare(change: PendingChange) -> list[Beside]:
    """Lay the proposed calls beside those that are, in the order of the way."""
    calls = list(
        Call.objects.filter(departure_id=change.departure_id)
        .select_related("station")
        .order_by("position")
    )
    proposed: list[dict[str, Any]] = change.proposal.get("calls", [])
    rows: list[Beside] = []
    pairs = _alike([call.station.code for call in calls], [one["station"] for one in proposed])
    at = 0
    for index, call in enumerate(calls):
        mate = pairs.get(index)
        if mate is None:
            rows.append(Beside(call, call.station.code, None, None, ""))
            continue
        rows += [_of(None, one) for one in proposed[at:mate]]
        rows.append(_of(call, proposed[mate]))
        at = mate + 1
    return rows + [_of(None, one) for one in proposed[at:]]


def _of(call: Call | None, proposed: dict[str, Any]) -> Beside:
    return Beside(
        call,
        proposed["station"],
        _moment(proposed.get("arrivesAt")),
        _moment(proposed.get("departsAt")),
        proposed.get("platform", ""),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _alike(left: Sequence[str], right: Sequence[str]) -> dict[int, int]:
    """Answer a longest common way: which of the left are which of the right, both in order."""
    longest = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            longest[i][j] = (
                longest[i + 1][j + 1] + 1
                if left[i] == right[j]
                else max(longest[i + 1][j], longest[i][j + 1])
            )
    pairs: dict[int, int] = {}
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            pairs[i] = j
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


@in_transaction
def apply_calls(*, change_id: int, revision: int | None, now: datetime) -> dict[str, Any]:
    """
    Expect a departure as a new timetable has it; answer which calls are left out, and which move.

    :raises NotFound: there is no such change of calls.
    :raises InvalidInput: fewer than two of its calls would be left.

    and whatever inventory.services.running.lock raises.
    """
    change = PendingChange.objects.filter(pk=change_id, kind=PendingChange.Kind.CALLS).first()
    if change is None:
        raise NotFound()
    running.lock(departure_id=change.departure_id, revision=revision)
    rows = compare(change)
    stays = [row for row in rows if row.call is not None and not row.is_dropped]
    if len(stays) < 2:
        raise InvalidInput(errors={"calls": [_("Too few of the calls that were sold are left.")]})
    dropped = [row.call for row in rows if row.call is not None and row.is_dropped]
    moved = [row for row in stays if row.has_other_times]
    Call.objects.filter(pk__in=[call.pk for call in dropped]).update(is_skipped=True)
    for row in stays:
        assert row.call is not None
        call = row.call
        call.platform = row.platform
        call.expected_arrives_at = row.arrives_at if row.arrives_at != call.arrives_at else None
        call.expected_departs_at = row.departs_at if row.departs_at != call.departs_at else None
    Call.objects.bulk_update(
        [row.call for row in stays if row.call is not None],
        ["platform", "expected_arrives_at", "expected_departs_at"],
        batch_size=64,
    )
    return {
        "skipped": [call.position for call in dropped if not call.is_skipped],
        "moved": [row.call.position for row in moved if row.call is not None],
        "left_out": sum(row.is_new for row in rows),
    }


def vehicle_of(change: PendingChange) -> Vehicle:
    """
    Answer the vehicle that a change proposes.

    :raises NotFound: its carrier has no vehicle of that code.
    """
    departure = Departure.objects.select_related("service").get(pk=change.departure_id)
    vehicle = Vehicle.objects.filter(
        carrier_id=departure.service.carrier_id, code=change.proposal.get("vehicle", "")
    ).first()
    if vehicle is None:
        raise NotFound()
    return vehicle


@in_transaction
def settle(*, change_id: int, user_id: int, decision: str, now: datetime) -> None:
    """
    Write down how a change was settled.

    :raises NotFound: there is none that waits.
    """
    settled = PendingChange.objects.filter(pk=change_id, settled_at=None).update(
        settled_at=now, settled_by_id=user_id, decision=decision[:200]
    )
    if not settled:
        raise NotFound()
