import django.db.models.deletion
import travel.common.fields
from django.db import migrations, models
from travel.common import procedures


def open_every_day(apps, schema_editor):
    """Days that were closed lack what is kept from now on: they are closed anew."""
    for name in ("DaySales", "DayCustomer", "ClosedDay"):
        apps.get_model("support", name).objects.all().delete()


class Migration(migrations.Migration):
    """What became of holds, day by day; customers in their own order; look-ups of a whole year."""

    dependencies = [
        ("support", "0007_reports_desk"),
        ("bookings", "0012_coupon_of_ticket"),
        ("payments", "0005_rejected_minor"),
    ]

    operations = [
        migrations.RunPython(open_every_day, migrations.RunPython.noop),
        # Added before the others go: MySQL wants one for each foreign key all the time.
        migrations.AddIndex(
            model_name="daycustomer",
            index=models.Index(
                fields=["day", "user", "currency", "mode", "sold", "cancelled", "amount_minor"],
                name="day_customer_of_day",
            ),
        ),
        migrations.AddIndex(
            model_name="daycustomer",
            index=models.Index(
                fields=["user", "currency", "mode", "day", "sold", "cancelled", "amount_minor"],
                name="day_customer_of_user",
            ),
        ),
        migrations.RemoveIndex(model_name="daycustomer", name="day_customer_day"),
        migrations.RemoveIndex(model_name="daycustomer", name="day_customer_user"),
        migrations.CreateModel(
            name="DayHolds",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    travel.common.fields.CodeField(
                        choices=[
                            ("reserved", "Began"),
                            ("paid", "Paid"),
                            ("released", "Given up"),
                            ("expired", "Expired"),
                        ],
                        max_length=20,
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "day",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="support.closedday",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "holds of closed days",
                "ordering": ["-day", "kind"],
                "constraints": [
                    models.UniqueConstraint(fields=("day", "kind"), name="day_holds_once"),
                    models.CheckConstraint(
                        condition=models.Q(("number__gt", 0)), name="day_holds_are_some"
                    ),
                ],
            },
        ),
        procedures.installed_by(
            "support", "tickets_by_phrase_2", "top_users_2", "tickets_by_mode_2"
        ),
    ]
