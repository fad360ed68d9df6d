"""A season of sales: who buys what, when, and what becomes of it."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from accounts.models import User
from accounts.viewers import Viewer
from bookings import search
from bookings import services as bookings
from bookings.engine.contract import Actor
from bookings.search import Found, Query
from bookings.selectors import ReservationDetail
from bookings.services import Holder, PassengerDetails
from inventory import places
from inventory import selectors as inventory
from inventory.models import Carrier, Departure
from inventory.selectors import Line
from payments import services as money
from payments.penalties import Waiver
from payments.services import goodwill, settlements
from payments.services.refunds import due_refunds
from payments.services.sandbox import deliver_due
from payments.services.webhooks import due_events
from support import services as help_desk
from support.management.practice.doors import let_people_in
from support.management.practice.people import COMPLAINTS, DOMAIN, Complaint, Person, invent
from support.services import departures
from support.services.departures import Hand
from travel.common.errors import Refusal
from travel.common.models import OutboxMessage
from travel.common.money import Money

#: Sales begin so many days before the practice does.
DAYS = 14
ACCOUNTS = 40
LINES_OF_EACH_MODE = 6
#: What of the prices the office keeps, in hundredths of a per cent, from carrier to carrier.
SHARES = (300, 500, 800)
LATEST = timedelta(minutes=10)
KINDS = {"a": "adult", "c": "child", "y": "young"}
#: Of all sales so many are for one train of tomorrow, the first after this hour (UTC).
FAVOURITE_SHARE, FAVOURITE_HOUR = 0.2, 8
Play = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Cast:
    """The accounts that act: who helps, who decides, and who travels."""

    agent: User
    dispatcher: User
    travellers: list[User]


def is_played() -> bool:
    """Say whether this database has had its season."""
    return User.objects.filter(email__endswith=f"@{DOMAIN}").exists()


def play(
    *, agent: User, dispatcher: User, now: datetime, sales: int, seed: int = 1
) -> Counter[str]:
    """Sell so many times within the last two weeks, and answer how often what was done."""
    season = Season(Random(seed), agent=agent, dispatcher=dispatcher, now=now)  # noqa: S311
    season.open()
    season.plan(sales)
    season.run()
    season.done["came to the doors"] = let_people_in(season.random, staff_id=agent.pk, now=now)
    season.trouble()
    season.close()
    return season.done


class Season:
    """Acts in the order of their moments; each may plan later ones."""

    def __init__(self, random: Random, *, agent: User, dispatcher: User, now: datetime) -> None:
        self.random, self.now = random, now
        self.begins = now - timedelta(days=DAYS)
        self.done: Counter[str] = Counter()
        self._acts: list[tuple[datetime, int, Play]] = []
        self._order = count()
        self._swept = self.begins
        self._complaints: list[Complaint] = []
        self._cast = Cast(agent, dispatcher, [])
        self._first, self._last = _window()
        self._lines: list[Line] = inventory.busiest_lines(
            self._middle_day(), of_each_mode=LINES_OF_EACH_MODE
        )
        self._favourite = next(one for one in self._lines if one.mode == "Train")

    # --- before and after -------------------------------------------------------------------------

    def open(self) -> None:
        """Agree on what the carriers leave the office, and let the travellers sign up."""
        agreed = self.begins - timedelta(days=2)
        for number, carrier in enumerate(Carrier.objects.order_by("id")):
            settlements.agree_terms(
                carrier_id=carrier.pk,
                valid_from=self.begins.date(),
                fee_basis_points=SHARES[number % len(SHARES)],
                now=agreed,
            )
        cities = ["Hamburg", "Berlin", "Munich", "Paris", "Vienna", "Prague", "Zurich", "London"]
        for number in range(ACCOUNTS):
            self._cast.travellers.append(
                self._sign_up(invent(self.random, number), self.random.choice(cities))
            )

    def _sign_up(self, person: Person, city: str) -> User:
        joined = self.begins + timedelta(hours=self.random.randrange(24))
        user = User(
            email=person.email,
            email_verified_at=joined,
            first_name=person.first_name,
            last_name=person.last_name,
            city=city,
            joined_at=joined,
        )
        user.set_unusable_password()
        user.save(force_insert=True)
        if self.random.random() < 0.5:
            money.open_with(user_id=user.pk, amount=Money(60_000, "EUR"), now=joined)
        return user

    def close(self) -> None:
        """Let nobody wait for messages to invented people: they count as sent when written."""
        invented = OutboxMessage.objects.filter(
            sent_at=None, given_up_at=None, recipient__endswith=f"@{DOMAIN}"
        )
        for message_id, written in invented.values_list("id", "created_at"):
            OutboxMessage.objects.filter(id=message_id).update(sent_at=written)

    # --- the order of things ----------------------------------------------------------------------

    def plan(self, sales: int) -> None:
        """Spread the sales over the days, more of them by day and as the departures come near."""
        days = range(DAYS)
        weights = [1 + day / DAYS for day in days]
        for number in range(sales):
            day = self.random.choices(days, weights)[0]
            hour = min(23.9, max(0.0, self.random.gauss(14, 4.5)))
            moment = datetime.combine(
                self.begins.date() + timedelta(days=day + 1), time(), UTC
            ) + timedelta(hours=hour)
            self._at(min(moment, self.now - LATEST), partial(self._sell, number))

    def run(self) -> None:
        """Act by act; what is due in between (ended holds, refunds) is done at its hour."""
        while self._acts:
            moment, _number, act = heapq.heappop(self._acts)
            while self._swept + timedelta(hours=1) < moment:
                self._swept += timedelta(hours=1)
                self._sweep(self._swept)
            try:
                act(moment)
            except Refusal as refusal:
                # Sold out, departed, changed meanwhile: what happens to travellers, too.
                self.done[f"refused: {refusal.code}"] += 1
        self._sweep(self.now)

    def _at(self, moment: datetime, act: Play) -> None:
        if moment < self.now:
            heapq.heappush(self._acts, (moment, next(self._order), act))

    def _sweep(self, now: datetime) -> None:
        while bookings.expire_holds(now=now):
            pass
        for refund_id in due_refunds(now=now, limit=200):
            money.push_refund(refund_id=refund_id, now=now)
        self._hear(now)

    def _hear(self, now: datetime) -> None:
        """Let the provider's own words arrive while they are news."""
        deliver_due(now=now, limit=200)
        for event_id in due_events(now=now, limit=200):
            money.process_event(event_id=event_id, now=now)

    # --- buying -----------------------------------------------------------------------------------

    def _sell(self, number: int, at: datetime) -> None:
        who = self.random.choice(self._cast.travellers) if self.random.random() < 0.75 else None
        guest = invent(self.random, ACCOUNTS + number)
        kinds = self.random.choice(["a", "a", "a", "aa", "aa", "ac", "aac", "y"])
        ticket_id = self._choose(kinds, at)
        if ticket_id is None:
            self.done["found nothing"] += 1
            return
        reserved = bookings.reserve(
            holder=Holder(user_id=who.pk, email=who.email) if who else Holder(email=guest.email),
            ticket_ids=[ticket_id],
            passengers=self._party(kinds, who or guest),
            now=at,
        )
        self.done["reserved"] += 1
        fate = self.random.random()
        if fate < 0.12:
            # Left to end by itself.
            return
        booked = reserved.reservation
        if fate < 0.16:
            gone = Actor("holder", who.pk if who else None)
            bookings.release(viewer=_ALL, reservation_id=booked.id, now=at, actor=gone)
            self.done["released"] += 1
            return
        soon = at + timedelta(seconds=self.random.randrange(60, 500))
        self._at(soon, lambda moment: self._pay(booked, who, moment))

    def _choose(self, kinds: str, at: datetime) -> int | None:
        """Search as travellers do, and take what is cheap more often than what is not."""
        if self.random.random() < FAVOURITE_SHARE:
            line, day = self._favourite, self.now.date() + timedelta(days=1)
            ends = (line.from_station_id, line.to_station_id)
        else:
            line = self.random.choice(self._lines)
            day = max(self._first, at.date()) + timedelta(days=int(abs(self.random.gauss(0, 5))))
            there = (line.from_station_id, line.to_station_id)
            ends = self.random.choice([there, there[::-1]])
        found = self._search(ends, min(day, self._last), kinds, line.mode, at)
        if not found:
            return None
        if line is self._favourite:
            # One train that fills up: to practise on what many people are aboard of.
            morning = [one for one in found if one.stretch.departs_at.hour >= FAVOURITE_HOUR]
            found = [one for one in found if one.stretch.departs_at == _earliest(morning or found)]
        found.sort(key=lambda one: (one.price.minor, one.id))
        return found[min(int(self.random.expovariate(0.5)), len(found) - 1)].id

    def _search(
        self, ends: tuple[int, int], day: date, kinds: str, mode: str, at: datetime
    ) -> list[Found]:
        cities = [places.city(places.station(one).city_id) for one in ends]
        origin, destination = (places.resolve(city.name) for city in cities)
        if origin is None or destination is None:
            return []
        query = Query(
            origin=origin,
            destination=destination,
            day=day,
            passengers=tuple(KINDS[kind] for kind in kinds),
        )
        return [one for one in search.find(query, now=at) if one.stretch.mode == mode]

    def _party(self, kinds: str, who: User | Person) -> list[PassengerDetails]:
        names = [who.first_name, *(invent(self.random, 0).first_name for _kind in kinds[1:])]
        return [
            PassengerDetails(first_name=name, last_name=who.last_name, kind=KINDS[kind])
            for name, kind in zip(names, kinds, strict=True)
        ]

    def _pay(self, booked: ReservationDetail, who: User | None, at: datetime) -> None:
        method = self.random.choice(["Wallet", "Bank Card", "Bank Card", "Bank Card"])
        if who is None or booked.price.currency != "EUR":
            method = "Bank Card"
        if method == "Bank Card" and self.random.random() < 0.08:
            self._try_to_pay(booked, "tok_declined", at)
            at += timedelta(seconds=40)
        try:
            self._try_to_pay(booked, None, at, method=method)
        except Refusal:
            self._try_to_pay(booked, None, at + timedelta(seconds=30))
        self.done["paid"] += 1
        self._hear(at + timedelta(minutes=1))
        later = at + timedelta(hours=self.random.expovariate(1 / 36))
        fate = self.random.random()
        if fate < 0.14:
            self._at(later, lambda moment: self._cancel(booked, who, moment))
        elif fate < 0.26 and who is not None:
            self._at(later, lambda moment: self._complain(booked, who, moment))

    def _try_to_pay(
        self,
        booked: ReservationDetail,
        token: str | None,
        at: datetime,
        *,
        method: str = "Bank Card",
    ) -> None:
        try:
            money.pay(viewer=_ALL, reservation_id=booked.id, method=method, token=token, now=at)
        except Refusal:
            if token is None:
                raise
            self.done["declined"] += 1

    # --- afterwards -------------------------------------------------------------------------------

    def _cancel(self, booked: ReservationDetail, who: User | None, at: datetime) -> None:
        """The holder cancels, one passenger or all; now and then staff do, and waive the fee."""
        share: dict[str, Any] = {}
        if len(booked.passengers) > 1 and self.random.random() < 0.4:
            share = {"passenger_ids": [booked.passengers[-1].id]}
        if self.random.random() < 0.25:
            agent = self._cast.agent
            money.cancel_and_refund(
                viewer=_ALL,
                reservation_id=booked.id,
                actor=Actor("staff", agent.pk, "Called: the feeder train was late."),
                reason_code="missed_connection",
                waiver=Waiver("missed_connection", 5_000),
                now=at,
                **share,
            )
        else:
            holder = Actor("holder", who.pk if who else None)
            money.cancel_and_refund(
                viewer=_ALL, reservation_id=booked.id, actor=holder, now=at, **share
            )
        self.done["cancelled"] += 1

    def _complain(self, booked: ReservationDetail, who: User, at: datetime) -> None:
        complaint = COMPLAINTS[self.done["reports"] % len(COMPLAINTS)]
        report = help_desk.submit_report(
            viewer=Viewer(user_id=who.pk),
            reservation_id=booked.id,
            ticket_id=booked.coupons[0].ticket_id,
            category=complaint.category,
            text=complaint.text,
            now=at,
        )
        self.done["reports"] += 1
        number = self.done["reports"]
        if self.random.random() < 0.6:
            answered = at + timedelta(hours=self.random.uniform(1, 30))
            self._at(answered, lambda moment: self._answer(report.id, complaint.answer, moment))
            if number % 3 == 0:
                later = answered + timedelta(hours=5)
                self._at(later, lambda moment: self._write_again(report.id, who, moment))
        elif number % 2 == 0:
            self._at(at + timedelta(minutes=40), lambda moment: self._take(report.id, moment))

    def _write_again(self, report_id: int, who: User, at: datetime) -> None:
        help_desk.add_message(
            viewer=Viewer(user_id=who.pk),
            report_id=report_id,
            text="Thank you for the quick answer. Can I have that in writing, please?",
            now=at,
        )

    def _take(self, report_id: int, at: datetime) -> None:
        agent = Viewer(user_id=self._cast.agent.pk, is_support=True)
        help_desk.take(viewer=agent, report_id=report_id, now=at)

    def _answer(self, report_id: int, answer: str, at: datetime) -> None:
        help_desk.respond(
            viewer=Viewer(user_id=self._cast.agent.pk, is_support=True),
            report_id=report_id,
            answer=answer,
            state="Reviewed",
            now=at,
        )
        self.done["answers"] += 1

    def trouble(self) -> None:
        """What is going on today: a delay, a coach that does not run, and money that waits."""
        ahead = (
            Departure.objects.filter(
                tickets__coupons__state="open",
                tickets__coupons__passenger__reservation__state="paid",
                tickets__from_call__departs_at__gt=self.now + timedelta(hours=3),
            )
            .order_by("travel_date", "id")
            .distinct()
        )
        late, off = ahead.first(), ahead.filter(service__mode="Bus").first()
        if late is not None:
            departures.delay(
                hand=Hand(self._cast.dispatcher.pk, "A signal fault on the way."),
                departure_id=late.pk,
                position=0,
                minutes=35,
                tell=True,
                now=self.now,
            )
        if off is not None and off != late:
            departures.cancel(
                hand=Hand(self._cast.dispatcher.pk, "The vehicle is in the workshop."),
                departure_id=off.pk,
                deed="refund",
                now=self.now,
            )
        goodwill.give(
            user_id=self._cast.travellers[0].pk,
            amount=Money(45_000, "EUR"),
            reason_code="goodwill",
            actor_id=self._cast.agent.pk,
            note="Stranded overnight with two children; the hotel's bill is in the report.",
            now=self.now,
        )

    def _middle_day(self) -> date:
        return self._first + (self._last - self._first) // 2


_ALL = Viewer(is_support=True)


def _window() -> tuple[date, date]:
    """Answer the first and the last day that departures leave on."""
    days = Departure.objects.values_list("travel_date", flat=True)
    return days.order_by("travel_date")[0], days.order_by("-travel_date")[0]


def _earliest(found: list[Found]) -> datetime:
    return min(one.stretch.departs_at for one in found)
