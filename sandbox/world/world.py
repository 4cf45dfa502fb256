"""The sample company as a whole: planned from a seed, written into the stand-ins, lived in, and judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.capture import CapturedMail
from sandbox.world import camt053, checks, live, mt940, score
from sandbox.world.books import Books, LedgerBooks
from sandbox.world.company import PROFILES
from sandbox.world.crm_books import CrmBooks
from sandbox.world.model import Case, Clock, Organisation, TrueInvoice, TrueReceipt
from sandbox.world.plan import draw
from sandbox.world.processor_books import ProcessorBooks
from sandbox.world.quickbooks_books import QuickBooksLedger
from sandbox.world.xero_books import XeroLedger

if TYPE_CHECKING:
    from sandbox.quickbooks import QuickBooksStandIn
    from sandbox.salesforce import SalesforceStandIn
    from sandbox.stripe import StripeStandIn
    from sandbox.xero import XeroStandIn

PAYOUT_BANK_DAY = 3


class World:
    """Everything that is true of the sample company. `books` is empty until `seed_into` was called."""

    def __init__(self, *, clock: Clock, organisations: dict[str, Organisation]) -> None:
        self.clock = clock
        self.organisations = organisations
        self.books: dict[str, Books] = {}
        self._payments: list[live.LivePayment] = []
        self._edits: list[live.LiveEdit] = []

    @property
    def invoices(self) -> list[TrueInvoice]:
        """Every invoice of every organisation."""
        return [invoice for organisation in self.organisations.values() for invoice in organisation.invoices.values()]

    @property
    def cases(self) -> list[Case]:
        """Every case of every organisation."""
        return [case for organisation in self.organisations.values() for case in organisation.cases]

    def seed_into(
        self,
        *,
        xero: XeroStandIn,
        quickbooks: QuickBooksStandIn,
        salesforce: SalesforceStandIn,
        stripe: StripeStandIn,
    ) -> None:
        """Found each organisation in its ledger, its own Salesforce org and its own Stripe account, and write its past.

        The processor comes first because ledger payments name its ids, the CRM last because accounts name ledger ids.
        """
        for profile in PROFILES:
            organisation = self.organisations[profile.key]
            ledger: LedgerBooks
            if profile.system == "xero":
                ledger = XeroLedger(
                    xero.add_organisation(name=profile.name, base_currency=profile.currency, short_code="!hp26x")
                )
            else:
                ledger = QuickBooksLedger(quickbooks.add_company(name=profile.name, home_currency=profile.currency))
            account = stripe.add_account(name=profile.name, currency=profile.currency.lower(), country=profile.country)
            processor = ProcessorBooks(account, organisation)
            crm = CrmBooks(salesforce.add_org(name=profile.name), organisation)
            processor.seed(payout_on=profile.bank_days[PAYOUT_BANK_DAY])
            ledger.seed(organisation)
            crm.seed()
            self.books[profile.key] = Books(ledger, crm, processor)
        for key, organisation in self.organisations.items():
            self._edits += live.edits(organisation, self.books[key])
            self._payments += live.payments(organisation, self.books[key], self.clock)

    def write_statements(self, folder: Path) -> dict[str, Path]:
        """Write each organisation's bank statement file, as its bank would name it; the paths by organisation."""
        folder.mkdir(parents=True, exist_ok=True)
        written: dict[str, Path] = {}
        for key, organisation in self.organisations.items():
            if organisation.system == "xero":
                written[key] = folder / f"{key}-{organisation.currency}-camt053.xml"
                content = camt053.document(organisation.statements, created_at=self.clock())
            else:
                written[key] = folder / f"{key}-{organisation.currency}.mt940"
                content = mt940.document(organisation.statements)
            written[key].write_bytes(content)
        return written

    def live_payments(self) -> list[live.LivePayment]:
        """What happens at the processor during the demo, the same objects at every call."""
        return list(self._payments)

    def live_edits(self) -> list[live.LiveEdit]:
        """What people edit during the demo, to be fired after the first sync; the same objects at every call."""
        return list(self._edits)

    def accountant(
        self, *, organisation: str, booked_on: date, amount: Decimal, counterparty: str
    ) -> list[TrueReceipt]:
        """What an accountant who knows the customers says a line of the bank statement was: the true receipts.

        Empty for a line that is no customer's money; several for identical lines (each answers one of them). A receipt
        with `payer` None is one that the accountant cannot tell either.
        """
        kept = self.organisations[organisation]
        wanted = (booked_on, amount, counterparty)
        keys = {
            f"{organisation}:{line.reference}"
            for statement in kept.statements
            for line in statement.lines
            if (line.booked_on, line.amount, line.counterparty) == wanted
        }
        return [receipt for receipt in kept.receipts if receipt.key in keys]

    def score(self, mails: Iterable[CapturedMail], *, grace_days: int = score.GRACE_DAYS) -> score.Score:
        """Judge the reminders among `mails` by the truth each was sent under, and what was missed by the truth now."""
        return score.judge(self.organisations, mails, today=self.clock().date(), grace_days=grace_days)

    def check_cases(
        self,
        *,
        mails: Iterable[CapturedMail],
        product_states: Mapping[str, checks.ProductStates] | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Compare each case with the books and mails as they are now: `{organisation:case: {expected, actual, ok}}`.

        `product_states` is `{organisation key: {invoice number: {"holds": [codes]}}}`; without it the facts that only
        the product can tell are left out.
        """
        return checks.check(self.organisations, self.books, mails, product_states)


def build_world(*, clock: Clock, seed: int = 7) -> World:
    """Plan the sample company; nothing is written anywhere yet."""
    return World(clock=clock, organisations=draw(seed))
