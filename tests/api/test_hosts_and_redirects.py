"""
What a request says about where the office is counts for nothing: not its Host, not a proxy's word.

Links come from SITE_URL, ways back stay in the house, and no line break gets into a header. A
request that two servers could read in two ways is refused by the server itself.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api.world import World, make_world
from tests.conftest import ApiClient
from tests.factories import PASSWORD, Trip
from travel.common.models import OutboxMessage

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://tickets.example.org"
EVIL = "evil.example"
ELSEWHERE = [
    f"https://{EVIL}/",
    f"http:{EVIL}",
    f"https:///{EVIL}",
    f"//{EVIL}",
    f"///{EVIL}",
    f"/\\{EVIL}",
    f"\\\\{EVIL}",
    f"/\t/{EVIL}",
    f"\x00//{EVIL}",
    f"//{EVIL}\\@testserver/",
    f"//testserver@{EVIL}/",
    f"https://testserver.{EVIL}/",
    f"javascript:alert('{EVIL}')",
    f"data:text/html,{EVIL}",
    f"/\r\nLocation: https://{EVIL}/",
    f"%0d%0aLocation:https://{EVIL}/",
]
BREAKS = ["\r\n", "\n", "\r", "%0d%0a", "\u560d\u560a", "\u2028"]
HOSTILE_HOSTS = [
    EVIL,
    f"127.0.0.1.{EVIL}",
    f"127.0.0.1@{EVIL}",
    f"127.0.0.1:80@{EVIL}",
    f"{EVIL}:443",
    f"127.0.0.1, {EVIL}",
    "127.0.0.1/../x",
    "127.0.0.1:port",
    "[::1",
    "127.0.0.1\r\nX-Planted: 1",
    "",
    " ",
]


def stays_here(location: str, page: str = "/account/sign-in/") -> bool:
    """Say whether a browser that reads this address stays in the house."""
    # Browsers drop tabs and line breaks, leading blanks too, read \\ as / and many / as two.
    read = re.sub(r"[\t\r\n]", "", location).lstrip("".join(map(chr, range(33))))
    read = re.sub(r"^/{2,}", "//", read.replace("\\", "/"))
    if re.match(r"https?:(?!//[^/])", read):
        return False
    whole = urlsplit(urljoin(f"http://testserver{page}", read))
    return (whole.scheme, whole.netloc) == ("http", "testserver")


def test_the_judge_of_addresses_can_say_no() -> None:
    assert stays_here("/wallet/?a=//evil.example")
    assert not any(stays_here(one) for one in ELSEWHERE[:8])


@pytest.fixture
def world(train: Trip, clock: Any, noon: datetime) -> World:
    return make_world(train=train, now=noon)


# --- the host -------------------------------------------------------------------------------------


class TestHost:
    PATHS = ("/", "/search/", "/account/sign-in/", "/api/problems", "/tickets/cities", "/nowhere")

    @pytest.mark.django_db
    @pytest.mark.parametrize("host", HOSTILE_HOSTS)
    def test_another_name_is_refused(self, client: Client, settings: Any, host: str) -> None:
        settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
        for path in self.PATHS:
            answer = client.get(path, headers={"host": host})

            assert answer.status_code == 400, path
            assert EVIL not in answer.content.decode()
            assert "X-Planted" not in answer.headers

    @pytest.mark.django_db
    def test_a_proxys_word_for_it_counts_for_nothing(self, client: Client, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["127.0.0.1"]
        claims = {
            "host": "127.0.0.1",
            "x-forwarded-host": EVIL,
            "x-forwarded-server": EVIL,
            "x-forwarded-port": "4711",
            "x-original-url": f"//{EVIL}/",
            "x-rewrite-url": f"//{EVIL}/",
            "x-host": EVIL,
            "forwarded": f"host={EVIL};proto=https",
        }
        for path in self.PATHS:
            answer = client.get(path, headers=claims)

            assert answer.status_code in (200, 302, 401, 404), path
            assert EVIL not in answer.content.decode() + str(answer.headers)
            assert "4711" not in str(answer.headers)

    def test_a_page_of_a_list_names_no_host_it_was_told(
        self, api: ApiClient, world: World, settings: Any
    ) -> None:
        settings.ALLOWED_HOSTS = ["127.0.0.1"]
        client = api.by(world.people["owner"])

        answer = client.get(
            "/reservations/my?pageSize=1",
            headers={"host": "127.0.0.1", "x-forwarded-host": EVIL},
        ).json()

        assert answer["next"]
        assert EVIL not in answer["next"]


# --- line breaks ----------------------------------------------------------------------------------


class TestLineBreaks:
    @pytest.mark.parametrize("line_break", BREAKS)
    def test_end_no_header(self, api: ApiClient, world: World, line_break: str) -> None:
        text = f"x{line_break}X-Planted: 1{line_break}Set-Cookie: planted=1"
        client = api.by(world.people["owner"])
        answers = [
            client.get("/tickets/cities", headers={"x-request-id": text}),
            client.get("/tickets/cities", headers={"accept-language": text}),
            client.get("/tickets/cities", headers={"origin": text, "referer": text}),
            client.get("/tickets/cities", {"search": text}),
            client.get("/reservations/my", {"pageSize": "1", "status": text}),
            client.get("/reservations/my", {"pageSize": "1", "other": text}),
            client.get(f"/booking/{text}/"),
            client.get("/booking/ABCDEF/", {"key": text, "other": text}),
            client.get("/wallet/", {"other": text}),
            client.get("/search/", {"origin": text, "destination": text}),
            client.post("/account/language/", {"language": text, "next": text}),
            client.post("/account/appearance/", {"theme": text, "next": text}),
            client.post("/users/passengers", {"firstName": text, "lastName": "Roe"}),
            client.post(
                "/reservations/extend-hold",
                {"reservationID": world.held.id},
                headers={"idempotency-key": text},
            ),
        ]
        for number, answer in enumerate(answers):
            assert answer.status_code < 500, number
            assert "X-Planted" not in answer.headers
            assert "planted" not in answer.cookies
            for name, value in answer.headers.items():
                assert not re.search(r"[\r\n]", f"{name}{value}"), (number, name)


# --- ways back ------------------------------------------------------------------------------------


def pages() -> list[str]:
    """Answer every path of the house, a number or a word in the place of each of its parts."""

    def walk(patterns: Any, prefix: str) -> Iterator[str]:
        for one in patterns:
            path = prefix + str(one.pattern).lstrip("^").rstrip("$")
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, path)
            elif isinstance(one, URLPattern) and "(?P" not in path and "\\" not in path:
                yield "/" + re.sub(r"<(int:)?[^>]*>", "1", path)

    return list(walk(get_resolver().url_patterns, ""))


class TestWaysBack:
    NAMES = ("next", "redirect", "return", "returnTo", "url", "back", "continue")

    def test_every_page_is_tried(self) -> None:
        assert {"/account/sign-in/", "/wallet/", "/admin/login/", "/help/"} <= set(pages())

    @pytest.mark.parametrize("who", ["anonymous", "owner", "agent"])
    def test_no_page_leads_out_of_the_house(self, world: World, who: str) -> None:
        wanted = dict.fromkeys(self.NAMES, f"https://{EVIL}/")
        for path in pages():
            for method in ("get", "post"):
                browser = Client(raise_request_exception=True)
                if (user := world.people[who]) is not None:
                    browser.force_login(user)
                headers = {"referer": f"https://{EVIL}/", "origin": f"https://{EVIL}"}
                address = f"{path}?next=https://{EVIL}/" if method == "post" else path

                answer = getattr(browser, method)(address, wanted, headers=headers)

                assert answer.status_code < 500, path
                assert stays_here(answer.headers.get("Location", ""), path), (method, path)
                if "html" in answer.headers.get("Content-Type", ""):
                    links = re.findall(
                        rf"""(?:href|action|formaction|content)=["'](?:https?:)?//{EVIL}""",
                        answer.content.decode(),
                    )
                    assert not links, (method, path)

    @pytest.mark.parametrize("elsewhere", ELSEWHERE)
    def test_whoever_came_in_stays_in(self, world: World, elsewhere: str) -> None:
        new = {"first_name": "Grace", "last_name": "Hopper", "password": "nanoseconds-are-short"}
        doors: list[tuple[str, dict[str, str], bool]] = [
            ("/account/sign-in/", {"email": "ada@example.org", "password": PASSWORD}, False),
            ("/account/sign-up/", {**new, "email": "grace@example.org"}, False),
            ("/account/code/", {"contact": "ada@example.org"}, False),
            ("/account/language/", {"language": "en"}, False),
            ("/account/appearance/", {"theme": "dark"}, False),
            ("/account/sign-out/", {}, True),
            ("/account/sign-in/", {}, True),
            ("/account/code/", {}, True),
            ("/wallet/", {"amount": "20", "card": "tok_accepted"}, True),
            ("/admin/login/", {"username": "ada@example.org", "password": PASSWORD}, False),
            ("/admin/logout/", {}, True),
        ]
        led = 0
        for path, typed, is_signed_in in doors:
            browser = Client()
            if is_signed_in:
                browser.force_login(world.people["owner"])

            answer = browser.post(path, {**typed, "next": elsewhere})

            assert answer.status_code < 500, path
            location = answer.headers.get("Location", "")
            assert stays_here(location, path), (path, location)
            led += bool(location)
        assert led >= 7


