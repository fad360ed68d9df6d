from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CommonConfig(AppConfig):
    name = "travel.common"
    label = "common"
    verbose_name = "Office"

    def ready(self) -> None:
        from travel.common.reference import ensure_currencies

        post_migrate.connect(ensure_currencies, sender=self, dispatch_uid="currencies")
