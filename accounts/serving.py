"""
Serving: a member of staff uses the travellers' pages for a traveller, to look or to book by phone.

Here is what pages need to know of it: `of` answers it for a request, or None where everybody is who
they are. Who is served, whether it still holds, and what is written down of it is the business of
support, the top storey, whose middleware sets it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.viewers import Viewer

LOOK, BOOK = "look", "book"
# Where the session of a member of staff keeps the secret of what it serves.
SESSION_KEY = "serving"


@dataclass(frozen=True, slots=True)
class Serving:
    """
    Whom a member of staff serves, why and until when.

    `viewer` is with whose eyes pages are looked at; `user` is the traveller's account, None for a
    guest. `email`, `phone` and `language` are how the traveller is reached: what is booked goes
    there, and nowhere else. `locator` is the guest's booking that it is about, if it is about one.

    A page that books notes the reservation in `booked`, so that the log of the serving has it.
    """

    id: int
    staff_id: int
    purpose: str
    reason: str
    ends_at: datetime
    traveller: str
    viewer: Viewer
    email: str | None
    phone: str | None
    language: str
    user: Any = field(default=None, compare=False)
    locator: str = ""
    booked: list[int] = field(default_factory=list, compare=False)

    @property
    def is_booking(self) -> bool:
        """Whether it is for booking by phone; else it is for looking alone."""
        return self.purpose == BOOK

    @property
    def is_guest(self) -> bool:
        """Whether who is served has no account."""
        return self.user is None


def of(request: HttpRequest) -> Serving | None:
    """Answer whom the sender of this request serves, if anybody."""
    found: Serving | None = getattr(request, "serving", None)
    # The attribute may be lazy: only what it stands for says whether there is anything.
    return found or None
