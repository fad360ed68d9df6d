from django.db import migrations

from travel.common import procedures


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0002_refund_approved"),
        ("accounts", "0001_initial"),
    ]

    operations = [
        procedures.installed_by("bookings", "reserve_1", "confirm_1", "release_1", "expire_1"),
    ]
