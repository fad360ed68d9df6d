"""Money: payments, refunds, the wallet and the ledger; cancellation with its refund."""
