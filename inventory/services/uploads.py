"""
Timetables that staff bring in from the browser: read, compared, confirmed, taken over.

The file stands in the database in parts, so that every worker finds it. A worker leases an upload,
reads it whole, and says what would change; after somebody has confirmed, it reads it again and
publishes. One that dies leaves a lease that ends, and whoever comes next finishes: publishing finds
out what is there already.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import IntegrityError
from django.db.models import Q
from django.utils.translation import gettext as _

from inventory.models import ImportRun, TimetableUpload, UploadPart
from inventory.timetable.gtfs import GtfsOptions, read_gtfs
from inventory.timetable.places import SHIPPED, PlacesBroken, load_places
from inventory.timetable.profile import PLAIN, ProfileBroken, load_profile
from inventory.timetable.publish import DraftRefused, publish
from inventory.timetable.publish.preview import preview
from inventory.timetable.reading import Reading, feed_code
from inventory.timetable.report import SourceBroken
from inventory.timetable.services_csv import ServicesOptions, read_services
from inventory.timetable.services_csv.reader import SHEETS
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction

MOST_BYTES = 64 * 1024**2
# What a file may unpack to; a larger timetable is brought in by the command.
MOST_UNPACKED = 1024**3
# Timetables pack to about a twentieth. A file that packs a thousandfold is made to fill disks.
MOST_RATIO = 200
SMALL_BYTES = 8 * 1024**2
PART_BYTES = 512 * 1024
USUAL_DAYS, MOST_DAYS = 30, 400
LEASE = timedelta(minutes=10)
ATTEMPTS = 5
PAUSE = timedelta(minutes=1)
# Lines of findings that are kept and shown.
MOST_FINDINGS = 200

State = TimetableUpload.State
Kind = TimetableUpload.Kind


@in_transaction
def upload(
    *,
    kind: str,
    file_name: str,
    content: Iterable[bytes],
    feed: str,
    first_day: date | None,
    days: int | None,
    user_id: int,
    now: datetime,
) -> TimetableUpload:
    """
    Keep a file and let a worker read it; `content` are its bytes, in parts of any size.

    :raises InvalidInput: it is empty, larger than 64 MB or no zip file, or there are too many days.
    """
    if kind not in Kind.values:
        raise InvalidInput(errors={"kind": [_("There is no such kind.")]})
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidInput(errors={"days": [_("Write 1 to 400 days.")]})
    row = TimetableUpload.objects.create(
        kind=kind,
        file_name=Path(file_name).name[:120] or "timetable.zip",
        size=0,
        digest="",
        feed=(feed or feed_code(Path(file_name)))[:30],
        first_day=first_day,
        days=days,
        created_at=now,
        created_by_id=user_id,
        due_at=now,
    )
    size, digest = 0, hashlib.sha256()
    for position, part in enumerate(_parts(content)):
        size += len(part)
        if size > MOST_BYTES:
            raise InvalidInput(errors={"file": [_("The file is larger than 64 MB.")]})
        if position == 0 and not part.startswith(b"PK"):
            raise InvalidInput(errors={"file": [_("This is no zip file.")]})
        digest.update(part)
        UploadPart.objects.create(upload=row, position=position, content=part)
    if not size:
        raise InvalidInput(errors={"file": [_("The file is empty.")]})
    row.size, row.digest = size, digest.hexdigest()
    row.save(update_fields=["size", "digest"])
    return row


def _parts(content: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes into parts that a database takes in one statement."""
    rest = b""
    for chunk in content:
        rest += chunk
        while len(rest) >= PART_BYTES:
            yield rest[:PART_BYTES]
            rest = rest[PART_BYTES:]
    if rest:
        yield rest


@in_transaction
def confirm(*, upload_id: int, user_id: int, now: datetime) -> None:
    """
    Let a worker take an upload over that was read and compared.

    :raises NotFound: there is none that waits to be confirmed.
    """
    confirmed = TimetableUpload.objects.filter(pk=upload_id, state=State.CHECKED).update(
        state=State.IMPORTING,
        confirmed_at=now,
        confirmed_by_id=user_id,
        due_at=now,
        lease_until=None,
        attempts=0,
    )
    if not confirmed:
        raise NotFound()


@in_transaction
def drop(*, upload_id: int, now: datetime) -> None:
    """
    Forget an upload that was not confirmed; its file is deleted.

    :raises NotFound: there is none that could be dropped.
    """
    dropped = TimetableUpload.objects.filter(
        pk=upload_id, state__in=[State.CHECKING, State.CHECKED, State.REFUSED]
    ).update(state=State.DROPPED, finished_at=now)
    if not dropped:
        raise NotFound()
    UploadPart.objects.filter(upload_id=upload_id).delete()


# --- what workers do ------------------------------------------------------------------------------


def due_uploads(*, now: datetime, limit: int) -> list[int]:
    """Answer the uploads that wait to be read or taken over, the oldest first."""
    rows = _due(now).order_by("due_at", "id")
    return list(rows.values_list("id", flat=True)[:limit])


def _due(now: datetime) -> Any:
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return TimetableUpload.objects.filter(
        free, state__in=[State.CHECKING, State.IMPORTING], due_at__lte=now
    )


