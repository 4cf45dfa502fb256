"""Show invoices, balances, receipts and reminders on the CRM's account pages.

What is shown is derived from our rows: whatever changed since it was last shown is written again, by our id. So nothing
is queued, a lost write shows itself by what is still to be shown, and a quiet system writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    Update,
    bindparam,
    exists,
    literal,
    not_,
    or_,
    select,
    true,
    union_all,
    update,
)

from connectors.contract import Role
from connectors.errors import Reconnect, Retry
from connectors.intents import Done, Intent, Saying, ShowBalance, ShowInvoice, ShowReceipt, ShowReminder
from receivables.document import DocumentKind, DocumentStatus
from receivables.identity import stable_id
from receivables.money import Money
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.applying.write_off import SOURCE as WRITE_OFF
from runtime.operations.balances import last_reminded, owed
from runtime.operations.matching.open_items import pending_allocations
from runtime.operations.payers.pause import paused_until
from runtime.operations.reaching.opt_outs import opt_outs
from runtime.operations.reminding.habits import paid_lately, risks, usually_late
from runtime.operations.systems.absorb.documents import shared_values
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK, pairs_of
from runtime.operations.systems.invoice_requests import waits_for_adoption
from runtime.operations.systems.look_first import look_first
from runtime.operations.systems.loss import note_loss, noting_loss
from runtime.operations.systems.shown_holds import holds_in_words, opt_outs_in_words
from runtime.operations.systems.shown_invoices import NEVER_SHOWN, note_first, records_of, remember
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids
from runtime.store.rows import chunks, rows_of
from sync.merge import Value, unsent

ROWS_A_ROUND = 1_000
MAX_ROUNDS = 100  # of each table in one run; the rest is shown in the next

_SAID = {"disputed", "dispute_reason", "promised_on"}

Row = dict[str, Any]
Built = tuple[Row, Intent]
Builder = Callable[[Connection, VendorConnection, Sequence[Row], datetime], list[Built]]


def show_in_crm(app: App, organisation_id: str) -> Counter[str]:
    """Bring the CRM up to date with everything that changed here. Returns how many of each were shown."""
    shown: Counter[str] = Counter()
    with app.store.read() as db:
        crm = connections.connection_for_role(db, organisation_id, Role.CRM)
        waiting = _waiting(db, organisation_id) if crm else {}
    if crm is None:
        return shown
    for table, build in _BUILDERS.items():
        for ids in chunks(waiting[table], ROWS_A_ROUND):
            count = _show_some(app, crm, table, build, ids)
            shown[table.name] += count
            if count < len(ids):
                break  # the CRM takes no more for now
    return shown


def anything_unshown(db: Connection, organisation_id: str) -> bool:
    """Whether the CRM lacks something that changed here."""
    return any(_waiting(db, organisation_id).values())


def to_show() -> Select[tuple[str]]:
    """Return the query for the organisations whose CRM may lack something that changed here."""
    organisation = t.connection.c.organisation_id
    return select(organisation).where(
        t.connection.c.role == Role.CRM.value,
        t.connection.c.status == connections.CONNECTED,
        or_(*(exists(select(table.c.id).where(_is_unshown(table, organisation))) for table in _BUILDERS)),
    )


def _show_some(app: App, crm: VendorConnection, table: Table, build: Builder, ids: Sequence[str]) -> int:
    began_at, rows, built = _build(app, crm, table, build, ids)
    with noting_loss(app, crm):
        looked = look_first(app, crm, [intent for _, intent in built])
    if looked:
        began_at, rows, built = _build(app, crm, table, build, ids)
    if table is t.document and built:
        with app.store.write() as db:
            note_first(db, crm, [intent for _, intent in built])
    outcomes = app.vendors.connector(crm).write([intent for _, intent in built]) if built else []
    note_loss(app, crm, outcomes)
    with app.store.write() as db:
        linked = {row["id"] for row, _ in built}
        settled: set[str] = set()
        # Without an account in the CRM there is nothing to show: it is looked at again when it changes.
        _settle_as_seen(db, table, [row for row in rows if row["id"] not in linked])
        done: list[tuple[Intent, Done]] = []
        for (row, intent), outcome in zip(built, outcomes, strict=True):
            if isinstance(outcome, Retry | Reconnect):
                continue
            settled.add(row["id"])
            if isinstance(outcome, Done):
                done.append((intent, outcome))
            else:
                text = f"{crm.system} does not show it: {outcome}"
                problem = Problem("not_shown", text, "Correct it in the CRM; it is shown again by itself.", row["id"])
                journal.raise_problem(db, organisation_id=crm.organisation_id, problem=problem, at=began_at)
        settled -= remember(db, crm, done, app.clock())
        _settle_as_seen(db, table, [row for row, _ in built if row["id"] in settled])
    return len(rows) - len(built) + len(settled)


def _settle_as_seen(db: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Note the change up to which these rows were shown; one that has changed or was linked since is shown again.

    It is compared for equality alone: a change has the time at which its reading began, and comes in later than that.
    """
    if not rows:
        return
    changed = _changed(table).name
    db.execute(_shown(table), [{"row_id": row["id"], "seen": row[changed]} for row in rows])


