"""How icons, money, times and form controls are written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.contrib.messages import constants
from django.template import engines
from django.utils import translation

from travel.common.money import Money
from travel.common.templatetags import look

BERLIN = ZoneInfo("Europe/Berlin")
# 12 February 2027 is a Friday; Berlin is one hour ahead of UTC in winter, Tehran three and a half.
MORNING = datetime(2027, 2, 12, 7, 4, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return engines["django"].from_string("{% load look %}" + source).render(context)


class TestMoney:
    def test_stands_apart_from_the_script_around_it(self) -> None:
        assert look.money(Money(4990, "EUR")) == "<bdi>€49.90</bdi>"

    def test_a_minus_is_a_minus(self) -> None:
        assert look.money_text(Money(-2095, "EUR")) == "−€20.95"

    def test_minor_units_follow_the_currency(self) -> None:
        # The yen has no minor unit, the Kuwaiti dinar has a thousand fils.
        assert look.money_text(Money(500, "JPY")) == "JP¥500"
        assert look.money_text(Money(4990, "KWD")).replace("\xa0", " ") == "KWD 4.990"

    def test_says_which_way_it_went(self) -> None:
        assert look.signed_money(Money(6285, "EUR")) == "<bdi>+€62.85</bdi>"
        assert look.signed_money(Money(-3990, "EUR")) == "<bdi>−€39.90</bdi>"

    def test_is_written_from_stored_minor_units(self) -> None:
        assert render("{% amount 4990 'EUR' %}") == "<bdi>€49.90</bdi>"

    def test_follows_the_language(self) -> None:
        with translation.override("de"):
            assert look.money_text(Money(123456, "EUR")).replace("\xa0", " ") == "1.234,56 €"


class TestClock:
    def test_is_local_to_the_station(self) -> None:
        written = look.clock(MORNING, "Europe/Berlin", css="clock")

        assert written == (
            '<time class="clock" datetime="2027-02-12T08:04+01:00"><bdi>08:04</bdi></time>'
        )

    def test_marks_a_later_day(self) -> None:
        departs = datetime(2027, 2, 12, 22, 55, tzinfo=BERLIN)
        arrives = datetime(2027, 2, 13, 6, 40, tzinfo=BERLIN)

        assert '<sup dir="ltr">+1<span class="visually-hidden"> day</span></sup>' in look.clock(
            arrives, since=departs
        )

    def test_counts_days_on_each_station_s_own_calendar(self) -> None:
        # 21:30 in Berlin is midnight in Tehran: half an hour later it is tomorrow there.
        departs = datetime(2027, 2, 12, 21, 30, tzinfo=BERLIN)
        arrives = datetime(2027, 2, 13, 0, 30, tzinfo=ZoneInfo("Asia/Tehran"))

        assert look.days_between(arrives, departs) == 1

    def test_has_no_mark_on_the_same_day(self) -> None:
        assert "<sup" not in look.clock(MORNING, BERLIN, since=date(2027, 2, 12))

    def test_an_arrival_across_the_date_line_may_be_a_day_before(self) -> None:
        # Sydney, 00:30 on the 13th, to Los Angeles: there it is still the 12th.
        departs = datetime(2027, 2, 13, 0, 30, tzinfo=ZoneInfo("Australia/Sydney"))
        arrives = datetime(2027, 2, 12, 19, 0, tzinfo=ZoneInfo("America/Los_Angeles"))

        assert '<sup dir="ltr">−1' in look.clock(arrives, since=departs)


class TestDays:
    def test_put_the_day_before_the_month(self) -> None:
        day = date(2027, 2, 12)

        assert look.long_day(day) in ("Friday 12 February 2027", "Friday, 12 February 2027")
        assert look.day_and_month(day) == "12 Feb"
        assert look.weekday(day) == "Fri"
        assert look.moment_text(MORNING, BERLIN) == "12 Feb 2027, 08:04"


class TestDuration:
    @pytest.mark.parametrize(
        ("minutes", "written"),
        [
            (0, "0 min"),
            (45, "45 min"),
            (60, "1 h 00 min"),
            (185, "3 h 05 min"),
            (1439, "23 h 59 min"),
            (1560, "1 d 2 h"),
        ],
    )
    def test_is_said_in_two_units(self, minutes: int, written: str) -> None:
        assert look.duration(minutes) == written


class TestModes:
    def test_a_bus_is_a_coach_and_a_plane_makes_a_flight(self) -> None:
        assert [look.mode_icon(mode) for mode in ("Plane", "Train", "Bus")] == [
            "plane", "train", "coach",
        ]  # fmt: skip
        assert look.mode_name("Plane") == "Flight"

    def test_refuses_what_it_does_not_know(self) -> None:
        with pytest.raises(ValueError, match="Rocket"):
            look.mode_icon("Rocket")


class TestTones:
    def test_follow_the_level_of_the_message(self) -> None:
        levels = [constants.INFO, constants.SUCCESS, constants.WARNING, constants.ERROR]

        assert [look.message_tone(level) for level in levels] == ["info", "good", "warn", "bad"]


class ContactForm(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="The tickets go there.")
    phone = forms.CharField(label="Mobile", required=False)


class TestFields:
    def test_the_error_is_named_before_the_hint(self) -> None:
        form = ContactForm({"email": "nobody"})

        written = render(
            '{% include "components/field.html" with field=form.email only %}', form=form
        )

        assert 'aria-describedby="id_email-error id_email-hint"' in written
        assert 'aria-invalid="true"' in written
        assert 'id="id_email-error"' in written
        assert 'id="id_email-hint"' in written

    def test_only_what_may_be_left_out_says_so(self) -> None:
        form = ContactForm()
        include = '{% include "components/field.html" with field=field only %}'

        assert "(optional)" in render(include, field=form["phone"])
        assert "(optional)" not in render(include, field=form["email"])

    def test_the_summary_links_to_the_control(self) -> None:
        form = ContactForm({"email": ""})

        written = render("{% error_summary form %}", form=form)

        assert "One thing to put right" in written
        assert '<a href="#id_email">E-mail: This field is required.</a>' in written

    def test_a_form_without_faults_has_no_summary(self) -> None:
        form = ContactForm({"email": "a@example.org"})

        assert render("{% error_summary form %}", form=form).strip() == ""

    def test_what_was_typed_cannot_become_markup(self) -> None:
        form = ContactForm({"email": '"><script>alert(1)</script>'})

        written = render(
            '{% include "components/field.html" with field=form.email only %}', form=form
        )

        assert "<script>" not in written
