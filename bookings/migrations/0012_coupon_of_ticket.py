import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The coupons of a ticket are found together with their states; one index for another."""

    dependencies = [
        ("bookings", "0011_sent_again"),
        ("inventory", "0002_fare_quota"),
    ]

    operations = [
        # Added before the other goes: MySQL wants one for the foreign key all the time.
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(fields=["ticket", "state"], name="coupon_of_ticket"),
        ),
        migrations.AlterField(
            model_name="coupon",
            name="ticket",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="coupons",
                to="inventory.ticket",
            ),
        ),
    ]
