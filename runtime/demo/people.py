"""What the people around the sample company do: set an organisation up, and decide in its review queue."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import select

from receivables.money import Money
from reminders.evidence import BankDeclaration
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import OWNER, create_organisation, declare_evidence
from runtime.operations.systems.ledger_accounts import bank_accounts
from runtime.operations.systems.links import confirm
from runtime.operations.views.links import proposed_links
from runtime.store import tables as t
from sandbox.estate import Estate
from sandbox.world import Organisation as Firm
from sandbox.world import World

ATTESTED_BY = "Dana Fenwick, controller"
ZONES = {"GB": "Europe/London", "US": "America/Denver"}


SAME = 100  # per cent of likeness


def found(app: App, firm: Firm) -> str:
    """Make the organisation of a firm; returns its id."""
    organisation = create_organisation(
        app, name=firm.name, base_currency=firm.currency, time_zone=ZONES[firm.country], country=firm.country
    )
    return organisation.id


def accounts_of(world: World, estate: Estate, key: str) -> dict[str, str]:
    """Return which account a firm's owner chooses on each vendor's consent page, the ledger first."""
    firm, books = world.organisations[key], world.books[key]
    ledgers = (
        {each.name: tenant for tenant, each in estate.xero.organisations.items()}
        if firm.system == "xero"
        else {each.name: realm for realm, each in estate.quickbooks.companies.items()}
    )
    return {
        firm.system: ledgers[firm.name],
        "salesforce": books.crm.org.org_id,
        "stripe": books.processor.account.account_id,
    }


def declare_banks(app: App, files: Mapping[str, str], organisation_id: str) -> None:
    """Say what each bank account of the ledger proves: by the files of an account, told by currency, or by a name."""
    with app.store.read() as db:
        accounts = bank_accounts(db, organisation_id)
    for account, _ in accounts:
        has_files = account.currency in files
        declare_evidence(
            app,
            organisation_id=organisation_id,
            ledger_account=account.handle,
            identification=files.get(account.currency, account.handle),
            currency=account.currency,
            declares=BankDeclaration.STATEMENT if has_files else BankDeclaration.ATTESTED,
            attested_by=None if has_files else ATTESTED_BY,
        )


def confirm_links(app: App, organisation_id: str) -> int:
    """Confirm, as the owner, the accounts that bear a customer's very name. Returns how many there were.

    Some may be linked by proof while the owner reads the page: those need nobody's word any more.
    """
    with app.store.read() as db:
        asked = proposed_links(db, organisation_id).rows
    sure = [(each.proposal_id, each.candidates[0].customer_id) for each in asked if each.candidates[0].score == SAME]
    for proposal_id, customer_id in sure:
        with suppress(RefusedError):
            confirm(app, organisation_id=organisation_id, proposal_id=proposal_id, customer_id=customer_id, actor=OWNER)
    return len(sure)


def pending_bank_receipts(app: App, organisation_id: str) -> list[dict[str, Any]]:
    """Return the bank receipts that wait in the review queue, each with its proposal's `body`."""
    with app.store.read() as db:
        rows = db.execute(
            select(t.receipt, t.proposal.c.body)
            .join(t.proposal, t.proposal.c.receipt_id == t.receipt.c.id)
            .where(
                t.receipt.c.organisation_id == organisation_id,
                t.receipt.c.source == "bank",
                t.proposal.c.state == "pending",
            )
            .order_by(t.receipt.c.external_id)
        )
        return [dict(row._mapping) for row in rows]


def verdict(app: App, world: World, key: str, row: dict[str, Any]) -> str | None:
    """What somebody who knows the customers does: confirm what is right, reject what is wrong, else leave it."""
    answers = world.accountant(
        organisation=key,
        booked_on=row["received_on"],
        amount=Money(row["amount_minor"], row["currency"]).decimal,
        counterparty=row["payer_name"],
    )
    if not answers or any(receipt.payer is None for receipt in answers):
        return None
    proposed = {allocation["item_id"] for allocation in row["body"]["best"]["allocations"]}
    with app.store.read() as db:
        numbers = set(
            db.scalars(
                select(t.document.c.number).where(
                    t.document.c.organisation_id == row["organisation_id"], t.document.c.id.in_(proposed)
                )
            )
        )
    truths = [{number for number, _ in receipt.allocations} for receipt in answers]
    return "confirm" if numbers in truths else "reject"
