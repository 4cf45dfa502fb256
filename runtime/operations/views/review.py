"""Proposals that wait for a person, with the evidence, and receipts that nobody could be found for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from receivables.allocation import Hypothesis
from receivables.money import Money
from runtime.operations.applying.apply import HYPOTHESIS, unpostable
from runtime.operations.matching.open_items import open_documents
from runtime.operations.systems.treatments import Treatments, treatments
from runtime.operations.views.ledger_ahead import LedgerAhead, PostingAhead
from runtime.operations.views.returns import ReturnItem, returns_to_review
from runtime.store import tables as t

MAX_PROPOSALS = 200  # a person works from the top; the rest follows as these are decided


@dataclass(frozen=True, slots=True)
class ProposedItem:
    """An invoice or credit note of a proposal: `open_amount` is open now, `left` would stay open."""

    document_id: str
    number: str
    customer_name: str
    amount: Money
    is_credit: bool
    open_amount: Money
    left: Money


@dataclass(frozen=True, slots=True)
class ProposedWay:
    """One way to explain a receipt."""

    explanation: str
    confidence: float
    items: tuple[ProposedItem, ...]
    residuals: tuple[tuple[str, Money], ...]
    unapplied: Money


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A receipt with its proposal. `obstacle` says why it cannot be confirmed here, None when it can; `ahead` what
    confirming it would write in the ledger.
    """

    receipt_id: str
    received_on: date
    amount: Money
    payer_name: str
    payer_account: str
    remittance: str
    customer_name: str
    reasons: tuple[str, ...]
    best: ProposedWay
    runner_up: ProposedWay | None
    obstacle: str | None
    ahead: tuple[PostingAhead, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """At most MAX_PROPOSALS of what waits, the oldest first."""

    proposals: tuple[ReviewItem, ...]
    unidentified: tuple[ReviewItem, ...]
    returns: tuple[ReturnItem, ...]


_Documents = Mapping[str, tuple[str, str, Money]]


def review_queue(db: Connection, organisation_id: str, *, text: str = "") -> Review:
    """Return the proposals that wait for a decision, the receipts without one, and the payments that went back.

    With `text`, only receipts whose payer, remittance, invoices or customers have it in them, in any case.
    """
    proposal, receipt = t.proposal, t.receipt
    rows = (
        db.execute(
            select(receipt, proposal.c.body, t.customer.c.name.label("customer_name"))
            .join(proposal, proposal.c.receipt_id == receipt.c.id)
            .outerjoin(t.customer, t.customer.c.id == receipt.c.customer_id)
            .where(proposal.c.organisation_id == organisation_id, proposal.c.state == "pending")
            .order_by(receipt.c.received_on, receipt.c.id)
            .limit(MAX_PROPOSALS)
        )
        .mappings()
        .all()
    )
    ways = [(row, HYPOTHESIS.validate_python(row["body"]["best"]), _runner_up(row["body"])) for row in rows]
    named = {
        allocation.item_id
        for _, best, other in ways
        for way in (best, other)
        if way is not None
        for allocation in way.allocations
    }
    found = open_documents(db, organisation_id, document_ids=sorted(named))
    documents = {
        each.document.document_id: (each.document.number, each.customer_name, each.open_amount) for each in found
    }
    owners = {each.document.document_id: each.document.customer_id for each in found}
    known = treatments(db, organisation_id)
    ledger = LedgerAhead(db, organisation_id, known)
    items = [
        ReviewItem(
            receipt_id=row["id"],
            received_on=row["received_on"],
            amount=Money(row["amount_minor"], row["currency"]),
            payer_name=row["payer_name"],
            payer_account=row["payer_account"],
            remittance=row["remittance"],
            customer_name=row["customer_name"] or "",
            reasons=tuple(row["body"]["reasons"]),
            best=_way(best, documents),
            runner_up=_way(other, documents) if other else None,
            obstacle=_obstacle(best, row["body"]["customer_id"], known, owners),
            ahead=ledger.of(dict(row), best) if best.allocations else (),
        )
        for row, best, other in ways
    ]
    items = [item for item in items if text.casefold() in _said(item).casefold()]
    return Review(
        proposals=tuple(item for item in items if item.best.items),
        unidentified=tuple(item for item in items if not item.best.items),
        returns=returns_to_review(db, organisation_id),
    )


def _said(item: ReviewItem) -> str:
    named = [f"{each.number} {each.customer_name}" for each in item.best.items]
    return "\n".join((item.payer_name, item.payer_account, item.remittance, item.customer_name, *named))


def _runner_up(body: Mapping[str, object]) -> Hypothesis | None:
    return HYPOTHESIS.validate_python(body["runner_up"]) if body["runner_up"] else None


def _obstacle(best: Hypothesis, customer_id: str | None, known: Treatments, owners: Mapping[str, str]) -> str | None:
    if not best.allocations and customer_id is None:
        return "nothing is proposed for this receipt: choose its invoices"
    return unpostable(best, known=known, owners=owners)


def _way(hypothesis: Hypothesis, documents: _Documents) -> ProposedWay:
    items = []
    for allocation in hypothesis.allocations:
        nothing = Money.zero(allocation.amount.currency)
        number, customer, opened = documents.get(allocation.item_id, ("deleted invoice", "", nothing))
        items.append(
            ProposedItem(
                document_id=allocation.item_id,
                number=number,
                customer_name=customer,
                amount=allocation.amount,
                is_credit=allocation.is_credit,
                open_amount=opened,
                left=max(opened - allocation.amount, nothing),
            )
        )
    return ProposedWay(
        explanation=hypothesis.explanation.value,
        confidence=hypothesis.confidence,
        items=tuple(items),
        residuals=tuple((residual.kind.value, residual.amount) for residual in hypothesis.residuals),
        unapplied=hypothesis.unapplied,
    )
