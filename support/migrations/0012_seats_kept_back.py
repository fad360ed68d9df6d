import travel.common.fields
from django.db import migrations, models
from django.db.models import Q

KNOWN = ["cancelled", "skipped", "delayed", "platform", "vehicle", "times"]
# What jobs that follow such an act of the desk are for; all were said to be of another vehicle.
CAUSES = {"block": "blocked", "unblock": "seated", "seat": "seated"}


def call_them_what_they_are(apps, schema_editor):
    """Give jobs that came of keeping seats back, or of seating who waited, their own cause."""
    Job = apps.get_model("support", "DisruptionJob")
    Entry = apps.get_model("support", "DeskEntry")
    for act, cause in CAUSES.items():
        begun = Entry.objects.filter(act=act, job__isnull=False).values_list("job_id", flat=True)
        Job.objects.filter(cause="vehicle", id__in=list(begun)).update(cause=cause)


def call_them_other_vehicles(apps, schema_editor):
    """Put back what the older rows were called."""
    Job = apps.get_model("support", "DisruptionJob")
    Job.objects.filter(cause__in=["blocked", "seated"]).update(cause="vehicle")


class Migration(migrations.Migration):
    """Jobs that come of seats kept back are called so."""

    dependencies = [("support", "0011_report_closes")]

    operations = [
        migrations.AlterField(
            "disruptionjob",
            "cause",
            travel.common.fields.CodeField(
                choices=[
                    ("cancelled", "Departure cancelled"),
                    ("skipped", "Call left out"),
                    ("delayed", "Delay"),
                    ("platform", "Other platform"),
                    ("vehicle", "Other vehicle"),
                    ("times", "Other times"),
                    ("blocked", "Seats kept back"),
                    ("seated", "Seats found for those who waited"),
                ],
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint("disruptionjob", "disruption_cause_known"),
        migrations.RunPython(call_them_what_they_are, call_them_other_vehicles),
        migrations.AddConstraint(
            "disruptionjob",
            models.CheckConstraint(
                condition=Q(cause__in=[*KNOWN, "blocked", "seated"]),
                name="disruption_cause_known",
            ),
        ),
    ]
