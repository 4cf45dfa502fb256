"""A reminder as a letter: everything that is written on it, before it is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from babel import Locale

from receivables.address import PostalAddress
from reminders.message import Brand, EarlyPayment, Setback, clean, early_payment, news_of, signed_by, spoken
from reminders.payment_code import BankAccount, Code, code_for, reference_of
from reminders.schedule import PlannedReminder
from reminders.wording import wording


class Form(StrEnum):
    """The sheet, its folds and where the envelope's window is."""

    DIN_5008 = "din_5008"
    US_10 = "us_10"


@dataclass(frozen=True, slots=True)
class Letter:
    """Words, each as they are printed. `recipient` is empty where the carrier prints the address itself."""

    sender: tuple[str, ...]
    return_line: str
    recipient: tuple[str, ...]
    date: str
    subject: str
    opening: str
    news: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, str], ...]
    closing: str
    signature: tuple[str, ...]
    payment: tuple[tuple[str, str], ...]
    code: Code
    code_words: str
    page_words: str
    language: str


def write_letter(
    *,
    reminder: PlannedReminder,
    brand: Brand,
    sender: PostalAddress,
    recipient: PostalAddress,
    account: BankAccount | None,
    link: str,
    on: date,
    language: str,
    own_copy: str | None = None,
    setbacks: Sequence[Setback] = (),
    early: Sequence[EarlyPayment] = (),
    prints_address: bool = True,
) -> Letter:
    """Write the letter of `on` in `language`, in the tone of its level; TemplateError as `message.render` raises it.

    `link` is a short address of the payer's page, which somebody can type.
    """
    words = wording(language)
    labels = words.labels["letter"]
    subject, opening, closing = spoken(reminder, brand, words, own_copy)
    reference = reference_of(reminder)
    code = code_for(account=account, totals=reminder.totals, reference=reference, link=link)
    return Letter(
        sender=_on_envelope(sender, home=recipient.country),
        return_line=" · ".join(_on_envelope(sender, home=recipient.country)),
        recipient=_on_envelope(recipient, home=sender.country) if prints_address else (),
        date=words.day(on),
        subject=subject,
        opening=opening,
        news=(
            *(news_of(words, setback, reminder.lines) for setback in setbacks),
            *(early_payment(words, each) for each in early),
        ),
        heads=tuple(labels[name] for name in ("number", "issued_on", "due_on", "invoice_amount", "open_amount")),
        rows=tuple(
            (
                clean(line.number),
                words.day(line.issued_on),
                words.day(line.due_on),
                words.money(line.total),
                words.money(line.amount_due),
            )
            for line in reminder.lines
        ),
        totals=tuple((words.labels["total_to_pay"], words.money(amount)) for amount in reminder.totals),
        closing=closing,
        signature=(words.labels["regards"], signed_by(words, brand), clean(brand.name)),
        payment=_payment(labels, account, reference, link),
        code=code,
        code_words=labels["scan_transfer" if code.fills_transfer else "scan_link"],
        page_words=labels["page"],
        language=words.language,
    )


def _on_envelope(address: PostalAddress, *, home: str) -> tuple[str, ...]:
    """The lines of an address; from abroad its country by name, in capitals, as postal services sort it."""
    lines = address.lines(home=home)
    if address.country == home:
        return lines
    return (*lines[:-1], str(Locale("en").territories.get(address.country, address.country)).upper())


def _payment(
    labels: dict[str, str], account: BankAccount | None, reference: str, link: str
) -> tuple[tuple[str, str], ...]:
    online = (labels["online"], link.partition("://")[2] or link)
    if account is None:
        return (online,)
    transfer = ((labels["account_holder"], account.holder), ("IBAN", account.grouped))
    bic = (("BIC", account.bic),) if account.bic else ()
    return (*transfer, *bic, (labels["reference"], reference), online)
