"""How many calls work costs, counted by the stand-ins: first loads, heaps of changes, a quiet poll."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.contract import Role
from connectors.ledgers.quickbooks import DECLARATION as QUICKBOOKS
from connectors.ledgers.xero import DECLARATION as XERO
from connectors.records import Kind
from receivables.identity import stable_id
from runtime.operations.systems.edits import promise_pending_edits
from runtime.operations.systems.pull import pull
from runtime.operations.systems.show_in_crm import show_in_crm
from runtime.store import tables as t
from runtime.store.rows import upsert
from sandbox.quickbooks import QuickBooksStandIn
from sandbox.standin import StandIn
from sandbox.xero import XeroStandIn
from tests.connectors.consent import CLIENT_ID, CLIENT_SECRET, VirtualTime, connected
from tests.operations.firm import CURRENCY, TODAY, Firm, open_firm

MANY = 100_000
SOME = 1_000
ACCOUNTS = 500
ISSUED = date(2026, 10, 1)
DUE = date(2026, 10, 31)
LATER = date(2027, 1, 15)


@contextmanager
def counting(standin: StandIn) -> Iterator[Counter[str]]:
    """Count the calls that a stand-in answers within this block."""
    before = Counter(standin.calls)
    counted: Counter[str] = Counter()
    yield counted
    counted.update(standin.calls - before)


def reads(calls: Counter[str]) -> int:
    return sum(count for call, count in calls.items() if call.startswith("GET ") or call.endswith("/query"))


def writes(calls: Counter[str]) -> int:
    return calls.total() - reads(calls)


def xero_with_many(time: VirtualTime) -> XeroStandIn:
    standin = XeroStandIn(clock=time.now, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, webhook_key="not-a-key")
    books = standin.add_organisation(name="Bulk", base_currency=CURRENCY, short_code="!bulk")
    customer = books.add_contact(name="Acme")
    for number in range(MANY):
        books.add_invoice(
            contact_id=customer,
            number=f"I{number}",
            total=Decimal(10),
            currency=CURRENCY,
            issued_on=ISSUED,
            due_on=DUE,
        )
    return standin


def quickbooks_with_many(time: VirtualTime) -> QuickBooksStandIn:
    standin = QuickBooksStandIn(
        clock=time.now, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, verifier_token="not-a-token"
    )
    books = standin.add_company(name="Bulk", home_currency=CURRENCY)
    customer = books.add_customer(name="Acme")
    for number in range(MANY):
        books.add_invoice(
            customer_id=customer,
            number=f"I{number}",
            total=Decimal(10),
            currency=CURRENCY,
            issued_on=ISSUED,
            due_on=DUE,
        )
    return standin


@pytest.mark.long
@pytest.mark.parametrize("system", ["xero", "quickbooks"])
def test_a_first_load_of_a_hundred_thousand_invoices_costs_at_most_110_calls(system: str) -> None:
    time = VirtualTime()
    standin: StandIn = xero_with_many(time) if system == "xero" else quickbooks_with_many(time)
    declaration = XERO if system == "xero" else QUICKBOOKS
    with connected(declaration, standin, time) as (_, _, connector), counting(standin) as calls:
        seen = {record.external_id for page in connector.read(Kind.INVOICE, since=None) for record in page.records}
    assert len(seen) == MANY
    assert calls.total() <= 110
    assert standin.avoidable_429 == 0


@pytest.fixture
def xero_firm(tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, "xero", mail=False) as firm:
        yield firm


@pytest.fixture(params=["xero", "quickbooks"])
def any_firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    with open_firm(tmp_path, request.param, mail=False) as firm:
        yield firm


def with_invoices(firm: Firm, count: int) -> None:
    """Read `count` invoices of a firm's first customer from the ledger and show them in the CRM."""
    for number in range(count):
        firm.invoice("Acme", f"I{number}", "10.00")
    for system, account in ((firm.ledger.system, firm.ledger.account), ("salesforce", firm.crm.org_id)):
        firm.connect(system, account)
    for role in (Role.LEDGER, Role.CRM):
        pull(firm.app, firm.connection(role))
    show_in_crm(firm.app, firm.id)
    for role in (Role.LEDGER, Role.CRM):
        firm.time.advance(minutes=5)
        pull(firm.app, firm.connection(role))


