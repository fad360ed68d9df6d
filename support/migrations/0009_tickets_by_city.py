from django.db import migrations

from travel.common import procedures


class Migration(migrations.Migration):
    """Tickets by city: a row is read in full for those alone that are answered."""

    dependencies = [("support", "0008_numbers_kept")]

    operations = [procedures.installed_by("support", "tickets_by_city_2")]
