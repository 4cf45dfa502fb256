"""One set of open items weighed as what a receipt pays: why the cash differs, the evidence, and how likely it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from receivables.allocation import Explanation, ResidualKind
from receivables.money import MAX_MINOR
from reconcile.candidates import OpenItemIndex
from reconcile.draft import HOPELESS, Draft
from reconcile.likelihood import (
    LOG_CREDIT,
    LOG_HINTED,
    LOG_LEFT_UNNAMED,
    LOG_NOT_YET_ISSUED,
    LOG_PART_OF_SEVERAL,
    LOG_SECOND_CUSTOMER,
    LOG_UNNAMED,
    LOG_UNNAMED_CREDIT,
    AmountEvidence,
    Evidence,
    log_amount,
    log_chance_amount,
    log_set,
)
from reconcile.mention import ReferenceEvidence
from reconcile.payer import PayerEvidence
from reconcile.reading import Payer, Reading
from reconcile.residual import Difference, explain_difference

MAX_PAYER_ITEMS: Final = 1_500  # of one payer, looked through for sums and damaged numbers
MAX_NATURAL: Final = 40  # the oldest so many items of a payer are tried together

NONE_TAKEN: Final[frozenset[int]] = frozenset()


class Weighing:
    """Weighs sets of items for one receipt. Rows that are `taken` count as paid by others."""

    def __init__(self, reading: Reading, index: OpenItemIndex, taken: frozenset[int] = NONE_TAKEN) -> None:
        self._reading = reading
        self._index = index
        self._taken = taken
        self._open_items = len(index)
        self._received = reading.receipt.received_on.toordinal()
        self._owned: dict[int, list[int]] = {}
        self._oldest: dict[int, list[int]] = {}
        self._same: list[int] | None = None
        self._log_chance: float | None = None

    def draft(self, key: tuple[int, ...]) -> Draft | None:
        """Set the receipt against exactly these rows and explain the difference; None if no cash would be used."""
        reading, index = self._reading, self._index
        signed = index.signed
        total = sum(signed[row] for row in key)
        if not 0 < total <= MAX_MINOR or reading.gross <= 0:
            return None
        ordered = index.sorted(key) if len(key) > 1 else key
        difference = self._difference(ordered, total)
        shares = tuple((row, abs(signed[row])) for row in ordered)
        if difference.evidence is AmountEvidence.PARTIAL:
            shares = self._share_out(ordered)
            if len(shares) < len(key):  # the money ends before the last of them: that is another, smaller set
                return None
        used = [row for row, _ in shares]
        payers = [reading.payer_of(row, index) for row in used]
        named = self._named(used)
        evidence = self._evidence(used, named, difference.evidence, payers)
        return Draft(
            explanation=difference.explanation or self._call(used, evidence),
            rows=frozenset(used),
            shares=shares,
            residual_kind=difference.kind,
            residual=difference.minor,
            unapplied=max(0, reading.gross - total) if difference.kind is None else 0,
            evidence=evidence,
            likelihood=round(self._likelihood(used, named, evidence, total, payers), 6),
        )

    def may_pay(self, row: int) -> bool:
        """Whether a draft of this item alone, which nothing names, would be kept if it were its customer's oldest.

        Most of a payer's items are hopeless, and asking this costs a fraction of weighing them.
        """
        index, total = self._index, self._index.signed[row]
        if total <= 0:
            return False
        owned = index.count_of_payer(index.customer[row])
        likelihood = (
            self._reading.payer_of(row, index)[1]
            + LOG_UNNAMED
            + log_set(1, owned=owned, open_items=self._open_items, is_natural=False, rank=0)
            + self.log_amount(self._difference((row,), total).evidence, total)
        )
        return likelihood >= HOPELESS

    def _difference(self, ordered: Sequence[int], total: int) -> Difference:
        """Why the cash differs from what is open of these rows, the earliest due first."""
        receipt, short = self._reading.receipt, total - self._reading.gross
        if short > 0 and short == sum(self._index.discount(row, receipt) for row in ordered):
            return Difference(Explanation.DISCOUNT, AmountEvidence.OFFERED, ResidualKind.DISCOUNT, short)
        return explain_difference(
            short=short,
            total=total,
            items=len(ordered),
            unit=self._reading.unit,
            early=self._received <= self._index.due[ordered[0]],
        )

    def of_payer(self, code: int) -> list[int]:
        """The rows that this customer may still pay, the earliest due first: at most MAX_PAYER_ITEMS."""
        rows = self._owned.get(code)
        if rows is None:
            owned = self._index.of_payer(code, self._reading.currency)
            left = [row for row in owned if row not in self._taken] if self._taken else owned
            rows = self._owned[code] = left[:MAX_PAYER_ITEMS]
        return rows

    def oldest(self, code: int) -> list[int]:
        """The oldest invoices among the rows of this customer."""
        rows = self._oldest.get(code)
        if rows is None:
            signed = self._index.signed
            rows = [row for row in self.of_payer(code)[: 2 * MAX_NATURAL] if signed[row] > 0][:MAX_NATURAL]
            self._oldest[code] = rows
        return rows

    def log_amount(self, evidence: AmountEvidence, total: int) -> float:
        """How telling the amount is if the receipt was meant for items that are open for `total`."""
        reading, log_chance = self._reading, self._log_chance
        if log_chance is None:
            log_chance = log_chance_amount(reading.gross, same=len(self.same_amount()), open_items=self._open_items)
            self._log_chance = log_chance
        return log_amount(evidence, short=total - reading.gross, total=total, unit=reading.unit, log_chance=log_chance)

    def same_amount(self) -> list[int]:
        """The rows open for exactly this amount: at most MAX_SAME_AMOUNT and one more."""
        if self._same is None:
            self._same = self._index.of_amount(self._reading.gross, self._reading.currency)
        return self._same

    def _call(self, rows: Sequence[int], evidence: Evidence) -> Explanation:
        signed = self._index.signed
        if any(signed[row] < 0 for row in rows):
            return Explanation.CREDIT_OFFSET
        if len(rows) == 1 and evidence.amount is AmountEvidence.EXACT:
            return Explanation.EXACT
        return Explanation.REFERENCES if evidence.reference > ReferenceEvidence.NONE else Explanation.SUBSET

    def _share_out(self, rows: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Set money that is too little against the earliest due first; credit notes add to it."""
        signed = self._index.signed
        shares = [(row, -signed[row]) for row in rows if signed[row] < 0]
        rest = self._reading.gross + sum(share for _, share in shares)
        for row in rows:
            share = min(rest, signed[row])
            if share > 0:
                shares.append((row, share))
                rest -= share
        return tuple(shares)

    def _named(self, rows: Sequence[int]) -> list[int]:
        """The rows that the text names, each by a piece of its own: what reads as one number is not also another's."""
        reading = self._reading
        named = [row for row in rows if row in reading.weights]
        if len(named) < 2:
            return named
        grouped = {row for group in reading.groups for row in group}
        doubtful = [row for row in named if row not in reading.exact and row not in grouped]
        if not doubtful:
            return named
        spoken_for = [reading.pieces[row].digits for row in named if row not in doubtful]
        left_out = set()
        for row in sorted(doubtful, key=lambda row: -reading.weights[row]):
            piece = reading.pieces[row].digits
            if any(piece in other or other in piece for other in spoken_for):
                left_out.add(row)
            else:
                spoken_for.append(piece)
        return [row for row in named if row not in left_out]

    def _evidence(
        self, rows: Sequence[int], named: Sequence[int], amount: AmountEvidence, payers: Sequence[Payer]
    ) -> Evidence:
        reading, index = self._reading, self._index
        reference = min([reading.levels[row] for row in named], default=ReferenceEvidence.NONE)
        inferred = len(rows) - len(named) if named else 0
        if reading.hints:
            reference, inferred = ReferenceEvidence.HINT, 0
        elif reference is ReferenceEvidence.WEAK and not inferred and all(self._is_whole(row, rows) for row in rows):
            reference = ReferenceEvidence.EXACT
        return Evidence(
            reference=reference,
            amount=amount,
            payer=min([level for level, _ in payers]),
            items=len(rows),
            left_out=self._left_out(rows),
            inferred=inferred,
            not_yet_issued=any(index.issued[row] > self._received for row in rows),
        )

    def _is_whole(self, row: int, rows: Sequence[int]) -> bool:
        """Whether a row is named exactly, or by a reference whose other rows are among these too."""
        if row in self._reading.exact:
            return True
        return any(row in group and set(group) <= set(rows) for group in self._reading.groups)

    def _left_out(self, rows: Sequence[int]) -> int:
        """Count what the payer named exactly and the set ignores, items that are paid already included."""
        reading = self._reading
        if reading.hints:
            return 0
        untouched = sum(not set(group) & set(rows) for group in reading.groups)
        return len(reading.exact.difference(rows)) + untouched + len(reading.closed)

    def _likelihood(
        self, rows: Sequence[int], named: Sequence[int], evidence: Evidence, total: int, payers: Sequence[Payer]
    ) -> float:
        signed = self._index.signed
        credits = sum(signed[row] < 0 for row in rows)
        hinted = LOG_HINTED if evidence.reference is ReferenceEvidence.HINT else 0.0
        likelihood = (
            hinted
            + max([value for _, value in payers])
            + self._log_named(rows, named)
            + (self._log_several(rows, credits) if len(rows) > 1 else self._log_one(rows[0], evidence))
        )
        likelihood += self.log_amount(evidence.amount, total)
        likelihood += LOG_CREDIT * credits
        if evidence.amount is AmountEvidence.PARTIAL and len(rows) > 1:
            likelihood += LOG_PART_OF_SEVERAL
        return likelihood + (LOG_NOT_YET_ISSUED if evidence.not_yet_issued else 0.0)

    def _log_one(self, row: int, evidence: Evidence) -> float:
        """How often one item is paid alone."""
        customer, rank = self._index.customer[row], None
        if evidence.reference is ReferenceEvidence.NONE:
            owned = self.of_payer(customer)
            rank = owned.index(row) if row in owned else len(owned)
        owned_count = self._index.count_of_payer(customer)
        return log_set(1, owned=owned_count, open_items=self._open_items, is_natural=False, rank=rank)

    def _log_several(self, rows: Sequence[int], credits: int) -> float:
        """How often several items are paid together."""
        index = self._index
        customers = {index.customer[row] for row in rows}
        first = min(customers, key=index.names.id_of)
        owned = self.of_payer(first) if credits else self.oldest(first)
        owned_count = index.count_of_payer(first)
        each = LOG_SECOND_CUSTOMER + math.log(max(1, owned_count) / self._open_items)
        return self._strangers(customers) * each + log_set(
            max(1, len(rows) - credits),
            owned=owned_count,
            open_items=self._open_items,
            is_natural=set(owned[: len(rows)]) == set(rows),
        )

    def _log_named(self, rows: Sequence[int], named: Sequence[int]) -> float:
        """How telling the text is: each named item as its mention says, the rest as what payers leave out."""
        weights, signed = self._reading.weights, self._index.signed
        if not named:
            return LOG_UNNAMED
        shared = 0.0
        for group in self._reading.groups:  # one reference names them together: it counts once
            inside = [row for row in group if row in named]
            if len(inside) > 1:
                shared += (len(inside) - 1) * weights[inside[0]]
                shared -= math.log(len(group)) if len(inside) == len(group) else 0.0
        unnamed = [LOG_LEFT_UNNAMED if signed[row] > 0 else LOG_UNNAMED_CREDIT for row in rows if row not in named]
        return sum(weights[row] for row in named) - shared + sum(unnamed)

    def _strangers(self, customers: set[int]) -> int:
        """How many customers are not the payer's own, beside a first one."""
        if len(customers) == 1:
            return 0
        likely = self._reading.payers.likely
        own = sum(code in likely and likely[code][0] >= PayerEvidence.NAME for code in customers)
        return min(len(customers) - own, len(customers) - 1)
