"""What the desk is asked before it acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.models import Call, Departure, Vehicle
from support import desk
from support.models import DisruptionJob
from support.services.departures import MAX_REASON
from travel.common.forms import PlainTextField, day_widget
from travel.common.templatetags.look import moment_text

Deed = DisruptionJob.Deed
# A carrier has fewer vehicles than this, or the list is cut off.
MOST_VEHICLES = 500


class DeskForm(forms.Form):
    """
    The reason, and what makes an act happen once and on what was shown.

    `once` is the token of the page, `revision` that of the departure when it was shown.
    """

    reason = PlainTextField(
        label=_("Reason"),
        max_length=MAX_REASON,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "dir": "auto"}),
        help_text=_("It stands in the log; where passengers are told, they read it."),
    )
    once = forms.CharField(max_length=64, widget=forms.HiddenInput, required=False)
    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    # Whoever acts on what nobody is told of needs no reason.
    needs_reason = False
    order: Sequence[str] = ()

    def __init__(self, *args: Any, departure: Departure, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.departure = departure
        self.fields["reason"].required = self.needs_reason
        self.order_fields([*self.order, "reason"])
        self.prepare()

    def prepare(self) -> None:
        """Fill in the choices that follow from the departure."""

    @property
    def calls(self) -> list[Call]:
        """The calls of the departure, read once."""
        if not hasattr(self, "_calls"):
            self._calls = desk.calls_of(self.departure.pk)
        return self._calls


def call_choices(calls: Sequence[Call]) -> list[tuple[int, str]]:
    """Answer calls as choices: `14:05 Hannover Hbf`."""
    return [
        (
            call.position,
            gettext("%(time)s %(station)s")
            % {
                "time": moment_text(call.departs_at or call.arrives_at, call.station.tz),
                "station": call.station.name,
            },
        )
        for call in calls
    ]


def call_field(label: Any, help_text: Any = "") -> forms.TypedChoiceField:
    """A choice among calls."""
    return forms.TypedChoiceField(label=label, coerce=int, help_text=help_text)


def tell_field(label: Any) -> forms.BooleanField:
    """Whether the passengers learn it."""
    return forms.BooleanField(label=label, required=False, initial=True)


def deed_field() -> forms.ChoiceField:
    """What is done for the passengers."""
    return forms.ChoiceField(
        label=_("Passengers"),
        widget=forms.RadioSelect,
        initial=Deed.REFUND,
        choices=[
            (Deed.REFUND, _("Tell them, and give everything back in full now")),
            (
                Deed.REBOOK,
                _("Tell them, and rebook them to the next departure with room, or refund"),
            ),
            (Deed.TELL, _("Tell them; they choose, and after 7 days the money goes back")),
        ],
    )


class DelayForm(DeskForm):
    """A delay from a call on."""

    call = call_field(_("From"), _("This call and all that follow are expected later."))
    minutes = forms.IntegerField(
        label=_("Minutes late"),
        min_value=0,
        max_value=2_880,
        help_text=_("0 takes back what was expected from there on."),
    )
    tell = tell_field(_("Tell the passengers who travel on from there"))
    order = ("call", "minutes", "tell")

    def prepare(self) -> None:
        self.fields["call"].choices = call_choices(self.calls)  # type: ignore[attr-defined]


class CancelForm(DeskForm):
    """Calling a departure off."""

    deed = deed_field()
    needs_reason = True
    order = ("deed",)


class SkipForm(DeskForm):
    """Leaving out calls."""

    calls_left_out = forms.TypedMultipleChoiceField(
        label=_("Calls to leave out"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    deed = deed_field()
    needs_reason = True
    order = ("calls_left_out", "deed")

    def prepare(self) -> None:
        running = [call for call in self.calls if not call.is_skipped]
        self.fields["calls_left_out"].choices = call_choices(running)  # type: ignore[attr-defined]


class PlatformForm(DeskForm):
    """Another platform or gate."""

    call = call_field(_("At"))
    platform = PlainTextField(label=_("Platform or gate"), max_length=20, required=False)
    tell = tell_field(_("Tell the passengers who board there"))
    order = ("call", "platform", "tell")

    def prepare(self) -> None:
        self.fields["call"].choices = call_choices(self.calls)  # type: ignore[attr-defined]


def other_vehicles(departure: Departure) -> QuerySet[Vehicle]:
    """Answer the vehicles of its carrier that a departure may run with instead of its own."""
    rows = Vehicle.objects.filter(carrier_id=departure.service.carrier_id)
    return rows.exclude(pk=departure.vehicle_id)


class SwapForm(DeskForm):
    """Another vehicle."""

    vehicle = forms.TypedChoiceField(label=_("Vehicle"), coerce=int)
    tell = tell_field(_("Tell those who sit elsewhere, or have no seat yet"))
    order = ("vehicle", "tell")

    def prepare(self) -> None:
        rows = other_vehicles(self.departure).order_by("name", "id")
        self.fields["vehicle"].choices = [  # type: ignore[attr-defined]
            (pk, f"{name} ({code})")
            for pk, name, code in rows.values_list("id", "name", "code")[:MOST_VEHICLES]
        ]


class BlockForm(DeskForm):
    """Seats that are kept back, from a call to a call."""

    from_call = call_field(_("From"))
    to_call = call_field(_("To"))
    seats = forms.TypedMultipleChoiceField(
        label=_("Seats"),
        coerce=int,
        error_messages={"required": _("Choose the seats to keep back.")},
    )
    tell = tell_field(_("Tell those who have to move"))
    needs_reason = True
    order = ("from_call", "to_call", "tell")

    def prepare(self) -> None:
        calls = call_choices(self.calls)
        self.fields["from_call"].choices = calls[:-1]  # type: ignore[attr-defined]
        self.fields["to_call"].choices = calls[1:]  # type: ignore[attr-defined]
        self.fields["to_call"].initial = calls[-1][0]
        self.fields["seats"].choices = [  # type: ignore[attr-defined]
            (seat.pk, str(seat)) for seat in desk.seats_of(self.departure)
        ]


class UnblockForm(DeskForm):
    """Seats that are given back."""

    blocks = forms.TypedMultipleChoiceField(
        label=_("Seats to give back"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    order = ("blocks",)

    def prepare(self) -> None:
        self.fields["blocks"].choices = [  # type: ignore[attr-defined]
            (
                one.pk,
                gettext("Coach %(coach)s, seat %(seat)s: %(reason)s")
                % {
                    "coach": one.stock.seat.coach.label,
                    "seat": str(one.stock.seat),
                    "reason": one.reason,
                },
            )
            for one in desk.blocks(self.departure.pk)
        ]


class JobForm(DeskForm):
    """A job for everybody on a cancelled departure."""

    deed = deed_field()
    needs_reason = True
    order = ("deed",)


class ExtraForm(DeskForm):
    """An extra departure, like this one, on another day or at another time."""

    day = forms.DateField(label=_("Day"), widget=day_widget())
    leaves = forms.TimeField(
        label=_("Leaves the first call at"),
        widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_("By the clock of that station; all other calls follow at the same intervals."),
    )
    vehicle = forms.TypedChoiceField(label=_("Vehicle"), coerce=int)
    second = forms.BooleanField(
        label=_("Add it although the same service leaves at that time already"), required=False
    )
    order = ("day", "leaves", "vehicle", "second")

    def prepare(self) -> None:
        rows = Vehicle.objects.filter(carrier_id=self.departure.service.carrier_id)
        self.fields["vehicle"].choices = [  # type: ignore[attr-defined]
            (pk, f"{name} ({code})")
            for pk, name, code in rows.order_by("name", "id").values_list("id", "name", "code")[
                :MOST_VEHICLES
            ]
        ]
        self.fields["vehicle"].initial = self.departure.vehicle_id
        self.fields["day"].initial = self.departure.travel_date
