"""
Serving: a member of staff begins to look as a traveller or to book for one, ends, is forgotten.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.serving import BOOK
from bookings.models import Reservation
from bookings.services.privacy import ERASED_CONTACT
from support import serving as reads
from support.errors import NotServable
from support.models import Serving, ServingEntry
from travel.common import forgetting
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.ids import digest, new_secret
from travel.common.text import clean_text
from travel.common.transactions import in_transaction

End = Serving.End
BOOKED = ServingEntry.BOOKED
MAX_REASON = 300
ERASED_REASON = "(erased)"
log = structlog.get_logger("support")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody without an account who books by phone, and how to reach them."""

    email: str | None = None
    phone: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Begun:
    """A serving that has begun, and the secret by which its session is known; stored nowhere."""

    row: Serving
    secret: str


@in_transaction
def begin(
    *,
    staff: User,
    purpose: str,
    reason: str,
    address: str,
    now: datetime,
    traveller_id: int | None = None,
    reservation_id: int | None = None,
    guest: Guest | None = None,
) -> Begun:
    """
    Begin to serve one traveller: an account, the holder of a reservation, or a new guest.

    It lasts for half an hour (settings.SERVING_DURATION). Whomever the member of staff served
    before is not served any more: nobody serves two people at once.

    :raises NotAllowed: the member of staff has no role for it, or would serve themselves.
    :raises InvalidInput: the reason is empty or too long, or nobody is named, or a new guest is to
        be looked at, or cannot be reached.
    :raises NotFound: there is no such account or reservation.
    :raises NotServable: the account is staff's, or closed; or there is no confirmed address to send
        what is booked to.
    """
    # Two beginnings of one person come one after the other.
    staff = User.objects.select_for_update().get(pk=staff.pk)
    if not reads.may_serve(staff):
        raise NotAllowed
    row = Serving(
        staff=staff,
        purpose=purpose,
        reason=_checked_reason(reason),
        address=address,
        began_at=now,
        ends_at=now + settings.SERVING_DURATION,
        kept_until=now + settings.SERVING_DURATION + settings.SERVING_LOG_KEPT,
    )
    if purpose not in reads.PURPOSES:
        raise InvalidInput(errors={"purpose": [_("There is no such purpose.")]})
    _name_traveller(row, traveller_id, reservation_id, guest)
    if purpose == BOOK and not _can_be_reached(row):
        raise NotServable(
            _("There is no confirmed address to send the booking to. Book for a new guest instead.")
        )
    _live(now).filter(staff=staff).update(ended_at=now, ended_because=End.REPLACED)
    secret = new_secret()
    row.digest = digest(secret)
    row.save(force_insert=True)
    log.info("serving_begun", serving=row.pk, purpose=purpose, staff=staff.pk)
    return Begun(row, secret)


def _checked_reason(text: str) -> str:
    try:
        reason = clean_text(text)
    except ValueError as error:
        raise InvalidInput(
            errors={"reason": [_("There is a character in it that cannot be kept.")]}
        ) from error
    if not reason:
        raise InvalidInput(errors={"reason": [_("Say why.")]})
    if len(reason) > MAX_REASON:
        raise InvalidInput(errors={"reason": [_("Write 300 characters at most.")]})
    return reason


def _name_traveller(
    row: Serving, traveller_id: int | None, reservation_id: int | None, guest: Guest | None
) -> None:
    """Write down who is served: exactly one of an account, a guest's booking, a new guest."""
    if sum(one is not None for one in (traveller_id, reservation_id, guest)) != 1:
        raise InvalidInput(errors={"traveller": [_("Say who is served.")]})
    if guest is not None:
        if row.purpose != BOOK or not (guest.email or guest.phone):
            raise InvalidInput(errors={"email": [_("Leave an e-mail address or a phone number.")]})
        row.guest_email, row.guest_phone = guest.email or None, guest.phone or None
        row.language = guest.language
        return
    if reservation_id is not None:
        reservation = Reservation.objects.filter(pk=reservation_id).first()
        if reservation is None:
            raise NotFound
        if reservation.user_id is None:
            row.reservation = reservation
            return
        traveller_id = reservation.user_id
    assert traveller_id is not None, "exactly one of them is named"
    traveller = User.objects.filter(pk=traveller_id).first()
    if traveller is None:
        raise NotFound
    if traveller.pk == row.staff_id:
        raise NotAllowed(_("Nobody serves themselves: use the travellers' pages as they are."))
    if not reads.can_be_served(traveller):
        raise NotServable
    row.traveller = traveller


