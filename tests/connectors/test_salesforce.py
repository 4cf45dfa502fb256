"""The Salesforce connector through the real SDK against the stand-in over loopback HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from connectors.contract import Access, Account, Endpoint
from connectors.crm.salesforce import DECLARATION, SalesforceConnector
from connectors.crm.salesforce.client import LIMIT_PAUSE_SECONDS, exact_json
from connectors.crm.salesforce.knock import key_of
from connectors.crm.salesforce.reading import instant
from connectors.crm.salesforce.usage import daily_calls
from connectors.errors import Absent, Reconnect, Reject, Retry, Stale
from connectors.intents import (
    AdoptInvoice,
    Done,
    EditContact,
    EditCustomer,
    Intent,
    ShowBalance,
    ShowInvoice,
    ShowReceipt,
    ShowReminder,
)
from connectors.limits import Budget
from connectors.oauth import OAuthFlow
from connectors.records import (
    ContactFields,
    ContactWays,
    CustomerFields,
    DocumentFields,
    InvoiceRequestFields,
    Kind,
    PostalFields,
    Record,
)
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from sandbox.salesforce import SalesforceOrg, SalesforceStandIn
from sandbox.server import Served, serve
from tests.connectors.consent import agree
from tests.connectors.lookups import find_one

START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
REDIRECT = "http://127.0.0.1/callback"
INVOICE, RECEIPT, REMINDER = "TrueDue_Invoice__c", "TrueDue_Receipt__c", "TrueDue_Reminder__c"
Handle = Callable[[], Response]


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class World:
    """One stand-in with an org that gave its consent, and the connector open on it."""

    clock: Clock = field(default_factory=Clock)
    standin: SalesforceStandIn = field(init=False)
    served: Served = field(init=False)
    org: SalesforceOrg = field(init=False)
    tokens: list[str] = field(default_factory=list)
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget((), monotonic=lambda: self.clock().timestamp())
        self.standin = SalesforceStandIn(clock=self.clock, client_id="app", client_secret="hush")
        self.org = self.standin.add_org(name="Brightwater Ltd")
        self.served = serve(self.standin)
        self.endpoint = Endpoint(self.served.url, self.served.url, "app", "hush")
        self.account = self.sign_in()
        self.connector = SalesforceConnector(self.access())

    def sign_in(self, **hint: str) -> Account:
        flow = OAuthFlow(DECLARATION.oauth, self.endpoint, self.clock)
        begun = flow.begin(REDIRECT)
        query = agree(begun.url, **hint)
        tokens = flow.finish(redirect_uri=REDIRECT, code=query["code"], verifier=begun.verifier)
        self.tokens.append(tokens.access_token)
        (account,) = DECLARATION.accounts(self.endpoint, tokens.answer, query, self.access)
        return account

    def access(self, account: Account | None = None) -> Access:
        return Access(
            account or self.account,
            self.endpoint,
            lambda: self.tokens[-1],
            lambda _refused: self.tokens[-1],
            self.budget,
            self.clock,
        )

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        return list(self.org.records[sobject].values())

    def read(self, kind: Kind, since: datetime | None = None) -> list[Record]:
        pages = list(self.connector.read(kind, since=since))
        assert not [problem for page in pages for problem in page.problems]
        return [record for page in pages for record in page.records]

    def calls(self) -> int:
        return sum(self.standin.calls.values())


@pytest.fixture
def world() -> Iterator[World]:
    one = World()
    yield one
    one.connector.close()
    one.served.stop()


def invoice(account: str, document_id: str = "doc-1", **changes: Any) -> ShowInvoice:  # noqa: ANN401 - any field
    base = ShowInvoice(
        key=f"show:{document_id}",
        document_id=document_id,
        account_external_id=account,
        number="INV-100",
        kind=DocumentKind.INVOICE,
        status=DocumentStatus.OPEN,
        total=Money.parse("1234.50", "GBP"),
        balance=Money.parse("1000.10", "GBP"),
        issued_on=date(2026, 10, 1),
        due_on=date(2026, 10, 31),
    )
    return replace(base, **changes)


def done(outcome: object) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def test_consent_names_the_org_and_its_host(world: World) -> None:
    assert world.account == Account(world.org.org_id, "Brightwater Ltd", world.served.url)


def test_reads_equal_what_was_seeded(world: World) -> None:
    parent = world.org.create("Account", Name="Parent & Söhne", BillingCountry="Germany")
    child = world.org.create(
        "Account", Name="Child", AccountNumber="C-7", ParentId=parent, TrueDue_Id__c="cust/7", BillingCountry=None
    )
    mailing = {"MailingCity": "Köln", "MailingState": "NRW", "MailingPostalCode": "50667", "MailingCountry": "Germany"}
    person = world.org.create(
        "Contact",
        AccountId=child,
        FirstName="Ana",
        LastName="Ng",
        Email="ana@example.com",
        HasOptedOutOfEmail=True,
        MobilePhone="+49 151 12345678",
        Phone="0221 1234",
        MailingStreet="Haus 3\n Hauptstr. 1 \n",
        **mailing,
    )
    world.org.create("Contact", LastName="Private")
    customers = {record.external_id: record for record in world.read(Kind.CUSTOMER)}
    assert customers[parent].fields == CustomerFields(name="Parent & Söhne", country="Germany")
    assert customers[child].fields == CustomerFields(
        name="Child", number="C-7", parent_external_id=parent, keys=("cust/7", "C-7")
    )
    (contact,) = world.read(Kind.CONTACT)
    assert contact.external_id == person
    address = PostalFields(("Haus 3", "Hauptstr. 1"), "Köln", "NRW", "50667", "Germany")
    ways = ContactWays("+49 151 12345678", "0221 1234", address)
    assert contact.fields == ContactFields(child, "Ana Ng", "ana@example.com", opted_out=True, ways=ways)
    assert contact.modified_at == START and not contact.deleted


def test_people_edit_invoices_and_the_edit_is_read(world: World) -> None:
    account = world.org.create("Account", Name="A")
    (shown,) = world.connector.write([invoice(account)])
    world.org.update(
        INVOICE,
        done(shown).external_ids[0],
        Disputed__c=True,
        Dispute_Reason__c="two short",
        Promised_On__c="2026-11-30",
        PO_Number__c="PO-7",
    )
    (record,) = world.read(Kind.INVOICE)
    assert record.fields == DocumentFields(
        kind=DocumentKind.INVOICE,
        customer_external_id=account,
        number="INV-100",
        total=Money(123450, "GBP"),
        balance=Money(100010, "GBP"),
        issued_on=date(2026, 10, 1),
        due_on=date(2026, 10, 31),
        status=DocumentStatus.OPEN,
        external_key="doc-1",
        disputed=True,
        dispute_reason="two short",
        promised_on=date(2026, 11, 30),
        purchase_order="PO-7",
        note="",
    )
    world.connector.write([invoice(account, balance=Money(5, "GBP"), due_on=None)])
    (row,) = world.rows(INVOICE)
    assert (row["Disputed__c"], row["Dispute_Reason__c"], row["Promised_On__c"]) == (True, "two short", "2026-11-30")
    assert (row["Balance__c"], row["Due_Date__c"]) == (Decimal("0.05"), "2026-10-31")


def test_changes_since_include_deleted_and_only_what_changed(world: World) -> None:
    ids = [world.org.create("Account", Name=f"A{n}") for n in range(5)]
    world.clock.forward(minutes=10)
    world.org.update("Account", ids[3], Name="renamed")
    world.org.delete("Account", ids[1])
    changed = {r.external_id: r.deleted for r in world.read(Kind.CUSTOMER, since=START + timedelta(minutes=10))}
    assert changed == {ids[3]: False, ids[1]: True}
    assert len(world.read(Kind.CUSTOMER, since=START)) == 5
    assert {r.external_id for r in world.read(Kind.CUSTOMER)} == set(ids) - {ids[1]}


def test_pages_are_followed_to_the_end(world: World) -> None:
    for n in range(4_100):
        world.org.create("Account", Name=f"A{n}")
    pages = list(world.connector.read(Kind.CUSTOMER, since=None))
    assert [len(page.records) for page in pages] == [2000, 2000, 100]
    assert len({record.external_id for page in pages for record in page.records}) == 4_100


def test_an_unreadable_row_does_not_lose_the_others(world: World) -> None:
    account = world.org.create("Account", Name="A")
    world.connector.write([invoice(account), invoice(account, "doc-2")])
    world.org.update(INVOICE, str(world.rows(INVOICE)[0]["Id"]), Currency__c="???")
    (page,) = world.connector.read(Kind.INVOICE, since=None)
    assert [record.fields.external_key for record in page.records if isinstance(record.fields, DocumentFields)] == [
        "doc-2"
    ]
    (problem,) = page.problems
    assert "???" in problem.text and problem.subject == world.rows(INVOICE)[0]["Id"]


def test_fetch_reads_by_id_and_leaves_out_the_absent(world: World) -> None:
    ids = [world.org.create("Account", Name=f"A{n}") for n in range(250)]
    before = world.calls()
    page = world.connector.fetch(Kind.CUSTOMER, [*ids, "001000000000000AAA", "' OR Name != '"])
    assert {record.external_id for record in page.records} == set(ids)
    assert world.calls() - before == 1 + 2, "the object is described once"
    world.connector.fetch(Kind.CUSTOMER, ids)
    assert world.calls() - before == 1 + 2 + 2


def test_what_a_customer_does_is_read_where_the_user_may_see_it(world: World) -> None:
    known = world.org.create("Account", Name="Known", Industry="Construction", NumberOfEmployees=12)
    nobody = world.org.create("Account", Name="Nobody asked")
    read = {each.external_id: cast(CustomerFields, each.fields) for each in world.read(Kind.CUSTOMER)}
    assert (read[known].industry, read[known].employees) == ("Construction", 12)
    assert (read[nobody].industry, read[nobody].employees) == (None, None)
    for name in ("Industry", "NumberOfEmployees"):
        del world.org.schema.objects["Account"][name]  # as if the user's permissions hid them
    world.connector.close()
    world.connector = SalesforceConnector(world.access())  # what one knows of an object it knows for a day
    hidden = {each.external_id: cast(CustomerFields, each.fields) for each in world.read(Kind.CUSTOMER)}
    assert (hidden[known].name, hidden[known].industry, hidden[known].employees) == ("Known", None, None)
    assert [each.external_id for each in world.connector.fetch(Kind.CUSTOMER, [known]).records] == [known]


def test_upserts_happen_exactly_once_in_few_calls(world: World) -> None:
    account = world.org.create("Account", Name="A")
    intents = [invoice(account, f"doc-{n}", total=Money(n, "GBP")) for n in range(450)]
    before = world.calls()
    first = [done(outcome).external_ids for outcome in world.connector.write(intents)]
    assert world.calls() - before == 1 + 3, "the org is described once"
    again = [done(outcome).external_ids for outcome in world.connector.write(intents)]
    assert first == again and len(world.rows(INVOICE)) == 450
    assert world.calls() - before == 1 + 3 + 3
    assert {row["External_Id__c"]: row["Total__c"] for row in world.rows(INVOICE)} == {
        f"doc-{n}": Decimal(n) / 100 for n in range(450)
    }


def test_only_the_last_of_several_intents_for_a_record_is_sent(world: World) -> None:
    account = world.org.create("Account", Name="A")
    outcomes = world.connector.write([invoice(account, balance=Money(n, "GBP")) for n in (300, 200, 100)])
    (row,) = world.rows(INVOICE)
    assert row["Balance__c"] == Decimal(1)
    assert [done(outcome).external_ids for outcome in outcomes] == [(row["Id"],)] * 3


@pytest.mark.parametrize("key", ["a/b", "a?b=c", "a#b", "50% ü", "x&y", "o'brien", "a/b/../c", "dot.", 'q"'])
def test_an_external_id_with_special_characters_is_its_own_record(world: World, key: str) -> None:
    account = world.org.create("Account", Name="A")
    world.connector.write([invoice(account, "a"), invoice(account, key, balance=Money(777, "GBP"))])
    mine = next(row for row in world.rows(INVOICE) if row["External_Id__c"] == key)
    assert find_one(world.connector, invoice(account, key, balance=Money(777, "GBP"))) == Done((str(mine["Id"]),))
    assert find_one(world.connector, invoice(account, key, balance=Money(778, "GBP"))) is None
    assert find_one(world.connector, invoice(account, key + "z")) is None


def test_a_refused_record_does_not_lose_the_others(world: World) -> None:
    account = world.org.create("Account", Name="A")
    gone = world.org.create("Account", Name="B")
    world.org.delete("Account", gone)
    good, bad, last = world.connector.write(
        [invoice(account, "doc-1"), invoice(gone, "doc-2"), invoice(account, "doc-3")]
    )
    assert isinstance(bad, Reject) and bad.code == "ENTITY_IS_DELETED" and bad.remedy
    assert done(good).external_ids != done(last).external_ids
    assert {row["External_Id__c"] for row in world.rows(INVOICE)} == {"doc-1", "doc-3"}


def test_balances_receipts_and_reminders_are_shown(world: World) -> None:
    account = world.org.create("Account", Name="A")
    balance = ShowBalance(
        "b", "cust-1", account, Money(1234567, "GBP"), Money(-5, "GBP"), date(2026, 9, 1), "disputed: INV-1"
    )
    receipt = ShowReceipt("r", "rec-1", account, date(2026, 11, 2), Money(9, "GBP"), "P" * 200, "applied", "INV-1")
    sent_at = datetime(2026, 11, 17, 11, 30, 5, 999, tzinfo=UTC)
    reminder = ShowReminder("m", "rem-1", account, 2, "email", sent_at, "INV-1: 10.00 GBP")
    intents: list[Intent] = [balance, receipt, reminder]
    outcomes = world.connector.write(intents)
    assert [type(outcome) for outcome in outcomes] == [Done, Done, Done], outcomes
    shown = world.org.records["Account"][account]
    assert (shown["TrueDue_Balance__c"], shown["TrueDue_Overdue__c"]) == (Decimal("12345.67"), Decimal("-0.05"))
    assert (shown["TrueDue_Oldest_Due_Date__c"], shown["TrueDue_Hold__c"]) == ("2026-09-01", "disputed: INV-1")
    assert shown["TrueDue_Id__c"] == "cust-1"
    (paid,) = world.rows(RECEIPT)
    assert (paid["External_Id__c"], paid["Amount__c"], paid["Received_On__c"]) == (
        "rec-1",
        Decimal("0.09"),
        "2026-11-02",
    )
    (told,) = world.rows(REMINDER)
    assert (told["External_Id__c"], told["Level__c"], told["Channel__c"]) == ("rem-1", "2", "email")
    assert instant(str(told["Sent_At__c"])) == sent_at.replace(microsecond=0)
    for intent, outcome in zip(intents, outcomes, strict=True):
        assert find_one(world.connector, intent) == outcome
    assert find_one(world.connector, replace(balance, hold="")) is None


def test_a_credit_note_is_shown_below_zero_and_read_back_as_one(world: World) -> None:
    account = world.org.create("Account", Name="A")
    world.connector.write([invoice(account, kind=DocumentKind.CREDIT_NOTE, number="CN-1")])
    assert world.rows(INVOICE)[0]["Total__c"] == Decimal("-1234.50")
    (record,) = world.read(Kind.INVOICE)
    assert isinstance(record.fields, DocumentFields)
    assert (record.fields.kind, record.fields.total) == (DocumentKind.CREDIT_NOTE, Money(123450, "GBP"))


def test_a_contact_edit_checks_what_it_was_merged_with(world: World) -> None:
    account = world.org.create("Account", Name="A")
    people = [
        world.org.create("Contact", AccountId=account, LastName=f"L{n}", Email=f"old{n}@example.com") for n in range(3)
    ]
    versions = {record.external_id: record.version for record in world.read(Kind.CONTACT)}
    world.clock.forward(minutes=1)
    world.org.update("Contact", people[1], Email="human@example.com")
    world.org.delete("Contact", people[2])
    edits = [EditContact(f"e{n}", who, versions[who], f"new{n}@example.com") for n, who in enumerate(people)]
    first, stale, gone = world.connector.write(edits)
    assert done(first).external_ids == (people[0],)
    assert isinstance(stale, Stale) and isinstance(gone, Absent)
    emails = [world.org.records["Contact"][who]["Email"] for who in people]
    assert emails == ["new0@example.com", "human@example.com", "old2@example.com"]
    before = dict(world.org.records["Contact"][people[0]])
    assert done(world.connector.write(edits[:1])[0]).external_ids == (people[0],)
    assert world.org.records["Contact"][people[0]] == before  # a repetition writes nothing


def test_an_intent_of_another_system_is_refused(world: World) -> None:
    (outcome,) = world.connector.write([EditCustomer("k", "c", "1", "a@example.com")])
    assert isinstance(outcome, Reject)


def test_amounts_leave_with_their_exact_digits(world: World) -> None:
    bodies: list[bytes] = []

    def listen(request: Request, handle: Handle) -> Response:
        bodies.append(request.get_data())
        return handle()

    account = world.org.create("Account", Name="A")
    world.standin.interceptor = listen
    world.connector.write([invoice(account, total=Money(9007199254740993, "GBP"), balance=Money(10, "GBP"))])
    assert b'"Total__c":90071992547409.93,' in bodies[-1]
    assert b'"Balance__c":0.10,' in bodies[-1]
    assert world.rows(INVOICE)[0]["Total__c"] == Decimal("90071992547409.93")


@given(st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1), st.sampled_from(["GBP", "JPY", "KWD", "CLF"]))
def test_exact_json_keeps_every_amount(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    read = json.loads(exact_json({"a": [money.decimal, None, True, 'x"\n']}), parse_float=Decimal, parse_int=Decimal)
    assert read == {"a": [money.decimal, None, True, 'x"\n']}


@settings(max_examples=50)
@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_instants_are_read_as_salesforce_writes_them(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    assert instant(f"{aware:%Y-%m-%dT%H:%M:%S}.{aware.microsecond // 1000:03d}+0000") == aware


def test_purchase_order_and_note_are_shown_emptied_or_left_alone(world: World) -> None:
    account = world.org.create("Account", Name="A")
    world.connector.write([invoice(account, purchase_order="PO-1", note="first")])
    world.connector.write([invoice(account)])
    assert [(row["PO_Number__c"], row["Note__c"]) for row in world.rows(INVOICE)] == [("PO-1", "first")]
    emptied = invoice(account, purchase_order="", note="second")
    assert find_one(world.connector, emptied) is None
    (outcome,) = world.connector.write([emptied])
    assert [(row["PO_Number__c"], row["Note__c"]) for row in world.rows(INVOICE)] == [(None, "second")]
    assert find_one(world.connector, emptied) == outcome


def test_an_org_with_several_currencies_gets_each_records_own(world: World) -> None:
    world.org = world.standin.add_org(name="Many", currencies=("USD", "GBP"))
    world.account = world.sign_in(login_hint=world.org.org_id)
    connector = SalesforceConnector(world.access())
    account = world.org.create("Account", Name="A")
    francs = invoice(account, "doc-2", total=Money(100, "CHF"), balance=Money(100, "CHF"))
    outcomes = connector.write([invoice(account), francs])
    assert [type(outcome) for outcome in outcomes] == [Done, Done]
    shown = {row["External_Id__c"]: (row["Currency__c"], row["CurrencyIsoCode"]) for row in world.rows(INVOICE)}
    assert shown == {"doc-1": ("GBP", "GBP"), "doc-2": ("CHF", "USD")}, "a currency the org lacks stands as text"
    connector.close()


def test_texts_longer_than_salesforce_takes_are_cut(world: World) -> None:
    account = world.org.create("Account", Name="A")
    receipt = ShowReceipt("r", "rec", account, date(2026, 11, 2), Money(9, "GBP"), "P" * 900, "applied", "d" * 40_000)
    reminder = ShowReminder("m", "rem", account, 1, "email", START, "d" * 40_000)
    outcomes = world.connector.write([receipt, reminder])
    assert [type(outcome) for outcome in outcomes] == [Done, Done], outcomes
    assert find_one(world.connector, receipt) == outcomes[0]


def test_a_merged_account_names_the_one_that_took_its_place(world: World) -> None:
    kept, gone = (world.org.create("Account", Name=name) for name in ("Kept", "Gone"))
    world.org.merge("Account", kept, gone)
    found = {
        record.external_id: (record.deleted, record.fields.merged_into_external_id)
        for record in world.read(Kind.CUSTOMER, since=START)
        if isinstance(record.fields, CustomerFields)
    }
    assert found == {gone: (True, kept), kept: (False, None)}


# --- requests ---------------------------------------------------------------------------------------------------


def ask(world: World, account: str, **changes: Any) -> str:  # noqa: ANN401 - any field
    said = {"Requested_Amount__c": "450.00", "Currency__c": "gbp", "Due_Date__c": "2026-12-17", **changes}
    return world.org.create(INVOICE, Account__c=account, **said)


def test_a_request_is_read_as_what_it_asks_for_and_is_no_invoice(world: World) -> None:
    account = world.org.create("Account", Name="A")
    won = world.org.create("Opportunity", Name="Doors", StageName="Closed Won", CloseDate="2026-11-01")
    request = ask(world, account, Opportunity__c=won, PO_Number__c="PO-1")
    ask(
        world,
        account,
        Opportunity__c=world.org.create("Opportunity", Name="X", StageName="Open", CloseDate=START.date()),
    )
    (record,) = world.read(Kind.INVOICE_REQUEST)
    assert record.external_id == request
    assert record.fields == InvoiceRequestFields(
        customer_external_id=account,
        description="Doors",
        amount=Money(45_000, "GBP"),
        issued_on=START.date(),
        due_on=date(2026, 12, 17),
        purchase_order="PO-1",
    )
    assert world.read(Kind.INVOICE) == [] and world.read(Kind.INVOICE, since=START) == []


def test_open_requests_are_read_whenever_they_were_made_and_gone_ones_when_they_change(world: World) -> None:
    account = world.org.create("Account", Name="A")
    old, taken_back = ask(world, account), ask(world, account)
    world.connector.write([invoice(account)])
    world.clock.forward(hours=1)
    world.org.delete(INVOICE, taken_back)
    found = {record.external_id: record.deleted for record in world.read(Kind.INVOICE_REQUEST, since=world.clock())}
    assert found == {old: False, taken_back: True}


@pytest.mark.parametrize(
    ("field_", "value", "says"),
    [
        ("Due_Date__c", None, "Due_Date__c is empty"),
        ("Requested_Amount__c", None, "Requested_Amount__c is empty"),
        ("Requested_Amount__c", "-1", "more than nothing"),
        ("Currency__c", "XYZ", "XYZ"),
    ],
)
def test_a_request_that_lacks_something_says_what(world: World, field_: str, value: str | None, says: str) -> None:
    account = world.org.create("Account", Name="A")
    ask(world, account, **{field_: value})
    (page,) = world.connector.read(Kind.INVOICE_REQUEST, since=None)
    (problem,) = page.problems
    assert says in problem.text and page.records == ()


def test_a_request_is_adopted_once_and_then_shows_the_invoice(world: World) -> None:
    account = world.org.create("Account", Name="A")
    request = ask(world, account)
    adopt = AdoptInvoice("a", request, "doc-1")
    assert find_one(world.connector, adopt) is None
    assert world.connector.write([adopt]) == world.connector.write([adopt]) == [Done((request,))]
    assert find_one(world.connector, adopt) == Done((request,))
    (shown,) = world.connector.write([invoice(account)])
    assert done(shown).external_ids == (request,) and len(world.rows(INVOICE)) == 1


def test_a_request_is_not_adopted_by_two_documents_nor_when_it_is_gone(world: World) -> None:
    account = world.org.create("Account", Name="A")
    taken, gone = ask(world, account), ask(world, account)
    world.connector.write([AdoptInvoice("a", taken, "doc-1")])
    world.org.delete(INVOICE, gone)
    second, absent = world.connector.write([AdoptInvoice("b", taken, "doc-2"), AdoptInvoice("c", gone, "doc-3")])
    assert isinstance(second, Reject) and second.code == "not_a_request" and second.remedy
    assert isinstance(absent, Absent)
    assert world.org.find(INVOICE, taken)["External_Id__c"] == "doc-1"


def test_a_request_that_was_only_drafted_says_so(world: World) -> None:
    request = ask(world, world.org.create("Account", Name="A"))
    (outcome,) = world.connector.write([AdoptInvoice("a", request, None)])
    assert outcome == Done((request,)) and world.org.find(INVOICE, request)["Status__c"] == "drafted"
    assert world.read(Kind.INVOICE_REQUEST) == []


def test_an_edit_between_our_reading_and_our_writing_is_not_overwritten(world: World) -> None:
    person = world.org.create(
        "Contact", LastName="L", AccountId=world.org.create("Account", Name="A"), Email="o@x.example"
    )
    (contact,) = world.read(Kind.CONTACT)
    request = ask(world, world.org.create("Account", Name="B"))
    world.clock.forward(minutes=1)

    def meddle(sent: Request, handle: Handle) -> Response:
        if sent.method == "PATCH":
            world.org.update("Contact", person, Email="human@x.example")
            world.org.update(INVOICE, request, Note__c="wait")
        return handle()

    world.standin.interceptor = meddle
    edit = EditContact("e", person, contact.version, "ours@x.example")
    stale, again = world.connector.write([edit, AdoptInvoice("a", request, "doc-1")])
    assert isinstance(stale, Stale) and isinstance(again, Retry) and not again.ambiguous
    world.standin.interceptor = None
    assert world.org.find("Contact", person)["Email"] == "human@x.example"
    assert world.connector.write([AdoptInvoice("a", request, "doc-1")]) == [Done((request,))]


@pytest.mark.parametrize(
    ("header", "used", "left"),
    [
        ("api-usage=25/15000", 25, 14_975),
        ("api-usage=18/5000; per-app-api-usage=17/250(appName=sample)", 18, 4_982),
        ("per-app-api-usage=17/250(appName=a), api-usage=15100/15000", 15_100, 0),
    ],
)
def test_the_days_calls_are_read_from_each_answer(header: str, used: int, left: int) -> None:
    calls = daily_calls(header)
    assert calls is not None and (calls.used, calls.left) == (used, left)


@pytest.mark.parametrize("header", ["", "per-app-api-usage=17/250(appName=a)", "api-usage=x/y"])
def test_a_header_without_the_days_calls_tells_nothing(header: str) -> None:
    assert daily_calls(header) is None


# --- faults ---------------------------------------------------------------------------------------------------


def refuse(status: int, code: str = "", **headers: str) -> Callable[[Request, Handle], Response]:
    body = json.dumps([{"message": "no", "errorCode": code}]) if code else "<html>down</html>"
    return lambda _request, _handle: Response(body, status, headers)


def test_another_token_is_asked_for_once_when_one_is_refused(world: World) -> None:
    world.org.create("Contact", AccountId=world.org.create("Account", Name="A"), LastName="A")
    refused: list[str] = []

    def another(token: str) -> str:
        refused.append(token)
        return world.tokens[-1]

    connector = SalesforceConnector(replace(world.access(), token=lambda: "stale", another=another))
    assert [len(page.records) for page in connector.read(Kind.CONTACT, since=None)] == [1]
    assert refused == ["stale"]


def test_a_token_refused_for_good_asks_a_person_after_two_calls(world: World) -> None:
    world.standin.oauth.revoke(world.tokens[-1])
    before = world.calls()
    with pytest.raises(Reconnect):
        list(world.connector.read(Kind.CUSTOMER, since=None))
    assert world.calls() - before == 2
    (outcome,) = world.connector.write([invoice("001000000000000AAA")])
    assert isinstance(outcome, Reconnect)


def test_a_used_up_daily_limit_stops_all_calls_for_long(world: World) -> None:
    world.standin.interceptor = refuse(403, "REQUEST_LIMIT_EXCEEDED")
    with pytest.raises(Retry) as raised:
        list(world.connector.read(Kind.CUSTOMER, since=None))
    assert raised.value.after_seconds >= LIMIT_PAUSE_SECONDS and not raised.value.ambiguous
    world.standin.interceptor = None
    before = world.calls()
    (outcome,) = world.connector.write([invoice("001000000000000AAA")])
    assert isinstance(outcome, Retry) and world.calls() == before


@pytest.mark.parametrize("status", [403, 429])
def test_a_gateway_refuses_no_record(world: World, status: int) -> None:
    account = world.org.create("Account", Name="A")
    world.standin.interceptor = lambda _request, _handle: Response("busy", status=status)
    (outcome,) = world.connector.write([invoice(account)])
    assert isinstance(outcome, Retry) and not outcome.ambiguous
    world.standin.interceptor = None
    world.clock.forward(seconds=outcome.after_seconds)
    assert isinstance(world.connector.write([invoice(account)])[0], Done)


def test_the_last_calls_of_the_day_are_left_to_urgent_work(world: World) -> None:
    account = world.org.create("Account", Name="A")
    usage = {"Sforce-Limit-Info": "api-usage=96000/100000"}

    def nearly(_request: Request, handle: Handle) -> Response:
        answer = handle()
        answer.headers.update(usage)
        return answer

    world.standin.interceptor = nearly
    world.org.create("Contact", AccountId=account, LastName="A")
    list(world.connector.read(Kind.CONTACT, since=None))
    with pytest.raises(Retry):
        list(world.connector.read(Kind.CONTACT, since=None))
    assert isinstance(world.connector.write([invoice(account)])[0], Done)
    world.clock.forward(seconds=LIMIT_PAUSE_SECONDS)
    assert len(world.read(Kind.CONTACT)) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_after_a_write_leaves_it_open(world: World, status: int) -> None:
    world.connector.write([invoice("001000000000000AAA")])
    world.standin.interceptor = refuse(status)
    (outcome,) = world.connector.write([invoice("001000000000000AAA")])
    assert isinstance(outcome, Retry) and outcome.ambiguous
    with pytest.raises(Retry) as raised:
        list(world.connector.read(Kind.CUSTOMER, since=None))
    assert not raised.value.ambiguous


def test_an_answer_lost_after_the_write_is_found_again(world: World) -> None:
    account = world.org.create("Account", Name="A")
    assert find_one(world.connector, invoice(account)) is None

    def lose(_request: Request, handle: Handle) -> Response:
        handle()
        return Response(b"[{", 200, {"Content-Type": "application/json"})

    world.standin.interceptor = lose
    (outcome,) = world.connector.write([invoice(account)])
    assert isinstance(outcome, Retry) and outcome.ambiguous
    world.standin.interceptor = None
    assert find_one(world.connector, invoice(account)) == Done((str(world.rows(INVOICE)[0]["Id"]),))


def test_a_refused_connection_was_surely_not_written(world: World) -> None:
    nowhere = replace(world.account, instance_url="http://127.0.0.1:9")
    connector = SalesforceConnector(replace(world.access(), account=nowhere))
    (outcome,) = connector.write([invoice("001000000000000AAA")])
    assert isinstance(outcome, Retry) and not outcome.ambiguous


def test_a_locked_row_is_tried_again_and_the_rest_is_done(world: World) -> None:
    account = world.org.create("Account", Name="A")

    def lock(_request: Request, handle: Handle) -> Response:
        rows = json.loads(handle().get_data())
        locked = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}
        rows[0] = {"success": False, "errors": [locked]}
        return Response(json.dumps(rows), 200, {"Content-Type": "application/json"})

    world.standin.interceptor = lock
    first, second = world.connector.write([invoice(account), invoice(account, "doc-2")])
    assert isinstance(first, Retry) and not first.ambiguous and isinstance(second, Done)


def test_a_missing_package_says_so(world: World) -> None:
    world.standin.interceptor = refuse(400, "INVALID_TYPE")
    with pytest.raises(Reject, match="no") as raised:
        list(world.connector.read(Kind.INVOICE, since=None))
    assert "package" in raised.value.remedy


def test_a_next_page_elsewhere_is_not_followed(world: World) -> None:
    body = json.dumps({"records": [], "done": False, "nextRecordsUrl": "@elsewhere.example/x"})
    world.standin.interceptor = lambda _request, _handle: Response(body, 200, {"Content-Type": "application/json"})
    with pytest.raises(Exception, match="not its own"):
        list(world.connector.read(Kind.CONTACT, since=None))


def test_a_knock_names_records_and_each_is_read_as_what_it_may_be() -> None:
    records = [{"object": "TrueDue_Invoice__c", "id": "a01"}, {"object": "Case", "id": "500"}]
    body = json.dumps({"org": "00D000000000001EAA", "knock": "707", "records": records}).encode()
    headers = {"x-truedue-key": key_of("a secret", "00D000000000001")}
    assert DECLARATION.verify("a secret", headers, body, START)
    assert not DECLARATION.verify("another", headers, body, START)
    assert [(each.kind, each.external_id) for each in DECLARATION.notices(body)] == [
        (Kind.INVOICE, "a01"),
        (Kind.INVOICE_REQUEST, "a01"),
        (None, "500"),
    ]
    assert len({each.event_id for each in DECLARATION.notices(body)}) == 3
    many = json.dumps({"org": "o", "knock": "k", "records": records * 101}).encode()
    with pytest.raises(ValueError, match="at most 200 records"):
        DECLARATION.notices(many)
