"""A paid ticket as documents: what they say, how they are read back, when there are none."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pypdfium2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.x509.oid import NameOID
from django.core import mail
from django.core.checks import run_checks
from django.utils import translation
from icalendar import Calendar
from pypdf import PdfReader

from accounts.viewers import Viewer
from bookings import barcodes, selectors, services
from bookings import tasks as bookings_tasks
from bookings.documents import calendars, codes, letters, passes, tickets, wallet
from bookings.engine.contract import Actor
from bookings.errors import NoAddress, ProofNeeded
from bookings.models import Coupon, Reservation, ReservationEvent
from bookings.services import PassengerDetails, SeatChoice
from inventory.models import Call, Departure
from payments import services as money
from payments import tasks as payments_tasks
from tests import selling
from tests.codes import read_codes
from travel.common import limits
from travel.common.errors import NotFound, Throttled
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db

DESK = Viewer(is_support=True)
PERSIAN = PassengerDetails(first_name="محمدرضا", last_name="حسینی‌نژاد", kind="adult")
BOTH = [PassengerDetails(first_name="Ada", last_name="Roe", kind="adult"), PERSIAN]


@pytest.fixture
def paid(traveller, noon):
    """Answer a function that buys tickets for the traveller, two adults unless told."""

    def buy(*ticket_ids, passengers=BOTH, who=traveller):
        held = selling.reserve(who, *ticket_ids, now=noon, passengers=passengers)
        money.pay(
            viewer=Viewer(user_id=traveller.pk) if who is traveller else DESK,
            reservation_id=held.id,
            method="Bank Card",
            token=None,
            now=noon,
        )
        return fresh(held.id, noon)

    return buy


def fresh(reservation_id, now):
    return selectors.get_reservation(viewer=DESK, reservation_id=reservation_id, now=now)


def papers(reservation, now):
    return passes.get_papers(viewer=DESK, reservation_id=reservation.id, now=now)


def cancel(reservation, now, **part):
    money.cancel_and_refund(
        viewer=DESK, reservation_id=reservation.id, actor=Actor("staff", None), now=now, **part
    )


def facts_in(picture):
    """Answer what a barcode in a picture says, and its kind; there is exactly one."""
    (found,) = read_codes(picture)
    return str(found.format), barcodes.read(found.text)


def page_of(pdf, number=0, scale=2.5):
    return pypdfium2.PdfDocument(pdf)[number].render(scale=scale).to_pil()


def text_of(pdf, number=0):
    return " ".join(PdfReader(io.BytesIO(pdf)).pages[number].extract_text().split())


class TestPasses:
    def test_each_passenger_has_one_for_each_ticket_in_the_order_of_travel(self, paid, train, noon):
        booked = paid(train.ticket_id(0, 2), train.ticket_id(2, 4), passengers=2)
        found = papers(booked, noon).passes

        assert [(one.number, one.count, one.passenger, one.origin) for one in found] == [
            (1, 4, "Ada Roe", "Hamburg Hbf"),
            (2, 4, "Bob Roe", "Hamburg Hbf"),
            (3, 4, "Ada Roe", "Göttingen Hbf"),
            (4, 4, "Bob Roe", "Göttingen Hbf"),
        ]

    def test_say_what_stands_on_a_ticket(self, paid, train, noon):
        Call.objects.filter(id=train.calls[0].id).update(platform="7 A-C")
        one = papers(paid(train.ticket_id()), noon).passes[0]

        assert (one.service, one.carrier, one.fare, one.travel_class) == (
            "ICE 585",
            "Test Railway",
            "Saver",
            "Second class",
        )
        assert f"{one.departs_at:%H:%M %z} {one.arrives_at:%H:%M}" == "08:00 +0200 13:30"
        assert (one.origin, one.destination, one.platform) == (
            "Hamburg Hbf",
            "München Hbf",
            "7 A-C",
        )
        assert (one.coach, one.seat, one.seating) == ("1", "1A", "Coach 1, seat 1A")
        assert (str(one.price), str(one.tax)) == ("45.00 EUR", "2.94 EUR")
        # Paid at noon UTC, told on the clock of Hamburg.
        assert one.issued_at == noon
        assert f"{one.issued_at:%H:%M}" == "14:00"

    def test_the_barcode_says_whose_it_is_and_for_what(self, paid, train, noon):
        booked = paid(train.ticket_id())
        found = [barcodes.read(one.barcode) for one in papers(booked, noon).passes]

        assert [one.name for one in found] == ["Roe A", "حسینی‌نژاد م"]
        assert [one.seats for one in found] == [(("1", "1A"),), (("1", "1B"),)]
        assert {(one.ticket_id, one.locator, one.travel_class) for one in found} == {
            (train.ticket_id(), booked.locator, "Economy")
        }
        assert [one.barcode for one in found] == [one.barcode for one in booked.coupons]
        assert {(one.issue, one.issued_at) for one in found} == {(1, noon)}

    def test_what_cancelling_costs_is_told_for_the_time_after_the_sale(self, paid, coach, noon):
        # 10 % until 24 hours before 22:00 on 2 June in Hamburg, 50 % until an hour before.
        one = papers(paid(coach.ticket_id()), noon).passes[0]

        assert one.rules == (
            "Until 1 Jun 2026, 22:00 cancelling costs 10 % of the price.",
            "Until 2 Jun 2026, 21:00 cancelling costs 50 % of the price.",
            "After that nothing comes back.",
        )

    def test_what_was_over_at_the_sale_is_left_out(self, paid, train, noon):
        # 10 % until 24 hours before 08:00 on 2 June; it is 14:00 on 1 June already.
        one = papers(paid(train.ticket_id()), noon).passes[0]

        assert one.rules == (
            "Until 2 Jun 2026, 07:00 cancelling costs 50 % of the price.",
            "After that nothing comes back.",
        )

    def test_an_infant_has_one_without_a_seat(self, paid, train, noon):
        adult, infant = papers(
            paid(train.ticket_id(), passengers=selling.party("adult", "infant")), noon
        ).passes

        assert (adult.seat, infant.seat, infant.seating) == ("1A", "", "On an adult's lap")
        assert barcodes.read(infant.barcode).seats == ()

    def test_free_seating_is_said(self, paid, coach, noon):
        one = papers(paid(coach.ticket_id()), noon).passes[0]

        assert (one.coach, one.seat, one.seating) == ("", "", "Free seating")


class TestWhoHasDocuments:
    def test_a_hold_has_none(self, traveller, train, noon):
        held = selling.reserve(traveller, train.ticket_id(), now=noon)

        with pytest.raises(NotFound):
            papers(held, noon)
        with pytest.raises(NotFound):
            calendars.get_calendar(viewer=DESK, locator=held.locator, now=noon)

    def test_a_cancelled_reservation_has_none(self, paid, train, noon):
        booked = paid(train.ticket_id())
        cancel(booked, noon)

        with pytest.raises(NotFound):
            papers(booked, noon)

    def test_a_stranger_sees_none(self, paid, train, stranger, noon):
        booked = paid(train.ticket_id())
        viewer = Viewer(user_id=stranger.pk)

        with pytest.raises(NotFound):
            passes.get_papers(viewer=viewer, locator=booked.locator, now=noon)
        with pytest.raises(NotFound):
            calendars.get_calendar(viewer=viewer, locator=booked.locator, now=noon)

    def test_whoever_knows_code_and_name_proves_more_first(self, paid, train, noon):
        booked = paid(train.ticket_id())
        viewer = Viewer(looked_up=frozenset({booked.id}))

        with pytest.raises(ProofNeeded):
            passes.get_papers(viewer=viewer, locator=booked.locator, now=noon)
        with pytest.raises(ProofNeeded):
            calendars.get_calendar(viewer=viewer, locator=booked.locator, now=noon)
        proved = replace(viewer, proved=viewer.looked_up)
        assert len(passes.get_papers(viewer=proved, locator=booked.locator, now=noon).valid) == 2

    def test_a_coupon_of_another_reservation_is_not_found(self, paid, train, noon):
        one, other = paid(train.ticket_id()), paid(train.ticket_id(fare=1))

        with pytest.raises(NotFound):
            passes.get_pass(
                viewer=DESK, locator=one.locator, coupon_id=other.coupons[0].id, now=noon
            )


class TestVoid:
    def test_a_cancelled_coupon_has_no_barcode_and_is_not_counted(self, paid, train, noon):
        booked = paid(train.ticket_id())
        cancel(booked, noon, passenger_ids=[booked.passengers[0].id])
        gone, left = papers(booked, noon).passes

        assert (gone.is_void, gone.state, gone.tone) == (True, "Cancelled", "bad")
        assert (left.is_void, left.number, left.count) == (False, 1, 1)
        assert papers(booked, noon).valid == [left]

    def test_a_departure_that_does_not_run_lets_nobody_in(self, paid, train, noon):
        booked = paid(train.ticket_id())
        Departure.objects.filter(id=train.departure.pk).update(state="cancelled")
        found = papers(booked, noon)

        assert found.valid == []
        assert {one.state for one in found.passes} == {"Cancelled by the carrier"}

    @pytest.mark.parametrize(("state", "word"), [("used", "Travelled"), ("no_show", "Not used")])
    def test_what_was_used_is_over(self, paid, train, noon, state, word):
        booked = paid(train.ticket_id())
        Coupon.objects.filter(id=booked.coupons[0].id).update(state=state)

        first, second = papers(booked, noon).passes
        assert (first.is_void, first.state, second.is_void) == (True, word, False)

    def test_its_pdf_says_so(self, paid, train, noon):
        booked = paid(train.ticket_id())
        cancel(booked, noon, passenger_ids=[booked.passengers[0].id])
        made = tickets.tickets_pdf(papers(booked, noon).passes[:1])

        assert "Cancelled" in text_of(made)
        assert read_codes(page_of(made)) == []


class TestReissue:
    def test_a_change_of_seats_makes_the_older_barcode_stale(self, paid, train, noon):
        booked = paid(train.ticket_id())
        earlier = papers(booked, noon).passes
        later = noon + timedelta(minutes=3)
        services.change_seats(
            viewer=DESK,
            reservation_id=booked.id,
            seats=[SeatChoice(ticket_id=train.ticket_id(), passenger=0, coach="1", seat="2A")],
            now=later,
        )
        moved, stayed = papers(booked, later).passes

        read = barcodes.read(moved.barcode)
        assert (read.issue, read.issued_at, read.seats) == (2, later, (("1", "2A"),))
        assert read.barcode == barcodes.read(earlier[0].barcode).barcode
        # Whose seat is the same keeps the very ticket that is printed already.
        assert stayed.barcode == earlier[1].barcode

    def test_a_corrected_name_makes_it_stale_on_every_ticket_of_that_passenger(
        self, paid, train, noon
    ):
        booked = paid(train.ticket_id(0, 2), train.ticket_id(2, 4), passengers=2)
        later = noon + timedelta(minutes=3)
        services.correct_name(
            viewer=DESK,
            reservation_id=booked.id,
            passenger_id=booked.passengers[0].id,
            first_name="Adda",
            last_name="Roe",
            now=later,
        )

        found = [barcodes.read(one.barcode) for one in papers(booked, later).passes]
        assert [(one.name, one.issue) for one in found] == [
            ("Roe A", 2),
            ("Roe B", 1),
            ("Roe A", 2),
            ("Roe B", 1),
        ]

    def test_seats_of_a_hold_are_changed_before_anything_is_issued(self, traveller, train, noon):
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        services.change_seats(
            viewer=DESK,
            reservation_id=held.id,
            seats=[SeatChoice(ticket_id=train.ticket_id(), passenger=0, coach="1", seat="2A")],
            now=noon,
        )

        assert Coupon.objects.get(passenger__reservation_id=held.id).issue == 1


class TestPictures:
    @pytest.mark.parametrize(
        ("mode", "symbol"), [("Train", "Aztec"), ("Plane", "Aztec"), ("Bus", "QR")]
    )
    def test_each_way_of_travel_has_its_kind(self, mode, symbol):
        assert codes.symbol_of(mode) == symbol

    def test_the_path_is_black_units_within_the_margin(self):
        # The three finders of a QR code are 7 units wide; the first begins after a margin of 4.
        drawn = codes.picture("A", codes.QR)

        assert drawn.size == 21 + 8
        assert drawn.path.startswith("M4 4h7v1h-7z")
        assert f'viewBox="0 0 {drawn.size} {drawn.size}"' in drawn.svg

    @pytest.mark.parametrize("symbol", [codes.AZTEC, codes.QR])
    def test_a_torn_code_is_still_read(self, symbol):
        text = "TKT1:" + "0123456789ABCDEF$%*+-./:" * 9
        drawn = codes.picture(text, symbol)
        image = draw(drawn, scale=6)
        # A scratch right across the lower part: some four of a hundred units.
        half = image.width * 3 // 4
        image.paste(255, (0, half, image.width, half + image.width // 25))

        (found,) = read_codes(image)
        assert found.text == text


def draw(drawn, *, scale):
    """Draw the runs of a picture, by hand: `M x y h length v1 h-length z`."""
    from PIL import Image

    image = Image.new("L", (drawn.size * scale, drawn.size * scale), 255)
    for run in drawn.path.split("M")[1:]:
        place, _, rest = run.partition("h")
        x, y = map(int, place.split())
        length = int(rest.partition("v")[0])
        image.paste(0, (x * scale, y * scale, (x + length) * scale, (y + 1) * scale))
    return image


class TestPDF:
    @pytest.mark.parametrize(("trip", "kind"), [("train", "Aztec"), ("coach", "QR Code")])
    def test_has_a_sheet_for_each_pass_and_its_barcode_reads(self, request, paid, noon, trip, kind):
        booked = paid(request.getfixturevalue(trip).ticket_id())
        found = papers(booked, noon).valid
        made = tickets.tickets_pdf(found)

        assert len(PdfReader(io.BytesIO(made)).pages) == 2
        for number, one in enumerate(found):
            symbol, facts = facts_in(page_of(made, number))
            assert symbol == kind
            assert facts == barcodes.read(one.barcode)

    def test_is_tagged_named_and_in_its_language(self, paid, train, noon):
        made = tickets.tickets_pdf(papers(paid(train.ticket_id()), noon).valid)
        root = PdfReader(io.BytesIO(made)).trailer["/Root"]

        assert root["/MarkInfo"]["/Marked"]
        assert root["/Lang"] == "en"
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        metadata = root["/Metadata"].get_data().decode()
        assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
        assert Reservation.objects.get().locator in metadata
        assert "Aztec barcode of Ada Roe for ICE 585" in alternatives(made)

    def test_says_what_one_needs_at_the_train(self, paid, train, noon):
        made = tickets.tickets_pdf(papers(paid(train.ticket_id()), noon).valid)

        for words in ("Train ICE 585", "Ada Roe", "Tuesday, 2 June 2026", "08:00", "13:30", "1A"):
            assert words in text_of(made)
        assert "Ticket 1 of 2" in text_of(made)
        assert "Ticket 2 of 2" in text_of(made, 1)

    def test_is_the_same_bytes_each_time(self, paid, train, noon):
        booked = paid(train.ticket_id())

        assert tickets.tickets_pdf(papers(booked, noon).valid) == tickets.tickets_pdf(
            papers(booked, noon + timedelta(hours=2)).valid
        )

    def test_persian_runs_from_right_to_left(self, paid, train, noon):
        booked = paid(train.ticket_id())
        with translation.override("fa"):
            made = tickets.tickets_pdf(papers(booked, noon).valid)

        assert PdfReader(io.BytesIO(made)).trailer["/Root"]["/Lang"] == "fa"
        picture = page_of(made)
        (found,) = read_codes(picture)
        # The stub with the barcode stands at the end of the line, which is the left.
        assert found.position.top_right.x < picture.width / 2
        assert barcodes.read(found.text).name == "Roe A"

    @pytest.mark.parametrize("name", ["王小明", "김민수", "Юлия Щербакова", "אברהם", "😀"])
    def test_a_name_in_any_script_has_a_document(self, paid, train, noon, name):
        one = papers(paid(train.ticket_id()), noon).valid[0]

        assert tickets.tickets_pdf([replace(one, passenger=name)]).startswith(b"%PDF-")

    @pytest.mark.parametrize("count", [1, 2])
    def test_is_called_by_the_booking_code(self, paid, train, noon, count):
        booked = paid(train.ticket_id())
        found = papers(booked, noon).valid[:count]
        expected = {
            1: f"tickets-{booked.locator}-{booked.coupons[0].id}.pdf",
            2: f"tickets-{booked.locator}.pdf",
        }

        assert tickets.file_name(found) == expected[count]


def alternatives(pdf):
    """Answer what a PDF says in place of its pictures."""
    reader = PdfReader(io.BytesIO(pdf))
    found = []
    for number in range(1, reader.trailer["/Size"]):
        thing = reader.get_object(number)
        if isinstance(thing, dict) and "/Alt" in thing:
            found.append(thing["/Alt"])
    return found


class TestCalendar:
    def events(self, made):
        return Calendar.from_ical(made).walk("VEVENT")

    def ics(self, reservation, now, **one):
        return calendars.get_calendar(viewer=DESK, locator=reservation.locator, now=now, **one)

    def test_has_an_event_for_each_ticket_in_its_stations_zone(self, paid, train, noon):
        booked = paid(train.ticket_id())
        made = self.ics(booked, noon)
        (event,) = self.events(made)

        assert b"DTSTART;TZID=Europe/Berlin:20260602T080000" in made
        assert event.decoded("dtend") == datetime(2026, 6, 2, 11, 30, tzinfo=UTC)
        assert event["SUMMARY"] == "ICE 585, Hamburg Hbf – München Hbf"
        assert "Ada Roe: Coach 1, seat 1A" in event["DESCRIPTION"]
        assert booked.locator in event["DESCRIPTION"]
        assert event["STATUS"] == "CONFIRMED"
        assert Calendar.from_ical(made)["METHOD"] == "PUBLISH"
        # The zone comes along, with the summer time of that year.
        (zone,) = Calendar.from_ical(made).walk("VTIMEZONE")
        assert zone["TZID"] == "Europe/Berlin"
        assert zone.walk("DAYLIGHT")

    @pytest.mark.parametrize(
        ("trip", "before"), [("train", timedelta(hours=1)), ("flight", timedelta(hours=3))]
    )
    def test_reminds_a_day_before_and_when_to_set_out(self, request, paid, noon, trip, before):
        (event,) = self.events(self.ics(paid(request.getfixturevalue(trip).ticket_id()), noon))

        alarms = [alarm.decoded("trigger") for alarm in event.walk("VALARM")]
        assert alarms == [-timedelta(days=1), -before]

    def test_a_change_is_a_newer_version_of_the_same_event(self, paid, train, noon):
        booked = paid(train.ticket_id())
        (before,) = self.events(self.ics(booked, noon))
        later = noon + timedelta(minutes=3)
        services.change_seats(
            viewer=DESK,
            reservation_id=booked.id,
            seats=[SeatChoice(ticket_id=train.ticket_id(), passenger=0, coach="1", seat="2A")],
            now=later,
        )
        (after,) = self.events(self.ics(booked, later))

        assert after["UID"] == before["UID"]
        assert after["SEQUENCE"] == before["SEQUENCE"] + 1
        assert (before.decoded("dtstamp"), after.decoded("dtstamp")) == (noon, later)
        assert "seat 2A" in after["DESCRIPTION"]

    def test_a_cancelled_trip_is_taken_out(self, paid, train, noon):
        booked = paid(train.ticket_id())
        (before,) = self.events(self.ics(booked, noon))
        cancel(booked, noon)
        (after,) = self.events(self.ics(booked, noon))

        assert (after["UID"], after["STATUS"]) == (before["UID"], "CANCELLED")
        assert after["SEQUENCE"] > before["SEQUENCE"]
        assert after["SUMMARY"].startswith("Cancelled: ")
        assert not after.walk("VALARM")

    def test_whoever_cancelled_is_not_told_of(self, paid, train, noon):
        booked = paid(train.ticket_id())
        cancel(booked, noon, passenger_ids=[booked.passengers[0].id])
        (event,) = self.events(self.ics(booked, noon))

        assert event["STATUS"] == "CONFIRMED"
        assert "Ada Roe" not in event["DESCRIPTION"]

    def test_one_ticket_alone(self, paid, train, noon):
        booked = paid(train.ticket_id(0, 2), train.ticket_id(2, 4))

        assert len(self.events(self.ics(booked, noon))) == 2
        (event,) = self.events(self.ics(booked, noon, ticket_id=train.ticket_id(2, 4)))
        assert str(train.ticket_id(2, 4)) in event["UID"]
        with pytest.raises(NotFound):
            self.ics(booked, noon, ticket_id=1)


# --- wallet passes --------------------------------------------------------------------------------


def certificate(subject, key, issuer, issuer_key, *, until):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=400))
        .not_valid_after(until)
        .sign(issuer_key, hashes.SHA256())
    )


def make_pem(path, *, password="", until=None):
    """Write what Apple gives out: a pass type's key and certificate, and the one above it."""
    until = until or datetime.now(UTC) + timedelta(days=100)
    above_key = ec.generate_private_key(ec.SECP256R1())
    above = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test WWDR")])
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.USER_ID, "pass.org.example.tickets"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "TEAM123456"),
        ]
    )
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    path.write_bytes(
        certificate(above, above_key, above, above_key, until=until).public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        + certificate(subject, key, above, above_key, until=until).public_bytes(Encoding.PEM)
    )
    return str(path)


