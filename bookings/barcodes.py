"""
What a ticket's barcode says: a few facts, signed with Ed25519, so that it is checked offline.

The text is `TKT1:` and then, in base 45 (RFC 9285: the letters of a QR code's alphanumeric mode),
the bytes of the facts and 64 bytes of signature over them. docs/BARCODES.md describes the bytes for
whoever writes a reader of their own; the public keys stand at /.well-known/ticket-keys.json.
"""

from __future__ import annotations

import hashlib
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from bookings.errors import BadBarcode

PREFIX = "TKT1:"
VERSION = 1
SEED_BYTES = 32
SIGNATURE_BYTES = 64
KEY_ID_BYTES = 4
# Longer than any that is made: nine seats of twelve letters each come to less than half of it.
MAX_TEXT = 1_200
MAX_SEATS = 9
NAME_BYTES = 32
# By their numbers in the bytes; only ever added to.
CLASSES = ("Economy", "Business", "VIP")
# Version, key id, ticket number, issue, issued at, class, how many seats.
_HEAD = struct.Struct(">B4sQHIBB")
_AS_TEXT, _AS_BYTES = b"\0", b"\1"
_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@dataclass(frozen=True, slots=True)
class BarcodeFacts:
    """
    What a barcode says.

    `barcode` is the coupon's own random text: it is what a door admits once, whatever the rest
    says. `issue` counts how often the ticket was issued; a lower one than the coupon's is stale.
    `seats` are coach and seat in the order of travel, as they were when it was issued, and `name`
    is as short as `short_name` makes it. `issued_at` has whole seconds. `key_id` is the signer's,
    empty before signing.
    """

    barcode: str
    ticket_id: int
    issue: int
    locator: str
    name: str
    seats: tuple[tuple[str, str], ...]
    travel_class: str
    issued_at: datetime
    key_id: str = ""
    version: int = VERSION


def sign(facts: BarcodeFacts) -> str:
    """
    Answer the text of a barcode: the same for the same facts and the same key.

    It is signed with the first of the office's keys.
    """
    key_id, private = next(iter(_private_keys().items()))
    body = _pack(facts, key_id)
    return PREFIX + base45(body + private.sign(body))


def read(text: str, keys: Mapping[str, bytes] | None = None) -> BarcodeFacts:
    """
    Answer what a barcode says, once its signature is proved.

    `keys` are public keys (32 bytes each) by their ids; without any the office's own count.

    :raises BadBarcode: with the reason `unreadable`, `unknown_key` or `forged`.
    """
    known = public_keys() if keys is None else keys
    signed = _bytes_of(text)
    body, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
    if len(body) < _HEAD.size or body[0] != VERSION:
        raise BadBarcode("unreadable")
    key = known.get(body[1 : 1 + KEY_ID_BYTES].hex())
    if key is None:
        raise BadBarcode("unknown_key")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, body)
    except InvalidSignature:
        raise BadBarcode("forged") from None
    return _unpack(body)


def short_name(first_name: str, last_name: str) -> str:
    """Answer a passenger's name as the barcode has it: the last name and an initial."""
    initial = first_name.strip()[:1]
    ending = f" {initial}" if initial else ""
    room = NAME_BYTES - len(ending.encode())
    return _cut(last_name.strip(), room).strip() + ending


def public_keys() -> dict[str, bytes]:
    """Answer the office's public keys by their ids, the one that signs first."""
    return {key_id: _public(private) for key_id, private in _private_keys().items()}


def new_key() -> str:
    """Draw a signing key, as TICKET_SIGNING_KEYS takes it."""
    return _base64(Ed25519PrivateKey.generate().private_bytes_raw())


