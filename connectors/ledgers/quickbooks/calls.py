"""Objects written in as few calls as Intuit allows: one by itself, several in a batch with an outcome each."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.errors import ConnectorError, Retry
from connectors.ledgers.quickbooks.client import Json, QuickBooksClient
from connectors.ledgers.quickbooks.refusals import fault_in
from connectors.ledgers.quickbooks.steps import Step
from receivables.identity import stable_id

MAX_ITEMS_PER_BATCH = 30  # what Intuit takes in one batch call
Answer = Json | ConnectorError  # the object as it stands now, or why it does not


def write_all(client: QuickBooksClient, steps: Sequence[Step]) -> list[Answer]:
    """Write up to 30 objects in one call. Its request id derives from theirs, so the same call repeats as itself."""
    if not steps:
        return []
    try:
        if len(steps) == 1:
            return [write_one(client, steps[0])]
        items: list[Json] = [
            {"bId": str(index), "operation": step.operation, step.entity: step.body} for index, step in enumerate(steps)
        ]
        needs_id = any(step.request_id for step in steps)
        key = stable_id("td", *(step.key for step in steps)) if needs_id else None
        answers = {str(each.get("bId")): each for each in client.batch(items, key=key)}
    except ConnectorError as error:
        return [error] * len(steps)
    return [_answer(answers.get(str(index)), step) for index, step in enumerate(steps)]


def write_one(client: QuickBooksClient, step: Step) -> Json:
    """Write one object by itself, which does not count as a batch; a ConnectorError when it is refused."""
    operations = {"create": client.create, "update": client.update, "delete": client.delete}
    return operations[step.operation](step.entity, step.body, key=step.request_id)


def _answer(item: Json | None, step: Step) -> Answer:
    if item is None:
        return Retry("QuickBooks' batch did not answer for this object", ambiguous=True)
    fault = fault_in(item)
    if fault is not None:
        return fault.error()
    found = item.get(step.entity)
    return found if isinstance(found, dict) else Retry(f"QuickBooks' batch answer has no {step.entity}", ambiguous=True)
