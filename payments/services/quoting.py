"""
Quotes: what cancelling would cost now, signed, so that it can be confirmed exactly so.

What was paid counts, never today's price: each coupon by the tiers of its own fare version and the
time left to its own departure; nothing is kept of what does not run as it was sold. Staff may waive
the penalty, in whole or in part, for a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from accounts.viewers import Viewer
from bookings import disruption
from bookings import selectors as bookings
from bookings.disruption import Disruption
from bookings.errors import AlreadyCancelled, HoldExpired, NotCancellable
from bookings.models import Coupon
from bookings.selectors import CouponDetail, ReservationDetail
from inventory import selectors as inventory
from inventory.selectors import Tier
from payments.errors import QuoteExpired
from payments.models import Method, Payment, Reason, Refund
from payments.penalties import AFTER_DEPARTURE, Penalty, Waiver, penalty_for, steps
from travel.common.errors import InvalidInput
from travel.common.money import Money

SALT = "payments.quote"


@dataclass(frozen=True, slots=True)
class CouponQuote:
    """
    What cancelling one coupon costs and gives back, and the tier that says so.

    `waived` is what the tier would keep beyond the penalty, had staff not given it back.
    `disruption` is the word for why nothing is kept although the tier would (see
    bookings.disruption), or empty.
    """

    coupon: CouponDetail
    penalty: Money
    refund: Money
    waived: Money
    basis_points: int
    tier: Tier | None
    tiers: list[Tier]
    disruption: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """
    What cancelling these coupons now would cost. `id` is a signed copy of the amounts.

    For a hold that is not paid there is nothing to keep or give back. `ways_back` is where the
    money may go, the usual way first.
    """

    id: str
    reservation: ReservationDetail
    coupons: list[CouponQuote]
    penalty: Money
    refund: Money
    valid_until: datetime
    ways_back: tuple[str, ...] = ()

    @property
    def percentage(self) -> float:
        """The penalty as a share of what was paid, in per cent with two decimals at most."""
        paid = self.penalty.minor + self.refund.minor
        return round(100 * self.penalty.minor / paid, 2) if paid else 0.0

    @property
    def waived(self) -> Money:
        """What staff give back beyond the fare's rules."""
        return Money(sum(one.waived.minor for one in self.coupons), self.penalty.currency)


def quote_cancellation(
    *,
    viewer: Viewer,
    reservation_id: int,
    now: datetime,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    waiver: Waiver | None = None,
) -> Quote:
    """
    Answer what cancelling the whole reservation, some passengers or some tickets would cost.

    It changes nothing and holds until `valid_until`: ten minutes, or the next tier if that comes
    sooner. Only a waiver for a reason in AFTER_DEPARTURE reaches coupons whose departure has left.

    :raises NotFound: it is not the viewer's.
    :raises HoldExpired, AlreadyCancelled: there is nothing left to cancel.
    :raises NotCancellable: a chosen coupon was used or its departure has left.
    :raises InvalidInput: a passenger or ticket is not of this reservation, part of a hold is
    chosen, or the waiver names no reason of staff's or no share.
    """
    reservation = bookings.get_reservation(viewer=viewer, reservation_id=reservation_id, now=now)
    return quote_for(
        reservation, passenger_ids=passenger_ids, ticket_ids=ticket_ids, waiver=waiver, now=now
    )


