"""A small firm with a ledger, a CRM and a processor: real connectors against stand-ins over loopback, no web server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Table, select

from connectors.contract import Role
from connectors.records import Kind, Page, ProcessorPaymentFields, ProcessorState, Record
from receivables.money import Money
from reminders.evidence import BankDeclaration
from runtime.app import App, build
from runtime.operations.bank_files.import_statement import Imported, import_statement
from runtime.operations.inbox.take_webhook import take_webhook
from runtime.operations.organisations import create_organisation, declare_evidence, switch_sending
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.connect import begin_connect, finish_connect
from runtime.operations.systems.pull import pull
from runtime.operations.work import poll, work
from runtime.settings import Settings
from runtime.simulation.wire import Wire
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.vendors import Pace
from sandbox.capture import CaptureServer
from sandbox.estate import Estate
from sandbox.quickbooks.books import QuickBooksBooks
from sandbox.salesforce import SalesforceOrg
from sandbox.standin import StandIn
from sandbox.stripe import StripeAccount
from sandbox.webhooks import Delivery
from sandbox.world.camt053 import document
from sandbox.world.statement import BankStatement, Line
from sandbox.xero.books import XeroBooks
from tests.connectors.consent import agree
from tests.databases import migrate
from tests.operations.faults import counting_writes

START = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)  # a Tuesday
TODAY = START.date()
BANK_ACCOUNT = "GB29NWBK60161331926819"
CURRENCY = "GBP"
PUBLIC_URL = "http://127.0.0.1:8000"


class Time:
    """A clock that runs from START at the true speed, and can be moved ahead."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        self._began = time.monotonic()
        self._ahead = ahead

    def __call__(self) -> datetime:
        return START + timedelta(seconds=time.monotonic() - self._began) + self._ahead

    def advance(self, **span: float) -> None:
        self._ahead += timedelta(**span)


class Ledger(Protocol):
    """What tests do and see in a firm's ledger, whichever it is. Documents are named by their number."""

    system: str
    account: str
    standin: StandIn
    bank: str
    ids: dict[str, str]

    def customer(self, name: str, email: str) -> str: ...
    def invoice(self, customer: str, number: str, amount: str, *, due: date) -> str: ...
    def edit_due_date(self, number: str, on: date) -> None: ...
    def edit_email(self, customer: str, email: str) -> None: ...
    def edit_ways(self, customer: str, *, mobile: str = "", telephone: str = "", street: str = "") -> None: ...
    def pay_by_hand(self, number: str, amount: str, *, on: date, reference: str = "") -> str: ...
    def code_to_income(self, amount: str, *, on: date, memo: str) -> str: ...
    def due_on(self, number: str) -> date: ...
    def email(self, customer: str) -> str: ...
    def balance(self, number: str) -> Decimal: ...
    def payments(self) -> list[Decimal]: ...


