"""The matcher: receipts in, one proposal each out, the same in any order of receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from receivables.allocation import Allocation, Decision, Explanation, Hypothesis, Proposal, Residual, ResidualKind
from receivables.money import Money
from receivables.receipt import Receipt, ReceiptStatus
from reconcile import explain
from reconcile.assign import Choice, assign
from reconcile.calibrate import Case, History, case_of, class_of, confidence, is_proof, may_apply
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Claim, Draft
from reconcile.hypotheses import search
from reconcile.instalments import join_instalments
from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence
from reconcile.reading import Reading, read

SURELY_TAKEN: Final = 0.95
MIN_RUNNER_UP_CHANCE: Final = 0.001
NO_MATCH_CONFIDENCE: Final = 0.5  # nothing speaks for an item, which is no proof that none is meant
DUPLICATE_CONFIDENCE: Final = 0.8
UNPOSTABLE_CONFIDENCE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Outcome:
    """A proposal with the draft behind it and the model's own probability of that draft."""

    proposal: Proposal
    draft: Draft | None
    chance: float

    @property
    def case(self) -> Case | None:
        """How good the evidence is, to count the case by once its outcome is known; None where nothing is paid."""
        return None if self.draft is None else case_of(self.draft.evidence, self.chance)


def propose(
    *, index: OpenItemIndex, receipts: Sequence[Receipt], history: History | None = None, as_of: date
) -> list[Proposal]:
    """Return a proposal for each receipt, in the order given.

    Receipts compete for items, so that no item is allocated above its open amount across the batch; the answer for a
    receipt depends on the other receipts and never on their order. A receipt dated after `as_of` is not applied.
    The index is only read: allocate and `update` it to go on from the result.
    """
    return [
        outcome.proposal
        for outcome in propose_with_evidence(index=index, receipts=receipts, history=history, as_of=as_of)
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
    readings: list[Reading] = []
    claims: list[Claim] = []
    for at in order:
        reading = read(receipts[at], index, known, blind=blind)
        readings.append(reading)
        is_searched = _may_pay(reading, index)
        claims.append(search(reading, index) if is_searched else Claim(reading.gross, (), 0.0, 0.0))
    claims, choices = _choose(readings, claims, index)
    outcomes: dict[int, Outcome] = {}
    for at, reading, claim, choice in zip(order, readings, claims, choices, strict=True):
        if choice.pick is None:
            outcomes[at] = Outcome(_without_items(reading, claim, index), None, 0.0)
        else:
            proposal = _with_items(reading, claim, choice, choice.pick, index, history=known, as_of=as_of)
            outcomes[at] = Outcome(proposal, choice.pick, choice.chance)
    return [outcomes[at] for at in range(len(receipts))]


def _choose(
    readings: Sequence[Reading], claims: Sequence[Claim], index: OpenItemIndex
) -> tuple[list[Claim], list[Choice]]:
    """Let the receipts compete; then search once more for those left in doubt, without what the others surely pay."""
    joined = join_instalments(claims, index)
    choices = assign(joined, index)
    taken: set[int] = set()
    doubtful = []
    for at, choice in enumerate(choices):
        if choice.pick is not None and choice.chance >= SURELY_TAKEN:
            taken |= {row for row, share in choice.pick.shares if share == abs(index.signed[row])}
        elif readings[at].payers.best is not None and _may_pay(readings[at], index):
            doubtful.append(at)
    if not doubtful or not taken:
        return joined, choices
    again, left = list(claims), frozenset(taken)
    for at in doubtful:
        again[at] = search(readings[at], index, left)
    joined = join_instalments(again, index)
    return joined, assign(joined, index)


def _rank(receipt: Receipt) -> tuple[date, str, int, str]:
    return receipt.received_on, receipt.receipt_id, receipt.amount.minor, receipt.remittance


def _is_money(receipt: Receipt) -> bool:
    return receipt.status is ReceiptStatus.RECEIVED and receipt.amount.minor > 0


def _may_pay(reading: Reading, index: OpenItemIndex) -> bool:
    """Whether items are looked for: there is money, and its text speaks of nothing else.

    What names only items of another currency, of whom the payer may be, is asked about before anything is guessed.
    """
    if not _is_money(reading.receipt) or frozenset(reading.foreign) in reading.receipt.refused:
        return _is_money(reading.receipt)
    return bool(reading.levels) or not _is_named_elsewhere(reading, index)


def _is_named_elsewhere(reading: Reading, index: OpenItemIndex) -> bool:
    """Whether the text names items of another currency that may be the payer's own: others' are named by chance."""
    named = [row for row in map(index.row_of, reading.foreign) if row is not None]
    return any(reading.payer_of(row, index)[0] is not PayerEvidence.CONFLICT for row in named)


def _with_items(
    reading: Reading,
    claim: Claim,
    choice: Choice,
    chosen: Draft,
    index: OpenItemIndex,
    *,
    history: History,
    as_of: date,
) -> Proposal:
    receipt = reading.receipt
    chance = choice.chance
    postable = receipt.received_on <= as_of
    # Whoever names an invoice in another currency, and none in this one, has not meant those that merely fit.
    is_meant_elsewhere = not reading.exact and _is_named_elsewhere(reading, index)
    sure = postable and not is_meant_elsewhere and may_apply(chosen.evidence, chance, history)
    decision = Decision.APPLY if sure else Decision.SUGGEST
    said = explain.reasons(reading, chosen, index)
    if decision is Decision.APPLY:
        proof = "this is proof" if is_proof(chosen.evidence, chance) else "such cases have proved right"
        said = (*said, f"Applied: {proof}.")
    else:
        others = [c for draft, c in zip(claim.options, choice.chances, strict=True) if draft.rows != chosen.rows]
        is_refuted = history.is_refuted(class_of(chosen.evidence, chance))
        missing = explain.what_would_change_it(chosen, is_refuted=is_refuted)
        said = (*said, *explain.rivals(others, chance), missing if postable else explain.not_yet(receipt.received_on))
    other = next((at for at, draft in enumerate(claim.options) if _is_rival(draft, choice.chances[at], chosen)), None)
    runner_up = None
    if other is not None:
        runner_up = _hypothesis(reading, claim.options[other], choice.chances[other], index)
    payer = reading.payers.best
    return Proposal(
        receipt_id=receipt.receipt_id,
        decision=decision,
        best=_hypothesis(reading, chosen, confidence(chance, history), index),
        reasons=said,
        runner_up=runner_up,
        customer_id=index.names.id_of(payer) if payer is not None else _named_customer(chosen, index),
    )


def _is_rival(draft: Draft, chance: float, chosen: Draft) -> bool:
    return draft.rows != chosen.rows and chance >= MIN_RUNNER_UP_CHANCE


def _named_customer(draft: Draft, index: OpenItemIndex) -> str | None:
    """The customer of items that are named beyond doubt, which identifies a payer without a name."""
    if draft.evidence.reference < ReferenceEvidence.EXACT:
        return None
    customers = {index.customer[row] for row, _ in draft.shares}
    return index.names.id_of(customers.pop()) if len(customers) == 1 else None


def _hypothesis(reading: Reading, draft: Draft, chance: float, index: OpenItemIndex) -> Hypothesis:
    currency = reading.receipt.amount.currency
    residuals = []
    if reading.receipt.fee:
        residuals.append(Residual(ResidualKind.PROCESSOR_FEE, reading.receipt.fee))
    if draft.residual_kind is not None:
        residuals.append(Residual(draft.residual_kind, Money(draft.residual, currency)))
    return Hypothesis(
        explanation=draft.explanation,
        confidence=round(chance, 4),
        allocations=tuple(
            Allocation(index.item_id(row), Money(share, currency), is_credit=index.signed[row] < 0)
            for row, share in draft.shares
        ),
        residuals=tuple(residuals),
        unapplied=Money(draft.unapplied, currency),
    )


def _without_items(reading: Reading, claim: Claim, index: OpenItemIndex) -> Proposal:
    """Say why a receipt pays no open item: reversed, not arrived, paid twice, another currency, or simply unrelated."""
    explanation, sure, said = _why_nothing(reading, claim, index)
    unrelated = explanation is Explanation.UNRELATED
    is_foreign = explanation is Explanation.FX
    return Proposal(
        receipt_id=reading.receipt.receipt_id,
        decision=Decision.NONE if unrelated else Decision.SUGGEST,
        best=Hypothesis(explanation, sure, (), (), reading.receipt.amount),
        reasons=(said,),
        customer_id=_payer_without_items(reading, claim, explanation, index),
        foreign=tuple(dict.fromkeys(reading.foreign)) if is_foreign else (),
    )


def _payer_without_items(reading: Reading, claim: Claim, explanation: Explanation, index: OpenItemIndex) -> str | None:
    payer = reading.payers.best
    if payer is not None:
        return index.names.id_of(payer)
    if explanation is not Explanation.DUPLICATE:
        return None
    return reading.closed[0].customer_id if reading.closed else _named_customer(claim.options[0], index)


def _why_nothing(reading: Reading, claim: Claim, index: OpenItemIndex) -> tuple[Explanation, float, str]:
    receipt = reading.receipt
    if receipt.status is ReceiptStatus.REVERSED or receipt.amount.minor < 0:
        return Explanation.REVERSAL, UNPOSTABLE_CONFIDENCE, "The money was taken back: undo what it had paid."
    if not _is_money(receipt):
        return Explanation.UNRELATED, 1.0, f"The money is {receipt.status.replace('_', ' ')}: it pays nothing now."
    taken = [draft for draft in claim.options if draft.evidence.reference >= ReferenceEvidence.EXACT]
    if taken:
        numbers = explain.numbers(taken[0], index)
        text = f"{numbers} is already paid by another receipt of this batch: paid twice?"
        return Explanation.DUPLICATE, DUPLICATE_CONFIDENCE, text
    if reading.closed:
        first = reading.closed[0]
        owner = index.name_of(first.customer_id)
        text = f"{first.number} of {owner} is already paid: a second payment of {receipt.amount}?"
        return Explanation.DUPLICATE, DUPLICATE_CONFIDENCE, text
    foreign = [item for item in map(index.get, reading.foreign) if item is not None]
    if foreign:
        item = foreign[0]
        text = f"{receipt.amount} names {item.number}, which is open for {item.open_amount}: set the rate to post it."
        return Explanation.FX, UNPOSTABLE_CONFIDENCE, text
    if claim.options:
        return Explanation.UNRELATED, NO_MATCH_CONFIDENCE, "Every item it could pay is better explained by other money."
    beside = " but what was said to be wrong" if receipt.refused else ""
    return (
        Explanation.UNRELATED,
        NO_MATCH_CONFIDENCE,
        f"No open item{beside} has its reference, or its amount and payer.",
    )
