"""Receipts compete for items: each item is spent once, and the answer does not depend on the order of arrival."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from receivables.allocation import Explanation
from receivables.open_item import OpenItem
from reconcile.draft import Draft
from reconcile.residual import Difference, explain_difference
from reconcile.score import NEAR_TIE_POINTS, AmountEvidence

MAX_EXACT_RECEIPTS = 12  # a component of more receipts is assigned greedily, best points first
MAX_NODES = 20_000
MAX_JOINT_RECEIPTS = 12
MAX_RIVALS = 3  # more say nothing new: the case is ambiguous
_JOINT_AMOUNTS = frozenset({AmountEvidence.EXACT, AmountEvidence.ROUNDING, AmountEvidence.TYPICAL_FEE})


@dataclass(frozen=True, slots=True)
class Claim:
    """One receipt's explanations, best first, and what the receipt is worth in minor units."""

    gross: int
    options: tuple[Draft, ...]


def join_instalments(claims: Sequence[Claim]) -> list[Claim]:
    """Recognise receipts that pay one item together: parts whose sum is the open amount, or differs from it by a
    rounding or a typical bank fee, are instalments with exact evidence. The last of them carries the difference.
    """
    parts: defaultdict[str, list[int]] = defaultdict(list)
    items: dict[str, OpenItem] = {}
    for at, claim in enumerate(claims):
        if claim.options and _is_part(claim.options[0]):
            item = claim.options[0].shares[0][0]
            parts[item.item_id].append(at)
            items[item.item_id] = item
    joined = list(claims)
    for item_id, members in parts.items():
        if not 2 <= len(members) <= MAX_JOINT_RECEIPTS:
            continue
        together = _difference(items[item_id], [claims[at].gross for at in members])
        if together.evidence in _JOINT_AMOUNTS:
            for at in members:
                joined[at] = _as_instalment(claims[at], together if at == members[-1] else None)
    return joined


def _is_part(draft: Draft) -> bool:
    return len(draft.shares) == 1 and draft.evidence.amount is AmountEvidence.PARTIAL


def _difference(item: OpenItem, parts: Sequence[int]) -> Difference:
    total = item.open_amount
    return explain_difference(
        short=total.minor - sum(parts), total=total.minor, items=1, currency=total.currency, early=False
    )


def _as_instalment(claim: Claim, last: Difference | None) -> Claim:
    first, *rest = claim.options
    evidence = replace(first.evidence, amount=AmountEvidence.JOINT, alternatives=0)
    near = sum(other.evidence.points >= evidence.points - NEAR_TIE_POINTS for other in rest)
    first = replace(first, explanation=Explanation.INSTALMENT, evidence=replace(evidence, alternatives=near))
    if last is not None and last.kind is not None:
        item, share = first.shares[0]
        first = replace(first, shares=((item, share + last.minor),), residual_kind=last.kind, residual=last.minor)
    return replace(claim, options=(first, *rest))


def assign(claims: Sequence[Claim]) -> list[Draft | None]:
    """Choose one explanation, or none, for each receipt so that no item is over-allocated and points are greatest.

    Receipts that want the same scarce item form a component. A component of at most MAX_EXACT_RECEIPTS is searched by
    branch and bound (at most MAX_NODES steps, from the greedy answer); larger ones are assigned greedily. `claims`
    must come in an order that does not depend on arrival. A choice that another receipt could claim about as well is
    marked ambiguous.
    """
    scarce = _scarce(claims)
    chosen: list[Draft | None] = [claim.options[0] if claim.options else None for claim in claims]
    for component in _components(claims, scarce):
        picks = _solve([claims[at].options for at in component])
        for at, pick in zip(component, picks, strict=True):
            chosen[at] = pick
        for at in component:
            chosen[at] = _with_rivals(chosen[at], at, [(o, claims[o]) for o in component], claims[at].gross)
    return _break_up_instalments(claims, chosen)


def _break_up_instalments(claims: Sequence[Claim], chosen: Sequence[Draft | None]) -> list[Draft | None]:
    """Call instalments parts again where one of them went elsewhere: together they no longer pay the item."""
    missing = {
        item_id
        for claim, pick in zip(claims, chosen, strict=True)
        for draft in claim.options[:1]
        for item_id in draft.item_ids
        if draft.evidence.amount is AmountEvidence.JOINT and (pick is None or pick.item_ids != draft.item_ids)
    }
    return [_as_part(pick, missing, claim.gross) for claim, pick in zip(claims, chosen, strict=True)]


