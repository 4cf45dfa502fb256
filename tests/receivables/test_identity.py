"""The same parts give the same id for ever; different parts never the same one by being joined."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from receivables.identity import stable_id

parts = st.lists(st.text(max_size=8), max_size=5)


@given(parts, parts)
def test_two_lists_have_one_id_only_if_they_are_equal(a: list[str], b: list[str]) -> None:
    assert (stable_id("doc", *a) == stable_id("doc", *b)) is (a == b)


@given(st.text(min_size=1, max_size=6), st.text(min_size=1, max_size=6), parts)
def test_moving_a_letter_to_the_next_part_is_another_id(a: str, b: str, rest: list[str]) -> None:
    ids = {stable_id("doc", a, b, *rest), stable_id("doc", a + b, *rest), stable_id("doc", a, b, "", *rest)}
    ids |= {stable_id("doc", a + b[0], b[1:], *rest), stable_id("doc", "", a, b, *rest)}
    assert len(ids) == 5


def test_an_id_never_changes_between_versions_of_the_product() -> None:
    """Ids are kept in databases, ledgers and CRMs: a change of the digest would double everything."""
    assert stable_id("doc", "org", "xero", "1") == "doc_459ea40d13598f8a210b2444"


@given(parts)
def test_an_id_fits_a_column_and_a_vendors_reference(some: list[str]) -> None:
    assert re.fullmatch(r"cus_[0-9a-f]{24}", stable_id("cus", *some))