# --- links in messages ----------------------------------------------------------------------------


class TestLinks:
    def test_in_messages_come_from_the_settings_alone(
        self, api: ApiClient, world: World, settings: Any
    ) -> None:
        settings.SITE_URL = SITE
        settings.ALLOWED_HOSTS = ["*"]
        headers = {
            "host": EVIL,
            "x-forwarded-host": EVIL,
            "origin": f"https://{EVIL}",
            "referer": f"https://{EVIL}/",
        }
        OutboxMessage.objects.all().delete()
        owner = api.by(world.people["owner"])
        agent = api.by(world.people["agent"])
        held, paid = world.held.id, world.paid.id
        asked = [
            api.post("/otp/request-otp", {"contact": "ada@example.org"}, headers=headers),
            owner.put("/users/update-profile", {"email": "new@example.org"}, headers=headers),
            owner.post(
                "/reservations/pay",
                {"reservationID": held, "paymentMethod": "Wallet"},
                headers=headers,
            ),
            owner.post("/reservations/cancel", {"reservationID": held}, headers=headers),
            agent.post(
                "/support/admin/reports/respond",
                {
                    "ReportID": world.report.id,
                    "Answer": "We are sorry.",
                    "ProcessingStatus": "Reviewed",
                },
                headers=headers,
            ),
            agent.post("/support/reservations/cancel", {"ReservationID": paid}, headers=headers),
        ]
        assert [answer.status_code for answer in asked] == [200] * len(asked), [
            answer.content for answer in asked
        ]

        messages = list(OutboxMessage.objects.all())
        links = [
            link
            for message in messages
            for link in re.findall(r"\w+://[^\s>\")]+", f"{message.subject} {message.body}")
        ]
        assert {message.kind.partition(".")[0] for message in messages} >= {"accounts", "support"}
        assert len(links) >= 2
        assert all(link.startswith(f"{SITE}/") or link == SITE for link in links), links
        assert not any(EVIL in f"{one.subject} {one.body}" for one in messages)


