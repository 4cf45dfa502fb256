"""Ways to explain one receipt: sets of open items, why they and not others, and what is left over."""

from __future__ import annotations

import math
from collections.abc import Sequence

from receivables.allocation import Explanation
from receivables.money import MAX_MINOR
from reconcile.assign import Claim
from reconcile.candidates import MAX_SAME_AMOUNT, OpenItemIndex
from reconcile.draft import Draft, ranked
from reconcile.likelihood import (
    LOG_CREDIT,
    LOG_HINTED,
    LOG_LEFT_UNNAMED,
    LOG_MORE_NAMED,
    LOG_NOT_YET_ISSUED,
    LOG_PAID_BEFORE,
    LOG_PART_OF_SEVERAL,
    LOG_SECOND_CUSTOMER,
    LOG_SEVERAL,
    LOG_SOMETHING_ELSE,
    LOG_UNNAMED,
    LOG_UNNAMED_CREDIT,
    LOG_UNRELATED,
    AmountEvidence,
    Evidence,
    log_amount,
    log_set,
    log_sum,
)
from reconcile.payer import PayerEvidence
from reconcile.reading import Reading
from reconcile.reference_book import MAX_SCANNED, Mention, ReferenceEvidence
from reconcile.residual import explain_difference
from reconcile.subset import MAX_EXHAUSTIVE, solve

MAX_SINGLES = 16  # named items tried one by one
MAX_PAYER_ITEMS = 1_500  # of one payer, looked through for sums and damaged numbers
MAX_PAYERS = 4
MAX_CREDITS = 6
MAX_NATURAL = 40  # the oldest so many items of a payer are tried together
MAX_ADDED = 3  # items named by damaged numbers, tried together with those named exactly
TELLING = 9.0  # a mention that by itself makes an item worth trying
MAX_LONE_ITEMS = 12  # of a payer with so few items each may be paid in part, or with a difference


_NONE_TAKEN: frozenset[int] = frozenset()


def search(reading: Reading, index: OpenItemIndex, taken: frozenset[int] = _NONE_TAKEN) -> Claim:
    """Return the likeliest explanations of a receipt, best first, and how likely it is that none of them is true.

    Rows that are `taken` count as paid by others.
    """
    return _Search(reading, index, taken).claim()


