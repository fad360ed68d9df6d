"""The staff's roles. Each is a group; what it may do with tables stands in accounts/rights.py."""

from __future__ import annotations

SUPPORT_AGENT = "support agent"
FINANCE = "finance"
OPERATIONS = "operations"
ADMINISTRATOR = "administrator"
ROLES = (SUPPORT_AGENT, FINANCE, OPERATIONS, ADMINISTRATOR)
