"""Who an account elsewhere is: by an exact key, or by a name with proof beside it; a name alone is only proposed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.links import LIKE, MAX_CANDIDATES, Account, Candidate, CustomerBook, is_registered, likeness, plain_name

keys = st.sampled_from(["number-1", "number-2", "number-3", "number-4"])
names = st.sampled_from(["Acme Ltd", "ACME, LTD.", "Bolt & Sons", "Zoë GmbH", "", "東京商事", "大阪商事"])
countries = st.sampled_from([None, "GB", "DE"])
emails = st.sampled_from([None, "a@acme.example", "b@acme.example", "c@gmail.com"])


@st.composite
def books(draw: st.DrawFn) -> list[Candidate]:
    rows = draw(st.lists(st.tuples(names, st.lists(keys, max_size=3), emails, countries), max_size=5))
    return [
        Candidate(f"cus-{n}", name, tuple(mine), email, country) for n, (name, mine, email, country) in enumerate(rows)
    ]


accounts = st.builds(
    Account,
    names,
    st.lists(keys, max_size=3).map(tuple),
    st.lists(emails.filter(bool), max_size=2).map(tuple),
    countries,
)


@given(books(), accounts)
def test_who_is_certain_is_named_by_a_key_of_nobody_else(book: list[Candidate], account: Account) -> None:
    bearers = [[each.customer_id for each in book if key in each.keys] for key in account.keys]
    named = [each[0] for each in bearers if len(each) == 1]
    assert CustomerBook(book).by_key(account) == (named[0] if named else None)


@given(books(), accounts)
def test_a_name_is_certain_only_where_nobody_shares_it_and_something_else_proves_it(
    book: list[Candidate], account: Account
) -> None:
    found = CustomerBook(book).by_name(account)
    bearers = [each for each in book if plain_name(each.name) == plain_name(account.name) != ""]
    if found is None:
        return
    (customer,) = bearers
    assert customer.customer_id == found
    same_country = customer.country is not None and customer.country == account.country
    assert customer.email in account.emails or (same_country and is_registered(plain_name(customer.name)))


@given(books(), accounts)
def test_who_is_proposed_comes_with_reasons_and_the_likeliest_first(book: list[Candidate], account: Account) -> None:
    found = CustomerBook(book).candidates(account)
    assert len(found) <= MAX_CANDIDATES
    assert len({each.customer_id for each in found}) == len(found)
    assert all(each.reasons for each in found)
    assert [len(each.reasons) for each in found] == sorted((len(each.reasons) for each in found), reverse=True)


def test_the_first_known_key_counts_whatever_the_name() -> None:
    book = CustomerBook([Candidate("a", "Acme", ("number-1",)), Candidate("b", "Bolt", ("number-2",))])
    assert book.by_key(Account("Acme", ("number-2",))) == "b"
    assert book.by_key(Account("", ("unknown", "number-2", "number-1"))) == "b"
    assert book.by_key(Account("Acme", ("unknown",))) is None


def test_a_short_number_is_a_key_only_where_the_names_do_not_contradict_it() -> None:
    book = CustomerBook([Candidate("a", "Acme Ltd", ("58",))])
    assert book.by_key(Account("Acme", ("58",))) == "a"
    assert book.by_key(Account("Zebra Stores", ("58",))) is None
    (asked,) = book.candidates(Account("Zebra Stores", ("58",)))
    assert "58 names both" in asked.reasons


def test_a_name_alone_is_proposed_and_never_certain() -> None:
    book = CustomerBook([Candidate("a", "Acme Trading Ltd", (), None, "GB")])
    for account in (Account("Acme Trading Ltd"), Account("Acme Trading", country="GB"), Account("Acme Tradings Ltd")):
        assert book.by_name(account) is None
        assert [each.customer_id for each in book.candidates(account)] == ["a"]


def test_a_person_of_the_same_name_in_the_same_country_is_asked_about() -> None:
    book = CustomerBook([Candidate("a", "John Smith", (), "john@gmail.com", "GB")])
    assert book.by_name(Account("John Smith", country="GB")) is None
    assert book.by_name(Account("John Smith", emails=("JOHN@gmail.com",))) == "a"


def test_addresses_of_one_business_speak_for_it_and_those_of_a_mail_provider_do_not() -> None:
    own = CustomerBook([Candidate("a", "Harbour Joinery", (), "accounts@harbour.example", None)])
    (found,) = own.candidates(Account("HJ Holdings", emails=("eve@harbour.example",)))
    assert found.reasons[-1] == "both have addresses at harbour.example"
    everybodys = CustomerBook([Candidate("a", "Harbour Joinery", (), "harbour@gmail.com", None)])
    assert everybodys.candidates(Account("HJ Holdings", emails=("eve@gmail.com",))) == ()


def test_namesakes_are_nobody() -> None:
    book = CustomerBook([Candidate("a", "Acme Ltd", (), None, "GB"), Candidate("b", "ACME LTD.", (), None, "GB")])
    assert book.by_name(Account("Acme Ltd", country="GB")) is None
    assert {each.customer_id for each in book.candidates(Account("Acme Ltd", country="GB"))} == {"a", "b"}


@pytest.mark.parametrize("name", ["", "!!!", "—"])
def test_a_name_without_letters_is_like_nobody(name: str) -> None:
    book = CustomerBook([Candidate("a", "", (), None, "GB"), Candidate("b", "Bolt", (), None, "GB")])
    assert book.by_name(Account(name, country="GB")) is None
    assert book.candidates(Account(name)) == ()


def test_names_in_other_scripts_are_told_apart() -> None:
    book = CustomerBook([Candidate("tokyo", "東京商事", ()), Candidate("athens", "Αθήνα ΑΕ", ())])
    assert book.candidates(Account("大阪商事")) == ()
    assert [each.customer_id for each in book.candidates(Account("東京商事"))] == ["tokyo"]
    assert [each.customer_id for each in book.candidates(Account("ΑΘΗΝΑ αε"))] == ["athens"]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Harbour Joinery Ltd", "Joinery, Harbour", True),
        ("Müller Maschinenbau GmbH", "Muller Maschinenbau", True),
        ("Harbour Joinery Ltd", "Harbor Joinery", True),
        ("Harbour Joinery Ltd", "Harbour Plumbing Ltd", False),
        ("Ltd", "Ltd", False),
    ],
)
def test_names_are_alike_whatever_their_legal_form_and_order(one: str, other: str, alike: bool) -> None:
    assert (likeness(one, other) >= LIKE) is alike


@pytest.mark.parametrize(
    ("name", "registered"),
    [("Bolt Ltd.", True), ("Bolt B.V.", True), ("Bolt & Sons", False), ("Ltd", False), ("John Smith", False)],
)
def test_registered_names(name: str, registered: bool) -> None:
    assert is_registered(plain_name(name)) is registered


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
