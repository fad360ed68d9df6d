"""
The engine in plain SQL, for SQLite and for servers without our procedures.

The departure's row is locked first, so that buyers of one departure come one after the other; the
guard against a double sale nevertheless stands in the statement that sets the bits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F, Min, Q, QuerySet

from bookings.engine.contract import (
    SYSTEM,
    Actor,
    CouponRow,
    LegRow,
    Outcome,
    PassengerRow,
    ReserveCommand,
    Result,
)
from bookings.engine.placement import FreeSeat, place
from bookings.models import (
    Claim,
    Coupon,
    Passenger,
    PriceLine,
    Reservation,
    ReservationEvent,
)
from inventory import services as inventory
from inventory.models import Departure
from inventory.ticket_ids import segments_mask

State = Reservation.State
Kind = ReservationEvent.Kind


class PortableEngine:
    """See bookings.engine.contract.Engine."""

    def reserve(self, command: ReserveCommand, *, now: datetime, actor: Actor) -> Result:
        wanted = {leg.departure_id for leg in command.legs}
        dead = _dead_holds(wanted, now)
        locked = _lock_departures(wanted | _departures_of(dead))
        if command.holder.user_id is not None:
            _lock_holder(command.holder.user_id)
        _expire_these(dead, now)
        if _live_holds(command, now) >= command.max_live_holds:
            return Result(Outcome.TOO_MANY_HOLDS)
        for leg in command.legs:
            if not _on_sale(locked.get(leg.departure_id), leg, now):
                return Result(Outcome.DEPARTURE_CLOSED, ticket_id=leg.ticket_id)

        _lay_out([one for key, one in sorted(locked.items()) if key in wanted], now)
        inventory.ensure_tickets(fares={leg.ticket_id: leg.fare_id for leg in command.legs})
        reservation = _insert_reservation(command, now)
        coupons = _insert_coupons(command, reservation)
        claimed: list[Claim] = []
        for leg in sorted(command.legs, key=lambda one: (one.departure_id, one.first_segment)):
            result = _claim(leg, command, coupons, claimed)
            if result is not None:
                return result
        Claim.objects.bulk_create(claimed)
        _count_change(wanted)
        _note_hold(wanted, command.hold_until)
        _record(
            reservation.id,
            Kind.RESERVED,
            ("", State.HELD),
            now=now,
            actor=actor,
            details={"seats": _seats_of(reservation.id), "until": command.hold_until.isoformat()},
        )
        return Result(Outcome.DONE, reservation_id=reservation.id)

    def confirm(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        departures = _departures_of([reservation_id])
        _lock_departures(departures)
        row = _lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = _not_held(row, now)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        _move(reservation_id, State.HELD, State.PAID)
        _forget_hold(departures, row.hold_until)
        _record(reservation_id, Kind.PAID, (State.HELD, State.PAID), now=now, actor=actor)
        return Result(Outcome.DONE, reservation_id=reservation_id)

    def release(self, reservation_id: int, *, now: datetime, actor: Actor) -> Result:
        departures = _departures_of([reservation_id])
        _lock_departures(departures)
        row = _lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = _not_held(row, now)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        seats = _seats_of(reservation_id)
        _free(_claims_of_reservations([reservation_id]))
        Coupon.objects.filter(passenger__reservation_id=reservation_id).update(
            state=Coupon.State.CANCELLED
        )
        _move(reservation_id, State.HELD, State.CANCELLED)
        _count_change(departures)
        _forget_hold(departures, row.hold_until)
        _record(
            reservation_id,
            Kind.RELEASED,
            (State.HELD, State.CANCELLED),
            now=now,
            actor=actor,
            details={"seats": seats},
        )
        return Result(Outcome.DONE, reservation_id=reservation_id)

    def extend(
        self, reservation_id: int, *, until: datetime, mark: str, now: datetime, actor: Actor
    ) -> Result:
        departures = _departures_of([reservation_id])
        _lock_departures(departures)
        row = _lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        refusal = _not_held(row, now)
        if refusal is not None:
            return Result(refusal, reservation_id=reservation_id)
        if getattr(row, mark) is not None or until <= row.hold_until:
            return Result(Outcome.DONE, reservation_id=reservation_id, details={"changed": False})
        Reservation.objects.filter(id=reservation_id).update(hold_until=until, **{mark: now})
        _forget_hold(departures, row.hold_until)
        _record(
            reservation_id,
            Kind.EXTENDED,
            (State.HELD, State.HELD),
            now=now,
            actor=actor,
            details={"until": until.isoformat()},
        )
        return Result(Outcome.DONE, reservation_id=reservation_id, details={"changed": True})

    def cancel_coupons(
        self, reservation_id: int, coupon_ids: Sequence[int], *, now: datetime, actor: Actor
    ) -> Result:
        departures = _departures_of([reservation_id])
        _lock_departures(departures)
        row = _lock_reservation(reservation_id)
        if row is None:
            return Result(Outcome.NOT_FOUND)
        if row.state != State.PAID:
            return Result(_refusal_of_unpaid(row.state), reservation_id=reservation_id)
        coupons = {
            coupon.id: coupon
            for coupon in Coupon.objects.filter(passenger__reservation_id=reservation_id)
        }
        for coupon_id in coupon_ids:
            if coupon_id not in coupons:
                return Result(Outcome.NOT_FOUND, reservation_id=reservation_id)
            if coupons[coupon_id].state == Coupon.State.CANCELLED:
                return Result(Outcome.ALREADY_CANCELLED, reservation_id=reservation_id)
            if coupons[coupon_id].state != Coupon.State.OPEN:
                return Result(Outcome.NOT_CANCELLABLE, reservation_id=reservation_id)
        seats = _seats_of(reservation_id, coupon_ids)
        _free(Claim.objects.filter(coupon_id__in=coupon_ids).values_list(*_CLAIM_COLUMNS))
        Coupon.objects.filter(id__in=coupon_ids).update(state=Coupon.State.CANCELLED)
        left = [
            coupon
            for key, coupon in coupons.items()
            if key not in set(coupon_ids) and coupon.state != Coupon.State.CANCELLED
        ]
        whole = not left
        if whole:
            _move(reservation_id, State.PAID, State.CANCELLED)
        _count_change(departures)
        _record(
            reservation_id,
            Kind.CANCELLED if whole else Kind.PART_CANCELLED,
            (State.PAID, State.CANCELLED if whole else State.PAID),
            now=now,
            actor=actor,
            details={"seats": seats, "coupons": list(coupon_ids)},
        )
        return Result(Outcome.DONE, reservation_id=reservation_id, details={"whole": whole})

    def expire(self, *, now: datetime, limit: int) -> int:
        dead = list(
            Reservation.objects.filter(state=State.HELD, hold_until__lte=now)
            .order_by("hold_until", "id")
            .values_list("id", flat=True)[:limit]
        )
        _lock_departures(_departures_of(dead))
        return _expire_these(dead, now)


# --- locks ----------------------------------------------------------------------------------------


def _lock_departures(departure_ids: Collection[int]) -> dict[int, Departure]:
    """Lock departures in the order of their ids; SQLite's one writer needs no more than that."""
    rows = (
        Departure.objects.select_for_update()
        .filter(id__in=departure_ids)
        .order_by("id")
        .only("id", "state", "sales_closed_at", "frozen_at", "vehicle_id", "earliest_hold_end")
    )
    return {row.id: row for row in rows}


