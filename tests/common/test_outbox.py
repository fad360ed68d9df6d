"""Messages go out once, are tried again, and are given up in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from travel.common import messaging, outbox
from travel.common.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def by_mail(settings):
    settings.MAIL_DELIVERY = "email"


def write(now, **fields):
    outbox.write(
        **{
            "kind": "bookings.test",
            "channel": "email",
            "recipient": "ada@example.org",
            "subject": "Your\nseats",
            "body": "Until 12:10.",
            "language": "en",
            "now": now,
            **fields,
        }
    )


class TestWrite:
    def test_writes_a_reference_once(self, noon):
        write(noon, reference="hold:1")
        write(noon, reference="hold:1", body="Again.")

        assert OutboxMessage.objects.get().body == "Until 12:10."


class TestDeliverDue:
    def test_sends_an_email_once(self, noon):
        write(noon)

        assert outbox.deliver_due(prefix="bookings.", now=noon) == 1
        assert outbox.deliver_due(prefix="bookings.", now=noon) == 0

        (message,) = mail.outbox
        assert (message.to, message.subject) == (["ada@example.org"], "Your seats")
        assert OutboxMessage.objects.get().sent_at == noon

    def test_leaves_other_apps_messages(self, noon):
        write(noon, kind="accounts.test")

        assert outbox.deliver_due(prefix="bookings.", now=noon) == 0

    def test_sends_a_text_message(self, noon, capsys):
        write(noon, channel="sms", recipient="+4930901820")

        outbox.deliver_due(prefix="bookings.", now=noon)

        assert capsys.readouterr().err == "SMS to +4930901820: Until 12:10.\n"

    def test_only_shows_it_where_messages_stay_in_the_outbox(self, noon, settings):
        settings.MAIL_DELIVERY = "outbox"
        write(noon)

        assert outbox.deliver_due(prefix="bookings.", now=noon) == 1
        assert mail.outbox == []

    def test_tries_again_after_a_growing_pause_and_gives_up(self, noon, monkeypatch):
        def fail(**kwargs):
            raise OSError("ada@example.org: no such mailbox")

        monkeypatch.setattr(messaging, "send_email", fail)
        write(noon)
        write(noon, recipient="bob@example.org")

        assert outbox.deliver_due(prefix="bookings.", now=noon) == 0
        first = OutboxMessage.objects.order_by("id").first()
        assert (first.attempts, first.due_at) == (1, noon + timedelta(seconds=30))
        assert first.last_error == "OSError"
        moment = noon
        for _ in range(9):
            moment += timedelta(hours=2)
            outbox.deliver_due(prefix="bookings.", now=moment)
        assert set(OutboxMessage.objects.values_list("given_up_at", "attempts")) == {(moment, 10)}
        assert outbox.deliver_due(prefix="bookings.", now=moment + timedelta(days=1)) == 0

    def test_leaves_a_message_that_another_worker_has_until_its_lease_ends(self, noon):
        write(noon)
        OutboxMessage.objects.update(lease_until=noon + timedelta(minutes=5))

        assert outbox.deliver_due(prefix="bookings.", now=noon) == 0
        assert outbox.deliver_due(prefix="bookings.", now=noon + timedelta(minutes=5)) == 1


class TestDressers:
    """What an e-mail has besides its stored text is made when it is sent."""

    def deliver(self, now, dress):
        return outbox.deliver_due(prefix="bookings.", now=now, dressers={"bookings.test": dress})

    def test_is_asked_with_what_the_message_tells_of(self, noon):
        write(noon, about="reservation:7", language="fa")
        asked = []

        def dress(about, language, now):
            asked.append((about, language, now))
            return messaging.Extras(
                html="<p>Until 12:10.</p>",
                attachments=[messaging.Attachment("a.pdf", "application/pdf", b"%PDF-")],
            )

        assert self.deliver(noon, dress) == 1
        (message,) = mail.outbox
        assert asked == [("reservation:7", "fa", noon)]
        assert message.body == "Until 12:10."
        assert [tuple(one) for one in message.alternatives] == [
            ("<p>Until 12:10.</p>", "text/html")
        ]
        assert [tuple(one) for one in message.attachments] == [
            ("a.pdf", b"%PDF-", "application/pdf")
        ]

    def test_of_another_kind_is_not_asked(self, noon):
        write(noon, kind="bookings.other")

        def dress(about, language, now):
            raise AssertionError("asked")

        assert self.deliver(noon, dress) == 1
        assert mail.outbox[0].attachments == []

    def test_one_that_fails_is_tried_again_and_then_left_out(self, noon):
        write(noon)

        def dress(about, language, now):
            raise ValueError("no printer")

        assert self.deliver(noon, dress) == 0
        later = noon + timedelta(minutes=1)
        assert self.deliver(later, dress) == 0
        assert mail.outbox == []
        assert self.deliver(later + timedelta(minutes=2), dress) == 1
        (message,) = mail.outbox
        assert (message.body, message.attachments) == ("Until 12:10.", [])
