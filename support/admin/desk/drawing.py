"""The seats of a departure's vehicle as the traveller sees them, to choose from."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from inventory.models import Departure
from inventory.seat_plan import PlannedCoach, PlannedSeat, lay_out
from support import desk


def coaches(departure: Departure, form: Any) -> list[PlannedCoach]:
    """Answer each coach of the departure's vehicle; seats that are kept back are taken."""
    blocked = {one.stock.seat_id for one in desk.blocks(departure.pk)}
    chosen = set(form.data.getlist("seats")) if form.is_bound else set()
    by_coach: dict[str, list[PlannedSeat]] = {}
    for seat in desk.seats_of(departure):
        by_coach.setdefault(seat.coach.label, []).append(
            PlannedSeat(
                value=str(seat.pk),
                label=str(seat),
                row=seat.row,
                column=seat.column,
                taken=seat.pk in blocked,
                chosen=str(seat.pk) in chosen,
                is_window=seat.is_window,
                is_aisle=seat.is_aisle,
                has_table=seat.has_table,
                is_quiet=seat.is_quiet,
                accessible=seat.is_accessible,
                faces_back=seat.faces_back,
            )
        )
    return [
        lay_out(
            mode=departure.service.mode,
            name=_("Coach %(label)s") % {"label": label},
            seats=seats,
        )
        for label, seats in by_coach.items()
    ]
