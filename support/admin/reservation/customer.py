"""The page of a customer: everything that the office has with one account, to begin a call from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import User
from payments import selectors as payments
from payments.models import Goodwill
from support import customers, serving
from support.admin.reservation.desk import Hand, shown
from support.admin.reservation.explaining import SEES_REPORTS, state_word
from support.admin.words import Word
from support.models import Report
from travel.common import acts, clock
from travel.common.money import Money
from travel.common.paging import read_page

SEES_WALLETS, SEES_GOODWILL, SEES_CALLS = (
    *("payments.view_account", "payments.view_goodwill"),
    "support.view_serving",
)
PER_PAGE = 20


def customer_view(site: Any, request: HttpRequest, hand: Hand, *, pk: int) -> HttpResponse:
    """Show a customer's account, bookings, reports and what was given; the look is on record."""
    user: Any = request.user
    if not customers.may_see(user):
        raise PermissionDenied
    now = clock.now()
    customer = customers.get_customer(user_id=pk)
    page, found = read_page(
        request,
        lambda offset, limit: customers.bookings_of(
            viewer=hand.viewer, user_id=pk, now=now, offset=offset, limit=limit
        ),
        size=PER_PAGE,
        parameter="p",
    )
    acts.record(request, customer, _("Opened the customer's page."), kind=acts.Kind.LOOKED)
    return shown(
        site,
        request,
        "customer",
        title=_("Customer %(name)s") % {"name": customer},
        customer=customer,
        standing=_standing(customer),
        language=dict(settings.LANGUAGES).get(customer.language, customer.language),
        can_be_served=serving.may_serve(user) and serving.can_be_served(customer),
        count=page.paginator.count,
        found=[(one, state_word(one)) for one in found],
        page=page,
        most=customers.MOST,
        sees_reports=user.has_perm(SEES_REPORTS),
        reports=_reports(pk) if user.has_perm(SEES_REPORTS) else [],
        sees_wallets=user.has_perm(SEES_WALLETS),
        wallets=payments.balances(pk) if user.has_perm(SEES_WALLETS) else [],
        sees_goodwill=user.has_perm(SEES_GOODWILL),
        goodwill=_goodwill(pk) if user.has_perm(SEES_GOODWILL) else [],
        calls=customers.servings_of(user_id=pk) if user.has_perm(SEES_CALLS) else [],
    )


def _standing(customer: User) -> Word | None:
    """Answer what is not as with any traveller."""
    if not customer.is_active:
        return Word(_("Closed"), "bad")
    return Word(_("Staff"), "info") if customer.is_staff else None


def _reports(pk: int) -> list[tuple[Report, Word]]:
    return [
        (one, Word.of(one.get_state_display(), one.state))
        for one in customers.reports_of(user_id=pk)
    ]


def _goodwill(pk: int) -> list[tuple[Goodwill, Money, Word]]:
    return [
        (
            one,
            Money(one.amount_minor, one.account.currency_id),
            Word.of(one.get_state_display(), one.state),
        )
        for one in customers.goodwill_of(user_id=pk)
    ]
