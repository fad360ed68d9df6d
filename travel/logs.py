"""What the log must not learn, whoever writes it."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

# A guest's link opens a reservation by this part of its address; see bookings.pages.access.
_KEY_IN_AN_ADDRESS = re.compile(r"([?&]key=)[^&\s'\"]+")


def hide_keys(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
    """Take the secret out of every address of a log's entry; a processor of structlog."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _KEY_IN_AN_ADDRESS.sub(r"\1...", value)
    return event
