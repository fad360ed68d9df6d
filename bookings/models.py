"""Reservations, passengers and coupons; seat stock and the claims on it; the history of states."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from inventory.models import Departure, FareVersion, Seat, Ticket, TravelClass
from travel.common.fields import CodeField
from travel.common.models import Currency

MAX_SEGMENTS = 63


class Reservation(models.Model):
    """
    What one holder booked together, in one currency.

    Held until `hold_until`, then free without anybody's doing; paid, cancelled and expired are
    final but for a late capture. A holder is a user, or a guest who has the secret link and whose
    contact is here.
    """

    class State(models.TextChoices):
        HELD = "held", _("Reserved")
        PAID = "paid", _("Paid")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    locator = CodeField(max_length=6, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reservations",
        db_index=False,
    )
    guest_digest = CodeField(max_length=64, null=True, blank=True, unique=True)
    contact_email = CodeField(max_length=254, null=True, blank=True)
    contact_phone = CodeField(max_length=32, null=True, blank=True)
    language = CodeField(max_length=12, default="en")
    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    state = CodeField(max_length=10, choices=State.choices, default=State.HELD)
    created_at = models.DateTimeField()
    hold_until = models.DateTimeField()
    extended_at = models.DateTimeField(null=True, blank=True)
    lengthened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["held", "paid", "cancelled", "expired"]),
                name="reservation_state_known",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False)
                | (
                    Q(guest_digest__isnull=False)
                    & (Q(contact_email__isnull=False) | Q(contact_phone__isnull=False))
                ),
                name="reservation_has_a_holder",
            ),
            models.CheckConstraint(
                condition=Q(hold_until__gt=F("created_at")), name="reservation_hold_ends_later"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "created_at"], name="reservation_of_user"),
            models.Index(fields=["state", "hold_until"], name="reservation_due"),
            models.Index(fields=["created_at"], name="reservation_age"),
            models.Index(fields=["contact_email"], name="reservation_email"),
            models.Index(fields=["contact_phone"], name="reservation_phone"),
        ]

    def __str__(self) -> str:
        return self.locator


class Passenger(models.Model):
    """Somebody who travels. An infant sits with the adult it came with."""

    class Kind(models.TextChoices):
        ADULT = "adult", _("Adult")
        YOUNG = "young", _("Young person")
        CHILD = "child", _("Child")
        INFANT = "infant", _("Infant")

    class SeatWish(models.TextChoices):
        NONE = "", _("No wish")
        WINDOW = "window", _("Window")
        AISLE = "aisle", _("Aisle")
        QUIET = "quiet", _("Quiet")
        ACCESSIBLE = "accessible", _("Wheelchair space")

    reservation = models.ForeignKey(
        Reservation, on_delete=models.CASCADE, related_name="passengers", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    kind = CodeField(max_length=8, choices=Kind.choices)
    date_of_birth = models.DateField(null=True, blank=True)
    seat_wish = CodeField(
        max_length=12, choices=SeatWish.choices, blank=True, default=SeatWish.NONE
    )
    accompanied_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="infants"
    )

    class Meta:
        ordering = ["reservation", "position"]
        constraints = [
            models.UniqueConstraint(fields=["reservation", "position"], name="passenger_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["adult", "young", "child", "infant"]),
                name="passenger_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(seat_wish__in=["", "window", "aisle", "quiet", "accessible"]),
                name="passenger_wish_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="infant", accompanied_by__isnull=False)
                | (~Q(kind="infant") & Q(accompanied_by__isnull=True)),
                name="passenger_infant_with_adult",
            ),
            models.CheckConstraint(
                condition=~Q(first_name="") & ~Q(last_name=""), name="passenger_named"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"


class Coupon(models.Model):
    """
    One passenger on one ticket: what is priced, seated, scanned, cancelled and refunded.

    `position` numbers the coupons of a passenger in the order of travel. The price is the sum of
    its lines, copied at sale with the fare version that made them. `barcode` is random, drawn at
    the sale. `issue` counts how often its ticket was issued: each change of seat or name is one
    more, at `reissued_at`, and a barcode of an earlier issue is stale.

    A coupon that is exchanged for one of another departure is cancelled without a refund, goes to
    the end of the passenger's coupons, and names in `exchanged_for` the one that took its place,
    its fare version and its price lines.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        USED = "used", _("Used")
        NO_SHOW = "no_show", _("Not used")
        CANCELLED = "cancelled", _("Cancelled")

    passenger = models.ForeignKey(
        Passenger, on_delete=models.CASCADE, related_name="coupons", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    ticket = models.ForeignKey(
        Ticket, on_delete=models.PROTECT, related_name="coupons", db_index=False
    )
    fare_version = models.ForeignKey(FareVersion, on_delete=models.PROTECT, related_name="+")
    state = CodeField(max_length=10, choices=State.choices, default=State.OPEN)
    barcode = CodeField(max_length=64, unique=True)
    # The engines' own statements leave it to the database.
    issue = models.PositiveSmallIntegerField(default=1, db_default=1)
    reissued_at = models.DateTimeField(null=True, blank=True)
    exchanged_for = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="exchanged_from"
    )

    class Meta:
        ordering = ["passenger", "position"]
        constraints = [
            models.UniqueConstraint(fields=["passenger", "position"], name="coupon_once"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "used", "no_show", "cancelled"]),
                name="coupon_state_known",
            ),
            models.CheckConstraint(
                condition=Q(exchanged_for__isnull=True) | Q(state="cancelled"),
                name="coupon_exchanged_is_over",
            ),
        ]
        # The state as well, so that the numbers tell who came without reading coupons.
        indexes = [models.Index(fields=["ticket", "state"], name="coupon_of_ticket")]

    def __str__(self) -> str:
        return f"Coupon {self.pk}"


