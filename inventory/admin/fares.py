"""Tariffs, fares and their dated versions: a price is changed by a new version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator
from django.db.models import Max
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.admin.forms import MoneyField, PercentField, PerKilometreField
from inventory.models import Fare, FareVersion, PenaltyTier, Tariff
from inventory.models.fares import FARES_PER_TARIFF
from travel.common import clock
from travel.common.admin_bases import (
    ClosedInline,
    HistoryAdmin,
    OfficeAdmin,
    as_typed,
    capitalised,
    is_in_use,
    money_column,
    percent,
    tagged,
    upper,
    whole_number,
)
from travel.common.money import Money
from travel.common.templatetags.look import duration, moment_text, money_text

FARE_CURRENCY = "fare__tariff__carrier__currency_id"
TIER_CURRENCY = f"fare_version__{FARE_CURRENCY}"
# Rows for tiers that stand open without JavaScript, which adds as many as are wanted.
OPEN_TIERS = 3
# What is beyond these was not meant.
MOST_AHEAD = timedelta(days=731)
MOST_ROUNDING_MINOR = 1_000_000
MOST_MINUTES = 366 * 24 * 60
MOST = {
    "young_percent": 100,
    "child_percent": 100,
    "infant_percent": 100,
    "young_until_age": 120,
    "child_until_age": 120,
    "infant_until_age": 120,
    "sales_close_minutes": MOST_MINUTES,
    "quota": 10_000,
}
FARE_SEARCH = _("Part of the fare's name, its number, or the code of its tariff.")


def may_change(version: FareVersion | None) -> bool:
    """Say whether nobody can have bought by the version: it is still to begin, and unsold."""
    return version is None or (version.valid_from > clock.now() and not is_in_use(version))


# --- tariffs and fares ----------------------------------------------------------------------------


class FareInline(ClosedInline):
    """The fares of a tariff; each has its own page."""

    model = Fare
    fields = ["number", "name", "travel_class", "is_on_sale"]


@admin.register(Tariff)
class TariffAdmin(HistoryAdmin):
    """A set of fares that services share. It stays its carrier's."""

    list_display = ["name", "code", "carrier"]
    list_select_related = ["carrier"]
    autocomplete_fields = ["carrier"]
    find_by = [("code", as_typed), ("code", upper), ("carrier__code", as_typed)]
    search_help_text = _("Code of the tariff, or of its carrier.")
    inlines = [FareInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["carrier"] if obj else []


def told_apart(fare: Fare) -> str:
    """Name a fare with its tariff and its carrier."""
    return f"{fare} · {fare.tariff} · {fare.tariff.carrier}"


class FareForm(forms.ModelForm):
    """A new fare takes the tariff's next number; numbers are never used again."""

    def clean_tariff(self) -> Tariff:
        # The lock keeps two new fares from taking one number; the admin saves in a transaction.
        tariff = Tariff.objects.select_for_update().get(pk=self.cleaned_data["tariff"].pk)
        last = Fare.objects.filter(tariff=tariff).aggregate(last=Max("number"))["last"]
        number = 0 if last is None else last + 1
        if number >= FARES_PER_TARIFF:
            raise forms.ValidationError(_("This tariff has had all of its 64 fares."))
        self.instance.number = number
        self.instance.pk = tariff.pk * FARES_PER_TARIFF + number
        return tariff


class FareVersionInline(ClosedInline):
    """The versions of a fare, newest first."""

    model = FareVersion
    fields = ["valid_from", "base", "minimum", "fee"]
    base = money_column("base_minor", FARE_CURRENCY, label=_("base"))
    minimum = money_column("minimum_minor", FARE_CURRENCY, label=_("minimum"))
    fee = money_column("fee_minor", FARE_CURRENCY, label=_("fee"))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("fare__tariff__carrier")


@admin.register(Fare)
class FareAdmin(HistoryAdmin):
    """An offer in one class. It is taken off sale, never deleted: tickets carry its number."""

    form = FareForm
    list_display = ["id", "name", "travel_class", "tariff", "number", "is_on_sale"]
    list_filter = ["travel_class", "is_on_sale"]
    autocomplete_fields = ["tariff"]
    fields = ["tariff", "name", "travel_class", "is_on_sale"]
    find_by = [("pk", whole_number), ("tariff__code", as_typed), ("tariff__code", upper)]
    # Fares are few; a word of the name is what people know of one.
    find_by += [("name__icontains", as_typed), ("name__icontains", capitalised)]
    search_help_text = FARE_SEARCH
    inlines = [FareVersionInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("tariff__carrier")

    def in_choices(self, fare: Fare) -> str:
        """Tell a fare from those of other tariffs that have its name."""
        return told_apart(fare)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = ["tariff", "name", "travel_class", "is_on_sale"]
        if obj is None:
            return fields
        may_add = request.user.has_perm("inventory.add_fareversion")  # type: ignore[union-attr]
        return [*fields, "number", *(["new_version"] if may_add else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["tariff", "travel_class", "number", "new_version"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        if obj is not None:
            options["form"] = forms.ModelForm
        return super().get_form(request, obj, **options)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("price"))
    def new_version(self, fare: Fare) -> str:
        address = reverse("admin:inventory_fareversion_add")
        newest = fare.versions.order_by("-valid_from").values_list("pk", flat=True).first()
        start = f"from={newest}" if newest else f"fare={fare.pk}"
        return format_html(
            '<a href="{}?{}">{}</a>', address, start, _("Set a new price from a day on")
        )


# --- versions -------------------------------------------------------------------------------------


class WithCurrency(forms.ModelForm):
    """A form whose money fields know whose money they read."""

    def tell_currency(self, fare: Fare | None) -> None:
        """Give every money field the currency of the fare's carrier."""
        for field in self.fields.values():
            if isinstance(field, MoneyField):
                field.currency = fare.tariff.carrier.currency_id if fare else None


def fare_of(pk: Any) -> Fare | None:
    """Answer the fare with its carrier, or None where the form names none."""
    number = whole_number(str(pk or ""))
    fares = Fare.objects.select_related("tariff__carrier")
    return fares.filter(pk=number).first() if number is not None else None


def version_to_copy(request: HttpRequest) -> FareVersion | None:
    """
    Answer the version that a new one is to begin with, as the address says: `?from=12`.

    :raises Http404: there is none of that number, and nothing typed that could be lost.
    """
    if "from" not in request.GET:
        return None
    number = whole_number(request.GET["from"])
    versions = FareVersion.objects.select_related("fare__tariff__carrier")
    found = versions.filter(pk=number).first() if number is not None else None
    if found is None and request.method != "POST":
        raise Http404
    return found


def set_bounds(form: forms.Form | forms.ModelForm, most: Mapping[str, int]) -> None:
    """Refuse more than so much in the form's fields of these names."""
    for name, bound in most.items():
        if name in form.fields:
            form.fields[name].validators.append(MaxValueValidator(bound))
            form.fields[name].widget.attrs["max"] = bound


class FareVersionForm(WithCurrency):
    """What a fare costs from a future instant on: what was sold stays as it was."""

    base_minor = MoneyField(label=_("Base"), required=False)
    per_km_micro = PerKilometreField(label=_("Per kilometre"), required=False)
    minimum_minor = MoneyField(label=_("Minimum"), required=False)
    rounding_minor = MoneyField(label=_("Rounded up to"))
    tax_basis_points = PercentField(label=_("Tax contained, %"), required=False)
    fee_minor = MoneyField(label=_("Fee on top"), required=False)
    return_discount_basis_points = PercentField(label=_("Off a round trip, %"), required=False)
    gives_nothing_back = forms.BooleanField(
        label=_("Nothing is given back when cancelled"),
        help_text=_("To be ticked where there are no penalty tiers, and only there."),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = self.data.get("fare") if self.is_bound else self.initial.get("fare")
        self.tell_currency(fare_of(self.instance.fare_id or named))
        set_bounds(self, MOST)
        self._say_what_is_meant()
        if self.instance.pk and not self.is_bound:
            self.initial["gives_nothing_back"] = not self.instance.penalty_tiers.exists()

    def _say_what_is_meant(self) -> None:
        helps = {
            "fare": FARE_SEARCH,
            "valid_from": _("In UTC. Until then the price before this one holds."),
            "quota": _("Seats at this fare at most. Blank: as many as the class has."),
        }
        for name, text in helps.items():
            if name in self.fields:
                self.fields[name].help_text = text
        if "fare" in self.fields:
            self.fields["fare"].label_from_instance = told_apart

    def clean_valid_from(self) -> Any:
        begins, now = self.cleaned_data["valid_from"], clock.now()
        if begins <= now:
            raise forms.ValidationError(_("A new price begins in the future."))
        if begins > now + MOST_AHEAD:
            raise forms.ValidationError(
                _("A new price begins within two years, by %(last)s."),
                params={"last": moment_text(now + MOST_AHEAD)},
            )
        return begins

    def clean_rounding_minor(self) -> int:
        step: int = self.cleaned_data["rounding_minor"]
        if step < 1:
            raise forms.ValidationError(_("Round to the smallest coin at least."))
        if step > MOST_ROUNDING_MINOR:
            most = Money(MOST_ROUNDING_MINOR, self.fields["rounding_minor"].currency)
            raise forms.ValidationError(
                _("Round up to %(most)s at most."), params={"most": money_text(most)}
            )
        return step

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        self._check_ages(typed)
        if not any(typed.get(name, 1) for name in ("base_minor", "per_km_micro", "minimum_minor")):
            self.add_error(
                "base_minor",
                _(
                    "Everybody would travel free: write a base, a price for each kilometre or a "
                    "minimum."
                ),
            )
        if self._begins_with_another(typed):
            self.add_error("valid_from", _("Another price of this fare begins at that moment."))
        return typed

    def _check_ages(self, typed: dict[str, Any]) -> None:
        for younger, older, text in (
            ("infant", "child", _("Children are older than infants: write more than %(age)s.")),
            (
                *("child", "young"),
                _("Young people are older than children: write more than %(age)s."),
            ),
        ):
            below, until = (typed.get(f"{kind}_until_age") for kind in (younger, older))
            if below is not None and until is not None and until <= below:
                self.add_error(
                    f"{older}_until_age", forms.ValidationError(text, params={"age": below})
                )

    def _begins_with_another(self, typed: dict[str, Any]) -> bool:
        fare = typed.get("fare") or (self.instance.fare if self.instance.pk else None)
        if fare is None or "valid_from" not in typed:
            return False
        versions = FareVersion.objects.filter(fare=fare, valid_from=typed["valid_from"])
        return versions.exclude(pk=self.instance.pk).exists()


class PenaltyTierForm(WithCurrency):
    """What cancelling costs from so many minutes before departure on."""

    basis_points = PercentField(label=_("Penalty, %"))
    minimum_minor = MoneyField(label=_("At least"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_bounds(self, {"minutes_before": MOST_MINUTES})
        if "minutes_before" in self.fields:
            self.fields["minutes_before"].help_text = _("1440 are a day, 10080 a week.")
        if not self.instance.pk:
            # A blank row is blank, until it is filled in from another version.
            self.initial = {"minimum_minor": None, **(kwargs.get("initial") or {})}


class PenaltyTierFormSet(forms.BaseInlineFormSet):
    """
    Tiers of a version, in the money of its fare.

    No tiers mean that cancelling gives nothing back, which is not meant by leaving rows blank: it
    is ticked on the version's form.
    """

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        gives_nothing_back = bool(self.data.get("gives_nothing_back"))
        if gives_nothing_back and self._has_tiers():
            raise forms.ValidationError(
                _("You ticked that nothing is given back: take the tick away, or the tiers.")
            )
        if not gives_nothing_back and not self._has_tiers():
            raise forms.ValidationError(
                _(
                    "Without penalty tiers nothing is given back to whoever cancels. Write at "
                    "least one tier, or tick that nothing is given back."
                )
            )

    def get_unique_error_message(self, unique_check: Any) -> str:
        return gettext(
            "Two tiers begin equally long before departure: let each begin at another time."
        )

    def _has_tiers(self) -> bool:
        gone = self.deleted_forms
        return any(
            form not in gone and (form.instance.pk or form.has_changed()) for form in self.forms
        )

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        return self._tell(super()._construct_form(i, **kwargs))

    @property
    def empty_form(self) -> Any:
        return self._tell(super().empty_form)

    def _tell(self, form: Any) -> Any:
        if not hasattr(self, "_fare"):
            self._fare = fare_of(self.instance.fare_id or self.data.get("fare"))
        form.tell_currency(self._fare)
        return form


class PenaltyTierInline(admin.TabularInline):
    """Tiers are edited while their version may be."""

    model = PenaltyTier
    form = PenaltyTierForm
    formset = PenaltyTierFormSet
    fields = ["minutes_before", "basis_points", "minimum_minor"]

    def get_extra(self, request: HttpRequest, obj: Any = None, **options: Any) -> int:
        if obj is not None:
            return 1
        template = version_to_copy(request)
        return template.penalty_tiers.count() + 1 if template else OPEN_TIERS

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if may_change(obj):
            return ["minutes_before", "basis_points", "minimum_minor"]
        return ["minutes_before", "time_left", "penalty", "minimum"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if may_change(obj) else ["time_left", "penalty", "minimum"]

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.select_related("fare_version__fare__tariff__carrier")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and may_change(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_change(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_change(obj)

    @admin.display(description=_("time left"))
    def time_left(self, tier: PenaltyTier) -> str:
        return duration(tier.minutes_before)

    @admin.display(description=_("penalty"))
    def penalty(self, tier: PenaltyTier) -> str:
        return percent(tier.basis_points)

    minimum = money_column("minimum_minor", TIER_CURRENCY, label=_("at least"))


RULE = ["base_minor", "per_km_micro", "minimum_minor", "rounding_minor", "tax_basis_points"]
RULE += ["fee_minor", "return_discount_basis_points"]
RULE_IN_WORDS = ["base", "per_km", "minimum", "rounding", "tax", "fee", "return_discount"]
AGES = ["young_percent", "young_until_age", "child_percent", "child_until_age"]
AGES += ["infant_percent", "infant_until_age"]


@admin.register(FareVersion)
class FareVersionAdmin(HistoryAdmin):
    """
    A fare's price rule and conditions from an instant on.

    Edited only while it is still to begin. Once it is on sale, somebody may hold its price: a
    change is a new version.
    """

    form = FareVersionForm
    list_display = ["id", "fare", "tariff", "valid_from", "standing", "base", "per_km", "minimum"]
    list_select_related = ["fare__tariff__carrier"]
    sortable_by = ["id", "valid_from"]
    ordering = ["-id"]
    autocomplete_fields = ["fare"]
    find_by = [("pk", whole_number), ("fare", whole_number), ("fare__tariff__code", as_typed)]
    search_help_text = _("Number of the version or of its fare, or code of the tariff.")
    inlines = [PenaltyTierInline]
    base = money_column("base_minor", FARE_CURRENCY, label=_("base"))
    minimum = money_column("minimum_minor", FARE_CURRENCY, label=_("minimum"))
    rounding = money_column("rounding_minor", FARE_CURRENCY, label=_("rounded up to"))
    fee = money_column("fee_minor", FARE_CURRENCY, label=_("fee on top"))

    @admin.display(description=_("tariff"))
    def tariff(self, version: FareVersion) -> str:
        return str(version.fare.tariff)

    @admin.display(description=_("standing"))
    def standing(self, version: FareVersion) -> str:
        if version.valid_from > clock.now():
            return tagged(_("Still to begin"), "info")
        return tagged(_("Begun"), "")

    @admin.display(description=_("per kilometre"))
    def per_km(self, version: FareVersion) -> str:
        currency = version.fare.tariff.carrier.currency_id
        field = PerKilometreField(required=False)
        field.currency = currency
        return f"{field.prepare_value(version.per_km_micro)} {currency}"

    @admin.display(description=_("tax contained"))
    def tax(self, version: FareVersion) -> str:
        return percent(version.tax_basis_points)

    @admin.display(description=_("when cancelled"))
    def given_back(self, version: FareVersion) -> str:
        if version.penalty_tiers.exists():
            return gettext("What the penalty tiers leave.")
        return gettext("Nothing is given back.")

    @admin.display(description=_("off a round trip"))
    def return_discount(self, version: FareVersion) -> str:
        return percent(version.return_discount_basis_points)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        is_open = self.has_change_permission(request, obj) if obj else True
        return [
            (
                None,
                {"fields": ["fare", "valid_from", "conditions", "sales_close_minutes", "quota"]},
            ),
            (_("Price of an adult"), {"fields": RULE if is_open else RULE_IN_WORDS}),
            (_("Others pay, in per cent"), {"fields": [tuple(AGES[n : n + 2]) for n in (0, 2, 4)]}),
            (_("Cancelling"), {"fields": ["gives_nothing_back" if is_open else "given_back"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        if self.has_change_permission(request, obj):
            return ["fare"]
        return ["fare", *RULE_IN_WORDS, "given_back"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        template = version_to_copy(request)
        if template is None:
            return super().get_changeform_initial_data(request)
        # From when on the new price holds is the one thing that nobody can know.
        return model_to_dict(template, exclude=["id", "valid_from"])

    def get_formset_kwargs(
        self, request: HttpRequest, obj: Any, inline: Any, prefix: str
    ) -> dict[str, Any]:
        options: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        # What is sent is a new row even where it equals the old version's.
        template = version_to_copy(request) if obj.pk is None and request.method == "GET" else None
        if template:
            columns = inline.get_fields(request)
            options["initial"] = list(template.penalty_tiers.values(*columns))
            # Amounts are shown in the money of its fare.
            options["instance"] = FareVersion(fare=template.fare)
        return options

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        template = version_to_copy(request) if self.has_add_permission(request) else None
        if template:
            title = _("New version of %(fare)s, filled in from version %(number)s") % {
                "fare": template.fare,
                "number": template.pk,
            }
            extra_context = {"title": title, **(extra_context or {})}
        return super().add_view(request, form_url, extra_context)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_change(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_change(obj)


@admin.register(PenaltyTier)
class PenaltyTierAdmin(OfficeAdmin):
    """Penalty tiers, to look at: they are edited with their version."""

    list_display = ["id", "fare_version", "time_left", "penalty", "minimum"]
    fields = ["fare_version", "minutes_before", "time_left", "penalty", "minimum"]
    list_select_related = ["fare_version__fare__tariff__carrier"]
    find_by = [("pk", whole_number), ("fare_version", whole_number)]
    search_help_text = _("Number of the tier or of its version.")
    minimum = money_column("minimum_minor", TIER_CURRENCY, label=_("at least"))

    @admin.display(description=_("time left"))
    def time_left(self, tier: PenaltyTier) -> str:
        return duration(tier.minutes_before)

    @admin.display(description=_("penalty"))
    def penalty(self, tier: PenaltyTier) -> str:
        return percent(tier.basis_points)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["time_left", "penalty", "minimum"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # One by one the last could go unseen, and nothing would be given back.
        raise PermissionDenied

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown = {"show_delete": False, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, shown)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Asked when an unsold version goes with its tiers.
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and may_change(obj.fare_version)
