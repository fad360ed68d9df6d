"""
What happens to a departure on its way: delay, cancellation, calls left out, platforms, sales.

Each act takes the departure's lock, asks for the revision that was shown to whoever acts, raises
it, and answers what was and what is, for the desk's log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from inventory.errors import DepartureChanged, NotRunning
from inventory.models import Call, Departure
from travel.common.errors import InvalidInput, NotFound
from travel.common.transactions import in_transaction

LONGEST_DELAY = timedelta(days=2)
# What was and what is, under the names of what changed.
Change = dict[str, Any]


def lock(*, departure_id: int, revision: int | None = None, is_running: bool = True) -> Departure:
    """
    Lock a departure for an act of the desk, and raise its revision.

    :raises NotFound: there is none.
    :raises DepartureChanged: it is not at the revision that was shown (None: any will do).
    :raises NotRunning: it is not scheduled, though it has to be.
    """
    departure = Departure.objects.select_for_update().filter(pk=departure_id).first()
    if departure is None:
        raise NotFound()
    if revision is not None and departure.revision != revision:
        raise DepartureChanged()
    if is_running and departure.state != Departure.State.SCHEDULED:
        raise NotRunning()
    departure.revision += 1
    Departure.objects.filter(pk=departure.pk).update(revision=departure.revision)
    return departure


@in_transaction
def delay(
    *, departure_id: int, position: int, by: timedelta, revision: int | None, now: datetime
) -> Change:
    """
    Expect the departure so much later from a call on, there and at all calls that follow.

    A delay of nothing takes back what was expected from there on. What was expected of the calls
    before stays.

    :raises InvalidInput: there is no such call, or the delay is below nothing or above two days.
    """
    if not timedelta(0) <= by <= LONGEST_DELAY:
        raise InvalidInput(errors={"delay": [_("Write between 0 and 2880 minutes.")]})
    lock(departure_id=departure_id, revision=revision)
    calls = _calls(departure_id)
    _check_position(calls, position)
    before = _expected(calls)
    for call in calls[position:]:
        call.expected_arrives_at = _later(call.arrives_at, by)
        call.expected_departs_at = _later(call.departs_at, by)
    Call.objects.bulk_update(
        calls[position:], ["expected_arrives_at", "expected_departs_at"], batch_size=64
    )
    return {"from": position, "minutes": by // timedelta(minutes=1), "before": before}


def _later(moment: datetime | None, by: timedelta) -> datetime | None:
    return moment + by if moment is not None and by else None


@in_transaction
def cancel(*, departure_id: int, revision: int | None, now: datetime) -> Change:
    """
    Call the departure off: it is not sold any more, and every coupon may be given back in full.

    :raises NotRunning: it does not run anyway.
    """
    departure = lock(departure_id=departure_id, revision=revision)
    Departure.objects.filter(pk=departure_id).update(state=Departure.State.CANCELLED)
    return {"before": departure.state, "after": Departure.State.CANCELLED.value}


@in_transaction
def skip(
    *, departure_id: int, positions: Sequence[int], revision: int | None, now: datetime
) -> Change:
    """
    Leave out these calls: nobody boards or alights there. They keep their numbers.

    :raises InvalidInput: as check_skip.
    """
    lock(departure_id=departure_id, revision=revision)
    check_skip(departure_id=departure_id, positions=positions)
    Call.objects.filter(departure_id=departure_id, position__in=positions).update(is_skipped=True)
    return {"skipped": sorted(positions)}


def check_skip(*, departure_id: int, positions: Sequence[int]) -> None:
    """
    See that these calls may be left out.

    :raises InvalidInput: there is no such call, it is left out already, or fewer than two would be
        left.
    """
    calls = _calls(departure_id)
    for position in positions:
        _check_position(calls, position)
        if calls[position].is_skipped:
            raise InvalidInput(errors={"calls_left_out": [_("This call is left out already.")]})
    left = [one for one in calls if not one.is_skipped and one.position not in positions]
    if not positions or len(left) < 2:
        raise InvalidInput(
            errors={"calls_left_out": [_("Leave at least two calls, or cancel the departure.")]}
        )


@in_transaction
def set_platform(
    *, departure_id: int, position: int, platform: str, revision: int | None, now: datetime
) -> Change:
    """
    Say from which platform or gate the departure leaves at a call.

    :raises InvalidInput: there is no such call, or the name is longer than 20 characters.
    """
    if len(platform) > 20:
        raise InvalidInput(errors={"platform": [_("Write at most 20 characters.")]})
    lock(departure_id=departure_id, revision=revision)
    calls = _calls(departure_id)
    _check_position(calls, position)
    Call.objects.filter(pk=calls[position].pk).update(platform=platform)
    return {"call": position, "before": calls[position].platform, "after": platform}


@in_transaction
def set_sales(*, departure_id: int, is_open: bool, revision: int | None, now: datetime) -> Change:
    """Close the departure's sales, or open them again."""
    departure = lock(departure_id=departure_id, revision=revision)
    closed_at = None if is_open else now
    Departure.objects.filter(pk=departure_id).update(sales_closed_at=closed_at)
    before = departure.sales_closed_at
    return {"before": before.isoformat() if before else None, "open": is_open}


def _calls(departure_id: int) -> list[Call]:
    """Answer the calls by their positions, which count from 0 without gaps."""
    return list(Call.objects.filter(departure_id=departure_id).order_by("position"))


def _check_position(calls: Sequence[Call], position: int) -> None:
    if not 0 <= position < len(calls):
        raise InvalidInput(errors={"calls": [_("The departure has no such call.")]})


def _expected(calls: Sequence[Call]) -> dict[str, list[str | None]]:
    """Answer the times that were expected until now, by position, where there were any."""
    return {
        str(call.position): [
            moment.isoformat() if moment else None
            for moment in (call.expected_arrives_at, call.expected_departs_at)
        ]
        for call in calls
        if call.expected_arrives_at or call.expected_departs_at
    }
