"""Providers for tests: small HTTP servers that speak as Stripe and BTCPay do, and can misbehave."""

from __future__ import annotations

import itertools
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

Route = Callable[["Call"], tuple[int, Any]]


class Call:
    """A request as a provider sees it; `form` is what Stripe's SDK sends, `body` is JSON."""

    def __init__(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        url = urlsplit(handler.path)
        self.method = handler.command
        self.path = url.path
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.form = dict(parse_qsl(raw.decode()))
        self.body = json.loads(raw) if raw.startswith(b"{") else {}


class Fake(ABC):
    """
    A provider at `url`. `calls` is all that it was asked.

    With `broken` it answers that status, with `slow` it takes so many seconds; with `deaf` it does
    what a POST asks and then loses the answer.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.broken = 0
        self.slow = 0.0
        self.ended = threading.Event()
        self.deaf = False
        self.url = ""
        self.numbers = itertools.count(1)

    @abstractmethod
    def answer(self, call: Call) -> tuple[int, Any]:
        """Answer a call as the provider does: a status, and what becomes the body."""

    @contextmanager
    def running(self) -> Iterator[None]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None: ...

            def do_GET(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self, raw)
                fake.calls.append(call)
                if fake.slow:
                    fake.ended.wait(fake.slow)
                status, found = (
                    (fake.broken, {"error": {"message": "out of order"}})
                    if fake.broken
                    else fake.answer(call)
                )
                if fake.deaf and call.method == "POST":
                    self.close_connection = True
                    return
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.ended.set()
            server.shutdown()
            server.server_close()


class FakeStripe(Fake):
    """Checkout sessions, payment intents and refunds, each idempotency key honoured."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.transactions: list[dict[str, Any]] = []
        self.known: dict[str, tuple[int, Any]] = {}

    def pay(self, session_id: str, **changes: Any) -> dict[str, Any]:
        """The payer pays on Stripe's page."""
        session = self.sessions[session_id]
        session |= {
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": {
                "id": f"pi_{session_id}",
                "object": "payment_intent",
                "status": "succeeded",
            },
        } | changes
        return session

    def answer(self, call: Call) -> tuple[int, Any]:
        assert call.headers["authorization"] == "Bearer sk_test_office"
        key = call.headers.get("idempotency-key", "")
        if key and key in self.known:
            return self.known[key]
        found = self._answer(call)
        if key:
            self.known[key] = found
        return found

    def _answer(self, call: Call) -> tuple[int, Any]:
        if call.path == "/v1/checkout/sessions":
            return 200, self._session(call)
        if call.path.startswith("/v1/checkout/sessions/"):
            found = self.sessions.get(call.path.rpartition("/")[2])
            return (200, found) if found else (404, {"error": {"type": "invalid_request_error"}})
        if call.path == "/v1/refunds" and call.method == "GET":
            return 200, {"object": "list", "data": self.refunds, "has_more": False}
        if call.path == "/v1/refunds":
            return self._refund(call)
        if call.path.endswith("/capture"):
            intent = call.path.split("/")[3]
            session = next(
                one for one in self.sessions.values() if one["payment_intent"]["id"] == intent
            )
            session["payment_intent"]["status"] = "succeeded"
            session["payment_status"] = "paid"
            return 200, session["payment_intent"]
        if call.path == "/v1/balance_transactions":
            return 200, {
                "object": "list",
                "url": "/v1/balance_transactions",
                "data": self.transactions,
                "has_more": False,
            }
        return 404, {"error": {"type": "invalid_request_error"}}

    def _session(self, call: Call) -> dict[str, Any]:
        number = f"cs_test_{next(self.numbers)}"
        form = call.form
        self.sessions[number] = {
            "id": number,
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "client_reference_id": form["client_reference_id"],
            "metadata": {
                name: form.get(f"metadata[{name}]", "") for name in ("office", "key", "booking")
            },
            "url": f"https://checkout.stripe.com/c/pay/{number}",
        }
        return self.sessions[number]

    def _refund(self, call: Call) -> tuple[int, Any]:
        form = call.form
        refund = {
            "id": f"re_{next(self.numbers)}",
            "object": "refund",
            "status": "succeeded",
            "amount": int(form["amount"]),
            "currency": "eur",
            "payment_intent": form["payment_intent"],
            "metadata": {name: form.get(f"metadata[{name}]", "") for name in ("office", "key")},
        }
        self.refunds.append(refund)
        return 200, refund


class FakeBTCPay(Fake):
    """Invoices of one store, their one way of paying, and pull payments."""

    def __init__(self) -> None:
        super().__init__()
        self.invoices: dict[str, dict[str, Any]] = {}
        self.paid: dict[str, str] = {}
        self.claims: list[dict[str, Any]] = []

    def move(self, invoice_id: str, status: str, extra: str = "None", *, paid: str = "0") -> None:
        """Something happens on the chain; `paid` is how many bitcoins were seen in all."""
        self.invoices[invoice_id] |= {"status": status, "additionalStatus": extra}
        self.paid[invoice_id] = paid

    def answer(self, call: Call) -> tuple[int, Any]:
        assert call.headers["authorization"] == "token key_of_store"
        room = call.path.removeprefix("/api/v1/stores/STORE")
        parts = room.strip("/").split("/")
        if room == "/invoices" and call.method == "POST":
            return 200, self._invoice(call)
        if room == "/invoices":
            return 200, self._found(call)
        if room == "/pull-payments":
            return 200, self.claims[int(call.query.get("skip", 0)) :]
        if len(parts) == 3 and parts[2] == "payment-methods":
            return 200, [self._way(self.invoices[parts[1]])]
        if len(parts) == 3 and parts[2] == "refund":
            return 200, self._claim(call)
        return 404, {"code": "not-found"}

    def _found(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.query.get("orderId")
        found = [
            one
            for one in self.invoices.values()
            if wanted is None or one["metadata"]["orderId"] == wanted
        ]
        return found[int(call.query.get("skip", 0)) :]

    def _invoice(self, call: Call) -> dict[str, Any]:
        number = f"INV{next(self.numbers)}"
        self.invoices[number] = {
            "id": number,
            "status": "New",
            "additionalStatus": "None",
            "amount": call.body["amount"],
            "currency": call.body["currency"],
            "metadata": call.body["metadata"],
            "createdTime": 1_780_315_200,
            "expirationTime": 1_780_315_200 + 60 * call.body["checkout"]["expirationMinutes"],
            "checkoutLink": f"{self.url}/i/{number}",
        }
        return self.invoices[number]

    def _way(self, invoice: dict[str, Any]) -> dict[str, Any]:
        return {
            "paymentMethodId": "BTC-CHAIN",
            "destination": f"bc1q{invoice['id'].lower()}",
            "rate": "50000",
            "amount": str(float(invoice["amount"]) / 50_000),
            "totalPaid": self.paid.get(invoice["id"], "0"),
        }

    def _claim(self, call: Call) -> dict[str, Any]:
        number = f"PULL{next(self.numbers)}"
        self.claims.append(
            {
                "id": number,
                "name": call.body["name"],
                "amount": call.body["customAmount"],
                "currency": call.body["customCurrency"],
                "startsAt": 1_780_315_260,
                "viewLink": f"{self.url}/pull-payments/{number}",
            }
        )
        return self.claims[-1]
