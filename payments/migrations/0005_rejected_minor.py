from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_cancel_and_refund"),
    ]

    operations = [
        migrations.AddField(
            model_name="cancelledcoupon",
            name="rejected_minor",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
