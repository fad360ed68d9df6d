"""Writes of money: paying, cancelling with its refund, refunds on their way, the wallet."""

from payments.services.alarms import close_alarm, raise_alarm
from payments.services.asking import ask_attempt, ask_top_up, believe_attempt
from payments.services.cancelling import cancel_and_refund, waits_for_approval
from payments.services.paying import get_attempt, pay
from payments.services.quoting import CouponQuote, Quote, quote_cancellation, quote_for, read_reason
from payments.services.refunds import (
    approve_refund,
    push_refund,
    refund_to_wallet,
    reject_refund,
    retry_refund,
)
from payments.services.sandbox import (
    answer_sandbox,
    answer_sandbox_top_up,
    find_sandbox_block,
    send_sandbox_coins,
)
from payments.services.settling import Paid, settle_attempt
from payments.services.topping_up import top_up
from payments.services.wallet import (
    get_top_up,
    open_with,
    settle_top_up,
)
from payments.services.webhooks import process_event, receive

__all__ = [
    "CouponQuote",
    "Paid",
    "Quote",
    "answer_sandbox",
    "answer_sandbox_top_up",
    "approve_refund",
    "ask_attempt",
    "ask_top_up",
    "believe_attempt",
    "cancel_and_refund",
    "close_alarm",
    "find_sandbox_block",
    "get_attempt",
    "get_top_up",
    "open_with",
    "pay",
    "process_event",
    "push_refund",
    "quote_cancellation",
    "quote_for",
    "raise_alarm",
    "read_reason",
    "receive",
    "refund_to_wallet",
    "reject_refund",
    "retry_refund",
    "send_sandbox_coins",
    "settle_attempt",
    "settle_top_up",
    "top_up",
    "waits_for_approval",
]
