"""Limits per view: `throttle_scope` names one of travel.common.limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from travel.common import limits
from travel.common.address import client_network

if TYPE_CHECKING:
    # The framework's views read the settings that name this module.
    from rest_framework.views import APIView


class RateThrottle(BaseThrottle):
    """
    Count a request against its view's limit, by user, else by the client's address.

    The standing goes into the RateLimit headers (draft-ietf-httpapi-ratelimit-headers) of the
    answer.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "throttle_scope", "default")
        if scope is None:
            return True
        limit = limits.LIMITS[scope]
        headers = {"RateLimit-Policy": f'"{scope}";q={limit.times};w={limit.seconds}'}
        standing = limits.count(scope=scope, who=counted_as(request))
        if standing is not None:
            headers["RateLimit"] = f'"{scope}";r={standing.remaining};t={standing.resets_in}'
            request._request.rate_limit_headers = headers  # type: ignore[attr-defined]
        return True


def counted_as(request: Request) -> str:
    """Answer whom a limit counts: the user, else the address."""
    if request.user is not None and request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{client_network(request._request)}"
