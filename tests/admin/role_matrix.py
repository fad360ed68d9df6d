"""
Who may do what in the back office: the expected answers of tests/admin/test_role_matrix.py.

People are letters, and a word of letters says who may; whoever is not in it is refused.

    n  staff without a role           v  a carrier's viewer
    a  support agent                  c  a carrier's operations
    f  finance                        g  a carrier's manager
    o  operations                     s  superuser
    m  administrator

Carriers' people reach their own carrier's rows alone: every page that they may open is asked for
another carrier's row too, and refused. Strangers and travellers are always shown the door.

To add a table: a line in TABLES. To add a page, a button, a file: a line in PAGES, named as its URL
is. To add a button above a list (an action): a line in ACTIONS. The test says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EVERYBODY = "nafomvcgs"
OFFICE = "afomvcgs"  # whoever has something to look at
CARRIERS = "vcg"

# --- tables ---------------------------------------------------------------------------------------

# table                            view       add    change  delete (of the newest row)
TABLES: dict[str, tuple[str, str, str, str]] = {
    "accounts.user":               ("ams",    "ms",  "ms",   ""),
    "accounts.savedpassenger":     ("ms",     "",    "",     ""),
    "accounts.messagechoice":      ("ams",    "",    "",     ""),
    "accounts.tokenfamily":        ("ms",     "",    "",     ""),
    "accounts.refreshtoken":       ("ms",     "",    "",     ""),
    "auth.group":                  ("ms",     "s",   "s",    "s"),
    "otp_totp.totpdevice":         ("ms",     "",    "",     "ms"),
    "common.act":                  ("ms",     "",    "",     ""),
    "common.currency":             ("foms",   "",    "",     ""),
    "common.outboxmessage":        ("ams",    "",    "",     ""),
    "common.job":                  ("ms",     "",    "",     ""),
    "common.idempotencykey":       ("ms",     "",    "",     ""),
    "inventory.city":              ("aoms",   "oms", "oms",  "oms"),
    "inventory.cityname":          ("oms",    "oms", "oms",  "oms"),
    "inventory.station":           ("aoms",   "oms", "oms",  "oms"),
    "inventory.stationname":       ("oms",    "oms", "oms",  "oms"),
    "inventory.stationcode":       ("oms",    "oms", "oms",  "oms"),
    "inventory.minimumchange":     ("aoms",   "oms", "oms",  "oms"),
    "inventory.carrier":           ("afoms",  "ms",  "ms",   "ms"),
    "inventory.carrierclass":      ("aoms",   "ms",  "ms",   "ms"),
    "inventory.membership":        ("ms",     "ms",  "ms",   "ms"),
    "inventory.service":           ("afoms",  "oms", "oms",  "oms"),
    "inventory.flight":            ("aoms",   "",    "oms",  ""),
    "inventory.train":             ("aoms",   "",    "oms",  ""),
    "inventory.bus":               ("aoms",   "",    "oms",  ""),
    "inventory.facility":          ("aoms",   "oms", "oms",  "oms"),
    "inventory.vehicle":           ("aoms",   "oms", "oms",  "oms"),
    "inventory.seatmap":           ("oms",    "oms", "oms",  "oms"),
    "inventory.coach":             ("oms",    "oms", "oms",  "oms"),
    "inventory.seat":              ("oms",    "oms", "oms",  "oms"),
    "inventory.timetablepattern":  ("omvcgs", "oms", "oms",  "oms"),
    "inventory.patterncall":       ("oms",    "",    "",     ""),
    "inventory.timetableupload":   ("oms",    "",    "",     ""),
    "inventory.uploadpart":        ("ms",     "",    "",     ""),
    "inventory.feed":              ("oms",    "",    "oms",  ""),
    "inventory.importrun":         ("oms",    "",    "",     ""),
    "inventory.departure":         (OFFICE,   "",    "",     ""),
    "inventory.call":              ("aomvcgs", "",   "",     ""),
    "inventory.ticket":            (OFFICE,   "",    "",     ""),
    "inventory.pendingchange":     ("aomvcgs", "",   "",     ""),
    "inventory.tariff":            ("afoms",  "ms",  "ms",   "ms"),
    "inventory.fare":              ("afms",   "ms",  "ms",   ""),
    "inventory.fareversion":       ("afms",   "ms",  "ms",   "ms"),
    "inventory.penaltytier":       ("afms",   "",    "",     ""),
    "bookings.reservation":        ("afms",   "",    "",     ""),
    "bookings.passenger":          ("ams",    "",    "",     ""),
    "bookings.coupon":             ("afms",   "",    "",     ""),
    "bookings.priceline":          ("afms",   "",    "",     ""),
    "bookings.claim":              ("aoms",   "",    "",     ""),
    "bookings.reservationevent":   ("afms",   "",    "",     ""),
    "bookings.seatstock":          ("oms",    "",    "",     ""),
    "bookings.seatblock":          ("aoms",   "",    "",     ""),
    "bookings.unseated":           ("aoms",   "",    "",     ""),
    "bookings.scan":               ("aoms",   "",    "",     ""),
    "bookings.manifestcopy":       ("oms",    "",    "",     ""),
    "payments.payment":            ("afms",   "",    "",     ""),
    "payments.refund":             ("afms",   "",    "",     ""),
    "payments.cancellation":       ("afms",   "",    "",     ""),
    "payments.cancelledcoupon":    ("afms",   "",    "",     ""),
    "payments.goodwill":           ("afms",   "",    "",     ""),
    "payments.topup":              ("afms",   "",    "",     ""),
    "payments.cryptoinvoice":      ("afms",   "",    "",     ""),
    "payments.receipt":            ("afms",   "",    "",     ""),
    "payments.receiptline":        ("afms",   "",    "",     ""),
    "payments.receiptname":        ("fms",    "",    "",     ""),
    "payments.receiptseries":      ("fms",    "",    "",     ""),
    "payments.account":            ("fms",    "",    "",     ""),
    "payments.transfer":           ("fms",    "",    "",     ""),
    "payments.entry":              ("fms",    "",    "",     ""),
    "payments.carrierterms":       ("fms",    "",    "",     ""),
    "payments.settlement":         ("fms",    "",    "",     ""),
    "payments.moneyalarm":         ("fms",    "",    "",     ""),
    "payments.webhookevent":       ("fms",    "",    "",     ""),
    "payments.reconciliationrun":  ("fms",    "",    "",     ""),
    "payments.difference":         ("fms",    "",    "",     ""),
    "payments.sandboxcharge":      ("ms",     "",    "",     ""),
    "payments.sandboxrefund":      ("ms",     "",    "",     ""),
    "payments.sandboxcoin":        ("ms",     "",    "",     ""),
    "payments.sandboxdelivery":    ("ms",     "",    "",     ""),
    "support.report":              ("ams",    "",    "",     ""),
    "support.reportmessage":       ("ams",    "",    "",     ""),
    "support.cannedreply":         ("ams",    "ms",  "ms",   "ms"),
    "support.deskentry":           ("aoms",   "",    "",     ""),
    "support.disruptionjob":       ("aoms",   "",    "",     ""),
    "support.disruptionitem":      ("aoms",   "",    "",     ""),
    "support.serving":             ("ams",    "",    "",     ""),
    "support.servingentry":        ("ams",    "",    "",     ""),
    "support.dataexport":          ("ms",     "",    "",     ""),
    "support.erasure":             ("ms",     "",    "",     ""),
    "support.closedday":           ("fms",    "",    "",     ""),
    "support.daysales":            ("fms",    "",    "",     ""),
    "support.daycustomer":         ("ms",     "",    "",     ""),
    "support.dayholds":            ("foms",   "",    "",     ""),
    "support.departureload":       ("oms",    "",    "",     ""),
    "support.subscription":        ("ms",     "",    "",     ""),
}  # fmt: skip

# Buttons above lists, by table: who may press them. Whoever sees no rows is offered none.
ACTIONS: dict[str, dict[str, str]] = {
    "payments.goodwill": {"approve": "fms", "reject": "fms"},
    "payments.moneyalarm": {"believe": "fms"},
    "payments.refund": {"approve": "fms", "retry": "fms", "to-wallet": "fms"},
}

# --- pages of their own ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """
    A page: who may look, who may send (None: the page does not tell GET from POST).

    `at` answers the address's words from the world of the test, `other` the same for another
    carrier's row; `query` is what stands behind the question mark, and `sent` is what is sent. A
    page that is a button has `get=None`. `leaves` is the kind of act that a file's taking, or a
    look, leaves on record.
    """

    get: str | None
    post: str | None = None
    at: Callable[[Any], dict[str, Any]] = lambda world: {}
    other: Callable[[Any], dict[str, Any]] | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    leaves: str = ""
    query: Callable[[Any], dict[str, Any]] = lambda world: {}


def newest(model: str) -> Callable[[Any], dict[str, Any]]:
    """The newest row of a table, as pages with `<path:object_id>` name it."""
    return lambda world: {"object_id": world.row(model).pk}


def newest_pk(model: str) -> Callable[[Any], dict[str, Any]]:
    """The newest row of a table, as pages with `<int:pk>` name it."""
    return lambda world: {"pk": world.row(model).pk}


def button(who: str, model: str) -> Page:
    """A button on a row's page: it is sent, and never looked at."""
    return Page(None, who, newest(model), sent={"note": "Because."})


