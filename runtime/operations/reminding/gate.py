"""The gate: decide again from evidence read now; certify, reserve and write what passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from connectors.channels.contract import Outgoing
from reminders.approval import digest_of
from reminders.certificate import certify
from reminders.evidence import Channel, ContactEvidence
from reminders.schedule import ItemDecision, PlannedReminder, Verdict
from runtime.app import App
from runtime.operations.reminding.approvals import approved_notes, why_approved
from runtime.operations.reminding.catch_up import catch_up
from runtime.operations.reminding.compose import COPY_BROKEN, Composer
from runtime.operations.reminding.plan import decide
from runtime.operations.reminding.withdraw import HELD, PLANNED
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.store import connections, reminder_rows
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.reminder_rows import Claim
from runtime.store.rows import insert_new


@dataclass(frozen=True, slots=True)
class Ready:
    """A reminder that may be handed over, for as long as the ledger's reading at `read_at` is fresh enough.

    `contact` is who gets it, with what they were counted to have heard from us lately.
    """

    reminder_id: str
    customer_id: str
    channel: Channel
    message: Outgoing
    contact: ContactEvidence
    read_at: datetime


@dataclass
class Gate:
    """Decides again, from evidence read now, what may be handed over."""

    app: App
    organisation: Organisation
    outcome: Counter[str] = field(default_factory=Counter)

    def certify(self, claim: Claim) -> list[Ready]:
        """Return the reminders of a batch that pass, certified and reserved, each with its message.

        What was withdrawn, or taken by another sender, since it was claimed is left as it is.
        """
        with self.app.store.read() as db:
            documents = _documents(reminder_rows.items(db, claim.reminder_ids))
        catch_up(self.app, self.organisation.id)
        self._read_ledger_again(documents)
        with self.app.store.write() as db:
            connections.lock_organisation(db, self.organisation.id)
            now = self.app.clock()
            reminder_ids = claim.held(db)
            if lost := len(claim.reminder_ids) - len(reminder_ids):
                self.outcome["withdrawn"] += lost
            items = reminder_rows.items(db, reminder_ids)
            documents = _documents(items)
            decided = decide(db, self.organisation, now=now, document_ids=documents)
            decisions = {decision.evidence.item.item_id: decision for decision in decided.decisions}
            messages = {(each.recipient_id, each.channel.value): each for each in decided.reminders}
            whose = reminder_rows.owners(db, reminder_ids)
            composer = Composer(self.app, db, self.organisation, now)
            notes = approved_notes(db, self.organisation.id, {digest_of(each) for each in decided.reminders}, now)
            ready = []
            for reminder_id in reminder_ids:
                mine = [decisions[document] for document in items.get(reminder_id, ()) if document in decisions]
                planned = messages.get(whose[reminder_id])
                self._note_held(db, reminder_id, mine, now)
                if planned is None or not _names_only(planned, mine):
                    self._hold_back(db, reminder_id, mine, now)
                    continue
                digest = digest_of(planned)
                asks = why_approved(self.organisation, planned)
                if asks and digest not in notes:
                    self._have_it_approved(db, reminder_id, planned)
                    continue
                country = decisions[planned.lines[0].item_id].evidence.contact.country
                note = notes[digest] if asks else ""
                message = composer.compose(reminder_id, planned, country=country, note=note)
                if message is None or not _reserve(db, self.organisation.id, reminder_id, planned, decisions):
                    self._hold_back(db, reminder_id, mine, now, why="" if message else COPY_BROKEN)
                    continue
                self._keep_certificates(db, reminder_id, planned, decisions, now)
                _keep_message(db, reminder_id, planned, message)
                ready.append(
                    Ready(
                        reminder_id=reminder_id,
                        customer_id=planned.recipient_id,
                        channel=planned.channel,
                        message=message,
                        contact=decisions[planned.lines[0].item_id].evidence.contact,
                        read_at=_read_at(planned, decisions),
                    )
                )
        return ready

    def _read_ledger_again(self, documents: Sequence[str]) -> None:
        """Read these invoices in the ledger now; what cannot be read stays stale and holds."""
        reading = read_invoices(self.app, self.organisation.id, documents)
        if reading is not Reading.NEEDLESS:
            self.outcome[reading.value] += 1

    def _note_held(self, db: Connection, reminder_id: str, mine: Sequence[ItemDecision], now: datetime) -> None:
        for decision in mine:
            if decision.verdict is Verdict.REMIND:
                continue
            self.outcome["items_held"] += 1
            item_id = decision.evidence.item.item_id
            reminder_rows.set_item(db, reminder_id, item_id, state=HELD)
            reasons = "; ".join(hold.reason for hold in decision.holds) or (
                decision.planning.reason if decision.planning else ""
            )
            reminder_rows.record(db, self.organisation.id, now, action="reminder_held", subject=item_id, detail=reasons)

    def _hold_back(
        self, db: Connection, reminder_id: str, mine: Sequence[ItemDecision], now: datetime, *, why: str = ""
    ) -> None:
        self.outcome["held"] += 1
        reminder_rows.release_slots(db, [reminder_id])
        codes = sorted({hold.code.value for decision in mine for hold in decision.holds})
        db.execute(
            update(t.reminder)
            .where(t.reminder.c.id == reminder_id)
            .values(state=HELD, withdrawn_at=now, why=why or ", ".join(codes))
        )

    def _have_it_approved(self, db: Connection, reminder_id: str, planned: PlannedReminder) -> None:
        """Put a message back that says something else by now than what was approved."""
        self.outcome["waiting"] += 1
        said = {"digest": digest_of(planned), "needs_approval": bool(planned.approval)}
        db.execute(update(t.reminder).where(t.reminder.c.id == reminder_id).values(state=PLANNED, **said))

    def _keep_certificates(
        self,
        db: Connection,
        reminder_id: str,
        planned: PlannedReminder,
        decisions: Mapping[str, ItemDecision],
        now: datetime,
    ) -> None:
        sequence, previous = reminder_rows.chain_head(db, self.organisation.id)
        for line in planned.lines:
            sealed = certify(
                organisation=self.organisation.id,
                decision=decisions[line.item_id],
                as_of=now,
                previous=previous,
            ).seal()
            sequence += 1
            db.execute(
                insert(t.certificate).values(
                    digest=sealed.digest,
                    organisation_id=self.organisation.id,
                    sequence=sequence,
                    previous=previous or "",
                    document_id=line.item_id,
                    body=sealed.content,
                    created_at=now,
                )
            )
            previous = sealed.digest
            reminder_rows.set_item(
                db, reminder_id, line.item_id, certificate=sealed.digest, amount_minor=line.amount_due.minor
            )


def _keep_message(db: Connection, reminder_id: str, planned: PlannedReminder, message: Outgoing) -> None:
    db.execute(
        update(t.reminder)
        .where(t.reminder.c.id == reminder_id)
        .values(
            subject=message.subject,
            body_text=message.text,
            body_html=message.html,
            level=planned.level.level,
            recipient=planned.address,
        )
    )


def _documents(items: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted({document for each in items.values() for document in each})


def _names_only(planned: PlannedReminder, mine: Sequence[ItemDecision]) -> bool:
    """Whether a message names items of its own reminder alone: others could not be withdrawn from it.

    A customer has a second reminder beside one whose sender was killed.
    """
    return {line.item_id for line in planned.lines} <= {decision.evidence.item.item_id for decision in mine}


def _read_at(planned: PlannedReminder, decisions: Mapping[str, ItemDecision]) -> datetime:
    """When the oldest reading of the ledger began that this message rests on; without one nothing passes the gate."""
    readings = [decisions[line.item_id].evidence.freshness.ledger_read_at for line in planned.lines]
    return min(reading for reading in readings if reading is not None)


def _reserve(
    db: Connection,
    organisation_id: str,
    reminder_id: str,
    planned: PlannedReminder,
    decisions: Mapping[str, ItemDecision],
) -> bool:
    """Take the slot of each item at its level; False when another message has one of them."""
    for line in planned.lines:
        level = decisions[line.item_id].level
        slot = {
            "document_id": line.item_id,
            "level": level.level if level else 0,
            "channel": planned.channel.value,
            "organisation_id": organisation_id,
            "reminder_id": reminder_id,
        }
        if insert_new(db, t.reminder_slot, [slot], keys=["document_id", "level", "channel"]) == 0:
            owner = db.scalar(
                select(t.reminder_slot.c.reminder_id).where(
                    t.reminder_slot.c.document_id == line.item_id,
                    t.reminder_slot.c.level == slot["level"],
                    t.reminder_slot.c.channel == slot["channel"],
                )
            )
            if owner != reminder_id:
                return False
    return True
