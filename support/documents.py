"""A person's data as a file: JSON for machines and a page to read, in one zip."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language, get_language_bidi, gettext_lazy
from django.utils.translation import gettext as _

from travel.common.locales import in_a_row
from travel.common.templatetags.look import long_day, moment_text

JSON_NAME, PAGE_NAME = "data.json", "data.html"

# What the names in the file are called on the page.
LABELS = {
    "account": gettext_lazy("Account"),
    "address": gettext_lazy("Address"),
    "amount": gettext_lazy("Amount"),
    "answerOwedBy": gettext_lazy("Answer owed by"),
    "arrivesAt": gettext_lazy("Arrives at"),
    "at": gettext_lazy("When"),
    "balance": gettext_lazy("Balance"),
    "beganAt": gettext_lazy("Began"),
    "bookedAt": gettext_lazy("Booked at"),
    "carrier": gettext_lazy("Carrier"),
    "category": gettext_lazy("Subject"),
    "channel": gettext_lazy("Sent by"),
    "city": gettext_lazy("City"),
    "contactEmail": gettext_lazy("E-mail of the booking"),
    "contactPhone": gettext_lazy("Phone of the booking"),
    "conversation": gettext_lazy("Conversation"),
    "currency": gettext_lazy("Currency"),
    "dateOfBirth": gettext_lazy("Date of birth"),
    "departsAt": gettext_lazy("Departs at"),
    "email": gettext_lazy("E-mail"),
    "emailVerifiedAt": gettext_lazy("E-mail confirmed"),
    "endedAt": gettext_lazy("Ended"),
    "fare": gettext_lazy("Fare"),
    "finishedAt": gettext_lazy("Finished"),
    "firstName": gettext_lazy("First name"),
    "from": gettext_lazy("From"),
    "fromOffice": gettext_lazy("Written by the office"),
    "goesOnIn": gettext_lazy("Goes on in report"),
    "history": gettext_lazy("What happened"),
    "joinedAt": gettext_lazy("Account opened"),
    "language": gettext_lazy("Language"),
    "lastLogin": gettext_lazy("Last sign-in"),
    "lastName": gettext_lazy("Last name"),
    "locator": gettext_lazy("Booking code"),
    "memo": gettext_lazy("For"),
    "messageChoices": gettext_lazy("Which messages you want"),
    "messages": gettext_lazy("Messages to you"),
    "method": gettext_lazy("Paid by"),
    "nameKeptUntil": gettext_lazy("Name kept until"),
    "number": gettext_lazy("Number"),
    "opened": gettext_lazy("Pages opened"),
    "passenger": gettext_lazy("Passenger"),
    "passengers": gettext_lazy("Passengers"),
    "payments": gettext_lazy("Payments"),
    "pendingEmail": gettext_lazy("E-mail to be confirmed"),
    "pendingPhone": gettext_lazy("Phone to be confirmed"),
    "phone": gettext_lazy("Phone"),
    "phoneVerifiedAt": gettext_lazy("Phone confirmed"),
    "price": gettext_lazy("Price"),
    "purpose": gettext_lazy("Purpose"),
    "reason": gettext_lazy("Reason"),
    "receipts": gettext_lazy("Receipts"),
    "refunds": gettext_lazy("Refunds"),
    "reports": gettext_lazy("Reports of problems"),
    "reservations": gettext_lazy("Bookings"),
    "savedAt": gettext_lazy("Saved"),
    "savedPassengers": gettext_lazy("Saved passengers"),
    "seatWish": gettext_lazy("Seat wish"),
    "seats": gettext_lazy("Seats"),
    "service": gettext_lazy("Number of the service"),
    "signedInAt": gettext_lazy("Signed in"),
    "signIns": gettext_lazy("Sign-ins of apps"),
    "sms": gettext_lazy("By SMS"),
    "staffInYourPlace": gettext_lazy("Our staff in your place"),
    "startedAt": gettext_lazy("Started"),
    "state": gettext_lazy("State"),
    "status": gettext_lazy("Status"),
    "subject": gettext_lazy("Subject line"),
    "text": gettext_lazy("Text"),
    "tickets": gettext_lazy("Tickets"),
    "to": gettext_lazy("To"),
    "topic": gettext_lazy("About"),
    "type": gettext_lazy("Kind of passenger"),
    "walletMoves": gettext_lazy("Moves on the wallet"),
    "wallets": gettext_lazy("Wallet"),
    "what": gettext_lazy("What"),
    "writtenFor": gettext_lazy("Written for"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """Something on the page: what it is called, and either a text or more parts."""

    label: str
    text: str = ""
    parts: list[Part] = field(default_factory=list)


def pack(data: Mapping[str, Any], *, now: datetime) -> bytes:
    """Answer a zip with the data as JSON (instants in UTC) and as a page in the active language."""
    page = render_to_string(
        "support/export.html",
        {
            "site": settings.SITE_NAME,
            "made_at": now,
            "language": get_language() or "en",
            "from_right": get_language_bidi(),
            "sections": [_part(name, value) for name, value in data.items()],
        },
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            JSON_NAME, json.dumps(data, ensure_ascii=False, indent=2, default=_plain) + "\n"
        )
        archive.writestr(PAGE_NAME, page)
    return file.getvalue()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _part(name: str, value: Any) -> Part:
    label = str(LABELS.get(name, name))
    if isinstance(value, Mapping):
        return Part(label, parts=[_part(key, one) for key, one in value.items()])
    if isinstance(value, list):
        if all(isinstance(one, Mapping) for one in value):
            numbered = [
                Part(str(place), parts=[_part(key, each) for key, each in one.items()])
                for place, one in enumerate(value, start=1)
            ]
            return Part(label, text="" if numbered else _("nothing"), parts=numbered)
        return Part(label, text=in_a_row(str(one) for one in value) or _("nothing"))
    return Part(label, text=_text(value))


def _text(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment_text(value)
    return long_day(value) if isinstance(value, date) else str(value)
