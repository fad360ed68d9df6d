"""What a gateway promises. It is called with no database transaction open."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from travel.common.money import Money


class Answer(StrEnum):
    """What became of a call; `UNKNOWN` is no failure: the provider is asked again later."""

    CAPTURED = "captured"
    DECLINED = "declined"
    REDIRECT = "redirect"
    DONE = "done"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """An answer with the provider's reference, a reason for a refusal, a page to go to."""

    answer: Answer
    reference: str = ""
    reason: str = ""
    redirect_url: str = ""


class Gateway(Protocol):
    """A provider of payments."""

    code: str

    def charge(self, *, key: str, amount: Money, token: str) -> GatewayReply:
        """
        Take the amount; the same key charges once however often it is sent.

        `key` is ours (`payment-7`), `token` the provider's word for a card, never a card number.
        """

    def find(self, *, key: str) -> GatewayReply:
        """Ask what became of a charge: captured, declined, redirect (the payer is asked), not_found
        (it never arrived, and never will under this key) or unknown."""

    def refund(self, *, key: str, reference: str, amount: Money) -> GatewayReply:
        """Give money back for a charge; the same key refunds once."""