class PriceLine(models.Model):
    """
    A line of a coupon's price, copied at sale and never changed.

    It goes along when its coupon is exchanged, so that it always belongs to one and counts once.
    Discounts are negative. Tax stands beside the fare it is taken out of, so that the lines sum to
    the price.
    """

    class Kind(models.TextChoices):
        FARE = "fare", _("Fare")
        TAX = "tax", _("Tax")
        FEE = "fee", _("Fee")
        DISCOUNT = "discount", _("Discount")

    coupon = models.ForeignKey(
        Coupon, on_delete=models.CASCADE, related_name="price_lines", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    kind = CodeField(max_length=10, choices=Kind.choices)
    label = models.CharField(max_length=120)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ["coupon", "position"]
        constraints = [
            models.UniqueConstraint(fields=["coupon", "position"], name="price_line_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["fare", "tax", "fee", "discount"]),
                name="price_line_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="discount", amount_minor__lte=0)
                | (~Q(kind="discount") & Q(amount_minor__gte=0)),
                name="price_line_sign",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor}"


class SeatStock(models.Model):
    """
    A seat of a departure and which of its segments are taken, as bits 0 to 62.

    Laid out from the seat map at the departure's first claim. The bits are the union of the claims;
    whoever sets some does so in a statement that also says they were clear.
    """

    departure = models.ForeignKey(
        Departure, on_delete=models.PROTECT, related_name="seat_stock", db_index=False
    )
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="stock")
    travel_class = CodeField(max_length=10, choices=TravelClass.choices)
    taken = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "seat stock"
        ordering = ["departure", "id"]
        constraints = [
            models.UniqueConstraint(fields=["departure", "seat"], name="seat_stock_once"),
            models.CheckConstraint(condition=Q(taken__gte=0), name="seat_stock_63_bits"),
            models.CheckConstraint(
                condition=Q(travel_class__in=TravelClass.values), name="seat_stock_class_known"
            ),
        ]
        indexes = [
            # In the order in which seats are offered, so that a search ends at the first free one.
            models.Index(
                fields=["departure", "travel_class", "id", "taken"], name="seat_stock_order"
            ),
        ]

    def __str__(self) -> str:
        return f"Seat {self.seat_id} of departure {self.departure_id}"


class Claim(models.Model):
    """
    A coupon's right to a seat from its first to its last segment, both counted in.

    A coupon has several when the seat changes on the way. Deleted on release; the reservation's
    events remember it.
    """

    coupon = models.ForeignKey(
        Coupon, on_delete=models.PROTECT, related_name="claims", db_index=False
    )
    stock = models.ForeignKey(SeatStock, on_delete=models.PROTECT, related_name="claims")
    first_segment = models.PositiveSmallIntegerField()
    last_segment = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["coupon", "first_segment"]
        constraints = [
            models.UniqueConstraint(fields=["coupon", "first_segment"], name="claim_once"),
            models.UniqueConstraint(fields=["stock", "first_segment"], name="claim_start_once"),
            models.UniqueConstraint(fields=["stock", "last_segment"], name="claim_end_once"),
            models.CheckConstraint(
                condition=Q(first_segment__gte=0)
                & Q(last_segment__gte=F("first_segment"))
                & Q(last_segment__lt=MAX_SEGMENTS),
                name="claim_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"Claim {self.first_segment}-{self.last_segment} on {self.stock_id}"


class SeatBlock(models.Model):
    """
    A seat that the desk keeps back from its first to its last segment, both counted in.

    It is a claim of nobody's: its bits are set in the stock as a claim's are, so that every engine
    and every count of seats takes it for taken. Deleted when the desk gives the seat back.
    """

    stock = models.ForeignKey(SeatStock, on_delete=models.PROTECT, related_name="blocks")
    first_segment = models.PositiveSmallIntegerField()
    last_segment = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["stock", "first_segment"]
        constraints = [
            models.UniqueConstraint(fields=["stock", "first_segment"], name="seat_block_start"),
            models.UniqueConstraint(fields=["stock", "last_segment"], name="seat_block_end"),
            models.CheckConstraint(
                condition=Q(first_segment__gte=0)
                & Q(last_segment__gte=F("first_segment"))
                & Q(last_segment__lt=MAX_SEGMENTS),
                name="seat_block_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"Block {self.first_segment}-{self.last_segment} on {self.stock_id}"


class Unseated(models.Model):
    """
    A coupon whose seat was taken from it, by another vehicle or a blocked seat.

    It waits for the departures desk while it is open and without a claim; `had` is the seat it had.
    Nobody is dropped: an open coupon of a live reservation has its claims, or stands here.
    """

    class Cause(models.TextChoices):
        VEHICLE = "vehicle", _("Another vehicle")
        BLOCK = "block", _("The seat was blocked")

    coupon = models.OneToOneField(Coupon, on_delete=models.PROTECT, related_name="unseated")
    departure = models.ForeignKey(
        Departure, on_delete=models.PROTECT, related_name="unseated", db_index=False
    )
    cause = CodeField(max_length=8, choices=Cause.choices)
    had = models.CharField(max_length=40, blank=True, default="")
    since = models.DateTimeField()

    class Meta:
        ordering = ["since", "id"]
        verbose_name_plural = "unseated"
        constraints = [
            models.CheckConstraint(
                condition=Q(cause__in=["vehicle", "block"]), name="unseated_cause_known"
            ),
        ]
        indexes = [models.Index(fields=["departure", "since"], name="unseated_queue")]

    def __str__(self) -> str:
        return f"Coupon {self.coupon_id} has no seat"


class Scan(models.Model):
    """
    A ticket shown at a door, or the taking back of that. Written once and never changed.

    `client_id` is drawn by the device, so that sending a scan again is harmless. `at` is when it
    happened, by the device's clock set right by the office's; `received_at` is when the office
    heard of it, later when the device was offline. `let_in` says whether the device let the
    traveller on board, `outcome` what the office found (a word of bookings.verdicts).

    A coupon counts as used from the first of its scans by time that let somebody in and was not
    taken back; another one that let somebody in with it is a conflict. `stop` is the position of
    the call where the door was, `coach` where in the vehicle. `coupon` is empty for what is no
    ticket of the office; `undoes` is the scan that this one takes back.
    """

    class How(models.TextChoices):
        CAMERA = "camera", _("Camera")
        TYPED = "typed", _("Typed")
        LIST = "list", _("From the list")

    departure = models.ForeignKey(
        Departure, on_delete=models.PROTECT, related_name="scans", db_index=False
    )
    coupon = models.ForeignKey(
        Coupon,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="scans",
        db_index=False,
    )
    device = CodeField(max_length=36)
    client_id = CodeField(max_length=40)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    outcome = CodeField(max_length=20)
    let_in = models.BooleanField(default=False)
    insisted = models.BooleanField(default=False)
    how = CodeField(max_length=8, choices=How.choices)
    stop = models.PositiveSmallIntegerField()
    coach = models.CharField(max_length=20, blank=True, default="")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["departure", "client_id"], name="scan_once"),
            models.CheckConstraint(
                condition=~Q(outcome="") & ~Q(device="") & ~Q(client_id=""), name="scan_named"
            ),
            models.CheckConstraint(
                condition=Q(how__in=["camera", "typed", "list"]), name="scan_how_known"
            ),
            models.CheckConstraint(
                condition=Q(let_in=False) | Q(coupon__isnull=False), name="scan_lets_a_coupon_in"
            ),
            models.CheckConstraint(
                condition=Q(undoes__isnull=True) | Q(let_in=False), name="scan_undoes_or_lets_in"
            ),
        ]
        indexes = [
            models.Index(fields=["departure", "at"], name="scan_of_departure"),
            models.Index(fields=["coupon", "at"], name="scan_of_coupon"),
        ]

    def __str__(self) -> str:
        return f"Scan {self.pk}"


class ManifestCopy(models.Model):
    """
    Somebody took the passenger list of a departure along: who, when, how, and of how many people.

    A device deletes its copy at `expires_at`; a file has no such end.
    """

    class Kind(models.TextChoices):
        DEVICE = "device", _("On a device")
        CSV = "csv", _("As a file")

    departure = models.ForeignKey(
        Departure, on_delete=models.PROTECT, related_name="manifest_copies", db_index=False
    )
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = CodeField(max_length=8, choices=Kind.choices)
    device = CodeField(max_length=36, blank=True, default="")
    at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    people = models.PositiveIntegerField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "manifest copies"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["device", "csv"]), name="manifest_copy_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(kind="csv") | Q(expires_at__isnull=False),
                name="manifest_copy_ends_on_devices",
            ),
        ]
        indexes = [models.Index(fields=["departure", "at"], name="manifest_copy_of_departure")]

    def __str__(self) -> str:
        return f"List of departure {self.departure_id} ({self.kind})"


