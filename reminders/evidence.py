"""The facts a reminder is decided on, as they were read; nothing here concludes anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from receivables.allocation import Allocation
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total
from receivables.open_item import OpenItem
from receivables.promise import Dispute, PromiseToPay


class EvidenceError(ValueError):
    """Facts that cannot be right: another item's allocation, another currency, a naive time, an unknown time zone."""


class Channel(StrEnum):
    """How a message reaches the customer."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    CHAT = "chat"
    LETTER = "letter"
    CALL_TASK = "call_task"
    HAND_OVER = "hand_over"

    @property
    def is_task(self) -> bool:
        """Whether a person carries it out: nothing leaves by itself."""
        return self in (Channel.CALL_TASK, Channel.HAND_OVER)


class LawfulBasis(StrEnum):
    """Why we may contact this person at all (GDPR article 6; TCPA for consent)."""

    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"
    EXPRESS_CONSENT = "express_consent"


class InFlightKind(StrEnum):
    """How money can be on its way."""

    BANK_DEBIT = "bank_debit"
    CHECKOUT = "checkout"
    AUTOPAY = "autopay"
    INSTALMENT = "instalment"


class FlagCode(StrEnum):
    """States that a person or another system set on the item or its customer."""

    PLAN = "plan"
    REPLY_UNREAD = "reply_unread"
    REFUND_REVIEW = "refund_review"
    CHARGEBACK_OPEN = "chargeback_open"
    DISCOUNT = "discount"
    LEGAL = "legal"
    PAUSED = "paused"


class BankDeclaration(StrEnum):
    """What a bank account promised to show us."""

    LIVE_FEED = "live_feed"
    STATEMENT = "statement"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class InFlight:
    """Money on its way to this item. `begun_at` is the start, or for autopay and instalments the charge time."""

    amount: Money
    kind: InFlightKind
    begun_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        require_aware(self.begun_at, self.expires_at)


@dataclass(frozen=True, slots=True)
class PlausibleReceipt:
    """A receipt not applied yet that could pay this item; `why` completes "because …".

    `rank` is the place of the explanation that names this item among all the receipt has, best first;
    items paid together share a rank. `noticed_on` is the day we first saw it and asked a person: from then on it
    holds for a stated number of days, however old the money is. What `was_applied` to this item before somebody deleted
    or undid it is no guess: it holds until a person has said what it pays.
    """

    receipt_id: str
    amount: Money
    received_on: date
    why: str
    rank: int = 1
    noticed_on: date | None = None
    was_applied: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A state with its reason; without `until` it stays until a person ends it."""

    code: FlagCode
    reason: str
    until: datetime | None = None

    def __post_init__(self) -> None:
        require_aware(self.until)


@dataclass(frozen=True, slots=True)
class ContactEvidence:
    """Who would get the message and why we may send it. Counts and times are across every channel and tool.

    `recipient_id` is the customer that pays (the parent where there is one); `address` is an e-mail address, a
    telephone number or where a letter goes; `time_zone` is the payer's, or the organisation's where that is unknown;
    in `other_time_zones` the telephone may ring as well. `switched_on` is whether the organisation uses the channel;
    `contacts_for_others` are those of the week's contacts that were for another customer at the same address,
    `contacts_elsewhere` those by the owner's other organisations, the last of them at `last_elsewhere_at`;
    `opted_out` whether nothing is wanted by it, and `none_left` whether the level has no other that reaches them.
    """

    recipient_id: str
    recipient_name: str
    channel: Channel
    address: str | None
    lawful_basis: LawfulBasis | None
    time_zone: str
    country: str | None = None
    opted_out: bool = False
    none_left: bool = False
    bounced: bool = False
    contacts_this_week: int = 0
    contacts_for_others: int = 0
    contacts_elsewhere: int = 0
    last_contact_at: datetime | None = None
    last_elsewhere_at: datetime | None = None
    other_channel_running: Channel | None = None
    ledger_reminder_sent_at: datetime | None = None
    switched_on: bool = True
    other_time_zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_aware(self.last_contact_at, self.last_elsewhere_at, self.ledger_reminder_sent_at)
        for name in (self.time_zone, *self.other_time_zones):
            _require_zone(name)

    def local(self, at: datetime) -> datetime:
        """`at` on the payer's clock."""
        return at.astimezone(ZoneInfo(self.time_zone))


@dataclass(frozen=True, slots=True)
class ProcessorEvidence:
    """How far a processor's events were read; None when they never were."""

    name: str
    caught_up_at: datetime | None

    def __post_init__(self) -> None:
        require_aware(self.caught_up_at)


