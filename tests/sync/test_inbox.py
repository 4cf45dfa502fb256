"""Notices become as few readings as possible, and each is settled by exactly one of them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Kind
from sync.inbox import Reading, Wanted, readings

BATCH = {"xero": 3, "stripe": 1, "quickbooks": 40}

things = st.tuples(
    st.sampled_from(sorted(BATCH)),
    st.sampled_from(["tenant-1", "tenant-2"]),
    st.sampled_from([Kind.INVOICE, Kind.CUSTOMER]),
    st.sampled_from([f"id-{number}" for number in range(9)]),
)
heaps = st.lists(things, max_size=60).map(lambda heap: [Wanted(row, *thing) for row, thing in enumerate(heap)])


def _place(of: Wanted | Reading) -> tuple[str, str, Kind]:
    return of.system, of.account, of.kind


@given(heaps)
def test_each_row_is_settled_by_exactly_one_reading(heap: list[Wanted]) -> None:
    settled = Counter(row for reading in readings(heap, BATCH) for row in reading.rows)
    assert settled == Counter(want.row for want in heap)


@given(heaps)
def test_a_row_is_settled_by_a_reading_of_its_own_object(heap: list[Wanted]) -> None:
    by_row = {want.row: want for want in heap}
    for reading in readings(heap, BATCH):
        wanted = [by_row[row] for row in reading.rows]
        assert {_place(want) for want in wanted} == {_place(reading)}
        assert {want.external_id for want in wanted} == set(reading.external_ids)


@given(heaps)
def test_an_object_is_read_once_in_as_few_bounded_calls_as_can_be(heap: list[Wanted]) -> None:
    objects: defaultdict[tuple[str, str, Kind], set[str]] = defaultdict(set)
    for want in heap:
        objects[_place(want)].add(want.external_id)
    calls: defaultdict[tuple[str, str, Kind], list[str]] = defaultdict(list)
    counted: Counter[tuple[str, str, Kind]] = Counter()
    for reading in readings(heap, BATCH):
        assert 1 <= len(reading.external_ids) <= BATCH[reading.system]
        calls[_place(reading)] += reading.external_ids
        counted[_place(reading)] += 1
    assert {place: sorted(ids) for place, ids in calls.items()} == {p: sorted(ids) for p, ids in objects.items()}
    assert counted == {place: math.ceil(len(ids) / BATCH[place[0]]) for place, ids in objects.items()}


def test_nothing_wanted_is_nothing_read() -> None:
    assert readings([], {}) == []
