"""The seats of a ticket's class as the traveller sees them, for staff to choose from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.utils.translation import gettext as _

from bookings.selectors import PlannedSeat
from inventory import seat_plan
from inventory.seat_plan import PlannedCoach
from travel.common.locales import in_a_row


def coaches(mode: str, seats: Sequence[PlannedSeat], chosen: Collection[str]) -> list[PlannedCoach]:
    """Draw each coach with seats of the class; those that are taken cannot be chosen."""
    labels = list(dict.fromkeys(one.seat.coach for one in seats))
    return [
        seat_plan.lay_out(
            mode=mode,
            name=coach_name(label),
            seats=[
                seat_plan.PlannedSeat(
                    value=str(one.seat.id),
                    label=one.seat.label,
                    row=one.seat.row,
                    column=one.seat.column,
                    taken=not one.is_free,
                    chosen=str(one.seat.id) in chosen,
                    is_window=one.seat.is_window,
                    is_aisle=one.seat.is_aisle,
                    has_table=one.seat.has_table,
                    is_quiet=one.seat.is_quiet,
                    accessible=one.seat.is_accessible,
                    faces_back=one.seat.faces_back,
                )
                for one in seats
                if one.seat.coach == label
            ],
        )
        for label in labels
    ]


def choices(
    seats: Sequence[PlannedSeat], chosen: str
) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """List the free seats coach by coach: value, words, and whether it is chosen."""
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for one in seats:
        if one.is_free:
            value = str(one.seat.id)
            found.setdefault(coach_name(one.seat.coach), []).append(
                (value, _words(one), value == chosen)
            )
    return list(found.items())


def coach_name(label: str) -> str:
    """Name a coach of a train by its number; a cabin or a deck is named already."""
    return _("Coach %(number)s") % {"number": label} if label[:1].isdigit() else label


def _words(one: PlannedSeat) -> str:
    told = [
        (one.seat.is_accessible, _("wheelchair space")),
        (one.seat.is_window, _("window")),
        (one.seat.is_aisle, _("aisle")),
        (one.seat.has_table, _("table")),
        (one.seat.is_quiet, _("quiet zone")),
    ]
    return in_a_row([one.seat.label, *(word for holds, word in told if holds)])