@dataclass(frozen=True, slots=True)
class CrmEvidence:
    """When the CRM was last read to its end: disputes, promises, pauses, opt-outs. None when it never was."""

    name: str
    read_at: datetime | None

    def __post_init__(self) -> None:
        require_aware(self.read_at)


@dataclass(frozen=True, slots=True)
class BankEvidence:
    """What one bank account declares, and how far its evidence reaches.

    `evidence_until` is the last day a statement covers, `caught_up_at` when a feed last answered in full;
    `time_zone` and `country` are the account's, for its banking days.
    """

    account: str
    declares: BankDeclaration
    evidence_until: date | None = None
    caught_up_at: datetime | None = None
    attested_by: str | None = None
    time_zone: str = "UTC"
    country: str | None = None

    def __post_init__(self) -> None:
        require_aware(self.caught_up_at)
        _require_zone(self.time_zone)


@dataclass(frozen=True, slots=True)
class Freshness:
    """When each source was last read. No bank account at all means that none has declared its evidence.

    `crm` is None where none is connected.
    `is_being_written` where we post money of this item and do not know yet whether the ledger took it, or where what
    pays it no more is still to be taken off it there: its balance, however new, may not be what is owed.
    `has_unread_payments` where a reading showed less paid on this item than was known, and the ledger's payments were
    not read since: which of them are gone is unknown.
    """

    ledger_read_at: datetime | None
    processors: tuple[ProcessorEvidence, ...]
    bank: tuple[BankEvidence, ...]
    is_being_written: bool = False
    has_unread_payments: bool = False
    crm: CrmEvidence | None = None

    def __post_init__(self) -> None:
        require_aware(self.ledger_read_at)


@dataclass(frozen=True, slots=True)
class Read:
    """One object as it was read: where, which, in what version, when."""

    system: str
    subject: str
    version: str
    read_at: datetime

    def __post_init__(self) -> None:
        require_aware(self.read_at)


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """Everything known about one invoice at the instant of deciding.

    `document_status` is None when the ledger no longer has the document. `our_allocations` are those the ledger's
    balance does not show yet. `credit_available` is the customer's unapplied credit that is left for this item
    after older items took theirs (see `holds.distribute_credit`).
    """

    item: OpenItem
    document_status: DocumentStatus | None
    document_sent: bool
    document_total: Money
    ledger_balance: Money
    contact: ContactEvidence
    freshness: Freshness
    credit_available: Money
    our_allocations: tuple[Allocation, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    plausible_receipts: tuple[PlausibleReceipt, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    promises: tuple[PromiseToPay, ...] = ()
    flags: tuple[Flag, ...] = ()
    versions: tuple[Read, ...] = ()

    def __post_init__(self) -> None:
        if self.item.kind is not DocumentKind.INVOICE:
            raise EvidenceError(f"{self.item.item_id} is a {self.item.kind}: only an invoice can be due")
        facts: tuple[Allocation | Dispute | PromiseToPay, ...] = (
            *self.our_allocations,
            *self.disputes,
            *self.promises,
        )
        strangers = {fact.item_id for fact in facts} - {self.item.item_id}
        if strangers:
            raise EvidenceError(f"evidence of {self.item.item_id} holds facts of {sorted(strangers)}")
        amounts = (self.document_total, self.ledger_balance, self.credit_available)
        if any(amount.currency != self.item.open_amount.currency for amount in amounts):
            raise EvidenceError(f"evidence of {self.item.item_id} mixes currencies")

    @property
    def allocated_by_us(self) -> Money:
        """What we have set against the item and the ledger does not show yet."""
        return total([a.amount for a in self.our_allocations], self.ledger_balance.currency)

    @property
    def remaining(self) -> Money:
        """What is still open: the smaller of the ledger's and our balance, less our unposted allocations."""
        return min(self.ledger_balance, self.item.open_amount) - self.allocated_by_us

    def days_overdue(self, as_of: datetime) -> int:
        """Days from the due date to today on the payer's calendar; negative before it."""
        return (self.contact.local(as_of).date() - self.item.due_on).days


def require_aware(*times: datetime | None) -> None:
    """Raise EvidenceError for a time without a time zone: it would silently mean the server's."""
    for time in times:
        if time is not None and time.tzinfo is None:
            raise EvidenceError(f"the time {time.isoformat()} has no time zone")


def _require_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise EvidenceError(f"{name!r} is not an IANA time zone such as Europe/Berlin") from None