def _as_part(pick: Draft | None, missing: set[str], gross: int) -> Draft | None:
    if pick is None or pick.evidence.amount is not AmountEvidence.JOINT or not pick.item_ids <= missing:
        return pick
    ((item, share),) = pick.shares
    share = min(share, gross)
    return replace(
        pick,
        explanation=Explanation.PARTIAL,
        shares=((item, share),),
        residual_kind=None,
        residual=0,
        unapplied=gross - share,
        evidence=replace(pick.evidence, amount=AmountEvidence.PARTIAL),
    )


def _scarce(claims: Sequence[Claim]) -> set[str]:
    wanted: defaultdict[str, int] = defaultdict(int)
    opened: dict[str, int] = {}
    for claim in claims:
        most: dict[str, int] = {}
        for draft in claim.options:
            for item, share in draft.shares:
                most[item.item_id] = max(most.get(item.item_id, 0), share)
                opened[item.item_id] = item.open_amount.minor
        for item_id, share in most.items():
            wanted[item_id] += share
    return {item_id for item_id, total in wanted.items() if total > opened[item_id]}


def _components(claims: Sequence[Claim], scarce: set[str]) -> list[list[int]]:
    parent = list(range(len(claims)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[str, int] = {}
    for at, claim in enumerate(claims):
        for item_id in {item_id for draft in claim.options for item_id in draft.item_ids & scarce}:
            parent[root(at)] = root(first.setdefault(item_id, at))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for at in range(len(claims)):
        groups[root(at)].append(at)
    return [members for members in groups.values() if len(members) > 1]


def _solve(options: Sequence[Sequence[Draft]]) -> list[Draft | None]:
    best = _greedy(options)
    return _branch_and_bound(options, best) if len(options) <= MAX_EXACT_RECEIPTS else best


def _greedy(options: Sequence[Sequence[Draft]]) -> list[Draft | None]:
    used: defaultdict[str, int] = defaultdict(int)
    picks: list[Draft | None] = [None] * len(options)
    ranked = [(draft.evidence.points, at, draft) for at, drafts in enumerate(options) for draft in drafts]
    for _, at, draft in sorted(ranked, key=lambda entry: (-entry[0], entry[1], entry[2].order)):
        if picks[at] is None and _fits(draft, used):
            picks[at] = draft
            _take(draft, used, 1)
    return picks


def _branch_and_bound(options: Sequence[Sequence[Draft]], start: list[Draft | None]) -> list[Draft | None]:
    best = list(start)
    best_points = sum(pick.evidence.points for pick in start if pick is not None)
    reach = [0.0] * (len(options) + 1)  # the most points that the receipts from here on could still add
    for at in range(len(options) - 1, -1, -1):
        reach[at] = reach[at + 1] + max((draft.evidence.points for draft in options[at]), default=0.0)
    used: defaultdict[str, int] = defaultdict(int)
    picks: list[Draft | None] = [None] * len(options)
    nodes = 0

    def visit(at: int, points: float) -> None:
        nonlocal best, best_points, nodes
        nodes += 1
        if nodes > MAX_NODES or points + reach[at] <= best_points:
            return
        if at == len(options):
            best, best_points = list(picks), points
            return
        for draft in options[at]:
            if _fits(draft, used):
                _take(draft, used, 1)
                picks[at] = draft
                visit(at + 1, points + draft.evidence.points)
                _take(draft, used, -1)
        picks[at] = None
        visit(at + 1, points)

    visit(0, 0.0)
    return best


def _fits(draft: Draft, used: dict[str, int]) -> bool:
    return all(used.get(item.item_id, 0) + share <= item.open_amount.minor for item, share in draft.shares)


def _take(draft: Draft, used: defaultdict[str, int], sign: int) -> None:
    for item, share in draft.shares:
        used[item.item_id] += sign * share


def _with_rivals(pick: Draft | None, at: int, component: Sequence[tuple[int, Claim]], gross: int) -> Draft | None:
    """Count other receipts that claim the same items about as well and do not fit beside the pick.

    Equal proof for equal money is no rival: whichever of the two is applied, the ledger ends the same.
    """
    if pick is None:
        return None
    rivals = 0
    for other, claim in component:
        for draft in claim.options if other != at else ():
            same = draft.evidence.is_proof and draft.evidence == pick.evidence and claim.gross == gross
            near = draft.evidence.points >= pick.evidence.points - NEAR_TIE_POINTS
            if near and not same and _collide(pick, draft):
                rivals += 1
                break
        if rivals == MAX_RIVALS:
            break
    evidence = replace(pick.evidence, alternatives=pick.evidence.alternatives + rivals)
    return replace(pick, evidence=evidence)


def _collide(one: Draft, other: Draft) -> bool:
    used: defaultdict[str, int] = defaultdict(int)
    _take(one, used, 1)
    return not _fits(other, used)
