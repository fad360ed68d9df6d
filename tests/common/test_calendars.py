"""Days, prices and counts as readers of each language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from babel import Locale
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from django.utils import translation

from travel.common.calendars import asked_calendar, calendar, write_day, write_day_in_full
from travel.common.locales import own_digits
from travel.common.money import Money
from travel.common.numerals import ReadersNumerals, rewrite
from travel.common.templatetags import look

PERSIAN = Locale.parse("fa")


class TestDays:
    # From the calendar of Iran: new year's days, and the leap day that ends 1403.
    @pytest.mark.parametrize(
        ("day", "written"),
        [
            (date(2025, 3, 20), "۳۰ اسفند ۱۴۰۳"),
            (date(2025, 3, 21), "۱ فروردین ۱۴۰۴"),
            (date(2026, 3, 20), "۲۹ اسفند ۱۴۰۴"),
            (date(2026, 3, 21), "۱ فروردین ۱۴۰۵"),
            (date(2026, 9, 22), "۳۱ شهریور ۱۴۰۵"),
            (date(2026, 9, 23), "۱ مهر ۱۴۰۵"),
            (date(2027, 2, 12), "۲۳ بهمن ۱۴۰۵"),
        ],
    )
    def test_by_the_sun(self, day: date, written: str):
        with calendar("solar"):
            assert write_day(day, "yMMMd", PERSIAN) == written

    def test_as_everywhere_until_somebody_asks(self):
        assert write_day(date(2027, 2, 12), "yMMMd", PERSIAN) == "۱۲ فوریه ۲۰۲۷"
        assert write_day(date(2027, 2, 12), "MMMd", PERSIAN) == "۱۲ فوریه"

    def test_in_full_with_the_other_calendar_beside(self):
        day = date(2027, 2, 12)
        assert write_day_in_full(day, PERSIAN) == "جمعه ۱۲ فوریهٔ ۲۰۲۷ (۲۳ بهمن ۱۴۰۵)"
        with calendar("solar"):
            assert write_day_in_full(day, PERSIAN) == "جمعه ۲۳ بهمن ۱۴۰۵ (۱۲ فوریهٔ ۲۰۲۷)"

    @pytest.mark.parametrize(
        ("language", "written"),
        [("en", "Friday, 12 February 2027"), ("de", "Freitag, 12. Februar 2027")],
    )
    def test_others_have_one_calendar(self, language: str, written: str):
        with translation.override(language), calendar("solar"):
            assert look.long_day(date(2027, 2, 12)) == written
            assert look.calendars() == []

    def test_an_unknown_calendar_is_the_usual_one(self):
        with calendar("maya"):
            assert asked_calendar() == "gregorian"


class TestFigures:
    def test_of_prices_and_times(self):
        moment = datetime(2027, 2, 12, 8, 4, tzinfo=UTC)
        with translation.override("fa"):
            assert look.money_text(Money(123_456, "EUR")) == "\u200e€\u00a0۱٬۲۳۴٫۵۶"
            assert look.clock_text(moment, "Europe/Berlin") == "۰۹:۰۴"
        with translation.override("de"):
            assert look.money_text(Money(123_456, "EUR")) == "1.234,56\u00a0€"
            assert look.clock_text(moment, "Europe/Berlin") == "09:04"

    def test_leave_other_languages_alone(self):
        assert own_digits("12:02", Locale.parse("en_GB")) == "12:02"
        assert own_digits("12:02", PERSIAN) == "۱۲:۰۲"


def swap(page: str) -> str:
    return rewrite(page, lambda text: own_digits(text, PERSIAN))


class TestPages:
    def test_texts_change_and_tags_do_not(self):
        assert swap('<p class="s4">3 صندلی <b id="b2">از 12</b></p>') == (
            '<p class="s4">۳ صندلی <b id="b2">از ۱۲</b></p>'
        )

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("کد رزرو 73NUVE برای 2 نفر", "کد رزرو 73NUVE برای ۲ نفر"),
            ("صندلی 6A، واگن 7", "صندلی 6A، واگن ۷"),
            ("قطار ICE 1005 ساعت 12", "قطار ICE 1005 ساعت ۱۲"),
            ("رسید R-2026-000001", "رسید R-2026-000001"),
            ("Saver 3", "Saver 3"),
        ],
    )
    def test_what_is_typed_again_stays(self, text: str, written: str):
        assert swap(f"<p>{text}</p>") == f"<p>{written}</p>"

    @pytest.mark.parametrize("name", ["bdi", "code", "script", "style", "textarea", "pre"])
    def test_what_is_copied_stays(self, name: str):
        assert swap(f"<{name} lang=en>ICE 1005</{name}> 2") == (
            f"<{name} lang=en>ICE 1005</{name}> ۲"
        )

    def test_inside_of_what_stays_everything_does(self):
        assert swap("<bdi><b>7</b> 8</bdi> 9") == "<bdi><b>7</b> 8</bdi> ۹"

    def test_references_and_comments_stay(self):
        assert (
            swap("4&#39; &#x27;5&#x27;<!-- 6 <p> 7 -->") == "۴&#39; &#x27;۵&#x27;<!-- 6 <p> 7 -->"
        )


class TestMiddleware:
    def answer(self, language: str, response: HttpResponse, **cookies: str) -> str:
        request = RequestFactory().get("/")
        request.COOKIES.update(cookies)
        with translation.override(language):
            return ReadersNumerals(lambda _: response)(request).content.decode()

    def test_pages_of_persian_readers_only(self):
        assert self.answer("fa", HttpResponse("<p>1</p>")) == "<p>۱</p>"
        assert self.answer("en", HttpResponse("<p>1</p>")) == "<p>1</p>"
        assert self.answer("fa", JsonResponse({"a": 1})) == '{"a": 1}'

    def test_the_asked_calendar_lasts_as_long_as_the_request(self):
        seen = []

        def view(_request):
            seen.append(asked_calendar())
            return HttpResponse()

        request = RequestFactory().get("/")
        request.COOKIES["calendar"] = "solar"
        ReadersNumerals(view)(request)
        assert seen == ["solar"]
        assert asked_calendar() == "gregorian"

    @pytest.mark.parametrize("language", ["en", "fa"])
    def test_a_page_is_as_long_as_it_says(self, client: Client, db: None, language: str):
        """A browser cuts off what is beyond; Persian digits are twice as long as others."""
        page = client.get("/", headers={"accept-language": language})

        assert page.status_code == 200
        has_own = bool(set("۰۱۲۳۴۵۶۷۸۹") & set(page.content.decode()))
        assert has_own == (language == "fa")
        assert int(page.headers["Content-Length"]) == len(page.content)