@cache
def _shown(table: Table) -> Update:
    changed = _changed(table)
    return update(table).where(table.c.id == bindparam("row_id"), changed == bindparam("seen")).values(shown_at=changed)


def _changed(table: Table) -> Column[datetime]:
    return table.c.sent_at if table is t.reminder else table.c.changed_at


def _build(
    app: App, crm: VendorConnection, table: Table, build: Builder, ids: Sequence[str]
) -> tuple[datetime, list[Row], list[Built]]:
    with app.store.read() as db:
        began_at = app.clock()
        rows = rows_of(db, crm.organisation_id, table, ids)
        return began_at, rows, build(db, crm, rows, began_at)


def _waiting(db: Connection, organisation_id: str) -> dict[Table, list[str]]:
    """Return what is to be shown of each table, in the order of the ids."""
    waiting: dict[Table, list[str]] = {table: [] for table in _BUILDERS}
    for name, row_id in db.execute(_unshown(), {"organisation_id": organisation_id}):
        waiting[t.metadata.tables[name]].append(row_id)
    return {table: sorted(ids) for table, ids in waiting.items()}


@cache
def _unshown() -> CompoundSelect[Any]:
    return union_all(*(_unshown_of(table).subquery().select() for table in _BUILDERS))


def _unshown_of(table: Table) -> Select[Any]:
    organisation: BindParameter[str] = bindparam("organisation_id")
    may_show = true() if table is not t.document else not_(waits_for_adoption(organisation))
    wanted = select(literal(table.name).label("of"), table.c.id).where(may_show, _is_unshown(table, organisation))
    return wanted.order_by(table.c.id).limit(ROWS_A_ROUND * MAX_ROUNDS)


def _is_unshown(table: Table, organisation: ColumnElement[str]) -> ColumnElement[bool]:
    changed = _changed(table)
    mine = (table.c.organisation_id == organisation) & changed.is_not(None)
    return mine & table.c.shown_at.is_distinct_from(changed)


def _accounts(db: Connection, crm: VendorConnection, customers: Sequence[str | None]) -> dict[str, str]:
    wanted = sorted({customer for customer in customers if customer is not None})
    return external_ids(db, crm.organisation_id, crm.system, CUSTOMER_LINK, wanted)


def _key(kind: str, row: Row) -> str:
    return stable_id("show", kind, row["id"])


def _build_invoices(db: Connection, crm: VendorConnection, rows: Sequence[Row], at: datetime) -> list[Built]:
    accounts = _accounts(db, crm, [row["customer_id"] for row in rows])
    pending = pending_allocations(db, crm.organisation_id, document_ids=[row["id"] for row in rows])
    paused = paused_until(db, crm.organisation_id, [row["id"] for row in rows], at)
    links = records_of(db, crm, [row["id"] for row in rows])
    built: list[Built] = []
    for row in rows:
        if row["customer_id"] not in accounts:
            continue
        edited = unsent(dict(NEVER_SHOWN) | pairs_of(links.get(row["id"])), shared_values(row))
        balance = max(0, row["balance_minor"] - pending.get(row["id"], 0))
        paid = row["status"] == DocumentStatus.OPEN.value and balance == 0
        intent = ShowInvoice(
            key=_key("invoice", row),
            document_id=row["id"],
            account_external_id=accounts[row["customer_id"]],
            number=row["number"],
            kind=DocumentKind(row["kind"]),
            status=DocumentStatus.PAID if paid else DocumentStatus(row["status"]),
            total=Money(row["total_minor"], row["currency"]),
            balance=Money(balance, row["currency"]),
            issued_on=row["issued_on"],
            due_on=row["due_on"] if "due_on" in edited else None,
            saying=_saying(row) if edited.keys() & _SAID else None,
            purchase_order=_text(edited, "purchase_order"),
            note=_text(edited, "note"),
            paused_until=paused.get(row["id"]),
        )
        built.append((row, intent))
    return built


