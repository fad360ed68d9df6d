"""
What was told in confidence is kept so: in no log, no row, no address, no task.

One story with marked words is told, with its failures. Then everything that it left is read: the
logs down to DEBUG, every column of every table, the sessions, and every address that was visited
or answered. A secret that has to be somewhere is named with its place.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from django.apps import apps
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from tests.accounts.codes import another, newest_code
from tests.conftest import ApiClient, Clock
from tests.factories import Trip
from tests.pages.test_checkout import address, order
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db

EMAIL = "marked.reader.5317@example.org"
GUEST_EMAIL = "marked.guest.5317@example.org"
PASSWORD = "Marked-Password-5317-x"
WRONG_PASSWORD = "Marked-Wrong-Password-5317-x"
NEW_PASSWORD = "Marked-New-Password-5317-x"
# Where each kind of secret has to be: the person's own address, and the letter that carries it.
LETTER = {"common.outboxmessage.body"}
HOMES = {
    "guest key": LETTER,
    "e-mail": {
        "accounts.user.email",
        "accounts.user.pending_email",
        "bookings.reservation.contact_email",
        "common.outboxmessage.recipient",
        "common.outboxmessage.body",
    },
}


@dataclass
class Tale:
    """What the story's people knew, and every address that they saw."""

    secrets: dict[str, list[str]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    def marks(self, kind: str, *words: str) -> None:
        self.secrets.setdefault(kind, []).extend(words)


class Everything(logging.Handler):
    """Keeps all that is logged, as it would be written: message, arguments, trace and extras."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        # Statements with their values are what DEBUG=1 shows to a developer, and nobody else.
        if record.name == "django.db.backends":
            return
        extras = {
            name: value
            for name, value in vars(record).items()
            if name not in {"request", "exc_info", "args", "msg"}
        }
        self.lines.append(f"{record.name} {self.format(record)} {extras!r}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """Everything that is logged, whatever the settings keep."""
    handler = Everything()
    root = logging.getLogger()
    loggers = [root, *(one for one in root.manager.loggerDict.values() if hasattr(one, "level"))]
    kept = [(one, one.level, one.disabled) for one in loggers]  # type: ignore[union-attr]
    for one, _level, _disabled in kept:
        one.setLevel(logging.DEBUG)  # type: ignore[union-attr]
        one.disabled = False  # type: ignore[union-attr]
        # Those that tell the root need no second ear.
        if one is root or not one.propagate:  # type: ignore[union-attr]
            one.addHandler(handler)  # type: ignore[union-attr]
    yield handler
    for one, level, disabled in kept:
        one.removeHandler(handler)  # type: ignore[union-attr]
        one.setLevel(level)  # type: ignore[union-attr]
        one.disabled = disabled  # type: ignore[union-attr]


def tell(tale: Tale, api: ApiClient, train: Trip, clock: Clock) -> None:
    """Tell the whole story: by the API with an account, then on the pages as a guest."""
    tell_of_the_account(tale, api)
    tell_of_a_purchase(tale, api, train, clock)
    tell_of_a_guest(tale, train)


def tell_of_the_account(tale: Tale, api: ApiClient) -> None:
    tale.marks("password", PASSWORD, WRONG_PASSWORD, NEW_PASSWORD)
    tale.marks("e-mail", EMAIL, GUEST_EMAIL)
    new = {
        "firstName": "Grace",
        "lastName": "Hopper",
        "email": EMAIL,
        "password": PASSWORD,
        "userType": "Passenger",
    }
    signed_up = api.post("/users/signup", new)
    assert signed_up.status_code == 201
    assert api.post("/users/signup", new).status_code == 409
    assert api.post("/users/signup", {**new, "userType": "Support"}).status_code in (400, 403)
    assert api.post("/users/signup", {**new, "email": PASSWORD}).status_code == 400
    wrong = api.post("/users/login", {"email": EMAIL, "password": WRONG_PASSWORD})
    assert wrong.status_code == 401
    # A password in the field of the address is a slip that many make.
    api.post("/users/login", {"email": PASSWORD, "password": EMAIL})
    api.post("/users/login", {"email": EMAIL, "password": {"a": PASSWORD}})
    logged_in = api.post("/users/login", {"email": EMAIL, "password": PASSWORD}).json()

    refreshed = api.post("/users/refresh", {"refreshToken": logged_in["refreshToken"]})
    assert refreshed.status_code == 200
    # A used refresh token is a theft until proved otherwise: the family is revoked.
    assert (
        api.post("/users/refresh", {"refreshToken": logged_in["refreshToken"]}).status_code == 401
    )

    assert api.post("/otp/request-otp", {"contact": EMAIL}).status_code == 200
    code = newest_code(EMAIL)
    tale.marks("code", code)
    assert api.post("/otp/verify-otp", {"contact": EMAIL, "otp": another(code)}).status_code == 401
    by_code = api.post("/otp/verify-otp", {"contact": EMAIL, "otp": code})
    assert by_code.status_code == 200
    assert api.post("/otp/verify-otp", {"contact": EMAIL, "otp": code}).status_code == 401

    for pair in (signed_up.json(), logged_in, by_code.json(), refreshed.json()):
        tale.marks("token", pair["token"], pair["refreshToken"])

    api.credentials(HTTP_AUTHORIZATION=f"Bearer {logged_in['token']}broken")
    assert api.get("/users/me").status_code == 401
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {by_code.json()['token']}")
    assert api.get("/users/me").status_code == 200
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert api.post("/users/change-password", change).status_code == 200
    api.credentials()
    again = api.post("/users/login", {"email": EMAIL, "password": NEW_PASSWORD}).json()
    tale.marks("token", again["token"], again["refreshToken"])
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {again['token']}")


def tell_of_a_purchase(tale: Tale, api: ApiClient, train: Trip, clock: Clock) -> None:
    """Reserve, be declined, pay, be too late, cancel; and let a fault of the office happen."""
    reserved = api.post(
        "/reservations/reserve",
        {
            "ticketID": train.ticket_id(),
            "passengers": [{"firstName": "Grace", "lastName": "Hopper"}],
        },
        headers={"idempotency-key": "marked-story-1"},
    )
    assert reserved.status_code == 201
    number = reserved.json()["reservationID"]
    pay = {"reservationID": number, "paymentMethod": "Bank Card"}
    declined = api.post("/reservations/pay", {**pay, "paymentToken": "tok_declined"})
    assert declined.status_code == 402
    assert api.post("/reservations/pay", {**pay, "paymentToken": "tok_accepted"}).status_code == 200
    tale.addresses += [reserved.headers["Location"]]
    assert api.post("/reservations/cancel", {"reservationID": number}).status_code == 200
    assert api.post("/reservations/cancel", {"reservationID": number}).status_code == 409
    api.raise_request_exception = False
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("accounts.services.log_in", _fail)
        answer = api.post("/users/login", {"email": EMAIL, "password": NEW_PASSWORD})
    assert answer.status_code == 500
    assert NEW_PASSWORD not in answer.content.decode()
    clock.advance(minutes=1)


def _fail(**details: Any) -> None:
    raise RuntimeError("a fault of the office")


def tell_of_a_guest(tale: Tale, train: Trip) -> None:
    browser = Client()
    held = order(browser, address(train.ticket_id()), email=GUEST_EMAIL)
    assert held.status_code == 302
    tale.addresses += [held.headers["Location"]]
    letter = OutboxMessage.objects.filter(recipient=GUEST_EMAIL).latest("id")
    found = re.search(r"(/booking/[A-Z0-9]+/)\?key=([^\s&]+)", letter.body)
    assert found is not None, letter.body
    path, key = found.groups()
    tale.marks("guest key", key)
    # The letter's link is the one address with the key; it leads away from itself.
    elsewhere = Client()
    opened = elsewhere.get(path, {"key": key}, follow=True)
    assert opened.status_code == 200
    tale.addresses += [where for where, _status in opened.redirect_chain]
    tale.addresses += re.findall(r"""(?:href|action|src)=["']([^"']*)""", opened.content.decode())
    assert elsewhere.get(path, {"key": f"{key}x"}).status_code in (200, 404)
    assert Client().get(path, {"key": f"{key[:-1]}x"}).status_code == 404
    assert Client().get(path).status_code in (302, 404)
    # On the pages a wrong and a right sign-in; a code is asked for and mistyped.
    wrong = browser.post("/account/sign-in/", {"email": EMAIL, "password": WRONG_PASSWORD})
    assert wrong.status_code == 400
    right = browser.post("/account/sign-in/", {"email": EMAIL, "password": NEW_PASSWORD})
    assert right.status_code == 302
    tale.addresses += [right.headers["Location"]]
    other = Client()
    asked = other.post("/account/code/", {"contact": EMAIL})
    tale.addresses += [asked.headers["Location"]]
    code = newest_code(EMAIL)
    tale.marks("code", code)
    other.post("/account/code/enter/", {"otp": another(code)})
    entered = other.post("/account/code/enter/", {"otp": code})
    assert entered.status_code == 302
    tale.addresses += [entered.headers["Location"]]


def stored() -> Iterator[tuple[str, str]]:
    """Answer every text of every table with its column's name, sessions in plain."""
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model is Session:
            continue
        for row in model._base_manager.values():
            for name, value in row.items():
                if value is None or isinstance(value, bool | int):
                    continue
                text = json.dumps(value) if isinstance(value, dict | list) else str(value)
                yield f"{model._meta.label_lower}.{name}", text
    for session in Session.objects.all():
        for name, value in session.get_decoded().items():
            yield f"session.{name}", json.dumps(value)


def forms_of(secret: str) -> set[str]:
    """Answer a secret as it is, and as a careless encoder would have written it."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, encoded} if len(secret) > 8 else {secret}


def names(text: str, secret: str) -> bool:
    """Say whether a text holds a secret; six digits count only where they stand alone."""
    if secret.isdigit():
        return re.search(rf"(?<![\w.-]){secret}(?![\w.-])", text) is not None
    return any(form in text for form in forms_of(secret))


@pytest.fixture
def tale(api: ApiClient, train: Trip, clock: Clock, log: Everything) -> Tale:
    tale = Tale()
    tell(tale, api, train, clock)
    return tale


def test_no_secret_is_left_anywhere(tale: Tale, log: Everything) -> None:
    # The log was listened to, and the story was a whole one.
    assert len(log.lines) > 20
    assert any("a request failed" in line for line in log.lines)
    assert set(tale.secrets) == {"password", "e-mail", "code", "token", "guest key"}

    in_logs = [
        (kind, line[:300])
        for kind, secrets in tale.secrets.items()
        for secret in secrets
        for line in log.lines
        if names(line, secret)
    ]
    in_addresses = [
        (kind, where)
        for kind, secrets in tale.secrets.items()
        for secret in secrets
        for where in tale.addresses
        if names(where, secret)
    ]
    in_rows = {
        (kind, column)
        for column, text in stored()
        for kind, secrets in tale.secrets.items()
        for secret in secrets
        if column not in HOMES.get(kind, set()) and names(text, secret)
    }

    assert in_logs == [], in_logs
    assert in_addresses == []
    # A session keeps what the browser has opened or asked for: it lives as long as the sign-in.
    # A code stands in its letter; used or old, it opens nothing.
    assert in_rows <= {
        ("guest key", "session.guest_secrets"),
        ("e-mail", "session.code_sent_to"),
        ("code", "common.outboxmessage.body"),
    }
    assert User.objects.get(email=EMAIL).password.startswith("md5$")
    assert structlog.contextvars.get_contextvars() == {}
