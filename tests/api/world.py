"""
A small world with things of one owner, and a good request for every operation of the API.

`REQUESTS` has one line an operation: which of the owner's things it names, and its body. The tests
of who may do what, and of what a body may say, both ask with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice
from drf_spectacular.generators import SchemaGenerator

from accounts import services as accounts
from accounts import tokens
from accounts.models import SavedPassenger, User
from accounts.viewers import Viewer
from bookings.selectors import ReservationDetail
from payments import services as payments
from payments.receipts import ReceiptDetail, receipts_of
from support import services as support
from support.analytics.catalogue import REPORTS
from support.selectors import ReportDetail
from tests import factories, selling
from tests.accounts.codes import newest_code
from tests.bookings import disrupted
from travel.common.contacts import parse_contact
from travel.common.money import Money

# No row has this id, and it looks like one that may.
NOBODYS_ID = 999_999
OWNER_EMAIL, AGENT_EMAIL = "ada@example.org", "agent@office.example"
# What these tables hold is set up with the database, and no request writes there.
FIXED_TABLES = {"contenttypes.contenttype", "auth.permission"}


@dataclass(frozen=True, kw_only=True)
class World:
    """
    Things of the owner: a paid and a held reservation, a report, a saved passenger, a wallet.

    `stranded` is paid as well, on a departure that was called off: the train may take its place.
    The wallet began with 1,000.00 EUR and has paid 45.00 for the Saver on the train.
    """

    now: datetime
    people: dict[str, User | None]
    train: factories.Trip
    paid: ReservationDetail
    held: ReservationDetail
    stranded: ReservationDetail
    report: ReportDetail
    saved: SavedPassenger
    receipt: ReceiptDetail

    def id_of(self, thing: str) -> int:
        """Answer the id of one of the owner's things, or of a ticket on sale."""
        if thing == "ticket":
            return self.train.ticket_id(fare=1)
        return int(getattr(self, thing).id)

    @property
    def secrets(self) -> list[str]:
        """What nobody but the owner and the support desk may read anywhere."""
        return [
            *(
                self.paid.locator,
                self.held.locator,
                self.stranded.locator,
                OWNER_EMAIL,
                "The socket was dead.",
            ),
            *("Secretaunt", "955.00"),
        ]


def make_world(*, train: factories.Trip, now: datetime) -> World:
    """Build the world; staff come by their roles, with or without a second factor."""
    owner = factories.make_user(email=OWNER_EMAIL, first_name="Ada", last_name="Lovelace")
    payments.open_with(user_id=owner.pk, amount=Money(100_000, "EUR"), now=now)
    paid = selling.reserve(owner, train.ticket_id(), now=now)
    viewer = Viewer(user_id=owner.pk)
    payments.pay(viewer=viewer, reservation_id=paid.id, method="Wallet", token=None, now=now)
    return World(
        now=now,
        people={
            "anonymous": None,
            "owner": owner,
            "stranger": factories.make_user(email="mallory@example.org", first_name="Mallory"),
            **_staff(),
        },
        train=train,
        paid=paid,
        held=selling.reserve(owner, train.ticket_id(fare=1), now=now),
        stranded=_stranded(owner, train, now),
        report=support.submit_report(
            viewer=viewer,
            reservation_id=paid.id,
            ticket_id=paid.coupons[0].ticket_id,
            category="Seat Or Equipment",
            text="The socket was dead.",
            now=now,
        ),
        saved=SavedPassenger.objects.create(
            user=owner, first_name="Agatha", last_name="Secretaunt", created_at=now
        ),
        receipt=receipts_of([paid.id])[paid.id][0],
    )


def _stranded(owner: User, train: factories.Trip, now: datetime) -> ReservationDetail:
    """Sell the owner a seat on another departure of the train, and call it off."""
    starts_at = train.calls[0].departs_at
    assert starts_at is not None
    off = disrupted.another(train, starts_at=starts_at + timedelta(hours=1), run="off")
    row = selling.reserve(owner, off.ticket_id(), now=now)
    payments.pay(
        viewer=Viewer(user_id=owner.pk),
        reservation_id=row.id,
        method="Bank Card",
        token="tok_accepted",
        now=now,
    )
    disrupted.call_off(off)
    return row


def _staff() -> dict[str, User]:
    staff = {
        "agent": factories.make_user(email=AGENT_EMAIL, is_staff=True, roles=["support agent"]),
        "finance": factories.make_user(is_staff=True, roles=["finance"]),
        "no_role": factories.make_user(is_staff=True),
        "no_factor": factories.make_user(is_staff=True, roles=["support agent"]),
    }
    for role, user in staff.items():
        # A device that was never confirmed is none.
        TOTPDevice.objects.create(user=user, name="phone", confirmed=role != "no_factor")
    return staff


