"""Accounts of the CRM: linked by keys or proof, else a person is asked; merges and deletes are followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Role
from connectors.records import CustomerFields, Kind, Page, Record
from reminders.evidence import Channel
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.opt_out import opt_out
from runtime.operations.reminding.plan import plan_reminders
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.links import confirm, separate
from runtime.operations.views.links import proposed_links
from runtime.store import proposals
from runtime.store import tables as t
from tests.operations.copied import copied_firm
from tests.operations.firm import Firm, QuickBooksLedger

PERSON = "dana"


@pytest.fixture
def firm(stored_firm: Firm) -> Firm:
    return stored_firm


@pytest.fixture
def any_firm(any_stored_firm: Firm) -> Firm:
    return any_stored_firm


def _named_only(firm: Firm, name: str, account: str, email: str = "ella@elm.example") -> str:
    """A customer whose account in the CRM bears `account` as its name and no number."""
    firm.customers[name] = firm.ledger.customer(name, f"{name.split(maxsplit=1)[0].lower()}@example.com")
    external_id = firm.crm.create("Account", Name=account, Industry="Retail", NumberOfEmployees=12)
    firm.contacts[name] = firm.crm.create("Contact", AccountId=external_id, LastName="Elm", Email=email)
    return external_id


def _asked(firm: Firm) -> Any:  # noqa: ANN401 - a view
    with firm.app.store.read() as db:
        return proposed_links(db, firm.id).rows


def _customer(firm: Firm, name: str) -> Any:  # noqa: ANN401 - a row
    (row,) = firm.rows(t.customer, name=name)
    return row


def _accounts(firm: Firm, customer_id: str) -> list[str]:
    return [row.external_id for row in firm.rows(t.link, local_id=customer_id, system="salesforce", kind="customer")]


def _read(firm: Firm, role: Role, *records: Record) -> None:
    connection = firm.connection(role)
    with firm.app.store.write() as db:
        absorb(db, connection=connection, page=Page(tuple(records)), read_at=firm.app.clock())


def _gone(external_id: str, name: str, into: str | None) -> Record:
    fields = CustomerFields(name, merged_into_external_id=into)
    return Record(Kind.CUSTOMER, external_id, "", None, fields, deleted=True)


def test_a_name_alone_is_asked_about_and_a_persons_word_links_it_with_its_contacts(firm: Firm) -> None:
    account = _named_only(firm, "Elm Street Stores", "Elm Street Stores")
    firm.invoice("Elm Street Stores", "INV-3001", "90.00")
    firm.settle()
    customer = _customer(firm, "Elm Street Stores")
    (asked,) = _asked(firm)
    assert (asked.external_id, [each.customer_id for each in asked.candidates]) == (account, [customer.id])
    assert _accounts(firm, customer.id) == []
    confirm(firm.app, organisation_id=firm.id, proposal_id=asked.proposal_id, customer_id=customer.id, actor=PERSON)
    firm.settle()
    assert _accounts(firm, customer.id) == [account]
    assert firm.shown("INV-3001")["Account__c"] == account
    assert firm.rows(t.link, kind="contact", local_id=customer.id), "its contact was read once it was linked"
    linked = _customer(firm, "Elm Street Stores")
    assert (customer.employees, linked.industry, linked.employees) == (None, "Retail", 12), "and what it tells of them"
    assert _asked(firm) == ()
    with pytest.raises(RefusedError, match="decided already"):
        separate(firm.app, organisation_id=firm.id, proposal_id=asked.proposal_id, actor=PERSON)


def test_another_customer_stays_apart_until_a_number_says_otherwise(firm: Firm) -> None:
    account = _named_only(firm, "Elm Street Stores", "Elm Street Store")
    firm.settle()
    (asked,) = _asked(firm)
    separate(firm.app, organisation_id=firm.id, proposal_id=asked.proposal_id, actor=PERSON)
    firm.crm.update("Account", account, Name="Elm Street Stores")
    firm.settle()
    customer = _customer(firm, "Elm Street Stores")
    assert (_asked(firm), _accounts(firm, customer.id)) == ((), [])
    firm.crm.update("Account", account, AccountNumber=firm.customers["Elm Street Stores"])
    firm.settle()
    assert _accounts(firm, customer.id) == [account]


def test_an_address_beside_the_name_proves_who_it_is(firm: Firm) -> None:
    account = _named_only(firm, "Elm Street Stores", "Elm Street Stores", email="elm@example.com")
    firm.settle()
    assert _accounts(firm, _customer(firm, "Elm Street Stores").id) == [account]
    assert _asked(firm) == ()


def test_an_account_that_was_read_before_its_customer_is_linked_when_that_comes(unconnected: Firm) -> None:
    firm = unconnected
    firm.connect("salesforce", firm.crm.org_id)
    firm.poll()
    firm.work()
    assert {row.state for row in firm.rows(t.link_proposal)} == {proposals.UNKNOWN}
    firm.connect(firm.ledger.system, firm.ledger.account)
    firm.settle()
    assert len(firm.rows(t.link, system="salesforce", kind="customer")) == 2
    assert len([row for row in firm.rows(t.link, kind="contact") if row.local_id.startswith("cus")]) == 2


def test_a_second_account_of_a_linked_customer_is_asked_about(firm: Firm) -> None:
    firm.crm.create("Account", Name="Acme", AccountNumber=firm.customers["Acme"])
    firm.settle()
    (asked,) = _asked(firm)
    assert "already" in asked.candidates[0].reasons[-1]
    with pytest.raises(RefusedError, match="merge the two accounts"):
        confirm(
            firm.app,
            organisation_id=firm.id,
            proposal_id=asked.proposal_id,
            customer_id=_customer(firm, "Acme").id,
            actor=PERSON,
        )


def test_a_customer_merged_in_the_ledger_leaves_everything_to_the_survivor(any_firm: Firm) -> None:
    firm = any_firm
    firm.switch_sending()
    plan_reminders(firm.app, firm.id)
    planned = [row.id for row in firm.rows(t.reminder, state="planned")]
    assert planned
    acme, bolt = _customer(firm, "Acme"), _customer(firm, "Bolt")
    opt_out(firm.app, organisation_id=firm.id, customer_id=acme.id, channel=Channel.EMAIL, actor="customer")
    gone = _gone(firm.customers["Acme"], "Acme", firm.customers["Bolt"])
    _read(firm, Role.LEDGER, gone)
    _read(firm, Role.LEDGER, gone)
    assert {row.customer_id for row in firm.rows(t.document)} == {bolt.id}
    assert {row.customer_id for row in firm.rows(t.reminder)} == {bolt.id}
    assert not [row for row in firm.rows(t.reminder) if row.state in ("planned", "sending")]
    dead, survivor = _customer(firm, "Acme"), _customer(firm, "Bolt")
    assert (dead.deleted, dead.merged_into) == (True, bolt.id)
    assert ("email", survivor.id) in {(row.channel, row.customer_id) for row in firm.rows(t.opt_out)}
    assert len(_accounts(firm, bolt.id)) == 1
    assert _accounts(firm, acme.id) == []
    assert "two_accounts" in firm.problems(), "each had an account: a person merges them there"
    assert len(firm.rows(t.event, action="customer_merged")) == 1


def test_a_merge_that_quickbooks_tells_by_webhook_is_followed(tmp_path: Path) -> None:
    with copied_firm(tmp_path, "quickbooks") as firm:
        assert isinstance(firm.ledger, QuickBooksLedger)
        firm.ledger.books.merge_customers(kept_id=firm.customers["Bolt"], gone_id=firm.customers["Acme"])
        firm.deliver_webhooks()
        firm.work()
        acme, bolt = _customer(firm, "Acme"), _customer(firm, "Bolt")
        assert (acme.deleted, acme.merged_into) == (True, bolt.id)
        assert firm.document("INV-1001").customer_id == bolt.id


def test_a_document_that_still_names_the_merged_customer_is_the_survivors(firm: Firm) -> None:
    (before,) = [row for row in _pages(firm) if row.external_id == firm.ledger.ids["INV-1001"]]
    _read(firm, Role.LEDGER, _gone(firm.customers["Acme"], "Acme", firm.customers["Bolt"]))
    _read(firm, Role.LEDGER, before)
    assert firm.document("INV-1001").customer_id == _customer(firm, "Bolt").id


def test_a_reading_from_before_the_merge_brings_nobody_back(firm: Firm) -> None:
    connection, earlier = firm.connection(Role.LEDGER), firm.app.clock()
    page = firm.app.vendors.connector(connection).fetch(Kind.CUSTOMER, [firm.customers["Acme"]])
    firm.time.advance(seconds=1)
    _read(firm, Role.LEDGER, _gone(firm.customers["Acme"], "Acme", firm.customers["Bolt"]))
    with firm.app.store.write() as db:
        absorb(db, connection=connection, page=page, read_at=earlier)
    assert _customer(firm, "Acme").merged_into == _customer(firm, "Bolt").id


def test_accounts_merged_in_the_crm_move_the_link_to_the_master(firm: Firm) -> None:
    acme = _customer(firm, "Acme")
    (old,) = _accounts(firm, acme.id)
    master = firm.crm.create("Account", Name="Acme Group")
    _read(firm, Role.CRM, _gone(old, "Acme", master))
    firm.work()
    assert _accounts(firm, acme.id) == [master]
    assert firm.shown("INV-1001")["Account__c"] == master
    assert "two_accounts" not in firm.problems()


def test_accounts_of_two_customers_merged_in_the_crm_are_a_persons_problem(firm: Firm) -> None:
    acme, bolt = _customer(firm, "Acme"), _customer(firm, "Bolt")
    (old,), (master,) = _accounts(firm, acme.id), _accounts(firm, bolt.id)
    _read(firm, Role.CRM, _gone(old, "Acme", master))
    assert (_accounts(firm, acme.id), _accounts(firm, bolt.id)) == ([], [master])
    assert firm.rows(t.link, kind="contact", local_id=acme.id) == [], "its contact belongs to the other account now"
    assert firm.problems() == ["two_accounts"]
    assert not _customer(firm, "Acme").deleted


def test_an_account_deleted_in_the_crm_leaves_the_customer(firm: Firm) -> None:
    acme = _customer(firm, "Acme")
    (old,) = _accounts(firm, acme.id)
    _read(firm, Role.CRM, _gone(old, "Acme", None))
    assert _accounts(firm, acme.id) == []
    assert not _customer(firm, "Acme").deleted
    assert firm.document("INV-1001").customer_id == acme.id


def _pages(firm: Firm) -> Sequence[Record]:
    connector = firm.app.vendors.connector(firm.connection(Role.LEDGER))
    return [each for page in connector.read(Kind.INVOICE, since=None) for each in page.records]
