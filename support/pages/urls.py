"""Where the pages of the top storey live."""

from django.urls import path

from support.pages import outbox

urlpatterns = [path("outbox/", outbox.messages, name="outbox")]
