"""A small coach company on the equator, where distances can be reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from inventory.timetable.profile import load_profile
from inventory.timetable.reading import Reading
from inventory.timetable.services_csv import ServicesOptions, read_services

#: A degree on the equator is 6371.009 km * pi / 180 = 111.195 km.
SHEETS = {
    "company.csv": "code,name,country,currency,time_zone\nacme,Acme Coaches,DE,EUR,Europe/Berlin\n",
    "stops.csv": (
        "stop,name,city,latitude,longitude,time_zone\n"
        "A,Alpha ZOB,Alpha,0,1,\n"
        "B,Beta ZOB,Beta,0,2,\n"
        "C,Gamma Square,Gamma,0,4,Europe/London\n"
    ),
    "vehicles.csv": "vehicle,name,seats\nbig,Comfort coach,10 AB|CD\n",
    "lines.csv": "line,stop,minutes,stand\nx,A,0,\nx,B,60,10\nx,C,190,\n",
    "departures.csv": "line,number,leaves,days,vehicle\nx,X 1,08:30,Mon-Fri,big\n",
    "fares.csv": "number,fare,base,per_km\n0,Standard,3.90,0.085\n",
}

profile = cache(load_profile)

Read = Callable[..., Reading]


@pytest.fixture
def make_sheets(tmp_path: Path) -> Callable[..., Path]:
    """Writes the sheets: the plain ones, replaced, or left out where None is given."""

    def make(sheets: dict[str, str | bytes | None] | None = None) -> Path:
        folder = tmp_path / "acme"
        folder.mkdir(exist_ok=True)
        for name, content in {**SHEETS, **(sheets or {})}.items():
            (folder / name).unlink(missing_ok=True)
            if content is not None:
                data = content if isinstance(content, bytes) else content.encode()
                (folder / name).write_bytes(data)
        return folder

    return make


@pytest.fixture
def read(make_sheets: Callable[..., Path]) -> Any:
    """Reads the sheets, for the week from Monday, 12 January 2026, where nothing else is said."""
    with ExitStack() as stack:

        def read_sheets(sheets: Any = None, **options: Any) -> Reading:
            given = ServicesOptions(
                **{
                    "feed": "acme",
                    "profile": profile(),
                    "first_day": date(2026, 1, 12),
                    "days": 7,
                    **options,
                }
            )
            return stack.enter_context(read_services(make_sheets(sheets), given))

        yield read_sheets
