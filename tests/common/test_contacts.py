"""E-mail addresses and telephone numbers, as they are stored and compared."""

from __future__ import annotations

import pytest

from travel.common.contacts import Contact, parse_contact


class TestParseContact:
    @pytest.mark.parametrize(
        ("typed", "channel", "address"),
        [
            (" Ada@Example.ORG ", "email", "ada@example.org"),
            ("ada@example.org\n", "email", "ada@example.org"),
            ("+49 30 901820", "sms", "+4930901820"),
            ("+49 (0)30 901820", "sms", "+4930901820"),
            ("+1-202-456-1111", "sms", "+12024561111"),
            ("\u200e+1-202-456-1111\u200f", "sms", "+12024561111"),
            ("\u2066ada@example.org\u2069", "email", "ada@example.org"),
        ],
    )
    def test_reads_it_however_it_is_typed(self, typed, channel, address):
        assert parse_contact(typed) == Contact(channel, address)

    @pytest.mark.parametrize(
        "typed",
        [
            *("", " ", "ada", "a@b", "a@b@c.org", "030 901820", "+49 1", "+999 123456789"),
            *("josé@example.org", "\u202eada@example.org", "ada\u200b@example.org", "a b@c.org"),
            "a" * 300,
        ],
    )
    def test_refuses_what_is_neither(self, typed):
        with pytest.raises(ValueError):
            parse_contact(typed)


class TestMasked:
    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ("maximilian@example.org", "m…n@example.org"),
            ("ab@example.org", "a…@example.org"),
            ("a@example.org", "a…@example.org"),
            ("+4930901820", "+49…20"),
        ],
    )
    def test_shows_its_owner_enough(self, typed, shown):
        assert parse_contact(typed).masked == shown


class TestPrefix:
    def test_is_what_a_block_of_numbers_shares(self):
        assert parse_contact("+4915123456789").prefix == "+491512345"
