"""
How staff are told what happened: a title, what else there is to know, and what it is about.

Titles are short and the same each time, so that a long story can be skimmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.documents.words import home_zone, seat_in_coach
from bookings.models import ReservationEvent, Scan
from bookings.selectors import ReservationDetail
from payments.models import Account, MoneyAlarm, Payment, Reason, Refund, Transfer
from payments.models.paying import Method
from support.models import (
    DeskEntry,
    DisruptionItem,
    DisruptionJob,
    Report,
    ReportMessage,
    Serving,
    ServingEntry,
)
from support.story import books
from support.story.books import Books, Coins
from support.story.entries import ANSWER, EVENT, MESSAGE, PAYMENT, REFUND, REPORT, Entry
from travel.common.admin_bases import percent
from travel.common.contacts import EMAIL, SMS, Contact
from travel.common.locales import in_a_row, in_groups
from travel.common.money import Money, known_currency, parse_amount
from travel.common.templatetags.look import (
    coins_text,
    duration,
    moment_text,
    money_text,
    rate_text,
)

# What a story is filtered by.
MONEY, JOURNEY, MESSAGES, STAFF = "money", "journey", "messages", "staff"
FAMILIES = (MONEY, JOURNEY, MESSAGES, STAFF)

Kind = ReservationEvent.Kind
_KINDS = dict(Kind.choices)
_OF_MONEY = frozenset(
    str(kind)
    for kind in (
        Kind.PAYING,
        Kind.PAYMENT_FAILED,
        Kind.PAID,
        Kind.REFUND_APPROVED,
        Kind.REFUND_REJECTED,
        Kind.REFUNDED,
        Kind.CANCELLED,
        Kind.PART_CANCELLED,
    )
)
_TONES = {
    Kind.PAID: "good",
    Kind.BOARDED: "good",
    Kind.REFUNDED: "good",
    Kind.REFUND_APPROVED: "good",
    Kind.PAYMENT_FAILED: "bad",
    Kind.REFUND_REJECTED: "bad",
    Kind.CALLED_OFF: "bad",
    Kind.CANCELLED: "warn",
    Kind.PART_CANCELLED: "warn",
    Kind.EXPIRED: "warn",
    Kind.RELEASED: "warn",
    Kind.DELAYED: "warn",
    Kind.NO_SHOW: "warn",
}
_SIGNS = {
    Kind.RESERVED: "seat",
    Kind.EXTENDED: "clock",
    Kind.PAYING: "card",
    Kind.PAYMENT_FAILED: "card",
    Kind.PAID: "card",
    Kind.REFUNDED: "refund",
    Kind.REFUND_APPROVED: "refund",
    Kind.REFUND_REJECTED: "refund",
    Kind.SEATS_CHANGED: "seat",
    Kind.NAME_CORRECTED: "edit",
    Kind.DELAYED: "clock",
    Kind.REBOOKED: "change",
    Kind.BOARDED: "scan",
    Kind.BOARDING_UNDONE: "scan",
    Kind.SENT_AGAIN: "mail",
    Kind.CONTACT_CORRECTED: "mail",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry in words; `sign` is an icon's name, `is_quiet` what bookkeeping notes by itself."""

    entry: Entry
    title: str
    notes: list[str]
    sign: str
    tone: str = ""
    amount: Money | None = None
    families: frozenset[str] = frozenset()
    parts: tuple[tuple[str, Money], ...] = ()
    text: str = ""
    is_quiet: bool = False


def tell_all(reservation: ReservationDetail, found: Books) -> list[Told]:
    """Put every entry into words, in their order."""
    teller = _Teller(reservation)
    return [teller.tell(one) for one in found.entries]


