"""The policies an organisation reminds by: read, set in versions, and weighed against real items before they count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, bindparam, insert, select, update

from reminders.evidence import Channel
from reminders.policy_book import DEFAULT_BOOK, PolicyBook
from reminders.policy_file import PolicyFileError, read_policies, write_policies
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.weighing import weigh_everybody_again

BUILT_IN_VERSION = 1  # what counts until an organisation sets its own
CHANNELS = frozenset(  # what this version can reach a customer by
    {Channel.EMAIL, Channel.SMS, Channel.LETTER, Channel.CALL_TASK, Channel.HAND_OVER}
)
MAX_VERSIONS_SHOWN = 50
_BOOKS_CACHED = 256
_NEWEST = (
    select(t.policy_book)
    .where(t.policy_book.c.organisation_id == bindparam("organisation_id"))
    .order_by(t.policy_book.c.version.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """Policies as they were set; the built-in ones were set by nobody."""

    version: int
    text: str
    set_by: str = ""
    set_at: datetime | None = None

    @property
    def book(self) -> PolicyBook:
        """The policies, as certificates name them."""
        return _parsed(self.text, self.version)


def current(db: Connection, organisation_id: str) -> PolicyVersion:
    """Return the policies that count now."""
    return next(iter(versions(db, organisation_id, limit=1)))


def versions(db: Connection, organisation_id: str, *, limit: int = MAX_VERSIONS_SHOWN) -> list[PolicyVersion]:
    """Return what was set, the newest first, and the built-in ones at its end where `limit` reaches that far."""
    rows = db.execute(_NEWEST, {"organisation_id": organisation_id, "most": limit})
    found = [PolicyVersion(row.version, row.body, row.set_by, row.set_at) for row in rows]
    return [*found, PolicyVersion(BUILT_IN_VERSION, write_policies(DEFAULT_BOOK))][:limit]


def checked(text: str, *, source: str) -> PolicyBook:
    """Read the text of a policy file; InputError names `source`, line and reason, or a channel nothing sends by."""
    try:
        book = read_policies(text)
    except PolicyFileError as error:
        raise InputError(f"{source}: {error}") from None
    for choice in book.choices:
        for step in choice.policy.levels:
            for channel in step.channels:
                if channel not in CHANNELS:
                    known = ", ".join(sorted(CHANNELS))
                    raise InputError(
                        f"{source}: policy {choice.policy.name!r}: nothing sends by {channel} yet, only by {known}"
                    )
    return book


def set_policies(app: App, *, organisation_id: str, text: str, source: str, actor: str) -> PolicyVersion:
    """Let these policies count from now on, as a new version. InputError when they cannot be followed.

    The same text as counts already makes no version. What was planned by others is planned anew with the next plan,
    and the gate decides by the new ones at once.
    """
    book = checked(text, source=source)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        before = current(db, organisation_id)
        if text == before.text:
            return before
        made = PolicyVersion(before.version + 1, text, actor, app.clock())
        db.execute(
            insert(t.policy_book).values(
                organisation_id=organisation_id,
                version=made.version,
                body=made.text,
                set_by=made.set_by,
                set_at=made.set_at,
            )
        )
        by_level = any(step.needs_approval for choice in book.choices for step in choice.policy.levels)
        mine = t.organisation.c.id == organisation_id
        db.execute(update(t.organisation).where(mine).values(approvals_by_level=by_level))
        if any(choice.policy.early_discount for choice in book.choices):  # what was offered may come later than that
            db.execute(update(t.organisation).where(mine).values(discounts_on=True))
        weigh_everybody_again(db, organisation_id)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="policies_set",
            subject=organisation_id,
            detail=f"version {made.version}",
        )
    app.wake()
    return made


@lru_cache(maxsize=_BOOKS_CACHED)
def _parsed(text: str, version: int) -> PolicyBook:
    return read_policies(text).numbered(version)
