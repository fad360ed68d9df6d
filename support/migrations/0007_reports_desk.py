from datetime import timedelta

import django.db.models.deletion
import simple_history.models
import travel.common.fields
from django.conf import settings
from django.db import migrations, models

# So long staff had for an answer on the day this was written.
ANSWER_WITHIN = {
    'Payment Issue': timedelta(days=2),
    'Travel Delay': timedelta(days=2),
    'Unexpected Cancellation': timedelta(days=1),
    'Seat Or Equipment': timedelta(days=2),
    'Accessibility': timedelta(hours=4),
    'Other': timedelta(days=3),
}


def say_what_is_owed(apps, schema_editor):
    """
    Write down since when the passenger of each open report waits, and until when for an answer.

    That is from the first of the passenger's messages which no answer follows.
    """
    Report = apps.get_model('support', 'Report')
    ReportMessage = apps.get_model('support', 'ReportMessage')
    for row in Report.objects.exclude(state='Closed').order_by('id').iterator():
        thread = ReportMessage.objects.filter(report=row, is_internal=False).order_by('id')
        answered = thread.filter(is_from_staff=True).values_list('id', flat=True).last() or 0
        since = thread.filter(id__gt=answered).values_list('created_at', flat=True).first()
        if since is not None:
            row.waiting_since, row.due_at = since, since + ANSWER_WITHIN[row.category]
            row.save(update_fields=['waiting_since', 'due_at'])


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0011_sent_again'),
        ('inventory', '0004_patterns_and_uploads'),
        ('support', '0006_serving'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CannedReply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=80, verbose_name='title')),
                ('category', travel.common.fields.CodeField(blank=True, choices=[('Payment Issue', 'Payment'), ('Travel Delay', 'Delay'), ('Unexpected Cancellation', 'Unexpected cancellation'), ('Seat Or Equipment', 'Seat or equipment'), ('Accessibility', 'Accessibility'), ('Other', 'Something else')], default='', max_length=30, verbose_name='category')),
                ('language', travel.common.fields.CodeField(default='en', max_length=12, verbose_name='language')),
                ('body', models.TextField(max_length=4000, verbose_name='text')),
            ],
            options={
                'verbose_name': 'canned reply',
                'verbose_name_plural': 'canned replies',
                'ordering': ['title', 'language', 'id'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalCannedReply',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('title', models.CharField(max_length=80, verbose_name='title')),
                ('category', travel.common.fields.CodeField(blank=True, choices=[('Payment Issue', 'Payment'), ('Travel Delay', 'Delay'), ('Unexpected Cancellation', 'Unexpected cancellation'), ('Seat Or Equipment', 'Seat or equipment'), ('Accessibility', 'Accessibility'), ('Other', 'Something else')], default='', max_length=30, verbose_name='category')),
                ('language', travel.common.fields.CodeField(default='en', max_length=12, verbose_name='language')),
                ('body', models.TextField(max_length=4000, verbose_name='text')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical canned reply',
                'verbose_name_plural': 'historical canned replies',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RemoveIndex(
            model_name='report',
            name='report_queue',
        ),
        migrations.AddField(
            model_name='report',
            name='due_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='merged_into',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='support.report'),
        ),
        migrations.AddField(
            model_name='report',
            name='waiting_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='reportmessage',
            name='event',
            field=travel.common.fields.CodeField(blank=True, choices=[('moved', 'Moved'), ('taken', 'Taken'), ('given', 'Given to a colleague'), ('returned', 'Given back'), ('filed', 'Filed elsewhere'), ('merged', 'Merged into another one'), ('joined', 'Another one merged into it'), ('parted', 'Taken out again')], db_default='', default='', max_length=8),
        ),
        migrations.AddField(
            model_name='reportmessage',
            name='once',
            field=travel.common.fields.CodeField(blank=True, max_length=64, null=True, unique=True),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['due_at', 'id'], name='report_due'),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['assigned_to', 'due_at', 'id'], name='report_due_of_one'),
        ),
        # MySQL keeps an index for every foreign key: this one may go, now that the one above is there.
        migrations.AlterField(
            model_name='report',
            name='assigned_to',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['state', 'id'], name='report_state'),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['state', 'category', 'id'], name='report_queue'),
        ),
        migrations.RunPython(say_what_is_owed, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at__isnull', True), ('waiting_since__isnull', True)), models.Q(('due_at__isnull', False), ('waiting_since__isnull', False)), _connector='OR'), name='report_due_while_waiting'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(('due_at__isnull', True), models.Q(('state', 'Closed'), _negated=True), _connector='OR'), name='report_closed_owes_nothing'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), ('state', 'Closed'), _connector='OR'), name='report_merged_is_closed'),
        ),
        migrations.AddConstraint(
            model_name='reportmessage',
            constraint=models.CheckConstraint(condition=models.Q(('event', ''), ('is_internal', True), _connector='OR'), name='report_message_event_is_internal'),
        ),
        migrations.AddIndex(
            model_name='cannedreply',
            index=models.Index(fields=['category'], name='canned_reply_category'),
        ),
        migrations.AddConstraint(
            model_name='cannedreply',
            constraint=models.UniqueConstraint(fields=('language', 'title'), name='canned_reply_title'),
        ),
        migrations.AddField(
            model_name='historicalcannedreply',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
    ]
