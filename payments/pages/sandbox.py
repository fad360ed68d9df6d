"""
The sandbox provider's own page: whoever tries the office plays the payer here.

A real provider's page stands on its own host. This one moves no money, and is open only to whoever
may see what is being paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import selectors as bookings
from bookings.pages import shown
from bookings.pages.access import viewer_of
from bookings.pages.refusals import missing_is_404
from payments import selectors
from payments.services import (
    answer_sandbox,
    answer_sandbox_top_up,
    ask_attempt,
    ask_top_up,
    find_sandbox_block,
    get_attempt,
    get_top_up,
    send_sandbox_coins,
)
from travel.common import clock
from travel.common.errors import NotFound
from travel.common.money import Money
from travel.common.templatetags.look import money_text

# The keys of top-ups begin with this word; those of payments do not.
TOP_UP = "top-up-"
# What one may send of what is asked for in a cryptocurrency, in per cent.
SHARES = {"half": 50, "double": 200}


@dataclass(frozen=True, slots=True)
class Charge:
    """What the payer is asked to consent to."""

    amount: Money
    purpose: str
    method: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def ask(request: HttpRequest, key: str) -> HttpResponse:
    """Show what is to be paid, and take the payer's yes or no."""
    now = clock.now()
    if key.startswith(TOP_UP):
        return _top_up(request, key, now)
    return _payment(request, key, now)


def _payment(request: HttpRequest, key: str, now: datetime) -> HttpResponse:
    viewer = viewer_of(request)
    attempt, booked = get_attempt(viewer=viewer, key=key, now=now)
    if attempt.state not in ("started", "pending"):
        return _after(request, attempt.id, booked.id, now)
    if request.method != "POST":
        charge = Charge(
            Money(attempt.amount_minor, attempt.currency_id),
            gettext("Booking %(locator)s") % {"locator": booked.locator},
            shown.method_name(attempt.method),
        )
        coins = selectors.get_invoice(attempt.id)
        return render(request, "payments/sandbox.html", {"charge": charge, "coins": coins})
    told = request.POST.get("answer", "")
    if told in SHARES:
        send_sandbox_coins(viewer=viewer, key=key, percent=SHARES[told], now=now)
    elif told == "block":
        find_sandbox_block(viewer=viewer, key=key, now=now)
    else:
        answer_sandbox(viewer=viewer, key=key, accepted=told == "accept", now=now)
    if told in SHARES or told == "block":
        attempt, booked = get_attempt(viewer=viewer, key=key, now=now)
        if attempt.state in ("started", "pending"):
            return redirect("payments:sandbox", key)
    return _after(request, attempt.id, booked.id, now)


@never_cache
@require_http_methods(["GET", "HEAD"])
@missing_is_404
def come_back(request: HttpRequest, key: str) -> HttpResponse:
    """Take in a payer who comes back from a provider's page, and ask the provider what became."""
    now = clock.now()
    if key.startswith(TOP_UP):
        return _top_up_after(request, key, now)
    attempt, booked = get_attempt(viewer=viewer_of(request), key=key, now=now)
    if attempt.state in ("started", "pending"):
        ask_attempt(payment_id=attempt.id, now=now)
    return _after(request, attempt.id, booked.id, now)


def _after(
    request: HttpRequest, payment_id: int, reservation_id: int, now: datetime
) -> HttpResponse:
    """Go where the payer's answer leads, whenever it was given."""
    paid = selectors.get_payment(payment_id)
    booked = bookings.get_reservation(
        viewer=viewer_of(request), reservation_id=reservation_id, now=now
    )
    if booked.status == "Paid":
        return redirect("bookings:done", booked.locator)
    if paid.state == "captured":
        back = Money(sum(one.amount.minor for one in paid.refunds), paid.amount.currency)
        messages.warning(
            request,
            gettext("Your payment could not be used. %(amount)s goes back to you in full.")
            % {"amount": money_text(back)},
        )
        return redirect("bookings:reservation", booked.locator)
    if paid.state in ("started", "pending"):
        messages.info(
            request,
            gettext(
                "The provider has not answered yet. This page will show it as soon as it does."
            ),
        )
        return redirect("bookings:reservation", booked.locator)
    reason = shown.reason_text(paid.failure)
    nothing = gettext("Nothing was charged.")
    messages.error(request, f"{reason} {nothing}".strip())
    return redirect("payments:payment", booked.locator)


def _top_up(request: HttpRequest, key: str, now: datetime) -> HttpResponse:
    if not request.user.is_authenticated:
        raise NotFound
    user_id = request.user.pk
    row = get_top_up(user_id=user_id, key=key)
    amount = Money(row.amount_minor, row.account.currency_id)
    if row.state != "started":
        return redirect("payments:wallet")
    if request.method != "POST":
        charge = Charge(amount, gettext("Wallet top-up"), shown.method_name("Bank Card"))
        return render(request, "payments/sandbox.html", {"charge": charge})
    accepted = request.POST.get("answer") == "accept"
    done = answer_sandbox_top_up(user_id=user_id, key=key, accepted=accepted, now=now)
    return _filled(request, done.state, amount)


def _top_up_after(request: HttpRequest, key: str, now: datetime) -> HttpResponse:
    if not request.user.is_authenticated:
        raise NotFound
    row = get_top_up(user_id=request.user.pk, key=key)
    amount = Money(row.amount_minor, row.account.currency_id)
    state = row.state
    if state == "started":
        state = ask_top_up(top_up_id=row.id, now=now).state
    return _filled(request, state, amount)


def _filled(request: HttpRequest, state: str, amount: Money) -> HttpResponse:
    if state == "captured":
        messages.success(
            request, gettext("%(amount)s is in your wallet.") % {"amount": money_text(amount)}
        )
    elif state == "started":
        messages.info(request, gettext("The provider has not answered yet."))
    else:
        messages.error(request, gettext("The top-up was refused. Nothing was charged."))
    return redirect("payments:wallet")