DESK = "omcgs"  # whoever changes departures
PEOPLE_ON_BOARD = "aomvcgs"  # finance needs nobody's address
HELPS = "ams"
MONEY = "fms"

PAGES: dict[str, Page] = {
    # --- the departures desk
    "desk": Page(OFFICE),
    "desk_departure": Page(OFFICE, None, lambda w: {"pk": w.own}, lambda w: {"pk": w.others}),
    "desk_people_csv": Page(
        PEOPLE_ON_BOARD,
        None,
        lambda w: {"pk": w.own},
        lambda w: {"pk": w.others},
        leaves="exported",
    ),
    "desk_job": Page(
        OFFICE, DESK, lambda w: {"pk": w.own_job}, lambda w: {"pk": w.others_job}, {"stop": "1"}
    ),
    "desk_job_csv": Page(
        OFFICE, None, lambda w: {"pk": w.own_job}, lambda w: {"pk": w.others_job}, leaves="exported"
    ),
    "desk_change": Page(
        OFFICE,
        DESK,
        lambda w: {"pk": w.own_change},
        lambda w: {"pk": w.others_change},
        {"deed": "tell", "reject": "1"},
    ),
    # --- people
    "auth_user_password_change": Page("ms", "ms", lambda w: {"id": w.colleague}),
    # --- timetables
    "inventory_timetablepattern_publish": Page("oms", "oms", newest("inventory.timetablepattern")),
    "inventory_timetableupload_upload": Page("oms", "oms"),
    "inventory_timetableupload_confirm": Page(None, "oms", newest_pk("inventory.timetableupload")),
    "inventory_timetableupload_drop": Page(None, "oms", newest_pk("inventory.timetableupload")),
    # --- reservations
    "find": Page("afms", query=lambda w: {"q": w.row("bookings.reservation").locator}),
    "customer": Page(HELPS, None, newest_pk("accounts.user"), leaves="looked"),
    "bookings_reservation_cancel": Page(HELPS, HELPS, newest("bookings.reservation")),
    # --- money
    "payments_refund_approve": button(MONEY, "payments.refund"),
    "payments_refund_reject": button(MONEY, "payments.refund"),
    "payments_refund_retry": button(MONEY, "payments.refund"),
    "payments_refund_to-wallet": button(MONEY, "payments.refund"),
    "payments_goodwill_give": Page("afms", "afms"),
    "payments_goodwill_approve": button(MONEY, "payments.goodwill"),
    "payments_goodwill_reject": button(MONEY, "payments.goodwill"),
    "payments_moneyalarm_close": button(MONEY, "payments.moneyalarm"),
    "payments_moneyalarm_believe": button(MONEY, "payments.moneyalarm"),
    "payments_difference_close": button(MONEY, "payments.difference"),
    "payments_account_statement": Page(MONEY, None, newest_pk("payments.account")),
    "payments_account_csv": Page(MONEY, None, newest_pk("payments.account"), leaves="exported"),
    "payments_transfer_payout": Page(MONEY, MONEY),
    "payments_carrierterms_agree": Page(MONEY, MONEY),
    "payments_settlement_draw": Page(MONEY, MONEY),
    "payments_settlement_statement": Page(MONEY, MONEY, newest_pk("payments.settlement")),
    "payments_settlement_csv": Page(
        MONEY, None, newest_pk("payments.settlement"), leaves="exported"
    ),
    # --- reports of passengers
    "reports_desk": Page(HELPS),
    "reports_desk_report": Page(HELPS, HELPS, newest_pk("support.report"), sent={"do": "take"}),
    # --- serving travellers
    "book_by_phone": Page(HELPS, HELPS),
    "serving_begin": Page(
        HELPS,
        HELPS,
        query=lambda w: {"purpose": "look", "traveller": w.row("accounts.user").pk},
    ),
    "serving_booked": Page(
        HELPS, HELPS, lambda w: {"locator": w.row("bookings.reservation").locator}
    ),
    # Whoever serves somebody stops, and is back at the overview; whoever does not, too.
    "serving_stop": Page(None, ""),
    # --- numbers
    "numbers": Page(OFFICE),
    # A report that comes by e-mail is stopped by whom it comes to; this one is a traveller's.
    "numbers_stop": Page(None, "", newest_pk("support.subscription")),
}