class _Teller:
    """Knows whose coupons and which tickets the entries are about."""

    def __init__(self, reservation: ReservationDetail) -> None:
        self.reservation = reservation
        self.zone = home_zone(reservation)
        self.coupons = {one.id: one for one in reservation.coupons}

    def tell(self, entry: Entry) -> Told:
        told = _WORDS[entry.source](self, entry)
        families = told.families or frozenset({JOURNEY})
        if entry.actor_kind == "staff":
            families |= {STAFF}
        return Told(
            entry=entry,
            title=told.title,
            notes=[note for note in told.notes if note],
            sign=told.sign,
            tone=told.tone,
            amount=told.amount,
            families=families,
            parts=told.parts,
            text=told.text,
            is_quiet=told.is_quiet,
        )

    # --- small words ---

    def clock(self, moment: object) -> str:
        """Write a moment on the clock of the journey's first station."""
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        return moment_text(moment, self.zone) if isinstance(moment, datetime) else ""

    def whose(self, coupon_id: object) -> str:
        coupon = self.coupons.get(coupon_id)  # type: ignore[call-overload]
        if coupon is None:
            return ""
        return _("%(name)s, %(service)s") % {
            "name": self.reservation.passenger_of(coupon).full_name,
            "service": self.reservation.tickets[coupon.ticket_id].service.number,
        }

    def seats(self, rows: object) -> str:
        """Write who sits where, as events remember it; seats without names are not told."""
        said = []
        for coupon_id, _departure, coach, seat, *_segments in (
            rows if isinstance(rows, list) else []
        ):
            coupon = self.coupons.get(coupon_id)
            if coupon is not None and seat:
                said.append(
                    _("%(name)s: %(seat)s")
                    % {
                        "name": self.reservation.passenger_of(coupon).full_name,
                        "seat": seat_in_coach(coach, [seat]),
                    }
                )
        return in_groups(said)

    def service(self, ticket_id: object) -> str:
        ticket = self.reservation.tickets.get(ticket_id)  # type: ignore[call-overload]
        return ticket.service.number if ticket else ""


# --- what happened to the reservation -------------------------------------------------------------


def _event(teller: _Teller, entry: Entry) -> Told:
    details = entry.details
    tell = _EVENTS.get(entry.kind)
    title, notes = tell(teller, details) if tell else (str(_KINDS.get(entry.kind, entry.kind)), [])
    moved = details.get("from") != details.get("to") and details.get("from")
    if moved:
        notes = [
            *notes,
            _("State: %(before)s, then %(after)s")
            % {"before": _state(details["from"]), "after": _state(details["to"])},
        ]
    return Told(
        entry,
        title,
        notes,
        _SIGNS.get(Kind(entry.kind), "ticket"),
        _TONES.get(Kind(entry.kind), ""),
        families=frozenset(
            {MONEY, JOURNEY}
            if entry.kind in (Kind.CANCELLED, Kind.PART_CANCELLED)
            else {MONEY}
            if entry.kind in _OF_MONEY
            else {MESSAGES}
            if entry.kind == Kind.SENT_AGAIN
            else {JOURNEY}
        ),
        amount=_amount(details),
    )


def _state(word: object) -> str:
    return {
        "held": _("held"),
        "paid": _("paid"),
        "cancelled": _("cancelled"),
        "expired": _("expired"),
    }.get(str(word), str(word))


def _amount(details: Mapping[str, Any]) -> Money | None:
    amount, currency = details.get("amount"), str(details.get("currency", ""))
    if isinstance(amount, str) and known_currency(currency):
        return parse_amount(amount, currency)
    return None


Said = tuple[str, list[str]]


