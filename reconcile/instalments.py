"""Receipts that pay one item together: recognised where their sum says so, and broken up where one goes elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from receivables.allocation import Explanation
from receivables.money import exponent
from reconcile.candidates import OpenItemIndex
from reconcile.draft import Claim, Draft
from reconcile.likelihood import AmountEvidence
from reconcile.residual import Difference, explain_difference

MAX_JOINT_RECEIPTS: Final = 12
MAX_JOINT_OPTIONS: Final = 4  # of each receipt, looked at for parts
LOG_JOINT: Final = 8.0  # that parts add up to the cent is about as telling as an exact amount
_JOINT_AMOUNTS: Final = frozenset({AmountEvidence.EXACT, AmountEvidence.ROUNDING, AmountEvidence.TYPICAL_FEE})


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
    unit = 10 ** exponent(index.currency_name(index.currency[row]))
    return explain_difference(short=total - sum(parts), total=total, items=1, unit=unit, early=False)


def _as_instalment(claim: Claim, row: int, last: Difference | None, index: OpenItemIndex) -> Claim:
    options = []
    for draft in claim.options:
        if not (_is_part(draft) and draft.shares[0][0] == row):
            options.append(draft)
            continue
        share = draft.shares[0][1]
        part = draft._replace(
            explanation=Explanation.INSTALMENT,
            evidence=draft.evidence._replace(amount=AmountEvidence.JOINT),
            likelihood=round(draft.likelihood + LOG_JOINT, 6),
        )
        if last is not None and last.kind is not None:
            part = part._replace(shares=((row, share + last.minor),), residual_kind=last.kind, residual=last.minor)
        options.append(part)
    options.sort(key=lambda draft: draft.order(index))
    return replace(claim, options=tuple(options))


def break_up_instalments(claims: Sequence[Claim], chosen: Sequence[Draft | None]) -> list[Draft | None]:
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
    return pick._replace(
        explanation=Explanation.PARTIAL,
        shares=((row, share),),
        residual_kind=None,
        residual=0,
        unapplied=gross - share,
        evidence=pick.evidence._replace(amount=AmountEvidence.PARTIAL),
    )
