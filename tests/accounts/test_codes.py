"""One-time codes: what they prove, how often they may be guessed, and what loses them."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import time_machine
from django.core.cache import cache

from accounts import codes
from accounts.errors import InvalidOtp, TooManyGuesses
from tests.accounts.codes import another
from travel.common.contacts import Contact, parse_contact
from travel.common.errors import Unavailable

ADA = parse_contact("ada@example.org")
PHONE = parse_contact("+49 151 23456789")
SIGN_IN = codes.SIGN_IN


def judge(code: str, *, contact: Contact = ADA, purpose: str = SIGN_IN) -> str:
    """Answer what becomes of a guess, as a word."""
    try:
        codes.redeem(contact=contact, purpose=purpose, code=code)
    except (InvalidOtp, TooManyGuesses, Unavailable) as refusal:
        return refusal.code
    return "right"


class TestRedeem:
    def test_takes_six_digits_once(self):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)

        assert (len(code), code.isdigit()) == (6, True)
        assert judge(code) == "right"
        assert judge(code) == "invalid_otp"

    @pytest.mark.parametrize(
        ("contact", "purpose"),
        [
            (parse_contact("eve@example.org"), SIGN_IN),
            (PHONE, SIGN_IN),
            (ADA, codes.confirming(1)),
            (ADA, "sign-in\nada@example.org"),
        ],
    )
    def test_is_bound_to_contact_and_purpose(self, contact, purpose):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)
        other = codes.issue(contact=contact, purpose=purpose)
        if other == code:
            pytest.skip("one draw in a million: both codes are the same")

        assert judge(code, contact=contact, purpose=purpose) == "invalid_otp"
        assert judge(other) == "invalid_otp"
        assert judge(code) == "right"

    def test_a_new_code_takes_the_place_of_the_old(self):
        old = codes.issue(contact=ADA, purpose=SIGN_IN)
        new = codes.issue(contact=ADA, purpose=SIGN_IN)

        if old != new:
            assert judge(old) == "invalid_otp"
        assert judge(new) == "right"

    def test_is_over_after_ten_minutes(self):
        with time_machine.travel("2026-06-01T12:00:00Z", tick=False) as moment:
            code = codes.issue(contact=ADA, purpose=SIGN_IN)
            moment.shift(599)
            assert cache.get(f"{codes._place(ADA, SIGN_IN)}:code") is not None
            moment.shift(2)
            if "locmem" in str(type(cache._connections["default"])):
                assert judge(code) == "invalid_otp"

    def test_nothing_is_kept_that_tells_the_code_or_the_contact(self, monkeypatch):
        kept: list[str] = []
        for name in ("set", "add"):
            real = getattr(cache, name)

            def keep(key, value, *args, real=real, **kwargs):
                kept.append(f"{key} {value}")
                return real(key, value, *args, **kwargs)

            monkeypatch.setattr(cache, name, keep)

        code = codes.issue(contact=ADA, purpose=SIGN_IN)

        assert kept
        assert not [text for text in kept if code in text.split() or "ada@" in text]


class TestTries:
    def test_after_five_wrong_ones_the_right_one_is_not_judged(self):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)

        assert [judge(another(code)) for _ in range(5)] == ["invalid_otp"] * 5
        assert judge(code) == "throttled"

    def test_asking_again_brings_no_new_tries(self):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)
        for _ in range(4):
            judge(another(code))

        code = codes.issue(contact=ADA, purpose=SIGN_IN)

        assert judge(another(code)) == "invalid_otp"
        assert judge(code) == "throttled"
        with pytest.raises(TooManyGuesses):
            codes.issue(contact=ADA, purpose=SIGN_IN)

    def test_a_code_whose_count_was_lost_is_lost(self):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)
        cache.delete(f"{codes._place(ADA, SIGN_IN)}:tries")

        assert judge(code) == "invalid_otp"

    def test_a_lost_cache_loses_the_code_and_one_asks_again(self):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)
        cache.clear()

        assert judge(code) == "invalid_otp"
        assert judge(codes.issue(contact=ADA, purpose=SIGN_IN)) == "right"


def at_once(count, act):
    """Let so many threads act at the same moment; count what each answered."""
    answers: Counter[str] = Counter()
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        answers[act(number)] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class TestAtOnce:
    def test_of_two_hundred_guesses_five_are_judged(self, monkeypatch):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)
        judged = []
        real = codes.same_secret
        monkeypatch.setattr(codes, "same_secret", lambda *pair: judged.append(pair) or real(*pair))

        answers = at_once(200, lambda number: judge(f"{(int(code) + 1 + number) % 10**6:06}"))

        # A Redis has fewer connections than that; who gets none is told to come back.
        assert 1 <= len(judged) <= 5
        assert answers["invalid_otp"] == len(judged)
        assert answers["throttled"] + answers["unavailable"] == 200 - len(judged)

    def test_of_five_right_ones_one_wins(self, monkeypatch):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)
        # All have read the code before the first takes it away.
        all_here = threading.Barrier(5)
        real = codes.same_secret
        monkeypatch.setattr(
            codes, "same_secret", lambda *pair: real(*pair) and (all_here.wait(10) is not None)
        )

        answers = at_once(5, lambda number: judge(code))

        assert answers == {"right": 1, "invalid_otp": 4}

    def test_a_code_that_came_between_is_not_taken_for_the_old_one(self, monkeypatch):
        old = codes.issue(contact=ADA, purpose=SIGN_IN)
        real = codes.same_secret

        def meanwhile(*pair):
            monkeypatch.setattr(codes, "same_secret", real)
            assert judge(old) == "right"
            codes.issue(contact=ADA, purpose=SIGN_IN)
            return real(*pair)

        monkeypatch.setattr(codes, "same_secret", meanwhile)

        assert judge(old) == "invalid_otp"


class TestWithoutCache:
    @pytest.mark.parametrize("broken", ["get", "incr", "delete"])
    def test_nothing_is_proved(self, monkeypatch, broken):
        code = codes.issue(contact=ADA, purpose=SIGN_IN)

        def fail(*args, **kwargs):
            raise ConnectionRefusedError("no cache")

        monkeypatch.setattr(cache, broken, fail)

        with pytest.raises(Unavailable):
            codes.redeem(contact=ADA, purpose=SIGN_IN, code=code)

    def test_nothing_is_sent(self, monkeypatch):
        def fail(*args, **kwargs):
            raise ConnectionRefusedError("no cache")

        monkeypatch.setattr(cache, "set", fail)

        with pytest.raises(Unavailable):
            codes.issue(contact=ADA, purpose=SIGN_IN)
