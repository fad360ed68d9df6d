"""Sending e-mails and text messages. What sends text messages is named by SMS_BACKEND."""

from __future__ import annotations

import sys
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMessage
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


def send_email(*, recipient: str, subject: str, body: str) -> None:
    """Hand an e-mail to the mail server. Line breaks in a subject are taken for blanks."""
    EmailMessage(subject=" ".join(subject.split()), body=body, to=[recipient]).send()


def send_sms(*, recipient: str, body: str) -> None:
    """Hand a text message to the backend that the settings name."""
    backend: SmsBackend = import_string(settings.SMS_BACKEND)()
    backend.send(recipient=recipient, body=body[:SMS_LENGTH])
