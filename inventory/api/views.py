"""Cities with their stations, for autocompletion."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from inventory import places
from travel.api.fields import SafeTextField, Serializer
from travel.api.views import ApiView


class StationSerializer(Serializer):
    """A station of a city."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["airport", "railStation", "coachStop"])


class Cities(ApiView):
    """List the cities that are served, or those that a text may mean, best first."""

    permission_classes = (AllowAny,)
    paginated = True
    tags = ("tickets",)
    throttle_scope = "search"

    class Query(Serializer):
        q = SafeTextField(
            required=False,
            allow_blank=True,
            max_length=120,
            help_text="A name in any language or a code; one slip of the finger is forgiven.",
        )

    class Output(Serializer):
        name = serializers.CharField()
        country = serializers.CharField(help_text="ISO 3166-1 alpha-2.")
        stations = StationSerializer(many=True)

    def get(self, request: Request) -> Response:
        found = places.cities_like(self.query().get("q", ""))
        page = self.page
        return self.answer_page(len(found), found[page.offset : page.offset + page.limit])
