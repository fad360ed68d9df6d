"""How the story of a reservation is told to its traveller: what happened, and what comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from bookings.documents.words import home_zone, seat_in_coach
from bookings.pages.shown import method_name, reason_text, rides
from bookings.selectors import ReservationDetail
from support.story import Entry
from travel.common.contacts import Contact
from travel.common.locales import in_a_row, in_groups
from travel.common.money import Money, parse_amount
from travel.common.templatetags.look import money_text


@dataclass(frozen=True, slots=True)
class Happening:
    """Something on the time line; `state` is past, now or next. `href` is where more of it is."""

    title: str
    text: str
    at: datetime
    state: str
    href: str = ""


def story(
    reservation: ReservationDetail,
    entries: Sequence[Entry],
    *,
    now: datetime,
    reader_id: int | None = None,
) -> list[Happening]:
    """
    Answer what happened and what comes, oldest first, on the clock of the first station.

    `reader_id` is the user who reads: their own reports are led to.
    """
    zone = home_zone(reservation)
    past = [
        Happening(*words, entry.at.astimezone(zone), "past", _href(entry, reader_id))
        for entry in entries
        if entry.is_public
        for words in [_words(reservation, entry, zone)]
        if words is not None
    ]
    latest = len(past) - 1
    told = [replace(one, state="now") if index == latest else one for index, one in enumerate(past)]
    return told + list(_to_come(reservation, now))


def _href(entry: Entry, reader_id: int | None) -> str:
    """Answer where a report and its answers stand, for whoever wrote it."""
    if entry.source not in ("report", "answer") or entry.details["by"] != reader_id:
        return ""
    return reverse("support:report", args=[entry.details["report"]])


def _words(reservation: ReservationDetail, entry: Entry, zone: ZoneInfo) -> tuple[str, str] | None:
    """Answer what an entry is called, and what else there is to say; None for no words."""
    if entry.source == "event":
        tell = _EVENTS.get(entry.kind)
        return tell(reservation, entry, zone) if tell else None
    tell_other = {
        "message": _message,
        "refund": _refund,
        "report": _report,
        "answer": _answer,
    }.get(entry.source)
    return tell_other(entry) if tell_other else None


# --- messages, refunds and reports ----------------------------------------------------------------


def _message(entry: Entry) -> tuple[str, str]:
    contact = Contact(str(entry.details["channel"]), str(entry.details["recipient"]))
    to = gettext("To %(address)s") % {"address": contact.masked}
    # Subjects end with the booking code, which stands above already.
    subject = {"subject": str(entry.details["subject"]).rpartition(":")[0]}
    if not subject["subject"]:
        subject = {"subject": str(entry.details["subject"])}
    if contact.is_phone:
        return gettext("Text message: %(subject)s") % subject, to
    return gettext("E-mail: %(subject)s") % subject, to


def _refund(entry: Entry) -> tuple[str, str]:
    amount = entry.details["amount"]
    assert isinstance(amount, Money)
    title = gettext("%(amount)s to be paid back") % {"amount": money_text(amount)}
    if entry.kind == "pendingApproval":
        return title, gettext("A colleague looks at it first.")
    return title, gettext("It is on its way.")


def _report(_entry: Entry) -> tuple[str, str]:
    return gettext("Problem reported"), gettext("By you.")


def _answer(_entry: Entry) -> tuple[str, str]:
    return gettext("Our answer to your report"), ""


# --- the history ----------------------------------------------------------------------------------


def _reserved(_r: ReservationDetail, event: Entry, zone: ZoneInfo) -> tuple[str, str]:
    count = _count(event, "seats")
    title = ngettext("%(n)s seat held", "%(n)s seats held", count) % {"n": count}
    return title, _until(event, zone)


def _extended(_r: ReservationDetail, event: Entry, zone: ZoneInfo) -> tuple[str, str]:
    if event.actor_kind == "system":
        return gettext("Hold lengthened while you pay"), _until(event, zone)
    return gettext("Hold extended"), _until(event, zone)


def _paying(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Payment started"), method_name(str(event.details.get("method", "")))


def _payment_failed(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    nothing = gettext("Nothing was charged. The hold went on.")
    return gettext("Payment refused"), f"{reason_text(event.reason)} {nothing}".strip()


def _paid(reservation: ReservationDetail, _e: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("%(price)s paid") % {"price": money_text(reservation.price)}, ""


def _part_cancelled(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    count = _count(event, "coupons")
    return ngettext("%(n)s ticket cancelled", "%(n)s tickets cancelled", count) % {"n": count}, (
        gettext("The rest stays booked.")
    )


def _cancelled(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Everything cancelled"), _by_whom(event)


def _released(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Seats given up"), gettext("Nothing had been paid.")


def _expired(_r: ReservationDetail, _e: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("The hold ended"), gettext("The seats went back on sale.")


def _refunded(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    amount = parse_amount(str(event.details["amount"]), str(event.details["currency"]))
    return gettext("%(amount)s paid back") % {"amount": money_text(amount)}, ""


def _refund_approved(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    amount = parse_amount(str(event.details["amount"]), str(event.details["currency"]))
    return gettext("Refund of %(amount)s approved") % {"amount": money_text(amount)}, ""


def _refund_rejected(_r: ReservationDetail, _event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    # What staff noted is for colleagues.
    return gettext("Refund looked at again"), gettext("The cancellation fee of your fare stays.")


def _reclaimed(_r: ReservationDetail, _event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Seats taken again"), gettext("Your payment came late, and they were free.")


def _seats_changed(reservation: ReservationDetail, event: Entry, _z: ZoneInfo) -> tuple[str, str]:
    title = gettext("Seats changed")
    if event.details.get("cause"):
        title = gettext("Seats changed by the carrier")
    return title, _who_sits_where(reservation, event)


def _name_corrected(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    after = event.details.get("after")
    name = " ".join(str(part) for part in after) if isinstance(after, list) else ""
    return gettext("Name corrected"), name or _by_whom(event)


def _contact_corrected(_r: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    # The history keeps both masked: whoever knows code and name alone reads this, too.
    before, after = (
        in_a_row(str(one) for one in told.values()) if isinstance(told, dict) else ""
        for told in (event.details.get("before"), event.details.get("after"))
    )
    words = {"before": before, "after": after}
    said = gettext("%(before)s, now %(after)s") % words if before and after else _by_whom(event)
    return gettext("Contact corrected"), said


def _delayed(reservation: ReservationDetail, event: Entry, zone: ZoneInfo) -> tuple[str, str]:
    minutes = max(_number(event, "leaves_late"), _number(event, "arrives_late"))
    service = _service(reservation, _number(event, "ticket"))
    if minutes <= 0:
        return gettext("%(service)s on time again") % {"service": service}, ""
    title = ngettext(
        "%(service)s is %(n)s minute late", "%(service)s is %(n)s minutes late", minutes
    )
    leaves_at = datetime.fromisoformat(str(event.details["leaves_at"])).astimezone(zone)
    return title % {"service": service, "n": minutes}, (
        gettext("Leaves at %(time)s.") % {"time": f"{leaves_at:%H:%M}"}
    )


def _called_off(reservation: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    service = _service(reservation, _number(event, "ticket"))
    return gettext("%(service)s cancelled by the carrier") % {"service": service}, ""


def _rebooked(reservation: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    words = {
        "before": _service(reservation, _number(event, "from_ticket")),
        "after": _service(reservation, _number(event, "to_ticket")),
    }
    return gettext("Another departure: %(after)s instead of %(before)s") % words, (
        _who_sits_where(reservation, event)
    )


def _boarded(reservation: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("On board"), _whose(reservation, event)


def _boarding_undone(
    reservation: ReservationDetail, event: Entry, _zone: ZoneInfo
) -> tuple[str, str]:
    return gettext("Scanned by mistake, and taken back"), _whose(reservation, event)


def _no_show(reservation: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Not used"), _whose(reservation, event)


def _reopened(reservation: ReservationDetail, event: Entry, _zone: ZoneInfo) -> tuple[str, str]:
    return gettext("Valid again"), _whose(reservation, event)


def _whose(reservation: ReservationDetail, event: Entry) -> str:
    """Say whose tickets an event of the door is about, and on what."""
    meant = {event.details.get("coupon"), *_listed(event, "coupons")}
    said = [
        gettext("%(name)s, %(service)s")
        % {
            "name": reservation.passenger_of(one).full_name,
            "service": reservation.tickets[one.ticket_id].service.number,
        }
        for one in reservation.coupons
        if one.id in meant
    ]
    return in_groups(said)


def _listed(event: Entry, name: str) -> list[object]:
    listed = event.details.get(name)
    return listed if isinstance(listed, list) else []


_EVENTS = {
    "reserved": _reserved,
    "extended": _extended,
    "paying": _paying,
    "payment_failed": _payment_failed,
    "paid": _paid,
    "part_cancelled": _part_cancelled,
    "cancelled": _cancelled,
    "released": _released,
    "expired": _expired,
    "refund_approved": _refund_approved,
    "refund_rejected": _refund_rejected,
    "refunded": _refunded,
    "reclaimed": _reclaimed,
    "seats_changed": _seats_changed,
    "name_corrected": _name_corrected,
    "contact_corrected": _contact_corrected,
    "delayed": _delayed,
    "called_off": _called_off,
    "rebooked": _rebooked,
    "boarded": _boarded,
    "boarding_undone": _boarding_undone,
    "no_show": _no_show,
    "reopened": _reopened,
}


def _who_sits_where(reservation: ReservationDetail, event: Entry) -> str:
    """Write the seats that an event tells of, by passenger; seats without names are not told."""
    names = {one.id: reservation.passenger_of(one).full_name for one in reservation.coupons}
    rows = event.details.get("seats")
    said = [
        gettext("%(name)s: %(seat)s")
        % {"name": names[coupon], "seat": seat_in_coach(coach, [seat])}
        for coupon, _departure, coach, seat, *_segments in (rows if isinstance(rows, list) else [])
        if coupon in names and seat
    ]
    return in_groups(said)


def _service(reservation: ReservationDetail, ticket_id: int) -> str:
    ticket = reservation.tickets.get(ticket_id)
    return ticket.service.number if ticket else gettext("Your departure")


def _number(event: Entry, name: str) -> int:
    value = event.details.get(name)
    return value if isinstance(value, int) else 0


def _count(event: Entry, name: str) -> int:
    listed = event.details.get(name)
    return len(listed) if isinstance(listed, list) else 0


def _until(event: Entry, zone: ZoneInfo) -> str:
    until = event.details.get("until")
    if not isinstance(until, str):
        return ""
    moment = datetime.fromisoformat(until).astimezone(zone)
    return gettext("Until %(time)s.") % {"time": f"{moment:%H:%M}"}


def _by_whom(event: Entry) -> str:
    return {
        "holder": gettext("By you."),
        "staff": gettext("By the office."),
        "system": "",
    }.get(event.actor_kind, "")


def _to_come(reservation: ReservationDetail, now: datetime) -> Iterable[Happening]:
    if reservation.status not in ("Paid", "Reserved"):
        return
    travelling = {coupon.ticket_id for coupon in reservation.open_coupons}
    for ride in rides(reservation, now=now):
        if ride.ticket_id in travelling and not ride.is_over and not ride.is_off:
            title = gettext("Departure from %(station)s") % {"station": ride.origin}
            yield Happening(title, ride.service, ride.departs_at, "next")
