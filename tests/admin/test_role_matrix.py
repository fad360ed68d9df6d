"""
Every page, button, action and file of the back office, for every kind of person.

The expected answers are written by hand in tests/admin/role_matrix.py; what stands at which address
is read from the site itself, so that a new page without a line there fails here, and says so.

A page counts as refused when it is forbidden, not found, or leads to the sign-in or the overview.
Whatever is refused must write nothing, and so must whatever is only looked at; what is allowed is
rolled back, so that everybody meets the same office.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.http import HttpResponseForbidden
from django.test import Client
from django.urls import URLResolver, reverse

from accounts.models import User
from bookings.models import Reservation
from inventory.models import (
    FareVersion,
    Membership,
    PatternCall,
    PenaltyTier,
    PendingChange,
    TimetablePattern,
)
from payments.models import Goodwill, Refund, Transfer
from support.admin.desk.acts import BY_NAME
from support.admin.reservation.act_pages import PAGES as ACT_PAGES
from support.analytics.asking import LOOK_UPS as ASKED
from support.analytics.catalogue import REPORTS as CATALOGUE
from support.models import DisruptionJob
from tests import factories
from tests.admin import role_matrix as expected
from tests.admin.role_matrix import (
    ACTIONS,
    CARRIERS,
    DESK_ACTS,
    LOOK_UPS,
    PAGES,
    REPORTS,
    RESERVATION_ACTS,
    TABLES,
    Page,
)
from tests.api.world import LOOK_UPS as GOOD_QUERIES
from travel import urls
from travel.common.models import Act

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

STAFF = {
    "n": "staff without a role",
    "a": "support agent",
    "f": "finance",
    "o": "operations",
    "m": "administrator",
    "v": "a carrier's viewer",
    "c": "a carrier's operations",
    "g": "a carrier's manager",
    "s": "superuser",
}
MEMBERS = {"v": "viewer", "c": "operations", "g": "manager"}
EVERY_MEMBER_OF_STAFF = pytest.mark.parametrize("who", STAFF, ids=STAFF.get)
VIEWS = ("changelist", "add", "history", "delete", "change", "simple_history")
LOOKED_AT, SENT = "GET", "POST"
# What a request may write although nothing is done: the session of who asks.
_NO_MATTER = re.compile(r"django_session", re.IGNORECASE)
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|CALL)\b", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refusals by the thousand are wanted here: showing and telling each takes half of the time."""
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "structlog" not in one]
    plain = lambda request, exception: HttpResponseForbidden()  # noqa: E731
    monkeypatch.setattr(urls, "handler403", plain, raising=False)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


# --- the world ------------------------------------------------------------------------------------


@dataclass
class World:
    """An office with rows in every table, of two carriers, and people of every kind."""

    people: dict[str, User]
    chosen: dict[str, Any]
    own: int
    others: int
    own_job: int
    others_job: int
    own_change: int
    others_change: int
    colleague: int
    rows: dict[str, Any] = field(default_factory=dict)

    def row(self, label: str) -> Any:
        """The row of a table that everybody tries: the chosen one, or the newest."""
        if label not in self.rows:
            newest = apps.get_model(label)._base_manager.order_by("pk").last()
            self.rows[label] = self.chosen.get(label) or newest
            assert self.rows[label], f"Write a row of {label} in tests/admin/conftest.py."
        return self.rows[label]


