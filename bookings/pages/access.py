"""
Who looks at a traveller's page: the signed-in user, and the guest reservations of this browser.

A guest's reservation opens with a secret that its link carries. The session keeps the secrets of
the reservations made or opened in this browser, so that no later address has to show them.
"""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponseRedirect

from accounts.viewers import Viewer
from bookings import selectors

SESSION_KEY = "guest_secrets"
# A browser keeps the secrets of so many reservations, the newest of them.
MOST_KEPT = 20
KEY_PARAMETER = "key"


def viewer_of(request: HttpRequest) -> Viewer:
    """
    Answer who is looking. Staff are travellers like others here: their desk is the admin.
    """
    user = request.user
    return Viewer(
        user_id=user.pk if user.is_authenticated else None,
        guest_digests=Viewer.guest(_secrets(request).values()).guest_digests,
    )


def remember(request: HttpRequest, locator: str, secret: str) -> None:
    """Keep a guest's secret, so that this browser may see the reservation again."""
    kept = {key: value for key, value in _secrets(request).items() if key != locator}
    newest = list(kept.items())[-(MOST_KEPT - 1) :]
    request.session[SESSION_KEY] = dict([*newest, (locator, secret)])


def take_key(request: HttpRequest, locator: str, *, now: datetime) -> HttpResponseRedirect | None:
    """
    Take the secret out of a reservation's link, and answer the way to the same page without it.

    Answer None when the link carries none. An address with a secret would otherwise stay in the
    browser's history and be sent along to other pages.

    :raises NotFound: the secret does not open this reservation.
    """
    secret = request.GET.get(KEY_PARAMETER)
    if not secret:
        return None
    reservation = selectors.get_reservation(viewer=Viewer.guest([secret]), locator=locator, now=now)
    remember(request, reservation.locator, secret)
    rest = request.GET.copy()
    del rest[KEY_PARAMETER]
    return HttpResponseRedirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)


def _secrets(request: HttpRequest) -> dict[str, str]:
    """Answer what the session keeps, by locator, the oldest first."""
    return dict(request.session.get(SESSION_KEY, {}))
