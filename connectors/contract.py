"""What a connector declares and exchanges with the engine: records read, intents written, notices received.

Identifiers here are the vendor's own (`*_external_id`); amounts are exact money; dates are the vendor's business
dates. A connector decides nothing: it reads, writes and names errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol

from connectors.errors import ConnectorError
from connectors.limits import Budget, Limit
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.problem import Problem

CALL_TIMEOUT_SECONDS = 20.0  # of every external call; the slowest vendor answer we wait for


class Role(StrEnum):
    """What an organisation uses a system for; it has at most one connection a role."""

    LEDGER = "ledger"
    CRM = "crm"
    PROCESSOR = "processor"


class Kind(StrEnum):
    """The kinds of objects that connectors read."""

    CUSTOMER = "customer"
    CONTACT = "contact"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    CODED_RECEIPT = "coded_receipt"
    ACCOUNT = "account"
    PROCESSOR_PAYMENT = "processor_payment"
    PAYOUT = "payout"


# --- what is read ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerFields:
    """A customer (Xero contact, QuickBooks customer, Salesforce account). `number` is its own number, if it has one."""

    name: str
    number: str | None = None
    email: str | None = None
    parent_external_id: str | None = None
    country: str | None = None
    currency: str | None = None
    keys: tuple[str, ...] = ()  # exact keys of the same customer elsewhere, strongest first


@dataclass(frozen=True, slots=True)
class ContactFields:
    """A person at a customer, as the CRM keeps them."""

    customer_external_id: str
    name: str
    email: str | None
    opted_out: bool


@dataclass(frozen=True, slots=True)
class DocumentFields:
    """An invoice or credit note. The ledger states amounts and status; a CRM states only what people edit there.

    In a CRM record `external_key` is our document id, and amounts repeat what we wrote.
    """

    kind: DocumentKind
    customer_external_id: str
    number: str
    total: Money
    balance: Money
    issued_on: date
    due_on: date
    status: DocumentStatus
    references: tuple[str, ...] = ()
    sent: bool = True
    external_key: str | None = None
    disputed: bool = False
    dispute_reason: str | None = None
    promised_on: date | None = None


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """`amount` of a payment set against one invoice of the ledger."""

    document_external_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PaymentFields:
    """Money that the ledger already records: what it pays and what is left over as the customer's credit."""

    customer_external_id: str | None
    received_on: date
    amount: Money
    reference: str
    lines: tuple[PaymentLine, ...]
    unapplied: Money
    account_external_id: str | None = None
    reconciled: bool = False


@dataclass(frozen=True, slots=True)
class CodedReceiptFields:
    """Money in that was booked straight to an account (usually income) instead of to an invoice."""

    received_on: date
    amount: Money
    payer_name: str
    reference: str
    account_external_id: str


class AccountPurpose(StrEnum):
    """What an account of the ledger serves, as far as we use it."""

    BANK = "bank"
    CLEARING = "clearing"
    FEES = "fees"
    INCOME = "income"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class AccountFields:
    """An account of the ledger. `handle` is what the vendor wants when we post to it (Xero: code, QuickBooks: id)."""

    name: str
    handle: str
    purpose: AccountPurpose
    currency: str | None = None


class ProcessorState(StrEnum):
    """The state of a processor's payment."""

    IN_FLIGHT = "in_flight"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProcessorPaymentFields:
    """A payment at a processor. `amount` is what the payer paid (gross); `fee` is what the processor kept of it."""

    state: ProcessorState
    method: str
    amount: Money
    fee: Money
    refunded: Money
    disputed: bool
    dispute_open: bool
    created_at: datetime
    payer_name: str
    payer_email: str | None
    payer_external_id: str | None
    invoice_numbers: tuple[str, ...]
    item_ids: tuple[str, ...]  # our own document ids, from pay links that we made
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """One balance transaction of a payout: `kind` is the processor's type, `amount` gross, `fee` kept, both signed."""

    kind: str
    amount: Money
    fee: Money
    payment_external_id: str | None


@dataclass(frozen=True, slots=True)
class PayoutFields:
    """A net transfer from a processor to the bank; the lines' amounts less fees sum to `amount`."""

    amount: Money
    arrival_on: date
    state: str
    lines: tuple[PayoutLine, ...]


