"""The pages of the reports desk: the queue, a report with its reservation, and every act once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings.selectors import ReservationDetail
from payments import services as paying
from support import services
from support.models import CannedReply, Report, ReportMessage
from support.selectors import ReportDetail
from tests import factories
from tests.conftest import Clock
from tests.selling import adults, reserve
from travel.common.models import Act, OutboxMessage
from travel.common.money import Money

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited", "clock")]

HOUR = timedelta(hours=1)
# The frame of the back office takes six of them; a reservation, which a report's page reads, six.
MOST_STATEMENTS, MOST_OF_A_REPORT = 12, 16
QUEUE = "/admin/reports-desk/"


@pytest.fixture
def browser(staff: User, settings, client: Client) -> Client:
    """The support agent's browser, in an office that asks for no second factor."""
    settings.STAFF_2FA = "optional"
    client.force_login(staff)
    return client


@pytest.fixture
def uma(db: None) -> Viewer:
    """Another agent."""
    user = factories.make_user(
        is_staff=True, first_name="Uma", last_name="Ray", roles=["support agent"]
    )
    return Viewer(user_id=user.pk, is_support=True)


@pytest.fixture
def booked(train: factories.Trip, traveller: User, noon: datetime) -> ReservationDetail:
    """Ada and Bob on the train, 90.00 EUR paid from a wallet."""
    return buy(train, traveller, 2, noon)


@pytest.fixture
def report(booked: ReservationDetail, traveller: User, noon: datetime) -> ReportDetail:
    """Ada's report that a socket was dead."""
    return send(booked, traveller, noon)


def buy(trip: factories.Trip, user: User, people: int, now: datetime) -> ReservationDetail:
    held = reserve(user, trip.ticket_id(), now=now, passengers=adults(people))
    paying.open_with(user_id=user.pk, amount=Money(held.price.minor, "EUR"), now=now)
    paying.pay(
        viewer=Viewer(user_id=user.pk),
        reservation_id=held.id,
        method="Wallet",
        token=None,
        now=now,
    )
    return held


def send(booked: ReservationDetail, user: User, now: datetime, **details: Any) -> ReportDetail:
    return services.submit_report(
        viewer=Viewer(user_id=user.pk),
        reservation_id=booked.id,
        ticket_id=booked.coupons[0].ticket_id,
        now=now,
        **{"category": "Seat Or Equipment", "text": "The socket was dead.", **details},
    )


def page_of(report: ReportDetail) -> str:
    return reverse("admin:reports_desk_report", args=[report.id])


