"""The acts, one class each: what is asked for, what it means, and the service that does it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import get_language_bidi, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import services as booking
from bookings.documents.passes import has_documents
from bookings.documents.words import seat_in_coach, seat_on_the_way, stops_text
from bookings.notifications import contact_of
from bookings.selectors import CouponDetail, PassengerDetail, PlannedSeat, ReservationDetail
from bookings.services import Alternative, SeatChoice
from bookings.services.reseating import may_change_seats
from inventory import places
from inventory.pricing import INFANT
from inventory.selectors import TicketFacts
from support import acts
from support.admin.reservation import seats as drawing
from support.services import acting
from support.services.cancelling import MAX_REASON
from travel.common.errors import InvalidInput, NotFound
from travel.common.forms import PlainTextField, day_widget
from travel.common.locales import in_a_row, in_groups
from travel.common.templatetags.look import clock_text, moment_text

LONGEST_NAME = 80
ONE_DAY = timedelta(days=1)
# How far ahead staff look for another departure; hardly any carrier sells for longer.
AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Asked:
    """A reservation, what the request said, and when."""

    reservation: ReservationDetail
    given: QueryDict
    now: datetime

    def number(self, name: str) -> int:
        """Answer a number of the request; 0 where it says none."""
        text = self.given.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0


class ReasonForm(forms.Form):
    """Why staff act; the story keeps it."""

    reason = PlainTextField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        widget=forms.TextInput(attrs={"class": "vTextField", "dir": "auto"}),
        help_text=gettext_lazy("Colleagues read it in the story; the traveller does not."),
    )


class ActPage(ABC):
    """What an act asks for, what it means, and how it is done; `meaning` is confirmed if any."""

    act: ClassVar[str]
    label: ClassVar[Promise]
    button: ClassVar[Promise]

    def form(self, asked: Asked, *, is_sent: bool) -> Any:
        return ReasonForm(asked.given if is_sent else None)

    def context(self, asked: Asked, form: Any) -> dict[str, Any]:
        return {"says": self.says(asked)}

    def says(self, asked: Asked) -> list[str]:
        """Say in front of the form what will happen."""
        return []

    def meaning(self, asked: Asked, form: Any) -> list[str]:
        """Say what is to be confirmed; nothing is done at once."""
        return []

    @abstractmethod
    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        """Do it, and answer what was done; nothing where it had been done already."""

    def is_looking_on(self, asked: Asked) -> bool:
        """Say whether a form was sent only to see more of it."""
        return False

    def back(self, asked: Asked) -> str:
        """Answer the query of the page's own address, without the leading sign."""
        return ""


def _told(reservation: ReservationDetail) -> str:
    """Say who is told, so that staff need not tell it again."""
    contact = contact_of(reservation)
    if contact is None or contact.is_phone:
        return _("Nobody is told by itself: there is no e-mail address. Please tell the traveller.")
    return _("An e-mail tells it to %(address)s.") % {"address": contact.address}


# --- a name ---------------------------------------------------------------------------------------


class NameForm(ReasonForm):
    """Whose name, and how it is written."""

    passenger = forms.TypedChoiceField(
        label=gettext_lazy("Passenger"), coerce=int, widget=forms.RadioSelect
    )
    first_name = PlainTextField(label=gettext_lazy("First name"), max_length=LONGEST_NAME)
    last_name = PlainTextField(label=gettext_lazy("Last name"), max_length=LONGEST_NAME)
    field_order = ["passenger", "first_name", "last_name", "reason"]

    def __init__(self, *args: Any, reservation: ReservationDetail, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passenger"].choices = [  # type: ignore[attr-defined]
            (one.id, one.full_name) for one in _travelling(reservation)
        ]


