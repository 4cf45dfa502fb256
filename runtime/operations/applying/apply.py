"""Apply a hypothesis: allocations, the promise to post them, and the withdrawal of reminders, in one unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, insert, select, update

from connectors.contract import Role
from receivables.allocation import Hypothesis
from receivables.identity import stable_id
from receivables.money import Money
from receivables.settlement import FEE_KINDS, SettlementError, settle, without_surplus
from runtime.operations.applying.applications import kept, owners_of
from runtime.operations.applying.postings import NOT_POSTED, promise_postings
from runtime.operations.errors import RefusedError
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK, DOCUMENT_LINK
from runtime.operations.systems.treatments import Treatments, treatments
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.links import external_ids
from runtime.store.touch import touch_documents

HYPOTHESIS: TypeAdapter[Hypothesis] = TypeAdapter(Hypothesis)


def unpostable(hypothesis: Hypothesis, *, known: Treatments, owners: Mapping[str, str]) -> str | None:
    """Return why a hypothesis cannot be posted to a ledger by us, None when it can.

    `known` are the treatments by kind, `owners` the customers of the items.
    """
    postable = without_surplus(hypothesis)
    unnamed = [each.kind for each in postable.residuals if each.kind not in FEE_KINDS and each.kind not in known]
    if unnamed:
        return known.lack(unnamed[0])
    try:
        settle(
            allocations=postable.allocations,
            residuals=postable.residuals,
            owners=owners,
            currency=postable.unapplied.currency,
        )
    except SettlementError as error:
        return str(error)
    return None


def apply_hypothesis(
    db: Connection,
    *,
    receipt: dict[str, Any],
    hypothesis: Hypothesis,
    customer_id: str | None,
    actor: str,
    at: datetime,
    why: str | None = None,
) -> None:
    """Set a receipt against items. RefusedError, with nothing changed, when it cannot be posted or nobody paid.

    The posting names the items' own customer; where they belong to several, or there are none, the payer. `why` is
    said of the items' withdrawn reminders (left out: that money pays them).
    """
    organisation_id = receipt["organisation_id"]
    foreign = [each.amount for each in hypothesis.allocations if each.amount.currency != receipt["currency"]]
    if foreign:
        raise RefusedError(f"the money is in {receipt['currency']} and pays {foreign[0]}: record it in the ledger")
    owners = owners_of(db, organisation_id, [each.item_id for each in hypothesis.allocations])
    reason = unpostable(hypothesis, known=treatments(db, organisation_id), owners=owners)
    if reason is not None:
        raise RefusedError(reason)
    payers = set(owners.values())
    customer = payers.pop() if len(payers) == 1 else customer_id
    if customer is None:
        raise RefusedError("choose the customer that paid: nobody is identified yet")
    _check_known(db, organisation_id, hypothesis, {customer, *owners.values()})
    applied = _keep(db, receipt, without_surplus(hypothesis), customer, at)
    promise_postings(kept(db, applied, at))
    documents = [allocation.item_id for allocation in hypothesis.allocations]
    touch_documents(db, organisation_id, documents, at)
    amount = Money(receipt["amount_minor"], receipt["currency"])
    withdraw_reminders(
        db,
        organisation_id=organisation_id,
        document_ids=documents,
        why=why or f"{amount} received on {receipt['received_on']} pays it",
        at=at,
    )
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


_STUCK = (
    select(t.receipt)
    .where(
        t.receipt.c.organisation_id == bindparam("organisation_id"),
        t.receipt.c.state == "applied",
        t.receipt.c.id.in_(journal.troubled(bindparam("organisation_id"), [NOT_POSTED])),
    )
    .order_by(t.receipt.c.id)
)


def promise_missing_postings(db: Connection, organisation_id: str, at: datetime) -> int:
    """Promise the postings that lacked an account or a ledger when they were applied; returns how many.

    A person has since connected the ledger, made the account, or said which account a statement belongs to.
    """
    promised = 0
    for row in db.execute(_STUCK, {"organisation_id": organisation_id}).all():
        receipt = dict(row._mapping)
        if promise_postings(kept(db, receipt, at)):
            journal.resolve_problem(db, organisation_id=organisation_id, code=NOT_POSTED, subject=receipt["id"], at=at)
            promised += 1
    return promised


def _check_known(db: Connection, organisation_id: str, hypothesis: Hypothesis, customers: set[str]) -> None:
    """Refuse what cannot be named in the ledger: an invoice can be read before its customer, or come from another."""
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        return
    items = {each.item_id for each in hypothesis.allocations}
    if items - external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, items).keys():
        raise RefusedError(f"an invoice of this proposal is not in {ledger.system}")
    if customers - external_ids(db, organisation_id, ledger.system, CUSTOMER_LINK, customers).keys():
        raise RefusedError(f"{ledger.system} has not shown this customer yet: sync, then try again")


def _keep(
    db: Connection, receipt: dict[str, Any], hypothesis: Hypothesis, customer_id: str, at: datetime
) -> dict[str, Any]:
    """Keep the application in rows; returns the receipt as it is now."""
    organisation_id, number = receipt["organisation_id"], receipt["applications"] + 1
    for allocation in hypothesis.allocations:
        db.execute(
            insert(t.allocation).values(
                id=stable_id("alo", receipt["id"], str(number), allocation.item_id),
                organisation_id=organisation_id,
                receipt_id=receipt["id"],
                document_id=allocation.item_id,
                is_credit=allocation.is_credit,
                currency=allocation.amount.currency,
                amount_minor=allocation.amount.minor,
                created_at=at,
            )
        )
    for residual in hypothesis.residuals:
        db.execute(
            insert(t.residual).values(
                id=stable_id("res", receipt["id"], str(number), residual.kind.value),
                organisation_id=organisation_id,
                receipt_id=receipt["id"],
                kind=residual.kind.value,
                currency=residual.amount.currency,
                amount_minor=residual.amount.minor,
            )
        )
    changed = {
        "state": "applied",
        "unapplied_minor": hypothesis.unapplied.minor,
        "customer_id": customer_id,
        "applications": number,
        "changed_at": at,
    }
    db.execute(update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(**changed))
    return receipt | changed
