"""The budget of calls keeps every published window, whatever the order of calls."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Retry
from connectors.limits import MAX_WAIT_SECONDS, Budget, Limit, calling_while


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.at += max(seconds, 1e-6)


def budget(time: Time, *limits: Limit) -> Budget:
    return Budget(limits, monotonic=time.monotonic, sleep=time.sleep)


@given(
    calls=st.integers(min_value=2, max_value=8),
    seconds=st.floats(min_value=0.5, max_value=20),
    pauses=st.lists(st.floats(min_value=0, max_value=5), max_size=60),
    urgent=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_no_window_holds_more_calls_than_published(
    calls: int, seconds: float, pauses: list[float], urgent: list[bool]
) -> None:
    time = Time()
    kept = budget(time, Limit(calls, seconds, reserve=1), Limit(calls * 3, seconds * 4))
    taken: list[float] = []
    for pause, hurry in zip(pauses, urgent, strict=False):
        time.at += pause
        try:
            kept.take(urgent=hurry)
        except Retry as error:
            assert error.after_seconds > 0
            continue
        taken.append(time.at)
    for window, most in ((seconds, calls), (seconds * 4, calls * 3)):
        for index in range(len(taken) - most):
            assert taken[index + most] - taken[index] > window
    assert all(before <= after for before, after in pairwise(taken))
    assert kept.taken == len(taken)


def test_the_reserve_is_for_urgent_calls() -> None:
    time = Time()
    kept = budget(time, Limit(3, 100.0, reserve=1))
    kept.take()
    kept.take()
    with pytest.raises(Retry):
        kept.take()
    kept.take(urgent=True)
    with pytest.raises(Retry):
        kept.take(urgent=True)
    assert time.at == 0


def test_a_short_wait_is_slept_and_a_long_one_goes_back() -> None:
    time = Time()
    kept = budget(time, Limit(1, 10.0))
    kept.take()
    kept.take()
    assert 10 < time.at < 11
    kept.hold_off(MAX_WAIT_SECONDS + 5)
    with pytest.raises(Retry) as refused:
        kept.take(urgent=True)
    assert refused.value.after_seconds >= MAX_WAIT_SECONDS


def test_a_long_read_waits_for_its_window_instead_of_breaking_off() -> None:
    time = Time()
    kept = budget(time, Limit(60, 60.0, reserve=6))
    for _ in range(120):  # pages of a first load, answered at once
        kept.take()
    assert 120 < time.at < 130


def test_holding_off_is_never_shortened() -> None:
    time = Time()
    kept = budget(time, Limit(100, 1.0))
    kept.hold_off(20)
    kept.hold_off(1)
    kept.take()
    assert time.at >= 20


def test_no_call_begins_once_its_time_is_over_and_its_place_is_free_again() -> None:
    time = Time()
    kept = budget(time, Limit(2, 20.0))
    kept.take(urgent=True)
    kept.take(urgent=True)
    with calling_while(lambda: time.at < 1), pytest.raises(Retry, match="taken up again"):
        kept.take()  # it waits for its place, and has lost its turn meanwhile
    assert kept.taken == 2