def _lock_reservation(reservation_id: int) -> Reservation | None:
    return (
        Reservation.objects.select_for_update()
        .filter(id=reservation_id)
        .order_by("id")
        .only("id", "state", "hold_until", "extended_at", "lengthened_at")
        .first()
    )


def _lock_holder(user_id: int) -> None:
    """Let one user's reserves come one after the other, so that the holds' limit is exact."""
    get_user_model().objects.select_for_update().order_by("id").values_list("id").get(id=user_id)


# --- what is asked before -------------------------------------------------------------------------


def _on_sale(departure: Departure | None, leg: LegRow, now: datetime) -> bool:
    return (
        departure is not None
        and departure.state == Departure.State.SCHEDULED
        and departure.sales_closed_at is None
        and now < leg.closes_at
    )


def _live_holds(command: ReserveCommand, now: datetime) -> int:
    holder = command.holder
    mine = Q(user_id=holder.user_id)
    if holder.user_id is None:
        mine = Q(pk__in=[])
        if holder.contact_email:
            mine |= Q(contact_email=holder.contact_email, user__isnull=True)
        if holder.contact_phone:
            mine |= Q(contact_phone=holder.contact_phone, user__isnull=True)
    return Reservation.objects.filter(mine, state=State.HELD, hold_until__gt=now).count()