class TestWalletPass:
    @pytest.fixture
    def certified(self, settings, tmp_path):
        settings.WALLET_PASS_PEM = make_pem(tmp_path / "pass.pem", password="a secret")
        settings.WALLET_PASS_PASSWORD = "a secret"
        return settings

    def unpacked(self, one):
        archive = zipfile.ZipFile(io.BytesIO(wallet.pkpass(one)))
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}

    def test_there_is_none_without_a_certificate(self, paid, train, noon, settings):
        one = papers(paid(train.ticket_id()), noon).passes[0]
        settings.WALLET_PASS_PEM = ""

        assert not wallet.is_offered()
        with pytest.raises(NotFound):
            wallet.pkpass(one)

    def test_says_what_the_ticket_says(self, paid, train, noon, certified):
        one = papers(paid(train.ticket_id()), noon).passes[0]
        content = json.loads(self.unpacked(one)["pass.json"])

        assert content["passTypeIdentifier"] == "pass.org.example.tickets"
        assert content["teamIdentifier"] == "TEAM123456"
        assert content["boardingPass"]["transitType"] == "PKTransitTypeTrain"
        assert content["barcodes"] == [
            {
                "format": "PKBarcodeFormatAztec",
                "message": one.barcode,
                "messageEncoding": "iso-8859-1",
                "altText": one.locator,
            }
        ]
        assert content["relevantDate"] == "2026-06-02T06:00:00Z"
        assert content["voided"] is False
        fields = {
            field["key"]: field["value"]
            for group in content["boardingPass"].values()
            if isinstance(group, list)
            for field in group
        }
        assert (fields["from"], fields["to"]) == ("Hamburg Hbf", "München Hbf")
        assert (fields["coach"], fields["seat"], fields["passenger"]) == ("1", "1A", "Ada Roe")

    def test_the_manifest_names_every_file_and_is_signed(
        self, paid, train, noon, certified, tmp_path
    ):
        files = self.unpacked(papers(paid(train.ticket_id()), noon).passes[0])
        signature = files.pop("signature")
        manifest = files.pop("manifest.json")

        assert {"icon.png", "icon@2x.png", "logo.png", "pass.json"} <= set(files)
        assert json.loads(manifest) == {
            name: hashlib.sha1(raw).hexdigest() for name, raw in files.items()
        }
        signer = wallet.signer_of(certified.WALLET_PASS_PEM, "a secret")
        inside = pkcs7.load_der_pkcs7_certificates(signature)
        assert signer.certificate in inside
        assert len(inside) == 2
        verify_by_openssl(signature, manifest, tmp_path)
        with pytest.raises(AssertionError):
            verify_by_openssl(signature, manifest + b" ", tmp_path)

    def test_a_void_ticket_is_a_void_pass(self, paid, coach, noon, certified):
        booked = paid(coach.ticket_id())
        cancel(booked, noon, passenger_ids=[booked.passengers[0].id])
        gone, left = papers(booked, noon).passes

        content = json.loads(self.unpacked(gone)["pass.json"])
        assert content["voided"] is True
        assert "barcodes" not in content
        kept = json.loads(self.unpacked(left)["pass.json"])
        assert kept["barcodes"][0]["format"] == "PKBarcodeFormatQR"
        assert kept["boardingPass"]["transitType"] == "PKTransitTypeBus"

    @pytest.mark.parametrize("password", ["", "wrong"])
    def test_a_wrong_password_is_told_at_the_start(self, certified, password):
        assert wallet_faults() == []
        certified.WALLET_PASS_PASSWORD = password

        assert wallet_faults() == ["travel.E009"]

    def test_a_missing_file_a_wrong_one_and_an_old_one_are_told(self, settings, tmp_path):
        settings.WALLET_PASS_PEM = str(tmp_path / "nowhere.pem")
        assert wallet_faults() == ["travel.E009"]

        other = tmp_path / "other.pem"
        other.write_text("-----BEGIN NOTHING-----\n")
        settings.WALLET_PASS_PEM = str(other)
        assert wallet_faults() == ["travel.E009"]

        settings.WALLET_PASS_PEM = make_pem(
            tmp_path / "old.pem", until=datetime.now(UTC) - timedelta(days=1)
        )
        assert wallet_faults() == ["travel.W009"]


