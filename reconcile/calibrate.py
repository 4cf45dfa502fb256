"""Experience: whose money an account sends, and how often each class of evidence was right."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from receivables.receipt import Receipt
from reconcile.payer import PayerEvidence, normal_name
from reconcile.score import Evidence

APPLY_PRECISION = 0.995  # what is applied without a person must be right at least so often
PROOF_CONFIDENCE = 0.998
PRIOR_WEIGHT = 4.0  # a prior counts as so many past cases
ONE_SIDED_95 = 1.6449  # normal quantile


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


@dataclass(frozen=True, slots=True)
class Band:
    """Past cases of one class of evidence."""

    right: int
    count: int


_NO_CASES = Band(0, 0)


@dataclass
class History:
    """What confirmed work has taught. `learn_payer` and `record` may go on while the product runs."""

    accounts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    names: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bands: dict[str, Band] = field(default_factory=dict)
    _taught: dict[str, frozenset[str]] = field(default_factory=dict)

    def learn_payer(self, receipt: Receipt, customer_ids: Iterable[str]) -> None:
        """Take note that a confirmed receipt paid items of these customers."""
        customers = frozenset(customer_ids)
        self._taught[receipt.receipt_id] = customers
        for table, key, _ in self._tables(receipt):
            table[key].update(customers)

    def record(self, band: str, *, right: bool) -> None:
        """Take note of the outcome of one past case."""
        seen = self.bands.get(band, _NO_CASES)
        self.bands[band] = Band(seen.right + right, seen.count + 1)

    def customers_of(self, receipt: Receipt, *, blind: bool = False) -> dict[str, PayerEvidence]:
        """Return the customers for whom this account or name paid before.

        An account that paid for one customer only is KNOWN; a name, NAME; one that paid for several, WEAK. `blind`
        leaves out what this receipt itself has taught, as if it had not been confirmed yet.
        """
        own = self._taught.get(receipt.receipt_id, frozenset()) if blind else frozenset()
        found: dict[str, PayerEvidence] = {}
        for table, key, level in self._tables(receipt):
            counts = table.get(key) or Counter()
            customers = [customer for customer in sorted(counts) if counts[customer] > (customer in own)]
            for customer in customers:
                reached = level if len(customers) == 1 else PayerEvidence.WEAK
                found[customer] = max(found.get(customer, PayerEvidence.UNKNOWN), reached)
        return found

    def _tables(self, receipt: Receipt) -> list[tuple[defaultdict[str, Counter[str]], str, PayerEvidence]]:
        account = "".join(receipt.payer_account.split()).upper()
        name = normal_name(receipt.payer_name)
        tables = [(self.accounts, account, PayerEvidence.KNOWN), (self.names, name, PayerEvidence.NAME)]
        return [entry for entry in tables if entry[1]]


def confidence(evidence: Evidence, bands: Mapping[str, Band]) -> float:
    """Return the calibrated chance that the item set is right.

    The past of its own band counts, steadied by that of its pool, which a prior steadies in turn (each as PRIOR_WEIGHT
    cases).
    """
    prior = PROOF_CONFIDENCE if evidence.is_proof else evidence.prior
    if not bands:
        return prior
    return _steadied(bands.get(evidence.band, _NO_CASES), _steadied(_pooled(evidence, bands), prior))


def may_apply(evidence: Evidence, bands: Mapping[str, Band]) -> bool:
    """Whether to apply without a person: proof that experience does not refute, or evidence that has proved itself.

    Ambiguous evidence never is. Evidence has proved itself when the lower 95 % bound of the precision of its pool
    reaches APPLY_PRECISION, which takes some 540 cases without an error. Either way its own band must not refute
    it: the upper bound of that band's precision must reach APPLY_PRECISION.
    """
    own = bands.get(evidence.band, _NO_CASES)
    if not evidence.unambiguous or wilson_upper(own.right, own.count) < APPLY_PRECISION:
        return False
    if evidence.is_proof:
        return True
    pool = _pooled(evidence, bands)
    return wilson_lower(pool.right, pool.count) >= APPLY_PRECISION


def _pooled(evidence: Evidence, bands: Mapping[str, Band]) -> Band:
    members = [bands[band] for band in evidence.pool if band in bands] if bands else []
    return Band(sum(band.right for band in members), sum(band.count for band in members))


def _steadied(band: Band, prior: float) -> float:
    return (band.right + PRIOR_WEIGHT * prior) / (band.count + PRIOR_WEIGHT)
