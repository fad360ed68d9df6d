"""Paying a reservation, and the wallet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import serving
from accounts.pages.appearance import way_back
from bookings import selectors as bookings
from bookings.errors import AlreadyCancelled, AlreadyPaid, HoldExpired
from bookings.pages import shown
from bookings.pages.access import take_key, viewer_of
from bookings.pages.refusals import missing_is_404
from bookings.pages.reservation_views import hold_of
from bookings.selectors import ReservationDetail
from inventory import selectors as inventory
from payments import selectors, statements
from payments.errors import PaymentDeclined
from payments.pages import once
from payments.pages.conditions import refund_steps
from payments.pages.forms import (
    CARD,
    CRYPTO,
    WALLET,
    PaymentForm,
    TopUpForm,
    are_cards_for_trying,
    is_taken,
)
from payments.services import Paid, pay, top_up
from payments.statements import wallet_statement
from travel.common import clock
from travel.common.errors import Refusal, RequestInProgress
from travel.common.ids import new_secret
from travel.common.money import Money
from travel.common.paging import read_page
from travel.common.templatetags.look import money_text

MOVES_A_PAGE = 20


# --- paying ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay, as components/option.html shows it."""

    value: str
    icon_name: str
    title: str
    text: str
    amount: Money
    checked: bool
    disabled: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@missing_is_404
def payment(request: HttpRequest, locator: str) -> HttpResponse:
    """Pay what is held; pressing the button twice pays once."""
    now = clock.now()
    if request.method != "POST" and (way_on := take_key(request, locator, now=now)):
        return way_on
    booked = bookings.get_reservation(viewer=viewer_of(request), locator=locator, now=now)
    if booked.status != "Reserved":
        return _not_payable(request, booked, now)
    if serving.of(request):
        return _locked(request, booked, now)
    form = PaymentForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _ask(request, booked, form, now)
    if not form.is_valid():
        return _ask(request, booked, form, now, status=HTTPStatus.BAD_REQUEST)
    return _pay(request, booked, form, now)


def _locked(request: HttpRequest, booked: ReservationDetail, now: datetime) -> HttpResponse:
    """Show staff who serve the traveller what is to be paid, and no way to pay it."""
    if request.method == "POST":
        raise PermissionDenied
    context = {
        "reservation": booked,
        "rides": shown.rides(booked, now=now),
        "lines": shown.bill(booked),
        "hold": hold_of(booked, now),
    }
    return render(request, "payments/payment_locked.html", context)


def _pay(
    request: HttpRequest, booked: ReservationDetail, form: PaymentForm, now: datetime
) -> HttpResponse:
    method = form.cleaned_data["method"]
    try:
        paid = pay(
            viewer=viewer_of(request),
            reservation_id=booked.id,
            method=method,
            token=form.cleaned_data.get("card") if method == CARD else None,
            seats_may_change=form.cleaned_data["seats_may_change"],
            now=now,
        )
    except (AlreadyPaid, AlreadyCancelled, HoldExpired):
        again = bookings.get_reservation(
            viewer=viewer_of(request), reservation_id=booked.id, now=now
        )
        return _not_payable(request, again, now)
    except RequestInProgress:
        messages.info(request, gettext("Your payment is on its way. Give it a few seconds."))
        return redirect("bookings:reservation", booked.locator)
    except PaymentDeclined as refusal:
        reason = shown.reason_text(str(refusal.details.get("reason", "")))
        nothing = gettext("Nothing was charged, and your seats are still held.")
        form.add_error(None, " ".join(filter(None, [str(refusal.detail), reason, nothing])))
        return _ask(request, booked, form, now, status=refusal.status)
    except Refusal as refusal:
        form.add_error(None, _told(refusal))
        return _ask(request, booked, form, now, status=refusal.status)
    return _after(request, booked, paid)


def _after(request: HttpRequest, booked: ReservationDetail, paid: Paid) -> HttpResponse:
    if paid.redirect_url:
        return HttpResponseRedirect(own_path(paid.redirect_url))
    if paid.is_captured and not paid.failure:
        return redirect("bookings:done", booked.locator)
    if not paid.is_captured:
        messages.info(
            request,
            gettext(
                "The provider has not answered yet. This page will show it as soon as it does."
            ),
        )
    return redirect("bookings:reservation", booked.locator)


