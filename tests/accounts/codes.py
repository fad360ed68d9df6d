"""Reading one-time codes where the office puts them: in the body of a message, and nowhere else."""

from __future__ import annotations

import re

from travel.common.models import OutboxMessage

_CODE = re.compile(r"\b[0-9]{6}\b")


def newest_code(recipient: str) -> str:
    """Answer the code in the newest message to a contact."""
    message = OutboxMessage.objects.filter(recipient=recipient).order_by("-id").first()
    assert message is not None, f"nothing was sent to {recipient}"
    (code,) = _CODE.findall(message.body)
    return code


def another(code: str) -> str:
    """Answer six digits that are not this code."""
    return f"{(int(code) + 1) % 1_000_000:06}"
