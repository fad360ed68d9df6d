"""The invented people of the practice, and what they write."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

#: Nobody's domain; messages to it are never delivered.
DOMAIN = "practice.example"

FIRST_NAMES = (
    *("Amara", "Anton", "Aylin", "Bruno", "Camille", "Chidi", "Clara", "Darya", "Elif", "Emil"),
    *("Farid", "Freya", "Giulia", "Hana", "Ines", "Jakub", "Jonas", "Kateřina", "Leila", "Luca"),
    *("Maja", "Mats", "Mina", "Nadia", "Noah", "Olga", "Pablo", "Priya", "Ravi", "Rosa"),
    *("Samir", "Sofia", "Thandi", "Tomáš", "Ulla", "Viktor", "Wanda", "Yara", "Yusuf", "Zoé"),
)
LAST_NAMES = (
    *("Abel", "Adeyemi", "Álvarez", "Bauer", "Bianchi", "Dubois", "Ebadi", "Fischer", "Haddad"),
    *("Ivanova", "Jansen", "Kaya", "Kowalska", "Lindqvist", "Meyer", "Moreau", "Nowak", "Novák"),
    *("Okafor", "Petrov", "Ricci", "Rossi", "Schmidt", "Sharma", "Silva", "Weber", "Yılmaz"),
)
_PLAIN = str.maketrans("áÁéíıřčšž ", "aAeiircsz-")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who travels: an address is made of the name, with a number to tell them apart."""

    first_name: str
    last_name: str
    number: int

    @property
    def email(self) -> str:
        name = f"{self.first_name}.{self.last_name}".lower().translate(_PLAIN)
        return f"{name}.{self.number}@{DOMAIN}"


def invent(random: Random, number: int) -> Person:
    """Make somebody up."""
    return Person(random.choice(FIRST_NAMES), random.choice(LAST_NAMES), number)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a passenger writes, and what staff answer where they have answered."""

    category: str
    text: str
    answer: str


COMPLAINTS = (
    Complaint(
        "Seat Or Equipment",
        "My reading light did not work and the socket at my seat was dead. "
        "I could not charge my phone for the whole ride.",
        "I am sorry about that. The carrier's workshop has your seat on its list now, "
        "and we have put a small credit into your wallet.",
    ),
    Complaint(
        "Payment Issue",
        "My card was declined at first and went through on the second try. Was I charged twice?",
        "You were charged once. The first attempt was refused by your bank, and nothing was "
        "taken; the second one is on your receipt.",
    ),
    Complaint(
        "Travel Delay",
        "We waited more than half an hour on the platform and nobody said why. "
        "Is there compensation?",
        "The delay came from a signal fault. For delays of less than an hour the fare gives no "
        "compensation, but thank you for telling us about the announcements.",
    ),
    Complaint(
        "Accessibility",
        "I travel with a wheelchair and need the ramp at my stop. "
        "Can somebody confirm that it is there?",
        "The station is staffed all day and the ramp is ordered for your train. "
        "Please be at the platform twenty minutes before it leaves.",
    ),
    Complaint(
        "Other",
        "I left a grey umbrella in the overhead rack. Where do I ask for it?",
        "Lost property is kept at the last station of the line for four weeks. "
        "We have passed on your description.",
    ),
    Complaint(
        "Seat Or Equipment",
        "We booked three seats and were put into two different coaches. "
        "With a child that is not nice. Can you seat us together?",
        "There was room in one coach, so we have moved you. Your new tickets are in your mail.",
    ),
    Complaint(
        "Unexpected Cancellation",
        "Your message says that my coach is cancelled. I need to be there before noon. "
        "What else leaves that morning?",
        "You may choose another departure on the page of your booking free of charge, or have "
        "the whole price back.",
    ),
    Complaint(
        "Payment Issue",
        "I cancelled in time but the refund is less than I paid. Why?",
        "Your fare keeps 10 % of the price until a day before departure. The page of your "
        "booking shows how the sum came about.",
    ),
)
