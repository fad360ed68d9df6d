"""What is carried, who the customers are, what becomes of holds, and the help desk: by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.viewers import Viewer
from bookings import services as booking
from bookings.engine.contract import Actor
from bookings.models import Coupon, Reservation
from inventory.models import Departure
from support import services as help_desk
from support.analytics import cancelling, desk, people, traffic, trends
from support.analytics.days import Span, Stretch, day_of, stretches
from support.analytics.sources import Only
from support.models import DepartureLoad
from support.services.closing_days import close_day, measure_loads
from tests import factories, selling
from tests.support.analytics.conftest import Sales, at
from travel.common.money import Money

pytestmark = pytest.mark.django_db

SUMMER = Span(date(2026, 6, 1), date(2026, 7, 31))
JUNE_2 = Span(date(2026, 6, 2), date(2026, 6, 2))


class TestDays:
    def test_a_day_has_as_many_hours_as_its_clocks_say(self) -> None:
        lengths = {
            day: (day_of(day).ends_at - day_of(day).begins_at) / timedelta(hours=1)
            for day in (date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25))
        }
        assert list(lengths.values()) == [23, 24, 25]

    def test_is_cut_where_the_clocks_are_changed(self) -> None:
        """At 01:00 UTC on 29 March Berlin goes from one hour ahead to two."""
        days = [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]

        assert stretches(days) == [
            Stretch(at(27, 23, month=3), at(29, 1, month=3), 60),
            Stretch(at(29, 1, month=3), at(30, 22, month=3), 120),
        ]

    def test_days_apart_are_stretches_apart(self) -> None:
        assert [one.minutes for one in stretches([date(2026, 6, 1), date(2026, 6, 3)])] == [120] * 2

    @pytest.mark.parametrize(
        ("zone", "expected"),
        [("UTC", [0]), ("Asia/Kathmandu", [345]), ("America/St_Johns", [-210, -150])],
    )
    def test_in_every_zone(self, settings: Any, zone: str, expected: list[int]) -> None:
        settings.REPORT_TIME_ZONE = zone
        assert [one.minutes for one in stretches([date(2026, 3, 8)])] == expected


class TestTickets:
    def test_popular_routes_whatever_the_currency(self, sales: Sales) -> None:
        (one,) = cancelling.tickets(by="route", over=SUMMER)

        assert (one.label, one.tickets, one.cancelled) == ("Hamburg → München", 6, 2)
        assert one.cancelled_share == 3_333

    def test_by_carrier_the_most_cancelled_first(self, sales: Sales) -> None:
        found = cancelling.tickets(by="carrier", over=SUMMER, first=cancelling.CANCELLED)

        assert [(one.label, one.tickets, one.cancelled) for one in found][:1] == [
            ("Test Railway", 3, 2)
        ]

    def test_every_day_has_a_line(self, sales: Sales) -> None:
        found = cancelling.tickets(by="day", over=Span(date(2026, 5, 31), date(2026, 6, 2)))

        assert [(one.key, one.tickets, one.cancelled) for one in found] == [
            ("2026-05-31", 0, 0),
            ("2026-06-01", 5, 2),
            ("2026-06-02", 1, 0),
        ]

    def test_lead_times(self, sales: Sales) -> None:
        """
        The train leaves 18 hours after its sale, the flight 20, the coach 21.5; the flight in yen
        68, which is the only one of more than a day. Cancelled were two, 17 and 10 hours before.
        """
        found = {one.key: one for one in cancelling.lead_times(over=SUMMER)}

        assert (found["day"].tickets, found["day"].cancelled) == (5, 2)
        assert (found["days"].tickets, found["days"].tickets_share) == (1, 1_667)
        assert found["day"].minutes == (3 * 18 * 60 + 20 * 60 + 21 * 60 + 30) // 5
        assert found["days"].minutes == 68 * 60
        assert found["day"].cancelled_share == 10_000
        assert [found[key].tickets for key in ("more", "month", "week", "after")] == [0] * 4

    def test_refunds_by_the_time_before_departure(self, sales: Sales) -> None:
        june = Span(date(2026, 6, 1), date(2026, 6, 30))

        (one,) = cancelling.refunds_by_lead(over=june)

        # Both Savers: 22.50 and, until it is rejected, 45.00 of 90.00.
        assert (one.key, one.cancelled, one.price.minor, one.given_back.minor) == (
            *("day", 2, 9_000, 6_750),
        )
        assert (one.refund_share, one.kept.minor) == (7_500, 2_250)

    def test_an_exchanged_ticket_is_sold_once(self, sales: Sales, sell: Any) -> None:
        before = cancelling.tickets(by="mode", over=SUMMER)
        old = Coupon.objects.filter(state="open", passenger__reservation__user=sales.ada).earliest(
            "id"
        )
        new = Coupon.objects.create(
            passenger=old.passenger,
            position=9,
            ticket=old.ticket,
            fare_version=old.fare_version,
            barcode="exchanged",
        )
        old.price_lines.update(coupon=new)
        old.state, old.exchanged_for = "cancelled", new
        old.save()

        assert cancelling.tickets(by="mode", over=SUMMER) == before


class TestOccupancy:
    """
    The train has 12 seats over 800 km, the flight 6 over 600, the coach 4 over 900. Taken on 2 June
    are one seat of the train, one of the flight, one of the coach; on 4 June one of six to 600 km.
    """

    def test_by_day_in_seat_kilometres(self, sales: Sales) -> None:
        found = traffic.occupancy(by="day", over=SUMMER, now=at(2, 0))

        assert [
            (one.key, one.departures, one.seats, one.taken, one.offered_km, one.taken_km)
            for one in found
        ] == [
            ("2026-06-02", 3, 22, 3, 12 * 800 + 6 * 600 + 4 * 900, 800 + 600 + 900),
            ("2026-06-04", 1, 8, 1, 8 * 600, 600),
        ]
        assert found[0].occupancy == 1_369

    def test_by_mode_carrier_and_service(self, sales: Sales) -> None:
        def told(by: str, **only: Any) -> list[tuple[str, int]]:
            found = traffic.occupancy(by=by, over=JUNE_2, now=at(2, 0), only=Only(**only))
            return [(one.label, one.occupancy) for one in found]

        assert told("mode") == [("Coach", 2_500), ("Flight", 1_667), ("Train", 833)]
        assert told("service") == [("N 42", 2_500), ("QX 2024", 1_667), ("ICE 585", 833)]
        assert told("carrier", mode="Train") == [("Test Railway", 833)]

    def test_a_part_of_the_way_is_a_part(self, sales: Sales) -> None:
        """To Göttingen are 300 of 800 km; a hold counts until it ends, swept or not."""
        selling.reserve("eve@example.org", sales.timetable.train.ticket_id(0, 2), now=at(1, 23))

        def taken(now: Any) -> int:
            (train,) = traffic.occupancy(by="mode", over=JUNE_2, now=now, only=Only(mode="Train"))
            return train.taken_km

        assert taken(at(1, 23, 5)) == 800 + 300
        assert taken(at(1, 23, 11)) == 800

    def test_of_what_never_sold_the_seat_map_counts(self, timetable: factories.Timetable) -> None:
        (train,) = traffic.occupancy(by="mode", over=JUNE_2, now=at(1, 0), only=Only(mode="Train"))
        assert (train.seats, train.taken, train.offered_km) == (12, 0, 9_600)

    def test_cancelled_departures_offer_nothing(self, sales: Sales) -> None:
        Departure.objects.filter(pk=sales.timetable.coach.departure.pk).update(state="cancelled")

        found = traffic.occupancy(by="mode", over=JUNE_2, now=at(2, 0))
        assert [one.key for one in found] == ["Plane", "Train"]

    def test_what_is_kept_is_believed_as_long_as_it_is_true(self, sales: Sales, sell: Any) -> None:
        def told(hour: int = 1) -> list[traffic.Load]:
            return traffic.occupancy(by="service", over=SUMMER, now=at(2, hour))

        before = told()
        # Where a hold has ended that nobody swept, it is left for the next time.
        booking.expire_holds(now=at(2, 0), limit=100)
        assert measure_loads(now=at(2, 1), limit=100) == 4
        assert measure_loads(now=at(2, 1), limit=100) == 0
        assert told() == before
        DepartureLoad.objects.update(taken=0, taken_m=0)
        assert {one.taken for one in told()} == {0}, "it was not read"

        sell(sales.bob, sales.timetable.train, now=at(2, 2), fare=1)
        assert [one.taken for one in told(3) if one.label == "ICE 585"] == [2]
        assert measure_loads(now=at(2, 3), limit=100) == 1

    def test_an_ended_hold_is_never_kept(self, sales: Sales) -> None:
        selling.reserve("eve@example.org", sales.timetable.train.ticket_id(), now=at(1, 23))
        measure_loads(now=at(1, 23, 5), limit=100)

        def taken(now: Any) -> int:
            (train,) = traffic.occupancy(by="mode", over=JUNE_2, now=now, only=Only(mode="Train"))
            return train.taken

        assert (taken(at(1, 23, 9)), taken(at(1, 23, 11))) == (2, 1)


class TestNoShows:
    def test_are_counted_where_tickets_were_scanned(self, sales: Sales) -> None:
        rail = Coupon.objects.filter(ticket__departure=sales.timetable.train.departure)
        rail.filter(state="open").update(state="used")
        Coupon.objects.filter(ticket__departure=sales.timetable.coach.departure).update(
            state="no_show"
        )

        found = traffic.no_shows(by="mode", over=SUMMER)

        assert [(one.label, one.used, one.missed, one.missed_share) for one in found] == [
            ("Coach", 0, 1, 10_000),
            ("Train", 1, 0, 0),
        ]
        assert traffic.no_shows(by="day", over=Span(date(2026, 6, 3), date(2026, 6, 4))) == []


class TestTrends:
    @pytest.mark.parametrize("closed", [[], [1], [2], [1, 2]])
    def test_what_becomes_of_holds(
        self, sales: Sales, timetable: factories.Timetable, closed: list[int]
    ) -> None:
        """On Berlin's 1 June four were paid; two more began, of which one was given up."""
        held = selling.reserve(sales.ada, timetable.train.ticket_id(fare=1), now=at(1, 15))
        booking.release(
            viewer=Viewer(user_id=sales.ada.pk),
            reservation_id=held.id,
            actor=Actor("holder", sales.ada.pk, ""),
            now=at(1, 15, 5),
        )
        selling.reserve(sales.ada, timetable.train.ticket_id(fare=1), now=at(1, 21, 55))
        booking.expire_holds(now=at(1, 22, 40), limit=10)
        for day in closed:
            close_day(day=date(2026, 6, day), now=at(4, 0))

        first, second = trends.trends(over=Span(date(2026, 6, 1), date(2026, 6, 2)))

        assert (first.reserved, first.paid, first.released, first.expired) == (6, 4, 1, 0)
        assert (second.reserved, second.paid, second.released, second.expired) == (1, 1, 0, 1)
        assert (first.conversion, second.expiry) == (8_000, 5_000)
        week = trends.whole([first, second])
        assert (week.reserved, week.decided, week.conversion) == (7, 7, 7_143)


