"""Goodwill: given by staff, alone up to a limit, never to oneself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from accounts.models import User
from accounts.viewers import Viewer
from payments import selectors
from payments.errors import NotAwaitingApproval
from payments.models import Account, Entry, Goodwill
from payments.services import goodwill
from tests import factories
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.money import Money

from .conftest import Hold

LIMIT = settings.REFUND_APPROVAL_LIMIT


def give(traveller: User, staff: User, minor: int, now: datetime, **details: Any) -> Goodwill:
    return goodwill.give(
        user_id=traveller.pk,
        amount=Money(minor, "EUR"),
        actor_id=staff.pk,
        now=now,
        **{"reason_code": "strike", **details},
    )


def balances() -> dict[str, int]:
    return dict(Account.objects.exclude(balance_minor=0).values_list("code", "balance_minor"))


@pytest.fixture
def chief(db: None) -> User:
    """Somebody of finance."""
    return factories.make_user(email="fay@office.example", is_staff=True, roles=["finance"])


class TestGive:
    def test_moves_it_from_goodwill_to_the_wallet(
        self, traveller: User, staff: User, noon: datetime
    ) -> None:
        given = give(traveller, staff, 1_500, noon, note="Stood from Hannover on.")

        assert given.state == "done"
        assert balances() == {"goodwill:EUR": -1_500, f"wallet:{traveller.pk}:EUR": 1_500}
        assert given.transfer.kind == "goodwill"

    def test_the_limit_itself_needs_nobody_else(
        self, traveller: User, staff: User, noon: datetime
    ) -> None:
        assert give(traveller, staff, LIMIT, noon).state == "done"

    def test_a_cent_beyond_the_limit_waits(
        self, traveller: User, staff: User, noon: datetime
    ) -> None:
        given = give(traveller, staff, LIMIT + 1, noon)

        assert given.state == "pendingApproval"
        assert balances() == {}

    def test_small_gifts_of_one_day_count_together(
        self, traveller: User, staff: User, chief: User, noon: datetime
    ) -> None:
        give(traveller, staff, LIMIT - 100, noon)

        assert give(traveller, staff, 101, noon).state == "pendingApproval"
        assert give(traveller, chief, 101, noon).state == "done"
        assert give(traveller, staff, 100, noon).state == "done"
        assert give(traveller, staff, 101, noon + timedelta(hours=24)).state == "done"

    def test_names_the_booking_it_is_for(
        self, paid: Hold, traveller: User, staff: User, noon: datetime
    ) -> None:
        reservation = paid(1)

        given = give(traveller, staff, 500, noon, locator=reservation.locator.lower())

        assert given.reservation_id == reservation.id
        line = selectors.statement(user_id=traveller.pk, limit=1)[1][0]
        assert (line.kind, line.memo) == ("goodwill", reservation.locator)

    @pytest.mark.parametrize(
        ("details", "field"),
        [
            ({"minor": 0}, "amount"),
            ({"minor": -1}, "amount"),
            ({"minor": 100_000_001}, "amount"),
            ({"reason_code": "wish"}, "reason_code"),
            ({"reason_code": "friend"}, "reason_code"),
            ({"note": "x" * 301}, "note"),
            ({"locator": "ABCDEF"}, "locator"),
        ],
    )
    def test_refuses_what_makes_no_sense(
        self,
        traveller: User,
        staff: User,
        noon: datetime,
        details: dict[str, Any],
        field: str,
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            give(traveller, staff, details.pop("minor", 100), noon, **details)

        assert list(refused.value.errors) == [field]
        assert Goodwill.objects.count() == Entry.objects.count() == 0

    def test_refuses_another_travellers_booking(
        self, paid: Hold, stranger: User, staff: User, noon: datetime
    ) -> None:
        reservation = paid(1)

        with pytest.raises(InvalidInput):
            give(stranger, staff, 100, noon, locator=reservation.locator)

        assert Goodwill.objects.count() == 0

    def test_refuses_a_gift_to_oneself(self, staff: User, noon: datetime) -> None:
        with pytest.raises(NotAllowed):
            give(staff, staff, 100, noon)

    def test_refuses_nobody(self, traveller: User, staff: User, noon: datetime) -> None:
        traveller.is_active = False
        traveller.save()

        with pytest.raises(NotFound):
            give(traveller, staff, 100, noon)


class TestDecide:
    def test_a_second_person_lets_it_go(
        self, traveller: User, staff: User, chief: User, noon: datetime
    ) -> None:
        given = give(traveller, staff, LIMIT + 1, noon)

        decided = goodwill.decide(goodwill_id=given.id, approved=True, actor_id=chief.pk, now=noon)

        assert (decided.state, decided.decided_by_id) == ("done", chief.pk)
        assert balances()[f"wallet:{traveller.pk}:EUR"] == LIMIT + 1

    def test_or_rejects_it(self, traveller: User, staff: User, chief: User, noon: datetime) -> None:
        given = give(traveller, staff, LIMIT + 1, noon)

        goodwill.decide(goodwill_id=given.id, approved=False, actor_id=chief.pk, now=noon)

        assert balances() == {}
        with pytest.raises(NotAwaitingApproval):
            goodwill.decide(goodwill_id=given.id, approved=True, actor_id=chief.pk, now=noon)
        assert balances() == {}

    def test_once(self, traveller: User, staff: User, chief: User, noon: datetime) -> None:
        given = give(traveller, staff, LIMIT + 1, noon)
        goodwill.decide(goodwill_id=given.id, approved=True, actor_id=chief.pk, now=noon)

        with pytest.raises(NotAwaitingApproval):
            goodwill.decide(goodwill_id=given.id, approved=True, actor_id=chief.pk, now=noon)

        assert balances()[f"wallet:{traveller.pk}:EUR"] == LIMIT + 1

    def test_not_who_asked_nor_who_gets_it(
        self, traveller: User, staff: User, me: Viewer, noon: datetime
    ) -> None:
        given = give(traveller, staff, LIMIT + 1, noon)

        for actor in (staff, traveller):
            with pytest.raises(NotAllowed):
                goodwill.decide(goodwill_id=given.id, approved=True, actor_id=actor.pk, now=noon)

        assert balances() == {}

    def test_nothing_that_is_not_there(self, staff: User, noon: datetime) -> None:
        with pytest.raises(NotFound):
            goodwill.decide(goodwill_id=1, approved=True, actor_id=staff.pk, now=noon)
