"""Thank payers: one message for a payment of what they were reminded of, where an organisation wants it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, exists, insert, select, update

from connectors.channels.email import EmailChannel
from connectors.errors import ConnectorError, Retry
from receivables.money import Money
from receivables.receipt import ReceiptStatus
from reminders.contact import DEFAULT_LIMITS
from reminders.courtesy import CourtesyVerdict
from reminders.evidence import Channel, ItemEvidence
from reminders.message import Message, PaidLine, PaymentReceived, render_thanks
from reminders.own_copy import CopyKind
from reminders.templating import TemplateError
from reminders.thanks import decide_thanks
from reminders.wording import wording
from runtime.app import App
from runtime.operations.organisations import keep_switch
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reaching.deliveries import note_refused_mail
from runtime.operations.reaching.reach import reach
from runtime.operations.reaching.shared_limit import share_contact, unshare_contact
from runtime.operations.reaching.ways import message_id_for
from runtime.operations.reminding.compose import brand_of, complain, portal_links, sender_of
from runtime.operations.reminding.evidence import gather
from runtime.operations.reminding.withdraw import FAILED, HANDING, IN_DOUBT, SENT
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.copies import own_words

LEFT_OUT = "left_out"
MAX_A_RUN = 200


@dataclass(frozen=True, slots=True)
class _Thanks:
    receipt_id: str
    recipient: str
    customer_id: str
    sender: str
    message: Message

    @property
    def key(self) -> str:
        """What its Message-ID is made of."""
        return f"thanks {self.receipt_id}"


def switch_thanks(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Thank for payments that are applied from now on, or for none."""
    with app.store.write() as db:
        now = app.clock()
        since = {"thanks_since": now if on else None}
        keep_switch(db, organisation_id, since, action="thanks_switched", actor=actor, at=now)


def thank_payers(app: App, organisation_id: str) -> Counter[str]:
    """Thank for what was paid since it was switched on, each payment once. Returns how many messages ended each way.

    A payment counts once it stands in the ledger, so that nobody is thanked for what is refused there. What may have
    left never leaves twice: its row is there before the message is handed over.
    """
    outcome: Counter[str] = Counter()
    if app.email is None:
        return outcome
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None or organisation.thanks_since is None or not organisation.sending_on:
            return outcome
        waiting = _waiting(db, organisation_id, organisation.thanks_since)
    for receipt_id in waiting:
        outcome[_thank(app, app.email, organisation, receipt_id)] += 1
    return outcome


def _waiting(db: Connection, organisation_id: str, since: datetime) -> list[str]:
    """The receipts that paid something we had reminded of, stand in the ledger, and were not thanked for."""
    allocation, item = t.allocation.c, t.reminder_item.c
    paid = (
        select(allocation.receipt_id)
        .join(t.reminder_item, item.document_id == allocation.document_id)
        .where(
            allocation.organisation_id == organisation_id,
            allocation.undone_at.is_(None),
            allocation.posted_at.is_not(None),
            allocation.created_at >= since,
            item.organisation_id == organisation_id,
            item.state == SENT,
        )
    )
    return list(
        db.scalars(
            select(t.receipt.c.id)
            .where(
                t.receipt.c.organisation_id == organisation_id,
                t.receipt.c.id.in_(paid),
                t.receipt.c.state == "applied",
                t.receipt.c.status == ReceiptStatus.RECEIVED.value,
                t.receipt.c.refunded_minor == 0,
                ~exists(select(t.thanks.c.receipt_id).where(t.thanks.c.receipt_id == t.receipt.c.id)),
            )
            .order_by(t.receipt.c.id)
            .limit(MAX_A_RUN)
        )
    )


