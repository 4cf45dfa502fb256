"""What of a late charge is still to be asked for: all that it has come to, less what was asked for or waived before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from babel.numbers import format_decimal

from receivables.money import Money
from reminders.business_time import is_business_day, next_business_day
from reminders.late_payment import DAYS_A_YEAR, LateCharge, PartPaid, Span
from reminders.wording import Wording, wording

PAID_LATE_DAYS = 90  # back from today: whoever paid longer ago is not asked for anything any more
MAX_SPANS_SAID = 12  # of the arithmetic on an invoice, the latest: six years of half-years; the page shows all


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided of an invoice's lateness from `since` through `until`: asked for, or waived."""

    since: date
    until: date
    interest: Money
    fixed: Money


@dataclass(frozen=True, slots=True)
class Ask:
    """What can be asked for now: the days from `since` through `until`, and what of the whole was settled before."""

    since: date
    until: date
    whole: LateCharge
    interest: Money
    fixed: Money

    @property
    def total(self) -> Money:
        """Interest and fixed sum together."""
        return self.interest + self.fixed


def paid_late_on(*, due_on: date, paid: Sequence[PartPaid], today: date, country: str | None) -> date | None:
    """Return the day of the last of what was `paid` of an invoice, if it was late and at most PAID_LATE_DAYS ago.

    What is due on no banking day of the creditor's `country` is in time on the next one. Source: Regulation (EEC)
    1182/71 article 3 (4), BGB section 193; elsewhere it is what banks can do.
    """
    last = max((part.on for part in paid), default=due_on)
    in_time = due_on if is_business_day(due_on, country) else next_business_day(due_on, country)
    return last if last > in_time and last >= today - timedelta(days=PAID_LATE_DAYS) else None


def still_to_ask(*, whole: LateCharge, due_on: date, until: date, settled: Sequence[Settled]) -> Ask | None:
    """Return what is left of `whole`, worked out through `until`; None where no day is left, or nothing.

    The difference and not the days of a new period are what counts: a payment that is dated back lowers the next
    charge, and the cents of several periods add up to those of the whole. Less than nothing is never asked for.
    """
    since = max((each.until for each in settled), default=due_on) + timedelta(days=1)
    if since > until:
        return None
    interest, fixed = whole.interest, whole.fixed
    for each in settled:
        interest -= each.interest
        fixed -= each.fixed
    nothing = Money.zero(interest.currency)
    ask = Ask(since, until, whole, max(interest, nothing), max(fixed, nothing))
    return ask if ask.total else None


def charge_lines(*, ask: Ask, number: str, language: str) -> tuple[tuple[str, Money], ...]:
    """Return what the invoice of a charge says of invoice `number`, in `language`: a text and an amount each."""
    words = wording(language)
    labels = words.labels["charge"]
    lines = []
    if ask.interest:
        spans = "; ".join(_span(words, span) for span in ask.whole.spans[-MAX_SPANS_SAID:])
        before = ask.whole.interest - ask.interest
        text = _filled(
            labels["interest"], number=number, since=words.day(ask.since), until=words.day(ask.until), spans=spans
        )
        if before:
            text += " " + _filled(labels["before"], amount=words.money(before))
        lines.append((text, ask.interest))
    if ask.fixed:
        lines.append((_filled(labels["fixed"], number=number), ask.fixed))
    return tuple(lines)


def _span(words: Wording, span: Span) -> str:
    rate = format_decimal(Decimal(span.basis_points) / 100, locale=words.locale)
    return f"{words.money(span.owed)} × {rate} % × {span.days}/{DAYS_A_YEAR}"


def _filled(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
