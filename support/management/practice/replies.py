"""The practice's canned replies: what its agents begin their answers with."""

from __future__ import annotations

from dataclasses import dataclass

from support.models import CannedReply


@dataclass(frozen=True)
class Reply:
    """A reply's paragraphs. No category: it is offered for all."""

    title: str
    language: str
    paragraphs: tuple[str, ...]
    category: str = ""


REPLIES = (
    Reply(
        "We are looking into it",
        "en",
        (
            "Dear {name},",
            (
                "thank you for writing about your journey {journey} on {day}. We have asked "
                "{carrier} and write to you again as soon as we know more."
            ),
            "{agent}\nReport {report}",
        ),
    ),
    Reply(
        "Wir kümmern uns darum",
        "de",
        (
            "Guten Tag {name},",
            (
                "danke für Ihre Nachricht zu Ihrer Reise {journey} am {day}. Wir haben bei "
                "{carrier} nachgefragt und schreiben Ihnen wieder, sobald wir mehr wissen."
            ),
            "{agent}\nMeldung {report}",
        ),
    ),
    Reply(
        "A dead socket or light",
        "en",
        (
            "Dear {name},",
            (
                "we are sorry that something at your seat on {service} was broken. The "
                "workshop of {carrier} has been told."
            ),
            "{agent}",
        ),
        "Seat Or Equipment",
    ),
    Reply(
        "Your refund and its fee",
        "en",
        (
            "Dear {name},",
            (
                "the page of your booking {locator} shows every cent: what you paid, what the "
                "fare keeps, and what went back to you and where."
            ),
            "{agent}",
        ),
        "Payment Issue",
    ),
    Reply(
        "Ihre Erstattung",
        "de",
        (
            "Guten Tag {name},",
            (
                "auf der Seite Ihrer Buchung {locator} steht jeder Cent: was Sie bezahlt "
                "haben, was der Tarif einbehält und was wohin zurückging."
            ),
            "{agent}",
        ),
        "Payment Issue",
    ),
    Reply(
        "Help at the station is ordered",
        "en",
        (
            "Dear {name},",
            (
                "help is ordered for {service} on {day}. Please be there twenty minutes "
                "before it leaves."
            ),
            "{agent}",
        ),
        "Accessibility",
    ),
)


def write_replies() -> int:
    """Write the canned replies that are not there; answer how many."""
    made = [
        CannedReply.objects.get_or_create(
            title=one.title,
            language=one.language,
            defaults={"category": one.category, "body": "\n\n".join(one.paragraphs)},
        )[1]
        for one in REPLIES
    ]
    return sum(made)
