"""Writes of money: paying, cancelling with its refund, refunds on their way, the wallet."""

from payments.services.cancelling import Quote, cancel_and_refund, quote_cancellation, quote_for
from payments.services.paying import Paid, answer_sandbox, get_attempt, pay, settle_attempt
from payments.services.refunds import approve_refund, push_refund
from payments.services.wallet import (
    answer_sandbox_top_up,
    get_top_up,
    open_with,
    settle_top_up,
    top_up,
)

__all__ = [
    "Paid",
    "Quote",
    "answer_sandbox",
    "answer_sandbox_top_up",
    "approve_refund",
    "cancel_and_refund",
    "get_attempt",
    "get_top_up",
    "open_with",
    "pay",
    "push_refund",
    "quote_cancellation",
    "quote_for",
    "settle_attempt",
    "settle_top_up",
    "top_up",
]
