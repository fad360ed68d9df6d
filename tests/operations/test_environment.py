"""A variable that makes no sense becomes a fault with a hint, never a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from travel.environment import Environment

pytestmark = pytest.mark.sqlite

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def env(monkeypatch):
    for name in ("SWITCH", "NUMBER", "WORD", "DATABASE", "CACHE", "BROKER", "MAIL", "FOLDER"):
        monkeypatch.delenv(name, raising=False)
    return Environment()


def names(env):
    return [fault.name for fault in env.faults]


class TestEnvironment:
    def test_defaults_are_no_faults(self, env):
        assert env.bool("SWITCH", default=True) is True
        assert env.int("NUMBER", default=3) == 3
        assert env.redis("CACHE") == ""
        assert env.faults == []

    @pytest.mark.parametrize(("raw", "expected"), [("1", True), ("Yes", True), ("off", False)])
    def test_reads_a_switch(self, env, monkeypatch, raw, expected):
        monkeypatch.setenv("SWITCH", raw)
        assert env.bool("SWITCH", default=not expected) is expected
        assert env.faults == []

    def test_a_switch_that_is_neither_keeps_its_default(self, env, monkeypatch):
        monkeypatch.setenv("SWITCH", "banana")
        assert env.bool("SWITCH", default=False) is False
        assert names(env) == ["SWITCH"]

    def test_a_number_that_is_none(self, env, monkeypatch):
        monkeypatch.setenv("NUMBER", "three")
        assert env.int("NUMBER", default=3) == 3
        assert "not a whole number" in env.faults[0].problem

    def test_a_word_that_is_not_on_the_list(self, env, monkeypatch):
        monkeypatch.setenv("WORD", "sometimes")
        assert env.one_of("WORD", "on", "off", default="on") == "on"
        assert env.faults[0].hint == "Write one of: on, off."

    @pytest.mark.parametrize(
        "url", ["", "office", "oracle://scott:tiger@host/db", "mysql://host", "mysql://h:port/db"]
    )
    def test_no_address_of_a_database_becomes_no_database(self, env, monkeypatch, url):
        monkeypatch.setenv("DATABASE", url)
        settings = env.database("DATABASE", default="sqlite:////tmp/x.sqlite3")
        assert settings["ENGINE"] == "django.db.backends.dummy"
        assert names(env) == ["DATABASE"]
        assert "tiger" not in env.faults[0].problem

    def test_reads_a_database(self, env, monkeypatch):
        monkeypatch.setenv("DATABASE", "sqlite:////srv/office.sqlite3")
        settings = env.database("DATABASE", default="")
        assert settings["ENGINE"] == "django.db.backends.sqlite3"
        assert settings["NAME"] == "/srv/office.sqlite3"
        assert env.faults == []

    def test_a_cache_that_is_no_redis(self, env, monkeypatch):
        monkeypatch.setenv("CACHE", "memcached://cache")
        assert env.redis("CACHE") == ""
        assert names(env) == ["CACHE"]

    @pytest.mark.parametrize(
        ("redis", "expected"),
        [
            ("", "filesystem://"),
            ("redis://cache:6379/0", "redis://cache:6379/0"),
            ("unix:///run/r.sock?db=2", "redis+socket:///run/r.sock?virtual_host=2"),
        ],
    )
    def test_jobs_go_where_the_cache_is_unless_told_otherwise(self, env, redis, expected):
        assert env.broker("BROKER", redis=redis) == expected
        assert env.faults == []

    def test_a_broker_that_is_none(self, env, monkeypatch):
        monkeypatch.setenv("BROKER", "pigeon://loft")
        assert env.broker("BROKER", redis="") == "filesystem://"
        assert names(env) == ["BROKER"]

    def test_a_mail_server_that_is_none(self, env, monkeypatch):
        monkeypatch.setenv("MAIL", "pigeon://loft")
        settings = env.mail("MAIL", default="consolemail://")
        assert settings["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"
        assert names(env) == ["MAIL"]

    def test_a_folder_that_cannot_be_made(self, env, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("FOLDER", str(tmp_path / "file" / "below"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert env.folder("FOLDER", default=tmp_path).is_dir()
        assert names(env) == ["FOLDER"]


def test_the_example_file_tells_every_variable():
    settings = (ROOT / "travel" / "settings.py").read_text()
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z0-9_]+)\"", settings)) - {"TESTING"}
    told = set(re.findall(r"^# ([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert told == read
