"""Writes of money: paying, cancelling with its refund, refunds on their way, the wallet."""

from payments.services.cancelling import Quote, cancel_and_refund, quote_cancellation
from payments.services.paying import Paid, answer_sandbox, pay, settle_attempt
from payments.services.refunds import push_refund
from payments.services.wallet import open_with, settle_top_up, top_up

__all__ = [
    "Paid",
    "Quote",
    "answer_sandbox",
    "cancel_and_refund",
    "open_with",
    "pay",
    "push_refund",
    "quote_cancellation",
    "settle_attempt",
    "settle_top_up",
    "top_up",
]
