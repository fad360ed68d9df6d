"""Draw up the statements of all carriers."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.errors import NothingToSettle
from payments.models import Account
from payments.services import settlements
from travel.common import clock
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money


class Command(BaseCommand):
    """
    Draws up the next statement of each carrier and currency; those without entries are left out.

    It can be run again: a day is in one statement only.
    """

    help = "Draw up the statements of all carriers, to the end of yesterday or of another day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until", type=date.fromisoformat, help="the last day (UTC); without it, yesterday"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        today = now.astimezone(UTC).date()
        until = options["until"] or today - timedelta(days=1)
        if until >= today:
            raise CommandError("The period has to be over.")
        accounts = Account.objects.filter(kind=Account.Kind.CARRIER).select_related("carrier")
        drawn = 0
        for account in accounts.order_by("carrier__code", "currency_id"):
            drawn += self._draw(account, until)
        self.stdout.write(f"{drawn} statements to {until}")

    def _draw(self, account: Account, until: date) -> int:
        try:
            row = settlements.draw(
                carrier_id=account.carrier_id or 0,
                currency=account.currency_id,
                until=until,
                now=clock.now(),
            )
        except (NothingToSettle, InvalidInput, NotFound) as refusal:
            self.stdout.write(f"{account.code}: {refusal}")
            return 0
        amount = Money(row.amount_minor, account.currency_id)
        self.stdout.write(f"{account.code}: statement {row.number}, {amount}")
        return 1
