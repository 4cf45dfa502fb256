"""Apply a hypothesis: allocations, the promise to post them, and the withdrawal of reminders, in one unit of work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select, update

from connectors.contract import Role
from connectors.intents import PostReceipt
from connectors.records import AccountPurpose, PaymentLine
from receivables.allocation import Hypothesis, ResidualKind
from receivables.identity import stable_id
from receivables.money import Money, total
from receivables.problem import Problem
from runtime.operations.absorb.scope import CUSTOMER_LINK, DOCUMENT_LINK
from runtime.operations.errors import RefusedError
from runtime.operations.withdraw import withdraw_reminders
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.links import external_ids
from runtime.store.touch import touch_documents

NOT_POSTED = "not_posted"
HYPOTHESIS: TypeAdapter[Hypothesis] = TypeAdapter(Hypothesis)
FEE_KINDS = frozenset({ResidualKind.PROCESSOR_FEE, ResidualKind.BANK_FEE})


def unpostable(hypothesis: Hypothesis) -> str | None:
    """Return why a hypothesis cannot be posted to a ledger by us yet, None when it can."""
    if any(allocation.is_credit for allocation in hypothesis.allocations):
        return "allocate the credit note in the ledger first; what is left then matches exactly"
    other = [residual for residual in hypothesis.residuals if residual.kind not in FEE_KINDS]
    if other:
        return f"record the {other[0].kind} of {other[0].amount} in the ledger first (credit note or write-off)"
    return None


@dataclass
class _Application:
    """One receipt being set against items, in a unit of work.

    `number` counts how often this receipt has been applied, this time included: each application has ids of its own.
    """

    db: Connection
    receipt: dict[str, Any]
    hypothesis: Hypothesis
    customer_id: str
    number: str
    at: datetime

    @property
    def organisation_id(self) -> str:
        """Whose receipt it is."""
        return str(self.receipt["organisation_id"])


def apply_hypothesis(
    db: Connection,
    *,
    receipt: dict[str, Any],
    hypothesis: Hypothesis,
    customer_id: str | None,
    actor: str,
    at: datetime,
) -> None:
    """Set a receipt against items. RefusedError, with nothing changed, when it cannot be posted or nobody paid.

    The posting names the items' own customer; where they belong to several, or there are none, the payer.
    """
    reason = unpostable(hypothesis)
    if reason is not None:
        raise RefusedError(reason)
    organisation_id = receipt["organisation_id"]
    customer = _customer_of(db, organisation_id, hypothesis) or customer_id
    if customer is None:
        raise RefusedError("choose the customer that paid: nobody is identified yet")
    application = _Application(db, receipt, hypothesis, customer, str(receipt["applications"] + 1), at)
    _check_known(application)
    _keep(application)
    _promise_posting(application)
    documents = [allocation.item_id for allocation in hypothesis.allocations]
    touch_documents(db, organisation_id, documents, at)
    amount = Money(receipt["amount_minor"], receipt["currency"])
    why = f"{amount} received on {receipt['received_on']} pays it"
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=documents, why=why, at=at)
    for allocation in hypothesis.allocations:
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor=actor,
            action="payment_applied",
            subject=allocation.item_id,
            detail=f"{allocation.amount} of {amount} received on {receipt['received_on']} ({hypothesis.explanation})",
        )


def promise_missing_postings(db: Connection, organisation_id: str, at: datetime) -> int:
    """Promise the postings that lacked an account or a ledger when they were applied; returns how many.

    A person has since connected the ledger, made the account, or said which account a statement belongs to.
    """
    stuck = db.execute(
        select(t.receipt)
        .join(t.problem, t.problem.c.subject == t.receipt.c.id)
        .where(
            t.receipt.c.organisation_id == organisation_id,
            t.receipt.c.state == "applied",
            t.problem.c.organisation_id == organisation_id,
            t.problem.c.code == NOT_POSTED,
            t.problem.c.resolved_at.is_(None),
        )
        .order_by(t.receipt.c.id)
    ).all()
    promised = 0
    for row in stuck:
        receipt = dict(row._mapping)
        application = _Application(
            db, receipt, _applied(db, receipt), receipt["customer_id"], str(receipt["applications"]), at
        )
        if _promise_posting(application):
            journal.resolve_problem(db, organisation_id=organisation_id, code=NOT_POSTED, subject=receipt["id"], at=at)
            promised += 1
    return promised


def _applied(db: Connection, receipt: dict[str, Any]) -> Hypothesis:
    """Return the hypothesis that stands for a receipt, from the rows it was kept in."""
    body = db.scalars(select(t.proposal.c.body).where(t.proposal.c.receipt_id == receipt["id"])).one()
    return HYPOTHESIS.validate_python(body["best"])


def _customer_of(db: Connection, organisation_id: str, hypothesis: Hypothesis) -> str | None:
    items = [allocation.item_id for allocation in hypothesis.allocations]
    owners = set(
        db.scalars(
            select(t.document.c.customer_id).where(
                t.document.c.organisation_id == organisation_id, t.document.c.id.in_(items)
            )
        )
    )
    return owners.pop() if len(owners) == 1 else None


def _check_known(application: _Application) -> None:
    """Refuse what cannot be named in the ledger: an invoice can be read before its customer, or come from another."""
    db, organisation_id = application.db, application.organisation_id
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        return
    items = {each.item_id for each in application.hypothesis.allocations}
    if items - external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, items).keys():
        raise RefusedError(f"an invoice of this proposal is not in {ledger.system}")
    if not external_ids(db, organisation_id, ledger.system, CUSTOMER_LINK, [application.customer_id]):
        raise RefusedError(f"{ledger.system} has not shown this customer yet: sync, then try again")


def _keep(application: _Application) -> None:
    db, receipt, hypothesis = application.db, application.receipt, application.hypothesis
    for allocation in hypothesis.allocations:
        db.execute(
            insert(t.allocation).values(
                id=stable_id("alo", receipt["id"], application.number, allocation.item_id),
                organisation_id=application.organisation_id,
                receipt_id=receipt["id"],
                document_id=allocation.item_id,
                is_credit=allocation.is_credit,
                currency=allocation.amount.currency,
                amount_minor=allocation.amount.minor,
                created_at=application.at,
            )
        )
    for residual in hypothesis.residuals:
        db.execute(
            insert(t.residual).values(
                id=stable_id("res", receipt["id"], application.number, residual.kind.value),
                organisation_id=application.organisation_id,
                receipt_id=receipt["id"],
                kind=residual.kind.value,
                currency=residual.amount.currency,
                amount_minor=residual.amount.minor,
            )
        )
    db.execute(
        update(t.receipt)
        .where(t.receipt.c.id == receipt["id"])
        .values(
            state="applied",
            unapplied_minor=hypothesis.unapplied.minor,
            customer_id=application.customer_id,
            applications=int(application.number),
            changed_at=application.at,
        )
    )


def _promise_posting(application: _Application) -> bool:
    """Promise to post the application in the ledger; where that cannot be, say what is missing and return False."""
    db, receipt, hypothesis = application.db, application.receipt, application.hypothesis
    organisation_id = application.organisation_id
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        return _explain(application, "no ledger is connected", "Connect Xero or QuickBooks.")
    account = account_of(db, organisation_id, receipt)
    if account is None:
        where = receipt["source_account"] or receipt["source"]
        return _explain(application, f"no ledger account is known for {where}", "Name its account in the settings.")
    currency = receipt["currency"]
    fee = total([residual.amount for residual in hypothesis.residuals if residual.kind in FEE_KINDS], currency)
    fee_account = account_for(db, organisation_id, AccountPurpose.FEES, currency) if fee else None
    if fee and fee_account is None:
        return _explain(application, "the ledger has no single account for fees", "Name the fee account.")
    items = [each.item_id for each in hypothesis.allocations]
    documents = external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, items)
    customers = external_ids(db, organisation_id, ledger.system, CUSTOMER_LINK, [application.customer_id])
    key = posting_key(receipt["id"], application.number)
    intent = PostReceipt(
        key=key,
        customer_external_id=customers[application.customer_id],
        received_on=receipt["received_on"],
        account=account,
        reference=f"{receipt['external_id'] if receipt['source'] == 'stripe' else 'TrueDue'} {key}",
        lines=tuple(PaymentLine(documents[each.item_id], each.amount) for each in hypothesis.allocations),
        unapplied=hypothesis.unapplied,
        fee=fee,
        fee_account=fee_account,
    )
    queues.enqueue(
        db,
        organisation_id=organisation_id,
        system=ledger.system,
        intent=intent,
        subject=receipt["id"],
        at=application.at,
    )
    return True


def posting_key(receipt_id: str, number: str) -> str:
    """Return the key of the posting of a receipt's application of this number."""
    return stable_id("post", receipt_id, number)


