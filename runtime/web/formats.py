"""Amounts, days and times as people read them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from receivables.money import Money, exponent

LOCALE = "en_GB"


def money(amount: Money) -> str:
    """`€1,234.50`: with the decimals that ISO 4217 gives the currency, so that no minor unit is hidden."""
    decimals = exponent(amount.currency)
    pattern = "¤#,##0" + ("." + "0" * decimals if decimals else "")
    return format_currency(amount.decimal, amount.currency, pattern, locale=LOCALE, currency_digits=False)


def day(value: date | None) -> str:
    """`3 Mar 2026`; a dash for none."""
    return format_date(value, "d MMM y", locale=LOCALE) if value else "–"


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """`3 Mar 2026, 14:05` on the clock of `zone`; a dash for none."""
    return format_datetime(value, "d MMM y, HH:mm", tzinfo=zone, locale=LOCALE) if value else "–"


def late(days_overdue: int) -> str:
    """`12 days late`, `due today`, `due in 3 days`."""
    if days_overdue == 0:
        return "due today"
    count = abs(days_overdue)
    days = "1 day" if count == 1 else f"{count} days"
    return f"{days} late" if days_overdue > 0 else f"due in {days}"


def said(value: str) -> str:
    """A value of a conflict as people read it: days as days, yes and no, `empty` for nothing."""
    if not value:
        return "empty"
    if value in (str(True), str(False)):
        return "yes" if value == str(True) else "no"
    try:
        return day(date.fromisoformat(value))
    except ValueError:
        return value


def counted(count: int, singular: str, plural: str = "") -> str:
    """`1 invoice`, `3 invoices`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"
