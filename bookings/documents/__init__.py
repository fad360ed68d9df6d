"""The ticket as documents: passes, barcodes, PDF, calendar file, wallet pass, e-mail."""
