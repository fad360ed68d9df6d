"""The acts of the desk as pages: what is asked, what it means in numbers, and what then is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bookings.services import vehicle_swap
from bookings.services.vehicle_swap import Reseated
from inventory.models import Call, Departure
from inventory.services import running
from inventory.services.extras import plan_copy
from support import desk
from support.admin.desk import forms
from support.admin.desk.forms import DeskForm
from support.desk import EVERYBODY, Concern, Numbers
from support.models import DeskEntry, DisruptionJob
from support.services import departures, extras
from support.services.departures import Hand
from travel.common import clock
from travel.common.locales import in_a_row
from travel.common.templatetags.look import moment_text, money_text

Deed = DisruptionJob.Deed


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    What an act will do, in sentences, and whom it concerns (None: nobody in particular).

    `calls` are those of a departure that is added or late, as they will be, not stored.
    """

    sentences: list[str]
    concern: Concern | None = None
    warnings: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeskAct:
    """
    An act: its name in addresses, what it is called, its form, its meaning, and the service call.

    It is offered for departures that are in such a state. `hindered` answers why it cannot be done
    though it is offered, or nothing. What is `for_past` does not change how a departure runs: it
    may be done when it has arrived, too.
    """

    name: str
    label: str | Promise
    form: type[DeskForm]
    means: Callable[[Departure, dict[str, Any]], Meaning]
    run: Callable[[Hand, Departure, dict[str, Any], datetime], DeskEntry]
    is_offered: Callable[[Departure], bool] = lambda departure: (
        departure.state == Departure.State.SCHEDULED
    )
    is_grave: bool = False
    hindered: Callable[[Departure], str] = lambda departure: ""
    for_past: bool = False

    def why_not(self, departure: Departure, calls: Sequence[Call], now: datetime) -> str:
        """Answer why it cannot be done to a departure with these calls, or nothing."""
        if not self.for_past and (ended := desk.where_ended(calls, now)) is not None:
            return has_arrived(*ended)
        return self.hindered(departure)


def has_arrived(call: Call, ended_at: datetime) -> str:
    """Say where and when a departure arrived, and what follows."""
    return gettext("It arrived: %(station)s, %(when)s. How it ran is not changed any more.") % {
        "station": call.station.name,
        "when": moment_text(ended_at, call.station.tz),
    }


# --- what acts mean -------------------------------------------------------------------------------


def _told(found: Numbers) -> list[str]:
    said = [
        ngettext("%(n)d passenger is told.", "%(n)d passengers are told.", found.passengers)
        % {"n": found.passengers},
        ngettext(
            "They belong to %(n)d reservation.",
            "They belong to %(n)d reservations.",
            found.reservations,
        )
        % {"n": found.reservations},
    ]
    if found.unreachable:
        said.append(
            ngettext(
                "%(n)d reservation has no address and cannot be reached.",
                "%(n)d reservations have no address and cannot be reached.",
                found.unreachable,
            )
            % {"n": found.unreachable}
        )
    return said


def _settled(found: Numbers, deed: str) -> list[str]:
    said = _told(found)
    if deed == Deed.TELL:
        return said
    sums = [money_text(amount) for amount in found.price]
    if deed == Deed.REFUND:
        said.append(
            ngettext(
                "%(n)d paid reservation is refunded in full: %(sum)s.",
                "%(n)d paid reservations are refunded in full: %(sum)s.",
                found.paid,
            )
            % {"n": found.paid, "sum": in_a_row(sums) or "0"}
        )
    else:
        said.append(
            ngettext(
                "%(n)d paid reservation is rebooked free of charge, or refunded: up to %(sum)s.",
                "%(n)d paid reservations are rebooked free of charge, or refunded: up to %(sum)s.",
                found.paid,
            )
            % {"n": found.paid, "sum": in_a_row(sums) or "0"}
        )
    if found.held:
        said.append(
            ngettext(
                "%(n)d reservation that is not paid is given up.",
                "%(n)d reservations that are not paid are given up.",
                found.held,
            )
            % {"n": found.held}
        )
    return said


