"""Plain text in forms: cleaned before it is judged."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from travel.common.forms import PlainTextField


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("a\u202eb", "characters"),
        ("", "required"),
        # Nothing that anybody could read.
        ("\u200f\u200e", "required"),
        ("abcdef", "max_length"),
    ],
)
def test_refuses(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PlainTextField(max_length=5).clean(typed)

    assert [one.code for one in refused.value.error_list] == [code]


@pytest.mark.parametrize(
    ("lines", "typed", "kept"),
    [(False, " a\u200f b ", "a b"), (True, "one\r\ntwo", "one\ntwo")],
)
def test_keeps(lines: bool, typed: str, kept: str) -> None:
    assert PlainTextField(lines=lines).clean(typed) == kept
