"""
Passes for Apple Wallet (.pkpass), where the office has a certificate for them.

A pass is a zip of pass.json, pictures, and a manifest of their SHA-1 digests that is signed
(PKCS #7, detached) with a Pass Type ID certificate: the format asks for exactly these.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils.translation import gettext as _

from bookings.documents.codes import AZTEC
from bookings.documents.passes import Pass
from bookings.documents.tickets import code_text
from travel.common.errors import NotFound
from travel.common.locales import in_a_row
from travel.common.templatetags.look import clock_text, money_text, short_day

MEDIA_TYPE = "application/vnd.apple.pkpass"
FORMAT_VERSION = 1
TRANSIT = {
    "Train": "PKTransitTypeTrain",
    "Plane": "PKTransitTypeAir",
    "Bus": "PKTransitTypeBus",
}
FORMATS = {AZTEC: "PKBarcodeFormatAztec", "QR": "PKBarcodeFormatQR"}
# The sheet and its ink (static/css/tokens.css).
SHEET, INK, QUIET_INK = "rgb(248, 212, 58)", "rgb(19, 48, 47)", "rgb(60, 78, 70)"
PICTURES = Path(__file__).parent / "pictures"
# Zip files know no time before this, and the same pass is to be the same bytes but its signature.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
# How long after its arrival a pass moves to the old ones.
KEPT = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs passes: the Pass Type ID's certificate, its key, and Apple's certificate above."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...]

    @property
    def pass_type(self) -> str:
        return _attribute(self.certificate, NameOID.USER_ID)

    @property
    def team(self) -> str:
        return _attribute(self.certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)


def is_offered() -> bool:
    """Say whether the office has a certificate to sign passes with."""
    return bool(settings.WALLET_PASS_PEM)


def pkpass(one: Pass) -> bytes:
    """
    Answer a pass for Apple Wallet; it is void where the ticket is.

    :raises NotFound: the office has no certificate for them.
    """
    if not is_offered():
        raise NotFound()
    signer = signer_of(settings.WALLET_PASS_PEM, settings.WALLET_PASS_PASSWORD)
    files = {"pass.json": _json(_content(one, signer))}
    files |= {path.name: path.read_bytes() for path in sorted(PICTURES.glob("*.png"))}
    manifest = _json(
        {name: hashlib.sha1(raw, usedforsecurity=False).hexdigest() for name, raw in files.items()}
    )
    files |= {"manifest.json": manifest, "signature": _signature(manifest, signer)}
    return _zipped(files)


def file_name(one: Pass) -> str:
    """Answer what the file is called."""
    return f"ticket-{one.locator}-{one.coupon_id}.pkpass"


@lru_cache(maxsize=2)
def signer_of(path: str, password: str) -> Signer:
    """
    Read a file with the private key, its certificate and those above it, in PEM.

    :raises OSError: it cannot be read.
    :raises ValueError: something in it is missing, or not what it should be.
    """
    text = Path(path).read_bytes()
    key = load_pem_private_key(_key_part(text), password.encode() or None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("The key is neither of RSA nor of an elliptic curve.")
    own, above = None, []
    for certificate in x509.load_pem_x509_certificates(text):
        if certificate.public_key() == key.public_key():
            own = certificate
        else:
            above.append(certificate)
    if own is None:
        raise ValueError("No certificate in the file belongs to the key.")
    signer = Signer(own, key, tuple(above))
    if not (signer.pass_type and signer.team):
        raise ValueError("The certificate names no pass type (UID) or no team (OU).")
    return signer


def _key_part(text: bytes) -> bytes:
    start = text.find(b"-----BEGIN ")
    while start >= 0:
        end = text.find(b"-----END ", start)
        end = text.find(b"-----", end + len(b"-----END ")) + len(b"-----")
        if b"PRIVATE KEY" in text[start:end]:
            return text[start:end] + b"\n"
        start = text.find(b"-----BEGIN ", end)
    raise ValueError("The file holds no private key.")


def _attribute(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _signature(manifest: bytes, signer: Signer) -> bytes:
    builder = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(manifest)
        .add_signer(signer.certificate, signer.key, hashes.SHA256())
    )
    for certificate in signer.above:
        builder = builder.add_certificate(certificate)
    return builder.sign(
        Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    )


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), raw, zipfile.ZIP_DEFLATED)
    return made.getvalue()


# --- what it says ---------------------------------------------------------------------------------


def _content(one: Pass, signer: Signer) -> dict[str, Any]:
    content: dict[str, Any] = {
        "formatVersion": FORMAT_VERSION,
        "passTypeIdentifier": signer.pass_type,
        "teamIdentifier": signer.team,
        "serialNumber": str(one.coupon_id),
        "organizationName": settings.SITE_NAME,
        "logoText": settings.SITE_NAME,
        "description": _("Ticket for %(service)s") % {"service": one.service},
        "backgroundColor": SHEET,
        "foregroundColor": INK,
        "labelColor": QUIET_INK,
        "relevantDate": _instant(one.departs_at),
        "expirationDate": _instant(one.arrives_at + KEPT),
        "groupingIdentifier": one.locator,
        "voided": one.is_void,
        "boardingPass": {"transitType": TRANSIT[one.mode], **_fields(one)},
    }
    if not one.is_void:
        content["barcodes"] = [
            {
                "format": FORMATS[one.symbol],
                "message": one.barcode,
                "messageEncoding": "iso-8859-1",
                "altText": one.locator,
            }
        ]
    return content


def _fields(one: Pass) -> dict[str, list[dict[str, str]]]:
    seat = one.seat or one.seating
    seats = [_field("seat", _("Seat"), seat)]
    if one.seat and one.coach:
        seats.insert(0, _field("coach", one.coach_word, one.coach))
    header = [_field("platform", one.platform_word, one.platform)] if one.platform else []
    if one.is_void:
        header = [_field("state", _("State"), one.state)]
    return {
        "headerFields": header,
        "primaryFields": [
            _field("from", clock_text(one.departs_at), one.origin),
            _field("to", clock_text(one.arrives_at), one.destination),
        ],
        "secondaryFields": [
            _field("passenger", _("Passenger"), one.passenger),
            _field("service", one.carrier, one.service),
        ],
        "auxiliaryFields": [_field("date", _("Date"), short_day(one.departs_at)), *seats],
        "backFields": [
            _field("locator", _("Booking code"), one.locator),
            _field("offer", _("Fare"), in_a_row([one.fare, one.travel_class])),
            _field("price", _("Price"), money_text(one.price)),
            _field("barcode", _("Barcode"), one.state if one.is_void else code_text(one)),
            _field("page", _("Your booking"), f"{settings.SITE_URL}/booking/{one.locator}/"),
        ],
    }


def _field(key: str, label: str, value: str) -> dict[str, str]:
    return {"key": key, "label": label, "value": value}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
