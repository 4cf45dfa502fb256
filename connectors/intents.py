"""What connectors write: intents that take effect once, and their outcomes.

`key` identifies an intent for ever: the same key never has two effects, whatever is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from connectors.errors import ConnectorError
from connectors.records import PaymentLine
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total


@dataclass(frozen=True, slots=True)
class PostReceipt:
    """Record money received in the ledger: set `lines` against invoices, keep `unapplied` as the customer's credit.

    The sum of lines and unapplied is what the payer paid; `fee` of it (zero or more) never reached
    `account` and is posted to `fee_account`. `reference` must make the posting recognisable: it holds the key.
    `banked` is set where the account keeps another currency than the invoices: what arrived there, in that currency.
    The ledger then books the realised exchange difference itself.
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
    banked: Money | None = None
    intent: Literal["post_receipt"] = "post_receipt"


@dataclass(frozen=True, slots=True)
class UndoPosting:
    """Take back a posting of ours, as a whole: a receipt, a payout, a credit allocation or a write-down.

    `external_ids` are those that `Done` gave for it.
    """

    key: str
    external_ids: tuple[str, ...]
    intent: Literal["undo_posting"] = "undo_posting"


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
class AllocateCredit:
    """Set a credit note that stands in the ledger against `lines` of the same customer's invoices."""

    key: str
    customer_external_id: str
    credit_external_id: str
    on: date
    lines: tuple[PaymentLine, ...]
    intent: Literal["allocate_credit"] = "allocate_credit"


@dataclass(frozen=True, slots=True)
class WriteDown:
    """Close `amount` of an invoice without cash: a discount, tax withheld, a difference, a debt given up.

    `account` and `tax_code` (empty: none) are those that the settings name for `reason`. `amount` includes the tax.
    `reference` must make the posting recognisable: it holds the key.
    """

    key: str
    customer_external_id: str
    document_external_id: str
    on: date
    amount: Money
    reason: str
    account: str
    tax_code: str
    reference: str
    intent: Literal["write_down"] = "write_down"


@dataclass(frozen=True, slots=True)
class DraftInvoice:
    """Make a draft invoice with one line; a person completes and approves it in the ledger.

    `account` is the income account of the line. `reference` must make the draft recognisable: it holds the key.
    """

    key: str
    customer_external_id: str
    description: str
    amount: Money
    issued_on: date
    due_on: date
    account: str
    purchase_order: str | None
    reference: str
    intent: Literal["draft_invoice"] = "draft_invoice"


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A line of a charge: what it is for, as its customer reads it, and how much, with any tax."""

    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PostCharge:
    """Issue an invoice of its own for what a late payment has come to. Nobody is told: people send it from the ledger.

    `account` is the income account of the lines, `tax_code` (empty: none) their tax code; amounts include the tax.
    `reference` must make the invoice recognisable: no other document bears it.
    """

    key: str
    customer_external_id: str
    issued_on: date
    due_on: date
    lines: tuple[ChargeLine, ...]
    account: str
    tax_code: str
    reference: str
    intent: Literal["post_charge"] = "post_charge"

    @property
    def amount(self) -> Money:
        """What the invoice asks for in all."""
        return total([line.amount for line in self.lines], self.lines[0].amount.currency)


@dataclass(frozen=True, slots=True)
class NoteDocument:
    """Add a line to an invoice's history, where the vendor keeps one. A line cannot be taken back.

    `is_event`: it tells what happened here instead of repeating what people noted, so it yields to every other call.
    """

    key: str
    document_external_id: str
    text: str
    is_event: bool = False
    intent: Literal["note_document"] = "note_document"


@dataclass(frozen=True, slots=True)
class AttachFile:
    """Attach a file to an invoice for people of the ledger alone: its customer is not shown it there.

    `file_id` is our id of it. `content` is given by whoever has it written, and stands in no queue.
    """

    key: str
    document_external_id: str
    file_id: str
    name: str
    content: bytes = b""
    intent: Literal["attach_file"] = "attach_file"


@dataclass(frozen=True, slots=True)
class EditDocument:
    """Change what people may edit on an invoice outside the ledger; None leaves a field as it is.

    `version` is the one the change was merged with.
    """

    key: str
    document_external_id: str
    version: str
    due_on: date | None = None
    purchase_order: str | None = None
    intent: Literal["edit_document"] = "edit_document"


@dataclass(frozen=True, slots=True)
class EditCustomer:
    """Change a customer's e-mail address ("": none any more); `version` is the one the change was merged with."""

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

    `due_on`, `saying`, `purchase_order` or `note` None leaves what stands there alone: people edit it in the CRM. An
    empty purchase order or note empties it there. `paused_until` None says that reminders are not paused.
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
    purchase_order: str | None = None
    note: str | None = None
    paused_until: date | None = None
    intent: Literal["show_invoice"] = "show_invoice"


@dataclass(frozen=True, slots=True)
class ShowBalance:
    """Show a customer's balance, overdue amount and hold on its CRM account (amounts as decimal text by currency).

    `last_contact_on` is the day of the last reminder; `usually_late_days` how late they usually pay, None when unknown;
    `risk` is low, medium, high or unknown, with its reasons on one line.
    """

    key: str
    customer_id: str
    account_external_id: str
    balance: Money
    overdue: Money
    oldest_due_on: date | None
    hold: str
    last_contact_on: date | None = None
    usually_late_days: int | None = None
    risk: str = "unknown"
    risk_reasons: str = ""
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
class AdoptInvoice:
    """Make the record in which a CRM user asked for an invoice the one that shows our document of it.

    `document_id` None only notes there that the ledger has a draft: a person makes an invoice of it, shown by itself.
    """

    key: str
    request_external_id: str
    document_id: str | None
    intent: Literal["adopt_invoice"] = "adopt_invoice"


