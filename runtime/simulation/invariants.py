"""What must hold, checked against the firms' books (SIMULATION: the numbers in brackets)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import case, func, select

from receivables.document import DocumentStatus
from receivables.money import Money
from reminders.holds import HoldCode
from reminders.policy import DEFAULT_POLICY
from runtime.operations.certificates import verify_certificates
from runtime.operations.open_items import open_documents
from runtime.operations.plan import decide
from runtime.simulation.accountant import undecided
from runtime.simulation.road import FORGED_MARK
from runtime.simulation.stage import Play
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Debt

# Named in the order of the list of invariants; the ones this version cannot check yet are reported as absent.
ABSENT = (
    "commutes_under_reordering",
    "audit_rebuilds_balances",
    "versions_never_go_back",
    "unmapped_fields_unchanged",
    "no_deletion_inferred",
    "tombstones_stay_dead",
    "watermark_in_its_transaction",
    "quiet_hours",
    "organisations_apart",
    "one_refresh_in_flight",
    "revoked_connection_is_silent",
    "no_secret_in_logs",
)
GRACE_DAYS = 7
MISSED_SHARE = 20  # one in so many


@dataclass
class Tally:
    """How often each invariant was checked, and what violated it."""

    checked: Counter[str] = field(default_factory=Counter)
    violations: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, count: int, violations: list[str]) -> None:
        """Add one check over `count` things."""
        self.checked[name] += count
        self.violations.setdefault(name, []).extend(violations)


def forged_changes_nothing(play: Play) -> tuple[int, list[str]]:
    """[3] No inbox row without a valid signature."""
    with play.app.store.read() as db:
        bodies = db.scalars(select(t.inbox.c.body)).all()
    found = ["a forged webhook was stored" for body in bodies if FORGED_MARK.encode() in bytes(body)]
    return len(bodies), found + ["a forged webhook was taken"] * play.post.forged_taken


def inbox_ends(play: Play) -> tuple[int, list[str]]:
    """[4] At rest, every inbox row is done or set aside."""
    with play.app.store.read() as db:
        rows = db.execute(select(t.inbox.c.id, t.inbox.c.state)).all()
    return len(rows), [f"inbox row {row.id} is {row.state}" for row in rows if row.state == "new"]


def money_conserved(play: Play) -> tuple[int, list[str]]:
    """[6] Receipt + residuals = allocations + unapplied, to the minor unit."""
    minor = case((t.allocation.c.is_credit, -t.allocation.c.amount_minor), else_=t.allocation.c.amount_minor)
    applied = (
        select(t.allocation.c.receipt_id, func.sum(minor).label("minor"))
        .where(t.allocation.c.undone_at.is_(None))
        .group_by(t.allocation.c.receipt_id)
        .subquery()
    )
    residual = (
        select(t.residual.c.receipt_id, func.sum(t.residual.c.amount_minor).label("minor"))
        .where(t.residual.c.undone_at.is_(None))
        .group_by(t.residual.c.receipt_id)
        .subquery()
    )
    statement = (
        select(
            t.receipt.c.external_id,
            t.receipt.c.amount_minor,
            t.receipt.c.unapplied_minor,
            func.coalesce(applied.c.minor, 0).label("applied"),
            func.coalesce(residual.c.minor, 0).label("residual"),
        )
        .outerjoin(applied, applied.c.receipt_id == t.receipt.c.id)
        .outerjoin(residual, residual.c.receipt_id == t.receipt.c.id)
        .where(t.receipt.c.state == "applied")
    )
    with play.app.store.read() as db:
        rows = db.execute(statement).all()
    return len(rows), [
        f"receipt {row.external_id}: {row.amount_minor} in, {row.applied} applied"
        for row in rows
        if row.amount_minor + row.residual != row.applied + row.unapplied_minor
    ]


def never_over_applied(play: Play) -> tuple[int, list[str]]:
    """[7] What we have applied to an item, in all, never exceeds the item."""
    allocation, document = t.allocation, t.document
    with play.app.store.read() as db:
        rows = db.execute(
            select(document.c.number, document.c.total_minor, func.sum(allocation.c.amount_minor))
            .join(document, document.c.id == allocation.c.document_id)
            .where(allocation.c.undone_at.is_(None))
            .group_by(document.c.id)
        ).all()
    return len(rows), [f"{row[0]}: {row[2]} applied to {row[1]}" for row in rows if row[2] > row[1]]


def ledger_equals_truth(play: Play) -> tuple[int, list[str]]:
    """[5, 14] At rest, the ledger shows open what is truly open: each payment arrived there once, whatever was lost."""
    checked, violations = 0, []
    for key, firm in play.life.firms.items():
        waiting = undecided(play, key)
        for debt in firm.debts.values():
            owed = _owed_in_ledger(play, debt)
            if owed is None or debt.number in waiting:
                continue
            checked += 1
            shown = firm.ledger.balance(debt.invoice)
            if shown != owed:
                violations.append(f"{firm.key} {debt.number}: {shown} open in the ledger, truly {owed}")
    return checked, violations


def _owed_in_ledger(play: Play, debt: Debt) -> Decimal | None:
    """What the ledger should show open; None where a person has not decided yet what a refund means."""
    state = debt.state(play.time.now().date())
    if state.held & {"refund_review", "chargeback_open", "void"}:
        return None
    return max(state.open, Decimal(0))


def nothing_pending(play: Play) -> tuple[int, list[str]]:
    """[10] At rest, the ledger shows everything that we applied."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        with play.app.store.read() as db:
            for each in open_documents(db, organisation_id):
                checked += 1
                if each.pending:
                    violations.append(f"{each.document.number}: {each.pending} still pending")
    return checked, violations


