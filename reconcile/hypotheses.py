"""Ways to explain one receipt: sets of open items, why they and not others, and what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from receivables.allocation import Explanation
from receivables.document import DocumentKind
from receivables.money import MAX_MINOR
from receivables.open_item import OpenItem
from reconcile.candidates import MAX_SAME_AMOUNT, OpenItemIndex
from reconcile.draft import Draft, ranked, signed
from reconcile.payer import PayerEvidence
from reconcile.reading import Reading
from reconcile.residual import BASIS_POINTS, MAX_TYPICAL_FEE_BASIS_POINTS, explain_difference
from reconcile.score import AmountEvidence, Evidence, ReferenceEvidence
from reconcile.subset import MAX_EXHAUSTIVE, MAX_SOLUTIONS, solve

MAX_SINGLES = 16  # named items tried one by one
MAX_PAYER_ITEMS = 1_500  # of one payer, looked through for sums and damaged numbers
MAX_WEAK_PAYERS = 3
MAX_CREDITS = 6


def drafts(reading: Reading, index: OpenItemIndex) -> list[Draft]:
    """Return the likeliest explanations of a receipt, best first, as many as `ranked` keeps; none if nothing speaks."""
    if reading.hints:
        return ranked(_fit(reading, index.items(reading.hints)))
    found = list(_by_reference(reading, index))
    found += _by_amount(reading, index)
    if not _convincing(found):
        found += _by_payer(reading, index)
    return ranked(found)


def _by_payer(reading: Reading, index: OpenItemIndex) -> list[Draft]:
    """Look through the payer's items: numbers nearly named, then numbers run together and damaged, then mere sums."""
    payers = _payer_items(reading, index)
    owned = [item for items in payers for item in items]
    text = reading.receipt.remittance
    found: list[Draft] = []
    near = index.closest(text, owned)
    if near:
        wider = reading.with_damaged(item_id for mention in near for item_id in mention.item_ids)
        found += _by_reference(wider, index)
    if not _convincing(found):
        inside = [item_id for mention in index.inside(text, owned) for item_id in mention.item_ids]
        found += _by_pool(reading.with_damaged(inside), index.items(dict.fromkeys([*reading.levels, *inside])))
    if not _convincing(found):
        for items in payers:
            found += _by_sum(reading, items)
    return found


def _convincing(found: Iterable[Draft]) -> bool:
    return any(
        (draft.evidence.amount >= AmountEvidence.ROUNDING and draft.evidence.payer > PayerEvidence.CONFLICT)
        or (draft.evidence.reference is ReferenceEvidence.EXACT and draft.evidence.left_out == 0)
        for draft in found
    )


def _by_reference(reading: Reading, index: OpenItemIndex) -> Iterable[Draft]:
    named = index.items(i for i, level in reading.levels.items() if level is ReferenceEvidence.EXACT)
    shared = [index.items(group) for group in reading.groups]
    whole = {item.item_id: item for items in (named, *shared) for item in items}
    if named:
        yield from _fit(reading, named)
    if shared:
        yield from _fit(reading, list(whole.values()), whole_groups=True)
    total = sum(signed(item) for item in named)
    if named and total == reading.gross:
        return
    others = index.items(i for i in reading.levels if i not in {item.item_id for item in named})
    if len(named) > 1 or not named:
        for item in (*named, *others)[:MAX_SINGLES]:
            yield from _fit(reading, [item])
    pool = [*named, *others]
    if named and total > reading.gross:
        pool += _credits(named, index)
    if len(pool) > 1:
        yield from _by_pool(reading, pool)
    if named and total < reading.gross:
        yield from _with_missing(reading, named, reading.gross - total, index)


def _by_pool(reading: Reading, pool: Sequence[OpenItem]) -> Iterable[Draft]:
    unique = list({item.item_id: item for item in pool}.values())[:MAX_EXHAUSTIVE]
    for positions in solve([signed(item) for item in unique], reading.gross).found:
        if len(positions) > 1:
            yield from _fit(reading, [unique[at] for at in positions])


def _credits(named: Sequence[OpenItem], index: OpenItemIndex) -> list[OpenItem]:
    customers = sorted({item.customer_id for item in named})
    currency = named[0].open_amount.currency
    owned = [item for customer in customers for item in index.of_payer(customer, currency)]
    return [item for item in owned if item.kind is DocumentKind.CREDIT_NOTE][:MAX_CREDITS]


def _with_missing(reading: Reading, named: Sequence[OpenItem], gap: int, index: OpenItemIndex) -> Iterable[Draft]:
    """Complete a list by one item of the same customer that is open for exactly what is missing."""
    customers = {item.customer_id for item in named}
    known = {item.item_id for item in named}
    for item in index.of_amount(gap, reading.currency)[:MAX_SAME_AMOUNT]:
        if item.customer_id in customers and item.item_id not in known and signed(item) == gap:
            yield from _fit(reading, [*named, item])


def _by_amount(reading: Reading, index: OpenItemIndex) -> Iterable[Draft]:
    known = [payer for payer, level in reading.payers.items() if level >= PayerEvidence.WEAK]
    items = index.of_amount(reading.gross, reading.currency, payers=known)
    same = [item for item in items if signed(item) == reading.gross]
    own = [item for item in same if reading.payer_of(item) >= PayerEvidence.WEAK]
    for item in (own or same)[:MAX_SAME_AMOUNT]:
        yield from _fit(reading, [item])


