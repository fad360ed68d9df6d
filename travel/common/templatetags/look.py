"""
Template tags that write icons, money, times and form controls the same way on every page.

Words, digits and the calendar follow the reader's language through Babel. Times are shown in the
zone of the station they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from django import template
from django.conf import settings
from django.contrib import messages
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from travel.common.calendars import (
    CALENDARS,
    asked_calendar,
    write_day,
    write_day_in_full,
    write_time,
)
from travel.common.locales import has_own_digits, in_a_row, own_digits, reader_locale
from travel.common.money import Money, minor_digits

register = template.Library()

MINUS = "−"
# A currency without a sign of its own is written by its code, and that stands apart: KWD 4.990.
CODE_BEFORE_DIGITS = re.compile(r"([A-Z]{3})(?=[\d−])")
NOT_A_WAY_OF_TRAVEL = "{!r} is neither a plane, a train nor a bus"
# The word of each vehicle type, its icon, and the stroke of its line (leg-train, leg-plane,
# leg-coach).
MODE_ICONS = {
    "plane": "plane",
    "flight": "plane",
    "train": "train",
    "bus": "coach",
    "coach": "coach",
}


# --- lists and shares -----------------------------------------------------------------------------


@register.filter
def listed(parts: Iterable[str]) -> str:
    """Write the parts of a list after each other, as the reader's language does."""
    return in_a_row(parts)


@register.simple_tag
def comma() -> str:
    """Write what stands between two parts of a list."""
    return in_a_row(["", ""])


@register.filter
def percent(number: int) -> str:
    """Write a share of a hundred: `75 %`."""
    return gettext("%(number)s %%") % {"number": number}


# --- signs ----------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """
    Draw one symbol of the sprite; it is hidden from screen readers, so a word stands beside it.
    """
    classes = f"icon {css}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        classes,
        static("icons.svg"),
        name,
    )


@register.filter
def mode_icon(mode: str) -> str:
    """Answer the icon of a vehicle type: `train`, `plane` or `coach`."""
    try:
        return MODE_ICONS[str(mode).lower()]
    except KeyError as error:
        raise ValueError(NOT_A_WAY_OF_TRAVEL.format(mode)) from error


@register.filter
def mode_name(mode: str) -> str:
    """Answer what travellers call it: a train, a flight, a coach."""
    return {"train": gettext("Train"), "plane": gettext("Flight"), "coach": gettext("Coach")}[
        mode_icon(mode)
    ]


# The words of facilities, as the tariff names them, with their icon. Others get the plain sign.
FACILITIES = {
    "wifi": ("wifi", _("Wi-Fi")),
    "power": ("power", _("Sockets")),
    "quietZone": ("quiet", _("Quiet zone")),
    "restaurant": ("food", _("Restaurant")),
    "bistro": ("food", _("Bistro")),
    "meal": ("food", _("Meal included")),
    "wheelchair": ("wheelchair", _("Wheelchair space")),
    "bicycle": ("bike", _("Bicycle space")),
    "family": ("child", _("Family area")),
    "sleeper": ("bed", _("Beds")),
    "airConditioning": ("cool", _("Air conditioning")),
    "toilet": ("toilet", _("Toilet")),
    "entertainment": ("screen", _("Films and music")),
    "luggage": ("luggage", _("Bag included")),
}


@register.filter
def facility_icon(word: str) -> str:
    """Answer the icon of what there is on board."""
    return FACILITIES[word][0] if word in FACILITIES else "plus"


@register.filter
def facility_name(word: str) -> str:
    """Answer what travellers call it; a word the office does not know is shown as it is."""
    return str(FACILITIES[word][1]) if word in FACILITIES else word.replace("_", " ")


# --- money ----------------------------------------------------------------------------------------


@register.filter
def money_text(amount: Money) -> str:
    """Write an amount for attributes and option labels: `€49.90`, `−€20.95`."""
    written = amount.format(str(reader_locale())).replace("-", MINUS)
    return CODE_BEFORE_DIGITS.sub("\\1\u00a0", written)


def coins_text(amount: Decimal, asset: str) -> str:
    """Write an amount of a cryptocurrency to its last digit: `0.0009 BTC`, `0,0009 BTC`."""
    return f"{_exact(amount)}\u00a0{asset}"


def rate_text(rate: Decimal, currency: str) -> str:
    """Write what one of something counts for: `€50,000.00`, to its last digit `USD 0.000123`."""
    minor = rate.scaleb(minor_digits(currency))
    if minor == int(minor):
        return money_text(Money(int(minor), currency))
    return f"{currency}\u00a0{_exact(rate)}"


def _exact(number: Decimal) -> str:
    reader = reader_locale()
    written = format_decimal(
        number.normalize(), locale=reader, decimal_quantization=False, numbering_system="default"
    )
    return own_digits(written, reader)


@register.filter
def money(amount: Money) -> SafeString:
    """Write an amount that keeps its direction inside any script."""
    return format_html("<bdi>{}</bdi>", money_text(amount))


@register.filter
def signed_money(amount: Money) -> SafeString:
    """Write an amount that comes in or goes out: `+€62.85`, `−€39.90`."""
    sign = "+" if amount.minor > 0 else ""
    return format_html("<bdi>{}{}</bdi>", sign, money_text(amount))


@register.simple_tag(name="amount")
def amount_of(minor: int, currency: str) -> SafeString:
    """Write an amount that is stored as minor units beside its currency."""
    return money(Money(minor, currency))


# --- times ----------------------------------------------------------------------------------------


@register.filter
def in_zone(instant: datetime, zone: str | ZoneInfo | None) -> datetime:
    """Answer the same instant on the clocks of `zone`; without one, as it came."""
    if not zone:
        return instant
    return instant.astimezone(zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone))


@register.filter
def clock_text(instant: datetime, zone: str | ZoneInfo | None = None) -> str:
    """Write the time of day, 24 hours, in the station's zone: `08:04`."""
    return write_time(in_zone(instant, zone), reader_locale())


