"""Users and what proves who they are."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from travel.common.fields import CodeField


class UserManager(BaseUserManager["User"]):
    """Lets Django's own commands make an administrator; people sign up through services."""

    def create_superuser(self, email: str, password: str, **fields: Any) -> User:
        from travel.common import clock
        from travel.common.ids import normal_email

        user = self.model(
            email=normal_email(email),
            is_staff=True,
            is_superuser=True,
            joined_at=clock.now(),
            **fields,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """
    A person with an account: passenger or staff.

    E-mail and phone are stored normalised; a contact counts as verified once a code sent to it came
    back. A new contact stands in `pending_email` or `pending_phone` until then.
    """

    email = CodeField(max_length=254, null=True, blank=True, unique=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    pending_email = CodeField(max_length=254, null=True, blank=True)
    phone = PhoneNumberField(null=True, blank=True, unique=True)
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    pending_phone = PhoneNumberField(null=True, blank=True)
    first_name = models.CharField(max_length=80, blank=True, default="")
    last_name = models.CharField(max_length=80, blank=True, default="")
    city = models.CharField(max_length=80, blank=True, default="")
    date_of_birth = models.DateField(null=True, blank=True)
    language = CodeField(max_length=12, default="en")
    is_staff = models.BooleanField("staff", default=False)
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField()

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(email__isnull=False) | Q(phone__isnull=False), name="user_has_a_contact"
            ),
            models.CheckConstraint(
                condition=Q(email_verified_at__isnull=True) | Q(email__isnull=False),
                name="user_verified_email_exists",
            ),
            models.CheckConstraint(
                condition=Q(phone_verified_at__isnull=True) | Q(phone__isnull=False),
                name="user_verified_phone_exists",
            ),
            models.CheckConstraint(
                condition=Q(is_superuser=False) | Q(is_staff=True), name="user_superuser_is_staff"
            ),
        ]
        indexes = [
            models.Index(fields=["last_name", "first_name"], name="user_name"),
            models.Index(fields=["joined_at"], name="user_joined"),
            models.Index(fields=["city"], name="user_city"),
        ]

    def __str__(self) -> str:
        return self.known_as

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def known_as(self) -> str:
        """How colleagues call this person (`known_as`); never for travellers to read."""
        return known_as(self.first_name, self.last_name, self.email, str(self.phone or ""))


def known_as(first_name: str, last_name: str, email: str | None, phone: str = "") -> str:
    """
    Answer how colleagues call a person: the name, or the address or number where there is none.

    Travellers are never shown it, for the address of a member of staff is not theirs to know: they
    read a first name, or that it was the support desk.
    """
    return f"{first_name} {last_name}".strip() or email or phone


class TokenFamily(models.Model):
    """One sign-in of an API client: all refresh tokens that came of it live and die together."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_because = CodeField(max_length=20, default="")

    class Meta:
        verbose_name_plural = "token families"
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_because="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_because="")),
                name="token_family_revoked_why",
            ),
        ]

    def __str__(self) -> str:
        return f"Sign-in {self.pk}"


class RefreshToken(models.Model):
    """A refresh token, by its digest. It is used once; seeing it again revokes the family."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="tokens")
    digest = CodeField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("issued_at")), name="refresh_token_expires_later"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="refresh_token_age")]

    def __str__(self) -> str:
        return f"Refresh token {self.pk}"


class SavedPassenger(models.Model):
    """Somebody an account's holder often travels with."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_passengers")
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    date_of_birth = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["last_name", "first_name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_name="") & ~Q(last_name=""), name="saved_passenger_named"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"


class MessageChoice(models.Model):
    """
    Which messages about a topic a person wants, by e-mail and by SMS; without a row, the default.

    What a purchase owes its buyer has no choice and is always sent: tickets, a carrier's
    cancellation, money that moved, codes.
    """

    class Topic(models.TextChoices):
        JOURNEY = "journey", _("Delays of your trips")
        ANSWERS = "answers", _("Answers to your reports")

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="message_choices", db_index=False
    )
    topic = CodeField(max_length=10, choices=Topic.choices)
    email = models.BooleanField()
    sms = models.BooleanField()

    class Meta:
        ordering = ["user", "topic"]
        constraints = [
            models.UniqueConstraint(fields=["user", "topic"], name="message_choice_once"),
            models.CheckConstraint(
                condition=Q(topic__in=["journey", "answers"]),
                name="message_choice_topic_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} for user {self.user_id}"