# Acts of the departures desk, each by name, on the own carrier's departure and another's.
DESK_ACTS: dict[str, str] = {
    "delay": DESK,
    "platform": DESK,
    "swap": DESK,
    "block": DESK,
    "unblock": DESK,
    "seat": DESK,
    "close": DESK,
    "reopen": DESK,
    "extra": DESK,
    "skip": DESK,
    "cancel": DESK,
    "job": DESK,
}

# Acts for a traveller, from the reservation's page, each by name.
RESERVATION_ACTS: dict[str, str] = {
    "name": HELPS,
    "contact": HELPS,
    "seats": HELPS,
    "rebook": HELPS,
    "tickets": HELPS,
    "payment-link": HELPS,
    "extend": HELPS,
}

# Reports of the numbers: page, file and subscription.
REPORTS: dict[str, str] = {
    "revenue": "fmgs",
    "refunds": "fmgs",
    "tickets": "fomvcgs",
    "cancellations": "fomvcgs",
    "lead-times": "fomvcgs",
    "holds": "foms",
    "occupancy": "fomvcgs",
    "no-shows": "fomvcgs",
    "reports": "aoms",
    "answers": "aoms",
    "users": "ams",
    "top-customers": "ams",
    "cities": "ams",
    "never-booked": "ams",
    "every-mode": "ams",
}

# Look-ups among the numbers, page and file: about people, but for the one that counts tickets.
LOOK_UPS: dict[str, str] = {
    "tickets-of-contact": "ams",
    "cancellers-of-city": "ams",
    "tickets-by-city": "ams",
    "tickets-by-phrase": "ams",
    "users-of-same-city": "ams",
    "top-users": "ams",
    "tickets-by-mode": "foms",
    "top-reporters": "ams",
}

# Pages of Django's own site that every member of staff may open.
SITE = {"index", "login", "logout", "password_change", "password_change_done", "jsi18n"}
# Pages of Django's own site that follow from the tables: tested by what they answer.
ANSWERS = {"autocomplete", "app_list", "view_on_site"}
# Pages that are told by name above: acts of the desk, reports of the numbers.
NAMED = {"desk_act", "reservation_act", "numbers_report", "numbers_csv", "numbers_subscribe"}
NAMED |= {"numbers_look_up", "numbers_look_up_csv"}