def _payer_items(reading: Reading, index: OpenItemIndex) -> list[list[OpenItem]]:
    best = max(reading.payers.values(), default=PayerEvidence.UNKNOWN)
    if best < PayerEvidence.WEAK:
        return []
    payers = sorted(payer for payer, level in reading.payers.items() if level == best)[:MAX_WEAK_PAYERS]
    return [index.of_payer(payer, reading.currency)[:MAX_PAYER_ITEMS] for payer in payers]


def _by_sum(reading: Reading, items: Sequence[OpenItem]) -> Iterable[Draft]:
    """Sets of a payer's items by arithmetic alone, its only item, or one short by a small explained difference."""
    if not items:
        return
    solutions = solve([signed(item) for item in items], reading.gross)
    doubt = 0 if solutions.complete else MAX_SOLUTIONS
    for positions in solutions.found:
        for draft in _fit(reading, [items[at] for at in positions]):
            evidence = replace(draft.evidence, alternatives=len(solutions.found) - 1 + doubt)
            yield replace(draft, evidence=evidence)
    if len(items) == 1:
        yield from _fit(reading, items)
        return
    for item in items:
        near = 0 < signed(item) - reading.gross <= signed(item) * MAX_TYPICAL_FEE_BASIS_POINTS // BASIS_POINTS
        for draft in _fit(reading, [item]) if near else ():
            if draft.evidence.amount in (AmountEvidence.ROUNDING, AmountEvidence.TYPICAL_FEE):
                yield draft


def _fit(reading: Reading, items: Sequence[OpenItem], *, whole_groups: bool = False) -> list[Draft]:
    """Set the receipt against exactly these items and explain the difference; nothing if no cash would be used."""
    ordered = sorted(items, key=lambda item: (item.due_on, item.item_id))
    total = sum(signed(item) for item in ordered)
    if not 0 < total <= MAX_MINOR or reading.gross <= 0:
        return []
    difference = explain_difference(
        short=total - reading.gross,
        total=total,
        items=len(ordered),
        currency=reading.currency,
        early=reading.receipt.received_on <= min(item.due_on for item in ordered),
    )
    shares = tuple((item, item.open_amount.minor) for item in ordered)
    if difference.evidence is AmountEvidence.PARTIAL:
        shares = _share_out(ordered, reading.gross)
    used = [item for item, _ in shares]
    reference, inferred = _reference(reading, used, whole_groups=whole_groups)
    evidence = Evidence(
        reference=reference,
        inferred=inferred,
        amount=difference.evidence,
        payer=min(reading.payer_of(item) for item in used),
        items=len(used),
        left_out=_left_out(reading, used),
        not_yet_issued=any(item.issued_on > reading.receipt.received_on for item in used),
    )
    draft = Draft(
        explanation=difference.explanation or _call(used, evidence),
        shares=shares,
        residual_kind=difference.kind,
        residual=difference.minor,
        unapplied=max(0, reading.gross - total) if difference.kind is None else 0,
        evidence=evidence,
    )
    return [draft]


def _call(items: Sequence[OpenItem], evidence: Evidence) -> Explanation:
    if any(item.kind is DocumentKind.CREDIT_NOTE for item in items):
        return Explanation.CREDIT_OFFSET
    if len(items) == 1 and evidence.amount is AmountEvidence.EXACT:
        return Explanation.EXACT
    return Explanation.REFERENCES if evidence.reference > ReferenceEvidence.NONE else Explanation.SUBSET


def _share_out(items: Sequence[OpenItem], gross: int) -> tuple[tuple[OpenItem, int], ...]:
    """Set money that is too little against the earliest due first; credit notes add to it."""
    credit = [item for item in items if item.kind is DocumentKind.CREDIT_NOTE]
    rest = gross + sum(item.open_amount.minor for item in credit)
    shares = [(item, item.open_amount.minor) for item in credit]
    for item in items:
        share = min(rest, item.open_amount.minor)
        if item.kind is DocumentKind.INVOICE and share > 0:
            shares.append((item, share))
            rest -= share
    return tuple(shares)


def _reference(reading: Reading, items: Sequence[OpenItem], *, whole_groups: bool) -> tuple[ReferenceEvidence, int]:
    """Return the weakest evidence among the items named, and how many are not named."""
    if all(item.item_id in reading.hints for item in items):
        return ReferenceEvidence.HINT, 0
    named = [reading.levels[item.item_id] for item in items if item.item_id in reading.levels]
    weakest = min(named, default=ReferenceEvidence.NONE)
    if whole_groups and weakest is ReferenceEvidence.WEAK:
        weakest = ReferenceEvidence.EXACT
    return weakest, len(items) - len(named) if named else 0


def _left_out(reading: Reading, items: Sequence[OpenItem]) -> int:
    """Count what the payer named exactly and the set ignores, items that are paid already included."""
    if reading.hints:
        return 0
    used = {item.item_id for item in items}
    exact = (item_id for item_id, level in reading.levels.items() if level is ReferenceEvidence.EXACT)
    return sum(item_id not in used for item_id in exact) + len(reading.closed)
