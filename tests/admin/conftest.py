"""Staff at the admin's door, and an office in which every table has rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser, Page, expect

from accounts.models import MessageChoice, RefreshToken, SavedPassenger, TokenFamily, User
from bookings.models import (
    Claim,
    Coupon,
    ManifestCopy,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
    Scan,
    SeatBlock,
    SeatStock,
    Unseated,
)
from inventory.models import (
    Carrier,
    Facility,
    Feed,
    ImportRun,
    Membership,
    MinimumChange,
    PatternCall,
    PendingChange,
    Seat,
    Station,
    StationCode,
    TimetablePattern,
    TimetableUpload,
    UploadPart,
)
from payments.models import (
    Account,
    Cancellation,
    CancelledCoupon,
    CarrierTerms,
    CryptoInvoice,
    Difference,
    Entry,
    Goodwill,
    MoneyAlarm,
    Payment,
    Receipt,
    ReceiptLine,
    ReceiptName,
    ReceiptSeries,
    ReconciliationRun,
    Refund,
    SandboxCharge,
    SandboxCoin,
    SandboxDelivery,
    SandboxRefund,
    Settlement,
    TopUp,
    Transfer,
    WebhookEvent,
)
from support.models import (
    CannedReply,
    ClosedDay,
    DataExport,
    DayCustomer,
    DayHolds,
    DaySales,
    DepartureLoad,
    DeskEntry,
    DisruptionItem,
    DisruptionJob,
    Erasure,
    Report,
    ReportMessage,
    Serving,
    ServingEntry,
    Subscription,
)
from tests import factories
from tests.factories import PASSWORD
from tests.plugins.browser import PATIENCE
from travel.common.models import Act, IdempotencyKey, Job, OutboxMessage

LETTERS = "ACDEFGHJKM"


@pytest.fixture
def window(chromium: Browser, live_server: Any, settings: Any) -> Iterator[Any]:
    """Sign in at the staff's door, in a browser of this width and scheme, as often as asked for."""
    settings.STAFF_2FA = "optional"
    contexts = []

    def opened(user: User, width: int, scheme: Any) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto("/admin/login/")
        page.locator("#id_username").fill(user.email or "")
        page.locator("#id_password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#user-tools")).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def chief(db: None) -> User:
    """A superuser."""
    return factories.make_user(
        email="chief@office.example", first_name="Cleo", is_staff=True, is_superuser=True
    )


@pytest.fixture
def desk(chief: User, settings, client: Client) -> Client:
    """The superuser's browser, in an office that asks for no second factor."""
    settings.STAFF_2FA = "optional"
    client.force_login(chief)
    return client


@pytest.fixture
def sell(timetable: factories.Timetable, noon: datetime) -> Callable[[int], Reservation]:
    """Write rows number n of everything there is, as engines, gateways and imports would."""
    timetable.train.departure.frozen_at = noon
    timetable.train.departure.stock_version = 1
    timetable.train.departure.save()

    def sell_one(number: int) -> Reservation:
        user = factories.make_user(
            email=f"buyer{number}@example.org", first_name="Buyer", last_name=f"Number{number}"
        )
        reservation = _reservation(timetable.train, user, number, noon)
        _money(reservation, user, number, noon)
        _sandbox(number, noon)
        _desk(reservation, user, number, noon)
        _reference(timetable, user, number, noon)
        return reservation

    return sell_one


