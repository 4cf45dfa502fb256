"""Money that goes back: a debit takes back a receipt, so what that receipt paid is open again and a person is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, func, or_, select

from receivables.allocation import Decision
from receivables.money import Money, exponent
from receivables.receipt import Receipt, ReceiptStatus
from reconcile.returned import MAX_CHARGE, RETURNED_WITHIN, Came, Debit, Returned, Tie, returned
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.debits import NEW, OUT, PAYOUT, RETURNED, SUGGESTED
from runtime.operations.matching.payouts import as_payout_debit
from runtime.operations.matching.taken_back import follow_part, follow_whole, let_go, restore, set_debit, take_back
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import IDS_A_QUERY

MAX_DEBITS = 2_000  # looked at in one unit of work; the rest follow in the next
Row = Mapping[str, Any]


def follow_debits(db: Connection, organisation_id: str, now: datetime) -> Counter[str]:
    """Find out what debits take back, the named ones first: a receipt goes back once. Returns how many did what."""
    outcome: Counter[str] = Counter()
    waiting = []
    for row in _undecided(db, organisation_id):
        if as_payout_debit(db, row, now):
            set_debit(db, row, state=PAYOUT, changed_at=now)
            outcome["debits_of_payouts"] += 1
        else:
            waiting.append(row)
    came = _came(db, organisation_id, waiting)
    for only_named in (True, False):
        later = []
        for row in waiting:
            known = came[row["source_account"], row["currency"]]
            answer = returned(_debit(row), [each for id_, each in known.items() if id_ not in row["refused"]])
            is_proof = answer is not None and answer.decision is Decision.APPLY
            if answer is not None and is_proof and (answer.tie is Tie.REFERENCE or not only_named):
                receipt = _receipt(db, organisation_id, answer.receipt_id)
                follow_whole(db, row, receipt, charge=answer.charge, reasons=answer.reasons, at=now)
                del known[answer.receipt_id]
                outcome["returned"] += 1
            elif only_named:
                later.append(row)
            elif (answer is None or answer.tie is not Tie.REFERENCE) and _follow_as_part(db, row, now):
                outcome["returned_in_part"] += 1
            else:
                outcome[_keep(db, row, answer, now)] += 1
        waiting = later
    return +outcome


def confirm_return(app: App, *, organisation_id: str, debit_id: str, actor: str) -> None:
    """Take the proposed receipt back: what it paid is open again, and due. RefusedError when it waits no more."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        row = _known(db, organisation_id, debit_id)
        receipt = _receipt(db, organisation_id, row["receipt_id"])
        if row["state"] != SUGGESTED or receipt["status"] != ReceiptStatus.RECEIVED.value:
            raise RefusedError("this was decided already: reload the page")
        now = app.clock()
        take_back(db, row, receipt, actor=actor, at=now)
        set_debit(db, row, state=RETURNED, decided_by=actor, decided_at=now, changed_at=now)
    app.wake()


def see_return(app: App, *, organisation_id: str, debit_id: str, actor: str) -> None:
    """Say that a person has looked at a payment that went back: reminders of what it had paid go on."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        row = _known(db, organisation_id, debit_id)
        if row["state"] != RETURNED or row["decided_at"] is not None:
            raise RefusedError("this was decided already: reload the page")
        now = app.clock()
        let_go(db, row, actor=actor, at=now)
        for subject in (row["receipt_id"], *row["held"]):
            journal.record(
                db,
                organisation_id=organisation_id,
                at=now,
                actor=actor,
                action="return_seen",
                subject=subject,
                detail=f"a person has looked at what went back on {row['booked_on']}",
            )
    app.wake()


def reject_return(app: App, *, organisation_id: str, debit_id: str, actor: str) -> None:
    """Say that a debit does not take that receipt back: it is never proposed again, and pays again what it paid."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        row = _known(db, organisation_id, debit_id)
        if row["state"] not in (SUGGESTED, RETURNED):
            raise RefusedError("this was decided already: reload the page")
        now = app.clock()
        if row["state"] == RETURNED:
            receipt = _receipt(db, organisation_id, row["receipt_id"])
            restore(db, row, receipt, at=now)
            let_go(db, row, actor=actor, at=now)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="return_rejected",
            subject=row["receipt_id"],
            detail=f"the debit of {row['booked_on']} does not take this receipt back",
        )
        refused = [*row["refused"], row["receipt_id"]]
        set_debit(db, row, state=NEW, receipt_id=None, reasons=[], held=[], refused=refused, changed_at=now)
    app.wake()


def debit_exists(db: Connection, organisation_id: str, debit_id: str) -> bool:
    """Whether this organisation has a debit of this id."""
    mine = (t.debit.c.organisation_id == organisation_id) & (t.debit.c.id == debit_id)
    return db.scalar(select(t.debit.c.id).where(mine)) is not None


def _undecided(db: Connection, organisation_id: str) -> list[dict[str, Any]]:
    statement = (
        select(t.debit)
        .where(t.debit.c.organisation_id == organisation_id, t.debit.c.state.in_((NEW, SUGGESTED)))
        .order_by(t.debit.c.state != NEW, t.debit.c.booked_on, t.debit.c.id)
        .limit(MAX_DEBITS)
    )
    return [dict(row._mapping) for row in db.execute(statement)]