def own_path(url: str) -> str:
    """Answer a page of this office without its host: readers may know the office by another."""
    return url.removeprefix(settings.SITE_URL)


def _told(refusal: Refusal) -> str:
    """Write a refusal as a sentence, the message about a field before the general one."""
    return next((text for texts in refusal.errors.values() for text in texts), str(refusal.detail))


def _not_payable(request: HttpRequest, booked: ReservationDetail, now: datetime) -> HttpResponse:
    if booked.status == "Paid":
        return redirect("bookings:done", booked.locator)
    if booked.status != "Expired":
        return redirect("bookings:reservation", booked.locator)
    origin, destination = shown.way(booked)
    overview = selectors.overviews([booked], now=now)[0]
    context = {
        "reservation": booked,
        "rides": shown.rides(booked, now=now),
        "origin": origin,
        "destination": destination,
        "refunded": overview.refunded,
        "until": booked.hold_until.astimezone(shown.home_zone(booked)),
        "search_href": _search_again(booked),
    }
    status = HTTPStatus.CONFLICT if request.method == "POST" else HTTPStatus.OK
    return render(request, "payments/over.html", context, status=status)


def _search_again(booked: ReservationDetail) -> str:
    """Answer the way to a search for the same trip and the same party."""
    first = shown.rides(booked, now=booked.created_at)[0]
    ticket = booked.tickets[first.ticket_id]
    party = Counter(passenger.kind for passenger in booked.passengers)
    asked: dict[str, str | int] = {
        "origin": ticket.origin.city.name,
        "destination": shown.far_end(booked).name,
        "date": first.departs_at.date().isoformat(),
        **party,
    }
    return f"{reverse('bookings:search')}?{urlencode(asked)}"


