from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile import reference
from reconcile.reference_book import Mention, ReferenceBook


def book(*numbers: str) -> ReferenceBook:
    result = ReferenceBook()
    for number in numbers:
        result.add(number, [number])
    return result


def exact(mentions: list[Mention]) -> list[str]:
    return [item for mention in mentions if mention.exact for item in mention.item_ids]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Payment INV-0401 thank you", ["INV-0401"]),
        ("inv 0401", ["INV-0401"]),
        ("INV0401", ["INV-0401"]),
        ("INV-O4O1", ["INV-0401"]),
        ("1NV-04OI", ["INV-0401"]),
        ("INV-0401/0217", ["INV-0401", "INV-0217"]),
        ("INV-0401/217", ["INV-0401", "INV-0217"]),
        ("INV-0401, 0217 and 218", ["INV-0401", "INV-0217", "INV-0218"]),
        ("Invoices 0401 + 0217", ["INV-0401", "INV-0217"]),
        ("ＩＮＶ－０４０１", ["INV-0401"]),
        ("your order of 4 March", []),
        ("INV-0402", []),
    ],
)
def test_reads_prefixed_numbers(text: str, named: list[str]) -> None:
    assert exact(book("INV-0401", "INV-0217", "INV-0218").mentions(text)) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("9338464501", ["9338464501"]),
        ("93384 64501", ["9338464501"]),
        ("933 846 4501 2855126562", ["9338464501", "2855126562"]),
        ("93384645012855126562", ["9338464501", "2855126562"]),
        ("NO 0: 9338464501NO 1: 2855126562", ["9338464501", "2855126562"]),
        ("0009338464501", ["9338464501"]),
    ],
)
def test_reads_long_numbers_broken_joined_and_padded(text: str, named: list[str]) -> None:
    assert exact(book("9338464501", "2855126562").mentions(text)) == named


@pytest.mark.parametrize("damaged", ["938464501", "93384645013", "93384646501", "9338464510", "9338464401", "8464501"])
def test_one_wrong_character_is_a_damaged_mention(damaged: str) -> None:
    mentions = book("9338464501", "2855126562").mentions(f"payment {damaged}")
    assert [(m.item_ids, m.exact, m.damaged) for m in mentions] == [(("9338464501",), False, True)]


def test_a_number_alone_inside_a_longer_run_is_not_exact() -> None:
    mentions = book("1000000962").mentions("100000096255")
    assert [m.exact for m in mentions] == [False]


def test_a_short_number_without_a_word_before_it_is_not_exact() -> None:
    assert exact(book("1001").mentions("paid 1001")) == []
    assert exact(book("1001").mentions("invoice 1001")) == ["1001"]
    assert exact(book("1001").mentions("#1001")) == ["1001"]


def test_creditor_reference_needs_its_check_digits() -> None:
    # RF18 5390 0754 7034 is the example of the European Payments Council's guideline on ISO 11649.
    assert reference.creditor_references("RF18 5390 0754 7034") == ["539007547034"]
    assert reference.creditor_references("RF19 5390 0754 7034") == []
    assert exact(book("539007547034").mentions("RF18 5390 0754 7034")) == ["539007547034"]


def test_removed_numbers_are_not_found() -> None:
    numbers = book("9338464501", "2855126562")
    numbers.remove("9338464501")
    assert numbers.mentions("9338464501") == []
    assert numbers.mentions("938464501") == []
    assert exact(numbers.mentions("2855126562")) == ["2855126562"]


def test_a_number_shared_by_too_many_names_none_of_them() -> None:
    shared = ReferenceBook()
    for count in range(50):
        shared.add(f"item{count}", ["PO-445566"])
    assert exact(shared.mentions("PO-445566")) == []


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    for mention in book("INV-0401", "9338464501").mentions(text):
        assert mention.item_ids


@given(
    st.integers(10**9, 10**10 - 1), st.text(alphabet="abc .,-#:", max_size=20), st.text(alphabet="xyz .,", max_size=20)
)
def test_a_long_number_is_found_wherever_it_stands(number: int, before: str, after: str) -> None:
    assert exact(book(str(number)).mentions(f"{before} {number} {after}")) == [str(number)]
