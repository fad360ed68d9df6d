"""
Who looks at a traveller's page: the signed-in user, and the guest reservations of this browser.

A guest's reservation opens with a secret that its link carries. The session keeps the secrets of
the reservations made or opened in this browser, so that no later address has to show them. It also
keeps, for a while, which reservations were looked up by their code and a name, and of which the
contact was proved besides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts import serving
from accounts.viewers import Viewer
from bookings import selectors
from bookings.errors import ProofNeeded
from bookings.selectors import ReservationDetail
from travel.common import clock

SESSION_KEY = "guest_secrets"
# A browser keeps the secrets of so many reservations, the newest of them.
MOST_KEPT = 20
KEY_PARAMETER = "key"
# In the session: by reservation, when it was looked up, and when its contact was proved.
LOOKED_UP, PROVED = "looked_up", "proved"
# So long a look-up opens a booking, and a code what may be done with it.
LOOKS_FOR, PROVES_FOR = timedelta(hours=2), timedelta(minutes=30)
View = Callable[[HttpRequest, str], HttpResponse]


def viewer_of(request: HttpRequest) -> Viewer:
    """
    Answer who is looking. Staff are travellers like others here: their desk is the admin.

    Who serves a traveller looks with the traveller's eyes, and with nothing that this browser knows
    besides.
    """
    if held := serving.of(request):
        return held.viewer
    user = request.user
    return Viewer(
        user_id=user.pk if user.is_authenticated else None,
        guest_digests=Viewer.guest(_secrets(request).values()).guest_digests,
        looked_up=frozenset(_since(request, LOOKED_UP, LOOKS_FOR)),
        proved=selectors.proofs_that_hold(_since(request, PROVED, PROVES_FOR)),
    )


def note_look_up(request: HttpRequest, reservation_id: int) -> None:
    """Let this browser look at a reservation whose code and a name it has shown."""
    # What somebody else may know of this session ends here.
    request.session.cycle_key()
    _note(request, LOOKED_UP, reservation_id)


def note_proof(request: HttpRequest, reservation_id: int) -> None:
    """Let this browser change a reservation whose contact it has proved."""
    request.session.cycle_key()
    _note(request, PROVED, reservation_id)
    # The proof holds the look-up open as long as it lasts itself.
    _note(request, LOOKED_UP, reservation_id)


def booked_to_change(request: HttpRequest, locator: str, *, now: datetime) -> ReservationDetail:
    """
    Answer a reservation that this browser is about to change.

    :raises NotFound: there is none, or it is not this browser's to see.
    :raises ProofNeeded: it has shown no more than the booking code and a name.
    """
    viewer = viewer_of(request)
    booked = selectors.get_reservation(viewer=viewer, locator=locator, now=now)
    if not selectors.may_change(viewer, booked.id):
        raise ProofNeeded()
    return booked


def asks_for_proof(view: View) -> View:
    """Send whoever has to prove a booking first to do so, and back to this page afterwards."""

    @wraps(view)
    def answer(request: HttpRequest, locator: str) -> HttpResponse:
        try:
            return view(request, locator)
        except ProofNeeded:
            address = reverse("bookings:prove", args=[locator])
            return redirect(f"{address}?{urlencode({'next': request.path})}")

    return answer


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


def _since(request: HttpRequest, name: str, span: timedelta) -> dict[int, datetime]:
    """Answer which reservations of the session's list were noted no longer ago than this, when."""
    since = (clock.now() - span).timestamp()
    noted = request.session.get(name, {})
    return {
        int(key): datetime.fromtimestamp(moment, UTC)
        for key, moment in noted.items()
        if moment > since
    }


def _note(request: HttpRequest, name: str, reservation_id: int) -> None:
    noted = {
        key: moment
        for key, moment in request.session.get(name, {}).items()
        if key != str(reservation_id)
    }
    newest = list(noted.items())[-(MOST_KEPT - 1) :]
    request.session[name] = dict([*newest, (str(reservation_id), clock.now().timestamp())])


def _secrets(request: HttpRequest) -> dict[str, str]:
    """Answer what the session keeps, by locator, the oldest first."""
    return dict(request.session.get(SESSION_KEY, {}))
