"""Statements of account by e-mail, once a month, where an organisation wants it: to whoever owes something certain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, exists, select

from receivables.document import DocumentKind, DocumentStatus
from reminders.contact import DEFAULT_LIMITS
from reminders.courtesy import CourtesyVerdict, decide_courtesy, is_certain
from reminders.courtesy_message import StatedInvoice, render_statement
from reminders.evidence import Channel, ContactEvidence, ItemEvidence
from reminders.holds import evaluate
from reminders.message import Message
from runtime.app import App
from runtime.operations.organisations import keep_switch
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reaching.reach import reach
from runtime.operations.reminding.catch_up import catch_up
from runtime.operations.reminding.compose import brand_of, portal_links
from runtime.operations.reminding.courtesies import Courtesy, send_once
from runtime.operations.reminding.evidence import gather
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.operations.views.portal import portal
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

STATEMENT = "statement"
LAST_DAY = 10  # of a month on which its statement is sent; who cannot be written to by then gets none
CUSTOMERS_A_RUN = 40
CUSTOMERS_A_LOOK = 200
MAX_INVOICES = 500  # whoever has more open asks for the paper on their page


def switch_statements(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Send each customer who owes something a statement a month, or none."""
    with app.store.write() as db:
        keep_switch(
            db, organisation_id, {"statements_on": on}, action="statements_switched", actor=actor, at=app.clock()
        )


def send_statements(app: App, organisation_id: str) -> Counter[str]:
    """Send what is due of this month's statements, each customer's once. Returns how many ended each way.

    The ledger is read again for them first, and what is in doubt (contested, perhaps paid, on its way) waits: a
    statement that is wrong asks for money just as a reminder does.
    """
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        now = app.clock()
        if app.email is None or organisation is None or not (organisation.statements_on and organisation.sending_on):
            return outcome
        if now.astimezone(organisation.zone).day > LAST_DAY:
            return outcome
        due = _due(db, organisation, now)
    if due:
        catch_up(app, organisation_id)
    documents = [document for each in due for document in each.documents]
    if read_invoices(app, organisation_id, documents) is not Reading.DONE:
        return outcome
    for courtesy in due:

        def write(db: Connection, contact: ContactEvidence, at: datetime, about: Courtesy = courtesy) -> Message | None:
            return written_statement(app, db, organisation, about, contact=contact, now=at)

        outcome[send_once(app, app.email, organisation, courtesy, write)] += 1
    return outcome


def _due(db: Connection, organisation: Organisation, now: datetime) -> list[Courtesy]:
    """The first customers who owe something certain, have no statement of this month yet and may be written to now.

    Those who never may be written to are among them: they are left out for good.
    """
    month = f"{now.astimezone(organisation.zone):%Y-%m}"
    document, courtesy = t.document.c, t.courtesy.c
    had = exists(
        select(courtesy.id).where(
            courtesy.organisation_id == organisation.id,
            courtesy.customer_id == document.customer_id,
            courtesy.kind == STATEMENT,
            courtesy.about == month,
        )
    )
    open_ones = (
        (document.organisation_id == organisation.id)
        & (document.kind == DocumentKind.INVOICE.value)
        & (document.status == DocumentStatus.OPEN.value)
        & document.sent
    )
    customers = db.scalars(select(document.customer_id).where(open_ones, ~had).distinct()).all()
    found: list[Courtesy] = []
    for some in chunks(sorted(customers), CUSTOMERS_A_LOOK):
        documents: defaultdict[str, list[str]] = defaultdict(list)
        rows = select(document.customer_id, document.id).where(open_ones, document.customer_id.in_(some))
        for row in db.execute(rows.order_by(document.id)):
            documents[row.customer_id].append(row.id)
        found += _ready(db, organisation, documents, month=month, now=now)
        if len(found) >= CUSTOMERS_A_RUN:
            break
    return found[:CUSTOMERS_A_RUN]


def _ready(
    db: Connection, organisation: Organisation, documents: Mapping[str, Sequence[str]], *, month: str, now: datetime
) -> list[Courtesy]:
    """Of these customers with their open invoices, those to whom a statement can be written now, or never."""
    ids = [each for mine in documents.values() if len(mine) <= MAX_INVOICES for each in mine]
    evidence: defaultdict[str, list[ItemEvidence]] = defaultdict(list)
    for each in gather(db, organisation, now=now, document_ids=ids):
        evidence[each.contact.recipient_id].append(each)
    reached = reach(db, organisation, mails=[mine[0].contact for mine in evidence.values()], now=now)
    found = []
    for customer_id, mine in evidence.items():
        contact = reached.contact(mine[0].contact, Channel.EMAIL)
        verdict = decide_courtesy(contact=contact, as_of=now, limits=DEFAULT_LIMITS).verdict
        holds = (evaluate(evidence=each, as_of=now, freshness_is_reported=True) for each in mine)
        if verdict is CourtesyVerdict.NEVER or (verdict is CourtesyVerdict.NOW and all(map(is_certain, holds))):
            found.append(Courtesy(STATEMENT, month, customer_id, tuple(documents[customer_id])))
    return found


def written_statement(
    app: App, db: Connection, organisation: Organisation, courtesy: Courtesy, *, contact: ContactEvidence, now: datetime
) -> Message | None:
    """Return the statement, None where something is in doubt by now or the evidence is too old."""
    found = gather(db, organisation, now=now, document_ids=courtesy.documents)
    left = [each for each in found if each.remaining.minor > 0]
    holds = (evaluate(evidence=each, as_of=now) for each in left)
    account = portal(db, organisation, courtesy.customer_id, now=now)
    if account is None or not left or not all(map(is_certain, holds)):
        return None
    invoices = [StatedInvoice(each.number, each.issued_on, each.due_on, each.open_amount) for each in account.invoices]
    return render_statement(
        recipient=contact.recipient_name,
        on=now.astimezone(organisation.zone).date(),
        invoices=invoices,
        totals=[each.to_pay for each in account.balances if each.to_pay],
        brand=brand_of(db, organisation),
        links=portal_links(app, organisation.id, courtesy.customer_id),
        language=language_for(db, organisation.id, courtesy.customer_id, contact.country),
    )
