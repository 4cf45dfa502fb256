"""Recognise money that is no new payment: a payout, or something the ledger already records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, update

from connectors.contract import Role
from connectors.records import Kind
from receivables.identity import stable_id
from receivables.money import Money
from receivables.problem import Problem
from receivables.receipt import LIVING, Receipt
from reconcile.recorded import BOOKED_WITHIN, Recorded, recognise
from runtime.operations.applying.posted import POSTING_DELETED
from runtime.operations.applying.undo import reverse_application
from runtime.operations.matching.experience import booked_again
from runtime.operations.matching.payouts import as_payout
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import chunks, insert_new

CODED_CONSIDERED = timedelta(days=30)
ASKED = ("suggested", "unidentified")  # a person was asked about these
LEDGER_SOURCE = "ledger"
AWAITED = "awaited"  # another app may book it: the ledger is asked before we do
# A processor's payment is posted within minutes, and an app that books it names it. Of one that waited longer, a person
# may have booked the amount by hand and named nothing, as with a bank's line.
BOOKED_BY_PEOPLE_AFTER = timedelta(hours=1)
BOOKED_ELSEWHERE_WITHIN = timedelta(minutes=15)  # how long other apps take to book a payment that their webhook told of


def _asked_again() -> ColumnElement[bool]:
    """Whether a receipt's application was taken back and a person is asked what it pays now."""
    pending = exists().where(t.proposal.c.receipt_id == t.receipt.c.id, t.proposal.c.state == "pending")
    return (t.receipt.c.state == "undone") & pending


def _has_record() -> ColumnElement[bool]:
    """Whether something of a receipt's amount came to be known that is no receipt's yet: people book money late."""
    alike = [
        exists().where(
            table.c.organisation_id == t.receipt.c.organisation_id,
            table.c.currency == t.receipt.c.currency,
            table.c.amount_minor == t.receipt.c.amount_minor,
            table.c.receipt_id.is_(None),
        )
        for table in (t.ledger_payment, t.payout)
    ]
    return or_(*alike)


# Asked with every match, so built once.
_UNSETTLED = (
    select(t.receipt)
    .where(
        t.receipt.c.organisation_id == bindparam("organisation_id"),
        t.receipt.c.status.in_(LIVING),
        or_(t.receipt.c.state.in_(("new", AWAITED)), (t.receipt.c.state.in_(ASKED) | _asked_again()) & _has_record()),
    )
    .order_by(t.receipt.c.received_on, t.receipt.c.id)
)
_CODED = select(t.ledger_payment).where(
    t.ledger_payment.c.organisation_id == bindparam("organisation_id"),
    t.ledger_payment.c.coded.is_(True),
    t.ledger_payment.c.deleted.is_(False),
    t.ledger_payment.c.receipt_id.is_(None),
    t.ledger_payment.c.received_on >= bindparam("since"),
)


def recognise_receipts(db: Connection, organisation_id: str, now: datetime) -> Counter[str]:
    """Settle new receipts that are payouts or are recorded in the ledger. Returns how many of each."""
    outcome: Counter[str] = Counter()
    for each in db.execute(_UNSETTLED, {"organisation_id": organisation_id}).all():
        row = dict(each._mapping)
        state = as_payout(db, row, now) if row["source"] == "bank" else None
        state = state or _as_recorded(db, row, now)
        if state is not None:
            _settle(db, row, state, now)
            if row["state"] == "undone" and state == "recorded":
                booked_again(db, organisation_id, row["id"], at=now)
            outcome[state] += 1
    _show_coded(db, organisation_id, now)
    return outcome


def recognise_applied(db: Connection, organisation_id: str, receipt_ids: Sequence[str], now: datetime) -> set[str]:
    """Take back the applications of these receipts that the ledger records by now; returns of which.

    They are not posted yet: whoever booked the money meanwhile has said what it pays.
    """
    booked = set()
    for ids in chunks(receipt_ids):
        applied = select(t.receipt).where(
            t.receipt.c.organisation_id == organisation_id, t.receipt.c.id.in_(ids), t.receipt.c.state == "applied"
        )
        for each in db.execute(applied.order_by(t.receipt.c.received_on, t.receipt.c.id)).all():
            row = dict(each._mapping)
            state = _as_recorded(db, row, now)
            if state is not None:
                reverse_application(db, organisation_id, row["id"], actor="matching", at=now)
                _settle(db, row, state, now)
                booked.add(row["id"])
    return booked