Fields = (
    CustomerFields
    | ContactFields
    | DocumentFields
    | PaymentFields
    | CodedReceiptFields
    | AccountFields
    | ProcessorPaymentFields
    | PayoutFields
)


@dataclass(frozen=True, slots=True)
class Record:
    """One object as the vendor showed it. `version` is opaque and changes whenever the object does."""

    kind: Kind
    external_id: str
    version: str
    modified_at: datetime
    fields: Fields
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and a problem for each object of the page that could not be read (the others are not lost)."""

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()


# --- what is written ------------------------------------------------------------------------------------------
# `key` identifies the intent for ever: the same key never has two effects, whatever is repeated.


@dataclass(frozen=True, slots=True)
class PostReceipt:
    """Record money received in the ledger: set `lines` against invoices, keep `unapplied` as the customer's credit.

    The sum of lines and unapplied is what the payer paid; `fee` of it (zero or more) never reached
    `account` and is posted to `fee_account`. `reference` must make the posting recognisable: it holds the key.
    """

    key: str
    customer_external_id: str
    received_on: date
    account: str
    reference: str
    lines: tuple[PaymentLine, ...]
    unapplied: Money
    fee: Money
    fee_account: str | None = None
    intent: Literal["post_receipt"] = "post_receipt"


@dataclass(frozen=True, slots=True)
class UndoReceipt:
    """Take back a posting of ours, as a whole. `external_ids` are those that `Done` gave for it."""

    key: str
    external_ids: tuple[str, ...]
    intent: Literal["undo_receipt"] = "undo_receipt"


@dataclass(frozen=True, slots=True)
class PostPayout:
    """Empty the clearing account: `fees` to the fee account, the net `amount` over to the bank account."""

    key: str
    paid_on: date
    reference: str
    clearing_account: str
    bank_account: str
    fee_account: str
    amount: Money
    fees: Money
    intent: Literal["post_payout"] = "post_payout"


@dataclass(frozen=True, slots=True)
class EditDocument:
    """Change an invoice's due date in the ledger; `version` is the one the change was merged with."""

    key: str
    document_external_id: str
    version: str
    due_on: date
    intent: Literal["edit_document"] = "edit_document"


@dataclass(frozen=True, slots=True)
class EditCustomer:
    """Change a customer's e-mail address; `version` is the one the change was merged with."""

    key: str
    customer_external_id: str
    version: str
    email: str
    intent: Literal["edit_customer"] = "edit_customer"


@dataclass(frozen=True, slots=True)
class Saying:
    """What people said about an invoice: that it is contested, and why; the day it is promised for."""

    disputed: bool
    dispute_reason: str | None
    promised_on: date | None


@dataclass(frozen=True, slots=True)
class ShowInvoice:
    """Show an invoice on the CRM account's page: create or update it under our document id.

    `due_on` or `saying` None leaves what stands there alone: people edit it in the CRM.
    """

    key: str
    document_id: str
    account_external_id: str
    number: str
    kind: DocumentKind
    status: DocumentStatus
    total: Money
    balance: Money
    issued_on: date
    due_on: date | None
    saying: Saying | None = None
    intent: Literal["show_invoice"] = "show_invoice"


@dataclass(frozen=True, slots=True)
class ShowBalance:
    """Show a customer's balance, overdue amount and hold on its CRM account (amounts as decimal text by currency)."""

    key: str
    customer_id: str
    account_external_id: str
    balance: Money
    overdue: Money
    oldest_due_on: date | None
    hold: str
    intent: Literal["show_balance"] = "show_balance"


@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """Show money received on the CRM account's page under our receipt id."""

    key: str
    receipt_id: str
    account_external_id: str
    received_on: date
    amount: Money
    payer: str
    status: str
    detail: str
    intent: Literal["show_receipt"] = "show_receipt"


@dataclass(frozen=True, slots=True)
class ShowReminder:
    """Show a reminder on the CRM account's page under our reminder id."""

    key: str
    reminder_id: str
    account_external_id: str
    level: int
    channel: str
    sent_at: datetime
    detail: str
    intent: Literal["show_reminder"] = "show_reminder"


