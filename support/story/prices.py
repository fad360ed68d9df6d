"""
Every cent of every ticket: the lines that were sold, the rule that made each, and what was kept.

What was sold was copied and is never reckoned again; here the rule is reckoned once more beside it,
so that the reader sees how it came to the amount. Where that gives another one (the way was
measured anew, say) only the version is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from bookings import disruption
from bookings.documents.words import kind_name, seat_on_the_way, seats_text
from bookings.models import Coupon
from bookings.selectors import CouponDetail, PassengerDetail, ReservationDetail
from inventory.pricing import ADULT, PriceRule, adult_fare, price_lines
from inventory.selectors import SoldFare, TicketFacts, Tier
from payments.models import Reason
from payments.penalties import penalty_for, steps
from support.story.books import CANCELLATION, Books, of_source
from support.story.entries import Entry
from travel.common.admin_bases import percent
from travel.common.money import Money, minor_digits
from travel.common.templatetags.look import duration, moment_text, money_text

MICRO = 1_000_000
WHOLE = 10_000
KINDS = dict(Reason.choices)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill: what for, by which rules, how much."""

    label: str
    rules: list[str]
    amount: Money


@dataclass(frozen=True, slots=True)
class Step:
    """What cancelling costs from now, or from a moment on, until the next."""

    is_now: bool
    starts_at: datetime
    rule: str
    kept: Money
    back: Money


@dataclass(frozen=True, slots=True)
class Bill:
    """
    A passenger on a ticket: what was sold, by which version of the fare, and what became of it.

    `ending` tells of a cancelled one what was kept and why, down to what goes back; `steps` of an
    open one what cancelling would cost now and next.
    """

    coupon: CouponDetail
    passenger: PassengerDetail
    kind: str
    ticket: TicketFacts
    seats: str
    state: str
    lines: list[Line]
    version: str
    version_id: int
    ending: list[Line] = field(default_factory=list)
    back: Money | None = None
    steps: list[Step] = field(default_factory=list)
    instead_of: TicketFacts | None = None


def bills(
    reservation: ReservationDetail,
    books: Books,
    fares: Mapping[int, SoldFare],
    *,
    now: datetime,
) -> list[Bill]:
    """
    Answer the bill of every coupon that counts, in the order of travel.

    `fares` are the versions of the coupons, as inventory's sold_fares reads them. A coupon that was
    exchanged has none of its own: its lines went along to the one that took its place.
    """
    ends = {
        part["coupon"]: (entry, part)
        for entry in of_source(books.entries, CANCELLATION)
        for part in entry.details["parts"]  # type: ignore[attr-defined]
    }
    wrong = disruption.disruptions(reservation, now=now)
    before = {one.exchanged_for: one for one in reservation.coupons if one.exchanged_for}
    zone = reservation.journey[0].origin.station.tz
    found = []
    for coupon in sorted(reservation.coupons, key=lambda one: _order(reservation, one)):
        if coupon.is_exchanged:
            continue
        first = _first(coupon, before)
        sold = fares[coupon.fare_version_id]
        found.append(
            Bill(
                coupon=coupon,
                passenger=(passenger := reservation.passenger_of(coupon)),
                kind=kind_name(passenger.kind),
                ticket=(ticket := reservation.tickets[coupon.ticket_id]),
                seats=seat_on_the_way(coupon, ticket) if coupon.seats else seats_text([coupon]),
                state=coupon.state,
                lines=_lines(reservation, coupon, first, sold, passenger),
                version=_version(sold, zone),
                version_id=coupon.fare_version_id,
                ending=_ending(reservation, coupon, sold, ends.get(coupon.id)),
                back=ends[coupon.id][1]["refund"] if coupon.id in ends else None,
                steps=_steps(reservation, coupon, sold, coupon.ticket_id in wrong, now),
                instead_of=(
                    reservation.tickets[first.ticket_id] if first.id != coupon.id else None
                ),
            )
        )
    return found


def _order(reservation: ReservationDetail, coupon: CouponDetail) -> tuple[datetime, int, int]:
    ticket = reservation.tickets[coupon.ticket_id]
    return ticket.departs_at, coupon.passenger, coupon.id


def _first(coupon: CouponDetail, before: Mapping[int, CouponDetail]) -> CouponDetail:
    """Answer the coupon that was bought, behind all that took its place."""
    while coupon.id in before:
        coupon = before[coupon.id]
    return coupon


# --- what was sold --------------------------------------------------------------------------------


