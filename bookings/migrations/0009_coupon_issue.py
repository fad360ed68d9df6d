"""How often a coupon's ticket was issued, so that an older barcode of it is told apart."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("bookings", "0007_exchanged_coupons"),
        ("bookings", "0008_blocks_and_unseated"),
    ]

    operations = [
        migrations.AddField(
            model_name="coupon",
            name="issue",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="coupon",
            name="reissued_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