@dataclass(frozen=True, slots=True)
class EditContact:
    """Change a contact's e-mail address in the CRM; `version` is the one the change was merged with."""

    key: str
    contact_external_id: str
    version: str
    email: str
    intent: Literal["edit_contact"] = "edit_contact"


Intent = (
    PostReceipt
    | UndoReceipt
    | PostPayout
    | EditDocument
    | EditCustomer
    | ShowInvoice
    | ShowBalance
    | ShowReceipt
    | ShowReminder
    | EditContact
)


@dataclass(frozen=True, slots=True)
class Done:
    """The intent stands at the vendor: `external_ids` of what was written (first the main object), its new version."""

    external_ids: tuple[str, ...]
    version: str = ""


Outcome = Done | ConnectorError


# --- what is received -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook's claim that an object changed. It is never trusted for content: the object is read again."""

    account: str
    event_id: str
    kind: Kind | None  # None: a kind of event that we do not follow
    external_id: str
    occurred_at: datetime | None


# --- how a vendor is reached ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a vendor answers, and who we are to it.

    `authorize_url` and `revoke_url` differ from `identity_url` where the vendor has hosts of their own for
    the consent page and for ending a consent.
    """

    api_url: str
    identity_url: str
    client_id: str
    client_secret: str
    authorize_url: str = ""
    revoke_url: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An organisation's account at a vendor (Xero tenant, QuickBooks realm, Salesforce org, Stripe account).

    `instance_url` is the host of this account where the vendor has one for each.
    """

    external_id: str
    name: str
    instance_url: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """What a connector needs to act for one account. `token` returns a valid access token at each call."""

    account: Account
    endpoint: Endpoint
    token: Callable[[], str]
    budget: Budget
    clock: Callable[[], datetime]


class Connector(Protocol):
    """One open account of a vendor. Every call is bounded in time and raises a ConnectorError when it fails.

    `fetch`, `write` and `find` take from the budget as urgent (a webhook or a person waits); `read` does not.
    """

    def read(self, kind: Kind, *, since: datetime | None) -> Iterator[Page]:
        """Yield all objects of `kind`, or those changed at or after `since`, in pages of the vendor's largest size."""
        ...

    def fetch(self, kind: Kind, external_ids: Sequence[str]) -> Page:
        """Read these objects again, now, in as few calls as the vendor allows; absent ones are left out."""
        ...

    def write(self, intents: Sequence[Intent]) -> list[Outcome]:
        """Carry out intents in as few calls as the vendor allows; one outcome each, in order.

        Repeating an intent with the same key has no second effect. A whole call that fails gives its error
        as the outcome of each intent in it; nothing is raised for a vendor's refusal.
        """
        ...

    def find(self, intent: Intent) -> Done | None:
        """Look up whether an intent whose answer was lost took effect."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class OAuthShape:
    """How a vendor's OAuth differs: paths under the identity URL, scopes, how the client is named to the token path.

    The client's id and secret go into the Basic header, or with `client_in_body` into the form; with
    `secret_as_username` the Basic header holds the secret alone, as user name. `revoke_account_field` is set where
    a consent is ended by naming its account in that form field instead of giving a token.
    """

    authorize_path: str
    token_path: str
    revoke_path: str
    scopes: tuple[str, ...]
    client_in_body: bool = False
    pkce: bool = True
    secret_as_username: bool = False
    revoke_account_field: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything the engine needs to know of a vendor before a call is made.

    `accounts(endpoint, token, query)` tells which accounts a consent covers: `token` is the token answer, `query`
    the parameters of the redirect. `verify(secret, headers, body, now)` checks a webhook's signature on the raw
    body in constant time (header names in lower case). `notices(body)` raises ValueError on an unreadable body.
    `reads` are in the order in which a first load needs them.
    """

    system: str
    title: str
    role: Role
    reads: tuple[Kind, ...]
    writes: tuple[type[Intent], ...]
    limits: tuple[Limit, ...]
    oauth: OAuthShape
    open: Callable[[Access], Connector]
    accounts: Callable[[Endpoint, Mapping[str, object], Mapping[str, str]], list[Account]]
    verify: Callable[[str, Mapping[str, str], bytes, datetime], bool]
    notices: Callable[[bytes], list[Notice]]
    fetch_batch: int = 40  # ids that one `fetch` call reads at once
