"""How often somebody may do something: counters in the cache, one per scope, person and window."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from travel.common.caching import CACHE_FAILURES
from travel.common.errors import Throttled, Unavailable
from travel.common.ids import digest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """
    At most `times` in each window of `seconds`.

    A `strict` limit guards secrets: when the counter cannot be kept, the door stays shut.
    """

    times: int
    seconds: int
    strict: bool = False


LIMITS: dict[str, Limit] = {
    "default": Limit(30, 1),
    "search": Limit(20, 1),
    "write": Limit(10, 1),
    "signup": Limit(20, 3600),
    # Tickets of one reservation sent by e-mail again.
    "resend": Limit(3, 3600),
    # Guesses at one account from one address, and at all accounts from one address.
    "login": Limit(10, 300, strict=True),
    "login-address": Limit(100, 300, strict=True),
    "refresh": Limit(60, 60),
    # Bookings by code and name: tries at one code, and from one address.
    "look-up-code": Limit(5, 3600, strict=True),
    "look-up-address": Limit(20, 3600, strict=True),
    # One-time codes: to one contact, in a while and in a day; from one address; to one block of
    # numbers, the last four digits aside; text messages to everybody in a day; guesses from one
    # address.
    "otp": Limit(5, 600, strict=True),
    "otp-day": Limit(20, 86_400, strict=True),
    "otp-address": Limit(30, 3600, strict=True),
    "otp-prefix": Limit(10, 3600, strict=True),
    "otp-sms": Limit(settings.SMS_PER_DAY, 86_400, strict=True),
    "otp-guess": Limit(60, 3600, strict=True),
}


@dataclass(frozen=True)
class Standing:
    """How one stands against a limit: how often one still may, and when the window ends."""

    scope: str
    limit: Limit
    remaining: int
    resets_in: int


def count(*, scope: str, who: str) -> Standing | None:
    """
    Count one use, before it is known whether it is a good one.

    Answers None where nothing is counted: limits are off, or a limit that is not strict has no
    cache.

    :raises Throttled: the limit is used up; `retry_after` says when to come back.
    :raises Unavailable: a strict limit cannot be counted.
    """
    if settings.THROTTLES == "off":
        return None
    limit = LIMITS[scope]
    moment = time.time()
    window = int(moment // limit.seconds)
    resets_in = max(1, int((window + 1) * limit.seconds - moment) + 1)
    try:
        used = _add_one(_key(scope, who, window), limit.seconds)
    except CACHE_FAILURES as failure:
        logger.warning("limit %s is not counted: %s", scope, type(failure).__name__)
        if limit.strict:
            raise Unavailable(retry_after=5) from failure
        return None
    if used > limit.times:
        raise Throttled(retry_after=resets_in)
    return Standing(scope, limit, limit.times - used, resets_in)


def forgive(*, scope: str, who: str) -> None:
    """Forget what was counted in this window: the right password takes the wrong ones back."""
    if settings.THROTTLES == "off":
        return
    window = int(time.time() // LIMITS[scope].seconds)
    try:
        cache.delete(_key(scope, who, window))
    except CACHE_FAILURES as failure:
        logger.warning("limit %s is not forgiven: %s", scope, type(failure).__name__)


def _add_one(key: str, seconds: int) -> int:
    cache.add(key, 0, seconds + 5)
    try:
        return int(cache.incr(key))
    except ValueError:
        # It ran out between the two calls, so this is the first of a new count.
        cache.set(key, 1, seconds + 5)
        return 1


def _key(scope: str, who: str, window: int) -> str:
    # A digest, because names of people and addresses do not belong into a cache's keys.
    return f"limit:{scope}:{window}:{digest(who)[:32]}"
