"""Prove that seats and money are as they must be."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from support import audit

SHOWN = 10


class Command(BaseCommand):
    """Prints each fact with its proof, or the rows that break it; exits with 1 if any does."""

    help = "Prove that no seat is sold twice and that every cent is accounted for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--jobs", type=int, default=1, help="how many of the queries run at once (1)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = {finding.fact.code: finding for finding in audit.findings(jobs=options["jobs"])}
        for fact in audit.FACTS:
            finding = broken.get(fact.code)
            if finding is None:
                self.stdout.write(self.style.SUCCESS("holds   ") + fact.says)
                continue
            self.stdout.write(self.style.ERROR("BROKEN  ") + fact.says)
            self.stdout.write(f"        {', '.join(fact.columns)}")
            for row in finding.rows[:SHOWN]:
                self.stdout.write(f"        {', '.join(str(value) for value in row)}")
        if broken:
            sys.exit(1)
