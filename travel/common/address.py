"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """
    Answer the client's address as the outermost proxy of ours saw it.

    X-Forwarded-For is written by anybody, so it is counted from the right, over as many proxies as
    the settings say are ours (TRUSTED_PROXIES); with none it is not read at all.
    """
    nearest = str(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.TRUSTED_PROXIES
    if proxies < 1:
        return _readable(nearest) or "unknown"
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    way = [part.strip() for part in forwarded.split(",") if part.strip()]
    if len(way) < proxies:
        return _readable(nearest) or "unknown"
    return _readable(way[-proxies]) or _readable(nearest) or "unknown"


def client_network(request: HttpRequest) -> str:
    """Answer whom a limit counts: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    address = client_address(request)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


def _readable(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.split("%")[0]))
    except ValueError:
        return ""