def _not_held(row: Reservation, now: datetime) -> Outcome | None:
    """Answer why the reservation is no live hold, or None when it is one."""
    if row.state == State.HELD:
        return Outcome.HOLD_EXPIRED if row.hold_until <= now else None
    return {
        State.EXPIRED: Outcome.HOLD_EXPIRED,
        State.PAID: Outcome.ALREADY_PAID,
        State.CANCELLED: Outcome.ALREADY_CANCELLED,
    }[State(row.state)]


def _refusal_of_unpaid(state: str) -> Outcome:
    if state == State.CANCELLED:
        return Outcome.ALREADY_CANCELLED
    return Outcome.HOLD_EXPIRED if state == State.EXPIRED else Outcome.NOT_CANCELLABLE


# --- holds that ended -----------------------------------------------------------------------------


def _dead_holds(departure_ids: Collection[int], now: datetime) -> list[int]:
    """
    Answer the reservations that hold seats on these departures and ended by `now`.

    All of them: one left out would be a free seat that is refused. There are no more than the
    departures have seats and segments.
    """
    due = list(
        Departure.objects.filter(id__in=departure_ids, earliest_hold_end__lte=now).values_list(
            "id", flat=True
        )
    )
    if not due:
        return []
    return list(
        Reservation.objects.filter(
            state=State.HELD,
            hold_until__lte=now,
            passengers__coupons__ticket__departure_id__in=due,
        )
        .order_by("id")
        .values_list("id", flat=True)
        .distinct()
    )


def _departures_of(reservation_ids: Collection[int]) -> set[int]:
    if not reservation_ids:
        return set()
    return set(
        Coupon.objects.filter(passenger__reservation_id__in=reservation_ids)
        .order_by()
        .values_list("ticket__departure_id", flat=True)
        .distinct()
    )


def _expire_these(reservation_ids: Sequence[int], now: datetime) -> int:
    """
    Expire those that are still held and ended; the departures' locks are held.

    Between the reading of the ids and the locks somebody may have paid or extended one.
    """
    if not reservation_ids:
        return 0
    still = list(
        Reservation.objects.select_for_update()
        .filter(id__in=reservation_ids, state=State.HELD, hold_until__lte=now)
        .order_by("id")
        .values_list("id", flat=True)
    )
    if not still:
        return 0
    seats = _named(Claim.objects.filter(coupon__passenger__reservation_id__in=still))
    _free(_claims_of_reservations(still))
    Coupon.objects.filter(passenger__reservation_id__in=still).update(state=Coupon.State.CANCELLED)
    Reservation.objects.filter(id__in=still, state=State.HELD).update(state=State.EXPIRED)
    departures = _departures_of(still)
    _count_change(departures)
    _forget_hold(departures, now)
    ReservationEvent.objects.bulk_create(
        ReservationEvent(
            reservation_id=reservation_id,
            at=now,
            kind=Kind.EXPIRED,
            from_state=State.HELD,
            to_state=State.EXPIRED,
            actor_kind=SYSTEM.kind,
            details={"seats": seats.get(reservation_id, [])},
        )
        for reservation_id in still
    )
    return len(still)


# --- seats ----------------------------------------------------------------------------------------


