"""Compare providers' statements with the ledger."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments import selectors
from payments.services import reconciling
from travel.common import clock
from travel.common.errors import InvalidInput

SHOWN = 20


class Command(BaseCommand):
    """Prints what differs; exits with 1 while a difference is open or a provider is unreadable."""

    help = (
        "Compare providers' statements with the ledger. Without days: the last three that are over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gateway", help="this one alone; without it, each that is in use")
        parser.add_argument("--since", type=_instant, help="a UTC day or an instant, counted in")
        parser.add_argument(
            "--until", type=_instant, help="a UTC day or an instant, not counted in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        first, last = reconciling.nightly(now=now)
        chosen = options["gateway"]
        is_clean = True
        for gateway in [chosen] if chosen else reconciling.gateways_in_use():
            try:
                done = reconciling.reconcile(
                    gateway=gateway,
                    since=options["since"] or first,
                    until=options["until"] or last,
                    now=now,
                )
            except InvalidInput as refusal:
                raise CommandError(_told(refusal)) from refusal
            self._tell(done)
            is_clean = is_clean and not done.problem and not done.still_open
        if not is_clean:
            raise SystemExit(1)

    def _tell(self, done: reconciling.Reconciled) -> None:
        if done.problem:
            self.stdout.write(self.style.ERROR(f"{done.gateway}: {done.problem}"))
            return
        self.stdout.write(
            f"{done.gateway}: {done.lines_read} lines, {done.found} new differences, "
            f"{done.closed} closed by themselves, {done.still_open} open"
        )
        for row in selectors.open_differences(gateway=done.gateway, limit=SHOWN):
            self.stdout.write(
                f"  {row.reference}: ledger {row.ledger or 'nothing'}, "
                f"provider {row.provider or 'nothing'}"
            )


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(refusal: InvalidInput) -> str:
    return " ".join(
        f"{field}: {' '.join(map(str, texts))}" for field, texts in refusal.errors.items()
    )
