from django.db import migrations

from travel.common import procedures


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0004_privacy"),
        ("payments", "0005_rejected_minor"),
    ]

    operations = [
        procedures.installed_by(
            "support",
            "tickets_of_contact_1",
            "cancellers_of_city_1",
            "tickets_by_city_1",
            "tickets_by_phrase_1",
            "users_of_same_city_1",
            "top_users_1",
            "tickets_by_mode_1",
            "top_reporters_1",
        ),
    ]
