"""What a door says: one table of cases, for the office here and for devices in test_door.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bookings.verdicts import Shown, hints, judge

CASES = json.loads((Path(__file__).parent / "verdicts.json").read_text(encoding="utf-8"))


def shown(**changes: Any) -> Shown:
    told = CASES["usual"] | changes
    return Shown(
        state=told["state"],
        is_paid=told["isPaid"],
        is_running=told["isRunning"],
        was_exchanged=told["wasExchanged"],
        from_stop=told["from"],
        to_stop=told["to"],
        stop=told["stop"],
        opens_at=datetime.fromtimestamp(told["opensAt"], tz=UTC),
        at=datetime.fromtimestamp(told["at"], tz=UTC),
        adult_is_in=told["adultIsIn"],
    )


@pytest.mark.parametrize(("word", "changes"), CASES["judged"])
def test_the_word(word: str, changes: dict[str, Any]) -> None:
    assert judge(shown(**changes)) == word


@pytest.mark.parametrize(("expected", "changes"), CASES["hinted"])
def test_the_hints(expected: list[str], changes: dict[str, Any]) -> None:
    def pairs(name: str) -> list[tuple[str, str]] | None:
        return [tuple(one) for one in changes[name]] if name in changes else None

    seats = pairs("seats")
    told = hints(
        shown=shown(**{name: changes[name] for name in ("stop",) if name in changes}),
        kind=changes.get("kind", "adult"),
        seats=[("1", "1A")] if seats is None else seats,
        coach=changes.get("coach", ""),
        infants_to_come=changes.get("infantsToCome", 0),
        needs_wheelchair=changes.get("wheelchair", False),
        issued_seats=pairs("issuedSeats"),
        is_old_issue=changes.get("isOldIssue", False),
    )

    assert told == expected