def _lay_out(departures: Iterable[Departure], now: datetime) -> None:
    """Lay the stock out from the seat maps of departures that sell for the first time."""
    fresh = [one for one in departures if one.frozen_at is None]
    if not fresh:
        return
    with connection.cursor() as cursor:
        for one in fresh:
            cursor.execute(
                "INSERT INTO bookings_seatstock (departure_id, seat_id, travel_class, taken) "
                "SELECT %s, seat.id, seat.travel_class, 0 "
                "FROM inventory_vehicle vehicle "
                "JOIN inventory_coach coach ON coach.seat_map_id = vehicle.seat_map_id "
                "JOIN inventory_seat seat ON seat.coach_id = coach.id "
                "WHERE vehicle.id = %s "
                "ORDER BY coach.position, seat.row, seat.column",
                [one.id, one.vehicle_id],
            )
    inventory.freeze(departure_ids=[one.id for one in fresh], now=now)


def _claim(
    leg: LegRow,
    command: ReserveCommand,
    coupons: dict[tuple[int, int], Coupon],
    claimed: list[Claim],
) -> Result | None:
    """Take the leg's seats and note the claims, or answer the refusal."""
    seated = [coupon for coupon in leg.coupons if coupon.needs_seat]
    if not seated:
        return None
    mask = segments_mask(leg.first_segment, leg.last_segment)
    free = _free_seats(leg, mask)
    chosen = _choose(seated, command, free)
    if chosen is None:
        wanted = any(coupon.seat_id is not None for coupon in seated)
        taken = wanted and _some_chosen_taken(seated, free)
        return Result(Outcome.SEAT_TAKEN if taken else Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
    stock_ids = [seat.stock_id for seat in chosen]
    if _take(stock_ids, mask) != len(stock_ids):
        return Result(Outcome.SOLD_OUT, ticket_id=leg.ticket_id)
    claimed += [
        Claim(
            coupon=coupons[(coupon.passenger, leg.ticket_id)],
            stock_id=seat.stock_id,
            first_segment=leg.first_segment,
            last_segment=leg.last_segment,
        )
        for coupon, seat in zip(seated, chosen, strict=True)
    ]
    return None


def _free_seats(leg: LegRow, mask: int) -> list[FreeSeat]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stock.id, stock.seat_id, coach.position, seat.row, seat.column, "
            "seat.is_window, seat.is_aisle, seat.is_quiet, seat.is_accessible "
            "FROM bookings_seatstock stock "
            "JOIN inventory_seat seat ON seat.id = stock.seat_id "
            "JOIN inventory_coach coach ON coach.id = seat.coach_id "
            "WHERE stock.departure_id = %s AND stock.travel_class = %s AND stock.taken & %s = 0 "
            "ORDER BY coach.position, seat.row, seat.column",
            [leg.departure_id, leg.travel_class, mask],
        )
        return [FreeSeat(*row) for row in cursor.fetchall()]


def _choose(
    seated: Sequence[CouponRow], command: ReserveCommand, free: Sequence[FreeSeat]
) -> list[FreeSeat] | None:
    """Answer a seat for each coupon: the chosen ones as chosen, the others placed together."""
    by_seat = {seat.seat_id: seat for seat in free}
    wishes = {passenger.position: passenger.seat_wish for passenger in command.passengers}
    fixed: dict[int, FreeSeat] = {}
    for index, coupon in enumerate(seated):
        if coupon.seat_id is not None:
            if coupon.seat_id not in by_seat:
                return None
            fixed[index] = by_seat.pop(coupon.seat_id)
    rest = [index for index in range(len(seated)) if index not in fixed]
    placed = place(
        [seat for seat in free if seat.seat_id in by_seat],
        [wishes[seated[index].passenger] for index in rest],
    )
    if placed is None:
        return None
    fixed.update(zip(rest, placed, strict=True))
    return [fixed[index] for index in range(len(seated))]


