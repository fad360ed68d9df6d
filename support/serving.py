"""
Reads of serving: who may, who can be served, what holds at this moment, and what was looked at.

To serve is to use the travellers' pages for a traveller, to look or to book by phone
(support.models.Serving tells more). What holds is asked anew by every request: a role that was
taken away, an account that was closed, time that ran out end it at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts import selectors as people
from accounts.models import User
from accounts.serving import BOOK, LOOK
from accounts.serving import Serving as Held
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.models import Reservation
from support.models import Serving, ServingEntry
from support.selectors import SERVE, powers
from travel.common.contacts import Contact, parse_contact
from travel.common.errors import NotFound
from travel.common.ids import LOCATOR_LENGTH, digest, normal_locator

PURPOSES = (LOOK, BOOK)
# An entry of the log that is no page: what was booked.
BOOKED = ServingEntry.BOOKED


# --- who may --------------------------------------------------------------------------------------


def may_serve(user: Any) -> bool:
    """Say whether somebody is active staff with a role that serves travellers."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return False
    roles = people.role_names(user=user)
    return SERVE in powers(roles=roles, is_superuser=user.is_superuser)


def can_be_served(user: User) -> bool:
    """Say whether an account is a traveller's own that is open: staff are never served."""
    return user.is_active and not user.is_staff and not user.is_superuser


def proved_contacts(user: User) -> tuple[str | None, str | None]:
    """
    Answer the e-mail address and the number that are surely the account holder's.

    An address that nobody has confirmed may be somebody else's: what is booked does not go there.
    """
    email = user.email if user.email_verified_at else None
    return email, str(user.phone) if user.phone and user.phone_verified_at else None


# --- what holds now -------------------------------------------------------------------------------


def find_live(*, secret: str, staff: Any, now: datetime) -> Held | None:
    """Answer whom the member of staff whose session has this secret serves now, if anybody."""
    row = (
        Serving.objects.select_related("traveller", "reservation")
        .filter(digest=digest(secret), staff=staff.pk, ended_at=None, ends_at__gt=now)
        .first()
    )
    if row is None or not may_serve(staff):
        return None
    if row.traveller is not None and not can_be_served(row.traveller):
        return None
    return describe(row)


def find_over(*, digest: str, staff: Any) -> Serving | None:
    """Answer what the member of staff served by this digest, for whoever may serve still."""
    if not may_serve(staff):
        return None
    rows = Serving.objects.select_related("traveller", "reservation")
    return rows.filter(digest=digest, staff=staff.pk).first()


def begin_query(row: Serving) -> str:
    """Answer the query with which the page that begins a serving asks for the same once more."""
    whom = f"traveller={row.traveller_id}"
    if row.reservation_id is not None:
        whom = f"reservation={row.reservation_id}"
    return f"purpose={row.purpose}&{whom}"


def describe(row: Serving) -> Held:
    """Answer a serving as pages know it."""
    email, phone = contacts_of(row)
    return Held(
        id=row.pk,
        staff_id=row.staff_id,
        purpose=row.purpose,
        reason=row.reason,
        ends_at=row.ends_at,
        traveller=name_of(row),
        viewer=_viewer(row),
        email=email,
        phone=phone,
        language=_language(row),
        user=row.traveller,
        locator=row.reservation.locator if row.reservation else "",
    )


def contacts_of(row: Serving) -> tuple[str | None, str | None]:
    """Answer the e-mail address and the telephone number to which what is booked goes."""
    if row.traveller is not None:
        return proved_contacts(row.traveller)
    if row.reservation is not None:
        return row.reservation.contact_email, row.reservation.contact_phone
    return row.guest_email, row.guest_phone


def name_of(row: Serving) -> str:
    """Answer what the one who is served is called: a name, else how to reach them."""
    if row.traveller is not None:
        return str(row.traveller)
    email, phone = contacts_of(row)
    return email or phone or ""


def _language(row: Serving) -> str:
    if row.traveller is not None:
        return row.traveller.language
    return row.reservation.language if row.reservation else row.language


