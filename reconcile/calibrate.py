"""Experience: whose money an account sends, and how often the model's chances came true."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import Final

from receivables.receipt import Receipt, account_key
from reconcile.known_payer import shares_of
from reconcile.likelihood import PROOF_AMOUNTS, AmountEvidence, Evidence
from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence, normal_names

APPLY_PRECISION: Final = 0.995  # what is applied without a person must be right at least so often
MIN_BAND_PRECISION: Final = 0.93  # of each band of chances by itself: the sure ones do not pay for the doubtful ones
MIN_BAND_CASES: Final = 20  # in the least of the bands that apply
PROOF_CHANCE: Final = 0.9999
NAMED_PROOF_CHANCE: Final = 0.99  # where references, amount and payer all agree
MAX_CONFIDENCE: Final = 0.9995  # no model is surer than that of itself
PRIOR_WEIGHT: Final = 4.0  # the model's own chance counts as so many past cases
ONE_SIDED_95: Final = 1.6449  # normal quantile
BANDS_A_DECADE: Final = 2
MAX_BAND: Final = 12
SURE_BAND: Final = 3  # chances from 0.97 on
MAX_CLASSES: Final = 2_000  # more than there are


def wilson_lower(right: int, count: int, z: float = ONE_SIDED_95) -> float:
    """Return the lower confidence bound of a proportion. Source: E. B. Wilson, JASA 22 (1927), 209-212."""
    return _wilson(right, count, -z) if count else 0.0


def wilson_upper(right: int, count: int, z: float = ONE_SIDED_95) -> float:
    """Return the upper confidence bound of a proportion (Wilson, as `wilson_lower`)."""
    return _wilson(right, count, z) if count else 1.0


def _wilson(right: int, count: int, z: float) -> float:
    share = right / count
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (share + z * z / (2 * count) + spread) / (1 + z * z / count)


def band_of(chance: float) -> int:
    """The band of a chance by how little is missing to certainty: two for each further nine, MAX_BAND at most."""
    missing = max(1.0 - chance, 10.0 ** (-MAX_BAND / BANDS_A_DECADE))
    return min(MAX_BAND, int(-math.log10(missing) * BANDS_A_DECADE + 1e-9))


@dataclass(frozen=True, slots=True)
class Case:
    """How good the evidence of a match was: the class of it, and the band of its chance."""

    kind: str
    band: int


@dataclass(frozen=True, slots=True)
class Band:
    """Past cases of one kind, and how many of them were right."""

    right: int = 0
    count: int = 0

    def with_cases(self, times: int, *, right: bool) -> Band:
        """The same with so many more cases."""
        return Band(self.right + times * right, self.count + times)


_NO_CASES: Final = Band()


@dataclass
class History:
    """What confirmed work has taught. `learn_payer` and `record` may go on while the product runs.

    `scores` are past cases by the band of their chance, pooled across all classes of evidence; `classes` by class.
    `parents` are customers that pay for others, by those they pay for.
    """

    accounts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    names: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    scores: dict[int, Band] = field(default_factory=dict)
    classes: dict[str, Band] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    _taught: dict[str, frozenset[str]] = field(default_factory=dict)

    def learn_payer(self, receipt: Receipt, customer_ids: Iterable[str]) -> None:
        """Take note that a confirmed receipt paid items of these customers."""
        customers = frozenset(customer_ids)
        self._taught[receipt.receipt_id] = customers
        for table, keys in self._tables(receipt.payer_account, receipt.payer_name):
            for key in keys:
                table[key].update(customers)

    def know(self, *, customer_id: str, times: int, account: str = "", name: str = "") -> None:
        """Take note that so many confirmed receipts of this account, or this name, paid for a customer."""
        for table, keys in self._tables(account, name):
            for key in keys:
                table[key][customer_id] += times

    def customers(self) -> set[str]:
        """Every customer that some account or name is known to have paid for."""
        return {customer for table in (self.accounts, self.names) for paid in table.values() for customer in paid}

    def record(self, evidence: Evidence, chance: float, *, right: bool) -> None:
        """Take note of the outcome of one past case, such as a person's word on a proposal, or its undoing."""
        self.count(case_of(evidence, chance), right=right)

    def count(self, case: Case, *, right: bool, times: int = 1, seen: bool = True) -> None:
        """Take note of so many cases of a kind that came out so.

        What nobody has `seen` yet speaks only for its class, that nothing refutes it: it proves no chance.
        """
        self.classes[case.kind] = self.classes.get(case.kind, _NO_CASES).with_cases(times, right=right)
        if seen:
            self.scores[case.band] = self.scores.get(case.band, _NO_CASES).with_cases(times, right=right)

    def refuted(self) -> list[str]:
        """The classes that are not applied whatever their chance, because experience is against them."""
        return [kind for kind, own in sorted(self.classes.items()) if _is_refuted(own)]

    def is_refuted(self, kind: str) -> bool:
        """Whether experience is against a class."""
        return _is_refuted(self.classes.get(kind, _NO_CASES))

    def least_band(self) -> int | None:
        """The least band of chances from which on cases have proved themselves; None where experience is too small."""
        right = count = 0
        least: int | None = None
        for band in range(MAX_BAND, -1, -1):
            seen = self.scores.get(band, _NO_CASES)
            if wilson_upper(seen.right, seen.count) < MIN_BAND_PRECISION:
                break
            right, count = right + seen.right, count + seen.count
            if seen.count >= MIN_BAND_CASES and wilson_lower(right, count) >= APPLY_PRECISION:
                least = band
        return least

    def customers_of(self, receipt: Receipt, *, blind: bool = False) -> tuple[dict[str, float], dict[str, float]]:
        """Return the customers for whom this account, and this name, paid before, with their shares of its receipts.

        `blind` leaves out what this receipt itself has taught, as if it had not been confirmed yet.
        """
        if not self.accounts and not self.names:
            return {}, {}
        own = self._taught.get(receipt.receipt_id, frozenset()) if blind else frozenset()
        found = []
        for table, keys in self._tables(receipt.payer_account, receipt.payer_name):
            times = [table[key] for key in keys if key in table]
            paid = reduce(or_, times) if times else {}  # of spellings, the more: what was learned of each is in both
            counts = {c: n - (c in own) for c, n in paid.items() if n > (c in own)}
            found.append(shares_of(counts, self.parents))
        return found[0], found[1]

    def _tables(self, account: str, name: str) -> tuple[tuple[defaultdict[str, Counter[str]], list[str]], ...]:
        keys = (self.accounts, [account_key(account)]), (self.names, normal_names(name))
        return tuple((table, [key for key in some if key]) for table, some in keys)