# --- a good request for every operation -----------------------------------------------------------

Body = Callable[[World, int], dict[str, Any]]


@dataclass(frozen=True)
class Ask:
    """A good request: the thing that its path or its body names, its body, and its query."""

    thing: str = ""
    body: Body | None = None
    query: str = ""


def _code(world: World, _id: int) -> dict[str, Any]:
    accounts.request_code(
        contact=parse_contact(OWNER_EMAIL), network="203.0.113.7", language="en", now=world.now
    )
    return {"contact": OWNER_EMAIL, "otp": newest_code(OWNER_EMAIL)}


def _sign_up(_world: World, _id: int) -> dict[str, Any]:
    return {
        "firstName": "Grace",
        "lastName": "Hopper",
        "email": "grace@example.org",
        "password": "a-lovely-day-for-trains",
        "userType": "Passenger",
    }


def _log_in(_world: World, _id: int) -> dict[str, Any]:
    return {"email": OWNER_EMAIL, "password": factories.PASSWORD}


def _refresh(world: World, _id: int) -> dict[str, Any]:
    owner = world.people["owner"]
    assert owner is not None
    return {"refreshToken": tokens.issue(user=owner, now=world.now).refresh}


def _wrong_code(_world: World, _id: int) -> dict[str, Any]:
    return {"contact": "nobody@example.org", "otp": "000000"}


def _password(_world: World, _id: int) -> dict[str, Any]:
    return {"currentPassword": factories.PASSWORD, "newPassword": "another-day-for-trains"}


def _search(_world: World, _id: int) -> dict[str, Any]:
    return {
        "origin": "Hamburg",
        "destination": "München",
        "date": "2026-06-02",
        "passengers": 1,
        "filters": {"vehicleType": ["Train"]},
    }


def _reserve(_world: World, ticket_id: int) -> dict[str, Any]:
    return {
        "ticketID": ticket_id,
        "passengers": [{"firstName": "Grace", "lastName": "Hopper", "type": "adult"}],
        "seats": [{"ticketID": ticket_id, "passenger": 0, "coach": "1", "seat": "2D"}],
        "expectedPrice": {"amount": "90.00", "currency": "EUR"},
    }


def _pay(_world: World, reservation_id: int) -> dict[str, Any]:
    return {"reservationID": reservation_id, "paymentMethod": "Wallet"}


def _reservation(_world: World, reservation_id: int) -> dict[str, Any]:
    return {"reservationID": reservation_id}


def _change_seats(world: World, reservation_id: int) -> dict[str, Any]:
    ticket_id = world.paid.coupons[0].ticket_id
    seat = {"ticketID": ticket_id, "passenger": 0, "coach": "1", "seat": "2C"}
    return {"reservationID": reservation_id, "seats": [seat]}


def _correct_name(world: World, reservation_id: int) -> dict[str, Any]:
    return {
        "reservationID": reservation_id,
        "passengerID": world.paid.passengers[0].id,
        "firstName": "Adda",
        "lastName": "Roe",
    }


def _rebook(world: World, reservation_id: int) -> dict[str, Any]:
    return {
        "reservationID": reservation_id,
        "ticketID": world.stranded.coupons[0].ticket_id,
        "newTicketID": world.train.ticket_id(),
    }


def _top_up(_world: World, _id: int) -> dict[str, Any]:
    return {"amount": "20.00", "currency": "EUR", "paymentToken": "tok_accepted"}


def _report(world: World, reservation_id: int) -> dict[str, Any]:
    return {
        "reservationID": reservation_id,
        "ticketID": world.paid.coupons[0].ticket_id,
        "category": "Travel Delay",
        "text": "Forty minutes late.",
    }


def _respond(_world: World, report_id: int) -> dict[str, Any]:
    return {"ReportID": report_id, "Answer": "We are sorry.", "ProcessingStatus": "Reviewed"}


def _cancel_any(_world: World, reservation_id: int) -> dict[str, Any]:
    return {"ReservationID": reservation_id, "Reason": "Strike"}


def _said(body: dict[str, Any]) -> Body:
    return lambda _world, _id: dict(body)


LOOK_UPS = {
    "tickets-of-contact": "contact=ada@example.org",
    "cancellers-of-city": "city=Hamburg",
    "tickets-by-city": "city=Hamburg",
    "tickets-by-phrase": "phrase=ada&since=2026-06-01",
    "users-of-same-city": "contact=ada@example.org",
    "top-users": "since=2026-06-01",
    "tickets-by-mode": "since=2026-06-01&until=2026-06-30",
    "top-reporters": "",
}

