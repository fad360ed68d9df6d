from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts.rights import ensure_roles, give_rights

        post_migrate.connect(ensure_roles, sender=self, dispatch_uid="roles")
        # For every app, after Django's own receiver has made the app's permissions: that one was
        # connected before, for django.contrib.auth stands above this app.
        post_migrate.connect(give_rights, dispatch_uid="rights")
