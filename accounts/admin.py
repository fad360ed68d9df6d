"""People in the admin: their flags and groups may be set, who they are may not."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import tokens
from accounts.models import MessageChoice, RefreshToken, SavedPassenger, TokenFamily, User
from travel.common import clock
from travel.common.admin_bases import (
    ClosedAdmin,
    ClosedInline,
    OfficeAdmin,
    capitalised,
    email,
    phone,
    tagged,
    whole_number,
)
from travel.common.ids import normal_email

admin.site.unregister(Group)
admin.site.unregister(TOTPDevice)


class OwnersOnly:
    """Only superusers add, change or delete: whoever may give power has it already."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]


class StaffAccountForm(AdminUserCreationForm):
    """A new staff account: travellers sign up by themselves."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        address = normal_email(self.cleaned_data["email"] or "")
        if not address:
            raise forms.ValidationError(_("A staff account needs an e-mail address."))
        return address

    def save(self, commit: bool = True) -> User:
        self.instance.is_staff = True
        self.instance.joined_at = clock.now()
        user: User = super().save(commit=commit)
        return user


class SavedPassengerInline(ClosedInline):
    model = SavedPassenger
    fields = ["first_name", "last_name", "date_of_birth", "created_at"]


@admin.register(User)
class PersonAdmin(OfficeAdmin, UserAdmin):
    """
    A person with an account.

    Flags and groups are saved here and nothing else of a person: contacts are proved by codes.
    Staff who are no superusers neither see a way to raise anybody nor touch a colleague's account.
    """

    add_form = StaffAccountForm
    list_display = ["id", "full_name", "email", "phone", "city", "standing", "joined_at"]
    list_display_links = ["id", "full_name", "email"]
    list_filter = ["is_staff", "is_active"]
    sortable_by = ["id", "email", "joined_at"]
    filter_horizontal = ["groups"]
    ordering = ["-id"]
    find_by: ClassVar = [
        ("pk", whole_number),
        ("email__istartswith", email),
        ("phone", phone),
        ("last_name__istartswith", str),
        ("last_name__istartswith", capitalised),
    ]
    search_help_text = _("Number, phone, or beginning of the e-mail address or surname.")
    personal: ClassVar = ["email", "email_verified_at", "pending_email", "phone"]
    personal += ["phone_verified_at", "pending_phone", "first_name", "last_name", "city"]
    personal += ["date_of_birth", "language", "joined_at", "last_login"]
    powers: ClassVar = ["is_staff", "is_superuser", "groups"]
    fieldsets = [
        (None, {"fields": ["first_name", "last_name", "city", "date_of_birth", "language"]}),
        (
            _("How to reach them"),
            {
                "fields": [
                    ("email", "email_verified_at", "pending_email"),
                    ("phone", "phone_verified_at", "pending_phone"),
                ]
            },
        ),
        (
            _("Standing"),
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "new_password"]},
        ),
        (_("Dates"), {"fields": ["joined_at", "last_login"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "description": _("A staff account. Travellers sign up by themselves."),
                "fields": ["email", "usable_password", "password1", "password2"],
            },
        )
    ]
    inlines = [SavedPassengerInline]

    @admin.display(description=_("name"))
    def full_name(self, user: User) -> str:
        return user.full_name or "-"

    @admin.display(description=_("standing"))
    def standing(self, user: User) -> str:
        if not user.is_active:
            return tagged(_("Closed"), "bad")
        if user.is_superuser:
            return tagged(_("Superuser"), "warn")
        return tagged(_("Staff"), "info") if user.is_staff else tagged(_("Traveller"), "")

    @admin.display(description=_("password"))
    def new_password(self, user: User) -> str:
        if not user.is_staff:
            return str(_("Travellers set theirs by themselves."))
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a href="{}">{}</a>', address, _("Set a new one"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        fixed = [*self.personal, "new_password"]
        return [*fixed, *([] if request.user.is_superuser else self.powers)]  # type: ignore[union-attr]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        is_colleague = obj is not None and obj.is_staff
        return bool(request.user.is_superuser) or not is_colleague  # type: ignore[union-attr]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A person is erased by the privacy service, which knows every table.
        return False

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django passes it by this name
        form_url: str = "",
    ) -> HttpResponse:
        """Only a superuser sets a password, and only a colleague's."""
        user = self.get_object(request, id)
        if not request.user.is_superuser or user is None or not user.is_staff:  # type: ignore[union-attr]
            raise PermissionDenied
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            tokens.revoke_all(user=user, because="password", now=clock.now())
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            tokens.revoke_all(user=obj, because="closed", now=clock.now())


@admin.register(Group)
class RoleAdmin(OwnersOnly, GroupAdmin):
    """What a group of staff may see and do."""

    list_display = ["name"]
    show_full_result_count = False


@admin.register(TOTPDevice)
class SecondFactorAdmin(ClosedAdmin):
    """The second factors of staff, without their keys. A superuser deletes one that was lost."""

    list_display = ["id", "user", "name", "confirmed", "last_used_at"]
    fields = ["user", "name", "confirmed", "created_at", "last_used_at"]
    list_select_related = ["user"]
    find_by = [("user__email__istartswith", email)]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)  # type: ignore[union-attr]


class RefreshTokenInline(ClosedInline):
    """Tokens of a sign-in; a digest is as good as a secret to whoever collects them."""

    model = RefreshToken
    fields = ["id", "issued_at", "expires_at", "used_at"]
    ordering = ["id"]


@admin.register(TokenFamily)
class TokenFamilyAdmin(ClosedAdmin):
    """Sign-ins of API clients."""

    list_display = ["id", "user", "created_at", "revoked_at", "revoked_because"]
    fields = ["user", "created_at", "revoked_at", "revoked_because"]
    list_select_related = ["user"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("user__email", email)]
    search_help_text = _("Number, or the user's e-mail address.")
    inlines = [RefreshTokenInline]


@admin.register(RefreshToken)
class RefreshTokenAdmin(ClosedAdmin):
    """Refresh tokens, without what they are known by."""

    list_display = ["id", "family", "issued_at", "expires_at", "used_at"]
    fields = ["family", "issued_at", "expires_at", "used_at"]
    list_select_related = ["family"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("family", whole_number)]
    search_help_text = _("Number of the token or of its sign-in.")


@admin.register(SavedPassenger)
class SavedPassengerAdmin(ClosedAdmin):
    """Companions that travellers keep in their accounts."""

    list_display = ["id", "user", "first_name", "last_name", "date_of_birth"]
    fields = ["user", "first_name", "last_name", "date_of_birth", "created_at"]
    list_select_related = ["user"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("user__email", email)]
    search_help_text = _("Number, or the user's e-mail address.")


@admin.register(MessageChoice)
class MessageChoiceAdmin(ClosedAdmin):
    """Which messages travellers want."""

    list_display = ["id", "user", "topic", "email", "sms"]
    fields = ["user", "topic", "email", "sms"]
    list_select_related = ["user"]
    ordering = ["-id"]
    find_by = [("pk", whole_number), ("user__email", email)]
    search_help_text = _("Number, or the user's e-mail address.")
