"""What connectors read: records of each kind, in the vendor's own ids, with exact money and the vendor's dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from receivables.decline import Decline
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.problem import Problem


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
    HELD_CASH = "held_cash"
    INVOICE_REQUEST = "invoice_request"
    INSTRUCTION = "instruction"
    SAVED_MEANS = "saved_means"  # read when its vendor tells of it, or of the page that it is saved on
    CONSENT = "consent"  # never a record: a vendor tells that it may be taken back, and a fetch shows whether it is


@dataclass(frozen=True, slots=True)
class PostalFields:
    """A postal address as it is typed at the vendor: `lines` above the town, the country in letters or words."""

    lines: tuple[str, ...]
    city: str = ""
    region: str = ""
    post_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class ContactWays:
    """How somebody is reached beside e-mail, as it is typed at the vendor; "" or None where nothing is."""

    mobile: str = ""
    telephone: str = ""
    address: PostalFields | None = None


@dataclass(frozen=True, slots=True)
class CustomerFields:
    """A customer (Xero contact, QuickBooks customer, Salesforce account). `number` is its own number, if it has one.

    `ways` is None where the vendor keeps none with the customer: that says nothing and clears nothing. `industry` (the
    vendor's word) and `employees` are what a CRM tells of the customer's business; None where nobody filled them in.
    """

    name: str
    number: str | None = None
    email: str | None = None
    parent_external_id: str | None = None
    country: str | None = None
    currency: str | None = None
    keys: tuple[str, ...] = ()  # exact keys of the same customer elsewhere, strongest first
    merged_into_external_id: str | None = None  # of a deleted record: the customer that took its place
    ways: ContactWays | None = None
    industry: str | None = None
    employees: int | None = None


@dataclass(frozen=True, slots=True)
class ContactFields:
    """A person at a customer, as the CRM keeps them."""

    customer_external_id: str
    name: str
    email: str | None
    opted_out: bool
    ways: ContactWays = ContactWays()


@dataclass(frozen=True, slots=True)
class DocumentFields:
    """An invoice or credit note. The ledger states amounts and status; a CRM states only what people edit there.

    In a CRM record `external_key` is our document id, and amounts repeat what we wrote. `purchase_order` and `note` are
    "" where nobody filled them in, and None where the vendor has no such field: None says nothing and clears nothing.
    A ledger says when every document is due; `due_on` is None where somebody emptied the date of a CRM record.
    """

    kind: DocumentKind
    customer_external_id: str
    number: str
    total: Money
    balance: Money
    issued_on: date
    due_on: date | None
    status: DocumentStatus
    references: tuple[str, ...] = ()
    sent: bool = True
    external_key: str | None = None
    disputed: bool = False
    dispute_reason: str | None = None
    promised_on: date | None = None
    purchase_order: str | None = None  # the customer's own order number
    note: str | None = None  # what people keep beside it, for themselves
    drafted_as_external_id: str | None = None  # the draft it was made from, where that has an id of its own


@dataclass(frozen=True, slots=True)
class InvoiceRequestFields:
    """What a CRM user wants invoiced, before the ledger has a document of it. `amount` is without tax."""

    customer_external_id: str
    description: str
    amount: Money
    issued_on: date
    due_on: date
    purchase_order: str | None = None


class Action(StrEnum):
    """What a CRM user can tell us to do."""

    PAUSE = "pause"
    RESUME = "resume"
    SEND_AGAIN = "send_again"


@dataclass(frozen=True, slots=True)
class InstructionFields:
    """What a CRM user told us to do about a customer's open invoices, or about the one with our id `document_key`.

    `until` is the last day of a pause, `asked_at` when the user said it, by the CRM's clock.
    """

    action: Action
    customer_external_id: str
    asked_at: datetime
    document_key: str | None = None
    until: date | None = None
    reason: str = ""


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
    """Money in that was booked straight to an account (usually income) instead of to an invoice.

    `amount` is zero where nothing of a booking is coded so (any more): it stands in the ledger, and is no such receipt.
    """

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


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A tax code of the ledger under which a sale can be booked: what the vendor wants when we post, name and rate."""

    code: str
    name: str
    per_cent: Decimal


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
    decline: Decline | None = None  # of a payment that failed because somebody refused it
    settled: Money | None = None  # the amount in the currency that the processor changed it to, None if it did not
    also_named: tuple[str, ...] = ()  # other ids of the same payment that people and other apps note it by


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


@dataclass(frozen=True, slots=True)
class CashMovement:
    """A change of the money that a processor keeps for a payer: `kind` is the processor's word, `amount` is signed.

    Of money that came by bank transfer, `reference` and `sender` are what the transfer says.
    """

    external_id: str
    kind: str
    amount: Money
    moved_at: datetime
    reference: str = ""
    sender: str = ""
    payment_external_id: str | None = None


@dataclass(frozen=True, slots=True)
class HeldCashFields:
    """Money that a payer sent and that the processor keeps for them, because it is no payment yet.

    `held` names each currency that there ever was any of, also with nothing left; `movements` are the newest first, not
    all of them where there are many.
    """

    payer_name: str
    payer_email: str | None
    held: tuple[Money, ...]
    movements: tuple[CashMovement, ...]


@dataclass(frozen=True, slots=True)
class SavedMeansFields:
    """A means of payment that a payer saved for a mandate of ours. `method` is its kind, as the processor calls it.

    `ending` are the last characters of its number, "" where it has none that may be shown.
    """

    mandate_id: str
    payer_external_id: str
    means_external_id: str
    method: str
    ending: str


Fields = (
    CustomerFields
    | ContactFields
    | DocumentFields
    | InvoiceRequestFields
    | InstructionFields
    | PaymentFields
    | CodedReceiptFields
    | AccountFields
    | ProcessorPaymentFields
    | PayoutFields
    | HeldCashFields
    | SavedMeansFields
)


@dataclass(frozen=True, slots=True)
class Record:
    """One object as the vendor showed it.

    `version` changes whenever the object does. Where it is a whole number, or begins with one before a point, that
    number never goes down at the vendor. `modified_at` is when the object changed last by the vendor's clock, None
    where that is not told.
    """

    kind: Kind
    external_id: str
    version: str
    modified_at: datetime | None
    fields: Fields
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and a problem for each object of the page that could not be read (the others are not lost).

    `not_shown` are the ids of objects that exist, as their vendor said, and that it does not show yet.
    """

    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()
    not_shown: tuple[str, ...] = ()
