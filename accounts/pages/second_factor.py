"""Setting up a second factor: staff who have none scan a picture and enter the first code."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import django_otp
import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import selectors, services
from accounts.pages.forms import AppForm
from accounts.pages.signing import form_status, tell
from travel.common import clock
from travel.common.errors import Refusal


@login_required
@never_cache
@sensitive_post_parameters("otp")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show the key of a second factor, and make it count once its first code is right."""
    user: Any = request.user
    if not user.is_staff:
        raise Http404
    if selectors.has_second_factor(user=user):
        messages.info(request, gettext("Your account has a second factor already."))
        return HttpResponseRedirect(reverse("accounts:profile"))
    form = AppForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            device = services.confirm_second_factor(
                user=user, code=form.cleaned_data["otp"], now=clock.now()
            )
        except Refusal as refusal:
            tell(form, refusal, field="otp")
        else:
            return _done(request, device)
    address = services.offer_second_factor(user=user)
    key = parse_qs(urlsplit(address).query)["secret"][0]
    context = {
        "form": form,
        "picture": segno.make(address, micro=False).svg_data_uri(scale=5, border=4, light="#fff"),
        "key": " ".join(key[start : start + 4] for start in range(0, len(key), 4)),
    }
    return render(request, "accounts/second_factor.html", context, status=form_status(form))


def _done(request: HttpRequest, device: Any) -> HttpResponse:
    # The session counts as verified from here, under a new key.
    request.session.cycle_key()
    django_otp.login(request, device)
    messages.success(request, gettext("Your second factor is set up."))
    return HttpResponseRedirect(reverse("admin:index"))