def awaits_ledger(db: Connection, organisation_id: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return whether a processor's payment is not to be booked yet, because another app of the organisation may.

    Where one was seen to since we are connected (before, somebody had to), each payment waits for a complete reading
    of the ledger's payments that began long enough after it arrived.
    """
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    processor = connections.connection_for_role(db, organisation_id, Role.PROCESSOR)
    if ledger is None or processor is None or not _booked_elsewhere(db, organisation_id, processor.id):
        return lambda row: False  # noqa: ARG005 - the same question of any row
    read_at = connections.watermark(db, ledger.id, Kind.PAYMENT)
    return lambda row: (
        row["source"] == "stripe"
        and row["state"] in ("new", AWAITED)
        and (read_at is None or read_at < row["changed_at"] + BOOKED_ELSEWHERE_WITHIN)
    )


def _settle(db: Connection, row: dict[str, Any], state: str, now: datetime) -> None:
    db.execute(update(t.receipt).where(t.receipt.c.id == row["id"]).values(state=state, changed_at=now))
    # A question that somebody was asked meanwhile has its answer.
    db.execute(update(t.proposal).where(t.proposal.c.receipt_id == row["id"]).values(state="settled", plausible=[]))
    # Whoever deleted our posting and booked the money otherwise has answered that as well.
    journal.resolve_problem(db, organisation_id=row["organisation_id"], code=POSTING_DELETED, subject=row["id"], at=now)


def _booked_elsewhere(db: Connection, organisation_id: str, connection_id: str) -> bool:
    connected_at = select(t.connection.c.connected_at).where(t.connection.c.id == connection_id).scalar_subquery()
    seen = select(t.receipt.c.id).where(
        t.receipt.c.organisation_id == organisation_id,
        t.receipt.c.source == "stripe",
        t.receipt.c.state == "recorded",
        t.receipt.c.begun_at > connected_at,
    )
    return db.scalar(seen.limit(1)) is not None


def _as_recorded(db: Connection, row: dict[str, Any], now: datetime) -> str | None:
    """Find the ledger's own record of a receipt: booked by a person or another app, or coded straight to income."""
    organisation_id = row["organisation_id"]
    if row["source"] == "stripe":
        names = [row["external_id"], *row["hints"].get("also_named", ())]
        noted = [t.ledger_payment.c.reference.contains(name, autoescape=True) for name in names]
        named = db.execute(
            select(t.ledger_payment)
            .where(
                t.ledger_payment.c.organisation_id == organisation_id,
                t.ledger_payment.c.deleted.is_(False),
                or_(*noted),
            )
            .order_by(t.ledger_payment.c.id)
        ).first()
        if named is not None:
            _take(db, row, named.id, now, customer_id=named.customer_id)
            return "recorded"
        if row["noticed_at"] > now - BOOKED_BY_PEOPLE_AFTER:
            return None
    records = _unlinked(db, row)
    found = recognise(_facts(row), [record for record, _ in records])
    if found is None:
        return None
    asks_about_it = next(asks for record, asks in records if record is found)
    _take(db, row, found.payment_id, now)
    if not asks_about_it:
        return "recorded"
    _report_coded(
        db,
        organisation_id=organisation_id,
        receipt_id=row["id"],
        amount=found.amount,
        received_on=found.received_on,
        now=now,
    )
    return "coded"


def _unlinked(db: Connection, row: dict[str, Any]) -> list[tuple[Recorded, bool]]:
    """Money in the ledger that no bank line was found for, and whether this receipt is the first to ask about it.

    Coded money that has a receipt of its own already (see `_show_coded`) holds and asks through that one.
    """
    payment = t.ledger_payment
    rows = db.execute(
        select(payment, t.customer.c.name)
        .outerjoin(t.customer, t.customer.c.id == payment.c.customer_id)
        .outerjoin(t.receipt, t.receipt.c.id == payment.c.receipt_id)
        .where(
            payment.c.organisation_id == row["organisation_id"],
            payment.c.currency == row["currency"],
            payment.c.amount_minor.in_((row["amount_minor"], row["amount_minor"] + (row["fee_minor"] or 0))),
            payment.c.receipt_id.is_(None) | (t.receipt.c.source == LEDGER_SOURCE),
            payment.c.deleted.is_(False),
            payment.c.received_on.between(row["received_on"] - BOOKED_WITHIN, row["received_on"] + BOOKED_WITHIN),
        )
    ).all()
    documents = {line[0] for each in rows for line in each.lines}
    numbers = {
        each.id: each.number
        for each in db.execute(select(t.document.c.id, t.document.c.number).where(t.document.c.id.in_(documents)))
    }
    return [
        (
            Recorded(
                payment_id=each.id,
                received_on=each.received_on,
                amount=Money(each.amount_minor, each.currency),
                reference=each.reference,
                names=tuple(name for name in (each.name, each.payer_name) if name),
                numbers=tuple(numbers[line[0]] for line in each.lines if line[0] in numbers),
            ),
            bool(each.coded) and each.receipt_id is None,
        )
        for each in rows
    ]


def _facts(row: dict[str, Any]) -> Receipt:
    return Receipt(
        receipt_id=row["id"],
        received_on=row["received_on"],
        amount=Money(row["amount_minor"], row["currency"]),
        payer_name=row["payer_name"],
        remittance=row["remittance"],
        fee=None if row["fee_minor"] is None else Money(row["fee_minor"], row["currency"]),
    )


def _take(
    db: Connection, row: dict[str, Any], payment_id: str, now: datetime, *, customer_id: str | None = None
) -> None:
    db.execute(update(t.ledger_payment).where(t.ledger_payment.c.id == payment_id).values(receipt_id=row["id"]))
    if customer_id is not None:
        db.execute(update(t.receipt).where(t.receipt.c.id == row["id"]).values(customer_id=customer_id))
    journal.record(
        db,
        organisation_id=row["organisation_id"],
        at=now,
        actor="matching",
        action="already_recorded",
        subject=row["id"],
        detail=f"the ledger already records this money as {payment_id}",
    )


def _show_coded(db: Connection, organisation_id: str, now: datetime) -> None:
    """Make a receipt of money that was coded to an account, so that the items it may really pay are held."""
    since = (now - CODED_CONSIDERED).date()
    for each in db.execute(_CODED, {"organisation_id": organisation_id, "since": since}).all():
        receipt_id = stable_id("rcp", organisation_id, "ledger", each.external_id)
        row = {
            "id": receipt_id,
            "organisation_id": organisation_id,
            "source": LEDGER_SOURCE,
            "source_account": "",
            "external_id": each.external_id,
            "received_on": each.received_on,
            "currency": each.currency,
            "amount_minor": each.amount_minor,
            "unapplied_minor": 0,
            "refunded_minor": 0,
            "dispute": "",
            "payer_name": each.payer_name,
            "payer_account": "",
            "payer_account_key": "",
            "remittance": each.reference,
            "hints": {},
            "status": "received",
            "state": "coded",
            "method": LEDGER_SOURCE,
            "applications": 0,
            "noticed_at": now,
            "changed_at": now,
        }
        insert_new(db, t.receipt, [row], keys=["id"])
        db.execute(update(t.ledger_payment).where(t.ledger_payment.c.id == each.id).values(receipt_id=receipt_id))
        _report_coded(
            db,
            organisation_id=organisation_id,
            receipt_id=receipt_id,
            amount=Money(each.amount_minor, each.currency),
            received_on=each.received_on,
            now=now,
        )


def _report_coded(
    db: Connection, *, organisation_id: str, receipt_id: str, amount: Money, received_on: date, now: datetime
) -> None:
    problem = Problem(
        "coded_receipt",
        f"{amount} of {received_on} was booked straight to an account.",
        "If it pays an invoice, remove that booking in the ledger; the payment is then matched.",
        receipt_id,
    )
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
