"""Make a key that signs the barcodes of tickets, and tell which keys the office has."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from bookings import barcodes


class Command(BaseCommand):
    """
    Prints a new key and what to write into the environment; it changes nothing.

    The new key stands first, so it signs from the next start on; the older ones stay behind it
    until the last ticket that they signed is over.
    """

    help = (
        "Make a key that signs the barcodes of tickets; --list tells the ids of the present ones."
    )
    # It mends what the checks complain of.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--list", action="store_true", help="make none; print the ids of the office's keys"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            for number, key_id in enumerate(barcodes.public_keys()):
                self.stdout.write(f"{key_id}  {'signs' if number == 0 else 'still holds'}")
            return
        keys = ",".join([barcodes.new_key(), *settings.TICKET_SIGNING_KEYS])
        self.stdout.write(f"TICKET_SIGNING_KEYS={keys}")