class _Search:
    """The search for one receipt's explanations."""

    def __init__(self, reading: Reading, index: OpenItemIndex, taken: frozenset[int]) -> None:
        self._taken = taken
        self._reading = reading
        self._index = index
        self._found: dict[tuple[int, ...], Draft] = {}
        self._owned: dict[int, list[int]] = {}
        self._same: int | None = None
        self._unlisted: list[float] = []

    def claim(self) -> Claim:
        """The explanations, best first, as many as `ranked` keeps; none if nothing speaks for any."""
        reading = self._reading
        if reading.hints:
            self._fit(reading.hints)
        else:
            self._try()
        kept = tuple(ranked(self._found.values(), self._index))
        unrelated = LOG_UNRELATED + (LOG_PAID_BEFORE if reading.closed else 0.0)
        if reading.closed and reading.receipt.item_hints and not reading.hints:
            unrelated += LOG_HINTED
        return Claim(reading.gross, kept, unrelated, round(log_sum([self._otherwise(), unrelated]), 6))

    def _otherwise(self) -> float:
        """The likelihood of money that pays nothing here, or something of the payer's that no hypothesis explains."""
        others: list[float] = []
        for code, (_, value) in self._reading.payers.likely.items():
            owned = self._index.count_of_payer(code)
            others.append(LOG_SOMETHING_ELSE + LOG_UNNAMED + value + math.log(max(1, owned) / max(1, len(self._index))))
        return log_sum(others + self._unlisted + self._unreadable())

    def _unreadable(self) -> list[float]:
        """The likelihoods that named items are paid together with others which the text does not show."""
        signed = self._index.signed
        return [
            draft.likelihood
            - self._log_amount(AmountEvidence.OVER, sum(signed[row] for row in rows))
            + (LOG_MORE_NAMED if draft.evidence.items > 1 else LOG_SEVERAL + LOG_LEFT_UNNAMED)
            for rows, draft in self._found.items()
            if draft.evidence.amount is AmountEvidence.OVER and draft.evidence.reference > ReferenceEvidence.NONE
        ]

    def _try(self) -> None:
        text = self._reading.receipt.remittance
        named = [row for row, level in self._reading.levels.items() if level is ReferenceEvidence.EXACT]
        if named:
            self._fit(named)
        if self._is_settled():
            return
        self._by_reference()
        self._by_amount()
        if not self._is_settled():
            self._take(self._index.damaged(text))
            self._by_payer()

    def _take(self, mentions: Sequence[Mention]) -> None:
        """Take further mentions in, and weigh what was found before anew."""
        if self._reading.take(mentions, self._index):
            before = list(self._found)
            self._found.clear()
            self._by_reference()
            for rows in before:
                self._fit(rows)

    def _is_settled(self) -> bool:
        """Whether everything that is named agrees with the amount and the payer, so that nothing else need be tried."""
        return any(
            draft.evidence.reference is ReferenceEvidence.EXACT
            and draft.evidence.amount >= AmountEvidence.ROUNDING
            and draft.evidence.payer > PayerEvidence.CONFLICT
            and not draft.evidence.left_out
            and not draft.evidence.inferred
            for draft in self._found.values()
        )

    def _by_reference(self) -> None:
        reading, index = self._reading, self._index
        named = index.sorted(row for row, level in reading.levels.items() if level is ReferenceEvidence.EXACT)
        shared = [row for group in reading.groups for row in group]
        others = self._others_named()
        for rows in (named, [*named, *shared], [*named, *others[:MAX_ADDED]]):
            if rows:
                self._fit(list(dict.fromkeys(rows)))
        for row in (*named, *others)[:MAX_SINGLES]:
            self._fit([row])
            if named and row not in named:
                self._fit([*named, row])
        total = sum(index.signed[row] for row in named)
        pool = [*named, *others][:MAX_EXHAUSTIVE]
        if named and total > reading.gross:
            pool += [row for row in self._owned_by_named(named) if index.signed[row] < 0][:MAX_CREDITS]
        if len(pool) > 1 and not (named and total == reading.gross):
            self._sums(list(dict.fromkeys(pool)))
        if named and total < reading.gross:
            self._with_missing(named, reading.gross - total)

    def _others_named(self) -> list[int]:
        """The rows that are not named exactly, without those that no payer, amount or sparse number supports."""
        reading, index = self._reading, self._index
        rows = [
            row
            for row, level in reading.levels.items()
            if level is not ReferenceEvidence.EXACT
            and (
                reading.weights[row] >= TELLING
                or index.signed[row] == reading.gross
                or reading.payer_of(row, index)[0] >= PayerEvidence.WEAK
            )
        ]
        rows.sort(key=lambda row: (-reading.weights[row] - reading.payer_of(row, index)[1], index.item_id(row)))
        return rows

    def _owned_by_named(self, rows: Sequence[int]) -> list[int]:
        customers = dict.fromkeys(self._index.customer[row] for row in rows)
        return [row for customer in customers for row in self._of_payer(customer)]

    def _with_missing(self, named: Sequence[int], gap: int) -> None:
        """Complete a list by up to three items of the same customer that are open for exactly what is missing."""
        known = set(named)
        rest = [row for row in self._owned_by_named(named) if row not in known][:MAX_PAYER_ITEMS]
        for positions in solve([self._index.signed[row] for row in rest], gap, most=3).found:
            self._fit([*named, *(rest[at] for at in positions)])

    def _by_amount(self) -> None:
        rows = self._index.of_amount(self._reading.gross, self._reading.currency)
        self._same = len(rows)
        if len(rows) <= MAX_SAME_AMOUNT:
            for row in rows:
                self._fit([row])

    def _by_payer(self) -> None:
        """Look through the payer's items: numbers nearly named, then sums, then single items with a difference."""
        names = self._index.names
        likely = sorted(self._reading.payers.likely.items(), key=lambda pair: (-pair[1][1], names.id_of(pair[0])))
        for code, _ in likely[:MAX_PAYERS]:
            rows = self._of_payer(code)
            if len(rows) <= MAX_SCANNED:
                self._take(self._index.within(self._reading.receipt.remittance, rows))
            self._by_sum(rows)

    def _by_sum(self, rows: Sequence[int]) -> None:
        index, gross = self._index, self._reading.gross
        self._sums(rows)
        invoices = self._invoices(rows)
        total = 0
        for count, row in enumerate(invoices[:MAX_NATURAL], 1):
            total += index.signed[row]
            if count > 1 and total >= gross and total * 95 <= gross * 100:
                self._fit(invoices[:count])
        for row in rows:
            near = index.signed[row] > 0 and abs(index.signed[row] - gross) * 20 <= gross
            if near or (len(rows) <= MAX_LONE_ITEMS and index.signed[row] > 0):
                self._fit([row])

    def _sums(self, rows: Sequence[int]) -> None:
        solutions = solve([self._index.signed[row] for row in rows], self._reading.gross)
        for positions in solutions.found:
            self._fit([rows[at] for at in positions])
        if solutions.count > len(solutions.found):
            last = tuple(sorted(rows[at] for at in solutions.found[-1]))
            if last in self._found:
                more = math.log(solutions.count - len(solutions.found))
                self._unlisted.append(self._found[last].likelihood + more)

    def _of_payer(self, code: int) -> list[int]:
        rows = self._owned.get(code)
        if rows is None:
            rows = self._index.of_payer(code, self._reading.currency)
            if self._taken:
                rows = [row for row in rows if row not in self._taken]
            rows = self._owned[code] = rows[:MAX_PAYER_ITEMS]
        return rows

    def _fit(self, rows: Sequence[int]) -> None:
        """Set the receipt against exactly these items and explain the difference; nothing if no cash would be used."""
        key = tuple(sorted(rows))
        reading, index = self._reading, self._index
        total = sum(index.signed[row] for row in key)
        if not 0 < total <= MAX_MINOR or reading.gross <= 0:
            return
        ordered = index.sorted(key) if len(key) > 1 else key
        difference = explain_difference(
            short=total - reading.gross,
            total=total,
            items=len(key),
            currency=reading.receipt.amount.currency,
            early=reading.receipt.received_on.toordinal() <= index.due[ordered[0]],
        )
        shares = tuple((row, abs(index.signed[row])) for row in ordered)
        if difference.evidence is AmountEvidence.PARTIAL:
            shares = self._share_out(ordered)
            if len(shares) < len(key):  # the money ends before the last of them: that is another, smaller set
                return
        used = tuple(row for row, _ in shares)
        evidence = self._evidence(used, difference.evidence)
        draft = Draft(
            explanation=difference.explanation or self._call(used, evidence),
            shares=shares,
            residual_kind=difference.kind,
            residual=difference.minor,
            unapplied=max(0, reading.gross - total) if difference.kind is None else 0,
            evidence=evidence,
            likelihood=round(self._likelihood(used, evidence, total), 6),
        )
        held = self._found.get(key)
        if held is None or draft.likelihood > held.likelihood:
            self._found[key] = draft

    def _call(self, rows: Sequence[int], evidence: Evidence) -> Explanation:
        if any(self._index.signed[row] < 0 for row in rows):
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

    def _evidence(self, rows: Sequence[int], amount: AmountEvidence) -> Evidence:
        reading, index = self._reading, self._index
        levels = [reading.levels[row] for row in rows if row in reading.levels]
        reference = min(levels, default=ReferenceEvidence.NONE)
        inferred = len(rows) - len(levels) if levels else 0
        if reading.hints:
            reference, inferred = ReferenceEvidence.HINT, 0
        elif reference is ReferenceEvidence.WEAK and not inferred and all(self._is_whole(row, rows) for row in rows):
            reference = ReferenceEvidence.EXACT
        return Evidence(
            reference=reference,
            amount=amount,
            payer=min(reading.payer_of(row, index)[0] for row in rows),
            items=len(rows),
            left_out=self._left_out(rows),
            inferred=inferred,
            not_yet_issued=max(index.issued[row] for row in rows) > reading.receipt.received_on.toordinal(),
        )

    def _is_whole(self, row: int, rows: Sequence[int]) -> bool:
        """Whether a row is named exactly, or by a reference whose other rows are among these too."""
        if self._reading.levels[row] is ReferenceEvidence.EXACT:
            return True
        return any(row in group and set(group) <= set(rows) for group in self._reading.groups)

    def _left_out(self, rows: Sequence[int]) -> int:
        """Count what the payer named exactly and the set ignores, items that are paid already included."""
        reading = self._reading
        if reading.hints:
            return 0
        exact = sum(level is ReferenceEvidence.EXACT and row not in rows for row, level in reading.levels.items())
        untouched = sum(not set(group) & set(rows) for group in reading.groups)
        return exact + untouched + len(reading.closed)

    def _likelihood(self, rows: Sequence[int], evidence: Evidence, total: int) -> float:
        reading, index = self._reading, self._index
        payer = max(reading.payer_of(row, index)[1] for row in rows)
        customers = {index.customer[row] for row in rows}
        credits = sum(index.signed[row] < 0 for row in rows)
        hinted = LOG_HINTED if evidence.reference is ReferenceEvidence.HINT else 0.0
        likelihood = (
            hinted
            + payer
            + self._log_named(rows)
            + self._log_set(rows, min(customers, key=index.names.id_of), credits, evidence)
        )
        likelihood += self._log_amount(evidence.amount, total)
        likelihood += LOG_CREDIT * credits
        if evidence.amount is AmountEvidence.PARTIAL and len(rows) > 1:
            likelihood += LOG_PART_OF_SEVERAL
        return likelihood + (LOG_NOT_YET_ISSUED if evidence.not_yet_issued else 0.0)

    def _log_amount(self, evidence: AmountEvidence, total: int) -> float:
        reading = self._reading
        if self._same is None:
            self._same = len(self._index.of_amount(reading.gross, reading.currency))
        return log_amount(
            evidence,
            gross=reading.gross,
            short=total - reading.gross,
            total=total,
            unit=reading.unit,
            same=self._same,
            open_items=len(self._index),
        )

    def _log_set(self, rows: Sequence[int], customer: int, credits: int, evidence: Evidence) -> float:
        is_natural, rank = False, None
        if len(rows) > 1:
            owned = self._of_payer(customer)
            oldest = owned if credits else self._invoices(owned)
            is_natural = set(oldest[: len(rows)]) == set(rows)
        elif evidence.reference is ReferenceEvidence.NONE:
            owned = self._of_payer(customer)
            rank = owned.index(rows[0]) if rows[0] in owned else len(owned)
        owned_count = self._index.count_of_payer(customer)
        strangers = self._strangers({self._index.customer[row] for row in rows}) if len(rows) > 1 else 0
        each = LOG_SECOND_CUSTOMER + math.log(max(1, owned_count) / len(self._index))
        return strangers * each + log_set(
            max(1, len(rows) - credits),
            owned=owned_count,
            open_items=len(self._index),
            is_natural=is_natural,
            rank=rank,
        )

    def _invoices(self, rows: Sequence[int]) -> list[int]:
        """The oldest invoices among a payer's rows."""
        signed = self._index.signed
        return [row for row in rows[: 2 * MAX_NATURAL] if signed[row] > 0][:MAX_NATURAL]

    def _log_named(self, rows: Sequence[int]) -> float:
        """How telling the text is: each named item as its mention says, the rest as what payers leave out."""
        weights, signed = self._reading.weights, self._index.signed
        named = [weights[row] for row in rows if row in weights]
        if not named:
            return LOG_UNNAMED
        shared = 0.0
        for group in self._reading.groups:  # one reference names them together: it counts once
            inside = [row for row in group if row in rows]
            if len(inside) > 1:
                shared += (len(inside) - 1) * weights[inside[0]]
                shared -= math.log(len(group)) if len(inside) == len(group) else 0.0
        unnamed = [LOG_LEFT_UNNAMED if signed[row] > 0 else LOG_UNNAMED_CREDIT for row in rows if row not in weights]
        return sum(named) - shared + sum(unnamed)

    def _strangers(self, customers: set[int]) -> int:
        """How many customers are not the payer's own, beside a first one."""
        if len(customers) == 1:
            return 0
        likely = self._reading.payers.likely
        own = sum(code in likely and likely[code][0] >= PayerEvidence.NAME for code in customers)
        return min(len(customers) - own, len(customers) - 1)
