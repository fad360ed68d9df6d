"""Money in the admin, to look at: services alone write payments, refunds and the ledger."""

from payments.admin import (
    attention,
    cancelling,
    goodwill,
    ledger,
    paying,
    receipts,
    sandbox,
    settlements,
)

__all__ = [
    "attention",
    "cancelling",
    "goodwill",
    "ledger",
    "paying",
    "receipts",
    "sandbox",
    "settlements",
]
