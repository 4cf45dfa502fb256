"""Payouts of a processor: the bank line that is one, and its posting through the clearing account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from connectors.contract import Role
from connectors.intents import Done, PostPayout
from connectors.records import AccountPurpose
from receivables.identity import stable_id
from receivables.money import Money
from receivables.problem import Problem
from runtime.operations.ledger_accounts import account_for, account_of
from runtime.operations.undo import promise_undo, take_back
from runtime.store import connections, journal, queues
from runtime.store import tables as t

PAYOUT_UNEXPLAINED, PAYOUT_NOT_POSTED = PAYOUT_PROBLEMS = ("payout_unexplained", "payout_not_posted")
PAYOUT_FAILED = "payout_failed"
BROUGHT_BACK = ("failed", "canceled")  # states of a payout whose money never reached the bank, or left it again
PAYOUT_WITHIN = timedelta(days=5)


def as_payout(db: Connection, row: dict[str, Any], now: datetime) -> str | None:
    """Match a bank line to a processor's payout, to the cent, and promise to post it through the clearing account."""
    payout = db.execute(
        select(t.payout)
        .where(
            t.payout.c.organisation_id == row["organisation_id"],
            t.payout.c.currency == row["currency"],
            t.payout.c.amount_minor == row["amount_minor"],
            t.payout.c.receipt_id.is_(None),
            t.payout.c.state == "paid",
            t.payout.c.arrival_on.between(row["received_on"] - PAYOUT_WITHIN, row["received_on"] + PAYOUT_WITHIN),
        )
        .order_by(t.payout.c.arrival_on, t.payout.c.id)
    ).first()
    text = f"{row['payer_name']} {row['remittance']}".casefold()
    if payout is None or ("stripe" not in text and payout.external_id.casefold() not in text):
        return None
    db.execute(update(t.payout).where(t.payout.c.id == payout.id).values(receipt_id=row["id"]))
    _promise_payout(db, row, dict(payout._mapping), now)
    return "payout"


def payout_came_back(db: Connection, payout: dict[str, Any], now: datetime) -> None:
    """Follow a payout that was paid and that the bank sent back: what we posted of it is undone, and a person is told.

    Its money lies at the processor again; a new payout of it has an id and a posting of its own.
    """
    organisation_id, receipt_id = payout["organisation_id"], payout["receipt_id"]
    if receipt_id is not None:
        take_back(db, organisation_id, receipt_id, (PostPayout,), now)
        db.execute(update(t.receipt).where(t.receipt.c.id == receipt_id).values(state="undone", changed_at=now))
        db.execute(update(t.payout).where(t.payout.c.id == payout["id"]).values(receipt_id=None))
    amount = Money(payout["amount_minor"], payout["currency"])
    problem = Problem(
        PAYOUT_FAILED,
        f"The payout {payout['external_id']} of {amount} was paid and came back: its money is at the processor again.",
        "Correct the bank account at the processor. A line of it on the bank statement pays no invoice.",
        payout["id"],
    )
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)


def after_payout(db: Connection, row: dict[str, Any], posting: PostPayout, done: Done, now: datetime) -> None:
    """Take a payout's posting back that came back while the ledger's answer was on its way."""
    stands = db.scalar(
        select(t.payout.c.id).where(
            t.payout.c.organisation_id == row["organisation_id"], t.payout.c.receipt_id == row["subject"]
        )
    )
    if stands is None:
        promise_undo(
            db,
            organisation_id=row["organisation_id"],
            system=row["system"],
            subject=row["subject"],
            posting=posting,
            external_ids=done.external_ids,
            at=now,
        )


def promise_missing_payouts(db: Connection, organisation_id: str, now: datetime) -> int:
    """Promise the payouts that lacked an account, or their lines, when the bank line was matched; returns how many."""
    rows = db.execute(
        select(t.receipt, t.payout.c.id.label("payout_id"))
        .join(t.payout, t.payout.c.receipt_id == t.receipt.c.id)
        .where(
            t.receipt.c.organisation_id == organisation_id,
            t.receipt.c.id.in_(journal.troubled(organisation_id, PAYOUT_PROBLEMS)),
        )
        .order_by(t.receipt.c.id)
    ).all()
    promised = 0
    for row in rows:
        receipt = dict(row._mapping)
        payout = db.execute(select(t.payout).where(t.payout.c.id == receipt.pop("payout_id"))).one()
        if _promise_payout(db, receipt, dict(payout._mapping), now):
            for code in PAYOUT_PROBLEMS:
                journal.resolve_problem(db, organisation_id=organisation_id, code=code, subject=receipt["id"], at=now)
            promised += 1
    return promised


def _promise_payout(db: Connection, row: dict[str, Any], payout: dict[str, Any], now: datetime) -> bool:
    organisation_id, currency = row["organisation_id"], row["currency"]
    net = sum(amount - fee for _, amount, fee, _ in payout["lines"])
    if net != payout["amount_minor"]:
        text = f"the payout {payout['external_id']} is {Money(payout['amount_minor'], currency)}, its lines sum to "
        problem = Problem(
            PAYOUT_UNEXPLAINED,
            text + str(Money(net, currency)),
            "Post this payout by hand and tell us the difference.",
            row["id"],
        )
        journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
        return False
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    clearing = account_for(db, organisation_id, AccountPurpose.CLEARING, currency)
    fees = account_for(db, organisation_id, AccountPurpose.FEES, currency)
    bank = account_of(db, organisation_id, row)
    if ledger is None or clearing is None or fees is None or bank is None:
        problem = Problem(
            PAYOUT_NOT_POSTED,
            f"The payout {payout['external_id']} is not posted: the ledger lacks a clearing, fee or bank account.",
            "Make a clearing account and a fee account in the ledger, then sync.",
            row["id"],
        )
        journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=now)
        return False
    key = stable_id("payout", payout["id"])
    intent = PostPayout(
        key=key,
        paid_on=row["received_on"],
        reference=f"{payout['external_id']} {key}",
        clearing_account=clearing,
        bank_account=bank,
        fee_account=fees,
        amount=Money(payout["amount_minor"], currency),
        fees=Money(payout["fees_minor"], currency),
    )
    queues.enqueue(db, organisation_id=organisation_id, system=ledger.system, intent=intent, subject=row["id"], at=now)
    return True
