"""The walk through docs/API.md, run as a reader would: by curl, against a real server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as office
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

PAGE = Path(office.BASE_DIR, "docs", "API.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


def test_the_page_runs_from_top_to_bottom(live_server: LiveServer, settings: Any) -> None:
    settings.DEMO, settings.STAFF_2FA = True, "optional"
    call_command("seed_demo", scale=0.05, days=3, verbosity=0)
    script = "\n".join(["set -euo pipefail", *BLOCK.findall(PAGE.read_text())])

    done = subprocess.run(
        ["bash", "-c", script],
        env={"OFFICE": live_server.url, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    # The last move on the wallet is the refund.
    assert "{'at': " in done.stdout
    assert "'kind': 'refund'" in done.stdout


def test_the_page_has_every_endpoint() -> None:
    """What the schema describes is on the page, but for the pages' own doors."""
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(request=None, public=True)
    text = PAGE.read_text()

    missing = [
        path
        for path in schema["paths"]
        if not path.startswith("/api/") and not re.search(_as_written(path), text)
    ]

    assert missing == []


def _as_written(path: str) -> str:
    """How a path with its ids looks on the page: `$OFFICE/tickets/$TICKET/seats`."""
    parts = [r"\$[A-Z]+" if part.startswith("{") else re.escape(part) for part in path.split("/")]
    return r"\$OFFICE" + "/".join(parts) + r"[\s\"?]"
