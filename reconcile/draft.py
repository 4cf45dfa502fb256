"""One explanation of a receipt before it becomes a proposal, all of them together, and the order among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from receivables.allocation import Explanation, ResidualKind
from reconcile.candidates import OpenItemIndex
from reconcile.likelihood import Evidence

MAX_NEAR: Final = 64  # about equally good ones kept, so that as many identical receipts find an item each
NEAR: Final = 4.0
MAX_HYPOTHESES: Final = 8  # kept a receipt
HOPELESS: Final = -6.0  # below what pure chance gives; nobody is helped by a suggestion


class Draft(NamedTuple):
    """One explanation in minor units. `shares` are rows with positive amounts; a credit note's offsets the others.

    `rows` are those of the shares; `likelihood` compares it with pure chance (`reconcile.likelihood`).
    """

    explanation: Explanation
    rows: frozenset[int]
    shares: tuple[tuple[int, int], ...]
    residual_kind: ResidualKind | None
    residual: int
    unapplied: int
    evidence: Evidence
    likelihood: float

    def order(self, index: OpenItemIndex) -> tuple[float, int, str, tuple[str, ...]]:
        """Sorts the likeliest first, then the earlier due, and never leaves two sets in doubt."""
        due = max(index.due[row] for row, _ in self.shares)
        return (-self.likelihood, due, self.explanation, tuple(sorted(index.item_id(row) for row in self.rows)))


@dataclass(frozen=True, slots=True)
class Claim:
    """One receipt's explanations, best first, and what the receipt is worth in minor units.

    `unrelated` is the likelihood that it pays nothing here, `otherwise` that no explanation found is true.
    """

    gross: int
    options: tuple[Draft, ...]
    unrelated: float
    otherwise: float


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
    ordered = list(best.values())
    if len(ordered) > 1:
        ordered.sort(key=lambda draft: draft.order(index))
    near = sum(draft.likelihood >= ordered[0].likelihood - NEAR for draft in ordered)
    return ordered[: max(MAX_HYPOTHESES, min(MAX_NEAR, near))]


def fits(draft: Draft, used: Mapping[int, int], index: OpenItemIndex) -> bool:
    """Whether what is `used` of each row leaves room for this draft."""
    return all(used.get(row, 0) + share <= abs(index.signed[row]) for row, share in draft.shares)


def spend(draft: Draft, used: defaultdict[int, int], sign: int) -> None:
    """Note what a draft takes of each row; `sign` -1 gives it back."""
    for row, share in draft.shares:
        used[row] += sign * share
