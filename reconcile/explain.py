"""Evidence in plain words, with amounts, for the person who reads a proposal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from receivables.money import Money
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Draft
from reconcile.likelihood import PROOF_AMOUNTS, AmountEvidence
from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence
from reconcile.reading import Reading

MAX_NUMBERS: Final = 6
MAX_CUSTOMERS: Final = 3
NEAR_CHANCE: Final = 0.1  # of the chosen chance, from which on another explanation is mentioned

_REFERENCE_TEXT: Final = {
    ReferenceEvidence.HINT: "A trusted system named {numbers}.",
    ReferenceEvidence.EXACT: "The remittance names {numbers}.",
    ReferenceEvidence.DAMAGED: "The remittance seems to name {numbers}, with a damaged number.",
    ReferenceEvidence.WEAK: "The remittance may mean {numbers}: a short or shared number.",
    ReferenceEvidence.NONE: "The remittance does not name {numbers}.",
}
_PAYER_TEXT: Final = {
    PayerEvidence.KNOWN: "The payer is known to pay for {customer}.",
    PayerEvidence.NAME: "The payer's name is that of {customer}.",
    PayerEvidence.WEAK: "The payer {payer} could be {customer}.",
    PayerEvidence.UNKNOWN: "The payer {payer} is not known; the customer would be {customer}.",
    PayerEvidence.CONFLICT: "The payer {payer} looks like another customer than {customer}.",
}


def numbers(draft: Draft, index: OpenItemIndex) -> str:
    """The document numbers of a draft, shortened when there are many."""
    names = [index.numbers(row)[0] for row, _ in draft.shares]
    more = f" and {len(names) - MAX_NUMBERS} more" if len(names) > MAX_NUMBERS else ""
    return ", ".join(names[:MAX_NUMBERS]) + more


def reasons(reading: Reading, draft: Draft, index: OpenItemIndex) -> tuple[str, ...]:
    """Say what speaks for a draft and what against it."""
    evidence = draft.evidence
    payer = reading.receipt.payer_name.strip() or "(no name given)"
    said = [
        _REFERENCE_TEXT[evidence.reference].format(numbers=numbers(draft, index)),
        _amount_text(reading, draft, index),
        _PAYER_TEXT[evidence.payer].format(customer=_customers(reading, draft, index), payer=payer),
    ]
    if evidence.inferred:
        said.append(f"{evidence.inferred} item(s) of these are not named and follow from the amount.")
    if evidence.left_out:
        said.append(f"{evidence.left_out} named item(s) are not covered by this set.")
    if evidence.not_yet_issued:
        said.append("An item was issued after the money arrived.")
    if reading.receipt.fee:
        said.append(f"A processor kept {reading.receipt.fee} before the money arrived.")
    return tuple(said)


def _customers(reading: Reading, draft: Draft, index: OpenItemIndex) -> str:
    """The customers of a draft's items, and the parents who pay for them where the payer agrees with these."""
    names, rows = index.names, [row for row, _ in draft.shares]
    customers = ", ".join(sorted({names.name_of(index.customer[row]) for row in rows})[:MAX_CUSTOMERS])
    parents = {index.parent[row] for row in rows if reading.is_parents(row, index)}
    said = ", ".join(sorted(map(names.name_of, parents))[:MAX_CUSTOMERS])
    return f"{said}, who pays for {customers}" if parents else customers


def rivals(chances: Sequence[float], chosen: float) -> tuple[str, ...]:
    """Say that other explanations come near the chosen one."""
    near = sum(chance >= chosen * NEAR_CHANCE for chance in chances)
    return (f"{near} other way(s) explain it about as well, so a person should decide.",) if near else ()


def what_would_change_it(draft: Draft, *, is_refuted: bool) -> str:
    """Say what is missing to proof; `is_refuted`: such cases have come out wrong too often."""
    evidence = draft.evidence
    wanted = []
    if evidence.reference < ReferenceEvidence.EXACT or evidence.inferred:
        wanted.append("the remittance named each item exactly")
    if evidence.left_out:
        wanted.append("it named no other")
    if evidence.amount not in PROOF_AMOUNTS:
        wanted.append("the amount were that of the items")
    if evidence.payer < PayerEvidence.NAME:
        wanted.append("the payer were known to pay for this customer")
    if wanted:
        return f"It would be applied if {' and '.join(wanted)}."
    return (
        "A person decides: experience is against it."
        if is_refuted
        else "It would be applied if no other explanation came near it."
    )


def not_yet(day: date) -> str:
    """Say that the money is dated later than the day of the match."""
    return f"The money is dated {day}, which is yet to come: nothing of it is applied before."


def _amount_text(reading: Reading, draft: Draft, index: OpenItemIndex) -> str:
    currency = reading.receipt.amount.currency
    paid = Money(reading.gross, currency)
    what = "the open amount" if len(draft.shares) == 1 else f"the sum of {len(draft.shares)} items"
    if draft.evidence.amount is AmountEvidence.EXACT:
        return f"{paid} equals {what} exactly."
    opened = Money(sum(index.signed[row] for row, _ in draft.shares), currency)
    if draft.evidence.amount is AmountEvidence.JOINT:
        rest = f", the last of them with {_residual_text(draft, currency)}" if draft.residual_kind is not None else ""
        return f"{paid} is one of several receipts that together pay {opened}{rest}."
    if draft.residual_kind is not None:
        return f"{paid} differs from {what}, {opened}: {_residual_text(draft, currency)}."
    if draft.unapplied:
        return f"{paid} is {Money(draft.unapplied, currency)} more than {what}, {opened}."
    return f"{paid} pays a part of {what}, {opened}."


def _residual_text(draft: Draft, currency: str) -> str:
    kind = "difference" if draft.residual_kind is None else draft.residual_kind.replace("_", " ")
    if draft.evidence.amount is AmountEvidence.OFFERED:
        kind = "discount, which was offered for paying by then"
    return f"{Money(draft.residual, currency)} {kind}"