@pytest.fixture
def world(
    timetable: factories.Timetable,
    sell: Callable[[int], Reservation],
    noon: datetime,
    settings: Any,
) -> World:
    settings.STAFF_2FA = "optional"
    buyer = sell(0).user
    railway = timetable.train.departure.service.carrier
    people = {letter: _person(letter, railway) for letter in STAFF}
    trips = (timetable.train, timetable.flight)
    pattern, others_pattern = (_pattern(trip, noon) for trip in trips)
    job, others_job = (_job(trip, people["o"], noon) for trip in trips)
    change, others_change = (_change(trip, noon) for trip in trips)
    version = FareVersion.objects.create(
        fare=timetable.train.fares[0], valid_from=noon + timedelta(days=30)
    )
    PenaltyTier.objects.create(fare_version=version, minutes_before=0, basis_points=100)
    Group.objects.create(name="night desk")
    timetable.flight.ticket()
    Refund.objects.update(state="pendingApproval", requested_by=buyer)
    Goodwill.objects.update(requested_by=buyer)
    # Nobody could explain what the made-up payments of the statement consist of.
    Transfer.objects.update(kind="settlement")
    return World(
        people=people,
        chosen={
            "accounts.user": buyer,
            "inventory.departure": timetable.train.departure,
            "inventory.call": timetable.train.calls[0],
            "inventory.ticket": timetable.train.departure.tickets.order_by("pk").first(),
            "inventory.timetablepattern": pattern,
            "inventory.pendingchange": change,
            "others.inventory.departure": timetable.flight.departure,
            "others.inventory.call": timetable.flight.calls[0],
            "others.inventory.ticket": timetable.flight.departure.tickets.get(),
            "others.inventory.timetablepattern": others_pattern,
            "others.inventory.pendingchange": others_change,
        },
        own=timetable.train.departure.pk,
        others=timetable.flight.departure.pk,
        own_job=job.pk,
        others_job=others_job.pk,
        own_change=change.pk,
        others_change=others_change.pk,
        colleague=factories.make_user(email="colleague@office.example", is_staff=True).pk,
    )


def _person(letter: str, carrier: Any) -> User:
    role = STAFF[letter]
    user = factories.make_user(
        email=f"{letter}@office.example",
        is_staff=True,
        is_superuser=letter == "s",
        roles=[role] if letter in "afom" else [],
    )
    if letter in MEMBERS:
        Membership.objects.create(user=user, carrier=carrier, role=MEMBERS[letter])
    return user


def _pattern(trip: factories.Trip, noon: datetime) -> TimetablePattern:
    departure = trip.departure
    pattern = TimetablePattern.objects.create(
        service=departure.service,
        vehicle=departure.vehicle,
        first_day=noon.date(),
        last_day=noon.date(),
        leaves=noon.time(),
        run="m",
    )
    for position, call in enumerate([trip.calls[0], trip.calls[-1]]):
        PatternCall.objects.create(
            pattern=pattern,
            position=position,
            station=call.station,
            arrives=60 * position or None,
            departs=None if position else 0,
        )
    return pattern


def _job(trip: factories.Trip, user: User, noon: datetime) -> DisruptionJob:
    return DisruptionJob.objects.create(
        departure=trip.departure,
        cause="delayed",
        deed="tell",
        created_at=noon,
        created_by=user,
        due_at=noon,
    )


def _change(trip: factories.Trip, noon: datetime) -> PendingChange:
    return PendingChange.objects.create(
        departure=trip.departure,
        kind="withdrawn",
        digest="of the matrix",
        proposal={},
        created_at=noon,
    )


# --- asking ---------------------------------------------------------------------------------------


@contextmanager
def written() -> Iterator[list[str]]:
    """Collect the statements that change rows, those of the session aside."""
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        changes = _WRITES.match(sql) and not _NO_MATTER.search(sql)
        if changes and context["cursor"].rowcount != 0:
            statements.append(sql)
        return answer

    with connection.execute_wrapper(note):
        yield statements


@contextmanager
def taken_back() -> Iterator[None]:
    """Undo in the end whatever was written meanwhile."""
    with transaction.atomic():
        # A transaction of the test's, not of the office's: services begin their own in it.
        connection.atomic_blocks[-1]._from_testcase = True
        yield
        transaction.set_rollback(True)


