"""What the pages compute: buckets, sums and the text of amounts."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from receivables.money import Money
from reminders.holds import HoldCode
from runtime.operations.reminding.figures import Tally, figures_of
from runtime.operations.views.ageing import BUCKETS, bucket
from runtime.operations.views.standing import Standing
from runtime.web import words
from runtime.web.formats import late, money

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "BHD", "AFN", "IQD", "CLF", "ISK"])
STANDINGS = st.builds(
    lambda minor, currency, days: Standing("doc", Money(minor, currency), days, ()),
    st.integers(0, 10**12),
    CURRENCIES,
    st.integers(-400, 4000),
)


@given(st.lists(STANDINGS, max_size=40))
def test_ageing_loses_no_minor_unit_and_no_invoice(invoices: list[Standing]) -> None:
    tally = Tally()
    tally.add(invoices, ())
    every = figures_of(json.loads(json.dumps(tally.as_json())), "EUR", None).ageing
    for each in every:
        mine = [invoice for invoice in invoices if invoice.open_amount.currency == each.currency]
        assert each.total.minor == sum(invoice.open_amount.minor for invoice in mine)
        assert each.overdue.minor == sum(invoice.open_amount.minor for invoice in mine if invoice.days_overdue > 0)
        assert sum(each.counts) == sum(bool(invoice.open_amount) for invoice in mine)
        assert len(each.amounts) == len(BUCKETS)
    assert sum(sum(each.counts) for each in every) == sum(bool(invoice.open_amount) for invoice in invoices)


def test_the_edges_of_the_buckets() -> None:
    days = [-5, 0, 1, 30, 31, 60, 61, 90, 91, 4000]
    assert [bucket(day) for day in days] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_an_amount_hides_no_minor_unit(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    shown = money(amount)
    digits = re.sub(r"[^0-9]", "", shown)
    assert int(digits) == abs(minor)
    assert ("-" in shown) == (minor < 0)


def test_amounts_and_days_read_well() -> None:
    assert money(Money(123_456, "GBP")) == "£1,234.56"
    assert money(Money(-500, "EUR")) == "-€5.00"
    assert money(Money(1_500, "JPY")) == "JP¥1,500"
    assert [late(days) for days in (-2, -1, 0, 1, 2)] == [
        "due in 2 days",
        "due in 1 day",
        "due today",
        "1 day late",
        "2 days late",
    ]


def test_every_hold_has_words() -> None:
    assert set(words.HOLDS) == set(HoldCode)


def test_a_contact_hold_does_not_make_a_debt_less_due() -> None:
    from reminders.holds import Hold

    night = Hold(HoldCode.CONTACT, "It is night there.")
    contested = Hold(HoldCode.DISPUTED, "The customer contests it.")
    assert Standing("doc", Money(1, "EUR"), 3, (night,)).truly_due
    assert not Standing("doc", Money(1, "EUR"), 3, (night, contested)).truly_due
    assert not Standing("doc", Money(1, "EUR"), 0, ()).truly_due
    assert not Standing("doc", Money(0, "EUR"), 3, ()).truly_due
