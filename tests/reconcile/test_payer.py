"""Names of payers: the same in other letters, alphabets and legal forms, and nothing else."""

from __future__ import annotations

import pytest

from receivables.allocation import Decision
from reconcile.calibrate import History
from reconcile.payer import NameBook, PayerEvidence, compare
from tests.reconcile.build import item, match, receipt

SAME = [
    ("Ørsted A/S", "ORSTED AS"),
    ("Ørsted A/S", "OERSTED AS"),
    ("Łódź Handel", "Lodz Handel"),
    ("Müller", "Mueller"),
    ("Müller", "Muller"),
    ("Jörg Bär", "JOERG BAER"),
    ("Große Straße", "Grosse Strasse"),
    ("Åse Lønn", "Aase Loenn"),
    ("ООО «Ромашка»", "OOO Romashka"),
    ("Ельба ЕООД", "ELBA EOOD"),
    ("Ελληνικά Πετρέλαια Α.Ε.", "Ellinika Petrelaia AE"),
    ("O’Neil", "O'NEIL"),
]
WITHOUT_FORM = [
    ("ООО «Ромашка»", "Romashka"),
    ("Ελληνικά Πετρέλαια Α.Ε.", "Ellinika Petrelaia S.A."),
    ("Budrem sp. z o.o.", "BUDREM"),
    ("Kovo spol. s r.o.", "KOVO SRO"),
    ("株式会社トヨタ", "Toyota"),
    ("トヨタ㈱", "株式会社トヨタ"),
]
OTHERS = [("Bauer", "Baur"), ("Mueller", "Muller"), ("佐々木", "佐木"), ("李", "力")]


def book(*names: str) -> NameBook:
    names_book = NameBook()
    for name in names:
        names_book.add(name, name)
    return names_book


def found(names_book: NameBook, payer: str) -> dict[str, PayerEvidence]:
    return {names_book.id_of(code): level for code, level in names_book.resolve(payer).items()}


@pytest.mark.parametrize(("left", "right"), [*SAME, *WITHOUT_FORM])
def test_a_name_in_other_letters_is_the_same_from_either_side(left: str, right: str) -> None:
    assert compare(left, right) is compare(right, left) is PayerEvidence.NAME
    assert found(book(left, "Quarry Tools GmbH"), right) == {left: PayerEvidence.NAME}
    assert found(book(right, "Quarry Tools GmbH"), left) == {right: PayerEvidence.NAME}


@pytest.mark.parametrize(("left", "right"), OTHERS)
def test_names_that_only_come_near_are_not_the_same_to_the_letter(left: str, right: str) -> None:
    assert found(book(left, right), left) == {left: PayerEvidence.NAME}


def test_of_two_that_are_the_same_in_plain_letters_the_one_written_so_is_meant() -> None:
    both = book("Müller GmbH", "Muller GmbH", "Mueller GmbH")
    assert list(found(both, "MÜLLER GMBH")) == ["Müller GmbH"]
    assert list(found(both, "MUELLER GMBH")) == ["Mueller GmbH"]


def test_a_part_of_a_name_is_alike_in_each_spelling() -> None:
    assert found(book("Müller Maschinenbau GmbH", "Quarry Tools"), "Mueller Masch") == {
        "Müller Maschinenbau GmbH": PayerEvidence.NAME
    }
    assert found(book("Mueller Maschinenbau GmbH", "Quarry Tools"), "Müller Masch") == {
        "Mueller Maschinenbau GmbH": PayerEvidence.NAME
    }


def test_a_renamed_customer_is_not_found_by_any_spelling_that_it_had() -> None:
    names = book("Müller")
    names.add("Müller", "Quarry Tools")
    assert found(names, "Mueller") == found(names, "Muller") == {}
    assert found(names, "Quarry Tools") == {"Müller": PayerEvidence.NAME}


@pytest.mark.parametrize("then", ["Jörg Bär", "JOERG BAER", "JORG BAR"])
def test_whom_a_name_paid_for_is_known_in_each_spelling(then: str) -> None:
    history = History()
    history.learn_payer(receipt(5, receipt_id="old", payer="Jörg Bär"), ["C1"])
    assert history.customers_of(receipt(5, payer=then)) == ({}, {"C1": 1.0})
    assert history.customers_of(receipt(5, receipt_id="old", payer=then), blind=True) == ({}, {})


def test_what_was_learned_in_plain_letters_is_known_of_the_name_with_its_own() -> None:
    history = History()
    history.know(customer_id="C1", times=2, name="JOERG BAER")
    history.know(customer_id="C2", times=2, name="JORG BAR")
    assert history.customers_of(receipt(5, payer="Jörg Bär")) == ({}, {"C1": 0.5, "C2": 0.5})


def test_a_named_item_is_applied_for_a_payer_in_another_alphabet() -> None:
    items = [item("A", 100_00, number="INV-0401", customer="ООО Ромашка"), item("B", 70_00)]
    (named,) = match(items, receipt(100_00, "INV-0401", payer="OOO ROMASHKA"))
    assert named.decision is Decision.APPLY
    assert "The payer's name is that of ООО Ромашка." in named.reasons
