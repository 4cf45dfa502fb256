"""Money that goes back: a debit takes back a receipt, so what that receipt paid is open again and a person is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from receivables.allocation import Decision
from receivables.money import Money, exponent
from receivables.problem import Problem
from receivables.receipt import Receipt, ReceiptStatus
from reconcile.returned import MAX_CHARGE, RETURNED_WITHIN, Came, Debit, Returned, Tie, returned
from runtime.app import App
from runtime.operations.debits import NEW, OUT, PAYOUT, RETURNED, SUGGESTED
from runtime.operations.errors import RefusedError
from runtime.operations.payouts import as_payout_debit
from runtime.operations.standing_holds import place_hold, release_hold
from runtime.operations.undo import ask_again, reverse_application
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import IDS_A_QUERY

MAX_DEBITS = 2_000  # looked at in one unit of work; the rest follow in the next
PAYMENT_RETURNED = "payment_returned"
HOLD = "refund_review"  # what goes back waits for a person, whoever sent it back
RECEIPT_RETURNED = "returned"
IN_LEDGER = ("recorded", "coded")  # states of a receipt that the ledger records without us
Row = Mapping[str, Any]


def follow_debits(db: Connection, organisation_id: str, now: datetime) -> Counter[str]:
    """Find out what debits take back, the named ones first: a receipt goes back once. Returns how many did what."""
    outcome: Counter[str] = Counter()
    waiting = []
    for row in _undecided(db, organisation_id):
        if as_payout_debit(db, row, now):
            _set(db, row, state=PAYOUT, changed_at=now)
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
                _follow(db, row, answer, now)
                del known[answer.receipt_id]
                outcome["returned"] += 1
            elif only_named:
                later.append(row)
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
        _take_back(db, row, receipt, actor=actor, at=now)
        _set(db, row, state=RETURNED, decided_by=actor, decided_at=now, changed_at=now)
    app.wake()


def see_return(app: App, *, organisation_id: str, debit_id: str, actor: str) -> None:
    """Say that a person has looked at a payment that went back: reminders of what it had paid go on."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        row = _known(db, organisation_id, debit_id)
        if row["state"] != RETURNED or row["decided_at"] is not None:
            raise RefusedError("this was decided already: reload the page")
        now = app.clock()
        _let_go(db, row, actor=actor, at=now)
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
            state = receipt["state"] if receipt["state"] in IN_LEDGER else "new"
            values = {"status": ReceiptStatus.RECEIVED.value, "state": state, "changed_at": now}
            db.execute(update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(**values))
            ask_again(db, organisation_id, receipt["id"], now)
            _let_go(db, row, actor=actor, at=now)
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
        _set(db, row, state=NEW, receipt_id=None, reasons=[], held=[], refused=refused, changed_at=now)
    app.wake()


def debit_exists(db: Connection, organisation_id: str, debit_id: str) -> bool:
    """Whether this organisation has a debit of this id."""
    mine = (t.debit.c.organisation_id == organisation_id) & (t.debit.c.id == debit_id)
    return db.scalar(select(t.debit.c.id).where(mine)) is not None


def documents_of(db: Connection, receipt: Row) -> list[str]:
    """Return what a receipt pays: by our allocations, by the ledger's own record of it, or as a person was asked."""
    organisation_id, receipt_id = receipt["organisation_id"], receipt["id"]
    ours = db.scalars(
        select(t.allocation.c.document_id).where(
            t.allocation.c.organisation_id == organisation_id,
            t.allocation.c.receipt_id == receipt_id,
            t.allocation.c.undone_at.is_(None),
        )
    ).all()
    if ours or receipt["state"] == "applied":
        return sorted(ours)
    recorded = db.scalars(
        select(t.ledger_payment.c.lines).where(
            t.ledger_payment.c.organisation_id == organisation_id, t.ledger_payment.c.receipt_id == receipt_id
        )
    )
    asked = db.scalars(
        select(t.proposal.c.body).where(
            t.proposal.c.organisation_id == organisation_id,
            t.proposal.c.receipt_id == receipt_id,
            t.proposal.c.state == "pending",
        )
    )
    proposed = {allocation["item_id"] for body in asked for allocation in body["best"]["allocations"]}
    return sorted({line[0] for lines in recorded for line in lines} | proposed)


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
    _set(db, row, state=state, receipt_id=receipt_id, reasons=reasons, changed_at=now)
    return "payments_out" if answer is None else "returns_asked"


