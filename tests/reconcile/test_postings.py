"""The flat multimap against a plain one, and what an item costs."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.candidates import OpenItemIndex
from reconcile.postings import MIN_SLOTS, Postings
from tests.reconcile.build import item

MAX_BYTES_AN_ITEM = 500

CHANGES = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 8)), max_size=120)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.integers(-(2**62), 2**62))
def test_it_answers_like_a_plain_multimap(changes: list[tuple[bool, int, int]], salt: int) -> None:
    flat, plain = Postings(), Counter[tuple[int, int]]()
    for adds, name, row in changes:
        key = hash((salt, name))
        if adds:
            flat.add(key, row)
            plain[key, row] += 1
        else:
            flat.remove(key, row)
            plain[key, row] = max(0, plain[key, row] - 1)
    for name in range(6):
        key = hash((salt, name))
        rows = sorted(row for (of, row), count in plain.items() if of == key for _ in range(count))
        assert sorted(flat.find(key, limit=1_000)) == rows
    assert len(flat) == plain.total()


def test_it_grows_and_keeps_what_was_left_and_used_again() -> None:
    flat = Postings()
    for row in range(3 * MIN_SLOTS):
        flat.add(hash(f"a{row}"), row)
        if row % 3 == 0:
            flat.remove(hash(f"a{row}"), row)
    kept = [row for row in range(3 * MIN_SLOTS) if flat.find(hash(f"a{row}"), 4) == [row]]
    assert kept == [row for row in range(3 * MIN_SLOTS) if row % 3]


def test_a_limit_says_that_there_are_more() -> None:
    flat = Postings()
    for row in range(10):
        flat.add(hash("shared"), row)
    assert len(flat.find(hash("shared"), limit=4)) == 5


def test_an_item_costs_less_than_promised() -> None:
    items = 4_000
    tracemalloc.start()
    index = OpenItemIndex(
        item(f"doc-{at:07}", 100 + at, number=f"INV-{100_000 + at}", customer=f"Customer {at // 12}")
        for at in range(items)
    )
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(index) == items
    assert used / items < MAX_BYTES_AN_ITEM
