"""Import a bank statement file: every credit becomes a receipt, once, however often files overlap.

A debit is kept beside them as far as it may take one back; other payments out are only counted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from connectors.banks.columns import ColumnMapping
from connectors.banks.feed import UNCLEAR, read_statement
from receivables.identity import stable_id
from receivables.money import Money, MoneyError
from receivables.problem import Problem
from receivables.receipt import account_key
from receivables.statement import Entry, Statement, StatementFile
from runtime.app import App
from runtime.operations.bank_feeds.feeds import refuse_what_is_fed
from runtime.operations.bank_files.statement_columns import SaidColumns, chosen_columns, keep_columns, taken_before
from runtime.operations.errors import InputError
from runtime.operations.matching.debits import debit_rows, is_marked, keep_debits, look_again
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.rows import insert_new, upsert

GAP = "statement_gap"
BOOKED = ("BOOK", None)  # camt status; formats without one hold booked lines only


class UnclearStatementError(InputError):
    """A delimited file that a person can make readable by saying what its columns mean."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file brought: lines in it, receipts that were new, lines that are no money in, and the accounts.

    Of the lines that are no money in, `returns` take earlier money back by the bank's own word, and `out` are other
    payments out; the rest is not booked yet.
    """

    entries: int
    added: int
    other: int
    accounts: tuple[str, ...]
    returns: int = 0
    out: int = 0


def import_statement(
    app: App, *, organisation_id: str, name: str, content: bytes, said: SaidColumns | None = None
) -> Imported:
    """Read a whole file and store its receipts in one unit of work; InputError says why a file is refused.

    A delimited file is read by the columns that are kept for its headings, or by what is `said` of them, which is kept
    with its receipts. UnclearStatementError where only a person can say what they mean.
    """
    with app.store.read() as db:
        kept = None if said else chosen_columns(db, organisation_id, name, content)
    file = read_whole(name, content, said.mapping if said else kept.mapping if kept else None)
    if said is not None:
        amounts(file)  # also what leaves must be readable before columns are kept
    with app.store.write() as db:
        if said is not None:
            kept = keep_columns(db, organisation_id, content, said, at=app.clock())
        taken = taken_before(db, organisation_id, content, file, kept) if kept else set()
        refuse_what_is_fed(db, organisation_id, file)
        imported = store_lines(app, db, organisation_id, file, taken)
    app.wake()
    return imported


def read_whole(name: str, content: bytes, mapping: ColumnMapping | None) -> StatementFile:
    """Read a file; InputError says why it is refused, UnclearStatementError where a mapping would help, or does not."""
    file = read_statement(name, content, mapping=mapping)
    if not file.refused:
        return file
    why = "; ".join(problem.text for problem in file.problems) or f"{name}: the file cannot be read"
    if mapping is not None or file.problems[0].code == UNCLEAR:
        raise UnclearStatementError(why)
    raise InputError(why)


def amounts(file: StatementFile) -> list[tuple[Entry, Money]]:
    """Return the lines of a file with their signed amounts; InputError for one that could not be taken in."""
    found = []
    for statement in file.statements:
        for entry in statement.entries:
            currency, _ = _dated(statement, entry, file.file)
            try:
                found.append((entry, Money.of(entry.amount, currency)))
            except MoneyError as error:
                raise InputError(f"{_place(file.file, entry)}: {error}") from None
    return found


def store_lines(
    app: App, db: Connection, organisation_id: str, file: StatementFile, taken: Collection[str] = ()
) -> Imported:
    """Store what a file or a feed tells, but for the lines with ids in `taken`; InputError for what cannot be read."""
    name = file.file
    entries = added = other = returns = out = 0
    for statement in file.statements:
        rows = [_receipt(organisation_id, statement, entry, name) for entry in statement.entries]
        money_in = [row for row in rows if row is not None]
        for row in money_in:
            row["noticed_at"] = row["changed_at"] = app.clock()
        fresh = [row for row in money_in if row["external_id"] not in taken]
        new = insert_new(db, t.receipt, fresh, keys=["organisation_id", "source", "external_id"])
        money_out = [entry for entry in statement.entries if entry.amount < 0 and entry.status in BOOKED]
        unseen = [entry for entry in money_out if entry.entry_id not in taken]
        keep_debits(db, [row for entry in unseen for row in _debits(app, organisation_id, statement, entry, name)])
        if new:
            look_again(db, organisation_id, accounts=[statement.account or ""])
        _note_account(db, organisation_id, statement, app.clock())
        queues.record_statement(
            db,
            {
                "organisation_id": organisation_id,
                "file": name,
                "account": statement.account or "",
                "entries": len(statement.entries),
                "added": new,
                "imported_at": app.clock(),
            },
        )
        entries += len(statement.entries)
        added += new
        other += len(rows) - len(money_in)
        marked = sum(is_marked(entry) for entry in money_out)
        returns += marked
        out += len(money_out) - marked
    accounts = tuple(statement.account or "" for statement in file.statements)
    return Imported(entries=entries, added=added, other=other, accounts=accounts, returns=returns, out=out)


def _receipt(organisation_id: str, statement: Statement, entry: Entry, name: str) -> dict[str, Any] | None:
    if entry.amount <= 0 or entry.status not in BOOKED:
        return None
    currency, day = _dated(statement, entry, name)
    try:
        amount = Money.of(entry.amount, currency)
        fee = None if entry.charges is None else Money.of(entry.charges, currency)
    except MoneyError as error:
        raise InputError(f"{_place(name, entry)}: {error}") from None
    payer_account = entry.counterparty_account or _part(entry, "counterparty_account")
    remittance = entry.remittance or " ".join(part.remittance for part in entry.parts if part.remittance)
    return {
        "id": stable_id("rcp", organisation_id, "bank", entry.entry_id),
        "organisation_id": organisation_id,
        "source": "bank",
        "source_account": statement.account or "",
        "external_id": entry.entry_id,
        "received_on": day,
        "currency": currency,
        "amount_minor": amount.minor,
        "fee_minor": None if fee is None else fee.minor,
        "unapplied_minor": 0,
        "refunded_minor": 0,
        "dispute": "",
        "payer_name": entry.counterparty or _part(entry, "counterparty"),
        "payer_account": payer_account,
        "payer_account_key": account_key(payer_account),
        "remittance": remittance,
        "hints": {"references": list(entry.references)} if entry.references else {},
        "status": "received",
        "state": "new",
        "method": "bank",
        "applications": 0,
    }


def _debits(app: App, organisation_id: str, statement: Statement, entry: Entry, name: str) -> list[dict[str, Any]]:
    """Return the rows of a payment out; one that cannot be read refuses the file only where it is a return."""
    try:
        currency, _ = _dated(statement, entry, name)
        return debit_rows(
            organisation_id=organisation_id,
            account=statement.account or "",
            entry=entry,
            currency=currency,
            at=app.clock(),
        )
    except (InputError, MoneyError) as error:
        if not is_marked(entry):
            return []
        raise InputError(str(error)) from None


def _dated(statement: Statement, entry: Entry, name: str) -> tuple[str, date]:
    """Return the currency and day of a line; InputError when the file states none."""
    currency = entry.currency or statement.currency
    day = entry.booked_on or entry.value_on
    if currency is None or day is None:
        raise InputError(f"{_place(name, entry)}: it has no {'currency' if currency is None else 'date'}")
    return currency, day


def _place(name: str, entry: Entry) -> str:
    return f"{name}, line {entry.line}" if entry.line else f"{name}: the line {entry.entry_id}"


def _part(entry: Entry, field: str) -> str:
    """Return what the only transaction of an entry says; several are not one payer."""
    return (getattr(entry.parts[0], field) or "") if len(entry.parts) == 1 else ""


def _note_account(db: Connection, organisation_id: str, statement: Statement, at: datetime) -> None:
    """Remember the account and how far its evidence reaches: up to the closing balance's day, or the last line's.

    A day that no balance closes must be over: a file that was exported at noon does not know of the afternoon. Never
    past a gap: where a file begins with another balance than the one that what is known ends with, the days between
    them are missing, and a person is told. A statement that is not whole proves nothing.
    """
    if not statement.is_whole:
        return
    booked = [entry for entry in statement.entries if entry.status in BOOKED]
    days = [day for entry in booked if (day := entry.booked_on or entry.value_on)]
    if statement.closed_on:
        days.append(statement.closed_on)
    else:
        today = at.astimezone(connections.zone_of(db, organisation_id)).date()
        days = [day for day in days if day < today]
    if statement.account is None or statement.currency is None or not days:
        return
    known = db.execute(
        select(t.bank_account).where(
            t.bank_account.c.organisation_id == organisation_id,
            t.bank_account.c.identification == statement.account,
            t.bank_account.c.currency == statement.currency,
        )
    ).first()
    bank_id = stable_id("bnk", organisation_id, statement.account, statement.currency)
    opening, closing = (_balance(each, statement.currency) for each in (statement.opening, statement.closing))
    reaches = known.evidence_until if known else None
    if known is not None and reaches is not None:
        if max(days) < reaches:
            return
        if min(days) > reaches and None not in (opening, known.closing_minor) and opening != known.closing_minor:
            problem = _gap(statement, bank_id, reaches, Money(known.closing_minor, statement.currency), min(days))
            journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=at)
            return
    row = {
        "id": bank_id,
        "organisation_id": organisation_id,
        "identification": statement.account,
        "currency": statement.currency,
        "declares": known.declares if known else "statement",
        "evidence_until": max(days),
        "closing_minor": closing,
    }
    upsert(db, t.bank_account, [row], keys=["id"])
    if reaches is None or max(days) > reaches:
        journal.resolve_problem(db, organisation_id=organisation_id, code=GAP, subject=bank_id, at=at)


def _balance(amount: Decimal | None, currency: str) -> int | None:
    try:
        return None if amount is None else Money.of(amount, currency).minor
    except MoneyError as error:
        raise InputError(f"the balance {amount} {currency}: {error}") from None


def _gap(statement: Statement, bank_id: str, reaches: date, closing: Money, begins: date) -> Problem:
    return Problem(
        GAP,
        f"The statements of account {statement.account} end on {reaches} with {closing}, and the file of {begins} "
        f"begins with {statement.opening}: days between them are missing. Nobody is reminded before they are here.",
        f"Import the statement of the days after {reaches}, then the file of {begins} again.",
        bank_id,
    )
