"""Money: every payment counts once, exactly, and the trail of it tells the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import case, func, select

from receivables.document import DocumentStatus
from receivables.money import Money as MinorMoney
from runtime.operations.matching.open_items import open_documents
from runtime.simulation.accountant import undecided
from runtime.simulation.stage import Play
from runtime.store import tables as t
from sandbox.life import Debt

Found = tuple[int, list[str]]


def money_conserved(play: Play) -> Found:
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


def received_once(play: Play) -> Found:
    """[5] Each line of the bank and each payment at the processor is one receipt here, however often it is told."""
    checked, violations = 0, []
    receipt = t.receipt.c
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        there: Counter[object] = Counter(
            (each.line.booked_on, each.line.amount, each.currency, each.line.counterparty) for each in firm.booked
        )
        there.update(charge.payment_intent for charge in firm.charges)
        mine = (receipt.organisation_id == organisation_id) & receipt.source.in_(("bank", "stripe"))
        with play.app.store.read() as db:
            rows = db.execute(select(t.receipt).where(mine)).all()
        here: Counter[object] = Counter(
            row.external_id
            if row.source == "stripe"
            else (row.received_on, MinorMoney(row.amount_minor, row.currency).decimal, row.currency, row.payer_name)
            for row in rows
        )
        checked += len(rows)
        twice = {name: count for name, count in here.items() if count > there[name]}
        violations += [f"{key} {name}: {count} here, {there[name]} there" for name, count in twice.items()]
    return checked, violations


def currencies_apart(play: Play) -> Found:
    """[6] Money pays items of its own currency, and lies in the ledger in an account that keeps it.

    What is owed in one currency and was paid in another, a person books: such payments are no matter of ours.
    """
    allocation, residual, receipt, document = t.allocation.c, t.residual.c, t.receipt.c, t.document.c
    paid = select(document.number, document.currency, allocation.currency, receipt.currency).select_from(
        t.allocation.join(t.receipt, receipt.id == allocation.receipt_id).join(
            t.document, document.id == allocation.document_id
        )
    )
    beside = select(receipt.external_id, receipt.currency, residual.currency).join(
        t.residual, residual.receipt_id == receipt.id
    )
    with play.app.store.read() as db:
        rows = [tuple(row) for statement in (paid, beside) for row in db.execute(statement)]
    wrong = [f"{name}: applied across {', '.join(sorted({*kept}))}" for name, *kept in rows if len({*kept}) > 1]
    checked = len(rows)
    for firm in play.life.firms.values():
        by_hand = {each.booked_as for each in firm.booked} | {each.booked_as for each in firm.charges}
        for debt in firm.debts.values():
            for payment, keeps in firm.ledger.paid_into(debt.invoice):
                checked += 1
                if keeps != debt.invoice.currency and payment not in by_hand:
                    wrong.append(f"{firm.key} {debt.number}: posted in {keeps}, owed in {debt.invoice.currency}")
    return checked, wrong


def one_effect_per_intent(play: Play) -> Found:
    """[14] No two postings, or lines of history, in a ledger come from one promise: each bears the promise's mark."""
    checked, violations = 0, []
    for key, firm in play.life.firms.items():
        marks = Counter([*firm.ledger.marks(), *firm.ledger.notes()])
        checked += marks.total()
        violations += [f"{key}: {count} times {mark}" for mark, count in marks.items() if count > 1]
    return checked, violations


def never_over_applied(play: Play) -> Found:
    """[7] What we have applied to an item, in all, never exceeds the item; nor did one application that was undone."""
    allocation, document = t.allocation, t.document
    with play.app.store.read() as db:
        rows = db.execute(
            select(document.c.number, document.c.total_minor, func.sum(allocation.c.amount_minor))
            .join(document, document.c.id == allocation.c.document_id)
            .where(allocation.c.undone_at.is_(None))
            .group_by(document.c.id)
        ).all()
        most = db.execute(
            select(document.c.number, document.c.total_minor, func.max(allocation.c.amount_minor))
            .join(document, document.c.id == allocation.c.document_id)
            .where(document.c.status != DocumentStatus.VOID.value)  # QuickBooks empties what it voids
            .group_by(document.c.id)
        ).all()
    return len(most), [f"{row[0]}: {row[2]} applied to {row[1]}" for row in (*rows, *most) if row[2] > row[1]]