def _version(sold: SoldFare, zone: str) -> str:
    said = {
        "fare": sold.rule.name,
        "begin": moment_text(sold.valid_from, zone),
    }
    if sold.valid_until is None:
        return _("%(fare)s, the version on sale since %(begin)s") % said
    return _("%(fare)s, the version on sale from %(begin)s to %(end)s") % {
        **said,
        "end": moment_text(sold.valid_until, zone),
    }


def _lines(
    reservation: ReservationDetail,
    coupon: CouponDetail,
    first: CouponDetail,
    sold: SoldFare,
    passenger: PassengerDetail,
) -> list[Line]:
    distance = reservation.tickets[first.ticket_id].distance_m
    is_round_trip = any(kind == "discount" for kind, _label, _amount in coupon.lines)
    again = [
        (one.kind, one.amount_minor)
        for one in price_lines(
            sold.rule, distance_m=distance, kind=passenger.kind, round_trip=is_round_trip
        )
    ]
    agrees = again == [(kind, amount.minor) for kind, _label, amount in coupon.lines]
    rules = (
        _reckoned(sold.rule, distance, passenger.kind, coupon)
        if agrees
        else {"fare": [_("Copied when it was sold.")]}
    )
    return [
        Line(_(label) if kind != "fare" else label, rules.get(kind, []), amount)
        for kind, label, amount in coupon.lines
    ]


def _reckoned(
    rule: PriceRule, distance_m: int, kind: str, coupon: CouponDetail
) -> dict[str, list[str]]:
    """Say, by the kind of a line, how the rule came to it."""
    currency = coupon.price.currency
    full = Money(adult_fare(rule, distance_m), currency)
    sums = dict.fromkeys(("fare", "tax", "discount", "fee"), 0)
    for line_kind, _label, amount in coupon.lines:
        sums[line_kind] += amount.minor
    whole = Money(sums["fare"] + sums["tax"] - sums["discount"], currency)
    return {
        "fare": [*_fare_rules(rule, distance_m, full), *_kind_rules(rule, kind, full, whole)]
        + ([_("The tax in it stands below.")] if sums["tax"] else []),
        "discount": [
            _("%(share)s of %(amount)s, for both ways of a round trip")
            % {
                "share": percent(rule.return_discount_basis_points),
                "amount": money_text(whole),
            }
        ],
        "tax": [
            _("%(share)s, contained in %(amount)s")
            % {
                "share": percent(rule.tax_basis_points),
                "amount": money_text(Money(whole.minor + sums["discount"], currency)),
            }
        ],
        "fee": [_("For each passenger with a seat")],
    }


def _fare_rules(rule: PriceRule, distance_m: int, full: Money) -> list[str]:
    base = Money(rule.base_minor, full.currency)
    said = []
    if rule.per_km_micro:
        said.append(
            _("%(base)s + %(km)s km × %(each)s a km")
            % {
                "base": money_text(base),
                "km": _short(Decimal(distance_m) / 1000),
                "each": _each(rule.per_km_micro, full.currency),
            }
        )
    else:
        said.append(_("%(base)s, however far") % {"base": money_text(base)})
    if rule.minimum_minor:
        said.append(
            _("at least %(amount)s")
            % {"amount": money_text(Money(rule.minimum_minor, full.currency))}
        )
    if rule.rounding_minor > 1:
        said.append(
            _("rounded up to a multiple of %(amount)s")
            % {"amount": money_text(Money(rule.rounding_minor, full.currency))}
        )
    said.append(_("makes %(amount)s for an adult") % {"amount": money_text(full)})
    return said


def _kind_rules(rule: PriceRule, kind: str, full: Money, own: Money) -> list[str]:
    if kind == ADULT:
        return []
    share = {
        "young": rule.young_percent,
        "child": rule.child_percent,
        "infant": rule.infant_percent,
    }[kind]
    return [
        _("%(kind)s: %(share)s of %(full)s, %(own)s")
        % {
            "kind": kind_name(kind),
            "share": percent(share * 100),
            "full": money_text(full),
            "own": money_text(own),
        }
    ]


def _each(per_km_micro: int, currency: str) -> str:
    """Write what a kilometre costs: an amount where it is whole cents, else its decimals."""
    whole, rest = divmod(per_km_micro, MICRO)
    if not rest:
        return money_text(Money(whole, currency))
    exact = Decimal(per_km_micro).scaleb(-6 - minor_digits(currency))
    return f"{currency} {_short(exact)}"


def _short(number: Decimal) -> str:
    return f"{number.normalize():f}"


# --- what was kept --------------------------------------------------------------------------------


