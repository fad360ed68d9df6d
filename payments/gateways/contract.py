"""
What a gateway promises. It is called with no database transaction open.

A provider may be slow, silent, late, wrong, or tell the same thing twice. So an answer says no more
than what was heard: `UNKNOWN` is no failure, and a webhook is believed only as far as it agrees
with what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from travel.common.money import Money


class Answer(StrEnum):
    """What became of a charge or of a refund."""

    # The provider has the money: final. `GatewayReply.amount` says how much.
    CAPTURED = "captured"
    # The provider has set the money aside and takes it when `capture` is called.
    AUTHORISED = "authorised"
    # It was refused, or has expired; nothing was taken, and nothing will be.
    DECLINED = "declined"
    # The payer has to do something on a page of the provider.
    REDIRECT = "redirect"
    # The provider is at it; it has asked nobody for anything more.
    WAITING = "waiting"
    # A refund is on its way or has arrived: the provider will not fail to make it.
    DONE = "done"
    # The provider never heard of it.
    NOT_FOUND = "not_found"
    # No answer, or none that can be read: ask again later.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Invoice:
    """What is asked for in a cryptocurrency, and what was seen of it so far."""

    asset: str
    address: str
    amount: Decimal
    rate: Decimal
    received: Decimal
    confirmations: int
    confirmations_needed: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """
    An answer with the provider's reference, a reason for a refusal, a page to go to.

    `amount` is what was captured. With `counted` the payer chose it, as with cryptocurrencies: more
    or less than asked is then no contradiction.
    """

    answer: Answer
    reference: str = ""
    reason: str = ""
    redirect_url: str = ""
    amount: Money | None = None
    counted: bool = False
    invoice: Invoice | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a payer is asked for. `key` is the office's (`payment-7`): it charges once.

    `token` is the provider's word for a card, never a card's number. `booking` is the locator,
    empty for a top-up. The payer comes back to `return_url`, a page of the office.
    """

    key: str
    amount: Money
    token: str
    purpose: str
    booking: str
    return_url: str
    expires_at: datetime


class About(StrEnum):
    """What an event is about; the office listens to nothing else."""

    CHARGE = "charge"
    REFUND = "refund"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Event:
    """
    What a provider tells by itself, once its signature was found true.

    `key` is the office's for the charge or refund, `booking` the locator that the provider was
    given, empty where it tells none. Without a `reply` the provider has to be asked.
    """

    id: str
    kind: str
    about: About
    key: str = ""
    reference: str = ""
    booking: str = ""
    reply: GatewayReply | None = None
    occurred_at: datetime | None = None
    # What of it cannot be the office's: another account or store, a test beside real money.
    contradiction: str = ""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line of a provider's statement: money that came in (positive) or went back (negative)."""

    key: str
    reference: str
    amount: Money
    at: datetime


class Forged(ValueError):
    """A webhook whose signature is missing, wrong or too old, or whose body cannot be read."""


class Gateway(Protocol):
    """A provider of payments."""

    code: str
    # What the office speaks with the provider, kept with each attempt.
    version: str

    def start(self, order: Order, *, now: datetime) -> GatewayReply:
        """Ask for the money; the same key charges once however often it is sent."""

    def capture(self, *, key: str, reference: str, amount: Money, now: datetime) -> GatewayReply:
        """Take what was set aside; the same key takes it once."""

    def find(self, *, key: str, reference: str, now: datetime) -> GatewayReply:
        """Ask what became of a charge. `not_found`: it never arrived."""

    def refund(
        self, *, key: str, charge: str, reference: str, amount: Money, now: datetime
    ) -> GatewayReply:
        """
        Give money back; the same `key` refunds once. `charge` and `reference` are the office's key
        and the provider's word for what was captured.
        """

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Event:
        """
        Read a webhook from its raw body. Header names are in small letters.

        :raises Forged: the signature is not the provider's, or is too old.
        """

    def parse_event(self, body: str) -> Event:
        """Read the body of an event whose signature was found true when it came."""

    def statement(self, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        """
        Answer what moved from `since` (included) until `until` (not included), by time.

        :raises Unreadable: the provider cannot be reached, or answers what nobody understands.
        """


class Unreadable(RuntimeError):
    """The provider's answer cannot be had or read."""
