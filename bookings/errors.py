"""Refusals of reserving, one for each outcome of the engine and each rule before it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.engine.contract import Outcome
from inventory.errors import DepartureClosed
from travel.common.errors import NotFound, Refusal


class SoldOut(Refusal):
    """Too few seats are free over the whole stretch."""

    code = "sold_out"
    status = 409
    title = _("There are not enough free seats.")


class SeatTaken(Refusal):
    """A chosen seat is not free over the whole stretch."""

    code = "seat_taken"
    status = 409
    title = _("This seat has just been taken. Please choose another one.")


class HoldExpired(Refusal):
    """The time to pay has run out and the seats were given back."""

    code = "hold_expired"
    status = 409
    title = _("The time to pay has run out and the seats were given back.")


class TooManyHolds(Refusal):
    """The holder has too many unpaid reservations at once."""

    code = "too_many_holds"
    status = 409
    title = _("You have too many unpaid reservations. Please pay or release one first.")


class AlreadyPaid(Refusal):
    """The reservation is paid."""

    code = "already_paid"
    status = 409
    title = _("This reservation is already paid.")


class AlreadyCancelled(Refusal):
    """The reservation, or this part of it, is cancelled."""

    code = "already_cancelled"
    status = 409
    title = _("This is already cancelled.")


class NotCancellable(Refusal):
    """It was used, or is in no state that can be cancelled."""

    code = "not_cancellable"
    status = 409
    title = _("This can no longer be cancelled.")


class NotChangeable(Refusal):
    """It was used, has left, or is in no state in which it can be changed."""

    code = "not_changeable"
    status = 409
    title = _("This can no longer be changed.")


class NameTooDifferent(Refusal):
    """A correction is for slips of the pen; it does not make another person of a passenger."""

    code = "name_too_different"
    status = 409
    title = _("That looks like another person. A ticket cannot be handed on.")


class CorrectedOften(Refusal):
    """A passenger's name is corrected by the holder so often and no more."""

    code = "corrected_often"
    status = 409
    title = _("This name has been corrected before. Our staff help you with it.")


class NotDisrupted(Refusal):
    """Another departure free of charge is for those whose own does not run as sold."""

    code = "not_disrupted"
    status = 409
    title = _("This departure runs as it was sold, so it cannot be changed free of charge.")


class ProofNeeded(Refusal):
    """Who knows a booking code and a name may look; who changes something proves the contact."""

    code = "proof_needed"
    status = 403
    title = _("Please show first that the booking is yours.")


class LookUpFailed(Refusal):
    """There is no booking with this code, or nobody of that name travels on it: nobody is told."""

    code = "look_up_failed"
    status = 400
    title = _("We find no booking with this code and name. Please look at both again.")


class NoContact(Refusal):
    """The office knows no address to which it could send a code."""

    code = "no_contact"
    status = 409
    title = _("There is no contact on this booking. Please ask our staff.")


class NotExtendable(Refusal):
    """A hold is extended once, and never to an earlier time than it has."""

    code = "not_extendable"
    status = 409
    title = _("The time to pay has been extended once already.")


class PriceChanged(Refusal):
    """The price is no longer the one that the traveller expected."""

    code = "price_changed"
    status = 409
    title = _("The price has changed since you looked. Please check it again.")


class InfantWithoutAdult(Refusal):
    """An infant travels on an adult's lap: one for each adult."""

    code = "infant_without_adult"
    status = 400
    title = _("Each infant needs an adult of its own.")


class TooManyPassengers(Refusal):
    """A reservation has one to nine passengers."""

    code = "too_many_passengers"
    status = 400
    title = _("At most nine passengers travel on one reservation.")


class NoAddress(Refusal):
    """The reservation has no e-mail address that something could be sent to."""

    code = "no_address"
    status = 409
    title = _("This booking has no e-mail address.")


class BadBarcode(Refusal):
    """
    A barcode that proves nothing.

    `reason` is `unreadable` (it is no barcode of this kind), `unknown_key` (no key that is known
    has signed it) or `forged` (it was changed after it was signed).
    """

    code = "bad_barcode"
    status = 400
    title = _("This is not a ticket of ours.")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)


_REFUSALS: dict[Outcome, type[Refusal]] = {
    Outcome.NOT_FOUND: NotFound,
    Outcome.TOO_MANY_HOLDS: TooManyHolds,
    Outcome.DEPARTURE_CLOSED: DepartureClosed,
    Outcome.SEAT_TAKEN: SeatTaken,
    Outcome.SOLD_OUT: SoldOut,
    Outcome.HOLD_EXPIRED: HoldExpired,
    Outcome.ALREADY_PAID: AlreadyPaid,
    Outcome.ALREADY_CANCELLED: AlreadyCancelled,
    Outcome.NOT_CANCELLABLE: NotCancellable,
    Outcome.NOT_CHANGEABLE: NotChangeable,
}


def refusal(outcome: Outcome, **details: Any) -> Refusal:
    """Answer the exception of an engine's refusal."""
    return _REFUSALS[outcome](**details)
