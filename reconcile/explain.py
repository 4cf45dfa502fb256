"""Evidence in plain words, with amounts, for the person who reads a proposal."""

from __future__ import annotations

from receivables.money import Money
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Draft, signed
from reconcile.payer import PayerEvidence
from reconcile.reading import Reading
from reconcile.score import AmountEvidence, ReferenceEvidence

MAX_NUMBERS = 6

_REFERENCE_TEXT = {
    ReferenceEvidence.HINT: "A trusted system named {numbers}.",
    ReferenceEvidence.EXACT: "The remittance names {numbers}.",
    ReferenceEvidence.DAMAGED: "The remittance seems to name {numbers}, with a damaged number.",
    ReferenceEvidence.WEAK: "The remittance may mean {numbers}: a short or shared number.",
    ReferenceEvidence.NONE: "The remittance does not name {numbers}.",
}
_PAYER_TEXT = {
    PayerEvidence.KNOWN: "The payer is known to pay for {customer}.",
    PayerEvidence.NAME: "The payer's name is that of {customer}.",
    PayerEvidence.WEAK: "The payer {payer} could be {customer}.",
    PayerEvidence.UNKNOWN: "The payer {payer} is not known; the customer would be {customer}.",
    PayerEvidence.CONFLICT: "The payer {payer} looks like another customer than {customer}.",
}


def numbers(draft: Draft) -> str:
    """The document numbers of a draft, shortened when there are many."""
    names = [item.number for item, _ in draft.shares]
    more = f" and {len(names) - MAX_NUMBERS} more" if len(names) > MAX_NUMBERS else ""
    return ", ".join(names[:MAX_NUMBERS]) + more


def reasons(reading: Reading, draft: Draft, index: OpenItemIndex) -> tuple[str, ...]:
    """Say what speaks for a draft and what against it."""
    evidence = draft.evidence
    customers = sorted({index.name_of(item.customer_id) for item, _ in draft.shares})
    payer = reading.receipt.payer_name.strip() or "(no name given)"
    said = [
        _REFERENCE_TEXT[evidence.reference].format(numbers=numbers(draft)),
        _amount_text(reading, draft),
        _PAYER_TEXT[evidence.payer].format(customer=", ".join(customers[:3]), payer=payer),
    ]
    if evidence.inferred:
        said.append(f"{evidence.inferred} item(s) of these are not named and follow from the amount.")
    if evidence.left_out:
        said.append(f"{evidence.left_out} named item(s) are not covered by this set.")
    if evidence.alternatives:
        said.append(f"{evidence.alternatives} other way(s) explain it about as well, so a person should decide.")
    if evidence.not_yet_issued:
        said.append("An item was issued after the money arrived.")
    if reading.receipt.fee:
        said.append(f"A processor kept {reading.receipt.fee} before the money arrived.")
    return tuple(said)


def _amount_text(reading: Reading, draft: Draft) -> str:
    currency = reading.currency
    paid = Money(reading.gross, currency)
    opened = Money(sum(signed(item) for item, _ in draft.shares), currency)
    what = "the open amount" if len(draft.shares) == 1 else f"the sum of {len(draft.shares)} items"
    if draft.evidence.amount is AmountEvidence.JOINT:
        rest = f", the last of them with {_residual_text(draft, currency)}" if draft.residual_kind is not None else ""
        return f"{paid} is one of several receipts that together pay {opened}{rest}."
    if draft.residual_kind is not None:
        return f"{paid} differs from {what}, {opened}: {_residual_text(draft, currency)}."
    if draft.unapplied:
        return f"{paid} is {Money(draft.unapplied, currency)} more than {what}, {opened}."
    if draft.evidence.amount is AmountEvidence.PARTIAL:
        return f"{paid} pays a part of {what}, {opened}."
    return f"{paid} equals {what} exactly."


def _residual_text(draft: Draft, currency: str) -> str:
    kind = "difference" if draft.residual_kind is None else draft.residual_kind.replace("_", " ")
    return f"{Money(draft.residual, currency)} {kind}"
