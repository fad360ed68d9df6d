"""The page that explains a reservation: who sees it, how it is found, and that it stays quick."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings.models import Passenger, Reservation
from inventory.models import Membership
from payments import services as money
from payments.models import Payment, Receipt
from support.admin.reservation.explaining import PER_PAGE
from tests import factories, selling
from tests.conftest import Clock
from tests.factories import Trip
from tests.support import long_story
from travel.common.models import OutboxMessage
from travel.common.money import Money

pytestmark = pytest.mark.django_db

# A page takes no more statements than this, however long its story and however many travel.
MOST_STATEMENTS = 15


@pytest.fixture
def agent(settings: Any, clock: Clock) -> User:
    """A support agent, in an office that asks for no second factor."""
    settings.STAFF_2FA = "optional"
    return factories.make_user(
        email="pat@office.example", first_name="Pat", is_staff=True, roles=["support agent"]
    )


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(reservation_id: int) -> str:
    return reverse("admin:bookings_reservation_change", args=[reservation_id])


def text_of(client: Client, address: str) -> str:
    """What a reader sees of a page: no tags, and one blank at a time."""
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def buy(who: User, train: Trip, now: datetime, passengers: int = 1) -> int:
    held = selling.reserve(who, train.ticket_id(), now=now, passengers=passengers)
    money.open_with(user_id=who.pk, amount=Money(100_000, "EUR"), now=now)
    money.pay(
        viewer=Viewer(user_id=who.pk), reservation_id=held.id, method="Wallet", token=None, now=now
    )
    return held.id


class TestWhoSeesIt:
    @pytest.mark.parametrize(
        ("role", "status"),
        [("support agent", 200), ("finance", 200), ("administrator", 200), ("operations", 403)],
    )
    def test_by_role(
        self, agent: User, traveller: User, train: Trip, noon: datetime, role: str, status: int
    ) -> None:
        booked = buy(traveller, train, noon)
        who = factories.make_user(is_staff=True, roles=[role])

        assert browser(who).get(page(booked)).status_code == status
        assert browser(who).get(reverse("admin:find"), {"q": "x"}).status_code == status

    def test_a_carriers_own_staff_do_not(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        booked = buy(traveller, train, noon)
        own = factories.make_user(is_staff=True)
        Membership.objects.create(user=own, carrier=train.departure.service.carrier, role="manager")

        assert browser(own).get(page(booked)).status_code == 403

    def test_without_the_second_factor_nobody_does(
        self, agent: User, traveller: User, train: Trip, noon: datetime, settings: Any
    ) -> None:
        booked = buy(traveller, train, noon)
        settings.STAFF_2FA = "required"

        assert browser(agent).get(page(booked)).status_code == 302

    def test_finance_reads_no_letters_and_does_no_acts(
        self, agent: User, train: Trip, clock: Clock, settings: Any
    ) -> None:
        who = long_story.people()
        lived = long_story.live(train, who, clock, settings)
        acts = reverse("admin:reservation_act", args=[lived, "name"])

        theirs = text_of(browser(who.finance), page(lived))
        ours = text_of(browser(agent), page(lived))

        for letter in ("Third time this month.", "Late again, and Bob could not come."):
            assert letter in ours
            assert letter not in theirs
        assert "Your role does not include this." in theirs
        assert browser(who.finance).get(acts).status_code == 403

    @pytest.mark.parametrize("key", ["999", "x", "9" * 30])
    def test_what_is_not_there_is_not_found(self, agent: User, key: str) -> None:
        assert browser(agent).get(page(key)).status_code == 404  # type: ignore[arg-type]

    def test_nothing_is_written_there(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        assert browser(agent).post(page(buy(traveller, train, noon)), {}).status_code == 403


class TestThePage:
    def test_links_lead_only_where_the_reader_may_go(
        self, agent: User, train: Trip, clock: Clock, settings: Any
    ) -> None:
        lived = long_story.live(train, long_story.people(), clock, settings)
        client = browser(agent)
        shown = client.get(page(lived)).content.decode()

        main = shown[shown.index('id="content-main"') :]
        links = {one.replace("&amp;", "&") for one in re.findall(r'href="(/admin/[^"#]+)', main)}
        assert any("/payments/refund/" in link for link in links)
        # Agents see no ledger: its sums stand on the page, and lead nowhere.
        assert not any("/payments/transfer/" in link for link in links)
        assert "Gateway clearing, sandbox" in shown
        wrong = {link: client.get(link).status_code for link in links}
        assert {link: code for link, code in wrong.items() if code not in (200, 302)} == {}

    def test_shows_no_secret(self, agent: User, train: Trip, clock: Clock, settings: Any) -> None:
        lived = long_story.live(train, long_story.people(), clock, settings)
        chief = factories.make_user(is_staff=True, is_superuser=True)

        shown = browser(chief).get(page(lived)).content.decode()

        assert "secret" not in shown
        hidden = [
            *OutboxMessage.objects.values_list("body", flat=True),
            *Reservation.objects.get(pk=lived).passengers.values_list(
                "coupons__barcode", flat=True
            ),
        ]
        assert not [text for text in hidden if text in shown]

    def test_filters_without_a_script(
        self, agent: User, train: Trip, clock: Clock, settings: Any
    ) -> None:
        lived = long_story.live(train, long_story.people(), clock, settings)
        client = browser(agent)

        def told(show: str) -> str:
            text = text_of(client, f"{page(lived)}?show={show}")
            return text[text.index("What happened") :]

        assert "Refund approved" in told("money")
        assert "Scanned: let in" not in told("money")
        assert "Scanned: let in" in told("journey")
        assert "Refund approved" not in told("journey")
        assert "Answer to the report" in told("messages")
        assert "Seats reserved" not in told("messages")
        assert "Wants a window" in told("staff")
        assert "Seats reserved" not in told("staff")
        assert "Seats reserved" in told("nonsense")

    def test_a_long_story_has_pages(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        booked = buy(traveller, train, noon)
        for number in range(PER_PAGE):
            OutboxMessage.objects.create(
                kind="bookings.tickets",
                channel="email",
                recipient="ada@example.org",
                subject=f"Letter {number:03}",
                about=f"reservation:{booked}",
                created_at=noon + timedelta(hours=1, minutes=number),
                due_at=noon,
            )
        client = browser(agent)

        first = text_of(client, page(booked))
        second = text_of(client, f"{page(booked)}?page=2")

        assert "Page 1 of 2" in first
        assert "Seats reserved" in first
        assert "Letter 059" not in first
        assert "Letter 059" in second
        assert "Seats reserved" not in second
        # Beyond the end is the end; what is no number is the beginning.
        assert "Page 2 of 2" in text_of(client, f"{page(booked)}?page=99")
        assert "Page 1 of 2" in text_of(client, f"{page(booked)}?page=x")

    def test_asks_the_database_no_more_for_more(
        self, agent: User, traveller: User, stranger: User, train: Trip, noon: datetime
    ) -> None:
        small, large = buy(traveller, train, noon), buy(stranger, train, noon, passengers=5)
        for number in range(80):
            OutboxMessage.objects.create(
                kind="bookings.tickets",
                channel="email",
                recipient="ada@example.org",
                subject=f"Letter {number}",
                about=f"reservation:{large}",
                created_at=noon,
                due_at=noon,
            )
        client = browser(agent)
        client.get(page(small))
        counts = []
        for booked in (small, large):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(page(booked)).status_code == 200
            counts.append(len(queries))

        assert counts[0] == counts[1]
        assert counts[0] <= MOST_STATEMENTS


class TestFinding:
    @pytest.fixture
    def booked(self, traveller: User, train: Trip, noon: datetime) -> int:
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        money.pay(
            viewer=Viewer(user_id=traveller.pk),
            reservation_id=held.id,
            method="Bank Card",
            token="tok_accepted",
            now=noon,
        )
        Reservation.objects.filter(pk=held.id).update(contact_phone="+491711234567")
        return held.id

    def words(self, booked: int) -> dict[str, str]:
        row, payment = Reservation.objects.get(pk=booked), Payment.objects.get()
        receipt = Receipt.objects.select_related("series").get()
        number = f"{receipt.series.issuer}-{receipt.series.year}-{receipt.number:06}"
        return {
            "booking code": f" {row.locator[:3].lower()}-{row.locator[3:].lower()} ",
            "e-mail": "ADA@example.org",
            "phone": "+49 171 1234567",
            "phone with zeros": "0049 171 1234567",
            "number": str(booked),
            "receipt": number,
            "key of the attempt": str(payment.gateway_reference),
            "provider's reference": str(payment.provider_reference),
        }

    def test_whatever_is_known_leads_there(
        self, agent: User, booked: int, stranger: User, train: Trip, noon: datetime
    ) -> None:
        client = browser(agent)
        # Somebody else's, whose numbers are others.
        factories.make_user()
        for what, typed in self.words(booked).items():
            answer = client.get(reverse("admin:find"), {"q": typed})
            assert answer.status_code == 302, what
            assert answer["Location"] == page(booked), what

    @pytest.mark.parametrize(
        "typed", ["", " ", "ZZZZZZ", "nobody@example.org", "9" * 40, "\0", "%", "'; --", "R-2026-0"]
    )
    def test_what_means_nothing_leads_nowhere(self, agent: User, booked: int, typed: str) -> None:
        answer = browser(agent).get(reverse("admin:find"), {"q": typed})

        assert answer.status_code == 200
        assert answer.context["found"] == []

    def test_a_name_is_looked_for_among_passengers(
        self, agent: User, booked: int, settings: Any
    ) -> None:
        client = browser(agent)
        found = client.get(reverse("admin:find"), {"q": "roe & Söhne"})

        href = html.unescape(found.context["by_name"])
        assert html.escape(href) in found.content.decode()
        path, _, query = href.partition("?")
        assert path == "/admin/numbers/look-ups/tickets-by-phrase/"
        # Ninety days before 1 June.
        assert parse_qs(query) == {"phrase": ["roe & Söhne"], "since": ["2026-03-03"]}
        assert client.get(href).status_code == 200
        (passenger, *_more) = Passenger.objects.filter(reservation=booked)
        asked = {"q": passenger.last_name.lower()}
        there = client.get(reverse("admin:find"), asked).context["by_name"]
        assert Reservation.objects.get(pk=booked).locator in client.get(there).content.decode()

    @pytest.mark.parametrize("typed", ["", "nobody@example.org", "999999", "+49 171 000"])
    def test_what_is_no_name_is_not(self, agent: User, booked: int, typed: str) -> None:
        found = browser(agent).get(reverse("admin:find"), {"q": typed})
        assert found.context["by_name"] == ""

    def test_names_are_not_for_whoever_may_not_look(self, booked: int, settings: Any) -> None:
        settings.STAFF_2FA = "optional"
        clerk = factories.make_user(is_staff=True, roles=["finance"])
        found = browser(clerk).get(reverse("admin:find"), {"q": "Lovelace"})
        assert (found.status_code, found.context["by_name"]) == (200, "")

    def test_several_are_listed(
        self, agent: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        first, second = buy(traveller, train, noon), buy(traveller, train, noon)

        answer = browser(agent).get(reverse("admin:find"), {"q": "ada@example.org"})

        assert [one.id for one, _word in answer.context["found"]] == [second, first]
        assert page(first) in answer.content.decode()

    def test_the_overview_has_the_search_for_whom_it_is(
        self, agent: User, settings: Any, client: Client
    ) -> None:
        clerk = factories.make_user(is_staff=True, roles=["operations"])

        assert 'action="/admin/find/"' in browser(agent).get("/admin/").content.decode()
        assert 'action="/admin/find/"' not in browser(clerk).get("/admin/").content.decode()


def test_goodwill_is_prefilled_from_the_page(
    agent: User, traveller: User, train: Trip, noon: datetime
) -> None:
    booked = buy(traveller, train, noon)
    client = browser(agent)
    shown = client.get(page(booked)).content.decode()
    way = re.search(r'href="(/admin/payments/goodwill/give/[^"]+)"', shown)
    assert way

    form = client.get(way.group(1).replace("&amp;", "&")).context["form"]

    assert form["traveller"].value() == "ada@example.org"
    assert form["locator"].value() == Reservation.objects.get(pk=booked).locator
    # What a link says of the token that makes a form count once is not believed.
    sneaky = client.get(reverse("admin:payments_goodwill_give"), {"once": "mine"})
    assert sneaky.context["form"]["once"].value() != "mine"


def test_permission_alone_gives_no_act(
    agent: User, traveller: User, train: Trip, noon: datetime
) -> None:
    """Who was given the table to look at, and has no role, looks."""
    booked = buy(traveller, train, noon)
    looker = factories.make_user(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_reservation"))
    client = browser(looker)

    assert client.get(page(booked)).status_code == 200
    for name in ("name", "seats", "rebook", "tickets"):
        act = reverse("admin:reservation_act", args=[booked, name])
        assert client.get(act).status_code == 403, name
        assert client.post(act, {"reason": "x"}).status_code == 403, name
