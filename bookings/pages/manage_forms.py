"""Forms for a reservation that exists: finding it, proving it, and what is to change."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.pages.shown import Ride
from bookings.selectors import CouponDetail, ReservationDetail
from travel.common.locales import in_a_row

CODE_DIGITS = 6


class FindForm(forms.Form):
    """A booking code and the name of somebody who travels on it."""

    locator = forms.CharField(
        label=_("Booking code"),
        max_length=20,
        help_text=_("Six letters and figures, on every ticket and in every e-mail of ours."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "dir": "ltr",
            }
        ),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        help_text=_("Of anybody who travels on this booking, with or without accents."),
        widget=forms.TextInput(attrs={"autocomplete": "family-name", "dir": "auto"}),
    )


class ProofForm(forms.Form):
    """The code that was sent to the booking's contact."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("You have five tries. The code is good for ten minutes."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "class": "code-input",
                "dir": "ltr",
            }
        ),
    )

    def clean_code(self) -> str:
        """Take the six digits out of however they were typed."""
        digits = "".join(
            str(unicodedata.decimal(letter))
            for letter in self.cleaned_data["code"]
            if unicodedata.decimal(letter, None) is not None
        )
        if len(digits) != CODE_DIGITS:
            raise forms.ValidationError(_("The code has six digits."))
        return digits


class NameForm(forms.Form):
    """A passenger's name as it is on the papers."""

    first_name = forms.CharField(
        label=_("First name"), max_length=80, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=80, widget=forms.TextInput(attrs={"dir": "auto"})
    )


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
                (one.ticket_id, in_a_row([one.service, f"{one.origin} – {one.destination}"]))
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
    ahead = {one.ticket_id for one in trips if one.trouble or not one.is_over}
    return [coupon for coupon in reservation.open_coupons if coupon.ticket_id in ahead]
