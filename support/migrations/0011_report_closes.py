from datetime import timedelta

import django.db.models.deletion
import travel.common.fields
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

# After so long without a word an answered report was closed on the day this was written.
CLOSES_AFTER = timedelta(days=14)


def say_when_they_close(apps, schema_editor):
    """Write down when each answered report that nobody waits at closes: so long after its last word."""
    Report = apps.get_model('support', 'Report')
    ReportMessage = apps.get_model('support', 'ReportMessage')
    thread = ReportMessage.objects.filter(report=OuterRef('pk'), event='').order_by('-id')
    last = Coalesce(Subquery(thread.values('created_at')[:1]), F('created_at'))
    Report.objects.filter(state='Reviewed', due_at__isnull=True).update(closes_at=last + CLOSES_AFTER)


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0012_coupon_of_ticket'),
        ('inventory', '0004_patterns_and_uploads'),
        ('support', '0010_serving_term'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='report',
            name='closes_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='reportmessage',
            name='author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='reportmessage',
            name='event',
            field=travel.common.fields.CodeField(blank=True, choices=[('moved', 'Moved'), ('taken', 'Taken'), ('given', 'Given to a colleague'), ('returned', 'Given back'), ('filed', 'Filed elsewhere'), ('merged', 'Merged into another one'), ('joined', 'Another one merged into it'), ('parted', 'Taken out again'), ('lapsed', 'Closed by itself')], db_default='', default='', max_length=8),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['closes_at', 'id'], name='report_closes'),
        ),
        migrations.RunPython(say_when_they_close, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closes_at__isnull', False), ('due_at__isnull', True), ('state', 'Reviewed')), models.Q(('closes_at__isnull', True), models.Q(models.Q(('state', 'Reviewed'), _negated=True), ('due_at__isnull', False), _connector='OR')), _connector='OR'), name='report_closes_while_answered'),
        ),
        migrations.AddConstraint(
            model_name='reportmessage',
            constraint=models.CheckConstraint(condition=models.Q(('author__isnull', False), ('event', 'lapsed'), _connector='OR'), name='report_message_has_author'),
        ),
    ]
