"""What a receipt's chances are worth where other receipts want the same items."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from reconcile.candidates import OpenItemIndex
from reconcile.draft import Claim, Draft, fits, spend
from reconcile.likelihood import probabilities

MAX_DOUBT_ROUNDS: Final = 3
RIVALRY: Final = 4.0  # so much more likelihood puts one claim ahead e to one: between receipts the model is too sure


def chances_alone(claim: Claim) -> list[float]:
    """The probability of each option of a receipt if it were the only one."""
    return _chances(claim, [0.0] * len(claim.options))


def chances_together(
    members: Sequence[Claim], picks: Sequence[Draft | None], index: OpenItemIndex
) -> list[tuple[float, ...]]:
    """The probabilities of the options of receipts that compete, of which each was given its pick."""
    rivals = _rivals(members)
    return [
        _doubted(place, picks[place], members, rivals, chances=chance, index=index)
        for place, chance in enumerate(_contested(members, index))
    ]


def _contested(members: Sequence[Claim], index: OpenItemIndex) -> list[tuple[float, ...]]:
    """The chances where receipts compete: an option counts as far as others leave its items (mean field, few rounds).

    Of two receipts of the same amount the earlier is served first: the later one does not count against it.
    """
    chances = [chances_alone(claim) for claim in members]
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
    spend(one, used, 1)
    return not fits(other, used, index)


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


def _chances(claim: Claim, penalties: Sequence[float]) -> list[float]:
    likelihoods = [draft.likelihood + p for draft, p in zip(claim.options, penalties, strict=True)]
    return probabilities(likelihoods, otherwise=claim.otherwise)
