"""
Writes a draft into the tables.

Everything is written in small transactions, each of which leaves a state that may be sold from, and
each of which finds out what is there already. So an import that was killed is finished by running
it again, and running it once more writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from inventory import places
from inventory.models import Feed, ImportRun
from inventory.timetable.draft import TimetableDraft
from inventory.timetable.publish.departures import Counts, DeparturePublisher
from inventory.timetable.publish.reference import (
    DraftRefused,
    check,
    check_currencies,
    write_reference,
)
from travel.common.transactions import in_transaction

__all__ = ["Counts", "DraftRefused", "publish"]

#: Told how many departures have been seen.
Progress = Callable[[int], None]


def publish(
    draft: TimetableDraft,
    *,
    now: datetime,
    digest: str = "",
    findings: list[dict[str, Any]] | None = None,
    progress: Progress = lambda _count: None,
) -> Counts:
    """
    Brings the tables to what the draft says.

    Places, carriers, fares and services are added or brought up to date, never removed. Departures
    of the feed within the draft's days are added, replaced under a new id when their content
    changed, or withdrawn when the draft lacks them; those that have sold are left as they are, and
    the difference waits for the departures desk as a PendingChange.

    :raises DraftRefused: the draft contradicts itself or what is sold already.
    """
    check(draft)
    check_currencies(draft)
    run = _open_run(draft=draft, now=now, digest=digest)
    references = write_reference(draft, now=now)
    places.forget()
    publisher = DeparturePublisher(
        feed_id=run.feed_id, references=references, now=now, progress=progress
    )
    counts = publisher.publish(draft)
    _close_run(run=run, now=now, counts=counts, findings=findings or [], kept=references.kept)
    return counts


@in_transaction
def _open_run(*, draft: TimetableDraft, now: datetime, digest: str) -> ImportRun:
    feed, _ = Feed.objects.get_or_create(
        code=draft.feed, defaults={"name": (draft.feed_name or draft.feed)[:120]}
    )
    return ImportRun.objects.create(
        feed=feed,
        first_day=draft.first_date,
        last_day=draft.last_date,
        started_at=now,
        digest=digest,
    )


@in_transaction
def _close_run(
    *,
    run: ImportRun,
    now: datetime,
    counts: Counts,
    findings: list[dict[str, Any]],
    kept: list[str],
) -> None:
    run.finished_at = now
    run.report = {"counts": asdict(counts), "findings": findings, "kept": kept}
    run.save(update_fields=["finished_at", "report"])
