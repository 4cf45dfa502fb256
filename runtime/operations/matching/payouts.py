"""Payouts of a processor: the bank line that is one, and its posting through the clearing account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from connectors.contract import Role
from connectors.intents import Done, PostPayout
from connectors.records import AccountPurpose
from receivables.identity import stable_id
from receivables.money import Money
from receivables.problem import Problem
from runtime.operations.applying.undo import promise_undo, take_back
from runtime.operations.matching.debits import OUT, PROCESSOR_WORD
from runtime.operations.systems.ledger_accounts import account_for, account_of
from runtime.store import connections, journal, queues
from runtime.store import tables as t

PAYOUT_UNEXPLAINED, PAYOUT_NOT_POSTED = PAYOUT_PROBLEMS = ("payout_unexplained", "payout_not_posted")
PAYOUT_FAILED = "payout_failed"
BROUGHT_BACK = ("failed", "canceled")  # states of a payout whose money never reached the bank, or left it again
PAYOUT_WITHIN = timedelta(days=5)
SENT_BACK_WITHIN = timedelta(days=15)  # banks take up to ten banking days to send a payout back


def as_payout(db: Connection, row: dict[str, Any], now: datetime) -> str | None:
    """Match a bank line to a processor's payout, to the cent, and promise to post it through the clearing account."""
    alike = db.execute(
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
    ).all()
    text = f"{row['payer_name']} {row['remittance']}".casefold()
    named = [each for each in alike if each.external_id.casefold() in text]
    # Of two of the same amount the line's own one: their charges and fees differ.
    payout = next(iter(named or alike), None)
    if payout is None or (PROCESSOR_WORD not in text and not named):
        return None
    db.execute(update(t.payout).where(t.payout.c.id == payout.id).values(receipt_id=row["id"]))
    _promise_payout(db, row, dict(payout._mapping), now)
    return "payout"


def as_payout_debit(db: Connection, row: Mapping[str, Any], now: datetime) -> bool:
    """Match a debit to the processor's own, to the cent: what its balance lacked, or a payout that the bank sent back.

    The first is posted through the clearing account the other way round; of the second nothing is posted any more.
    """
    text = f"{row['payee_name']} {row['remittance']}".casefold()
    if PROCESSOR_WORD not in text:
        return False
    payout, day, minor = t.payout, row["booked_on"], row["amount_minor"]
    is_owed = (payout.c.amount_minor == -minor) & (payout.c.state == "paid")
    is_owed &= payout.c.arrival_on.between(day - PAYOUT_WITHIN, day + PAYOUT_WITHIN)
    is_back = (payout.c.amount_minor == minor) & payout.c.state.in_(BROUGHT_BACK)
    is_back &= payout.c.arrival_on.between(day - SENT_BACK_WITHIN, day)
    found = db.execute(
        select(payout)
        .where(
            payout.c.organisation_id == row["organisation_id"],
            payout.c.currency == row["currency"],
            payout.c.receipt_id.is_(None),
            is_owed | is_back,
        )
        .order_by(payout.c.arrival_on, payout.c.id)
    ).first()
    if found is None:
        return False
    db.execute(update(payout).where(payout.c.id == found.id).values(receipt_id=row["id"]))
    if found.amount_minor < 0:
        _promise_payout(db, _bank_line(row), dict(found._mapping), now)
    return True


def payout_came_back(db: Connection, payout: dict[str, Any], now: datetime) -> None:
    """Follow a payout that was paid and that the bank sent back: what we posted of it is undone, and a person is told.

    Its money lies at the processor again, or is owed to it; a new payout of it has an id and a posting of its own.
    """
    organisation_id, line_id = payout["organisation_id"], payout["receipt_id"]
    if line_id is not None:
        take_back(db, organisation_id, line_id, (PostPayout,), now)
        db.execute(update(t.receipt).where(t.receipt.c.id == line_id).values(state="undone", changed_at=now))
        db.execute(update(t.debit).where(t.debit.c.id == line_id).values(state=OUT, changed_at=now))
        db.execute(update(t.payout).where(t.payout.c.id == payout["id"]).values(receipt_id=None))
    amount, name = Money(payout["amount_minor"], payout["currency"]), payout["external_id"]
    if amount.minor < 0:
        text = f"The processor took {-amount} from the bank for what its balance lacked ({name}), and it came back."
        remedy = "See to it that the processor can debit the bank account. A line of it on the statement is no receipt."
    else:
        text = f"The payout {name} of {amount} was paid and came back: its money is at the processor again."
        remedy = "Correct the bank account at the processor. A line of it on the bank statement pays no invoice."
    problem = Problem(PAYOUT_FAILED, text, remedy, payout["id"])
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


_STUCK = (
    select(t.payout)
    .where(
        t.payout.c.organisation_id == bindparam("organisation_id"),
        t.payout.c.receipt_id.in_(journal.troubled(bindparam("organisation_id"), PAYOUT_PROBLEMS)),
    )
    .order_by(t.payout.c.receipt_id)
)


def promise_missing_payouts(db: Connection, organisation_id: str, now: datetime) -> int:
    """Promise the payouts that lacked an account, or their lines, when the bank line was matched; returns how many."""
    promised = 0
    for row in db.execute(_STUCK, {"organisation_id": organisation_id}).all():
        if _promise_payout(db, _line_of(db, row.receipt_id), dict(row._mapping), now):
            for code in PAYOUT_PROBLEMS:
                journal.resolve_problem(db, organisation_id=organisation_id, code=code, subject=row.receipt_id, at=now)
            promised += 1
    return promised


def _line_of(db: Connection, line_id: str) -> dict[str, Any]:
    """Return the bank line of a payout: a receipt, or a debit where the processor took money."""
    receipt = db.execute(select(t.receipt).where(t.receipt.c.id == line_id)).first()
    if receipt is not None:
        return dict(receipt._mapping)
    return _bank_line(dict(db.execute(select(t.debit).where(t.debit.c.id == line_id)).one()._mapping))


def _bank_line(debit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a debit as a line of the bank that a posting can name."""
    return {**debit, "source": "bank", "received_on": debit["booked_on"]}


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
