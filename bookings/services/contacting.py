"""
Correcting how a reservation is reached, where an address or a number was written down wrongly.

Whoever read the messages that went astray knows the booking code and who travels, and for a guest
also holds the secret link. So staff alone correct a contact, and what a former contact held ends
with it:

- a guest's links, and the browsers that keep their secret, open nothing any more: the digest that
  is stored is another one from then on, and only the contact that is written to has its secret;
- one-time codes are asked of the contact that stands there (bookings.services.opening), and what
  was proved before the correction counts no more (bookings.selectors.proofs_that_hold);
- tickets that went to a former e-mail address are issued anew, so that doors say of the others
  that a newer issue exists; messages that still wait for it go to the new one, or nowhere.

Code and surname, which stand on every boarding pass, still open the booking for looking, as they do
for everybody (decision 0014): without letters, tickets and whole addresses.

Nobody takes a booking over in silence: the former contacts are told, those that stay, and those
that the account of a user has proved; neither sees another's address whole. The account itself, and
how one signs in to it, stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.services.privacy import proved_contacts
from accounts.viewers import Viewer
from bookings import notifications, selectors
from bookings.documents.passes import has_documents
from bookings.engine import holds, records
from bookings.engine.contract import Actor
from bookings.errors import NotChangeable
from bookings.models import Reservation, ReservationEvent
from bookings.selectors import ReservationDetail
from travel.common import outbox
from travel.common.contacts import EMAIL, SMS, Contact, parse_contact
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.ids import digest, new_secret
from travel.common.transactions import in_transaction

STAFF = "staff"
# What waits of these kinds leads into the booking: the new contact gets a fresh way instead.
LEADING_IN = frozenset(
    f"bookings.{kind}"
    for kind in (
        *("hold_notice", "phone_notice", "payment_link", "confirmation", "tickets"),
        *("contact_link", "proof_code"),
    )
)
# Answers to reports go to the account that wrote them, though they tell of the reservation.
OF_REPORTS = "support.report"


@dataclass(frozen=True, slots=True)
class Correction:
    """
    What a correction changes: the contacts before and after it, the e-mail address first.

    `told` are those who hear that it was made; `moves` says that the one contact to which messages
    go is another one, `reissues` that tickets are issued anew, since a former address has them.
    """

    before: tuple[Contact, ...]
    after: tuple[Contact, ...]
    told: tuple[Contact, ...]
    moves: bool
    reissues: bool

    @property
    def changes(self) -> bool:
        return self.before != self.after


def read_contacts(*, email: str, phone: str) -> tuple[str | None, str | None]:
    """
    Read an e-mail address and a telephone number as they are stored, None for an empty one.

    :raises InvalidInput: one cannot be read, or both are empty.
    """
    errors: dict[str, list[str]] = {}
    read: dict[str, str | None] = {}
    for field, channel, text, refused in (
        ("email", EMAIL, email, _("This is no e-mail address.")),
        ("phone", SMS, phone, _("Write the number with its country code, as in +49 151 2345678.")),
    ):
        read[field] = None
        if not text.strip():
            continue
        try:
            contact = parse_contact(text)
        except ValueError:
            contact = None
        if contact is None or contact.channel != channel:
            errors[field] = [refused]
        else:
            read[field] = contact.address
    if not errors and not any(read.values()):
        errors["email"] = [_("Leave an e-mail address or a phone number.")]
    if errors:
        raise InvalidInput(errors=errors)
    return read["email"], read["phone"]


def foresee(reservation: ReservationDetail, *, email: str | None, phone: str | None) -> Correction:
    """Answer what it means to give a reservation these contacts, read by `read_contacts`."""
    before = _contacts(reservation.contact_email, reservation.contact_phone)
    after = _contacts(email, phone)
    # Messages go to the first of them (bookings.notifications.contact_of).
    moves = before[:1] != after[:1]
    heard = [*before, *_of_account(reservation)]
    told = [one for one in dict.fromkeys(heard) if not (moves and one in after[:1])]
    return Correction(
        before=before,
        after=after,
        told=tuple(told) if before != after else (),
        moves=moves,
        # Only e-mails bring tickets.
        reissues=has_documents(reservation)
        and any(not one.is_phone and one not in after for one in before),
    )


@in_transaction
def correct_contact(
    *,
    viewer: Viewer,
    reservation_id: int,
    email: str,
    phone: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """
    Give a reservation these contacts instead of its own, and send the new one the way to it.

    An empty text takes a contact away; one of the two stays. What is over or cancelled may be
    corrected too, for refunds and receipts are told there. Answer whether anything changed: who
    asks for what stands there already changes nothing and tells nobody. The story keeps both
    contacts masked, so that no address outlives its erasure there.

    :raises NotFound: it is not the viewer's.
    :raises NotAllowed: the actor is no staff.
    :raises InvalidInput: a contact cannot be read, none is left, or there is no reason.
    :raises NotChangeable: its people were erased.
    """
    if actor.kind != STAFF:
        raise NotAllowed()
    if not actor.reason.strip():
        raise InvalidInput(errors={"reason": [_("Say why the contact is changed.")]})
    new_email, new_phone = read_contacts(email=email, phone=phone)
    known = selectors.get_to_change(viewer=viewer, reservation_id=reservation_id, now=now)
    if holds.lock_reservation(known.id) is None:
        raise NotFound()
    # Read again under the lock: another correction, or erasing, may have come first.
    reservation = _fresh(known.id, now)
    if reservation.is_erased:
        raise NotChangeable()
    correction = foresee(reservation, email=new_email, phone=new_phone)
    if not correction.changes:
        return False
    secret = new_secret() if correction.moves and reservation.user_id is None else None
    _write(reservation.id, new_email, new_phone, secret)
    _call_back(reservation.id, correction, now)
    if correction.reissues:
        records.issue_anew([one.id for one in reservation.open_coupons], now=now)
    records.record(
        reservation.id,
        ReservationEvent.Kind.CONTACT_CORRECTED,
        (reservation.state, reservation.state),
        now=now,
        actor=actor,
        details={"before": _masked(correction.before), "after": _masked(correction.after)},
    )
    _tell(_fresh(reservation.id, now), correction, secret, now)
    return True


def _write(reservation_id: int, email: str | None, phone: str | None, secret: str | None) -> None:
    rows = Reservation.objects.filter(id=reservation_id)
    rows.update(contact_email=email, contact_phone=phone)
    if secret is not None:
        rows.update(guest_digest=digest(secret))


def _call_back(reservation_id: int, correction: Correction, now: datetime) -> None:
    """See that nothing that still waits to be sent goes to a contact that is gone."""
    for old in correction.before:
        if old not in correction.after:
            outbox.readdress(
                about=f"reservation:{reservation_id}",
                old=old,
                new=next((one for one in correction.after if one.channel == old.channel), None),
                dropped=LEADING_IN,
                kept=OF_REPORTS,
                now=now,
            )


def _tell(
    reservation: ReservationDetail, correction: Correction, secret: str | None, now: datetime
) -> None:
    notifications.contact_corrected(
        reservation=reservation,
        to=correction.told,
        before=correction.before,
        after=correction.after,
        now=now,
    )
    if correction.moves:
        notifications.contact_link(
            reservation=reservation,
            guest_secret=secret,
            has_tickets=has_documents(reservation),
            now=now,
        )


def _contacts(email: str | None, phone: str | None) -> tuple[Contact, ...]:
    found = [Contact(EMAIL, email)] if email else []
    return (*found, *([Contact(SMS, phone)] if phone else []))


def _of_account(reservation: ReservationDetail) -> list[Contact]:
    if reservation.user_id is None:
        return []
    return [
        Contact(EMAIL if "@" in one else SMS, one)
        for one in proved_contacts(user_id=reservation.user_id)
    ]


def _masked(contacts: Sequence[Contact]) -> dict[str, str]:
    return {one.channel: one.masked for one in contacts}


def _fresh(reservation_id: int, now: datetime) -> ReservationDetail:
    return selectors.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation_id, now=now
    )