class TestPeople:
    def test_active_new_and_returning_users(self, sales: Sales) -> None:
        """Ada and Bob came in June; Bob comes again in July, when Cem opens an account."""
        selling.reserve(sales.bob, sales.sky.ticket_id(), now=at(2, 0))
        later = Reservation.objects.filter(user=sales.bob).latest("id")
        later.created_at, later.hold_until = at(3, 0, month=7), at(4, 0, month=7)
        later.save()
        factories.make_user(joined_at=at(5, 0, month=7))

        june, july = people.users_by_month(over=SUMMER)

        assert (june.active, june.new, june.returning, june.joined) == (2, 2, 0, 0)
        assert (july.active, july.new, july.returning, july.joined) == (1, 0, 1, 1)

    @pytest.mark.parametrize("is_closed", [False, True])
    def test_top_customers_of_each_currency(self, sales: Sales, is_closed: bool) -> None:
        if is_closed:
            close_day(day=date(2026, 6, 1), now=at(3, 0))

        found = people.top_customers(over=SUMMER)

        assert [(one.contact, one.tickets, one.cancelled, one.net) for one in found] == [
            ("ada@example.org", 3, 1, Money(15_000, "EUR")),
            ("mallory@example.org", 2, 1, Money(5_450, "EUR")),
            ("mallory@example.org", 1, 0, Money(5_000, "JPY")),
        ]
        assert len(people.top_customers(over=SUMMER, limit=1)) == 2

    def test_users_by_city(self, sales: Sales) -> None:
        User.objects.filter(pk__in=[sales.ada.pk, sales.bob.pk]).update(city="Bern")
        factories.make_user(city="Bern")
        factories.make_user(city="Ulm", is_active=False)

        assert people.users_by_city() == [people.CityOfUsers("Bern", 3, 2)]

    def test_users_who_never_booked(self, sales: Sales) -> None:
        new = factories.make_user(first_name="New", joined_at=at(1, 0))
        old = factories.make_user(first_name="Old", joined_at=at(1, 0, month=5))

        number, found = people.never_booked(limit=1)

        assert (number, [one.user_id for one in found]) == (2, [new.pk])
        assert [one.user_id for one in people.never_booked()[1]] == [new.pk, old.pk]

    @pytest.mark.parametrize("is_closed", [False, True])
    def test_users_of_every_mode(self, sales: Sales, sell: Any, is_closed: bool) -> None:
        """Ada takes the coach as well; Bob's only train was cancelled."""
        assert people.used_every_mode(over=SUMMER) == (0, [])
        sell(sales.ada, sales.timetable.coach, now=at(2, 1))
        if is_closed:
            for day in (1, 2):
                close_day(day=date(2026, 6, day), now=at(4, 0))

        number, found = people.used_every_mode(over=SUMMER)

        assert (number, [one.user_id for one in found]) == (1, [sales.ada.pk])