@register.simple_tag
def clock(
    instant: datetime, zone: str | ZoneInfo | None = None, css: str = "", since: date | None = None
) -> SafeString:
    """
    Write a time of day, with `+1` when it falls on a later day than `since`.

    `since` is the local day (or the instant) the journey began on.
    """
    local = in_zone(instant, zone)
    return format_html(
        '<time{} datetime="{}"><bdi>{}</bdi>{}</time>',
        format_html(' class="{}"', css) if css else "",
        local.isoformat(timespec="minutes"),
        clock_text(local),
        _later_day(days_between(local, since)) if since else "",
    )


def _later_day(days: int) -> SafeString:
    if days == 0:
        return mark_safe("")
    said = ngettext("%(days)s day", "%(days)s days", abs(days)) % {"days": abs(days)}
    return format_html(
        '<sup dir="ltr">{}{}<span class="visually-hidden"> {}</span></sup>',
        "+" if days > 0 else MINUS,
        abs(days),
        said.split(" ", 1)[-1],
    )


@register.filter
def days_between(later: date, earlier: date) -> int:
    """Answer how many local days lie between two moments, each in its own station's zone."""
    return (_day(later) - _day(earlier)).days


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


@register.filter
def long_day(moment: date) -> str:
    """Write a day in full: `Friday 12 February 2027`."""
    return write_day_in_full(_day(moment), reader_locale())


@register.filter
def short_day(moment: date) -> str:
    """Write a day briefly, with its year: `Fri, 12 Feb 2027`."""
    return write_day(_day(moment), "yMMMEd", reader_locale())


@register.filter
def weekday(moment: date) -> str:
    """Write the short name of the day of the week: `Fri`."""
    return format_date(_day(moment), "EEE", locale=reader_locale())


@register.filter
def day_and_month(moment: date) -> str:
    """Write the day and the short month: `12 Feb`."""
    return write_day(_day(moment), "MMMd", reader_locale())


