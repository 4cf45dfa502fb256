"""Judges reminders by the world's own truth: which were false, which were missed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest

from sandbox.capture import CapturedMail
from sandbox.world.model import Organisation, TrueInvoice

KIND_HEADER = "X-TrueDue-Kind"
GRACE_DAYS = 7
_NUMBER = re.compile(r"INV-\d{5}|(?<![\w/-])(?<!\d\.)\d{5}(?!\w|[./-]\d|,\d{1,3}(?!\d))")
_AMOUNT = re.compile(r"(?<![\d.,/-])\d{1,3}(?:(?:[ ,.'\u00a0\u202f]\d{3})+|\d*)[.,]\d{2}(?![.,/-]?\d)")
_TAGS = re.compile(r"<[^>]+>")
_BLANKS, _SYMBOLS, _CODES = " \u00a0\u202f", {"€": "EUR", "£": "GBP", "$": "USD"}, ("EUR", "GBP", "USD")
Stated = tuple[Decimal, str]  # an amount and its currency, as a message names them; an empty text where it names none


@dataclass(frozen=True)
class Score:
    """`false_reminders` are reasons a person can read, `missed_reminders` name the items: "organisation number"."""

    false_reminders: list[str]
    missed_reminders: list[str]
    reachable_due: int


def is_reminder(mail: CapturedMail) -> bool:
    """Whether a mail asks for money: every mail that does not say by its header that it is of another kind."""
    return mail.headers.get(KIND_HEADER, "reminder") == "reminder"


def judge(
    organisations: Mapping[str, Organisation],
    mails: Iterable[CapturedMail],
    *,
    today: date,
    asks: Callable[[CapturedMail], bool] = is_reminder,
    grace_days: int = GRACE_DAYS,
) -> Score:
    """Score the reminders among `mails`.

    Each mail is judged by the truth at its `order`. An invoice is missed when it is truly due today and reachable, has
    been overdue for at least `grace_days` (before that a policy may still wait), and no reminder names it.
    """
    false: list[str] = []
    named: set[tuple[str, str]] = set()
    for mail in mails:
        if asks(mail):
            for organisation, invoice, stated in mentions(organisations, mail):
                named.add((organisation.key, invoice.number))
                false += _wrongs(organisation, invoice, mail, in_its_currency(invoice, stated))
    due = [
        (organisation.key, invoice.number)
        for organisation in organisations.values()
        for invoice in organisation.invoices.values()
        if invoice.truth.truly_due(today)
        and (today - invoice.due_on).days >= grace_days
        and organisation.customer_of(invoice).reachable
    ]
    return Score(false, [" ".join(key) for key in due if key not in named], len(due))


def mentions(
    organisations: Mapping[str, Organisation], mail: CapturedMail
) -> Iterator[tuple[Organisation, TrueInvoice, list[Stated]]]:
    """Yield each invoice a mail names, with the amounts beside it: of the same line, else up to the next empty line."""
    text = _text(mail)
    beside: defaultdict[str, list[Stated]] = defaultdict(list)
    found = list(_NUMBER.finditer(text))
    for match, following in zip_longest(found, found[1:]):
        rest = text[match.end() : following.start() if following else len(text)].split("\n\n", 1)[0]
        same_line, _, below = rest.partition("\n")
        beside[match.group()] += _amounts(same_line) or _amounts(below)
    for organisation in _addressed(organisations, mail):
        for number, amounts in beside.items():
            if number in organisation.invoices:
                yield organisation, organisation.invoices[number], amounts


def in_its_currency(invoice: TrueInvoice, stated: Iterable[Stated]) -> list[Decimal]:
    """The amounts as they are asked for in an invoice's currency: one in another asks for nothing of it."""
    return [amount if currency in ("", invoice.currency) else Decimal(0) for amount, currency in stated]


def all_amounts(mail: CapturedMail) -> list[Stated]:
    """Every amount that a mail names."""
    return _amounts(_text(mail))


def _text(mail: CapturedMail) -> str:
    return "\n".join((mail.text or _TAGS.sub(" ", mail.html)).splitlines())  # mails end their lines otherwise


def _addressed(organisations: Mapping[str, Organisation], mail: CapturedMail) -> list[Organisation]:
    """The organisations that a recipient is a customer of: plain digits are invoice numbers only there."""
    known = [
        organisation
        for organisation in organisations.values()
        if any(c.knows(address) for c in organisation.customers.values() for address in mail.recipients)
    ]
    return known or list(organisations.values())


def _wrongs(
    organisation: Organisation, invoice: TrueInvoice, mail: CapturedMail, amounts: list[Decimal]
) -> Iterator[str]:
    what = f"{organisation.key} {invoice.number}"
    truth, customer = invoice.truth_at(mail.order), organisation.customer_of(invoice)
    if truth.covered is not None or truth.open <= 0:
        yield f"{what}: covered ({truth.covered or 'nothing open'})"
    elif truth.held is not None:
        yield f"{what}: held ({truth.held})"
    elif truth.due_on >= mail.received_at.date():
        yield f"{what}: not due before {truth.due_on}"
    elif amounts and truth.open not in amounts:
        yield f"{what}: names {', '.join(map(str, amounts))} where {truth.open} is open"
    right = customer.email_at(mail.order)
    if customer.opted_out or set(mail.recipients) != {right}:
        yield f"{what}: sent to {', '.join(mail.recipients)} where the contact is {right or 'nobody'}"


def _amounts(text: str) -> list[Stated]:
    return [
        (Decimal(re.sub(r"\D", "", found.group())).scaleb(-2), _currency(text[: found.start()], text[found.end() :]))
        for found in _AMOUNT.finditer(text)
    ]


def _currency(before: str, after: str) -> str:
    """Which currency is named just before an amount, else just after it; an empty text where none is."""
    before, after = before.rstrip(_BLANKS), after.lstrip(_BLANKS)
    for symbol, code in ((before[-1:], before[-3:]), (after[:1], after[:3])):
        if symbol in _SYMBOLS:
            return _SYMBOLS[symbol]
        if code in _CODES:
            return code
    return ""