class TestHelpDesk:
    def test_categories_with_the_time_to_the_first_answer(self, sales: Sales, staff: User) -> None:
        """Of two reports of a delay one is answered after 90 minutes, and again the next day."""
        coupon = Coupon.objects.filter(passenger__reservation__user=sales.ada).first()
        assert coupon is not None
        sent = [
            help_desk.submit_report(
                viewer=Viewer(user_id=sales.ada.pk),
                reservation_id=coupon.passenger.reservation_id,
                ticket_id=coupon.ticket_id,
                category=category,
                text="It was late.",
                now=at(1, 14),
            )
            for category in ("Travel Delay", "Travel Delay", "Other")
        ]
        agent = Viewer(user_id=staff.pk, is_support=True)
        for hours, note in [(0.5, True), (1.5, False), (24, False)]:
            help_desk.respond(
                viewer=agent,
                report_id=sent[0].id,
                answer="We are sorry.",
                state="Reviewed",
                is_internal=note,
                now=at(1, 14) + timedelta(hours=hours),
            )

        late, other = desk.reports_by_category(over=SUMMER)

        assert (late.label, late.reports, late.answered, late.still_open, late.minutes) == (
            *("Delay", 2, 1, 1, 90),
        )
        assert late.answered_share == 5_000
        assert (other.reports, other.answered, other.minutes) == (1, 0, None)
        (sam,) = desk.answers_by_staff(over=SUMMER)
        assert (sam.name, sam.answers, sam.reports, sam.share) == ("Sam Porter", 2, 1, 10_000)