def _viewer(row: Serving) -> Viewer:
    if row.traveller_id is not None:
        return Viewer(user_id=row.traveller_id, served_by=row.staff_id)
    # A guest who holds the link: of that booking, and of those made while serving.
    mine = {row.reservation_id} if row.reservation_id else set()
    mine |= set(
        ServingEntry.objects.filter(serving=row, what=BOOKED, reservation__isnull=False)
        .order_by("id")
        .values_list("reservation_id", flat=True)
    )
    return Viewer(proved=frozenset(mine), served_by=row.staff_id)


def shown(*, viewer: Viewer, locator: str) -> int | None:
    """Answer the id of the reservation that a page with this code shows the viewer, if any."""
    rows = bookings.visible_to(viewer).filter(locator=normal_locator(locator)[:LOCATOR_LENGTH])
    return rows.order_by("id").values_list("id", flat=True).first()


# --- whom staff look for --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was found by what a caller said: an account or a guest's booking, and the contact."""

    user: User | None = None
    reservation: Reservation | None = None
    contact: Contact | None = None

    @property
    def is_known(self) -> bool:
        return self.user is not None or self.reservation is not None

    @property
    def can_be_looked_at(self) -> bool:
        return self.is_known and (self.user is None or can_be_served(self.user))

    @property
    def can_be_booked_for(self) -> bool:
        """Whether there is somewhere to send what is booked, which is surely the caller's."""
        if self.user is not None:
            return can_be_served(self.user) and any(proved_contacts(self.user))
        row = self.reservation
        return row is not None and bool(row.contact_email or row.contact_phone)


def find_caller(text: str) -> Caller:
    """
    Answer who has exactly this e-mail address, telephone number or booking code.

    Nothing is found by a part of them: people are not browsed here.
    """
    try:
        contact = parse_contact(text)
    except ValueError:
        return _by_locator(text)
    return Caller(user=people.find_by_contact(contact=contact), contact=contact)


def _by_locator(text: str) -> Caller:
    code = normal_locator(text)
    if len(code) != LOCATOR_LENGTH:
        return Caller()
    row = Reservation.objects.select_related("user").filter(locator=code).first()
    if row is None:
        return Caller()
    return caller_of(row)


def get_caller(*, traveller_id: int | None, reservation_id: int | None) -> Caller:
    """
    Answer an account, or whose reservation it is, as one who can be served.

    :raises NotFound: there is no such account or reservation, or not one of them is named.
    """
    if traveller_id is not None and reservation_id is None:
        user = User.objects.filter(pk=traveller_id).first()
        if user is None:
            raise NotFound
        return Caller(user=user)
    if reservation_id is None or traveller_id is not None:
        raise NotFound
    row = Reservation.objects.select_related("user").filter(pk=reservation_id).first()
    if row is None:
        raise NotFound
    return caller_of(row)


def caller_of(row: Reservation) -> Caller:
    """Answer whose reservation it is, as one who can be served."""
    return Caller(user=row.user) if row.user is not None else Caller(reservation=row)


# --- what was looked at ---------------------------------------------------------------------------


def over_at(row: Serving, now: datetime) -> datetime | None:
    """Answer when a serving was over, None while it lasts."""
    return row.ended_at or (row.ends_at if row.ends_at <= now else None)


def made_for(
    *, user_id: int, reservation_ids: Collection[int], contacts: Collection[str]
) -> list[Serving]:
    """
    Answer every time that staff looked or booked in a person's place, the oldest first.

    `contacts` are surely the person's: what was booked by phone for a guest of that address is of
    the same person.
    """
    ids = list(reservation_ids)
    entries = ServingEntry.objects.filter(reservation__in=ids, is_refused=False)
    found: set[int] = set()
    for rows in (
        Serving.objects.filter(traveller=user_id).values_list("pk", flat=True),
        Serving.objects.filter(reservation__in=ids).values_list("pk", flat=True),
        Serving.objects.filter(guest_email__in=list(contacts)).values_list("pk", flat=True),
        Serving.objects.filter(guest_phone__in=list(contacts)).values_list("pk", flat=True),
        entries.values_list("serving_id", flat=True),
    ):
        found |= set(rows.order_by("pk"))
    return list(Serving.objects.filter(pk__in=found).order_by("began_at", "pk"))
