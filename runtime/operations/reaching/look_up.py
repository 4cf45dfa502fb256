"""Ask carriers: whether they took a message of which nobody knows, and what became of those that they took."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from connectors.channels import registry
from connectors.channels.contract import Fate, Outgoing
from connectors.errors import ConnectorError
from reminders.evidence import Channel
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.deliveries import keep_report
from runtime.operations.reaching.ways import Way, carriers_of
from runtime.operations.reminding.in_doubt import settle_doubt
from runtime.operations.reminding.withdraw import IN_DOUBT
from runtime.store import connections
from runtime.store import tables as t

# A carrier lists what it took within moments; only after this does its silence mean that it took nothing.
SETTLED_AFTER = timedelta(minutes=2)
LOOKED_AT_EVERY = timedelta(hours=1)
FOLLOWED_FOR = timedelta(days=30)  # a letter comes back within weeks; what is not known by then stays as it is
MAX_A_RUN = 100
_UNDER_WAY = (Fate.ACCEPTED.value, Fate.SENT.value)


def look_up(app: App, organisation_id: str) -> Counter[str]:
    """Settle what is in doubt and can be asked about, then follow what is under way. Returns how many ended how."""
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        ways = carriers_of(app, db, organisation_id)
        doubts = _doubts(app, db, organisation_id, ways)
        under_way = _under_way(app, db, organisation_id, ways)
    for row in doubts:
        outcome[_settle(app, ways[Channel(row.channel)], row)] += 1
    for delivery in under_way:
        outcome[_follow(app, _by_name(ways)[delivery.carrier], delivery)] += 1
    return outcome


def _by_name(ways: dict[Channel, Way]) -> dict[str, Way]:
    return {way.name: way for way in ways.values() if way.name in registry.CARRIERS}


def _doubts(app: App, db: Connection, organisation_id: str, ways: dict[Channel, Way]) -> list[Row[Any]]:
    reminder = t.reminder.c
    asked = [channel.value for channel, way in ways.items() if way.name in registry.CARRIERS]
    if not asked:
        return []
    return list(
        db.execute(
            select(t.reminder, t.short_link.c.code)
            .outerjoin(t.short_link, t.short_link.c.reminder_id == reminder.id)
            .where(
                reminder.organisation_id == organisation_id,
                reminder.state == IN_DOUBT,
                reminder.channel.in_(asked),
                reminder.sent_at <= app.clock() - SETTLED_AFTER,
            )
            .order_by(reminder.sent_at, reminder.id)
            .limit(MAX_A_RUN)
        )
    )


def _settle(app: App, way: Way, row: Row[Any]) -> str:
    message = Outgoing(key=row.id, to=row.recipient, begun_at=row.sent_at, text=row.body_text, mark=row.code or row.id)
    try:
        report = way.carrier.find(message)
    except ConnectorError:
        return "in_doubt_still"
    try:
        settle_doubt(
            app,
            organisation_id=row.organisation_id,
            reminder_id=row.id,
            was_sent=report is not None,
            actor=registry.carrier(way.name).title,
        )
    except RefusedError:  # a person was faster
        return "settled_meanwhile"
    if report is None:
        return "was_not_taken"
    with app.store.write() as db:
        connections.lock_organisation(db, row.organisation_id)
        keep_report(db, row.organisation_id, row.id, carrier=way.name, report=report, at=app.clock())
    return "was_taken"


def _under_way(app: App, db: Connection, organisation_id: str, ways: dict[Channel, Way]) -> list[Row[Any]]:
    delivery, now = t.delivery.c, app.clock()
    followed = [name for name in _by_name(ways) if registry.carrier(name).tells_late]
    if not followed:
        return []
    return list(
        db.execute(
            select(t.delivery)
            .where(
                delivery.organisation_id == organisation_id,
                delivery.state.in_(_UNDER_WAY),
                delivery.carrier.in_(followed),
                delivery.looked_at <= now - LOOKED_AT_EVERY,
                delivery.handed_at > now - FOLLOWED_FOR,
            )
            .order_by(delivery.looked_at, delivery.reminder_id)
            .limit(MAX_A_RUN)
        )
    )


def _follow(app: App, way: Way, row: Row[Any]) -> str:
    """Ask once; an answer that cannot be had is asked for again an hour later."""
    try:
        report = way.carrier.look(row.external_id)
    except ConnectorError:
        report = None
    with app.store.write() as db:
        connections.lock_organisation(db, row.organisation_id)
        now = app.clock()
        if report is None:
            mine = t.delivery.c.reminder_id == row.reminder_id
            db.execute(update(t.delivery).where(mine).values(looked_at=now))
            return "not_told"
        keep_report(db, row.organisation_id, row.reminder_id, carrier=way.name, report=report, at=now)
    return f"is_{report.fate}"
