"""The matcher: receipts in, one proposal each out, the same in any order of receipts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from receivables.allocation import Allocation, Decision, Explanation, Hypothesis, Proposal, Residual, ResidualKind
from receivables.document import DocumentKind
from receivables.money import Money
from receivables.receipt import Receipt, ReceiptStatus
from reconcile import explain
from reconcile.assign import Claim, assign, join_instalments
from reconcile.calibrate import History, confidence, may_apply
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Draft
from reconcile.hypotheses import drafts
from reconcile.reading import Reading, read
from reconcile.score import ReferenceEvidence

NO_MATCH_CONFIDENCE = 0.5  # nothing speaks for an item, which is no proof that none is meant
DUPLICATE_CONFIDENCE = 0.8
UNPOSTABLE_CONFIDENCE = 0.6

Outcome = tuple[Proposal, Draft | None]


def propose(
    *, index: OpenItemIndex, receipts: Sequence[Receipt], history: History | None = None, as_of: date
) -> list[Proposal]:
    """Return a proposal for each receipt, in the order given.

    Receipts compete for items, so that no item is allocated above its open amount across the batch; the answer for a
    receipt depends on the other receipts and never on their order. A receipt dated after `as_of` is not applied.
    The index is only read: allocate and `update` it to go on from the result.
    """
    return [
        proposal for proposal, _ in propose_with_evidence(index=index, receipts=receipts, history=history, as_of=as_of)
    ]


def propose_with_evidence(
    *,
    index: OpenItemIndex,
    receipts: Sequence[Receipt],
    history: History | None = None,
    as_of: date,
    blind: bool = False,
) -> list[Outcome]:
    """As `propose`, with the draft behind each proposal; `blind` forgets of each receipt what it has itself taught."""
    known = history or History()
    order = sorted(range(len(receipts)), key=lambda at: _rank(receipts[at]))
    readings = [read(receipts[at], index, known, blind=blind) for at in order]
    claims = [
        Claim(reading.gross, tuple(drafts(reading, index)) if _is_money(reading.receipt) else ())
        for reading in readings
    ]
    claims = join_instalments(claims)
    outcomes: dict[int, Outcome] = {}
    for at, reading, claim, chosen in zip(order, readings, claims, assign(claims), strict=True):
        if chosen is None:
            outcomes[at] = (_without_items(reading, claim, index), None)
        else:
            outcomes[at] = (_with_items(reading, claim, chosen, index, history=known, as_of=as_of), chosen)
    return [outcomes[at] for at in range(len(receipts))]


def _rank(receipt: Receipt) -> tuple[date, str, int, str]:
    return receipt.received_on, receipt.receipt_id, receipt.amount.minor, receipt.remittance


def _is_money(receipt: Receipt) -> bool:
    return receipt.status is ReceiptStatus.RECEIVED and receipt.amount.minor > 0


def _with_items(
    reading: Reading, claim: Claim, chosen: Draft, index: OpenItemIndex, *, history: History, as_of: date
) -> Proposal:
    receipt = reading.receipt
    postable = receipt.received_on <= as_of
    decision = Decision.APPLY if postable and may_apply(chosen.evidence, history.bands) else Decision.SUGGEST
    said = explain.reasons(reading, chosen, index)
    if decision is Decision.APPLY:
        proof = "this is proof" if chosen.evidence.is_proof else "such cases have proved right"
        said = (*said, f"Applied: {proof}.")
    others = [draft for draft in claim.options if draft.item_ids != chosen.item_ids]
    return Proposal(
        receipt_id=receipt.receipt_id,
        decision=decision,
        best=_hypothesis(reading, chosen, history),
        reasons=said,
        runner_up=_hypothesis(reading, others[0], history) if others else None,
        customer_id=reading.best_payer or _named_customer(chosen),
    )


def _named_customer(draft: Draft) -> str | None:
    """The customer of items that are named beyond doubt, which identifies a payer without a name."""
    if draft.evidence.reference < ReferenceEvidence.EXACT:
        return None
    customers = {item.customer_id for item, _ in draft.shares}
    return customers.pop() if len(customers) == 1 else None


def _hypothesis(reading: Reading, draft: Draft, history: History) -> Hypothesis:
    currency = reading.currency
    residuals = []
    if reading.receipt.fee:
        residuals.append(Residual(ResidualKind.PROCESSOR_FEE, reading.receipt.fee))
    if draft.residual_kind is not None:
        residuals.append(Residual(draft.residual_kind, Money(draft.residual, currency)))
    return Hypothesis(
        explanation=draft.explanation,
        confidence=round(confidence(draft.evidence, history.bands), 4),
        allocations=tuple(
            Allocation(item.item_id, Money(share, currency), is_credit=item.kind is DocumentKind.CREDIT_NOTE)
            for item, share in draft.shares
        ),
        residuals=tuple(residuals),
        unapplied=Money(draft.unapplied, currency),
    )


def _without_items(reading: Reading, claim: Claim, index: OpenItemIndex) -> Proposal:
    """Say why a receipt pays no open item: reversed, not arrived, paid twice, another currency, or simply unrelated."""
    explanation, sure, said = _why_nothing(reading, claim, index)
    unrelated = explanation is Explanation.UNRELATED
    return Proposal(
        receipt_id=reading.receipt.receipt_id,
        decision=Decision.NONE if unrelated else Decision.SUGGEST,
        best=Hypothesis(explanation, sure, (), (), reading.receipt.amount),
        reasons=(said,),
        customer_id=reading.best_payer or _owner_of_paid(reading, claim, explanation),
    )


def _owner_of_paid(reading: Reading, claim: Claim, explanation: Explanation) -> str | None:
    if explanation is not Explanation.DUPLICATE:
        return None
    return reading.closed[0].customer_id if reading.closed else _named_customer(claim.options[0])


def _why_nothing(reading: Reading, claim: Claim, index: OpenItemIndex) -> tuple[Explanation, float, str]:
    receipt = reading.receipt
    if receipt.status is ReceiptStatus.REVERSED or receipt.amount.minor < 0:
        return Explanation.REVERSAL, UNPOSTABLE_CONFIDENCE, "The money was taken back: undo what it had paid."
    if not _is_money(receipt):
        return Explanation.UNRELATED, 1.0, f"The money is {receipt.status.replace('_', ' ')}: it pays nothing now."
    taken = [draft for draft in claim.options if draft.evidence.reference >= ReferenceEvidence.EXACT]
    if taken:
        text = f"{explain.numbers(taken[0])} is already paid by another receipt of this batch: paid twice?"
        return Explanation.DUPLICATE, DUPLICATE_CONFIDENCE, text
    if reading.closed:
        first = reading.closed[0]
        owner = index.name_of(first.customer_id)
        text = f"{first.number} of {owner} is already paid: a second payment of {receipt.amount}?"
        return Explanation.DUPLICATE, DUPLICATE_CONFIDENCE, text
    if reading.foreign:
        item = index.items(reading.foreign)[0]
        text = f"{receipt.amount} names {item.number}, which is open for {item.open_amount}: set the rate to post it."
        return Explanation.FX, UNPOSTABLE_CONFIDENCE, text
    if claim.options:
        return Explanation.UNRELATED, NO_MATCH_CONFIDENCE, "Every item it could pay is better explained by other money."
    return Explanation.UNRELATED, NO_MATCH_CONFIDENCE, "No open item has its reference, or its amount and payer."
