"""Reading the Authorization header."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts import tokens
from accounts.errors import TokenRefused
from travel.common import clock

KEYWORD = b"bearer"
MAX_LENGTH = 4_000


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <JWT>`; the session cookie is never looked at."""

    def authenticate(self, request: Request) -> tuple[Any, tokens.Bearer] | None:
        header = get_authorization_header(request)
        if not header.strip():
            return None
        scheme, _space, token = header.strip().partition(b" ")
        if scheme.lower() != KEYWORD or len(token) > MAX_LENGTH or not token.isascii():
            raise TokenRefused
        bearer = tokens.read(access=token.strip().decode("ascii"), now=clock.now())
        return bearer.user, bearer

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
