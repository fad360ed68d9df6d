"""Forms for a reservation that exists: what is to be cancelled of it."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.pages.shown import Ride
from bookings.selectors import CouponDetail, ReservationDetail


class CancelForm(forms.Form):
    """
    Who stays at home, and on which trips; only what may be cancelled is offered.

    A group with one choice is not asked for: it is that one.
    """

    passengers = forms.TypedMultipleChoiceField(
        label=_("Who is not travelling?"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    tickets = forms.TypedMultipleChoiceField(
        label=_("Which trips?"), coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        data: object = None,
        *,
        reservation: ReservationDetail,
        coupons: Sequence[CouponDetail],
        trips: Sequence[Ride],
    ) -> None:
        people = {coupon.passenger_id for coupon in coupons}
        going = {coupon.ticket_id for coupon in coupons}
        super().__init__(
            data,  # type: ignore[arg-type]
            initial={"passengers": sorted(people), "tickets": sorted(going)},
        )
        self._fill(
            "passengers",
            [(one.id, one.full_name) for one in reservation.passengers if one.id in people],
        )
        self._fill(
            "tickets",
            [
                (one.ticket_id, f"{one.service}, {one.origin} – {one.destination}")
                for one in trips
                if one.ticket_id in going
            ],
        )

    @property
    def is_choice(self) -> bool:
        """Whether there is anything to choose."""
        return any(field.required for field in self.fields.values())

    def passenger_ids(self) -> list[int]:
        """Answer whose tickets are meant."""
        return self._chosen("passengers")

    def ticket_ids(self) -> list[int]:
        """Answer which trips are meant."""
        return self._chosen("tickets")

    def _fill(self, name: str, choices: list[tuple[int, str]]) -> None:
        field = self.fields[name]
        field.choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            field.required = False
            field.widget = forms.MultipleHiddenInput()

    def _chosen(self, name: str) -> list[int]:
        if self.fields[name].required:
            return list(self.cleaned_data[name])
        return [value for value, _label in self.fields[name].choices]  # type: ignore[attr-defined]


def cancellable(reservation: ReservationDetail, trips: Sequence[Ride]) -> list[CouponDetail]:
    """Answer the coupons that may still be cancelled."""
    ahead = {one.ticket_id for one in trips if one.is_off or not one.is_over}
    return [coupon for coupon in reservation.open_coupons if coupon.ticket_id in ahead]
