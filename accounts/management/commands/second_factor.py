"""Give staff the second factor that the back office asks for."""

from __future__ import annotations

from argparse import ArgumentParser
from io import StringIO
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError

from accounts import services
from travel.common.errors import Refusal


class Command(BaseCommand):
    """Print the code that an authenticator app scans; an older second factor stops working."""

    help = "Give a staff account a new second factor, and print the code to scan."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the e-mail address of the staff account")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            address = services.give_second_factor(email=options["email"])
        except Refusal as refusal:
            raise CommandError(str(refusal.detail)) from refusal
        picture = StringIO()
        segno.make(address, micro=False).terminal(picture, compact=True)
        self.stdout.write(picture.getvalue())
        self.stdout.write("Scan it with an authenticator app, or type this address into one:")
        self.stdout.write(address)
        self.stdout.write("It is shown this once. Whoever sees it can make the codes.")
