"""Who an account elsewhere is: by an exact key, else by a name that only one customer bears; never by a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.links import Candidate, CustomerBook, plain_name

keys = st.sampled_from(["k1", "k2", "k3", "k4"])
names = st.sampled_from(["Acme Ltd", "ACME, LTD.", "Bolt & Sons", "Zoë", "", "東京商事", "大阪商事"])
candidates = st.lists(st.tuples(names, st.lists(keys, max_size=3)), max_size=5).map(
    lambda rows: [Candidate(f"cus-{n}", name, tuple(mine)) for n, (name, mine) in enumerate(rows)]
)


@given(candidates, st.lists(keys, max_size=3), names)
def test_who_is_found_is_named_by_a_key_or_a_name_of_nobody_else(
    book: list[Candidate], wanted: list[str], name: str
) -> None:
    found = CustomerBook(book).find(keys=wanted, name=name)
    by_key = [
        owners[0] for key in wanted if len(owners := [each.customer_id for each in book if key in each.keys]) == 1
    ]
    namesakes = [each.customer_id for each in book if plain_name(each.name) == plain_name(name) != ""]
    if by_key:
        assert found == by_key[0]
    elif len(namesakes) == 1:
        assert found == namesakes[0]
    else:
        assert found is None


@given(candidates, keys, names)
def test_a_key_that_two_customers_share_identifies_neither(book: list[Candidate], key: str, name: str) -> None:
    two = [Candidate("cus-x", "Xylo", (key,)), Candidate("cus-y", "Yarn", (key,))]
    found = CustomerBook([*book, *two]).find(keys=[key], name=name)
    assert found not in ("cus-x", "cus-y")
    assert found == CustomerBook([each for each in book if key not in each.keys] + two).find(keys=[], name=name) or (
        found == CustomerBook(book).find(keys=[], name=name)
    )


def test_a_key_is_stronger_than_a_name_and_the_first_known_key_counts() -> None:
    book = CustomerBook([Candidate("a", "Acme", ("1",)), Candidate("b", "Bolt", ("2",))])
    assert book.find(keys=["2"], name="Acme") == "b"
    assert book.find(keys=["unknown", "2", "1"], name="") == "b"
    assert book.find(keys=["unknown"], name="ACME!") == "a"
    assert book.find(keys=[], name="Acme Holdings") is None


def test_namesakes_are_nobody() -> None:
    book = CustomerBook([Candidate("a", "Acme Ltd", ()), Candidate("b", "ACME LTD.", ())])
    assert book.find(keys=[], name="Acme Ltd") is None


@pytest.mark.parametrize("name", ["", "!!!", "—"])
def test_a_name_without_letters_identifies_nobody(name: str) -> None:
    assert CustomerBook([Candidate("a", "", ()), Candidate("b", "Bolt", ())]).find(keys=[], name=name) is None


def test_names_in_other_scripts_are_told_apart() -> None:
    book = CustomerBook([Candidate("tokyo", "東京商事", ()), Candidate("athens", "Αθήνα ΑΕ", ())])
    assert book.find(keys=[], name="大阪商事") is None
    assert book.find(keys=[], name="東京商事") == "tokyo"
    assert book.find(keys=[], name="ΑΘΗΝΑ αε") == "athens"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("  Bolt &  Sons, Ltd. ", "bolt sons ltd"),
        ("Café Zoë", "cafe zoe"),
        ("Straße", "strasse"),
        ("ＡＣＭＥ", "acme"),
        ("under_score", "under score"),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@given(st.text(max_size=30))
def test_a_plain_name_is_plain_already(name: str) -> None:
    plain = plain_name(name)
    assert plain_name(plain) == plain
    assert plain == plain.strip()
    assert "  " not in plain