class XeroLedger:
    system = "xero"
    bank = "090"

    def __init__(self, estate: Estate, name: str) -> None:
        self.standin: StandIn = estate.xero
        self.books: XeroBooks = estate.xero.add_organisation(name=name, base_currency=CURRENCY, short_code="!x")
        self.account = self.books.tenant_id
        self.ids: dict[str, str] = {}
        self.books.add_account(code=self.bank, name="Current", type="BANK", currency=CURRENCY)
        self.books.add_account(code="093", name="Stripe Clearing", type="BANK", currency=CURRENCY)
        self.books.add_account(code="200", name="Sales", type="REVENUE")
        self.books.add_account(code="404", name="Bank Fees", type="EXPENSE", enable_payments=True)

    def customer(self, name: str, email: str) -> str:
        return self.books.add_contact(name=name, email=email, number=f"N-{name}", country="GB")

    def invoice(self, customer: str, number: str, amount: str, *, due: date) -> str:
        self.ids[number] = self.books.add_invoice(
            contact_id=customer,
            number=number,
            total=Decimal(amount),
            currency=CURRENCY,
            issued_on=due - timedelta(days=30),
            due_on=due,
        )
        return self.ids[number]

    def edit_due_date(self, number: str, on: date) -> None:
        self.books.edit_invoice(self.ids[number], DueDate=on)

    def edit_email(self, customer: str, email: str) -> None:
        self.books.edit_contact(customer, EmailAddress=email)

    def edit_ways(self, customer: str, *, mobile: str = "", telephone: str = "", street: str = "") -> None:
        phones = [
            {"PhoneType": kind, "PhoneNumber": number} for kind, number in (("MOBILE", mobile), ("DEFAULT", telephone))
        ]
        town = {"City": "Leeds", "PostalCode": "LS1 1AA", "Country": "United Kingdom"} if street else {}
        address = {"AddressType": "POBOX", "AddressLine1": street, **town}
        self.books.edit_contact(customer, Phones=phones, Addresses=[address])

    def pay_by_hand(self, number: str, amount: str, *, on: date, reference: str = "") -> str:
        return self.books.add_payment(
            invoice_id=self.ids[number], amount=Decimal(amount), paid_on=on, account_code=self.bank, reference=reference
        )

    def code_to_income(self, amount: str, *, on: date, memo: str) -> str:
        return self.books.add_receive_money(
            account_code=self.bank,
            line_account_code="200",
            amount=Decimal(amount),
            currency=CURRENCY,
            received_on=on,
            reference=memo,
        )

    def due_on(self, number: str) -> date:
        due: date = self.books.invoices[self.ids[number]]["DueDate"]
        return due

    def email(self, customer: str) -> str:
        return str(self.books.contacts[customer]["EmailAddress"])

    def balance(self, number: str) -> Decimal:
        return Decimal(self.books.invoices[self.ids[number]]["AmountDue"])

    def payments(self) -> list[Decimal]:
        return sorted(Decimal(each["Amount"]) for each in self.books.payments.values() if each["Status"] != "DELETED")


class QuickBooksLedger:
    system = "quickbooks"

    def __init__(self, estate: Estate, name: str) -> None:
        self.standin: StandIn = estate.quickbooks
        self.books: QuickBooksBooks = estate.quickbooks.add_company(name=name, home_currency=CURRENCY)
        self.account = self.books.realm_id
        self.ids: dict[str, str] = {}
        self.bank = self.books.add_account(name="Checking", type="Bank")
        self.books.add_account(name="Stripe Clearing", type="Bank")
        self.income = self.books.add_account(name="Sales", type="Income")
        self.books.add_account(name="Bank Charges", type="Expense")

    def customer(self, name: str, email: str) -> str:
        return self.books.add_customer(name=name, email=email, country="GB")

    def invoice(self, customer: str, number: str, amount: str, *, due: date) -> str:
        self.ids[number] = self.books.add_invoice(
            customer_id=customer,
            number=number,
            total=Decimal(amount),
            currency=CURRENCY,
            issued_on=due - timedelta(days=30),
            due_on=due,
        )
        return self.ids[number]

    def edit_due_date(self, number: str, on: date) -> None:
        self.books.edit_invoice(self.ids[number], DueDate=on.isoformat())

    def edit_email(self, customer: str, email: str) -> None:
        self.books.edit_customer(customer, PrimaryEmailAddr={"Address": email})

    def edit_ways(self, customer: str, *, mobile: str = "", telephone: str = "", street: str = "") -> None:
        town = {"City": "Leeds", "PostalCode": "LS1 1AA", "Country": "UK"} if street else {}
        self.books.edit_customer(
            customer,
            Mobile={"FreeFormNumber": mobile},
            PrimaryPhone={"FreeFormNumber": telephone},
            BillAddr={"Line1": street, **town},
        )

    def pay_by_hand(self, number: str, amount: str, *, on: date, reference: str = "") -> str:
        invoice = self.books.invoices[self.ids[number]]
        return self.books.add_payment(
            customer_id=invoice["CustomerRef"]["value"],
            lines=[(self.ids[number], Decimal(amount))],
            total=Decimal(amount),
            paid_on=on,
            deposit_to=self.bank,
            reference=reference,
        )

    def code_to_income(self, amount: str, *, on: date, memo: str) -> str:
        return self.books.add_deposit(
            account_id=self.bank,
            line_account_id=self.income,
            amount=Decimal(amount),
            currency=CURRENCY,
            deposited_on=on,
            memo=memo,
        )

    def due_on(self, number: str) -> date:
        return date.fromisoformat(str(self.books.invoices[self.ids[number]]["DueDate"]))

    def email(self, customer: str) -> str:
        return str(self.books.customers[customer]["PrimaryEmailAddr"]["Address"])

    def balance(self, number: str) -> Decimal:
        return Decimal(self.books.invoices[self.ids[number]]["Balance"])

    def payments(self) -> list[Decimal]:
        return sorted(Decimal(each["TotalAmt"]) for each in self.books.payments.values())


