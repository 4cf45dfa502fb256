"""One explanation of a receipt before it becomes a proposal, and the order among several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from receivables.allocation import Explanation, ResidualKind
from reconcile.candidates import OpenItemIndex
from reconcile.likelihood import Evidence

MAX_NEAR = 64  # about equally good ones kept, so that as many identical receipts find an item each
NEAR = 4.0
MAX_HYPOTHESES = 8  # kept a receipt
HOPELESS = -6.0  # below what pure chance gives; nobody is helped by a suggestion


@dataclass(frozen=True, slots=True)
class Draft:
    """One explanation in minor units. `shares` are rows with positive amounts; a credit note's offsets the others.

    `likelihood` compares it with pure chance (`reconcile.likelihood`).
    """

    explanation: Explanation
    shares: tuple[tuple[int, int], ...]
    residual_kind: ResidualKind | None
    residual: int
    unapplied: int
    evidence: Evidence
    likelihood: float

    @property
    def rows(self) -> frozenset[int]:
        """The rows it touches."""
        return frozenset(row for row, _ in self.shares)

    def order(self, index: OpenItemIndex) -> tuple[float, int, str, tuple[str, ...]]:
        """Sorts the likeliest first, then the earlier due, and never leaves two sets in doubt."""
        due = max(index.due[row] for row, _ in self.shares)
        return (-self.likelihood, due, self.explanation, tuple(sorted(index.item_id(row) for row in self.rows)))


def ranked(found: Iterable[Draft], index: OpenItemIndex) -> list[Draft]:
    """Keep the best draft of each item set, drop the hopeless, and order them, the likeliest first."""
    best: dict[frozenset[int], Draft] = {}
    for draft in found:
        if draft.likelihood < HOPELESS:
            continue
        rows = draft.rows
        held = best.get(rows)
        if held is None or draft.likelihood > held.likelihood:
            best[rows] = draft
    ordered = sorted(best.values(), key=lambda draft: draft.order(index))
    near = sum(draft.likelihood >= ordered[0].likelihood - NEAR for draft in ordered)
    return ordered[: max(MAX_HYPOTHESES, min(MAX_NEAR, near))]