def _reservation(trip: factories.Trip, user: User, number: int, noon: datetime) -> Reservation:
    reservation = Reservation.objects.create(
        locator=f"AAA{LETTERS[number // 100]}{LETTERS[number // 10 % 10]}{LETTERS[number % 10]}",
        user=user,
        guest_digest=f"secret-of-guest-{number}",
        currency_id="EUR",
        state=Reservation.State.PAID,
        created_at=noon,
        hold_until=noon + timedelta(minutes=10),
    )
    passenger = Passenger.objects.create(
        reservation=reservation, position=0, first_name="Ada", last_name="Lovelace", kind="adult"
    )
    ticket = trip.ticket()
    coupon = Coupon.objects.create(
        passenger=passenger,
        position=0,
        ticket=ticket,
        fare_version=ticket.fare.versions.get(),
        barcode=f"secret-barcode-{number}",
    )
    # 45.00 EUR, in which 2.94 EUR of tax are contained.
    for position, (kind, label, minor) in enumerate(
        [("fare", "Saver", 4206), ("tax", "VAT 7 %", 294)]
    ):
        PriceLine.objects.create(
            coupon=coupon, position=position, kind=kind, label=label, amount_minor=minor
        )
    seat = Seat.objects.create(
        coach=trip.departure.vehicle.seat_map.coaches.get(label="1"),
        row=100 + number,
        column=0,
        label=f"{100 + number}A",
        travel_class="Economy",
    )
    stock = SeatStock.objects.create(
        departure=trip.departure, seat=seat, travel_class="Economy", taken=0b1111
    )
    Claim.objects.create(coupon=coupon, stock=stock, first_segment=0, last_segment=3)
    SeatBlock.objects.create(
        stock=stock,
        first_segment=0,
        last_segment=3,
        reason="Broken",
        created_at=noon,
        created_by=user,
    )
    Unseated.objects.create(coupon=coupon, departure=trip.departure, cause="vehicle", since=noon)
    Scan.objects.create(
        departure=trip.departure,
        coupon=coupon,
        device="a-phone",
        client_id=f"scan-{number}",
        at=noon,
        received_at=noon,
        outcome="admitted",
        let_in=True,
        how="typed",
        stop=0,
        staff=user,
    )
    ManifestCopy.objects.create(
        departure=trip.departure,
        staff=user,
        kind="device",
        device="a-phone",
        at=noon,
        expires_at=noon + timedelta(days=1),
        people=1,
    )
    for kind, before, after in [("reserved", "", "held"), ("paid", "held", "paid")]:
        ReservationEvent.objects.create(
            reservation=reservation,
            at=noon,
            kind=kind,
            from_state=before,
            to_state=after,
            actor_kind="holder",
            actor=user,
            details={"seats": [seat.label]},
        )
    return reservation


def _money(reservation: Reservation, user: User, number: int, noon: datetime) -> None:
    wallet = Account.objects.create(
        code=f"wallet:{user.pk}:EUR", kind="wallet", user=user, currency_id="EUR"
    )
    carrier = Account.objects.create(
        code=f"carrier:{number}:EUR",
        kind="carrier",
        carrier=factories.make_carrier(f"C{number}"),
        currency_id="EUR",
        balance_minor=4500,
    )
    payment = Payment.objects.create(
        reservation=reservation,
        settles=reservation,
        method="Bank Card",
        gateway="sandbox",
        gateway_reference=f"pay-{number}",
        state="captured",
        currency_id="EUR",
        amount_minor=4500,
        received_minor=4500,
        created_at=noon,
        finished_at=noon,
    )
    cancellation = Cancellation.objects.create(
        reservation=reservation, at=noon, actor_kind="staff", actor=user, reason="Strike"
    )
    CancelledCoupon.objects.create(
        cancellation=cancellation,
        coupon=Coupon.objects.get(passenger__reservation=reservation),
        penalty_minor=450,
        refund_minor=4050,
        penalty_basis_points=1000,
        tier_minutes_before=1440,
    )
    refund = Refund.objects.create(
        payment=payment,
        cancellation=cancellation,
        cause="cancellation",
        destination="source",
        amount_minor=4050,
        reference=f"refund-{number}",
        created_at=noon,
        due_at=noon,
    )
    top_up = TopUp.objects.create(
        account=wallet, gateway="sandbox", amount_minor=10_000, created_at=noon
    )
    transfer = Transfer.objects.create(
        kind="payment",
        reference=f"payment:{number}:captured",
        at=noon,
        payment=payment,
        refund=refund,
        cancellation=cancellation,
        top_up=top_up,
    )
    Entry.objects.create(transfer=transfer, account=wallet, amount_minor=-4500)
    entry = Entry.objects.create(transfer=transfer, account=carrier, amount_minor=4500)
    CryptoInvoice.objects.create(
        payment=payment,
        asset="BTC",
        address=f"bc1{number}",
        amount="0.0009",
        rate="50000",
        expires_at=noon,
    )
    CarrierTerms.objects.create(
        carrier=carrier.carrier, valid_from=noon.date(), fee_basis_points=500
    )
    Settlement.objects.create(
        account=carrier,
        number=1,
        last_entry=entry,
        period_start=noon.date(),
        period_end=noon.date(),
        amount_minor=4500,
        created_at=noon,
        created_by=user,
    )
    Goodwill.objects.create(
        account=wallet,
        reservation=reservation,
        reason_code="goodwill",
        amount_minor=500,
        state="pendingApproval",
        created_at=noon,
        requested_by=user,
    )
    _receipts(payment, refund, number, noon)
    _astray(payment, user, number, noon)


