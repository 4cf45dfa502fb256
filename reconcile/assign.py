"""Receipts compete for items: each item is spent once, and the answer does not depend on the order of arrival."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from receivables.allocation import Explanation
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Draft
from reconcile.likelihood import AmountEvidence, log_sum, probabilities
from reconcile.residual import Difference, explain_difference

MAX_EXACT_RECEIPTS = 12  # a component of more receipts is assigned greedily, best first, and then improved
MAX_NODES = 20_000
MAX_JOINT_RECEIPTS = 12
MAX_JOINT_OPTIONS = 4  # of each receipt, looked at for parts
MAX_DOUBT_ROUNDS = 3
RIVALRY = 4.0  # by so much likelihood one of two claims is ahead e to one: between receipts the model is too sure
LOG_JOINT = 8.0  # that parts add up to the cent is about as telling as an exact amount
_JOINT_AMOUNTS = frozenset({AmountEvidence.EXACT, AmountEvidence.ROUNDING, AmountEvidence.TYPICAL_FEE})


@dataclass(frozen=True, slots=True)
class Claim:
    """One receipt's explanations, best first, and what the receipt is worth in minor units.

    `unrelated` is the likelihood that it pays nothing here, `otherwise` that no explanation found is true.
    """

    gross: int
    options: tuple[Draft, ...]
    unrelated: float
    otherwise: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The explanation chosen for a receipt, if any, and the probability of each of its options."""

    pick: Draft | None
    chances: tuple[float, ...]

    def chance_of(self, options: Sequence[Draft]) -> float:
        """The probability of the pick; 0.0 for none."""
        if self.pick is None:
            return 0.0
        return next((c for draft, c in zip(options, self.chances, strict=True) if draft.rows == self.pick.rows), 0.0)


def join_instalments(claims: Sequence[Claim], index: OpenItemIndex) -> list[Claim]:
    """Recognise receipts that pay one item together: parts whose sum is the open amount, or differs from it by a
    rounding or a typical bank fee, are instalments with exact evidence. The last of them carries the difference.
    """
    parts: defaultdict[int, list[int]] = defaultdict(list)
    for at, claim in enumerate(claims):
        for draft in claim.options[:MAX_JOINT_OPTIONS]:
            if _is_part(draft):
                parts[draft.shares[0][0]].append(at)
    joined = list(claims)
    for row in sorted(parts, key=index.item_id):
        members = parts[row]
        if not 2 <= len(members) <= MAX_JOINT_RECEIPTS:
            continue
        together = _together(row, [claims[at].gross for at in members], index)
        if together.evidence in _JOINT_AMOUNTS:
            for at in members:
                joined[at] = _as_instalment(joined[at], row, together if at == members[-1] else None, index)
    return joined


def _is_part(draft: Draft) -> bool:
    return len(draft.shares) == 1 and draft.evidence.amount is AmountEvidence.PARTIAL


def _together(row: int, parts: Sequence[int], index: OpenItemIndex) -> Difference:
    total = index.signed[row]
    currency = index.currency_name(index.currency[row])
    return explain_difference(short=total - sum(parts), total=total, items=1, currency=currency, early=False)


def _as_instalment(claim: Claim, row: int, last: Difference | None, index: OpenItemIndex) -> Claim:
    options = []
    for draft in claim.options:
        if not (_is_part(draft) and draft.shares[0][0] == row):
            options.append(draft)
            continue
        share = draft.shares[0][1]
        part = replace(
            draft,
            explanation=Explanation.INSTALMENT,
            evidence=replace(draft.evidence, amount=AmountEvidence.JOINT),
            likelihood=round(draft.likelihood + LOG_JOINT, 6),
        )
        if last is not None and last.kind is not None:
            part = replace(part, shares=((row, share + last.minor),), residual_kind=last.kind, residual=last.minor)
        options.append(part)
    options.sort(key=lambda draft: draft.order(index))
    return replace(claim, options=tuple(options))


def assign(claims: Sequence[Claim], index: OpenItemIndex) -> list[Choice]:
    """Choose one explanation, or none, for each receipt so that no item is over-allocated and likelihood is greatest.

    Receipts that want the same scarce item form a component. A component of at most MAX_EXACT_RECEIPTS is searched by
    branch and bound (at most MAX_NODES steps, from the greedy answer); larger ones are assigned greedily. `claims`
    must come in an order that does not depend on arrival. The chances of each receipt's options take into account what
    other receipts would rather pay.
    """
    scarce = _scarce(claims, index)
    picks: list[Draft | None] = [claim.options[0] if _is_worth_it(claim) else None for claim in claims]
    chances = [tuple(_chances(claim, [0.0] * len(claim.options))) for claim in claims]
    for component in _components(claims, scarce):
        members = [claims[at] for at in component]
        solved = _solve(members, index)
        _first_come(members, solved)
        for at, pick in zip(component, solved, strict=True):
            picks[at] = pick
        for at, chance in zip(component, _contested(members, index), strict=True):
            chances[at] = chance
        rivals = _rivals(members)
        for place, at in enumerate(component):
            chances[at] = _doubted(place, picks[at], members, rivals, chances=chances[at], index=index)
    picks = _break_up_instalments(claims, picks)
    return [Choice(pick, chance) for pick, chance in zip(picks, chances, strict=True)]


def _is_worth_it(claim: Claim) -> bool:
    return log_sum([draft.likelihood for draft in claim.options]) > claim.unrelated


def _chances(claim: Claim, penalties: Sequence[float]) -> list[float]:
    likelihoods = [draft.likelihood + p for draft, p in zip(claim.options, penalties, strict=True)]
    return probabilities(likelihoods, otherwise=claim.otherwise)


