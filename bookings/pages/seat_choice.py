"""Seats to choose from: a departure's coaches, one of them drawn, and its free seats listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from bookings.pages.journey import ChosenSeat, coach_name
from bookings.selectors import PlannedSeat
from inventory import seat_plan as drawing
from travel.common.locales import in_a_row


@dataclass(frozen=True, slots=True)
class CoachTab:
    """A coach to look into: its label, what it is called, how many seats are free."""

    label: str
    name: str
    free: int
    current: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A free seat in the list of seats."""

    value: str
    text: str
    chosen: bool = False


def tabs(seats: Sequence[PlannedSeat], current: str) -> list[CoachTab]:
    """List the coaches of these seats, in order."""
    labels = list(dict.fromkeys(one.seat.coach for one in seats))
    return [
        CoachTab(
            label,
            coach_name(label),
            sum(one.is_free for one in seats if one.seat.coach == label),
            label == current,
        )
        for label in labels
    ]


def drawn(
    ticket_id: int,
    mode: str,
    coach: str,
    seats: Sequence[PlannedSeat],
    chosen: Sequence[ChosenSeat],
) -> drawing.PlannedCoach:
    """Draw one coach of a ticket's departure, with the seats that are chosen."""
    picked = {(seat.coach, seat.label) for seat in chosen}
    return drawing.lay_out(
        mode=mode,
        name=coach_name(coach),
        seats=[
            drawing.PlannedSeat(
                value=str(ChosenSeat(ticket_id, coach, one.seat.label)),
                label=one.seat.label,
                row=one.seat.row,
                column=one.seat.column,
                taken=not one.is_free,
                chosen=(coach, one.seat.label) in picked,
                is_window=one.seat.is_window,
                is_aisle=one.seat.is_aisle,
                has_table=one.seat.has_table,
                is_quiet=one.seat.is_quiet,
                accessible=one.seat.is_accessible,
                faces_back=one.seat.faces_back,
            )
            for one in seats
            if one.seat.coach == coach
        ],
    )


def choices(
    ticket_id: int, seats: Sequence[PlannedSeat], chosen: ChosenSeat | None
) -> list[tuple[str, list[Choice]]]:
    """List the free seats for one person to choose from, coach by coach."""
    coaches: dict[str, list[Choice]] = {}
    for one in seats:
        if not one.is_free:
            continue
        seat = ChosenSeat(ticket_id, one.seat.coach, one.seat.label)
        text = in_a_row([_("Seat %(label)s") % {"label": seat.label}, *_features(one)])
        coaches.setdefault(coach_name(seat.coach), []).append(
            Choice(str(seat), text, seat == chosen)
        )
    return list(coaches.items())


def _features(one: PlannedSeat) -> list[str]:
    told = [
        (one.seat.is_accessible, _("wheelchair space")),
        (one.seat.is_window, _("window")),
        (one.seat.is_aisle, _("aisle")),
        (one.seat.has_table, _("table")),
        (one.seat.is_quiet, _("quiet zone")),
    ]
    return [word for holds, word in told if holds]
