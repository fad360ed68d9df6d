"""Text messages by Twilio: SMS_BACKEND=travel.common.twilio.TwilioSms."""

from __future__ import annotations

import base64
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from django.conf import settings

TIMEOUT_SECONDS = 10


class TwilioSms:
    """
    Hands messages to Twilio's API of 2010-04-01, which is plain HTTP and needs no package.

    https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
    """

    def send(self, *, recipient: str, body: str) -> None:
        """
        Hand one message over.

        :raises OSError: Twilio does not answer, or refuses; the refusal is told by its number,
            because its words repeat the recipient.
        """
        try:
            with urlopen(_request(recipient, body), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                status = answer.status
        except HTTPError as refusal:
            status = refusal.code
            refusal.close()
        if status != HTTPStatus.CREATED:
            # Raised outside the handler, so that no trace repeats the address of the call.
            raise OSError(f"the SMS provider answered {status}")


def _request(recipient: str, body: str) -> Request:
    account, sender = settings.TWILIO_ACCOUNT_SID, settings.TWILIO_SENDER
    sender_field = "MessagingServiceSid" if sender.startswith("MG") else "From"
    credentials = base64.b64encode(f"{account}:{settings.TWILIO_AUTH_TOKEN}".encode()).decode()
    return Request(  # noqa: S310 - the scheme is the settings'
        f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json",
        data=urlencode({"To": recipient, sender_field: sender, "Body": body}).encode(),
        headers={"Authorization": f"Basic {credentials}"},
        method="POST",
    )