def _contested(members: Sequence[Claim], index: OpenItemIndex) -> list[tuple[float, ...]]:
    """The chances where receipts compete: an option counts as far as others leave its items (mean field, few rounds).

    Of two receipts of the same amount the earlier is served first: the later one does not count against it.
    """
    chances = [_chances(claim, [0.0] * len(claim.options)) for claim in members]
    for _ in range(MAX_DOUBT_ROUNDS):
        shares = [_wanted(claim, chance, index) for claim, chance in zip(members, chances, strict=True)]
        wanted: defaultdict[int, float] = defaultdict(float)
        later: defaultdict[tuple[int, int], float] = defaultdict(float)
        for claim, mine in zip(members, shares, strict=True):
            for row, part in mine.items():
                wanted[row] += part
                later[row, claim.gross] += part
        chances = []
        for claim, mine in zip(members, shares, strict=True):
            for row, part in mine.items():
                later[row, claim.gross] -= part
            others = {row: wanted[row] - mine[row] - later[row, claim.gross] for row in mine}
            chances.append(_chances(claim, [_log_left(draft, others, index) for draft in claim.options]))
    return [tuple(chance) for chance in chances]


def _rivals(members: Sequence[Claim]) -> dict[int, list[int]]:
    """The places of the receipts that would rather pay each row than anything else."""
    rivals: defaultdict[int, list[int]] = defaultdict(list)
    for place, claim in enumerate(members):
        if claim.options and claim.options[0].likelihood > claim.otherwise:
            for row in claim.options[0].rows:
                rivals[row].append(place)
    return rivals


def _doubted(
    place: int,
    pick: Draft | None,
    members: Sequence[Claim],
    rivals: Mapping[int, Sequence[int]],
    *,
    chances: tuple[float, ...],
    index: OpenItemIndex,
) -> tuple[float, ...]:
    """Take off the pick's chance where another receipt claims its items about as well: one of the two is mistaken.

    A later receipt of the same amount is no rival: whichever of the two is applied, the ledger ends the same.
    """
    if pick is None:
        return chances
    claim, most = members[place], 1.0
    for other in {other for row in pick.rows for other in rivals.get(row, ())}:
        rival, draft = members[other], members[other].options[0]
        if other == place or (rival.gross == claim.gross and other > place):
            continue
        if _collide(pick, draft, index):
            ahead = (pick.likelihood - claim.otherwise) - (draft.likelihood - rival.otherwise)
            most = min(most, 1 / (1 + math.exp(-ahead / RIVALRY)))
    capped = (min(c, most) if d.rows == pick.rows else c for d, c in zip(claim.options, chances, strict=True))
    return tuple(capped)


def _collide(one: Draft, other: Draft, index: OpenItemIndex) -> bool:
    used: defaultdict[int, int] = defaultdict(int)
    _take(one, used, 1)
    return not _fits(other, used, index)


def _wanted(claim: Claim, chances: Sequence[float], index: OpenItemIndex) -> dict[int, float]:
    """How much of each row a receipt would take, from 0 to 1, by the chances of its options."""
    mine: defaultdict[int, float] = defaultdict(float)
    for draft, chance in zip(claim.options, chances, strict=True):
        for row, minor in draft.shares:
            mine[row] += chance * minor / abs(index.signed[row])
    return mine


def _log_left(draft: Draft, others: Mapping[int, float], index: OpenItemIndex) -> float:
    """The logarithm of the chance that other receipts leave what this option takes."""
    log = 0.0
    for row, minor in draft.shares:
        room = 1.0 - minor / abs(index.signed[row])
        log += math.log(max(1e-6, 1.0 - max(0.0, others[row] - room)))
    return log


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


def _break_up_instalments(claims: Sequence[Claim], chosen: Sequence[Draft | None]) -> list[Draft | None]:
    """Call instalments parts again where one of them went elsewhere: together they no longer pay the item."""
    missing = {
        row
        for claim, pick in zip(claims, chosen, strict=True)
        for draft in claim.options
        for row in draft.rows
        if draft.evidence.amount is AmountEvidence.JOINT and (pick is None or pick.rows != draft.rows)
    }
    return [_as_part(pick, missing, claim.gross) for claim, pick in zip(claims, chosen, strict=True)]


def _as_part(pick: Draft | None, missing: set[int], gross: int) -> Draft | None:
    if pick is None or pick.evidence.amount is not AmountEvidence.JOINT or not pick.rows <= missing:
        return pick
    ((row, share),) = pick.shares
    share = min(share, gross)
    return replace(
        pick,
        explanation=Explanation.PARTIAL,
        shares=((row, share),),
        residual_kind=None,
        residual=0,
        unapplied=gross - share,
        evidence=replace(pick.evidence, amount=AmountEvidence.PARTIAL),
    )


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
        if picks[at] is None and _fits(draft, used, index):
            picks[at] = draft
            _take(draft, used, 1)
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
            if _gain(claims[at], draft) > 0 and _fits(draft, used, index):
                _take(draft, used, 1)
                picks[at] = draft
                visit(at + 1, gain + _gain(claims[at], draft))
                _take(draft, used, -1)
        picks[at] = None
        visit(at + 1, gain)

    visit(0, 0.0)
    return best


def _fits(draft: Draft, used: Mapping[int, int], index: OpenItemIndex) -> bool:
    return all(used.get(row, 0) + share <= abs(index.signed[row]) for row, share in draft.shares)


def _take(draft: Draft, used: defaultdict[int, int], sign: int) -> None:
    for row, share in draft.shares:
        used[row] += sign * share
