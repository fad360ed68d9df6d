"""Where the web process listens, settled before anything slow is begun."""

from __future__ import annotations

import errno
import ipaddress
import socket


class AddressRefused(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def listen(*, host: str, port: int) -> socket.socket:
    """
    Return a socket that listens on the address.

    :raises AddressRefused: the port is in use or not allowed, or the host is not this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as problem:
        raise AddressRefused(_why(problem, host=host, port=port)) from problem


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def url(*, host: str, port: int) -> str:
    """Return the address a person on this machine types into a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - not bound here
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{port}"


def _why(problem: OSError, *, host: str, port: int) -> str:
    # create_server wraps the system's words, so the number is what can be relied on.
    if problem.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by another program. "
            f"Stop that program, or choose another port: --port {_next(port)}."
        )
    if problem.errno == errno.EACCES:
        return f"Port {port} needs special rights. Choose one above 1023: --port 8000."
    return f"{host} is no address of this machine ({problem.strerror})."


def _next(port: int) -> int:
    return port + 1 if port < 65_535 else 8_000
