"""Forms of paying and of filling the wallet."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from travel.common.money import Money, read_typed_amount

WALLET, CARD, CRYPTO = "Wallet", "Bank Card", "Cryptocurrency"
METHODS = [(CARD, _("Bank card")), (WALLET, _("Wallet")), (CRYPTO, _("Cryptocurrency"))]
# The sandbox knows cards by these words only: what happens is the whole of the card.
TEST_CARDS = [
    ("tok_accepted", _("Test card that is accepted")),
    ("tok_3ds", _("Test card that asks you to confirm (3-D Secure)")),
    ("tok_declined", _("Test card that is declined")),
    ("tok_insufficient", _("Test card with too little money")),
    ("tok_expired", _("Test card that has expired")),
    ("tok_authorised", _("Test card whose money is first set aside, then taken")),
    ("tok_timeout", _("Test card that is charged, but the answer gets lost")),
    ("tok_error", _("Test card at which the provider is out of order")),
    ("tok_late_webhook", _("Test card that is charged twenty minutes later")),
    ("tok_duplicate_webhook", _("Test card of which the provider tells three times")),
    ("tok_wrong_amount", _("Test card that is charged 1.00 too much")),
]


def is_taken(method: str) -> bool:
    """Say whether the office takes a method of paying."""
    return bool(settings.PAYMENT_GATEWAYS.get(method) != "none")


def are_cards_for_trying() -> bool:
    """Say whether the sandbox takes bank cards: then none is real."""
    return bool(settings.PAYMENT_GATEWAYS[CARD] == "sandbox")


class TestCardField(forms.ChoiceField):
    """A card of the sandbox. There is no field for a card's number anywhere."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(
            label=_("Which test card?"),
            choices=TEST_CARDS,
            initial="tok_accepted",
            help_text=_("This office is connected to a sandbox: no card is real, none is charged."),
        )


class PaymentForm(forms.Form):
    """How a reservation is paid."""

    method = forms.ChoiceField(label=_("How would you like to pay?"), choices=METHODS)
    card = TestCardField()
    seats_may_change = forms.BooleanField(
        required=False,
        label=_("Other seats of the same class will do"),
        help_text=_("Should the payment take longer than your seats are held."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        # It only counts for a bank card.
        self.fields["card"].required = False
        self.fields["method"].choices = [  # type: ignore[attr-defined]
            (code, name) for code, name in METHODS if is_taken(code)
        ]
        if not self.takes_test_cards:
            del self.fields["card"]

    @property
    def takes_test_cards(self) -> bool:
        """Whether cards are the sandbox's, chosen here; others are typed in at their provider."""
        return are_cards_for_trying()


class TopUpForm(forms.Form):
    """How much goes into which wallet, from which card."""

    amount = forms.CharField(
        label=_("Amount"),
        max_length=16,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 8}),
    )
    currency = forms.ChoiceField(label=_("Currency"))
    card = TestCardField()
    once = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: object, currencies: Sequence[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not self.takes_test_cards:
            del self.fields["card"]
        self.fields["currency"].choices = [(code, code) for code in currencies]  # type: ignore[attr-defined]
        if self.initial.get("currency") not in currencies:
            self.initial["currency"] = currencies[0]

    @property
    def takes_test_cards(self) -> bool:
        """Whether cards are the sandbox's, chosen here; others are typed in at their provider."""
        return are_cards_for_trying()

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if "amount" not in cleaned or "currency" not in cleaned:
            return cleaned
        try:
            money = read_typed_amount(cleaned["amount"], cleaned["currency"])
        except ValueError:
            self.add_error("amount", _("Write an amount such as 50.00."))
        else:
            if money.minor <= 0:
                self.add_error("amount", _("The amount has to be more than nothing."))
            cleaned["money"] = money
        return cleaned

    @property
    def money(self) -> Money:
        """The amount in its currency, once the form is valid."""
        found = self.cleaned_data["money"]
        assert isinstance(found, Money)
        return found
