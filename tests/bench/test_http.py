"""The benchmark over HTTP asks the office itself, and tells how it answered."""

from __future__ import annotations

import pytest

from bench.claims import Wish
from bench.http import tokens_for, word_of
from bookings.models import Claim
from inventory.ticket_ids import pack


def test_how_a_request_ended():
    assert word_of(201, b"{}") == "done"
    assert word_of(409, b'{"code": "sold_out"}') == "sold_out"
    assert word_of(503, b'{"code": "unavailable"}').startswith("ERROR 503")


@pytest.mark.django_db
class TestTokens:
    def test_open_the_door_to_a_user_each(self, api, coach, noon):
        for token in tokens_for(2, first=7, now=noon):
            api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
            wish = Wish(coach.departure.pk, 0, 1)
            answer = api.post(
                "/reservations/reserve",
                {"ticketID": pack(wish.departure_id, wish.first, wish.last + 1, 0)},
                format="json",
            )
            assert word_of(answer.status_code, answer.content) == "done"
        holders = Claim.objects.values_list(
            "coupon__passenger__reservation__user__email", flat=True
        )
        assert sorted(holders) == ["bench7@example.org", "bench8@example.org"]