def _reseated(found: Reseated, *, tell: bool) -> list[str]:
    said = [
        ngettext(
            "%(n)d passenger keeps the same seat.",
            "%(n)d passengers keep the same seats.",
            found.kept,
        )
        % {"n": found.kept},
        ngettext(
            "%(n)d passenger gets another seat.",
            "%(n)d passengers get other seats.",
            found.moved,
        )
        % {"n": found.moved},
    ]
    if found.changing:
        said.append(
            ngettext(
                "%(n)d passenger has to change seats on the way.",
                "%(n)d passengers have to change seats on the way.",
                found.changing,
            )
            % {"n": found.changing}
        )
    if tell and found.reservations:
        count = len(found.reservations)
        said.append(
            ngettext(
                "%(n)d reservation is told of it.", "%(n)d reservations are told of it.", count
            )
            % {"n": count}
        )
    return said


def _without_seats(found: Reseated) -> list[str]:
    if not found.unseated:
        return []
    return [
        ngettext(
            "%(n)d passenger finds no seat and waits in the desk's queue.",
            "%(n)d passengers find no seat and wait in the desk's queue.",
            found.unseated,
        )
        % {"n": found.unseated}
    ]


def _means_delay(departure: Departure, data: dict[str, Any]) -> Meaning:
    position, minutes = data["call"], data["minutes"]
    concern = Concern(after=position)
    calls = desk.calls_of(departure.pk)
    said = [_how_late(calls[position:], minutes)]
    if data["tell"]:
        told = desk.told_of_delay(departure.pk, position=position, minutes=minutes, now=clock.now())
        said += (
            _told(desk.numbers(departure.pk, concern, only=told))
            if told
            else [gettext("Nobody is told: it is what they know, or nearly.")]
        )
    return Meaning(said, concern, calls=_expected(calls, position, minutes))


def _how_late(calls: Sequence[Call], minutes: int) -> str:
    if minutes:
        return ngettext(
            "From there on the departure is expected %(n)d minute late.",
            "From there on the departure is expected %(n)d minutes late.",
            minutes,
        ) % {"n": minutes}
    if any(call.expected_arrives_at or call.expected_departs_at for call in calls):
        return gettext("From there on the departure is expected on time again.")
    return gettext("From there on the departure is on time already: nothing changes.")


def _expected(calls: Sequence[Call], position: int, minutes: int) -> list[Call]:
    """Answer the calls with the times that are expected then, instead of the planned ones."""
    by = timedelta(minutes=minutes)
    for call in calls:
        if call.position < position:
            call.arrives_at = call.expected_arrives_at or call.arrives_at
            call.departs_at = call.expected_departs_at or call.departs_at
        else:
            call.arrives_at = call.arrives_at and call.arrives_at + by
            call.departs_at = call.departs_at and call.departs_at + by
    return list(calls)


def _means_cancel(departure: Departure, data: dict[str, Any]) -> Meaning:
    said = [str(_("The departure is not sold any more, and does not run."))]
    return Meaning(said + _settled(desk.numbers(departure.pk), data["deed"]), EVERYBODY)


def _means_skip(departure: Departure, data: dict[str, Any]) -> Meaning:
    running.check_skip(departure_id=departure.pk, positions=data["calls_left_out"])
    concern = Concern(only_at=tuple(sorted(data["calls_left_out"])))
    said = [
        ngettext(
            "%(n)d call is left out: nobody boards or alights there.",
            "%(n)d calls are left out: nobody boards or alights there.",
            len(data["calls_left_out"]),
        )
        % {"n": len(data["calls_left_out"])}
    ]
    return Meaning(said + _settled(desk.numbers(departure.pk, concern), data["deed"]), concern)


def _means_platform(departure: Departure, data: dict[str, Any]) -> Meaning:
    concern = Concern(boarding_at=data["call"])
    said = [str(_("It leaves from %(platform)s.")) % {"platform": data["platform"] or "-"}]
    if data["tell"]:
        said += _told(desk.numbers(departure.pk, concern))
    return Meaning(said, concern)


