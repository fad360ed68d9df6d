"""A client that is generated from the schema works: with it a whole purchase is made."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import pytest
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.conftest import Clock

PACKAGE = "generated_office_client"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the generated package. Any warning of the generator fails."""
    folder = tmp_path_factory.mktemp("client")
    call_command("spectacular", "--fail-on-warn", "--file", str(folder / "schema.yml"))
    # Nothing is formatted or installed afterwards.
    (folder / "settings.yml").write_text("post_hooks: []\n")
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
        *("--path", str(folder / "schema.yml"), "--config", str(folder / "settings.yml")),
        *("--meta", "none", "--output-path", str(folder / PACKAGE)),
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warning" not in said.lower(), said
    return folder


class Client:
    """The generated package, spoken to by the names that the schema gives."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = self._module("client").Client(base_url=url, **self._manners())

    def _manners(self) -> dict[str, Any]:
        # A status that the schema does not tell of is a fault; no proxy stands before this machine.
        return {"raise_on_unexpected_status": True, "httpx_args": {"trust_env": False}}

    def _module(self, name: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.{name}")

    def use(self, token: str) -> None:
        """Send a token from now on."""
        self.client = self._module("client").AuthenticatedClient(
            base_url=self.url, token=token, **self._manners()
        )

    def call(self, door: str, *numbers: int, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Call `tickets.search_tickets`; answer the status and what the client made of it."""
        if body is not None:
            more["body"] = body
        answer = self._module(f"api.{door}").sync_detailed(*numbers, client=self.client, **more)
        assert answer.parsed is not None, answer.content
        assert list(undescribed(answer.parsed)) == [], door
        return int(answer.status_code), answer.parsed

    def model(self, name: str, **values: Any) -> Any:
        return getattr(self._module("models"), name)(**values)


def undescribed(value: Any, path: str = "") -> Iterator[str]:
    """Answer what an answer holds that the schema does not name."""
    if isinstance(value, list):
        for one in value:
            yield from undescribed(one, f"{path}[]")
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            inner = getattr(value, field.name)
            if field.name == "additional_properties":
                yield from (f"{path}.{name}" for name in inner)
            else:
                yield from undescribed(inner, f"{path}.{field.name}")


@pytest.fixture
def office(
    folder: Path, live_server: LiveServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    monkeypatch.syspath_prepend(str(folder))
    yield Client(live_server.url)
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def sign_up(office: Client) -> None:
    status, opened = office.call(
        "users.sign_up",
        body=office.model(
            "SignUpRequest",
            first_name="Ada",
            last_name="Lovelace",
            email="ada@example.org",
            password="a-lovely-day-for-trains",
        ),
    )
    assert (status, opened.message) == (201, "Welcome on board.")
    office.use(opened.token)


def top_up(office: Client, amount: str, token: str = "tok_accepted") -> tuple[int, Any]:
    return office.call(
        "wallet.top_up",
        body=office.model("TopUpRequest", amount=amount, currency="EUR", payment_token=token),
    )


def search(office: Client, **more: Any) -> Any:
    status, found = office.call(
        "tickets.search_tickets",
        body=office.model(
            "SearchTicketsRequest",
            origin="Hamburg",
            destination="München",
            date=date(2026, 6, 2),
            filters=office.model(
                "FiltersInputRequest",
                vehicle_type=[office.model("FiltersInputRequestVehicleTypeItem", value="Train")],
            ),
            **more,
        ),
    )
    assert status == 200
    return found


class TestAPurchase:
    def test_runs_from_sign_up_to_cancelling(
        self, office: Client, timetable: factories.Timetable, audited: None
    ) -> None:
        sign_up(office)
        status, filled = top_up(office, "100.00")
        assert (status, filled.balance.amount) == (200, "100.00")

        saver = min(search(office).results, key=lambda one: float(one.price.amount))
        # 5.00 and 5 cents for each of 800 km.
        assert (saver.price.amount, saver.price.currency) == ("45.00", "EUR")
        reserved_as = office.model(
            "ReserveRequest",
            ticket_id=saver.ticket_id,
            passengers=[
                office.model("PassengerInputRequest", first_name="Ada", last_name="Lovelace")
            ],
        )
        status, held = office.call(
            "reservations.reserve", body=reserved_as, idempotency_key="reserve-1"
        )
        assert (status, held.status, held.price.amount) == (201, "Reserved", "45.00")
        again = office.call("reservations.reserve", body=reserved_as, idempotency_key="reserve-1")
        assert again[1].reservation_id == held.reservation_id

        status, paid = office.call(
            "reservations.pay",
            body=office.model(
                "PayRequest", reservation_id=held.reservation_id, payment_method="Wallet"
            ),
        )
        assert (status, paid.status, paid.payment.amount.amount) == (200, "Paid", "45.00")

        status, purchased = office.call("reservations.purchased")
        assert [one.reservation_id for one in purchased.results] == [held.reservation_id]
        assert purchased.results[0].barcode

        # 18 hours before the train leaves half is kept.
        status, quote = office.call("reservations.penalty_of", held.reservation_id)
        assert (quote.penalty.amount, quote.refund.amount) == ("22.50", "22.50")
        status, cancelled = office.call(
            "reservations.cancel",
            body=office.model(
                "CancelRequest", reservation_id=held.reservation_id, quote_id=quote.quote_id
            ),
        )
        assert (status, cancelled.status, cancelled.refund.amount) == (200, "Cancelled", "22.50")

        # 100.00 - 45.00 + 22.50.
        status, wallet = office.call("wallet.wallet")
        assert [(one.amount, one.currency) for one in wallet.balances] == [("77.50", "EUR")]

    def test_knows_ways_back_and_payments_that_wait(
        self, office: Client, timetable: factories.Timetable
    ) -> None:
        sign_up(office)

        found = search(office, return_date=date(2026, 6, 3))
        status, waiting = top_up(office, "20.00", "tok_3ds")

        assert (found.count, found.return_.count, found.return_.results) == (3, 0, [])
        assert status == 202
        assert waiting.redirect_url.startswith("http")

    def test_reads_a_refusal(self, office: Client, timetable: factories.Timetable) -> None:
        sign_up(office)

        status, problem = office.call("reservations.reservation_detail", 999_999)

        assert (status, problem.status, problem.code) == (404, 404, "not_found")
