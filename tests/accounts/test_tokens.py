"""Tokens: what is refused, who wins a race, and what dies with what."""

from __future__ import annotations

import base64
import json
import threading
from datetime import timedelta

import jwt
import pytest
from django.conf import settings as office
from django.db import connection

from accounts import tokens
from accounts.errors import TokenRefused
from accounts.models import RefreshToken, TokenFamily
from travel.common.ids import keyed_digest

pytestmark = pytest.mark.django_db
KEY = keyed_digest("access tokens", "1")


@pytest.fixture
def pair(traveller, noon):
    return tokens.issue(user=traveller, now=noon)


@pytest.fixture
def claims(pair):
    return jwt.decode(pair.access, options={"verify_signature": False})


def header_of(token):
    return jwt.get_unverified_header(token)


def signed(claims, *, key=KEY, algorithm="HS256", **header):
    kid = tokens._KeyRing([KEY]).newest
    return jwt.encode(
        claims, key, algorithm=algorithm, headers={"kid": kid, "typ": "at+jwt", **header}
    )


def unsigned(claims, header):
    parts = [json.dumps(part).encode() for part in (header, claims)]
    return ".".join([base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]) + "."


class TestRead:
    def test_answers_whose_it_is(self, pair, traveller, noon):
        bearer = tokens.read(access=pair.access, now=noon)

        assert bearer.user == traveller
        assert bearer.family_id == TokenFamily.objects.get().pk

    def test_says_which_key_signed_it_and_that_it_is_an_access_token(self, pair, claims, noon):
        assert header_of(pair.access)["typ"] == "at+jwt"
        assert len(header_of(pair.access)["kid"]) == 16
        assert claims["exp"] - claims["iat"] == 15 * 60
        assert claims["iat"] == int(noon.timestamp())
        assert (claims["aud"], claims["iss"]) == ("office-api", office.SITE_URL)

    @pytest.mark.parametrize(
        "change",
        [
            {"aud": "another"},
            {"iss": "https://elsewhere.example"},
            {"token_type": "refresh"},
            {"sub": "0"},
            {"sub": None},
            {"sub": "1 or 1=1"},
            {"sub": "9" * 400},
            {"fam": 0},
            {"fam": None},
            {"fam": [1]},
            {"exp": 1},
            {"exp": "never"},
            {"exp": None},
            {"iat": None},
            {"jti": None},
            {"iat": 4_102_444_800},
        ],
    )
    def test_refuses_a_token_that_says_something_else(self, claims, noon, change):
        changed = {k: v for k, v in {**claims, **change}.items() if v is not None}
        token = signed(changed)

        with pytest.raises(TokenRefused):
            tokens.read(access=token, now=noon)

    def test_the_same_claims_unchanged_are_accepted(self, claims, traveller, noon):
        # Else the refusals above would prove nothing.
        assert tokens.read(access=signed(claims), now=noon).user == traveller

    @pytest.mark.parametrize(
        "forge",
        [
            lambda claims: signed(claims, key="another-key-that-is-long-enough-0123456789"),
            lambda claims: signed(claims, algorithm="HS512", key=KEY),
            lambda claims: signed(claims, typ="JWT"),
            lambda claims: signed(claims, kid="../../dev/null"),
            lambda claims: signed(claims, kid=""),
            lambda claims: unsigned(claims, {"alg": "none", "typ": "at+jwt"}),
            lambda claims: unsigned(
                claims,
                {"alg": "none", "typ": "at+jwt", "kid": tokens._KeyRing([KEY]).newest},
            ),
            lambda claims: signed(claims)[:-2],
            lambda claims: signed(claims) + "A",
            lambda claims: signed(claims).replace(".", ""),
            lambda claims: "",
            lambda claims: "...",
            lambda claims: "a.b.c",
        ],
    )
    def test_refuses_a_forged_token(self, claims, noon, forge):
        with pytest.raises(TokenRefused):
            tokens.read(access=forge(claims), now=noon)

    def test_an_older_key_still_verifies_and_a_newer_one_signs(self, settings, traveller, noon):
        old, new = "old-" + "0" * 40, "new-" + "1" * 40
        settings.TOKEN_KEYS = [old]
        before = tokens.issue(user=traveller, now=noon).access
        settings.TOKEN_KEYS = [new, old]
        after = tokens.issue(user=traveller, now=noon).access

        assert tokens.read(access=before, now=noon).user == traveller
        assert header_of(before)["kid"] != header_of(after)["kid"]
        settings.TOKEN_KEYS = [new]
        with pytest.raises(TokenRefused):
            tokens.read(access=before, now=noon)
        assert tokens.read(access=after, now=noon).user == traveller


class TestRevoke:
    def test_ends_every_sign_in_of_one_user(self, traveller, stranger, noon):
        mine = [tokens.issue(user=traveller, now=noon) for _ in range(2)]
        theirs = tokens.issue(user=stranger, now=noon)

        tokens.revoke_all(user=traveller, because="password", now=noon)

        for pair in mine:
            with pytest.raises(TokenRefused):
                tokens.read(access=pair.access, now=noon)
            with pytest.raises(TokenRefused):
                tokens.rotate(refresh=pair.refresh, now=noon)
        assert tokens.read(access=theirs.access, now=noon).user == stranger


class TestForgetOld:
    def test_deletes_what_expired_and_families_that_have_nothing_left(self, pair, noon):
        later = noon + timedelta(days=1)
        tokens.rotate(refresh=pair.refresh, now=later)

        assert tokens.forget_old(now=noon + timedelta(days=30)) == 1
        assert TokenFamily.objects.count() == RefreshToken.objects.count() == 1
        assert tokens.forget_old(now=later + timedelta(days=30)) == 1
        assert not TokenFamily.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_of_eight_refreshes_at_once_one_wins_and_the_copies_end_the_family(self, pair, noon):
        won: list[tokens.TokenPair] = []
        lost: list[Exception] = []

        def refresh():
            try:
                won.append(tokens.rotate(refresh=pair.refresh, now=noon))
            except TokenRefused as refusal:
                lost.append(refusal)
            finally:
                connection.close()

        threads = [threading.Thread(target=refresh) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (len(won), len(lost)) == (1, 7)
        assert TokenFamily.objects.get().revoked_because == "reuse"
        with pytest.raises(TokenRefused):
            tokens.rotate(refresh=won[0].refresh, now=noon)
