"""The truth of the sandbox: what was really sold, owed, paid, promised and contested. The product never sees it.

Amounts are Decimal in the invoice's currency with two places. A truth can change while the demo runs; every change
is kept with its order (`time.monotonic_ns` of this process), so that a mail is judged by the truth it was sent under.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sandbox.world.statement import BankStatement

# A Tuesday, 10:00 in New York: business hours for every customer from Berlin to Denver.
DEMO_START = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
HISTORY_MONTHS = 18

Clock = Callable[[], datetime]


def now_order() -> int:
    """A number that grows with every later event of this process."""
    return time.monotonic_ns()


@dataclass
class Customer:
    """One customer of one organisation, with the ids its records got in each system (empty until seeded)."""

    key: str
    name: str
    number: str
    country: str
    currency: str
    terms_days: int
    scale: Decimal
    late_days: int
    first_name: str
    last_name: str
    email: str | None
    phone: str
    opted_out: bool = False
    parent: str | None = None
    bill_with_parent: bool = False
    crm_by_number: bool = True
    ledger_id: str = ""
    crm_account_id: str = ""
    crm_contact_id: str = ""
    processor_id: str = ""
    _emails: list[tuple[int, str | None]] = field(default_factory=list)

    @property
    def reachable(self) -> bool:
        """Whether a reminder by e-mail may and can be sent."""
        return self.email is not None and not self.opted_out

    def change_email(self, email: str) -> None:
        """The true contact answers at another address from now on."""
        self._emails.append((now_order(), self.email))
        self.email = email

    def take_over(self, gone: Customer) -> None:
        """Be the other customer as well: their addresses are this one's."""
        self._emails += [*gone._emails, (now_order(), gone.email)]

    def knows(self, address: str) -> bool:
        """Whether the address is or was this customer's."""
        return address == self.email or any(address == before for _, before in self._emails)

    def email_at(self, order: int) -> str | None:
        """The true address at `order`."""
        return next((before for changed, before in self._emails if order < changed), self.email)


@dataclass(frozen=True)
class Truth:
    """What is true of an invoice at one time.

    `open`: what is owed after all money that truly arrived; `covered`: why nothing more is due; `held`: why nobody may
    ask for it.
    """

    open: Decimal
    due_on: date
    covered: str | None = None
    held: str | None = None

    def truly_due(self, on: date) -> bool:
        """Whether a reminder is right on this day."""
        return self.open > 0 and self.covered is None and self.held is None and self.due_on < on


@dataclass
class TrueInvoice:
    """One invoice and its truth. `role`: what the plan wants it for; `ledger_open`: what the ledger shows at start."""

    organisation: str
    number: str
    customer: str
    currency: str
    total: Decimal
    issued_on: date
    reference: str
    role: str
    ledger_open: Decimal
    truth: Truth
    reachable: bool
    ledger_id: str = ""
    _before: list[tuple[int, Truth]] = field(default_factory=list)

    @property
    def true_open(self) -> Decimal:
        """What is truly still owed now."""
        return self.truth.open

    @property
    def due_on(self) -> date:
        """The due date now."""
        return self.truth.due_on

    @property
    def covered(self) -> str | None:
        """Why nothing more is due."""
        return self.truth.covered

    @property
    def held(self) -> str | None:
        """Why it must not be asked for."""
        return self.truth.held

    def change(self, **facts: Any) -> None:  # noqa: ANN401 - the fields of Truth
        """Something happened: from now on the named facts of the truth are others."""
        self._before.append((now_order(), self.truth))
        self.truth = replace(self.truth, **facts)

    def truth_at(self, order: int) -> Truth:
        """The truth at `order`."""
        return next((before for changed, before in self._before if order < changed), self.truth)


@dataclass
class TrueReceipt:
    """Money that truly arrived, and what it truly was for.

    `amount` reached us, `fee` was deducted on the way; both together are allocated, unapplied or refunded.
    """

    key: str
    organisation: str
    channel: str
    received_on: date
    currency: str
    amount: Decimal
    payer: str | None
    allocations: tuple[tuple[str, Decimal], ...]
    fee: Decimal = Decimal(0)
    unapplied: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)


@dataclass
class Credit:
    """A credit note that is not set against any invoice yet."""

    number: str
    customer: str
    currency: str
    total: Decimal
    issued_on: date
    ledger_id: str = ""


@dataclass
class Charge:
    """A payment through the processor.

    `state`: `processing`, `recorded` (in the ledger already), `paid_out` (not in the ledger yet) or `live` (to come).
    """

    key: str
    invoice: str
    customer: str
    currency: str
    amount: Decimal
    method: str
    state: str
    created_at: datetime
    fee: Decimal
    payment_intent: str = ""
    refunded: Decimal = Decimal(0)
    booked_as: str = ""  # the posting by which a person booked in the ledger what a refund left
    taken_from: str = ""  # the saved means from which it was taken while its payer was away

    @property
    def left(self) -> Decimal:
        """What has not been refunded."""
        return self.amount - self.refunded


@dataclass(frozen=True)
class Case:
    """A situation the product must handle, and how the books and mails must look afterwards (facts: see checks)."""

    name: str
    organisation: str
    description: str
    expected: dict[str, Any]

    @property
    def key(self) -> str:
        """The name that is unique across organisations."""
        return f"{self.organisation}:{self.name}"


@dataclass
class Organisation:
    """One company that keeps books: its customers, documents, money and cases."""

    key: str
    name: str
    system: str
    currency: str
    country: str
    bank_account: str
    customers: dict[str, Customer] = field(default_factory=dict)
    invoices: dict[str, TrueInvoice] = field(default_factory=dict)
    receipts: list[TrueReceipt] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    income: list[TrueReceipt] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    statements: list[BankStatement] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)

    def by_role(self, role: str) -> list[TrueInvoice]:
        """The invoices the plan wants for `role`, oldest first."""
        return [invoice for invoice in self.invoices.values() if invoice.role == role]

    def customer_of(self, invoice: TrueInvoice) -> Customer:
        """The customer an invoice was sent to."""
        return self.customers[invoice.customer]
