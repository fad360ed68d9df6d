"""What the desk has before it and behind it: changes to settle, jobs, and the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from inventory.models import PendingChange
from inventory.reach import Reach
from support.desk.limits import MOST_QUEUED, PER_PAGE
from support.models import DeskEntry, DisruptionItem, DisruptionJob
from travel.common.errors import NotFound


def pending_changes(*, reach: Reach, limit: int = MOST_QUEUED) -> list[PendingChange]:
    """Answer the changes that wait to be settled, those of the next departures first."""
    rows = reach.narrow(
        PendingChange.objects.filter(settled_at=None), "departure__service__carrier"
    )
    return list(
        rows.select_related("departure__service__carrier").order_by("departure__travel_date", "id")[
            :limit
        ]
    )


def get_pending_change(*, reach: Reach, change_id: int) -> PendingChange:
    """
    Answer a change with its departure.

    :raises NotFound: there is none, or it is of another carrier's departure.
    """
    rows = reach.narrow(PendingChange.objects.all(), "departure__service__carrier")
    row = rows.select_related("departure__service__carrier").filter(pk=change_id).first()
    if row is None:
        raise NotFound()
    return row


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: how many of its reservations stand in which state, with which outcome."""

    job: DisruptionJob
    states: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    told: int = 0

    @property
    def total(self) -> int:
        """All reservations of the job."""
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        """Those that nobody has worked on yet."""
        return self.states.get(DisruptionItem.State.WAITING, 0)

    @property
    def failed(self) -> int:
        """Those that need a person."""
        return self.states.get(DisruptionItem.State.FAILED, 0)

    @property
    def finished(self) -> int:
        """Those that are over, well or not."""
        return self.total - self.waiting


def jobs(
    *, reach: Reach, departure_id: int | None = None, only_open: bool = False, limit: int = 20
) -> list[Progress]:
    """Answer jobs, the newest first, each with how far it is; open ones run or need a person."""
    rows = reach.narrow(
        DisruptionJob.objects.select_related("departure__service__carrier", "created_by"),
        "departure__service__carrier",
    )
    if departure_id is not None:
        rows = rows.filter(departure_id=departure_id)
    if only_open:
        failed = DisruptionItem.objects.filter(
            job=OuterRef("pk"), state=DisruptionItem.State.FAILED
        )
        rows = rows.filter(Q(state=DisruptionJob.State.RUNNING) | Q(Exists(failed)))
    return progress_of(list(rows.order_by("-id")[:limit]))


def progress_of(found: Sequence[DisruptionJob]) -> list[Progress]:
    """Answer how far these jobs are, in one statement."""
    states: dict[int, Counter[str]] = {one.pk: Counter() for one in found}
    outcomes: dict[int, Counter[str]] = {one.pk: Counter() for one in found}
    told: Counter[int] = Counter()
    for job_id, state, outcome, is_told, count in (
        DisruptionItem.objects.filter(job__in=found)
        .order_by()
        .values_list("job_id", "state", "outcome", "is_told")
        .annotate(count=Count("id"))
    ):
        states[job_id][state] += count
        outcomes[job_id][outcome] += count
        told[job_id] += count if is_told else 0
    return [
        Progress(one, dict(states[one.pk]), dict(outcomes[one.pk]), told[one.pk]) for one in found
    ]


def get_job(*, reach: Reach, job_id: int) -> Progress:
    """
    Answer a job and how far it is.

    :raises NotFound: there is none, or it is of another carrier's departure.
    """
    rows = reach.narrow(DisruptionJob.objects.all(), "departure__service__carrier")
    row = rows.select_related("departure__service__carrier", "created_by").filter(pk=job_id).first()
    if row is None:
        raise NotFound()
    return progress_of([row])[0]


def items(
    job_id: int, *, state: str = "", offset: int = 0, limit: int = PER_PAGE
) -> list[DisruptionItem]:
    """Answer a page of a job's reservations, in the order in which they are worked on."""
    rows = DisruptionItem.objects.filter(job_id=job_id).select_related(
        "reservation", "cancellation"
    )
    if state:
        rows = rows.filter(state=state)
    return list(rows.order_by("id")[offset : offset + limit])


def every_item(job_id: int) -> Iterable[DisruptionItem]:
    """Answer all reservations of a job."""
    rows = DisruptionItem.objects.filter(job_id=job_id).select_related("reservation")
    return rows.order_by("id").iterator(chunk_size=1_000)


def entries(*, departure_id: int, limit: int = 50) -> list[DeskEntry]:
    """Answer what the desk did to a departure, the newest first."""
    rows: Any = DeskEntry.objects.filter(departure_id=departure_id).select_related("actor", "job")
    return list(rows.order_by("-id")[:limit])