@dataclass
class Visitor:
    """Somebody's browser, which notes every answer that is not as expected."""

    letter: str
    client: Client
    faults: list[str] = field(default_factory=list)

    def tries(
        self, method: str, address: str, may: str | bool, sent: dict[str, Any] | None = None
    ) -> Any:
        """Ask for a page; `may` says who may, by their letters."""
        allowed = may if isinstance(may, bool) else self.letter in may
        with taken_back(), written() as statements:
            ask = self.client.get if method == LOOKED_AT else self.client.post
            answer = ask(address, sent or {})
            if getattr(answer, "streaming", False):
                b"".join(answer.streaming_content)
        # Whoever deletes what nobody changes is led to the overview, too.
        shut = refused(answer) and not (allowed and statements)
        if shut == allowed:
            told = f"answered {answer.status_code} {answer.headers.get('Location', '')}"
            self._fault(method, address, f"{told}, but {'may' if allowed else 'may not'}")
        if statements and not (allowed and method == SENT):
            self._fault(method, address, f"wrote: {statements[0][:120]}")
        return answer

    def takes(self, address: str, may: str | bool, leaves: str = "exported") -> None:
        """
        Ask for a file, or for what is looked at on record: who may have it leaves an act of that
        kind, who may not leaves nothing.
        """
        allowed = may if isinstance(may, bool) else self.letter in may
        with taken_back():
            before = Act.objects.count()
            answer = self.client.get(address)
            left = Act.objects.filter(kind=leaves, actor__email__startswith=self.letter)
            acts = Act.objects.count() - before
            if acts != int(allowed) or left.count() != acts:
                self._fault(LOOKED_AT, address, f"left {acts} acts")
        if refused(answer) == allowed:
            self._fault(LOOKED_AT, address, f"answered {answer.status_code}")

    def _fault(self, method: str, address: str, what: str) -> None:
        self.faults.append(f"{STAFF[self.letter]}: {method} {address}: {what}")


def refused(answer: Any) -> bool:
    if answer.status_code in (403, 404, 405):
        return True
    where = answer.headers.get("Location", "")
    home, door = reverse("admin:index"), reverse("admin:login")
    return answer.status_code == 302 and (where == home or where.startswith(door))


@pytest.fixture
def visitor(world: World, who: str, client: Client) -> Visitor:
    client.force_login(world.people[who])
    return Visitor(who, client)


def registered() -> dict[str, Any]:
    return {model._meta.label_lower: table for model, table in admin.site._registry.items()}


def at(label: str, view: str, *args: Any) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{view}", args=args)


def every_name() -> set[str]:
    """The names of all pages of the site, without those that only lead to another address."""

    def walk(patterns: Any) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            elif pattern.name:
                yield pattern.name

    return set(walk(admin.site.urls[0]))


def there() -> dict[str, Page]:
    """The pages of the matrix that the site has: that none is missing is a test of its own."""
    names = every_name()
    return {name: page for name, page in PAGES.items() if name in names}


def pages_of(label: str, row: Any) -> Iterator[tuple[str, str]]:
    yield "changelist", at(label, "changelist")
    yield "add", at(label, "add")
    for view in ("history", "delete", "change"):
        yield view, at(label, view, row.pk)
    if hasattr(row, "history") and (version := row.history.first()):
        yield "simple_history", at(label, "simple_history", row.pk, version.pk)


# --- nothing is left out --------------------------------------------------------------------------


