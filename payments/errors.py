"""Refusals of money."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from travel.common.errors import Refusal


class UnknownPaymentMethod(Refusal):
    """The office does not take this method."""

    code = "unknown_payment_method"
    status = 400
    title = _("This payment method is not known.")


class InsufficientFunds(Refusal):
    """The wallet holds less than the price."""

    code = "insufficient_funds"
    status = 402
    title = _("There is not enough money in the wallet.")


class PaymentDeclined(Refusal):
    """The provider declined the payment."""

    code = "payment_declined"
    status = 402
    title = _("The payment was declined. Please try another card or method.")


class NotAwaitingApproval(Refusal):
    """The refund is on its way already, done, or with staff."""

    code = "not_awaiting_approval"
    status = 409
    title = _("This refund does not wait for approval.")


class QuoteExpired(Refusal):
    """The quoted amounts no longer hold."""

    code = "quote_expired"
    status = 409
    title = _("This quote no longer holds. Please look at the amounts again.")


class NothingToSettle(Refusal):
    """Nothing was sold or given back for the carrier since its last statement."""

    code = "nothing_to_settle"
    status = 409
    title = _("There is nothing to settle since the last statement.")


class SettlementPaid(Refusal):
    """The statement was paid before."""

    code = "settlement_paid"
    status = 409
    title = _("This statement is paid already.")
