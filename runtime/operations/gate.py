"""The gate: decide again from evidence read now; certify, reserve and write what passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from connectors.contract import Role
from connectors.errors import ConnectorError
from connectors.records import Kind
from receivables.problem import Problem
from reminders.certificate import certify
from reminders.message import Brand, Links, Message, render
from reminders.policy import Tone
from reminders.schedule import ItemDecision, PlannedReminder, Verdict
from reminders.templating import TemplateError
from reminders.wording import wording
from runtime.app import App
from runtime.operations.absorb.page import absorb
from runtime.operations.absorb.scope import DOCUMENT_LINK
from runtime.operations.loss import noting_loss
from runtime.operations.match import match_receipts
from runtime.operations.plan import decide
from runtime.operations.pull import pull
from runtime.operations.setbacks import setbacks
from runtime.operations.withdraw import HELD
from runtime.portal_links import PortalLinks
from runtime.store import connections, journal, reminder_rows
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.copies import own_copies
from runtime.store.links import external_ids
from runtime.store.reminder_rows import Claim
from runtime.store.rows import insert_new

COPY_BROKEN = "copy_broken"  # why a reminder is held whose words cannot be rendered, and the problem that says so
CATCH_UP_AFTER = timedelta(minutes=2)
_CAUGHT_UP = {
    Role.PROCESSOR: (Kind.PROCESSOR_PAYMENT, Kind.HELD_CASH),
    Role.CRM: (Kind.CONTACT, Kind.INVOICE, Kind.INSTRUCTION),  # disputes, promises and opt-outs, pauses
}
_LANGUAGES = {"DE": "de", "AT": "de", "FR": "fr", "US": "en-US"}
_LANGUAGE = "en-GB"  # dates that cannot be misread: the day, the month in letters, the year


@dataclass(frozen=True, slots=True)
class Ready:
    """A reminder that may be handed over, for as long as the ledger's reading at `read_at` is fresh enough."""

    reminder_id: str
    message: Message
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
        self._catch_up()
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
            messages = {each.recipient_id: each for each in decided.reminders}
            owners = reminder_rows.owners(db, reminder_ids)
            ready = []
            for reminder_id in reminder_ids:
                mine = [decisions[document] for document in items.get(reminder_id, ()) if document in decisions]
                planned = messages.get(owners[reminder_id])
                self._note_held(db, reminder_id, mine, now)
                if planned is None or not _names_only(planned, mine):
                    self._hold_back(db, reminder_id, mine, now)
                    continue
                message = self._render(db, planned, decisions, now)
                if message is None or not _reserve(db, self.organisation.id, reminder_id, planned, decisions):
                    self._hold_back(db, reminder_id, mine, now, why="" if message else COPY_BROKEN)
                    continue
                self._keep_certificates(db, reminder_id, planned, decisions, now)
                _keep_message(db, reminder_id, planned, message)
                ready.append(Ready(reminder_id, message, _read_at(planned, decisions)))
        return ready

    def _catch_up(self) -> None:
        """Read what the processor and the CRM know, unless that was done a moment ago."""
        for role, kinds in _CAUGHT_UP.items():
            with self.app.store.read() as db:
                connection = connections.connection_for_role(db, self.organisation.id, role)
                seen = [connections.watermark(db, connection.id, kind) for kind in kinds] if connection else []
            oldest = self.app.clock() - CATCH_UP_AFTER
            if connection is not None and any(since is None or since < oldest for since in seen):
                # Evidence that cannot be read stays as old as it is: the holds see that and fail closed.
                with suppress(ConnectorError), noting_loss(self.app, connection):
                    pull(self.app, connection, kinds=kinds)
        match_receipts(self.app, self.organisation.id)

    def _read_ledger_again(self, documents: Sequence[str]) -> None:
        """Read these invoices in the ledger now; what cannot be read stays stale and holds."""
        with self.app.store.read() as db:
            ledger = connections.connection_for_role(db, self.organisation.id, Role.LEDGER)
            if ledger is None or not documents:
                return
            ids = external_ids(db, self.organisation.id, ledger.system, DOCUMENT_LINK, documents)
        read_at = self.app.clock()
        try:
            with noting_loss(self.app, ledger):
                page = self.app.vendors.connector(ledger).fetch(Kind.INVOICE, sorted(ids.values()))
        except ConnectorError:
            self.outcome["ledger_not_read"] += 1
            return
        self.outcome["ledger_reads"] += 1
        with self.app.store.write() as db:
            absorb(db, connection=ledger, page=page, read_at=read_at)

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

    def _render(
        self, db: Connection, planned: PlannedReminder, decisions: Mapping[str, ItemDecision], now: datetime
    ) -> Message | None:
        """Write the message, in the organisation's own words where it has some for this tone.

        Own words that cannot be rendered are never replaced silently: None, and a person is told why nothing leaves.
        """
        language = language_of(decisions[planned.lines[0].item_id].evidence.contact.country)
        written_in, tone = wording(language).language, planned.level.tone
        own = own_copies(db, self.organisation.id).get((written_in, tone.value))
        try:
            return render(
                reminder=planned,
                brand=brand_of(self.organisation),
                links=portal_links(self.app, self.organisation.id, planned.recipient_id),
                language=language,
                own_copy=own.body if own else None,
                setbacks=setbacks(db, self.organisation.id, [line.item_id for line in planned.lines], now=now),
            )
        except TemplateError as error:
            text = f"Messages in the tone {tone} ({written_in}) are held: your own words cannot be rendered: {error}"
            remedy = "Correct the words on the page of messages, or go back to ours."
            problem = Problem(COPY_BROKEN, text, remedy, copy_name(written_in, tone))
            journal.raise_problem(db, organisation_id=self.organisation.id, problem=problem, at=now)
            return None


def copy_name(language: str, tone: Tone) -> str:
    """Return what a problem calls the words of a tone in a language."""
    return f"{tone} {language}"


def brand_of(organisation: Organisation) -> Brand:
    """Return who writes."""
    return Brand(name=organisation.name, signature=f"Accounts receivable, {organisation.name}")


def _keep_message(db: Connection, reminder_id: str, planned: PlannedReminder, message: Message) -> None:
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


def language_of(country: str | None) -> str:
    """Return the language that a customer in `country` is written to."""
    return _LANGUAGES.get(country or "", _LANGUAGE)


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


def portal_links(app: App, organisation_id: str, customer_id: str) -> Links:
    """Return where a message to this customer leads: the customer's own page and its actions."""
    token = PortalLinks(app.settings.encryption_key(), app.clock).link(organisation_id, customer_id)
    page = f"{app.settings.public_url}/p/{token}"
    return Links(
        pay=page,
        portal=page,
        dispute=page,
        promise=page,
        plan=page,
        question=page,
        unsubscribe=f"{page}/unsubscribe",
    )


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
