"""Payments and refunds, cancellations, and the ledger they are booked in."""

from payments.models.accounts import Account
from payments.models.cancelling import Cancellation, CancelledCoupon, Refund
from payments.models.paying import Method, Payment, TopUp
from payments.models.sandbox import SandboxCharge, SandboxRefund
from payments.models.transfers import Entry, Transfer

__all__ = [
    "Account",
    "Cancellation",
    "CancelledCoupon",
    "Entry",
    "Method",
    "Payment",
    "Refund",
    "SandboxCharge",
    "SandboxRefund",
    "TopUp",
    "Transfer",
]
