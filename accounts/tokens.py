"""
Access and refresh tokens: the one module that knows how they are made.

An access token is a signed JWT of a quarter of an hour. A refresh token is a random secret, stored
by its digest, good for one use. All that come of one sign-in are a family and die together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings
from django.db.models import QuerySet
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.errors import TokenRefused
from accounts.models import RefreshToken, TokenFamily, User
from travel.common.ids import digest, keyed_digest, new_secret
from travel.common.transactions import in_transaction

ALGORITHM = "HS256"
AUDIENCE = "office-api"
# RFC 9068, section 2.1: the header says that this is an access token and nothing else.
HEADER_TYPE = "at+jwt"
FAMILY_CLAIM = "fam"
# RFC 8176: how the holder has just signed in. Only the first access token of a sign-in says so.
METHOD_CLAIM = "amr"
BY_CODE = ["otp"]


@dataclass(frozen=True)
class TokenPair:
    """What a client is given at sign-in: `access` to show, `refresh` to renew it once."""

    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True)
class Bearer:
    """
    Who showed an access token, and of which sign-in it comes.

    `is_proved`: it came of a one-time code, not longer ago than an access token lives.
    """

    user: User
    family_id: int
    is_proved: bool = False


# --- giving ---------------------------------------------------------------------------------------


@in_transaction
def issue(*, user: User, now: datetime, is_proved: bool = False) -> TokenPair:
    """
    Begin a family for the user and answer its first pair; `is_proved` if by a one-time code.
    """
    family = TokenFamily.objects.create(user=user, created_at=now)
    return _pair(family, now, is_proved=is_proved)


def rotate(*, refresh: str, now: datetime) -> TokenPair:
    """
    Exchange a refresh token for a new pair; of several at once, one wins.

    A token that was used before has been copied by somebody: its whole family is revoked.

    :raises TokenRefused: unknown, expired, revoked, used before, or of an account that is closed.
    """
    pair = _rotate(refresh, now)
    # Raised after the commit: a refusal must not undo the revocation.
    if pair is None:
        raise TokenRefused
    return pair


@in_transaction
def _rotate(refresh: str, now: datetime) -> TokenPair | None:
    token = RefreshToken.objects.filter(digest=digest(refresh)).first()
    if token is None:
        return None
    family = TokenFamily.objects.select_for_update().get(pk=token.family_id)
    if family.revoked_at is not None or token.expires_at <= now:
        return None
    if not User.objects.filter(pk=family.user_id, is_active=True).exists():
        return None
    won = RefreshToken.objects.filter(pk=token.pk, used_at__isnull=True).update(used_at=now)
    if not won:
        _revoke(TokenFamily.objects.filter(pk=family.pk), because="reuse", now=now)
        return None
    return _pair(family, now)


def _pair(family: TokenFamily, now: datetime, *, is_proved: bool = False) -> TokenPair:
    secret = new_secret()
    access = _AccessToken.new(user_id=family.user_id, family_id=family.pk, now=now)
    if is_proved:
        access[METHOD_CLAIM] = BY_CODE
    RefreshToken.objects.create(
        family=family,
        digest=digest(secret),
        issued_at=now,
        expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
    )
    return TokenPair(
        access=str(access),
        refresh=secret,
        expires_in=int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
    )


# --- reading --------------------------------------------------------------------------------------


def read(*, access: str, now: datetime) -> Bearer:
    """
    Answer whose access token this is.

    The family is looked up each time, together with the user, so that a revoked token, a log-out
    and a closed account take effect at once.

    :raises TokenRefused: malformed, forged, expired, revoked, or of an account that is closed.
    """
    try:
        token = _AccessToken(access, now=now)
        user_id, family_id = _id(token["sub"]), _id(token[FAMILY_CLAIM])
    except (TokenError, KeyError, TypeError, ValueError) as error:
        raise TokenRefused from error
    family = (
        TokenFamily.objects.select_related("user")
        .filter(pk=family_id, user_id=user_id, revoked_at__isnull=True, user__is_active=True)
        .first()
    )
    if family is None:
        raise TokenRefused
    return Bearer(
        user=family.user,
        family_id=family.pk,
        is_proved=token.payload.get(METHOD_CLAIM) == BY_CODE,
    )


# --- taking back ----------------------------------------------------------------------------------


@in_transaction
def revoke_family(*, family_id: int, because: str, now: datetime) -> None:
    """End one sign-in: its access and refresh tokens are refused from now on."""
    _revoke(TokenFamily.objects.filter(pk=family_id), because=because, now=now)


@in_transaction
def revoke_all(*, user: User, because: str, now: datetime) -> None:
    """End every sign-in of a user: after a change of password, a ban, a proved contact."""
    _revoke(TokenFamily.objects.filter(user=user), because=because, now=now)


def _revoke(families: QuerySet[TokenFamily], *, because: str, now: datetime) -> None:
    families.filter(revoked_at__isnull=True).update(revoked_at=now, revoked_because=because)


@in_transaction
def forget_old(*, now: datetime, limit: int = 5_000) -> int:
    """Delete refresh tokens that expired and families that have none left; answer how many."""
    old = RefreshToken.objects.filter(expires_at__lte=now).order_by("expires_at", "id")
    ids = list(old.values_list("pk", "family_id")[:limit])
    RefreshToken.objects.filter(pk__in=[pk for pk, _ in ids]).delete()
    families = {family_id for _, family_id in ids}
    TokenFamily.objects.filter(pk__in=families, tokens__isnull=True).delete()
    return len(ids)


# --- the signature --------------------------------------------------------------------------------


class _KeyRing(TokenBackend):  # type: ignore[misc]
    """Signs with the newest key and says which by `kid`; an older key still verifies."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(
            ALGORITHM, signing_key=keys[0], audience=AUDIENCE, issuer=settings.SITE_URL
        )
        self.keys = {digest(key)[:16]: key for key in keys}
        self.newest = digest(keys[0])[:16]

    def encode(self, payload: dict[str, Any]) -> str:
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(
            claims,
            self.keys[self.newest],
            algorithm=ALGORITHM,
            headers={"kid": self.newest, "typ": HEADER_TYPE},
        )

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self.keys.get(str(header.get("kid")))
            if key is None or header.get("typ") != HEADER_TYPE:
                raise TokenBackendError("no token of this office")
            payload: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                options={
                    "require": ["exp", "iat", "sub", "jti", "aud", "iss", FAMILY_CLAIM],
                    # Time is judged by the office's clock, not by this host's.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, UnicodeError, ValueError) as error:
            raise TokenBackendError("no token of this office") from error
        return payload


class _AccessToken(Token):  # type: ignore[misc]
    """An access token that is made and judged at a given instant."""

    token_type = "access"
    lifetime = settings.ACCESS_TOKEN_LIFETIME

    def __init__(self, token: Any = None, *, now: datetime) -> None:
        self.now = now
        super().__init__(token)

    @classmethod
    def new(cls, *, user_id: int, family_id: int, now: datetime) -> _AccessToken:
        token = cls(now=now)
        token.set_iat(at_time=now)
        token.set_exp(from_time=now, lifetime=settings.ACCESS_TOKEN_LIFETIME)
        token["sub"] = str(user_id)
        token[FAMILY_CLAIM] = family_id
        return token

    def verify(self) -> None:
        self.current_time = self.now
        super().verify()
        if not isinstance(self.payload["iat"], int) or self.payload["iat"] > _latest(self.now):
            raise TokenError("the token is from the future")

    def get_token_backend(self) -> _KeyRing:
        return _KeyRing(settings.TOKEN_KEYS or [keyed_digest("access tokens", "1")])


def _id(claim: object) -> int:
    number = int(str(claim))
    if not 0 < number < 2**53:
        raise ValueError("no id")
    return number


def _latest(now: datetime) -> float:
    # Another host's clock may run a little ahead of this one's.
    return now.timestamp() + 30
