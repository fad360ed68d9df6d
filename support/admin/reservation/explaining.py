"""The page that explains a reservation: who, where, every cent, and everything that happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.documents.passes import has_documents
from bookings.documents.words import home_zone
from bookings.models import Coupon, Reservation
from bookings.selectors import ReservationDetail
from inventory import selectors as inventory
from inventory.selectors import TicketFacts
from support.admin.reservation.buttons import buttons
from support.admin.reservation.desk import Hand, read, shown
from support.admin.words import Word
from support.story import words
from support.story.books import Books
from support.story.prices import bills
from support.story.sums import Sums, sums_of
from support.story.words import FAMILIES, Told
from travel.common import clock
from travel.common.locales import in_a_row
from travel.common.money import Money
from travel.common.paging import page_number
from travel.common.templatetags.look import moment_text

PER_PAGE = 60
SEES_REPORTS, SEES_ACTS = "support.view_report", "common.view_act"


@dataclass(frozen=True, slots=True)
class Happening:
    """An entry of the time line: the local moment, the words, and where its row stands."""

    at: datetime
    told: Told
    href: str
    actor: str
    address: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A line of the sums; a total stands under a rule."""

    label: str
    amount: Money
    tone: str = ""
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A link that narrows the time line, and how many entries it leaves."""

    label: str
    href: str
    count: int
    is_current: bool


def explain_view(site: Any, request: HttpRequest, hand: Hand, *, object_id: str) -> HttpResponse:
    """Show a reservation with everything that is known of it."""
    now = clock.now()
    overview, found = read(hand, object_id, now=now)
    reservation = overview.reservation
    holder = found.holder
    sums = sums_of(reservation, found)
    offered = buttons(overview, powers=hand.powers, holder=holder)
    return shown(
        site,
        request,
        "explain",
        title=_("Booking %(locator)s") % {"locator": reservation.locator},
        opts=Reservation._meta,
        reservation=reservation,
        holder=holder,
        state=state_word(reservation),
        price=reservation.price,
        language=dict(settings.LANGUAGES).get(reservation.language, reservation.language),
        zone=str(home_zone(reservation)),
        carriers=list(dict.fromkeys(one.service.carrier_name for one in reservation.journey)),
        rides=[_ride(reservation, one) for one in reservation.journey],
        documents=_documents(reservation),
        acts=[one for one in offered if one.href],
        refused=[one for one in offered if not one.href],
        sums=_sums(reservation, sums),
        adds_up=sums.adds_up,
        differs=sums.differs,
        goodwill=sums.goodwill,
        bills=[
            (bill, coupon_word(bill.state))
            for bill in bills(
                reservation,
                found,
                inventory.sold_fares({one.fare_version_id for one in reservation.coupons}),
                now=now,
            )
        ],
        sees_fares=request.user.has_perm("inventory.view_fareversion"),  # type: ignore[union-attr]
        **_time_line(site, request, reservation, found),
    )


def state_word(reservation: ReservationDetail) -> Word:
    """Answer the state of a reservation as it is now; a hold that has ended is called so."""
    if reservation.state == "held" and not reservation.is_live_hold:
        return Word(_("Hold ended"), "warn")
    return Word.of(Reservation.State(reservation.state).label, reservation.state)


def coupon_word(state: str) -> Word:
    """Answer the state of a coupon."""
    return Word.of(Coupon.State(state).label, state)


# --- who and where --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ride:
    """A ticket of the journey with its two ends, and what is wrong with it."""

    ticket: TicketFacts
    trouble: str
    people: str

    @property
    def stops(self) -> list[tuple[str, str, datetime, datetime | None]]:
        """Both ends: station, zone, the planned time, and another one that is expected."""
        start, end = self.ticket.origin, self.ticket.destination
        return [
            (
                start.station.name,
                start.station.tz,
                self.ticket.departs_at,
                start.expected_departs_at,
            ),
            (end.station.name, end.station.tz, self.ticket.arrives_at, end.expected_arrives_at),
        ]


def _ride(reservation: ReservationDetail, ticket: TicketFacts) -> Ride:
    trouble = ""
    if ticket.departure_state == "cancelled":
        trouble = _("Cancelled by the carrier")
    elif ticket.origin.is_skipped or ticket.destination.is_skipped:
        trouble = _("Does not call there")
    number = sum(
        one.ticket_id == ticket.id and one.state != "cancelled" for one in reservation.coupons
    )
    people = ngettext("%(n)s passenger", "%(n)s passengers", number) % {"n": number}
    return Ride(ticket, trouble, people if number else _("nobody any more"))


def _documents(reservation: ReservationDetail) -> str:
    """Say whether there are tickets, and whether they were issued anew."""
    if not has_documents(reservation):
        return _("No valid tickets")
    coupons = reservation.open_coupons
    said = ngettext("%(n)s valid ticket", "%(n)s valid tickets", len(coupons)) % {"n": len(coupons)}
    anew = [one.reissued_at for one in coupons if one.reissued_at]
    if not anew:
        return said
    return _("%(tickets)s, issued anew %(time)s: earlier ones are stale") % {
        "tickets": said,
        "time": moment_text(max(anew), home_zone(reservation)),
    }


# --- the sums -------------------------------------------------------------------------------------


def _sums(reservation: ReservationDetail, sums: Sums) -> list[Sum]:
    if reservation.is_live_hold:
        lines = [Sum(_("To pay"), sums.to_pay, is_total=True)]
        return [*([Sum(_("Paid"), sums.received)] if sums.received else []), *lines]
    lines = [Sum(_("Paid"), sums.received, is_total=True)]
    stays = [
        Sum(_("For tickets that are valid or used"), sums.valid),
        Sum(_("Kept of cancelled tickets"), sums.kept),
        Sum(_("Given back"), sums.back, "good"),
        Sum(_("On its way back"), sums.on_its_way, "info"),
        Sum(_("To go back, waits for a second person"), sums.waits, "warn"),
        Sum(_("To go back, failed"), sums.failed, "bad"),
    ]
    if not sums.received:
        return lines
    return [*lines, *(one for one in stays if one.amount)]


# --- the time line --------------------------------------------------------------------------------


def _time_line(
    site: Any, request: HttpRequest, reservation: ReservationDetail, found: Books
) -> dict[str, Any]:
    told = words.tell_all(reservation, found)
    asked = request.GET.get("show", "")
    chosen = asked if asked in FAMILIES else ""
    wanted = [one for one in told if not chosen or chosen in one.families]
    pages = max(1, -(-len(wanted) // PER_PAGE))
    page = page_number(request, last=pages)
    listed = wanted[(page - 1) * PER_PAGE : page * PER_PAGE]
    zone = home_zone(reservation)
    happenings = [_happening(site, request, one, zone) for one in listed]
    days = [(day, list(some)) for day, some in groupby(happenings, key=lambda one: one.at.date())]
    return {
        "days": days,
        "filters": _filters(told, chosen),
        "chosen": chosen,
        "count": len(wanted),
        "page": page,
        "pages": pages,
        "query": f"show={chosen}&" if chosen else "",
        "is_cut_off": found.is_cut_off,
    }


def _filters(told: Sequence[Told], chosen: str) -> list[Filter]:
    labels = {
        "": _("Everything"),
        words.MONEY: _("Money"),
        words.JOURNEY: _("Journey"),
        words.MESSAGES: _("Messages"),
        words.STAFF: _("Staff"),
    }
    return [
        Filter(
            label,
            f"?show={name}#story" if name else "?#story",
            sum(not name or name in one.families for one in told),
            name == chosen,
        )
        for name, label in labels.items()
    ]


def _happening(site: Any, request: HttpRequest, told: Told, zone: Any) -> Happening:
    user: Any = request.user
    entry = told.entry
    sees_text = user.has_perm(SEES_REPORTS)
    role = {"holder": _("Traveller"), "staff": _("Staff")}.get(entry.actor_kind, _("Office"))
    actor = in_a_row([entry.actor, role]) if entry.actor else role
    return Happening(
        at=entry.at.astimezone(zone),
        told=told if sees_text or not told.text else _without_text(told),
        href=_row_address(site, user, entry.row),
        actor=actor,
        address=str(entry.details.get("address", "")) if user.has_perm(SEES_ACTS) else "",
    )


def _without_text(told: Told) -> Told:
    """Leave out what passengers wrote, for who does not answer reports."""
    return Told(
        told.entry,
        told.title,
        told.notes,
        told.sign,
        told.tone,
        told.amount,
        told.families,
        told.parts,
        is_quiet=told.is_quiet,
    )


def _row_address(site: Any, user: Any, row: str) -> str:
    """Answer where a row stands in the admin, if it does and this reader may see it."""
    table, _colon, number = row.partition(":")
    if not number:
        return ""
    model = apps.get_model(table)
    app_label, name = model._meta.app_label, model._meta.model_name
    if model not in site._registry or not user.has_perm(f"{app_label}.view_{name}"):
        return ""
    return reverse(f"admin:{app_label}_{name}_change", args=[number])
