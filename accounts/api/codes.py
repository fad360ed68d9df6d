"""One-time codes over the API."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services, tokens
from accounts.api.serializers import (
    CodeField,
    ContactField,
    DoneSerializer,
    TokenSerializer,
    token_body,
)
from accounts.errors import InvalidOtp
from travel.api.fields import Serializer
from travel.api.views import ApiView
from travel.common.address import client_network
from travel.common.errors import Throttled


class RequestOtp(ApiView):
    """Ask for a one-time code. The answer is the same whether the contact is known or not."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    # Counted by the service: by address, contact, block of numbers and day.
    throttle_scope = None
    problems = (Throttled,)
    tags = ("otp",)

    class Input(Serializer):
        contact = ContactField(
            help_text=(
                "The code is six digits, good once within ten minutes, with five tries. A new code "
                "takes the place of the one before and brings no new tries."
            )
        )

    Output = DoneSerializer

    def post(self, request: Request) -> Response:
        services.request_code(
            contact=self.body()["contact"],
            network=client_network(request._request),
            language=get_language() or settings.LANGUAGE_CODE,
            now=self.now,
        )
        return self.answer({"message": _("If this contact can be reached, a code is on its way.")})


class VerifyOtp(ApiView):
    """Sign in by a one-time code. A contact without an account gets a passenger's account."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    # Counted by the service, with the guesses of the pages.
    throttle_scope = None
    problems = (InvalidOtp, Throttled)
    tags = ("otp",)

    class Input(Serializer):
        contact = ContactField()
        otp = CodeField()

    Output = TokenSerializer

    def post(self, request: Request) -> Response:
        details = self.body()
        user = services.sign_in_by_code(
            contact=details["contact"],
            code=details["otp"],
            network=client_network(request._request),
            language=get_language() or settings.LANGUAGE_CODE,
            now=self.now,
        )
        pair = tokens.issue(user=user, now=self.now, is_proved=True)
        return self.answer({"message": _("You are signed in."), **token_body(pair)})
