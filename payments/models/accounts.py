"""The accounts of the ledger."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Carrier
from travel.common.fields import CodeField
from travel.common.models import Currency


class Account(models.Model):
    """
    An account of the ledger in one currency. Its balance is the sum of its entries.

    Positive is what the office owes or has earned (a wallet, a carrier, a fee), negative what it
    has or is owed (a gateway, the bank) or has spent (goodwill).
    `code` names the account from its columns (`wallet:42:EUR`), so that it cannot be opened twice.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet", _("Wallet")
        GATEWAY = "gateway", _("Gateway clearing")
        CARRIER = "carrier", _("Carrier payable")
        PENALTY = "penalty", _("Penalty income")
        FEE = "fee", _("Platform fee")
        GOODWILL = "goodwill", _("Goodwill given")
        BANK = "bank", _("Bank")
        RETURNS = "returns", _("Money to be given back")
        EQUITY = "equity", _("Opening balances")

    code = CodeField(max_length=80, unique=True)
    kind = CodeField(max_length=10, choices=Kind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="accounts",
    )
    carrier = models.ForeignKey(
        Carrier, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    gateway = CodeField(max_length=20, blank=True, default="")
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    balance_minor = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "wallet",
                        "gateway",
                        "carrier",
                        "penalty",
                        "fee",
                        "goodwill",
                        "bank",
                        "returns",
                        "equity",
                    ]
                ),
                name="account_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="wallet") | Q(balance_minor__gte=0),
                name="account_wallet_not_negative",
            ),
            models.CheckConstraint(
                condition=(Q(kind="wallet") & Q(user__isnull=False))
                | (~Q(kind="wallet") & Q(user__isnull=True)),
                name="account_wallet_has_owner",
            ),
            models.CheckConstraint(
                condition=(Q(kind__in=["carrier", "penalty", "fee"]) & Q(carrier__isnull=False))
                | (~Q(kind__in=["carrier", "penalty", "fee"]) & Q(carrier__isnull=True)),
                name="account_carrier_set",
            ),
            models.CheckConstraint(
                condition=(Q(kind="gateway") & ~Q(gateway=""))
                | (~Q(kind="gateway") & Q(gateway="")),
                name="account_gateway_set",
            ),
        ]

    def __str__(self) -> str:
        return self.code
