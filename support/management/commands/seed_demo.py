"""`manage.py seed_demo`: an invented network and the people to try the office with."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

from accounts.models import SavedPassenger, User
from accounts.roles import ADMINISTRATOR, FINANCE, OPERATIONS, SUPPORT_AGENT
from inventory.models import ImportRun
from inventory.timetable.demo_network import FEED, demo_timetable, edition_digest
from inventory.timetable.publish import publish
from payments.services import wallet
from travel.common import clock
from travel.common.money import Money
from travel.common.transactions import in_transaction
from travel.devserver import database

PASSWORD = "travel-demo"
DAYS = 21
MOST_DAYS = 366
#: What the traveller's wallets hold at first, in each currency that the network sells in.
OPENING = (Money(500_000, "EUR"), Money(150_000, "GBP"), Money(150_000, "CHF"))


class Command(BaseCommand):
    """
    Publishes the demo network from yesterday on and makes the demo's accounts, each once.

    Yesterday's departures are there because night trains that left then are still under way.
    Running it again adds the days that are missing; on the same day it finds nothing to do.
    """

    help = (
        "Make the demo: a network of 52 cities from yesterday on, a traveller with a full wallet, "
        "staff of every role and an administrator. Needs DEMO=1; run it again to add days."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scale",
            type=float,
            default=1.0,
            help="how often every line runs, compared to the plain network (1); days stay the same",
        )
        parser.add_argument(
            "--days", type=int, default=DAYS, help=f"days from today on, at most 366 ({DAYS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Demo data has public passwords, so it is only made where DEMO=1 is set."
            )
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days is a number from 1 to {MOST_DAYS}.")
        if database.is_foreign():
            raise CommandError(
                "This database holds accounts that are not the demo's, so it is left alone. "
                "Point DATABASE_URL at another one."
            )
        self._is_talkative = options["verbosity"] > 0
        now = clock.now()
        self._publish(now=now, days=options["days"], scale=options["scale"])
        make_people(now=now)
        self._say("The demo's traveller, staff and administrator are there.")

    def _publish(self, *, now: datetime, days: int, scale: float) -> None:
        first, last = window(now.date(), days)
        try:
            draft = demo_timetable(first_date=first, last_date=last, scale=scale)
        except ValueError as problem:
            raise CommandError(f"--scale or --days cannot be met: {problem}.") from problem
        digest = edition_digest(first_date=first, last_date=last, scale=scale)
        if is_published(digest):
            self._say("The demo network is up to date.")
            return
        begun = time.monotonic()
        counts = publish(draft, now=now, digest=digest)
        seconds = time.monotonic() - begun
        self._say(
            f"Demo network: {counts.added} departures added, {counts.replaced} replaced, "
            f"{counts.withdrawn} withdrawn, {counts.unchanged} unchanged, up to {last} "
            f"({seconds:.1f} s)."
        )

    def _say(self, text: str) -> None:
        if self._is_talkative:
            self.stdout.write(text)


def window(today: date, days: int) -> tuple[date, date]:
    """Answer the first and the last day of a network that is seeded today."""
    return today - timedelta(days=1), today + timedelta(days=days - 1)


def is_published(digest: str) -> bool:
    """Say whether the network's latest edition is this one, and was written to its end."""
    latest = ImportRun.objects.filter(feed__code=FEED).order_by("-id").first()
    return latest is not None and latest.finished_at is not None and latest.digest == digest


@in_transaction
def make_people(*, now: datetime) -> None:
    """Make the demo's accounts, roles, saved passengers and wallet; what is there stays."""
    traveller = _person(
        email="traveller@demo.example",
        now=now,
        first_name="Robin",
        last_name="Traveller",
        city="Hamburg",
        date_of_birth=date(1988, 4, 12),
    )
    support = _person(
        email="support@demo.example",
        now=now,
        first_name="Sasha",
        last_name="Support",
        is_staff=True,
    )
    admin = _person(
        email="admin@demo.example",
        now=now,
        first_name="Alex",
        last_name="Admin",
        # The role and no more, so that what is refused to administrators is seen in the demo.
        is_staff=True,
    )
    _give_role(support, SUPPORT_AGENT)
    _give_role(admin, ADMINISTRATOR)
    for role, first_name in ((FINANCE, "Fran"), (OPERATIONS, "Olu")):
        colleague = _person(
            email=f"{role}@demo.example",
            now=now,
            first_name=first_name,
            last_name=role.capitalize(),
            is_staff=True,
        )
        _give_role(colleague, role)
    _save_companions(traveller, now=now)
    for amount in OPENING:
        wallet.open_with(user_id=traveller.pk, amount=amount, now=now)


def _person(*, email: str, now: datetime, **fields: Any) -> User:
    """
    Answer the account, made if need be, with a verified address.

    Services make travellers only, and unverified ones, so the demo writes its accounts by itself.
    """
    found = User.objects.filter(email=email).first()
    if found is not None:
        return found
    user = User(email=email, email_verified_at=now, joined_at=now, **fields)
    user.set_password(PASSWORD)
    user.save(force_insert=True)
    return user


def _give_role(user: User, role: str) -> None:
    user.groups.add(Group.objects.get_or_create(name=role)[0])


def _save_companions(traveller: User, *, now: datetime) -> None:
    """Another adult, a young person, a child and an infant, by their ages today."""
    if SavedPassenger.objects.filter(user=traveller).exists():
        return
    companions = (("Kim", 36), ("Jona", 19), ("Lou", 8), ("Mika", 0))
    SavedPassenger.objects.bulk_create(
        SavedPassenger(
            user=traveller,
            first_name=first_name,
            last_name="Traveller",
            # Three months past the birthday, so that nobody's age is about to change.
            date_of_birth=_born(now.date() - timedelta(days=90), age),
            created_at=now,
        )
        for first_name, age in companions
    )


def _born(birthday: date, age: int) -> date:
    """The day of birth of who turned that age on the day; the 28th stands for the leap day."""
    return birthday.replace(year=birthday.year - age, day=min(birthday.day, 28))
