"""Staff correct how a booking is reached: who was reached before is told, and comes in no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.documents.letters import DRESSERS
from bookings.engine.contract import Actor
from bookings.errors import NotChangeable
from bookings.models import Coupon, Reservation, ReservationEvent
from bookings.services import Holder, Reserved
from payments import services as money
from payments.selectors import get_overview
from support import acts, story
from support.notifications import FAREWELL
from support.selectors import EVERY_POWER
from support.services import acting, privacy
from support.story import books, words
from tests import selling
from tests.accounts.codes import newest_code
from tests.conftest import Clock
from tests.factories import LONG_AGO, PASSWORD, Trip
from tests.faults.racing import at_once
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.ids import digest
from travel.common.models import Act, OutboxMessage

pytestmark = pytest.mark.django_db

WRONG, RIGHT = "ada@exmaple.example", "zoe@example.org"
OLD_PHONE, NEW_PHONE = "+4915112345678", "+4915123456789"
WHY = "Spelt on the phone"
SEES_ALL = Viewer(is_support=True)

Book = Callable[..., Reserved]
Correct = Callable[..., bool]


@pytest.fixture(autouse=True)
def _office(settings: Any) -> None:
    settings.STAFF_2FA = "optional"


@pytest.fixture
def desk(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def book(train: Trip, noon: datetime) -> Book:
    """A guest's hold, for Ada Roe on ICE 585."""

    def make(email: str | None = WRONG, phone: str | None = None, who: User | None = None) -> Any:
        return booking.reserve(
            holder=Holder(user_id=who.pk if who else None, email=email, phone=phone),
            ticket_ids=[train.ticket_id()],
            passengers=selling.adults(1),
            now=noon,
        )

    return make


def pay(booked: Reserved, now: datetime) -> None:
    """Pay by card, as a guest does who has the link."""
    viewer = Viewer.guest([booked.guest_secret]) if booked.guest_secret else SEES_ALL
    if booked.reservation.user_id:
        viewer = Viewer(user_id=booked.reservation.user_id)
    money.pay(
        viewer=viewer,
        reservation_id=booked.reservation.id,
        method="Bank Card",
        token=None,
        now=now,
    )


@pytest.fixture
def correct(staff: User, noon: datetime) -> Correct:
    """Correct it by the service, as the agent."""

    def do(booked: Reserved, email: str = "", phone: str = "", **options: Any) -> bool:
        return acting.correct_contact(
            **{
                "viewer": Viewer(user_id=staff.pk, is_support=True),
                "reservation_id": booked.reservation.id,
                "email": email,
                "phone": phone,
                "reason": WHY,
                "now": noon + timedelta(minutes=1),
                **options,
            }
        )

    return do


def page(booked: Reserved) -> str:
    return reverse("admin:reservation_act", args=[booked.reservation.id, "contact"])


def home(booked: Reserved) -> str:
    return reverse("admin:bookings_reservation_change", args=[booked.reservation.id])


def contacts(booked: Reserved) -> tuple[str | None, str | None]:
    row = Reservation.objects.get(pk=booked.reservation.id)
    return row.contact_email, row.contact_phone


def opens(secret: str | None, booked: Reserved, now: datetime) -> bool:
    try:
        bookings.get_reservation(
            viewer=Viewer.guest([secret or ""]), reservation_id=booked.reservation.id, now=now
        )
    except NotFound:
        return False
    return True


def sent(kind: str) -> list[tuple[str, str]]:
    """Answer channel and recipient of the messages of a kind, the oldest first."""
    rows = OutboxMessage.objects.filter(kind=f"bookings.{kind}").order_by("id")
    return list(rows.values_list("channel", "recipient"))


def body(kind: str, recipient: str) -> str:
    return OutboxMessage.objects.get(kind=f"bookings.{kind}", recipient=recipient).body


def new_secret_in(text: str) -> str:
    found = re.search(r"\?key=([\w-]+)", text)
    assert found, text
    return found.group(1)


