"""Reporting a problem, and the support desk: reports, reservations, payments that came undone."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import viewers
from accounts.viewers import Viewer
from bookings import selectors as bookings
from bookings.api.serializers import STATUSES
from bookings.api.views import viewer_of
from bookings.errors import AlreadyCancelled, HoldExpired, NotCancellable
from payments import selectors as payments
from support import selectors, services
from support.api.permissions import MayAnswer, MayCancel, MayRead
from support.api.serializers import (
    DeskReportSerializer,
    DeskReservationSerializer,
    ReportSerializer,
    StoryEntrySerializer,
    UndonePaymentSerializer,
    desk_report_body,
    desk_reservation_body,
    report_body,
    story_body,
    undone_body,
)
from support.errors import (
    MoveNotAllowed,
    ReportClosed,
    ReportMerged,
    TooManyMessages,
    TooManyReports,
)
from support.selectors import ANSWER, CATEGORIES, STATES, UNDONE, PaymentFilter, ReservationFilter
from support.story import books, words
from support.story.words import FAMILIES
from travel.api.fields import (
    DayField,
    EmailAddressField,
    IDField,
    MoneyField,
    PascalSerializer,
    SafeTextField,
    Serializer,
)
from travel.api.idempotency import idempotent
from travel.api.views import ApiView
from travel.common.errors import NotFound

PENDING_APPROVAL = "pendingApproval"
METHODS = ["Wallet", "Bank Card", "Cryptocurrency"]
# Where a refund may go, and how many passengers or tickets a choice may name.
WAYS_BACK = ["source", "wallet"]
MAX_SELECTED = 108


class LocatorField(SafeTextField):
    """A booking code, however it was typed."""

    def __init__(self) -> None:
        super().__init__(max_length=20, required=False)


# --- passengers -----------------------------------------------------------------------------------


class SubmitReport(ApiView):
    """Report a problem with a ticket of one's own reservation."""

    success_status = HTTPStatus.CREATED
    throttle_scope = "write"
    problems = (NotFound, TooManyReports)
    tags = ("reports",)

    class Input(Serializer):
        ticket_id = IDField()
        reservation_id = IDField()
        category = serializers.ChoiceField(choices=CATEGORIES)
        text = SafeTextField(lines=True, max_length=services.MAX_TEXT)

    class Output(ReportSerializer):
        message = serializers.CharField()

    def post(self, request: Request) -> Response:
        report = services.submit_report(viewer=viewer_of(request), now=self.now, **self.body())
        return self.answer(
            report_body(report, now=self.now)
            | {"message": _("We have your report. Our answer comes by e-mail.")},
            headers={"Location": f"/reports/{report.id}"},
        )


class MyReports(ApiView):
    """List one's reports with their answers, the newest first."""

    paginated = True
    tags = ("reports",)
    Output = ReportSerializer

    class Query(Serializer):
        status = serializers.ChoiceField(choices=STATES, required=False)

    def get(self, request: Request) -> Response:
        page = self.page
        count, rows = selectors.list_reports(
            viewer=viewer_of(request),
            status=self.query().get("status"),
            offset=page.offset,
            limit=page.limit,
        )
        return self.answer_page(count, [report_body(one, now=self.now) for one in rows])


class ReportDetail(ApiView):
    """Show one of one's reports."""

    tags = ("reports",)
    Output = ReportSerializer

    def get(self, request: Request, report_id: int) -> Response:
        report = selectors.get_report(viewer=viewer_of(request), report_id=report_id)
        return self.answer(report_body(report, now=self.now))


class AddReportMessage(ApiView):
    """Write to the support desk about one's report; one that was answered waits again."""

    success_status = HTTPStatus.CREATED
    throttle_scope = "write"
    problems = (ReportClosed, TooManyMessages)
    tags = ("reports",)

    class Input(Serializer):
        text = SafeTextField(lines=True, max_length=services.MAX_TEXT)

    class Output(ReportSerializer):
        message = serializers.CharField()

    def post(self, request: Request, report_id: int) -> Response:
        report = services.add_message(
            viewer=viewer_of(request), report_id=report_id, now=self.now, **self.body()
        )
        return self.answer(report_body(report, now=self.now) | {"message": _("Sent.")})


