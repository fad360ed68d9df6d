"""What staff do, with from where and why; what the admin logged until now is taken over."""

from django.conf import settings
from django.db import migrations, models
import django.db.models.deletion
import travel.common.fields

KINDS = {1: "added", 2: "changed", 3: "deleted"}
AT_ONCE = 1_000


def take_over(apps, schema_editor):
    using = schema_editor.connection.alias
    Act = apps.get_model("common", "Act")
    entries = apps.get_model("admin", "LogEntry").objects.using(using).order_by("pk")
    rows = entries.values_list(
        "pk",
        "action_time",
        "user_id",
        "action_flag",
        "content_type__app_label",
        "content_type__model",
        "object_id",
    )
    last = 0
    while some := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        last = some[-1][0]
        Act.objects.using(using).bulk_create(
            Act(
                entry_id=pk,
                at=at,
                actor_id=user_id,
                kind=KINDS.get(flag, "changed"),
                about=f"{app}.{model}:{object_id}"[:120] if app and object_id else "",
            )
            for pk, at, user_id, flag, app, model, object_id in some
        )


class Migration(migrations.Migration):

    dependencies = [
        ("common", "0002_outbox_about"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Act",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="act",
                        serialize=False,
                        to="admin.logentry",
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    travel.common.fields.CodeField(
                        choices=[
                            ("added", "Added"),
                            ("changed", "Changed"),
                            ("deleted", "Deleted"),
                            ("exported", "Took a file"),
                            ("looked", "Looked"),
                        ],
                        max_length=10,
                    ),
                ),
                ("about", travel.common.fields.CodeField(default="", max_length=120)),
                ("address", travel.common.fields.CodeField(default="", max_length=45)),
                ("reason", models.CharField(default="", max_length=300)),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "act of staff",
                "verbose_name_plural": "acts of staff",
            },
        ),
        migrations.AddIndex(
            model_name="act",
            index=models.Index(fields=["actor", "entry"], name="act_actor"),
        ),
        migrations.AddIndex(
            model_name="act",
            index=models.Index(fields=["about", "entry"], name="act_about"),
        ),
        migrations.AddIndex(
            model_name="act",
            index=models.Index(fields=["at"], name="act_at"),
        ),
        migrations.AddConstraint(
            model_name="act",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["added", "changed", "deleted", "exported", "looked"])
                ),
                name="act_kind_known",
            ),
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop, elidable=True),
    ]
