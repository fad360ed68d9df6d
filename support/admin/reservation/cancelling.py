"""
Cancelling for a traveller: what it costs, then exactly that.

One form holds the choice, the note and the quote. What is ticked when the button is pressed must be
what the quote was made for: whoever changes the choice is shown the new amounts first.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.errors import NotCancellable
from bookings.models import Reservation
from bookings.selectors import ReservationDetail
from inventory.selectors import TicketFacts
from payments import services
from payments.errors import QuoteExpired
from payments.models import Reason, Refund
from support import selectors
from support import services as help_desk
from support.admin.reservation.desk import Hand, reservation_of
from travel.common import acts, clock
from travel.common.errors import InvalidInput, NotFound, Refusal
from travel.common.locales import in_a_row
from travel.common.templatetags.look import money_text


class ChoiceForm(forms.Form):
    """What is to be cancelled, why, how much of the penalty is waived, and where the money goes."""

    code = forms.ChoiceField(
        label=_("Reason"),
        choices=Reason.choices,
        required=False,
        help_text=_(
            "A wish waives nothing, and only for another reason is what has left cancelled."
        ),
    )
    waive = forms.IntegerField(
        label=_("Waive of the penalty, %"), required=False, min_value=0, max_value=100
    )
    passengers = forms.TypedMultipleChoiceField(
        label=_("Passengers"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nobody chosen means everybody."),
    )
    tickets = forms.TypedMultipleChoiceField(
        label=_("Tickets"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen means all."),
    )
    to = forms.ChoiceField(
        label=_("The money goes"), choices=Refund.Destination.choices, required=False
    )

    def __init__(self, data: Any, *, reservation: ReservationDetail) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        fields["passengers"].choices = [(one.id, one.full_name) for one in reservation.passengers]
        fields["tickets"].choices = [
            (one.id, _ticket_in_words(one)) for one in reservation.tickets.values()
        ]
        if reservation.user_id is None:
            del self.fields["to"]

    @property
    def chosen(self) -> dict[str, Any]:
        """What the service is asked for; only a form without faults says it."""
        data = self.cleaned_data
        return {
            "reason_code": data.get("code") or "",
            "waive_penalty": bool(data.get("waive")),
            "waive_basis_points": (data.get("waive") or 100) * 100,
            "passenger_ids": data.get("passengers") or (),
            "ticket_ids": data.get("tickets") or (),
            "refund_to": data.get("to") or Refund.Destination.SOURCE.value,
        }


class CancelForm(forms.Form):
    """Why staff cancel, and the quote that they have seen."""

    reason = forms.CharField(
        label=_("Note"),
        max_length=help_desk.MAX_REASON,
        help_text=_("The story and the books keep it; the traveller does not read it."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    quote = forms.CharField(widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one ticket of one passenger costs and gives back."""

    passenger: str
    ticket: str
    amounts: services.CouponQuote


def cancel_view(site: Any, request: HttpRequest, hand: Hand, *, object_id: str) -> HttpResponse:
    """
    Show what cancelling costs and gives back; cancel by exactly that once confirmed.

    The query, or the form once it is sent, says what is chosen: passengers, tickets, reason,
    waiver, where the money goes. `show` in the form asks what a choice costs and does nothing.
    """
    reservation = reservation_of(hand, object_id, now=clock.now())
    if not hand.may(selectors.CANCEL):
        raise PermissionDenied
    page = reverse("admin:bookings_reservation_change", args=[reservation.id])
    is_sent = request.method == "POST"
    choice = ChoiceForm(request.POST if is_sent else request.GET, reservation=reservation)
    form = CancelForm(request.POST if is_sent and "show" not in request.POST else None)
    if not choice.is_valid():
        return _confirmation(site, request, reservation, form, choice, None)
    is_stale = False
    try:
        if form.is_valid():
            try:
                _cancel(request, hand, reservation, form.cleaned_data, choice.chosen)
            except QuoteExpired:
                # Another choice is ticked than was shown, or the amounts are others by now.
                is_stale = True
            else:
                return HttpResponseRedirect(page)
        quote = _quote(hand, reservation, choice.chosen)
    except NotFound:
        raise
    except (NotCancellable, InvalidInput) as refusal:
        # Another choice may do: what has left, say, for a reason that allows it.
        messages.error(request, told(refusal))
        return _confirmation(site, request, reservation, form, choice, None)
    except Refusal as refusal:
        messages.error(request, told(refusal))
        return HttpResponseRedirect(page)
    if is_stale:
        messages.warning(
            request,
            gettext(
                "Nothing is cancelled yet: the choice or the amounts are others than were shown. "
                "Look at what it costs now, then cancel."
            ),
        )
    return _confirmation(site, request, reservation, form, choice, quote, is_stale=is_stale)