def _some_chosen_taken(seated: Sequence[CouponRow], free: Sequence[FreeSeat]) -> bool:
    available = {seat.seat_id for seat in free}
    return any(coupon.seat_id is not None and coupon.seat_id not in available for coupon in seated)


def _take(stock_ids: Sequence[int], mask: int) -> int:
    """Set the bits where all of them are clear; answer for how many seats that was so."""
    marks = ", ".join(["%s"] * len(stock_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE bookings_seatstock SET taken = taken | %s "  # noqa: S608 - only placeholders
            f"WHERE id IN ({marks}) AND taken & %s = 0",
            [mask, *stock_ids, mask],
        )
        return int(cursor.rowcount)


_CLAIM_COLUMNS = ("id", "stock_id", "first_segment", "last_segment")


def _claims_of_reservations(
    reservation_ids: Sequence[int],
) -> Iterable[tuple[int, int, int, int]]:
    return Claim.objects.filter(coupon__passenger__reservation_id__in=reservation_ids).values_list(
        *_CLAIM_COLUMNS
    )


def _free(claims: Iterable[tuple[int, int, int, int]]) -> None:
    """Delete the claims and clear their bits, seats in the order of their ids."""
    rows = sorted(claims, key=lambda row: row[1])
    if not rows:
        return
    by_mask: dict[int, list[int]] = {}
    for _, stock_id, first, last in rows:
        by_mask.setdefault(segments_mask(first, last), []).append(stock_id)
    Claim.objects.filter(id__in=[row[0] for row in rows]).delete()
    with connection.cursor() as cursor:
        for mask, stock_ids in by_mask.items():
            marks = ", ".join(["%s"] * len(stock_ids))
            cursor.execute(
                f"UPDATE bookings_seatstock SET taken = taken - %s "  # noqa: S608 - placeholders
                f"WHERE id IN ({marks}) AND taken & %s = %s",
                [mask, *stock_ids, mask, mask],
            )
            if cursor.rowcount != len(stock_ids):
                raise StockMismatch(stock_ids)


class StockMismatch(AssertionError):
    """A claim's bits were not set in the stock: a defect, found before it could spread."""


def _count_change(departure_ids: Collection[int]) -> None:
    """Raise the version of the departures' stock: what was cached of it is out of date."""
    Departure.objects.filter(id__in=departure_ids).update(stock_version=F("stock_version") + 1)


def _note_hold(departure_ids: Collection[int], until: datetime) -> None:
    """A new hold can only bring the end of the first one forward."""
    Departure.objects.filter(
        Q(earliest_hold_end__isnull=True) | Q(earliest_hold_end__gt=until), id__in=departure_ids
    ).update(earliest_hold_end=until)


def _forget_hold(departure_ids: Collection[int], ended: datetime) -> None:
    """
    Read again when the first hold ends, where one that ended at `ended` or before was the first.

    The departures' locks are held, so that no hold comes in between.
    """
    due = sorted(
        Departure.objects.filter(id__in=departure_ids, earliest_hold_end__lte=ended).values_list(
            "id", flat=True
        )
    )
    if not due:
        return
    ends: dict[int, datetime] = dict(
        Reservation.objects.filter(
            state=State.HELD, passengers__coupons__ticket__departure_id__in=due
        )
        .order_by()
        .values_list("passengers__coupons__ticket__departure_id")
        .annotate(end=Min("hold_until"))
    )
    for departure_id in due:
        Departure.objects.filter(id=departure_id).update(earliest_hold_end=ends.get(departure_id))


# --- rows of a reservation ------------------------------------------------------------------------


def _insert_reservation(command: ReserveCommand, now: datetime) -> Reservation:
    holder = command.holder
    reservation = Reservation.objects.create(
        locator=command.locator,
        user_id=holder.user_id,
        guest_digest=holder.guest_digest,
        contact_email=holder.contact_email,
        contact_phone=holder.contact_phone,
        language=holder.language,
        currency_id=command.currency,
        state=State.HELD,
        created_at=now,
        hold_until=command.hold_until,
    )
    adults = [one for one in command.passengers if one.accompanied_by is None]
    infants = [one for one in command.passengers if one.accompanied_by is not None]
    _insert_passengers(reservation, adults, {})
    if infants:
        _insert_passengers(reservation, infants, _passenger_ids(reservation.id))
    return reservation


def _insert_passengers(
    reservation: Reservation, rows: Sequence[PassengerRow], companions: dict[int, int]
) -> None:
    Passenger.objects.bulk_create(
        Passenger(
            reservation_id=reservation.id,
            position=row.position,
            first_name=row.first_name,
            last_name=row.last_name,
            kind=row.kind,
            date_of_birth=row.date_of_birth,
            seat_wish=row.seat_wish,
            accompanied_by_id=(
                None if row.accompanied_by is None else companions[row.accompanied_by]
            ),
        )
        for row in rows
    )


def _passenger_ids(reservation_id: int) -> dict[int, int]:
    return dict(
        Passenger.objects.filter(reservation_id=reservation_id).values_list("position", "id")
    )


def _insert_coupons(
    command: ReserveCommand, reservation: Reservation
) -> dict[tuple[int, int], Coupon]:
    """Insert coupons with their price lines; answer them by passenger and ticket."""
    passengers = _passenger_ids(reservation.id)
    rows = [
        (leg, position, coupon)
        for position, leg in enumerate(command.legs)
        for coupon in leg.coupons
    ]
    Coupon.objects.bulk_create(
        Coupon(
            passenger_id=passengers[coupon.passenger],
            position=position,
            ticket_id=leg.ticket_id,
            fare_version_id=coupon.fare_version_id,
            barcode=coupon.barcode,
        )
        for leg, position, coupon in rows
    )
    # Not every server hands out the ids of a multi-row insert: they are read by what is unique.
    stored = {
        coupon.barcode: coupon
        for coupon in Coupon.objects.filter(passenger__reservation_id=reservation.id)
    }
    PriceLine.objects.bulk_create(
        PriceLine(
            coupon=stored[coupon.barcode],
            position=number,
            kind=line.kind,
            label=line.label,
            amount_minor=line.amount_minor,
        )
        for _, _, coupon in rows
        for number, line in enumerate(coupon.price_lines)
    )
    return {(coupon.passenger, leg.ticket_id): stored[coupon.barcode] for leg, _, coupon in rows}


def _move(reservation_id: int, before: str, after: str) -> None:
    moved = Reservation.objects.filter(id=reservation_id, state=before).update(state=after)
    if moved != 1:
        raise StockMismatch([reservation_id])


def _record(
    reservation_id: int,
    kind: str,
    states: tuple[str, str],
    *,
    now: datetime,
    actor: Actor,
    details: dict[str, object] | None = None,
) -> None:
    ReservationEvent.objects.create(
        reservation_id=reservation_id,
        at=now,
        kind=kind,
        from_state=states[0],
        to_state=states[1],
        actor_kind=actor.kind,
        actor_id=actor.user_id,
        reason=actor.reason,
        details=details or {},
    )


def _seats_of(reservation_id: int, coupon_ids: Sequence[int] | None = None) -> list[list[object]]:
    """Answer the claims of a reservation, or of these coupons of it, for the history."""
    claims = Claim.objects.filter(coupon__passenger__reservation_id=reservation_id)
    if coupon_ids is not None:
        claims = claims.filter(coupon_id__in=coupon_ids)
    return _named(claims).get(reservation_id, [])


def _named(claims: QuerySet[Claim]) -> dict[int, list[list[object]]]:
    """
    Answer, by reservation, coupon, departure, coach, seat, first and last segment of each claim.
    """
    found: dict[int, list[list[object]]] = {}
    for reservation_id, *claim in claims.order_by("coupon_id", "first_segment").values_list(
        "coupon__passenger__reservation_id",
        "coupon_id",
        "stock__departure_id",
        "stock__seat__coach__label",
        "stock__seat__label",
        "first_segment",
        "last_segment",
    ):
        found.setdefault(reservation_id, []).append(claim)
    return found
