import travel.common.fields
from django.db import migrations

KINDS = [
    ("reserved", "Seats reserved"),
    ("extended", "Hold extended"),
    ("paying", "Payment started"),
    ("payment_failed", "Payment failed"),
    ("paid", "Paid"),
    ("cancelled", "Cancelled"),
    ("part_cancelled", "Cancelled in part"),
    ("released", "Hold released"),
    ("expired", "Hold expired"),
    ("reclaimed", "Seats taken again"),
    ("refund_approved", "Refund approved"),
    ("refund_rejected", "Refund rejected"),
    ("refunded", "Refunded"),
    ("seats_changed", "Seats changed"),
    ("name_corrected", "Name corrected"),
    ("delayed", "Times changed"),
    ("called_off", "Cancelled by the carrier"),
    ("rebooked", "Rebooked"),
    ("boarded", "On board"),
    ("boarding_undone", "Boarding taken back"),
    ("no_show", "Did not travel"),
    ("reopened", "Ticket opened again"),
    ("sent_again", "Sent again"),
    ("contact_corrected", "Contact corrected"),
]


class Migration(migrations.Migration):
    """A kind of event: the contact of a reservation was corrected."""

    dependencies = [("bookings", "0012_coupon_of_ticket")]

    operations = [
        migrations.AlterField(
            model_name="reservationevent",
            name="kind",
            field=travel.common.fields.CodeField(choices=KINDS, max_length=20),
        ),
    ]