def _quote(hand: Hand, reservation: ReservationDetail, chosen: dict[str, Any]) -> services.Quote:
    return services.quote_cancellation(
        viewer=hand.viewer,
        reservation_id=reservation.id,
        passenger_ids=chosen["passenger_ids"],
        ticket_ids=chosen["ticket_ids"],
        waiver=help_desk.waiver_for(
            waive=chosen["waive_penalty"],
            basis_points=chosen["waive_basis_points"],
            reason_code=chosen["reason_code"],
        ),
        now=clock.now(),
    )


def _cancel(
    request: HttpRequest,
    hand: Hand,
    reservation: ReservationDetail,
    data: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    done = help_desk.cancel_reservation(
        viewer=hand.viewer,
        reservation_id=reservation.id,
        reason=data["reason"],
        quote_id=data["quote"],
        now=clock.now(),
        **chosen,
    )
    acts.record(request, row_of(reservation), gettext("Cancelled"), why=data["reason"])
    left = bool(done.reservation.open_coupons)
    text = (
        gettext("Of %(locator)s is cancelled what you chose. Going back: %(refund)s.")
        if left
        else gettext("%(locator)s is cancelled. Going back: %(refund)s.")
    )
    said = text % {"locator": reservation.locator, "refund": money_text(done.refund)}
    if done.refund_state == Refund.State.PENDING_APPROVAL:
        said = gettext("%(said)s A second person has to approve it.") % {"said": said}
    messages.success(request, said)


def _confirmation(
    site: Any,
    request: HttpRequest,
    reservation: ReservationDetail,
    form: CancelForm,
    choice: ChoiceForm,
    quote: services.Quote | None,
    *,
    is_stale: bool = False,
) -> HttpResponse:
    promised = quote.id if quote else ""
    typed = {"reason": request.POST.get("reason", ""), "quote": promised}
    shown = CancelForm(data=typed) if form.is_bound else CancelForm(initial=typed)
    return TemplateResponse(
        request,
        "admin/bookings/reservation/cancel.html",
        {
            **site.each_context(request),
            "title": gettext("Cancel %s") % reservation.locator,
            "opts": Reservation._meta,
            "original": row_of(reservation),
            "form": shown,
            "choice": choice,
            "quote": quote,
            "costs": _costs(reservation, quote) if quote else [],
            "waits": quote is not None and services.waits_for_approval(quote=quote),
        },
        status=HTTPStatus.CONFLICT if is_stale else HTTPStatus.OK,
    )


def _costs(reservation: ReservationDetail, quote: services.Quote) -> list[Cost]:
    names = {one.id: one.full_name for one in reservation.passengers}
    return [
        Cost(
            names[one.coupon.passenger_id],
            _ticket_in_words(reservation.tickets[one.coupon.ticket_id]),
            one,
        )
        for one in quote.coupons
    ]


def _ticket_in_words(ticket: TicketFacts) -> str:
    return in_a_row(
        [
            ticket.service.number,
            f"{ticket.origin.station.name} – {ticket.destination.station.name}",
        ]
    )


def row_of(reservation: ReservationDetail) -> Reservation:
    """Answer as much of the row as links and the record of acts name it by."""
    return Reservation(pk=reservation.id, locator=reservation.locator)


def told(refusal: Refusal) -> str:
    """Write a refusal as a sentence, the message about a field before the general one."""
    return next((str(text) for texts in refusal.errors.values() for text in texts), "") or str(
        refusal.detail
    )