def _receipts(payment: Payment, refund: Refund, number: int, noon: datetime) -> None:
    series = ReceiptSeries.objects.create(issuer=f"office{number}", year=noon.year, last_number=2)
    receipt = Receipt.objects.create(
        series=series,
        number=1,
        kind="receipt",
        reservation=payment.reservation,
        payment=payment,
        issued_at=noon,
        currency_id="EUR",
        total_minor=4500,
        issuer_text="Travel office",
    )
    note = Receipt.objects.create(
        series=series,
        number=2,
        kind="credit_note",
        reservation=payment.reservation,
        refund=refund,
        credits=receipt,
        issued_at=noon,
        currency_id="EUR",
        total_minor=4050,
        issuer_text="Travel office",
    )
    for one, minor in [(receipt, 4500), (note, 4050)]:
        ReceiptLine.objects.create(
            receipt=one, position=0, kind="fare", label="Saver", amount_minor=minor
        )
        ReceiptName.objects.create(
            receipt=one, name=f"secret-name-{number}", kept_until=noon.date()
        )


def _astray(payment: Payment, user: User, number: int, noon: datetime) -> None:
    event = WebhookEvent.objects.create(
        gateway="sandbox",
        event_id=f"evt-{number}",
        body=f"secret-body-{number}",
        headers={"signature": "secret-signature"},
        received_at=noon,
        due_at=noon,
        payment=payment,
    )
    MoneyAlarm.objects.create(
        kind="amount_differs",
        reference=f"payment:{number}:amount_differs",
        payment=payment,
        event=event,
        opened_at=noon,
    )
    run = ReconciliationRun.objects.create(
        gateway="sandbox", since=noon - timedelta(days=1), until=noon, started_at=noon
    )
    Difference.objects.create(
        reference=f"sandbox:payment-{number}:amount",
        kind="amount",
        first_run=run,
        last_run=run,
        payment=payment,
        ledger_minor=4500,
        ledger_currency_id="EUR",
        provider_minor=4400,
        provider_currency_id="EUR",
    )


def _sandbox(number: int, noon: datetime) -> None:
    charge = SandboxCharge.objects.create(
        key=f"charge-{number}",
        token="tok_secret",
        amount_minor=4500,
        captured_minor=4500,
        currency_id="EUR",
        state="captured",
    )
    SandboxRefund.objects.create(key=f"refund-{number}", charge=charge, amount_minor=4050)
    SandboxCoin.objects.create(
        charge=charge, address=f"sandbox1{number}", amount="0.0009", rate="50000"
    )
    SandboxDelivery.objects.create(
        charge=charge,
        event_id=f"evt-{number}",
        body=f"secret-body-{number}",
        created_at=noon,
        due_at=noon,
    )


def _desk(reservation: Reservation, user: User, number: int, noon: datetime) -> None:
    report = Report.objects.create(
        reservation=reservation,
        ticket=Coupon.objects.get(passenger__reservation=reservation).ticket,
        user=user,
        category="Other",
        created_at=noon,
        waiting_since=noon,
        due_at=noon + timedelta(days=3),
    )
    CannedReply.objects.create(title=f"Sorry {number}", body="Dear {name}")
    ReportMessage.objects.create(report=report, author=user, body="Hello.", created_at=noon)
    departure = Coupon.objects.get(passenger__reservation=reservation).ticket.departure
    job = DisruptionJob.objects.create(
        departure=departure,
        cause="delayed",
        deed="tell",
        created_at=noon,
        created_by=user,
        due_at=noon,
    )
    DisruptionItem.objects.create(job=job, reservation=reservation, due_at=noon)
    DeskEntry.objects.create(
        at=noon, act="delay", actor=user, departure=departure, job=job, details={"minutes": 5}
    )
    DataExport.objects.create(
        user=user,
        asked_at=noon,
        ready_at=noon,
        expires_at=noon + timedelta(days=7),
        content=b"secret-file",
    )
    Erasure.objects.create(user=user, erased_at=noon, reservations=1)
    serving = Serving.objects.create(
        staff=user,
        purpose="look",
        reservation=reservation,
        reason="Called about the seats",
        address="192.0.2.7",
        digest=f"secret-of-serving-{number}",
        began_at=noon,
        ends_at=noon + timedelta(minutes=15),
    )
    ServingEntry.objects.create(serving=serving, at=noon, what="bookings:reservation")
    OutboxMessage.objects.create(
        kind="bookings.hold_notice",
        channel="email",
        recipient=f"buyer{number}@example.org",
        body=f"secret-of-message-{number}",
        created_at=noon,
        due_at=noon,
    )
    Job.objects.create(kind="bookings.expire", reference=str(number), created_at=noon, due_at=noon)
    IdempotencyKey.objects.create(
        scope=str(user.pk),
        method="POST",
        path="/reservations/reserve",
        key=f"key-{number}",
        fingerprint=f"secret-fingerprint-{number}",
        body=f"secret-answer-{number}",
        created_at=noon,
    )
    entry = LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=str(user),
        action_flag=CHANGE,
        change_message='[{"changed": {"fields": ["active"]}}]',
        action_time=noon,
    )
    Act.objects.create(
        entry=entry,
        at=noon,
        actor=user,
        kind="changed",
        about=f"accounts.user:{user.pk}",
        address="192.0.2.7",
        reason="Asked for it",
    )


