"""A person's own account over the API: profile, contacts, password, saved passengers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services, tokens
from accounts.api.serializers import (
    CodeField,
    ContactField,
    DoneSerializer,
    SavedPassengerSerializer,
    TokenSerializer,
    UserSerializer,
    token_body,
)
from accounts.errors import EmailTaken, InvalidOtp, PhoneTaken
from travel.api.fields import DayField, EmailAddressField, PhoneField, SafeTextField, Serializer
from travel.api.views import ApiView
from travel.common.address import client_network
from travel.common.errors import InvalidInput, Throttled


class UserAnswer(DoneSerializer):
    """What was done, and the account as it is now."""

    user = UserSerializer()


class UpdateProfile(ApiView):
    """Change one's own account. What is not sent stays."""

    throttle_scope = "write"
    tags = ("users",)

    class Input(Serializer):
        first_name = SafeTextField(max_length=80, required=False)
        last_name = SafeTextField(max_length=80, required=False)
        email = EmailAddressField(
            required=False,
            help_text=(
                "Pending until the code sent to it is given to /users/confirm-contact; sending it "
                "again sends another code."
            ),
        )
        phone = PhoneField(
            required=False,
            allow_null=True,
            allow_blank=True,
            help_text="Pending like a new e-mail address. Null or empty removes it.",
        )
        city = SafeTextField(max_length=80, required=False, allow_blank=True)
        date_of_birth = DayField(required=False, allow_null=True)
        language = serializers.ChoiceField(
            choices=[code for code, _name in settings.LANGUAGES], required=False
        )

    Output = UserAnswer

    def put(self, request: Request) -> Response:
        user = services.update_profile(
            user=person(request),
            changes=self.body(),
            network=client_network(request._request),
            now=self.now,
        )
        return self.answer({"message": _("Your account is saved."), "user": user})


class ConfirmContact(ApiView):
    """Prove a pending e-mail address or phone, or the present one, by the code sent to it."""

    throttle_scope = "write"
    problems = (InvalidOtp, EmailTaken, PhoneTaken)
    tags = ("users",)

    class Input(Serializer):
        contact = ContactField()
        otp = CodeField()

    Output = UserAnswer

    def post(self, request: Request) -> Response:
        details = self.body()
        user = services.confirm_contact(
            user=person(request),
            contact=details["contact"],
            code=details["otp"],
            network=client_network(request._request),
            now=self.now,
        )
        return self.answer({"message": _("This contact is confirmed."), "user": user})


class ChangePassword(ApiView):
    """Set a new password. Every sign-in ends, and this client gets new tokens."""

    throttle_scope = "write"
    problems = (InvalidInput, Throttled)
    tags = ("users",)

    class Input(Serializer):
        current_password = serializers.CharField(
            max_length=200,
            trim_whitespace=False,
            required=False,
            help_text="Not needed with a token that came of a one-time code.",
        )
        new_password = serializers.CharField(max_length=200, trim_whitespace=False)

    Output = TokenSerializer

    def post(self, request: Request) -> Response:
        bearer: Any = request.auth
        user = services.change_password(
            user=person(request),
            is_proved=bearer.is_proved,
            network=client_network(request._request),
            now=self.now,
            **self.body(),
        )
        pair = tokens.issue(user=user, now=self.now)
        return self.answer({"message": _("Your password is changed."), **token_body(pair)})


class Passengers(ApiView):
    """Passengers that one often travels with."""

    throttle_scope = "write"
    tags = ("users",)

    class Input(Serializer):
        first_name = SafeTextField(max_length=80)
        last_name = SafeTextField(max_length=80)
        date_of_birth = DayField(required=False, allow_null=True)

    class Saved(SavedPassengerSerializer):
        message = serializers.CharField()

    @property
    def is_list(self) -> bool:
        """Say whether the list is asked for; the other operation adds to it."""
        return self.request.method != "POST"

    @property
    def paginated(self) -> bool:  # type: ignore[override]
        return self.is_list

    @property
    def success_status(self) -> int:  # type: ignore[override]
        return HTTPStatus.OK if self.is_list else HTTPStatus.CREATED

    @property
    def Output(self) -> type[Serializer]:  # type: ignore[override]  # noqa: N802
        return SavedPassengerSerializer if self.is_list else self.Saved

    @extend_schema(operation_id="listPassengers", summary="List the saved passengers, by name.")
    def get(self, request: Request) -> Response:
        page = self.page
        count, rows = selectors.saved_passengers(
            user_id=person(request).pk, offset=page.offset, limit=page.limit
        )
        return self.answer_page(count, rows)

    @extend_schema(operation_id="savePassenger", summary="Save a passenger; fifty at most.")
    def post(self, request: Request) -> Response:
        details = {"date_of_birth": None, **self.body()}
        passenger = services.save_passenger(user=person(request), now=self.now, **details)
        body = SavedPassengerSerializer(passenger).data
        return Response(
            {"message": _("This passenger is saved."), **body}, status=self.success_status
        )


class RemovePassenger(ApiView):
    """Forget a saved passenger."""

    throttle_scope = "write"
    tags = ("users",)
    Output = DoneSerializer

    def delete(self, request: Request, passenger_id: int) -> Response:
        services.remove_passenger(user=person(request), passenger_id=passenger_id)
        return self.answer({"message": _("This passenger is forgotten.")})


def person(request: Request) -> Any:
    """Answer the request's user, who is signed in wherever this is asked."""
    return request.user
