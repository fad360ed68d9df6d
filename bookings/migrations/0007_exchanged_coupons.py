"""Coupons that are exchanged for others, and what else may happen to a reservation."""

from django.db import migrations, models
import django.db.models.deletion
import travel.common.fields


class Migration(migrations.Migration):

    dependencies = [("bookings", "0006_reservation_phone")]

    operations = [
        migrations.AddField(
            model_name="coupon",
            name="exchanged_for",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="exchanged_from",
                to="bookings.coupon",
            ),
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.CheckConstraint(
                condition=models.Q(("exchanged_for__isnull", True), ("state", "cancelled"), _connector="OR"),
                name="coupon_exchanged_is_over",
            ),
        ),
        migrations.AlterField(
            model_name="reservationevent",
            name="kind",
            field=travel.common.fields.CodeField(
                choices=[
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
                ],
                max_length=20,
            ),
        ),
    ]
