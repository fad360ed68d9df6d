"""Agencies, routes and train numbers: who runs what, and under which number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from inventory.timetable.gtfs.archive import Archive
from inventory.timetable.gtfs.tables import read_table
from inventory.timetable.profile import Profile, ServiceRule
from inventory.timetable.report import Report, SourceBroken
from inventory.timetable.zones import zone_or_none
from travel.common.ids import normal_text

LONGEST_NUMBER = 40

_CATEGORY = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Agency:
    """A row of agency.txt."""

    agency_id: str
    name: str
    url: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Route:
    """A row of routes.txt whose services may be sold."""

    agency: Agency
    short_name: str
    long_name: str
    route_type: int


def read_agencies(archive: Archive, report: Report) -> dict[str, Agency]:
    """
    Agencies by agency_id, which may be empty when there is one only.

    :raises SourceBroken: no agency with a time zone: no time of the feed would mean anything.
    """
    file = "agency.txt"
    agencies: dict[str, Agency] = {}
    for line, (name, tz, agency_id, url) in read_table(
        archive,
        file,
        required=("agency_name", "agency_timezone"),
        optional=("agency_id", "agency_url"),
        report=report,
    ):
        zone = zone_or_none(tz)
        if agency_id in agencies:
            report.skip(file, line, "an agency_id stands twice", agency_id)
        elif zone is None:
            report.fault(file, line, "agency_timezone is no time zone", tz)
        else:
            agencies[agency_id] = Agency(agency_id, normal_text(name), url, zone)
    if not agencies:
        report.fault(file, None, "names no agency")
    if report.has_faults:
        raise SourceBroken(report)
    return agencies


def read_routes(
    archive: Archive, agencies: dict[str, Agency], profile: Profile, report: Report
) -> tuple[dict[str, Route], set[str]]:
    """Routes by route_id, and the ids of those that are left out."""
    file = "routes.txt"
    routes: dict[str, Route] = {}
    left_out: set[str] = set()
    only = next(iter(agencies.values())) if len(agencies) == 1 else None
    for line, (route_id, kind, agency_id, short_name, long_name) in read_table(
        archive,
        file,
        required=("route_id", "route_type"),
        optional=("agency_id", "route_short_name", "route_long_name"),
        report=report,
    ):
        agency = agencies.get(agency_id) or (only if not agency_id else None)
        if not route_id or route_id in routes or route_id in left_out:
            report.skip(file, line, "route_id is empty or stands twice", route_id)
            continue
        left_out.add(route_id)
        if agency is None:
            report.skip(file, line, "agency_id is not known", agency_id)
        elif not re.fullmatch(r"\d{1,4}", kind):
            report.skip(file, line, "route_type is no number", kind)
        elif not _may_match(profile, int(kind)):
            report.skip(file, line, "route_type is not sold here", kind)
        else:
            left_out.remove(route_id)
            routes[route_id] = Route(
                agency, normal_text(short_name), normal_text(long_name), int(kind)
            )
    return routes, left_out


def _may_match(profile: Profile, route_type: int) -> bool:
    return any(
        ServiceRule.matches(
            rule,
            route_type=route_type,
            agency=rule.agencies[0] if rule.agencies else "",
            category=rule.categories[0] if rule.categories else "",
        )
        for rule in profile.services
    )


def service_number(*, route: Route, route_id: str, trip_short_name: str) -> str:
    """
    The number that people know: the trip's, else the route's short name, else its long name.

    A trip's bare digits follow the route's short name when that is a category: ICE and 1672.
    """
    trip_name = " ".join(normal_text(trip_short_name).split())
    if trip_name.isdigit() and route.short_name.isalpha():
        trip_name = f"{route.short_name} {trip_name}"
    number = trip_name or route.short_name or route.long_name or route_id
    return " ".join(number.split())[:LONGEST_NUMBER]


def category_of(number: str) -> str:
    """The letters before the digits: `ICE` of `ICE 1672`; empty when it begins otherwise."""
    match = _CATEGORY.match(number)
    return match.group() if match is not None else ""
