"""The firms' daily life: what people, banks and networks do, drawn from a seed.

Each act changes the systems first and the truth with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from sandbox.life import bookkeeping, mandates, paperwork, parties, payments, processor, requests, trade, words
from sandbox.life.firm import Firm
from sandbox.life.hands import REFUSALS, Acts, Hands

_ACTS: Acts = {
    name: act
    for room in (trade, paperwork, payments, processor, mandates, bookkeeping, parties, requests, words)
    for name, act in room.ACTS.items()
}
ACT_NAMES = frozenset(_ACTS)
_ATTEMPTS = 4
_VOIDED = 0.3


@dataclass
class Life:
    """The firms, and the hands by which things happen to them."""

    hands: Hands
    firms: dict[str, Firm]
    often: Mapping[str, float] = field(default_factory=dict)  # how many times as often as usual an act happens
    done: Counter[str] = field(default_factory=Counter)  # how often each act happened

    @cached_property
    def _weights(self) -> list[float]:
        return [weight * self.often.get(name, 1.0) for name, (weight, _) in _ACTS.items()]

    def act(self) -> str:
        """Let somebody do something that is possible now; returns what happened."""
        firm = self._some_firm()
        for name in self.hands.rng.choices(list(_ACTS), weights=self._weights, k=_ATTEMPTS):
            try:
                told = _ACTS[name][1](self.hands, firm)
            except REFUSALS as error:
                return f"{firm.key}: {name}: refused ({error})"
            if told is not None:
                self.done[name] += 1
                return f"{firm.key}: {name}: {told}"
        return self.sell_something()

    def sell_something(self) -> str:
        """Let a firm sell."""
        firm = self._some_firm()
        try:
            return f"{firm.key}: sell: {trade.sell(self.hands, firm)}"
        except REFUSALS as error:
            return f"{firm.key}: sell: refused ({error})"

    def stand(self, count: int) -> None:
        """Let each firm have sold so often in the months before."""
        for firm in self.firms.values():
            for _ in range(count):
                trade.sell_earlier(self.hands, firm)

    def edit(self, ledger_ids: frozenset[str]) -> None:
        """Let an accountant void one of these invoices or move its due date, if any is open."""
        for firm in self.firms.values():
            wanted = [each for each in firm.unpaid.values() if each.invoice.ledger_id in ledger_ids]
            if not wanted:
                continue
            debt = self.hands.rng.choice(wanted)
            act = trade.void if not debt.facts and self.hands.rng.random() < _VOIDED else trade.move_to_new_day
            with suppress(*REFUSALS):
                act(self.hands, firm, debt)

    def delete_posting(self, ledger_ids: frozenset[str]) -> bool:
        """Let an accountant delete one of these postings by mistake; False when there is none that no person made."""
        return any(bookkeeping.delete_one(firm, ledger_ids) for firm in self.firms.values())

    def _some_firm(self) -> Firm:
        return self.firms[self.hands.rng.choice(sorted(self.firms))]