def is_proof(evidence: Evidence, chance: float) -> bool:
    """Whether the evidence needs no experience.

    It does not where a trusted system named the items; where exact references, the right payer and an amount that is
    exact, exact together with other receipts, or short by the discount that was offered, a rounding or a typical bank
    fee agree (bounds in `reconcile.residual`); and where two of the three agree to the letter and to the cent and
    nothing contradicts them, in a ledger so sparse that the model gives a coincidence less than one chance in ten
    thousand.
    """
    if evidence.left_out or evidence.inferred:
        return False
    if evidence.reference is ReferenceEvidence.HINT:
        return True
    if evidence.amount not in PROOF_AMOUNTS or chance < NAMED_PROOF_CHANCE:
        return False
    is_named = evidence.reference is ReferenceEvidence.EXACT
    if is_named and evidence.payer >= PayerEvidence.NAME:
        return True
    is_exact = evidence.amount in (AmountEvidence.EXACT, AmountEvidence.JOINT, AmountEvidence.OFFERED)
    least = PayerEvidence.UNKNOWN if is_named else PayerEvidence.NAME
    may_be_named = evidence.reference >= ReferenceEvidence.DAMAGED
    return is_exact and may_be_named and evidence.payer >= least and chance >= PROOF_CHANCE


def confidence(chance: float, history: History) -> float:
    """Return the calibrated chance that the item set is right: the model's own, corrected by cases of the same band."""
    seen = history.scores.get(band_of(chance), _NO_CASES)
    own = min(chance, MAX_CONFIDENCE)
    return (seen.right + PRIOR_WEIGHT * own) / (seen.count + PRIOR_WEIGHT)


def may_apply(evidence: Evidence, chance: float, history: History) -> bool:
    """Whether to apply without a person: proof that experience does not refute, or a chance that has proved itself.

    What has more than one explanation never is: its chance is shared among them. A chance has proved itself from the
    band on whose cases and those of all surer bands were right so often that the lower 95 % bound of their precision
    reaches APPLY_PRECISION, which takes some 540 cases without an error. Either way the class of the evidence must not
    be refuted: the upper bound of its own precision must reach APPLY_PRECISION.
    """
    if history.is_refuted(class_of(evidence, chance)):
        return False
    if is_proof(evidence, chance):
        return True
    least = history.least_band()
    return least is not None and band_of(chance) >= least


def _is_refuted(own: Band) -> bool:
    return wilson_upper(own.right, own.count) < APPLY_PRECISION


def case_of(evidence: Evidence, chance: float) -> Case:
    """The case that a match with this evidence and chance is."""
    return Case(class_of(evidence, chance), band_of(chance))


def class_of(evidence: Evidence, chance: float) -> str:
    """The class of cases whose precision is watched together."""
    clear = "open" if evidence.left_out else "inferred" if evidence.inferred else "clear"
    sure = "sure" if band_of(chance) >= SURE_BAND else "unsure"
    return _class_named(evidence.reference, evidence.amount, evidence.payer, clear, sure)


@lru_cache(maxsize=MAX_CLASSES)
def _class_named(
    reference: ReferenceEvidence, amount: AmountEvidence, payer: PayerEvidence, clear: str, sure: str
) -> str:
    return "/".join((reference.name, amount.name, payer.name, clear, sure)).lower()
