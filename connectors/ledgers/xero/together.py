"""Many postings in few calls: objects of one kind share a call, and each posting stands as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.errors import Absent, ConnectorError, Reconnect, Reject, Retry
from connectors.intents import Done, Outcome
from connectors.ledgers.xero import read
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.convert import version
from connectors.ledgers.xero.refusals import element_error
from connectors.ledgers.xero.steps import Step
from connectors.ledgers.xero.undo import Undoing, posted_in_part
from receivables.identity import stable_id

MAX_ELEMENTS_PER_CALL = 50  # what Xero advises for one call
# Cash before credit: where an invoice cannot be paid, nothing else of its receipt is tried.
_KINDS = (read.BATCHES, read.PAYMENTS, read.BANK)


class Together:
    """Posts in one tenant what several intents consist of."""

    def __init__(self, client: XeroClient, undoing: Undoing) -> None:
        self._client = client
        self._undoing = undoing

    def post(self, postings: Mapping[str, Sequence[Step]]) -> dict[str, Outcome]:
        """Post the steps of each intent, by key; one that is refused in part is taken back."""
        results: dict[str, Outcome] = {}
        for chunk in _chunks(postings):
            # After the first failure of an intent nothing more of it is sent, so one call decides what becomes of it.
            live = [step for key, step in chunk if not _failed(postings[key], results)]
            if live:
                results |= zip((step.key for step in live), self._put(live), strict=True)
        return {key: self._whole(_results(steps, results)) for key, steps in postings.items()}

    def _put(self, steps: Sequence[Step]) -> list[Outcome]:
        """Create objects of one kind in one call. Its key derives from theirs, so the same call repeats as itself."""
        items = steps[0].source.items
        key = steps[0].key if len(steps) == 1 else stable_id("td", *(step.key for step in steps))
        body: Json = {items: [step.body for step in steps]}
        try:
            create = getattr(self._client.api, steps[0].create)
            answer = self._client.put(create, body, key=key, summarize_errors=False)
            return [read_result(step, item) for step, item in zip(steps, answer[items], strict=True)]
        except ConnectorError as error:
            return [error] * len(steps)
        except (KeyError, TypeError, ValueError) as error:
            return [Retry(f"Xero's answer to {items} cannot be read: {error!r}", ambiguous=True)] * len(steps)

    def _whole(self, results: Sequence[Outcome]) -> Outcome:
        """What became of an intent. A refusal takes back what stands of it; anything else leaves it findable."""
        made = [result for result in results if isinstance(result, Done)]
        failure = next((result for result in results if isinstance(result, ConnectorError)), None)
        written = tuple(external_id for each in made for external_id in each.external_ids)
        if failure is None:
            return Done(written, made[-1].version if made else "")
        if not made:
            return failure
        if isinstance(failure, Retry | Reconnect):
            return posted_in_part(failure)
        if isinstance(failure, Reject | Absent):
            try:
                self._undoing.roll_back(written)
            except ConnectorError as error:
                return error
        return failure


def read_result(step: Step, item: Json) -> Done | Reject:
    """Read one element of an answer given with summarizeErrors=false."""
    error = element_error(item)
    if error is not None:
        return error
    return Done(step.ids(item), version(item) if item.get("UpdatedDateUTC") else "")


def _chunks(postings: Mapping[str, Sequence[Step]]) -> Iterator[list[tuple[str, Step]]]:
    """What goes into one call each: steps of one kind, with the keys of their intents."""
    for kind in _KINDS:
        steps = [(key, step) for key, steps in postings.items() for step in steps if step.source is kind]
        for start in range(0, len(steps), MAX_ELEMENTS_PER_CALL):
            yield steps[start : start + MAX_ELEMENTS_PER_CALL]


def _results(steps: Sequence[Step], results: Mapping[str, Outcome]) -> list[Outcome]:
    return [results[step.key] for step in steps if step.key in results]


def _failed(steps: Sequence[Step], results: Mapping[str, Outcome]) -> bool:
    return any(isinstance(result, ConnectorError) for result in _results(steps, results))
