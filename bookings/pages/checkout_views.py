"""Checkout: who travels and how to reach them, up to the seats being held."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import serving
from accounts.selectors import saved_by
from accounts.serving import Serving
from bookings import services
from bookings.pages import offered
from bookings.pages.access import remember
from bookings.pages.forms import ContactForm, PassengerForm
from bookings.pages.journey import ChosenSeat, Journey, seats_in_words
from bookings.pages.offered import Bill, hold_minutes
from bookings.pages.refusals import missing_is_404
from bookings.pages.ticket_views import closed, who_travels
from bookings.services import Holder, PassengerDetails, Reserved, SeatChoice
from inventory import selectors as inventory
from inventory.errors import DepartureClosed, MixedCurrencies
from inventory.pricing import INFANT
from inventory.selectors import Offer
from travel.common import clock, idempotency
from travel.common.errors import InvalidInput, NotFound, Refusal
from travel.common.idempotency import Answer, Asked
from travel.common.ids import digest, new_secret
from travel.common.locales import one_after_another
from travel.common.money import Money
from travel.common.transactions import in_repeatable_transaction

LONGEST_KEY = 100
LONGEST_TYPED = 254
MOST_PASSENGERS = 9
DIGITS = {str(place) for place in range(MOST_PASSENGERS)}
PASSENGER_FAULT = re.compile(r"passengers\[(\d+)\]\.(dateOfBirth|type)")


@dataclass(frozen=True, slots=True)
class Way:
    """A way forward after a refusal: a link, or a button of the form by its name."""

    label: str
    href: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """What the office said no to, in words, with more lines about it, and what can be done."""

    text: str
    ways: list[Way]
    lines: Sequence[str] = ()


@dataclass(slots=True)
class Checkout:
    """All that the page shows and sends: what is bought, and the forms."""

    journey: Journey
    offers: list[Offer]
    bill: Bill
    passengers: list[PassengerForm]
    # None while staff book by phone: what is booked goes to the caller's own contact.
    contact: ContactForm | None
    form_key: str
    saved: list[tuple[int, str]]
    held: Serving | None = None
    is_filling: bool = False
    refused: Refused | None = None

    @property
    def round_trip(self) -> bool:
        return self.journey.is_return and len(self.offers) > 1

    @property
    def forms(self) -> list[Form]:
        """All that is filled in, in the order of the page."""
        return [*self.passengers, *([self.contact] if self.contact else [])]

    @property
    def is_valid(self) -> bool:
        # Every form is asked, so that each shows what is wrong with it.
        answers = [form.is_valid() for form in self.forms]
        return all(answers)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def checkout(request: HttpRequest) -> HttpResponse:
    """Ask who travels; hold the seats and go on to the payment."""
    now = clock.now()
    journey = Journey(request.GET)
    if not journey.tickets:
        return redirect(journey.to_search())
    try:
        offers = inventory.get_offers(journey.tickets, now=now)
    except DepartureClosed:
        return closed(request, journey)
    if not all(offer.is_on_sale(now) for offer in offers):
        return closed(request, journey)
    if len({offer.rule.currency for offer in offers}) > 1:
        return _mixed(request, journey)
    page = _prepare(request, journey, offers, now)
    if request.method == "POST" and not page.is_filling and page.is_valid:
        answer = _reserve(request, page, now)
        if answer is not None:
            return answer
    return _show(request, page)


def _mixed(request: HttpRequest, journey: Journey) -> HttpResponse:
    context = {"journey": journey, "text": MixedCurrencies.title}
    return render(request, "bookings/closed.html", context, status=MixedCurrencies.status)


# --- the page -------------------------------------------------------------------------------------


def _prepare(
    request: HttpRequest, journey: Journey, offers: list[Offer], now: datetime
) -> Checkout:
    user = request.user
    saved = {one.pk: one for one in saved_by(user.pk)} if user.is_authenticated else {}
    is_filling = request.method == "POST" and "fill" in request.POST
    data = request.POST if request.method == "POST" and not is_filling else None
    filled = _filled(request, saved) if is_filling else {}
    known = (
        {
            "first_name": user.first_name,
            "last_name": user.last_name,
            "date_of_birth": user.date_of_birth,
        }
        if user.is_authenticated
        else {}
    )
    kinds = journey.party.kinds
    seated = _seated(journey)
    passengers = [
        PassengerForm(
            data,
            prefix=f"p{place + 1}",
            initial=filled.get(place)
            or {"seat_wish": journey.wish, **(known if place == 0 else {})},
            who=who,
            kind=kinds[place],
            has_seats=kinds[place] == INFANT or len(seated.get(place, [])) == len(offers),
            today=now.date(),
        )
        for place, who in enumerate(who_travels(journey))
    ]
    held = serving.of(request)
    contact = ContactForm(data, initial=_contact(request, is_filling=is_filling))
    return Checkout(
        journey=journey,
        offers=offers,
        bill=offered.bill(offers, kinds, round_trip=journey.is_return and len(offers) > 1),
        passengers=passengers,
        contact=None if held else contact,
        held=held,
        form_key=request.POST.get("form_key", "")[:LONGEST_KEY] or new_secret(),
        saved=[(key, str(one)) for key, one in saved.items()],
        is_filling=is_filling,
    )


def _contact(request: HttpRequest, *, is_filling: bool) -> dict[str, object]:
    """Answer what the contact begins with: what was typed, else the account's."""
    if is_filling:
        return {name: request.POST.get(name, "")[:LONGEST_TYPED] for name in ("email", "phone")}
    user = request.user
    return {"email": user.email, "phone": user.phone} if user.is_authenticated else {}


