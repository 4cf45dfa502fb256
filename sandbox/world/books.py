"""What the world needs of each system: to write its history there, to act as its people, and to look at the result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from sandbox.world.crm_books import CrmBooks
from sandbox.world.model import Customer, Organisation, TrueInvoice
from sandbox.world.processor_books import ProcessorBooks


class LedgerBooks(Protocol):
    """The accounts of one organisation. Looking costs no API call."""

    def seed(self, organisation: Organisation) -> None:
        """Write accounts, customers, documents and recorded payments; fills the ledger ids in."""

    def move_due_date(self, invoice: TrueInvoice, on: date) -> None:
        """Change a due date as the accountant."""

    def balance(self, invoice: TrueInvoice) -> Decimal:
        """What the ledger shows as open."""

    def payments(self, invoice: TrueInvoice) -> list[Decimal]:
        """Each amount of money that is set against the invoice, credit notes not counted, smallest first."""

    def due_on(self, invoice: TrueInvoice) -> date:
        """The due date in the ledger."""

    def email(self, customer: Customer) -> str:
        """The customer's address in the ledger, or an empty text."""

    def unapplied(self, customer: Customer) -> Decimal:
        """Money of the customer that is set against nothing (credit notes not counted)."""

    def fee_postings(self) -> list[Decimal]:
        """Every amount posted to the bank fees account."""


@dataclass(frozen=True)
class Books:
    """The three systems of one organisation."""

    ledger: LedgerBooks
    crm: CrmBooks
    processor: ProcessorBooks