REQUESTS: dict[str, Ask] = {
    "GET /api/problems": Ask(),
    "POST /otp/request-otp": Ask(body=_said({"contact": "grace@example.org"})),
    "POST /otp/verify-otp": Ask(body=_code),
    "POST /users/signup": Ask(body=_sign_up),
    "POST /users/login": Ask(body=_log_in),
    "POST /users/refresh": Ask(body=_refresh),
    "POST /users/logout": Ask(),
    "GET /users/me": Ask(),
    "PUT /users/update-profile": Ask(body=_said({"city": "Bern", "firstName": "Grace"})),
    "POST /users/confirm-contact": Ask(body=_wrong_code),
    "POST /users/change-password": Ask(body=_password),
    "GET /users/passengers": Ask(),
    "POST /users/passengers": Ask(body=_said({"firstName": "Grace", "lastName": "Hopper"})),
    "DELETE /users/passengers/{passenger_id}": Ask("saved"),
    "GET /tickets/cities": Ask(),
    "POST /tickets/search": Ask(body=_search),
    "GET /tickets/{ticket_id}": Ask("ticket"),
    "GET /tickets/{ticket_id}/seats": Ask("ticket"),
    "POST /reservations/reserve": Ask("ticket", _reserve),
    "GET /reservations/my": Ask(),
    "GET /reservations/{reservation_id}": Ask("paid"),
    "GET /reservations/{reservation_id}/documents": Ask("paid"),
    "GET /reservations/{reservation_id}/alternatives": Ask("paid"),
    "POST /reservations/extend-hold": Ask("held", _reservation),
    "POST /reservations/change-seats": Ask("paid", _change_seats),
    "POST /reservations/correct-name": Ask("paid", _correct_name),
    "POST /reservations/rebook": Ask("stranded", _rebook),
    "POST /reservations/pay": Ask("held", _pay),
    "GET /reservations/purchased": Ask(),
    "GET /reservations/penalty/{reservation_id}": Ask("paid"),
    "POST /reservations/cancel": Ask("paid", _reservation),
    "GET /reservations/{reservation_id}/receipts": Ask("paid"),
    "GET /reservations/receipts/{receipt_id}": Ask("receipt"),
    "GET /wallet": Ask(),
    "POST /wallet/top-up": Ask(body=_top_up),
    "POST /reports/submit": Ask("paid", _report),
    "GET /reports/my": Ask(),
    "GET /reports/{report_id}": Ask("report"),
    "POST /reports/{report_id}/messages": Ask("report", _said({"text": "Still dead."})),
    "POST /reports/{report_id}/close": Ask("report"),
    "GET /support/admin/reports": Ask(),
    "POST /support/admin/reports/respond": Ask("report", _respond),
    "GET /support/reservations": Ask(),
    "GET /support/reservations/{reservation_id}/story": Ask("paid"),
    "POST /support/reservations/cancel": Ask("paid", _cancel_any),
    "GET /support/payments/cancelled": Ask(),
    **{f"GET /support/analytics/{name}": Ask() for name in REPORTS},
    **{
        f"GET /support/analytics/look-ups/{name}": Ask(query=query)
        for name, query in LOOK_UPS.items()
    },
}


def send(
    client: Any, operation: str, *, number: int, body: dict[str, Any] | None, query: str = ""
) -> Any:
    """Ask for an operation with this number in its path, where it has one."""
    method, path = operation.split(" ")
    whole = "/".join(str(number) if step.startswith("{") else step for step in path.split("/"))
    whole += f"?{query}" if query else ""
    return getattr(client, method.lower())(whole, *([body] if body is not None else []))


# --- the schema and the rows ----------------------------------------------------------------------


def operations() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Answer `METHOD /path` of all that the schema describes: the operation and the components."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return {
        f"{method.upper()} {path}": (operation, schema["components"]["schemas"])
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def all_rows() -> dict[str, list[dict[str, Any]]]:
    """Answer every row of every table, by the table's label."""
    return {
        model._meta.label_lower: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.label_lower not in FIXED_TABLES
    }


class Undone:
    """
    A stretch of a test whose writes are taken back.

    A savepoint by hand: to the office it is no transaction of its own, so that a refusal within
    has to take back what it wrote by itself.
    """

    def __enter__(self) -> None:
        self.savepoint = transaction.savepoint()

    def __exit__(self, *exception: object) -> None:
        transaction.savepoint_rollback(self.savepoint)
