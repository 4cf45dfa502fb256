"""Writes of up to two objects: completed when half is there, found again by their marks, taken back whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from connectors.errors import Absent, ConnectorError, Reconnect, Reject, Retry, Stale, answered
from connectors.intents import Done, Found, Intent, Outcome, PostCharge, UndoPosting, WriteDown
from connectors.ledgers.exact import money
from connectors.ledgers.quickbooks.calls import write_all, write_one
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.ledgers.quickbooks.read import QuickBooksReader
from connectors.ledgers.quickbooks.steps import Mark, Step, deletion, mark_of, second_step

# In the order in which they can be deleted: a deposit holds its payments, a payment the credit that it uses.
_DELETABLE = ("Deposit", "Payment", "JournalEntry", "CreditMemo", "Estimate")
_SOUGHT = ("Payment", "Deposit", "JournalEntry", "CreditMemo", "Estimate")  # the commonest first


@dataclass(frozen=True, slots=True)
class _Begun:
    """An intent whose first object stands."""

    intent: Intent
    entity: str
    first: Json

    def second_step(self) -> Step | None:
        """What completes it; None when nothing is left to do."""
        return second_step(self.intent, self.entity, self.first)

    def done(self, *others: Json) -> Done:
        """The outcome, once `others` stand as well."""
        return Done(tuple(str(each["Id"]) for each in (self.first, *others)), str(self.first.get("SyncToken", "")))


class Postings:
    """What we posted in one company. Transactions of all kinds share one row of ids at QuickBooks."""

    def __init__(self, client: QuickBooksClient, reader: QuickBooksReader) -> None:
        self._client = client
        self._reader = reader

    def write(self, firsts: Sequence[tuple[Intent, Step]]) -> dict[str, Outcome]:
        """Write the first objects of up to 30 intents in one call, then in another what completes them."""
        outcomes: dict[str, Outcome] = {}
        begun: list[_Begun] = []
        answers = write_all(self._client, [step for _, step in firsts])
        for (intent, step), answer in zip(firsts, answers, strict=True):
            if isinstance(answer, ConnectorError):
                outcomes[intent.key] = answer
            else:
                begun.append(_Begun(intent, step.entity, answer))
        return outcomes | self._complete(begun)

    def find(self, intents: Sequence[Intent]) -> dict[str, Found]:
        """Look up, by key, what was posted of up to 30 intents, and complete what stopped half-way."""
        found: dict[str, Found] = dict.fromkeys(intent.key for intent in intents)
        sought: defaultdict[str, list[tuple[Intent, Mark]]] = defaultdict(list)
        for intent in intents:
            mark = answered(partial(mark_of, intent))
            if isinstance(mark, ConnectorError):
                found[intent.key] = mark
            else:
                sought[mark.entity].append((intent, mark))
        begun: list[_Begun] = []
        for entity, marks in sought.items():
            firsts = answered(partial(self._marked, entity, marks))
            if isinstance(firsts, ConnectorError):
                found |= dict.fromkeys((intent.key for intent, _ in marks), firsts)
            else:
                begun += firsts
        return found | self._completed(begun)

    def undo(self, intent: UndoPosting) -> Done:
        """Delete all of a posting that is left; Reject when QuickBooks or a person's work holds on to it."""
        found = self._left(intent)
        if not found:
            raise Absent("nothing of this posting is in QuickBooks")
        for item in found.get("Estimate", []):
            _check_not_invoiced(item)
        released = False
        for entity in _DELETABLE:
            items = found.get(entity, [])
            if items and released:  # what was deleted before it let go of it, which changed its version
                items = [each for item in items if (each := self._one(entity, str(item["Id"]))) is not None]
            for item in items:
                write_one(self._client, deletion(entity, item))
                released = True
        return Done(intent.external_ids)

    def find_undone(self, intent: UndoPosting) -> Done | None:
        """Look up whether nothing of a posting is left."""
        return None if self._left(intent) else Done(intent.external_ids)

    def _completed(self, begun: Sequence[_Begun]) -> dict[str, Outcome]:
        """What stands as a whole as it is, and the rest once its second object is written."""
        outcomes: dict[str, Outcome] = {}
        seconds: defaultdict[str, list[tuple[_Begun, Step]]] = defaultdict(list)
        for each in begun:
            step = each.second_step()
            if step is not None:
                seconds[step.entity].append((each, step))
        for entity, parts in seconds.items():
            linked = answered(partial(self._linked, entity, [step for _, step in parts]))
            for each, _ in parts:
                if isinstance(linked, ConnectorError):
                    outcomes[each.intent.key] = linked
                elif second := linked.get((each.entity, str(each.first["Id"]))):
                    outcomes[each.intent.key] = each.done(second)
        return outcomes | self._complete([each for each in begun if each.intent.key not in outcomes])

    def _complete(self, begun: Sequence[_Begun]) -> dict[str, Outcome]:
        """Write the second objects; where one is refused, the first is taken back."""
        outcomes: dict[str, Outcome] = {}
        refused: list[tuple[_Begun, ConnectorError]] = []
        waiting: list[tuple[_Begun, Step]] = []
        for each in begun:
            step = each.second_step()
            if mistake := _other_amount(each):
                refused.append((each, mistake))
            elif step is None:
                outcomes[each.intent.key] = each.done()
            else:
                waiting.append((each, step))
        answers = write_all(self._client, [step for _, step in waiting])
        for (each, _), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Reject | Absent):
                refused.append((each, answer))
            elif isinstance(answer, ConnectorError):
                outcomes[each.intent.key] = _in_part(answer)
            else:
                outcomes[each.intent.key] = each.done(answer)
        return outcomes | self._taken_back(refused)

    def _taken_back(self, refused: Sequence[tuple[_Begun, ConnectorError]]) -> dict[str, Outcome]:
        """Delete the first objects; what cannot be deleted now is found by looking the posting up."""
        answers = write_all(self._client, [deletion(each.entity, each.first) for each, _ in refused])
        outcomes: dict[str, Outcome] = {}
        for (each, refusal), answer in zip(refused, answers, strict=True):
            if isinstance(answer, Retry | Reconnect | Stale):
                outcomes[each.intent.key] = _in_part(answer)
            else:  # a second refusal is what a person must see to first
                outcomes[each.intent.key] = answer if isinstance(answer, Reject) else refusal
        return outcomes

    def _marked(self, entity: str, marks: Sequence[tuple[Intent, Mark]]) -> list[_Begun]:
        """The intents whose first object stands: one of its day which carries its mark."""
        begun: dict[str, _Begun] = {}
        for item in self._of_days(entity, [mark.on for _, mark in marks]):
            for intent, mark in marks:
                if mark.is_on(item):
                    begun.setdefault(intent.key, _Begun(intent, entity, item))
        return list(begun.values())

    def _left(self, intent: UndoPosting) -> dict[str, list[Json]]:
        """What is left of a posting, by entity. What no query shows, which may lag behind, is asked for by itself."""
        left: dict[str, list[Json]] = {}
        missing = set(intent.external_ids)
        for entity in _SOUGHT:
            items = self._reader.by_ids(entity, sorted(missing)) if missing else []
            missing -= {str(item["Id"]) for item in items}
            if items:
                left[entity] = items
        for external_id in sorted(missing):
            if (alone := self._alone(external_id)) is not None:
                left.setdefault(alone[0], []).append(alone[1])
        return left

    def _alone(self, external_id: str) -> tuple[str, Json] | None:
        """One object of a posting, and what it is; None when it is gone."""
        shown = ((entity, self._one(entity, external_id)) for entity in _SOUGHT)
        return next(((entity, item) for entity, item in shown if item is not None), None)

    def _one(self, entity: str, external_id: str) -> Json | None:
        try:
            return self._client.one(entity, external_id)
        except Absent:
            return None

    def _linked(self, entity: str, steps: Sequence[Step]) -> dict[tuple[str, str], Json]:
        """The second objects that stand already, by the entity and id of the first that they are linked to."""
        linked: dict[tuple[str, str], Json] = {}
        for item in self._of_days(entity, [date.fromisoformat(str(step.body["TxnDate"])) for step in steps]):
            for line in item.get("Line") or []:
                for link in line.get("LinkedTxn") or []:
                    linked.setdefault((str(link.get("TxnType")), str(link.get("TxnId"))), item)
        return linked

    def _of_days(self, entity: str, days: Iterable[date]) -> Iterator[Json]:
        """The objects of an entity that are dated on one of these days."""
        wanted = ", ".join(f"'{day.isoformat()}'" for day in sorted(set(days)))
        for items in self._reader.items(entity, where=f"TxnDate IN ({wanted})", urgent=True):
            yield from items


