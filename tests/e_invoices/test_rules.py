"""An invoice is stated to the cent as its ledger has it, or not at all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.e_invoice import EInvoice, NotStated, broken_rules, e_invoice
from receivables.invoiced import Discount, Invoiced, Issuer, Party
from receivables.money import Money
from tests.e_invoices.facts import (
    BUYER,
    EXEMPT,
    ISSUER,
    OUTSIDE,
    REDUCED,
    SELLER,
    ZERO,
    any_invoice,
    gbp,
    invoiced,
    line,
)


def _made(facts: Invoiced, issuer: Issuer = ISSUER) -> EInvoice:
    made = e_invoice(issuer, facts)
    assert isinstance(made, EInvoice), made
    return made


def _reasons(facts: Invoiced, issuer: Issuer = ISSUER) -> str:
    made = e_invoice(issuer, facts)
    assert isinstance(made, NotStated), made
    return "; ".join(made.reasons)


@given(any_invoice())
def test_what_adds_up_is_stated_as_the_ledger_has_it(facts: Invoiced) -> None:
    """The sums are worked out here once more, in another way: by plain integers."""
    made = _made(facts)
    totals = made.totals
    assert (totals.net, totals.tax, totals.total, totals.due) == (
        facts.net,
        facts.tax,
        facts.total,
        facts.open_amount,
    )
    assert sum(each.net.minor for each in made.lines) == totals.lines.minor == facts.net.minor
    assert sum(each.taxable.minor for each in made.breakdown) == totals.net.minor
    assert sum(each.amount.minor for each in made.breakdown) == totals.tax.minor
    assert totals.due.minor == totals.total.minor - totals.paid.minor
    for each in made.breakdown:
        exact = Decimal(each.taxable.minor) * each.tax.percent / 100
        assert abs(exact - each.amount.minor) <= Decimal("0.5")
    for stated in made.lines:
        assert stated.price >= 0
        assert stated.base > 0
        assert stated.quantity * stated.price == stated.net.decimal * stated.base
        assert stated.name
        assert stated.name.isprintable()


@given(any_invoice(), st.sampled_from(["net", "tax", "total", "line", "charged"]), st.sampled_from([-1, 1]))
def test_a_cent_that_is_wrong_anywhere_is_refused(facts: Invoiced, where: str, by: int) -> None:
    cent = Money(by, "GBP")
    if where == "line":
        first = facts.lines[0]
        facts = replace(facts, lines=(replace(first, net=first.net + cent), *facts.lines[1:]))
    elif where == "charged":
        (percent, amount), *rest = facts.charged
        if not percent:
            return
        facts = replace(facts, charged=((percent, amount + cent), *rest))
    else:
        facts = replace(facts, **{where: getattr(facts, where) + cent})
    assert isinstance(e_invoice(ISSUER, facts), NotStated)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("BR-CO-10", {"lines": gbp("99.99")}),
        ("BR-CO-11", {"allowances": gbp("10.01")}),
        ("BR-CO-13", {"net": gbp("90.01")}),
        ("BR-CO-14", {"tax": gbp("18.01")}),
        ("BR-CO-15", {"total": gbp("108.01")}),
        ("BR-CO-16", {"due": gbp("0.01")}),
    ],
)
def test_each_rule_of_the_totals_notices_a_cent(rule: str, change: dict[str, Money]) -> None:
    made = _made(invoiced([line("100.00")], off=[Discount(gbp("10.00"), "loyal")], open_amount="0.00"))
    assert not broken_rules(made)
    broken = broken_rules(replace(made, totals=replace(made.totals, **change)))
    assert any(text.endswith(f"({rule})") for text in broken), broken


def test_each_rule_of_a_tax_notices_a_cent() -> None:
    made = _made(invoiced([line("100.00"), line("50.00", REDUCED)]))
    first, second = made.breakdown
    dearer = replace(first, amount=first.amount + gbp("0.01"))
    wider = replace(first, taxable=first.taxable + gbp("0.01"))
    assert "(BR-CO-17)" in " ".join(broken_rules(replace(made, breakdown=(dearer, second))))
    assert "(BR-S-08)" in " ".join(broken_rules(replace(made, breakdown=(wider, second))))


def test_tax_that_a_ledger_rounds_by_the_line_is_refused_where_the_sum_differs() -> None:
    facts = invoiced([line("33.33") for _ in range(3)])
    by_line = Money(3 * 667, "GBP")  # 6.666 each
    (percent, _), *_ = facts.charged
    stated = replace(facts, charged=((percent, by_line),), tax=by_line, total=facts.net + by_line)
    told = _reasons(replace(stated, open_amount=stated.total))
    assert told == "tax of 20 % on 99.99 GBP is 20.00 GBP, the ledger shows 20.01 GBP (BR-CO-17)"


@pytest.mark.parametrize(
    ("seller", "reason"),
    [
        (replace(SELLER, tax_number=""), "the seller's number for value added tax is missing in the ledger"),
        (replace(SELLER, tax_number="none"), "the seller's number for value added tax is missing in the ledger"),
        (replace(SELLER, country=""), "the seller's country is missing in the ledger"),
        (replace(SELLER, name=" "), "the seller's name is missing in the ledger"),
        (replace(SELLER, country="US"), "the tax on sales in US is no value added tax"),
    ],
)
def test_what_is_missing_of_the_seller_is_named(seller: Party, reason: str) -> None:
    assert reason in _reasons(invoiced([line("100.00")]), replace(ISSUER, seller=seller))


def test_what_is_missing_of_the_invoice_is_named() -> None:
    facts = invoiced([line("100.00")])
    assert "nobody can tell which category of tax" in _reasons(invoiced([line("100.00", None)]))
    assert "the buyer's country is missing" in _reasons(replace(facts, buyer=replace(BUYER, country="")))
    assert "the invoice has no number" in _reasons(replace(facts, number=""))
    assert "it has 0 lines" in _reasons(replace(facts, lines=()))
    assert "line 1 says not what was sold" in _reasons(replace(facts, lines=(replace(facts.lines[0], text=" \n"),)))
    assert "stated in EUR too" in _reasons(facts, replace(ISSUER, currency="EUR"))
    assert "no part of it" in _reasons(replace(facts, open_amount=gbp("121.00")))
    unborne = replace(facts, charged=((Decimal(7), gbp("20.00")),))
    assert "a tax of 7 % is charged that no line bears" in _reasons(unborne)


def test_what_is_outside_the_tax_stands_alone_and_bears_no_number_for_it() -> None:
    mixed = invoiced([line("100.00", OUTSIDE), line("10.00", ZERO)])
    assert "the standard allows no such mixture" in _reasons(mixed)
    alone = invoiced([line("100.00", OUTSIDE)])
    made = _made(alone)
    assert (made.seller.tax_number, made.buyer.tax_number, made.breakdown[0].reason) == ("", "", "Not subject to VAT")
    unregistered = replace(ISSUER, seller=replace(SELLER, registration=""))
    assert "registration number is missing" in _reasons(alone, unregistered)


def test_a_discount_over_several_taxes_is_refused() -> None:
    off = [Discount(gbp("10.00"), "loyal")]
    assert "cannot be told to its several taxes" in _reasons(invoiced([line("100.00"), line("50.00", EXEMPT)], off=off))
    made = _made(invoiced([line("100.00")], off=off))
    assert (made.totals.allowances, made.breakdown[0].taxable) == (gbp("10.00"), gbp("90.00"))


@pytest.mark.parametrize(
    ("country", "told", "stated"),
    [
        ("GB", "999 9999 73", "GB999999973"),
        ("GB", "gb 999 9999 73", "GB999999973"),
        ("GB", "XI999999973", "XI999999973"),
        ("DE", "DE 136 695 976", "DE136695976"),
        ("GR", "094259216", "EL094259216"),
        ("FR", "40303265045", "FR40303265045"),
        ("FR", "AB303265045", "FRAB303265045"),
    ],
)
def test_a_number_for_the_tax_bears_its_prefix(country: str, told: str, stated: str) -> None:
    seller = replace(SELLER, country=country, tax_number=told)
    assert _made(invoiced([line("100.00")]), replace(ISSUER, seller=seller)).seller.tax_number == stated


def test_what_is_taken_back_has_a_negative_quantity_and_no_negative_price() -> None:
    made = _made(invoiced([line("100.00", quantity="3", unit="33.3333"), line("-10.00", quantity="2", unit="-5")]))
    first, second = made.lines
    assert (first.price, first.base, first.quantity) == (Decimal("100.00"), Decimal(3), Decimal(3))
    assert (second.price, second.base, second.quantity) == (Decimal(5), Decimal(1), Decimal(-2))
    assert (first.name, first.description) == ("Oak boards", "Oak boards planed, 2 m")