def _filled(request: HttpRequest, saved: Mapping[int, Any]) -> dict[int, dict[str, object]]:
    """
    Answer what was typed for each passenger, with a saved one put where the traveller said.

    The button's value is `place:id`; one that makes no sense fills nothing in.
    """
    filled: dict[int, dict[str, object]] = {
        place: {
            name: request.POST.get(f"p{place + 1}-{name}", "")[:LONGEST_TYPED]
            for name in ("first_name", "last_name", "date_of_birth", "seat_wish")
        }
        for place in range(MOST_PASSENGERS)
    }
    place, _colon, key = request.POST["fill"].partition(":")
    one = saved.get(int(key)) if key.isascii() and key.isdigit() and len(key) < 16 else None
    if one is not None and place in DIGITS:
        filled[int(place)] |= {
            "first_name": one.first_name,
            "last_name": one.last_name,
            "date_of_birth": one.date_of_birth,
        }
    return filled


def _show(request: HttpRequest, page: Checkout) -> HttpResponse:
    journey = page.journey
    seated = _seated(journey)
    trips = [
        offered.trip_of_offer(offer, seats=seats_in_words(journey.seats_on(offer.ticket.id)))
        for offer in page.offers
    ]
    last = page.offers[-1].ticket.id
    return render(
        request,
        "bookings/checkout.html",
        {
            "page": page,
            "has_faults": any(form.is_bound and form.errors for form in page.forms),
            "passengers": [
                (form, [_seat_words(one) for one in seated.get(place, [])])
                for place, form in enumerate(page.passengers)
            ],
            "forms": page.forms,
            "trips": trips,
            "back_href": journey.to_ticket(last),
            "search_href": journey.to_search(),
            "hold_minutes": hold_minutes(by_phone=page.held is not None),
        },
        status=HTTPStatus.CONFLICT if page.refused else HTTPStatus.OK,
    )


def _seat_words(choice: SeatChoice) -> str:
    return seats_in_words([ChosenSeat(choice.ticket_id, choice.coach, choice.seat)])


def _seated(journey: Journey) -> dict[int, list[SeatChoice]]:
    """Give the chosen seats of each ticket to the passengers in order; infants come last."""
    seated: dict[int, list[SeatChoice]] = {}
    for ticket_id in journey.tickets:
        for place, seat in enumerate(journey.seats_on(ticket_id)[: journey.party.seats]):
            choice = SeatChoice(ticket_id, place, seat.coach, seat.label)
            seated.setdefault(place, []).append(choice)
    return seated


# --- the hold -------------------------------------------------------------------------------------


