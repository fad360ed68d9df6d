"""Signatures of webhooks: an HMAC-SHA256 over the raw body, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from payments.gateways.contract import Forged

# A signature older than this may be a recording; the provider signs anew when it sends again.
OLDEST = timedelta(minutes=5)


def sign(secret: str, message: bytes) -> str:
    """Answer the signature in hexadecimal."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def timed_header(secret: str, body: bytes, *, now: datetime) -> str:
    """Answer the header `t=<seconds>,v1=<signature>` over time and body."""
    moment = int(now.timestamp())
    return f"t={moment},v1={sign(secret, _timed(moment, body))}"


def check_timed(header: str, secret: str, body: bytes, *, now: datetime) -> None:
    """
    Check a header `t=<seconds>,v1=<signature>`; it may carry several `v1`, one true is enough.

    :raises Forged: none is true, or the time is more than five minutes from now.
    """
    moment, given = _read(header)
    if not secret or not any(
        hmac.compare_digest(one, sign(secret, _timed(moment, body)).encode()) for one in given
    ):
        raise Forged("signature")
    try:
        signed_at = datetime.fromtimestamp(moment, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise Forged("time") from error
    if abs(now - signed_at) > OLDEST:
        raise Forged("too old")


def check_plain(header: str, secret: str, body: bytes) -> None:
    """
    Check a header `sha256=<signature>` over the body alone.

    :raises Forged: it is not true.
    """
    given = header.removeprefix("sha256=").encode("ascii", "replace")
    if not secret or not hmac.compare_digest(given, sign(secret, body).encode()):
        raise Forged("signature")


def _timed(moment: int, body: bytes) -> bytes:
    return f"{moment}.".encode() + body


def _read(header: str) -> tuple[int, list[bytes]]:
    moment, given = None, []
    for part in header.split(",")[:20]:
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            moment = int(value)
        elif name == "v1":
            given.append(value.encode("ascii", "replace"))
    if moment is None or not given:
        raise Forged("signature")
    return moment, given
