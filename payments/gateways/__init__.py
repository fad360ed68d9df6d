"""The ways out to those who move money: one small interface, a gateway for each method."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from payments.errors import UnknownPaymentMethod
from payments.gateways.btcpay import BTCPayGateway
from payments.gateways.careful import CarefulGateway
from payments.gateways.contract import Gateway
from payments.gateways.sandbox import SandboxGateway

# What stands in the settings for a method that the office does not take.
NONE = "none"


@cache
def get(code: str) -> CarefulGateway:
    """
    Answer the gateway of that code.

    :raises KeyError: there is none.
    """
    return CarefulGateway(_make(code))


def for_method(method: str) -> CarefulGateway:
    """
    Answer the gateway that the office has chosen for a method of paying.

    :raises UnknownPaymentMethod: the office does not take it.
    """
    code = settings.PAYMENT_GATEWAYS[method]
    if code == NONE:
        raise UnknownPaymentMethod()
    return get(code)


def _make(code: str) -> Gateway:
    if code == SandboxGateway.code:
        return SandboxGateway()
    if code == BTCPayGateway.code:
        return BTCPayGateway()
    if code == "stripe":
        # Its SDK is wanted only where it is switched on.
        try:
            from payments.gateways.stripe import StripeGateway
        except ModuleNotFoundError as error:
            raise KeyError(code) from error
        return StripeGateway()
    raise KeyError(code)