def _reserved(teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("Seats reserved"), [_until(teller, details), teller.seats(details.get("seats"))]


def _until(teller: _Teller, details: Mapping[str, Any]) -> str:
    until = details.get("until")
    return _("Held until %(time)s") % {"time": teller.clock(until)} if until else ""


def _extended(teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("Hold extended"), [_until(teller, details)]


def _paying(_teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("Payment started"), [_method(details.get("method"))]


def _payment_failed(_teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("Payment failed"), [_method(details.get("method"))]


def _method(word: object) -> str:
    return str(dict(Method.choices).get(str(word), word or ""))


def _cancelled(teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("All of it cancelled"), [_whose_coupons(teller, details)]


def _part_cancelled(teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("Cancelled in part"), [_whose_coupons(teller, details)]


def _whose_coupons(teller: _Teller, details: Mapping[str, Any]) -> str:
    listed = details.get("coupons")
    own = [details["coupon"]] if "coupon" in details else []
    return in_groups(
        said
        for one in [*own, *(listed if isinstance(listed, list) else [])]
        if (said := teller.whose(one))
    )


def _seats_changed(teller: _Teller, details: Mapping[str, Any]) -> Said:
    title = (
        _("Seats changed by the departures desk") if details.get("cause") else _("Seats changed")
    )
    before, after = teller.seats(details.get("before")), teller.seats(details.get("seats"))
    notes = [
        _("Before: %(seats)s") % {"seats": before} if before else "",
        _("Now: %(seats)s") % {"seats": after} if after else _("Now: no seat"),
    ]
    return title, notes


def _name_corrected(_teller: _Teller, details: Mapping[str, Any]) -> Said:
    before, after = details.get("before"), details.get("after")
    if not (isinstance(before, list) and isinstance(after, list)):
        return _("Name corrected"), []
    names = {"before": " ".join(before), "after": " ".join(after)}
    return _("Name corrected"), [_("%(before)s, now %(after)s") % names]


def _contact_corrected(_teller: _Teller, details: Mapping[str, Any]) -> Said:
    """Both contacts are masked, as the history keeps them; whole ones stand at the messages."""
    before, after = details.get("before"), details.get("after")
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return _("Contact corrected"), []
    nothing = _("none")
    words = [
        {"before": before.get(channel, nothing), "after": after.get(channel, nothing)}
        for channel in (EMAIL, SMS)
    ]
    notes = [_("E-mail: %(before)s, now %(after)s"), _("Telephone: %(before)s, now %(after)s")]
    return _("Contact corrected"), [
        note % said
        for note, said in zip(notes, words, strict=True)
        if said["before"] != said["after"]
    ]


def _delayed(teller: _Teller, details: Mapping[str, Any]) -> Said:
    service = teller.service(details.get("ticket"))
    minutes = max(int(details.get("leaves_late", 0)), int(details.get("arrives_late", 0)))
    if minutes <= 0:
        return _("Told: %(service)s runs on time again") % {"service": service}, []
    said = ngettext(
        "Told: %(service)s is %(n)s minute late",
        "Told: %(service)s is %(n)s minutes late",
        minutes,
    )
    notes = [_("Leaves %(time)s") % {"time": teller.clock(details.get("leaves_at"))}]
    return said % {"service": service, "n": minutes}, [*notes, _choice(details)]


def _called_off(teller: _Teller, details: Mapping[str, Any]) -> Said:
    service = teller.service(details.get("ticket"))
    return _("Told: %(service)s does not run") % {"service": service}, [_choice(details)]


def _choice(details: Mapping[str, Any]) -> str:
    if details.get("may_choose"):
        return _("The traveller may take another departure or all of the money.")
    return ""


def _rebooked(teller: _Teller, details: Mapping[str, Any]) -> Said:
    before, after = (
        teller.reservation.tickets.get(details.get(name))  # type: ignore[arg-type]
        for name in ("from_ticket", "to_ticket")
    )
    notes = [
        _("%(service)s, leaves %(time)s")
        % {
            "service": ticket.service.number,
            "time": moment_text(ticket.departs_at, ticket.origin.station.tz),
        }
        for ticket in (before, after)
        if ticket is not None
    ]
    if len(notes) == 2:
        notes = [_("%(before)s; instead %(after)s") % {"before": notes[0], "after": notes[1]}]
    return _("Rebooked to another departure"), [*notes, teller.seats(details.get("seats"))]


def _boarded(teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("On board"), [_whose_coupons(teller, details)]


def _others(title: str) -> Callable[[_Teller, Mapping[str, Any]], Said]:
    def told(teller: _Teller, details: Mapping[str, Any]) -> Said:
        return str(_KINDS[title]), [_whose_coupons(teller, details)]

    return told


def _reclaimed(teller: _Teller, details: Mapping[str, Any]) -> Said:
    return _("Seats taken again for a late payment"), [teller.seats(details.get("seats"))]


def _sent_again(_teller: _Teller, details: Mapping[str, Any]) -> Said:
    if details.get("what") == "tickets":
        return _("Tickets sent again"), []
    return _("Payment link sent again"), []


_EVENTS: dict[str, Callable[[_Teller, Mapping[str, Any]], Said]] = {
    Kind.RESERVED: _reserved,
    Kind.EXTENDED: _extended,
    Kind.PAYING: _paying,
    Kind.PAYMENT_FAILED: _payment_failed,
    Kind.CANCELLED: _cancelled,
    Kind.PART_CANCELLED: _part_cancelled,
    Kind.SEATS_CHANGED: _seats_changed,
    Kind.NAME_CORRECTED: _name_corrected,
    Kind.CONTACT_CORRECTED: _contact_corrected,
    Kind.DELAYED: _delayed,
    Kind.CALLED_OFF: _called_off,
    Kind.REBOOKED: _rebooked,
    Kind.BOARDED: _boarded,
    Kind.BOARDING_UNDONE: _others(Kind.BOARDING_UNDONE),
    Kind.NO_SHOW: _others(Kind.NO_SHOW),
    Kind.REOPENED: _others(Kind.REOPENED),
    Kind.RECLAIMED: _reclaimed,
    Kind.SENT_AGAIN: _sent_again,
}


# --- money ----------------------------------------------------------------------------------------

_PAYMENT_TONES = {"captured": "good", "failed": "bad", "voided": "warn"}


def _payment(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    state = str(details["state"])
    notes = [
        _("%(state)s, %(time)s")
        % {
            "state": dict(Payment.State.choices)[Payment.State(state)],
            "time": teller.clock(details["finished_at"]),
        }
        if details["finished_at"]
        else str(dict(Payment.State.choices)[Payment.State(state)]),
        _("Why: %(failure)s") % {"failure": details["failure"]} if details["failure"] else "",
        _references(details),
        *_coins(details),
    ]
    if state == "captured" and details["received"] != details["amount"]:
        notes.append(_("Received: %(amount)s") % {"amount": money_text(details["received"])})
    if state == "captured" and not details["settles"]:
        notes.append(_("It settled nothing: what it brought goes back."))
    return Told(
        entry,
        _("Attempt to pay: %(method)s") % {"method": _method(details["method"])},
        notes,
        "card",
        _PAYMENT_TONES.get(state, "info"),
        amount=details["amount"],
        families=frozenset({MONEY}),
    )


def _coins(details: Mapping[str, Any]) -> list[str]:
    """Say what was asked for in a cryptocurrency, at which rate, and what arrived of it."""
    coins: Coins | None = details["coins"]
    if coins is None:
        return []
    asked = _("Asked for: %(coins)s, at %(rate)s for %(one)s") % {
        "coins": coins_text(coins.asked, coins.asset),
        "rate": rate_text(coins.rate, details["amount"].currency),
        "one": coins_text(Decimal(1), coins.asset),
    }
    if not coins.arrived:
        return [asked, _("Nothing of it was seen.")]
    confirmed = _("Confirmations: %(seen)s of %(needed)s") % {
        "seen": coins.confirmations,
        "needed": coins.confirmations_needed,
    }
    return [asked, _arrived(coins), confirmed]


def _arrived(coins: Coins) -> str:
    said = {
        "coins": coins_text(coins.arrived, coins.asset),
        "rest": coins_text(abs(coins.beyond), coins.asset),
    }
    if coins.beyond < 0:
        return _("Arrived: %(coins)s, %(rest)s less than asked for") % said
    if coins.beyond > 0:
        return _("Arrived: %(coins)s, %(rest)s more than asked for") % said
    return _("Arrived: %(coins)s, as asked for") % said


def _references(details: Mapping[str, Any]) -> str:
    said = [details["gateway"], details["reference"], details["provider_reference"]]
    return in_a_row(one for one in said if one)


_REFUND_TONES = {"done": "good", "failed": "bad", "rejected": "bad", "pendingApproval": "warn"}


def _refund(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    state = Refund.State(details["state"])
    said = str(dict(Refund.State.choices)[state])
    if details["done_at"]:
        said = _("%(state)s, %(time)s") % {"state": said, "time": teller.clock(details["done_at"])}
    reason = str(details["reason_code"])
    return Told(
        entry,
        _("Refund: %(cause)s") % {"cause": dict(Refund.Cause.choices)[Refund.Cause(entry.kind)]},
        [
            said,
            _("Reason: %(reason)s") % {"reason": dict(Reason.choices)[Reason(reason)]}
            if reason
            else "",
            str(dict(Refund.Destination.choices)[Refund.Destination(details["destination"])]),
            _("Provider's reference: %(reference)s") % {"reference": details["provider_reference"]}
            if details["provider_reference"]
            else "",
            _("Problem: %(problem)s") % {"problem": details["problem"]}
            if details["problem"]
            else "",
        ],
        "refund",
        _REFUND_TONES.get(state, "info"),
        amount=details["amount"],
        families=frozenset({MONEY}),
    )


def _webhook(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    became = {
        "done": _("Signature verified, applied %(time)s"),
        "refused": _("Signature verified, not applied"),
        "stored": _("Signature verified, not worked on yet"),
    }[str(details["state"])]
    attempts = int(details["attempts"])
    return Told(
        entry,
        _("Message from %(gateway)s: %(kind)s")
        % {"gateway": details["gateway"], "kind": entry.kind},
        [
            became % {"time": teller.clock(details["processed_at"])},
            _("Why: %(problem)s") % {"problem": entry.reason} if entry.reason else "",
            ngettext("Put off %(n)s time", "Put off %(n)s times", attempts) % {"n": attempts}
            if attempts
            else "",
            _("The same one again changes nothing: it is known by %(event)s.")
            % {"event": details["event"]},
        ],
        "globe",
        {"done": "", "refused": "bad", "stored": "info"}[str(details["state"])],
        families=frozenset({MONEY}),
        is_quiet=details["state"] == "done",
    )


def _cancellation(teller: _Teller, entry: Entry) -> Told:
    parts: Sequence[Mapping[str, Any]] = entry.details["parts"]  # type: ignore[assignment]
    lines: list[str] = []
    for part in parts:
        said = {
            "whose": teller.whose(part["coupon"]),
            "kept": money_text(part["penalty"]),
            "share": percent(part["basis_points"]),
            "waived": money_text(part["waived"]),
            "back": money_text(part["refund"]),
        }
        lines.append(
            _("%(whose)s: %(share)s by the fare, %(waived)s waived, %(kept)s kept, %(back)s back")
            % said
            if part["waived"]
            else _("%(whose)s: %(share)s by the fare, %(kept)s kept, %(back)s back") % said
        )
    back = sum(part["refund"].minor for part in parts)
    return Told(
        entry,
        _("What the cancellation costs: %(reason)s")
        % {"reason": dict(Reason.choices)[Reason(entry.kind)]},
        lines,
        "refund",
        "warn",
        amount=Money(back, teller.reservation.currency),
        families=frozenset({MONEY}),
    )


def _goodwill(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    state = {
        "done": _("Given to the wallet"),
        "pendingApproval": _("Waits for a second person"),
        "rejected": _("Rejected"),
    }[str(details["state"])]
    decided = ""
    if details["decided_at"]:
        decided = _("Decided by %(name)s, %(time)s") % {
            "name": details["decided_by"],
            "time": teller.clock(details["decided_at"]),
        }
    return Told(
        entry,
        _("Goodwill"),
        [state, str(dict(Reason.choices)[Reason(entry.kind)]), decided],
        "wallet",
        {"done": "good", "rejected": "bad"}.get(str(details["state"]), "warn"),
        amount=details["amount"],
        families=frozenset({MONEY}),
    )


def _receipt(_teller: _Teller, entry: Entry) -> Told:
    title = _("Receipt %(number)s") if entry.kind == "receipt" else _("Credit note %(number)s")
    details: Mapping[str, Any] = entry.details
    return Told(
        entry,
        title % {"number": details["number"]},
        [],
        "print",
        amount=details["amount"],
        families=frozenset({MONEY}),
        is_quiet=True,
    )


def _ledger(_teller: _Teller, entry: Entry) -> Told:
    words = dict(Account.Kind.choices)
    sums: dict[str, Money] = {}
    for part in entry.details["parts"]:  # type: ignore[attr-defined]
        name = str(words[Account.Kind(part["account"])])
        if part["of"]:
            name = _("%(account)s, %(of)s") % {"account": name, "of": part["of"]}
        known = sums.get(name)
        sums[name] = part["amount"] if known is None else known + part["amount"]
    return Told(
        entry,
        _("Ledger: %(kind)s") % {"kind": dict(Transfer.Kind.choices)[Transfer.Kind(entry.kind)]},
        [],
        "change",
        families=frozenset({MONEY}),
        parts=tuple(sums.items()),
        is_quiet=True,
    )


def _alarm(teller: _Teller, entry: Entry) -> Told:
    is_open = entry.details["state"] == "open"
    said = (
        _("Open: somebody has to look")
        if is_open
        else _("Closed by %(name)s, %(time)s")
        % {"name": entry.actor, "time": teller.clock(entry.details["closed_at"])}
    )
    return Told(
        entry,
        _("Alarm: %(kind)s") % {"kind": dict(MoneyAlarm.Kind.choices)[MoneyAlarm.Kind(entry.kind)]},
        [said],
        "bell",
        "bad" if is_open else "",
        families=frozenset({MONEY}),
    )


# --- messages and reports -------------------------------------------------------------------------


def _message(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    contact = Contact(str(details["channel"]), str(details["recipient"]))
    said = {
        "sent": _("Sent %(time)s"),
        "given_up": _("Given up %(time)s"),
        "waiting": _("Not sent yet"),
    }[str(details["state"])] % {"time": teller.clock(details["at_last"])}
    attempts = int(details["attempts"])
    title = _("Text message: %(subject)s") if contact.is_phone else _("E-mail: %(subject)s")
    return Told(
        entry,
        title % {"subject": details["subject"]},
        [
            _("To %(address)s") % {"address": contact.address},
            said,
            ngettext("%(n)s attempt", "%(n)s attempts", attempts) % {"n": attempts}
            if attempts > 1 or details["is_given_up"]
            else "",
            _("Why: %(problem)s") % {"problem": entry.reason} if entry.reason else "",
        ],
        "phone" if contact.is_phone else "mail",
        {"sent": "", "given_up": "bad", "waiting": "info"}[str(details["state"])],
        families=frozenset({MESSAGES}),
    )


def _report(_teller: _Teller, entry: Entry) -> Told:
    category = Report.Category(entry.kind).label
    return Told(
        entry,
        _("Report: %(category)s") % {"category": category},
        [str(Report.State(str(entry.details["state"])).label)],
        "message",
        "warn" if entry.details["state"] == "Pending" else "",
        families=frozenset({MESSAGES}),
        text=str(entry.details["text"]),
    )


def _answer(_teller: _Teller, entry: Entry) -> Told:
    return _letter(entry, _("Answer to the report"))


def _note(_teller: _Teller, entry: Entry) -> Told:
    if event := str(entry.details["event"]):
        act = ReportMessage.Event(event).label
        return _letter(entry, _("Report: %(what)s") % {"what": act})
    return _letter(entry, _("Note for colleagues"))


def _own_letter(_teller: _Teller, entry: Entry) -> Told:
    return _letter(entry, _("The passenger wrote again"))


def _letter(entry: Entry, title: str) -> Told:
    return Told(
        entry,
        title,
        [],
        "message",
        families=frozenset({MESSAGES}),
        text=str(entry.details["text"]),
    )


# --- the door, the departures desk, staff ---------------------------------------------------------


def outcome_word(outcome: str) -> str:
    """Say what a door told of a ticket (the words of bookings.verdicts)."""
    return {
        "admitted": _("let in"),
        "unknown": _("no ticket of ours"),
        "forged": _("not signed by the office"),
        "not_listed": _("not on the device's list"),
        "wrong_departure": _("another departure"),
        "wrong_day": _("another day"),
        "not_running": _("the departure does not run"),
        "not_paid": _("not paid"),
        "exchanged": _("exchanged for another ticket"),
        "cancelled": _("cancelled"),
        "already_used": _("used before"),
        "ended": _("past the ticket's last stop"),
        "boards_later": _("boards at a later stop"),
        "too_early": _("too early"),
        "needs_adult": _("an infant before its adult"),
        "undone": _("taken back"),
        "undo_refused": _("not taken back"),
    }.get(outcome, outcome)


def _scan(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    word = outcome_word(entry.kind)
    if details["let_in"]:
        title = _("Scanned: let in")
    elif entry.kind == "undone":
        title = _("Scan taken back")
    else:
        title = _("Scan refused: %(why)s") % {"why": word}
    where = [details["service"], details["station"]]
    if details["coach"]:
        where.append(_("coach %(coach)s") % {"coach": details["coach"]})
    late = details["received_at"]
    return Told(
        entry,
        title,
        [
            teller.whose(details["coupon"]),
            in_a_row(one for one in where if one),
            str(dict(Scan.How.choices)[Scan.How(details["how"])]),
            _("The office would have said: %(word)s") % {"word": word}
            if details["let_in"] and entry.kind != "admitted"
            else "",
            _("Staff insisted.") if details["insisted"] else "",
            _("Heard of %(time)s") % {"time": teller.clock(late)} if late != entry.at else "",
        ],
        "scan",
        "good" if details["let_in"] else "bad" if entry.kind != "undone" else "",
    )


def _desk(teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    done = details["done"] if isinstance(details["done"], dict) else {}
    notes = []
    if "minutes" in done:
        notes.append(_("Late by %(time)s") % {"time": duration(int(done["minutes"]))})
    return Told(
        entry,
        _("Departures desk: %(act)s, %(service)s")
        % {
            "act": dict(DeskEntry.Act.choices)[DeskEntry.Act(entry.kind)],
            "service": details["service"],
        },
        notes,
        "train" if entry.kind == "swap" else "route",
        "bad" if entry.kind == "cancel" else "warn",
    )


def _job(_teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    outcome = details["outcome"]
    state = DisruptionItem.State(str(details["state"]))
    said = DisruptionItem.Outcome(outcome).label if outcome else DisruptionItem.State(state).label
    return Told(
        entry,
        _("Job %(number)s of the departures desk: %(what)s")
        % {"number": details["job"], "what": said},
        [
            str(DisruptionJob.Cause(str(details["cause"])).label),
            _("Begun by %(name)s") % {"name": entry.actor} if entry.actor else "",
            _("Problem: %(problem)s") % {"problem": details["problem"]}
            if details["problem"]
            else "",
        ],
        "users",
        "bad" if state == DisruptionItem.State.FAILED else "",
    )


def _act(_teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    said = str(details["said"])
    # What Django's forms log is a list for machines; the record's own page tells it in words.
    said = _("Changed in the back office") if said.startswith("[") else said
    return Told(
        entry,
        said or _("Something was done in the back office"),
        [],
        "shield",
        families=frozenset({STAFF}),
        is_quiet=True,
    )


def _serving(_teller: _Teller, entry: Entry) -> Told:
    details: Mapping[str, Any] = entry.details
    opened = [one for one in details["parts"] if one["what"] != ServingEntry.BOOKED]
    refused = sum(one["is_refused"] for one in opened)
    number = len(opened) - refused
    return Told(
        entry,
        str(Serving.Purpose(entry.kind).label),
        [
            _("Booked it for the traveller") if len(opened) < len(details["parts"]) else "",
            ngettext("%(n)s page opened", "%(n)s pages opened", number) % {"n": number}
            if number
            else "",
            ngettext("%(n)s page refused", "%(n)s pages refused", refused) % {"n": refused}
            if refused
            else "",
        ],
        "user",
        families=frozenset({STAFF}),
    )


_WORDS: dict[str, Callable[[_Teller, Entry], Told]] = {
    EVENT: _event,
    MESSAGE: _message,
    REPORT: _report,
    ANSWER: _answer,
    books.NOTE: _note,
    books.LETTER: _own_letter,
    PAYMENT: _payment,
    REFUND: _refund,
    books.WEBHOOK: _webhook,
    books.CANCELLATION: _cancellation,
    books.GOODWILL: _goodwill,
    books.RECEIPT: _receipt,
    books.LEDGER: _ledger,
    books.ALARM: _alarm,
    books.SCAN: _scan,
    books.DESK: _desk,
    books.JOB: _job,
    books.ACT: _act,
    books.SERVING: _serving,
}
