"""One demo at a time: a lock that the operating system lets go of when its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockHeld(Exception):
    """Somebody else holds the lock; the message is what they wrote into it."""


@contextmanager
def exclusive(path: Path, *, note: str) -> Iterator[None]:
    """
    Hold the lock file while the block runs, and leave a note in it for whoever comes second.

    :raises LockHeld: another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise LockHeld(os.read(descriptor, 500).decode(errors="replace").strip()) from problem
        os.ftruncate(descriptor, 0)
        os.write(descriptor, note.encode())
        yield
    finally:
        os.close(descriptor)