def _thank(app: App, email: EmailChannel, organisation: Organisation, receipt_id: str) -> str:
    """Reserve and hand over one message. What is decided against is kept, so that it is not asked again."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation.id)
        now = app.clock()
        lines = _lines(db, organisation.id, receipt_id)
        taken = db.scalar(select(t.thanks.c.receipt_id).where(t.thanks.c.receipt_id == receipt_id))
        if not lines or taken is not None:
            return "taken_back" if not lines else "taken"
        evidence = gather(db, organisation, now=now, document_ids=[line.document_id for line in lines])
        mail = evidence[0].contact
        reached = reach(db, organisation, mails=[mail], now=now)
        contact = reached.contact(mail, Channel.EMAIL)
        applied_at = min(line.created_at for line in lines)
        decision = decide_thanks(contact=contact, applied_at=applied_at, as_of=now, limits=DEFAULT_LIMITS)
        if decision.verdict is CourtesyVerdict.LATER:
            return "waiting"
        ready = None
        if decision.verdict is CourtesyVerdict.NOW:
            language = language_for(db, organisation.id, contact.recipient_id, mail.country)
            try:
                ready = _write(app, db, organisation, lines, evidence, language=language)
            except TemplateError as error:
                name = (CopyKind.THANKS, wording(language).language, None)
                complain(db, organisation.id, name, error, at=now)
                return "waiting"
        db.execute(
            insert(t.thanks).values(
                receipt_id=receipt_id,
                organisation_id=organisation.id,
                customer_id=contact.recipient_id,
                state=HANDING if ready else LEFT_OUT,
                recipient=contact.address or "",
                subject=ready.message.subject if ready else "",
                body_text=ready.message.text if ready else "",
                decided_at=now,
                sent_at=now if ready else None,  # from here on it may have left
                why=decision.reason,
                message_id=message_id_for(app, ready.key) if ready else None,
            )
        )
        if ready:
            recipient = ready.recipient
            share_contact(db, organisation.id, receipt_id, channel=Channel.EMAIL, address=recipient, at=now)
    return _hand_over(app, email, organisation.id, ready) if ready else LEFT_OUT


def _lines(db: Connection, organisation_id: str, receipt_id: str) -> list[Row[tuple[object, ...]]]:
    allocation = t.allocation.c
    return list(
        db.execute(
            select(
                allocation.receipt_id,
                allocation.document_id,
                allocation.amount_minor,
                allocation.currency,
                allocation.created_at,
            )
            .where(
                allocation.organisation_id == organisation_id,
                allocation.receipt_id == receipt_id,
                allocation.is_credit.is_(False),
                allocation.undone_at.is_(None),
            )
            .order_by(allocation.document_id)
        )
    )


def _write(
    app: App,
    db: Connection,
    organisation: Organisation,
    lines: list[Row[tuple[object, ...]]],
    evidence: list[ItemEvidence],
    *,
    language: str,
) -> _Thanks:
    receipt = db.execute(select(t.receipt).where(t.receipt.c.id == lines[0].receipt_id)).one()
    known = {each.item.item_id: each for each in evidence}
    contact = evidence[0].contact
    payment = PaymentReceived(
        recipient_name=contact.recipient_name,
        amount=Money(receipt.amount_minor + (receipt.fee_minor or 0), receipt.currency),
        received_on=receipt.received_on,
        lines=tuple(
            PaidLine(
                number=known[line.document_id].item.number,
                paid=Money(line.amount_minor, line.currency),
                still_open=max(known[line.document_id].remaining, Money.zero(line.currency)),
            )
            for line in lines
        ),
    )
    message = render_thanks(
        payment=payment,
        brand=brand_of(db, organisation),
        links=portal_links(app, organisation.id, contact.recipient_id),
        language=language,
        own_copy=own_words(db, organisation.id, (CopyKind.THANKS, wording(language).language, None)),
    )
    sender = sender_of(app, db, organisation)
    return _Thanks(receipt.id, contact.address or "", contact.recipient_id, sender, message)


def _hand_over(app: App, email: EmailChannel, organisation_id: str, ready: _Thanks) -> str:
    state = SENT
    refused: ConnectorError | None = None
    try:
        email.send(
            message_id=ready.key,
            to=ready.recipient,
            subject=ready.message.subject,
            text=ready.message.text,
            html=ready.message.html,
            sender=ready.sender,
            reply_to=app.settings.reply_to or app.settings.mail_from,
            unsubscribe_url=portal_links(app, organisation_id, ready.customer_id).unsubscribe,
        )
    except ConnectorError as error:
        state = IN_DOUBT if isinstance(error, Retry) and error.ambiguous else FAILED
        refused = error
    why = str(refused) if refused else ""
    with app.store.write() as db:
        now = app.clock()
        mine = (t.thanks.c.receipt_id == ready.receipt_id) & (t.thanks.c.state == HANDING)
        db.execute(update(t.thanks).where(mine).values(state=state, why=why, sent_at=None if state == FAILED else now))
        if refused is not None and state == FAILED:
            unshare_contact(db, organisation_id, ready.receipt_id)
            note_refused_mail(db, organisation_id, ready.customer_id, refused, address=ready.recipient, at=now)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor="reminders",
            action=f"thanks_{state}",
            subject=ready.receipt_id,
            detail=f"{ready.message.subject} → {ready.recipient}" + (f": {why}" if why else ""),
        )
    return state
