"""The provider's statement against the ledger: what differs is a row, once, until both agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.viewers import Viewer
from bookings.engine.contract import Actor
from payments import gateways, selectors, services
from payments.errors import AlreadyClosed
from payments.gateways.contract import Answer, GatewayReply, StatementLine, Unreadable
from payments.models import Difference, Payment, ReconciliationRun, Refund, SandboxCharge
from payments.services import reconciling
from payments.services.reconciling import MARGIN, close_difference
from payments.services.refunds import book_reply
from payments.tasks import reconcile_nightly
from tests.conftest import Clock
from travel.common.errors import InvalidInput, NotFound
from travel.common.money import Money

from .conftest import Hold

DAY = timedelta(days=1)


@pytest.fixture
def card(hold: Hold, me: Viewer, noon: datetime) -> Callable[..., Payment]:
    """Hold and pay 45.00 EUR by card, at noon."""

    def make() -> Payment:
        reservation = hold(1)
        paid = services.pay(
            viewer=me, reservation_id=reservation.id, method="Bank Card", token=None, now=noon
        )
        return Payment.objects.get(id=paid.payment_id)

    return make


def run(noon: datetime, *, days: int = 1, later: timedelta = DAY) -> reconciling.Reconciled:
    """Compare the days around noon, looking back from later."""
    return reconciling.reconcile(
        gateway="sandbox", since=noon - DAY, until=noon + timedelta(days=days), now=noon + later
    )


def found() -> list[tuple[str, int | None, int | None]]:
    """Answer the open differences with both sides."""
    return [
        (
            one.reference,
            one.ledger.minor if one.ledger else None,
            one.provider.minor if one.provider else None,
        )
        for one in selectors.open_differences(gateway="sandbox", limit=50)
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[StatementLine]:
    """What the provider's statement says instead of the sandbox's own."""
    lines: list[StatementLine] = []
    monkeypatch.setattr(
        gateways.get("sandbox").inner,
        "statement",
        lambda *, since, until: [line for line in lines if since <= line.at < until],
    )
    return lines


def line(key: str, minor: int, at: datetime, currency: str = "EUR") -> StatementLine:
    return StatementLine(key, f"ref-{key}", Money(minor, currency), at)


class TestAgreement:
    def test_payments_refunds_and_top_ups_agree_with_the_sandbox(
        self, card: Callable[..., Payment], me: Viewer, noon: datetime
    ) -> None:
        payment = card()
        services.top_up(user_id=me.user_id or 0, amount=Money(1_000, "EUR"), token=None, now=noon)
        services.cancel_and_refund(
            viewer=me,
            reservation_id=payment.reservation_id,
            actor=Actor("holder", me.user_id),
            now=noon,
        )
        services.push_refund(refund_id=Refund.objects.get().pk, now=noon)

        done = run(noon)

        assert (done.lines_read, done.found, done.still_open, done.problem) == (3, 0, 0, "")
        row = ReconciliationRun.objects.get()
        assert (row.gateway, row.lines_read, row.problem) == ("sandbox", 3, "")
        assert row.finished_at == noon + DAY

    def test_what_came_days_late_is_no_difference(
        self, card: Callable[..., Payment], told: list[StatementLine], noon: datetime
    ) -> None:
        """The provider took it three days before the office heard of it, and the other way."""
        early, late = card(), card()
        told += [
            line(f"payment-{early.pk}", 4_500, noon - timedelta(days=3)),
            line(f"payment-{late.pk}", 4_500, noon + timedelta(days=3)),
        ]

        assert run(noon, later=timedelta(days=5)).found == 0

    def test_wallets_are_no_business_of_a_gateway(self, paid: Hold, noon: datetime) -> None:
        paid(1)
        assert run(noon).found == 0


class TestDifferences:
    def test_of_every_kind(
        self, card: Callable[..., Payment], told: list[StatementLine], noon: datetime
    ) -> None:
        ids = [card().pk for _ in range(4)]
        told += [
            line(f"payment-{ids[1]}", 4_400, noon),
            line(f"payment-{ids[2]}", 4_500, noon, "USD"),
            line(f"payment-{ids[3]}", 4_500, noon),
            line("payment-999", 7_700, noon),
            line("refund-5", -300, noon),
        ]

        done = run(noon)

        assert set(found()) == {
            ("sandbox:payment-999:only_provider", None, 7_700),
            (f"sandbox:payment-{ids[0]}:only_ledger", 4_500, None),
            (f"sandbox:payment-{ids[1]}:amount", 4_500, 4_400),
            (f"sandbox:payment-{ids[2]}:currency", 4_500, 4_500),
            ("sandbox:refund-5:only_provider", None, -300),
        }
        assert (done.found, done.still_open) == (5, 5)
        about = dict(Difference.objects.values_list("reference", "payment_id"))
        assert about[f"sandbox:payment-{ids[1]}:amount"] == ids[1]
        assert about["sandbox:payment-999:only_provider"] is None

    def test_lines_of_one_charge_are_added_up(
        self, card: Callable[..., Payment], told: list[StatementLine], noon: datetime
    ) -> None:
        key = f"payment-{card().pk}"
        told += [line(key, 3_000, noon), line(key, 1_500, noon + timedelta(hours=1))]
        assert run(noon).found == 0

    def test_a_refund_the_office_does_not_know_of_yet(
        self, card: Callable[..., Payment], me: Viewer, noon: datetime
    ) -> None:
        """The provider has paid and its answer was lost: it closes once the office asks again."""
        payment = card()
        services.cancel_and_refund(
            viewer=me,
            reservation_id=payment.reservation_id,
            actor=Actor("holder", me.user_id),
            now=noon,
        )
        refund = Refund.objects.get()
        gateways.get("sandbox").refund(
            key=f"refund-{refund.pk}",
            charge=payment.gateway_reference or "",
            reference="",
            amount=Money(2_250, "EUR"),
            now=noon,
        )
        assert run(noon).found == 1
        assert found() == [(f"sandbox:refund-{refund.pk}:only_provider", None, -2_250)]

        book_reply(refund_id=refund.pk, reply=GatewayReply(Answer.DONE), now=noon + 2 * DAY)
        done = run(noon, later=timedelta(days=3))

        assert (done.found, done.closed, done.still_open) == (0, 1, 0)
        closed = Difference.objects.get()
        assert (closed.closed_at, closed.closed_by_id) == (noon + 3 * DAY, None)

    def test_an_old_one_is_looked_at_again_though_its_days_are_not_read(
        self, card: Callable[..., Payment], told: list[StatementLine], noon: datetime
    ) -> None:
        told.append(line("payment-999", 7_700, noon))
        run(noon)
        month = noon + timedelta(days=30)

        reconciling.reconcile(gateway="sandbox", since=month - DAY, until=month, now=month)

        # What the provider told then still stands against a ledger that knows of nothing.
        assert found() == [("sandbox:payment-999:only_provider", None, 7_700)]

    def test_twice_is_once(self, told: list[StatementLine], noon: datetime) -> None:
        told.append(line("payment-999", 7_700, noon))
        assert [run(noon).found, run(noon, later=2 * DAY).found] == [1, 0]

        row = Difference.objects.get()
        first, second = ReconciliationRun.objects.order_by("id")
        assert (row.first_run_id, row.last_run_id) == (first.pk, second.pk)

    def test_one_by_reference_alone(
        self, card: Callable[..., Payment], told: list[StatementLine], noon: datetime
    ) -> None:
        payment = card()
        Payment.objects.filter(pk=payment.pk).update(provider_reference="pi_7")
        told += [
            StatementLine("", "pi_7", Money(4_500, "EUR"), noon),
            StatementLine("", "pi_unknown", Money(100, "EUR"), noon),
        ]
        run(noon)
        assert found() == [("sandbox:reference pi_unknown:only_provider", None, 100)]

    @pytest.mark.parametrize("minor", [0, -1, 10**15, -(10**15)])
    def test_odd_amounts_are_differences_and_no_fault(
        self,
        card: Callable[..., Payment],
        told: list[StatementLine],
        noon: datetime,
        minor: int,
    ) -> None:
        key = f"payment-{card().pk}"
        told.append(line(key, minor, noon))
        run(noon)
        kind = "amount" if minor else "only_ledger"
        assert found() == [(f"sandbox:{key}:{kind}", 4_500, minor or None)]


class TestClosing:
    @pytest.fixture
    def row(self, told: list[StatementLine], noon: datetime) -> Difference:
        told.append(line("payment-999", 7_700, noon))
        run(noon)
        return Difference.objects.get()

    def test_is_by_somebody_with_a_note(self, row: Difference, staff: User, noon: datetime) -> None:
        close_difference(difference_id=row.pk, closer_id=staff.pk, note="A test charge.", now=noon)

        row.refresh_from_db()
        assert (row.closed_at, row.closed_by_id, row.note) == (noon, staff.pk, "A test charge.")
        with pytest.raises(AlreadyClosed):
            close_difference(difference_id=row.pk, closer_id=staff.pk, note="Again.", now=noon)
        with pytest.raises(NotFound):
            close_difference(difference_id=999, closer_id=staff.pk, note="x", now=noon)

    def test_lasts_while_nothing_changes(
        self, row: Difference, staff: User, told: list[StatementLine], noon: datetime
    ) -> None:
        close_difference(difference_id=row.pk, closer_id=staff.pk, note="A test charge.", now=noon)
        assert run(noon, later=2 * DAY).found == 0
        assert found() == []
        # Another amount is another matter.
        told[0] = line("payment-999", 7_701, noon)
        assert run(noon, later=3 * DAY).found == 1
        assert found() == [("sandbox:payment-999:only_provider", None, 7_701)]

    def test_what_closed_by_itself_opens_when_it_comes_back(
        self, row: Difference, told: list[StatementLine], noon: datetime
    ) -> None:
        Difference.objects.update(closed_at=noon)
        assert run(noon, later=2 * DAY).found == 1
        row.refresh_from_db()
        assert row.closed_at is None


class TestRefusals:
    def test_a_provider_that_cannot_be_read(
        self, card: Callable[..., Payment], noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        card()

        def fail(**asked: Any) -> Any:
            raise Unreadable("503")

        monkeypatch.setattr(gateways.get("sandbox").inner, "statement", fail)

        done = run(noon)

        assert (done.problem, done.found) == ("Unreadable: 503", 0)
        assert ReconciliationRun.objects.get().problem == "Unreadable: 503"
        assert not Difference.objects.exists()

    @pytest.mark.parametrize(
        ("since", "until"),
        [(0, 0), (1, 0), (-2, 1), (-101, 0)],
    )
    def test_stretches_that_are_none(
        self, db: None, noon: datetime, since: int, until: int
    ) -> None:
        with pytest.raises(InvalidInput):
            reconciling.reconcile(
                gateway="sandbox",
                since=noon + timedelta(days=since),
                until=noon + timedelta(days=until),
                now=noon,
            )

    def test_a_gateway_that_is_none(self, db: None, noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            reconciling.reconcile(gateway="nobody", since=noon - DAY, until=noon, now=noon)
        assert not ReconciliationRun.objects.exists()


class TestDoors:
    def test_only_what_is_switched_on_is_compared(self, settings: Any) -> None:
        settings.PAYMENT_GATEWAYS = {"Bank Card": "stripe", "Cryptocurrency": "none"}
        assert reconciling.gateways_in_use() == ["stripe"]

    def test_every_night_compares_the_days_that_are_over(
        self, card: Callable[..., Payment], clock: Clock
    ) -> None:
        payment = card()
        SandboxCharge.objects.all().update(captured_minor=4_400)
        clock.advance(days=1)

        assert reconcile_nightly() == 1

        assert found() == [(f"sandbox:payment-{payment.pk}:amount", 4_500, 4_400)]
        row = ReconciliationRun.objects.get()
        assert (row.since, row.until) == (
            datetime(2026, 5, 30, tzinfo=UTC),
            datetime(2026, 6, 2, tzinfo=UTC),
        )

    def test_the_command_tells_and_fails_while_something_is_open(
        self, card: Callable[..., Payment], clock: Clock
    ) -> None:
        card()
        clock.advance(days=1)
        out = StringIO()
        call_command("reconcile", stdout=out)
        assert "sandbox: 1 lines, 0 new differences" in out.getvalue()

        SandboxCharge.objects.all().update(captured_minor=4_400)
        with pytest.raises(SystemExit):
            call_command(
                "reconcile",
                "--gateway=sandbox",
                "--since=2026-06-01",
                "--until=2026-06-02T00:00:00+00:00",
                stdout=out,
            )
        assert "ledger 45.00 EUR, provider 44.00 EUR" in out.getvalue()

    @pytest.mark.parametrize(
        "words",
        [
            ["--gateway=nobody"],
            ["--since=yesterday"],
            ["--since=2026-06-01", "--until=2026-05-01"],
            ["--until=2027-01-01"],
        ],
    )
    def test_the_command_refuses_nonsense(self, db: None, clock: Clock, words: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("reconcile", *words)


def test_the_margin_covers_webhooks_that_come_three_days_late() -> None:
    assert timedelta(days=3) < MARGIN
