"""The job runner. A message only says "look now"; what is due stands in tables."""

import os

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")

app = Celery("travel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
def check_before_work(**kwargs: object) -> None:
    """Refuse to work with wrong settings or a wrong database: no command has checked them."""
    from travel.checks import refuse_a_wrong_start

    refuse_a_wrong_start()