def _in_part(error: ConnectorError) -> Retry:
    """What is left to do is found out by looking the posting up."""
    seconds = error.after_seconds if isinstance(error, Retry) else 60.0
    return Retry(f"posted in part: {error}", after_seconds=seconds, ambiguous=True)


def _other_amount(begun: _Begun) -> Reject | None:
    """QuickBooks works the tax out itself; a cent too much or too little is another amount than was decided."""
    intent, made = begun.intent, begun.first
    if not isinstance(intent, WriteDown | PostCharge):
        return None
    if isinstance(intent, PostCharge) and str(made.get("SyncToken")) != "0":
        return None  # people changed it since: it is theirs
    if money(made["TotalAmt"], intent.amount.currency) == intent.amount:
        return None
    return Reject(
        f"QuickBooks made {made['TotalAmt']} of {intent.amount.text()} under the tax code {intent.tax_code}",
        code="tax_amount",
        remedy="Choose no tax code and correct the tax in QuickBooks, or book it there by hand.",
    )


def _check_not_invoiced(estimate: Json) -> None:
    if any(link.get("TxnType") == "Invoice" for link in estimate.get("LinkedTxn") or []):
        raise Reject(
            "the draft was turned into an invoice",
            code="draft_invoiced",
            remedy="Void the invoice in QuickBooks if it is not wanted.",
        )
