"""Sending e-mails and text messages. What sends text messages is named by SMS_BACKEND."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

SMS_LENGTH = 1_000


class SmsBackend(Protocol):
    """Whoever takes text messages from the office; it raises OSError when it cannot."""

    def send(self, *, recipient: str, body: str) -> None:
        """Hand one message over. `recipient` is an E.164 number."""


class ConsoleSms:
    """Writes text messages to standard error, where a developer sees them."""

    def send(self, *, recipient: str, body: str) -> None:
        sys.stderr.write(f"SMS to {recipient}: {body}\n")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with an e-mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Extras:
    """What an e-mail has besides its text: the same as HTML, and files."""

    html: str = ""
    attachments: Sequence[Attachment] = ()


def send_email(*, recipient: str, subject: str, body: str, extras: Extras | None = None) -> None:
    """Hand an e-mail to the mail server. Line breaks in a subject are taken for blanks."""
    email = EmailMultiAlternatives(subject=" ".join(subject.split()), body=body, to=[recipient])
    if extras is not None:
        if extras.html:
            email.attach_alternative(extras.html, "text/html")
        for one in extras.attachments:
            email.attach(one.name, one.content, one.media_type)
    email.send()


def send_sms(*, recipient: str, body: str) -> None:
    """Hand a text message to the backend that the settings name."""
    backend: SmsBackend = import_string(settings.SMS_BACKEND)()
    backend.send(recipient=recipient, body=body[:SMS_LENGTH])
