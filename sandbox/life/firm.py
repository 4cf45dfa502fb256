"""A firm: its people, what it sold, its bank and its three systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from sandbox.life.abroad import SELLS_ABROAD, Abroad, draw_abroad, sell_abroad
from sandbox.life.bank import BankBook, Money
from sandbox.life.debts import Debt, Fact, Source
from sandbox.life.ledgers import Accountant, QuickBooksAccountant, XeroAccountant
from sandbox.world.company import CEDAR, HARBOUR, Profile, found
from sandbox.world.crm_books import CrmBooks
from sandbox.world.model import Charge, Customer, Organisation, TrueInvoice
from sandbox.world.processor_books import ProcessorBooks

if TYPE_CHECKING:
    from sandbox.estate import Estate

Clock = Callable[[], datetime]
CUSTOMERS = 30
MAX_OPEN = 60  # debts of a small firm that are open at a time
INVOICES_A_CUSTOMER = 6  # of a firm that has many open
# Most sell in one currency; what some sell in a second one is told by `Abroad`.
PROFILES = tuple(replace(each, customers=CUSTOMERS, currencies=((each.currency, 1),)) for each in (HARBOUR, CEDAR))


@dataclass(frozen=True)
class Credit:
    """A credit note that is set against nothing."""

    customer: str
    currency: str
    ledger_id: str
    at: datetime


@dataclass
class Mandate:
    """What a customer agreed to: from this means, each invoice up to a ceiling (None: any), so many days before due."""

    customer: str
    means: str
    method: str
    ceiling: Decimal | None
    days_before: int
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Discount:
    """What a firm takes off an invoice that is paid within so many days of its date, or by its due date if sooner."""

    days: int
    per_cent: Decimal


@dataclass
class Offer:
    """The discount of one invoice: when it was taken, if it was, and whether the accountant has granted it."""

    amount: Decimal
    last_on: date
    taken_on: date | None = None
    is_granted: bool = False

    @property
    def is_in_time(self) -> bool:
        """Whether it was taken while it stood."""
        return self.taken_on is not None and self.taken_on <= self.last_on


@dataclass(frozen=True)
class Lateness:
    """What a firm charges for late payment: so much a year on what is owed, and a fee; perhaps also once it is paid.

    The fee is in the firm's own currency, and charged for invoices in that one alone.
    """

    per_cent: Decimal
    fee: Decimal
    currency: str
    is_charged_paid: bool


@dataclass(frozen=True)
class Verdict:
    """What the accountant said of the lateness of an invoice through a day: she charges it, or waives it.

    It is not sure where the product died before it answered.
    """

    number: str
    until: date
    amount: Decimal
    is_charged: bool
    is_sure: bool = field(default=True, compare=False)


@dataclass
class Firm:
    """One organisation, with everything that is true of it."""

    profile: Profile
    organisation: Organisation
    ledger: Accountant
    crm: CrmBooks
    processor: ProcessorBooks
    banks: dict[str, BankBook]  # by currency, the firm's own first
    abroad: Abroad | None
    next_number: int
    most_open: int  # above it nothing more is sold until somebody pays
    debts: dict[str, Debt] = field(default_factory=dict)
    unpaid: dict[str, Debt] = field(default_factory=dict)  # the debts on which something is truly open
    charges: list[Charge] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    mandates: dict[str, Mandate] = field(default_factory=dict)  # by the means that was saved
    discount: Discount | None = None
    offers: dict[str, Offer] = field(default_factory=dict)  # discounts that payers were told of, by invoice
    lateness: Lateness | None = None
    verdicts: list[Verdict] = field(default_factory=list)  # about late payment
    charged_wrongly: list[str] = field(default_factory=list)  # why what she was shown should not have been charged
    written: dict[str, str] = field(default_factory=dict)  # what people wrote at the vendors, by what they wrote
    credit: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # cents that pay nothing yet, by whose and in what
    silent: dict[str, Fact] = field(default_factory=dict)  # customers who asked for no more messages since
    archived: set[str] = field(default_factory=set)
    asked: dict[str, Decimal] = field(default_factory=dict)  # invoices that the CRM asked for, by their record
    is_closed: bool = False  # whether the books are, up to some day
    _merged: dict[str, str] = field(default_factory=dict)  # customers that were merged into others

    @property
    def key(self) -> str:
        """The firm's short name."""
        return self.profile.key

    @property
    def booked(self) -> list[Money]:
        """The lines of all its bank accounts, oldest first."""
        return self.banks[self.profile.currency].booked

    def currency_for(self, customer: Customer) -> str:
        """Draw in which currency something is sold to a customer."""
        return self.abroad.currency_for(customer, self.profile) if self.abroad else customer.currency

    def owe(self, debt: Debt) -> None:
        """Something was sold."""
        self.organisation.invoices[debt.number] = debt.invoice
        self.debts[debt.number] = self.unpaid[debt.number] = debt
        self.wrote(debt.invoice)

    def happened(self, debt: Debt, fact: Fact) -> Fact:
        """Note a fact about a debt."""
        debt.facts.append(fact)
        state = debt.state(fact.at.date())
        if state.open > 0 and "void" not in state.held:
            self.unpaid[debt.number] = debt
        else:
            self.unpaid.pop(debt.number, None)
        return fact

    def took_less(self, number: str) -> bool:
        """Whether a discount was taken in time on an invoice: nobody undoes what paid the rest of it."""
        return number in self.offers and self.offers[number].is_in_time

    def customer_of(self, debt: Debt) -> Customer:
        """Whose invoice it is."""
        return self.organisation.customers[debt.invoice.customer]

    def surviving(self, customer: Customer) -> Customer:
        """The customer, or the one that took its place."""
        return self.customer(customer.key)

    def customer(self, key: str) -> Customer:
        """The customer of a key, or the one that took its place."""
        while key in self._merged:
            key = self._merged[key]
        return self.organisation.customers[key]

    def merge(self, kept: Customer, gone: Customer) -> None:
        """What was a customer's is another's from now on."""
        del self.organisation.customers[gone.key]
        self._merged[gone.key] = kept.key
        for debt in self.debts.values():
            if debt.invoice.customer == gone.key:
                debt.invoice.customer = kept.key
        self.credits = [replace(each, customer=self.customer(each.customer).key) for each in self.credits]
        for currency in self.banks:
            self.credit[kept.key, currency] += self.credit.pop((gone.key, currency), 0)
        kept.take_over(gone)

    def took_over(self, customer: Customer) -> bool:
        """Whether another customer was merged into this one: whose accounts are whose is then a person's to say."""
        return customer.key in self._merged.values()

    def may_write(self, customer: Customer) -> bool:
        """Whether a customer can be written to, and did not ask for silence."""
        return customer.reachable and customer.key not in self.silent

    def credit_to(self, customer: Customer, amount: Decimal, currency: str) -> None:
        """Note money or credit of a customer that pays nothing yet; less than nothing where it was used."""
        self.credit[self.surviving(customer).key, currency] += int(amount.scaleb(2))

    def has_credit_for(self, debt: Debt, amount: Decimal) -> bool:
        """Whether the customer, or who pays for them, has enough credit to cover an amount."""
        customer, currency = self.customer_of(debt), debt.invoice.currency
        cents = self.credit[customer.key, currency]
        cents += self.credit[customer.parent, currency] if customer.parent else 0
        return cents >= amount.scaleb(2)

    def went_back(self, money: Money, at: datetime) -> None:
        """An accountant sees that money went back, and takes out of the ledger what was booked for it by hand.

        Whatever the bank's file told of its coming and going, from now on the ledger shows it, or she has said it to
        the product. The ledger may refuse.
        """
        booked = {each for number, _ in money.pays for each in self.ledger.postings(self.debts[number].invoice)}
        source = Source.LEDGER if money.booked_as else Source.DESK
        if money.booked_as in booked:
            self.ledger.delete_payment(money.booked_as)
        money.booked_as = ""
        for number, paid in money.pays:
            for fact in self.debts[number].facts:
                if fact.source is Source.BANK and abs(fact.paid) == paid and not fact.is_told:
                    fact.source = source
                    fact.show(at)

    def wrote(self, what: TrueInvoice | Customer) -> None:
        """Remember what a person has just written of an invoice or a customer: nobody else may change it."""
        self.written.update(self._texts(what))

    def touched(self) -> Iterator[tuple[str, str, str]]:
        """Tell what is no business of the product: what it is called, what people wrote, what stands there now."""
        for debt in self.debts.values():
            if not any(fact.holds == "void" for fact in debt.facts):  # a ledger empties what it voids
                yield from self._compared(debt.invoice)
        for customer in self.organisation.customers.values():
            yield from self._compared(customer)

    def _compared(self, what: TrueInvoice | Customer) -> Iterator[tuple[str, str, str]]:
        for name, now in self._texts(what):
            yield name, self.written[name], now

    def _texts(self, what: TrueInvoice | Customer) -> Iterator[tuple[str, str]]:
        if isinstance(what, TrueInvoice):
            yield f"lines of {what.number}", self.ledger.lines(what)
            return
        account = self.crm.org.records["Account"][what.crm_account_id]
        contact = self.crm.org.records["Contact"][what.crm_contact_id]
        yield f"{what.name} in the ledger", self.ledger.about(what)
        yield f"account of {what.name}", f"{account['Name']} {account['Phone']} {account['BillingCountry']}"
        yield f"contact of {what.name}", f"{contact['FirstName']} {contact['LastName']}"

    def account_of(self, system: str, estate: Estate) -> str:
        """The account that the firm's owner chooses on a vendor's consent page."""
        if system == "salesforce":
            return str(self.crm.org.org_id)
        if system == "stripe":
            return str(self.processor.account.account_id)
        ledgers = (
            {each.name: key for key, each in estate.xero.organisations.items()}
            if system == "xero"
            else {each.name: key for key, each in estate.quickbooks.companies.items()}
        )
        return ledgers[self.profile.name]


