"""
The sandbox: a provider that lives here and moves no real money.

Its tokens are stories: `tok_accepted` is charged, `tok_declined` and `tok_insufficient` are not, `tok_3ds`
wants the payer's consent on a page first. It keeps no state of its own: what it would know follows from
key and token, so that it answers the same after a restart.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop

from payments.gateways.contract import Answer, GatewayReply
from travel.common.money import Money

DEFAULT_TOKEN = "tok_accepted"
DECLINED = {
    "tok_declined": gettext_noop("declined"),
    "tok_insufficient": gettext_noop("insufficient_funds"),
    "tok_expired": gettext_noop("expired_card"),
}
TOKENS = (DEFAULT_TOKEN, "tok_3ds", *DECLINED)


class SandboxGateway:
    """See payments.gateways.contract.Gateway."""

    code = "sandbox"

    def charge(self, *, key: str, amount: Money, token: str) -> GatewayReply:
        if token in DECLINED:
            return GatewayReply(Answer.DECLINED, reason=DECLINED[token])
        if token == "tok_3ds":
            return GatewayReply(Answer.REDIRECT, reference=f"sandbox-{key}")
        if token != DEFAULT_TOKEN:
            return GatewayReply(Answer.DECLINED, reason="unknown_token")
        return GatewayReply(Answer.CAPTURED, reference=f"sandbox-{key}")

    def find(self, *, key: str) -> GatewayReply:
        return GatewayReply(Answer.UNKNOWN)

    def refund(self, *, key: str, reference: str, amount: Money) -> GatewayReply:
        return GatewayReply(Answer.DONE, reference=f"sandbox-{key}")
