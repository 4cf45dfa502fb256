"""What else writes to the same customers: the ledger's or the processor's own reminders, which nothing here can stop.

Xero tells whether it reminds, and is asked once a day. QuickBooks and Stripe tell nobody, so a person is asked once.
Their messages are counted nowhere: where they are on, contact limits cannot be kept.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from connectors import registry
from connectors.contract import Role, TellsOfReminders
from connectors.errors import ConnectorError
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.organisations import keep_switch
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation, VendorConnection

ASKED_EVERY = timedelta(days=1)
SYSTEM_REMINDS = "system_reminds"
_MAY_REMIND = (Role.LEDGER.value, Role.PROCESSOR.value)


@dataclass(frozen=True, slots=True)
class OtherReminders:
    """What is known of other reminders: by `told`, whether each system that tells sends any; `said` is a person's word.

    A person's word counts for what does not tell; it `is_needed` while sending is on and nobody gave it.
    """

    told: tuple[tuple[str, bool], ...]
    silent: tuple[str, ...]
    said: bool | None
    sending_on: bool

    @property
    def all_tell(self) -> bool:
        """Whether every connected system tells, so that a person need not look."""
        return bool(self.told) and not self.silent

    @property
    def is_needed(self) -> bool:
        """Whether a person has yet to say what no system tells."""
        return self.said is None and self.sending_on and not self.all_tell

    @property
    def reminding(self) -> tuple[str, ...]:
        """Who reminds beside us."""
        others = (" or ".join(self.silent) or "something else",) if self.said and not self.all_tell else ()
        return (*(title for title, reminds in self.told if reminds), *others)

    @property
    def warning(self) -> str | None:
        """What speaks against sending beside it; None where nothing does."""
        if self.reminding:
            who = " and ".join(self.reminding)
            return f"{who} sends reminders of its own: customers hear twice, so switch them off there"
        if self.is_needed:
            where = " or ".join(self.silent) or "the ledger or Stripe"
            return f"nobody has said whether {where} sends reminders of its own: look there, then say so"
        return None


def say_what_else_reminds(app: App, *, organisation_id: str, others_remind: bool, actor: str) -> None:
    """Keep whether reminders of the ledger or the processor itself are on for this organisation, as a person says."""
    said = {"others_remind": others_remind}
    with app.store.write() as db:
        keep_switch(db, organisation_id, said, action="other_reminders_said", actor=actor, at=app.clock())


def other_reminders(db: Connection, organisation: Organisation) -> OtherReminders:
    """Return what is known of other reminders to an organisation's customers."""
    mine = t.connection.c.organisation_id == organisation.id
    rows = db.execute(
        select(t.connection.c.system, t.connection.c.reminds)
        .where(mine, t.connection.c.status == connections.CONNECTED, t.connection.c.role.in_(_MAY_REMIND))
        .order_by(t.connection.c.role, t.connection.c.system)
    ).all()
    titles = {row.system: registry.declaration(row.system).title for row in rows}
    return OtherReminders(
        told=tuple((titles[row.system], row.reminds) for row in rows if row.reminds is not None),
        silent=tuple(titles[row.system] for row in rows if row.reminds is None),
        said=organisation.others_remind,
        sending_on=organisation.sending_on,
    )


def ask_whether_it_reminds(app: App, connection: VendorConnection) -> None:
    """Ask a system that tells, at most once a day, whether it reminds; without an answer what it told before stays."""
    now = app.clock()
    with app.store.read() as db:
        asked_at = db.scalar(select(t.connection.c.reminds_asked_at).where(t.connection.c.id == connection.id))
    if asked_at is not None and asked_at > now - ASKED_EVERY:
        return
    connector = app.vendors.connector(connection)
    if not isinstance(connector, TellsOfReminders):
        return
    told: dict[str, object] = {"reminds_asked_at": now}
    with suppress(ConnectorError):  # no answer is no news: reading goes on, and it is asked again tomorrow
        told["reminds"] = connector.reminds()
    with app.store.write() as db:
        db.execute(update(t.connection).where(t.connection.c.id == connection.id).values(**told))
        if "reminds" in told:
            _report(db, connection, reminds=bool(told["reminds"]), at=now)


def _report(db: Connection, connection: VendorConnection, *, reminds: bool, at: datetime) -> None:
    """Show a person that a system reminds beside us, for as long as it does."""
    organisation = connections.organisation(db, connection.organisation_id)
    if not (reminds and organisation is not None and organisation.sending_on):
        journal.resolve_problem(
            db, organisation_id=connection.organisation_id, code=SYSTEM_REMINDS, subject=connection.id, at=at
        )
        return
    title = registry.declaration(connection.system).title
    text = f"{title} sends invoice reminders of its own to the same customers: they hear twice."
    remedy = f"Switch the invoice reminders off in {title}. It is looked at again once a day."
    problem = Problem(SYSTEM_REMINDS, text, remedy, connection.id)
    journal.raise_problem(db, organisation_id=connection.organisation_id, problem=problem, at=at)
