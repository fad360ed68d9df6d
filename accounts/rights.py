"""
What the staff's roles may do with each table of the back office.

This is the whole of it: a role has the rights that stand here and no others, and `migrate` makes it
so (docs/decisions/0015-rights-of-roles-are-code.md). A table that is not here is seen by superusers
alone. What staff do beyond looking at tables (answering reports, approving refunds, cancelling
departures) is asked of the role itself, by the pages that do it.

Carriers' own staff need no row here: inventory.reach says which departures are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.apps import apps as every_app
from django.apps.registry import Apps
from django.db import router

from accounts.roles import ADMINISTRATOR, FINANCE, OPERATIONS, SUPPORT_AGENT

ACTIONS = {"v": "view", "a": "add", "c": "change", "d": "delete"}
COLUMNS = (SUPPORT_AGENT, FINANCE, OPERATIONS, ADMINISTRATOR)

# v: view, a: add, c: change, d: delete, -: nothing. Where services alone write, nobody has more
# than a view.
RIGHTS: dict[str, tuple[str, str, str, str]] = {
    # table                        agent  finance  operations  administrator
    # --- people
    "accounts.user":               ("v",  "-",     "-",        "vac"),
    "accounts.savedpassenger":     ("-",  "-",     "-",        "v"),
    "accounts.messagechoice":      ("v",  "-",     "-",        "v"),
    "accounts.tokenfamily":        ("-",  "-",     "-",        "v"),
    "accounts.refreshtoken":       ("-",  "-",     "-",        "v"),
    "auth.group":                  ("-",  "-",     "-",        "v"),
    "otp_totp.totpdevice":         ("-",  "-",     "-",        "vd"),
    "inventory.membership":        ("-",  "-",     "-",        "vacd"),
    # --- the office
    "common.act":                  ("-",  "-",     "-",        "v"),
    "common.currency":             ("-",  "v",     "v",        "v"),
    "common.outboxmessage":        ("v",  "-",     "-",        "v"),
    "common.job":                  ("-",  "-",     "-",        "v"),
    "common.idempotencykey":       ("-",  "-",     "-",        "v"),
    # --- what runs
    "inventory.city":              ("v",  "-",     "vacd",     "vacd"),
    "inventory.cityname":          ("-",  "-",     "vacd",     "vacd"),
    "inventory.station":           ("v",  "-",     "vacd",     "vacd"),
    "inventory.stationname":       ("-",  "-",     "vacd",     "vacd"),
    "inventory.stationcode":       ("-",  "-",     "vacd",     "vacd"),
    "inventory.minimumchange":     ("v",  "-",     "vacd",     "vacd"),
    "inventory.carrier":           ("v",  "v",     "v",        "vacd"),
    "inventory.carrierclass":      ("v",  "-",     "v",        "vacd"),
    "inventory.service":           ("v",  "v",     "vacd",     "vacd"),
    "inventory.flight":            ("v",  "-",     "vc",       "vc"),
    "inventory.train":             ("v",  "-",     "vc",       "vc"),
    "inventory.bus":               ("v",  "-",     "vc",       "vc"),
    "inventory.facility":          ("v",  "-",     "vacd",     "vacd"),
    "inventory.vehicle":           ("v",  "-",     "vacd",     "vacd"),
    "inventory.seatmap":           ("-",  "-",     "vacd",     "vacd"),
    "inventory.coach":             ("-",  "-",     "vacd",     "vacd"),
    "inventory.seat":              ("-",  "-",     "vacd",     "vacd"),
    "inventory.timetablepattern":  ("-",  "-",     "vacd",     "vacd"),
    "inventory.patterncall":       ("-",  "-",     "vacd",     "vacd"),
    "inventory.timetableupload":   ("-",  "-",     "v",        "v"),
    "inventory.uploadpart":        ("-",  "-",     "-",        "v"),
    "inventory.feed":              ("-",  "-",     "vc",       "vc"),
    "inventory.importrun":         ("-",  "-",     "v",        "v"),
    "inventory.departure":         ("v",  "v",     "v",        "v"),
    "inventory.call":              ("v",  "-",     "v",        "v"),
    "inventory.ticket":            ("v",  "v",     "v",        "v"),
    "inventory.pendingchange":     ("v",  "-",     "v",        "v"),
    # --- what it costs: prices are the administrators', whoever runs the trains
    "inventory.tariff":            ("v",  "v",     "v",        "vacd"),
    "inventory.fare":              ("v",  "v",     "-",        "vac"),
    "inventory.fareversion":       ("v",  "v",     "-",        "vacd"),
    "inventory.penaltytier":       ("v",  "v",     "-",        "vacd"),
    # --- what was sold
    "bookings.reservation":        ("v",  "v",     "-",        "v"),
    "bookings.passenger":          ("v",  "-",     "-",        "v"),
    "bookings.coupon":             ("v",  "v",     "-",        "v"),
    "bookings.priceline":          ("v",  "v",     "-",        "v"),
    "bookings.claim":              ("v",  "-",     "v",        "v"),
    "bookings.reservationevent":   ("v",  "v",     "-",        "v"),
    "bookings.seatstock":          ("-",  "-",     "v",        "v"),
    "bookings.seatblock":          ("v",  "-",     "v",        "v"),
    "bookings.unseated":           ("v",  "-",     "v",        "v"),
    "bookings.scan":               ("v",  "-",     "v",        "v"),
    "bookings.manifestcopy":       ("-",  "-",     "v",        "v"),
    # --- money
    "payments.payment":            ("v",  "v",     "-",        "v"),
    "payments.refund":             ("v",  "v",     "-",        "v"),
    "payments.cancellation":       ("v",  "v",     "-",        "v"),
    "payments.cancelledcoupon":    ("v",  "v",     "-",        "v"),
    "payments.goodwill":           ("v",  "v",     "-",        "v"),
    "payments.topup":              ("v",  "v",     "-",        "v"),
    "payments.cryptoinvoice":      ("v",  "v",     "-",        "v"),
    "payments.receipt":            ("v",  "v",     "-",        "v"),
    "payments.receiptline":        ("v",  "v",     "-",        "v"),
    "payments.receiptname":        ("-",  "v",     "-",        "v"),
    "payments.receiptseries":      ("-",  "v",     "-",        "v"),
    "payments.account":            ("-",  "v",     "-",        "v"),
    "payments.transfer":           ("-",  "v",     "-",        "v"),
    "payments.entry":              ("-",  "v",     "-",        "v"),
    "payments.carrierterms":       ("-",  "v",     "-",        "v"),
    "payments.settlement":         ("-",  "v",     "-",        "v"),
    "payments.moneyalarm":         ("-",  "v",     "-",        "v"),
    "payments.webhookevent":       ("-",  "v",     "-",        "v"),
    "payments.reconciliationrun":  ("-",  "v",     "-",        "v"),
    "payments.difference":         ("-",  "v",     "-",        "v"),
    "payments.sandboxcharge":      ("-",  "-",     "-",        "v"),
    "payments.sandboxrefund":      ("-",  "-",     "-",        "v"),
    "payments.sandboxcoin":        ("-",  "-",     "-",        "v"),
    "payments.sandboxdelivery":    ("-",  "-",     "-",        "v"),
    # --- who helps
    "support.report":              ("v",  "-",     "-",        "v"),
    "support.reportmessage":       ("v",  "-",     "-",        "v"),
    "support.cannedreply":         ("v",  "-",     "-",        "vacd"),
    "support.deskentry":           ("v",  "-",     "v",        "v"),
    "support.disruptionjob":       ("v",  "-",     "v",        "v"),
    "support.disruptionitem":      ("v",  "-",     "v",        "v"),
    "support.serving":             ("v",  "-",     "-",        "v"),
    "support.servingentry":        ("v",  "-",     "-",        "v"),
    "support.dataexport":          ("-",  "-",     "-",        "v"),
    "support.erasure":             ("-",  "-",     "-",        "v"),
    # --- numbers
    "support.closedday":           ("-",  "v",     "-",        "v"),
    "support.daysales":            ("-",  "v",     "-",        "v"),
    "support.daycustomer":         ("-",  "-",     "-",        "v"),
    "support.dayholds":            ("-",  "v",     "v",        "v"),
    "support.departureload":       ("-",  "-",     "v",        "v"),
    "support.subscription":        ("-",  "-",     "-",        "v"),
}  # fmt: skip


def rights_of(role: str) -> Iterator[tuple[str, str]]:
    """Answer the rights of a role as pairs: `("inventory.city", "change")`."""
    column = COLUMNS.index(role)
    for table, cells in RIGHTS.items():
        for letter in cells[column].strip("-"):
            yield table, ACTIONS[letter]


def give_rights(
    *,
    app_config: AppConfig,
    using: str = "default",
    apps: Any = every_app,
    verbosity: int = 1,
    **kwargs: Any,
) -> None:
    """
    Give the roles their rights on the tables of an app, and take what they should not have there.

    Run after every migrate, once for each app, right after Django has made the app's permissions:
    so it needs no app to come last. Running it again changes nothing.
    """
    models = _models(apps, using)
    if models is None:
        return
    group_model, permission_model = models
    label = app_config.label
    permissions = {
        (f"{label}.{model}", codename.removesuffix(f"_{model}")): pk
        for pk, model, codename in permission_model.objects.using(using)
        .filter(content_type__app_label=label)
        .values_list("pk", "content_type__model", "codename")
    }
    if not permissions:
        return
    names = {pk: right for right, pk in permissions.items()}
    roles = _roles(group_model, using)
    wanted = {
        (roles[role], permissions[right])
        for role in COLUMNS
        for right in rights_of(role)
        if right in permissions
    }
    given = group_model.permissions.through.objects.using(using)
    held = {
        (group_id, permission_id): pk
        for pk, group_id, permission_id in given.filter(
            group_id__in=roles.values(), permission__content_type__app_label=label
        ).values_list("pk", "group_id", "permission_id")
    }
    given.bulk_create(
        (
            given.model(group_id=group_id, permission_id=permission_id)
            for group_id, permission_id in sorted(wanted - held.keys())
        ),
        ignore_conflicts=True,
    )
    taken = sorted(held.keys() - wanted)
    given.filter(pk__in=[held[one] for one in taken]).delete()
    if verbosity:
        called = {pk: role for role, pk in roles.items()}
        for group_id, permission_id in taken:
            table, action = names[permission_id]
            print(  # noqa: T201 - migrate tells it, as Django does
                f"  Took from the role {called[group_id]}: {action} {table}. "
                "What a role may do is code; make a group of your own for more."
            )


def ensure_roles(*, using: str = "default", apps: Any = every_app, **kwargs: Any) -> None:
    """Make the roles, after every migrate; those that are there stay."""
    if models := _models(apps, using):
        _roles(models[0], using)


def _models(apps: Apps, using: str) -> tuple[Any, Any] | None:
    """Answer groups and permissions, or None where the database has none of them (yet)."""
    try:
        group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return None
    return (group, permission) if router.allow_migrate_model(using, group) else None


def _roles(group_model: Any, using: str) -> dict[str, int]:
    """Answer the roles' numbers by name, made where they are missing."""
    groups = group_model.objects.using(using)
    found = dict(groups.filter(name__in=COLUMNS).values_list("name", "pk"))
    if len(found) < len(COLUMNS):
        groups.bulk_create((group_model(name=name) for name in COLUMNS), ignore_conflicts=True)
        found = dict(groups.filter(name__in=COLUMNS).values_list("name", "pk"))
    return found
