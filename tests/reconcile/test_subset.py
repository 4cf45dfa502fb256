from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from reconcile.subset import MAX_COUNTED, MAX_EXHAUSTIVE, MAX_FOR_TRIPLES, MAX_SOLUTIONS, solve


@given(st.lists(st.integers(-50, 50).filter(bool), max_size=9), st.integers(-120, 120))
def test_agrees_with_trying_every_set(amounts: list[int], target: int) -> None:
    every = [
        positions
        for size in range(1, len(amounts) + 1)
        for positions in combinations(range(len(amounts)), size)
        if sum(amounts[at] for at in positions) == target
    ]
    solutions = solve(amounts, target)
    assert solutions.complete
    assert set(solutions.found) <= set(every)
    assert len(solutions.found) == min(MAX_SOLUTIONS, len(every))
    assert solutions.unique == (len(every) == 1)


def test_two_solutions_are_not_unique() -> None:
    assert len(solve([100, 100, 250], 350).found) == 2
    assert not solve([100, 100, 250], 350).unique


def test_beyond_the_bound_an_answer_is_never_unique() -> None:
    amounts = [2**power for power in range(MAX_EXHAUSTIVE + 5)]
    last = len(amounts) - 1
    solutions = solve(amounts, 2**3 + 2**7 + 2**last)
    assert solutions.found == ((3, 7, last),)
    assert not solutions.unique


def test_what_is_more_than_the_money_does_not_count_against_the_bound() -> None:
    amounts = [5_000, *(2**power for power in range(10)), *[9_000] * MAX_EXHAUSTIVE]
    assert solve(amounts, 2**3 + 2**7 + 2**9).found == ((4, 8, 10),)
    assert solve(amounts, 2**3 + 2**7 + 2**9).unique
    assert (0, 4, len(amounts)) in solve([*amounts, -4_000], 5_000 - 4_000 + 2**3).found


def test_finds_the_run_of_the_oldest_items_among_many() -> None:
    amounts = [1_000 + 37 * at * at for at in range(200)]
    assert tuple(range(50)) in solve(amounts, sum(amounts[:50])).found


@given(st.lists(st.integers(-9, 60).filter(bool), min_size=MAX_EXHAUSTIVE + 1, max_size=30), st.integers(1, 90))
def test_finds_and_counts_every_set_of_at_most_three(amounts: list[int], target: int) -> None:
    every = {
        positions
        for size in (1, 2, 3)
        for positions in combinations(range(len(amounts)), size)
        if sum(amounts[at] for at in positions) == target
    }
    solutions = solve(amounts, target, most=3)
    ordered = sorted(every, key=lambda positions: (len(positions), positions))
    assert solutions.found == tuple(ordered[:MAX_SOLUTIONS])
    assert solutions.count == len(every)


def test_of_many_equal_amounts_every_pair_is_counted_and_the_count_ends_somewhere() -> None:
    assert solve([4_900] * 30, 9_800, most=2).count == 30 * 29 // 2
    assert MAX_COUNTED <= solve([4_900] * MAX_FOR_TRIPLES, 3 * 4_900, most=3).count <= 2 * MAX_COUNTED
