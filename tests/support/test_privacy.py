"""A person's data: packed for the person alone, and erased from every table."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from accounts import services as people
from accounts.models import SavedPassenger, TokenFamily, User
from accounts.viewers import Viewer
from bookings.models import Passenger, Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from bookings.services import Holder, PassengerDetails, reserve
from payments import services as money
from payments.models import Cancellation, Payment, ReceiptName, Refund, WebhookEvent
from support import audit, documents, services, tasks
from support.errors import StillNeeded
from support.models import DataExport, Erasure, Report, Serving, ServingEntry
from support.services import privacy, serving
from tests import factories
from tests.conftest import Clock
from tests.factories import PASSWORD, Trip
from tests.pages.cast import fill_wallet, paid, signed_in
from travel.common.errors import InvalidInput, NotFound
from travel.common.models import IdempotencyKey, Job, OutboxMessage

pytestmark = pytest.mark.django_db

# In everything that is written about the person, and in nothing else.
SECRET = "zyxsecret"
HOME = "192.0.2.7"


@pytest.fixture
def person(noon: datetime) -> User:
    """Somebody whose every word is known by its mark."""
    user = factories.make_user(
        email=f"{SECRET}@example.org", first_name="Zyxsecret", last_name="Zyxsecretson"
    )
    user.city, user.pending_email = "Zyxsecretburg", f"new-{SECRET}@example.org"
    user.date_of_birth = date(1987, 6, 5)
    user.email_verified_at = noon
    user.save()
    return user


@pytest.fixture
def story(person: User, staff: User, train: Trip, coach: Trip, noon: datetime) -> Reservation:
    """
    What a person leaves behind: a trip that was made, one that staff cancelled, a guest's, a
    report, messages, keys, notes, events of a provider, a file of data.
    """
    me, agent = Viewer(user_id=person.pk), Viewer(user_id=staff.pk, is_support=True)
    people.save_passenger(
        user=person,
        first_name="Zyxsecret",
        last_name="Junior",
        date_of_birth=date(2019, 1, 2),
        now=noon,
    )
    people.choose_messages(user=person, choices={"journey": ["sms"]})
    TokenFamily.objects.create(user=person, created_at=noon)
    made = _bought(person, train, noon)
    cancelled = _bought(person, train, noon)
    services.cancel_reservation(
        viewer=agent, reservation_id=cancelled.id, reason=f"death: {SECRET}'s sister", now=noon
    )
    money.push_refund(refund_id=Refund.objects.get().pk, now=noon)
    reserve(
        holder=Holder(email=person.email, phone="+4915112345678"),
        ticket_ids=[coach.ticket_id()],
        passengers=[_traveller()],
        now=noon,
    )
    report = services.submit_report(
        viewer=me,
        reservation_id=made.id,
        ticket_id=train.ticket_id(),
        category="Other",
        text=f"My name is {SECRET}.",
        now=noon,
    )
    services.respond(
        viewer=agent, report_id=report.id, answer=f"Dear {SECRET}", state="In Progress", now=noon
    )
    _leave_marks(person, staff, made, noon)
    _leave_looks(person, staff, made, noon)
    _leave_answers(person, made, noon + timedelta(days=4))
    services.make_export(
        export_id=services.request_export(user_id=person.pk, now=noon).pk, now=noon
    )
    return Reservation.objects.get(id=made.id)


def _traveller() -> PassengerDetails:
    return PassengerDetails(
        first_name="Zyxsecret",
        last_name="Zyxsecretson",
        kind="adult",
        date_of_birth=date(1987, 6, 5),
        seat_wish="window",
    )


def _bought(person: User, trip: Trip, noon: datetime) -> ReservationDetail:
    held = reserve(
        holder=Holder(user_id=person.pk, email=person.email, phone="+4915112345678"),
        ticket_ids=[trip.ticket_id()],
        passengers=[_traveller()],
        now=noon,
    ).reservation
    money.pay(
        viewer=Viewer(user_id=person.pk),
        reservation_id=held.id,
        method="Bank Card",
        token=None,
        now=noon,
    )
    return held


def _leave_marks(person: User, staff: User, made: ReservationDetail, noon: datetime) -> None:
    """Write the mark wherever staff, providers and clients may have written a name."""
    ReservationEvent.objects.create(
        reservation_id=made.id,
        at=noon,
        kind="name_corrected",
        from_state="paid",
        to_state="paid",
        actor_kind="holder",
        actor=person,
        details={"passenger": 1, "from": f"{SECRET} one", "to": f"{SECRET} two"},
    )
    payment = Payment.objects.get(reservation_id=made.id)
    WebhookEvent.objects.create(
        gateway="sandbox",
        event_id="evt_1",
        body=json.dumps({"customer": SECRET}),
        headers={"X-Name": SECRET},
        received_at=noon,
        due_at=noon,
        processed_at=noon,
        state="done",
        payment=payment,
    )
    Refund.objects.update(note=f"said {SECRET}")
    for row, text in ((person, str(person)), (Reservation.objects.get(id=made.id), made.locator)):
        LogEntry.objects.create(
            user=staff,
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=text,
            action_flag=CHANGE,
            change_message=f"talked to {SECRET}",
            action_time=noon,
        )
    OutboxMessage.objects.create(
        kind="bookings.delay",
        channel="sms",
        recipient="+4915112345678",
        body=f"Dear {SECRET}, {made.locator} is late.",
        created_at=noon,
        due_at=noon,
    )


def _leave_looks(person: User, staff: User, made: ReservationDetail, noon: datetime) -> None:
    """Look as the person, and book by phone for a guest of the same address."""
    looked = serving.begin(
        staff=staff,
        purpose="look",
        reason=f"{SECRET} cannot find the seat",
        traveller_id=person.pk,
        address="192.0.2.1",
        now=noon,
    )
    serving.note(
        serving_id=looked.row.pk,
        what="bookings:reservation",
        method="GET",
        reservation_id=made.id,
        now=noon,
    )
    serving.begin(
        staff=staff,
        purpose="book",
        reason="called",
        guest=serving.Guest(email=person.email, phone="+4915112345678"),
        address="192.0.2.1",
        now=noon + timedelta(minutes=5),
    )


def _leave_answers(person: User, made: ReservationDetail, lately: datetime) -> None:
    """Keep answers to requests with the mark, as they are for three days."""
    IdempotencyKey.objects.create(
        scope=f"user:{person.pk}",
        method="POST",
        path="/reservations/reserve",
        key="k",
        fingerprint="f",
        body=json.dumps({"name": SECRET}),
        created_at=lately,
    )
    IdempotencyKey.objects.create(
        scope="of-a-guest",
        method="POST",
        path="/reservations/reserve",
        key="k",
        fingerprint="f",
        body=json.dumps({"name": SECRET, "locator": made.locator}),
        created_at=lately,
    )


def _cells_with(mark: str) -> Iterator[str]:
    """Name every column of every table in which a row has the mark, however it is stored."""
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            columns = [one[0] for one in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if mark in _as_text(value).lower():
                        yield f"{table}.{column}"
    for session in Session.objects.all():
        if mark in str(session.get_decoded()).lower():
            yield "django_session"


def _as_text(value: object) -> str:
    if isinstance(value, (bytes, memoryview)):
        content = bytes(value)
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return " ".join(archive.read(name).decode() for name in archive.namelist())
        return content.decode(errors="replace")
    return str(value)


def erase(person: User, later: datetime, *, password: str = PASSWORD) -> None:
    services.erase_account(
        user_id=person.pk, password=password, is_proved=False, network=HOME, now=later
    )


@pytest.fixture
def later(noon: datetime) -> datetime:
    """Five days on: every trip of the story is over, every hold has ended."""
    return noon + timedelta(days=5)


class TestErasing:
    def test_leaves_the_person_in_no_table_but_that_of_the_law(
        self, person: User, story: Reservation, later: datetime
    ) -> None:
        before = set(_cells_with(SECRET))
        # The search finds what is there: else it proves nothing.
        assert {
            "accounts_user.email",
            "accounts_user.pending_email",
            "accounts_savedpassenger.first_name",
            "bookings_passenger.first_name",
            "bookings_reservation.contact_email",
            "bookings_reservationevent.reason",
            "bookings_reservationevent.details",
            "common_idempotencykey.body",
            "common_outboxmessage.recipient",
            "common_outboxmessage.body",
            "django_admin_log.object_repr",
            "django_admin_log.change_message",
            "payments_cancellation.reason",
            "payments_receiptname.name",
            "payments_refund.note",
            "payments_webhookevent.body",
            "payments_webhookevent.headers",
            "support_dataexport.content",
            "support_reportmessage.body",
            "support_serving.guest_email",
            "support_serving.reason",
        } <= before

        erase(person, later)
        OutboxMessage.objects.filter(kind="support.farewell").update(sent_at=later)
        services.forget_farewells()

        assert set(_cells_with(SECRET)) == {"payments_receiptname.name"}
        assert set(_cells_with("+4915112345678")) == set()
        assert set(_cells_with("1987-06-05")) == set()
        assert set(_cells_with("2019-01-02")) == set()
        assert [(one.fact.code, one.rows) for one in audit.findings()] == []

    def test_keeps_what_the_books_need(
        self, person: User, story: Reservation, later: datetime
    ) -> None:
        erase(person, later)

        story.refresh_from_db()
        assert (story.user_id, story.state, story.locator) == (person.pk, "paid", story.locator)
        # 45.00 for the trip, 45.00 for the one that was cancelled.
        assert sorted(Payment.objects.values_list("amount_minor", flat=True)) == [4500, 4500]
        assert Cancellation.objects.get().reason_code == "death"
        assert ReservationEvent.objects.filter(reason="death").exists()
        names = set(Passenger.objects.values_list("first_name", "last_name"))
        assert names == {("Erased", "passenger")}
        # A receipt for each, and a credit note for the second.
        assert ReceiptName.objects.count() == 3
        done = Erasure.objects.get(user=person)
        assert (done.erased_at, done.reservations) == (later, 3)
        assert Report.objects.get().state == "Closed"
        # That staff looked, and when, stays on record; why does not.
        looked, booked = Serving.objects.order_by("id")
        assert (looked.traveller, looked.reason) == (person, "(erased)")
        assert ServingEntry.objects.get().reservation == story
        assert (booked.guest_email, booked.guest_phone) == ("erased@erased.invalid", None)

    def test_says_goodbye_and_forgets_that_too(
        self, person: User, later: datetime, settings: Any
    ) -> None:
        settings.MAIL_DELIVERY = "outbox"
        erase(person, later)

        said = OutboxMessage.objects.get()
        assert (said.kind, said.recipient) == ("support.farewell", f"{SECRET}@example.org")
        services.forget_farewells()
        assert OutboxMessage.objects.exists()

        OutboxMessage.objects.update(given_up_at=later)
        services.forget_farewells()
        assert not OutboxMessage.objects.exists()

    def test_leaves_others_alone(
        self, person: User, traveller: User, train: Trip, noon: datetime, later: datetime
    ) -> None:
        paid(traveller, train.ticket_id(), now=noon)
        serving.begin(
            staff=factories.make_user(is_staff=True, roles=["support agent"]),
            purpose="look",
            reason="a question",
            traveller_id=traveller.pk,
            address="192.0.2.1",
            now=noon,
        )
        # Entered, never proved: it is somebody else's address, with that person's messages.
        User.objects.filter(pk=person.pk).update(pending_email="ada@example.org")
        mine = list(OutboxMessage.objects.order_by("id").values_list("kind", flat=True))

        erase(person, later)

        kept = OutboxMessage.objects.filter(recipient="ada@example.org").order_by("id")
        assert list(kept.values_list("kind", flat=True)) == mine
        assert Passenger.objects.get().first_name == "Ada"
        assert Serving.objects.get().reason == "a question"
        traveller.refresh_from_db()
        assert traveller.email == "ada@example.org"

    def test_leaves_a_guest_with_an_unproved_address_alone(
        self, person: User, coach: Trip, noon: datetime, later: datetime
    ) -> None:
        User.objects.filter(pk=person.pk).update(email_verified_at=None)
        reserve(
            holder=Holder(email=f"{SECRET}@example.org"),
            ticket_ids=[coach.ticket_id()],
            passengers=[_traveller()],
            now=noon,
        )

        erase(person, later)

        assert Reservation.objects.get().contact_email == f"{SECRET}@example.org"

    def test_nobody_signs_in_afterwards(self, person: User, later: datetime) -> None:
        browser = signed_in(person)
        erase(person, later)

        person.refresh_from_db()
        assert not person.is_active
        assert not person.has_usable_password()
        assert browser.get("/account/").status_code == 302
        assert not TokenFamily.objects.filter(user=person).exists()
        assert not SavedPassenger.objects.exists()


class TestWhatStandsInTheWay:
    def test_a_trip_to_come(self, person: User, train: Trip, noon: datetime) -> None:
        held = _bought(person, train, noon)

        assert services.obstacles(user_id=person.pk, now=noon).trips == [held.locator]
        with pytest.raises(StillNeeded):
            erase(person, noon)
        person.refresh_from_db()
        assert person.email == f"{SECRET}@example.org"

    def test_a_held_seat_until_the_hold_ends(
        self, person: User, train: Trip, noon: datetime
    ) -> None:
        reserve(
            holder=Holder(user_id=person.pk, email=person.email),
            ticket_ids=[train.ticket_id()],
            passengers=[_traveller()],
            now=noon,
        )

        assert services.obstacles(user_id=person.pk, now=noon + timedelta(minutes=9, seconds=59))
        assert not services.obstacles(user_id=person.pk, now=noon + timedelta(minutes=10))

    def test_money_in_the_wallet(self, person: User, noon: datetime, later: datetime) -> None:
        fill_wallet(person, "12.00", now=noon)

        with pytest.raises(StillNeeded):
            erase(person, later)
        [balance] = services.obstacles(user_id=person.pk, now=later).balances
        assert balance.minor == 1200

    def test_a_refund_on_its_way(
        self, person: User, staff: User, train: Trip, noon: datetime, later: datetime
    ) -> None:
        held = _bought(person, train, noon)
        services.cancel_reservation(
            viewer=Viewer(user_id=staff.pk, is_support=True),
            reservation_id=held.id,
            reason="strike",
            now=noon,
        )
        Refund.objects.update(state="queued", done_at=None)

        with pytest.raises(StillNeeded):
            erase(person, later)

    def test_a_staff_account(self, staff: User, noon: datetime) -> None:
        with pytest.raises(StillNeeded):
            erase(staff, noon)

    def test_a_wrong_password(self, person: User, noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            erase(person, noon, password="guess")
        person.refresh_from_db()
        assert person.is_active


class TestTheFile:
    def unpacked(self, content: bytes) -> tuple[dict[str, Any], str]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.namelist() == [documents.JSON_NAME, documents.PAGE_NAME]
            data = json.loads(archive.read(documents.JSON_NAME))
            return data, archive.read(documents.PAGE_NAME).decode()

    def test_holds_all_that_is_kept(self, person: User, story: Reservation, noon: datetime) -> None:
        made = DataExport.objects.get()
        data, page = self.unpacked(
            services.fetch_export(user_id=person.pk, export_id=made.pk, now=noon)
        )

        assert data["account"]["email"] == f"{SECRET}@example.org"
        assert [one["firstName"] for one in data["savedPassengers"]] == ["Zyxsecret"]
        assert [one["status"] for one in data["reservations"]] == ["Paid", "Cancelled", "Reserved"]
        [ticket] = data["reservations"][0]["tickets"]
        assert (ticket["service"], ticket["from"], ticket["price"]) == (
            "ICE 585",
            "Hamburg Hbf",
            "45.00",
        )
        assert [one["amount"] for one in data["payments"]] == ["45.00", "45.00"]
        assert [one["what"] for one in data["receipts"]].count("receipt") == 2
        assert [one["text"] for one in data["reports"][0]["conversation"]] == [
            f"My name is {SECRET}.",
            f"Dear {SECRET}",
        ]
        assert any(one["subject"].startswith("Your tickets") for one in data["messages"])
        looked, booked = data["staffInYourPlace"]
        assert looked["reason"] == f"{SECRET} cannot find the seat"
        assert (looked["purpose"], looked["beganAt"]) == ("look", noon.isoformat())
        assert [(one["what"], one["locator"]) for one in looked["opened"]] == [
            ("bookings:reservation", story.locator)
        ]
        assert (booked["purpose"], booked["opened"]) == ("book", [])
        for section in ("Saved passengers", "Bookings", "Payments", "Messages to you"):
            assert f"<h2>{section}</h2>" in page
        assert "Zyxsecretburg" in page

    def test_every_name_in_it_has_a_word_on_the_page(
        self, person: User, story: Reservation, noon: datetime
    ) -> None:
        def names(value: Any) -> set[str]:
            if isinstance(value, dict):
                return set(value).union(*(names(one) for one in value.values()))
            return set().union(*(names(one) for one in value)) if isinstance(value, list) else set()

        assert names(privacy.collect(user_id=person.pk, now=noon)) <= set(documents.LABELS)

    def test_shows_no_code_that_opens_an_account(self, person: User, noon: datetime) -> None:
        OutboxMessage.objects.create(
            kind="accounts.code",
            channel="email",
            recipient=person.email,
            body="123456",
            created_at=noon,
            due_at=noon,
        )

        assert privacy.collect(user_id=person.pk, now=noon)["messages"] == []

    def test_shows_no_message_to_an_address_that_was_never_proved(
        self, person: User, traveller: User, train: Trip, noon: datetime
    ) -> None:
        paid(traveller, train.ticket_id(), now=noon)
        User.objects.filter(pk=traveller.pk).update(email="elsewhere@example.org")
        User.objects.filter(pk=person.pk).update(email="ada@example.org", email_verified_at=None)

        assert privacy.collect(user_id=person.pk, now=noon)["messages"] == []

    def test_is_made_once_however_often_it_is_asked_for(self, person: User, noon: datetime) -> None:
        first = services.request_export(user_id=person.pk, now=noon)
        again = services.request_export(user_id=person.pk, now=noon)
        assert first.pk == again.pk
        assert Job.objects.count() == 1

        services.make_export(export_id=first.pk, now=noon)
        soon = services.request_export(user_id=person.pk, now=noon + timedelta(minutes=59))
        assert soon.pk == first.pk
        next_one = services.request_export(user_id=person.pk, now=noon + timedelta(minutes=61))
        assert next_one.pk != first.pk

    def test_is_made_by_the_worker(
        self, person: User, noon: datetime, clock: Clock, mailoutbox: list[Any]
    ) -> None:
        services.request_export(user_id=person.pk, now=noon)

        assert tasks.make_exports() == 1
        assert tasks.make_exports() == 0
        assert DataExport.objects.get().ready_at == noon
        told = OutboxMessage.objects.get(kind="support.export_ready")
        assert told.recipient == person.email

    def test_one_that_fails_does_not_hold_up_others(
        self, person: User, traveller: User, noon: datetime
    ) -> None:
        bad = services.request_export(user_id=person.pk, now=noon).pk
        good = services.request_export(user_id=traveller.pk, now=noon).pk

        assert services.due_exports(now=noon, limit=1) == [bad]
        # Nobody finished it: the other one is next.
        assert services.due_exports(now=noon, limit=1) == [good]
        assert services.due_exports(now=noon + timedelta(minutes=5), limit=9) == [bad, good]

    def test_is_its_owners_alone_and_for_seven_days(
        self, person: User, stranger: User, noon: datetime
    ) -> None:
        made = services.request_export(user_id=person.pk, now=noon)
        services.make_export(export_id=made.pk, now=noon)
        last = noon + timedelta(days=7) - timedelta(seconds=1)

        assert services.fetch_export(user_id=person.pk, export_id=made.pk, now=last)
        with pytest.raises(NotFound):
            services.fetch_export(user_id=stranger.pk, export_id=made.pk, now=noon)
        with pytest.raises(NotFound):
            services.fetch_export(
                user_id=person.pk, export_id=made.pk, now=noon + timedelta(days=7)
            )
        assert services.forget_exports(now=last, limit=10) == 0
        assert services.forget_exports(now=noon + timedelta(days=7), limit=10) == 1
        assert not DataExport.objects.exists()
        assert not Job.objects.exists()


class TestThePages:
    def test_pack_and_download(self, person: User, clock: Clock) -> None:
        browser = signed_in(person)
        assert "Get my data" in browser.get("/account/data/").content.decode()

        assert browser.post("/account/data/export/").status_code == 302
        assert "Being packed" in browser.get("/account/data/").content.decode()
        tasks.make_exports()
        page = browser.get("/account/data/").content.decode()
        link = re.search(r'href="(/account/data/export/\d+/)"', page)
        assert link is not None
        answer = browser.get(link[1])

        assert answer["Content-Type"] == "application/zip"
        assert "no-store" in answer["Cache-Control"]
        assert answer.content.startswith(b"PK")

    def test_a_strangers_file_is_not_found(
        self, person: User, stranger: User, clock: Clock, noon: datetime
    ) -> None:
        made = services.request_export(user_id=person.pk, now=noon)
        services.make_export(export_id=made.pk, now=noon)

        path = f"/account/data/export/{made.pk}/"
        assert signed_in(stranger).get(path).status_code == 404
        assert Client().get(path).status_code == 302

    def test_erase_asks_for_the_password(self, person: User, clock: Clock) -> None:
        browser = signed_in(person)

        wrong = browser.post("/account/data/erase/", {"password": "x", "understood": "on"})
        assert wrong.status_code == 400
        assert "This is not your password." in wrong.content.decode()
        unticked = browser.post("/account/data/erase/", {"password": PASSWORD})
        assert unticked.status_code == 400
        person.refresh_from_db()
        assert person.is_active

        done = browser.post("/account/data/erase/", {"password": PASSWORD, "understood": "on"})
        assert (done.status_code, done["Location"]) == (302, "/")
        assert "Your account is erased." in browser.get("/").content.decode()
        person.refresh_from_db()
        assert person.email == f"erased-{person.pk}@erased.invalid"

    def test_erase_names_what_is_in_the_way(
        self, person: User, train: Trip, noon: datetime, clock: Clock
    ) -> None:
        held = _bought(person, train, noon)
        fill_wallet(person, "12.00", now=noon)
        page = signed_in(person).get("/account/data/erase/").content.decode()

        assert f'href="/booking/{held.locator}/"' in page
        assert "Your wallet holds €12.00." in page
        assert "Erase my account for good" not in page
