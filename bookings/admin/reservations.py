"""Reservations: each tells its story on one page, and is cancelled there by the service alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import selectors as people
from accounts import viewers
from bookings.admin.story import tell
from bookings.errors import NotCancellable
from bookings.models import PriceLine, Reservation
from bookings.selectors import ReservationDetail
from payments import selectors, services
from payments.errors import QuoteExpired
from payments.models import Reason, Refund
from support import selectors as desk
from support import services as help_desk
from support.acts import desk_actions_on
from travel.common import acts, clock
from travel.common.admin_bases import (
    EMPTY,
    STATE_TONES,
    ClosedAdmin,
    email,
    locator,
    tagged,
    whole_number,
)
from travel.common.errors import InvalidInput, Refusal
from travel.common.money import Money
from travel.common.templatetags.look import money, money_text

EXPIRED = QuoteExpired.code


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
        self.fields["passengers"].choices = [
            (one.id, one.full_name) for one in reservation.passengers
        ]
        self.fields["tickets"].choices = [
            (
                one.id,
                f"{one.service.number}, {one.origin.station.name} – {one.destination.station.name}",
            )
            for one in reservation.tickets.values()
        ]
        if reservation.user_id is None:
            del self.fields["to"]

    @property
    def chosen(self) -> dict[str, Any]:
        """What the service is asked for; a form with faults asks for the whole, by the rules."""
        data = self.cleaned_data if self.is_valid() else {}
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
        max_length=300,
        help_text=_("The traveller's history and the books keep it."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    quote = forms.CharField(widget=forms.HiddenInput)


def may_cancel(user: Any) -> bool:
    """Say whether the user's role cancels reservations for others."""
    roles = people.role_names(user=user)
    return desk.CANCEL in desk.powers(roles=roles, is_superuser=user.is_superuser)


