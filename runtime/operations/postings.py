"""What an application writes in the ledger: the cash, what credit notes cover, what closes without either."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import Role
from connectors.intents import AllocateCredit, Intent, PostReceipt, WriteDown
from connectors.records import AccountPurpose, PaymentLine
from receivables.allocation import Allocation, Residual, ResidualKind
from receivables.identity import stable_id
from receivables.money import Money
from receivables.problem import Problem
from receivables.settlement import FEE_KINDS, CreditPart, Settlement, settle
from runtime.operations.absorb.scope import CUSTOMER_LINK, DOCUMENT_LINK
from runtime.operations.ledger_accounts import account_for, account_of
from runtime.operations.treatments import Treatment, missing, treatments
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids

NOT_POSTED = "not_posted"
Posting = PostReceipt | AllocateCredit | WriteDown
POSTINGS = (PostReceipt, AllocateCredit, WriteDown)


@dataclass(frozen=True, slots=True)
class Application:
    """One receipt set against items, in a unit of work, as its rows say.

    `number` counts how often this receipt has been applied, this time included: each application has keys of its own.
    """

    db: Connection
    receipt: dict[str, Any]
    allocations: Sequence[Allocation]
    residuals: Sequence[Residual]
    unapplied: Money
    customer_id: str
    number: str
    at: datetime

    @property
    def organisation_id(self) -> str:
        """Whose receipt it is."""
        return str(self.receipt["organisation_id"])

    @property
    def key(self) -> str:
        """The key of its posting; those of its credit allocations and write-downs derive from it."""
        return posting_key(self.receipt["id"], self.number)


def posting_key(receipt_id: str, number: str) -> str:
    """Return the key of the posting of a receipt's application of this number."""
    return stable_id("post", receipt_id, number)


def credit_key(application_key: str, credit_external_id: str) -> str:
    """Return the key under which a credit note is allocated for an application."""
    return stable_id("crd", application_key, credit_external_id)


def write_down_key(application_key: str, document_external_id: str, reason: str) -> str:
    """Return the key under which a part of an invoice is written down for an application."""
    return stable_id("wdn", application_key, document_external_id, reason)


def belongs(posting: Posting, receipt_id: str, number: str) -> bool:
    """Whether a posting is one of a receipt's application of this number."""
    key = posting_key(receipt_id, number)
    if isinstance(posting, AllocateCredit):
        key = credit_key(key, posting.credit_external_id)
    elif isinstance(posting, WriteDown):
        key = write_down_key(key, posting.document_external_id, posting.reason)
    return posting.key == key


def owners_of(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, str]:
    """Return the customer of each of these documents that is known."""
    rows = db.execute(
        select(t.document.c.id, t.document.c.customer_id).where(
            t.document.c.organisation_id == organisation_id, t.document.c.id.in_(document_ids)
        )
    )
    return {row.id: row.customer_id for row in rows}


def promise_postings(application: Application) -> bool:
    """Promise to post the application in the ledger; where that cannot be, say what is missing and return False."""
    db, organisation_id = application.db, application.organisation_id
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        return _explain(application, "no ledger is connected", "Connect Xero or QuickBooks.")
    plan = _plan(application, ledger)
    lacking = plan.lacking()
    if lacking is not None:
        return _explain(application, *lacking)
    for intent in plan.intents():
        queues.enqueue(
            db,
            organisation_id=organisation_id,
            system=ledger.system,
            intent=intent,
            subject=application.receipt["id"],
            at=application.at,
        )
    return True


