import django.db.models.deletion
import travel.common.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0011_sent_again'),
        ('support', '0005_lookups'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Serving',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', travel.common.fields.CodeField(choices=[('look', 'Look as the customer'), ('book', 'Book by phone')], max_length=4)),
                ('guest_email', travel.common.fields.CodeField(blank=True, max_length=254, null=True)),
                ('guest_phone', travel.common.fields.CodeField(blank=True, max_length=32, null=True)),
                ('language', travel.common.fields.CodeField(default='en', max_length=12)),
                ('reason', models.CharField(max_length=300)),
                ('address', travel.common.fields.CodeField(max_length=45)),
                ('digest', travel.common.fields.CodeField(max_length=64, unique=True)),
                ('began_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_because', travel.common.fields.CodeField(blank=True, choices=[('stopped', 'Stopped'), ('signed_out', 'Signed out'), ('replaced', 'Another one was begun'), ('refused', 'Not allowed any more')], default='', max_length=10)),
                ('reservation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bookings.reservation')),
                ('staff', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('traveller', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'look or booking by phone',
                'verbose_name_plural': 'looks and bookings by phone',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ServingEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('what', travel.common.fields.CodeField(max_length=60)),
                ('method', travel.common.fields.CodeField(blank=True, default='', max_length=8)),
                ('is_refused', models.BooleanField(default=False)),
                ('reservation', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='bookings.reservation')),
                ('serving', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='support.serving')),
            ],
            options={
                'verbose_name': 'page opened while serving',
                'verbose_name_plural': 'pages opened while serving',
                'ordering': ['serving', 'id'],
            },
        ),
        migrations.AddIndex(
            model_name='serving',
            index=models.Index(fields=['staff', 'began_at'], name='serving_by_staff'),
        ),
        migrations.AddIndex(
            model_name='serving',
            index=models.Index(fields=['traveller', 'began_at'], name='serving_of_traveller'),
        ),
        migrations.AddIndex(
            model_name='serving',
            index=models.Index(fields=['guest_email'], name='serving_email'),
        ),
        migrations.AddIndex(
            model_name='serving',
            index=models.Index(fields=['guest_phone'], name='serving_phone'),
        ),
        migrations.AddConstraint(
            model_name='serving',
            constraint=models.CheckConstraint(condition=models.Q(('purpose__in', ['look', 'book'])), name='serving_purpose_known'),
        ),
        migrations.AddConstraint(
            model_name='serving',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('guest_email__isnull', True), ('guest_phone__isnull', True), ('reservation__isnull', True), ('traveller__isnull', False)), models.Q(('guest_email__isnull', True), ('guest_phone__isnull', True), ('reservation__isnull', False), ('traveller__isnull', True)), models.Q(('purpose', 'book'), ('reservation__isnull', True), ('traveller__isnull', True), models.Q(('guest_email__isnull', False), ('guest_phone__isnull', False), _connector='OR')), _connector='OR'), name='serving_of_one'),
        ),
        migrations.AddConstraint(
            model_name='serving',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='serving_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='serving',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('began_at'))), name='serving_ends_later'),
        ),
        migrations.AddConstraint(
            model_name='serving',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_because', '')), models.Q(('ended_at__isnull', False), ('ended_because__in', ['stopped', 'signed_out', 'replaced', 'refused'])), _connector='OR'), name='serving_ended_why'),
        ),
        migrations.AddIndex(
            model_name='servingentry',
            index=models.Index(fields=['serving', 'id'], name='serving_entry_story'),
        ),
        migrations.AddIndex(
            model_name='servingentry',
            index=models.Index(fields=['reservation', 'at'], name='serving_entry_about'),
        ),
        migrations.AddConstraint(
            model_name='servingentry',
            constraint=models.CheckConstraint(condition=models.Q(('what', ''), _negated=True), name='serving_entry_named'),
        ),
    ]