def _build_balances(db: Connection, crm: VendorConnection, rows: Sequence[Row], at: datetime) -> list[Built]:
    organisation = connections.organisation(db, crm.organisation_id)
    if organisation is None:
        return []
    accounts = _accounts(db, crm, [row["id"] for row in rows])
    today = at.astimezone(organisation.zone).date()
    customers = [row["id"] for row in rows]
    owing = owed(db, crm.organisation_id, customers, today=today)
    paid = paid_lately(db, crm.organisation_id, customer_ids=customers, today=today)
    late = usually_late(paid)
    reminded = last_reminded(db, organisation, customers)
    held = holds_in_words(db, crm.organisation_id, customers, today=today, at=at)
    opted_out = opt_outs(db, crm.organisation_id, customers)
    risk = risks(db, organisation, customer_ids=customers, now=at, paid=paid)
    built: list[Built] = []
    for row in rows:
        if row["id"] not in accounts:
            continue
        first = next(iter(owing.get(row["id"], ())), None)  # the page has one currency: that of the oldest invoice
        nothing = Money.zero(organisation.base_currency)
        intent = ShowBalance(
            key=_key("balance", row),
            customer_id=row["id"],
            account_external_id=accounts[row["id"]],
            balance=first.opened if first else nothing,
            overdue=first.overdue if first else nothing,
            oldest_due_on=first.oldest_due_on if first else None,
            hold="; ".join(filter(None, (opt_outs_in_words(opted_out, row["id"]), held.get(row["id"], "")))),
            last_contact_on=reminded.get(row["id"]),
            usually_late_days=late.get(row["id"]),
            risk=risk[row["id"]].band.value,
            risk_reasons="; ".join(risk[row["id"]].reasons),
        )
        built.append((row, intent))
    return built


def _build_receipts(db: Connection, crm: VendorConnection, rows: Sequence[Row], _at: datetime) -> list[Built]:
    accounts = _accounts(db, crm, [row["customer_id"] for row in rows])
    return [
        (
            row,
            ShowReceipt(
                key=_key("receipt", row),
                receipt_id=row["id"],
                account_external_id=accounts[row["customer_id"]],
                received_on=row["received_on"],
                amount=Money(row["amount_minor"], row["currency"]),
                payer=row["payer_name"],
                status=row["state"],
                detail=row["remittance"],
            ),
        )
        for row in rows
        if row["customer_id"] in accounts and row["source"] != WRITE_OFF  # a decision, no money
    ]


def _build_reminders(db: Connection, crm: VendorConnection, rows: Sequence[Row], _at: datetime) -> list[Built]:
    accounts = _accounts(db, crm, [row["customer_id"] for row in rows])
    return [
        (
            row,
            ShowReminder(
                key=_key("reminder", row),
                reminder_id=row["id"],
                account_external_id=accounts[row["customer_id"]],
                level=row["level"],
                channel=row["channel"],
                sent_at=row["sent_at"],
                detail=row["subject"],
            ),
        )
        for row in rows
        if row["customer_id"] in accounts
    ]


def _saying(row: Row) -> Saying:
    return Saying(row["disputed"], row["dispute_reason"], row["promised_on"])


def _text(edited: Mapping[str, Value], name: str) -> str | None:
    """An edited text, empty where it was emptied; None where nobody edited it."""
    return str(edited[name] or "") if name in edited else None


_BUILDERS: Mapping[Table, Builder] = {
    t.document: _build_invoices,
    t.customer: _build_balances,
    t.receipt: _build_receipts,
    t.reminder: _build_reminders,
}