class CloseReport(ApiView):
    """Say that one's report is settled."""

    throttle_scope = "write"
    tags = ("reports",)

    class Output(ReportSerializer):
        message = serializers.CharField()

    def post(self, request: Request, report_id: int) -> Response:
        report = services.close_report(viewer=viewer_of(request), report_id=report_id, now=self.now)
        return self.answer(report_body(report, now=self.now) | {"message": _("Closed.")})


# --- the support desk -----------------------------------------------------------------------------


class AllReports(ApiView):
    """List all reports with their threads, the newest first."""

    permission_classes = (MayRead,)
    paginated = True
    tags = ("support",)
    Output = DeskReportSerializer

    class Query(Serializer):
        status = serializers.ChoiceField(choices=STATES, required=False)
        category = serializers.ChoiceField(choices=CATEGORIES, required=False)
        user_id = IDField(required=False)
        reservation_id = IDField(required=False)

    def get(self, request: Request) -> Response:
        page = self.page
        count, rows = selectors.list_reports(
            viewer=desk_viewer(request), offset=page.offset, limit=page.limit, **self.query()
        )
        return self.answer_page(count, [desk_report_body(one, now=self.now) for one in rows])


class RespondToReport(ApiView):
    """Answer a report, or note something on it for colleagues alone."""

    permission_classes = (MayAnswer,)
    problems = (NotFound, MoveNotAllowed, ReportMerged)
    tags = ("support",)

    class Input(PascalSerializer):
        report_id = IDField()
        answer = SafeTextField(lines=True, max_length=services.MAX_TEXT)
        processing_status = serializers.ChoiceField(choices=STATES)
        internal = serializers.BooleanField(
            required=False, help_text="A note that the passenger neither gets nor sees."
        )

    class Output(DeskReportSerializer):
        message = serializers.CharField()

    def post(self, request: Request) -> Response:
        body = self.body()
        report = services.respond(
            viewer=desk_viewer(request),
            report_id=body["report_id"],
            answer=body["answer"],
            state=body["processing_status"],
            is_internal=body.get("internal", False),
            now=self.now,
        )
        return self.answer(
            desk_report_body(report, now=self.now)
            | {"message": _("Noted.") if body.get("internal") else _("The answer is sent.")}
        )


class AllReservations(ApiView):
    """List all reservations, the newest first."""

    permission_classes = (MayRead,)
    paginated = True
    tags = ("support",)
    Output = DeskReservationSerializer

    class Query(Serializer):
        status = serializers.ChoiceField(choices=STATUSES, required=False)
        locator = LocatorField()
        reservation_id = IDField(required=False)
        user_id = IDField(required=False)
        email = EmailAddressField(
            required=False, help_text="The reservation's contact, or its holder's address."
        )
        ticket_id = IDField(required=False)
        departure_id = IDField(required=False)
        created_from = DayField(required=False, help_text="A UTC day, counted in.")
        created_to = DayField(required=False, help_text="A UTC day, counted in.")

    def get(self, request: Request) -> Response:
        page = self.page
        count, rows = selectors.list_reservations(
            viewer=desk_viewer(request),
            filters=ReservationFilter(**self.query()),
            offset=page.offset,
            limit=page.limit,
            now=self.now,
        )
        return self.answer_page(
            count,
            [
                desk_reservation_body(one, powers=powers_of(request))
                for one in payments.overviews(rows, now=self.now)
            ],
        )


class ReservationStory(ApiView):
    """
    Tell everything that happened to a reservation, the oldest first, from every book that is kept.

    With `show` only what is about money, the journey, messages, or what staff did. What its holder
    is told too is `public`.
    """

    permission_classes = (MayRead,)
    paginated = True
    problems = (NotFound,)
    tags = ("support",)
    Output = StoryEntrySerializer

    class Query(Serializer):
        show = serializers.ChoiceField(choices=FAMILIES, required=False)

    def get(self, request: Request, reservation_id: int) -> Response:
        page = self.page
        wanted = self.query().get("show")
        reservation = bookings.get_reservation(
            viewer=desk_viewer(request), reservation_id=reservation_id, now=self.now
        )
        told = [
            one
            for one in words.tell_all(reservation, books.read_all(reservation))
            if wanted is None or wanted in one.families
        ]
        sees_letters = ANSWER in powers_of(request)
        rows = told[page.offset : page.offset + page.limit]
        return self.answer_page(
            len(told), [story_body(one, sees_letters=sees_letters) for one in rows]
        )


