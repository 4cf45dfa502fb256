"""A customer's statement of account as PDF: the same figures as their page shows at that moment."""

from __future__ import annotations

from datetime import datetime

from reminders.templating import PrintError
from runtime.operations.errors import RefusedError
from runtime.operations.views.portal import PortalAccount
from runtime.store.connections import Organisation


def print_statement(organisation: Organisation, account: PortalAccount, *, language: str, now: datetime) -> bytes:
    """Return the statement. RefusedError when it cannot be printed: too long, or in letters that the font lacks."""
    from reminders.statement import (  # noqa: PLC0415 - ReportLab takes a quarter of a second
        Statement,
        StatementLine,
        StatementTotal,
        draw_statement,
    )

    statement = Statement(
        house=organisation.name,
        customer=account.customer_name,
        on=now.astimezone(organisation.zone).date(),
        lines=[
            StatementLine(each.number, each.issued_on, each.due_on, each.total, each.open_amount)
            for each in account.invoices
        ],
        totals=[StatementTotal(each.opened, each.on_its_way, each.credit, each.to_pay) for each in account.balances],
        paid=[(each.received_on, each.amount) for each in account.payments if each.status == "received"],
    )
    try:
        return draw_statement(statement, language=language)
    except PrintError as error:
        raise RefusedError(f"this statement cannot be printed: {error}") from error