class TestTheMatrixIsWhole:
    def test_every_table_has_a_line(self) -> None:
        missing = sorted(registered().keys() - TABLES.keys())
        gone = sorted(TABLES.keys() - registered().keys())
        assert not missing, (
            "Add to TABLES in tests/admin/role_matrix.py who may view, add, change and delete "
            f"rows of {missing}, and to RIGHTS in accounts/rights.py what the roles may."
        )
        assert not gone, f"TABLES in tests/admin/role_matrix.py has tables that are gone: {gone}."

    def test_every_page_has_a_line(self) -> None:
        of_tables = {f"{name.replace('.', '_')}_{view}" for name in TABLES for view in VIEWS}
        known = of_tables | expected.SITE | expected.ANSWERS | expected.NAMED
        own = every_name() - known
        missing, gone = sorted(own - PAGES.keys()), sorted(PAGES.keys() - own)
        assert not missing, (
            f"Add to PAGES in tests/admin/role_matrix.py a line for each of these pages, with who "
            f"may look at it and who may send to it: {missing}."
        )
        assert not gone, f"PAGES in tests/admin/role_matrix.py has pages that are gone: {gone}."

    def test_every_action_has_a_line(self, world: World, rf: Any) -> None:
        request = rf.get("/")
        request.user = world.people["s"]
        offered = {
            label: set(table.get_actions(request))
            for label, table in registered().items()
            if table.get_actions(request)
        }
        assert offered == {label: set(names) for label, names in ACTIONS.items()}, (
            "ACTIONS in tests/admin/role_matrix.py says which buttons stand above which list."
        )

    def test_every_act_of_the_desk_and_every_report_has_a_line(self) -> None:
        assert set(BY_NAME) == set(DESK_ACTS), "DESK_ACTS in tests/admin/role_matrix.py"
        assert set(CATALOGUE) == set(REPORTS), "REPORTS in tests/admin/role_matrix.py"
        assert set(ASKED) == set(LOOK_UPS), "LOOK_UPS in tests/admin/role_matrix.py"
        of_reservations = set(ACT_PAGES)
        assert of_reservations == set(RESERVATION_ACTS), "RESERVATION_ACTS in role_matrix.py"

    def test_the_letters_are_people(self) -> None:
        words = [word for cells in TABLES.values() for word in cells]
        words += [word for page in PAGES.values() for word in (page.get, page.post) if word]
        assert set("".join(words)) <= set(STAFF)


# --- who may --------------------------------------------------------------------------------------