class ReservationEvent(models.Model):
    """A move of a reservation's state or something else that happened to it, by either engine."""

    class Kind(models.TextChoices):
        RESERVED = "reserved", _("Seats reserved")
        EXTENDED = "extended", _("Hold extended")
        PAYING = "paying", _("Payment started")
        PAYMENT_FAILED = "payment_failed", _("Payment failed")
        PAID = "paid", _("Paid")
        CANCELLED = "cancelled", _("Cancelled")
        PART_CANCELLED = "part_cancelled", _("Cancelled in part")
        RELEASED = "released", _("Hold released")
        EXPIRED = "expired", _("Hold expired")
        RECLAIMED = "reclaimed", _("Seats taken again")
        REFUND_APPROVED = "refund_approved", _("Refund approved")
        REFUND_REJECTED = "refund_rejected", _("Refund rejected")
        REFUNDED = "refunded", _("Refunded")
        SEATS_CHANGED = "seats_changed", _("Seats changed")
        NAME_CORRECTED = "name_corrected", _("Name corrected")
        DELAYED = "delayed", _("Times changed")
        CALLED_OFF = "called_off", _("Cancelled by the carrier")
        REBOOKED = "rebooked", _("Rebooked")
        BOARDED = "boarded", _("On board")
        BOARDING_UNDONE = "boarding_undone", _("Boarding taken back")
        NO_SHOW = "no_show", _("Did not travel")
        REOPENED = "reopened", _("Ticket opened again")
        SENT_AGAIN = "sent_again", _("Sent again")
        CONTACT_CORRECTED = "contact_corrected", _("Contact corrected")

    class Actor(models.TextChoices):
        HOLDER = "holder", _("Traveller")
        STAFF = "staff", _("Staff")
        SYSTEM = "system", _("Office")

    reservation = models.ForeignKey(
        Reservation, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    at = models.DateTimeField()
    kind = CodeField(max_length=20, choices=Kind.choices)
    from_state = CodeField(max_length=10, default="")
    to_state = CodeField(max_length=10)
    actor_kind = CodeField(max_length=8, choices=Actor.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, default="")
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["reservation", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(actor_kind__in=["holder", "staff", "system"]),
                name="reservation_event_actor_known",
            ),
            models.CheckConstraint(
                condition=Q(from_state__in=["", "held", "paid", "cancelled", "expired"])
                & Q(to_state__in=["held", "paid", "cancelled", "expired"]),
                name="reservation_event_states",
            ),
        ]
        indexes = [
            models.Index(fields=["reservation", "id"], name="reservation_event_story"),
            models.Index(fields=["kind", "at"], name="reservation_event_trend"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d %H:%M}"
