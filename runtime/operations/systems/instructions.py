"""What CRM users tell us to do on an account's page: done once, and answered in the same record.

The answer is promised in the unit of work that does it, under a key made of the record's id. So an instruction that is
read again, by webhook and by poll, has no second effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from connectors.intents import AnswerInstruction
from connectors.records import Action, InstructionFields, Kind, Record
from receivables.identity import stable_id
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.open_items import OpenDocument, open_invoices
from runtime.operations.payers.pause import pause, resume
from runtime.operations.reminding.send_again import send_again
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK, Scope, version_of
from runtime.store import journal, queues

UNREADABLE = "unreadable_record"


def follow_instructions(scope: Scope, records: Sequence[Record]) -> None:
    """Do what was asked, in the order in which it was asked, and promise to say what came of it."""
    for record in sorted(records, key=lambda each: (_fields(each).asked_at, each.external_id)):
        subject = scope.local_id("ins", record.external_id)
        key = stable_id("answer", scope.organisation_id, record.external_id)
        mine = {"organisation_id": scope.organisation_id, "system": scope.system}
        scope.keep_link(Kind.INSTRUCTION.value, record.external_id, subject, {}, version=version_of(record))
        journal.resolve_problem(
            scope.db,
            organisation_id=scope.organisation_id,
            code=UNREADABLE,
            subject=record.external_id,
            at=scope.read_at,
        )
        if queues.promised(scope.db, key=key, **mine) is not None:
            continue
        try:
            done, answer = True, _follow(scope, _fields(record), actor=f"{scope.system} {record.external_id}")
        except (InputError, RefusedError) as error:
            done, answer = False, f"Nothing was changed: {error}."
        intent = AnswerInstruction(key, record.external_id, done, answer)
        queues.enqueue(scope.db, intent=intent, subject=subject, at=scope.read_at, **mine)
        scope.record(f"instruction_{'done' if done else 'refused'}", subject, f"{_fields(record).action}: {answer}")
    scope.flush_links()


def _follow(scope: Scope, asked: InstructionFields, *, actor: str) -> str:
    """Do it and say what was done. InputError or RefusedError with the reason when it cannot be done."""
    invoices = _invoices(scope, asked)
    named = invoices[0].document.number if asked.document_key else f"{len(invoices)} open invoices"
    if asked.action is Action.PAUSE:
        pause(
            scope.db,
            scope.organisation_id,
            invoices,
            until=asked.until,
            reason=asked.reason,
            actor=actor,
            asked_at=asked.asked_at,
            at=scope.read_at,
        )
        return f"Reminders of {named} are paused through {asked.until}."
    since: dict[str, Any] = {"actor": actor, "asked_at": asked.asked_at, "at": scope.read_at}
    if asked.action is Action.SEND_AGAIN:
        if not send_again(scope.db, scope.organisation_id, invoices, **since):
            raise RefusedError(f"no reminder of {named} was sent yet")
        return f"The last reminder of {named} is sent again, once everything that may hold it was asked."
    if not resume(scope.db, scope.organisation_id, invoices, **since):
        raise RefusedError(f"no reminders of {named} are paused")
    return f"Reminders of {named} go on."


def _invoices(scope: Scope, asked: InstructionFields) -> list[OpenDocument]:
    """Return the open invoices that an instruction is about, one at least."""
    link = scope.known_links(CUSTOMER_LINK, [asked.customer_external_id]).get(asked.customer_external_id)
    if link is None:
        raise RefusedError("the account is linked to no customer of the ledger")
    found = open_invoices(scope.db, scope.organisation_id, link["local_id"], asked.document_key)
    if not found:
        named = asked.document_key is not None
        raise RefusedError("the invoice is no open one of this account" if named else "the account has no open invoice")
    return found


def _fields(record: Record) -> InstructionFields:
    return cast(InstructionFields, record.fields)