class CancelAnyReservation(ApiView):
    """
    Cancel any reservation for its holder, or release a hold.

    A refund above the office's limit is answered with 202: the seats are free, and the money waits
    until a second person has approved it.
    """

    permission_classes = (MayCancel,)
    problems = (NotFound, HoldExpired, AlreadyCancelled, NotCancellable)
    other_successes = {HTTPStatus.ACCEPTED: "The refund waits for a second person's approval."}
    tags = ("support",)

    class Input(PascalSerializer):
        reservation_id = IDField()
        waive_penalty = serializers.BooleanField(required=False)
        waive_percentage = serializers.IntegerField(
            required=False,
            min_value=1,
            max_value=100,
            help_text="How much of the penalty is waived; 100 where only `WaivePenalty` is said.",
        )
        reason = SafeTextField(
            required=False,
            allow_null=True,
            allow_blank=True,
            max_length=services.MAX_REASON,
            help_text="A code (`carrier`, `missed_connection`, `strike`, `staff_error`, `death`, "
            "`goodwill`), with or without a note (`strike: no crew`), or a note alone.",
        )
        passenger_ids = serializers.ListField(
            child=IDField(), required=False, max_length=MAX_SELECTED
        )
        ticket_ids = serializers.ListField(child=IDField(), required=False, max_length=MAX_SELECTED)
        refund_to = serializers.ChoiceField(choices=WAYS_BACK, default="source")

    class Output(Serializer):
        message = serializers.CharField()
        reservation_id = IDField()
        status = serializers.CharField()
        penalty = MoneyField()
        refund = MoneyField()
        refund_status = serializers.CharField(
            help_text="`done`, `queued`, `pendingApproval`, or empty where nothing goes back."
        )
        refund_to = serializers.CharField(
            help_text="`source`, `wallet`, or empty where nothing goes back."
        )

    @idempotent
    def post(self, request: Request) -> Response:
        body = self.body()
        cancelled = services.cancel_reservation(
            viewer=desk_viewer(request),
            reservation_id=body["reservation_id"],
            # Whoever names a share means to waive it.
            waive_penalty=body.get("waive_penalty", "waive_percentage" in body),
            waive_basis_points=body.get("waive_percentage", 100) * 100,
            reason=body.get("reason") or "",
            passenger_ids=body.get("passenger_ids", ()),
            ticket_ids=body.get("ticket_ids", ()),
            refund_to=body["refund_to"],
            now=self.now,
        )
        waits = cancelled.refund_state == PENDING_APPROVAL
        return self.answer(
            {
                "message": (
                    _("Cancelled. The refund waits for a second person's approval.")
                    if waits
                    else _("Cancelled.")
                ),
                "reservation_id": cancelled.reservation.id,
                "status": cancelled.reservation.status,
                "penalty": cancelled.penalty,
                "refund": cancelled.refund,
                "refund_status": cancelled.refund_state,
                "refund_to": cancelled.refund_to,
            },
            status=HTTPStatus.ACCEPTED if waits else HTTPStatus.OK,
        )


class CancelledPayments(ApiView):
    """List the payments that failed, were voided or refunded, the newest first."""

    permission_classes = (MayRead,)
    paginated = True
    tags = ("support",)
    Output = UndonePaymentSerializer

    class Query(Serializer):
        status = serializers.ChoiceField(choices=UNDONE, required=False)
        payment_method = serializers.ChoiceField(choices=METHODS, required=False)
        locator = LocatorField()
        reservation_id = IDField(required=False)
        user_id = IDField(required=False)
        created_from = DayField(required=False, help_text="A UTC day, counted in.")
        created_to = DayField(required=False, help_text="A UTC day, counted in.")

    def get(self, request: Request) -> Response:
        page = self.page
        query = self.query()
        count, rows = selectors.list_undone_payments(
            viewer=desk_viewer(request),
            filters=PaymentFilter(method=query.pop("payment_method", None), **query),
            offset=page.offset,
            limit=page.limit,
        )
        return self.answer_page(count, [undone_body(one) for one in rows])


def powers_of(request: Request) -> frozenset[str]:
    """Answer what the roles of who asks allow at the desk; they were read with the permission."""
    return frozenset(getattr(request, "desk_powers", ()))


def desk_viewer(request: Request) -> Viewer:
    """Answer who looks: staff at the desk's doors see everybody's things."""
    return viewers.of_user(request.user)
