"""Draw the tables of the office and what refers to what, from the models themselves."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from travel.common.erd import draw

DEFAULT = Path(settings.BASE_DIR) / "docs" / "ERD.svg"


class Command(BaseCommand):
    """Write docs/ERD.svg, or say that it no longer tells the truth."""

    help = "Draw docs/ERD.svg from the models; --check fails when the file differs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, compare")
        parser.add_argument(
            "--to", type=Path, default=DEFAULT, help="another file than docs/ERD.svg"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["to"]
        picture = draw()
        if options["check"]:
            if not path.exists() or path.read_text(encoding="utf-8") != picture:
                raise CommandError(f"{path} is out of date. Run: manage.py draw_erd")
            self.stdout.write(f"{path} is up to date.")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture, encoding="utf-8")
        self.stdout.write(f"Drew {path}.")
