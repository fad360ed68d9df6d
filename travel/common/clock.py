"""The office's clock: the host's time, corrected by the database's."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connection

# How long a measured difference is trusted.
TRUSTED_FOR_SECONDS = 30.0

_lock = threading.Lock()
_offset = timedelta(0)
_measured_at: float | None = None


def now() -> datetime:
    """
    Answer the present instant, in UTC.

    On a server shared by several hosts, expiry must not depend on which host looks: the difference
    between this host and the database is measured every 30 seconds and added. SQLite lives on this
    host, so there is nothing to correct.
    """
    return datetime.now(UTC) + _correction()


def _correction() -> timedelta:
    global _offset, _measured_at
    if connection.vendor != "mysql":
        return timedelta(0)
    moment = time.monotonic()
    if _measured_at is None or moment - _measured_at > TRUSTED_FOR_SECONDS:
        with _lock:
            if _measured_at is None or moment - _measured_at > TRUSTED_FOR_SECONDS:
                measured = _measure()
                if measured is not None:
                    _offset = measured
                _measured_at = moment
    return _offset


def _measure() -> timedelta | None:
    before = datetime.now(UTC)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT UTC_TIMESTAMP(6)")
            theirs = cursor.fetchone()[0].replace(tzinfo=UTC)
    except DatabaseError:
        return None
    after = datetime.now(UTC)
    difference = theirs - (before + (after - before) / 2)
    # Differences below the round trip are noise of the measurement.
    return difference if abs(difference) > (after - before) else timedelta(0)