class NamePage(ActPage):
    """A name as it stands on the papers, whatever it was."""

    act = acts.CORRECT_NAMES
    label = gettext_lazy("Correct a name")
    button = gettext_lazy("Correct the name")

    def form(self, asked: Asked, *, is_sent: bool) -> NameForm:
        people = _travelling(asked.reservation)
        wanted = asked.number("passenger")
        if wanted in {one.id for one in asked.reservation.passengers if one not in people}:
            raise NotFound()
        chosen = next(
            (one for one in people if one.id == wanted),
            people[0] if len(people) == 1 else None,
        )
        known = (
            {
                "passenger": chosen.id,
                "first_name": chosen.first_name,
                "last_name": chosen.last_name,
            }
            if chosen
            else {}
        )
        return NameForm(
            asked.given if is_sent else None, initial=known, reservation=asked.reservation
        )

    def says(self, asked: Asked) -> list[str]:
        return [
            _("Staff are not bound to slips of the pen: see the papers, or hear the reason."),
            _("The passenger's tickets are issued anew; earlier ones are stale."),
        ]

    def meaning(self, asked: Asked, form: Any) -> list[str]:
        data = form.cleaned_data
        before = next(
            one.full_name for one in asked.reservation.passengers if one.id == data["passenger"]
        )
        names = {"before": before, "after": f"{data['first_name']} {data['last_name']}"}
        return [_("%(before)s becomes %(after)s.") % names, _told(asked.reservation)]

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        data = form.cleaned_data
        acting.correct_name(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            passenger_id=data["passenger"],
            first_name=data["first_name"],
            last_name=data["last_name"],
            reason=data["reason"],
            now=asked.now,
        )
        return _("Name corrected")


def _travelling(reservation: ReservationDetail) -> list[PassengerDetail]:
    """Answer the passengers with a ticket that is not cancelled and not used."""
    left = {one.passenger_id for one in reservation.open_coupons}
    return [one for one in reservation.passengers if one.id in left]


# --- the contact ----------------------------------------------------------------------------------


