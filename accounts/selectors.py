"""Reading people."""

from __future__ import annotations

from django_otp import user_has_device

from accounts.models import MessageChoice, SavedPassenger, User
from travel.common.contacts import EMAIL, SMS, Contact
from travel.common.errors import NotFound
from travel.common.ids import normal_email


def get_user(*, user_id: int) -> User:
    """
    Answer the active user with this id.

    :raises NotFound: there is none.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    return user


def find_by_email(*, email: str) -> User | None:
    """Answer the account with this e-mail address, if there is one, active or not."""
    return User.objects.filter(email=normal_email(email)).first()


def find_by_contact(*, contact: Contact, lock: bool = False) -> User | None:
    """Answer the account with this contact, proved or not, active or not, if there is one."""
    users = User.objects.select_for_update() if lock else User.objects.all()
    if contact.is_phone:
        return users.filter(phone=contact.address).first()
    return users.filter(email=contact.address).first()


def has_second_factor(*, user: User) -> bool:
    """Say whether the user has a second factor that counts."""
    return bool(user_has_device(user))


def saved_passengers(
    *, user_id: int, offset: int = 0, limit: int = 50
) -> tuple[int, list[SavedPassenger]]:
    """Answer how many passengers the user has saved, and a page of them, by name."""
    rows = SavedPassenger.objects.filter(user=user_id)
    return rows.count(), list(rows.order_by("last_name", "first_name", "id")[offset:][:limit])


def saved_by(user_id: int) -> list[SavedPassenger]:
    """Answer the first fifty passengers that the user has saved, by name."""
    rows = SavedPassenger.objects.filter(user=user_id)
    return list(rows.order_by("last_name", "first_name", "id")[:50])


def role_names(*, user: User) -> list[str]:
    """Answer the names of the user's roles, in order."""
    return list(user.groups.order_by("name").values_list("name", flat=True))


# --- messages -------------------------------------------------------------------------------------

Topic = MessageChoice.Topic
TOPICS: list[str] = list(Topic.values)
TOPIC_NAMES = dict(Topic.choices)
# By which channels there are messages about each topic at all.
CHANNELS: dict[str, tuple[str, ...]] = {
    Topic.JOURNEY: (EMAIL, SMS),
    Topic.ANSWERS: (EMAIL,),
}
# What is sent to whoever has not chosen; who has no e-mail address is told by SMS then.
DEFAULT_CHOICES: dict[str, frozenset[str]] = {
    Topic.JOURNEY: frozenset({EMAIL}),
    Topic.ANSWERS: frozenset({EMAIL}),
}


def chosen_channels(*, user_id: int | None, topic: str) -> frozenset[str] | None:
    """Answer by which channels a person chose to hear of the topic; None: guests, and no choice."""
    if user_id is None:
        return None
    row = (
        MessageChoice.objects.filter(user=user_id, topic=topic).values_list("email", "sms").first()
    )
    return None if row is None else _channels(email=row[0], sms=row[1])


def message_choices(*, user_id: int) -> dict[str, frozenset[str]]:
    """Answer by which channels a person wants messages, for each topic."""
    chosen = {
        topic: _channels(email=email, sms=sms)
        for topic, email, sms in MessageChoice.objects.filter(user=user_id).values_list(
            "topic", "email", "sms"
        )
    }
    return {topic: chosen.get(topic, DEFAULT_CHOICES[topic]) for topic in TOPICS}


def _channels(*, email: bool, sms: bool) -> frozenset[str]:
    return frozenset(name for name, wanted in ((EMAIL, email), (SMS, sms)) if wanted)
