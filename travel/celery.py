"""The job runner. A message only says "look now"; what is due stands in tables."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")

app = Celery("travel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
