"""Amounts, days and times as people read them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import NumberPattern

from receivables.money import Money, exponent

LOCALE = "en_GB"  # of the staff pages
PATTERNS_KEPT = 256  # currencies in the languages of pages
AMOUNTS_KEPT = 4_096  # written amounts: a page says the same one several times over
DAYS_KEPT = 4_096  # written days: three years of them in each language


def _english(one: str, several: str, count: int) -> str:
    return one if count == 1 else several


@lru_cache(AMOUNTS_KEPT)
def money(amount: Money, locale: str = LOCALE) -> str:
    """`€1,234.50` in `locale`: with the decimals that ISO 4217 gives the currency, so that no minor unit is hidden."""
    pattern, spoken = _pattern(amount.currency, locale)
    return str(pattern.apply(amount.decimal, spoken, currency=amount.currency, currency_digits=False))


@lru_cache(PATTERNS_KEPT)
def _pattern(currency: str, locale: str) -> tuple[NumberPattern, Locale]:
    """Return how an amount is written; a page of many would look it up for each, which takes most of its time."""
    spoken = Locale.parse(locale)
    pattern = copy.copy(spoken.currency_formats["standard"])
    pattern.frac_prec = (exponent(currency),) * 2
    return pattern, spoken


@lru_cache(DAYS_KEPT)
def day(value: date | None, locale: str = LOCALE) -> str:
    """`3 Mar 2026`, as `locale` writes it; a dash for none."""
    return format_date(value, "medium", locale=locale) if value else "–"


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """`3 Mar 2026, 14:05` on the clock of `zone`; a dash for none."""
    return format_datetime(value, "d MMM y, HH:mm", tzinfo=zone, locale=LOCALE) if value else "–"


def late(
    days_overdue: int, *, gettext: Callable[[str], str] = str, ngettext: Callable[[str, str, int], str] = _english
) -> str:
    """`12 days late`, `due today`, `due in 3 days`, in the language of `gettext` and `ngettext`."""
    if days_overdue == 0:
        return gettext("due today")
    count = abs(days_overdue)
    if days_overdue > 0:
        return ngettext("%(num)d day late", "%(num)d days late", count) % {"num": count}
    return ngettext("due in %(num)d day", "due in %(num)d days", count) % {"num": count}


def size(count_bytes: int) -> str:
    """`1.2 MB`, `40 kB`; never less than 1 kB."""
    kilobytes = max(round(count_bytes / 1024), 1)
    return f"{kilobytes} kB" if kilobytes < 1024 else f"{kilobytes / 1024:.1f} MB"


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