def ledger_equals_truth(play: Play) -> Found:
    """[5, 14] At rest, the ledger shows open what is truly open: each payment arrived there once, whatever was lost."""
    checked, violations = 0, []
    for key, firm in play.life.firms.items():
        waiting, kept_beside = undecided(play, key), _kept_beside(play, play.ids[key])
        for debt in firm.debts.values():
            owed = _owed_in_ledger(play, debt)
            if owed is None or debt.number in waiting:
                continue
            checked += 1
            shown = firm.ledger.balance(debt.invoice)
            if shown != owed and not 0 < shown - owed <= kept_beside[debt.number]:
                violations.append(f"{firm.key} {debt.number}: {shown} open in the ledger, truly {owed}")
    return checked, violations


def _kept_beside(play: Play, organisation_id: str) -> Mapping[str, Decimal]:
    """What of the money that paid an invoice was too much for it by then, and is the customer's credit in the ledger.

    An invoice that opens again later, because another payment of it went back, is covered by it once somebody says so.
    """
    kept: defaultdict[str, Decimal] = defaultdict(Decimal)
    allocation, receipt, document = t.allocation.c, t.receipt.c, t.document.c
    mine = receipt.organisation_id == organisation_id
    with play.app.store.read() as db:
        rows = db.execute(
            select(document.number, receipt.unapplied_minor, receipt.currency)
            .join(t.allocation, allocation.document_id == document.id)
            .join(t.receipt, receipt.id == allocation.receipt_id)
            .where(mine, allocation.undone_at.is_(None), receipt.unapplied_minor > 0)
        ).all()
    for row in rows:
        kept[row.number] += MinorMoney(row.unapplied_minor, row.currency).decimal
    return kept


def _owed_in_ledger(play: Play, debt: Debt) -> Decimal | None:
    """What the ledger should show open; None where a person has not decided yet what a refund means."""
    state = debt.state(play.time.now().date())
    if state.held & {"refund_review", "chargeback_open", "void"}:
        return None
    return max(state.open, Decimal(0))


def nothing_pending(play: Play) -> Found:
    """[10] At rest, the ledger shows everything that we applied."""
    checked, violations = 0, []
    for organisation_id in play.ids.values():
        with play.app.store.read() as db:
            for each in open_documents(db, organisation_id):
                checked += 1
                if each.pending:
                    violations.append(f"{each.document.number}: {each.pending} still pending")
    return checked, violations


def audit_rebuilds_balances(play: Play) -> Found:
    """[29] What the trail says was applied to each item and taken off it comes to what is applied."""
    told: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    event, allocation = t.event.c, t.allocation.c
    with play.app.store.read() as db:
        rows = db.execute(
            select(event.subject, event.action, event.detail).where(
                event.action.in_(("payment_applied", "application_undone"))
            )
        )
        for row in rows:
            number, currency, _ = row.detail.split(" ", 2)
            amount = Decimal(number)
            told[row.subject, currency] += amount if row.action == "payment_applied" else -amount
        stands = db.execute(
            select(allocation.document_id, allocation.currency, func.sum(allocation.amount_minor))
            .where(allocation.undone_at.is_(None))
            .group_by(allocation.document_id, allocation.currency)
        )
        applied = {(row[0], row[1]): MinorMoney(row[2], row[1]).decimal for row in stands}
    names = told.keys() | applied.keys()
    wrong = [name for name in sorted(names) if told.get(name, Decimal(0)) != applied.get(name, Decimal(0))]
    return len(names), [
        f"{' '.join(name)}: {applied.get(name, 0)} applied, the trail says {told.get(name, 0)}" for name in wrong
    ]
