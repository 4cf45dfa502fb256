"""What keeps reminders from a customer, in one line for their account in the CRM."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, bindparam, or_, select

from receivables.document import DocumentKind, DocumentStatus
from reminders.contact import messages_by
from reminders.evidence import Channel
from reminders.holds import PROMISE_GRACE_DAYS, HoldCode
from runtime.operations.reaching.opt_outs import EVERY, OptOuts
from runtime.store import tables as t
from runtime.store.rows import among_given, owned_by

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
    which = {"organisation_id": organisation_id, "customer_ids": list(customers)}
    for row in db.execute(_open(db.dialect.name), which):
        owner[row.id] = row.customer_id
        if row.disputed:
            held[row.id].add(HoldCode.DISPUTED)
        if row.promised_on is not None and row.promised_on + timedelta(days=PROMISE_GRACE_DAYS) >= today:
            held[row.id].add(HoldCode.PROMISED)
    for document_id, code in db.execute(_standing(db.dialect.name), which | {"at": at}) if owner else ():
        if document_id in owner and code in _WORDS:
            held[document_id].add(code)
    opened = Counter(owner.values())
    theirs: defaultdict[str, list[set[str]]] = defaultdict(list)
    for invoice_id, codes in held.items():
        theirs[owner[invoice_id]].append(codes)
    return {customer_id: _line(opened[customer_id], codes) for customer_id, codes in theirs.items()}


@cache
def _open(dialect: str) -> Select[Any]:
    document = t.document.c
    return select(document.id, document.customer_id, document.disputed, document.promised_on).where(
        owned_by(t.document, bindparam("organisation_id")),
        among_given(dialect, document.customer_id, "customer_ids"),
        document.status == DocumentStatus.OPEN.value,
        document.kind == DocumentKind.INVOICE.value,
    )


@cache
def _standing(dialect: str) -> Select[Any]:
    document, hold = t.document.c, t.hold.c
    return (
        select(hold.document_id, hold.code)
        .join(t.document, document.id == hold.document_id)
        .where(
            owned_by(t.hold, bindparam("organisation_id")),
            among_given(dialect, document.customer_id, "customer_ids"),
            hold.released_at.is_(None),
            or_(hold.until.is_(None), hold.until > bindparam("at")),
        )
    )


def _line(opened: int, held: Sequence[set[str]]) -> str:
    counted = Counter(code for codes in held for code in codes)
    share = f"all {opened}" if len(held) == opened else f"{len(held)} of {opened}"
    said = ", ".join(f"{counted[code]} {words}" for code, words in _WORDS.items() if counted[code])
    return f"{share} open: {said}"