def _follow(db: Connection, row: Row, answer: Returned, now: datetime) -> None:
    """Take back what is proved to have gone back, hold what it had paid until a person has looked, and tell them."""
    receipt = _receipt(db, row["organisation_id"], answer.receipt_id)
    documents = _take_back(db, row, receipt, actor="bank", at=now)
    amount = Money(receipt["amount_minor"], receipt["currency"])
    for document_id in documents:
        place_hold(
            db,
            organisation_id=row["organisation_id"],
            document_id=document_id,
            code=HOLD,
            reason=f"The payment of {amount} went back on {row['booked_on']}: it holds until a person has looked",
            placed_by="bank",
            at=now,
        )
    journal.raise_problem(
        db, organisation_id=row["organisation_id"], problem=_problem(db, row, receipt, answer, documents), at=now
    )
    reasons = list(answer.reasons)
    _set(
        db,
        row,
        state=RETURNED,
        receipt_id=answer.receipt_id,
        reasons=reasons,
        held=documents,
        changed_at=now,
        decided_by=None,
        decided_at=None,
    )


def _take_back(db: Connection, row: Row, receipt: Row, *, actor: str, at: datetime) -> list[str]:
    """Take a receipt off what it pays, for good: it pays nothing any more. Returns the documents."""
    organisation_id, receipt_id = receipt["organisation_id"], receipt["id"]
    documents = documents_of(db, receipt)
    reverse_application(db, organisation_id, receipt_id, actor=actor, at=at)
    state = receipt["state"] if receipt["state"] in IN_LEDGER else RECEIPT_RETURNED
    db.execute(
        update(t.receipt)
        .where(t.receipt.c.id == receipt_id)
        .values(status=ReceiptStatus.REVERSED.value, state=state, changed_at=at)
    )
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
    db.execute(update(t.proposal).where(mine).values(state="settled", plausible=[]))
    for subject in (receipt_id, *documents):
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor=actor,
            action="payment_reversed",
            subject=subject,
            detail=f"{Money(receipt['amount_minor'], receipt['currency'])} went back on {row['booked_on']}",
        )
    return documents


def _problem(db: Connection, row: Row, receipt: Row, answer: Returned, documents: Collection[str]) -> Problem:
    numbers = db.scalars(
        select(t.document.c.number)
        .where(t.document.c.organisation_id == row["organisation_id"], t.document.c.id.in_(documents))
        .order_by(t.document.c.number)
    ).all()
    amount = Money(receipt["amount_minor"], receipt["currency"])
    payer = receipt["payer_name"] or "an unnamed payer"
    why = f" ({row['taken_back']})" if row["taken_back"] else ""
    charge = f" The bank charged {answer.charge} for it." if answer.charge else ""
    said = f"The payment of {amount} by {payer} of {receipt['received_on']} went back on {row['booked_on']}{why}."
    if receipt["state"] in IN_LEDGER:
        remedy = (
            "Somebody booked it in the ledger: take it back there. Then say on the review page that you have looked."
        )
    else:
        said += f" {', '.join(numbers)} is open again." if numbers else " It had paid no invoice."
        remedy = "Say on the review page that you have looked, so that reminders go on, or that it is another payment."
    return Problem(PAYMENT_RETURNED, said + charge, remedy, row["id"])


def _let_go(db: Connection, row: Row, *, actor: str, at: datetime) -> None:
    """End what waited for a person: the holds and the problem."""
    for document_id in row["held"]:
        release_hold(db, row["organisation_id"], document_id, HOLD, at)
    journal.resolve_problem(db, organisation_id=row["organisation_id"], code=PAYMENT_RETURNED, subject=row["id"], at=at)
    _set(db, row, decided_by=actor, decided_at=at, changed_at=at)


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


def _set(db: Connection, row: Row, **values: Any) -> None:  # noqa: ANN401 - column values
    db.execute(update(t.debit).where(t.debit.c.id == row["id"]).values(**values))