class TestThePage:
    def test_shows_what_stands_there_and_what_it_means_before_it_is_done(
        self, desk: Client, staff: User, book: Book, noon: datetime, clock: Clock
    ) -> None:
        booked = book()
        asked = desk.get(page(booked))
        assert asked.context["form"]["email"].value() == WRONG
        assert f"The contact is now: {WRONG}." in asked.content.decode()
        wanted = {"email": " ZOE@example.org ", "phone": "+49 1512 3456789", "reason": WHY}

        meant = desk.post(page(booked), wanted).content.decode()

        assert f"{WRONG} becomes {RIGHT}." in meant
        assert f"{NEW_PHONE} is added." in meant
        assert f"The link to the booking goes to {RIGHT}." in meant
        assert "Links sent before open nothing any more" in meant.replace("&#x27;", "'")
        assert f"Told of the change, without whole addresses: {WRONG}." in meant
        assert contacts(booked) == (WRONG, None)
        assert sent("contact_link") == []

        done = desk.post(page(booked), {**wanted, "confirm": "1"})

        assert done["Location"] == home(booked)
        assert contacts(booked) == (RIGHT, NEW_PHONE)
        event = ReservationEvent.objects.get(kind="contact_corrected")
        assert (event.actor_kind, event.actor, event.reason) == ("staff", staff, WHY)
        row = Act.objects.get()
        assert (row.actor, row.reason, row.address) == (staff, WHY, "127.0.0.1")
        assert row.about == f"bookings.reservation:{booked.reservation.id}"

    def test_pressed_twice_it_is_done_once(self, desk: Client, book: Book, clock: Clock) -> None:
        booked = book()
        wanted = {"email": RIGHT, "phone": "", "reason": WHY, "confirm": "1"}

        desk.post(page(booked), wanted)
        key = Reservation.objects.get().guest_digest
        again = desk.post(page(booked), wanted, follow=True)

        assert "That stands there already: nothing was changed." in again.content.decode()
        assert sent("contact_link") == [("email", RIGHT)]
        assert sent("contact_corrected") == [("email", WRONG)]
        assert ReservationEvent.objects.filter(kind="contact_corrected").count() == 1
        assert Act.objects.count() == 1
        assert Reservation.objects.get().guest_digest == key

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "zoe@"),
            ("email", NEW_PHONE),
            ("email", "zoe\u202e@example.org"),
            ("phone", "0151 2345678"),
            ("phone", "zoe@example.org"),
            ("reason", "  "),
        ],
    )
    def test_what_cannot_be_read_is_said_beside_its_field(
        self, desk: Client, book: Book, clock: Clock, field: str, value: str
    ) -> None:
        booked = book()
        wanted = {"email": RIGHT, "phone": NEW_PHONE, "reason": WHY, "confirm": "1", field: value}

        answer = desk.post(page(booked), wanted)

        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == [field]
        assert contacts(booked) == (WRONG, None)

    def test_one_of_the_two_stays(self, desk: Client, book: Book, clock: Clock) -> None:
        booked = book()

        answer = desk.post(page(booked), {"email": "", "phone": " ", "reason": WHY, "confirm": "1"})

        assert answer.status_code == 400
        assert "email" in answer.context["form"].errors
        assert contacts(booked) == (WRONG, None)

    def test_of_an_account_the_page_says_that_it_stays(
        self, desk: Client, book: Book, traveller: User, clock: Clock
    ) -> None:
        shown = desk.get(page(book(who=traveller))).content.decode()

        assert "The account keeps its own contacts" in shown


