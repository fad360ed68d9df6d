"""Payments and refunds, cancellations, receipts, and the ledger they are booked in."""

from payments.models.accounts import Account
from payments.models.attention import Difference, MoneyAlarm, ReconciliationRun
from payments.models.cancelling import Cancellation, CancelledCoupon, Goodwill, Reason, Refund
from payments.models.paying import CryptoInvoice, Method, Payment, TopUp
from payments.models.receipts import Receipt, ReceiptLine, ReceiptName, ReceiptSeries
from payments.models.sandbox import SandboxCharge, SandboxCoin, SandboxDelivery, SandboxRefund
from payments.models.settlements import CarrierTerms, Settlement
from payments.models.transfers import Entry, Transfer
from payments.models.webhooks import WebhookEvent

__all__ = [
    "Account",
    "Cancellation",
    "CancelledCoupon",
    "CarrierTerms",
    "CryptoInvoice",
    "Difference",
    "Entry",
    "Goodwill",
    "Method",
    "MoneyAlarm",
    "Payment",
    "Reason",
    "Receipt",
    "ReceiptLine",
    "ReceiptName",
    "ReceiptSeries",
    "ReconciliationRun",
    "Refund",
    "SandboxCharge",
    "SandboxCoin",
    "SandboxDelivery",
    "SandboxRefund",
    "Settlement",
    "TopUp",
    "Transfer",
    "WebhookEvent",
]
