"""Reading people."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django_otp import user_has_device

from accounts.models import MessageChoice, SavedPassenger, User
from accounts.roles import ADMINISTRATOR, SUPPORT_AGENT
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
    """Answer the names of the user's roles, in order; groups read already are not read again."""
    return sorted(group.name for group in user.groups.all())


# --- power ----------------------------------------------------------------------------------------


def gives_power(*, user: User) -> bool:
    """Say whether the user makes staff accounts and gives roles: administrators and superusers."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or ADMINISTRATOR in role_names(user=user)


def helps_travellers(*, user: User) -> bool:
    """Say whether the user is staff who act for travellers: agents, administrators, superusers."""
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or bool({SUPPORT_AGENT, ADMINISTRATOR} & set(role_names(user=user)))


def may_govern(*, actor: User, person: User) -> bool:
    """
    Say whether one may close the other's account, give and take the other's roles and memberships,
    set a password, and take a second factor away.

    Nobody governs oneself. A superuser governs everybody else; an administrator those who are
    neither superusers nor administrators and have no right that the administrator lacks.
    """
    if actor.pk == person.pk or not gives_power(user=actor):
        return False
    if actor.is_superuser:
        return True
    if person.is_superuser or ADMINISTRATOR in role_names(user=person):
        return False
    return _permissions(person) <= _permissions(actor)


def givable_roles(*, actor: User) -> QuerySet[Group]:
    """Answer the groups that one may put others into: none with a right that the giver lacks."""
    groups = Group.objects.order_by("name")
    if not gives_power(user=actor):
        return groups.none()
    if actor.is_superuser:
        return groups
    beyond = Permission.objects.exclude(pk__in=_permissions(actor))
    return groups.exclude(name=ADMINISTRATOR).exclude(
        pk__in=Group.permissions.through.objects.filter(permission__in=beyond).values("group_id")
    )


def _permissions(user: User) -> frozenset[int]:
    """Answer the user's permissions, whether or not the account is open just now."""
    held = Permission.objects.filter(Q(group__user=user) | Q(user=user))
    return frozenset(held.values_list("pk", flat=True))


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