def key_set() -> dict[str, list[dict[str, str]]]:
    """Answer the public keys as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key_id,
                "x": _base64(public),
            }
            for key_id, public in public_keys().items()
        ]
    }


def seed_of(key: str) -> bytes:
    """
    Answer the 32 bytes of a signing key.

    :raises ValueError: it is no 32 bytes in base64url.
    """
    try:
        seed = urlsafe_b64decode(key.strip() + "=" * (-len(key.strip()) % 4))
    except (NotBase64, ValueError):
        seed = b""
    if len(seed) != SEED_BYTES:
        raise ValueError("This is no key of 32 bytes in base64url.")
    return seed


# --- keys -----------------------------------------------------------------------------------------


def _private_keys() -> dict[str, Ed25519PrivateKey]:
    return _keys_of(tuple(settings.TICKET_SIGNING_KEYS), settings.SECRET_KEY)


@lru_cache(maxsize=8)
def _keys_of(keys: tuple[str, ...], secret: str) -> dict[str, Ed25519PrivateKey]:
    # For a first look on one's own machine; `check --deploy` asks for keys of their own.
    seeds = [seed_of(key) for key in keys] or [
        hashlib.sha256(f"ticket-signing:{secret}".encode()).digest()
    ]
    private = [Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds]
    return {_key_id(_public(key)): key for key in private}


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def _key_id(public: bytes) -> str:
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES].hex()


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


# --- bytes ----------------------------------------------------------------------------------------


def _pack(facts: BarcodeFacts, key_id: str) -> bytes:
    seats = facts.seats[:MAX_SEATS]
    head = _HEAD.pack(
        VERSION,
        bytes.fromhex(key_id),
        facts.ticket_id,
        facts.issue,
        int(facts.issued_at.timestamp()),
        CLASSES.index(facts.travel_class),
        len(seats),
    )
    texts = [facts.locator, facts.name, *(part for seat in seats for part in seat)]
    pieces = [_secret_bytes(facts.barcode), *(_cut(text, 255).encode() for text in texts)]
    return head + b"".join(bytes([len(piece)]) + piece for piece in pieces)


def _unpack(body: bytes) -> BarcodeFacts:
    head = _HEAD.unpack(body[: _HEAD.size])
    version, key_id, ticket_id, issue, issued_at, class_number, seats = head
    pieces = _pieces(body[_HEAD.size :])
    if class_number >= len(CLASSES) or len(pieces) != 3 + 2 * seats:
        raise BadBarcode("unreadable")
    try:
        locator, name, *places = [piece.decode() for piece in pieces[1:]]
        barcode = _secret_text(pieces[0])
    except UnicodeDecodeError:
        raise BadBarcode("unreadable") from None
    return BarcodeFacts(
        barcode=barcode,
        ticket_id=ticket_id,
        issue=issue,
        locator=locator,
        name=name,
        seats=tuple(zip(places[::2], places[1::2], strict=True)),
        travel_class=CLASSES[class_number],
        issued_at=datetime.fromtimestamp(issued_at, tz=UTC),
        key_id=key_id.hex(),
        version=version,
    )


def _cut(text: str, room: int) -> str:
    """Leave out what goes beyond so many bytes, never half a letter."""
    return text.encode()[:room].decode(errors="ignore")


def _pieces(raw: bytes) -> list[bytes]:
    found = []
    while raw:
        size = raw[0]
        if len(raw) <= size:
            raise BadBarcode("unreadable")
        found.append(raw[1 : 1 + size])
        raw = raw[1 + size :]
    return found


def _secret_bytes(barcode: str) -> bytes:
    """Answer the coupon's text, as the 32 bytes that it stands for where it is of that kind."""
    try:
        raw = seed_of(barcode)
    except ValueError:
        raw = b""
    if _base64(raw) == barcode:
        return _AS_BYTES + raw
    return _AS_TEXT + barcode.encode()


def _secret_text(piece: bytes) -> str:
    raw = piece[1:]
    return _base64(raw) if piece[:1] == _AS_BYTES else raw.decode()


def _bytes_of(text: str) -> bytes:
    text = text.strip().upper()
    if not text.startswith(PREFIX) or len(text) > MAX_TEXT:
        raise BadBarcode("unreadable")
    try:
        return from_base45(text.removeprefix(PREFIX))
    except ValueError:
        raise BadBarcode("unreadable") from None


def base45(raw: bytes) -> str:
    """Write bytes in base 45 (RFC 9285): three letters for two bytes, two for a last one."""
    letters = []
    for start in range(0, len(raw), 2):
        pair = raw[start : start + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, letter = divmod(number, 45)
            letters.append(_BASE45[letter])
    return "".join(letters)


def from_base45(text: str) -> bytes:
    """
    Read bytes from base 45.

    :raises ValueError: nothing writes this text.
    """
    numbers = [_BASE45.index(letter) for letter in text]
    raw = bytearray()
    for start in range(0, len(numbers), 3):
        group = numbers[start : start + 3]
        number = sum(digit * 45**place for place, digit in enumerate(group))
        size = len(group) - 1
        if not size or number >= 256**size:
            raise ValueError("This is not base 45.")
        raw += number.to_bytes(size, "big")
    return bytes(raw)