@dataclass(frozen=True, slots=True)
class _Plan:
    """An application with everything that its intents name."""

    application: Application
    settlement: Settlement
    owners: Mapping[str, str]
    documents: Mapping[str, str]
    customers: Mapping[str, str]
    treatments: Mapping[str, Treatment]
    account: str | None
    fee_account: str | None

    @property
    def has_cash(self) -> bool:
        return bool(self.settlement.cash or self.application.unapplied)

    def lacking(self) -> tuple[str, str] | None:
        """Return what is missing to write it all, and what to do about it; None when nothing is."""
        receipt = self.application.receipt
        unnamed = [part.kind.value for part in self.settlement.write_downs if part.kind.value not in self.treatments]
        if self.has_cash and self.account is None:
            where = receipt["source_account"] or receipt["source"]
            return f"no ledger account is known for {where}", "Name its account in the settings."
        if self.settlement.fee and self.fee_account is None:
            return "the ledger has no single account for fees", "Name the fee account in the settings."
        if unnamed:
            return missing(unnamed[0]), "Name it, and the posting follows by itself."
        if self.owners.keys() - self.documents.keys() or {*self.owners.values()} - self.customers.keys():
            return "the ledger has not shown its invoices and their customer", "Sync the ledger."
        return None

    def intents(self) -> Iterator[Intent]:
        """Yield what is to be written. Any order is as good: the parts never exceed what is open."""
        if self.has_cash:
            yield self._cash()
        yield from self._credits()
        yield from self._write_downs()

    def _cash(self) -> PostReceipt:
        application, receipt = self.application, self.application.receipt
        who = receipt["external_id"] if receipt["source"] == "stripe" else "TrueDue"
        return PostReceipt(
            key=application.key,
            customer_external_id=self.customers[application.customer_id],
            received_on=receipt["received_on"],
            account=self.account or "",
            reference=f"{who} {application.key}",
            lines=tuple(PaymentLine(self.documents[part.item_id], part.amount) for part in self.settlement.cash),
            unapplied=application.unapplied,
            fee=self.settlement.fee,
            fee_account=self.fee_account if self.settlement.fee else None,
        )

    def _credits(self) -> Iterator[AllocateCredit]:
        by_credit: dict[str, list[CreditPart]] = {}
        for part in self.settlement.credits:
            by_credit.setdefault(part.credit_id, []).append(part)
        for credit_id, parts in by_credit.items():
            external_id = self.documents[credit_id]
            yield AllocateCredit(
                key=credit_key(self.application.key, external_id),
                customer_external_id=self.customers[self.owners[credit_id]],
                credit_external_id=external_id,
                on=self.application.receipt["received_on"],
                lines=tuple(PaymentLine(self.documents[part.item_id], part.amount) for part in parts),
            )

    def _write_downs(self) -> Iterator[WriteDown]:
        for part in self.settlement.write_downs:
            treatment = self.treatments[part.kind.value]
            external_id = self.documents[part.item_id]
            key = write_down_key(self.application.key, external_id, part.kind.value)
            yield WriteDown(
                key=key,
                customer_external_id=self.customers[self.owners[part.item_id]],
                document_external_id=external_id,
                on=self.application.receipt["received_on"],
                amount=part.amount,
                reason=part.kind.value,
                account=treatment.account,
                tax_code=treatment.tax_code,
                reference=f"TrueDue {key}",
            )


def _plan(application: Application, ledger: VendorConnection) -> _Plan:
    db, organisation_id = application.db, application.organisation_id
    items = [each.item_id for each in application.allocations]
    owners = owners_of(db, organisation_id, items)
    settlement = settle(
        allocations=application.allocations,
        residuals=application.residuals,
        owners=owners,
        currency=application.receipt["currency"],
    )
    named = {application.customer_id, *owners.values()}
    known = treatments(db, organisation_id)
    return _Plan(
        application=application,
        settlement=settlement,
        owners=owners,
        documents=external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, items),
        customers=external_ids(db, organisation_id, ledger.system, CUSTOMER_LINK, named),
        treatments=known,
        account=account_of(db, organisation_id, application.receipt),
        fee_account=_fee_account(application, known),
    )


def _fee_account(application: Application, known: Mapping[str, Treatment]) -> str | None:
    """The account of the fees: as the settings say, else the ledger's only one."""
    kinds = [each.kind.value for each in application.residuals if each.kind in FEE_KINDS]
    named = {known[kind].account for kind in kinds if kind in known}
    if len(named) == 1:
        return named.pop()
    currency = application.receipt["currency"]
    return account_for(application.db, application.organisation_id, AccountPurpose.FEES, currency)


def _explain(application: Application, text: str, remedy: str) -> bool:
    journal.raise_problem(
        application.db,
        organisation_id=application.organisation_id,
        problem=Problem(NOT_POSTED, f"A payment is matched but not posted: {text}.", remedy, application.receipt["id"]),
        at=application.at,
    )
    return False


def kept(db: Connection, receipt: dict[str, Any], at: datetime) -> Application:
    """Return the application that stands for a receipt, from the rows it was kept in."""
    standing = db.execute(
        select(t.allocation)
        .where(t.allocation.c.receipt_id == receipt["id"], t.allocation.c.undone_at.is_(None))
        .order_by(t.allocation.c.is_credit, t.allocation.c.id)
    )
    beside = db.execute(
        select(t.residual)
        .where(t.residual.c.receipt_id == receipt["id"], t.residual.c.undone_at.is_(None))
        .order_by(t.residual.c.kind)
    )
    return Application(
        db=db,
        receipt=receipt,
        allocations=[
            Allocation(row.document_id, Money(row.amount_minor, row.currency), is_credit=row.is_credit)
            for row in standing
        ],
        residuals=[Residual(ResidualKind(row.kind), Money(row.amount_minor, row.currency)) for row in beside],
        unapplied=Money(receipt["unapplied_minor"], receipt["currency"]),
        customer_id=receipt["customer_id"],
        number=str(receipt["applications"]),
        at=at,
    )
