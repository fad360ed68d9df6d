"""A receipt or credit note: to read, to print, and as a PDF."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings.pages.access import viewer_of
from bookings.pages.refusals import missing_is_404
from payments import documents
from payments.receipts import get_receipt


@never_cache
@require_safe
@missing_is_404
def receipt(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Show a receipt to whoever may see its reservation."""
    found = get_receipt(viewer=viewer_of(request), receipt_id=receipt_id)
    context = {"receipt": found, "title": documents.title(found)}
    return render(request, "payments/receipt.html", context)


@never_cache
@require_safe
@missing_is_404
def receipt_pdf(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Answer a receipt as a PDF to keep."""
    found = get_receipt(viewer=viewer_of(request), receipt_id=receipt_id)
    return HttpResponse(
        documents.receipt_pdf(found),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{documents.file_name(found)}"'},
    )
