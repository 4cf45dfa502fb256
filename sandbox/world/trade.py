"""Eighteen months of invoices: the history that was paid, and the open items that the demo is about."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.world.company import GROUPS, Profile
from sandbox.world.model import DEMO_START, Customer, Organisation, TrueInvoice, TrueReceipt, Truth

TODAY = DEMO_START.date()
HISTORY_START = date(2025, 5, 19)
CENT = Decimal("0.01")
_ATTEMPTS = 1000

# How many invoices each part of the plan needs; the rest of the history is paid.
DUE, NOT_DUE, BANK, CARD, CARD_FOREIGN, DRAFTS, VOIDS = 88, 72, 56, 10, 2, 3, 3

# Each case: days since the due date of each invoice it needs (negative: still ahead). One customer a case.
CASE_INVOICES: dict[str, tuple[int, ...]] = {
    "exact_payment": (6,),
    "five_invoices": (33, 26, 19, 12, 5),
    "partial": (25,),
    "overpayment": (12,),
    "net_of_fee": (10,),
    "parent_pays_child": (14,),
    "identical_twice": (18, 11),
    "wrong_reference": (20,),
    "unknown_payer": (16,),
    "credit_note": (35,),
    "ach_in_flight": (9,),
    "ach_fails_late": (13,),
    "refund": (27,),
    "chargeback": (48,),
    "open_dispute": (28,),
    "promise": (22,),
    "coded_to_income": (24,),
    "paid_twice": (8,),
    "crm_due_date": (15,),
    "crm_contact_email": (17,),
    "ledger_due_date": (23,),
}
PAYOUT_INVOICES = 6
SETTLED_CASES = ("refund", "chargeback")


@dataclass(frozen=True)
class _Draft:
    customer: Customer
    issued_on: date
    due_on: date
    total: Decimal
    role: str


class Trade:
    """Draws the drafts of one organisation; open amounts are unique so that an amount alone can identify an item."""

    def __init__(self, profile: Profile, organisation: Organisation, rng: random.Random) -> None:
        self._profile = profile
        self._organisation = organisation
        self._rng = rng
        self._taken: set[Decimal] = set()
        home = [c for c in organisation.customers.values() if c.currency == profile.currency]
        free = [c for c in home[GROUPS:] if c.reachable and c.parent is None]
        needed = len(CASE_INVOICES) + PAYOUT_INVOICES
        self._case_customers = free[:needed]
        busy = {c.key for c in self._case_customers} | {c.key for c in home if c.parent}
        self._home = [c for c in home if c.key not in busy]
        self._foreign = [c for c in organisation.customers.values() if c.currency != profile.currency]

    def run(self) -> None:
        """Write every invoice, and the receipts of those that were paid long ago, into the organisation."""
        drafts = [*self._cases(), *self._open_items()]
        drafts += [self._paid() for _ in range(self._profile.invoices - len(drafts))]
        drafts.sort(key=lambda draft: (draft.issued_on, draft.due_on, draft.customer.key, draft.total))
        for number, draft in enumerate(drafts, start=self._profile.first_invoice):
            self._book(self._profile.invoice_number.format(number), draft)

    def _cases(self) -> Iterator[_Draft]:
        customers = iter(self._case_customers)
        for name, ages in CASE_INVOICES.items():
            customer = next(customers)
            if name == "parent_pays_child":
                customer = next(c for c in self._organisation.customers.values() if c.parent)
            same = self._amount(customer, unique=True)
            for age in ages:
                total = same if name == "identical_twice" else self._amount(customer, unique=True)
                yield self._aged(customer, age, f"case:{name}", total)
        for age in range(3, 3 + PAYOUT_INVOICES):
            customer = next(customers)
            yield self._aged(customer, age, "case:payout_with_fees", self._amount(customer, unique=True))

    def _open_items(self) -> Iterator[_Draft]:
        rng, everyone = self._rng, self._home + self._foreign
        for _ in range(DUE):
            yield self._aged(rng.choice(everyone), 1 + min(150, int(rng.expovariate(1 / 26))), "due")
        for _ in range(NOT_DUE):
            yield self._ahead(rng.choice(everyone), "not_due")
        for index in range(BANK):
            customer = rng.choice(self._home)
            draft = self._aged(customer, rng.randint(0, 24), "bank") if index % 4 else self._ahead(customer, "bank")
            yield draft
            if index in (5, 25):  # a natural coincidence: another customer owes the same amount, the reference decides
                other = rng.choice([c for c in self._home if c is not customer])
                yield self._aged(other, rng.randint(2, 20), "bank", draft.total)
        payers = [c for c in self._home if c.reachable]
        for index in range(CARD):
            customer = rng.choice(payers)
            yield self._ahead(customer, "card") if index < 3 else self._aged(customer, rng.randint(2, 40), "card")
        for _ in range(CARD_FOREIGN):
            yield self._aged(rng.choice([c for c in self._foreign if c.reachable]), rng.randint(2, 40), "card")
        drafts = DRAFTS if self._profile.system == "xero" else 0  # QuickBooks has no draft status
        for role, count in (("draft", drafts), ("void", VOIDS)):
            for _ in range(count):
                yield self._aged(rng.choice(self._home), rng.randint(5, 40), role)

    def _aged(self, customer: Customer, age: int, role: str, total: Decimal | None = None) -> _Draft:
        issued_on = _working_day(TODAY - timedelta(days=age + customer.terms_days))
        due_on = TODAY - timedelta(days=age)
        return _Draft(customer, issued_on, due_on, total or self._amount(customer, unique=True), role)

    def _ahead(self, customer: Customer, role: str) -> _Draft:
        for _ in range(_ATTEMPTS):
            issued_on = _working_day(TODAY - timedelta(days=self._rng.randint(1, customer.terms_days - 1)))
            due_on = issued_on + timedelta(days=customer.terms_days)
            if due_on >= TODAY and (role != "bank" or issued_on < self._profile.bank_days[0]):
                return _Draft(customer, issued_on, due_on, self._amount(customer, unique=True), role)
        raise RuntimeError(f"no issue date leaves terms of {customer.terms_days} days ahead")

    def _paid(self) -> _Draft:
        customer = self._rng.choice(list(self._organisation.customers.values()))
        span = (TODAY - HISTORY_START).days
        for _ in range(_ATTEMPTS):
            issued_on = _working_day(HISTORY_START + timedelta(days=self._rng.randrange(span)))
            due_on = issued_on + timedelta(days=customer.terms_days)
            if self._paid_on(customer, issued_on, due_on) < self._profile.bank_days[0]:
                return _Draft(customer, issued_on, due_on, self._amount(customer, unique=False), "paid")
        raise RuntimeError("no issue date leaves time to pay before the statements begin")

    def _paid_on(self, customer: Customer, issued_on: date, due_on: date) -> date:
        """When a customer of this habit has surely paid: always the same day for the same invoice."""
        wobble = (issued_on.toordinal() * 7) % 9 - 4
        return _working_day(max(issued_on + timedelta(days=3), due_on + timedelta(days=customer.late_days + wobble)))

    def _amount(self, customer: Customer, *, unique: bool) -> Decimal:
        for _ in range(_ATTEMPTS):
            drawn = float(customer.scale) * self._rng.lognormvariate(0, 0.55)
            whole = self._rng.random() < 0.15
            amount = Decimal(max(45.0, drawn)).quantize(Decimal(10) if whole else CENT, ROUND_HALF_UP).quantize(CENT)
            if not unique or amount not in self._taken:
                if unique:
                    self._taken.add(amount)
                return amount
        raise RuntimeError("no amount is free")

    def _book(self, number: str, draft: _Draft) -> None:
        settled = draft.role == "paid" or draft.role.removeprefix("case:") in SETTLED_CASES
        held = "not_final" if draft.role in ("draft", "void") else None
        open_ = Decimal(0) if settled or draft.role == "void" else draft.total
        self._organisation.invoices[number] = TrueInvoice(
            organisation=self._organisation.key,
            number=number,
            customer=draft.customer.key,
            currency=draft.customer.currency,
            total=draft.total,
            issued_on=draft.issued_on,
            reference=_purchase_order(self._rng),
            role=draft.role,
            ledger_open=open_,
            truth=Truth(open_, draft.due_on, "paid" if settled else None, held),
            reachable=draft.customer.reachable,
        )
        if draft.role == "paid":
            self._organisation.receipts.append(
                TrueReceipt(
                    key=f"{self._organisation.key}:paid:{number}",
                    organisation=self._organisation.key,
                    channel="ledger",
                    received_on=self._paid_on(draft.customer, draft.issued_on, draft.due_on),
                    currency=draft.customer.currency,
                    amount=draft.total,
                    payer=draft.customer.key,
                    allocations=((number, draft.total),),
                )
            )


def _working_day(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - 4))


def _purchase_order(rng: random.Random) -> str:
    style = rng.choice(("PO-{}", "PO-{}", "PO {}", "4500{}", "", ""))
    return style.format(rng.randrange(20_000, 99_999))
