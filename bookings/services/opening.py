"""
Coming to a booking by its code and a name, and proving that it is one's own.

Code and name stand on every boarding pass, and many a picture of one is public. So who knows them
may look; who wants to change something also shows a code that is sent to the booking's contact.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from accounts import codes
from accounts import selectors as people
from accounts.notifications import contacts_of
from accounts.viewers import Viewer
from bookings import notifications, selectors
from bookings.errors import LookUpFailed, NoContact
from bookings.models import Passenger, Reservation
from bookings.names import name_keys
from bookings.selectors import ReservationDetail
from travel.common import limits
from travel.common.contacts import Contact
from travel.common.ids import LOCATOR_LENGTH, normal_locator
from travel.common.transactions import in_transaction

log = structlog.get_logger("bookings")
# No name has this key, so that comparing with it takes as long as with any other.
NOBODY = "\x00" * 8


def look_up(*, locator: str, last_name: str, network: str) -> int:
    """
    Answer the id of the reservation with this code on which somebody of this name travels.

    Names are compared without case, accents, blanks and hyphens, `ü` as `u` or `ue`. Whether the
    code is wrong or the name, it takes the same statements and is answered alike. `network` is whom
    the limits count, besides the code: five tries an hour a code, twenty an address.

    :raises LookUpFailed: there is no such reservation, or nobody of that name on it.
    :raises Throttled: too many tries for this code, or from here.
    :raises Unavailable: tries cannot be counted now.
    """
    code = normal_locator(locator)[: 2 * LOCATOR_LENGTH]
    limits.count(scope="look-up-address", who=network)
    limits.count(scope="look-up-code", who=code)
    row = Reservation.objects.filter(locator=code).values_list("id", flat=True).first() or 0
    names = list(
        Passenger.objects.filter(reservation_id=row)
        .order_by("position")
        .values_list("last_name", flat=True)
    )
    typed = name_keys(last_name)
    # Every name is compared, found or not.
    matches = [bool(typed & name_keys(name)) for name in names or [NOBODY]]
    is_known = any(matches) and "" not in typed
    log.info("looked_up", reservation=row if is_known else None, found=is_known)
    if not is_known:
        raise LookUpFailed()
    limits.forgive(scope="look-up-code", who=code)
    return row


def proof_contact(reservation: ReservationDetail) -> Contact:
    """
    Answer where the code goes: to the booking's contact, else to the account's.

    :raises NoContact: there is neither.
    """
    contact = notifications.contact_of(reservation)
    if contact is None and reservation.user_id is not None:
        contact = next(iter(contacts_of(people.get_user(user_id=reservation.user_id))), None)
    if contact is None:
        raise NoContact()
    return contact


@in_transaction
def send_proof_code(*, viewer: Viewer, reservation_id: int, network: str, now: datetime) -> Contact:
    """
    Send a code to the contact of a reservation that the viewer may see; answer where it went.

    :raises NotFound: it is not the viewer's to see.
    :raises NoContact: the office knows none.
    :raises Throttled: too many codes to this contact, from here, or today.
    :raises Unavailable: codes cannot be kept now.
    """
    reservation = selectors.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    contact = proof_contact(reservation)
    codes.count_request(contact=contact, network=network)
    digits = codes.issue(contact=contact, purpose=_purpose(reservation_id))
    notifications.proof_code(
        contact=contact,
        reservation_id=reservation.id,
        locator=reservation.locator,
        digits=digits,
        language=reservation.language,
        now=now,
    )
    return contact


def prove(*, viewer: Viewer, reservation_id: int, code: str, network: str, now: datetime) -> None:
    """
    Take the code back that was sent to the reservation's contact.

    :raises NotFound: it is not the viewer's to see.
    :raises NoContact: the office knows none.
    :raises InvalidOtp: the code is wrong, expired, used, or of another reservation.
    :raises Throttled: too many guesses.
    :raises Unavailable: codes cannot be kept now.
    """
    reservation = selectors.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    codes.count_guess(network=network)
    codes.redeem(contact=proof_contact(reservation), purpose=_purpose(reservation_id), code=code)
    log.info("proved", reservation=reservation_id)


def _purpose(reservation_id: int) -> str:
    return f"booking:{reservation_id}"
