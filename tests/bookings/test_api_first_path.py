"""One path through every floor: search, reserve, pay, cancel, by the API alone."""


def test_a_traveller_books_two_seats_and_gets_money_back(api, traveller, timetable, noon):
    me = api.by(traveller)
    found = api.post(
        "/tickets/search",
        {"origin": "Hamburg", "destination": "Munich", "date": "2026-06-02", "passengers": 2},
    )
    assert found.status_code == 200, found.content
    print([(r["ticketID"], r["fare"], r["price"], r["seatsLeft"]) for r in found.json()["results"]])
    ticket = timetable.train.ticket_id()
    detail = api.get(f"/tickets/{ticket}")
    assert detail.status_code == 200, detail.content
    top = me.post("/wallet/top-up", {"amount": "200.00", "currency": "EUR"})
    assert top.status_code == 200, top.content
    r = me.post(
        "/reservations/reserve",
        {
            "ticketID": ticket,
            "passengers": [
                {"firstName": "Ada", "lastName": "Lovelace"},
                {"firstName": "Bob", "lastName": "Roe"},
            ],
        },
    )
    assert r.status_code == 201, r.content
    rid = r.json()["reservationID"]
    p = me.post("/reservations/pay", {"reservationID": rid, "paymentMethod": "Wallet"})
    assert p.status_code == 200, p.content
    assert me.get("/reservations/purchased").json()["count"] == 2
    q = me.get(f"/reservations/penalty/{rid}")
    assert q.status_code == 200, q.content
    print(q.json())
    c = me.post("/reservations/cancel", {"reservationID": rid, "quoteID": q.json()["quoteID"]})
    assert c.status_code == 200, c.content
    print(c.json(), me.get("/wallet").json())
