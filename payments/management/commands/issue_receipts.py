"""Write the receipts that are missing, and delete the names that are no longer kept."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand

from payments.services import receipts
from travel.common import clock

BATCH = 500


class Command(BaseCommand):
    """
    Writes receipts and credit notes of sales that were made before the office wrote any, and
    deletes names whose term has ended. It can be run again, and stopped at any time.
    """

    help = "Write missing receipts and credit notes; delete names whose term has ended."

    def handle(self, *args: Any, **options: Any) -> None:
        written = erased = 0
        while done := receipts.issue_missing(now=clock.now(), limit=BATCH):
            written += done
        today = clock.now().astimezone(UTC).date()
        while done := receipts.erase_names(today=today, limit=BATCH):
            erased += done
        self.stdout.write(f"{written} receipts and credit notes written, {erased} names deleted")
