"""`manage.py seed_sales`: two weeks of invented sales on the demo's network."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from support.management.practice import season
from support.management.practice.replies import write_replies
from travel.common import clock

SALES = 240
AGENT, DISPATCHER = "support@demo.example", "operations@demo.example"


class Command(BaseCommand):
    """Plays a season of sales once; a database that has had one is left as it is."""

    help = (
        "Fill the demo's back office: invented travellers reserve, pay, cancel, complain and wait, "
        "within the last two weeks. Needs DEMO=1 and the network of seed_demo."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sales", type=int, default=SALES, help=f"how many ({SALES})")
        parser.add_argument("--seed", type=int, default=1, help="another number, another season")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Invented sales are only made where DEMO=1 is set.")
        staff = {user.email: user for user in User.objects.filter(email__in=[AGENT, DISPATCHER])}
        if len(staff) < 2:
            raise CommandError("The demo's staff are not there: run seed_demo first.")
        if season.is_played():
            self._say(options, "The practice's sales are there.")
            return
        begun = time.monotonic()
        write_replies()
        done = season.play(
            agent=staff[AGENT],
            dispatcher=staff[DISPATCHER],
            now=clock.now(),
            sales=options["sales"],
            seed=options["seed"],
        )
        seconds = time.monotonic() - begun
        told = ", ".join(f"{number} {word}" for word, number in sorted(done.items()))
        self._say(options, f"Practice sales: {told} ({seconds:.1f} s).")

    def _say(self, options: dict[str, Any], text: str) -> None:
        if options["verbosity"] > 0:
            self.stdout.write(text)
