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
from bookings.models import PriceLine, Reservation
from payments import selectors, services
from payments.errors import QuoteExpired
from payments.models import Refund
from support import selectors as desk
from support import services as help_desk
from travel.common import clock
from travel.common.admin_bases import (
    EMPTY,
    STATE_TONES,
    ClosedAdmin,
    email,
    locator,
    tagged,
    whole_number,
)
from travel.common.errors import Refusal
from travel.common.money import Money
from travel.common.templatetags.look import money, money_text

EXPIRED = QuoteExpired.code
WAIVED = "waive"


class CancelForm(forms.Form):
    """Why staff cancel, and the quote that they have seen."""

    reason = forms.CharField(
        label=_("Reason"),
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
        return desk.CANCEL in desk.desk_actions_on(overview)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """
        Show what cancelling costs and gives back; cancel by exactly that once confirmed.

        `?waive=1` asks for the quote without a penalty.
        """
        reservation = self.get_object(request, object_id)
        if reservation is None:
            raise Http404
        if not may_cancel(request.user) or not self.has_view_permission(request, reservation):
            raise PermissionDenied
        page = reverse("admin:bookings_reservation_change", args=[reservation.pk])
        form = CancelForm(request.POST or None)
        waive = request.GET.get(WAIVED) == "1"
        try:
            if form.is_valid():
                self._cancel(request, reservation, form.cleaned_data, waive=waive)
                return HttpResponseRedirect(page)
            quote = services.quote_cancellation(
                viewer=viewers.of_user(request.user),
                reservation_id=reservation.pk,
                waiver=help_desk.waiver_for(waive=waive, basis_points=10_000, reason_code=""),
                now=clock.now(),
            )
        except Refusal as refusal:
            self.message_user(request, str(refusal.detail), messages.ERROR)
            # What a quote promised is over, but another one may be asked for.
            return HttpResponseRedirect(
                request.get_full_path() if refusal.code == EXPIRED else page
            )
        return self._confirmation(request, reservation, form, quote, waive=waive)

    def _cancel(
        self, request: HttpRequest, reservation: Reservation, data: dict[str, Any], *, waive: bool
    ) -> None:
        done = help_desk.cancel_reservation(
            viewer=viewers.of_user(request.user),
            reservation_id=reservation.pk,
            waive_penalty=waive,
            reason=data["reason"],
            quote_id=data["quote"],
            now=clock.now(),
        )
        self.log_change(request, reservation, gettext("Cancelled: %s") % data["reason"])
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
        quote: services.Quote,
        *,
        waive: bool,
    ) -> HttpResponse:
        shown = CancelForm(
            data={"reason": form.data.get("reason", ""), "quote": quote.id}
            if form.is_bound
            else None,
            initial={"quote": quote.id},
        )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Cancel %s") % reservation.locator,
            "opts": self.opts,
            "original": reservation,
            "form": shown,
            "quote": quote,
            "waive": waive,
        }
        return TemplateResponse(request, "admin/bookings/reservation/cancel.html", context)
