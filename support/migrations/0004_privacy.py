import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('support', '0003_numbers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='erasure', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('erased_at', models.DateTimeField()),
                ('reservations', models.PositiveIntegerField()),
            ],
            options={
                'ordering': ['-erased_at', '-user'],
            },
        ),
        migrations.CreateModel(
            name='DataExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField()),
                ('ready_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('content', models.BinaryField(blank=True, null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='exports', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-asked_at', '-id'],
                'indexes': [models.Index(fields=['user', 'asked_at'], name='data_export_of_user'), models.Index(fields=['expires_at'], name='data_export_term')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('content__isnull', True), ('expires_at__isnull', True), ('ready_at__isnull', True)), models.Q(('content__isnull', False), ('expires_at__isnull', False), ('ready_at__isnull', False)), _connector='OR'), name='data_export_ready_whole')],
            },
        ),
    ]