def found_firms(
    estate: Estate, rng: Random, clock: Clock, *, currencies: Random, often: float = 1.0, most_open: int = MAX_OPEN
) -> dict[str, Firm]:
    """Found a firm on Xero and one on QuickBooks, with customers that nothing was sold to yet.

    They are as large as it takes to have `most_open` invoices open at a time. `currencies` draws whether they sell in
    a second currency, so many times as `often` as usual.
    """
    customers = max(CUSTOMERS, most_open // INVOICES_A_CUSTOMER)
    profiles = [replace(each, customers=customers) for each in PROFILES]
    chance = SELLS_ABROAD * often
    abroad = {each.key: draw_abroad(each, currencies, chance) for each in profiles}
    return {
        each.key: _found(each, estate, rng, clock, most_open=most_open, abroad=abroad[each.key]) for each in profiles
    }


def _found(
    profile: Profile, estate: Estate, rng: Random, clock: Clock, *, most_open: int, abroad: Abroad | None
) -> Firm:
    organisation = found(profile, rng)
    if abroad is not None:
        sell_abroad(organisation, abroad)
    ledger: Accountant
    if profile.system == "xero":
        ledger = XeroAccountant(
            estate.xero.add_organisation(name=profile.name, base_currency=profile.currency, short_code="!hp26x")
        )
    else:
        ledger = QuickBooksAccountant(estate.quickbooks.add_company(name=profile.name, home_currency=profile.currency))
    account = estate.stripe.add_account(name=profile.name, currency=profile.currency.lower(), country=profile.country)
    currencies = (profile.currency, abroad.currency) if abroad is not None else ()
    crm = CrmBooks(estate.salesforce.add_org(name=profile.name, currencies=currencies), organisation)
    ledger.seed(organisation)
    if abroad is not None:
        ledger.deal_in(abroad.currency, abroad.rate)
    crm.seed()
    opened_on, is_camt = clock().date() - timedelta(days=1), profile.system == "xero"
    opening = Decimal(profile.opening_balance)
    own = BankBook(profile.bank_account, profile.currency, profile.name, opening, opened_on, is_camt)
    banks = {own.currency: own}
    if abroad is not None:
        banks[abroad.currency] = replace(own, account=abroad.account, currency=abroad.currency, _days={})
    processor = ProcessorBooks(account, organisation)
    firm = Firm(profile, organisation, ledger, crm, processor, banks, abroad, profile.first_invoice, most_open)
    for customer in organisation.customers.values():
        firm.wrote(customer)
    return firm
