"""A barcode says who signed it, and falls silent when a single letter of it is changed."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from bookings import barcodes
from bookings.barcodes import BarcodeFacts, base45, from_base45, read, short_name, sign
from bookings.errors import BadBarcode
from travel.common.ids import new_secret

FACTS = BarcodeFacts(
    barcode="3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ticket_id=123_456_789_012_345,
    issue=2,
    locator="K7M4QX",
    name="حسینی‌نژاد م",
    seats=(("7", "41"), ("7", "43")),
    travel_class="Business",
    issued_at=datetime(2026, 11, 22, 21, 0, 5, tzinfo=UTC),
)


def reason_of(text, keys=None):
    with pytest.raises(BadBarcode) as refusal:
        read(text, keys)
    return refusal.value.reason


class TestBase45:
    # The examples of RFC 9285, section 4.3.
    @pytest.mark.parametrize(
        ("raw", "text"),
        [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"", "")],
    )
    def test_writes_the_examples_of_the_standard(self, raw, text):
        assert base45(raw) == text
        assert from_base45(text) == raw

    # Section 6: GGW is 65535, GGX one too many; a letter alone, :: and lower case are nothing.
    @pytest.mark.parametrize("text", ["GGX", ":::", "::", "A", "BB8A", "bb8", "BB8\u0661"])
    def test_refuses_what_nothing_writes(self, text):
        with pytest.raises(ValueError):
            from_base45(text)

    @given(st.binary(max_size=60))
    def test_any_bytes_come_back(self, raw):
        assert from_base45(base45(raw)) == raw


class TestSign:
    def test_says_what_was_signed_and_by_which_key(self):
        (key_id,) = barcodes.public_keys()

        assert read(sign(FACTS)) == replace(FACTS, key_id=key_id)

    @pytest.mark.parametrize(
        "changed",
        [
            {"barcode": "barcode-1", "seats": ()},
            {"barcode": "0123456789012345678901234567890", "name": "", "travel_class": "VIP"},
            {"barcode": "", "issue": 65_535, "ticket_id": 2**53 - 1},
            # 43 letters that base64 takes, but would write differently.
            {"barcode": "A" * 42 + "B", "seats": (("", ""),)},
        ],
    )
    def test_any_coupon_comes_back(self, changed):
        facts = replace(FACTS, **changed)

        assert replace(read(sign(facts)), key_id="") == facts

    def test_the_coupons_own_text_comes_back_whatever_was_drawn(self):
        for _ in range(50):
            secret = new_secret()
            assert read(sign(replace(FACTS, barcode=secret))).barcode == secret

    def test_is_the_same_text_each_time(self):
        assert sign(FACTS) == sign(FACTS)
        assert sign(replace(FACTS, issue=3)) != sign(FACTS)

    def test_uses_only_letters_of_a_qr_codes_alphanumeric_mode(self):
        text = sign(FACTS)

        assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
        # Version 12 with a quarter of it torn off (ISO/IEC 18004, 12-Q).
        assert len(text) <= 250
        assert text == text.strip()

    def test_the_bytes_are_as_the_documents_say(self):
        raw = from_base45(sign(FACTS).removeprefix("TKT1:"))
        (key_id,) = barcodes.public_keys()

        assert raw[0] == 1
        assert raw[1:5].hex() == key_id
        assert int.from_bytes(raw[5:13], "big") == 123_456_789_012_345
        assert int.from_bytes(raw[13:15], "big") == 2
        # 2026-11-22 21:00:05 UTC: 20,779 days and 75,605 seconds.
        assert int.from_bytes(raw[15:19], "big") == 20_779 * 86_400 + 75_605
        assert raw[19:21] == bytes([1, 2])
        assert raw[21:55] == b"\x21\x01\xde\xad\xbe\xef" + bytes(28)
        assert raw[55:62] == b"\x06K7M4QX"
        assert raw[62] == len("حسینی‌نژاد م".encode())
        assert raw[-64 - 10 : -64] == b"\x017\x0241\x017\x0243"


class TestRead:
    def test_forgives_blanks_around_it_and_small_letters(self):
        assert read(f" {sign(FACTS).lower()}\r\n").locator == "K7M4QX"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "TKT1:",
            "TKT1:AAA",
            "TKT2:" + sign(FACTS)[5:],
            sign(FACTS)[5:],
            sign(FACTS)[:60],
            "https://example.org/",
            "TKT1:" + "Ü" * 200,
            "TKT1:" + "0" * 100_000,
            "TKT1:\ud800",
        ],
        ids=str,
    )
    def test_what_is_no_barcode_is_unreadable(self, text):
        assert reason_of(text) == "unreadable"

    def test_another_version_is_unreadable(self):
        raw = bytearray(from_base45(sign(FACTS)[5:]))
        raw[0] = 2
        assert reason_of("TKT1:" + base45(bytes(raw))) == "unreadable"

    def test_a_key_that_is_not_known_is_told(self, settings):
        text = sign(FACTS)
        settings.TICKET_SIGNING_KEYS = [barcodes.new_key()]

        assert reason_of(text) == "unknown_key"
        assert reason_of(text, {}) == "unknown_key"

    def test_every_changed_byte_is_found(self):
        raw = from_base45(sign(FACTS)[5:])
        expected = {0: "unreadable"} | dict.fromkeys((1, 2, 3, 4), "unknown_key")

        for place in range(len(raw)):
            changed = bytearray(raw)
            changed[place] ^= 1
            found = reason_of("TKT1:" + base45(bytes(changed)))
            assert found == expected.get(place, "forged"), place

    def test_a_strangers_signature_under_our_id_is_forged(self, settings):
        settings.TICKET_SIGNING_KEYS = [barcodes.new_key()]
        ours = barcodes.public_keys()
        settings.TICKET_SIGNING_KEYS = [barcodes.new_key()]
        raw = from_base45(sign(FACTS)[5:])
        renamed = raw[:1] + bytes.fromhex(next(iter(ours))) + raw[5:]

        assert reason_of("TKT1:" + base45(renamed), ours) == "forged"

    @given(st.text(max_size=80))
    def test_nothing_else_ever_comes_of_any_text(self, text):
        assert reason_of(text) == "unreadable"
        assert reason_of("TKT1:" + text) == "unreadable"


class TestKeys:
    def test_an_older_key_still_holds_until_it_is_taken_away(self, settings):
        old, new = barcodes.new_key(), barcodes.new_key()
        settings.TICKET_SIGNING_KEYS = [old]
        earlier = sign(FACTS)
        settings.TICKET_SIGNING_KEYS = [new, old]

        first, second = barcodes.public_keys()
        assert read(sign(FACTS)).key_id == first
        assert read(earlier).key_id == second
        settings.TICKET_SIGNING_KEYS = [new]
        assert reason_of(earlier) == "unknown_key"

    def test_a_first_look_has_a_key_made_from_the_secret(self, settings):
        settings.TICKET_SIGNING_KEYS = []
        settings.SECRET_KEY = "one" * 20
        text = sign(FACTS)
        settings.SECRET_KEY = "two" * 20

        assert reason_of(text) == "unknown_key"

    def test_the_published_keys_prove_a_barcode_without_the_office(self, client, settings):
        settings.TICKET_SIGNING_KEYS = [barcodes.new_key(), barcodes.new_key()]
        answer = client.get("/.well-known/ticket-keys.json")
        published = json.loads(answer.content)["keys"]

        assert answer["Cache-Control"] == "public, max-age=3600"
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert [key["kid"] for key in published] == list(barcodes.public_keys())
        assert {(key["kty"], key["crv"], key["alg"]) for key in published} == {
            ("OKP", "Ed25519", "EdDSA")
        }
        raw = from_base45(sign(FACTS)[5:])
        public = urlsafe_b64decode(published[0]["x"] + "=")
        Ed25519PublicKey.from_public_bytes(public).verify(raw[-64:], raw[:-64])
        assert "d" not in published[0]

    def test_the_command_puts_a_new_key_before_the_old_ones(self, settings):
        settings.TICKET_SIGNING_KEYS = [barcodes.new_key()]
        written = StringIO()
        call_command("ticket_keys", stdout=written)
        name, _, keys = written.getvalue().strip().partition("=")
        new, old = keys.split(",")

        assert name == "TICKET_SIGNING_KEYS"
        assert [old] == settings.TICKET_SIGNING_KEYS
        assert len(barcodes.seed_of(new)) == 32
        listed = StringIO()
        settings.TICKET_SIGNING_KEYS = [new, old]
        call_command("ticket_keys", "--list", stdout=listed)
        first, second = barcodes.public_keys()
        assert listed.getvalue() == f"{first}  signs\n{second}  still holds\n"


class TestShortName:
    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            ("Ada", "Lovelace", "Lovelace A"),
            ("محمدرضا", "حسینی‌نژاد طباطبایی", "حسینی‌نژاد طبا م"),
            (
                "Maximiliane",
                "Freifrau von Hohenstein-Waldenburg",
                "Freifrau von Hohenstein-Walden M",
            ),
            ("", "Sukarno", "Sukarno"),
        ],
    )
    def test_is_the_last_name_and_an_initial_in_32_bytes(self, first, last, expected):
        found = short_name(first, last)

        assert found == expected
        assert len(found.encode()) <= 32
