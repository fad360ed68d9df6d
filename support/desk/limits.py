"""How much of the desk stands on one page."""

from __future__ import annotations

# A day of one carrier has hundreds of departures; a page shows so many.
PER_PAGE = 50
MOST_QUEUED = 200
