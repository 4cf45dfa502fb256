"""The same line has the same id in every file that holds it, and two lines that only look alike have two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.banks import feed

KINDS = st.tuples(
    st.sampled_from(["240102", "240103"]),
    st.sampled_from(["5,00", "6,00"]),
    st.sampled_from(["NONREF", "NONREF//B1", "NONREF//B2"]),
    st.sampled_from(["INVOICE 1", "INVOICE 2"]),
)
Kind = tuple[str, str, str, str]


def ids(kinds: list[Kind], account: str = "DE02") -> list[str]:
    lines = "".join(f":61:{day}C{amount}NTRF{reference}\n:86:{text}\n" for day, amount, reference, text in kinds)
    found = feed.read_statement("test", f":20:X\n:25:{account}\n{lines}-\n".encode())
    return [entry.entry_id for statement in found.statements for entry in statement.entries]


@given(st.lists(KINDS, max_size=12), st.lists(KINDS, max_size=12))
def test_overlapping_files_agree(first: list[Kind], more: list[Kind]) -> None:
    assert ids(first + more)[: len(first)] == ids(first)


@given(st.lists(KINDS, max_size=12))
def test_ids_differ_within_a_file(kinds: list[Kind]) -> None:
    assert len(set(ids(kinds))) == len(kinds)


@given(st.lists(KINDS, max_size=12))
def test_files_that_begin_on_different_days_agree(kinds: list[Kind]) -> None:
    ordered = sorted(kinds, key=lambda kind: kind[0])
    later = [kind for kind in ordered if kind[0] == "240103"]
    assert ids(ordered)[len(ordered) - len(later) :] == ids(later)


def test_a_reference_outweighs_a_shorter_text_and_accounts_are_apart() -> None:
    long = [("240102", "5,00", "NONREF//B1", "INVOICE 1 OF JANUARY")]
    short = [("240102", "5,00", "NONREF//B1", "INVOICE 1")]
    assert ids(long) == ids(short)
    assert ids(long) != ids(long, account="DE03")
