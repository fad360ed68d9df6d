"""The acts on a reservation as buttons: where each leads, or why it is not allowed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.serving import BOOK, LOOK
from bookings.selectors import ReservationDetail
from payments.selectors import Overview
from support import acts
from support.selectors import SERVE
from support.serving import can_be_served


@dataclass(frozen=True, slots=True)
class Button:
    """What may be done; `why_not` is told instead of the link where it may not be."""

    label: str
    sign: str
    href: str
    why_not: str = ""
    is_grave: bool = False


def buttons(overview: Overview, *, powers: Collection[str], holder: User | None) -> list[Button]:
    """Answer every act in the order of the list, then the ways to serve the traveller."""
    reservation = overview.reservation
    own = [
        _button(act, reservation, holder)
        for act in acts.acts_on(overview, powers=powers)
        if not _is_beside_the_point(act, reservation)
    ]
    return [*own, *_serving(reservation, powers, holder)]


def _serving(
    reservation: ReservationDetail, powers: Collection[str], holder: User | None
) -> list[Button]:
    """Answer the ways to use the travellers' pages for this one; whom, serving decides itself."""
    why_not = ""
    if SERVE not in powers:
        why_not = _("Your role does not include this.")
    elif holder is not None and not can_be_served(holder):
        why_not = _("The account is closed, or a colleague's.")
    begin = f"{reverse('admin:serving_begin')}?reservation={reservation.id}&purpose="
    return [
        Button(_("Look as the customer"), "user", "" if why_not else f"{begin}{LOOK}", why_not),
        Button(_("Book for this customer"), "phone", "" if why_not else f"{begin}{BOOK}", why_not),
    ]


def _is_beside_the_point(act: acts.Act, reservation: ReservationDetail) -> bool:
    """Leave out what is about a hold where there never is one again, and tickets of a hold."""
    of_a_hold = act.name in (acts.PAYMENT_LINK, acts.EXTEND)
    return (of_a_hold and reservation.status != "Reserved") or (
        act.name == acts.RESEND and reservation.is_live_hold
    )


def _button(act: acts.Act, reservation: ReservationDetail, holder: User | None) -> Button:
    label, sign = {
        acts.CORRECT_NAMES: (_("Correct a name"), "edit"),
        acts.CORRECT_CONTACT: (_("Correct the contact"), "mail"),
        acts.CHANGE_SEATS: (_("Change seats"), "seat"),
        acts.REBOOK: (_("Rebook"), "change"),
        acts.CANCEL_IT: (_("Cancel and refund"), "refund"),
        acts.GOODWILL: (_("Give goodwill"), "wallet"),
        acts.RESEND: (_("Send the tickets again"), "mail"),
        acts.PAYMENT_LINK: (_("Send the payment link"), "mail"),
        acts.EXTEND: (_("Extend the hold"), "clock"),
    }[act.name]
    return Button(
        label=label,
        sign=sign,
        href=_href(act.name, reservation, holder) if act.is_allowed else "",
        why_not=act.why_not,
        is_grave=act.name == acts.CANCEL_IT,
    )


# The act's word in an address.
SLUGS = {
    acts.CORRECT_NAMES: "name",
    acts.CORRECT_CONTACT: "contact",
    acts.CHANGE_SEATS: "seats",
    acts.REBOOK: "rebook",
    acts.RESEND: "tickets",
    acts.PAYMENT_LINK: "payment-link",
    acts.EXTEND: "extend",
}


def _href(name: str, reservation: ReservationDetail, holder: User | None) -> str:
    if name == acts.CANCEL_IT:
        return reverse("admin:bookings_reservation_cancel", args=[reservation.id])
    if name == acts.GOODWILL:
        known = QueryDict(mutable=True)
        known["locator"], known["currency"] = reservation.locator, reservation.currency
        if holder is not None and holder.email:
            known["traveller"] = holder.email
        return f"{reverse('admin:payments_goodwill_give')}?{known.urlencode()}"
    return reverse("admin:reservation_act", args=[reservation.id, SLUGS[name]])
