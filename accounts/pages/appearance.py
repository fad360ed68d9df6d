"""What the foot of every page lets choose, colours, language, calendar: kept for a year."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from travel.common.calendars import CALENDAR_COOKIE, CALENDARS
from travel.common.templatetags.look import THEME_COOKIE, THEMES

ONE_YEAR_SECONDS = 365 * 24 * 3600


class AppearanceForm(forms.Form):
    """Light, dark, or nothing: as the device is set."""

    theme = forms.ChoiceField(choices=[(theme, theme) for theme in THEMES], required=False)


class LanguageForm(forms.Form):
    """A language the office speaks."""

    language = forms.ChoiceField(choices=lambda: settings.LANGUAGES)
    calendar = forms.ChoiceField(choices=[(name, name) for name in CALENDARS], required=False)


@require_POST
def set_appearance(request: HttpRequest) -> HttpResponse:
    """Remember the chosen colours and go back; an unknown word changes nothing."""
    answer = HttpResponseRedirect(way_back(request))
    form = AppearanceForm(request.POST)
    if not form.is_valid():
        return answer
    if form.cleaned_data["theme"]:
        _remember(answer, THEME_COOKIE, form.cleaned_data["theme"])
    else:
        answer.delete_cookie(THEME_COOKIE)
    return answer


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the chosen language and calendar and go back; an unknown one changes nothing."""
    answer = HttpResponseRedirect(way_back(request))
    form = LanguageForm(request.POST)
    if form.is_valid():
        _remember(answer, settings.LANGUAGE_COOKIE_NAME, form.cleaned_data["language"])
        if form.cleaned_data["calendar"]:
            _remember(answer, CALENDAR_COOKIE, form.cleaned_data["calendar"])
    return answer


def way_back(request: HttpRequest, *, otherwise: str = "/") -> str:
    """Answer the page the form names in `next`, if it is one of this office's, else another."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else otherwise


def _remember(answer: HttpResponse, cookie: str, value: str) -> None:
    answer.set_cookie(
        cookie,
        value,
        max_age=ONE_YEAR_SECONDS,
        secure=settings.USE_HTTPS,
        httponly=True,
        samesite="Lax",
    )
