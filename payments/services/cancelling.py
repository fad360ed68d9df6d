"""
Cancelling: a quote first, then exactly that.

What was paid counts, never today's price: each coupon by the tiers of its own fare version and the
time left to its own departure. Seats, states, penalty and refund change in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.errors import AlreadyCancelled, HoldExpired, NotCancellable
from bookings.models import Coupon
from bookings.selectors import CouponDetail, ReservationDetail
from inventory import selectors as inventory
from inventory.selectors import Tier
from payments import ledger, notifications
from payments.errors import QuoteExpired
from payments.models import Cancellation, CancelledCoupon, Payment, Refund, Transfer
from payments.penalties import Penalty, penalty_for, steps
from payments.services import sales
from payments.services.refunds import queue_refund
from travel.common.errors import InvalidInput
from travel.common.money import Money
from travel.common.transactions import in_transaction

SALT = "payments.quote"


@dataclass(frozen=True, slots=True)
class CouponQuote:
    """What cancelling one coupon costs and gives back, and the tier that says so."""

    coupon: CouponDetail
    penalty: Money
    refund: Money
    basis_points: int
    tier: Tier | None
    tiers: list[Tier]


@dataclass(frozen=True, slots=True)
class Quote:
    """
    What cancelling these coupons now would cost. `id` is a signed copy of the amounts.

    For a hold that is not paid there is nothing to keep or give back.
    """

    id: str
    reservation: ReservationDetail
    coupons: list[CouponQuote]
    penalty: Money
    refund: Money
    valid_until: datetime

    @property
    def percentage(self) -> float:
        """The penalty as a share of what was paid, in per cent with two decimals at most."""
        paid = self.penalty.minor + self.refund.minor
        return round(100 * self.penalty.minor / paid, 2) if paid else 0.0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancellation did; `refund_state` is empty where nothing goes back."""

    reservation: ReservationDetail
    penalty: Money
    refund: Money
    refund_state: str
    cancellation_id: int | None


def quote_cancellation(
    *,
    viewer: Viewer,
    reservation_id: int,
    now: datetime,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    waive_penalty: bool = False,
) -> Quote:
    """
    Answer what cancelling the whole reservation, some passengers or some tickets would cost.

    It changes nothing and holds until `valid_until`: ten minutes, or the next tier if that comes
    sooner.

    :raises NotFound: it is not the viewer's.
    :raises HoldExpired, AlreadyCancelled: there is nothing left to cancel.
    :raises NotCancellable: a chosen coupon was used or its departure has left.
    :raises InvalidInput: a passenger or ticket is not of this reservation, or part of a hold is
    chosen.
    """
    reservation = bookings.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    return quote_for(
        reservation,
        passenger_ids=passenger_ids,
        ticket_ids=ticket_ids,
        waive_penalty=waive_penalty,
        now=now,
    )


def quote_for(
    reservation: ReservationDetail,
    *,
    now: datetime,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    waive_penalty: bool = False,
) -> Quote:
    """As quote_cancellation, for a reservation that the viewer has been shown already."""
    if reservation.is_live_hold:
        return _quote_of_hold(reservation, passenger_ids, ticket_ids, now)
    coupons = _selected(reservation, passenger_ids, ticket_ids, now)
    tiers = inventory.penalty_tiers({coupon.fare_version_id for coupon in coupons})
    quoted = [
        _quote_coupon(
            reservation, coupon, tiers.get(coupon.fare_version_id, []), now, waive=waive_penalty
        )
        for coupon in coupons
    ]
    valid_until = min(
        [now + settings.QUOTE_LIFETIME]
        + [
            moment
            for one in quoted
            for moment in steps(
                one.tiers, leaves_at=reservation.tickets[one.coupon.ticket_id].leaves_at
            )
            if moment > now
        ]
    )
    return _sign(reservation, quoted, valid_until)