def hub_equals_ledger(play: Play) -> tuple[int, list[str]]:
    """[10] At rest, our balance and due date of every invoice equal the ledger's."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        mine = (t.document.c.organisation_id == organisation_id) & (t.document.c.kind == "invoice")
        with play.app.store.read() as db:
            rows = {row.number: row for row in db.execute(select(t.document).where(mine))}
        for debt in firm.debts.values():
            checked += 1
            row = rows.get(debt.number)
            if row is None:
                violations.append(f"{key} {debt.number}: unknown here")
                continue
            if row.status == DocumentStatus.VOID.value:
                continue
            here, there = Money(row.balance_minor, row.currency).decimal, firm.ledger.balance(debt.invoice)
            if here != there:
                violations.append(f"{key} {row.number}: {here} here, {there} in the ledger")
            if firm.ledger.due_on(debt.invoice) != row.due_on:
                violations.append(
                    f"{key} {row.number}: due {row.due_on} here, {firm.ledger.due_on(debt.invoice)} in the ledger"
                )
    return checked, violations


def crm_equals_hub(play: Play) -> tuple[int, list[str]]:
    """[10] At rest, the CRM shows each open invoice's balance and due date."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        with play.app.store.read() as db:
            documents = open_documents(db, organisation_id)
        for each in documents:
            debt = firm.debts.get(each.document.number)
            if debt is None:
                continue
            checked += 1
            shown = firm.crm.balance(debt.invoice)
            if shown != each.open_amount.decimal:
                violations.append(f"{key} {debt.number}: {shown} in the CRM, {each.open_amount} here")
    return checked, violations


def edits_arrive(play: Play) -> tuple[int, list[str]]:
    """[11] At rest, what a person edited in the CRM stands in the ledger, or is shown as a conflict."""
    checked, violations = 0, []
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        with play.app.store.read() as db:
            conflicts = select(t.conflict.c.local_id).where(t.conflict.c.organisation_id == organisation_id)
            in_conflict = set(db.scalars(conflicts))
            mine = t.document.c.organisation_id == organisation_id
            ids = {row.number: row.id for row in db.execute(select(t.document.c.number, t.document.c.id).where(mine))}
        for debt in firm.debts.values():
            due_on = debt.state(play.time.now().date()).due_on
            checked += 1
            if firm.ledger.due_on(debt.invoice) != due_on and ids.get(debt.number) not in in_conflict:
                violations.append(
                    f"{key} {debt.number}: due {firm.ledger.due_on(debt.invoice)} in the ledger, {due_on} was agreed"
                )
        for customer in firm.organisation.customers.values():
            checked += 1
            if customer.email and firm.ledger.email(customer) != customer.email and not in_conflict:
                violations.append(
                    f"{key} {customer.name}: {firm.ledger.email(customer)} in the ledger, {customer.email}"
                )
    return checked, violations


