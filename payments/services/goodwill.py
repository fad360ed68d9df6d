"""
Goodwill: money that staff give to a traveller's wallet, beyond what any fare gives back.

What one member of staff gives alone, to one wallet within a day, is limited; beyond that somebody
else lets it go or rejects it. It is never given to oneself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts import selectors as people
from accounts.viewers import Viewer
from bookings import selectors as bookings
from payments import ledger
from payments.errors import NotAwaitingApproval
from payments.ledger import Side
from payments.models import Account, Goodwill, Reason, Transfer
from travel.common.errors import InvalidInput, NotAllowed, NotFound
from travel.common.money import Money
from travel.common.transactions import in_transaction

State = Goodwill.State
# The traveller's own wish is no reason for goodwill.
REASONS = [reason for reason in Reason.values if reason != Reason.WISH]
MOST_MINOR = 100_000_000
MOST_NOTE = 300
DAY = timedelta(days=1)


@in_transaction
def give(
    *,
    user_id: int,
    amount: Money,
    reason_code: str,
    actor_id: int,
    now: datetime,
    note: str = "",
    locator: str = "",
) -> Goodwill:
    """
    Give money to a traveller's wallet, at once or, beyond the limit, after a second person's word.

    :raises InvalidInput: the amount is not positive or beyond a million, the reason is unknown, the
        note is too long, or the booking is not the traveller's.
    :raises NotFound: there is no such traveller.
    :raises NotAllowed: one would give to oneself.
    """
    if not 0 < amount.minor <= MOST_MINOR:
        raise InvalidInput(errors={"amount": [_("Choose an amount between 0.01 and 1,000,000.")]})
    if reason_code not in REASONS:
        raise InvalidInput(errors={"reason_code": [_("There is no such reason.")]})
    if len(note) > MOST_NOTE:
        raise InvalidInput(errors={"note": [_("Write 300 characters at most.")]})
    if user_id == actor_id:
        raise NotAllowed(_("Nobody gives goodwill to themselves."))
    people.get_user(user_id=user_id)
    reservation_id = _reservation_of(user_id, locator, now) if locator else None
    # Two gifts to one wallet are judged one after the other.
    account = Account.objects.select_for_update().get(id=ledger.wallet(user_id, amount.currency).id)
    alone = amount.minor + _given_alone(account, actor_id, now) <= settings.REFUND_APPROVAL_LIMIT
    row = Goodwill.objects.create(
        account=account,
        reservation_id=reservation_id,
        reason_code=reason_code,
        note=note,
        amount_minor=amount.minor,
        state=State.DONE if alone else State.PENDING_APPROVAL,
        created_at=now,
        requested_by_id=actor_id,
    )
    if alone:
        _book(row, now)
    return row


@in_transaction
def decide(*, goodwill_id: int, approved: bool, actor_id: int, now: datetime) -> Goodwill:
    """
    Let goodwill go that waits for a second person, or reject it.

    :raises NotFound: there is none.
    :raises NotAwaitingApproval: it was given, or decided on, before.
    :raises NotAllowed: the second person is the first, or who gets the money.
    """
    row = Goodwill.objects.select_for_update().filter(id=goodwill_id).first()
    if row is None:
        raise NotFound()
    if row.state != State.PENDING_APPROVAL:
        raise NotAwaitingApproval()
    if actor_id in (row.requested_by_id, row.account.user_id):
        raise NotAllowed(_("Somebody else has to decide on this."))
    row.state = State.DONE if approved else State.REJECTED
    row.decided_by_id, row.decided_at = actor_id, now
    row.save(update_fields=["state", "decided_by", "decided_at"])
    if approved:
        _book(row, now)
    return row


def _reservation_of(user_id: int, locator: str, now: datetime) -> int:
    try:
        return bookings.get_reservation(viewer=Viewer(user_id=user_id), locator=locator, now=now).id
    except NotFound as error:
        raise InvalidInput(
            errors={"locator": [_("This is no booking of that traveller.")]}
        ) from error


def _given_alone(account: Account, actor_id: int, now: datetime) -> int:
    """Answer what one member of staff has given to a wallet alone in the last 24 hours."""
    rows = Goodwill.objects.filter(
        account=account,
        requested_by_id=actor_id,
        state=State.DONE,
        decided_by__isnull=True,
        created_at__gt=now - DAY,
    )
    return rows.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def _book(row: Goodwill, now: datetime) -> None:
    amount = Money(row.amount_minor, row.account.currency_id)
    ledger.post(
        kind=Transfer.Kind.GOODWILL,
        reference=f"goodwill:{row.id}",
        sides=[Side(ledger.goodwill(amount.currency), -amount), Side(row.account, amount)],
        goodwill_id=row.id,
        memo=row.reservation.locator if row.reservation else "",
        now=now,
    )