def work_on(*, upload_id: int, now: datetime) -> str:
    """
    Read an upload and compare it, or take it over when it is confirmed; answer its state then.

    No transaction is open while it is read. What is wrong with the file is kept for the page.
    """
    # Whoever sets the lease has the upload; another worker's update finds no row.
    if not _due(now).filter(pk=upload_id).update(lease_until=now + LEASE):
        return ""
    row = TimetableUpload.objects.get(pk=upload_id)
    try:
        with _read(row) as reading:
            report = _facts(reading)
            if row.state == State.CHECKING:
                counts, examples = preview(reading.draft, now=now)
                report |= {"counts": asdict(counts), "examples": examples}
                return _close(row, State.CHECKED, report, now)
            counts = publish(
                reading.draft,
                now=now,
                digest=reading.digest,
                findings=reading.report.as_data(),
            )
            return _close(row, State.DONE, report | {"counts": asdict(counts)}, now)
    except SourceBroken as broken:
        return _close(row, State.REFUSED, {"findings": list(broken.report.lines())}, now)
    except (ProfileBroken, PlacesBroken, DraftRefused, zipfile.BadZipFile) as broken:
        return _close(row, State.REFUSED, {"findings": [str(broken)]}, now)
    except (IntegrityError, OSError) as error:
        # Another import changed the same rows, or a disk was full: later.
        return _put_off(row, type(error).__name__, now)


def fail(*, upload_id: int, error: Exception, now: datetime) -> None:
    """Note that the work on an upload broke off by a fault of the office's own."""
    _put_off(TimetableUpload.objects.get(pk=upload_id), type(error).__name__, now)


def _facts(reading: Reading) -> dict[str, Any]:
    draft = reading.draft
    return {
        "feed": draft.feed,
        "first_day": draft.first_date.isoformat(),
        "last_day": draft.last_date.isoformat(),
        "departures": draft.departure_count,
        "calls": reading.call_count,
        "services": len(draft.services),
        "stations": len(draft.stations),
        "findings": list(reading.report.lines())[:MOST_FINDINGS],
    }


@in_transaction
def _close(row: TimetableUpload, state: str, report: dict[str, Any], now: datetime) -> str:
    is_over = state in (State.DONE, State.REFUSED)
    row.state, row.lease_until = state, None
    row.report = {**report, "findings": report.get("findings", [])[:MOST_FINDINGS]}
    row.finished_at = now if is_over else None
    if state == State.DONE:
        row.run = ImportRun.objects.filter(feed__code=report["feed"]).order_by("-id").first()
    row.save(update_fields=["state", "lease_until", "report", "finished_at", "run"])
    if is_over:
        UploadPart.objects.filter(upload=row).delete()
    return str(state)


@in_transaction
def _put_off(row: TimetableUpload, why: str, now: datetime) -> str:
    row.attempts += 1
    if row.attempts >= ATTEMPTS:
        return _close(row, State.REFUSED, {"findings": [why]}, now)
    row.due_at, row.lease_until = now + PAUSE * row.attempts, None
    row.save(update_fields=["attempts", "due_at", "lease_until"])
    return str(row.state)


@contextmanager
def _read(row: TimetableUpload) -> Iterator[Reading]:
    """Read the file as the commands do; it stands on a disk for so long alone."""
    with tempfile.TemporaryDirectory(prefix="timetable-") as name:
        path = Path(name) / "timetable.zip"
        with path.open("wb") as stream:
            for content in (
                UploadPart.objects.filter(upload=row)
                .order_by("position")
                .values_list("content", flat=True)
                .iterator(chunk_size=4)
            ):
                stream.write(bytes(content))
        _check_bounds(path)
        profile, known = load_profile(PLAIN), load_places(SHIPPED)
        if row.kind == Kind.GTFS:
            options = GtfsOptions(
                feed=row.feed,
                profile=profile,
                places=known,
                first_day=row.first_day,
                days=row.days,
                shift_to=None,
            )
            with read_gtfs(path, options) as reading:
                yield reading
            return
        sheets = ServicesOptions(
            feed=row.feed,
            profile=profile,
            places=known,
            first_day=row.first_day or row.created_at.date(),
            days=row.days or USUAL_DAYS,
        )
        with read_services(_unpacked(path, Path(name) / "sheets"), sheets) as reading:
            yield reading


def _check_bounds(path: Path) -> None:
    """
    Refuse a file that was made to fill disks, before anything of it is unpacked.

    :raises DraftRefused: it unpacks to too much, or by far too much.
    """
    with zipfile.ZipFile(path) as packed:
        infos = packed.infolist()
    if sum(info.file_size for info in infos) > MOST_UNPACKED:
        raise DraftRefused(_("The file unpacks to more than 1 GB: use the command for it."))
    for info in infos:
        if info.file_size > SMALL_BYTES and info.file_size > MOST_RATIO * info.compress_size:
            raise DraftRefused(_("A part of the file unpacks to far more than timetables do."))


def _unpacked(path: Path, folder: Path) -> Path:
    """Unpack the sheets, and nothing else, whatever folder of the zip they stand in."""
    folder.mkdir()
    wanted = {sheet.file for sheet in SHEETS}
    with zipfile.ZipFile(path) as packed:
        for info in packed.infolist():
            name = info.filename.replace("\\", "/").rpartition("/")[2]
            target = folder / name
            if name in wanted and not target.exists() and not info.flag_bits & 0x1:
                target.write_bytes(packed.read(info))
    return folder
