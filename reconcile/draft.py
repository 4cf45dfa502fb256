"""One explanation of a receipt before it becomes a proposal, and the order among several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from receivables.allocation import Explanation, ResidualKind
from receivables.document import DocumentKind
from receivables.open_item import OpenItem
from reconcile.score import MIN_POINTS, NEAR_TIE_POINTS, Evidence

MAX_TIED = 64  # equally good ones kept, so that as many identical receipts find an item each
MAX_HYPOTHESES = 8  # kept a receipt


@dataclass(frozen=True, slots=True)
class Draft:
    """One explanation in minor units. `shares` are positive; a credit note's share offsets the others."""

    explanation: Explanation
    shares: tuple[tuple[OpenItem, int], ...]
    residual_kind: ResidualKind | None
    residual: int
    unapplied: int
    evidence: Evidence

    @property
    def item_ids(self) -> frozenset[str]:
        """The items it touches."""
        return frozenset(item.item_id for item, _ in self.shares)

    @property
    def order(self) -> tuple[float, int, str, tuple[str, ...]]:
        """Sorts the likeliest first, then the earlier due, and never leaves two sets in doubt."""
        due = max(item.due_on for item, _ in self.shares)
        return (-self.evidence.points, due.toordinal(), self.explanation, tuple(sorted(self.item_ids)))


def signed(item: OpenItem) -> int:
    """The open amount in minor units, negative for a credit note."""
    minor = item.open_amount.minor
    return -minor if item.kind is DocumentKind.CREDIT_NOTE else minor


def ranked(found: Iterable[Draft]) -> list[Draft]:
    """Keep the best draft of each item set, drop the hopeless, and count for each how many others come near it."""
    best: dict[frozenset[str], Draft] = {}
    for draft in found:
        held = best.get(draft.item_ids)
        if held is None or draft.order < held.order:
            best[draft.item_ids] = draft
    ordered = sorted((d for d in best.values() if d.evidence.points >= MIN_POINTS), key=lambda d: d.order)
    kept: list[Draft] = []
    tied = [draft for draft in ordered if draft.evidence.points == ordered[0].evidence.points]
    for draft in ordered[: max(MAX_HYPOTHESES, min(MAX_TIED, len(tied)))]:
        least = draft.evidence.points - NEAR_TIE_POINTS
        near = sum(other.evidence.points >= least for other in ordered) - 1
        alternatives = max(draft.evidence.alternatives, near)
        kept.append(replace(draft, evidence=replace(draft.evidence, alternatives=alternatives)))
    return kept