def _ask(
    request: HttpRequest,
    booked: ReservationDetail,
    form: PaymentForm,
    now: datetime,
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    # Starting to pay may have lengthened the hold.
    if form.is_bound:
        booked = bookings.get_reservation(
            viewer=viewer_of(request), reservation_id=booked.id, now=now
        )
        if booked.status != "Reserved":
            return _not_payable(request, booked, now)
    tiers = inventory.penalty_tiers({coupon.fare_version_id for coupon in booked.coupons})
    ways, missing = _ways(request, booked, form)
    context = {
        "form": form,
        "reservation": booked,
        "rides": shown.rides(booked, now=now),
        "lines": shown.bill(booked),
        "hold": hold_of(booked, now),
        "may_extend": "extendHold" in selectors.available_actions(booked, now=now),
        "ways": ways,
        "missing": missing,
        "steps": refund_steps(
            booked, booked.open_coupons, tiers, now=now, zone=shown.home_zone(booked)
        ),
    }
    return render(request, "payments/payment.html", context, status=status)


def _ways(
    request: HttpRequest, booked: ReservationDetail, form: PaymentForm
) -> tuple[list[Way], Money | None]:
    """Answer the ways to pay, and what the wallet lacks."""
    chosen = form["method"].value() or (CARD if is_taken(CARD) else WALLET)
    missing: Money | None = None
    wallet_text, has_wallet = "", False
    if not request.user.is_authenticated:
        wallet_text = gettext("Sign in to pay from your wallet.")
    elif booked.user_id != request.user.pk:
        wallet_text = gettext("This was booked without your account, so its wallet is not used.")
    else:
        balance = selectors.balance(request.user.pk, booked.currency)
        has_wallet = not balance < booked.price
        missing = None if has_wallet else booked.price - balance
        wallet_text = _balance_text(balance, missing)
    ways = [
        ("card", CARD, gettext("Bank card"), _card_text()),
        ("wallet", WALLET, gettext("Wallet"), wallet_text),
        (
            "crypto",
            CRYPTO,
            gettext("Cryptocurrency"),
            gettext("You see address and amount on the provider's page."),
        ),
    ]
    return [
        Way(
            value=value,
            icon_name=icon,
            title=title,
            text=text,
            amount=booked.price,
            checked=value == chosen and (value != WALLET or has_wallet),
            disabled=value == WALLET and not has_wallet,
        )
        for icon, value, title, text in ways
        if is_taken(value)
    ], missing


def _card_text() -> str:
    if are_cards_for_trying():
        return gettext("A test card of the sandbox; see below.")
    return gettext("You enter your card on the provider's page; its number never comes to us.")


def _balance_text(balance: Money, missing: Money | None) -> str:
    if missing is None:
        return gettext("Balance %(balance)s.") % {"balance": money_text(balance)}
    return gettext("Balance %(balance)s: %(missing)s is missing.") % {
        "balance": money_text(balance),
        "missing": money_text(missing),
    }


# --- the wallet -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """
    A line of the statement in words; `locator` is the booking it belongs to, or empty, `balance`
    what the wallet held from then on.
    """

    at: datetime
    title: str
    locator: str
    amount: Money
    balance: Money


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def wallet(request: HttpRequest) -> HttpResponse:
    """Show what the wallets hold and how it came about, and fill them."""
    if serving.of(request):
        raise PermissionDenied
    now = clock.now()
    user_id = _user_id(request)
    balances = selectors.balances(user_id)
    form = TopUpForm(
        request.POST if request.method == "POST" else None,
        initial={
            "amount": request.GET.get("amount", "50.00")[:16],
            "currency": request.GET.get("currency", "")[:3],
            "once": new_secret(),
        },
        currencies=_currencies(balances),
    )
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid() and (answer := _top_up(request, form, now)):
            return answer
        status = HTTPStatus.BAD_REQUEST
    page, moves = read_page(
        request,
        lambda offset, limit: wallet_statement(user_id=user_id, offset=offset, limit=limit),
        size=MOVES_A_PAGE,
    )
    context = {
        "balances": balances,
        "form": form,
        "page": page,
        "moves": [_move(one) for one in moves],
        "next": way_back(request, otherwise=""),
    }
    return render(request, "payments/wallet.html", context, status=status)


def _top_up(request: HttpRequest, form: TopUpForm, now: datetime) -> HttpResponse | None:
    """Fill the wallet; answer None when the form has to be shown again with what is wrong."""
    card = form.cleaned_data.get("card")
    said = f"{form.money} {card}"
    asked = once.asked_by(request, token=form.cleaned_data["once"], said=said)
    if not once.is_first(asked, now=now):
        messages.info(
            request, gettext("This was sent before. The statement shows what came of it.")
        )
        return redirect("payments:wallet")
    way_on = way_back(request, otherwise=reverse("payments:wallet"))
    try:
        done = top_up(
            user_id=_user_id(request),
            amount=form.money,
            token=card,
            now=now,
        )
    except Refusal as refusal:
        once.had_no_effect(asked)
        _tell(form, refusal)
        return None
    once.is_done(asked, way_on, now=now)
    if done.redirect_url:
        return HttpResponseRedirect(own_path(done.redirect_url))
    messages.success(
        request, gettext("%(amount)s is in your wallet.") % {"amount": money_text(form.money)}
    )
    return HttpResponseRedirect(way_on)


def _tell(form: TopUpForm, refusal: Refusal) -> None:
    reason = shown.reason_text(str(refusal.details.get("reason", "")))
    form.add_error("amount" if refusal.errors else None, f"{_told(refusal)} {reason}".strip())


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None, "the wallet is for whoever signed in"
    return request.user.pk


def _currencies(balances: list[Money]) -> list[str]:
    """Answer the currencies to choose from: the user's own wallets, then what is sold in."""
    mine = [amount.currency for amount in balances]
    return mine + [code for code in inventory.currencies_sold() if code not in mine] or ["EUR"]


def _move(line: statements.Move) -> Move:
    titles = {
        "top_up": gettext("Top-up by card"),
        "payment": gettext("Paid for a booking"),
        "refund": gettext("Refund of a booking"),
        "opening": gettext("Opening balance"),
        "goodwill": gettext("A gift from us"),
    }
    title = titles.get(line.kind, gettext("Correction"))
    return Move(line.at, title, line.memo, line.amount, line.balance)