LEDGERS: dict[str, type[XeroLedger] | type[QuickBooksLedger]] = {"xero": XeroLedger, "quickbooks": QuickBooksLedger}


@dataclass
class Firm:
    """An organisation of the product and everything that it uses."""

    app: App
    time: Time
    estate: Estate
    mailbox: CaptureServer
    ledger: Ledger
    crm: SalesforceOrg
    stripe: StripeAccount
    id: str
    customers: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)

    def customer(self, name: str) -> str:
        """A customer with an account and a contact in the CRM."""
        email = f"{name.lower()}@example.com"
        self.customers[name] = self.ledger.customer(name, email)
        account = self.crm.create("Account", Name=name, AccountNumber=self.customers[name])
        self.contacts[name] = self.crm.create("Contact", AccountId=account, LastName=name, Email=email)
        return self.customers[name]

    def invoice(self, name: str, number: str, amount: str, *, late: int = 10) -> None:
        """An invoice of a customer, `late` days overdue."""
        self.ledger.invoice(self.customers[name], number, amount, due=TODAY - timedelta(days=late))

    def edit_in_crm(self, number: str, **fields: object) -> None:
        """Somebody changes an invoice's record in the CRM."""
        self.crm.update("TrueDue_Invoice__c", str(self.shown(number)["Id"]), **fields)

    # --- connecting and reading

    def connect(self, system: str, account: str, organisation_id: str | None = None) -> VendorConnection:
        """Walk through a consent as a person does."""
        return finish_connect(self.app, system=system, query=self.consent(system, account, organisation_id))

    def consent(self, system: str, account: str, organisation_id: str | None = None) -> dict[str, str]:
        """What the vendor sends a person back with."""
        page = begin_connect(self.app, organisation_id=organisation_id or self.id, system=system)
        return agree(page, login_hint=account)

    def connect_all(self) -> None:
        """Connect ledger, CRM and processor, and let the vendors tell by webhook from now on."""
        self.connect(self.ledger.system, self.ledger.account)
        self.connect("salesforce", self.crm.org_id)
        self.connect("stripe", self.stripe.account_id)
        self.estate.xero.subscribe(f"{PUBLIC_URL}/webhooks/xero", check_intent=False)
        self.estate.quickbooks.subscribe(f"{PUBLIC_URL}/webhooks/quickbooks")
        self.estate.stripe.subscribe(f"{PUBLIC_URL}/webhooks/stripe")

    def first_sync(self) -> Counter[str]:
        """Read everything once, attest the bank, and show it all in the CRM."""
        counted: Counter[str] = Counter()
        for role in (Role.LEDGER, Role.CRM, Role.PROCESSOR):
            counted += pull(self.app, self.connection(role))
        self.declare(BankDeclaration.ATTESTED)
        self.work()
        return counted

    def declare(self, declares: BankDeclaration) -> None:
        """Say what the bank account proves."""
        declare_evidence(
            self.app,
            organisation_id=self.id,
            ledger_account=self.ledger.bank,
            identification=BANK_ACCOUNT,
            currency=CURRENCY,
            declares=declares,
            attested_by="Dana Fenwick" if declares is BankDeclaration.ATTESTED else None,
        )

    def connection(self, role: Role) -> VendorConnection:
        with self.app.store.read() as db:
            found = connections.connection_for_role(db, self.id, role)
        assert found is not None
        return found

    # --- events and work

    def pending_webhooks(self) -> list[Delivery]:
        """The webhooks that vendors have sent and nobody has taken yet."""
        found = []
        for standin in self.estate.standins:
            while not standin.courier.pending.empty():
                delivery = standin.courier.pending.get()
                assert delivery is not None
                found.append(delivery)
        return found

    def take(self, delivery: Delivery) -> int:
        """Take one webhook, as the web server does."""
        system = delivery.url.rsplit("/", 1)[1]
        return take_webhook(self.app, system=system, headers=delivery.headers, body=delivery.body)

    def deliver_webhooks(self) -> int:
        """Take every webhook that waits; returns how many notices were new."""
        return sum(self.take(delivery) for delivery in self.pending_webhooks())

    def work(self, **ahead: float) -> Counter[str]:
        """Work everything off that is due two seconds (or `ahead`) from now."""
        self.time.advance(**(ahead or {"seconds": 2}))
        return work(self.app)

    def poll(self) -> Counter[str]:
        """Read the changes of every connection."""
        return poll(self.app)

    def settle(self) -> Counter[str]:
        """Poll, take webhooks and work until nothing moves."""
        done: Counter[str] = Counter()
        for _ in range(6):
            self.poll()
            self.deliver_webhooks()
            round_done = self.work()
            if not round_done:
                break
            done += round_done
        return done

    def writes_at_rest(self) -> list[str]:
        """What is written to the vendors while nobody changes anything."""
        writes: list[str] = []
        for standin in self.estate.standins:
            standin.interceptor = counting_writes(writes)
        self.settle()
        self.settle()
        for standin in self.estate.standins:
            standin.interceptor = None
        return writes

    def import_lines(self, *lines: Line, name: str = "bank.xml", on: date = TODAY - timedelta(days=1)) -> Imported:
        """Import a bank statement of these lines."""
        return import_statement(self.app, organisation_id=self.id, name=name, content=statement(*lines, on=on))

    def show_card_payment(self, **shown: Any) -> None:  # noqa: ANN401 - fields of a payment
        """The processor shows its one payment: by card, of INV-1001, by Acme, where `shown` says nothing else."""
        at, currency = self.app.clock(), shown.get("amount", Money(12_000, CURRENCY)).currency
        usual: dict[str, Any] = {
            "state": ProcessorState.SUCCEEDED,
            "method": "card",
            "amount": Money(12_000, currency),
            "fee": Money(0, currency),
            "refunded": Money(0, currency),
            "disputed": False,
            "dispute_open": False,
            "created_at": at,
            "payer_name": "Acme",
            "payer_email": None,
            "payer_external_id": None,
            "invoice_numbers": ("INV-1001",),
            "item_ids": (),
        }
        payment = Record(Kind.PROCESSOR_PAYMENT, "pi_1", at.isoformat(), at, ProcessorPaymentFields(**usual | shown))
        with self.app.store.write() as db:
            absorb(db, connection=self.connection(Role.PROCESSOR), page=Page((payment,)), read_at=at)

    # --- looking

    def rows(self, table: Table, **where: Any) -> list[Any]:  # noqa: ANN401 - rows of any table
        """This organisation's rows (of the inbox: all), in a stable order."""
        statement = select(table)
        if "organisation_id" in table.c:
            statement = statement.where(table.c.organisation_id == self.id)
        for name, value in where.items():
            statement = statement.where(table.c[name] == value)
        order = list(table.primary_key.columns)
        with self.app.store.read() as db:
            return list(db.execute(statement.order_by(*order)).all())

    def document(self, number: str) -> Any:  # noqa: ANN401
        (row,) = self.rows(t.document, number=number)
        return row

    def receipt(self) -> Any:  # noqa: ANN401
        (row,) = self.rows(t.receipt)
        return row

    def problems(self) -> list[str]:
        """The codes of the problems that wait for a person."""
        return sorted(row.code for row in self.rows(t.problem) if row.resolved_at is None)

    def shown(self, number: str) -> dict[str, Any]:
        """An invoice as the CRM shows it."""
        living = [each for each in self.crm.records["TrueDue_Invoice__c"].values() if not each["IsDeleted"]]
        (record,) = [each for each in living if each["Number__c"] == number]
        return record

    def switch_sending(self, *, on: bool = True) -> None:
        switch_sending(self.app, organisation_id=self.id, on=on, actor="owner")


