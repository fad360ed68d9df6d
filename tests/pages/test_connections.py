"""Connections on the pages that sell: cards, the page of one, the way to one reservation."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from bookings.models import Coupon, Reservation
from inventory.models import Call, Departure
from tests.conftest import Clock
from tests.connecting import EIGHT, Network, make_network
from tests.factories import Timetable
from tests.pages.reading import text_of
from tests.selling import everything, reserve

ASKED = {"origin": "Altdorf", "destination": "Celle", "date": "2026-06-02", "adult": "1"}
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def net(db: None) -> Network:
    return make_network()


def search(client: Client, **changes: object) -> str:
    answer = client.get("/search/", {**ASKED, **changes})
    assert answer.status_code == 200
    return answer.content.decode()


def cards(html: str) -> list[str]:
    return re.findall(
        r'<article class="trip" aria-labelledby="connection-.*?</article>', html, re.S
    )


def services(card: str) -> list[str]:
    head = re.search(r"<header.*?</header>", card, re.S)
    assert head is not None
    return re.findall(r'class="mode">.*?<bdi>(.*?)</bdi>', head[0], re.S)


def link(html: str, pattern: str) -> str:
    found = re.search(rf'href="({pattern}[^"]*)"', html)
    assert found is not None, html
    return unescape(found[1])


def ids(net: Network, fare: int = 0) -> list[int]:
    return [net.first.ticket_id(fare=fare), net.second.ticket_id(fare=fare)]


def names(count: int = 1) -> dict[str, str]:
    typed = {"email": "ada@example.org", "phone": "", "form_key": "once"}
    for place in range(1, count + 1):
        typed |= {
            f"p{place}-first_name": f"Ada{place}",
            f"p{place}-last_name": "Roe",
            f"p{place}-date_of_birth": "",
        }
    return typed


class TestResults:
    def test_show_a_change_where_nothing_goes_through(self, client: Client, net: Network) -> None:
        html = search(client, adult=2)
        (card,) = cards(html)
        seen = text_of(card)

        assert "1 trip with a change" in text_of(html)
        assert "Nothing goes through on this day." in text_of(html)
        assert services(card) == ["R 1", "N 2"]
        assert "Train, Coach, 08:00 to 10:20, 1 change" in seen
        assert "2 h 20 min" in seen
        assert "1 change, Bergen BER, 20 min" in seen
        # 10.00 on each, for two.
        assert "€40.00" in seen
        assert "in all, €20.00 an adult" in seen
        assert "Only 8 seats left" in seen
        assert "Change of station in Bergen" in seen
        assert "you go on from Bergen ZOB, which takes 15 min at least" in seen

    def test_draw_a_line_with_a_ring_at_the_change(self, client: Client, net: Network) -> None:
        (card,) = cards(search(client))
        assert (
            '<i class="leg leg-train"></i><i class="stop"></i><i class="leg leg-coach"></i>' in card
        )
        assert card.count("call-wait") == 1

    def test_lead_to_the_connection(self, client: Client, net: Network) -> None:
        href = urlsplit(link(search(client), "/connection/"))
        assert parse_qs(href.query)["leg"] == [str(one) for one in ids(net)]

    def test_show_it_beside_slow_direct_trips_alone(self, client: Client, net: Network) -> None:
        slow = net.run("R 9", "ALT", "CEL", 0, 169)
        assert cards(search(client)) == []

        Call.objects.filter(departure=slow.departure, position=1).update(
            arrives_at=EIGHT.replace(hour=9)
        )
        html = search(client)
        assert len(cards(html)) == 1
        assert "Faster with a change" in text_of(html)
        # The direct trip costs 10.00 or 30.00.
        assert "With a change" in text_of(search(client, price_min="15", price_max="25"))
        # Whoever wants direct trips only gets no other.
        assert cards(search(client, stops="0")) == []

    def test_show_the_shortest_alone_beside_direct_trips(
        self, client: Client, net: Network
    ) -> None:
        net.run("R 9", "ALT", "CEL", 0, 900)
        for number in range(6):
            net.run(f"F {number}", "ALT", "BER", 120 * number + 20 + number)
            net.run(f"S {number}", "BER", "CEL", 120 * number + 90)
        html = search(client)
        shown, more = html.split('<details class="fold">\n    <summary>2 more')

        # The latest of them waits least.
        assert [services(card)[0] for card in cards(shown)] == [f"F {n}" for n in range(1, 6)]
        assert [services(card)[0] for card in cards(more)] == ["R 1", "F 0"]

    def test_give_the_day_its_price(self, client: Client, net: Network) -> None:
        strip = re.search(r'<ol class="dates".*?</ol>', search(client), re.S)
        assert strip is not None
        seen = text_of(strip[0])
        assert "2 Jun €20.00" in seen
        assert seen.count("nothing direct") == 6

    def test_filters_hold(self, client: Client, net: Network) -> None:
        assert len(cards(search(client, mode=["Train", "Bus"]))) == 1
        assert cards(search(client, mode="Train")) == []
        assert cards(search(client, price_max="19")) == []
        assert cards(search(client, time="evening")) == []

    def test_are_few_statements(
        self,
        client: Client,
        net: Network,
        traveller: object,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(traveller)  # type: ignore[arg-type]
        net.run("R 9", "ALT", "CEL", 0, 300)
        search(client)
        with django_assert_max_num_queries(12):
            assert len(cards(search(client))) == 1
        for number in range(1, 30):
            net.run(f"F {number}", "ALT", "BER", 3 * number)
            net.run(f"S {number}", "BER", "CEL", 80 + 3 * number)
        with django_assert_max_num_queries(12):
            assert len(cards(search(client))) > 20

    def test_change_nothing_where_trips_go_through(
        self, client: Client, timetable: Timetable
    ) -> None:
        html = search(client, origin="Hamburg", destination="Munich")
        assert cards(html) == []
        assert "with a change" not in text_of(html)


class TestPage:
    def show(self, client: Client, net: Network, **changes: object) -> str:
        answer = client.get("/connection/", {**ASKED, "leg": ids(net), **changes})
        assert answer.status_code == 200
        return answer.content.decode()

    def test_tells_all_rides_with_their_calls(self, client: Client, net: Network) -> None:
        seen = text_of(self.show(client, net))

        for told in (
            "R 1, railway Travel",
            "20 min to change station: you go on from Bergen ZOB",
            "N 2, railway Travel",
            "2 h 20 min",
            "1 change, Bergen BER, 20 min",
        ):
            assert told in seen

    def test_sums_up_the_party_s_price(self, client: Client, net: Network) -> None:
        seen = text_of(self.show(client, net, adult=1, child=1))

        assert "1 adult, Saver, R 1 €10.00" in seen
        assert "1 child, Saver, N 2 €5.00" in seen
        assert "Total €30.00" in seen

    def test_has_a_fare_for_each_ride(self, client: Client, net: Network) -> None:
        first, second = ids(net)
        flex = net.second.ticket_id(fare=1)
        html = self.show(client, net, **{"fare-1": flex, "reckon": "1"})

        assert re.findall(r'name="(fare-\d)" value="(\d+)" checked', html) == [
            ("fare-0", str(first)),
            ("fare-1", str(flex)),
        ]
        assert "Total €40.00" in text_of(html)
        # A number that is no fare of this ride changes nothing.
        odd = self.show(client, net, **{"fare-1": first})
        assert re.findall(r'name="fare-1" value="(\d+)" checked', odd) == [str(second)]

    def test_a_fare_that_is_full_cannot_be_chosen(self, client: Client, net: Network) -> None:
        html = self.show(client, net, adult=9)
        assert "There are not enough free seats." in text_of(html)
        assert 'name="place"' not in html

    def test_is_few_statements(
        self,
        client: Client,
        net: Network,
        traveller: object,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(traveller)  # type: ignore[arg-type]
        self.show(client, net)
        with django_assert_max_num_queries(12):
            self.show(client, net)

    def test_of_a_change_that_a_delay_broke_is_closed(self, client: Client, net: Network) -> None:
        Call.objects.filter(departure=net.first.departure, position=1).update(
            expected_arrives_at=EIGHT.replace(hour=7, minute=6)
        )
        answer = client.get("/connection/", {**ASKED, "leg": ids(net)})
        assert answer.status_code == 409

    def test_of_a_departure_called_off_is_closed(self, client: Client, net: Network) -> None:
        Departure.objects.filter(pk=net.second.departure.pk).update(state="cancelled")
        assert client.get("/connection/", {**ASKED, "leg": ids(net)}).status_code == 409

    @pytest.mark.parametrize("leg", [["2", "3"], ["7" * 16, "8" * 16]])
    def test_of_no_tickets_is_not_found(self, client: Client, net: Network, leg: list[str]) -> None:
        assert client.get("/connection/", {**ASKED, "leg": leg}).status_code == 404

    @pytest.mark.parametrize("leg", [[], ["1"], ["x", "y"], ["1", "2", "3", "4"]])
    def test_of_too_few_or_many_leads_to_the_search(
        self, client: Client, net: Network, leg: list[str]
    ) -> None:
        assert client.get("/connection/", {**ASKED, "leg": leg}).status_code == 302


class TestBooking:
    def test_placed_by_the_office_is_one_reservation(
        self, client: Client, net: Network, audited: None
    ) -> None:
        to = client.get("/connection/", {**ASKED, "adult": 2, "leg": ids(net), "place": "1"})
        assert urlsplit(to["Location"]).path == "/checkout/"
        page = client.get(to["Location"])
        assert "€40.00" in page.content.decode()

        answer = client.post(to["Location"], names(2))

        assert answer.status_code == 302
        (made,) = Reservation.objects.all()
        coupons = Coupon.objects.filter(passenger__reservation=made)
        assert {one.ticket_id for one in coupons} == set(ids(net))
        assert coupons.count() == 4

    def test_seats_are_chosen_ride_by_ride(self, client: Client, net: Network) -> None:
        first, second = ids(net)
        start = client.get("/connection/", {**ASKED, "leg": ids(net), "seats": "1"})
        assert urlsplit(start["Location"]).path == f"/trip/{first}/seats/"
        html = client.get(start["Location"]).content.decode()
        assert "On to the next seats" in html

        then = client.get(start["Location"] + f"&seat={first}:1:1A&choose=1")
        assert urlsplit(then["Location"]).path == f"/trip/{second}/seats/"
        html = client.get(then["Location"]).content.decode()
        assert "On to the passengers" in html
        assert f'name="seat" value="{first}:1:1A"' in html

        last = client.get(then["Location"] + f"&seat={second}:1:2B&choose=1")
        query = parse_qs(urlsplit(last["Location"]).query)
        assert urlsplit(last["Location"]).path == "/checkout/"
        assert query["ticket"] == [str(first), str(second)]
        assert query["seat"] == [f"{first}:1:1A", f"{second}:1:2B"]
        client.post(last["Location"], names())

        (made,) = Reservation.objects.all()
        coupons = Coupon.objects.filter(passenger__reservation=made).order_by("position")
        assert [one.claims.get().stock.seat.label for one in coupons] == ["1A", "2B"]

    def test_a_ride_sold_out_meanwhile_books_nothing(
        self, client: Client, net: Network, clock: Clock
    ) -> None:
        to = client.get("/connection/", {**ASKED, "leg": ids(net), "place": "1"})["Location"]
        client.get(to)
        reserve("full@example.org", ids(net)[1], now=clock.now(), passengers=8)
        before = everything()

        answer = client.post(to, names())

        assert answer.status_code == 409
        after = everything()
        assert after["Reservation"] == before["Reservation"]
        assert after["Claim"] == before["Claim"]

    def test_leads_back_to_the_connection(self, client: Client, net: Network) -> None:
        to = client.get("/connection/", {**ASKED, "leg": ids(net), "place": "1"})["Location"]
        back = urlsplit(link(client.get(to).content.decode(), "/connection/"))
        assert parse_qs(back.query)["leg"] == [str(one) for one in ids(net)]


class TestReturn:
    WAY = {**ASKED, "way": "return", "return_date": "2026-06-04"}

    def test_both_ways_with_changes_are_one_reservation(
        self, client: Client, net: Network, audited: None
    ) -> None:
        out = client.get("/connection/", {**self.WAY, "leg": ids(net), "place": "1"})["Location"]
        assert urlsplit(out).path == "/search/"
        html = client.get(out).content.decode()
        seen = text_of(html)
        assert "Your way out" in seen
        assert "R 1 + N 2" in seen
        # The Saver takes 10 % off each ticket of a return.
        assert "€18.00" in seen
        (card,) = cards(html)
        assert services(card) == ["N 3", "R 4"]

        page = link(html, "/connection/")
        assert "Total €18.00" in text_of(client.get(page).content.decode())
        checkout = client.get(page + "&place=1")["Location"]
        assert urlsplit(checkout).path == "/checkout/"
        bill = text_of(client.get(checkout).content.decode())
        assert "Total €36.00" in bill
        answer = client.post(checkout, names() | {"expected": "3600"})

        assert answer.status_code == 302, text_of(answer.content.decode())
        (made,) = Reservation.objects.all()
        assert Coupon.objects.filter(passenger__reservation=made).count() == 4
        # It leads to Celle, and not to where one changes.
        booking = client.get(f"/booking/{made.locator}/").content.decode()
        assert "Altdorf to Celle" in text_of(booking)

    def test_one_way_may_be_direct(self, client: Client, net: Network, audited: None) -> None:
        direct = net.run("R 9", "ALT", "CEL", 0, 100).ticket_id()
        out = client.get(f"/trip/{direct}/", {**self.WAY, "ticket": direct, "place": "1"})
        html = client.get(out["Location"]).content.decode()
        page = link(html, "/connection/")
        checkout = client.get(page + "&place=1")["Location"]

        answer = client.post(checkout, names() | {"expected": "2700"})

        assert answer.status_code == 302, text_of(answer.content.decode())
        assert Coupon.objects.count() == 3

    def test_begins_after_the_way_out_has_ended(self, client: Client, net: Network) -> None:
        asked = {**self.WAY, "return_date": "2026-06-02", "out": ids(net)}
        early = net.run("R 5", "CEL", "BER", 139)
        late = net.run("R 6", "CEL", "BER", 140)
        net.run("R 7", "BER", "ALT", 250)
        (card,) = cards(client.get("/search/", asked).content.decode())
        assert services(card) == ["R 6", "R 7"]

        Departure.objects.filter(pk=late.departure.pk).update(state="cancelled")
        assert cards(client.get("/search/", asked).content.decode()) == []
        assert early.departure.state == "scheduled"

    def test_a_way_out_that_is_off_sale_asks_for_another(
        self, client: Client, net: Network
    ) -> None:
        Departure.objects.filter(pk=net.first.departure.pk).update(state="cancelled")
        html = client.get("/search/", {**self.WAY, "out": ids(net)}).content.decode()
        assert "Your way out is no longer on sale" in html

    def test_is_few_statements(
        self,
        client: Client,
        net: Network,
        traveller: object,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(traveller)  # type: ignore[arg-type]
        asked = {**self.WAY, "out": ids(net)}
        client.get("/search/", asked)
        with django_assert_max_num_queries(12):
            client.get("/search/", asked)