class ContactForm(ReasonForm):
    """How the traveller is reached, as it should stand there."""

    email = PlainTextField(
        label=gettext_lazy("E-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"class": "vTextField", "dir": "ltr", "autocomplete": "off"}),
    )
    phone = PlainTextField(
        label=gettext_lazy("Telephone"),
        required=False,
        widget=forms.TextInput(
            attrs={"class": "vTextField", "type": "tel", "dir": "ltr", "autocomplete": "off"}
        ),
        help_text=gettext_lazy(
            "With its country code. An empty field takes a contact away; one of the two stays."
        ),
    )
    field_order = ["email", "phone", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"email", "phone"} <= cleaned.keys():
            try:
                cleaned["email"], cleaned["phone"] = booking.read_contacts(
                    email=cleaned["email"], phone=cleaned["phone"]
                )
            except InvalidInput as refused:
                for field, texts in refused.errors.items():
                    self.add_error(field, texts)
        return cleaned


class ContactPage(ActPage):
    """Another e-mail address or number, where the one that stands there was written wrongly."""

    act = acts.CORRECT_CONTACT
    label = gettext_lazy("Correct the contact")
    button = gettext_lazy("Correct the contact")

    def form(self, asked: Asked, *, is_sent: bool) -> ContactForm:
        known = {
            "email": asked.reservation.contact_email or "",
            "phone": asked.reservation.contact_phone or "",
        }
        return ContactForm(asked.given if is_sent else None, initial=known)

    def says(self, asked: Asked) -> list[str]:
        own = (asked.reservation.contact_email, asked.reservation.contact_phone)
        now = in_a_row(one for one in own if one) or _("none")
        said = [
            _("The contact is now: %(contact)s.") % {"contact": now},
            _("Be sure that it is the traveller: ask who travels, where and when."),
            _("The former contact is told, so that nobody takes a booking over in silence."),
        ]
        if asked.reservation.user_id is not None:
            said.append(_("The account keeps its own contacts: its holder changes them by codes."))
        return said

    def meaning(self, asked: Asked, form: Any) -> list[str]:
        data = form.cleaned_data
        reservation = asked.reservation
        ahead = booking.foresee(reservation, email=data["email"], phone=data["phone"])
        if not ahead.changes:
            return []
        said = [
            sentence
            for before, after in (
                (reservation.contact_email, data["email"]),
                (reservation.contact_phone, data["phone"]),
            )
            if (sentence := _becomes(before, after))
        ]
        if ahead.moves:
            usual = ahead.after[0]
            with_tickets = has_documents(reservation) and not usual.is_phone
            goes = (
                _("The link to the booking goes to %(address)s, with the tickets.")
                if with_tickets
                else _("The link to the booking goes to %(address)s.")
            )
            said.append(goes % {"address": usual.address})
        if ahead.moves and reservation.user_id is None:
            said.append(
                _("Links sent before open nothing any more, in the traveller's own browser too.")
            )
        if ahead.reissues:
            said.append(_("The tickets are issued anew; earlier ones are stale."))
        if ahead.told:
            told = in_a_row(one.address for one in ahead.told)
            said.append(
                _("Told of the change, without whole addresses: %(addresses)s.")
                % {"addresses": told}
            )
        return said

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        data = form.cleaned_data
        changed = acting.correct_contact(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            email=data["email"] or "",
            phone=data["phone"] or "",
            reason=data["reason"],
            now=asked.now,
        )
        return _("Contact corrected") if changed else ""


def _becomes(before: str | None, after: str | None) -> str:
    """Say what becomes of one of the contacts; nothing where it stays."""
    if before == after:
        return ""
    words = {"before": before, "after": after}
    if not after:
        return _("%(before)s is taken away.") % words
    if not before:
        return _("%(after)s is added.") % words
    return _("%(before)s becomes %(after)s.") % words


# --- seats ----------------------------------------------------------------------------------------


class SeatsForm(ReasonForm):
    """The seats that were chosen, each once, for each of the party."""

    def __init__(
        self,
        data: QueryDict | None,
        *,
        party: list[CouponDetail],
        plan: list[PlannedSeat],
    ) -> None:
        super().__init__(data)
        self.party = party
        self.free = {str(one.seat.id): one.seat for one in plan if one.is_free}
        self.given = [one for one in data.getlist("seat") if one] if data is not None else []
        # From the list each names the own seat; on the plan the office shares them out.
        self.in_order = data is not None and "in_order" in data

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if len(set(self.given)) < len(self.given):
            self.add_error(None, _("A seat is named twice. Everybody needs one of their own."))
        elif len(self.given) != len(self.party):
            said = ngettext(
                "Choose exactly %(n)s seat.", "Choose exactly %(n)s seats.", len(self.party)
            )
            self.add_error(None, said % {"n": len(self.party)})
        elif set(self.given) - self.free.keys():
            self.add_error(None, _("A seat is not free any more. Please choose again."))
        return cleaned

    def shared(self) -> list[tuple[CouponDetail, Any]]:
        """Answer who gets which seat: whoever may keep the own one does, the rest in order."""
        left = [self.free[one] for one in self.given]
        if self.in_order:
            return list(zip(self.party, left, strict=True))
        kept = {}
        for coupon in self.party:
            own = {(place.coach, place.seat) for place in coupon.seats}
            same = [one for one in left if {(one.coach, one.label)} == own]
            if same:
                kept[coupon.id] = same[0]
                left.remove(same[0])
        return [(one, kept[one.id] if one.id in kept else left.pop(0)) for one in self.party]


class SeatsPage(ActPage):
    """Other seats of the same class on one ticket: on the plan, or from a list for each."""

    act = acts.CHANGE_SEATS
    label = gettext_lazy("Change seats")
    button = gettext_lazy("Change the seats")

    def form(self, asked: Asked, *, is_sent: bool) -> SeatsForm:
        ticket = self._ticket(asked)
        return SeatsForm(
            asked.given if is_sent else None,
            party=self._party(asked.reservation, ticket),
            plan=booking.seats_to_choose(asked.reservation, ticket.id, now=asked.now),
        )

    def context(self, asked: Asked, form: Any) -> dict[str, Any]:
        ticket = self._ticket(asked)
        plan = booking.seats_to_choose(asked.reservation, ticket.id, now=asked.now)
        present = [self._seat_id(one, plan) for one in form.party]
        chosen = form.given or [one for one in present if one]
        coaches = drawing.coaches(ticket.service.mode, plan, chosen)
        as_list = asked.given.get("view") == "list" or not all(one.drawable for one in coaches)
        return {
            "says": [_("Free of charge, in the same class."), _told(asked.reservation)],
            "template": "admin/support/reservation/seats.html",
            "ticket": ticket,
            "tickets": self._tickets(asked),
            "as_list": as_list,
            "is_drawable": all(one.drawable for one in coaches),
            "coaches": coaches,
            "people": len(form.party),
            "sitters": [
                (
                    asked.reservation.passenger_of(one).full_name,
                    seat_on_the_way(one, ticket),
                    drawing.choices(plan, chosen[place] if place < len(chosen) else ""),
                )
                for place, one in enumerate(form.party)
            ],
        }

    def meaning(self, asked: Asked, form: Any) -> list[str]:
        ticket = self._ticket(asked)
        said = [
            _("%(name)s: %(before)s, then %(after)s")
            % {
                "name": asked.reservation.passenger_of(coupon).full_name,
                "before": seat_on_the_way(coupon, ticket),
                "after": seat_in_coach(seat.coach, [seat.label]),
            }
            for coupon, seat in form.shared()
        ]
        return [*said, _told(asked.reservation)]

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        ticket = self._ticket(asked)
        acting.change_seats(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            seats=[
                SeatChoice(ticket.id, coupon.passenger, seat.coach, seat.label)
                for coupon, seat in form.shared()
            ],
            reason=form.cleaned_data["reason"],
            now=asked.now,
        )
        return _("Seats changed")

    def is_looking_on(self, asked: Asked) -> bool:
        return "look" in asked.given

    def back(self, asked: Asked) -> str:
        return f"ticket={self._ticket(asked).id}"

    def _tickets(self, asked: Asked) -> list[TicketFacts]:
        return [
            one
            for one in asked.reservation.journey
            if may_change_seats(one, now=asked.now)
            and any(
                place.seat for own in self._party(asked.reservation, one) for place in own.seats
            )
        ]

    def _ticket(self, asked: Asked) -> TicketFacts:
        return _chosen_ticket(asked, self._tickets(asked))

    def _party(self, reservation: ReservationDetail, ticket: TicketFacts) -> list[CouponDetail]:
        return [
            one
            for one in reservation.open_on(ticket.id)
            if reservation.passenger_of(one).kind != INFANT
        ]

    def _seat_id(self, coupon: CouponDetail, plan: list[PlannedSeat]) -> str:
        places_ = {(one.coach, one.seat) for one in coupon.seats}
        return next(
            (str(one.seat.id) for one in plan if (one.seat.coach, one.seat.label) in places_), ""
        )


def _chosen_ticket(asked: Asked, tickets: list[TicketFacts]) -> TicketFacts:
    """
    Answer the ticket that the request names, or the first.

    :raises NotFound: it is not among them: the page is older than what was done since.
    """
    wanted = asked.number("ticket")
    found = next((one for one in tickets if one.id == wanted), None)
    if found is None and (wanted or not tickets):
        raise NotFound()
    return found or tickets[0]


# --- another departure ----------------------------------------------------------------------------


class RebookForm(ReasonForm):
    """Which departure takes the place of the ticket."""

    to = forms.TypedChoiceField(label=gettext_lazy("Instead"), coerce=int, widget=forms.RadioSelect)
    field_order = ["to", "reason"]

    def __init__(self, *args: Any, offered: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = offered  # type: ignore[attr-defined]


class DayForm(forms.Form):
    """The day whose departures are offered: by itself the ticket's, or today once that is over."""

    day = forms.DateField(
        label=gettext_lazy("Leaves on"),
        input_formats=["%Y-%m-%d"],
        widget=day_widget(),
    )

    def __init__(self, *args: Any, usual: date, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.usual, self.today = max(usual, today), today
        self.last = today + AHEAD
        field = self.fields["day"]
        field.initial = self.usual
        field.widget.attrs |= {"min": today.isoformat(), "max": self.last.isoformat()}

    @classmethod
    def of(cls, asked: Asked, ticket: TicketFacts) -> DayForm:
        """Answer the form as the request fills it in, with the days of the ticket's station."""
        zone = ZoneInfo(ticket.origin.station.tz)
        return cls(
            asked.given if "day" in asked.given else None,
            usual=ticket.departs_at.astimezone(zone).date(),
            today=asked.now.astimezone(zone).date(),
        )

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day < self.today:
            raise forms.ValidationError(_("This day is over."), code="over")
        if day > self.last:
            raise forms.ValidationError(_("This day is too far ahead."), code="far")
        return day

    @property
    def shown(self) -> date:
        """The day that was asked for; the usual one where that makes no sense."""
        return self.cleaned_data["day"] if self.is_bound and self.is_valid() else self.usual

    @property
    def before(self) -> date | None:
        """The day before the one that is shown, unless it is over."""
        return self.shown - ONE_DAY if self.shown > self.today else None

    @property
    def after(self) -> date | None:
        """The day after the one that is shown, unless it is too far ahead."""
        return self.shown + ONE_DAY if self.shown < self.last else None


class RebookPage(ActPage):
    """Another departure of the same carrier, free of charge, also where nothing is wrong."""

    act = acts.REBOOK
    label = gettext_lazy("Rebook")
    button = gettext_lazy("Rebook")

    def form(self, asked: Asked, *, is_sent: bool) -> RebookForm:
        ticket = self._ticket(asked)
        offered = [
            (one.ticket_id, _offer(one))
            for one in booking.find_alternatives(
                reservation=asked.reservation,
                ticket_id=ticket.id,
                now=asked.now,
                day=self._day(asked).shown,
            )
        ]
        return RebookForm(asked.given if is_sent else None, offered=offered)

    def context(self, asked: Asked, form: Any) -> dict[str, Any]:
        ticket = self._ticket(asked)
        days = self._day(asked)
        return {
            "says": [
                _("Free of charge, whatever the fare says: the price that was paid stays."),
                _told(asked.reservation),
            ],
            "before_form": "admin/support/reservation/rebook.html",
            "ticket": ticket,
            "tickets": self._tickets(asked),
            "days": days,
            "keeps": [("day", days.shown.isoformat())],
            "has_offers": bool(form.fields["to"].choices),
        }

    def meaning(self, asked: Asked, form: Any) -> list[str]:
        ticket = self._ticket(asked)
        party = asked.reservation.open_on(ticket.id)
        chosen = dict(form.fields["to"].choices)[form.cleaned_data["to"]]
        names = in_groups(asked.reservation.passenger_of(one).full_name for one in party)
        return [
            _("%(names)s leave %(service)s, %(time)s.")
            % {
                "names": names,
                "service": ticket.service.number,
                "time": moment_text(ticket.departs_at, ticket.origin.station.tz),
            },
            _("Instead: %(offer)s.") % {"offer": chosen},
            _("Seats are given as the party wished before. Nothing is charged."),
            _told(asked.reservation),
        ]

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        acting.rebook(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            ticket_id=self._ticket(asked).id,
            to_ticket_id=form.cleaned_data["to"],
            reason=form.cleaned_data["reason"],
            now=asked.now,
        )
        return _("Rebooked to another departure")

    def back(self, asked: Asked) -> str:
        return f"ticket={self._ticket(asked).id}&day={self._day(asked).shown.isoformat()}"

    def _day(self, asked: Asked) -> DayForm:
        return DayForm.of(asked, self._ticket(asked))

    def _tickets(self, asked: Asked) -> list[TicketFacts]:
        return [one for one in asked.reservation.journey if asked.reservation.open_on(one.id)]

    def _ticket(self, asked: Asked) -> TicketFacts:
        return _chosen_ticket(asked, self._tickets(asked))


def _offer(one: Alternative) -> str:
    """Write an alternative as one line of a list."""
    start, end = (
        places.station(station_id)
        for station_id in (one.stretch.from_station_id, one.stretch.to_station_id)
    )
    arrives_at = one.stretch.expected_arrives_at or one.stretch.arrives_at
    parts = [
        _("%(service)s, %(leaves)s %(origin)s – %(arrives)s %(destination)s")
        % {
            "service": _isolated(one.stretch.number),
            "leaves": moment_text(one.stretch.leaves_at, start.tz),
            "origin": _isolated(start.name),
            "arrives": clock_text(arrives_at, end.tz),
            "destination": _isolated(end.name),
        },
        stops_text(one.stretch.stops),
        ngettext("%(n)s seat left", "%(n)s seats left", one.seats_left) % {"n": one.seats_left},
    ]
    if one.is_better_class:
        parts.append(_("a better class: %(name)s") % {"name": one.rule.name})
    if one.needs_more:
        parts.append(_("the next departure of the journey is not reached"))
    return in_a_row(parts)


def _isolated(name: str) -> str:
    """Keep a Latin name from turning round what stands beside it in a line read from the right."""
    return f"\u2068{name}\u2069" if get_language_bidi() else name


# --- sending again, more time ---------------------------------------------------------------------


class TicketsPage(ActPage):
    """The tickets once more, to the reservation's own address."""

    act = acts.RESEND
    label = gettext_lazy("Send the tickets again")
    button = gettext_lazy("Send the tickets")

    def says(self, asked: Asked) -> list[str]:
        return [
            _("They go to %(address)s, and to no other address.")
            % {"address": asked.reservation.contact_email},
            _("Three times an hour at most, whoever asks."),
        ]

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        acting.resend_tickets(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            reason=form.cleaned_data["reason"],
            now=asked.now,
        )
        return _("Tickets sent again")


class PaymentLinkPage(ActPage):
    """Where to pay, once more."""

    act = acts.PAYMENT_LINK
    label = gettext_lazy("Send the payment link")
    button = gettext_lazy("Send the link")

    def says(self, asked: Asked) -> list[str]:
        contact = contact_of(asked.reservation)
        assert contact is not None, "the act is offered with a contact only"
        said = [
            _("It goes to %(address)s, and to no other address.") % {"address": contact.address},
            _("The seats are held until %(time)s.")
            % {
                "time": moment_text(
                    asked.reservation.hold_until, asked.reservation.journey[0].origin.station.tz
                )
            },
        ]
        if asked.reservation.user_id is None:
            said.append(_("A guest finds the booking by its code and name, then by a code."))
        return said

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        acting.send_payment_link(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            reason=form.cleaned_data["reason"],
            now=asked.now,
        )
        return _("Payment link sent again")


class ExtendPage(ActPage):
    """Ten more minutes to pay, once."""

    act = acts.EXTEND
    label = gettext_lazy("Extend the hold")
    button = gettext_lazy("Extend it")

    def says(self, asked: Asked) -> list[str]:
        return [
            _("The traveller has %(minutes)s minutes from now to pay, and is told so.")
            % {"minutes": _hold_minutes()},
            _("A hold is extended once, by the traveller or by staff."),
        ]

    def run(self, viewer: Viewer, asked: Asked, form: Any) -> str:
        acting.extend_hold(
            viewer=viewer,
            reservation_id=asked.reservation.id,
            reason=form.cleaned_data["reason"],
            now=asked.now,
        )
        return _("Hold extended")


def _hold_minutes() -> int:
    return int(settings.HOLD_DURATION / timedelta(minutes=1))


PAGES: dict[str, ActPage] = {
    "name": NamePage(),
    "contact": ContactPage(),
    "seats": SeatsPage(),
    "rebook": RebookPage(),
    "tickets": TicketsPage(),
    "payment-link": PaymentLinkPage(),
    "extend": ExtendPage(),
}
