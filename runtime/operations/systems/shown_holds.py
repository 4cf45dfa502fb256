"""What keeps reminders from a customer, in one line for their account in the CRM."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection, select

from receivables.document import DocumentKind, DocumentStatus
from reminders.contact import messages_by
from reminders.evidence import Channel
from reminders.holds import PROMISE_GRACE_DAYS, HoldCode
from runtime.operations.reaching.opt_outs import EVERY, OptOuts
from runtime.store import tables as t
from runtime.store.rows import among, owned_by

# What stands until somebody or a day ends it; what money may pay is shown by its receipts.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        HoldCode.DISPUTED: "contested",
        HoldCode.PROMISED: "promised",
        HoldCode.PLAN: "in instalments",
        HoldCode.REPLY_UNREAD: "asked about",
        HoldCode.REFUND_REVIEW: "refunded, to be looked at",
        HoldCode.CHARGEBACK_OPEN: "charged back",
        HoldCode.LEGAL: "handed over",
        HoldCode.PAUSED: "paused",
    }
)


def opt_outs_in_words(opt_outs: OptOuts, customer_id: str) -> str:
    """Return what a customer opted out of; an empty text where they did not."""
    of = opt_outs.get(customer_id, ())
    if not of:
        return ""
    named = [messages_by(None)] if EVERY in of else [messages_by(each) for each in Channel if each.value in of]
    return f"opted out of {' and '.join(named)}"


def holds_in_words(
    db: Connection, organisation_id: str, customers: Sequence[str], *, today: date, at: datetime
) -> dict[str, str]:
    """Return, by customer, how many of their open invoices are held and why; customers without any are left out."""
    owner: dict[str, str] = {}
    held: defaultdict[str, set[str]] = defaultdict(set)
    document, hold = t.document.c, t.hold.c
    for row in db.execute(
        select(document.id, document.customer_id, document.disputed, document.promised_on).where(
            owned_by(t.document, organisation_id),
            among(db, document.customer_id, customers),
            document.status == DocumentStatus.OPEN.value,
            document.kind == DocumentKind.INVOICE.value,
        )
    ):
        owner[row.id] = row.customer_id
        if row.disputed:
            held[row.id].add(HoldCode.DISPUTED)
        if row.promised_on is not None and row.promised_on + timedelta(days=PROMISE_GRACE_DAYS) >= today:
            held[row.id].add(HoldCode.PROMISED)
    standing = hold.released_at.is_(None) & (hold.until.is_(None) | (hold.until > at))
    for document_id, code in db.execute(
        select(hold.document_id, hold.code)
        .join(t.document, document.id == hold.document_id)
        .where(owned_by(t.hold, organisation_id), among(db, document.customer_id, customers), standing)
    ):
        if document_id in owner and code in _WORDS:
            held[document_id].add(code)
    opened = Counter(owner.values())
    theirs: defaultdict[str, list[set[str]]] = defaultdict(list)
    for invoice_id, codes in held.items():
        theirs[owner[invoice_id]].append(codes)
    return {customer_id: _line(opened[customer_id], codes) for customer_id, codes in theirs.items()}


def _line(opened: int, held: Sequence[set[str]]) -> str:
    counted = Counter(code for codes in held for code in codes)
    share = f"all {opened}" if len(held) == opened else f"{len(held)} of {opened}"
    said = ", ".join(f"{counted[code]} {words}" for code, words in _WORDS.items() if counted[code])
    return f"{share} open: {said}"