@EVERY_MEMBER_OF_STAFF
class TestStaff:
    def test_tables(self, world: World, visitor: Visitor) -> None:
        for label, (view, add, change, delete) in TABLES.items():
            row = world.row(label)
            looks = {"add": add, "delete": delete}
            sends = {"changelist": view, "add": add, "change": change, "delete": delete}
            for name, address in pages_of(label, row):
                visitor.tries(LOOKED_AT, address, looks.get(name, view))
                # A history is not written, and has no way back.
                may = sends.get(name, view if name == "history" else "")
                visitor.tries(SENT, address, may, {"post": "yes", "why": "To try it."})
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_rows_of_other_carriers(self, world: World, visitor: Visitor) -> None:
        for label, (view, _add, change, delete) in TABLES.items():
            if not set(CARRIERS) & set(view):
                continue
            row, own = world.chosen[f"others.{label}"], world.row(label)
            everybody = view.translate(str.maketrans("", "", CARRIERS))
            for name, address in pages_of(label, row):
                if name in ("changelist", "add"):
                    continue
                visitor.tries(LOOKED_AT, address, delete if name == "delete" else everybody)
                may = {"change": change, "delete": delete}.get(name, "")
                may = everybody if name == "history" else may
                visitor.tries(SENT, address, may, {"post": "yes"})
            if visitor.letter not in view:
                continue
            listed = at(label, "changelist")
            for query in ({}, {"q": row.pk}, {"q": own.pk}, {"id__exact": row.pk}):
                shown = visitor.client.get(listed, query).context["cl"].result_list
                found = {one.pk for one in shown}
                if visitor.letter in CARRIERS:
                    assert row.pk not in found, (label, query)
                elif query:
                    assert own.pk in found or row.pk in found, (label, query)
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_rows_of_other_carriers_that_are_gone(self, world: World, visitor: Visitor) -> None:
        pattern = world.chosen["others.inventory.timetablepattern"]
        version, key = pattern.history.first(), pattern.pk
        pattern.delete()
        for address in (
            at("inventory.timetablepattern", "history", key),
            at("inventory.timetablepattern", "simple_history", key, version.pk),
        ):
            visitor.tries(LOOKED_AT, address, "oms")
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_actions_above_lists(self, world: World, visitor: Visitor) -> None:
        for label in TABLES:
            row, listed = world.row(label), at(label, "changelist")
            for name in ("delete_selected", *ACTIONS.get(label, ())):
                may = visitor.letter in ACTIONS.get(label, {}).get(name, "")
                sent = {"action": name, "_selected_action": [row.pk], "post": "yes", "index": 0}
                with taken_back(), written() as statements:
                    answer = visitor.client.post(listed, sent)
                assert bool(statements) <= may, (label, name, statements)
                if name != "delete_selected" and visitor.letter in TABLES[label][0]:
                    page = visitor.client.get(listed).content.decode()
                    assert (f'value="{name}"' in page) is may, (label, name)
                if visitor.letter not in TABLES[label][0]:
                    assert answer.status_code == 403, (label, name)

    def test_pages(self, world: World, visitor: Visitor) -> None:
        for name, page in there().items():
            self.asks(visitor, page, self.address(name, page, world), page.get, page.post)
            if page.other is not None:
                address = reverse(f"admin:{name}", kwargs=page.other(world))
                letters = str.maketrans("", "", CARRIERS)
                get, post = (word and word.translate(letters) for word in (page.get, page.post))
                self.asks(visitor, page, address, get, post)
        assert not visitor.faults, "\n".join(visitor.faults)

    def address(self, name: str, page: Page, world: World) -> str:
        query = urlencode(page.query(world))
        return reverse(f"admin:{name}", kwargs=page.at(world)) + (query and f"?{query}")

    def asks(
        self, visitor: Visitor, page: Page, address: str, get: str | None, post: str | None
    ) -> None:
        if page.leaves:
            visitor.takes(address, get or "", page.leaves)
            return
        visitor.tries(LOOKED_AT, address, get or "")
        visitor.tries(SENT, address, (get if page.post is None else post) or "", page.sent)

    def test_acts_of_the_desk(self, world: World, visitor: Visitor) -> None:
        sent = {"revision": "0", "reason": "Because.", "confirm": "1", "deed": "tell"}
        sent |= {"call": "0", "minutes": "5", "platform": "7"}
        for name, may in DESK_ACTS.items():
            letters = may.translate(str.maketrans("", "", CARRIERS))
            for departure, who in ((world.own, may), (world.others, letters)):
                address = reverse("admin:desk_act", args=[departure, name])
                visitor.tries(LOOKED_AT, address, who)
                visitor.tries(SENT, address, who, sent)
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_acts_for_travellers(self, world: World, visitor: Visitor) -> None:
        row = world.row("bookings.reservation")
        for name, may in RESERVATION_ACTS.items():
            address = reverse("admin:reservation_act", args=[row.pk, name])
            visitor.tries(LOOKED_AT, address, may)
            visitor.tries(SENT, address, may, {"reason": "Because.", "confirm": "1"})
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_reports_of_the_numbers(self, world: World, visitor: Visitor) -> None:
        for name, may in REPORTS.items():
            visitor.tries(LOOKED_AT, reverse("admin:numbers_report", args=[name]), may)
            visitor.takes(reverse("admin:numbers_csv", args=[name]), may)
            address = reverse("admin:numbers_subscribe", args=[name])
            visitor.tries(LOOKED_AT, address, "")
            visitor.tries(SENT, address, may, {"every": "day"})
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_look_ups(self, world: World, visitor: Visitor) -> None:
        for name, may in LOOK_UPS.items():
            address = reverse("admin:numbers_look_up", args=[name])
            visitor.tries(LOOKED_AT, address, may)
            file = reverse("admin:numbers_look_up_csv", args=[name])
            visitor.takes(f"{file}?{GOOD_QUERIES[name] or 'category='}", may)
        assert not visitor.faults, "\n".join(visitor.faults)

    def test_completing_what_is_typed(self, world: World, visitor: Visitor) -> None:
        """Names are completed for whoever may see the table that they come from, as its list is."""
        for label, table in registered().items():
            for name in table.autocomplete_fields:
                source = table.model._meta.get_field(name).related_model._meta.label_lower
                app, model = label.split(".")
                words = {"app_label": app, "model_name": model, "field_name": name, "term": ""}
                answer = visitor.client.get(reverse("admin:autocomplete"), words)
                may = visitor.letter in TABLES[source][0]
                assert (answer.status_code == 200) is may, (label, name)

    def test_rows_lead_only_where_one_may_go(self, world: World, visitor: Visitor) -> None:
        """Names of other rows are links for whoever may open them, and words for the others."""
        found: dict[str, set[str]] = {}
        for label, (view, *_rest) in TABLES.items():
            if visitor.letter in view:
                page = visitor.client.get(at(label, "change", world.row(label).pk), follow=True)
                for link in re.findall(r'href="(/admin/[^"#?]*/change/)"', page.content.decode()):
                    found.setdefault(link, set()).add(label)
        dead = {
            link: sorted(labels)
            for link, labels in found.items()
            if visitor.client.get(link).status_code != 200
        }
        assert dead == {}
        # A ticket names its passenger to everybody who may see it; not everybody may go there.
        passenger = world.row("bookings.coupon").passenger_id
        leads = "bookings.coupon" in found.get(at("bookings.passenger", "change", passenger), set())
        assert leads is (visitor.letter in TABLES["bookings.passenger"][0])

    def test_the_overview_leads_only_where_one_may_go(self, world: World, visitor: Visitor) -> None:
        page = visitor.client.get(reverse("admin:index"))
        assert page.status_code == 200
        links = set(re.findall(r'href="(/admin/[^"#]*)"', page.content.decode()))
        dead = {
            link: status
            for link in links
            if "logout" not in link
            and (status := visitor.client.get(link.replace("&amp;", "&")).status_code) != 200
        }
        assert dead == {}
        shown = {label for label in TABLES if at(label, "changelist") in links}
        assert shown == {label for label in TABLES if visitor.letter in TABLES[label][0]}


