"""
People in the admin: their flags and roles may be set, who they are may not; staff alone are named
here, so that colleagues and travellers know who answers.

Who may set whose is asked of one rule, accounts.selectors.may_govern: nobody changes his own power,
nor that of somebody who has more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import selectors as people
from accounts import tokens
from accounts.models import MessageChoice, RefreshToken, SavedPassenger, TokenFamily, User
from accounts.roles import ROLES
from travel.common import acts, clock
from travel.common.admin_bases import (
    ClosedAdmin,
    ClosedInline,
    OfficeAdmin,
    as_typed,
    capitalised,
    email,
    phone,
    tagged,
    whole_number,
)
from travel.common.forms import PlainTextField
from travel.common.ids import normal_email

admin.site.unregister(Group)
admin.site.unregister(TOTPDevice)


if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[User]
else:
    _ModelForm = forms.ModelForm

NAMES = ("first_name", "last_name")


class NamedForm(_ModelForm):
    """A form with the names of a person, in which they are plain text."""

    def clean_first_name(self) -> str:
        return self._plain("first_name")

    def clean_last_name(self) -> str:
        return self._plain("last_name")

    def _plain(self, name: str) -> str:
        field = self.fields[name]
        return PlainTextField(required=field.required).clean(self.cleaned_data[name])


class StaffAccountForm(NamedForm, AdminUserCreationForm):
    """A new staff account: travellers sign up by themselves."""

    class Meta:
        model = User
        fields = ("email", *NAMES)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in NAMES:
            self.fields[name].required = True

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


class PersonForm(NamedForm, UserChangeForm):
    """
    The flags, the roles and, for staff, the names of a person.

    Whoever works here is called by something; a closed account may stay without a name. Travellers
    write theirs by themselves, so one is named here only with being made staff.
    """

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not any(name in self.fields for name in NAMES):
            return given
        if given.get("is_staff"):
            if given.get("is_active"):
                self._ask_for_names()
        elif not self.instance.is_staff and set(NAMES) & set(self.changed_data):
            self.add_error(None, _("Travellers write their names by themselves."))
        return given

    def _ask_for_names(self) -> None:
        for name in NAMES:
            if name in self.cleaned_data and not self.cleaned_data[name]:
                self.add_error(name, _("Colleagues and travellers have to know who answers."))


class SavedPassengerInline(ClosedInline):
    model = SavedPassenger
    fields = ["first_name", "last_name", "date_of_birth", "created_at"]


@admin.register(User)
class PersonAdmin(OfficeAdmin, UserAdmin):
    """
    A person with an account.

    Flags, roles and the names of staff are saved here and nothing else of a person: contacts are
    proved by codes.
    Administrators do so for whoever has less power than they, superusers for everybody but
    themselves. Whoever else may change people closes and opens travellers' accounts, no more.
    """

    wants_why = True
    form = PersonForm
    add_form = StaffAccountForm
    list_display = ["id", "full_name", "email", "phone", "city", "standing", "joined_at"]
    list_display_links = ["id", "full_name", "email"]
    list_filter = ["is_staff", "is_active"]
    sortable_by = ["id", "email", "joined_at"]
    filter_horizontal = []
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
                "fields": ["email", *NAMES, "usable_password", "password1", "password2"],
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
        if not people.may_govern(actor=_actor(request), person=obj):
            return [*fixed, *self.powers]
        if obj.is_staff or not (obj.first_name and obj.last_name):
            fixed = [name for name in fixed if name not in NAMES]
        return fixed if _actor(request).is_superuser else [*fixed, "is_superuser"]

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **options: Any
    ) -> forms.Field | None:
        if db_field.name == "groups":
            options["queryset"] = people.givable_roles(actor=_actor(request))
            options["label"] = _("Roles and groups")
            options["help_text"] = ""
            options["widget"] = forms.CheckboxSelectMultiple
        field: forms.Field | None = super().formfield_for_manytomany(db_field, request, **options)
        return field

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and people.gives_power(user=_actor(request))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        if obj is None or people.may_govern(actor=_actor(request), person=obj):
            return True
        return not obj.is_staff and obj.pk != request.user.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A person is erased by the privacy service, which knows every table.
        return False

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django passes it by this name
        form_url: str = "",
    ) -> HttpResponse:
        """Whoever governs a colleague sets a password; nobody sets a traveller's."""
        user = self.get_object(request, id)
        if user is None or not user.is_staff:
            raise PermissionDenied
        if not people.may_govern(actor=_actor(request), person=user):
            raise PermissionDenied
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            tokens.revoke_all(user=user, because="password", now=clock.now())
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            tokens.revoke_all(user=obj, because="closed", now=clock.now())

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Say which power was given and taken, not only that it changed."""
        told = [] if add else [*_renamed(form), *_told(form)]
        if told:
            return " ".join(told)
        return super().construct_change_message(request, form, formsets, add)


def _renamed(form: Any) -> list[str]:
    """Answer a sentence about the name that a form changes: both, as it was and as it is."""
    if not set(NAMES) & set(form.changed_data):
        return []
    before, after = (
        " ".join(filter(None, (source.get(name) for name in NAMES)))
        for source in (form.initial, form.cleaned_data)
    )
    if not before:
        return [gettext("Named %(after)s.") % {"after": after}]
    return [gettext("Named %(after)s, before %(before)s.") % {"after": after, "before": before}]


def _told(form: Any) -> list[str]:
    """Answer sentences about the flags and roles that a form changes."""
    words = {
        "is_active": (gettext("Account opened."), gettext("Account closed.")),
        "is_staff": (gettext("Made staff."), gettext("No longer staff.")),
        "is_superuser": (gettext("Made a superuser."), gettext("No longer a superuser.")),
    }
    changed = [name for name in form.changed_data if name in words]
    told = [words[name][0 if form.cleaned_data[name] else 1] for name in changed]
    if "groups" in form.changed_data:
        before = {group.name for group in form.initial["groups"]}
        after = {group.name for group in form.cleaned_data["groups"]}
        for names, sentence in (
            (after - before, gettext("Roles given: %(names)s.")),
            (before - after, gettext("Roles taken: %(names)s.")),
        ):
            if names:
                told.append(sentence % {"names": get_text_list(sorted(names), gettext("and"))})
    return told


def _actor(request: HttpRequest) -> User:
    user: Any = request.user
    return user  # type: ignore[no-any-return]


@admin.register(Group)
class RoleAdmin(OfficeAdmin, GroupAdmin):
    """
    What a group of staff may see and do.

    The roles are code (accounts/rights.py) and stand fast. Only superusers make further groups:
    whoever may give power has it already.
    """

    wants_why = True
    list_display = ["name", "kind"]
    find_by = [("name__istartswith", as_typed)]
    ordering = ["name"]

    @admin.display(description=_("kind"))
    def kind(self, group: Group) -> str:
        if group.name in ROLES:
            return tagged(_("Role of the office"), "info")
        return tagged(_("Group of its own"), "")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _actor(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _actor(request).is_superuser and not (obj is not None and obj.name in ROLES)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _actor(request).is_superuser and not (obj is not None and obj.name in ROLES)


@admin.register(TOTPDevice)
class SecondFactorAdmin(ClosedAdmin):
    """
    The second factors of staff, without their keys.

    Whoever governs a colleague deletes one that was lost: it is an act on the colleague's record,
    and ends what was signed in with it.
    """

    list_display = ["id", "user", "name", "confirmed", "last_used_at"]
    fields = ["user", "name", "confirmed", "created_at", "last_used_at"]
    list_select_related = ["user"]
    find_by = [("user__email__istartswith", email)]

    def has_delete_permission(self, request: HttpRequest, obj: TOTPDevice | None = None) -> bool:
        if obj is None:
            return people.gives_power(user=_actor(request))
        return people.may_govern(actor=_actor(request), person=obj.user)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[Any]:
        said = gettext("Second factor taken away.")
        why = acts.said_why(request)
        return [acts.record(request, device.user, said, why).entry for device in queryset]

    def delete_model(self, request: HttpRequest, obj: TOTPDevice) -> None:
        super().delete_model(request, obj)
        tokens.revoke_all(user=obj.user, because="second factor", now=clock.now())


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