def wallet_faults():
    return [fault.id for fault in run_checks() if "WALLET_PASS_PEM" in fault.msg]


def verify_by_openssl(signature: bytes, content: bytes, folder: Path) -> None:
    """Let another implementation prove a detached signature; its certificate is our own."""
    import subprocess

    (folder / "signature").write_bytes(signature)
    (folder / "content").write_bytes(content)
    run = subprocess.run(
        [
            *("openssl", "smime", "-verify", "-inform", "DER", "-noverify", "-binary"),
            *("-in", folder / "signature", "-content", folder / "content"),
        ],
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


# --- e-mails --------------------------------------------------------------------------------------


def sent(task, settings):
    """Let the outbox send what is due, by e-mail, and answer the last of it."""
    settings.MAIL_DELIVERY = "email"
    mail.outbox.clear()
    task()
    return mail.outbox[-1]


@pytest.mark.usefixtures("clock")
class TestEmail:
    def test_the_confirmation_brings_tickets_and_calendar(self, paid, train, noon, settings):
        booked = paid(train.ticket_id())
        letter = sent(bookings_tasks.send_messages, settings)

        assert letter.subject == f"Your tickets: {booked.locator}"
        assert f"/booking/{booked.locator}/tickets/" in letter.body
        ((html, kind),) = letter.alternatives
        assert kind == "text/html"
        assert "You are booked: Hamburg to Munich" in html
        assert "Coach 1, seat 1B" in html
        assert "€90.00" in html
        (pdf_name, pdf, pdf_kind), (ics_name, ics, ics_kind) = letter.attachments
        assert (pdf_name, pdf_kind) == (f"tickets-{booked.locator}.pdf", "application/pdf")
        assert facts_in(page_of(pdf, 1))[1].name == "حسینی‌نژاد م"
        assert (ics_name, ics_kind) == (f"trip-{booked.locator}.ics", "text/calendar")
        assert "BEGIN:VEVENT" in ics
        # It leaves as one well-formed message: text and HTML to choose from, files beside.
        parts = [
            part.get_content_type()
            for part in message_from_bytes(letter.message().as_bytes()).walk()
        ]
        assert parts == [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "application/pdf",
            "text/calendar",
        ]

    def test_nothing_of_it_is_stored(self, paid, train):
        paid(train.ticket_id())

        stored = OutboxMessage.objects.get(kind="bookings.confirmation")
        assert "<html" not in stored.body
        assert len(stored.body) < 1_000

    def test_it_tells_what_holds_when_it_is_sent(self, paid, train, noon, settings):
        booked = paid(train.ticket_id())
        cancel(booked, noon, passenger_ids=[booked.passengers[0].id])
        OutboxMessage.objects.exclude(kind="bookings.confirmation").delete()
        letter = sent(bookings_tasks.send_messages, settings)

        ((html, _),) = letter.alternatives
        assert "Ada Roe" not in html
        assert "€45.00" in html
        assert len(PdfReader(io.BytesIO(letter.attachments[0][1])).pages) == 1

    def test_it_has_no_html_when_everything_was_cancelled_meanwhile(
        self, paid, train, noon, settings
    ):
        booked = paid(train.ticket_id())
        cancel(booked, noon)
        OutboxMessage.objects.exclude(kind="bookings.confirmation").delete()
        letter = sent(bookings_tasks.send_messages, settings)

        assert letter.alternatives == []
        assert letter.attachments == []

    def test_a_guest_is_led_to_the_booking_by_its_code(self, paid, train, settings):
        booked = paid(train.ticket_id(), who="guest@example.org")
        letter = sent(bookings_tasks.send_messages, settings)

        address = f"{settings.SITE_URL}/find-booking/?code={booked.locator}"
        assert address in letter.body
        assert f'href="{address}"' in letter.alternatives[0][0]
        assert "/booking/" not in letter.body

    def test_a_name_cannot_write_html(self, paid, train, settings):
        paid(
            train.ticket_id(),
            passengers=[PassengerDetails(first_name="<b>Bo", last_name="&Co", kind="adult")],
        )
        ((html, _),) = sent(bookings_tasks.send_messages, settings).alternatives

        assert "&lt;b&gt;Bo &amp;Co" in html

    def test_a_persian_letter_runs_from_right_to_left(self, paid, train, noon):
        booked = paid(train.ticket_id())
        extras = letters.confirmation(f"reservation:{booked.id}", "fa", noon)

        assert '<html lang="fa" dir="rtl">' in extras.html
        pdf = extras.attachments[0].content
        assert PdfReader(io.BytesIO(pdf)).trailer["/Root"]["/Lang"] == "fa"

    def test_a_change_of_seats_brings_new_files(self, paid, train, noon, settings):
        booked = paid(train.ticket_id())
        services.change_seats(
            viewer=DESK,
            reservation_id=booked.id,
            seats=[SeatChoice(ticket_id=train.ticket_id(), passenger=0, coach="1", seat="2A")],
            now=noon,
        )
        OutboxMessage.objects.exclude(kind="bookings.seats_changed").delete()
        letter = sent(bookings_tasks.send_messages, settings)

        assert facts_in(page_of(letter.attachments[0][1]))[1].seats == (("1", "2A"),)

    def test_a_cancellation_takes_the_trip_out_of_the_calendar(self, paid, train, noon, settings):
        booked = paid(train.ticket_id())
        cancel(booked, noon)
        OutboxMessage.objects.exclude(kind="payments.cancellation").delete()
        letter = sent(payments_tasks.send_messages, settings)

        ((name, ics, _),) = letter.attachments
        assert name == f"trip-{booked.locator}.ics"
        assert "STATUS:CANCELLED" in ics


class TestResend:
    def test_sends_the_same_again_to_the_reservations_address(
        self, paid, train, noon, traveller, clock, settings
    ):
        booked = paid(train.ticket_id())
        OutboxMessage.objects.all().delete()
        services.resend_tickets(
            viewer=Viewer(user_id=traveller.pk), reservation_id=booked.id, now=noon
        )
        letter = sent(bookings_tasks.send_messages, settings)

        assert letter.to == [traveller.email]
        assert [name for name, _, _ in letter.attachments] == [
            f"tickets-{booked.locator}.pdf",
            f"trip-{booked.locator}.ics",
        ]

    def test_three_times_an_hour_a_reservation(self, paid, train, noon, settings):
        settings.THROTTLES = "on"
        one, other = paid(train.ticket_id()), paid(train.ticket_id(fare=1))
        OutboxMessage.objects.all().delete()
        for _ in range(limits.LIMITS["resend"].times):
            services.resend_tickets(viewer=DESK, reservation_id=one.id, now=noon)

        with pytest.raises(Throttled):
            services.resend_tickets(viewer=DESK, reservation_id=one.id, now=noon)
        services.resend_tickets(viewer=DESK, reservation_id=other.id, now=noon)
        assert limits.LIMITS["resend"].times == 3
        assert OutboxMessage.objects.count() == 4

    def test_refuses_what_has_no_tickets_or_no_address(self, paid, traveller, train, noon):
        held = selling.reserve(traveller, train.ticket_id(), now=noon)
        with pytest.raises(NotFound):
            services.resend_tickets(viewer=DESK, reservation_id=held.id, now=noon)

        booked = paid(train.ticket_id())
        Reservation.objects.filter(id=booked.id).update(contact_email=None)
        with pytest.raises(NoAddress):
            services.resend_tickets(viewer=DESK, reservation_id=booked.id, now=noon)
        viewer = Viewer(looked_up=frozenset({booked.id}))
        with pytest.raises(ProofNeeded):
            services.resend_tickets(viewer=viewer, reservation_id=booked.id, now=noon)


class TestWithoutAHistory:
    """Rows that were brought in from elsewhere have no events: the sale stands for the payment."""

    def test_tickets_are_issued_at_the_sale(self, paid, train, noon):
        booked = paid(train.ticket_id())
        ReservationEvent.objects.all().delete()
        found = papers(booked, noon + timedelta(hours=1))

        assert {one.issued_at for one in found.passes} == {booked.created_at}
        assert passes.barcodes_of([booked])[booked.coupons[0].id] == found.passes[0].barcode
        made = calendars.get_calendar(viewer=DESK, locator=booked.locator, now=noon)
        assert b"SEQUENCE:0" in made
