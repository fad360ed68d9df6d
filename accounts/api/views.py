"""Signing up, in and out, and reading one's own account."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import lockout, services, tokens
from accounts.api.serializers import DoneSerializer, TokenSerializer, UserSerializer, token_body
from accounts.errors import EmailTaken, InvalidCredentials, TokenRefused, TotpRequired
from travel.api.fields import EmailAddressField, IDField, PhoneField, SafeTextField, Serializer
from travel.api.views import ApiView
from travel.common.address import client_network
from travel.common.errors import NotAllowed

# Names under which somebody might ask for a power at sign-up, without case and punctuation.
POWERS = frozenset(
    {
        *("isstaff", "staff", "issuperuser", "superuser", "isadmin", "admin", "issupport"),
        *("support", "role", "roles", "group", "groups", "permission", "permissions"),
        *("userpermissions", "accounttype", "usertype", "type", "balance", "wallet"),
    }
)
NO_POWERS = frozenset({"", "passenger", "false", "none", "0", "[]", "{}"})


class SignUp(ApiView):
    """Open a passenger's account and sign in."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_scope = "signup"
    success_status = HTTPStatus.CREATED
    problems = (EmailTaken, NotAllowed)
    tags = ("users",)

    class Input(Serializer):
        first_name = SafeTextField(max_length=80)
        last_name = SafeTextField(max_length=80)
        email = EmailAddressField()
        password = serializers.CharField(max_length=200, trim_whitespace=False)
        user_type = serializers.ChoiceField(
            choices=["Passenger"],
            default="Passenger",
            help_text="Accounts of the support desk are made by an administrator.",
        )
        phone = PhoneField(required=False, allow_null=True, allow_blank=True)
        city = SafeTextField(max_length=80, required=False, allow_blank=True)

    class Output(TokenSerializer):
        user_id = IDField()

    def post(self, request: Request) -> Response:
        _refuse_powers(request.data)
        details = self.body()
        user = services.sign_up(now=self.now, **details)
        pair = tokens.issue(user=user, now=self.now)
        return self.answer(
            {"message": _("Welcome on board."), "user_id": user.pk, **token_body(pair)}
        )


class LogIn(ApiView):
    """Sign in with an e-mail address and a password."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    problems = (InvalidCredentials, TotpRequired)
    tags = ("users",)

    class Input(Serializer):
        # Not checked to be an address: what is not one belongs to nobody, and is told so.
        email = serializers.CharField(max_length=254)
        password = serializers.CharField(max_length=200, trim_whitespace=False)
        totp = serializers.CharField(
            max_length=12,
            required=False,
            allow_blank=True,
            help_text="The code of the authenticator app, for staff who have one.",
        )

    Output = TokenSerializer

    def post(self, request: Request) -> Response:
        details = self.body()
        address = client_network(request._request)
        lockout.count_attempt(email=details["email"], address=address)
        user = services.log_in(now=self.now, **details)
        lockout.forgive(email=details["email"], address=address)
        pair = tokens.issue(user=user, now=self.now)
        return self.answer({"message": _("You are signed in."), **token_body(pair)})


class Refresh(ApiView):
    """Exchange a refresh token for a new pair. Each is good for one use."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_scope = "refresh"
    problems = (TokenRefused,)
    tags = ("users",)

    class Input(Serializer):
        refresh_token = serializers.CharField(max_length=200)

    Output = TokenSerializer

    def post(self, request: Request) -> Response:
        pair = tokens.rotate(refresh=self.body()["refresh_token"], now=self.now)
        return self.answer({"message": _("Your sign-in is renewed."), **token_body(pair)})


class LogOut(ApiView):
    """End this sign-in: its access and refresh tokens are refused from now on."""

    tags = ("users",)

    Output = DoneSerializer

    def post(self, request: Request) -> Response:
        bearer: Any = request.auth
        tokens.revoke_family(family_id=bearer.family_id, because="log-out", now=self.now)
        return self.answer({"message": _("You are signed out.")})


class Me(ApiView):
    """Read one's own account."""

    tags = ("users",)
    Output = UserSerializer

    def get(self, request: Request) -> Response:
        return self.answer(request.user)


def _refuse_powers(data: Any) -> None:
    """
    Refuse a sign-up that asks for more than a passenger's account, under whatever name.

    :raises NotAllowed: it does.
    """
    for name, value in data.items():
        plain = "".join(character for character in name.lower() if character.isalnum())
        if plain in POWERS and str(value).strip().lower() not in NO_POWERS:
            raise NotAllowed(
                _("Accounts of the support desk are made by an administrator, not by signing up.")
            )
