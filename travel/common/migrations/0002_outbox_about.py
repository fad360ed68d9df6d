"""What a message tells of, so that its story can be told whole."""

from django.db import migrations, models
import travel.common.fields


class Migration(migrations.Migration):

    dependencies = [("common", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="outboxmessage",
            name="about",
            field=travel.common.fields.CodeField(default="", max_length=40),
        ),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(fields=["about", "id"], name="outbox_about"),
        ),
    ]
