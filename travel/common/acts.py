"""
The record of what staff do: who, when, what, from where, and why.

Every page of the admin writes here by itself, for its tables' bases (`admin_bases.Recorded`) call
`record` whenever Django would log an addition, a change or a deletion. A page or a button of our
own calls it after the service that did the work:

    acts.record(request, reservation, gettext("Cancelled."), why=form.cleaned_data["reason"])

Who takes a file of people or money along is recorded too, whether or not it is about one row:

    acts.record(request, None, gettext("Revenue"), kind=acts.Kind.EXPORTED)

`on` reads what was done to rows, for the story of one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from travel.common import clock
from travel.common.address import client_address
from travel.common.models import Act
from travel.common.text import clean_text
from travel.common.transactions import in_transaction

Kind = Act.Kind
# The name of the field in which a page of the admin asks why.
WHY = "why"
MOST_WHY = 300
MOST_NAME = 200
# What Django's own pages show of an act; it has no flag for those that change nothing.
READ = 4
FLAGS = {Kind.ADDED: ADDITION, Kind.CHANGED: CHANGE, Kind.DELETED: DELETION}


def record(
    request: HttpRequest,
    row: Model | None,
    what: str | list[Any],
    why: str = "",
    *,
    kind: str = Kind.CHANGED,
) -> Act:
    """
    Write down that the member of staff who sends this request did something, and answer the row.

    `row` is what it was done to, None where it is about none (a report, say); `what` is a sentence,
    or the list that Django's forms make of the fields that changed; `why` is what the person said,
    cut off after 300 characters. When and from where follow from the request. It is written in
    the caller's transaction where there is one: what is rolled back was not done.
    """
    return _write(request, row, what, why, kind)


@in_transaction
def _write(
    request: HttpRequest, row: Model | None, what: str | list[Any], why: str, kind: str
) -> Act:
    now = clock.now()
    actor: Any = request.user
    entry = LogEntry.objects.create(
        user_id=actor.pk,
        action_time=now,
        content_type=_type_of(row) if row is not None else None,
        object_id=str(row.pk) if row is not None else None,
        object_repr=(str(row) if row is not None else str(what))[:MOST_NAME],
        action_flag=FLAGS.get(Kind(kind), READ),
        change_message=json.dumps(what) if isinstance(what, list) else str(what),
    )
    return Act.objects.create(
        entry=entry,
        at=now,
        actor_id=actor.pk,
        kind=kind,
        about=about(row) if row is not None else "",
        address=client_address(request),
        reason=why[:MOST_WHY],
    )


def said_why(request: HttpRequest) -> str:
    """Answer the reason that was given with a form of the admin, if any may be kept."""
    try:
        return clean_text(request.POST.get(WHY, ""))[:MOST_WHY]
    except ValueError:
        return ""


def about(row: Model) -> str:
    """Name a row as acts do: `bookings.reservation:7`."""
    return f"{row._meta.label_lower}:{row.pk}"


def on(rows: Iterable[Model | str], *, most: int = 200) -> list[Act]:
    """
    Answer the latest acts on these rows, the oldest first, at most so many.

    Rows may be named as `about` does. Each act comes with its actor and its entry, whose
    `get_change_message()` tells what was done.
    """
    names = [row if isinstance(row, str) else about(row) for row in rows]
    found = acts().filter(about__in=names).order_by("-entry_id")[:most]
    return list(found)[::-1]


def acts() -> QuerySet[Act]:
    """Answer all acts with who did them and what is told of them."""
    return Act.objects.select_related("actor", "entry__content_type")


def _type_of(row: Model) -> ContentType:
    return ContentType.objects.get_for_model(row, for_concrete_model=False)
