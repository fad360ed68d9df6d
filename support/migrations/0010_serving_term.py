from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q


def give_a_term(apps, schema_editor):
    """What was written before gets the term of this office."""
    rows = apps.get_model("support", "Serving").objects.filter(kept_until=None)
    rows.update(kept_until=F("ends_at") + settings.SERVING_LOG_KEPT)


class Migration(migrations.Migration):
    """The log of whom staff served has an end."""

    dependencies = [("support", "0009_tickets_by_city")]

    operations = [
        migrations.AddField("serving", "kept_until", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(give_a_term, migrations.RunPython.noop),
        migrations.AddConstraint(
            "serving",
            models.CheckConstraint(
                condition=Q(kept_until__isnull=True) | Q(kept_until__gte=F("ends_at")),
                name="serving_kept_beyond",
            ),
        ),
        migrations.AddIndex("serving", models.Index(fields=["kept_until"], name="serving_term")),
    ]
