"""Have a bank account read by the processor: a person links it on a page there, sees its first lines, and says so."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from connectors import registry
from connectors.contract import Role
from connectors.errors import ConnectorError
from connectors.intents import LinkBank
from connectors.records import AccountPurpose
from receivables.identity import stable_id
from reminders.evidence import BankDeclaration
from runtime.app import App
from runtime.operations.bank_feeds.feeds import Feed, FeedState, feed_of, feeds, is_feed
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.organisations import declare, withdraw_declaration
from runtime.store import connections, journal
from runtime.store import tables as t

PAGE_LIFETIME = timedelta(hours=1)
CURRENCY = "USD"  # banks of the United States alone can be linked so
LOOKS_BACK = timedelta(days=7)  # where nothing was known of the account before: what is in the ledger is recognised
_feed = t.bank_feed.c


def can_be_fed(system: str) -> bool:
    """Whether a processor reads bank accounts of the organisation."""
    return LinkBank in registry.declaration(system).writes


def begin_feed(app: App, *, organisation_id: str, handle: str, back_to: str, actor: str) -> str:
    """Return the processor's page on which a person links the bank account that the ledger calls `handle`.

    `back_to` is our page of settings. InputError when the ledger has no such account in dollars; RefusedError where no
    processor reads bank accounts, this one is fed already, or the processor opens no page.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        processor = connections.connection_for_role(db, organisation_id, Role.PROCESSOR)
        if processor is None or not can_be_fed(processor.system):
            raise RefusedError("connect Stripe first: it reads the bank account")
        _check(db, organisation_id, handle)
        feed_id = stable_id("feed", organisation_id, handle, secrets.token_hex(8))
        begun = (_feed.organisation_id == organisation_id) & (_feed.state == FeedState.BEGUN.value)
        db.execute(delete(t.bank_feed).where(begun, _feed.ledger_account == handle))
        db.execute(
            insert(t.bank_feed).values(
                id=feed_id,
                organisation_id=organisation_id,
                system=processor.system,
                account=processor.account.external_id,
                state=FeedState.BEGUN.value,
                ledger_account=handle,
                page_external_id="",
                page_expires_at=now + PAGE_LIFETIME,
                external_id="",
                name="",
                ending="",
                currency=CURRENCY,
                first_lines=[],
                told=[],
                begun_at=now,
            )
        )
        _note(db, organisation_id, "bank_feed_begun", handle, actor=actor, at=now)
    intent = LinkBank(feed_id, f"{back_to}?notice=bank_linked", back_to, now + PAGE_LIFETIME)
    (outcome,) = app.vendors.connector(processor).write([intent])
    with app.store.write() as db:
        mine = is_feed(organisation_id, feed_id)
        if not isinstance(outcome, ConnectorError):
            db.execute(update(t.bank_feed).where(mine).values(page_external_id=outcome.external_ids[0]))
            return outcome.address
        db.execute(delete(t.bank_feed).where(mine))
    raise RefusedError(f"no page to link a bank account can be opened: {outcome}")


def confirm_feed(app: App, *, organisation_id: str, feed_id: str, money_in_is_positive: bool, actor: str) -> None:
    """Switch a feed on after a person saw its first lines and said which of them are money in.

    From then on it proves the ledger's account: lines count from the day after what was proved before, or from a week
    back. RefusedError where there is nothing to confirm (any more), or nothing was read that could be confirmed.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        feed = feed_of(db, organisation_id, feed_id)
        if feed is None or feed.state is not FeedState.SHOWN:
            raise RefusedError("there is no such bank account to say this of (any more)")
        if not feed.first_lines:
            raise RefusedError("nothing was read of this account yet: wait for its first lines")
        values = {
            "state": FeedState.ON.value,
            "sign": 1 if money_in_is_positive else -1,
            "counts_from": _counts_from(app, db, feed),
        }
        db.execute(update(t.bank_feed).where(is_feed(organisation_id, feed_id)).values(**values))
        declare(
            db,
            organisation_id=organisation_id,
            ledger_account=feed.ledger_account,
            identification=feed.external_id,
            currency=feed.currency,
            declares=BankDeclaration.LIVE_FEED,
            actor=actor,
            at=app.clock(),
        )
        told = f"{feed.called}: money in is {'positive' if money_in_is_positive else 'negative'}"
        _note(db, organisation_id, "bank_feed_on", told, actor=actor, at=app.clock())


def end_feed(app: App, *, organisation_id: str, feed_id: str, actor: str) -> None:
    """Take nothing more from a feed, and prove nothing by it; RefusedError where it is over already.

    The agreement at the bank is ended where it was made, at Stripe or at the bank.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        feed = feed_of(db, organisation_id, feed_id)
        if feed is None or feed.state is FeedState.ENDED:
            raise RefusedError("this bank account is not read (any more)")
        if feed.state is FeedState.ON:
            db.execute(update(t.bank_feed).where(is_feed(organisation_id, feed_id)).values(state=FeedState.ENDED.value))
            withdraw_declaration(db, organisation_id, feed.ledger_account)
        else:
            db.execute(delete(t.bank_feed).where(is_feed(organisation_id, feed_id)))
        _note(db, organisation_id, "bank_feed_ended", feed.called or feed.ledger_account, actor=actor, at=app.clock())


def _check(db: Connection, organisation_id: str, handle: str) -> None:
    account = t.account.c
    mine = (account.organisation_id == organisation_id) & (account.purpose == AccountPurpose.BANK.value)
    row = db.execute(select(account.currency).where(mine, account.handle == handle)).first()
    if row is None or row.currency not in (None, CURRENCY):
        raise InputError(f"choose a bank account of the ledger that is kept in {CURRENCY}")
    live = feeds(db, organisation_id, FeedState.SHOWN, FeedState.ON)
    if any(each.ledger_account == handle for each in live):
        raise RefusedError("this bank account is linked already: end that first")


def _counts_from(app: App, db: Connection, feed: Feed) -> date:
    """The first day whose lines count: what statements have told is not told again."""
    bank = t.bank_account.c
    mine = (bank.organisation_id == feed.organisation_id) & (bank.ledger_account == feed.ledger_account)
    proved: date | None = db.scalar(select(bank.evidence_until).where(mine))
    earlier = [
        each.caught_up_at
        for each in feeds(db, feed.organisation_id, FeedState.ENDED)
        if each.ledger_account == feed.ledger_account and each.caught_up_at is not None
    ]
    zone = connections.zone_of(db, feed.organisation_id)
    known = [*([proved] if proved else []), *(at.astimezone(zone).date() for at in earlier)]
    if known:
        return max(known) + timedelta(days=1)
    return app.clock().astimezone(zone).date() - LOOKS_BACK


def _note(db: Connection, organisation_id: str, action: str, detail: str, *, actor: str, at: datetime) -> None:
    subject = organisation_id
    journal.record(
        db, organisation_id=organisation_id, at=at, actor=actor, action=action, subject=subject, detail=detail
    )
