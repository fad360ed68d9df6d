"""Sixty tokens that are none, at every door that asks for one."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from drf_spectacular.generators import SchemaGenerator

from accounts import tokens
from travel.common.ids import keyed_digest, new_secret

pytestmark = pytest.mark.django_db


def part(data) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Forger:
    """Has a good token of somebody, and everything but the key."""

    def __init__(self, good: str, now) -> None:
        self.good, self.now = good, now
        self.claims = jwt.decode(good, options={"verify_signature": False})
        self.header = jwt.get_unverified_header(good)
        self.head, self.body, self.signature = good.split(".")
        self.key = keyed_digest("access tokens", "1")

    def signed(self, *, key=None, algorithm="HS256", without=(), header=None, **claims) -> str:
        """Sign with the office's own key unless another is given."""
        wanted = {k: v for k, v in {**self.claims, **claims}.items() if k not in without}
        headers = {k: v for k, v in {**self.header, **(header or {})}.items() if v is not None}
        headers["alg"] = algorithm
        return jwt.encode(wanted, key or self.key, algorithm=algorithm, headers=headers)

    def unsigned(self, header, signature="") -> str:
        return f"{part(header)}.{self.body}.{signature}"

    def all(self) -> dict[str, str]:
        return {
            **self.algorithms(),
            **self.keys(),
            **self.headers(),
            **self.of_time(),
            **self.of_claims(),
            **self.shapes(),
        }

    def algorithms(self) -> dict[str, str]:
        tokens_ = {
            f"alg {word}": self.unsigned({**self.header, "alg": word})
            for word in (
                "none",
                "None",
                "NONE",
                "nOnE",
                "",
                "HS",
                "HS257",
                "RS256",
                "ES256",
                "EdDSA",
            )
        }
        tokens_ |= {
            f"alg {word}, with its signature": self.unsigned(
                {**self.header, "alg": word}, self.signature
            )
            for word in ("none", "RS256")
        }
        tokens_["no alg"] = self.unsigned({"typ": "at+jwt", "kid": self.header["kid"]})
        tokens_["HS512"] = self.signed(algorithm="HS512", key=self.key)
        tokens_["HS384"] = self.signed(algorithm="HS384", key=self.key)
        return tokens_

    def keys(self) -> dict[str, str]:
        pem = serialization.Encoding.PEM
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = private.public_key().public_bytes(
            pem, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return {
            "another key": self.signed(key=new_secret()),
            "the kid as key": self.signed(key=self.header["kid"] * 2),
            "a key of zeros": self.signed(key="\0" * 32),
            "the digest of the key": self.signed(key=tokens.digest(self.key)),
            "RS256 by a stranger": self.signed(key=private, algorithm="RS256"),
            "ES256 by a stranger": self.signed(
                key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"
            ),
            "a stranger's public key in the header": self.signed(
                key=private, algorithm="RS256", header={"jwk": {"kty": "oct", "k": part(b"x")}}
            ),
            "a public key as secret": f"{part(self.header)}.{self.body}." + part(public[:32]),
            "signed for something else": self.signed(key=keyed_digest("one-time code", "1")),
        }

    def headers(self) -> dict[str, str]:
        return {
            **{
                f"kid {kid!r}": self.signed(key=new_secret(), header={"kid": kid})
                for kid in ("../../dev/null", "' OR 1=1 --", "", "0" * 16, "http://evil.example/")
            },
            "no kid": self.signed(header={"kid": None}),
            "kid of another": self.signed(header={"kid": "f" * 16}),
            **{
                f"typ {kind!r}": self.signed(header={"typ": kind})
                for kind in ("JWT", "rt+jwt", "AT+JWT", "")
            },
            "a critical extension": self.signed(header={"crit": ["x"], "x": 1}),
        }

    def of_time(self) -> dict[str, str]:
        stamp = int(self.now.timestamp())
        return {
            "expired": self.signed(exp=stamp),
            "expired long ago": self.signed(exp=stamp - 86_400, iat=stamp - 90_000),
            "from the future": self.signed(iat=stamp + 3_600, exp=stamp + 7_200),
            "never expires": self.signed(without=["exp"]),
            "expires at a word": self.signed(exp="never"),
            "never issued": self.signed(without=["iat"]),
        }

    def of_claims(self) -> dict[str, str]:
        return {
            **{f"without {name}": self.signed(without=[name]) for name in ("sub", "jti", "fam")},
            "without aud": self.signed(without=["aud"]),
            "without iss": self.signed(without=["iss"]),
            "without its type": self.signed(without=["token_type"]),
            "aud of another": self.signed(aud="another-api"),
            "iss of another": self.signed(iss="https://evil.example"),
            "a refresh token": self.signed(token_type="refresh"),
            **{
                f"sub {sub!r}": self.signed(sub=sub)
                for sub in ("0", "-1", "999999", "1 OR 1=1", str(2**63), "")
            },
            **{f"fam {fam!r}": self.signed(fam=fam) for fam in (0, 999_999, "x", None, 2**70)},
        }

    def shapes(self) -> dict[str, str]:
        changed = part({**self.claims, "sub": "1", "x": 1})
        flipped = ("B" if self.signature[0] == "A" else "A") + self.signature[1:]
        return {
            "a changed body": f"{self.head}.{changed}.{self.signature}",
            "a changed signature": f"{self.head}.{self.body}.{flipped}",
            "no signature": f"{self.head}.{self.body}.",
            "two parts": f"{self.head}.{self.body}",
            "four parts": f"{self.good}.{self.signature}",
            "no JSON": f"{part(b'x')}.{part(b'y')}.{self.signature}",
            "a list for claims": f"{self.head}.{part([1])}.{self.signature}",
            "dots": "..",
            "a word": "token",
        }


@pytest.fixture(scope="module")
def doors():
    """Answer every operation that the schema puts behind a token, with an id where it needs one."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found = [
        (method, "/".join("1" if step.startswith("{") else step for step in path.split("/")))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == [{"accessToken": []}]
    ]
    assert ("get", "/users/me") in found
    return found


@pytest.fixture
def forger(traveller, noon):
    return Forger(tokens.issue(user=traveller, now=noon).access, noon)


class TestForged:
    def test_the_forger_knows_the_trade(self, api, forger):
        """What it signs unchanged is a good token, so that each change is what is refused."""
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {forger.signed()}")

        assert api.get("/users/me").status_code == 200
        assert len(forger.all()) >= 60
        assert len(set(forger.all().values())) == len(forger.all())

    def test_is_refused_at_every_door(self, api, forger, doors):
        let_in = []
        for name, token in forger.all().items():
            api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
            for method, path in doors:
                answer = getattr(api, method)(path)
                refused = (
                    answer.status_code == 401
                    and answer.json()["code"] == "not_authenticated"
                    and answer.headers["WWW-Authenticate"].startswith("Bearer")
                )
                if not refused:
                    let_in.append((name, method, path, answer.status_code))

        assert let_in == []

    def test_so_is_one_of_an_ended_sign_in(self, api, traveller, noon, clock, doors):
        pairs = {"revoked": tokens.issue(user=traveller, now=noon)}
        tokens.revoke_all(user=traveller, because="password", now=noon)
        pairs["a refresh token"] = tokens.issue(user=traveller, now=noon)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pairs['revoked'].access}")
        assert {getattr(api, method)(path).status_code for method, path in doors} == {401}
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pairs['a refresh token'].refresh}")
        assert {getattr(api, method)(path).status_code for method, path in doors} == {401}
        clock.moment += timedelta(minutes=15)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pairs['a refresh token'].access}")
        assert {getattr(api, method)(path).status_code for method, path in doors} == {401}

    @pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT", "", "Bearer Bearer", "bearer,"])
    def test_another_scheme_is_none(self, api, forger, scheme):
        api.credentials(HTTP_AUTHORIZATION=f"{scheme} {forger.good}")

        assert api.get("/users/me").status_code == 401
