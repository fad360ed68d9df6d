"""The test run itself keeps its workers apart."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from tests.plugins.office import redis_number


@pytest.mark.django_db
def test_sqlite_runs_on_a_file_of_its_own():
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone keeps its tables in a file")
    name = Path(str(connection.settings_dict["NAME"]))
    assert name.parent != settings.VAR_DIR
    assert name.name.startswith("office.sqlite3")


@pytest.mark.parametrize("attempt", [1, 2])
def test_the_cache_is_empty_at_first(attempt):
    assert cache.get("left-behind") is None
    cache.set("left-behind", attempt)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:secret@cache:6380/0", "redis://:secret@cache:6380/3"),
        ("redis://cache:6380", "redis://cache:6380/3"),
        ("unix:///run/r.sock?db=0", "unix:///run/r.sock?db=3"),
    ],
)
def test_each_worker_has_a_number_of_redis_for_itself(url, expected):
    assert redis_number(url, 3) == expected


@pytest.mark.browser
def test_a_page_is_drawn(page):
    page.set_content("<h1>Departures</h1>")
    assert page.get_by_role("heading").inner_text() == "Departures"