@in_transaction
def cancel_and_refund(
    *,
    viewer: Viewer,
    reservation_id: int,
    actor: Actor,
    now: datetime,
    quote_id: str | None = None,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    waive_penalty: bool = False,
) -> Cancelled:
    """
    Cancel, free the seats, keep the penalty and give the rest back; or release a hold.

    A wallet has its money at once; for a gateway the refund is due from now on. What staff give
    back above the office's limit waits for a second person, with the seats free already.

    :raises QuoteExpired: the amounts are no longer those of the quote.

    and whatever quote_cancellation raises.
    """
    quote = quote_cancellation(
        viewer=viewer,
        reservation_id=reservation_id,
        passenger_ids=passenger_ids,
        ticket_ids=ticket_ids,
        waive_penalty=waive_penalty,
        now=now,
    )
    _check_quote(quote, quote_id, now)
    if quote.reservation.is_live_hold:
        booking.release(viewer=viewer, reservation_id=reservation_id, actor=actor, now=now)
        return Cancelled(_fresh(reservation_id, now), quote.penalty, quote.refund, "", None)

    booking.cancel_coupons(
        reservation_id=reservation_id,
        coupon_ids=[one.coupon.id for one in quote.coupons],
        actor=actor,
        now=now,
    )
    cancellation = _write_down(quote, actor, now, waived=waive_penalty)
    refund = _refund(quote, cancellation, now)
    reservation = _fresh(reservation_id, now)
    notifications.cancellation(
        reservation=reservation,
        cancellation_id=cancellation.id,
        penalty=quote.penalty,
        refund=quote.refund,
        now=now,
    )
    return Cancelled(
        reservation,
        quote.penalty,
        quote.refund,
        refund.state if refund is not None else "",
        cancellation.id,
    )


# --- what is selected -----------------------------------------------------------------------------


def _selected(
    reservation: ReservationDetail,
    passenger_ids: Collection[int],
    ticket_ids: Collection[int],
    now: datetime,
) -> list[CouponDetail]:
    """Answer the coupons meant; without a choice, all open ones whose departure has not left."""
    if reservation.status == "Expired":
        raise HoldExpired()
    if reservation.status == "Cancelled":
        raise AlreadyCancelled()
    _check_known("passengerIDs", passenger_ids, [one.id for one in reservation.passengers])
    _check_known("ticketIDs", ticket_ids, list(reservation.tickets))
    wanted_passengers = _with_infants(reservation, passenger_ids)
    wanted = [
        coupon
        for coupon in reservation.coupons
        if (not wanted_passengers or coupon.passenger_id in wanted_passengers)
        and (not ticket_ids or coupon.ticket_id in ticket_ids)
    ]
    still_open = [coupon for coupon in wanted if coupon.state == Coupon.State.OPEN]
    if not still_open:
        if all(coupon.state == Coupon.State.CANCELLED for coupon in wanted):
            raise AlreadyCancelled()
        raise NotCancellable()
    ahead = [coupon for coupon in still_open if _is_ahead(reservation, coupon, now)]
    if not ahead or ((passenger_ids or ticket_ids) and len(ahead) < len(still_open)):
        raise NotCancellable()
    return ahead


def _is_ahead(reservation: ReservationDetail, coupon: CouponDetail, now: datetime) -> bool:
    ticket = reservation.tickets[coupon.ticket_id]
    return ticket.leaves_at > now or ticket.departure_state == "cancelled"


def _with_infants(reservation: ReservationDetail, passenger_ids: Collection[int]) -> set[int]:
    """Add the infants that travel on the laps of those who leave."""
    positions = {one.position for one in reservation.passengers if one.id in passenger_ids}
    return set(passenger_ids) | {
        one.id for one in reservation.passengers if one.accompanied_by in positions
    }


def _check_known(field: str, given: Collection[int], known: Sequence[int]) -> None:
    if set(given) - set(known):
        raise InvalidInput(errors={field: [_("This is not part of the reservation.")]})


# --- what it costs --------------------------------------------------------------------------------


def _quote_of_hold(
    reservation: ReservationDetail,
    passenger_ids: Collection[int],
    ticket_ids: Collection[int],
    now: datetime,
) -> Quote:
    if passenger_ids or ticket_ids:
        raise InvalidInput(
            errors={"reservationID": [_("A reservation that is not paid is released as a whole.")]}
        )
    return _sign(reservation, [], min(now + settings.QUOTE_LIFETIME, reservation.hold_until))


