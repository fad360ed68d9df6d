"""What the tests of faults share."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as office

from bookings import engine

ON_MYSQL = office.DATABASES["default"]["ENGINE"].endswith("mysql")


@pytest.fixture(params=[engine.PROCEDURES, engine.PORTABLE] if ON_MYSQL else [engine.PORTABLE])
def seat_engine(request: pytest.FixtureRequest, settings: Any) -> str:
    """Each seat engine that the database in use has, one after the other."""
    settings.SEAT_ENGINE = request.param
    return str(request.param)
