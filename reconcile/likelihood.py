"""How likely it is that a receipt came about in a certain way, in natural logarithms of likelihood ratios.

Each hypothesis (a set of items, and why the cash differs) is compared with pure chance: a receipt whose text, payer and
amount have nothing to do with the open items. Its likelihood is a sum: how often such sets are paid at all, how telling
the text is (`reconcile.reference_book`), how well the payer agrees, and how well the amount does. The rates below are
those of ordinary business; what an organisation has confirmed corrects them (`reconcile.calibrate`).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final, NamedTuple

from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence

LOG_ONE_ITEM: Final = math.log(0.72)
LOG_SEVERAL: Final = math.log(0.28)
LOG_EACH_FURTHER: Final = math.log(0.55)
LOG_NATURAL_SET: Final = math.log(0.04)  # the oldest items of a payer, or all of them, rather than any set of so many
LOG_UNNAMED: Final = math.log(0.11)  # a receipt that names nothing it pays
LOG_LEFT_UNNAMED: Final = math.log(0.08)  # an item that is not named beside others that are
OLDER_FIRST: Final = 0.7  # each item is so often passed over for the next older
LOG_MORE_NAMED: Final = LOG_LEFT_UNNAMED + LOG_EACH_FURTHER  # a list of which one more item cannot be read
LOG_PART_OF_SEVERAL: Final = math.log(0.1)  # several items of which the last is paid in part
LOG_UNNAMED_CREDIT: Final = math.log(0.5)  # a credit note is taken off without a word as often as with one
LOG_CREDIT: Final = math.log(0.04)  # a credit note taken off
LOG_NOT_YET_ISSUED: Final = -3.0
LOG_SECOND_CUSTOMER: Final = math.log(0.02)  # items of customers that nothing connects
LOG_HINTED: Final = 40.0  # a trusted system named the items
LOG_PAID_BEFORE: Final = 14.0  # money that names what is paid already, and so pays nothing
LOG_UNRELATED: Final = math.log(0.03)  # money that pays nothing here
LOG_SOMETHING_ELSE: Final = math.log(0.04)  # a known payer's money for something that no hypothesis explains

LOG_ACCOUNT: Final = math.log(0.9)
LOG_OTHER_ACCOUNT: Final = math.log(0.05)  # an account that is known for somebody else
LOG_NAME: Final = math.log(0.6)
LOG_LIKE_NAME: Final = -3.5
LOG_OTHER_NAME: Final = math.log(0.03)  # a name that is another customer's
LOG_STRANGE_NAME: Final = math.log(0.12)  # a name that is nobody's
MAX_NAME: Final = 8.0  # names that agree by chance or relation are more frequent than accounts
MAX_LIKE_NAME: Final = 3.5

ROUND_PART_MAJOR: Final = 50
FEW_ITEMS: Final = 200  # below, what amounts are frequent cannot be told from the ledger
MIN_PAYERS: Final = 1_000  # strangers have more names than a small company has customers


class AmountEvidence(IntEnum):
    """How the cash and the open total agree. JOINT: several receipts together pay the item exactly;
    OFFERED: it is short by just the discount that the payer was offered for paying by then.
    """

    PARTIAL = 0
    OVER = 1
    WITHHOLDING = 2
    FEE = 3
    DISCOUNT = 4
    TYPICAL_FEE = 5
    ROUNDING = 6
    JOINT = 7
    EXACT = 8
    OFFERED = 9


_KIND_RATES: Final = {
    AmountEvidence.PARTIAL: 0.035,
    AmountEvidence.OVER: 0.02,
    AmountEvidence.WITHHOLDING: 0.015,
    AmountEvidence.FEE: 0.006,
    AmountEvidence.DISCOUNT: 0.04,
    AmountEvidence.TYPICAL_FEE: 0.06,
    AmountEvidence.ROUNDING: 0.006,
    AmountEvidence.JOINT: 0.02,
    AmountEvidence.EXACT: 0.80,
    AmountEvidence.OFFERED: 0.50,  # of those who were offered a discount and pay in time
}
_LOG_KIND: Final = {kind: math.log(rate) for kind, rate in _KIND_RATES.items()}
# The chance of just this difference among all of its kind, where its size does not matter.
_LOG_KNOWN_DIFFERENCE: Final = {
    AmountEvidence.EXACT: 0.0,
    AmountEvidence.JOINT: 0.0,
    AmountEvidence.OFFERED: 0.0,
    AmountEvidence.ROUNDING: -math.log(10),
    AmountEvidence.DISCOUNT: -math.log(5),
    AmountEvidence.WITHHOLDING: -math.log(5),
}
_LOG_ROUND_FEE: Final = math.log(0.6 / 40)
_SIMPLE_PARTS: Final = ((2, 1), (3, 1), (3, 2), (4, 1), (4, 3))
_LOG_SIMPLE_PART: Final = math.log(0.4 / len(_SIMPLE_PARTS))
PROOF_AMOUNTS: Final = frozenset(
    {
        AmountEvidence.EXACT,
        AmountEvidence.OFFERED,
        AmountEvidence.JOINT,
        AmountEvidence.ROUNDING,
        AmountEvidence.TYPICAL_FEE,
    }
)


class Evidence(NamedTuple):
    """What a hypothesis rests on, for the words of its explanation and for classes of experience.

    `left_out`: items named but not in it; `inferred`: items that are not named, in a set where others are.
    """

    reference: ReferenceEvidence
    amount: AmountEvidence
    payer: PayerEvidence
    items: int
    left_out: int = 0
    inferred: int = 0
    not_yet_issued: bool = False


def log_set(count: int, *, owned: int, open_items: int, is_natural: bool, rank: int | None = None) -> float:
    """How often just this set of `count` items is paid: any of the payer's `owned` items, of all that are open.

    A natural set (the oldest, or everything) is paid more often than one of as many at random. Of single items the
    older due are paid first: `rank` counts from the oldest, where nothing but age tells them apart.
    """
    if count == 1:
        older = 1.0 if rank is None else 0.5 + 0.5 * owned * (1 - OLDER_FIRST) * OLDER_FIRST**rank
        return LOG_ONE_ITEM - math.log(open_items) + math.log(older)
    choice = -_log_choose(max(owned, count), count)
    if is_natural:
        choice = max(choice, LOG_NATURAL_SET)
    size = LOG_SEVERAL + (count - 2) * LOG_EACH_FURTHER + math.log(1 - math.exp(LOG_EACH_FURTHER))
    return math.log(max(owned, 1) / open_items) + size + choice


def _log_choose(total: int, count: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)


def log_chance_amount(gross: int, *, same: int, open_items: int) -> float:
    """How often just `gross` minor units come by chance, where `same` of the items are open for them.

    By chance, amounts spread over their own size, and heap where many items have the same one.
    """
    return math.log(1 / (4 * gross) + max(0, same - 1) / (open_items + FEW_ITEMS))


def log_amount(evidence: AmountEvidence, *, short: int, total: int, unit: int, log_chance: float) -> float:
    """How telling the amount is: it came for `total`, `short` less, and by chance as often as `log_chance` says."""
    return _LOG_KIND[evidence] + _log_difference(evidence, short, total, unit) - log_chance


def _log_difference(evidence: AmountEvidence, short: int, total: int, unit: int) -> float:
    """The chance of just this difference among all of its kind."""
    if evidence is AmountEvidence.PARTIAL:
        return _log_part(total - short, total, unit)
    known = _LOG_KNOWN_DIFFERENCE.get(evidence)
    if known is not None:
        return known
    if evidence is AmountEvidence.OVER:
        more = -short
        round_share = math.log(0.4 * unit / max(more, unit)) if more % unit == 0 else -math.inf
        return max(round_share, math.log(0.6 / (8 * max(more, unit // 10 or 1)))) - 2 * math.log(1 + more / total)
    is_round = short * 2 % unit == 0
    return _LOG_ROUND_FEE if is_round else math.log(0.4 / (30 * unit))


def _log_part(paid: int, total: int, unit: int) -> float:
    """Parts are halves, thirds and quarters, or round sums, or anything."""
    for whole, part in _SIMPLE_PARTS:
        if abs(paid * whole - total * part) <= whole * unit:
            return _LOG_SIMPLE_PART
    if paid % (ROUND_PART_MAJOR * unit) == 0:
        return math.log(0.4 / max(1.0, total / (ROUND_PART_MAJOR * unit)))
    if paid % unit == 0:
        return math.log(0.1 / max(1.0, total / unit))
    return math.log(0.1 / total)


def probabilities(likelihoods: list[float], *, otherwise: float) -> list[float]:
    """Return the probability of each hypothesis when one of them, or `otherwise`, is true."""
    top = max(otherwise, *likelihoods) if likelihoods else otherwise
    weights = [math.exp(each - top) for each in likelihoods]
    whole = sum(weights) + math.exp(otherwise - top)
    return [weight / whole for weight in weights]


def log_sum(values: list[float]) -> float:
    """The logarithm of the sum of exponentials; minus infinity for none."""
    if not values:
        return -math.inf
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