def _quote_coupon(
    reservation: ReservationDetail,
    coupon: CouponDetail,
    tiers: list[Tier],
    now: datetime,
    *,
    waive: bool,
) -> CouponQuote:
    ticket = reservation.tickets[coupon.ticket_id]
    free = waive or ticket.departure_state == "cancelled"
    found = (
        Penalty(Money(0, coupon.price.currency), 0, None)
        if free
        else penalty_for(coupon.price, tiers, leaves_at=ticket.leaves_at, now=now)
    )
    return CouponQuote(
        coupon=coupon,
        penalty=found.amount,
        refund=coupon.price - found.amount,
        basis_points=found.basis_points,
        tier=found.tier,
        tiers=tiers,
    )


def _sign(
    reservation: ReservationDetail, coupons: list[CouponQuote], valid_until: datetime
) -> Quote:
    currency = reservation.currency
    penalty = Money(sum(one.penalty.minor for one in coupons), currency)
    refund = Money(sum(one.refund.minor for one in coupons), currency)
    signed = signing.dumps(
        _terms(reservation.id, coupons) | {"until": valid_until.isoformat()},
        salt=SALT,
        compress=True,
    )
    return Quote(signed, reservation, coupons, penalty, refund, valid_until)


def _terms(reservation_id: int, coupons: Sequence[CouponQuote]) -> dict[str, object]:
    return {
        "reservation": reservation_id,
        "coupons": [
            [one.coupon.id, one.penalty.minor, one.refund.minor]
            for one in sorted(coupons, key=lambda one: one.coupon.id)
        ],
    }


def _check_quote(quote: Quote, quote_id: str | None, now: datetime) -> None:
    if quote_id is None:
        return
    try:
        promised = signing.loads(quote_id, salt=SALT)
        until = datetime.fromisoformat(promised.pop("until"))
    except (signing.BadSignature, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidInput(errors={"quoteID": [_("This is no quote of ours.")]}) from error
    if until <= now or promised != _terms(quote.reservation.id, quote.coupons):
        raise QuoteExpired()


# --- what is written ------------------------------------------------------------------------------


def _write_down(quote: Quote, actor: Actor, now: datetime, *, waived: bool) -> Cancellation:
    cancellation = Cancellation.objects.create(
        reservation_id=quote.reservation.id,
        at=now,
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        reason=actor.reason,
        penalty_waived=waived,
    )
    CancelledCoupon.objects.bulk_create(
        CancelledCoupon(
            cancellation=cancellation,
            coupon_id=one.coupon.id,
            penalty_minor=one.penalty.minor,
            refund_minor=one.refund.minor,
            penalty_basis_points=one.basis_points,
            tier_minutes_before=one.tier.minutes_before if one.tier else None,
        )
        for one in quote.coupons
    )
    return cancellation


def _refund(quote: Quote, cancellation: Cancellation, now: datetime) -> Refund | None:
    """Take penalty and refund from the carriers, and send the refund on its way."""
    payment = Payment.objects.select_for_update().get(settles_id=quote.reservation.id)
    assert payment.finished_at is not None, "what settles was captured"
    ledger.post(
        kind=Transfer.Kind.CANCELLED,
        reference=f"cancellation:{cancellation.id}",
        sides=sales.sides_of_cancellation(
            reservation=quote.reservation,
            refunds=[(one.coupon, one.refund) for one in quote.coupons],
            sold_at=payment.finished_at,
        ),
        payment_id=payment.id,
        cancellation_id=cancellation.id,
        now=now,
    )
    if not quote.refund:
        return None
    return queue_refund(
        payment=payment,
        amount=quote.refund,
        cause=Refund.Cause.CANCELLATION,
        reference=f"cancellation:{cancellation.id}:refund",
        cancellation=cancellation,
        needs_approval=_needs_approval(cancellation, quote.refund),
        now=now,
    )


def _needs_approval(cancellation: Cancellation, refund: Money) -> bool:
    """Say whether a second person looks first: staff gave back more than one may alone."""
    by_staff = cancellation.actor_kind == Cancellation.Actor.STAFF
    return bool(by_staff and refund.minor > settings.REFUND_APPROVAL_LIMIT)


def _fresh(reservation_id: int, now: datetime) -> ReservationDetail:
    return bookings.get_reservation(
        viewer=Viewer(is_support=True), reservation_id=reservation_id, now=now
    )
