"""Invoices as a ledger states them, whole and to the cent, of any lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from receivables.e_invoice import tax_on
from receivables.invoiced import Discount, Invoiced, InvoicedLine, Issuer, Party, Tax, TaxCategory
from receivables.money import Money, total

CURRENCY = "GBP"
STANDARD, REDUCED = (Tax(TaxCategory.STANDARD, Decimal(percent)) for percent in (20, 5))
ZERO, EXEMPT, OUTSIDE = Tax(TaxCategory.ZERO), Tax(TaxCategory.EXEMPT), Tax(TaxCategory.OUTSIDE)
SELLER = Party("Harbour & Pine Ltd", ("1 Quay Street", "Dock 4", "Hall B"), "Bristol", "Avon", "BS1 0ZZ", "GB",
               tax_number="999 9999 73", registration="00000000")  # fmt: skip
BUYER = Party("Acme Trading Ltd", ("2 High Street",), "Leeds", "", "LS1 1AA", "GB")
ISSUER = Issuer(SELLER, CURRENCY, {})


def gbp(text: str) -> Money:
    return Money.parse(text, CURRENCY)


def line(net: str, tax: Tax | None = STANDARD, *, quantity: str = "1", unit: str | None = None) -> InvoicedLine:
    return InvoicedLine(
        "Oak boards\nplaned, 2 m",
        Decimal(quantity),
        gbp(net),
        tax,
        "20% (VAT on Income)",
        None if unit is None else Decimal(unit),
    )


def invoiced(
    lines: Sequence[InvoicedLine], *, off: Sequence[Discount] = (), open_amount: str | None = None
) -> Invoiced:
    """What a ledger that reckons as the standard does states of these lines."""
    sold: defaultdict[Tax, list[Money]] = defaultdict(list)
    for each in lines:
        if each.tax is not None:
            sold[each.tax].append(each.net)
    for discount in off:
        sold[next(iter(sold))].append(-discount.amount)
    charged = [(tax.percent, tax_on(total(nets, CURRENCY), tax.percent)) for tax, nets in sold.items()]
    net = total([each.net for each in lines], CURRENCY) - total([each.amount for each in off], CURRENCY)
    tax = total([amount for _, amount in charged], CURRENCY)
    return Invoiced(
        number="INV-1",
        issued_on=date(2026, 3, 1),
        due_on=date(2026, 3, 31),
        buyer=BUYER,
        order_number="PO-7",
        lines=tuple(lines),
        discounts=tuple(off),
        charged=tuple(charged),
        net=net,
        tax=tax,
        total=net + tax,
        open_amount=net + tax if open_amount is None else gbp(open_amount),
    )


_AMOUNTS = st.integers(min_value=-10_000_00, max_value=10_000_000_00)
_QUANTITIES = st.decimals(min_value=Decimal("0.0001"), max_value=100_000, places=4)


@st.composite
def _any_line(draw: st.DrawFn, taxes: Sequence[Tax]) -> InvoicedLine:
    quantity = draw(_QUANTITIES)
    net = Money(draw(_AMOUNTS), CURRENCY)
    unit = draw(st.sampled_from([None, net.decimal, (net.decimal / quantity).quantize(Decimal("0.0001"))]))
    text = draw(
        st.text(min_size=1, max_size=300).filter(
            lambda text: any(each.isprintable() and not each.isspace() for each in text)
        )
    )
    return InvoicedLine(text, quantity, net, draw(st.sampled_from(list(taxes))), "a tax", unit)


@st.composite
def any_invoice(draw: st.DrawFn) -> Invoiced:
    """Any lines, under taxes that may stand together, paid in part or not."""
    taxes = draw(st.sampled_from([(STANDARD,), (STANDARD, REDUCED), (STANDARD, REDUCED, ZERO, EXEMPT), (OUTSIDE,)]))
    lines = draw(st.lists(_any_line(taxes), min_size=1, max_size=12))
    stated = invoiced(lines)
    if stated.total < gbp("0"):  # then it is a credit note
        lines = [*lines, line("100000000.00", lines[0].tax)]
        stated = invoiced(lines)
    paid = draw(st.integers(min_value=0, max_value=stated.total.minor))
    return invoiced(lines, open_amount=(stated.total - Money(paid, CURRENCY)).text())
