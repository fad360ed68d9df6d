"""
The door for what providers tell by themselves.

It is for providers, who sign each event, and stands outside the contract with clients: whoever
cannot sign gets nothing done.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import services
from travel.common import clock


@csrf_exempt
@require_POST
def hear(request: HttpRequest, gateway: str) -> HttpResponse:
    """
    Keep an event of a provider; what it tells is worked on afterwards.

    The same event is answered alike however often it comes. Refusals are problems.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    # The signature is over the bytes as they came.
    services.receive(gateway=gateway, body=request.body, headers=headers, now=clock.now())
    return JsonResponse({"message": "Received."}, status=HTTPStatus.ACCEPTED)
