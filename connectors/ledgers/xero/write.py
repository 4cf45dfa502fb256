"""Writes in one Xero tenant: which room takes an intent, and which neighbours share a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

from connectors.errors import ConnectorError, Fatal, Reject, answered
from connectors.intents import (
    AllocateCredit,
    AttachFile,
    Done,
    DraftInvoice,
    EditCustomer,
    EditDocument,
    Found,
    Intent,
    LinkDocument,
    NoteDocument,
    OfferPayment,
    Outcome,
    PostCharge,
    PostPayout,
    PostReceipt,
    UndoPosting,
    WriteDown,
)
from connectors.ledgers.xero import read
from connectors.ledgers.xero.allocations import Allocations
from connectors.ledgers.xero.attachments import Attachments
from connectors.ledgers.xero.client import XeroClient
from connectors.ledgers.xero.documents import charge_step, draft_step
from connectors.ledgers.xero.edits import Edits
from connectors.ledgers.xero.notes import Notes
from connectors.ledgers.xero.pay_button import PayButton
from connectors.ledgers.xero.postings import Postings
from connectors.ledgers.xero.steps import Step, payout_steps, receipt_steps
from connectors.ledgers.xero.together import Together
from connectors.ledgers.xero.undo import Undoing

_ALONE = "alone"
_EDITS = (EditDocument, EditCustomer, LinkDocument)
_STEPWISE = (
    PostReceipt,
    PostPayout,
    DraftInvoice,
    PostCharge,
)  # what consists of objects that are made one after the other


class XeroWriter:
    """Writes for one tenant."""

    def __init__(self, client: XeroClient, reader: read.XeroReader, clock: Callable[[], datetime]) -> None:
        self._allocations = Allocations(client, reader)
        self._undoing = Undoing(client, reader, self._allocations)
        self._postings = Postings(client, reader, self._allocations, self._undoing, clock)
        self._together = Together(client, self._undoing)
        self._edits = Edits(client, reader)
        self._notes = Notes(client)
        self._attachments = Attachments(client)
        self._pay_button = PayButton(client)

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents in order; neighbours that are receipts, or edits, share calls."""
        unique: dict[str, Intent] = {}
        for intent in intents:
            unique.setdefault(intent.key, intent)
        outcomes: dict[str, Outcome] = {}
        for lane, run in groupby(unique.values(), key=_lane):
            outcomes |= self._write_run(lane, list(run))
        return [outcomes[intent.key] for intent in intents]

    def find(self, intents: Sequence[Intent]) -> list[Found]:
        """Look up intents whose answer was lost; one of several steps that stopped half-way is completed first.

        What shares calls when it is written, and what is found in the same lists, shares them here too.
        """
        found: dict[str, Found] = {}
        found |= self._edits.find([each for each in intents if isinstance(each, _EDITS)])
        found |= self._postings.find_write_downs([each for each in intents if isinstance(each, WriteDown)])
        steps = {each.key: answered(partial(_steps, each)) for each in intents if isinstance(each, _STEPWISE)}
        found |= {key: each for key, each in steps.items() if isinstance(each, ConnectorError)}
        found |= self._postings.find({key: each for key, each in steps.items() if isinstance(each, list)})
        for intent in intents:
            if intent.key not in found:
                found[intent.key] = answered(partial(self._find_alone, intent))
        return [found[intent.key] for intent in intents]

    def _write_run(self, lane: str, run: Sequence[Intent]) -> dict[str, Outcome]:
        if lane == _ALONE:
            return {intent.key: answered(partial(self._alone, intent)) for intent in run}
        receipts = [intent for intent in run if isinstance(intent, PostReceipt)]
        if receipts:
            return self._write_receipts(receipts)
        return self._edits.write([intent for intent in run if isinstance(intent, _EDITS)])

    def _write_receipts(self, receipts: Sequence[PostReceipt]) -> dict[str, Outcome]:
        refused: dict[str, Outcome] = {}
        postings: dict[str, list[Step]] = {}
        for intent in receipts:
            try:
                postings[intent.key] = receipt_steps(intent)
            except Reject as error:
                refused[intent.key] = error
        return refused | self._together.post(postings)

    def _find_alone(self, intent: Intent) -> Done | None:
        match intent:
            case UndoPosting():
                return self._undoing.find(intent)
            case NoteDocument():
                return self._notes.find(intent)
            case AttachFile():
                return self._attachments.find(intent)
            case OfferPayment():
                return self._pay_button.find(intent)
            case AllocateCredit():
                return self._allocations.find(intent.credit_external_id, intent.lines, on=intent.on)
        raise Fatal(f"Xero takes no {intent.intent}")

    def _alone(self, intent: Intent) -> Done:
        match intent:
            case UndoPosting():
                return self._undoing.undo(intent)
            case NoteDocument():
                return self._notes.write(intent)
            case AttachFile():
                return self._attachments.write(intent)
            case OfferPayment():
                return self._pay_button.write(intent)
            case WriteDown():
                return self._postings.write_down(intent)
            case AllocateCredit():
                return self._allocations.make(intent.credit_external_id, intent.lines, on=intent.on, key=intent.key)
            case _:
                return self._postings.post(_steps(intent))


def _steps(intent: Intent) -> list[Step]:
    """What an intent creates, in order."""
    match intent:
        case PostReceipt():
            return receipt_steps(intent)
        case PostPayout():
            return payout_steps(intent)
        case DraftInvoice():
            return [draft_step(intent)]
        case PostCharge():
            return [charge_step(intent)]
    raise Fatal(f"Xero takes no {intent.intent}")


def _lane(intent: Intent) -> str:
    """Name what an intent may share a call with."""
    return intent.intent if isinstance(intent, (PostReceipt, *_EDITS)) else _ALONE
