"""One path through every floor: search, reserve, pay, cancel, by the API alone."""

from __future__ import annotations

from typing import Any

from inventory import places
from tests.selling import audit


def done(answer, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    return answer.json()


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_traveller_books_two_seats_and_gets_half_of_the_money_back(api, traveller, train):
    me = api.by(traveller)
    places.forget()

    # The Saver from Hamburg to Munich is 45.00 for each of two.
    wish = {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02", "passengers": 2}
    saver = done(api.post("/tickets/search", wish))["results"][0]
    assert (saver["ticketID"], saver["price"]) == (train.ticket_id(), euros("90.00"))

    filled = done(me.post("/wallet/top-up", {"amount": "200.00", "currency": "EUR"}))
    assert filled["balance"] == euros("200.00")

    two = [{"firstName": "Ada", "lastName": "Lovelace"}, {"firstName": "Bob", "lastName": "Roe"}]
    held = done(
        me.post(
            "/reservations/reserve",
            {"ticketID": saver["ticketID"], "passengers": two, "expectedPrice": saver["price"]},
        ),
        201,
    )
    assert (held["status"], held["price"]) == ("Reserved", euros("90.00"))
    assert "pay" in held["availableActions"]
    booking = {"reservationID": held["reservationID"]}

    paid = done(me.post("/reservations/pay", booking | {"paymentMethod": "Wallet"}))
    assert (paid["status"], paid["payment"]["amount"]) == ("Paid", euros("90.00"))
    assert done(me.get("/wallet"))["balances"] == [euros("110.00")]
    purchased = done(me.get("/reservations/purchased"))
    assert [(one["passenger"]["firstName"], one["status"]) for one in purchased["results"]] == [
        ("Ada", "open"),
        ("Bob", "open"),
    ]

    # 18 hours before the train leaves, half is kept.
    quote = done(me.get(f"/reservations/penalty/{held['reservationID']}"))
    assert (quote["penaltyPercentage"], quote["penalty"], quote["refund"]) == (
        50.0,
        euros("45.00"),
        euros("45.00"),
    )
    audit()
    cancelled = done(me.post("/reservations/cancel", booking | {"quoteID": quote["quoteID"]}))
    assert (cancelled["status"], cancelled["refund"]) == ("Cancelled", euros("45.00"))

    assert done(me.get("/wallet"))["balances"] == [euros("155.00")]
    assert done(api.get(f"/tickets/{saver['ticketID']}"))["seatsLeft"] == 8
    audit()
