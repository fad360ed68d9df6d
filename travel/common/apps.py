from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "travel.common"
    label = "common"
    verbose_name = "Office"
