"""
The sandbox: a provider that lives here and moves no real money.

Its tokens are stories: `tok_accepted` is charged, `tok_declined`, `tok_insufficient` and
`tok_expired` are not, `tok_3ds` and `tok_crypto` want the payer's consent on a page of the provider
first. It keeps its own books, so that it can be asked what became of a charge.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import F

from payments.gateways.contract import Answer, GatewayReply
from payments.models import SandboxCharge, SandboxRefund
from travel.common.money import Money
from travel.common.transactions import in_transaction

DEFAULT_TOKEN = "tok_accepted"
CRYPTO_TOKEN = "tok_crypto"
ASKS_THE_PAYER = frozenset({"tok_3ds", CRYPTO_TOKEN})
DECLINED = {
    "tok_declined": "declined",
    "tok_insufficient": "insufficient_funds",
    "tok_expired": "expired_card",
}
State = SandboxCharge.State


class SandboxGateway:
    """See payments.gateways.contract.Gateway."""

    code = "sandbox"

    def charge(self, *, key: str, amount: Money, token: str) -> GatewayReply:
        state, reason = _story(token)
        charge, _ = SandboxCharge.objects.get_or_create(
            key=key,
            defaults={
                "token": token[:80],
                "amount_minor": amount.minor,
                "currency_id": amount.currency,
                "state": state,
                "captured_minor": amount.minor if state == State.CAPTURED else 0,
                "reason": reason,
            },
        )
        return _reply(charge)

    def find(self, *, key: str) -> GatewayReply:
        charge = SandboxCharge.objects.filter(key=key).first()
        return GatewayReply(Answer.NOT_FOUND) if charge is None else _reply(charge)

    @in_transaction
    def refund(self, *, key: str, reference: str, amount: Money) -> GatewayReply:
        charge = SandboxCharge.objects.select_for_update().get(key=reference)
        if SandboxRefund.objects.filter(key=key).exists():
            return GatewayReply(Answer.DONE, reference=key)
        if charge.refunded_minor + amount.minor > charge.captured_minor:
            return GatewayReply(Answer.DECLINED, reason="more_than_charged")
        SandboxCharge.objects.filter(id=charge.id).update(
            refunded_minor=F("refunded_minor") + amount.minor
        )
        SandboxRefund.objects.create(key=key, charge=charge, amount_minor=amount.minor)
        return GatewayReply(Answer.DONE, reference=key)

    def answer(self, *, key: str, accepted: bool) -> None:
        """Play the payer on the provider's page: consent to a waiting charge, or refuse it."""
        SandboxCharge.objects.filter(key=key, state=State.WAITING).update(
            state=State.CAPTURED if accepted else State.DECLINED,
            captured_minor=F("amount_minor") if accepted else 0,
            reason="" if accepted else "refused_by_payer",
        )


def _story(token: str) -> tuple[str, str]:
    """Answer the state in which a token's charge begins, and the reason of a refusal."""
    if token == DEFAULT_TOKEN:
        return State.CAPTURED, ""
    if token in ASKS_THE_PAYER:
        return State.WAITING, ""
    return State.DECLINED, DECLINED.get(token, "unknown_token")


def _reply(charge: SandboxCharge) -> GatewayReply:
    if charge.state == State.CAPTURED:
        return GatewayReply(Answer.CAPTURED, reference=charge.key)
    if charge.state == State.DECLINED:
        return GatewayReply(Answer.DECLINED, reference=charge.key, reason=charge.reason)
    page = f"{settings.SITE_URL}/pay/sandbox/{charge.key}/"
    return GatewayReply(Answer.REDIRECT, reference=charge.key, redirect_url=page)
