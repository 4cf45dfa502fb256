"""An invoice in the semantic model of EN 16931-1, or the reasons why it cannot be one.

The terms (BT-…) and rules (BR-…) are those of the European standard. What the ledger states is taken as it is and held
against the rules: nothing is rounded, corrected or filled in, so no document says another cent than the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from receivables.invoiced import Invoiced, InvoicedLine, Issuer, Party, Tax, TaxCategory
from receivables.money import Money, exponent, total

MAX_LINES = 1_000  # of one invoice; ledgers allow fewer
MAX_DECIMALS = 2  # BR-DEC-…: of any amount
MAX_NAME_CHARACTERS = 100
# Whose tax on sales is the value added tax of the standard: the European Union's members and their neighbours.
VAT_COUNTRIES = frozenset(
    "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IM IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK".split()
)
_PREFIXES = {"GR": "EL", "IM": "GB", "MC": "FR"}  # of numbers for the tax, where not the country itself
_NOT_SUBJECT = "Not subject to VAT"
_REASONS = {TaxCategory.EXEMPT: "Exempt from VAT", TaxCategory.OUTSIDE: _NOT_SUBJECT}


@dataclass(frozen=True, slots=True)
class Line:
    """BG-25. `price` (BT-146) is for `base` (BT-149) units, so that quantity times price over base is `net` exactly."""

    number: int
    name: str
    description: str
    quantity: Decimal
    price: Decimal
    base: Decimal
    net: Money
    tax: Tax


@dataclass(frozen=True, slots=True)
class Allowance:
    """BG-20: what is taken off the whole invoice."""

    amount: Money
    reason: str
    tax: Tax


@dataclass(frozen=True, slots=True)
class TaxBreakdown:
    """BG-23: what one tax is charged on, and how much; `reason` says why nothing is, "" where a rate says it."""

    tax: Tax
    taxable: Money
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22, from BT-106 to BT-115."""

    lines: Money
    allowances: Money
    net: Money
    tax: Money
    total: Money
    paid: Money
    due: Money


@dataclass(frozen=True, slots=True)
class EInvoice:
    """An invoice that keeps the rules. Numbers for value added tax bear their country's prefix, or are ""."""

    number: str
    issued_on: date
    due_on: date
    order_number: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...]
    breakdown: tuple[TaxBreakdown, ...]
    totals: Totals

    @property
    def currency(self) -> str:
        """BT-5."""
        return self.totals.total.currency


@dataclass(frozen=True, slots=True)
class NotStated:
    """Why an invoice cannot be stated so: what is missing or does not agree, in plain words."""

    reasons: tuple[str, ...]


def e_invoice(issuer: Issuer, invoiced: Invoiced) -> EInvoice | NotStated:
    """Return the invoice in the model; both parties' countries are two letters. Nothing that breaks a rule is returned.

    What is positive and zero in one tax, or a discount over several taxes, has no single answer and is refused too.
    """
    missing = [*_missing(issuer, invoiced), *_taxes_missing(issuer, invoiced)]
    if missing:
        return NotStated(tuple(dict.fromkeys(missing)))
    made = _state(issuer, invoiced)
    broken = broken_rules(made)
    return NotStated(tuple(broken)) if broken else made


def broken_rules(invoice: EInvoice) -> list[str]:
    """Return which rules of sums an invoice breaks (BR-CO-10 to BR-CO-17, and BR-…-08 of each tax), in plain words."""
    return [f"{text} ({rule})" for rule, holds, text in _sums(invoice) if not holds]


