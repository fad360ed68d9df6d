"""What tests of serving do again and again: begin by the back office's own pages, and look back."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import User
from support.models import Serving, ServingEntry

REASON = "called the hotline"


def begin(browser: Client, *, purpose: str = "look", reason: str = REASON, **whom: Any) -> Any:
    """Begin to serve somebody as staff do, on the page that asks why."""
    about = "&".join(f"{name}={row.pk}" for name, row in whom.items())
    answer = browser.post(f"/admin/serving/begin/?purpose={purpose}&{about}", {"reason": reason})
    assert answer.status_code == 302, answer.content.decode()
    return answer


def begin_for_guest(
    browser: Client, *, email: str = "", phone: str = "", language: str = "de"
) -> Any:
    """Begin to book for somebody new who calls."""
    answer = browser.post(
        "/admin/book-by-phone/",
        {"guest": "1", "email": email, "phone": phone, "language": language, "reason": REASON},
    )
    assert answer.status_code == 302, answer.content.decode()
    return answer


def log_of(staff: User) -> list[tuple[str, str, bool]]:
    """Answer what the latest serving of somebody opened: page, method, whether it was refused."""
    row = Serving.objects.filter(staff=staff).latest("id")
    return list(
        ServingEntry.objects.filter(serving=row)
        .order_by("id")
        .values_list("what", "method", "is_refused")
    )


def passenger(first: str = "Ada", last: str = "Lovelace") -> dict[str, str]:
    """Answer what is typed for the first passenger, and no contact: it is not asked for."""
    return {
        "p1-first_name": first,
        "p1-last_name": last,
        "p1-date_of_birth": "",
        "p1-seat_wish": "",
        "form_key": "the-form",
    }
