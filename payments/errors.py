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


class PaymentLocked(Refusal):
    """Staff who serve a traveller never pay with the traveller's money."""

    code = "payment_locked"
    status = 403
    title = _("Only the traveller pays. Send the link, so that they can.")


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


class AlreadyClosed(Refusal):
    """Somebody has looked at it already."""

    code = "already_closed"
    status = 409
    title = _("Somebody has closed this already.")


class InvalidSignature(Refusal):
    """A webhook is not signed by the provider, was signed too long ago, or cannot be read."""

    code = "invalid_signature"
    status = 400
    title = _("This webhook is not signed as it has to be.")


class NothingWaived(Refusal):
    """The refund is what the fare's rules give back, so nobody may reject it."""

    code = "nothing_waived"
    status = 409
    title = _("Nothing was waived: by the fare's rules this refund is owed.")


class RefundNotFailed(Refusal):
    """The refund is on its way or done."""

    code = "refund_not_failed"
    status = 409
    title = _("This refund has not failed.")


class ProviderSilent(Refusal):
    """The provider does not say whether it has paid."""

    code = "provider_silent"
    status = 409
    title = _("The provider does not answer, and may have paid already. Please try again later.")


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


class NothingToBelieve(Refusal):
    """The provider has not captured anything that could be booked for this attempt."""

    code = "nothing_to_believe"
    status = 409
    title = _("The provider does not say that it has captured money for this payment.")