class TestWhatTheFormerContactHeld:
    def test_a_guests_link_opens_nothing_and_the_new_one_has_its_own(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book()
        assert opens(booked.guest_secret, booked, noon)

        assert correct(booked, RIGHT)

        assert not opens(booked.guest_secret, booked, noon)
        letter = body("contact_link", RIGHT)
        secret = new_secret_in(letter)
        assert opens(secret, booked, noon)
        assert digest(secret) == Reservation.objects.get().guest_digest
        # Nobody else was sent the key, and it is stored in that letter alone.
        assert OutboxMessage.objects.filter(body__contains=secret).count() == 1
        assert "held until 14:10 CEST" in letter
        assert "To pay: €45.00" in letter

    def test_the_browser_that_keeps_the_key_is_shut_out(
        self, book: Book, correct: Correct, clock: Clock
    ) -> None:
        booked = book()
        browser = Client()
        address = reverse("bookings:reservation", args=[booked.reservation.locator])
        browser.get(address, {"key": booked.guest_secret or ""})
        assert browser.get(address).status_code == 200

        correct(booked, RIGHT)

        assert browser.get(address).status_code == 404
        key = new_secret_in(body("contact_link", RIGHT))
        assert browser.get(address, {"key": key}, follow=True).status_code == 200

    def test_it_is_told_without_the_new_address_and_without_a_way_in(
        self, book: Book, correct: Correct
    ) -> None:
        booked = book(phone=OLD_PHONE)

        correct(booked, RIGHT, NEW_PHONE)

        assert sent("contact_corrected") == [("email", WRONG), ("sms", OLD_PHONE)]
        for recipient in (WRONG, OLD_PHONE):
            text = body("contact_corrected", recipient)
            assert "z…e@example.org" in text
            assert "+49…89" in text
            assert RIGHT not in text
            assert NEW_PHONE not in text
            assert "key=" not in text
            assert "find-booking" not in text

    def test_tickets_are_issued_anew_and_go_to_the_new_address_alone(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book()
        pay(booked, noon)
        assert Coupon.objects.get().issue == 1

        correct(booked, RIGHT)

        coupon = Coupon.objects.get()
        assert (coupon.issue, coupon.reissued_at) == (2, noon + timedelta(minutes=1))
        row = OutboxMessage.objects.get(kind="bookings.contact_link")
        assert row.recipient == RIGHT
        assert "The tickets are attached." in row.body
        extras = DRESSERS[row.kind](row.about, "en", noon)
        assert extras is not None
        assert [one.media_type for one in extras.attachments] == [
            "application/pdf",
            "text/calendar",
        ]
        assert "bookings.contact_corrected" not in DRESSERS

    def test_tickets_stay_where_the_address_does(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book(phone=OLD_PHONE)
        pay(booked, noon)

        correct(booked, WRONG, NEW_PHONE)

        assert Coupon.objects.get().issue == 1

    def test_what_was_proved_before_counts_no_more(
        self, book: Book, correct: Correct, noon: datetime, clock: Clock
    ) -> None:
        booked = book()
        pay(booked, noon)
        browser = Client()
        locator = booked.reservation.locator
        browser.post(reverse("bookings:find"), {"locator": locator, "last_name": "Roe"})
        cancelling = reverse("bookings:tickets", args=[locator])
        proving = reverse("bookings:prove", args=[locator])
        browser.post(proving, {"send": "1"})
        browser.post(proving, {"code": newest_code(WRONG)})
        assert browser.get(cancelling).status_code == 200
        clock.advance(minutes=1)

        correct(booked, RIGHT)

        assert browser.get(cancelling)["Location"].startswith(proving)
        # Whoever proves the new contact comes in again.
        clock.advance(minutes=1)
        browser.post(proving, {"send": "1"})
        browser.post(proving, {"code": newest_code(RIGHT)})
        assert browser.get(cancelling).status_code == 200

    def test_a_code_on_its_way_is_of_no_use(
        self, book: Book, correct: Correct, noon: datetime, clock: Clock
    ) -> None:
        booked = book()
        pay(booked, noon)
        browser = Client()
        locator = booked.reservation.locator
        browser.post(reverse("bookings:find"), {"locator": locator, "last_name": "Roe"})
        proving = reverse("bookings:prove", args=[locator])
        browser.post(proving, {"send": "1"})
        code = newest_code(WRONG)

        correct(booked, RIGHT)

        assert browser.post(proving, {"code": code}).status_code == 400
        # It was not sent yet, and never is.
        assert sent("proof_code") == []

    def test_code_and_name_show_no_whole_address(
        self, book: Book, correct: Correct, noon: datetime, clock: Clock
    ) -> None:
        booked = book()
        pay(booked, noon)
        correct(booked, RIGHT)
        browser = Client()
        locator = booked.reservation.locator
        browser.post(reverse("bookings:find"), {"locator": locator, "last_name": "Roe"})

        for name in ("reservation", "done", "prove"):
            answer = browser.get(reverse(f"bookings:{name}", args=[locator]))
            assert answer.status_code == 200, name
            assert "z…e@example.org" in answer.content.decode(), name
            assert RIGHT not in answer.content.decode(), name


class TestWhoIsReachedNow:
    def test_a_number_beside_the_address_changes_no_key(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book(RIGHT, OLD_PHONE)

        assert correct(booked, RIGHT, NEW_PHONE)

        assert contacts(booked) == (RIGHT, NEW_PHONE)
        assert opens(booked.guest_secret, booked, noon)
        # The address that stays hears of it, and the former number.
        assert sent("contact_corrected") == [("email", RIGHT), ("sms", OLD_PHONE)]
        assert sent("contact_link") == []

    def test_an_address_that_is_taken_away_leaves_the_number_with_the_key(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book(WRONG, OLD_PHONE)

        correct(booked, "", OLD_PHONE)

        assert contacts(booked) == (None, OLD_PHONE)
        assert not opens(booked.guest_secret, booked, noon)
        assert sent("contact_link") == [("sms", OLD_PHONE)]
        assert opens(new_secret_in(body("contact_link", OLD_PHONE)), booked, noon)
        assert sent("contact_corrected") == [("email", WRONG)]

    def test_a_number_alone_is_told_by_text(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book(None, OLD_PHONE)

        correct(booked, "", NEW_PHONE)

        assert sent("contact_corrected") == [("sms", OLD_PHONE)]
        assert sent("contact_link") == [("sms", NEW_PHONE)]
        assert "Before:" not in body("contact_corrected", OLD_PHONE)
        assert not opens(booked.guest_secret, booked, noon)

    def test_of_an_account_its_own_contact_hears_of_it_and_stays(
        self, book: Book, correct: Correct, traveller: User, noon: datetime
    ) -> None:
        booked = book(WRONG, who=traveller)

        correct(booked, RIGHT)

        assert contacts(booked) == (RIGHT, None)
        assert sent("contact_corrected") == [("email", WRONG), ("email", "ada@example.org")]
        assert RIGHT not in body("contact_corrected", "ada@example.org")
        traveller.refresh_from_db()
        assert traveller.email == "ada@example.org"
        row = Reservation.objects.get()
        assert (row.user, row.guest_digest) == (traveller, None)
        letter = body("contact_link", RIGHT)
        assert f"/booking/{row.locator}/" in letter
        assert "key=" not in letter

    def test_an_account_that_was_wrong_gets_its_own_link_and_no_second_letter(
        self, book: Book, correct: Correct, traveller: User
    ) -> None:
        booked = book(WRONG, who=traveller)

        correct(booked, "ada@example.org")

        assert sent("contact_corrected") == [("email", WRONG)]
        assert sent("contact_link") == [("email", "ada@example.org")]

    def test_an_address_of_the_account_that_nobody_proved_is_told_nothing(
        self, book: Book, correct: Correct, traveller: User
    ) -> None:
        User.objects.update(email_verified_at=None)
        booked = book(WRONG, who=traveller)

        correct(booked, RIGHT)

        assert sent("contact_corrected") == [("email", WRONG)]

    def test_of_what_is_over_or_cancelled_too(
        self, book: Book, correct: Correct, staff: User, noon: datetime
    ) -> None:
        """Refunds and receipts are told there."""
        expired = book()
        assert correct(expired, RIGHT, now=noon + timedelta(minutes=11))
        cancelled = book("other@example.org")
        booking.release(
            viewer=SEES_ALL,
            reservation_id=cancelled.reservation.id,
            now=noon,
            actor=Actor("staff", staff.pk),
        )
        assert correct(cancelled, RIGHT)
        assert contacts(cancelled) == (RIGHT, None)


class TestWhatWaitsToBeSent:
    def waiting(self, booked: Reserved, kind: str, now: datetime, **options: Any) -> int:
        return int(
            OutboxMessage.objects.create(
                kind=kind,
                channel="email",
                recipient=WRONG,
                body="...",
                created_at=now,
                due_at=now,
                **{"about": f"reservation:{booked.reservation.id}", **options},
            ).pk
        )

    def to(self, pk: int) -> str | None:
        return OutboxMessage.objects.filter(pk=pk).values_list("recipient", flat=True).first()

    def test_goes_to_the_new_address_or_nowhere(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book()
        late = self.waiting(booked, "bookings.departure_changed", noon)
        back = self.waiting(booked, "payments.refund_claim", noon)
        tickets = self.waiting(booked, "bookings.tickets", noon)
        gone = self.waiting(booked, "bookings.seats_changed", noon, sent_at=noon)
        answer = self.waiting(booked, "support.report_answered", noon)
        other = self.waiting(booked, "bookings.tickets", noon, about="reservation:999")

        correct(booked, RIGHT)

        assert (self.to(late), self.to(back)) == (RIGHT, RIGHT)
        assert self.to(tickets) is None
        assert (self.to(gone), self.to(answer), self.to(other)) == (WRONG, WRONG, WRONG)
        # The first notice of the hold, with the old key, was waiting as well.
        assert sent("hold_notice") == []

    def test_goes_nowhere_where_no_address_is_left(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book(WRONG, OLD_PHONE)
        late = self.waiting(booked, "bookings.departure_changed", noon)

        correct(booked, "", OLD_PHONE)

        assert self.to(late) is None

    def test_what_is_being_sent_is_tried_again_at_the_new_address_alone(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book()
        lease = noon + timedelta(minutes=5)
        leased = self.waiting(booked, "bookings.tickets", noon, lease_until=lease)

        correct(booked, RIGHT)

        assert self.to(leased) == RIGHT


class TestWhoMayAndWhen:
    def test_staff_alone_and_with_a_reason(
        self, book: Book, correct: Correct, traveller: User, noon: datetime
    ) -> None:
        booked = book(who=traveller)
        me = Viewer(user_id=traveller.pk)
        with pytest.raises(NotAllowed):
            correct(booked, RIGHT, viewer=me)
        with pytest.raises(NotAllowed):
            booking.correct_contact(
                viewer=me,
                reservation_id=booked.reservation.id,
                email=RIGHT,
                phone="",
                actor=Actor("holder", traveller.pk),
                now=noon,
            )
        for reason in ("", " ", "x" * 301):
            with pytest.raises(InvalidInput) as refused:
                correct(booked, RIGHT, reason=reason)
            assert "reason" in refused.value.errors
        with pytest.raises(NotFound):
            correct(booked, RIGHT, reservation_id=booked.reservation.id + 1)
        assert contacts(booked) == (WRONG, None)
        assert sent("contact_corrected") == []

    def test_the_list_offers_it_but_for_whom_is_forgotten(
        self,
        book: Book,
        correct: Correct,
        desk: Client,
        traveller: User,
        noon: datetime,
        clock: Clock,
    ) -> None:
        booked = book(who=traveller)
        later = clock.advance(minutes=30)

        def why_not() -> str:
            overview = get_overview(
                viewer=SEES_ALL, reservation_id=booked.reservation.id, now=later
            )
            known = {one.name: one for one in acts.acts_on(overview, powers=EVERY_POWER)}
            return known["correctContact"].why_not

        assert why_not() == ""
        privacy.erase_account(
            user_id=traveller.pk, password=PASSWORD, is_proved=False, network="x", now=later
        )
        assert why_not() == "Its people were erased."
        with pytest.raises(NotChangeable):
            correct(booked, RIGHT, now=later)
        told = desk.post(page(booked), {"email": RIGHT, "reason": WHY, "confirm": "1"}, follow=True)
        assert "Its people were erased." in told.content.decode()
        assert contacts(booked) == (None, None)
        assert not Act.objects.exists()


class TestTheStory:
    def test_staff_and_the_traveller_read_both_masked(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book(WRONG, OLD_PHONE)
        correct(booked, RIGHT, "")

        reservation = bookings.get_reservation(
            viewer=SEES_ALL, reservation_id=booked.reservation.id, now=noon
        )
        told = words.tell_all(reservation, books.read_all(reservation))
        entry = next(one for one in told if one.entry.kind == "contact_corrected")

        assert (entry.title, entry.notes) == (
            "Contact corrected",
            [
                "E-mail: a…a@exmaple.example, now z…e@example.org",
                "Telephone: +49…78, now none",
            ],
        )
        assert entry.entry.reason == WHY
        public = story.read(reservation.id, public=True)
        event = next(one for one in public if one.kind == "contact_corrected")
        assert event.reason == ""
        assert RIGHT not in repr(event)

    def test_on_the_travellers_page(self, book: Book, correct: Correct, clock: Clock) -> None:
        booked = book()
        correct(booked, RIGHT)
        browser = Client()
        address = reverse("bookings:reservation", args=[booked.reservation.locator])

        key = new_secret_in(body("contact_link", RIGHT))
        shown = browser.get(address, {"key": key}, follow=True).content.decode()

        assert "Contact corrected" in shown
        assert "a…a@exmaple.example, now z…e@example.org" in shown
        assert WHY not in shown
        assert WRONG not in shown


def places_of(text: str) -> list[str]:
    """Answer each column of each table in which a text stands."""
    found = []
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                rows = model._base_manager.filter(**{f"{field.name}__icontains": text})
                if rows.exists():
                    found.append(f"{model._meta.label}.{field.name}")
    return sorted(found)


def said_goodbye() -> None:
    """Forget the one message to an erased person, as the worker does once it is sent."""
    OutboxMessage.objects.filter(kind=FAREWELL).update(sent_at=LONG_AGO)
    privacy.forget_farewells()


class TestPersonalData:
    def test_nothing_of_either_address_outlives_erasing(
        self, book: Book, desk: Client, traveller: User, noon: datetime, clock: Clock
    ) -> None:
        """The guest has an account at the new address: erasing it reaches the old one, too."""
        booked = book("typo-of-ada@example.org", OLD_PHONE)
        reason = "typo-of-ada@example.org is wrong, says +4915112345678"
        desk.post(
            page(booked),
            {"email": "ada@example.org", "phone": NEW_PHONE, "reason": reason, "confirm": "1"},
        )
        assert contacts(booked) == ("ada@example.org", NEW_PHONE)
        assert places_of("typo-of-ada")
        later = clock.advance(minutes=30)

        privacy.erase_account(
            user_id=traveller.pk, password=PASSWORD, is_proved=False, network="x", now=later
        )
        said_goodbye()

        for text in ("typo-of-ada", "t…a@", "ada@example.org", OLD_PHONE, NEW_PHONE, "+49…"):
            assert places_of(text) == [], text
        assert ReservationEvent.objects.get(kind="contact_corrected").details == {}

    def test_the_person_at_the_former_address_has_no_part_in_it(
        self, book: Book, correct: Correct, stranger: User, noon: datetime, clock: Clock
    ) -> None:
        booked = book("mallory@example.org")
        correct(booked, RIGHT)

        handed_out = privacy.collect(user_id=stranger.pk, now=noon)
        assert handed_out["reservations"] == []
        later = clock.advance(minutes=30)
        privacy.erase_account(
            user_id=stranger.pk, password=PASSWORD, is_proved=False, network="x", now=later
        )
        said_goodbye()

        # The booking is not theirs to erase; what was sent to them is gone.
        assert contacts(booked) == (RIGHT, None)
        assert places_of("mallory@example.org") == []


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_ten_that_ask_for_the_same_change_it_once(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book()

        done = at_once([partial(correct, booked, RIGHT) for _ in range(10)])

        assert sorted(done) == [False] * 9 + [True]
        assert sent("contact_link") == [("email", RIGHT)]
        assert opens(new_secret_in(body("contact_link", RIGHT)), booked, noon)

    def test_of_many_the_last_one_holds_and_its_key_alone_opens(
        self, book: Book, correct: Correct, noon: datetime
    ) -> None:
        booked = book()
        wanted = [f"zoe{number}@example.org" for number in range(6)]

        done = at_once([partial(correct, booked, one) for one in wanted])

        assert done == [True] * 6
        events = ReservationEvent.objects.filter(kind="contact_corrected").order_by("id")
        assert events.count() == 6
        last = contacts(booked)[0]
        letters = OutboxMessage.objects.filter(kind="bookings.contact_link")
        # What waited for those in between was called back.
        assert [one.recipient for one in letters] == [last]
        assert opens(new_secret_in(letters.get().body), booked, noon)


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()
