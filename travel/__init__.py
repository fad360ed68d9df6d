"""The project package: common ground below the apps, and the roof that mounts their doors."""

from travel.celery import app as celery_app

__all__ = ["celery_app"]
