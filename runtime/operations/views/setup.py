"""How an organisation is set up: whether it may send, what its bank accounts prove, and what prevents sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from connectors.contract import Role
from connectors.records import AccountPurpose
from runtime.app import App
from runtime.operations.bank_feeds.feeds import Feed, FeedState, feeds
from runtime.operations.bank_feeds.link import can_be_fed
from runtime.operations.systems.edits import keeps_history
from runtime.operations.systems.ledger_accounts import bank_accounts
from runtime.operations.systems.link_back import takes_links
from runtime.operations.systems.other_reminders import OtherReminders, other_reminders
from runtime.operations.systems.tax_codes import TaxCodes, tax_codes
from runtime.operations.systems.treatments import KINDS, treatments
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation


@dataclass(frozen=True, slots=True)
class BankProof:
    """A bank account of the ledger and what was declared for it; `declares` is None when nothing was."""

    handle: str
    name: str
    currency: str | None
    declares: str | None = None
    identification: str | None = None
    evidence_until: date | None = None
    attested_by: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account of the ledger that money can be booked to."""

    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class TreatmentRow:
    """How money of a kind is booked that closes an item without cash; `account` is None where nobody said.

    `gone` is what the ledger no longer has of what somebody said.
    """

    kind: str
    account: str | None
    tax_code: str
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """`missing_mail` names the settings without which there is no mail server; `seen` are accounts of statements.

    `feeds` are the bank feeds that are not over, by the handle of the ledger's account. `treatments` has a row for
    every kind; `accounts` and `tax_codes` are those of the ledger that one can name.
    """

    sending_on: bool
    card_payments_on: bool
    processor_connected: bool
    missing_mail: tuple[str, ...]
    ledger_connected: bool
    ledger_keeps_history: bool
    ledger_takes_links: bool
    banks: tuple[BankProof, ...]
    can_feed: bool
    feeds: Mapping[str, Feed]
    seen: tuple[str, ...]
    treatments: tuple[TreatmentRow, ...]
    accounts: tuple[LedgerAccount, ...]
    tax_codes: TaxCodes
    other_reminders: OtherReminders

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What prevents sending, a clause each; none when nothing does."""
        silent = [bank.name for bank in self.banks if bank.declares is None]
        clauses = (
            ("no ledger is connected", not self.ledger_connected),
            ("no bank account of the ledger was read yet", self.ledger_connected and not self.banks),
            (f"nothing is declared for the bank account {silent[0]}" if silent else "", len(silent) == 1),
            (f"nothing is declared for {len(silent)} bank accounts", len(silent) > 1),
            ("no mail server is set up", bool(self.missing_mail)),
            ("sending is switched off", not self.sending_on),
        )
        return tuple(clause for clause, holds in clauses if holds)


def setup(db: Connection, app: App, organisation: Organisation) -> Setup:
    """Return how `organisation` is set up."""
    proofs = []
    for account, row in bank_accounts(db, organisation.id):
        said = () if row is None else (row.declares, row.identification, row.evidence_until, row.attested_by)
        proofs.append(BankProof(account.handle, account.name, account.currency, *said))
    ledger, processor = (
        connections.connection_for_role(db, organisation.id, role) for role in (Role.LEDGER, Role.PROCESSOR)
    )
    return Setup(
        sending_on=organisation.sending_on,
        card_payments_on=organisation.card_payments_on,
        processor_connected=processor is not None,
        missing_mail=_missing_mail(app),
        ledger_connected=ledger is not None,
        ledger_keeps_history=ledger is not None and keeps_history(ledger.system),
        ledger_takes_links=ledger is not None and takes_links(ledger.system),
        banks=tuple(proofs),
        can_feed=processor is not None and can_be_fed(processor.system),
        feeds={
            each.ledger_account: each
            for each in feeds(db, organisation.id, FeedState.BEGUN, FeedState.SHOWN, FeedState.ON)
        },
        seen=_seen(db, organisation.id),
        treatments=_treatments(db, organisation.id),
        accounts=_accounts(db, organisation.id),
        tax_codes=tax_codes(db, organisation.id),
        other_reminders=other_reminders(db, organisation),
    )


def _seen(db: Connection, organisation_id: str) -> tuple[str, ...]:
    """The accounts that statement files were about."""
    bank = t.bank_account
    seen = select(bank.c.identification).where(
        bank.c.organisation_id == organisation_id, bank.c.evidence_until.is_not(None)
    )
    return tuple(db.scalars(seen.distinct().order_by(bank.c.identification)))


def _treatments(db: Connection, organisation_id: str) -> tuple[TreatmentRow, ...]:
    known = treatments(db, organisation_id)
    return tuple(
        TreatmentRow(kind, known[kind].account, known[kind].tax_code)
        if kind in known
        else TreatmentRow(kind, None, "", known.gone.get(kind, ""))
        for kind in KINDS
    )


def _accounts(db: Connection, organisation_id: str) -> tuple[LedgerAccount, ...]:
    """Every account but those in which money itself lies."""
    money = (AccountPurpose.BANK.value, AccountPurpose.CLEARING.value)
    rows = db.execute(
        select(t.account.c.handle, t.account.c.name)
        .where(t.account.c.organisation_id == organisation_id, t.account.c.purpose.not_in(money))
        .order_by(t.account.c.name, t.account.c.handle)
    )
    return tuple(LedgerAccount(row.handle, row.name) for row in rows)


def _missing_mail(app: App) -> tuple[str, ...]:
    if app.email is not None:
        return ()
    needed = {"TRUEDUE_SMTP_HOST": app.settings.smtp_host, "TRUEDUE_MAIL_FROM": app.settings.mail_from}
    return tuple(name for name, value in needed.items() if not value)
