"""Reading JSON that nobody can hurt the office with."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from travel.api.problems import PayloadTooLarge
from travel.common.errors import InvalidInput

MAX_BYTES = 256 * 1024
MAX_DEPTH = 50
MAX_INTEGER = 2**63 - 1
# A string that never ends runs to the end of the body, so that the scan stays linear.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_SURROGATES = re.compile("[\ud800-\udfff]")


class StrictJSONParser(BaseParser):
    """
    A JSON object in UTF-8, of bounded size and depth (RFC 8259, with the limits of I-JSON).

    Refused are NaN and Infinity, integers beyond 64 bits, numbers beyond a double, a name twice in
    one object, lone surrogates and NUL.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise PayloadTooLarge
        return parse_object(raw)


def parse_object(raw: bytes) -> dict[str, Any]:
    """
    Read one JSON object.

    :raises InvalidInput: it is no JSON, no object, or one of the things refused.
    """
    if not raw.strip():
        return {}
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(_("The body is not UTF-8.")) from error
    # Measured before it is read: the reader itself goes down one call per level.
    if _depth(raw) > MAX_DEPTH:
        raise InvalidInput(_("The body is nested too deeply."))
    try:
        data = json.loads(
            text,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(
            _("The body is not valid JSON: line %(line)d, column %(column)d.")
            % {"line": error.lineno, "column": error.colno}
        ) from error
    if not isinstance(data, dict):
        raise InvalidInput(_("The body must be a JSON object."))
    # Written out, neither can stand in a valid body; as an escape both can.
    if b"\\u" in raw:
        _check_strings(data)
    return data


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(_STRINGS.sub(b"", raw)):
        depth += 1 if match[0] in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            break
    return deepest


def _integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > MAX_INTEGER:
        raise InvalidInput(_("A number is too large."))
    return int(text)


def _number(text: str) -> float:
    number = float(text) if len(text) <= 100 else math.inf
    if math.isinf(number):
        raise InvalidInput(_("A number is too large."))
    return number


def _constant(text: str) -> NoReturn:
    raise InvalidInput(_("%(word)s is not a number in JSON.") % {"word": text})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InvalidInput(_("A name stands twice in one object."))
    return result


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or _SURROGATES.search(value):
            raise InvalidInput(_("A text contains a character that is none."))
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_strings(key)
            _check_strings(item)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
