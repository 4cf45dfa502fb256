"""What an application writes in the ledger: the cash, what credit notes cover, what closes without either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from connectors.contract import Role
from connectors.intents import AllocateCredit, Intent, PostReceipt, WriteDown
from connectors.records import AccountPurpose, PaymentLine
from receivables.allocation import Residual
from receivables.money import Money
from receivables.problem import Problem
from receivables.settlement import FEE_KINDS, CreditPart, Settlement, SettlementError, settle
from runtime.operations.applying.applications import Application, credit_key, owners_of, write_down_key
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK, DOCUMENT_LINK
from runtime.operations.systems.ledger_accounts import account_for, account_of, currency_of
from runtime.operations.systems.treatments import Treatment, Treatments, treatments
from runtime.store import connections, journal, queues
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids

NOT_POSTED = "not_posted"


def promise_postings(application: Application) -> bool:
    """Promise to post the application in the ledger; where that cannot be, say what is missing and return False."""
    db, organisation_id = application.db, application.organisation_id
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        return _explain(application, "no ledger is connected", "Connect Xero or QuickBooks.")
    try:
        plan = _plan(application, ledger)
    except SettlementError as error:  # an invoice went to another customer since it was applied
        return _explain(application, str(error), "Undo this match, or give the invoice back to its customer.")
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
    treatments: Treatments
    account: str | None
    account_currency: str
    fee_account: str | None

    @property
    def banked(self) -> Money | None:
        """What arrived in the account, where it keeps another currency than the invoices and the processor said it."""
        settled = self.application.receipt["hints"].get("settled")
        known = settled is not None and settled[1] == self.account_currency
        return Money(settled[0], settled[1]) if known and settled[1] != self.application.receipt["currency"] else None

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
        if self.has_cash and self.account_currency != receipt["currency"] and self.banked is None:
            changed = f"{receipt['currency']} into an account that keeps {self.account_currency}"
            return f"how much arrived of {changed} is not known", "Make an account in that currency, then sync."
        if self.settlement.fee and self.fee_account is None:
            return "the ledger has no single account for fees", "Name the fee account in the settings."
        if unnamed:
            return self.treatments.lack(unnamed[0]), "Name it, and the posting follows by itself."
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
            banked=self.banked,
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
    account = account_of(db, organisation_id, application.receipt)
    return _Plan(
        application=application,
        settlement=settlement,
        owners=owners,
        documents=external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, items),
        customers=external_ids(db, organisation_id, ledger.system, CUSTOMER_LINK, named),
        treatments=known,
        account=account,
        account_currency=currency_of(db, organisation_id, account) or application.receipt["currency"],
        fee_account=fee_account(db, organisation_id, application.residuals, application.receipt["currency"], known),
    )


def fee_account(
    db: Connection,
    organisation_id: str,
    residuals: Iterable[Residual],
    currency: str,
    known: Mapping[str, Treatment],
) -> str | None:
    """Return the account of the fees among `residuals`: as the settings say, else the ledger's only one."""
    kinds = [each.kind.value for each in residuals if each.kind in FEE_KINDS]
    named = {known[kind].account for kind in kinds if kind in known}
    if len(named) == 1:
        return named.pop()
    return account_for(db, organisation_id, AccountPurpose.FEES, currency)


def _explain(application: Application, text: str, remedy: str) -> bool:
    journal.raise_problem(
        application.db,
        organisation_id=application.organisation_id,
        problem=Problem(NOT_POSTED, f"A payment is matched but not posted: {text}.", remedy, application.receipt["id"]),
        at=application.at,
    )
    return False