class TestStrangers:
    """Whoever is no staff, signed in or not, is shown the door everywhere, and changes nothing."""

    @pytest.mark.parametrize("kind", ["anonymous", "traveller", "closed staff", "no second factor"])
    def test_are_shown_the_door(
        self, kind: str, world: World, client: Client, traveller: User, settings: Any
    ) -> None:
        if kind == "traveller":
            client.force_login(traveller)
        elif kind == "closed staff":
            client.force_login(world.people["s"])
            User.objects.filter(pk=world.people["s"].pk).update(is_active=False)
        elif kind == "no second factor":
            client.force_login(world.people["s"])
            settings.STAFF_2FA = "required"
        addresses = [
            *(one for label in TABLES for _name, one in pages_of(label, world.row(label))),
            *(reverse(f"admin:{name}", kwargs=page.at(world)) for name, page in there().items()),
            *(reverse("admin:desk_act", args=[world.own, name]) for name in DESK_ACTS),
            *(reverse("admin:numbers_report", args=[name]) for name in REPORTS),
            *(reverse("admin:numbers_look_up", args=[name]) for name in LOOK_UPS),
            *(reverse("admin:numbers_look_up_csv", args=[name]) for name in LOOK_UPS),
            *(reverse("admin:numbers_csv", args=[name]) for name in REPORTS),
            *(reverse("admin:numbers_subscribe", args=[name]) for name in REPORTS),
            *(reverse(f"admin:{name}") for name in expected.SITE - {"login", "logout"}),
            reverse("admin:autocomplete"),
            reverse("admin:app_list", args=["inventory"]),
            reverse("admin:view_on_site", args=[1, 1]),
        ]
        door = reverse("admin:login")
        with written() as statements:
            for address in addresses:
                for ask in (client.get, client.post):
                    answer = ask(address, {"post": "yes"})
                    assert answer.status_code == 302, address
                    assert answer["Location"].startswith(door), address
        assert statements == []
