"""Where the demo listens, and what it says when it cannot."""

from __future__ import annotations

import pytest

from travel.devserver import address

pytestmark = pytest.mark.sqlite


def test_a_port_in_use_is_said_in_words():
    with address.listen(host="127.0.0.1", port=0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(address.AddressRefused, match=f"Port {port} is in use") as refusal:
            address.listen(host="127.0.0.1", port=port)
    assert "--port" in str(refusal.value)


def test_an_address_of_another_machine_is_said_in_words():
    # 192.0.2.0/24 belongs to no machine (RFC 5737).
    with pytest.raises(address.AddressRefused, match=r"192\.0\.2\.1 is no address of this machine"):
        address.listen(host="192.0.2.1", port=0)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("example.org", False),
    ],
)
def test_who_can_reach_it(host, expected):
    assert address.is_loopback(host) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_what_a_person_types(host, expected):
    assert address.url(host=host, port=8000) == expected
