"""Small doors to try the API's furniture on. Their effect is a row that can be counted."""

from __future__ import annotations

import time
from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from travel.api.fields import (
    AmountField,
    CurrencyField,
    DayField,
    IDField,
    InstantField,
    MoneyField,
    SafeTextField,
    Serializer,
)
from travel.api.idempotency import idempotent
from travel.api.views import ApiView
from travel.common import clock
from travel.common.errors import Refusal
from travel.common.models import Job
from travel.common.transactions import in_transaction


class NoFunds(Refusal):
    code = "insufficient_funds"
    status = 402


class Full(Refusal):
    code = "sold_out"
    status = 409


class Broken(Refusal):
    code = "unavailable"
    status = 503


REFUSALS = {kind.code: kind for kind in (NoFunds, Full, Broken)}


@in_transaction
def write_a_row(*, name: str, refuse: str = "", slow: float = 0) -> int:
    """Write a row, then refuse if told so: the row must go with the refusal."""
    count = Job.objects.filter(kind=name).count()
    job = Job.objects.create(
        kind=name, reference=f"{count}", created_at=clock.now(), due_at=clock.now()
    )
    time.sleep(slow)
    if refuse:
        raise REFUSALS[refuse]
    return job.pk


class Effect(ApiView):
    """Writes a row."""

    class Input(Serializer):
        name = SafeTextField()
        refuse = SafeTextField(required=False, allow_blank=True)
        slow = serializers.FloatField(required=False)

    @idempotent
    def post(self, request: Any) -> Response:
        return self.answer({"row": write_a_row(**self.body()), "name": "Zoë"}, status=201)


class Gateway(ApiView):
    """Writes a row around a call to somebody else's system."""

    Input = Effect.Input

    @idempotent(lease=True)
    def post(self, request: Any) -> Response:
        return self.answer(
            {"row": write_a_row(**self.body()), "takenOver": request.taken_over}, status=201
        )


class Echo(ApiView):
    """Reads one of each field and writes it out again."""

    permission_classes = (AllowAny,)

    class Input(Serializer):
        ticket_id = IDField(required=False)
        text = SafeTextField(required=False)
        travel_day = DayField(required=False)
        depart_after = InstantField(required=False)
        price = MoneyField(required=False)
        amount = AmountField(required=False)
        currency = CurrencyField(required=False)

    class Query(Serializer):
        depart_after = InstantField(required=False)

    Output = Input

    def post(self, request: Any) -> Response:
        self.query()
        return self.answer(self.body())

    def get(self, request: Any) -> Response:
        return Response({"page": self.page.number, "offset": self.page.offset})


class Rows(ApiView):
    """A list of a hundred thousand rows."""

    permission_classes = (AllowAny,)
    throttle_scope = "search"

    def get(self, request: Any) -> Response:
        page = self.page
        return self.answer_page(100_000, list(range(page.offset, page.offset + page.limit)))

    post = get


class Fault(ApiView):
    """Fails."""

    permission_classes = (AllowAny,)

    def get(self, request: Any) -> Response:
        raise RuntimeError("the secret is 4711")


urlpatterns = [
    path("reservations/effect", Effect.as_view()),
    path("reservations/gateway", Gateway.as_view()),
    path("tickets/echo", Echo.as_view()),
    path("tickets/rows", Rows.as_view()),
    path("tickets/fault", Fault.as_view()),
]
