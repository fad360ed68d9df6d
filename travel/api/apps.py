from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "travel.api"
    label = "api"