@admin.register(Reservation)
class ReservationAdmin(ClosedAdmin):
    """What one holder booked together; its page shows the story in order."""

    list_display = ["locator", "holder", "state_word", "price", "created_at", "hold_until"]
    fields = [("locator", "state_word"), ("holder", "language"), ("created_at", "hold_until")]
    list_select_related = ["user"]
    list_filter = ["state"]
    sortable_by = ["created_at"]
    find_by = [
        ("locator", locator),
        ("pk", whole_number),
        ("contact_email", email),
        ("user__email", email),
    ]
    search_help_text = _("Booking code, number, or whole e-mail address.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        rows: QuerySet[Reservation] = super().get_queryset(request)
        lines = PriceLine.objects.filter(coupon__passenger__reservation=OuterRef("pk"))
        whole = lines.values("coupon__passenger__reservation").annotate(whole=Sum("amount_minor"))
        return rows.annotate(price_minor=Subquery(whole.values("whole")))

    @admin.display(description=_("holder"))
    def holder(self, row: Reservation) -> str:
        if row.user is not None:
            return str(row.user)
        return str(_("Guest %(contact)s") % {"contact": row.contact_email or row.contact_phone})

    @admin.display(description=_("state"))
    def state_word(self, row: Reservation) -> str:
        # A hold that has ended is free already, whether or not the sweeper came by.
        if row.state == Reservation.State.HELD and row.hold_until <= clock.now():
            return tagged(_("Hold ended"), "warn")
        return tagged(row.get_state_display(), STATE_TONES.get(row.state, ""))

    @admin.display(description=_("price"))
    def price(self, row: Any) -> str:
        if row.price_minor is None:
            return EMPTY
        return money(Money(row.price_minor, row.currency_id))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        reservation = context.get("original")
        if reservation is not None:
            context["story"] = tell(reservation)
            context["may_cancel"] = self._may_cancel(request, reservation.pk)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        cancel = path(
            "<path:object_id>/cancel/",
            self.admin_site.admin_view(self.cancel_view),
            name="bookings_reservation_cancel",
        )
        return [cancel, *super().get_urls()]

    # --- cancelling -------------------------------------------------------------------------------

    def _may_cancel(self, request: HttpRequest, reservation_id: int) -> bool:
        if not may_cancel(request.user):
            return False
        overview = selectors.get_overview(
            viewer=viewers.of_user(request.user), reservation_id=reservation_id, now=clock.now()
        )
        powers = desk.powers(
            roles=people.role_names(user=request.user), is_superuser=request.user.is_superuser
        )
        return desk.CANCEL in desk_actions_on(overview, powers=powers)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """
        Show what cancelling costs and gives back; cancel by exactly that once confirmed.

        The query says what is chosen: passengers, tickets, reason, waiver, where the money goes.
        """
        reservation = self.get_object(request, object_id)
        if reservation is None:
            raise Http404
        if not may_cancel(request.user) or not self.has_view_permission(request, reservation):
            raise PermissionDenied
        page = reverse("admin:bookings_reservation_change", args=[reservation.pk])
        form = CancelForm(request.POST or None)
        overview = selectors.get_overview(
            viewer=viewers.of_user(request.user), reservation_id=reservation.pk, now=clock.now()
        )
        choice = ChoiceForm(request.GET, reservation=overview.reservation)
        try:
            if form.is_valid() and choice.is_valid():
                self._cancel(request, reservation, form.cleaned_data, choice.chosen)
                return HttpResponseRedirect(page)
            quote = self._quote(request, reservation, choice.chosen)
        except (NotCancellable, InvalidInput) as refusal:
            # Another choice may do: what has left, say, for a reason that allows it.
            self.message_user(request, _told(refusal), messages.ERROR)
            return self._confirmation(request, reservation, form, choice, None)
        except Refusal as refusal:
            self.message_user(request, _told(refusal), messages.ERROR)
            # What a quote promised is over, but another one may be asked for.
            return HttpResponseRedirect(
                request.get_full_path() if refusal.code == EXPIRED else page
            )
        return self._confirmation(request, reservation, form, choice, quote)

    def _quote(
        self, request: HttpRequest, reservation: Reservation, chosen: dict[str, Any]
    ) -> services.Quote:
        return services.quote_cancellation(
            viewer=viewers.of_user(request.user),
            reservation_id=reservation.pk,
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
        self,
        request: HttpRequest,
        reservation: Reservation,
        data: dict[str, Any],
        chosen: dict[str, Any],
    ) -> None:
        done = help_desk.cancel_reservation(
            viewer=viewers.of_user(request.user),
            reservation_id=reservation.pk,
            reason=data["reason"],
            quote_id=data["quote"],
            now=clock.now(),
            **chosen,
        )
        acts.record(request, reservation, gettext("Cancelled."), data["reason"])
        said = gettext("%(locator)s is cancelled. Going back: %(refund)s.") % {
            "locator": reservation.locator,
            "refund": money_text(done.refund),
        }
        if done.refund_state == Refund.State.PENDING_APPROVAL:
            said += " " + gettext("A second person has to approve it.")
        self.message_user(request, said, messages.SUCCESS)

    def _confirmation(
        self,
        request: HttpRequest,
        reservation: Reservation,
        form: CancelForm,
        choice: ChoiceForm,
        quote: services.Quote | None,
    ) -> HttpResponse:
        promised = quote.id if quote else ""
        shown = CancelForm(
            data={"reason": form.data.get("reason", ""), "quote": promised}
            if form.is_bound
            else None,
            initial={"quote": promised},
        )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Cancel %s") % reservation.locator,
            "opts": self.opts,
            "original": reservation,
            "form": shown,
            "choice": choice,
            "quote": quote,
        }
        return TemplateResponse(request, "admin/bookings/reservation/cancel.html", context)


def _told(refusal: Refusal) -> str:
    """Write a refusal as a sentence, the message about a field before the general one."""
    return next((str(text) for texts in refusal.errors.values() for text in texts), "") or str(
        refusal.detail
    )
