"""The API's own paths: its schema, its documentation and its words for what went wrong."""

from django.urls import path
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from travel.api.views import Problems

urlpatterns = [
    path(
        "api/schema",
        SpectacularAPIView.as_view(
            renderer_classes=[OpenApiJsonRenderer, OpenApiYamlRenderer], throttle_classes=[]
        ),
        name="schema",
    ),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="schema", template_name="api/docs.html", throttle_classes=[]
        ),
        name="api-docs",
    ),
    path("api/problems", Problems.as_view(), name="problems"),
]
