"""Where a reservation's documents stand; bookings.pages.urls includes these."""

from django.urls import path

from bookings.pages import document_views

urlpatterns = [
    path("booking/<str:locator>/tickets/", document_views.tickets_page, name="tickets"),
    path("booking/<str:locator>/tickets/send/", document_views.send_tickets, name="tickets-send"),
    path("booking/<str:locator>/tickets.pdf", document_views.tickets_pdf, name="tickets-pdf"),
    path(
        "booking/<str:locator>/tickets/<int:coupon_id>.pdf",
        document_views.ticket_pdf,
        name="ticket-pdf",
    ),
    path(
        "booking/<str:locator>/tickets/<int:coupon_id>.pkpass",
        document_views.wallet_pass,
        name="wallet-pass",
    ),
    path("booking/<str:locator>/calendar.ics", document_views.calendar, name="calendar"),
    path(
        "booking/<str:locator>/calendar/<int:ticket_id>.ics",
        document_views.calendar,
        name="calendar-trip",
    ),
    path(".well-known/ticket-keys.json", document_views.ticket_keys, name="ticket-keys"),
]
