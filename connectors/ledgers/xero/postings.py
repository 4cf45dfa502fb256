"""Postings of one or several objects: each is made once, as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from connectors.errors import Absent, ConnectorError, Reconnect, Reject, Retry, answered
from connectors.intents import Done, Found, WriteDown
from connectors.ledgers.xero import read
from connectors.ledgers.xero.allocations import CREDIT_NOTE, Allocations
from connectors.ledgers.xero.client import Json, XeroClient
from connectors.ledgers.xero.documents import write_down_step
from connectors.ledgers.xero.steps import Step, texts_of
from connectors.ledgers.xero.together import read_result
from connectors.ledgers.xero.undo import Undoing, posted_in_part
from connectors.records import PaymentLine
from receivables.identity import stable_id

# A key lives about 6 minutes at Xero, so a posting whose answer was lost is looked up among what changed since:
LOOK_BACK = timedelta(days=30)
_Part = Callable[[], Done]


class Postings:
    """Posts in one tenant, and finds again what was posted."""

    def __init__(
        self,
        client: XeroClient,
        reader: read.XeroReader,
        allocations: Allocations,
        undoing: Undoing,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._reader = reader
        self._allocations = allocations
        self._undoing = undoing
        self._clock = clock

    def post(self, steps: Sequence[Step]) -> Done:
        """Make the objects of a posting, in order."""
        return self._in_order([partial(self._create, step) for step in steps])

    def find(self, postings: Mapping[str, Sequence[Step]]) -> dict[str, Found]:
        """Look postings up by key, all in one pass over what changed; one that stopped half-way is completed."""
        made = answered(partial(self._made, [step for steps in postings.values() for step in steps]))
        if isinstance(made, ConnectorError):
            return dict.fromkeys(postings, made)
        begun = {key for key, steps in postings.items() if any(step.key in made for step in steps)}
        return {
            key: answered(partial(self._complete, steps, made)) if key in begun else None
            for key, steps in postings.items()
        }

    def write_down(self, intent: WriteDown) -> Done:
        """Make a credit note and set it against the invoice."""
        return self._write_down(intent, partial(self._create, write_down_step(intent)), found=False)

    def find_write_downs(self, intents: Sequence[WriteDown]) -> dict[str, Found]:
        """Look write-downs up, all in one pass; a credit note that is not set against its invoice yet is."""
        steps = {intent.key: write_down_step(intent) for intent in intents}
        made = answered(partial(self._made, list(steps.values())))
        if isinstance(made, ConnectorError):
            return dict.fromkeys(steps, made)
        found: dict[str, Found] = dict.fromkeys(steps)
        for intent in intents:
            note = made.get(steps[intent.key].key)
            if note is not None:
                found[intent.key] = answered(partial(self._write_down, intent, partial(_as_it_is, note), found=True))
        return found

    def _write_down(self, intent: WriteDown, note: _Part, *, found: bool) -> Done:
        lines = (PaymentLine(intent.document_external_id, intent.amount),)
        made: list[str] = []

        def credit() -> Done:
            done = note()
            made.extend(done.external_ids)
            return done

        def allocate() -> Done:
            kinds = (CREDIT_NOTE,)
            stands = self._allocations.find(made[0], lines, on=intent.on, kinds=kinds) if found else None
            return stands or self._allocations.make(made[0], lines, on=intent.on, key=intent.key, kinds=kinds)

        return self._in_order([credit, allocate])

    def _in_order(self, parts: Sequence[_Part]) -> Done:
        """Do one part after the other. A refusal takes back those before it; anything else leaves them findable."""
        written: list[str] = []
        last = Done(())
        for part in parts:
            try:
                last = part()
            except (Reject, Absent):
                self._undoing.roll_back(written)
                raise
            except (Retry, Reconnect) as error:
                if not written:
                    raise
                raise posted_in_part(error) from error
            written += last.external_ids
        return Done(tuple(written), last.version)

    def _complete(self, steps: Sequence[Step], made: Mapping[str, Done]) -> Done:
        return self._in_order([partial(self._keep_or_create, step, made) for step in steps])

    def _keep_or_create(self, step: Step, made: Mapping[str, Done]) -> Done:
        return made.get(step.key) or self._create(step)

    def _create(self, step: Step) -> Done:
        operation = getattr(self._client.api, step.create)
        options: Json = {"summarize_errors": False} if step.per_element_errors else {}
        body = step.body
        if "Name" in body.get("Contact", {}):
            body = body | {"Contact": {"ContactID": self._contact_named(body["Contact"]["Name"])}}
        answer = self._client.put(operation, {step.source.items: [body]}, key=step.key, **options)
        try:
            result = read_result(step, answer[step.source.items][0])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Retry(f"Xero's answer cannot be read: {error!r}", ambiguous=True) from error
        if isinstance(result, ConnectorError):
            raise result
        return result

    def _contact_named(self, name: str) -> str:
        """The contact of that name, made when there is none: only one active contact can have it."""
        api = self._client.api
        found = self._client.get(api.get_contacts, urgent=True, where=f'Name=="{name}"').get("Contacts")
        if not found:
            body: Json = {"Contacts": [{"Name": name}]}
            key = stable_id("td", "contact", name)
            found = self._client.put(api.create_contacts, body, key=key, summarize_errors=False)["Contacts"]
        return str(found[0]["ContactID"])

    def _made(self, steps: Sequence[Step]) -> dict[str, Done]:
        """Which steps already stand in Xero, by key."""
        made: dict[str, Done] = {}
        since = self._clock() - LOOK_BACK
        for source in {step.source.items: step.source for step in steps}.values():
            marked = [(mark, step) for step in steps if step.source is source for mark in step.marks]
            for items in self._reader.items(source, since=since, urgent=True):
                for item in items:
                    texts = texts_of(item)
                    for step in (step for mark, step in marked if mark in texts):
                        if step.made(item):
                            made[step.key] = Done(step.ids(item))
        return made


def _as_it_is(done: Done) -> Done:
    return done
