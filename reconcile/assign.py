"""Receipts compete for items: each item is spent once, and the answer does not depend on the order of arrival."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from reconcile.candidates import OpenItemIndex
from reconcile.contest import chances_alone, chances_together
from reconcile.draft import Claim, Draft, fits, spend
from reconcile.instalments import break_up_instalments
from reconcile.likelihood import log_sum

MAX_EXACT_RECEIPTS: Final = 12  # a component of more receipts is assigned greedily, best first, and then improved
MAX_NODES: Final = 20_000


class Choice(NamedTuple):
    """The explanation chosen for a receipt, if any, its probability (0.0 for none), and that of each option."""

    pick: Draft | None
    chance: float
    chances: tuple[float, ...]


def assign(claims: Sequence[Claim], index: OpenItemIndex) -> list[Choice]:
    """Choose one explanation, or none, for each receipt so that no item is over-allocated and likelihood is greatest.

    Receipts that want the same scarce item form a component. A component of at most MAX_EXACT_RECEIPTS is searched by
    branch and bound (at most MAX_NODES steps, from the greedy answer); larger ones are assigned greedily. `claims`
    must come in an order that does not depend on arrival. The chances of each receipt's options take into account what
    other receipts would rather pay.
    """
    scarce = _scarce(claims, index)
    picks: list[Draft | None] = [claim.options[0] if _is_worth_it(claim) else None for claim in claims]
    chances = [tuple(chances_alone(claim)) for claim in claims]
    for component in _components(claims, scarce):
        members = [claims[at] for at in component]
        solved = _solve(members, index)
        _first_come(members, solved)
        for at, pick in zip(component, solved, strict=True):
            picks[at] = pick
        for at, chance in zip(component, chances_together(members, solved, index), strict=True):
            chances[at] = chance
    picks = break_up_instalments(claims, picks)
    return [_choice(claim, pick, each) for claim, pick, each in zip(claims, picks, chances, strict=True)]


def _choice(claim: Claim, pick: Draft | None, chances: tuple[float, ...]) -> Choice:
    for draft, chance in zip(claim.options, chances, strict=True):
        if pick is not None and draft.rows == pick.rows:
            return Choice(pick, chance, chances)
    return Choice(pick, 0.0, chances)


def _is_worth_it(claim: Claim) -> bool:
    return log_sum([draft.likelihood for draft in claim.options]) > claim.unrelated


def _first_come(claims: Sequence[Claim], picks: list[Draft | None]) -> None:
    """Where two receipts of the same amount were meant for the same items, the earlier pays them."""
    for at, claim in enumerate(claims):
        if picks[at] is not None or not _is_worth_it(claim):
            continue
        wanted = claim.options[0]
        for later in range(at + 1, len(claims)):
            pick = picks[later]
            if pick is not None and pick.shares == wanted.shares and claims[later].gross == claim.gross:
                picks[at], picks[later] = wanted, None
                break


def _scarce(claims: Sequence[Claim], index: OpenItemIndex) -> set[int]:
    wanted: defaultdict[int, int] = defaultdict(int)
    for claim in claims:
        most: dict[int, int] = {}
        for draft in claim.options:
            for row, share in draft.shares:
                most[row] = max(most.get(row, 0), share)
        for row, share in most.items():
            wanted[row] += share
    return {row for row, total in wanted.items() if total > abs(index.signed[row])}


def _components(claims: Sequence[Claim], scarce: set[int]) -> list[list[int]]:
    parent = list(range(len(claims)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[int, int] = {}
    for at, claim in enumerate(claims):
        for row in {row for draft in claim.options for row in draft.rows & scarce}:
            parent[root(at)] = root(first.setdefault(row, at))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for at in range(len(claims)):
        groups[root(at)].append(at)
    return [members for members in groups.values() if len(members) > 1]


def _solve(claims: Sequence[Claim], index: OpenItemIndex) -> list[Draft | None]:
    best = _greedy(claims, index)
    return _branch_and_bound(claims, best, index) if len(claims) <= MAX_EXACT_RECEIPTS else best


def _gain(claim: Claim, draft: Draft) -> float:
    return draft.likelihood - claim.unrelated


def _greedy(claims: Sequence[Claim], index: OpenItemIndex) -> list[Draft | None]:
    used: defaultdict[int, int] = defaultdict(int)
    picks: list[Draft | None] = [None] * len(claims)
    ranked = [
        (-_gain(claim, draft), at, place, draft)
        for at, claim in enumerate(claims)
        for place, draft in enumerate(claim.options)
        if _gain(claim, draft) > 0
    ]
    for _, at, _, draft in sorted(ranked, key=lambda entry: entry[:3]):
        if picks[at] is None and fits(draft, used, index):
            picks[at] = draft
            spend(draft, used, 1)
    return picks


def _branch_and_bound(claims: Sequence[Claim], start: list[Draft | None], index: OpenItemIndex) -> list[Draft | None]:
    best = list(start)
    best_gain = sum(_gain(claim, pick) for claim, pick in zip(claims, start, strict=True) if pick is not None)
    reach = [0.0] * (len(claims) + 1)  # the most that the receipts from here on could still add
    for at in range(len(claims) - 1, -1, -1):
        reach[at] = reach[at + 1] + max((_gain(claims[at], draft) for draft in claims[at].options[:1]), default=0.0)
        reach[at] = max(reach[at], reach[at + 1])
    used: defaultdict[int, int] = defaultdict(int)
    picks: list[Draft | None] = [None] * len(claims)
    nodes = 0

    def visit(at: int, gain: float) -> None:
        nonlocal best, best_gain, nodes
        nodes += 1
        if nodes > MAX_NODES or gain + reach[at] <= best_gain + 1e-9:
            return
        if at == len(claims):
            best, best_gain = list(picks), gain
            return
        for draft in claims[at].options:
            if _gain(claims[at], draft) > 0 and fits(draft, used, index):
                spend(draft, used, 1)
                picks[at] = draft
                visit(at + 1, gain + _gain(claims[at], draft))
                spend(draft, used, -1)
        picks[at] = None
        visit(at + 1, gain)

    visit(0, 0.0)
    return best