def text_of(answer: Any) -> str:
    """Read a page as words in a row."""
    body = re.sub(r"<script.*?</script>", "", answer.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def form_of(page: str, act: str) -> dict[str, str]:
    """Read what a browser would send with the form of an act: hidden fields and the button's."""
    forms = re.findall(r"<form method=\"post\">(.*?)</form>", page, flags=re.DOTALL)
    for form in forms:
        if f'name="do" value="{act}"' in form:
            hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
            return {"do": act, **{name: value for name, value in hidden if name[:4] != "csrf"}}
    raise AssertionError(f"there is no form for {act}")


def press(browser: Client, report: ReportDetail, act: str, **data: Any) -> Any:
    """Open the report's page and send the form of an act with what was typed."""
    fields = form_of(browser.get(page_of(report)).content.decode(), act)
    return browser.post(page_of(report), {**fields, **data})


def statements(browser: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert browser.get(address).status_code == 200
    return len(found)


class TestQueue:
    def test_says_what_is_due_and_late(
        self, browser: Client, report: ReportDetail, clock: Clock
    ) -> None:
        clock.advance(hours=45)
        assert "due in 3 h 00 min" in text_of(browser.get(QUEUE))
        clock.advance(hours=3, minutes=5)

        page = browser.get(f"{QUEUE}?tab=overdue")

        assert "5 min late" in text_of(page)
        assert "tone-bad" in page.content.decode()
        assert "Overdue 1" in text_of(page)

    def test_shows_a_report_and_leads_to_it(self, browser: Client, report: ReportDetail) -> None:
        page = browser.get(QUEUE)

        assert page_of(report) in page.content.decode()
        words = text_of(page)
        for said in (
            "Seat or equipment",
            "The socket was dead.",
            "ICE 585",
            "Hamburg Hbf",
            "Ada Lovelace",
            report.locator,
            "New message",
            "Has it nobody",
        ):
            assert said in words

    @pytest.mark.parametrize(
        ("asked", "is_found"),
        [
            ("", True),
            ("?tab=free", True),
            ("?tab=mine", False),
            ("?tab=closed", False),
            ("?tab=lost", True),
            ("?tab=free&category=Other", False),
            ("?tab=free&category=Seat+Or+Equipment&mode=Train", True),
            ("?tab=free&mode=Bus", False),
            ("?p=2", False),
            ("?p=99999", False),
            ("?p=999999", False),
            ("?p=x", True),
            ("?find={locator}", True),
            ("?find={id}&tab=closed", True),
            ("?find=ada%40example.org", True),
            ("?find=nobody%40example.org", False),
        ],
    )
    def test_asks_by_its_address(
        self, browser: Client, report: ReportDetail, asked: str, is_found: bool
    ) -> None:
        page = browser.get(QUEUE + asked.format(locator=report.locator.lower(), id=report.id))

        assert page.status_code == 200
        assert (page_of(report) in page.content.decode()) == is_found

    def test_shows_a_carriers_departures_and_keeps_to_them(
        self,
        browser: Client,
        report: ReportDetail,
        timetable: factories.Timetable,
        noon: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("support.admin.reports.pages.PER_PAGE", 1)
        flyer = factories.make_user()
        flown = buy(timetable.flight, flyer, 1, noon)
        sent = [send(flown, flyer, noon, category="Other") for _ in range(2)]
        carrier = timetable.flight.departure.service.carrier

        page = browser.get(f"{QUEUE}?carrier={carrier.pk}&category=Other").content.decode()

        assert re.findall(r"/reports-desk/(\d+)/\"", page) == [str(sent[0].id)]
        assert f'<option value="{carrier.pk}" selected>{carrier.name}</option>' in page
        kept = f"category=Other&amp;carrier={carrier.pk}"
        assert f"?tab=open&amp;{kept}&amp;p=2" in page
        assert f'?tab=free&amp;{kept}"' in page
        # Nobody's, all open: two of three.
        counted = re.findall(r'<span class="report-number">(\d+)</span></a></li>', page)
        assert counted == ["0", "2", "2", "0", "0", "0"]
        two = browser.get(f"{QUEUE}?tab=open&{kept.replace('&amp;', '&')}&p=2").content.decode()
        assert re.findall(r"/reports-desk/(\d+)/\"", two) == [str(sent[1].id)]

    @pytest.mark.parametrize("tab", ["mine", "overdue", "closed"])
    def test_says_that_the_filters_leave_nothing(
        self, browser: Client, report: ReportDetail, tab: str
    ) -> None:
        page = text_of(browser.get(f"{QUEUE}?tab={tab}&category=Other"))

        assert "No report here fits the filters." in page
        assert "No answer is overdue." not in page
        assert "Take one that nobody has" not in page

    @pytest.mark.parametrize("carrier", ["999", "x", "-1", "1' OR 1=1"])
    def test_a_carrier_that_is_not_there_narrows_nothing(
        self, browser: Client, report: ReportDetail, carrier: str
    ) -> None:
        page = browser.get(QUEUE, {"carrier": carrier}).content.decode()

        assert re.findall(r"/reports-desk/(\d+)/\"", page) == [str(report.id)]

    def test_turns_pages(
        self, browser: Client, report: ReportDetail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("support.admin.reports.pages.PER_PAGE", 2)
        first = Report.objects.get()
        more = [
            Report(
                reservation_id=first.reservation_id,
                ticket_id=first.ticket_id,
                user_id=first.user_id,
                category="Other",
                created_at=first.created_at,
                waiting_since=first.created_at,
                due_at=first.created_at + 72 * HOUR,
            )
            for _ in range(2)
        ]
        Report.objects.bulk_create(more)

        one = browser.get(f"{QUEUE}?tab=free").content.decode()
        two = browser.get(f"{QUEUE}?tab=free&p=2").content.decode()

        assert [found.split("/")[-2] for found in re.findall(r'/reports-desk/\d+/"', one)] == [
            str(number) for number in Report.objects.order_by("id").values_list("id", flat=True)[:2]
        ]
        assert "?tab=free&amp;p=2" in one
        assert re.findall(r"/reports-desk/(\d+)/\"", two) == [str(Report.objects.latest("id").pk)]
        assert "?tab=free&amp;p=1" in two
        assert "p=3" not in two

    @pytest.mark.parametrize("who", ["finance", "operations", "nobody"])
    def test_is_for_who_reads_reports(
        self, report: ReportDetail, settings, client: Client, who: str
    ) -> None:
        settings.STAFF_2FA = "optional"
        roles = [] if who == "nobody" else [who]
        client.force_login(factories.make_user(is_staff=True, roles=roles))

        assert client.get(QUEUE).status_code == 403
        assert client.get(page_of(report)).status_code == 403
        assert client.post(page_of(report), {"do": "close"}).status_code == 403
        assert Report.objects.get().state == "Pending"

    def test_travellers_and_staff_without_a_second_factor_stay_outside(
        self, report: ReportDetail, staff: User, traveller: User, settings, client: Client
    ) -> None:
        settings.STAFF_2FA = "required"
        for user in (traveller, staff):
            client.force_login(user)
            for address in (QUEUE, page_of(report)):
                assert client.get(address).status_code == 302


class TestReport:
    def test_says_when_an_answered_one_closes_and_that_it_closed(
        self, browser: Client, report: ReportDetail, uma: Viewer, noon: datetime
    ) -> None:
        assert "Close without an answer" in text_of(browser.get(page_of(report)))
        services.respond(
            viewer=uma, report_id=report.id, answer="Sorry.", state="Reviewed", now=noon
        )

        page = text_of(browser.get(page_of(report)))

        assert "closes itself in 14 d" in page
        # Two hours ahead of UTC, where the journey begins.
        assert "unless somebody writes by 15 Jun 2026, 14:00" in page
        assert "Close it now" in page
        assert "Close without an answer" not in page
        assert "closes itself in 14 d" in text_of(browser.get(f"{QUEUE}?tab=answered"))
        services.close_lapsed(report_id=report.id, now=noon + timedelta(days=14))
        page = text_of(browser.get(page_of(report)))
        assert "closed by itself: nobody wrote after the answer" in page
        assert "closes itself in" not in page

    def test_shows_the_reservation_beside_it(self, browser: Client, report: ReportDetail) -> None:
        page = browser.get(page_of(report))

        words = text_of(page)
        for said in (
            report.locator,
            "ICE 585",
            "the report is about this",
            "Ada Roe",
            "Bob Roe",
            "Coach 1, seat 1A",
            "Price €90.00",
            "Paid €90.00",
            "Given back €0.00",
            "answer by 3 Jun 2026, 14:00",
            "Nobody has this report.",
        ):
            assert said in words
        story = reverse("admin:bookings_reservation_change", args=[report.reservation_id])
        assert story in page.content.decode()

    def test_notes_are_marked_and_what_staff_did_is_told(
        self, browser: Client, report: ReportDetail
    ) -> None:
        press(browser, report, "take")
        press(browser, report, "note", note="Third time this week.")
        press(browser, report, "refile", category="Other")

        words = text_of(browser.get(page_of(report)))

        assert "Sam Porter : took the report" in words
        assert "note, for colleagues only" in words
        assert "filed it elsewhere: Seat or equipment → Something else" in words
        assert "You have this report." in words

    def test_what_was_erased_is_still_a_page(self, browser: Client, report: ReportDetail) -> None:
        for act, data in (("take", {}), ("refile", {"category": "Other"}), ("close", {})):
            press(browser, report, act, **data)
        ReportMessage.objects.update(body="(erased)")

        assert browser.get(page_of(report)).status_code == 200

    def test_what_a_passenger_writes_is_text(
        self, browser: Client, booked: ReservationDetail, traveller: User, noon: datetime
    ) -> None:
        report = send(booked, traveller, noon, text="<script>alert(1)</script>{{ 7 }}")

        for address in (QUEUE, page_of(report)):
            page = browser.get(address).content.decode()
            assert "<script>alert(1)" not in page
            assert "&lt;script&gt;alert(1)" in page

    def test_an_unknown_one_is_not_there(self, browser: Client) -> None:
        assert browser.get(reverse("admin:reports_desk_report", args=[999])).status_code == 404

    def test_the_tables_page_leads_to_it(self, browser: Client, report: ReportDetail) -> None:
        row = browser.get(reverse("admin:support_report_change", args=[report.id]))

        assert page_of(report) in row.content.decode()


class TestActs:
    def test_answers(self, browser: Client, staff: User, report: ReportDetail) -> None:
        sent = press(browser, report, "answer", answer="We are sorry.", state="Reviewed")

        assert sent.status_code == 302
        row = Report.objects.get()
        assert (row.state, row.assigned_to, row.due_at) == ("Reviewed", staff, None)
        letter = OutboxMessage.objects.get(kind="support.report_answered")
        assert "We are sorry." in letter.body
        act = Act.objects.get()
        assert (act.actor, act.about, act.entry.get_change_message()) == (
            staff,
            f"support.report:{report.id}",
            "The answer is sent.",
        )

    def test_a_button_pressed_twice_answers_once(
        self, browser: Client, report: ReportDetail
    ) -> None:
        fields = form_of(browser.get(page_of(report)).content.decode(), "answer")
        data = {**fields, "answer": "We are sorry.", "state": "Reviewed"}

        assert [browser.post(page_of(report), data).status_code for _ in range(2)] == [302, 302]

        assert ReportMessage.objects.filter(body="We are sorry.").count() == 1
        assert Act.objects.count() == 1
        assert OutboxMessage.objects.filter(kind="support.report_answered").count() == 1

    def test_what_was_written_meanwhile_is_read_first(
        self, browser: Client, report: ReportDetail, traveller: User, noon: datetime
    ) -> None:
        fields = form_of(browser.get(page_of(report)).content.decode(), "answer")
        services.add_message(
            viewer=Viewer(user_id=traveller.pk), report_id=report.id, text="In coach 2.", now=noon
        )

        shown = browser.post(
            page_of(report), {**fields, "answer": "In coach 1?", "state": "Reviewed"}
        )

        assert shown.status_code == 409
        words = text_of(shown)
        assert "Something was written since you opened this page." in words
        assert "In coach 2." in words
        assert "In coach 1?" in words
        assert not OutboxMessage.objects.filter(kind="support.report_answered").exists()
        again = form_of(shown.content.decode(), "answer")
        sent = browser.post(page_of(report), {**again, "answer": "Both.", "state": "Reviewed"})
        assert sent.status_code == 302

    @pytest.mark.parametrize(
        ("act", "data"),
        [
            ("answer", {"answer": "", "state": "Reviewed"}),
            ("answer", {"answer": "x" * 5_001, "state": "Reviewed"}),
            ("answer", {"answer": "a\u202eb", "state": "Reviewed"}),
            ("answer", {"answer": "Yes.", "state": "Lost"}),
            ("note", {"note": ""}),
            ("note", {"note": "4111 1111 1111 1111"}),
            ("give", {"colleague": "x"}),
            ("give", {"colleague": "999"}),
            ("refile", {"category": "Lost"}),
        ],
    )
    def test_says_what_is_wrong(
        self, browser: Client, report: ReportDetail, data: dict[str, str], act: str
    ) -> None:
        answer = press(browser, report, act, **data)

        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert ReportMessage.objects.count() == 1
        assert not Act.objects.exists()

    def test_takes_and_the_second_is_told_who_has_it(
        self, browser: Client, report: ReportDetail, uma: Viewer, noon: datetime
    ) -> None:
        fields = form_of(browser.get(page_of(report)).content.decode(), "take")
        services.take(viewer=uma, report_id=report.id, now=noon)

        told = browser.post(page_of(report), fields, follow=True)

        assert "Uma Ray has this report." in text_of(told)
        assert Report.objects.get().assigned_to_id == uma.user_id

    def test_gives_to_who_may_answer_with_a_note(
        self, browser: Client, staff: User, report: ReportDetail, uma: Viewer
    ) -> None:
        factories.make_user(first_name="Fin", is_staff=True, roles=["finance"])
        page = browser.get(page_of(report))
        offered = [
            value for value, _name in page.context["forms"]["give"].fields["colleague"].choices
        ]
        assert offered == ["", staff.pk, uma.user_id]

        press(browser, report, "give", colleague=uma.user_id, words="You know this train.")

        assert Report.objects.get().assigned_to_id == uma.user_id
        assert ReportMessage.objects.filter(body="You know this train.", is_internal=True).exists()
        assert Act.objects.get().reason == "You know this train."

    def test_giving_what_somebody_took_meanwhile_keeps_the_note_on_the_page(
        self, browser: Client, staff: User, report: ReportDetail, uma: Viewer, noon: datetime
    ) -> None:
        fields = form_of(browser.get(page_of(report)).content.decode(), "give")
        services.take(viewer=uma, report_id=report.id, now=noon)

        shown = browser.post(
            page_of(report), {**fields, "colleague": staff.pk, "words": "Mine, I think."}
        )

        assert shown.status_code == 409
        assert "Uma Ray has this report." in text_of(shown)
        assert "Mine, I think." in text_of(shown)
        assert Report.objects.get().assigned_to_id == uma.user_id

    def test_gives_back_closes_and_reopens(self, browser: Client, report: ReportDetail) -> None:
        press(browser, report, "take")
        press(browser, report, "give_back")
        assert Report.objects.get().assigned_to_id is None
        press(browser, report, "close")
        assert Report.objects.get().state == "Closed"
        press(browser, report, "reopen")
        assert Report.objects.get().state == "In Progress"
        assert [act.entry.get_change_message() for act in Act.objects.order_by("entry_id")] == [
            "The report is yours.",
            "The report is back in the queue.",
            "The report is closed.",
            "The report is open again.",
        ]

    def test_merges_and_leads_to_the_other_one(
        self,
        browser: Client,
        booked: ReservationDetail,
        report: ReportDetail,
        traveller: User,
        noon: datetime,
    ) -> None:
        twin = send(booked, traveller, noon, text="Still dead.")

        merged = press(browser, twin, "merge", into=report.id)

        assert merged.url == page_of(report)
        words = text_of(browser.get(page_of(report)))
        assert "Still dead." in words
        assert f"to report {twin.id}" in words
        assert f"merged report {twin.id} into this one" in words
        page = browser.get(page_of(twin))
        assert f"This report is part of report {report.id} , where it is answered." in text_of(page)
        assert 'value="answer"' not in page.content.decode()
        press(browser, twin, "reopen")
        assert Report.objects.get(pk=twin.id).merged_into_id is None

    def test_ones_own_report_is_only_read(
        self, browser: Client, train: factories.Trip, staff: User, noon: datetime
    ) -> None:
        own = send(buy(train, staff, 1, noon), staff, noon)
        before = list(Report.objects.values_list())

        page = browser.get(page_of(own))

        assert "This is your own report" in text_of(page)
        assert 'name="do"' not in page.content.decode()
        for act in ("take", "close", "reopen"):
            assert browser.post(page_of(own), {"do": act}).status_code == 403
        assert list(Report.objects.values_list()) == before

    def test_there_is_no_other_act(self, browser: Client, report: ReportDetail) -> None:
        assert browser.post(page_of(report), {"do": "delete"}).status_code == 404
        assert browser.post(page_of(report)).status_code == 404


class TestCannedReplies:
    @pytest.fixture
    def sorry(self, db: None) -> CannedReply:
        return CannedReply.objects.create(
            title="Sorry", body="Dear {name},\nwe are sorry about {locator}. {agent}"
        )

    def test_are_put_in_and_edited_before_they_are_sent(
        self, browser: Client, report: ReportDetail, sorry: CannedReply
    ) -> None:
        filled = press(browser, report, "answer", reply=sorry.pk, insert="1", state="Closed")

        assert filled.status_code == 200
        form = filled.context["forms"]["answer"]
        assert form["answer"].value() == (
            f"Dear Ada Lovelace,\nwe are sorry about {report.locator}. Sam"
        )
        assert form["state"].value() == "Closed"
        assert ReportMessage.objects.count() == 1

    def test_come_below_what_is_written_already(
        self, browser: Client, report: ReportDetail, sorry: CannedReply
    ) -> None:
        filled = press(browser, report, "answer", answer="Hello.\n", reply=sorry.pk, insert="1")

        assert (
            filled.context["forms"]["answer"]["answer"]
            .value()
            .startswith("Hello.\n\nDear Ada Lovelace,")
        )

    @pytest.mark.parametrize("chosen", ["", "999", "x"])
    def test_what_is_not_offered_puts_nothing_in(
        self, browser: Client, report: ReportDetail, sorry: CannedReply, chosen: str
    ) -> None:
        filled = press(browser, report, "answer", answer="Hello.", reply=chosen, insert="1")

        assert filled.context["forms"]["answer"]["answer"].value() == "Hello."

    @pytest.fixture
    def chief(self, settings) -> Client:
        settings.STAFF_2FA = "optional"
        client = Client()
        client.force_login(factories.make_user(is_staff=True, is_superuser=True))
        return client

    def test_are_kept_with_their_history(self, chief: Client) -> None:
        address = reverse("admin:support_cannedreply_add")
        data = {"title": "Late", "category": "Travel Delay", "language": "de"}

        assert chief.post(address, {**data, "body": "Liebe {name}"}).status_code == 302

        row = CannedReply.objects.get()
        assert (row.body, row.history.count()) == ("Liebe {name}", 1)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("Dear {nmae} and {}", "The desk cannot fill this in: {nmae}, {}."),
            ("a\u202eb", "This contains a character that is not allowed here."),
        ],
    )
    def test_what_cannot_be_filled_in_is_refused(self, chief: Client, body: str, said: str) -> None:
        answer = chief.post(
            reverse("admin:support_cannedreply_add"),
            {"title": "Late", "category": "", "language": "en", "body": body},
        )

        assert said in text_of(answer)
        assert not CannedReply.objects.exists()

    def test_a_title_is_there_once_in_a_language(self, chief: Client, sorry: CannedReply) -> None:
        data = {"title": "Sorry", "category": "", "body": "x"}
        address = reverse("admin:support_cannedreply_add")

        assert chief.post(address, {**data, "language": "en"}).status_code == 200
        assert chief.post(address, {**data, "language": "de"}).status_code == 302
        assert CannedReply.objects.count() == 2


class TestSpeed:
    def test_pages_stay_quick_however_much_there_is(
        self,
        browser: Client,
        report: ReportDetail,
        booked: ReservationDetail,
        train: factories.Trip,
        traveller: User,
        uma: Viewer,
        noon: datetime,
    ) -> None:
        gone = send(booked, traveller, noon)
        services.merge(viewer=uma, report_id=gone.id, into_id=report.id, now=noon)
        addresses = [QUEUE, f"{QUEUE}?tab=closed", f"{QUEUE}?find=ada@example.org"]
        before = [statements(browser, one) for one in [*addresses, page_of(report)]]
        buyers = [factories.make_user() for _ in range(3)]
        for user in buyers:
            theirs = buy(train, user, 1, noon)
            for _ in range(3):
                services.take(viewer=uma, report_id=send(theirs, user, noon).id, now=noon)
        for number in range(5):
            services.add_message(
                viewer=Viewer(user_id=traveller.pk), report_id=report.id, text="?", now=noon
            )
            CannedReply.objects.create(title=str(number), body="Hello.")
            other = send(booked, traveller, noon)
            factories.make_user(is_staff=True, roles=["support agent"])
        services.merge(viewer=uma, report_id=other.id, into_id=report.id, now=noon)

        after = [statements(browser, one) for one in [*addresses, page_of(report)]]

        assert after == before
        assert max(after[:-1]) <= MOST_STATEMENTS
        assert after[-1] <= MOST_OF_A_REPORT