def money_in(reference: str, amount: str, payer: str, text: str, *, on: date = TODAY - timedelta(days=1)) -> Line:
    """A credit line of a bank statement."""
    return Line(on, Decimal(amount), payer, f"DE{sum(map(ord, payer)):020d}", text, reference)


def statement(*lines: Line, on: date = TODAY - timedelta(days=1)) -> bytes:
    """A camt.053 file of one day."""
    day = BankStatement(BANK_ACCOUNT, CURRENCY, "Firm", 1, on, Decimal("1000.00"), lines)
    return document([day], created_at=START)


def settings_for(environment: Mapping[str, str], **more: object) -> Settings:
    """Settings as the environment would give them."""
    values: dict[str, Any] = {name.removeprefix("TRUEDUE_").lower(): value for name, value in environment.items()}
    return Settings(**(values | more))


@contextmanager
def product(
    environment: Mapping[str, str], clock: Time, *, mail: bool = True, **others: object
) -> Iterator[tuple[App, CaptureServer]]:
    """The product that an environment points at its vendors, and where its mails arrive; `others` are settings."""
    mailbox = CaptureServer(clock=clock)
    mailbox.start()
    settings = settings_for(
        environment,
        public_url=PUBLIC_URL,
        smtp_host=mailbox.host if mail else "",
        smtp_port=mailbox.port,
        smtp_starttls=False,
        mail_from="accounts@truedue.example",
        **others,
    )
    app = build(settings, clock=clock, pace=Pace(lambda seconds: clock.advance(seconds=seconds)))
    yield app, mailbox
    app.close()
    mailbox.stop()


