"""Bodies that hurt others: each is refused quickly, and none is a fault."""

from __future__ import annotations

import time

import pytest

from travel.api.parsers import MAX_BYTES, parse_object
from travel.common.errors import InvalidInput


class TestParseObject:
    def test_reads_an_object(self):
        raw = '{"a": [1, -2.5, true, null, "ü\\u00fc"], "b": {"c": "[[{{"}}'.encode()

        assert parse_object(raw) == {"a": [1, -2.5, True, None, "üü"], "b": {"c": "[[{{"}}

    def test_takes_nothing_for_an_empty_object(self):
        assert parse_object(b" \n") == {}

    def test_reads_the_largest_integer_and_fifty_levels(self):
        assert parse_object(b'{"a": 9223372036854775807}') == {"a": 2**63 - 1}
        parse_object(b'{"a":' + b"[" * 49 + b"]" * 49 + b"}")

    @pytest.mark.parametrize(
        "raw",
        [
            b"[]",
            b"1",
            b'"text"',
            b"null",
            b"{",
            b'{"a": 1,}',
            b"{'a': 1}",
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            b'{"a": 1e999}',
            b'{"a": 9223372036854775808}',
            b'{"a": ' + b"9" * 5000 + b"}",
            b'{"a": 0.' + b"1" * 5000 + b"}",
            b'{"a": "\\ud800"}',
            b'{"\\udfff": 1}',
            b'{"a": ["\\u0000"]}',
            b'{"a": "\x00"}',
            b'{"a": "\xff"}',
            b'{"a": "\xed\xa0\x80"}',
            '{"a": 1}'.encode("utf-16"),
            b"\xef\xbb\xbf{}",
            b'{"a": 1, "a": 2}',
            b'{"a":' + b"[" * 50 + b"]" * 50 + b"}",
            b'{"a":' * 900 + b"1" + b"}" * 900,
            b"[" * 100_000,
            b'{"a": "' + b'\\"' * 100_000,
            b'"' * 200_001,
        ],
    )
    def test_refuses(self, raw):
        # What the reading itself takes: a machine that does something else meanwhile is no fault.
        started = time.process_time()

        with pytest.raises(InvalidInput):
            parse_object(raw)

        assert time.process_time() - started < 0.5


@pytest.mark.django_db
@pytest.mark.urls("tests.api.doors")
class TestStrictJSONParser:
    def post(self, api, raw):
        return api.generic("POST", "/tickets/echo", raw, content_type="application/json")

    def test_refuses_more_than_a_request_needs(self, api):
        answer = self.post(api, b'{"text": "' + b"x" * MAX_BYTES + b'"}')

        assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")

    @pytest.mark.parametrize(
        "value",
        [
            '{"ticketID": 9007199254740992}',
            '{"ticketID": 0}',
            '{"ticketID": -1}',
            '{"ticketID": true}',
            '{"ticketID": 1.5}',
            '{"ticketID": "١٢"}',
            '{"ticketID": {}}',
            '{"ticketID": null}',
            '{"text": 5}',
            '{"text": "a\\u202eb"}',
            '{"text": "a\\u202bb"}',
            '{"text": "a\\u200bb"}',
            '{"text": "a\\nb"}',
            '{"text": "\\ue000"}',
            '{"text": "  "}',
            '{"text": ["a"]}',
            '{"travelDay": "2026-02-30"}',
            '{"travelDay": "0001-01-01"}',
            '{"travelDay": "9999-12-31"}',
            '{"travelDay": 20260101}',
            '{"travelDay": "2026-W01-1"}',
            '{"departAfter": "9999-12-31T23:59:59-12:00"}',
            '{"departAfter": "0001-01-01T00:00:00+14:00"}',
            '{"departAfter": "2026-06-02T08:00:00"}',
            '{"departAfter": "2026-06-02"}',
            '{"price": {"amount": "1e3", "currency": "EUR"}}',
            '{"price": {"amount": "1.001", "currency": "EUR"}}',
            '{"price": {"amount": 1.5, "currency": "EUR"}}',
            '{"price": {"amount": "1", "currency": "XXQ"}}',
            '{"price": {"amount": "1", "currency": ["EUR"]}}',
            '{"price": "5 EUR"}',
            '{"amount": 1.5}',
            '{"amount": "NaN"}',
            '{"amount": "1e5"}',
            '{"amount": "99999999999999999999"}',
            '{"amount": true}',
            '{"currency": "euro"}',
            '{"currency": 978}',
        ],
    )
    def test_no_wrong_value_is_a_fault(self, api, value):
        answer = self.post(api, value)

        assert answer.status_code == 400, answer.content
        assert answer.json()["code"] == "invalid_input"
        assert list(answer.json()["errors"]) == [value.split('"')[1]]

    def test_reads_and_writes_every_field(self, api):
        answer = self.post(
            api,
            """{"ticketID": 9007199254740991, "text": " Jose\\u0301 \\ud83d\\ude80 ",
            "travelDay": "2026-06-02", "departAfter": "2026-06-02T08:00:00+02:00",
            "price": {"amount": "49.9", "currency": "EUR"}, "amount": 5, "currency": "eur"}""",
        )

        assert answer.json() == {
            "ticketID": 9_007_199_254_740_991,
            "text": "José 🚀",
            "travelDay": "2026-06-02",
            "departAfter": "2026-06-02T06:00:00+00:00",
            "price": {"amount": "49.90", "currency": "EUR"},
            "amount": "5",
            "currency": "EUR",
        }

    @pytest.mark.parametrize(
        "query",
        ["departAfter=9999-12-31T23:59:59-12:00", "departAfter=%00", "departAfter=" + "9" * 900],
    )
    def test_no_wrong_query_is_a_fault(self, api, query):
        answer = api.post(f"/tickets/echo?{query}", {})

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