@pytest.mark.long
def test_a_hundred_thousand_invoices_are_shown_in_at_most_510_calls(xero_firm: Firm) -> None:
    firm = xero_firm
    firm.connect("salesforce", firm.crm.org_id)
    accounts = [firm.crm.create("Account", Name=f"Customer {number}") for number in range(ACCOUNTS)]
    now = firm.time()
    customers = [stable_id("cus", account) for account in accounts]
    with firm.app.store.write() as db:
        common = {"organisation_id": firm.id, "changed_at": now}
        upsert(
            db,
            t.customer,
            [{"id": each, "name": each, "deleted": False, **common} for each in customers],
            keys=["id"],
        )
        upsert(
            db,
            t.link,
            [
                {
                    "organisation_id": firm.id,
                    "system": "salesforce",
                    "kind": Kind.CUSTOMER.value,
                    "external_id": account,
                    "local_id": customer,
                    "version": "",
                    "base": {},
                }
                for account, customer in zip(accounts, customers, strict=True)
            ],
            keys=["organisation_id", "system", "kind", "external_id"],
        )
        upsert(
            db,
            t.document,
            [
                {
                    "id": stable_id("doc", str(number)),
                    "customer_id": customers[number % ACCOUNTS],
                    "kind": "invoice",
                    "number": f"I{number}",
                    "references": [],
                    "currency": CURRENCY,
                    "total_minor": 1000,
                    "balance_minor": 1000,
                    "issued_on": ISSUED,
                    "due_on": DUE,
                    "status": "open",
                    "sent": True,
                    "read_at": now,
                    **common,
                }
                for number in range(MANY)
            ],
            keys=["id"],
        )
    with counting(firm.estate.salesforce) as calls:
        shown = show_in_crm(firm.app, firm.id)
    assert shown["document"] == MANY
    assert calls.total() <= 510
    assert len(firm.crm.records["TrueDue_Invoice__c"]) == MANY


@pytest.mark.long
def test_a_thousand_changed_invoices_cost_few_calls(any_firm: Firm) -> None:
    firm = any_firm
    limit = {"xero": 22, "quickbooks": 36}[firm.ledger.system]
    with_invoices(firm, SOME)
    ledger, crm = firm.connection(Role.LEDGER), firm.connection(Role.CRM)
    firm.time.advance(minutes=5)
    with counting(firm.ledger.standin) as quiet_ledger, counting(firm.estate.salesforce) as quiet_crm:
        pull(firm.app, ledger)
        pull(firm.app, crm)
    firm.time.advance(minutes=5)

    for number in list(firm.ledger.ids):
        firm.ledger.edit_due_date(number, LATER)
    with counting(firm.ledger.standin) as calls:
        pull(firm.app, ledger)
    assert reads(calls) - reads(quiet_ledger) <= 5
    with counting(firm.estate.salesforce) as calls:
        show_in_crm(firm.app, firm.id)
    assert writes(calls) <= 6
    firm.time.advance(minutes=5)
    pull(firm.app, crm)
    assert {each["Due_Date__c"] for each in firm.crm.records["TrueDue_Invoice__c"].values()} == {LATER.isoformat()}

    firm.time.advance(minutes=5)
    sooner = TODAY + timedelta(days=20)
    for record_id in list(firm.crm.records["TrueDue_Invoice__c"]):
        firm.crm.update("TrueDue_Invoice__c", record_id, Due_Date__c=sooner.isoformat())
    with counting(firm.estate.salesforce) as calls:
        pull(firm.app, crm)
    assert reads(calls) - reads(quiet_crm) <= 5
    assert promise_pending_edits(firm.app, firm.id) == SOME
    with counting(firm.ledger.standin) as calls:
        firm.work()
    assert writes(calls) <= limit
    assert {firm.ledger.due_on(number) for number in firm.ledger.ids} == {sooner}
    assert promise_pending_edits(firm.app, firm.id) == 0


def test_a_quiet_poll_costs_one_round_that_writes_nothing(any_firm: Firm) -> None:
    firm = any_firm
    with_invoices(firm, 3)
    firm.connect("stripe", firm.stripe.account_id)
    firm.poll()
    firm.work()
    firm.time.advance(minutes=5)
    estate = firm.estate
    with counting(firm.ledger.standin) as ledger, counting(estate.salesforce) as crm, counting(estate.stripe) as stripe:
        firm.poll()
        firm.work()
    # As docs/operations.md states.
    assert reads(ledger) == {"xero": 8, "quickbooks": 6}[firm.ledger.system]
    assert reads(crm) == 5
    assert reads(stripe) == 3
    assert writes(ledger) + writes(crm) + writes(stripe) == 0