def _reference(timetable: factories.Timetable, user: User, number: int, noon: datetime) -> None:
    MessageChoice.objects.create(user=user, topic="journey", email=True, sms=False)
    family = TokenFamily.objects.create(user=user, created_at=noon)
    RefreshToken.objects.create(
        family=family,
        digest=f"secret-digest-{number}",
        issued_at=noon,
        expires_at=noon + timedelta(days=30),
    )
    TOTPDevice.objects.create(user=user, name="phone", key="5ec7e7" * 6 + "0000")
    SavedPassenger.objects.create(user=user, first_name="Kim", last_name="Kin", created_at=noon)
    city = factories.make_city(f"City {number}")
    station = factories.make_station(city, f"S{number}")
    StationCode.objects.create(station=station, scheme="uic", code=f"80{number}")
    MinimumChange.objects.create(
        from_station=station, to_station=timetable.train.calls[0].station, minutes=20
    )
    carrier = timetable.train.departure.service.carrier
    Membership.objects.create(user=user, carrier=carrier, role="viewer")
    tariff = factories.make_tariff(carrier)
    Facility.objects.create(code=f"facility{number}", name="Wi-Fi")
    for mode in ("Plane", "Train", "Bus"):
        service = factories.make_service(tariff, f"X {number}", mode=mode)
    trip = factories.make_trip(
        service,
        factories.make_vehicle(carrier),
        starts_at=noon,
        stops=[factories.Stop(station, 0), factories.Stop(timetable.train.calls[0].station, 60)],
    )
    trip.ticket()
    DepartureLoad.objects.create(
        departure=trip.departure, stock_version=1, seats=8, offered_m=8, taken_m=1, taken=1
    )
    _numbers(carrier, station, user, number, noon)
    feed = Feed.objects.create(code=f"feed{number}", name="A feed")
    ImportRun.objects.create(
        feed=feed, first_day=noon.date(), last_day=noon.date(), started_at=noon, report={"rows": 1}
    )
    pattern = TimetablePattern.objects.create(
        service=service,
        vehicle=trip.departure.vehicle,
        first_day=noon.date(),
        last_day=noon.date(),
        leaves=noon.time(),
    )
    PatternCall.objects.create(pattern=pattern, position=0, station=station, departs=0)
    upload = TimetableUpload.objects.create(
        kind="gtfs",
        file_name="feed.zip",
        size=4,
        digest=f"digest{number}",
        feed=f"feed{number}",
        report={"findings": ["note: stops.txt"], "counts": {"added": 1}},
        created_at=noon,
        created_by=user,
        due_at=noon,
    )
    UploadPart.objects.create(upload=upload, position=0, content=b"secret-file")
    PendingChange.objects.create(
        departure=timetable.train.departure,
        kind="calls",
        digest=f"digest{number}",
        proposal={"calls": []},
        created_at=noon,
    )


def _numbers(carrier: Carrier, station: Station, user: User, number: int, noon: datetime) -> None:
    ends_at = noon - timedelta(days=1 + number)
    day = ClosedDay.objects.create(
        day=ends_at.date(),
        zone="UTC",
        begins_at=ends_at - timedelta(days=1),
        ends_at=ends_at,
        closed_at=noon,
    )
    DaySales.objects.create(
        day=day,
        move="sold",
        carrier=carrier,
        mode="Train",
        from_station=station,
        to_station=station,
        travel_class="Economy",
        method="Wallet",
        lead_time="day",
        currency_id="EUR",
        tickets=1,
        price_minor=4500,
        amount_minor=4500,
        lead_minutes=60,
    )
    DayCustomer.objects.create(
        day=day,
        user=user,
        mode="Train",
        currency_id="EUR",
        sold=1,
        cancelled=0,
        amount_minor=4500,
    )
    DayHolds.objects.create(day=day, kind="paid", number=1)
    Subscription.objects.create(
        user=user, report="revenue", every="day", created_at=noon, due_at=noon
    )
