"""
How often a password may be guessed.

A guess counts against the account *and* the address together, so that nobody can lock somebody else
out from elsewhere, and against the address alone, so that nobody tries one password on every
account.
"""

from __future__ import annotations

from travel.common import limits
from travel.common.ids import normal_email


def count_attempt(*, email: str, address: str) -> None:
    """
    Count a sign-in before its password is judged.

    :raises Throttled: too many from here.
    :raises Unavailable: it cannot be counted; the door stays shut.
    """
    limits.count(scope="login-address", who=address)
    limits.count(scope="login", who=_both(email, address))


def forgive(*, email: str, address: str) -> None:
    """Forget the wrong guesses at an account after the right one."""
    limits.forgive(scope="login", who=_both(email, address))


def _both(email: str, address: str) -> str:
    return f"{normal_email(email)} {address}"