# --- the server itself ----------------------------------------------------------------------------


def talk(port: int, raw: bytes) -> bytes:
    """Send bytes to the server and answer all that it says until it hangs up or falls silent."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(raw)
        line.settimeout(3)
        try:
            while part := line.recv(65536):
                said += part
        except (TimeoutError, ConnectionResetError):
            pass
    return said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Answer the port of the office behind its real server, with empty tables."""
    folder = tmp_path_factory.mktemp("server")
    ours = ("PYTEST_", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEMO", "ALLOWED_HOSTS")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'office.sqlite3'}",
        "TESTING": "1",
        "SITE_URL": SITE,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "USE_HTTPS": "0",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=240,
    )
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "travel.wsgi", "--workers", "1"),
            *("--threads", "4", "--bind", f"127.0.0.1:{port}"),
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 90
        while True:
            try:
                if talk(port, _get("127.0.0.1")).startswith(b"HTTP/1.1 200"):
                    break
            except OSError:
                pass
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _get(host: str, path: str = "/healthz", *more: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _post(headers: str, body: str) -> bytes:
    return (
        f"POST /users/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{headers}\r\n{body}"
    ).encode("latin-1")


SMUGGLED = "GET /api/problems HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: smuggled-1\r\n\r\n"
TWO_WAYS = {
    "length and chunks": _post(
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", f"0\r\n\r\n{SMUGGLED}"
    ),
    "two lengths": _post("Content-Length: 2\r\nContent-Length: 90\r\n", f"{{}}{SMUGGLED}"),
    "a length of two": _post("Content-Length: 2, 90\r\n", f"{{}}{SMUGGLED}"),
    "a signed length": _post("Content-Length: +2\r\n", f"{{}}{SMUGGLED}"),
    "a blank before the colon": _post("Content-Length : 2\r\n", f"{{}}{SMUGGLED}"),
    "an unknown coding": _post("Transfer-Encoding: xchunked\r\n", f"0\r\n\r\n{SMUGGLED}"),
    "two codings": _post(
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", f"0\r\n\r\n{SMUGGLED}"
    ),
    "a folded header": _post("X-A: 1\r\n Transfer-Encoding: chunked\r\n", f"0\r\n\r\n{SMUGGLED}"),
    "a bad chunk": _post("Transfer-Encoding: chunked\r\n", f"-1\r\n\r\n{SMUGGLED}"),
    "a zero in a name": _post("Content\x00Length: 2\r\n", f"{{}}{SMUGGLED}"),
}


@pytest.mark.slow
@pytest.mark.sqlite
class TestServer:
    @pytest.mark.parametrize(
        "host", [EVIL, f"127.0.0.1.{EVIL}", f"127.0.0.1@{EVIL}", "", f"127.0.0.1 {EVIL}"]
    )
    def test_another_name_is_refused(self, server: int, host: str) -> None:
        said = talk(server, _get(host, "/account/sign-in/"))

        assert said.startswith(b"HTTP/1.1 400")
        assert EVIL.encode() not in said

    def test_two_names_are_refused(self, server: int) -> None:
        for path in ("/account/sign-in/", "/tickets/cities"):
            said = talk(server, _get("127.0.0.1", path, f"Host: {EVIL}"))

            assert said.startswith(b"HTTP/1.1 400"), said[:100]
            assert EVIL.encode() not in said

    def test_the_name_in_the_request_line_counts_for_nothing(self, server: int) -> None:
        said = talk(server, _get("127.0.0.1", f"http://{EVIL}/account/sign-in/"))

        assert EVIL.encode() not in said

    def test_a_proxys_word_counts_for_nothing(self, server: int) -> None:
        said = talk(
            server,
            _get("127.0.0.1", "/wallet/", f"X-Forwarded-Host: {EVIL}", "X_Forwarded_Host: x"),
        )

        assert re.match(rb"HTTP/1.1 (302|400)", said)
        assert EVIL.encode() not in said

    @pytest.mark.parametrize("path", ["/%0d%0aX-Planted:%201/", "/wallet/?a=%0d%0aX-Planted:%201"])
    def test_a_line_break_ends_no_header(self, server: int, path: str) -> None:
        said = talk(server, _get("127.0.0.1", path))

        head = said.partition(b"\r\n\r\n")[0]
        assert re.match(rb"HTTP/1.1 (302|404)", said)
        assert b"\r\nX-Planted" not in head

    @pytest.mark.parametrize("raw", TWO_WAYS.values(), ids=TWO_WAYS)
    def test_what_can_be_read_in_two_ways_is_read_in_none(self, server: int, raw: bytes) -> None:
        said = talk(server, raw)

        assert b"smuggled-1" not in said
        assert set(re.findall(rb"HTTP/1.1 (\d+)", said)) <= {b"400", b"501"}, said[:200]

    def test_two_honest_requests_on_one_line_get_two_answers(self, server: int) -> None:
        body = "{}"
        said = talk(server, _post(f"Content-Length: {len(body)}\r\n", f"{body}{SMUGGLED}"))

        assert said.count(b"HTTP/1.1 ") == 2
        assert b"smuggled-1" in said