def _sums(invoice: EInvoice) -> Iterator[tuple[str, bool, str]]:
    totals, code = invoice.totals, invoice.currency
    lines = total([line.net for line in invoice.lines], code)
    yield "BR-CO-10", lines == totals.lines, f"the lines add up to {lines}, not to {totals.lines}"
    off = total([each.amount for each in invoice.allowances], code)
    yield "BR-CO-11", off == totals.allowances, f"the discounts add up to {off}, not to {totals.allowances}"
    net = totals.lines - totals.allowances
    yield "BR-CO-13", net == totals.net, f"the lines less discounts come to {net}, the ledger shows {totals.net}"
    tax = total([each.amount for each in invoice.breakdown], code)
    yield "BR-CO-14", tax == totals.tax, f"the taxes add up to {tax}, the ledger shows {totals.tax}"
    gross = totals.net + totals.tax
    yield "BR-CO-15", gross == totals.total, f"net and tax come to {gross}, the ledger shows {totals.total}"
    due = totals.total - totals.paid
    yield "BR-CO-16", due == totals.due, f"the total less what is paid is {due}, the ledger shows {totals.due}"
    for each in invoice.breakdown:
        worked_out = tax_on(each.taxable, each.tax.percent)
        what = f"tax of {each.tax.percent.normalize():f} % on {each.taxable}"
        yield "BR-CO-17", worked_out == each.amount, f"{what} is {worked_out}, the ledger shows {each.amount}"
        on = _taxable(invoice.lines, invoice.allowances, each.tax, code)
        yield f"BR-{each.tax.category}-08", on == each.taxable, f"{what} should be on {on}"