def _explain(application: _Application, text: str, remedy: str) -> bool:
    journal.raise_problem(
        application.db,
        organisation_id=application.organisation_id,
        problem=Problem(NOT_POSTED, f"A payment is matched but not posted: {text}.", remedy, application.receipt["id"]),
        at=application.at,
    )
    return False


def account_of(db: Connection, organisation_id: str, receipt: dict[str, Any]) -> str | None:
    """Return the ledger account where the money lies: a processor's clearing account, or the statement's own."""
    if receipt["source"] == "stripe":
        return account_for(db, organisation_id, AccountPurpose.CLEARING, receipt["currency"])
    named = db.scalar(
        select(t.bank_account.c.ledger_account).where(
            t.bank_account.c.organisation_id == organisation_id,
            t.bank_account.c.identification == receipt["source_account"],
            t.bank_account.c.currency == receipt["currency"],
        )
    )
    return named or account_for(db, organisation_id, AccountPurpose.BANK, receipt["currency"])


def account_for(db: Connection, organisation_id: str, purpose: AccountPurpose, currency: str) -> str | None:
    """Return the only account of a purpose that takes this currency; two candidates are nobody's guess."""
    rows = db.execute(
        select(t.account.c.handle, t.account.c.currency).where(
            t.account.c.organisation_id == organisation_id, t.account.c.purpose == purpose.value
        )
    ).all()
    exact = [row.handle for row in rows if row.currency == currency]
    open_to_all = [row.handle for row in rows if row.currency is None or purpose is not AccountPurpose.BANK]
    candidates = exact or open_to_all
    return candidates[0] if len(candidates) == 1 else None