@contextmanager
def open_firm(
    folder: Path,
    ledger: str = "xero",
    *,
    mail: bool = True,
    database_url: str | None = None,
    wire: Wire | None = None,
    **others: object,
) -> Iterator[Firm]:
    """A firm with two customers and nothing connected yet; on an SQLite file in `folder` if nothing else is named.

    Its stand-ins are reached over loopback, or by `wire` without a network. `others` are further settings.
    """
    clock = Time()
    with ExitStack() as stack:
        if wire is not None:
            stack.enter_context(wire.laid())
        estate = stack.enter_context(Estate(clock=clock, reach=wire.connect if wire is not None else None))
        for standin in estate.standins:
            standin.courier.stop()  # webhooks wait in `pending` until a test takes them
        database_url = database_url or f"sqlite:///{folder}/store.sqlite3"
        app, mailbox = stack.enter_context(
            product(estate.environment, clock, mail=mail, database_url=database_url, **others)
        )
        migrate(app.store)
        organisation = create_organisation(
            app, name="Firm", base_currency=CURRENCY, time_zone="Europe/London", country="GB"
        )
        books = LEDGERS[ledger](estate, "Firm")
        firm = Firm(
            app,
            clock,
            estate,
            mailbox,
            books,
            estate.salesforce.add_org(name="Firm"),
            estate.stripe.add_account(name="Firm", currency=CURRENCY, country="GB"),
            organisation.id,
        )
        for name in ("Acme", "Bolt"):
            firm.customer(name)
        yield firm
