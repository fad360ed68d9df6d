"""One demo at a time."""

from __future__ import annotations

import pytest

from travel.devserver.lock import LockHeld, exclusive

pytestmark = pytest.mark.sqlite


def test_a_second_holder_is_told_of_the_first(tmp_path):
    path = tmp_path / "demo.lock"
    with (
        exclusive(path, note="4711 at http://127.0.0.1:8000"),
        pytest.raises(LockHeld, match="4711 at http://127"),
        exclusive(path, note="4712"),
    ):
        pytest.fail("two held one lock")


def test_the_lock_is_free_again_afterwards(tmp_path):
    path = tmp_path / "demo.lock"
    with exclusive(path, note="a rather long note of the first"):
        pass
    with exclusive(path, note="second"):
        assert path.read_text() == "second"