def _can_be_reached(row: Serving) -> bool:
    return any(one and one != ERASED_CONTACT for one in reads.contacts_of(row))


def end(*, secret: str, staff_id: int, because: str, now: datetime) -> None:
    """End what the member of staff's session with this secret does; what is over stays as it is."""
    rows = _live(now).filter(digest=digest(secret), staff=staff_id)
    if rows.update(ended_at=now, ended_because=because):
        log.info("serving_ended", staff=staff_id, because=because)


def note(
    *,
    serving_id: int,
    what: str,
    now: datetime,
    method: str = "",
    reservation_id: int | None = None,
    is_refused: bool = False,
) -> None:
    """Write down that a page is opened, or refused, or that something was booked."""
    ServingEntry.objects.create(
        serving_id=serving_id,
        at=now,
        what=what,
        method=method,
        reservation_id=reservation_id,
        is_refused=is_refused,
    )


def _live(now: datetime) -> QuerySet[Serving]:
    return Serving.objects.filter(ended_at=None, ends_at__gt=now)


@in_transaction
def forget_old(*, now: datetime, limit: int = 500) -> int:
    """
    Delete the log of those whose term has ended, the oldest first; answer of how many.

    What was booked by phone stays with its reservation: who did it, when, from where and why. The
    pages that were opened around it go. In the record of acts it stays that somebody served.
    """
    # Locked, so that of two who tidy up the second finds what the first has left.
    over = Serving.objects.select_for_update().filter(kept_until__lte=now)
    ids = list(over.order_by("kept_until", "id").values_list("pk", flat=True)[:limit])
    entries = ServingEntry.objects.filter(serving__in=ids)
    entries.exclude(what=BOOKED, reservation__isnull=False).delete()
    booked = set(entries.order_by("pk").values_list("serving_id", flat=True))
    Serving.objects.filter(pk__in=booked).update(kept_until=None)
    gone = [one for one in ids if one not in booked]
    forgetting.forget_admin_notes(Serving, gone)
    Serving.objects.filter(pk__in=gone).delete()
    return len(ids)


# --- people's data --------------------------------------------------------------------------------


def export_person(
    *, user_id: int, reservation_ids: Collection[int], contacts: Collection[str], now: datetime
) -> list[dict[str, Any]]:
    """Answer when staff were in a person's place, why, and which pages they opened there."""
    rows = reads.made_for(user_id=user_id, reservation_ids=reservation_ids, contacts=contacts)
    opened: dict[int, list[dict[str, Any]]] = {}
    for serving_id, at, what, locator in (
        ServingEntry.objects.filter(serving__in=rows, is_refused=False)
        .order_by("id")
        .values_list("serving_id", "at", "what", "reservation__locator")
    ):
        opened.setdefault(serving_id, []).append({"at": at, "what": what, "locator": locator})
    return [
        {
            "beganAt": row.began_at,
            "endedAt": reads.over_at(row, now),
            "purpose": row.purpose,
            "reason": row.reason,
            "opened": opened.get(row.pk, []),
        }
        for row in rows
    ]


@in_transaction
def erase_person(
    *, user_id: int, reservation_ids: Collection[int], contacts: Collection[str]
) -> None:
    """
    Erase why staff were in a person's place, and how a guest was reached; that they were, stays.

    The pages that they opened stay as well: their names tell nothing of anybody.
    """
    rows = reads.made_for(user_id=user_id, reservation_ids=reservation_ids, contacts=contacts)
    ids = [row.pk for row in rows]
    forgetting.forget_admin_notes(Serving, ids)
    for some in forgetting.batches(ids):
        kept = Serving.objects.filter(pk__in=some)
        kept.update(reason=ERASED_REASON)
        new = Q(guest_email__isnull=False) | Q(guest_phone__isnull=False)
        kept.filter(new).update(guest_email=ERASED_CONTACT, guest_phone=None)
