"""Text messages by Twilio, against a server of our own that speaks its API."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from travel.common import messaging, outbox
from travel.common.models import OutboxMessage
from travel.common.twilio import TwilioSms


class Provider(HTTPServer):
    """Takes messages and answers `status`."""

    status = 201

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Calls)
        self.calls: list[tuple[str, str, dict[str, list[str]]]] = []


class Calls(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.calls.append((self.path, self.headers["Authorization"], parse_qs(body)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"code": 21211, "message": "+4915123456789 is no number"}')

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def provider(settings) -> Iterator[Provider]:
    server = Provider()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_BACKEND = "travel.common.twilio.TwilioSms"
    settings.TWILIO_API_URL = f"http://127.0.0.1:{server.server_port}"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC123", "s3cret"
    settings.TWILIO_SENDER = "+15005550006"
    yield server
    server.shutdown()
    server.server_close()


class TestTwilioSms:
    def test_hands_a_message_over(self, provider):
        messaging.send_sms(recipient="+4915123456789", body="Your code is 123456 & more. ✓")

        (call,) = provider.calls
        assert call == (
            "/2010-04-01/Accounts/AC123/Messages.json",
            "Basic " + base64.b64encode(b"AC123:s3cret").decode(),
            {
                "To": ["+4915123456789"],
                "From": ["+15005550006"],
                "Body": ["Your code is 123456 & more. ✓"],
            },
        )

    def test_names_a_messaging_service(self, provider, settings):
        settings.TWILIO_SENDER = "MG456"

        messaging.send_sms(recipient="+4915123456789", body="x")

        assert provider.calls[0][2]["MessagingServiceSid"] == ["MG456"]
        assert "From" not in provider.calls[0][2]

    @pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
    def test_a_refusal_is_told_by_its_number_alone(self, provider, status):
        provider.status = status

        with pytest.raises(OSError) as told:
            TwilioSms().send(recipient="+4915123456789", body="x")

        assert str(told.value) == f"the SMS provider answered {status}"

    def test_nobody_there_is_an_error_too(self, provider, settings):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        settings.TWILIO_API_URL = f"http://127.0.0.1:{port}"

        with pytest.raises(OSError):
            TwilioSms().send(recipient="+4915123456789", body="x")

    @pytest.mark.django_db
    def test_what_fails_is_tried_again_later(self, provider, settings, noon, clock):
        settings.MAIL_DELIVERY = "email"
        provider.status = 500
        outbox.write(
            kind="accounts.code",
            channel="sms",
            recipient="+4915123456789",
            subject="",
            body="Your code is 123456.",
            language="en",
            now=noon,
        )

        assert outbox.deliver_due(prefix="accounts.", now=noon) == 0
        assert OutboxMessage.objects.get().last_error == "OSError"
        provider.status = 201
        assert outbox.deliver_due(prefix="accounts.", now=clock.advance(minutes=1)) == 1
        assert len(provider.calls) == 2
