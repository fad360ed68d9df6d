"""
How a test run meets the office's surroundings: which tests run where, and apart from each other.

A test marked `mariadb` runs only against a MariaDB or MySQL, `sqlite` only without one, and `slow`
only with --slow. Workers that
run side by side (pytest -n) have a database, a Redis number and a folder for files of their own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache

# A slow machine is no failure, and `prove` looks much longer for a counterexample.
hypothesis.settings.register_profile("suite", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "prove", hypothesis.settings.get_profile("suite"), max_examples=2_000
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    if settings.REDIS_URL:
        # Number 0 belongs to a run without workers, 1 to gw0, and so on.
        number = int(worker.removeprefix("gw")) + 1 if worker else 0
        settings.CACHES["default"]["LOCATION"] = redis_number(settings.REDIS_URL, number)
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        # Django removes the file at the end; the folder goes with the system's temporary files.
        folder = Path(tempfile.mkdtemp(prefix="office-test-"))
        settings.DATABASES["default"]["TEST"]["NAME"] = str(folder / "office.sqlite3")
        # The file is thrown away, so nobody waits for the disk.
        options = settings.DATABASES["default"]["OPTIONS"]
        options["init_command"] = options["init_command"].replace(
            "synchronous=FULL", "synchronous=OFF"
        )
        config.add_cleanup(lambda: remove_folder(folder))


def redis_number(url: str, number: int) -> str:
    """Return the address of the Redis database with this number on the same server."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"{url.split('?')[0]}?db={number}"
    return parts._replace(path=f"/{number}").geturl()


def remove_folder(folder: Path) -> None:
    """Remove a folder of files, with what SQLite left in it."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    is_mysql = settings.DATABASES["default"]["ENGINE"].endswith("mysql")
    unwanted = {"sqlite" if is_mysql else "mariadb"}
    if not config.getoption("--slow"):
        unwanted.add("slow")
    left_out = {item for item in items if any(map(item.get_closest_marker, unwanted))}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Rolled-back rows give their ids back, so nothing cached may outlive a test."""
    from inventory import places

    cache.clear()
    places.forget()


@pytest.fixture
def outside_environment() -> dict[str, str]:
    """The environment for a program that a test starts: this one, without the marks of a test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