def quote_for(
    reservation: ReservationDetail,
    *,
    now: datetime,
    passenger_ids: Collection[int] = (),
    ticket_ids: Collection[int] = (),
    waiver: Waiver | None = None,
) -> Quote:
    """As quote_cancellation, for a reservation that the viewer has been shown already."""
    _check_waiver(waiver)
    if reservation.is_live_hold:
        return _quote_of_hold(reservation, passenger_ids, ticket_ids, now)
    disrupted = disruption.disruptions(reservation, now=now)
    coupons = _selected(reservation, passenger_ids, ticket_ids, disrupted, waiver, now)
    tiers = inventory.penalty_tiers({coupon.fare_version_id for coupon in coupons})
    quoted = [
        _quote_coupon(
            reservation,
            coupon,
            tiers.get(coupon.fare_version_id, []),
            disrupted.get(coupon.ticket_id),
            waiver,
            now,
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
    return replace(_sign(reservation, quoted, valid_until), ways_back=_ways_back(reservation))


def check_quote(quote: Quote, quote_id: str, now: datetime) -> datetime:
    """
    See that the amounts now are exactly those that were promised; answer until when they were.

    :raises InvalidInput: it is no quote of this office.
    :raises QuoteExpired: its time is over, or the amounts are others now.
    """
    try:
        promised = signing.loads(quote_id, salt=SALT)
        until = datetime.fromisoformat(promised.pop("until"))
    except (signing.BadSignature, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InvalidInput(errors={"quoteID": [_("This is no quote of ours.")]}) from error
    if until <= now or promised != _terms(quote.reservation.id, quote.coupons):
        raise QuoteExpired()
    return until


def read_reason(text: str) -> tuple[str, str]:
    """
    Read staff's words as a reason's code and a note.

    `strike`, `Missed connection` and `death: his sister called` begin with a code; whatever does
    not is a note alone, and its code is empty.
    """
    head, _separator, rest = text.partition(":")
    word = head.strip().casefold().replace(" ", "_").replace("-", "_")
    if word in Reason.values:
        return word, rest.strip()
    return "", text.strip()


# --- what is selected -----------------------------------------------------------------------------


def _selected(
    reservation: ReservationDetail,
    passenger_ids: Collection[int],
    ticket_ids: Collection[int],
    disrupted: Collection[int],
    waiver: Waiver | None,
    now: datetime,
) -> list[CouponDetail]:
    """Answer the coupons meant; without a choice, all open ones that may still be cancelled."""
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
    allowed = [
        coupon
        for coupon in still_open
        if coupon.ticket_id in disrupted or _is_allowed(reservation, coupon, waiver, now)
    ]
    if not allowed or ((passenger_ids or ticket_ids) and len(allowed) < len(still_open)):
        raise NotCancellable()
    return allowed


def _is_allowed(
    reservation: ReservationDetail, coupon: CouponDetail, waiver: Waiver | None, now: datetime
) -> bool:
    if reservation.tickets[coupon.ticket_id].leaves_at > now:
        return True
    return waiver is not None and waiver.reason_code in AFTER_DEPARTURE


def _with_infants(reservation: ReservationDetail, passenger_ids: Collection[int]) -> set[int]:
    """Add the infants that travel on the laps of those who leave."""
    positions = {one.position for one in reservation.passengers if one.id in passenger_ids}
    return set(passenger_ids) | {
        one.id for one in reservation.passengers if one.accompanied_by in positions
    }


def _check_known(field: str, given: Collection[int], known: Sequence[int]) -> None:
    if set(given) - set(known):
        raise InvalidInput(errors={field: [_("This is not part of the reservation.")]})


def _check_waiver(waiver: Waiver | None) -> None:
    if waiver is None:
        return
    if waiver.reason_code not in Reason.values or waiver.reason_code == Reason.WISH:
        raise InvalidInput(errors={"Reason": [_("Say why the penalty is waived.")]})
    if not 1 <= waiver.basis_points <= 10_000:
        raise InvalidInput(errors={"WaivePercentage": [_("Waive between 1 and 100 per cent.")]})


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
    wrong: Disruption | None,
    waiver: Waiver | None,
    now: datetime,
) -> CouponQuote:
    ticket = reservation.tickets[coupon.ticket_id]
    found = (
        Penalty(Money(0, coupon.price.currency), 0, None)
        if wrong is not None
        else penalty_for(coupon.price, tiers, leaves_at=ticket.leaves_at, now=now)
    )
    waived = found.amount.share(waiver.basis_points if waiver else 0)
    penalty = found.amount - waived
    return CouponQuote(
        coupon=coupon,
        penalty=penalty,
        refund=coupon.price - penalty,
        waived=waived,
        basis_points=found.basis_points,
        tier=found.tier,
        tiers=tiers,
        disruption=wrong.kind if wrong else "",
    )


def _ways_back(reservation: ReservationDetail) -> tuple[str, ...]:
    """Answer where the money may go: what came from a wallet goes back to it, a guest has none."""
    source, wallet = Refund.Destination.SOURCE.value, Refund.Destination.WALLET.value
    method = Payment.objects.filter(settles_id=reservation.id).values_list("method", flat=True)
    if Method.WALLET in method:
        return (wallet,)
    return (source,) if reservation.user_id is None else (source, wallet)


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
