"""What a person says that a bank account of the ledger proves, checked before it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from connectors.records import AccountPurpose
from reminders.evidence import BankDeclaration
from runtime.app import App
from runtime.operations.bank_feeds.feeds import FeedState, feeds
from runtime.operations.errors import InputError
from runtime.operations.organisations import MAX_NAME_CHARS, declare_evidence
from runtime.store import connections
from runtime.store import tables as t

MAX_IDENTIFICATION_CHARS = 64


@dataclass(frozen=True, slots=True)
class _Account:
    """A bank account of the ledger: `currency` None takes any; `declared` is (identification, currency), if any."""

    name: str
    currency: str | None
    declared: tuple[str, str] | None
    home: str
    seen: tuple[tuple[str, str], ...]


def prove_by_statements(app: App, *, organisation_id: str, handle: str, identification: str, actor: str) -> None:
    """Declare that statement files of account `identification` prove the ledger's bank account `handle`.

    InputError when the ledger has no such account, when `identification` is no account number, or when the statements
    seen of it are in another currency.
    """
    account = _account(app, organisation_id, handle)
    wanted = "".join(identification.split())
    if not wanted or not wanted.isprintable():
        raise InputError(f"name the account number or IBAN in the statement files of {account.name}")
    if len(wanted) > MAX_IDENTIFICATION_CHARS:
        raise InputError(f"the account number is longer than {MAX_IDENTIFICATION_CHARS} characters")
    # People write an IBAN in groups and in any case; what the files say is what will be compared.
    seen = [each for each in account.seen if "".join(each[0].split()).casefold() == wanted.casefold()]
    if account.currency is not None:
        fitting = [each for each in seen if each[1] == account.currency]
        if seen and not fitting:
            raise InputError(
                f"the statements of {seen[0][0]} are in {seen[0][1]}, but {account.name} is kept in {account.currency}"
            )
        seen = fitting
    chosen, currency = seen[0] if seen else (wanted, account.currency or account.home)
    declare_evidence(
        app,
        organisation_id=organisation_id,
        ledger_account=handle,
        identification=chosen,
        currency=currency,
        declares=BankDeclaration.STATEMENT,
        actor=actor,
    )


def prove_by_name(app: App, *, organisation_id: str, handle: str, attested_by: str, actor: str) -> None:
    """Declare that a named person attests the ledger to be complete for its bank account `handle`.

    InputError when the ledger has no such account or no name is given. Statements of the account are still read.
    """
    account = _account(app, organisation_id, handle)
    name = attested_by.strip()
    if not name or not name.isprintable():
        raise InputError(f"name the person who attests that the ledger is complete for {account.name}")
    if len(name) > MAX_NAME_CHARS:
        raise InputError(f"the name is longer than {MAX_NAME_CHARS} characters")
    identification, currency = account.declared or (handle, account.currency or account.home)
    declare_evidence(
        app,
        organisation_id=organisation_id,
        ledger_account=handle,
        identification=identification,
        currency=currency,
        declares=BankDeclaration.ATTESTED,
        attested_by=name,
        actor=actor,
    )


def _account(app: App, organisation_id: str, handle: str) -> _Account:
    with app.store.read() as db:
        row = db.execute(
            select(t.account).where(
                t.account.c.organisation_id == organisation_id,
                t.account.c.handle == handle,
                t.account.c.purpose == AccountPurpose.BANK.value,
            )
        ).first()
        organisation = connections.organisation(db, organisation_id)
        if row is None or organisation is None:
            raise InputError(f"the ledger has no bank account {handle}")
        if any(each.ledger_account == handle for each in feeds(db, organisation_id, FeedState.ON)):
            raise InputError(f"{row.name} is read at the bank: end that first")
        banks = db.execute(
            select(t.bank_account)
            .where(t.bank_account.c.organisation_id == organisation_id)
            .order_by(t.bank_account.c.identification, t.bank_account.c.currency)
        ).all()
    return _Account(
        name=row.name,
        currency=row.currency,
        declared=next(((b.identification, b.currency) for b in banks if b.ledger_account == handle), None),
        home=organisation.base_currency,
        seen=tuple((b.identification, b.currency) for b in banks if b.evidence_until is not None),
    )