def _means_swap(departure: Departure, data: dict[str, Any]) -> Meaning:
    found = vehicle_swap.preview_swap(departure_id=departure.pk, vehicle_id=data["vehicle"])
    warnings = _without_seats(found)
    blocked = len(desk.blocks(departure.pk))
    if blocked:
        warnings.append(
            ngettext(
                "%(n)d seat that is kept back goes with the old vehicle.",
                "%(n)d seats that are kept back go with the old vehicle.",
                blocked,
            )
            % {"n": blocked}
        )
    return Meaning(_reseated(found, tell=data["tell"]), EVERYBODY, warnings)


def _means_block(departure: Departure, data: dict[str, Any]) -> Meaning:
    found = vehicle_swap.preview_block(
        departure_id=departure.pk,
        seat_ids=set(data["seats"]),
        first_segment=data["from_call"],
        last_segment=data["to_call"] - 1,
    )
    said = [
        ngettext("%(n)d seat is kept back.", "%(n)d seats are kept back.", len(data["seats"]))
        % {"n": len(data["seats"])}
    ]
    return Meaning(said + _reseated(found, tell=data["tell"])[1:], None, _without_seats(found))


def _means_unblock(departure: Departure, data: dict[str, Any]) -> Meaning:
    count = len(data["blocks"])
    said = ngettext("%(n)d seat is sold again.", "%(n)d seats are sold again.", count) % {
        "n": count
    }
    return Meaning([said])


def _means_seat(departure: Departure, data: dict[str, Any]) -> Meaning:
    return Meaning([str(_("Whoever waits and for whom there is room gets a seat, and is told."))])


def _means_close(departure: Departure, data: dict[str, Any]) -> Meaning:
    return Meaning([str(_("Nobody can buy or hold seats any more. Sold tickets stay valid."))])


def _means_reopen(departure: Departure, data: dict[str, Any]) -> Meaning:
    return Meaning([str(_("The seats that are free are sold again."))])


def _means_job(departure: Departure, data: dict[str, Any]) -> Meaning:
    return Meaning(_settled(desk.numbers(departure.pk), data["deed"]), EVERYBODY)


def _means_extra(departure: Departure, data: dict[str, Any]) -> Meaning:
    plan = plan_copy(
        departure_id=departure.pk,
        day=data["day"],
        leaves=data["leaves"],
        vehicle_id=data["vehicle"],
        second=data["second"],
        now=clock.now(),
    )
    said = [
        _("%(service)s runs an extra time on %(day)s.")
        % {"service": departure.service.number, "day": date_format(plan.day, "l j F Y")},
        _("The vehicle is %(name)s (%(code)s).")
        % {"name": plan.vehicle.name, "code": plan.vehicle.code},
        _("It has the calls and fares of the departure of %(day)s, and is sold at once.")
        % {"day": date_format(departure.travel_date, "j M Y")},
    ]
    if plan.is_twice:
        said.append(
            _("Clocks show the time of leaving twice on that day; the first of the two is meant.")
        )
    warnings = []
    if plan.twins:
        warnings.append(
            ngettext(
                "%(n)d departure of the same service leaves at this time already.",
                "%(n)d departures of the same service leave at this time already.",
                plan.twins,
            )
            % {"n": plan.twins}
        )
    return Meaning([str(one) for one in said], None, warnings, plan.calls)


# --- the acts -------------------------------------------------------------------------------------


def _sells(departure: Departure) -> bool:
    return departure.state == Departure.State.SCHEDULED and departure.sales_closed_at is None


def _is_closed(departure: Departure) -> bool:
    return departure.state == Departure.State.SCHEDULED and departure.sales_closed_at is not None


def _is_off(departure: Departure) -> bool:
    return departure.state == Departure.State.CANCELLED


def _no_other_vehicle(departure: Departure) -> str:
    if forms.other_vehicles(departure).exists():
        return ""
    return gettext("%(carrier)s has no vehicle but this one.") % {
        "carrier": departure.service.carrier
    }