def _came(db: Connection, organisation_id: str, debits: Sequence[Row]) -> defaultdict[tuple[str, str], dict[str, Came]]:
    """Return, by account and currency, the receipts of amounts that these debits may take back."""
    found: defaultdict[tuple[str, str], dict[str, Came]] = defaultdict(dict)
    if not debits:
        return found
    receipt = t.receipt
    days = [row["booked_on"] for row in debits]
    mine = (
        (receipt.c.organisation_id == organisation_id)
        & (receipt.c.source == "bank")
        & (receipt.c.status == ReceiptStatus.RECEIVED.value)
        & (receipt.c.state != "payout")
        & receipt.c.received_on.between(min(days) - RETURNED_WITHIN, max(days))
    )
    for amounts in _amounts(debits):
        for row in db.execute(select(receipt).where(mine, amounts)):
            known = Came(_plain(dict(row._mapping)), tuple(row.hints.get("references", ())))
            found[row.source_account, row.currency][row.id] = known
    return found


def _amounts(debits: Sequence[Row]) -> list[ColumnElement[bool]]:
    """The conditions on a receipt's amount, net or gross: exact, or less by a charge that the bank does not state."""
    amounts = (t.receipt.c.amount_minor, t.receipt.c.amount_minor + func.coalesce(t.receipt.c.fee_minor, 0))
    exact = sorted({row["original_minor"] or row["amount_minor"] for row in debits})
    conditions = [
        or_(*(amount.in_(exact[start : start + IDS_A_QUERY]) for amount in amounts))
        for start in range(0, len(exact), IDS_A_QUERY)
    ]
    for row in debits:
        if row["taken_back"] is not None and row["original_minor"] is None:
            allowed = int(MAX_CHARGE.scaleb(exponent(row["currency"])))
            highest = row["amount_minor"]
            conditions.append(or_(*(amount.between(highest - allowed, highest - 1) for amount in amounts)))
    return conditions


def _follow_as_part(db: Connection, row: Row, now: datetime) -> bool:
    """Whether a debit takes back one payment of a receipt that several made up, by its end-to-end id."""
    if row["taken_back"] is None or not row["references"]:
        return False
    receipt, went = t.receipt, row["original_minor"] or row["amount_minor"]
    named = or_(*(cast(receipt.c.hints, Text).contains(id_, autoescape=True) for id_ in row["references"]))
    found = db.execute(
        select(receipt).where(
            receipt.c.organisation_id == row["organisation_id"],
            receipt.c.source == "bank",
            receipt.c.source_account == row["source_account"],
            receipt.c.currency == row["currency"],
            receipt.c.status == ReceiptStatus.RECEIVED.value,
            receipt.c.received_on.between(row["booked_on"] - RETURNED_WITHIN, row["booked_on"]),
            receipt.c.amount_minor - receipt.c.refunded_minor >= went,
            receipt.c.id.not_in(row["refused"]),
            named,
        )
    ).all()
    bearing = [each for each in found if set(row["references"]) & set(each.hints.get("references", ()))]
    if len(bearing) != 1:
        return False
    (whole,) = bearing
    reasons = [
        f"The bank says that it takes an earlier payment back: {row['taken_back']}.",
        f"It bears the end-to-end id of one payment in the {Money(whole.amount_minor, whole.currency)} that came on "
        f"{whole.received_on}.",
    ]
    follow_part(db, row, dict(whole._mapping), reasons=reasons, at=now)
    return True


def _plain(row: Row) -> Receipt:
    return Receipt(
        receipt_id=row["id"],
        received_on=row["received_on"],
        amount=Money(row["amount_minor"], row["currency"]),
        payer_name=row["payer_name"],
        payer_account=row["payer_account"],
        remittance=row["remittance"],
        fee=None if row["fee_minor"] is None else Money(row["fee_minor"], row["currency"]),
    )


def _debit(row: Row) -> Debit:
    currency, original = row["currency"], row["original_minor"]
    return Debit(
        booked_on=row["booked_on"],
        amount=Money(row["amount_minor"], currency),
        payee_name=row["payee_name"],
        payee_account=row["payee_account"],
        text=row["remittance"],
        references=tuple(row["references"]),
        taken_back=row["taken_back"],
        original=None if original is None else Money(original, currency),
    )


def _keep(db: Connection, row: Row, answer: Returned | None, now: datetime) -> str:
    """Ask a person about a debit, or let it be; returns what changed, "" when nothing did."""
    state = OUT if answer is None else SUGGESTED
    receipt_id, reasons = (None, []) if answer is None else (answer.receipt_id, list(answer.reasons))
    if (row["state"], row["receipt_id"], row["reasons"]) == (state, receipt_id, reasons):
        return ""
    set_debit(db, row, state=state, receipt_id=receipt_id, reasons=reasons, changed_at=now)
    return "payments_out" if answer is None else "returns_asked"


def _known(db: Connection, organisation_id: str, debit_id: str) -> dict[str, Any]:
    mine = (t.debit.c.organisation_id == organisation_id) & (t.debit.c.id == debit_id)
    row = db.execute(select(t.debit).where(mine)).first()
    if row is None:
        raise RefusedError("there is no such payment out")
    return dict(row._mapping)


def _receipt(db: Connection, organisation_id: str, receipt_id: str | None) -> dict[str, Any]:
    mine = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.id == receipt_id)
    row = db.execute(select(t.receipt).where(mine)).first()
    if row is None:
        raise RefusedError("this was decided already: reload the page")
    return dict(row._mapping)
