"""What a day alone changes of what the CRM shows of a customer: what is overdue, and the risk that follows from it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from connectors.contract import Role
from receivables.document import DocumentKind, DocumentStatus
from reminders.business_time import start_of_day
from reminders.risk import GRACE_DAYS, LONG_DAYS, OLD_DAYS
from runtime.app import App
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.touch import touch_balances

DAYS_LATE = (0, GRACE_DAYS, LONG_DAYS, OLD_DAYS)  # an invoice that is later than so many days counts otherwise
DAYS_BACK = 3  # for so long the product may have stood still


def follow_the_day(app: App, organisation_id: str) -> int:
    """Have customers shown again whose invoices have come to another age since they last changed. Returns how many."""
    document, customer = t.document.c, t.customer.c
    touched = 0
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None or connections.connection_for_role(db, organisation_id, Role.CRM) is None:
            return 0
        now = app.clock()
        today = now.astimezone(organisation.zone).date()
        for day in (today - timedelta(days=back) for back in range(DAYS_BACK)):
            before = customer.changed_at < start_of_day(day, organisation.time_zone)
            older = (
                select(document.customer_id)
                .join(t.customer, (customer.id == document.customer_id) & before)
                .where(
                    document.organisation_id == organisation_id,
                    document.status == DocumentStatus.OPEN.value,
                    document.due_on.in_([day - timedelta(days=1 + days) for days in DAYS_LATE]),
                    document.kind == DocumentKind.INVOICE.value,
                    customer.organisation_id == organisation_id,
                )
            )
            ids = db.scalars(older.distinct()).all()
            touch_balances(db, organisation_id, ids, now)
            touched += len(ids)
    return touched