ACTS: tuple[DeskAct, ...] = (
    DeskAct(
        "delay",
        _("Delay"),
        forms.DelayForm,
        _means_delay,
        lambda hand, departure, data, now: departures.delay(
            hand=hand,
            departure_id=departure.pk,
            position=data["call"],
            minutes=data["minutes"],
            tell=data["tell"],
            now=now,
        ),
    ),
    DeskAct(
        "platform",
        _("Change a platform"),
        forms.PlatformForm,
        _means_platform,
        lambda hand, departure, data, now: departures.set_platform(
            hand=hand,
            departure_id=departure.pk,
            position=data["call"],
            platform=data["platform"],
            tell=data["tell"],
            now=now,
        ),
    ),
    DeskAct(
        "swap",
        _("Swap the vehicle"),
        forms.SwapForm,
        _means_swap,
        lambda hand, departure, data, now: departures.swap_vehicle(
            hand=hand,
            departure_id=departure.pk,
            vehicle_id=data["vehicle"],
            tell=data["tell"],
            now=now,
        ),
        is_grave=True,
        hindered=_no_other_vehicle,
    ),
    DeskAct(
        "block",
        _("Block seats"),
        forms.BlockForm,
        _means_block,
        lambda hand, departure, data, now: departures.block_seats(
            hand=hand,
            departure_id=departure.pk,
            seat_ids=set(data["seats"]),
            from_call=data["from_call"],
            to_call=data["to_call"],
            tell=data["tell"],
            now=now,
        ),
    ),
    DeskAct(
        "unblock",
        _("Give back blocked seats"),
        forms.UnblockForm,
        _means_unblock,
        lambda hand, departure, data, now: departures.unblock_seats(
            hand=hand, departure_id=departure.pk, block_ids=set(data["blocks"]), now=now
        ),
        is_offered=lambda departure: bool(desk.blocks(departure.pk)),
    ),
    DeskAct(
        "seat",
        _("Seat who waits"),
        DeskForm,
        _means_seat,
        lambda hand, departure, data, now: departures.seat_the_waiting(
            hand=hand, departure_id=departure.pk, now=now
        ),
    ),
    DeskAct(
        "close",
        _("Close sales"),
        DeskForm,
        _means_close,
        lambda hand, departure, data, now: departures.set_sales(
            hand=hand, departure_id=departure.pk, is_open=False, now=now
        ),
        is_offered=_sells,
    ),
    DeskAct(
        "reopen",
        _("Reopen sales"),
        DeskForm,
        _means_reopen,
        lambda hand, departure, data, now: departures.set_sales(
            hand=hand, departure_id=departure.pk, is_open=True, now=now
        ),
        is_offered=_is_closed,
    ),
    DeskAct(
        "extra",
        _("Add an extra departure"),
        forms.ExtraForm,
        _means_extra,
        lambda hand, departure, data, now: extras.add_extra(
            hand=hand,
            departure_id=departure.pk,
            day=data["day"],
            leaves=data["leaves"],
            vehicle_id=data["vehicle"],
            second=data["second"],
            now=now,
        ),
        is_offered=lambda departure: (
            departure.state in (Departure.State.SCHEDULED, Departure.State.CANCELLED)
        ),
        for_past=True,
    ),
    DeskAct(
        "skip",
        _("Leave out calls"),
        forms.SkipForm,
        _means_skip,
        lambda hand, departure, data, now: departures.skip(
            hand=hand,
            departure_id=departure.pk,
            positions=data["calls_left_out"],
            deed=data["deed"],
            now=now,
        ),
        is_grave=True,
    ),
    DeskAct(
        "cancel",
        _("Cancel the departure"),
        forms.CancelForm,
        _means_cancel,
        lambda hand, departure, data, now: departures.cancel(
            hand=hand, departure_id=departure.pk, deed=data["deed"], now=now
        ),
        is_grave=True,
    ),
    DeskAct(
        "job",
        _("Refund or rebook all"),
        forms.JobForm,
        _means_job,
        lambda hand, departure, data, now: departures.begin_job(
            hand=hand, departure_id=departure.pk, deed=data["deed"], now=now
        ),
        is_offered=_is_off,
        is_grave=True,
        for_past=True,
    ),
)
BY_NAME = {act.name: act for act in ACTS}
