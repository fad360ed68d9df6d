"""The ASGI entry point of the web process."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "travel.settings")

application = get_asgi_application()

# No command has checked the settings and the database for this process.
from travel.checks import refuse_a_wrong_start  # noqa: E402

refuse_a_wrong_start()