def tax_on(taxable: Money, percent: Decimal) -> Money:
    """Return the tax on an amount, rounded half up to the minor unit (BR-CO-17)."""
    minor = (Decimal(taxable.minor) * percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return Money(int(minor), taxable.currency)


def _missing(issuer: Issuer, invoiced: Invoiced) -> Iterator[str]:
    for who, party in (("seller", issuer.seller), ("buyer", invoiced.buyer)):
        if not _plain(party.name):
            yield f"the {who}'s name is missing in the ledger"
        if not (len(party.country) == 2 and party.country.isascii() and party.country.isupper()):
            yield f"the {who}'s country is missing in the ledger"
    if not _plain(invoiced.number):
        yield "the invoice has no number"
    if exponent(invoiced.total.currency) > MAX_DECIMALS:
        yield f"amounts in {invoiced.total.currency} have more than {MAX_DECIMALS} decimals"
    if not 1 <= len(invoiced.lines) <= MAX_LINES:
        yield f"it has {len(invoiced.lines)} lines, and 1 to {MAX_LINES} can be stated"
    for number, line in enumerate(invoiced.lines, 1):
        if not _plain(line.text):
            yield f"line {number} says not what was sold"
    if not Money.zero(invoiced.total.currency) <= invoiced.open_amount <= invoiced.total:
        yield f"{invoiced.open_amount} of {invoiced.total} are open, which is no part of it"


def _taxes_missing(issuer: Issuer, invoiced: Invoiced) -> Iterator[str]:
    seller, taxes = issuer.seller, {line.tax for line in invoiced.lines}
    for line in invoiced.lines:
        if line.tax is None:
            yield f"nobody can tell which category of tax {line.tax_name!r} is"
    known = {tax for tax in taxes if tax is not None}
    outside = any(tax.category is TaxCategory.OUTSIDE for tax in known)
    if outside and len(known) > 1:
        yield "some of it is outside the scope of value added tax and some is not: the standard allows no such mixture"
    elif outside and not _plain(seller.registration):
        yield "the seller's registration number is missing in the ledger"
    elif known and not outside and not vat_number(seller):
        yield "the seller's number for value added tax is missing in the ledger"
    if invoiced.discounts and len(known) > 1:
        yield "a discount on the whole invoice cannot be told to its several taxes"
    yield from _charge_missing(issuer, invoiced, {tax.percent for tax in known})


def _charge_missing(issuer: Issuer, invoiced: Invoiced, rates: Set[Decimal]) -> Iterator[str]:
    """What stands against the tax that is charged; `rates` are those of the lines."""
    seller = issuer.seller
    if invoiced.tax and seller.country and seller.country not in VAT_COUNTRIES:
        yield f"the tax on sales in {seller.country} is no value added tax"
    if invoiced.tax and invoiced.tax.currency != issuer.currency:
        yield f"the tax would have to be stated in {issuer.currency} too, and the ledger does not state it"
    for percent, amount in invoiced.charged:
        if amount and percent not in rates:
            yield f"a tax of {percent.normalize():f} % is charged that no line bears"


def _state(issuer: Issuer, invoiced: Invoiced) -> EInvoice:
    code = invoiced.total.currency
    taxed = [(line, line.tax) for line in invoiced.lines if line.tax is not None]
    lines = tuple(_line(number, line, tax) for number, (line, tax) in enumerate(taxed, 1))
    taxes = sorted({line.tax for line in lines}, key=lambda tax: (tax.category, -tax.percent))
    off = tuple(Allowance(each.amount, _plain(each.text) or "Discount", taxes[0]) for each in invoiced.discounts)
    outside = taxes[0].category is TaxCategory.OUTSIDE
    charged = dict.fromkeys((percent for percent, _ in invoiced.charged), Money.zero(code))
    for percent, amount in invoiced.charged:
        charged[percent] += amount
    return EInvoice(
        number=_plain(invoiced.number),
        issued_on=invoiced.issued_on,
        due_on=invoiced.due_on,
        order_number=_plain(invoiced.order_number),
        seller=_party(issuer.seller, outside=outside),
        buyer=_party(invoiced.buyer, outside=outside),
        lines=lines,
        allowances=off,
        breakdown=tuple(
            TaxBreakdown(
                tax,
                _taxable(lines, off, tax, code),
                charged.get(tax.percent, Money.zero(code)) if tax.percent else Money.zero(code),
                _REASONS.get(tax.category, ""),
            )
            for tax in taxes
        ),
        totals=Totals(
            lines=total([line.net for line in lines], code),
            allowances=total([each.amount for each in off], code),
            net=invoiced.net,
            tax=invoiced.tax,
            total=invoiced.total,
            paid=invoiced.total - invoiced.open_amount,
            due=invoiced.open_amount,
        ),
    )


def _line(number: int, line: InvoicedLine, tax: Tax) -> Line:
    """State a line. A price is never negative (BR-27), so what is taken back has a negative quantity.

    Where the ledger's price times quantity is not the net amount to the cent (a discount, a price with tax), the price
    of all of them together is stated instead: that is exact whatever the division gives.
    """
    quantity = abs(line.quantity) or Decimal(1)
    price, base = line.unit_price, Decimal(1)
    if price is None or quantity * abs(price) != abs(line.net.decimal):
        price, base = line.net.decimal, quantity
    text = [" ".join(_plain(part).split()) for part in line.text.splitlines() if _plain(part)]
    name = text[0][:MAX_NAME_CHARACTERS]
    return Line(
        number=number,
        name=name,
        description=" ".join(text) if [name] != text else "",
        quantity=-quantity if line.net.minor < 0 else quantity,
        price=abs(price),
        base=base,
        net=line.net,
        tax=tax,
    )


def _taxable(lines: tuple[Line, ...], off: tuple[Allowance, ...], tax: Tax, currency: str) -> Money:
    sold = total([line.net for line in lines if line.tax == tax], currency)
    return sold - total([each.amount for each in off if each.tax == tax], currency)


def _party(party: Party, *, outside: bool) -> Party:
    """Return a party as it is stated: outside the tax's scope without a number for it (BR-O-02)."""
    return Party(
        name=_plain(party.name),
        lines=tuple(line for each in party.lines if (line := _plain(each))),
        city=_plain(party.city),
        region=_plain(party.region),
        post_code=_plain(party.post_code),
        country=party.country,
        tax_number="" if outside else vat_number(party),
        registration=_plain(party.registration),
    )


def vat_number(party: Party) -> str:
    """Return a party's number for value added tax with the prefix of its country (BR-CO-09); "" without one."""
    number = "".join(character for character in party.tax_number.upper() if character.isascii() and character.isalnum())
    if not number or not any(character.isdigit() for character in number):
        return ""
    prefix = _PREFIXES.get(party.country, party.country)
    return number if number[:2].isalpha() and number[:2] in (prefix, "XI") else f"{prefix}{number}"


def _plain(text: str) -> str:
    """Text that XML can hold: without control characters, and without space around it."""
    return "".join(character if character.isprintable() else " " for character in text).strip()
