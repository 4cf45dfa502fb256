"""Read what is linked: first lines for a person to look at, and from then on all that the bank books."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, select, update

from connectors.bank_feed import FedAccount, FedLine, FeedsBanks, LineState
from connectors.contract import Role
from connectors.errors import Absent, ConnectorError, Fatal, Reject
from receivables.money import Money
from receivables.problem import Problem
from receivables.statement import Entry, Statement, StatementFile, TakenBack
from runtime.app import App
from runtime.operations.bank_feeds.feeds import Feed, FeedState, ShownLine, as_kept, feed_of, feeds, is_feed
from runtime.operations.bank_files.import_statement import store_lines
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.rows import chunks

FIRST_LINES = 10  # that a person looks at
MAX_PAGES = 500  # of one reading: 50,000 lines
LOST, UNREADABLE = "bank_feed_lost", "bank_feed_unreadable"
WITHDRAWN = "the bank has withdrawn this line"
_PAGE_IS_OVER_AFTER = timedelta(hours=1)  # whoever linked in its last minute is found
_A_DAY = timedelta(days=1)
_log = logging.getLogger(__name__)


class _Told(NamedTuple):
    """Money that a statement told of."""

    receipt_id: str
    on: date
    amount: Decimal


def read_feeds(app: App, organisation_id: str) -> int:
    """Look at every feed of an organisation; return how many receipts came. One that fails waits for the next look."""
    with app.store.read() as db:
        live = feeds(db, organisation_id, FeedState.BEGUN, FeedState.SHOWN, FeedState.ON)
        connection = connections.connection_for_role(db, organisation_id, Role.PROCESSOR) if live else None
    if connection is None:
        return 0
    connector = app.vendors.connector(connection)
    if not isinstance(connector, FeedsBanks):
        return 0
    added = 0
    for feed in live:
        if (feed.system, feed.account) == (connection.system, connection.account.external_id):
            try:
                added += _look(app, connector, feed)
            except ConnectorError as error:  # it proves nothing until it is read again, and reminders wait for it
                _log.warning("the bank feed %s cannot be read: %s", feed.id, error)
    if added:
        app.wake()
    return added


def _look(app: App, connector: FeedsBanks, feed: Feed) -> int:
    if feed.state is FeedState.BEGUN:
        _follow_page(app, connector, feed)
        return 0
    fed = connector.fed(feed.external_id)
    if not fed.is_linked:
        _tell_of_loss(app, feed)
        return 0
    if feed.state is FeedState.SHOWN:
        if fed.reading is not None and not feed.first_lines:
            _show(app, connector, feed)
        added = 0
    else:
        added = _take(app, connector, feed, fed)
    if fed.may_read_at is not None and fed.may_read_at <= app.clock():
        connector.read_bank(feed.external_id)
    return added


def _follow_page(app: App, connector: FeedsBanks, feed: Feed) -> None:
    """Keep what was linked on a page; a page that came of nothing is forgotten once it is over."""
    problem: Problem | None = None
    try:
        linked = connector.linked(feed.page_external_id) if feed.page_external_id else None
    except (Absent, Reject) as error:
        text = f"A bank account was linked, but it cannot be read: {error}"
        linked, problem = None, Problem(UNREADABLE, text, "Link it again in the settings.", feed.id)
    with app.store.write() as db:
        if linked is not None:
            values = {
                "state": FeedState.SHOWN.value,
                "external_id": linked.external_id,
                "name": linked.name,
                "ending": linked.ending,
            }
            db.execute(update(t.bank_feed).where(_as_read(feed)).values(**values))
        elif problem is not None or app.clock() > feed.page_expires_at + _PAGE_IS_OVER_AFTER:
            db.execute(delete(t.bank_feed).where(_as_read(feed)))
            if problem is not None:
                journal.raise_problem(db, organisation_id=feed.organisation_id, problem=problem, at=app.clock())


def _show(app: App, connector: FeedsBanks, feed: Feed) -> None:
    """Keep the newest booked lines for a person to look at."""
    with app.store.read() as db:
        zone = connections.zone_of(db, feed.organisation_id)
    booked = (line for line in _lines(connector, feed) if line.state is LineState.POSTED)
    shown = [ShownLine(line.at.astimezone(zone).date(), line.amount, line.text) for line in islice(booked, FIRST_LINES)]
    with app.store.write() as db:
        db.execute(update(t.bank_feed).where(_as_read(feed)).values(first_lines=as_kept(shown)))


def _take(app: App, connector: FeedsBanks, feed: Feed, fed: FedAccount) -> int:
    """Take in what readings since the last one brought; the whole of it, or nothing."""
    if fed.reading is None or fed.reading == feed.reading:
        return 0
    lines = list(_lines(connector, feed))
    with app.store.write() as db:
        connections.lock_organisation(db, feed.organisation_id)
        now = feed_of(db, feed.organisation_id, feed.id)
        if now is None or now.state is not FeedState.ON or now.reading != feed.reading:
            return 0  # another worker took it, or a person ended it meanwhile
        told = _told_before(db, feed)
        before = {each.receipt_id for each in told}
        entries = tuple(_entries(db, feed, lines, told))
        statement = Statement(feed.external_id, feed.currency, None, None, entries)
        file = StatementFile(f"feed of {feed.called}", "feed", (statement,))
        added = store_lines(app, db, feed.organisation_id, file).added if entries else 0
        met = before - {each.receipt_id for each in told}
        values = {"reading": fed.reading, "caught_up_at": fed.read_at, "told": sorted({*feed.told, *met})}
        db.execute(update(t.bank_feed).where(_as_read(feed)).values(**values))
        journal.resolve_problem(db, organisation_id=feed.organisation_id, code=LOST, subject=feed.id, at=app.clock())
    return added


def _lines(connector: FeedsBanks, feed: Feed) -> Iterator[FedLine]:
    """What came since the last reading that was taken in; all of it, where the system has forgotten that one."""
    pages = islice(connector.lines(feed.external_id, after=feed.reading), MAX_PAGES)
    try:
        first = next(pages, ())
    except Fatal:
        if feed.reading is None:
            raise
        pages = islice(connector.lines(feed.external_id, after=None), MAX_PAGES)
        first = ()
    yield from first
    for page in pages:
        yield from page


def _entries(db: Connection, feed: Feed, lines: Sequence[FedLine], told: list[_Told]) -> Iterator[Entry]:
    """What the bank booked, and what it withdrew of what was taken in. What is only announced is no money.

    What statements have `told` is left out, and taken off that list.
    """
    zone = connections.zone_of(db, feed.organisation_id)
    taken = _taken(db, feed, [line.external_id for line in lines if line.state is LineState.VOID])
    for line in sorted(lines, key=lambda line: (line.at, line.external_id)):
        day = line.at.astimezone(zone).date()
        amount = line.amount.decimal * (feed.sign or 1)
        is_withdrawn = line.state is LineState.VOID and line.external_id in taken
        counts = feed.counts_from is not None and day >= feed.counts_from - _A_DAY
        if not is_withdrawn and not (line.state is LineState.POSTED and counts and not _is_told(told, day, amount)):
            continue
        yield Entry(
            entry_id=f"{line.external_id} withdrawn" if is_withdrawn else line.external_id,
            booked_on=day,
            value_on=None,
            amount=-amount if is_withdrawn else amount,
            currency=line.amount.currency,
            counterparty=None,
            counterparty_account=None,
            remittance=line.text,
            status=None,
            reversal=is_withdrawn,
            references=(line.external_id,),
            taken_back=TakenBack(WITHDRAWN) if is_withdrawn else None,
        )


def _told_before(db: Connection, feed: Feed) -> list[_Told]:
    """The money that statements told of around the day from which the feed counts, less what lines were met by.

    Statements that prove another account of the ledger tell of other money.
    """
    receipt, bank = t.receipt.c, t.bank_account.c
    if feed.counts_from is None:
        return []
    others = select(bank.identification).where(
        bank.organisation_id == feed.organisation_id,
        bank.currency == feed.currency,
        bank.ledger_account.is_not(None),
        bank.ledger_account != feed.ledger_account,
    )
    rows = db.execute(
        select(receipt.id, receipt.received_on, receipt.amount_minor, receipt.currency).where(
            receipt.organisation_id == feed.organisation_id,
            receipt.source == "bank",
            receipt.source_account != feed.external_id,
            receipt.source_account.not_in(others),
            receipt.currency == feed.currency,
            receipt.received_on >= feed.counts_from - 3 * _A_DAY,
            receipt.received_on < feed.counts_from,
        )
    )
    return [
        _Told(row.id, row.received_on, Money(row.amount_minor, row.currency).decimal)
        for row in rows
        if row.id not in feed.told
    ]


def _is_told(told: list[_Told], day: date, amount: Decimal) -> bool:
    """Whether a statement told of this payment, which is taken off the list then.

    A bank that tells the day alone is told of as at an hour of its own, which is the day before or after here: a
    payment of the same amount a day apart is the same one.
    """
    same = next((each for each in told if each.amount == amount and abs(each.on - day) <= _A_DAY), None)
    if same is not None:
        told.remove(same)
    return same is not None


def _taken(db: Connection, feed: Feed, external_ids: Sequence[str]) -> set[str]:
    """Which of these lines were taken in as money that came."""
    receipt = t.receipt.c
    mine = (receipt.organisation_id == feed.organisation_id) & (receipt.source_account == feed.external_id)
    found: set[str] = set()
    for ids in chunks(external_ids):
        found.update(db.scalars(select(receipt.external_id).where(mine, receipt.external_id.in_(ids))))
    return found


def _tell_of_loss(app: App, feed: Feed) -> None:
    problem = Problem(
        LOST,
        f"The bank gives nothing of {feed.called} any more. Nobody is reminded on its word, and no payment is seen.",
        "Link the account again in the settings, or say there what else proves it.",
        feed.id,
    )
    with app.store.write() as db:
        journal.raise_problem(db, organisation_id=feed.organisation_id, problem=problem, at=app.clock())


def _as_read(feed: Feed) -> ColumnElement[bool]:
    """The feed, as long as it is as far as it was when it was read."""
    return is_feed(feed.organisation_id, feed.id) & (t.bank_feed.c.state == feed.state.value)