@register.filter
def moment_text(instant: datetime, zone: str | ZoneInfo | None = None) -> str:
    """Write a day and a time: `18 Jan 2027, 14:44`."""
    local = in_zone(instant, zone)
    day = write_day(local.date(), "yMMMd", reader_locale())
    return gettext("%(day)s, %(time)s") % {"day": day, "time": clock_text(local)}


@register.filter
def duration(minutes: int) -> str:
    """Write a length of time: `45 min`, `3 h 05 min`, `1 d 2 h`."""
    days, rest = divmod(int(minutes), 24 * 60)
    hours, rest = divmod(rest, 60)
    if days:
        text = gettext("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    elif hours:
        text = gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": f"{rest:02}"}
    else:
        text = gettext("%(minutes)s min") % {"minutes": rest}
    return own_digits(text, reader_locale())


# --- forms ----------------------------------------------------------------------------------------


@register.simple_tag
def control(field: BoundField, css: str = "", hint: str = "") -> SafeString:
    """
    Write the bare control of a form field, tied to its error and hint.

    A screen reader hears the error first: it is named before the hint in aria-describedby.
    """
    described = []
    if field.errors:
        described.append(f"{field.auto_id}-error")
    if hint or field.help_text:
        described.append(f"{field.auto_id}-hint")
    attrs: dict[str, Any] = {}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if css:
        attrs["class"] = f"{field.field.widget.attrs.get('class', '')} {css}".strip()
    return field.as_widget(attrs=attrs)


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm | Sequence[BaseForm] | None) -> dict[str, Any]:
    """List what is to be put right in forms and lists of them, each line a link to its control."""
    every = chain.from_iterable([one] if isinstance(one, BaseForm) else one or [] for one in forms)
    faults = [fault for form in every for fault in _faults(form)]
    heading = ngettext("One thing to put right", "%(count)s things to put right", len(faults)) % {
        "count": len(faults)
    }
    return {"faults": faults, "heading": heading}


def _faults(form: BaseForm) -> list[dict[str, str]]:
    found = [{"href": "", "text": str(text)} for text in form.non_field_errors()]
    # Of several forms that ask for the same, each tells whom it is about.
    about = getattr(form, "said_of", "")
    for field in form:
        target = field.id_for_label or field.auto_id
        label = in_a_row([about, field.label]) if about else field.label
        found += [{"href": f"#{target}", "text": f"{label}: {text}"} for text in field.errors]
    return found


# --- the frame ------------------------------------------------------------------------------------

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


@register.simple_tag
def site_name() -> str:
    """Answer the office's name; error pages ask here, since no context processor runs for them."""
    return str(settings.SITE_NAME)


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """Answer `light` or `dark` as the reader chose, or nothing: then the device decides."""
    request = context.get("request")
    chosen = request.COOKIES.get(THEME_COOKIE, "") if request else ""
    return chosen if chosen in THEMES else ""


@register.simple_tag
def languages() -> list[dict[str, str]]:
    """List the languages a reader may choose, each under its own name."""
    return [{"code": code, "name": name} for code, name in settings.LANGUAGES]


@register.simple_tag
def calendars() -> list[dict[str, Any]]:
    """List the calendars that readers of this language may choose from; none where one is used."""
    if not has_own_digits(reader_locale()):
        return []
    names = {"gregorian": _("Gregorian calendar"), "solar": _("Solar Hijri calendar")}
    return [
        {"code": code, "name": names[code], "is_chosen": code == asked_calendar()}
        for code in CALENDARS
    ]


@register.filter
def message_tone(level: int) -> str:
    """Answer the tone of a message by its level: `good`, `warn`, `bad` or `info`."""
    if level >= messages.ERROR:
        return "bad"
    if level >= messages.WARNING:
        return "warn"
    return "good" if level >= messages.SUCCESS else "info"


@register.filter
def tone_icon(tone: str) -> str:
    """Answer the icon that goes with a tone, for a status is never told by colour alone."""
    return {"good": "good", "warn": "warning", "bad": "bad"}.get(tone, "info")
