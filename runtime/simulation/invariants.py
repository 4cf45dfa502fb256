"""What must hold, checked against the world's books (SIMULATION: the numbers in brackets)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import case, func, select

from receivables.document import DocumentStatus
from reminders.holds import HoldCode
from reminders.policy import DEFAULT_POLICY
from runtime.operations.certificates import verify_certificates
from runtime.operations.open_items import open_documents
from runtime.operations.plan import decide
from runtime.simulation.faults import FORGED_MARK
from runtime.simulation.stage import Play
from runtime.store import connections
from runtime.store import tables as t

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


# What the world calls covered for a reason that the ledger shows as well, once everything has arrived.
_SETTLED_IN_LEDGER = (None, "paid_by_bank", "paid_by_stripe")


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
    return len(bodies), ["a forged webhook was stored" for body in bodies if FORGED_MARK.encode() in bytes(body)]


def inbox_ends(play: Play) -> tuple[int, list[str]]:
    """[4] At rest, every inbox row is done or set aside."""
    with play.app.store.read() as db:
        rows = db.execute(select(t.inbox.c.id, t.inbox.c.state)).all()
    return len(rows), [f"inbox row {row.id} is {row.state}" for row in rows if row.state == "new"]


def ledger_equals_truth(play: Play) -> tuple[int, list[str]]:
    """[5, 14] At rest, the ledger shows open what is truly open: each payment arrived there once, whatever was lost."""
    checked, violations = 0, []
    for key in play.ids:
        organisation, books = play.world.organisations[key], play.world.books[key]
        for invoice in organisation.invoices.values():
            if not invoice.ledger_id or invoice.held is not None or invoice.covered not in _SETTLED_IN_LEDGER:
                continue
            checked += 1
            shown = books.ledger.balance(invoice)
            if shown != invoice.true_open:
                violations.append(f"{key} {invoice.number}: {shown} open in the ledger, truly {invoice.true_open}")
    return checked, violations


def money_conserved(play: Play) -> tuple[int, list[str]]:
    """[6] Receipt + residuals = allocations + unapplied, to the minor unit."""
    checked, violations = 0, []
    with play.app.store.read() as db:
        receipts = db.execute(select(t.receipt).where(t.receipt.c.state == "applied")).all()
        for row in receipts:
            mine = t.allocation.c.receipt_id == row.id, t.allocation.c.undone_at.is_(None)
            minor = case((t.allocation.c.is_credit, -t.allocation.c.amount_minor), else_=t.allocation.c.amount_minor)
            applied = db.scalar(select(func.coalesce(func.sum(minor), 0)).where(*mine)) or 0
            residual = (
                db.scalar(
                    select(func.coalesce(func.sum(t.residual.c.amount_minor), 0)).where(
                        t.residual.c.receipt_id == row.id, t.residual.c.undone_at.is_(None)
                    )
                )
                or 0
            )
            checked += 1
            if row.amount_minor + residual != applied + row.unapplied_minor:
                violations.append(f"receipt {row.external_id}: {row.amount_minor} in, {applied} applied")
    return checked, violations


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
        organisation, books = play.world.organisations[key], play.world.books[key]
        with play.app.store.read() as db:
            rows = db.execute(
                select(t.document).where(
                    t.document.c.organisation_id == organisation_id, t.document.c.kind == "invoice"
                )
            ).all()
            pending = {
                each.document.document_id: each.open_amount.decimal for each in open_documents(db, organisation_id)
            }
        for row in rows:
            invoice = organisation.invoices.get(row.number)
            if invoice is None or row.status != DocumentStatus.OPEN.value:
                continue
            checked += 1
            if books.ledger.balance(invoice) != pending[row.id]:
                violations.append(f"{key} {row.number}: {pending[row.id]} here, {books.ledger.balance(invoice)} there")
            if books.ledger.due_on(invoice) != row.due_on:
                violations.append(f"{key} {row.number}: due {row.due_on} here, {books.ledger.due_on(invoice)} there")
    return checked, violations


def edits_arrive(play: Play) -> tuple[int, list[str]]:
    """[11] At rest, what a person edited in the CRM stands in the ledger, or is shown as a conflict."""
    checked, violations = 0, []
    for key in play.ids:
        organisation, books = play.world.organisations[key], play.world.books[key]
        for edit in play.world.live_edits():
            if edit.organisation != key or not edit.fired or edit.name not in ("crm_due_date", "crm_contact_email"):
                continue
            invoice = organisation.invoices[edit.invoice]
            customer = organisation.customer_of(invoice)
            checked += 1
            arrived = (
                books.ledger.due_on(invoice) == invoice.truth.due_on
                if edit.name == "crm_due_date"
                else books.ledger.email(customer) == customer.email
            )
            if not arrived and not _in_conflict(play, play.ids[key]):
                violations.append(f"{key} {edit.name} of {edit.invoice} did not reach the ledger")
    return checked, violations


def _in_conflict(play: Play, organisation_id: str) -> bool:
    with play.app.store.read() as db:
        statement = select(func.count()).select_from(t.conflict).where(t.conflict.c.organisation_id == organisation_id)
        return bool(db.scalar(statement))


def no_false_reminder(play: Play) -> tuple[int, list[str]]:
    """[19, 22] No message named an invoice that was covered, held, not due, or at another amount or address."""
    score = play.world.score(play.mailbox.mails)
    return len(play.mailbox.mails), score.false_reminders


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
    score = play.world.score(play.mailbox.mails)
    missed = unexplained(play, score.missed_reminders)
    return score.reachable_due, missed if len(missed) > score.reachable_due // 20 else []


def unexplained(play: Play, missed: list[str]) -> list[str]:
    """Return the missed items that no rule of contact (hours, caps, pauses) holds: those count as missed."""
    explained: set[str] = set()
    for key, organisation_id in play.ids.items():
        with play.app.store.read() as db:
            organisation = connections.organisation(db, organisation_id)
            if organisation is None:
                continue
            plan = decide(db, organisation, policy=DEFAULT_POLICY, now=play.time.now(), freshness_is_reported=True)
        for decision in plan.decisions:
            codes = {hold.code for hold in decision.holds}
            if codes == {HoldCode.CONTACT}:
                explained.add(f"{key} {decision.evidence.item.number}")
    return [item for item in missed if item not in explained]


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
    edits_arrive,
    one_message_per_slot,
    due_is_reminded,
    certificates_chain,
    limits_respected,
    connections_stand,
)
