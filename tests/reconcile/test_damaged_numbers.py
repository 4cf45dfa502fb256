"""Every number at a distance of one is looked for, and none that the ledger cannot hold."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from reconcile.damaged import log_damaged, one_off
from reconcile.numbering import Numbering
from reconcile.postings import Postings

NUMBERS = st.integers(10_000, 99_999_999).map(str)


@given(st.lists(NUMBERS, min_size=1, max_size=20), NUMBERS, st.data())
def test_each_number_one_away_is_found_and_no_other(drawn: list[str], other: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(drawn[0]) - 1))
    digit = data.draw(st.sampled_from("0123456789"))
    before, at, after = drawn[0][:place], drawn[0][place], drawn[0][place + 1 :]
    exchanged = before + after[:1] + at + after[1:]
    token = data.draw(
        st.sampled_from([before + digit + after, before + after, before + digit + at + after, exchanged, other])
    )
    cores, numbering = Postings(), Numbering()
    numbers = sorted(set(drawn))
    for row, number in enumerate(numbers):
        cores.add(hash(number), row)
        numbering.add(number)
    token = token.lstrip("0")
    if len(token) < 5:
        return
    mentions = one_off(f"invoice {token}", cores, numbering)
    found = {row for mention in mentions for row in mention.rows}
    expected = {row for row, number in enumerate(numbers) if OSA.distance(token, number) <= 1}
    padded = {row for row, number in enumerate(numbers) if OSA.distance(token, f"0{number}") <= 1}
    assert expected <= found <= expected | padded
    least = max(log_damaged(len(number), numbering) for number in numbers)
    telling = {row for row in expected if log_damaged(len(numbers[row]), numbering) == least}
    named = {row for mention in one_off(token, cores, numbering, least=least) for row in mention.rows}
    assert telling <= named <= found
    assert one_off(token, cores, numbering, least=math.inf) == []
