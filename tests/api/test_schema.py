"""The schema says what the doors do."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.urls import get_resolver

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(api):
    answer = api.get("/api/schema", HTTP_ACCEPT="application/json")
    assert answer.status_code == 200
    return answer.json()


class TestSchema:
    def test_is_of_the_newest_kind_and_names_operations_by_what_they_do(self, schema):
        assert schema["openapi"].startswith("3.1")
        assert schema["paths"]["/users/signup"]["post"]["operationId"] == "signUp"
        names = [
            operation["operationId"]
            for path in schema["paths"].values()
            for operation in path.values()
        ]
        assert len(names) == len(set(names))

    def test_documents_what_may_go_wrong(self, schema):
        answers = schema["paths"]["/users/signup"]["post"]["responses"]

        assert {"201", "400", "403", "409", "413", "415", "429", "503"} == set(answers)
        shape = answers["409"]["content"]["application/problem+json"]["schema"]
        assert shape["allOf"][0] == {"$ref": "#/components/schemas/Problem"}
        assert shape["allOf"][1]["properties"]["code"]["enum"] == ["email_taken"]

    def test_tells_who_needs_a_token(self, schema):
        assert schema["paths"]["/users/me"]["get"]["security"] == [{"accessToken": []}]
        assert "401" in schema["paths"]["/users/me"]["get"]["responses"]
        assert schema["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"

    def test_spells_fields_as_they_are_published(self, schema):
        answer = schema["components"]["schemas"]["SignUpResponse"]["properties"]

        assert set(answer) == {"message", "userID", "token", "refreshToken", "expiresIn"}

    def test_has_every_path_of_the_contract_that_is_mounted(self, schema):
        mounted = {
            "/" + str(pattern.pattern).replace("<int:", "{").replace(">", "}")
            for resolver in get_resolver().url_patterns
            for pattern in getattr(resolver, "url_patterns", [])
            if str(pattern.pattern).startswith(("otp/", "users/"))
        }

        assert mounted <= set(schema["paths"])


class TestDocs:
    def test_shows_the_schema_from_local_files(self, api):
        answer = api.get("/api/docs")

        assert answer.status_code == 200
        page = answer.content.decode()
        assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
        assert "https://" not in page


class TestGeneration:
    def test_leaves_nothing_to_guess(self, tmp_path):
        # Fails on any warning of the generator and on a schema that is none.
        call_command(
            "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml")
        )

        assert (tmp_path / "schema.yml").stat().st_size > 10_000