@dataclass(frozen=True, slots=True)
class AnswerInstruction:
    """Say in the record of a CRM user's instruction whether it was `done`, and in words how, or why not."""

    key: str
    instruction_external_id: str
    done: bool
    answer: str
    intent: Literal["answer_instruction"] = "answer_instruction"


@dataclass(frozen=True, slots=True)
class EditContact:
    """Change a contact's e-mail address in the CRM ("": none any more); `version` is the one it was merged with."""

    key: str
    contact_external_id: str
    version: str
    email: str
    intent: Literal["edit_contact"] = "edit_contact"


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """What a payer pays of one invoice: our id of it, its number, how much."""

    item_id: str
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ByTransfer:
    """A payment by bank transfer to the account that the processor keeps for a payer.

    `payer_external_id` is the payer as `KeepPayer` made them; `country` is the issuer's, two letters.
    """

    payer_external_id: str
    country: str


@dataclass(frozen=True, slots=True)
class KeepPayer:
    """Have the processor keep a payer, so that it can give them an account of their own to transfer money to.

    What it keeps names `customer_id`. `email` may be empty.
    """

    key: str
    customer_id: str
    name: str
    email: str
    intent: Literal["keep_payer"] = "keep_payer"


@dataclass(frozen=True, slots=True)
class OpenCheckout:
    """Open a page of the processor on which a payer pays `lines`, all of one currency, and nothing else.

    The payment that comes of it names the items. The page ends at `expires_at`; it leads to `paid_url` when it was paid
    and to `given_up_url` when not. `email` may be empty. With `transfer` it says where to send the money instead of
    taking any: what is sent arrives days later, or never.
    """

    key: str
    lines: tuple[CheckoutLine, ...]
    email: str
    paid_url: str
    given_up_url: str
    expires_at: datetime
    transfer: ByTransfer | None = None
    intent: Literal["open_checkout"] = "open_checkout"


@dataclass(frozen=True, slots=True)
class SaveMeans:
    """Open a page of the processor on which a payer saves a means of payment in `currency`; nothing is paid there.

    What is saved names `mandate_id`. The page ends at `expires_at`; it leads to `saved_url` when a means was saved and
    to `given_up_url` when not. `email` may be empty.
    """

    key: str
    mandate_id: str
    currency: str
    email: str
    saved_url: str
    given_up_url: str
    expires_at: datetime
    intent: Literal["save_means"] = "save_means"


@dataclass(frozen=True, slots=True)
class LinkBank:
    """Open a page of the processor on which the organisation lets its own bank account be read; nothing is paid there.

    The page ends at `expires_at`; it leads to `linked_url` when an account was linked and to `given_up_url` when not.
    """

    key: str
    linked_url: str
    given_up_url: str
    expires_at: datetime
    intent: Literal["link_bank"] = "link_bank"


@dataclass(frozen=True, slots=True)
class TakePayment:
    """Take `amount` for one item from a means that its payer saved, while they are not there.

    It is done when there is such a payment, also a declined one: what becomes of it is read as of any payment. It names
    the item and the key. `method` is the kind of means, as the processor calls it; none of it was asked for before
    `promised_at`.
    """

    key: str
    item_id: str
    number: str
    amount: Money
    payer_external_id: str
    means_external_id: str
    method: str
    promised_at: datetime
    intent: Literal["take_payment"] = "take_payment"


@dataclass(frozen=True, slots=True)
class ForgetMeans:
    """Have the processor forget a means of payment that a payer saved: nothing can be taken from it any more."""

    key: str
    means_external_id: str
    intent: Literal["forget_means"] = "forget_means"


@dataclass(frozen=True, slots=True)
class LinkDocument:
    """Let an open invoice of the ledger lead to `address`, our page of it.

    One that leads elsewhere already, or is not open any more, is left as it is, and that is done as well. What begins
    with `ours` is an earlier address of our own.
    """

    key: str
    document_external_id: str
    address: str
    ours: str
    intent: Literal["link_document"] = "link_document"


@dataclass(frozen=True, slots=True)
class OfferPayment:
    """Put a pay-now button that says `words` on the ledger's own invoices: it leads to `address`, our page for payers.

    Styles of invoices that have another button of this kind keep it; `Done` names them.
    """

    key: str
    name: str
    address: str
    words: str
    intent: Literal["offer_payment"] = "offer_payment"


Intent = (
    PostReceipt
    | UndoPosting
    | PostPayout
    | AllocateCredit
    | WriteDown
    | DraftInvoice
    | PostCharge
    | NoteDocument
    | AttachFile
    | EditDocument
    | EditCustomer
    | ShowInvoice
    | ShowBalance
    | ShowReceipt
    | ShowReminder
    | AdoptInvoice
    | AnswerInstruction
    | EditContact
    | KeepPayer
    | OpenCheckout
    | SaveMeans
    | LinkBank
    | TakePayment
    | ForgetMeans
    | OfferPayment
    | LinkDocument
)


@dataclass(frozen=True, slots=True)
class Done:
    """The intent stands at the vendor: `external_ids` of what was written (first the main object), its new version.

    `address` is the page on which a person goes on, where there is one; `left` names what was left as people had it.
    `overwrote` says, in words, whose edit may have been gone over where the vendor takes no version.
    """

    external_ids: tuple[str, ...]
    version: str = ""
    address: str = ""
    left: tuple[str, ...] = ()
    overwrote: str = ""


Outcome = Done | ConnectorError
Found = Outcome | None  # of a look-up; None: the intent took no effect
