"""How somebody is reached: an e-mail address or a telephone number, as stored and compared."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from phonenumber_field.phonenumber import to_python

from travel.common.ids import normal_email
from travel.common.text import drop_marks, is_forbidden

EMAIL, SMS = "email", "sms"
LONGEST = 254
LONGEST_PHONE = 40


@dataclass(frozen=True, slots=True)
class Contact:
    """An address, normalised, and the channel by which it is reached: `email` or `sms`."""

    channel: str
    address: str

    @property
    def is_phone(self) -> bool:
        """Say whether it is a telephone number, in E.164."""
        return self.channel == SMS

    @property
    def prefix(self) -> str:
        """Answer the number without its last four digits: what one block of numbers shares."""
        return self.address[:-4]

    @property
    def masked(self) -> str:
        """Write it so that its owner knows it and nobody else learns it: `a…n@example.org`."""
        if self.is_phone:
            return f"{self.address[:3]}…{self.address[-2:]}"
        local, _at, domain = self.address.rpartition("@")
        return f"{local[:1]}…{local[-1:] if len(local) > 2 else ''}@{domain}"


def parse_contact(text: str) -> Contact:
    """
    Read an e-mail address, or a telephone number with its country code, however it is typed.

    :raises ValueError: it is neither.
    """
    # An address copied out of text in Arabic or Hebrew letters comes with marks around it.
    typed = drop_marks(text).strip()
    if not typed or len(typed) > LONGEST or any(is_forbidden(letter) for letter in typed):
        raise ValueError("no contact")
    return _email(typed) if "@" in typed else _phone(typed)


def _email(typed: str) -> Contact:
    address = normal_email(typed)
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValueError("no e-mail address") from error
    if len(address) > LONGEST:
        raise ValueError("no e-mail address")
    return Contact(EMAIL, address)


def _phone(typed: str) -> Contact:
    number = to_python(typed) if len(typed) <= LONGEST_PHONE else None
    if number is None or not number.is_valid():
        raise ValueError("no telephone number")
    return Contact(SMS, str(number.as_e164))
