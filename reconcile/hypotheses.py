"""Ways to explain one receipt: the sets of open items that are worth weighing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from reconcile.candidates import MAX_SAME_AMOUNT, OpenItemIndex
from reconcile.damaged import MAX_SCANNED, TELLING
from reconcile.draft import Claim, Draft, ranked
from reconcile.likelihood import (
    LOG_HINTED,
    LOG_LEFT_UNNAMED,
    LOG_MORE_NAMED,
    LOG_PAID_BEFORE,
    LOG_SEVERAL,
    LOG_SOMETHING_ELSE,
    LOG_UNNAMED,
    LOG_UNRELATED,
    AmountEvidence,
    log_sum,
)
from reconcile.mention import Mention, ReferenceEvidence
from reconcile.payer import PayerEvidence
from reconcile.reading import Reading
from reconcile.subset import MAX_EXHAUSTIVE, solve
from reconcile.weigh import MAX_PAYER_ITEMS, NONE_TAKEN, Weighing

MAX_SINGLES: Final = 16  # named items tried one by one
MAX_PAYERS: Final = 4
MAX_CREDITS: Final = 6
MAX_ADDED: Final = 3  # items named by damaged numbers, tried together with those named exactly
MAX_LONE_ITEMS: Final = 12  # of a payer with so few items each may be paid in part, or with a difference


def search(reading: Reading, index: OpenItemIndex, taken: frozenset[int] = NONE_TAKEN) -> Claim:
    """Return the likeliest explanations of a receipt, best first, and how likely it is that none of them is true.

    Rows that are `taken` count as paid by others.
    """
    return _Search(reading, index, taken).claim()


class _Search:
    """The search for one receipt's explanations."""

    def __init__(self, reading: Reading, index: OpenItemIndex, taken: frozenset[int]) -> None:
        self._reading = reading
        self._index = index
        self._weighing = Weighing(reading, index, taken)
        self._found: dict[tuple[int, ...], Draft] = {}
        self._unlisted: list[float] = []

    def claim(self) -> Claim:
        """The explanations, best first, as many as `ranked` keeps; none if nothing speaks for any."""
        reading = self._reading
        if reading.hints:
            self._fit(reading.hints)
        else:
            self._try()
        kept = tuple(ranked(self._not_refused(), self._index))
        unrelated = LOG_UNRELATED + (LOG_PAID_BEFORE if reading.closed else 0.0)
        if reading.closed and reading.receipt.item_hints and not reading.hints:
            unrelated += LOG_HINTED
        return Claim(reading.gross, kept, unrelated, round(log_sum([self._otherwise(), unrelated]), 6))

    def _not_refused(self) -> Iterable[Draft]:
        """What was found, less what a person said is wrong: it does not compete with other receipts either."""
        refused, index = self._reading.receipt.refused, self._index
        if not refused:
            return self._found.values()
        return [draft for draft in self._found.values() if frozenset(map(index.item_id, draft.rows)) not in refused]

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
            - self._weighing.log_amount(AmountEvidence.OVER, sum(signed[row] for row in rows))
            + (LOG_MORE_NAMED if draft.evidence.items > 1 else LOG_SEVERAL + LOG_LEFT_UNNAMED)
            for rows, draft in self._found.items()
            if draft.evidence.amount is AmountEvidence.OVER and draft.evidence.reference > ReferenceEvidence.NONE
        ]

    def _try(self) -> None:
        if self._reading.exact:
            self._fit(self._reading.exact)
        if self._is_settled():
            return
        self._by_reference()
        self._by_amount()
        if not self._is_settled():
            self._nearly_named()
            self._by_payer()

    def _nearly_named(self) -> None:
        """Take in what the text would name if one character of a number were wrong.

        Where numbers follow each other, one is near twenty others. Of these only those count that something else
        speaks for: the items of the amount, and the payer's, which are looked through later. Where they are too many
        to be looked through, all that are near are looked up.
        """
        index, likely = self._index, self._reading.payers.likely
        text = self._reading.receipt.remittance
        same = self._weighing.same_amount()
        few = len(same) <= MAX_SAME_AMOUNT and len(likely) <= MAX_PAYERS
        if few and all(index.count_of_payer(code) <= MAX_SCANNED for code in likely):
            self._take([*index.damaged(text, least=TELLING), *index.within(text, same)])
        else:
            self._take(index.damaged(text))

    def _take(self, mentions: Sequence[Mention]) -> None:
        """Take further mentions in, none of them exact, and weigh anew what they tell something of."""
        news = self._reading.take(mentions, self._index)
        if news:
            before = [rows for rows in self._found if not news.isdisjoint(rows)]
            for rows in before:
                del self._found[rows]
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
        reading, index, signed = self._reading, self._index, self._index.signed
        named = index.sorted(reading.exact)
        shared = [row for group in reading.groups for row in group]
        others = self._others_named()
        nearest = [row for row in others if reading.levels[row] is ReferenceEvidence.DAMAGED]
        for rows in (named, [*named, *shared], [*named, *nearest[:MAX_ADDED]], [*named, *others[:MAX_ADDED]]):
            if rows:
                self._fit(list(dict.fromkeys(rows)))
        for row in (*named, *others)[:MAX_SINGLES]:
            self._fit([row])
            if named and row not in named:
                self._fit([*named, row])
        total = sum(signed[row] for row in named)
        pool = [*named, *others][:MAX_EXHAUSTIVE]
        if named and total > reading.gross:
            pool += [row for row in self._owned_by_named(named) if signed[row] < 0][:MAX_CREDITS]
        if len(pool) > 1 and not (named and total == reading.gross):
            self._sums(list(dict.fromkeys(pool)))
        if named and total < reading.gross:
            self._with_missing(named, reading.gross - total)

    def _others_named(self) -> list[int]:
        """The rows that are not named exactly, without those that no payer, amount or sparse number supports."""
        reading, index = self._reading, self._index
        rows = [
            row
            for row in reading.levels
            if row not in reading.exact
            and (
                reading.weights[row] >= TELLING
                or index.signed[row] == reading.gross
                or reading.payer_of(row, index)[0] >= PayerEvidence.WEAK
            )
        ]
        rows.sort(key=lambda row: (-reading.weights[row] - reading.payer_of(row, index)[1], index.item_id(row)))
        return rows

    def _owned_by_named(self, rows: list[int]) -> list[int]:
        customers = dict.fromkeys(self._index.customer[row] for row in rows)
        return [row for customer in customers for row in self._weighing.of_payer(customer)]

    def _with_missing(self, named: list[int], gap: int) -> None:
        """Complete a list by up to three items of the same customer that are open for exactly what is missing."""
        known, signed = set(named), self._index.signed
        rest = [row for row in self._owned_by_named(named) if row not in known][:MAX_PAYER_ITEMS]
        for positions in solve([signed[row] for row in rest], gap, most=3).found:
            self._fit([*named, *(rest[at] for at in positions)])

    def _by_amount(self) -> None:
        rows = self._weighing.same_amount()
        if len(rows) <= MAX_SAME_AMOUNT:
            for row in rows:
                self._fit_alone(row)

    def _by_payer(self) -> None:
        """Look through the payer's items: numbers nearly named, then sums, then single items with a difference."""
        names = self._index.names
        likely = sorted(self._reading.payers.likely.items(), key=lambda pair: (-pair[1][1], names.id_of(pair[0])))
        for code, _ in likely[:MAX_PAYERS]:
            rows = self._weighing.of_payer(code)
            if len(rows) <= MAX_SCANNED:
                self._take(self._index.within(self._reading.receipt.remittance, rows))
            self._by_sum(code, rows)

    def _by_sum(self, code: int, rows: list[int]) -> None:
        signed, gross = self._index.signed, self._reading.gross
        self._sums(rows)
        invoices, total = self._weighing.oldest(code), 0
        for at, row in enumerate(invoices):
            total += signed[row]
            if total * 95 > gross * 100:
                break
            if at > 0 and total >= gross:
                self._fit(invoices[: at + 1])
        are_few = len(rows) <= MAX_LONE_ITEMS
        for row in rows:
            if signed[row] > 0 and (are_few or abs(signed[row] - gross) * 20 <= gross):
                self._fit_alone(row)

    def _sums(self, rows: list[int]) -> None:
        signed = self._index.signed
        solutions = solve([signed[row] for row in rows], self._reading.gross)
        for positions in solutions.found:
            self._fit([rows[at] for at in positions])
        if solutions.count > len(solutions.found):
            last = tuple(sorted(rows[at] for at in solutions.found[-1]))
            if last in self._found:
                more = math.log(solutions.count - len(solutions.found))
                self._unlisted.append(self._found[last].likelihood + more)

    def _fit_alone(self, row: int) -> None:
        """Weigh one item unless it is hopeless."""
        if row in self._reading.weights or self._weighing.may_pay(row):
            self._fit((row,))

    def _fit(self, rows: Iterable[int]) -> None:
        """Weigh exactly these items, once."""
        key = tuple(sorted(rows))
        if key not in self._found:
            draft = self._weighing.draft(key)
            if draft is not None:
                self._found[key] = draft
