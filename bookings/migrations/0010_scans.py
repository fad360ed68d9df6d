"""What is shown at doors, who took a passenger list along, and what both may do to a reservation."""

import django.db.models.deletion
import travel.common.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("bookings", "0009_coupon_issue"),
        ("inventory", "0003_departure_revision"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Scan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("device", travel.common.fields.CodeField(max_length=36)),
                ("client_id", travel.common.fields.CodeField(max_length=40)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("outcome", travel.common.fields.CodeField(max_length=20)),
                ("let_in", models.BooleanField(default=False)),
                ("insisted", models.BooleanField(default=False)),
                ("how", travel.common.fields.CodeField(choices=[("camera", "Camera"), ("typed", "Typed"), ("list", "From the list")], max_length=8)),
                ("stop", models.PositiveSmallIntegerField()),
                ("coach", models.CharField(blank=True, default="", max_length=20)),
                ("coupon", models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="scans", to="bookings.coupon")),
                ("departure", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="scans", to="inventory.departure")),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("undoes", models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="undone_by", to="bookings.scan")),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["departure", "at"], name="scan_of_departure"),
                    models.Index(fields=["coupon", "at"], name="scan_of_coupon"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("departure", "client_id"), name="scan_once"),
                    models.CheckConstraint(condition=models.Q(models.Q(("outcome", ""), _negated=True), models.Q(("device", ""), _negated=True), models.Q(("client_id", ""), _negated=True)), name="scan_named"),
                    models.CheckConstraint(condition=models.Q(("how__in", ["camera", "typed", "list"])), name="scan_how_known"),
                    models.CheckConstraint(condition=models.Q(("let_in", False), ("coupon__isnull", False), _connector="OR"), name="scan_lets_a_coupon_in"),
                    models.CheckConstraint(condition=models.Q(("undoes__isnull", True), ("let_in", False), _connector="OR"), name="scan_undoes_or_lets_in"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ManifestCopy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", travel.common.fields.CodeField(choices=[("device", "On a device"), ("csv", "As a file")], max_length=8)),
                ("device", travel.common.fields.CodeField(blank=True, default="", max_length=36)),
                ("at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("people", models.PositiveIntegerField()),
                ("departure", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="manifest_copies", to="inventory.departure")),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name_plural": "manifest copies",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["departure", "at"], name="manifest_copy_of_departure")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", ["device", "csv"])), name="manifest_copy_kind_known"),
                    models.CheckConstraint(condition=models.Q(("kind", "csv"), ("expires_at__isnull", False), _connector="OR"), name="manifest_copy_ends_on_devices"),
                ],
            },
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
                    ("boarded", "On board"),
                    ("boarding_undone", "Boarding taken back"),
                    ("no_show", "Did not travel"),
                    ("reopened", "Ticket opened again"),
                ],
                max_length=20,
            ),
        ),
    ]
