"""A word about a state, as the pages of the help desk and of reservations show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from travel.common.admin_bases import STATE_TONES
from travel.common.templatetags.look import tone_icon


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its tone and its sign, the tone's or its own: colour alone says nothing."""

    text: str
    tone: str = ""
    own_sign: str = ""

    @classmethod
    def of(cls, text: Any, state: str) -> Word:
        """Answer what a state is called in the tone of that state."""
        return cls(str(text), STATE_TONES.get(state, ""))

    @property
    def sign(self) -> str:
        return self.own_sign or (tone_icon(self.tone) if self.tone else "")
