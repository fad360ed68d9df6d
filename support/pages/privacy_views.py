"""A person's data: getting it in one file, and erasing the account."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.pages.code import has_just_proved
from accounts.pages.signing import tell
from bookings.pages.refusals import missing_is_404
from support import services
from support.pages.forms import EraseForm
from travel.common import clock
from travel.common.address import client_network
from travel.common.errors import Refusal


@never_cache
@require_safe
@login_required
def data(request: HttpRequest) -> HttpResponse:
    """Show what is kept, the file when there is one, and the way to erase the account."""
    latest = services.latest_export(user_id=_who(request), now=clock.now())
    return render(request, "support/data.html", {"export": latest})


@require_POST
@login_required
def export(request: HttpRequest) -> HttpResponseRedirect:
    """Have the person's data packed."""
    made = services.request_export(user_id=_who(request), now=clock.now())
    if made.ready_at is None:
        messages.success(
            request, _("Your data is being packed. It will be here in a minute or two.")
        )
    else:
        messages.info(request, _("Your data was packed within the hour: here it is."))
    return redirect("privacy:data")


@never_cache
@require_safe
@login_required
@missing_is_404
def download(request: HttpRequest, export_id: int) -> HttpResponse:
    """Hand out the file, to its owner alone."""
    content = services.fetch_export(user_id=_who(request), export_id=export_id, now=clock.now())
    return HttpResponse(
        content,
        content_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="my-data.zip"'},
    )


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def erase(request: HttpRequest) -> HttpResponse:
    """Say what erasing means and what stands in its way; erase the account once it is proved."""
    is_proved = has_just_proved(request)
    form = EraseForm(request.POST if request.method == "POST" else None, is_proved=is_proved)
    status: int = HTTPStatus.OK
    if request.method == "POST":
        status = HTTPStatus.BAD_REQUEST
        if form.is_valid():
            try:
                services.erase_account(
                    user_id=_who(request),
                    password=form.cleaned_data.get("password", ""),
                    is_proved=is_proved,
                    network=client_network(request),
                    now=clock.now(),
                )
            except Refusal as refusal:
                tell(form, refusal)
                status = refusal.status
            else:
                auth.logout(request)
                messages.success(request, _("Your account is erased."))
                return redirect("home")
    found = services.obstacles(user_id=_who(request), now=clock.now())
    context = {"form": form, "obstacles": found}
    return render(request, "support/erase.html", context, status=status)


def _who(request: HttpRequest) -> int:
    return int(request.user.pk or 0)
