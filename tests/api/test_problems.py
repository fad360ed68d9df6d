"""Whatever goes wrong under the API's paths is told as a problem, in JSON."""

from __future__ import annotations

import json
import logging

import pytest
from django.db import DataError, OperationalError
from rest_framework import exceptions

from travel.api.middleware import is_api
from travel.api.problems import catalogue, refusal_for

pytestmark = [pytest.mark.django_db]
doors = pytest.mark.urls("tests.api.doors")


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code
    assert body["requestID"] == answer.headers["X-Request-ID"]
    return body


class TestEveryPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/otp/none",
            "/users",
            "/users/login/",
            "/tickets/x/y",
            "/support/",
            "/api/none",
            "/wallet/top-up/x",
        ],
    )
    def test_an_unknown_path_is_told_in_json_and_leads_nowhere_else(self, api, path):
        answer = api.get(path)

        if is_api(path):
            assert answer.status_code == 404
            assert problem(answer)["code"] == "not_found"
        else:
            assert answer.status_code == 404

    def test_pages_are_left_alone(self, client):
        answer = client.get("/no-such-page")

        assert answer.status_code == 404
        assert "html" in answer.headers["Content-Type"]

    def test_a_method_that_is_not_there(self, api):
        answer = api.get("/users/login")

        assert problem(answer)["code"] == "method_not_allowed"
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "POST, OPTIONS"

    def test_options_tells_the_methods_to_anybody(self, api):
        answer = api.options("/users/me")

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"

    @doors
    def test_head_is_a_get_without_its_body(self, api):
        answer = api.head("/tickets/rows")

        assert answer.status_code == 200
        assert answer.content == b""

    @pytest.mark.parametrize(
        ("header", "status", "code"),
        [
            ("Token abc", 401, "not_authenticated"),
            ("Bearer", 401, "not_authenticated"),
            ("Bearer a.b.c", 401, "not_authenticated"),
            ("Bearer é", 401, "not_authenticated"),
        ],
    )
    def test_a_token_that_is_none(self, api, header, status, code):
        answer = api.get("/users/me", HTTP_AUTHORIZATION=header)

        assert answer.status_code == status
        assert problem(answer)["code"] == code
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "x"]
    )
    def test_a_body_that_is_no_json(self, api, kind):
        answer = api.generic("POST", "/users/login", "a=b", content_type=kind)

        assert problem(answer)["code"] == "unsupported_media_type"
        assert answer.status_code == 415

    def test_whoever_wants_html_gets_json(self, api):
        answer = api.get("/api/problems", HTTP_ACCEPT="text/html")

        assert answer.headers["Content-Type"] == "application/json"

    def test_takes_over_a_callers_request_id_if_it_is_a_plain_one(self, api):
        plain = api.get("/users/me", HTTP_X_REQUEST_ID="abc-12345")
        odd = api.get("/users/me", HTTP_X_REQUEST_ID="<script>alert(1)</script>")

        assert problem(plain)["requestID"] == "abc-12345"
        assert "script" not in problem(odd)["requestID"]

    @doors
    def test_a_fault_is_logged_and_not_told(self, api, caplog):
        api.raise_request_exception = False
        logger = logging.getLogger("travel.api.middleware")
        logger.addHandler(caplog.handler)
        try:
            answer = api.get("/tickets/fault")
        finally:
            logger.removeHandler(caplog.handler)

        assert problem(answer)["code"] == "internal_error"
        assert answer.status_code == 500
        assert b"4711" not in answer.content
        assert "4711" in caplog.text


class TestRefusalFor:
    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (exceptions.PermissionDenied(), 403, "not_allowed"),
            (exceptions.NotFound(), 404, "not_found"),
            (exceptions.Throttled(wait=1.2), 429, "throttled"),
            (exceptions.NotAcceptable(), 406, "not_acceptable"),
            (exceptions.ParseError("odd"), 400, "invalid_input"),
            (OperationalError(2013, "lost"), 503, "unavailable"),
            (OperationalError("database is locked"), 503, "unavailable"),
            (DataError(1264, "out of range"), 400, "invalid_input"),
        ],
    )
    def test_gives_each_exception_its_word(self, error, status, code):
        refusal = refusal_for(error)

        assert (refusal.status, refusal.code) == (status, code)

    def test_rounds_the_wait_up(self):
        assert refusal_for(exceptions.Throttled(wait=1.2)).retry_after == 2

    def test_names_nested_fields_by_their_path(self):
        error = exceptions.ValidationError(
            {"passengers": [{}, {"lastName": ["Too long."]}], "non_field_errors": ["Odd."]}
        )

        assert refusal_for(error).errors == {
            "passengers.1.lastName": ["Too long."],
            "": ["Odd."],
        }

    def test_knows_nothing_of_faults(self):
        assert refusal_for(RuntimeError()) is None


class TestCatalogue:
    def test_lists_each_code_once_with_its_status(self, api):
        listed = api.get("/api/problems").json()["problems"]

        codes = [row["code"] for row in listed]
        assert len(codes) == len(set(codes)) == len(catalogue())
        assert {"code", "status", "title", "type"} == set(listed[0])
        assert "email_taken" in codes
