import django.db.models.deletion
import travel.common.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='MessageChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', travel.common.fields.CodeField(choices=[('journey', 'Delays of your trips'), ('answers', 'Answers to your reports')], max_length=10)),
                ('email', models.BooleanField()),
                ('sms', models.BooleanField()),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='message_choices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['user', 'topic'],
                'constraints': [models.UniqueConstraint(fields=('user', 'topic'), name='message_choice_once'), models.CheckConstraint(condition=models.Q(('topic__in', ['journey', 'answers'])), name='message_choice_topic_known')],
            },
        ),
    ]
