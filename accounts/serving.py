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
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, rotate_token

from accounts.viewers import Viewer
from travel.common.ids import digest

LOOK, BOOK = "look", "book"
# Where the session of a member of staff keeps the secret of what it serves.
SESSION_KEY = "serving"
# And, of the latest that are over, by which proof their pages' forms are known.
OVER_KEY = "servings_over"
MOST_OVER = 5


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


def turn(request: HttpRequest, *, secret: str) -> None:
    """
    Let no form of the pages made so far go through any more; `secret` is of the serving that ends.

    Where one ends, it is kept by which proof its forms are known, so that a form that comes too
    late can be answered with what happened (`form_is_of`).
    """
    before = str(request.META.get("CSRF_COOKIE") or "")
    if secret and before:
        kept = [*request.session.get(OVER_KEY, []), [digest(before), digest(secret)]]
        request.session[OVER_KEY] = kept[-MOST_OVER:]
    rotate_token(request)


def form_is_of(request: HttpRequest) -> str | None:
    """Answer the digest of the ended serving on whose pages the form that is sent was made."""
    sent = request.POST.get("csrfmiddlewaretoken") or request.headers.get("X-CSRFToken", "")
    proof = digest(_unmasked(sent))
    return next((of for was, of in request.session.get(OVER_KEY, []) if was == proof), None)


def _unmasked(token: str) -> str:
    """Answer the secret that a form's token was made of; any other text as it is."""
    if len(token) != 2 * CSRF_SECRET_LENGTH or not set(token) <= set(CSRF_ALLOWED_CHARS):
        return token
    places = [CSRF_ALLOWED_CHARS.index(one) for one in token]
    pairs = zip(places[CSRF_SECRET_LENGTH:], places[:CSRF_SECRET_LENGTH], strict=True)
    return "".join(CSRF_ALLOWED_CHARS[masked - mask] for masked, mask in pairs)