def _reserve(request: HttpRequest, page: Checkout, now: datetime) -> HttpResponseRedirect | None:
    """Hold the seats and answer the way to the payment; None when it was refused."""
    asked = Asked(
        scope=digest("checkout"),
        method="POST",
        path=request.path,
        key=page.form_key,
        fingerprint=digest(request.get_full_path()),
    )
    try:
        locator, reserved = _once(
            asked,
            holder=_holder(request, page),
            page=page,
            anywhere="anywhere" in request.POST,
            changing="changing" in request.POST,
            expected=_expected(request, page),
            now=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        _tell(page, refusal)
        return None
    if reserved is None:
        messages.info(
            request,
            _("Your seats are held already, under the booking code %(locator)s.")
            % {"locator": locator},
        )
    elif page.held:
        page.held.booked.append(reserved.reservation.id)
    elif reserved.guest_secret:
        remember(request, locator, reserved.guest_secret)
    if page.held:
        # What was booked, to read it out: a page of the back office.
        return redirect("admin:serving_booked", locator)
    return redirect(reverse("payments:payment", args=[locator]))


@in_repeatable_transaction
def _once(
    asked: Asked,
    *,
    holder: Holder,
    page: Checkout,
    anywhere: bool,
    changing: bool,
    expected: Money | None,
    now: datetime,
) -> tuple[str, Reserved | None]:
    """
    Reserve once for each form: sent again, it finds the reservation that it made.

    Answers the locator, and what was made unless it was made before.
    """
    known = idempotency.claim(asked, now=now)
    if known is not None:
        return known.body, None
    reserved = services.reserve(
        holder=holder,
        ticket_ids=page.journey.tickets,
        passengers=[_details(form) for form in page.passengers],
        seats=[] if anywhere else [seat for row in _seated(page.journey).values() for seat in row],
        round_trip=page.round_trip,
        expected_price=expected,
        accept_seat_change=changing,
        booked_by=page.held.staff_id if page.held else None,
        now=now,
    )
    locator = reserved.reservation.locator
    idempotency.finish(
        asked, Answer(status=HTTPStatus.FOUND, body=locator, content_type="text/plain"), now=now
    )
    return locator, reserved


def _holder(request: HttpRequest, page: Checkout) -> Holder:
    """Answer who reserves; by phone, the caller, in the caller's language."""
    held, contact = page.held, page.contact
    if held is not None:
        return Holder(
            user_id=held.viewer.user_id, email=held.email, phone=held.phone, language=held.language
        )
    assert contact is not None, "whoever books alone leaves a contact"
    return Holder(
        user_id=request.user.pk if request.user.is_authenticated else None,
        email=contact.cleaned_data["email"],
        phone=contact.cleaned_data["phone"] or None,
        language=get_language() or "en",
    )


def _details(form: PassengerForm) -> PassengerDetails:
    typed = form.cleaned_data
    return PassengerDetails(
        first_name=typed["first_name"],
        last_name=typed["last_name"],
        kind=form.kind,
        date_of_birth=typed["date_of_birth"],
        seat_wish=typed.get("seat_wish", ""),
    )


def _expected(request: HttpRequest, page: Checkout) -> Money | None:
    """Answer the price that the traveller saw."""
    text = request.POST.get("expected", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        return None
    return Money(int(text), page.bill.total.currency)


# --- refusals -------------------------------------------------------------------------------------


def _tell(page: Checkout, refusal: Refusal) -> None:
    """Put a refusal where it belongs: at a field, or above the form with a way forward."""
    if isinstance(refusal, InvalidInput) and refusal.errors:
        others = [
            text for key, texts in refusal.errors.items() for text in _place(page, key, texts)
        ]
        if not others:
            return
        page.refused = Refused(" ".join(others), [_another_trip(page.journey)])
        return
    changes = refusal.details.get("seatChanges", [])
    text = (
        _("No seat is free all the way, but there is room with a change of seat on the way.")
        if changes
        else str(refusal.detail)
    )
    page.refused = Refused(text, _ways(page, refusal), _changes_in_words(page, changes))


def _changes_in_words(page: Checkout, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say for each passenger where to sit to where: "seat 12 to Kassel, then seat 31 to Munich"."""
    said: dict[int, list[str]] = {}
    for one in changes:
        words = seats_in_words([ChosenSeat(one["ticketID"], one["coach"], one["seat"])])
        said.setdefault(one["passenger"], []).append(
            _("%(seat)s to %(station)s") % {"seat": words, "station": one["to"]["station"]}
        )
    who = who_travels(page.journey)
    return [f"{who[place]}: {one_after_another(seats)}." for place, seats in said.items()]


def _place(page: Checkout, key: str, texts: Sequence[str]) -> list[str]:
    """Put errors at their passenger's date of birth; answer those that are about none."""
    about = PASSENGER_FAULT.fullmatch(key)
    if about is None or int(about[1]) >= len(page.passengers):
        return list(texts)
    said = texts
    if about[2] == "type":
        said = [
            _(
                "Somebody born on this day pays another price on the day of travel. Correct the"
                " date, or change the passengers in your search."
            )
        ]
    page.passengers[int(about[1])].add_error("date_of_birth", list(said))
    return []


def _ways(page: Checkout, refusal: Refusal) -> list[Way]:
    journey = page.journey
    if refusal.code == "seat_taken":
        ticket_id = refusal.details.get("ticketID") or journey.tickets[-1]
        return [
            Way(_("Place us somewhere else"), name="anywhere"),
            Way(_("Choose other seats"), journey.to_seats(ticket_id)),
        ]
    if refusal.details.get("seatChanges"):
        return [
            Way(_("Agree to change seats"), name="changing"),
            _another_trip(journey),
        ]
    if refusal.code == "too_many_holds":
        return [Way(_("Look at my trips"), reverse("bookings:my-trips"))]
    if refusal.code == "price_changed":
        return []
    return [_another_trip(journey)]


def _another_trip(journey: Journey) -> Way:
    return Way(_("Choose another trip"), journey.to_search())
