"""
What staff may do with a reservation for its traveller, and why not: one list for page and API.

Each act has a word that clients read (`changeSeats`), the power that it takes, and what stands in
its way just now, in words. An act that nothing stands in the way of is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bookings.documents.passes import has_documents
from bookings.notifications import contact_of
from bookings.selectors import ReservationDetail
from payments.selectors import Overview
from support.selectors import CANCEL, CHANGE, GIVE
from travel.common.templatetags.look import moment_text

CORRECT_NAMES, CHANGE_SEATS, REBOOK = "correctNames", "changeSeats", "rebook"
CORRECT_CONTACT = "correctContact"
CANCEL_IT, GOODWILL = "cancel", "goodwill"
RESEND, PAYMENT_LINK, EXTEND = "resendTickets", "sendPaymentLink", "extendHold"


@dataclass(frozen=True, slots=True)
class Act:
    """An act by its word; `why_not` is empty where it is allowed now."""

    name: str
    why_not: str = ""

    @property
    def is_allowed(self) -> bool:
        return not self.why_not


def acts_on(overview: Overview, *, powers: Collection[str]) -> list[Act]:
    """
    Answer every act on a reservation for whoever has these powers, in the order of the buttons.

    What a service refuses for a reason that is not known before (a seat taken meanwhile, a message
    sent too often) is told when it is tried.
    """
    return [
        Act(name, _why_not(overview, power, powers, stands_in_the_way))
        for name, power, stands_in_the_way in _ACTS
    ]


def desk_actions_on(overview: Overview, *, powers: Collection[str]) -> list[str]:
    """Answer the words of the acts that are allowed now."""
    return [one.name for one in acts_on(overview, powers=powers) if one.is_allowed]


def _why_not(
    overview: Overview,
    power: str,
    powers: Collection[str],
    stands_in_the_way: Callable[[Overview], str],
) -> str:
    if power not in powers:
        return _("Your role does not include this.")
    return stands_in_the_way(overview)


# --- what stands in the way -----------------------------------------------------------------------


def _names(overview: Overview) -> str:
    if CORRECT_NAMES in overview.available_actions:
        return ""
    return _over(overview.reservation) or _("All tickets were used, or the first has left.")


def _contact(overview: Overview) -> str:
    # Also of what is over or cancelled: refunds and receipts are told there.
    return _("Its people were erased.") if overview.reservation.is_erased else ""


def _seats(overview: Overview) -> str:
    if CHANGE_SEATS in overview.available_actions:
        return ""
    return _over(overview.reservation) or _("No ticket that is still to leave has a numbered seat.")


def _rebook(overview: Overview) -> str:
    reservation = overview.reservation
    if reservation.status == "Paid" and reservation.open_coupons:
        return ""
    if reservation.is_live_hold:
        return _("It is not paid yet: release it and book the other departure.")
    return _over(reservation) or _("All tickets were used.")


def _cancel(overview: Overview) -> str:
    # For some reasons staff also cancel what has left (payments.penalties.AFTER_DEPARTURE).
    reservation = overview.reservation
    has_left = reservation.status == "Paid" and bool(reservation.open_coupons)
    if has_left or CANCEL_IT in overview.available_actions:
        return ""
    return _over(reservation) or _("All tickets were used.")


def _goodwill(overview: Overview) -> str:
    if overview.reservation.user_id is None:
        return _("A guest has no wallet.")
    return ""


def _resend(overview: Overview) -> str:
    reservation = overview.reservation
    if not has_documents(reservation):
        return _over(reservation) or (
            _("All tickets were used.")
            if reservation.status == "Paid"
            else _("There are no tickets to send: it is not paid.")
        )
    if not reservation.contact_email:
        return _("There is no e-mail address on this booking.")
    return ""


def _payment_link(overview: Overview) -> str:
    reservation = overview.reservation
    if not reservation.is_live_hold:
        return _over(reservation) or _("It is paid.")
    if contact_of(reservation) is None:
        return _("There is neither an e-mail address nor a number on this booking.")
    return ""


def _extend(overview: Overview) -> str:
    reservation = overview.reservation
    if not reservation.is_live_hold:
        return _over(reservation) or _("It is paid.")
    if reservation.extended_at is not None:
        return _("It was extended once already.")
    if EXTEND not in overview.available_actions:
        # What was booked by phone is held for longer than an extension reaches.
        zone = reservation.journey[0].origin.station.tz
        return _("It is held until %(time)s already, longer than an extension would give.") % {
            "time": moment_text(reservation.hold_until, zone)
        }
    return ""


def _over(reservation: ReservationDetail) -> str:
    return {
        "Cancelled": _("It is cancelled."),
        "Expired": _("The time to pay is over; the seats are free again."),
    }.get(reservation.status, "")


_ACTS: list[tuple[str, str, Callable[[Overview], str]]] = [
    (CORRECT_NAMES, CHANGE, _names),
    (CORRECT_CONTACT, CHANGE, _contact),
    (CHANGE_SEATS, CHANGE, _seats),
    (REBOOK, CHANGE, _rebook),
    (CANCEL_IT, CANCEL, _cancel),
    (GOODWILL, GIVE, _goodwill),
    (RESEND, CHANGE, _resend),
    (PAYMENT_LINK, CHANGE, _payment_link),
    (EXTEND, CHANGE, _extend),
]
