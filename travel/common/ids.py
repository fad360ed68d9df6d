"""Codes that people read and secrets that nobody guesses."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

from django.conf import settings

from travel.common.text import drop_marks

# No 0 and O, 1 and I and L, 2 and Z, 5 and S, 8 and B: what looks alike is read aloud wrongly.
LOCATOR_ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"
LOCATOR_LENGTH = 6


def new_locator() -> str:
    """Draw a booking code of six characters without look-alikes (244 million of them)."""
    return "".join(secrets.choice(LOCATOR_ALPHABET) for _ in range(LOCATOR_LENGTH))


def new_secret() -> str:
    """Draw 256 random bits, in the letters that may stand in a link."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """Answer the SHA-256 of a text in hexadecimal: what is stored of a secret."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_digest(purpose: str, text: str) -> str:
    """Answer an HMAC-SHA-256 under the office's key, different for each purpose."""
    key = hashlib.sha256(f"{purpose}:{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def same_secret(left: str, right: str) -> bool:
    """Compare two secrets in a time that tells nothing about where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def normal_locator(text: str) -> str:
    """Write a booking code as it is stored: upper case, without blanks, dashes and marks."""
    return "".join(drop_marks(text).split()).replace("-", "").upper()


def normal_text(text: str) -> str:
    """Compose the text (NFC) and trim it, so that equal looking texts are equal."""
    return unicodedata.normalize("NFC", text).strip()


def normal_email(text: str) -> str:
    """Write an e-mail address as it is stored and compared: NFC, trimmed, case folded."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def search_key(text: str) -> str:
    """
    Reduce a place's name to what searching compares: no case, no accents, single blanks.

    `München Hbf` becomes `munchen hbf`, `Łódź` becomes `lodz`, `Straße` becomes `strasse`.
    """
    folded = unicodedata.normalize("NFKD", text.translate(_LETTERS).casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    return " ".join(words)


# Letters that Unicode does not take apart into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE", "œ": "oe"}
)
