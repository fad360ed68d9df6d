"""
One-time codes: six digits that prove that somebody receives what is sent to a contact.

A code lives in the cache, as a keyed digest, for ten minutes; it may be lost at any moment, and
then one asks again. It is bound to its contact and to what it was asked for. A guess is counted
before it is judged, and a code whose count was lost is lost with it. Of several right guesses at
once the one whose delete finds something wins. Without the cache nothing is sent or proved.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache

from accounts.errors import InvalidOtp, TooManyGuesses
from travel.common import limits
from travel.common.caching import CACHE_FAILURES
from travel.common.contacts import Contact
from travel.common.errors import Unavailable
from travel.common.ids import keyed_digest, new_secret, same_secret

DIGITS = 6
TRIES = 5
LIFETIME_SECONDS = 600

SIGN_IN = "sign-in"


def confirming(user_id: int) -> str:
    """Name the purpose of a code by which this user proves a contact of the account."""
    return f"confirm:{user_id}"


def count_request(*, contact: Contact, network: str) -> None:
    """
    Count that somebody asks for a code, whoever the contact belongs to.

    Counted are the asker's address, the contact, and for text messages also the block of numbers
    and the day's budget: nobody earns by having the office send to numbers of his.

    :raises Throttled: one of these is used up.
    :raises Unavailable: it cannot be counted.
    """
    limits.count(scope="otp-address", who=network)
    limits.count(scope="otp", who=contact.address)
    limits.count(scope="otp-day", who=contact.address)
    if contact.is_phone:
        limits.count(scope="otp-prefix", who=contact.prefix)
        limits.count(scope="otp-sms", who="everybody")


def count_guess(*, network: str) -> None:
    """
    Count a guess by the address it comes from: nobody tries a few codes at each of many contacts.

    :raises Throttled: too many from here.
    :raises Unavailable: it cannot be counted.
    """
    limits.count(scope="otp-guess", who=network)


def issue(*, contact: Contact, purpose: str) -> str:
    """
    Draw a code for a contact and a purpose; it takes the place of the one before, and its tries.

    :raises TooManyGuesses: the tries are used up; a new code would bring no new ones.
    :raises Unavailable: the cache does not answer.
    """
    place = _place(contact, purpose)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    nonce = new_secret()
    with _cache_or_nothing():
        if int(cache.get(f"{place}:tries", 0)) >= TRIES:
            raise TooManyGuesses(retry_after=LIFETIME_SECONDS)
        # The count outlives the code, so that a code never stands without it.
        if not cache.add(f"{place}:tries", 0, LIFETIME_SECONDS + 60):
            cache.touch(f"{place}:tries", LIFETIME_SECONDS + 60)
        cache.set(f"{place}:once:{nonce}", 1, LIFETIME_SECONDS)
        cache.set(f"{place}:code", f"{nonce} {_seal(place, nonce, code)}", LIFETIME_SECONDS)
    return code


def redeem(*, contact: Contact, purpose: str, code: str) -> None:
    """
    Take a code back; it is used up by this.

    :raises InvalidOtp: wrong, expired, used, of another contact or asked for something else.
    :raises TooManyGuesses: it was guessed at too often; it is not judged any more.
    :raises Unavailable: the cache does not answer.
    """
    place = _place(contact, purpose)
    with _cache_or_nothing():
        try:
            tries = int(cache.incr(f"{place}:tries"))
        except ValueError as error:
            raise InvalidOtp from error
        if tries > TRIES:
            raise TooManyGuesses(retry_after=LIFETIME_SECONDS)
        nonce, _blank, seal = str(cache.get(f"{place}:code", "")).partition(" ")
        if not same_secret(seal, _seal(place, nonce, code)):
            raise InvalidOtp
        if not cache.delete(f"{place}:once:{nonce}"):
            raise InvalidOtp
        cache.delete_many([f"{place}:code", f"{place}:tries"])


@contextmanager
def _cache_or_nothing() -> Iterator[None]:
    try:
        yield
    except CACHE_FAILURES as failure:
        raise Unavailable(retry_after=5) from failure


def _place(contact: Contact, purpose: str) -> str:
    # A digest, because names of people do not belong into a cache's keys.
    return "otp:" + keyed_digest("place of a code", f"{purpose}\n{contact.address}")[:32]


def _seal(place: str, nonce: str, code: str) -> str:
    return keyed_digest("one-time code", f"{place}\n{nonce}\n{code}")