def no_false_reminder(play: Play) -> tuple[int, list[str]]:
    """[19, 22] No message named an invoice that was covered, held, not due, or at another amount or address."""
    return play.judge.sent, [wrong.text for wrong in play.judge.wrongs if wrong.window is None]


def one_message_per_slot(play: Play) -> tuple[int, list[str]]:
    """[20] At most one message an item, level and channel."""
    with play.app.store.read() as db:
        rows = db.execute(
            select(t.reminder_item.c.document_id, t.reminder_item.c.level, func.count())
            .where(t.reminder_item.c.state == "sent")
            .group_by(t.reminder_item.c.document_id, t.reminder_item.c.level)
        ).all()
    return len(rows), [f"{row[0]} was reminded {row[2]} times at level {row[1]}" for row in rows if row[2] > 1]


def due_is_reminded(play: Play) -> tuple[int, list[str]]:
    """[21] Of what is truly due and reachable, at most one in twenty was missed with no contact rule saying why."""
    on = play.time.now().date()
    due, missed = play.judge.due(on, grace_days=GRACE_DAYS), unexplained(play)
    return len(due), missed if len(missed) > len(due) // MISSED_SHARE else []


def unexplained(play: Play) -> list[str]:
    """Return the missed items that no rule of contact (hours, caps, pauses) holds: those count as missed."""
    on = play.time.now().date()
    missed = {f"{firm.key} {debt.number}" for firm, debt in play.judge.missed(on, grace_days=GRACE_DAYS)}
    for key, organisation_id in play.ids.items():
        with play.app.store.read() as db:
            organisation = connections.organisation(db, organisation_id)
            if organisation is None:
                continue
            plan = decide(db, organisation, policy=DEFAULT_POLICY, now=play.clock(), freshness_is_reported=True)
        for decision in plan.decisions:
            if {hold.code for hold in decision.holds} == {HoldCode.CONTACT}:
                missed.discard(f"{key} {decision.evidence.item.number}")
    return sorted(missed)


def certificates_chain(play: Play) -> tuple[int, list[str]]:
    """Every message has its certificates, and their chain is whole."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        count, problem = verify_certificates(play.app.store, organisation_id)
        checked += count
        violations += [problem.text] if problem else []
    with play.app.store.read() as db:
        bare = t.reminder_item.c.certificate.is_(None) & (t.reminder_item.c.state == "sent")
        violations += [
            f"{item} was sent without" for item in db.scalars(select(t.reminder_item.c.document_id).where(bare))
        ]
    return checked, violations


def limits_respected(play: Play) -> tuple[int, list[str]]:
    """[27] No vendor had to refuse a call for its published limit."""
    avoidable = play.estate.avoidable_429()
    return len(play.estate.standins), [f"{avoidable} refusals for a limit"] if avoidable else []


def connections_stand(play: Play) -> tuple[int, list[str]]:
    """At rest, every connection still works."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        with play.app.store.read() as db:
            for each in connections.connections(db, organisation_id):
                checked += 1
                if each.status != connections.CONNECTED:
                    violations.append(f"{each.system} is {each.status}")
    return checked, violations


Invariant = Callable[[Play], tuple[int, list[str]]]
ALWAYS: tuple[Invariant, ...] = (forged_changes_nothing, money_conserved, never_over_applied, no_false_reminder)
AT_REST: tuple[Invariant, ...] = (
    *ALWAYS,
    inbox_ends,
    nothing_pending,
    ledger_equals_truth,
    hub_equals_ledger,
    crm_equals_hub,
    edits_arrive,
    one_message_per_slot,
    due_is_reminded,
    certificates_chain,
    limits_respected,
    connections_stand,
)