def _ending(
    reservation: ReservationDetail,
    coupon: CouponDetail,
    sold: SoldFare,
    end: tuple[Entry, dict[str, object]] | None,
) -> list[Line]:
    """Tell what was kept of a cancelled coupon: by the fare, less what staff gave back of it."""
    if end is None:
        return []
    entry, part = end
    kept, waived, rejected = part["penalty"], part["waived"], part["rejected"]
    assert isinstance(kept, Money)
    assert isinstance(waived, Money)
    assert isinstance(rejected, Money)
    lines = [
        Line(
            _("Kept by the fare"),
            [_tier_then(reservation, coupon, sold, entry, part)],
            -(kept + waived),
        )
    ]
    if waived:
        lines.append(Line(_("Waived of it"), [*_why_waived(entry)], waived))
    if rejected:
        lines.append(
            Line(
                _("Not waived after all"),
                [
                    _("%(amount)s was to be waived, and a second person rejected it.")
                    % {"amount": money_text(rejected)}
                ],
                Money(0, kept.currency),
            )
        )
    return lines


def _tier_then(
    reservation: ReservationDetail,
    coupon: CouponDetail,
    sold: SoldFare,
    entry: Entry,
    part: Mapping[str, object],
) -> str:
    """Say which tier held when it was cancelled, and what it kept."""
    minutes = (reservation.tickets[coupon.ticket_id].leaves_at - entry.at) // timedelta(minutes=1)
    said = {"price": money_text(coupon.price), "left": duration(max(minutes, 0))}
    tier = next((one for one in sold.tiers if one.minutes_before == part["tier"]), None)
    if tier is not None:
        return _("%(rule)s; it was cancelled %(left)s before") % {
            **said,
            "rule": _tier_in_words(tier, coupon.price),
        }
    if not part["basis_points"]:
        return _("Nothing: it did not run as it was sold")
    if minutes <= 0:
        return _("All of %(price)s: it had left") % said
    return _("All of %(price)s: too late for any tier, %(left)s before departure") % said


def _why_waived(entry: Entry) -> list[str]:
    said = [str(KINDS.get(entry.kind, entry.kind))]
    if entry.reason:
        said.append(entry.reason)
    if entry.actor:
        said.append(_("by %(name)s") % {"name": entry.actor})
    return said


# --- what would be kept ---------------------------------------------------------------------------


def _steps(
    reservation: ReservationDetail,
    coupon: CouponDetail,
    sold: SoldFare,
    is_disrupted: bool,
    now: datetime,
) -> list[Step]:
    """Answer what cancelling an open ticket costs now, and from the next moment on."""
    if reservation.status != "Paid" or coupon.state != Coupon.State.OPEN:
        return []
    leaves_at = reservation.tickets[coupon.ticket_id].leaves_at
    if is_disrupted:
        nothing = Money(0, coupon.price.currency)
        rule = _("It does not run as it was sold: all of it comes back.")
        return [Step(True, now, rule, nothing, coupon.price)]
    moments = [now, *[one for one in steps(sold.tiers, leaves_at=leaves_at) if one > now][:1]]
    return [_step(coupon, sold, leaves_at, moment, is_now=moment == now) for moment in moments]


def _step(
    coupon: CouponDetail, sold: SoldFare, leaves_at: datetime, moment: datetime, *, is_now: bool
) -> Step:
    # A tier holds to its last instant; the next one after it.
    just_then = moment if is_now else moment + timedelta(microseconds=1)
    kept = penalty_for(coupon.price, sold.tiers, leaves_at=leaves_at, now=just_then)
    return Step(
        is_now,
        moment,
        _tier_in_words(kept.tier, coupon.price) if kept.tier else _("All of it is kept."),
        kept.amount,
        coupon.price - kept.amount,
    )


def _tier_in_words(tier: Tier, price: Money) -> str:
    """Say what a tier keeps of a price: its share, or the least that it asks for."""
    share = price.share(tier.basis_points)
    least = Money(tier.minimum_minor, price.currency)
    said = {
        "share": percent(tier.basis_points),
        "price": money_text(price),
        "least": money_text(least),
        "less": money_text(share),
        "tier": duration(tier.minutes_before),
    }
    if not share and not least:
        return _("Free of charge, until %(tier)s before departure") % said
    if least.minor <= share.minor:
        return _("%(share)s of %(price)s, until %(tier)s before departure") % said
    if price.minor <= least.minor:
        return _("All of %(price)s: %(least)s is the least, until %(tier)s before departure") % said
    return (
        _(
            "The least that is kept, %(least)s (%(share)s of %(price)s would be %(less)s), until "
            "%(tier)s before departure"
        )
        % said
    )
