from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.mention import Mention, ReferenceEvidence
from reconcile.reference_book import ReferenceBook
from reconcile.structured import creditor_references, structured_references


class Numbers:
    """A book whose rows are numbered as the numbers are given."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = numbers
        self.book = ReferenceBook()
        for row, number in enumerate(numbers):
            self.book.add(row, [number])

    def exact(self, text: str) -> list[str]:
        return self._named(m for m in self.book.mentions(text) if m.exact)

    def damaged(self, text: str) -> list[str]:
        return self._named(self.book.damaged(text))

    def _named(self, mentions: Iterable[Mention]) -> list[str]:
        return [self.numbers[row] for mention in mentions for row in mention.rows]


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
    assert Numbers("INV-0401", "INV-0217", "INV-0218").exact(text) == named


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
    assert Numbers("9338464501", "2855126562").exact(text) == named


@pytest.mark.parametrize("damaged", ["938464501", "93384645013", "93384646501", "9338464510", "9338464401"])
def test_one_wrong_character_is_a_damaged_mention(damaged: str) -> None:
    ledger = Numbers("9338464501", "2855126562")
    assert ledger.exact(f"payment {damaged}") == []
    assert ledger.damaged(f"payment {damaged}") == ["9338464501"]


def test_a_damaged_number_tells_much_in_a_sparse_ledger_and_little_in_a_sequential_one() -> None:
    sparse = Numbers("9338464501", "2855126562", "5012773345")
    dense = Numbers(*(str(number) for number in range(101_000, 102_000)))
    (telling,) = sparse.book.damaged("938464501")
    weights = [mention.weight for mention in dense.book.damaged("1015O0 101500")]
    assert telling.weight > 12.0
    assert len(weights) > 10
    assert max(weights) < 2.0


def test_a_number_cut_short_is_looked_for_among_the_payers_items() -> None:
    ledger = Numbers("9338464501", "2855126562")
    mentions = ledger.book.within("payment 93384645", [(0, ["9338464501"]), (1, ["2855126562"])])
    assert {(mention.rows, mention.level) for mention in mentions} == {((0,), ReferenceEvidence.WEAK)}


def test_a_number_alone_inside_a_longer_run_is_not_exact() -> None:
    mentions = Numbers("1000000962").book.mentions("100000096255")
    assert [m.exact for m in mentions] == [False]


def test_a_short_number_without_a_word_before_it_is_not_exact() -> None:
    assert Numbers("1001").exact("paid 1001") == []
    assert Numbers("1001").exact("invoice 1001") == ["1001"]
    assert Numbers("1001").exact("#1001") == ["1001"]


@pytest.mark.parametrize("text", ["INV-7", "Invoice 7 of 12 March", "Rechnung 007", "inv7", "payment INV 0007"])
def test_a_very_short_number_is_named_behind_a_word_for_a_document(text: str) -> None:
    assert Numbers("INV-0007", "INV-12").exact(text) == ["INV-0007"]
    assert Numbers("7", "12").exact(text) == ["7"]
    assert Numbers("INV-7", "INV-12").exact(text) == ["INV-7"]


@pytest.mark.parametrize("text", ["7", "No 7", "7 March", "street 7", "REF 7", "part 7 of 12", "A7"])
def test_a_very_short_number_is_chance_anywhere_else(text: str) -> None:
    assert Numbers("INV-0007", "7").exact(text) == []


@pytest.mark.parametrize("text", ["HS-4021", "HS 4021", "hs4021", "payment for hs/4021"])
def test_the_letters_of_a_number_make_it_exact_whatever_they_are(text: str) -> None:
    assert Numbers("HS-4021", "HS-4022").exact(text) == ["HS-4021"]
    assert Numbers("QT-4021").exact(text) == []
    assert Numbers("HS-4021", "HS-4022", "HS-4023").exact("HS-4021, 4022 and 4023") == ["HS-4021", "HS-4022", "HS-4023"]


def test_letters_before_a_number_make_it_no_less_telling() -> None:
    book = Numbers("B/270612", *(f"INV-{number}" for number in range(110_000, 110_100))).book
    (with_letter,), (without,) = book.mentions("B/270612"), book.mentions("270612")
    assert with_letter.weight > without.weight


def test_creditor_reference_needs_its_check_digits() -> None:
    # RF18 5390 0754 7034 is the example of the European Payments Council's guideline on ISO 11649.
    assert creditor_references("RF18 5390 0754 7034") == ["539007547034"]
    assert creditor_references("RF19 5390 0754 7034") == []
    assert Numbers("539007547034").exact("RF18 5390 0754 7034") == ["539007547034"]


def test_a_swiss_reference_needs_its_check_digit() -> None:
    # The example of the Swiss Implementation Guidelines QR-bill.
    text = "21 00000 00003 13947 14300 09017"
    assert structured_references(text) == [
        ("210000000003139471430009017", "21000000000313947143000901", "313947143000901", "901")
    ]
    assert structured_references(text[:-1] + "8") == []
    assert Numbers("210000000003139471430009017").exact(f"QRR {text}") == ["210000000003139471430009017"]
    assert Numbers("INV-3139-47143000901").exact(text) == ["INV-3139-47143000901"]  # zeros within


def test_a_belgian_communication_needs_its_check_digits() -> None:
    # The example of Febelfin's description of the structured communication.
    assert structured_references("+++090/9337/55493+++") == [("090933755493", "0909337554")]
    assert structured_references("+++090/9337/55494+++") == []
    assert Numbers("909337554").exact("+++090/9337/55493+++") == ["909337554"]


def test_removed_numbers_are_not_found() -> None:
    ledger = Numbers("9338464501", "2855126562")
    ledger.book.remove(0, ["9338464501"])
    assert ledger.exact("9338464501") == []
    assert ledger.damaged("938464501") == []
    assert ledger.exact("2855126562") == ["2855126562"]


def test_a_number_shared_by_too_many_names_none_of_them() -> None:
    assert Numbers(*["PO-445566"] * 50).exact("PO-445566") == []


@given(st.text(max_size=300))
def test_any_text_is_read_without_failing(text: str) -> None:
    ledger = Numbers("INV-0401", "9338464501")
    assert set(ledger.exact(text) + ledger.damaged(text)) <= set(ledger.numbers)


@given(
    st.integers(10**9, 10**10 - 1), st.text(alphabet="abc .,-#:", max_size=20), st.text(alphabet="xyz .,", max_size=20)
)
def test_a_long_number_is_found_wherever_it_stands(number: int, before: str, after: str) -> None:
    assert Numbers(str(number)).exact(f"{before} {number} {after}") == [str(number)]
