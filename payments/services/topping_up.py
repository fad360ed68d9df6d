"""Filling a wallet by a gateway, called as for a reservation: between two transactions."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from payments import gateways
from payments.errors import PaymentDeclined
from payments.gateways.contract import Order
from payments.gateways.sandbox import DEFAULT_TOKEN
from payments.models import Method, TopUp
from payments.services.asking import take
from payments.services.paying import refuse_card_number, return_url
from payments.services.wallet import ToppedUp, settle_top_up, start_top_up
from travel.common.money import Money


def top_up(*, user_id: int, amount: Money, token: str | None, now: datetime) -> ToppedUp:
    """
    Put money into the user's wallet, by the gateway that takes cards.

    :raises InvalidInput: the amount is not positive or beyond a million, or the token is the number
        of a card.
    :raises PaymentDeclined: the provider said no.
    :raises UnknownPaymentMethod: the office takes no cards.
    """
    refuse_card_number(token)
    gateway = gateways.for_method(Method.CARD)
    top_up_id, key = start_top_up(user_id=user_id, amount=amount, gateway=gateway, now=now)
    order = Order(
        key=key,
        amount=amount,
        token=token or DEFAULT_TOKEN,
        purpose=_("Wallet top-up"),
        booking="",
        return_url=return_url(key),
        expires_at=now + settings.PAY_WITHIN,
    )
    reply = gateway.start(order, now=now)
    reply = take(gateway, key=key, amount=amount, reply=reply, now=now)
    done = settle_top_up(top_up_id=top_up_id, reply=reply, now=now)
    if done.state == TopUp.State.FAILED:
        raise PaymentDeclined(reason=done.failure)
    return done
